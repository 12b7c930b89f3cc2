/* Inside vault/keep: is a month key known, dropped, or unknown, and was a leaf of it erased?
 * Remembered for one pass over many records. Threads: one user. */
#pragma once

#include "vault/store/keyring.h"

typedef enum { VAULT_MONTH_LIVE, VAULT_MONTH_DEAD, VAULT_MONTH_UNKNOWN } VaultMonthState;

typedef struct VaultMonthStates VaultMonthStates;
VaultMonthStates *vault_month_states_new(VaultKeyring *keyring);
void vault_month_states_free(VaultMonthStates *states);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultMonthStates, vault_month_states_free)
/* ret_is_first: this month was not asked for before. */
gboolean vault_month_states_get(VaultMonthStates *states, const MonthKeyId *month_key_id,
                                VaultMonthState *ret_state, gboolean *ret_is_first, GError **error);
/* The same of one leaf: DEAD also when it was punctured. */
gboolean vault_month_states_get_leaf(VaultMonthStates *states, const MonthKeyId *month_key_id,
                                     guint32 leaf, VaultMonthState *ret_state,
                                     gboolean *ret_is_first, GError **error);
/* Of a LIVE month, after vault_month_states_get(): zeros otherwise. */
MailboxId vault_month_states_mailbox(VaultMonthStates *states, const MonthKeyId *month_key_id);
