#include "vault/keep/space.h"

#include "vault/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define ASK_EVERY_US (G_USEC_PER_SEC / 10)

struct VaultSpace {
    GMutex lock;
    char *vault_path;
    char *reserve_path;
    guint64 disk_reserve;
    guint64 free_bytes;
    gint64 asked_us;
    gboolean is_given_up; /* atomic: there is no reserve file now */
};

VaultSpace *vault_space_new(const char *vault_path, guint64 disk_reserve)
{
    VaultSpace *space = g_new0(VaultSpace, 1);

    g_mutex_init(&space->lock);
    space->vault_path = g_strdup(vault_path);
    space->reserve_path = g_build_filename(vault_path, "reserve", NULL);
    space->disk_reserve = disk_reserve;
    space->is_given_up = access(space->reserve_path, F_OK) != 0;
    return space;
}

void vault_space_free(VaultSpace *space)
{
    if (space == NULL)
        return;
    g_mutex_clear(&space->lock);
    g_free(space->vault_path);
    g_free(space->reserve_path);
    g_free(space);
}

guint64 vault_space_free_bytes(VaultSpace *space)
{
    struct statvfs status;

    if (statvfs(space->vault_path, &status) != 0)
        return 0;
    return (guint64)status.f_bavail * status.f_frsize;
}

/* The reserve, too, where it is no file now: what it gave back is not for mail. */
static guint64 kept_bytes(VaultSpace *space)
{
    return space->disk_reserve +
           (g_atomic_int_get(&space->is_given_up) ? VAULT_SPACE_RESERVE_LEN : 0);
}

static guint64 recent_free_bytes(VaultSpace *space)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&space->lock);
    gint64 now_us = g_get_monotonic_time();

    if (space->asked_us == 0 || now_us - space->asked_us >= ASK_EVERY_US) {
        if (g_atomic_int_get(&space->is_given_up))
            vault_space_restore_reserve(space);
        space->free_bytes = vault_space_free_bytes(space);
        space->asked_us = now_us;
    }
    return space->free_bytes;
}

gboolean vault_space_check(VaultSpace *space, guint64 len, GError **error)
{
    guint64 free_bytes, kept;

    if (kept_bytes(space) == 0)
        return TRUE;
    free_bytes = recent_free_bytes(space);
    kept = kept_bytes(space);
    if (free_bytes >= len && free_bytes - len >= kept)
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_NO_SPACE,
                "%s: %" G_GUINT64_FORMAT " bytes are free, %" G_GUINT64_FORMAT
                " are kept back: make room or lower disk_reserve",
                space->vault_path, free_bytes, kept);
    return FALSE;
}

gboolean vault_space_give_up_reserve(VaultSpace *space)
{
    if (unlink(space->reserve_path) != 0)
        return FALSE;
    g_atomic_int_set(&space->is_given_up, TRUE);
    g_message("the disk of %s is full: gave up the reserve file", space->vault_path);
    return TRUE;
}

static gboolean allocate(const char *path)
{
    g_auto(VaultFd) fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0)
        return TRUE; /* it is there, or cannot be: neither is worth another try */
    return fallocate(fd, 0, 0, VAULT_SPACE_RESERVE_LEN) == 0;
}

void vault_space_restore_reserve(VaultSpace *space)
{
    if (access(space->reserve_path, F_OK) == 0)
        return;
    if (vault_space_free_bytes(space) < space->disk_reserve + 4 * (guint64)VAULT_SPACE_RESERVE_LEN)
        return;
    if (!allocate(space->reserve_path)) {
        unlink(space->reserve_path);
        return;
    }
    g_atomic_int_set(&space->is_given_up, FALSE);
}
