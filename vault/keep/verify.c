#include "vault/keep/internal.h"
#include "vault/keep/liveness.h"
#include "vault/keep/pack_files.h"
#include "vault/keep/verify_log.h"

typedef struct {
    VaultKeep *keep;
    VaultCatalog *catalog; /* NULL: damaged, the packs are checked without */
    VaultVerifyDepth depth;
    const VaultVerifyCallbacks *callbacks;
    VaultVerifyResult *result;
    VaultLiveness *liveness;
    VaultVerifyLog *log; /* NULL: not looked at */
    guint64 all_bytes;
    guint64 matched_count; /* records that the catalog has where they are */
} Verify;

G_GNUC_PRINTF(2, 3) static void report(Verify *verify, const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list arguments;

    va_start(arguments, format);
    text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    verify->result->finding_count++;
    if (verify->callbacks != NULL && verify->callbacks->finding != NULL)
        verify->callbacks->finding(text, verify->callbacks->user);
}

static void report_record(Verify *verify, const VaultPackFile *file,
                          const VaultScannedRecord *record, const char *what)
{
    report(verify, "pack %s, offset %" G_GUINT64_FORMAT ", record %s: %s", file->name,
           record->offset, VAULT_ID_TEXT(record->header.record_id), what);
}

static void progress(Verify *verify, guint64 bytes)
{
    verify->result->byte_count += bytes;
    if (verify->callbacks != NULL && verify->callbacks->progress != NULL)
        verify->callbacks->progress(MIN(verify->result->byte_count, verify->all_bytes),
                                    verify->all_bytes, verify->callbacks->user);
}

/* ---- one record ----------------------------------------------------------------------------- */

static gboolean check_month(Verify *verify, const VaultPackFile *file,
                            const VaultScannedRecord *record, const VaultLocator *locator,
                            gboolean *ret_is_dead, GError **error)
{
    VaultLife life;

    if (!vault_liveness_of_leaf(verify->liveness, &locator->month_key_id, locator->leaf, &life,
                                error))
        return FALSE;
    *ret_is_dead = life.state == VAULT_LIFE_DEAD;
    if (life.state == VAULT_LIFE_UNKNOWN)
        report_record(verify, file, record, "its month key is not in the keyring");
    return TRUE;
}

/* The catalog has to say the same of it; of one that is dead it need not say anything. */
static gboolean check_catalogued(Verify *verify, const VaultPackFile *file,
                                 const VaultScannedRecord *record, gboolean is_dead, GError **error)
{
    g_autoptr(GError) failure = NULL;
    VaultRecordKind kind;
    VaultPlace place;

    if (verify->catalog == NULL)
        return TRUE;
    if (!vault_catalog_find(verify->catalog, &record->header.record_id, &kind, &place, &failure)) {
        if (!g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NOT_FOUND)) {
            g_propagate_error(error, g_steal_pointer(&failure));
            return FALSE;
        }
        if (!is_dead)
            report_record(verify, file, record, "the catalog does not have it");
        return TRUE;
    }
    if (kind != record->header.kind || place.offset != record->offset || place.len != record->len ||
        !VAULT_ID_EQUAL(place.pack_id, file->header.pack_id)) {
        report_record(verify, file, record, "the catalog has it elsewhere or as another kind");
        return TRUE;
    }
    verify->matched_count++;
    return TRUE;
}

static gboolean check_body(Verify *verify, const VaultPackFile *file,
                           const VaultScannedRecord *record, const RecordId *body_id,
                           GError **error)
{
    g_autoptr(GError) failure = NULL;
    VaultRecordKind kind;
    VaultPlace place;

    if (verify->catalog == NULL)
        return TRUE;
    if (vault_catalog_find(verify->catalog, body_id, &kind, &place, &failure)) {
        if (kind != VAULT_RECORD_BODY)
            report_record(verify, file, record, "what it names as its body is none");
        return TRUE;
    }
    if (g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NOT_FOUND)) {
        report_record(verify, file, record, "its body is not there");
        return TRUE;
    }
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
}

static gboolean check_record(Verify *verify, const VaultPackFile *file,
                             const VaultScannedRecord *record, GError **error)
{
    VaultLocator locator;
    gboolean is_dead = FALSE;

    verify->result->record_count++;
    if (!record->is_intact)
        report_record(verify, file, record, "its ciphertext is damaged");
    if (verify->log != NULL)
        vault_verify_log_add(verify->log, &record->hash);
    if (!vault_record_locator_open(record->header_bytes, &record->header, verify->keep->locator_key,
                                   &locator, NULL)) {
        report_record(verify, file, record, "its locator does not open");
        return TRUE;
    }
    if (vault_record_kind_has_leaf(record->header.kind) &&
        !check_month(verify, file, record, &locator, &is_dead, error))
        return FALSE;
    /* Compaction removes a dead body before its copies, or after. */
    if (record->header.kind == VAULT_RECORD_COPY && !is_dead &&
        !check_body(verify, file, record, &locator.body_id, error))
        return FALSE;
    return check_catalogued(verify, file, record, is_dead, error);
}

