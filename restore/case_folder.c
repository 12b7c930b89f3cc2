#include "restore/case_folder.h"

#include "vault/base/error.h"
#include "vault/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/file.h>
#include <sys/stat.h>

#define CASE_SUFFIX ".case"
#define LOCK_SUFFIX ".lock"
#define CASE_FILE_LEN_MAX 4096

static gboolean make_private(const char *folder, GError **error)
{
    struct stat status;

    if (g_mkdir_with_parents(folder, 0700) != 0 || g_stat(folder, &status) != 0)
        return vault_error_set_errno(error, errno, "cannot make folder", folder);
    if ((status.st_mode & 077) == 0)
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                "%s is open to others: make it private with \"chmod 700\"", folder);
    return FALSE;
}

static char *vault_folder(const char *state, const VaultId *vault_id)
{
    return g_build_filename(state, "index", VAULT_ID_TEXT(*vault_id), NULL);
}

static char *read_case_id(const char *path)
{
    g_autoptr(GBytes) text = vault_file_read(path, CASE_FILE_LEN_MAX, NULL);

    return text == NULL
               ? NULL
               : g_strchomp(g_strndup(g_bytes_get_data(text, NULL), g_bytes_get_size(text)));
}

/* Says whose index it is, before there is one. */
static gboolean write_case_id(const char *path, const char *case_id, GError **error)
{
    g_autofree char *known = read_case_id(path);
    g_autofree char *line = g_strdup_printf("%s\n", case_id);

    return g_strcmp0(known, case_id) == 0 ||
           vault_file_write(path, line, strlen(line), 0600, VAULT_FILE_REPLACE, error);
}

char *case_folder_make(const char *state, const VaultId *vault_id, const RowId *case_row_id,
                       const char *case_id, GError **error)
{
    g_autofree char *parent = vault_folder(state, vault_id);
    g_autofree char *folder = g_build_filename(parent, VAULT_ID_TEXT(*case_row_id), NULL);
    g_autofree char *label = g_strconcat(folder, CASE_SUFFIX, NULL);

    if (!make_private(state, error) || !make_private(parent, error) ||
        !write_case_id(label, case_id, error) || !make_private(folder, error))
        return NULL;
    return g_steal_pointer(&folder);
}

static int lock_of(int fd, CaseFolderPatience patience)
{
    int result;

    do
        result = flock(fd, LOCK_EX | (patience == CASE_FOLDER_NOW ? LOCK_NB : 0));
    while (result != 0 && errno == EINTR);
    return result;
}

VaultFd case_folder_lock(const char *folder, CaseFolderPatience patience, GError **error)
{
    g_autofree char *path = g_strconcat(folder, LOCK_SUFFIX, NULL);
    g_auto(VaultFd) fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    VaultFd locked;

    if (fd < 0) {
        vault_error_set_errno(error, errno, "cannot open", path);
        return -1;
    }
    if (lock_of(fd, patience) != 0) {
        if (errno == EWOULDBLOCK)
            g_set_error(error, VAULT_ERROR, VAULT_ERROR_BUSY, "%s is held by another search", path);
        else
            vault_error_set_errno(error, errno, "cannot lock", path);
        return -1;
    }
    locked = fd;
    fd = -1;
    return locked;
}

gboolean case_folder_empty(const char *folder, GError **error)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *name;

    while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *path = g_build_filename(folder, name, NULL);

        if (g_unlink(path) != 0 && errno != ENOENT)
            return vault_error_set_errno(error, errno, "cannot remove", path);
    }
    return TRUE;
}

static gboolean remove_index(const char *parent, const char *label_name, GError **error)
{
    g_autofree char *label = g_build_filename(parent, label_name, NULL);
    g_autofree char *folder = g_strndup(label, strlen(label) - strlen(CASE_SUFFIX));
    g_autofree char *lock = g_strconcat(folder, LOCK_SUFFIX, NULL);

    if (!case_folder_empty(folder, error))
        return FALSE;
    if (g_rmdir(folder) != 0 && errno != ENOENT)
        return vault_error_set_errno(error, errno, "cannot remove", folder);
    if (g_unlink(lock) != 0 && errno != ENOENT)
        return vault_error_set_errno(error, errno, "cannot remove", lock);
    /* Last: what was broken off is found again. */
    return g_unlink(label) == 0 || vault_error_set_errno(error, errno, "cannot remove", label);
}

gboolean case_folder_remove(const char *state, const VaultId *vault_id, const char *case_id,
                            guint *ret_count, GError **error)
{
    g_autofree char *parent = vault_folder(state, vault_id);
    g_autoptr(GDir) dir = g_dir_open(parent, 0, NULL);
    const char *name;

    *ret_count = 0;
    while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *path = g_build_filename(parent, name, NULL);
        g_autofree char *known = g_str_has_suffix(name, CASE_SUFFIX) ? read_case_id(path) : NULL;

        if (g_strcmp0(known, case_id) != 0)
            continue;
        if (!remove_index(parent, name, error))
            return FALSE;
        (*ret_count)++;
    }
    return TRUE;
}
