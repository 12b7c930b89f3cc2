/* Inside vault/keep: what the vault believes about time.
 *
 * A clock more than VAULT_CLOCK_BEHIND_S behind the last archived message, or more than
 * VAULT_CLOCK_AHEAD_S past it while the kernel does not call it synchronised, is not to be trusted:
 * mail is taken under the last good month and marked, and nothing expires. What was archived
 * meanwhile is not noted, or it would vouch for the clock that dated it. Threads: safe.
 */
#pragma once

#include <glib.h>

#define VAULT_CLOCK_BEHIND_S 300
#define VAULT_CLOCK_AHEAD_S (48 * 3600)

typedef struct {
    GMutex lock;
    guint64 (*read_s)(void);           /* NULL: the system clock */
    gboolean (*is_synchronised)(void); /* NULL: the kernel's word */
    guint64 last_archived_s;
} VaultClock;

void vault_clock_init(VaultClock *clock, guint64 (*read_s)(void),
                      gboolean (*is_synchronised)(void));
void vault_clock_clear(VaultClock *clock);
guint64 vault_clock_now_s(const VaultClock *clock);
void vault_clock_note_archived(VaultClock *clock, guint64 archived_s);
/* Also backwards: somebody says that the clock is right (clock_confirm.h). */
void vault_clock_set_archived(VaultClock *clock, guint64 archived_s);
guint64 vault_clock_last_archived_s(VaultClock *clock);

typedef enum { VAULT_CLOCK_GOOD, VAULT_CLOCK_UNSURE } VaultClockTrust;
/* ret_good_s: the time to go by, which is the last archived one while the clock is UNSURE. */
VaultClockTrust vault_clock_judge(VaultClock *clock, guint64 now_s, guint64 *ret_good_s);
