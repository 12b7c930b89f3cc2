#include "vault/keep/clock.h"

void vault_clock_init(VaultClock *clock, guint64 (*read_s)(void))
{
    g_mutex_init(&clock->lock);
    clock->read_s = read_s;
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

guint64 vault_clock_last_archived_s(VaultClock *clock)
{
    guint64 last_s;

    g_mutex_lock(&clock->lock);
    last_s = clock->last_archived_s;
    g_mutex_unlock(&clock->lock);
    return last_s;
}

VaultClockTrust vault_clock_judge(VaultClock *clock, guint64 now_s, guint64 *ret_good_s)
{
    guint64 last_s = vault_clock_last_archived_s(clock);
    gboolean is_behind = last_s > VAULT_CLOCK_BEHIND_S && now_s < last_s - VAULT_CLOCK_BEHIND_S;

    *ret_good_s = is_behind ? last_s : now_s;
    return is_behind ? VAULT_CLOCK_UNSURE : VAULT_CLOCK_GOOD;
}
