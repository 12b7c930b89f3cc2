/* What compaction asks of the catalog, and changes in it.
 *
 * A record that moved is moved in the catalog, a dead one dropped, and the packs that were replaced
 * are forgotten, all in one transaction: so whoever reads finds each record at one place that is
 * there. Errors and threads as in catalog.h.
 */
#pragma once

#include "vault/store/catalog.h"

/* ---- reading -------------------------------------------------------------------------------- */

typedef struct {
    VaultRecordKind kind;
    RecordId subject; /* the body that it is or belongs to; of an event the keyring row's id */
    PackId pack_id;
    guint64 len;
    MonthKeyId month_key_id; /* copy, addendum, terms-copy */
    guint32 leaf;
} VaultCatalogItem;

/* Ids are random: `count` slices of the space of subjects are of nearly one size. */
#define VAULT_CATALOG_SLICES_MAX 65536
/* Replaces `items` (GArray of VaultCatalogItem) by all records whose subject lies in slice `number`
 * of `count`: copies, then bodies, then others. */
gboolean vault_catalog_slice(VaultCatalog *catalog, guint number, guint count, GArray *items,
                             GError **error);

/* ---- inside a transaction ------------------------------------------------------------------- */

/* The record lies here now; it is added when the catalog did not have it. */
gboolean vault_catalog_move(VaultCatalog *catalog, const VaultCatalogRow *row, guint64 tags_since_s,
                            gboolean *ret_was_there, GError **error);
/* `place` of the row does not count. */
gboolean vault_catalog_drop(VaultCatalog *catalog, const VaultCatalogRow *row,
                            gboolean *ret_was_there, GError **error);
/* The pack is gone: no record may be left in it when vault_catalog_forget_replaced() is called. */
gboolean vault_catalog_replace_pack(VaultCatalog *catalog, const PackId *pack_id,
                                    gboolean *ret_was_there, GError **error);
/* Drops what is left in packs that were replaced: reads all of the catalog. */
gboolean vault_catalog_purge_replaced(VaultCatalog *catalog, GError **error);
gboolean vault_catalog_forget_replaced(VaultCatalog *catalog, GError **error);
