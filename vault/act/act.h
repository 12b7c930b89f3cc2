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
    VAULT_ACT_STANDING_READ,      /* all mail under keys made from now on; approved as READ is */
    VAULT_ACT_END,
    VAULT_ACT_COUNTED_END = VAULT_ACT_STANDING_READ /* of those before, a policy has a line each */
} VaultAct;

const char *vault_act_name(VaultAct act);
gboolean vault_act_parse(const char *name, VaultAct *ret_act);
/* Search, read and standing read are granted to a reader; the other acts are done by the host. */
gboolean vault_act_is_granted(VaultAct act);
/* Search and read are granted by keys; a standing reader gets his with each new month. */
gboolean vault_act_has_keys(VaultAct act);
/* Acts on the whole vault name no mailbox; retention, hold-remove and standing read may. */
gboolean vault_act_needs_mailbox(VaultAct act);
gboolean vault_act_may_name_mailbox(VaultAct act);
