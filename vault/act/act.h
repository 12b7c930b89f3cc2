/* The acts that are asked for, approved and logged, by name. Pure.
 * Source: docs/formats/request.md.
 */
#pragma once

#include <glib.h>

typedef enum {
    VAULT_ACT_SEARCH = 1, /* index keys only: may read the words of */
    VAULT_ACT_READ,
    VAULT_ACT_ERASE,
    VAULT_ACT_SHRED,
    VAULT_ACT_HOLD_REMOVE,
    VAULT_ACT_RETENTION,
    VAULT_ACT_ASSIGN,
    VAULT_ACT_VAULTKEY,
    VAULT_ACT_POLICY,
    VAULT_ACT_RETENTION_OVERRIDE, /* an erasure before the retention minimum has passed */
    VAULT_ACT_END
} VaultAct;

const char *vault_act_name(VaultAct act);
gboolean vault_act_parse(const char *name, VaultAct *ret_act);
/* Search and read are granted by keys; the other acts are done by the host. */
gboolean vault_act_is_granted(VaultAct act);
/* Acts on the whole vault name no mailbox; retention and hold-remove may, their detail says which
 * rule or hold. */
gboolean vault_act_needs_mailbox(VaultAct act);
gboolean vault_act_may_name_mailbox(VaultAct act);
