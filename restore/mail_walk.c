#include "restore/mail_walk.h"

#include "vault/base/error.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

struct MailWalk {
    MailSourceOptions options;
    GQueue pending; /* MailWalkFile, files and folders; the next one first */
};

void mail_walk_file_free(MailWalkFile *file)
{
    if (file == NULL)
        return;
    g_free(file->path);
    g_free(file->relative);
    g_free(file);
}

static gboolean add_given(MailWalk *walk, const char *path, GError **error)
{
    MailWalkFile *file;
    struct stat status;

    if (stat(path, &status) != 0)
        return vault_error_set_errno(error, errno, "cannot read", path);
    file = g_new0(MailWalkFile, 1);
    file->path = g_canonicalize_filename(path, NULL);
    file->relative = S_ISDIR(status.st_mode) ? g_strdup("") : g_path_get_basename(file->path);
    file->is_given = TRUE;
    g_queue_push_tail(&walk->pending, file);
    return TRUE;
}

MailWalk *mail_walk_begin(const MailSourceOptions *options, GError **error)
{
    g_autoptr(MailWalk) walk = g_new0(MailWalk, 1);

    walk->options = *options;
    g_queue_init(&walk->pending);
    for (const char *const *path = options->paths; *path != NULL; path++) {
        if (!add_given(walk, *path, error))
            return NULL;
    }
    return g_steal_pointer(&walk);
}

void mail_walk_free(MailWalk *walk)
{
    if (walk == NULL)
        return;
    g_queue_clear_full(&walk->pending, (GDestroyNotify)mail_walk_file_free);
    g_free(walk);
}

static void tell_skipped(MailWalk *walk, const char *path, const char *why)
{
    if (walk->options.skipped != NULL)
        walk->options.skipped(path, why, walk->options.user);
}

static void tell_failed(MailWalk *walk, const char *path, int saved_errno)
{
    g_autoptr(GError) failure = NULL;

    vault_error_set_errno(&failure, saved_errno, "cannot read", path);
    if (walk->options.failed != NULL)
        walk->options.failed(path, failure, walk->options.user);
}

static gint compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static GPtrArray *list_folder(MailWalk *walk, const char *path)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *name;

    if (dir == NULL) {
        tell_failed(walk, path, errno);
        return NULL;
    }
    while ((name = g_dir_read_name(dir)) != NULL)
        g_ptr_array_add(names, g_strdup(name));
    g_ptr_array_sort(names, compare_names);
    return g_steal_pointer(&names);
}

static MailWalkFile *child_of(const MailWalkFile *folder, const char *name)
{
    MailWalkFile *child = g_new0(MailWalkFile, 1);

    child->path = g_build_filename(folder->path, name, NULL);
    child->relative =
        *folder->relative == '\0' ? g_strdup(name) : g_build_filename(folder->relative, name, NULL);
    child->depth = folder->depth + 1;
    return child;
}

/* Puts what the folder holds in front: its files, then its folders. */
static void enter_folder(MailWalk *walk, const MailWalkFile *folder)
{
    g_autoptr(GPtrArray) names = list_folder(walk, folder->path);
    GQueue files = G_QUEUE_INIT, folders = G_QUEUE_INIT;

    if (names == NULL)
        return;
    for (guint i = 0; i < names->len; i++) {
        g_autoptr(MailWalkFile) child = child_of(folder, names->pdata[i]);
        struct stat status;

        if (lstat(child->path, &status) != 0)
            tell_failed(walk, child->path, errno);
        else if (S_ISREG(status.st_mode))
            g_queue_push_tail(&files, g_steal_pointer(&child));
        else if (!S_ISDIR(status.st_mode))
            tell_skipped(walk, child->path, "it is no regular file");
        else if (child->depth > MAIL_SOURCE_DEPTH_MAX)
            tell_skipped(walk, child->path, "folders lie too deep in each other");
        else
            g_queue_push_tail(&folders, g_steal_pointer(&child));
    }
    while (!g_queue_is_empty(&folders))
        g_queue_push_head(&walk->pending, g_queue_pop_tail(&folders));
    while (!g_queue_is_empty(&files))
        g_queue_push_head(&walk->pending, g_queue_pop_tail(&files));
}

MailWalkFile *mail_walk_next(MailWalk *walk)
{
    MailWalkFile *next;

    while ((next = g_queue_pop_head(&walk->pending)) != NULL) {
        g_autoptr(MailWalkFile) file = next;
        struct stat status;

        if (stat(file->path, &status) != 0) {
            tell_failed(walk, file->path, errno);
            continue;
        }
        if (!S_ISDIR(status.st_mode))
            return g_steal_pointer(&file);
        enter_folder(walk, file);
    }
    return NULL;
}
