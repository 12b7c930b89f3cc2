#include "restore/folder_tree.h"

#include "vault/base/error.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
    const char *root;
    FolderTreeVisit visit;
    gpointer user;
} Walk;

static gboolean walk_folder(const Walk *walk, const char *relative, GError **error);

static gboolean walk_entry(const Walk *walk, const char *relative, GError **error)
{
    g_autofree char *path = g_build_filename(walk->root, relative, NULL);
    struct stat status;

    if (lstat(path, &status) != 0)
        return errno == ENOENT || vault_error_set_errno(error, errno, "cannot look at", path);
    if (!S_ISDIR(status.st_mode))
        return walk->visit(relative, FOLDER_TREE_FILE, walk->user, error);
    return walk_folder(walk, relative, error) &&
           walk->visit(relative, FOLDER_TREE_FOLDER, walk->user, error);
}

static gboolean walk_folder(const Walk *walk, const char *relative, GError **error)
{
    g_autofree char *path = g_build_filename(walk->root, relative, NULL);
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *name;

    if (dir == NULL)
        return access(path, F_OK) != 0 ||
               vault_error_set_errno(error, EACCES, "cannot read folder", path);
    while ((name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *child = g_build_filename(relative, name, NULL);

        if (!walk_entry(walk, child, error))
            return FALSE;
    }
    return TRUE;
}

gboolean folder_tree_visit(const char *root, FolderTreeVisit visit, gpointer user, GError **error)
{
    const Walk walk = {.root = root, .visit = visit, .user = user};

    return walk_folder(&walk, "", error);
}

static gboolean remove_one(const char *relative, FolderTreeKind kind, gpointer user, GError **error)
{
    g_autofree char *path = g_build_filename(user, relative, NULL);

    return remove(path) == 0 || errno == ENOENT ||
           vault_error_set_errno(error, errno, "cannot remove", path);
}

gboolean folder_tree_remove(const char *root, GError **error)
{
    if (!folder_tree_visit(root, remove_one, (gpointer)root, error))
        return FALSE;
    return remove(root) == 0 || errno == ENOENT ||
           vault_error_set_errno(error, errno, "cannot remove", root);
}

gboolean folder_tree_make_parent(const char *path, GError **error)
{
    g_autofree char *folder = g_path_get_dirname(path);

    if (g_mkdir_with_parents(folder, 0700) == 0)
        return TRUE;
    return vault_error_set_errno(error, errno, "cannot make folder", folder);
}
