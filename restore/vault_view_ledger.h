/* What a view listed and released lately: two sets of entries of bounded size.
 *
 * Only what was listed is released, and what may be read are the copies released, and their bodies.
 * Released entries are kept apart from listed ones, so that a long listing meanwhile takes nothing
 * from a reader who has yet to read. Threads: safe.
 */
#pragma once

#include "vault/keep.h"

#define VAULT_VIEW_LEDGER_COUNT_MAX 16384 /* of each set; the oldest goes first */

typedef struct VaultViewLedger VaultViewLedger;
VaultViewLedger *vault_view_ledger_new(void);
void vault_view_ledger_free(VaultViewLedger *ledger);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultViewLedger, vault_view_ledger_free)

void vault_view_ledger_add_listed(VaultViewLedger *ledger, const VaultCopyEntry *entry);
void vault_view_ledger_add_released(VaultViewLedger *ledger, const VaultCopyEntry *entry);
/* An entry listed or released; REFUSED when it is neither. */
gboolean vault_view_ledger_find(VaultViewLedger *ledger, const RecordId *copy_id,
                                VaultCopyEntry *ret_entry, GError **error);
/* Was a copy of that body released? */
gboolean vault_view_ledger_has_body(VaultViewLedger *ledger, const RecordId *body_id);
/* Is this a copy that was released? */
gboolean vault_view_ledger_has_released(VaultViewLedger *ledger, const RecordId *copy_id);
/* Is this a copy that was released, or the body of one? REFUSED when not. */
gboolean vault_view_ledger_check_read(VaultViewLedger *ledger, const RecordId *record_id,
                                      GError **error);
