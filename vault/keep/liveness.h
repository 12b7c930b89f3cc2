/* Inside vault/keep: which records can still be opened by somebody, as the keyring says it.
 *
 * Dead is what no key of this vault opens any more: a copy (addendum, terms copy) whose month left
 * a tombstone or whose leaf was punctured, an event whose key's row is gone, a body (wrapper) all
 * of whose known copies are dead, and a terms body all of whose message's terms copies are. Unknown
 * is a copy of a month that the keyring never heard of, and a body that no copy is known of: both
 * are kept. What is dead stays dead; what dies while an object lives may be live to it to the end.
 * Months are remembered, for one pass over many records. Threads: one user. Errors: those of
 * keyring and catalog.
 */
#pragma once

#include "vault/store/catalog.h"
#include "vault/store/keyring.h"

typedef enum { VAULT_LIFE_LIVE, VAULT_LIFE_DEAD, VAULT_LIFE_UNKNOWN } VaultLifeState;

typedef struct {
    VaultLifeState state;
    guint64 died_s; /* DEAD: of a body when its last copy died; 0: not known */
} VaultLife;

typedef struct VaultLiveness VaultLiveness;
VaultLiveness *vault_liveness_new(VaultKeyring *keyring);
void vault_liveness_free(VaultLiveness *liveness);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultLiveness, vault_liveness_free)

gboolean vault_liveness_of_leaf(VaultLiveness *liveness, const MonthKeyId *month_key_id,
                                guint32 leaf, VaultLife *ret_life, GError **error);
/* Whether a leaf of this month was asked for before. */
gboolean vault_liveness_has_month(VaultLiveness *liveness, const MonthKeyId *month_key_id);
/* Whose month it is, once a leaf of it was asked for; zeros unless the keyring has the month. */
MailboxId vault_liveness_mailbox(VaultLiveness *liveness, const MonthKeyId *month_key_id);
gboolean vault_liveness_of_event(VaultLiveness *liveness, const RowId *row_id, VaultLife *ret_life,
                                 GError **error);
/* By the copies that the catalog has of it. */
gboolean vault_liveness_of_body(VaultLiveness *liveness, VaultCatalog *catalog,
                                const RecordId *body_id, VaultLife *ret_life, GError **error);

/* Of the terms bodies of a message, by the terms copies that the catalog has: which of them names
 * which only they say. */
gboolean vault_liveness_of_terms(VaultLiveness *liveness, VaultCatalog *catalog,
                                 const RecordId *body_id, VaultLife *ret_life, GError **error);

/* A body's life from those of its copies, one after the other; begins UNKNOWN, with no copy. Pure.
 */
void vault_life_add_copy(VaultLife *body, const VaultLife *copy);