/* ---- one pack ------------------------------------------------------------------------------- */

/* What lies behind this was not catalogued when the check began: the writer is at it. A stream pack
 * that is not catalogued belongs to a delivery under way, or to one that was never acknowledged. */
static guint64 checked_end(const Verify *verify, const VaultPackFile *file)
{
    if (verify->catalog == NULL)
        return G_MAXUINT64;
    if (!file->is_catalogued)
        return file->has_successor ? G_MAXUINT64 : 0;
    return file->catalogued.state == VAULT_PACK_OPEN ? file->catalogued.end : G_MAXUINT64;
}

static gboolean check_group(Verify *verify, const VaultPackFile *file, const GArray *records,
                            guint64 end, GError **error)
{
    for (guint i = 0; i < records->len; i++) {
        const VaultScannedRecord *record = &g_array_index(records, VaultScannedRecord, i);

        if (record->offset < end && !check_record(verify, file, record, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean check_event(Verify *verify, const VaultPackFile *file, VaultScanEvent event,
                            const GArray *records, guint64 offset, guint64 len, guint64 end,
                            GError **error)
{
    switch (event) {
    case VAULT_SCAN_GROUP:
        progress(verify, len);
        return check_group(verify, file, records, end, error);
    case VAULT_SCAN_CORRUPT:
        progress(verify, len);
        /* A stream pack is whole since it has its name. */
        if (offset < end || file->header.type == VAULT_PACK_STREAM)
            report(verify,
                   "pack %s, offset %" G_GUINT64_FORMAT ": %" G_GUINT64_FORMAT " bytes are damaged",
                   file->name, offset, len);
        return TRUE;
    case VAULT_SCAN_TORN_TAIL:
        /* Normal in the writer's active pack, behind what was catalogued. */
        if (offset >= end || verify->catalog == NULL)
            return TRUE;
        report(verify, "pack %s, offset %" G_GUINT64_FORMAT ": it ends in an unfinished group",
               file->name, offset);
        return TRUE;
    case VAULT_SCAN_TRAILER:
    case VAULT_SCAN_END:
        return TRUE;
    }
    g_assert_not_reached();
}

/* A pack cut just behind a group looks like one that is written to, and once it was sealed off
 * there like any other: a successor's header and the catalog know how much of it there was. */
static void check_pack_end(Verify *verify, const VaultPackFile *file, guint64 good_end,
                           gboolean is_closed)
{
    guint64 known_end = MAX(file->has_successor ? file->successor_end : 0,
                            file->is_catalogued ? file->catalogued.end : 0);

    if (file->header.type == VAULT_PACK_STREAM)
        return;
    if (file->header.type == VAULT_PACK_COMPACTED && (!is_closed || file->replaced == NULL))
        report(verify, "pack %s: its trailer or the list of what it replaces is damaged",
               file->name);
    else if (good_end < known_end)
        report(verify,
               "pack %s, offset %" G_GUINT64_FORMAT ": it is good up to here only, mail was "
               "archived in it up to offset %" G_GUINT64_FORMAT ": restore it from a backup",
               file->name, good_end, known_end);
    else if (is_closed || !file->is_catalogued)
        return;
    else if (file->catalogued.state == VAULT_PACK_SEALED ||
             (file->catalogued.state == VAULT_PACK_COMPLETE && !file->has_successor))
        report(verify, "pack %s: its trailer is damaged or missing", file->name);
}

static gboolean scan_pack(Verify *verify, const VaultPackFile *file, GError **error)
{
    VaultScanDepth depth =
        verify->depth == VAULT_VERIFY_DEEP ? VAULT_SCAN_CIPHERTEXTS : VAULT_SCAN_HEADERS;
    guint64 end = checked_end(verify, file);
    VaultPackHeader header;
    g_autoptr(VaultPackScan) scan =
        vault_pack_scan_open(file->path, &verify->keep->id, depth, &header, error);
    VaultScanEvent event = VAULT_SCAN_GROUP;
    guint64 good_end = VAULT_PACK_HEADER_LEN;
    gboolean is_closed = FALSE;

    if (scan == NULL)
        return FALSE;
    if (file->has_successor)
        vault_pack_scan_stop_at(scan, file->successor_end);
    while (event != VAULT_SCAN_END) {
        GArray *records = NULL;
        guint64 offset, len;

        if (!vault_pack_scan_next(scan, &event, &records, &offset, &len, error) ||
            !check_event(verify, file, event, records, offset, len, end, error))
            return FALSE;
        is_closed = is_closed || event == VAULT_SCAN_TRAILER;
        if (event == VAULT_SCAN_GROUP || event == VAULT_SCAN_CORRUPT)
            good_end = offset + len;
    }
    check_pack_end(verify, file, good_end, is_closed);
    return TRUE;
}

/* A delivery that failed takes its stream pack with it. */
static gboolean is_gone(const VaultPackFile *file, const GError *failure)
{
    return file->header.type == VAULT_PACK_STREAM && !file->is_catalogued &&
           g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NOT_FOUND);
}

static gboolean check_pack(Verify *verify, const VaultPackFile *file, GError **error)
{
    g_autoptr(GError) failure = NULL;

    verify->result->pack_count++;
    if (file->is_replaced) {
        report(verify, "pack %s: what lived in it was moved, and it is still there: %s", file->name,
               "start archived, or run muniment compact");
        return TRUE;
    }
    if (!file->is_readable) {
        report(verify, "pack %s: its header is damaged or was never written", file->name);
        return TRUE;
    }
    if (scan_pack(verify, file, &failure) || is_gone(file, failure))
        return TRUE;
    if (g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_CORRUPT) ||
        g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_UNSUPPORTED) ||
        g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_IO)) {
        report(verify, "pack %s: %s", file->name, failure->message);
        return TRUE;
    }
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
}

