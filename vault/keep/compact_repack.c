#include "vault/keep/compact_repack.h"

#include "vault/base/bytes.h"
#include "vault/base/file.h"
#include "vault/store/pack_index.h"

#include <fcntl.h>

/* Read at once, where records are smaller. */
#define RUN_LEN (G_GUINT64_CONSTANT(1) << 20)

typedef struct {
    VaultLocator locator;
    gboolean has_locator; /* else nobody can say what it is: kept */
    VaultLife life;
} Judged;

/* Bytes of the pack, as read last. */
typedef struct {
    GByteArray *bytes;
    guint64 offset;
} Run;

typedef struct {
    const VaultRepack *repack;
    const VaultPackFile *source;
    VaultPackCompacted *compacted;
    VaultRepackCounts *counts;
    VaultFd fd;
    Run run;
    char *left; /* why the source is not taken */
    /* RecordId of a message -> VaultLife, by the copies and by the terms copies in this pack. */
    GHashTable *bodies, *terms;
    gboolean has_nameless; /* one whose locator does not open: it may be any body's */
    guint dropped_before;
} Source;

static void source_clear(Source *source)
{
    vault_fd_close(&source->fd);
    g_clear_pointer(&source->run.bytes, g_byte_array_unref);
    g_clear_pointer(&source->left, g_free);
    g_clear_pointer(&source->bodies, g_hash_table_unref);
    g_clear_pointer(&source->terms, g_hash_table_unref);
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
        g_hash_table_insert(bodies, g_memdup2(body_id, VAULT_ID_LEN), body);
    }
    vault_life_add_copy(body, copy);
}

/* A copy in its pack that lives settles it, as nearly always, or one elsewhere that the catalog
 * has. Else it is dead: its copies are, or they left the catalog when they were erased. */
static gboolean judge_body(Source *source, const RecordId *body_id, gboolean is_of_terms,
                           VaultLife *ret_life, GError **error)
{
    const VaultRepack *repack = source->repack;
    const VaultLife *in_pack =
        g_hash_table_lookup(is_of_terms ? source->terms : source->bodies, body_id);

    if (in_pack != NULL && in_pack->state == VAULT_LIFE_LIVE) {
        *ret_life = *in_pack;
        return TRUE;
    }
    if (is_of_terms
            ? !vault_liveness_of_terms(repack->liveness, repack->catalog, body_id, ret_life, error)
            : !vault_liveness_of_body(repack->liveness, repack->catalog, body_id, ret_life, error))
        return FALSE;
    if (ret_life->state == VAULT_LIFE_UNKNOWN && !source->has_nameless)
        ret_life->state = VAULT_LIFE_DEAD;
    return TRUE;
}

static gboolean judge(Source *source, const VaultScannedRecord *record, Judged *verdict,
                      GError **error)
{
    const VaultRepack *repack = source->repack;
    VaultRecordKind kind = record->header.kind;

    verdict->life = (VaultLife){.state = VAULT_LIFE_UNKNOWN};
    verdict->has_locator = vault_record_locator_open(record->header_bytes, &record->header,
                                                     repack->locator_key, &verdict->locator, NULL);
    if (!verdict->has_locator)
        return TRUE;
    if (vault_record_kind_has_leaf(kind))
        return vault_liveness_of_leaf(repack->liveness, &verdict->locator.month_key_id,
                                      verdict->locator.leaf, &verdict->life, error);
    if (kind == VAULT_RECORD_EVENT)
        return vault_liveness_of_event(repack->liveness, &verdict->locator.row_id, &verdict->life,
                                       error);
    return judge_body(
        source, kind == VAULT_RECORD_BODY ? &record->header.record_id : &verdict->locator.body_id,
        kind == VAULT_RECORD_TERMS_BODY, &verdict->life, error);
}

/* A copy of the pack, by the index and its locator. */
static gboolean note_indexed(Source *source, const VaultIndexedRecord *record, GError **error)
{
    const VaultRepack *repack = source->repack;
    VaultLocator locator;
    VaultLife life;
    gboolean is_open;

    if (!vault_pack_index_locator(source->fd, source->source->path, record, repack->locator_key,
                                  &locator, &is_open, error))
        return FALSE;
    source->has_nameless = source->has_nameless || !is_open;
    if (!is_open)
        return TRUE;
    if (!vault_liveness_of_leaf(repack->liveness, &locator.month_key_id, locator.leaf, &life,
                                error))
        return FALSE;
    note_copy(record->kind == VAULT_RECORD_COPY ? source->bodies : source->terms, &locator.body_id,
              &life);
    return TRUE;
}

