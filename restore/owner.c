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

gboolean restore_owner_enter(const char *vault_path, GError **error)
{
    struct stat status;

    if (geteuid() != 0)
        return TRUE;
    if (stat(vault_path, &status) != 0)
        return vault_error_set_errno(error, errno, "cannot look at the vault", vault_path);
    if (status.st_uid == 0)
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
