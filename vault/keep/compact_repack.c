#include "vault/keep/compact_repack.h"

#include "vault/base/bytes.h"
#include "vault/base/file.h"

#include <fcntl.h>

typedef struct {
    VaultLocator locator;
    gboolean has_locator; /* else nobody can say what it is: kept */
    VaultLife life;
} Judged;

typedef struct {
    const VaultRepack *repack;
    const VaultPackFile *source;
    VaultPackCompacted *compacted;
    VaultRepackCounts *counts;
    VaultFd fd;
    char *left; /* why the source is not taken */
} Source;

static void source_clear(Source *source)
{
    vault_fd_close(&source->fd);
    g_clear_pointer(&source->left, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Source, source_clear)

G_GNUC_PRINTF(2, 3) static void leave(Source *source, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    if (source->left == NULL)
        source->left = g_strdup_vprintf(format, arguments);
    va_end(arguments);
}

/* ---- what is dead --------------------------------------------------------------------------- */

static void note_copy(GHashTable *bodies, const RecordId *body_id, const VaultLife *copy)
{
    VaultLife *body = g_hash_table_lookup(bodies, body_id);

    if (body == NULL) {
        body = g_new0(VaultLife, 1);
        body->state = VAULT_LIFE_UNKNOWN;
        g_hash_table_insert(bodies, (gpointer)body_id, body);
    }
    vault_life_add_copy(body, copy);
}

/* A copy beside it in its group settles it, as nearly always, or all copies that the catalog has;
 * the group's alone count where the catalog has none. */
static gboolean judge_body(const VaultRepack *repack, GHashTable *bodies, const RecordId *body_id,
                           VaultLife *ret_life, GError **error)
{
    const VaultLife *in_group = g_hash_table_lookup(bodies, body_id);

    *ret_life = in_group != NULL ? *in_group : (VaultLife){.state = VAULT_LIFE_UNKNOWN};
    if (ret_life->state == VAULT_LIFE_LIVE)
        return TRUE;
    if (!vault_liveness_of_body(repack->liveness, repack->catalog, body_id, ret_life, error))
        return FALSE;
    if (ret_life->state == VAULT_LIFE_UNKNOWN && in_group != NULL)
        *ret_life = *in_group;
    return TRUE;
}

static gboolean judge_copies(const VaultRepack *repack, const GArray *records, GArray *judged,
                             GHashTable *bodies, GError **error)
{
    for (guint i = 0; i < records->len; i++) {
        const VaultScannedRecord *record = &g_array_index(records, VaultScannedRecord, i);
        Judged *verdict = &g_array_index(judged, Judged, i);
        VaultRecordKind kind = record->header.kind;

        verdict->life.state = VAULT_LIFE_UNKNOWN;
        verdict->has_locator = vault_record_locator_open(
            record->header_bytes, &record->header, repack->locator_key, &verdict->locator, NULL);
        if (!verdict->has_locator || (kind != VAULT_RECORD_COPY && kind != VAULT_RECORD_ADDENDUM &&
                                      kind != VAULT_RECORD_TERMS_COPY))
            continue;
        if (!vault_liveness_of_leaf(repack->liveness, &verdict->locator.month_key_id,
                                    verdict->locator.leaf, &verdict->life, error))
            return FALSE;
        if (kind == VAULT_RECORD_COPY)
            note_copy(bodies, &verdict->locator.body_id, &verdict->life);
    }
    return TRUE;
}

static gboolean judge_others(const VaultRepack *repack, const GArray *records, GArray *judged,
                             GHashTable *bodies, GError **error)
{
    for (guint i = 0; i < records->len; i++) {
        const VaultScannedRecord *record = &g_array_index(records, VaultScannedRecord, i);
        Judged *verdict = &g_array_index(judged, Judged, i);
        VaultRecordKind kind = record->header.kind;
        gboolean is_judged = TRUE;

        if (!verdict->has_locator)
            continue;
        if (kind == VAULT_RECORD_EVENT)
            is_judged = vault_liveness_of_event(repack->liveness, &verdict->locator.row_id,
                                                &verdict->life, error);
        else if (kind == VAULT_RECORD_BODY)
            is_judged =
                judge_body(repack, bodies, &record->header.record_id, &verdict->life, error);
        else if (kind == VAULT_RECORD_TERMS_BODY || kind == VAULT_RECORD_WRAPPER)
            is_judged =
                judge_body(repack, bodies, &verdict->locator.body_id, &verdict->life, error);
        if (!is_judged)
            return FALSE;
    }
    return TRUE;
}

/* Judged, one for each record. */
static GArray *judge_group(const VaultRepack *repack, const GArray *records, GError **error)
{
    g_autoptr(GArray) judged = g_array_sized_new(FALSE, TRUE, sizeof(Judged), records->len);
    g_autoptr(GHashTable) bodies =
        g_hash_table_new_full(vault_id_hash, vault_id_equal, NULL, g_free);

    g_array_set_size(judged, records->len);
    return judge_copies(repack, records, judged, bodies, error) &&
                   judge_others(repack, records, judged, bodies, error)
               ? g_steal_pointer(&judged)
               : NULL;
}

/* ---- taking --------------------------------------------------------------------------------- */

/* Just what was written: its checksum, and the hash that commit record, index and log have. */
static gboolean is_as_written(const VaultScannedRecord *record, const guint8 *bytes)
{
    gsize header_len = record->header.header_len;
    gsize len = (gsize)record->header.ciphertext_len;
    VaultHash hash;

    if (memcmp(bytes, record->header_bytes, header_len) != 0 ||
        vault_crc32c(0, bytes + header_len, len) != record->header.ciphertext_crc)
        return FALSE;
    vault_hash(bytes + header_len, len, &hash);
    vault_record_hash(bytes, header_len, &hash, &hash);
    return memcmp(&hash, &record->hash, sizeof hash) == 0;
}

static gboolean keep_record(Source *source, const VaultScannedRecord *record, GError **error)
{
    g_autofree guint8 *bytes = g_malloc((gsize)record->len);
    g_autoptr(VaultRecord) kept = NULL;

    if (!vault_file_pread_exact(source->fd, bytes, (gsize)record->len, record->offset,
                                source->source->path, error))
        return FALSE;
    if (!is_as_written(record, bytes)) {
        leave(source, "offset %" G_GUINT64_FORMAT ", record %s: it is damaged", record->offset,
              VAULT_ID_TEXT(record->header.record_id));
        return TRUE;
    }
    kept = g_new0(VaultRecord, 1);
    kept->kind = record->header.kind;
    kept->record_id = record->header.record_id;
    kept->hash = record->hash;
    kept->bytes = g_bytes_new_take(g_steal_pointer(&bytes), (gsize)record->len);
    source->counts->kept_count++;
    source->counts->kept_len += record->len;
    return vault_pack_compacted_keep(source->compacted, g_steal_pointer(&kept), error);
}

static void drop_record(Source *source, const VaultScannedRecord *record,
                        const VaultLocator *locator)
{
    const VaultRepackDropped dropped = {.kind = record->header.kind,
                                        .record_id = record->header.record_id,
                                        .repeat_tag = locator->repeat_tag};

    vault_pack_compacted_drop(source->compacted, &record->hash);
    g_array_append_val(source->counts->dropped, dropped);
    source->counts->dropped_len += record->len;
}

/* What a compacted pack and a stream pack hold was logged, or its copies were, before either could
 * be taken. */
static gboolean is_logged(const Source *source, const VaultScannedRecord *record)
{
    const VaultEntryMark *logged = &source->repack->logged;
    const VaultPackHeader *header = &source->source->header;

    if (header->type != VAULT_PACK_GROUPED || header->sequence < logged->sequence)
        return TRUE;
    return VAULT_ID_EQUAL(header->pack_id, logged->pack_id) && record->offset < logged->offset;
}

static gboolean take_group(Source *source, const GArray *records, GError **error)
{
    g_autoptr(GArray) judged = judge_group(source->repack, records, error);

    for (guint i = 0; judged != NULL && source->left == NULL && i < records->len; i++) {
        const VaultScannedRecord *record = &g_array_index(records, VaultScannedRecord, i);
        const Judged *verdict = &g_array_index(judged, Judged, i);
        gboolean is_dead = verdict->life.state == VAULT_LIFE_DEAD;

        if (!is_logged(source, record))
            leave(source, "not all of it is logged yet: try again later");
        else if (is_dead)
            drop_record(source, record, &verdict->locator);
        else if (source->source->header.type == VAULT_PACK_STREAM)
            leave(source, "its message may still be read");
        else if (!keep_record(source, record, error))
            return FALSE;
    }
    return judged != NULL;
}

static gboolean take_event(Source *source, VaultScanEvent event, const GArray *records,
                           guint64 offset, GError **error)
{
    switch (event) {
    case VAULT_SCAN_GROUP:
        return take_group(source, records, error);
    case VAULT_SCAN_CORRUPT:
    case VAULT_SCAN_TORN_TAIL:
        leave(source, "it is damaged at offset %" G_GUINT64_FORMAT, offset);
        return TRUE;
    case VAULT_SCAN_TRAILER:
    case VAULT_SCAN_END:
        return TRUE;
    }
    g_assert_not_reached();
}

/* A stream pack has no index: its record's hash is made from the bytes. */
static gboolean scan(Source *source, GError **error)
{
    gboolean is_stream = source->source->header.type == VAULT_PACK_STREAM;
    g_autoptr(VaultPackScan) opened =
        vault_pack_scan_open(source->source->path, source->repack->vault_id,
                             is_stream ? VAULT_SCAN_CIPHERTEXTS : VAULT_SCAN_HEADERS, NULL, error);
    VaultScanEvent event = VAULT_SCAN_GROUP;

    if (opened == NULL)
        return FALSE;
    if (!is_stream && !vault_pack_scan_is_closed(opened))
        leave(source, "it has no trailer yet: the next start writes it");
    while (event != VAULT_SCAN_END && source->left == NULL) {
        GArray *records = NULL;
        guint64 offset, len;

        if (!vault_pack_scan_next(opened, &event, &records, &offset, &len, error) ||
            !take_event(source, event, records, offset, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean take(Source *source, GError **error)
{
    const VaultPackFile *file = source->source;

    source->fd = open(file->path, O_RDONLY | O_CLOEXEC);
    if (source->fd < 0)
        return vault_error_set_errno(error, errno, "cannot open", file->path);
    return (file->header.type != VAULT_PACK_COMPACTED ||
            vault_pack_compacted_carry_lists(source->compacted, file->path, &file->header,
                                             error)) &&
           scan(source, error);
}

gboolean vault_repack_source(const VaultRepack *repack, const VaultPackFile *file,
                             VaultPackCompacted *compacted, VaultRepackCounts *counts,
                             char **ret_left, GError **error)
{
    g_auto(Source) source = {
        .repack = repack, .source = file, .compacted = compacted, .counts = counts, .fd = -1};
    VaultRepackCounts before = *counts;
    guint dropped_before = counts->dropped->len;
    g_autoptr(GError) failure = NULL;

    *ret_left = NULL;
    if (!vault_pack_compacted_begin_source(compacted, &file->header, error))
        return FALSE;
    /* Damage in a file of ours is its own affair; a disk that is full or fails is everybody's. */
    if (!take(&source, &failure)) {
        if (!g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_CORRUPT)) {
            g_propagate_error(error, g_steal_pointer(&failure));
            return FALSE;
        }
        leave(&source, "%s", failure->message);
    }
    if (source.left == NULL)
        return TRUE;
    g_array_set_size(before.dropped, dropped_before);
    *counts = before;
    *ret_left = g_steal_pointer(&source.left);
    return vault_pack_compacted_abandon_source(compacted, error);
}
