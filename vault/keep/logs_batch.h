/* Inside vault/keep: what was stored, on its way into the archive log.
 *
 * The hashes of committed records wait in memory until the next batch takes them. Where that list
 * does not begin where the last batch ended (after a start, a failure, or when it grew too long),
 * the batch reads the packs instead, from the last batch's mark up to what was committed: so no
 * record is left out and none is in two batches. A commit only appends to the list. Threads: safe.
 * Errors: those of logs.h and of reading packs.
 */
#pragma once

#include "vault/keep/logs.h"
#include "vault/store/catalog.h"

/* Hashes that wait (3 MiB); when more come, the packs are read. */
#define VAULT_LOGS_WAITING_MAX 100000

typedef struct VaultLogsBatch VaultLogsBatch;

typedef struct {
    VaultLogs *logs;   /* borrowed */
    const char *packs; /* the folder */
    const VaultId *vault_id;
    const LocatorKey *locator_key; /* borrowed, like the next */
    VaultCatalog *catalog;         /* finds stream packs */
    /* Up to where the packs had been committed when the writer started. */
    VaultEntryMark end;
} VaultLogsBatchOptions;
VaultLogsBatch *vault_logs_batch_new(const VaultLogsBatchOptions *options);
void vault_logs_batch_free(VaultLogsBatch *batch);

/* A durable group, in commit order: VaultRecord with places. */
void vault_logs_batch_note(VaultLogsBatch *batch, GPtrArray *records);
/* `is_empty_wanted`: a batch is logged also when there is nothing new. The catalog holds all that
 * was committed before. */
gboolean vault_logs_batch_run(VaultLogsBatch *batch, gboolean is_empty_wanted, guint64 now_s,
                              GError **error);

/* logs_scan.c: appends the hashes (VaultHash) of the records between the two marks, pack by pack.
 * `taken` is called after each pack with the mark that was reached, and may empty the array. */
typedef struct {
    const char *packs;
    const VaultId *vault_id;
    const LocatorKey *locator_key;
    VaultCatalog *catalog;
    VaultEntryMark from, to;
    GArray *hashes;
    gboolean (*taken)(const VaultEntryMark *reached, gpointer user, GError **error);
    gpointer user;
} VaultLogsScan;
gboolean vault_logs_scan(const VaultLogsScan *scan, GError **error);
/* The sequence of a grouped pack, from its file's name. NOT_FOUND. */
gboolean vault_logs_pack_sequence(const char *packs, const PackId *pack_id, guint64 *ret_sequence,
                                  GError **error);
