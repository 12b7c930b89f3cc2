/* The keyring as one file, for copies of it. */
#include "vault/base/file.h"
#include "vault/store/keyring_rows.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static gboolean copy_into(const VaultKeyring *keyring, const char *path, GError **error)
{
    /* Not the keyring's own connection, which changes wait for. */
    g_autoptr(VaultSql) sql = vault_sql_open(keyring->path, VAULT_SQL_READ, NULL, 0, error);

    return sql != NULL && vault_sql_copy_into(sql, path, error);
}

static gboolean sync_file(const char *path, GError **error)
{
    g_auto(VaultFd) fd = open(path, O_RDONLY | O_CLOEXEC);
    g_autofree char *directory = g_path_get_dirname(path);

    if (fd < 0)
        return vault_error_set_errno(error, errno, "cannot open", path);
    return vault_file_sync(fd, path, error) && vault_file_sync_directory(directory, error);
}

gboolean vault_keyring_snapshot(VaultKeyring *keyring, const char *path, GError **error)
{
    /* Ours before SQLite writes into it: nobody else may read, and nothing is overwritten. */
    VaultFd fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0)
        return vault_error_set_errno(error, errno, "cannot create", path);
    vault_fd_close(&fd);
    if (copy_into(keyring, path, error) && sync_file(path, error))
        return TRUE;
    unlink(path);
    return FALSE;
}

void vault_keyring_vault_key(VaultKeyring *keyring, VaultKey *ret_key)
{
    VAULT_KEYRING_LOCK(keyring);

    *ret_key = *keyring->vault_key;
}
