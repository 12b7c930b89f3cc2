#include "archived/owner.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

gboolean archived_become_owner(const char *vault_path, GError **error)
{
    struct stat status;
    const struct passwd *owner;

    if (stat(vault_path, &status) != 0)
        return vault_error_set_errno(error, errno, "cannot look at", vault_path);
    if (geteuid() != 0 || status.st_uid == 0)
        return TRUE;
    owner = getpwuid(status.st_uid);
    if ((owner != NULL ? initgroups(owner->pw_name, status.st_gid) : setgroups(0, NULL)) != 0 ||
        setgid(status.st_gid) != 0 || setuid(status.st_uid) != 0)
        return vault_error_set_errno(error, errno, "cannot become the owner of", vault_path);
    return TRUE;
}