static gboolean note_kind(Source *source, const GArray *records, VaultRecordKind kind,
                          GError **error)
{
    for (guint i = 0; i < records->len; i++) {
        const VaultIndexedRecord *record = &g_array_index(records, VaultIndexedRecord, i);

        if (record->kind == kind && !note_indexed(source, record, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean has_kind(const GArray *records, VaultRecordKind kind)
{
    for (guint i = 0; i < records->len; i++)
        if (g_array_index(records, VaultIndexedRecord, i).kind == kind)
            return TRUE;
    return FALSE;
}

/* Before anything is judged: all copies of the pack, and, where there is a terms body, all terms
 * copies. In a compacted one they may stand in another group than their body. */
static gboolean note_copies(Source *source, GError **error)
{
    g_autoptr(GArray) records =
        vault_pack_index_load(source->source->path, source->repack->vault_id, error);

    return records != NULL && note_kind(source, records, VAULT_RECORD_COPY, error) &&
           (!has_kind(records, VAULT_RECORD_TERMS_BODY) ||
            note_kind(source, records, VAULT_RECORD_TERMS_COPY, error));
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

/* Small records come many to a read. Borrowed until the next call. */
static const guint8 *read_record(Source *source, const VaultScannedRecord *record, GError **error)
{
    Run *run = &source->run;
    gsize len = (gsize)record->len;
    guint64 left = source->source->len - MIN(source->source->len, record->offset);

    if (record->offset >= run->offset && record->offset - run->offset + len <= run->bytes->len)
        return run->bytes->data + (record->offset - run->offset);
    run->offset = record->offset;
    g_byte_array_set_size(run->bytes, (guint)MAX(len, MIN(RUN_LEN, left)));
    if (vault_file_pread_exact(source->fd, run->bytes->data, run->bytes->len, run->offset,
                               source->source->path, error))
        return run->bytes->data;
    g_byte_array_set_size(run->bytes, 0);
    return NULL;
}

static gboolean keep_record(Source *source, const VaultScannedRecord *record, GError **error)
{
    const guint8 *bytes = read_record(source, record, error);
    g_autoptr(VaultRecord) kept = NULL;

    if (bytes == NULL)
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
    kept->bytes = g_bytes_new(bytes, (gsize)record->len);
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
    for (guint i = 0; source->left == NULL && i < records->len; i++) {
        const VaultScannedRecord *record = &g_array_index(records, VaultScannedRecord, i);
        Judged verdict;

        if (!judge(source, record, &verdict, error))
            return FALSE;
        if (!is_logged(source, record))
            leave(source, "not all of it is logged yet: try again later");
        else if (verdict.life.state == VAULT_LIFE_DEAD)
            drop_record(source, record, &verdict.locator);
        else if (source->source->header.type == VAULT_PACK_STREAM)
            leave(source, "its message may still be read");
        else if (!keep_record(source, record, error))
            return FALSE;
    }
    return TRUE;
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
static gboolean take_records(Source *source, GError **error)
{
    gboolean is_stream = source->source->header.type == VAULT_PACK_STREAM;
    g_autoptr(VaultPackScan) opened =
        vault_pack_scan_open(source->source->path, source->repack->vault_id,
                             is_stream ? VAULT_SCAN_CIPHERTEXTS : VAULT_SCAN_HEADERS, NULL, error);
    VaultScanEvent event = VAULT_SCAN_GROUP;

    if (opened == NULL)
        return FALSE;
    while (event != VAULT_SCAN_END && source->left == NULL) {
        GArray *records = NULL;
        guint64 offset, len;

        if (!vault_pack_scan_next(opened, &event, &records, &offset, &len, error) ||
            !take_event(source, event, records, offset, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean take_source(Source *source, GError **error)
{
    const VaultPackFile *file = source->source;
    gboolean is_stream = file->header.type == VAULT_PACK_STREAM;

    source->fd = open(file->path, O_RDONLY | O_CLOEXEC);
    if (source->fd < 0)
        return vault_error_set_errno(error, errno, "cannot open", file->path);
    if (file->header.type == VAULT_PACK_COMPACTED &&
        !vault_pack_compacted_carry_lists(source->compacted, file->path, &file->header, error))
        return FALSE;
    if ((!is_stream && !note_copies(source, error)) || !take_records(source, error))
        return FALSE;
    if (source->counts->dropped->len == source->dropped_before)
        leave(source, "nothing in it turned out to be dead");
    return TRUE;
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
    source.bodies = g_hash_table_new_full(vault_id_hash, vault_id_equal, g_free, g_free);
    source.terms = g_hash_table_new_full(vault_id_hash, vault_id_equal, g_free, g_free);
    source.dropped_before = dropped_before;
    source.run.bytes = g_byte_array_new();
    if (!take_source(&source, &failure)) {
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
