#include "vault/keep/clock.h"

#include <sys/timex.h>

void vault_clock_init(VaultClock *clock, guint64 (*read_s)(void), gboolean (*is_synchronised)(void))
{
    g_mutex_init(&clock->lock);
    clock->read_s = read_s;
    clock->is_synchronised = is_synchronised;
    clock->last_archived_s = 0;
}

void vault_clock_clear(VaultClock *clock)
{
    g_mutex_clear(&clock->lock);
}

guint64 vault_clock_now_s(const VaultClock *clock)
{
    return clock->read_s != NULL ? clock->read_s() : (guint64)(g_get_real_time() / G_USEC_PER_SEC);
}

void vault_clock_note_archived(VaultClock *clock, guint64 archived_s)
{
    g_mutex_lock(&clock->lock);
    clock->last_archived_s = MAX(clock->last_archived_s, archived_s);
    g_mutex_unlock(&clock->lock);
}

void vault_clock_set_archived(VaultClock *clock, guint64 archived_s)
{
    g_mutex_lock(&clock->lock);
    clock->last_archived_s = archived_s;
    g_mutex_unlock(&clock->lock);
}

guint64 vault_clock_last_archived_s(VaultClock *clock)
{
    guint64 last_s;

    g_mutex_lock(&clock->lock);
    last_s = clock->last_archived_s;
    g_mutex_unlock(&clock->lock);
    return last_s;
}

/* A kernel that does not answer (a sandbox that hides the clock) does not vouch for it either. */
static gboolean is_synchronised(const VaultClock *clock)
{
    struct timex status = {.modes = 0};

    if (clock->is_synchronised != NULL)
        return clock->is_synchronised();
    return adjtimex(&status) >= 0 && (status.status & STA_UNSYNC) == 0;
}

VaultClockTrust vault_clock_judge(VaultClock *clock, guint64 now_s, guint64 *ret_good_s)
{
    guint64 last_s = vault_clock_last_archived_s(clock);
    gboolean is_behind = last_s > VAULT_CLOCK_BEHIND_S && now_s < last_s - VAULT_CLOCK_BEHIND_S;
    gboolean is_ahead = last_s > 0 && now_s > last_s && now_s - last_s > VAULT_CLOCK_AHEAD_S &&
                        !is_synchronised(clock);

    *ret_good_s = is_behind || is_ahead ? last_s : now_s;
    return is_behind || is_ahead ? VAULT_CLOCK_UNSURE : VAULT_CLOCK_GOOD;
}
