/* Inside recovery*.c only: what a recovery knows while it reads the packs, and what its parts do
 * for one another. recovery_records.c judges single records, recovery_streams.c stream packs,
 * recovery.c the rest. */
#pragma once

#include "vault/keep/liveness.h"
#include "vault/keep/pack_files.h"
#include "vault/keep/recovery.h"

typedef struct {
    const VaultRecoveryOptions *options;
    VaultRecoveryResult *result;
    VaultLiveness *liveness;
    GHashTable *streams; /* RecordId: what the stream packs that are not catalogued are of */
    GHashTable *named;   /* RecordId: those of `streams` that a committed copy names */
    guint rows;          /* in the open transaction */
    guint64 done_bytes, all_bytes;
    guint damage_count; /* places where a copy that names a stream pack may have been lost */
    gboolean is_moving; /* the records being read were moved: the catalog has them elsewhere */
} Recovery;

/* A finding: to the callback, else to the log. */
void recovery_report(Recovery *recovery, const char *format, ...) G_GNUC_PRINTF(2, 3);
void recovery_progress(Recovery *recovery, guint64 bytes);

/* FALSE, counted as damage and reported: the locator does not open. */
gboolean recovery_open_row(Recovery *recovery, const PackId *pack_id,
                           const VaultScannedRecord *record, VaultCatalogRow *ret_row);
/* Inside a transaction of the catalog, which it may end to begin another. */
gboolean recovery_take_record(Recovery *recovery, const PackId *pack_id,
                              const VaultScannedRecord *record, GError **error);

/* recovery_compacted.c: a compaction that was under way is finished. Records of a compacted pack
 * that the catalog does not have yet are moved there in it. */
gboolean recovery_take_compacted(Recovery *recovery, const VaultPackFile *file, GError **error);
/* After all packs were read: what was replaced is gone from the catalog, then from the disk. */
gboolean recovery_forget_replaced(Recovery *recovery, GPtrArray *files, GError **error);
gboolean recovery_remove_replaced(Recovery *recovery, GPtrArray *files, GError **error);

/* Reads the stream packs that the catalog does not have yet: VaultPackFile -> their record. */
GHashTable *recovery_find_streams(Recovery *recovery, GPtrArray *files, GError **error);
/* After every copy was seen: into the catalog with those that are named, away with the others. */
gboolean recovery_finish_streams(Recovery *recovery, GHashTable *records, GError **error);