static gboolean check_packs(Verify *verify, GPtrArray *files, GError **error)
{
    for (guint i = 0; i < files->len; i++)
        verify->all_bytes += ((const VaultPackFile *)g_ptr_array_index(files, i))->len;
    for (guint i = 0; i < files->len; i++)
        if (!check_pack(verify, g_ptr_array_index(files, i), error))
            return FALSE;
    return TRUE;
}

static gboolean check_missing(Verify *verify, GPtrArray *files, GError **error)
{
    g_autoptr(GArray) packs = NULL;
    g_autoptr(GHashTable) present = g_hash_table_new(vault_id_hash, vault_id_equal);

    /* Also when a catalog made anew has forgotten it. */
    for (guint i = 0; i < files->len; i++) {
        const VaultPackFile *file = g_ptr_array_index(files, i);

        if (file->lacks_predecessor)
            report(verify, "pack %s is missing: pack %s came after it",
                   VAULT_ID_TEXT(file->header.predecessor), file->name);
    }
    if (verify->catalog == NULL)
        return TRUE;
    packs = vault_catalog_packs(verify->catalog, error);
    if (packs == NULL)
        return FALSE;
    for (guint i = 0; i < files->len; i++) {
        VaultPackFile *file = g_ptr_array_index(files, i);

        if (file->is_readable)
            g_hash_table_add(present, &file->header.pack_id);
    }
    for (guint i = 0; i < packs->len; i++) {
        const VaultCatalogPack *pack = &g_array_index(packs, VaultCatalogPack, i);

        /* Of a pack that came after the folder was read the end is not known to have been there. */
        if (pack->state != VAULT_PACK_OPEN && !g_hash_table_contains(present, &pack->pack_id))
            report(verify, "pack %s is missing: the catalog has records in it",
                   VAULT_ID_TEXT(pack->pack_id));
    }
    return TRUE;
}

/* ---- keyring -------------------------------------------------------------------------------- */

static gboolean ignore_value(const RowId *row_id, const GByteArray *value, gpointer user,
                             GError **error)
{
    return TRUE;
}

static gboolean ignore_mailbox(const VaultMailboxValue *mailbox, gpointer user, GError **error)
{
    return TRUE;
}

static gboolean ignore_month(const VaultMonthValue *month, gpointer user, GError **error)
{
    return TRUE;
}

/* Every value opens in its place. The first that does not names itself and ends its table. */
static gboolean check_keyring(Verify *verify, GError **error)
{
    VaultKeyring *keyring = verify->keep->keyring;
    GError *failures[VAULT_KEYRING_TABLE_COUNT + 3] = {NULL};
    gsize count = 0;

    vault_keyring_check(keyring, &failures[count++]);
    for (guint table = 0; table < VAULT_KEYRING_TABLE_COUNT; table++)
        vault_keyring_each(keyring, (VaultKeyringTable)table, ignore_value, NULL,
                           &failures[count++]);
    vault_keyring_each_mailbox(keyring, ignore_mailbox, NULL, &failures[count++]);
    vault_keyring_each_month(keyring, NULL, ignore_month, NULL, &failures[count++]);
    for (gsize i = 0; i < count; i++) {
        if (failures[i] != NULL)
            report(verify, "keyring: %s", failures[i]->message);
        g_clear_error(&failures[i]);
    }
    return TRUE;
}

