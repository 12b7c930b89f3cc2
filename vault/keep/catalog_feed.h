/* Inside vault/keep: what was committed on its way into the catalog.
 *
 * Committed groups are pushed to a list in memory, which a thread of its own writes to the catalog
 * in transactions of up to a second or VAULT_FEED_BATCH rows. Whoever asks what is stored asks here
 * first and then the catalog: a row leaves the list only after its transaction. Rows that are lost
 * with the process are read from the packs at the next start. Threads: safe.
 */
#pragma once

#include "vault/keep/space.h"
#include "vault/store/catalog.h"

#define VAULT_FEED_BATCH 4096
/* So many rows (about 35 MiB) and commits wait: the catalog is a cache, but it bounds memory. */
#define VAULT_FEED_WAITING_MAX 100000

typedef struct VaultCatalogFeed VaultCatalogFeed;
VaultCatalogFeed *vault_catalog_feed_new(VaultCatalog *catalog, VaultSpace *space);
/* Stops the thread; what waits is forgotten. */
void vault_catalog_feed_free(VaultCatalogFeed *feed);

void vault_catalog_feed_push(VaultCatalogFeed *feed, GPtrArray *records);
/* BUSY while too much waits. */
gboolean vault_catalog_feed_check(VaultCatalogFeed *feed, GError **error);
/* Everything pushed before is in the catalog when TRUE; else the error of the last try. */
gboolean vault_catalog_feed_flush(VaultCatalogFeed *feed, GError **error);
/* After a flush, once the active pack has its trailer. */
gboolean vault_catalog_feed_complete(VaultCatalogFeed *feed, GError **error);
guint vault_catalog_feed_waiting(VaultCatalogFeed *feed);
/* Older tags are dropped with the next transaction. */
void vault_catalog_feed_set_tags_since(VaultCatalogFeed *feed, guint64 tags_since_s);

/* As vault_catalog_find_repeats(), of the bodies that wait. */
void vault_catalog_feed_find_repeats(VaultCatalogFeed *feed, const DeliveryTag *repeat_tags,
                                     gsize count, GArray *ret_bodies);
/* Appends copies (VaultCatalogCopy, without body_len) of the body that wait. */
void vault_catalog_feed_copies_of(VaultCatalogFeed *feed, const RecordId *body_id,
                                  GArray *ret_copies);
