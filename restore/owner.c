#include "restore/owner.h"

#include "vault/base/error.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* seteuid() drops the effective capabilities and keeps the permitted ones: this one is taken back.
 * Where it is not there (a container without it), only the owner's files can be read. */
static void regain_reading(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {0};

    if (syscall(SYS_capget, &header, sets) != 0)
        return;
    sets[0].effective |= sets[0].permitted & (1u << CAP_DAC_READ_SEARCH);
    (void)syscall(SYS_capset, &header, sets);
}

static gboolean set_closed(const char *vault_path, GError **error)
{
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_IO,
                "%s is closed to this user: run this as the vault's owner, or as root", vault_path);
    return FALSE;
}

static gboolean look(const char *vault_path, struct stat *ret_status, GError **error)
{
    if (stat(vault_path, ret_status) != 0) {
        if (errno == EACCES)
            return set_closed(vault_path, error);
        if (errno != ENOENT && errno != ENOTDIR)
            return vault_error_set_errno(error, errno, "cannot look at the vault", vault_path);
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND, "there is no vault %s", vault_path);
        return FALSE;
    }
    if (!S_ISDIR(ret_status->st_mode)) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND,
                    "%s is no vault: a vault is a folder, made with \"muniment init\"", vault_path);
        return FALSE;
    }
    return access(vault_path, X_OK) == 0 || set_closed(vault_path, error);
}

gboolean restore_owner_check(const char *vault_path, GError **error)
{
    struct stat status;

    return look(vault_path, &status, error);
}

gboolean restore_owner_enter(const char *vault_path, GError **error)
{
    struct stat status;

    if (!look(vault_path, &status, error))
        return FALSE;
    if (geteuid() != 0 || status.st_uid == 0)
        return TRUE;
    if (setegid(status.st_gid) != 0 || seteuid(status.st_uid) != 0)
        return vault_error_set_errno(error, errno, "cannot become the owner of", vault_path);
    regain_reading();
    return TRUE;
}

void restore_owner_leave(void)
{
    uid_t real, effective, saved;

    if (getresuid(&real, &effective, &saved) != 0 || saved != 0 || effective == 0)
        return;
    /* Both were held a moment ago; to go on half-changed would be worse than to stop. */
    g_assert(seteuid(0) == 0 && setegid(getgid()) == 0);
}