/* ---- the catalog's own counts ---------------------------------------------------------------- */

static guint64 all_records(const VaultCatalogTotals *totals)
{
    return totals->message_count + totals->copy_count + totals->other_count;
}

static void check_catalog_file(Verify *verify)
{
    g_autoptr(GError) damage = NULL;

    verify->catalog = verify->keep->reading;
    if (vault_catalog_check(verify->catalog, &damage))
        return;
    report(verify, "catalog: %s", damage->message);
    verify->catalog = NULL;
}

/* Before the packs are read: what comes to the catalog meanwhile must not hide what is too many. */
static gboolean count_catalogued(Verify *verify, guint64 *ret_count, GError **error)
{
    VaultCatalogTotals totals, rows, later;
    guint64 mislinked_count;

    *ret_count = 0;
    if (verify->catalog == NULL)
        return TRUE;
    if (!vault_catalog_totals(verify->catalog, &totals, error) ||
        !vault_catalog_count_rows(verify->catalog, &rows, error) ||
        !vault_catalog_totals(verify->catalog, &later, error) ||
        !vault_catalog_count_mislinked(verify->catalog, &mislinked_count, error))
        return FALSE;
    if (mislinked_count > 0)
        report(verify,
               "catalog: %" G_GUINT64_FORMAT
               " copies have other terms than it has records of: run muniment rebuild",
               mislinked_count);
    /* In between the writer may have added some. */
    if (all_records(&rows) < all_records(&totals) || all_records(&rows) > all_records(&later))
        report(verify, "catalog: its totals are not what its rows add up to: run muniment rebuild");
    *ret_count = all_records(&rows);
    return TRUE;
}

/* ---- the log -------------------------------------------------------------------------------- */

static void report_text(const char *text, gpointer user)
{
    report(user, "%s", text);
}

/* A vault may have none yet; one that had and is damaged is a finding. */
static VaultVerifyLog *open_log(Verify *verify)
{
    GPtrArray *logs = g_ptr_array_new_with_free_func((GDestroyNotify)vault_log_reader_close);
    g_autoptr(GError) failure = NULL;
    guint32 epoch = 0;

    if (vault_keep_log_epoch(verify->keep, &epoch, &failure)) {
        for (guint32 i = 1; i <= epoch && failure == NULL; i++) {
            VaultLogReader *log =
                vault_keep_log_reader(verify->keep, VAULT_LOG_ARCHIVE, i, &failure);

            if (log != NULL)
                g_ptr_array_add(logs, log);
        }
    }
    if (failure != NULL && !g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NOT_FOUND))
        report(verify, "archive log: %s", failure->message);
    return vault_verify_log_new(logs);
}

/* What is damaged is not what was logged: the log is asked once nothing else is wrong. */
static gboolean check_log(Verify *verify, GPtrArray *files, GError **error)
{
    return verify->log == NULL || verify->result->finding_count > 0 || verify->catalog == NULL ||
           vault_verify_log_run(verify->log, files, report_text, verify, error);
}

/* ---- all of it ------------------------------------------------------------------------------ */

gboolean vault_keep_verify(VaultKeep *keep, VaultVerifyDepth depth,
                           const VaultVerifyCallbacks *callbacks, VaultVerifyResult *ret_result,
                           GError **error)
{
    Verify verify = {.keep = keep, .depth = depth, .callbacks = callbacks, .result = ret_result};
    g_autoptr(VaultLiveness) liveness = vault_liveness_new(keep->keyring);
    g_autoptr(VaultVerifyLog) log = NULL;
    g_autoptr(GPtrArray) files = NULL;
    g_auto(VaultFd) lock = -1;
    guint64 catalogued_count;

    memset(ret_result, 0, sizeof *ret_result);
    verify.liveness = liveness;
    if (!vault_packs_lock(keep->packs_path, VAULT_PACKS_STAY, &lock, error))
        return FALSE;
    if (depth == VAULT_VERIFY_DEEP)
        verify.log = log = open_log(&verify);
    vault_keep_catch_up(keep);
    check_catalog_file(&verify);
    if (!check_keyring(&verify, error) || !count_catalogued(&verify, &catalogued_count, error))
        return FALSE;
    files = vault_pack_files_list(keep->packs_path, &keep->id, verify.catalog, error);
    if (files == NULL || !check_packs(&verify, files, error) ||
        !check_missing(&verify, files, error))
        return FALSE;
    if (verify.matched_count < catalogued_count)
        report(&verify,
               "catalog: it has %" G_GUINT64_FORMAT
               " records that no pack holds in that place: run muniment rebuild",
               catalogued_count - verify.matched_count);
    return check_log(&verify, files, error);
}
