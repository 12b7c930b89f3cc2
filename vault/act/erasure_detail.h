/* The line "detail" of a request to erase or to shred: what the scope does not say.
 *
 *   erase   everywhere | mailboxes      of every owner, repeats included | of those named alone
 *   shred   mailbox | months            all of it, and it is closed | the months of the period
 *
 * then, in this order, "skip-held" and "override-retention", each after a space. One form each.
 * Pure functions. Errors: MALFORMED. Source: docs/formats/request.md.
 */
#pragma once

#include "vault/act/act.h"

typedef enum { VAULT_ERASURE_REACH_ALL, VAULT_ERASURE_REACH_PART } VaultErasureReach;

typedef struct {
    VaultErasureReach reach;
    gboolean skips_held; /* of erase only */
    gboolean overrides_retention;
} VaultErasureDetail;

char *vault_erasure_detail_format(VaultAct act, const VaultErasureDetail *detail);
gboolean vault_erasure_detail_parse(VaultAct act, const char *text, VaultErasureDetail *ret_detail,
                                    GError **error);
