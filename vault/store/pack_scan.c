#include "vault/store/pack_search.h"

#include "vault/base/bytes.h"
#include "vault/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

/* Headers lie one body apart: small reads. Ciphertexts are read as they come: large ones. */
#define WINDOW_HEADERS_LEN (32u << 10)
#define WINDOW_CIPHERTEXTS_LEN (1u << 20)

/*   AT_GROUP -> GROUP (stays)
 *            -> CORRUPT -> AT_SALVAGED (only when anything was) -> GROUP -> AT_GROUP
 *            -> TRAILER | TORN_TAIL -> AT_END
 *   AT_STREAM -> GROUP or CORRUPT -> AT_GROUP at the end of the file
 */
typedef enum { AT_GROUP, AT_SALVAGED, AT_STREAM, AT_END } ScanState;

struct VaultPackScan {
    char *path;
    VaultFd fd;
    VaultPackWindow window;
    VaultPackSearch search;
    VaultScanDepth depth;
    ScanState state;
    guint64 position;
    guint64 file_len;
    guint64 stretch_start, stretch_end; /* of the CORRUPT stretch that was salvaged */
    GArray *records;
    VaultHasher *hasher;
    /* Of a closed pack; search.limit is where its trailer starts. */
    gboolean is_closed;
    gboolean is_ended; /* a successor names its end: all before that was acknowledged */
    guint8 *trailer;
    const guint8 *entries;
    gsize entry_count;
};

typedef struct {
    VaultScanEvent kind;
    guint64 offset, len;
} ScanStep;

void vault_pack_scan_free(VaultPackScan *scan)
{
    if (scan == NULL)
        return;
    vault_pack_window_clear(&scan->window);
    vault_fd_close(&scan->fd);
    g_array_unref(scan->records);
    vault_hasher_free(scan->hasher);
    g_free(scan->trailer);
    g_free(scan->path);
    g_free(scan);
}

/* ---- opening -------------------------------------------------------------------------------- */

/* A trailer that fails any check is as none: the groups before it are found without it. */
static gboolean load_trailer(VaultPackScan *scan, const guint8 header[VAULT_PACK_HEADER_LEN],
                             GError **error)
{
    guint8 footer[VAULT_PACK_FOOTER_LEN];
    guint64 start;
    gsize len;

    if (scan->file_len < VAULT_PACK_HEADER_LEN + VAULT_PACK_FOOTER_LEN)
        return TRUE;
    if (!vault_file_pread_exact(scan->fd, footer, sizeof footer, scan->file_len - sizeof footer,
                                scan->path, error))
        return FALSE;
    start = vault_pack_footer_parse(footer, scan->file_len);
    if (start == 0)
        return TRUE;
    len = (gsize)(scan->file_len - start);
    scan->trailer = g_malloc(len);
    if (!vault_file_pread_exact(scan->fd, scan->trailer, len, start, scan->path, error))
        return FALSE;
    scan->is_closed = vault_pack_trailer_parse(header, scan->trailer, len, start, &scan->entries,
                                               &scan->entry_count, NULL);
    if (scan->is_closed)
        scan->search.limit = start;
    return TRUE;
}

/* All of it was on the disk before it had its name: its groups end where the header says. */
static void limit_compacted(VaultPackScan *scan, const VaultPackHeader *header)
{
    guint64 trailer_start =
        header->groups_end + VAULT_PACK_LIST_LEN(header->replaced_count, header->dropped_count);

    if (scan->is_closed && scan->search.limit != trailer_start)
        scan->is_closed = FALSE;
    scan->search.limit = MIN(header->groups_end, scan->file_len);
    scan->is_ended = TRUE;
}

static gboolean open_file(VaultPackScan *scan, GError **error)
{
    struct stat status;

    scan->fd = open(scan->path, O_RDONLY | O_CLOEXEC);
    if (scan->fd < 0 || fstat(scan->fd, &status) != 0)
        return vault_error_set_errno(error, errno, "cannot open", scan->path);
    if (!S_ISREG(status.st_mode)) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT, "%s is not a regular file",
                    scan->path);
        return FALSE;
    }
    scan->file_len = (guint64)status.st_size;
    return TRUE;
}

static gboolean read_pack_header(VaultPackScan *scan, const VaultId *vault_id,
                                 guint8 ret_bytes[VAULT_PACK_HEADER_LEN],
                                 VaultPackHeader *ret_header, GError **error)
{
    if (!vault_file_pread_exact(scan->fd, ret_bytes, VAULT_PACK_HEADER_LEN, 0, scan->path, error))
        return FALSE;
    if (!vault_pack_header_parse(ret_bytes, VAULT_PACK_HEADER_LEN, ret_header, error)) {
        g_prefix_error(error, "%s: ", scan->path);
        return FALSE;
    }
    if (vault_id == NULL || VAULT_ID_EQUAL(*vault_id, ret_header->vault_id))
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT, "%s is a pack of another vault (%s)",
                scan->path, VAULT_ID_TEXT(ret_header->vault_id));
    return FALSE;
}

VaultPackScan *vault_pack_scan_open(const char *path, const VaultId *vault_id, VaultScanDepth depth,
                                    VaultPackHeader *ret_header, GError **error)
{
    g_autoptr(VaultPackScan) scan = g_new0(VaultPackScan, 1);
    guint8 header_bytes[VAULT_PACK_HEADER_LEN];
    VaultPackHeader header;

    scan->path = g_strdup(path);
    scan->fd = -1;
    scan->depth = depth;
    scan->records = g_array_new(FALSE, FALSE, sizeof(VaultScannedRecord));
    scan->hasher = vault_hasher_new();
    scan->position = VAULT_PACK_HEADER_LEN;
    if (!open_file(scan, error) || !read_pack_header(scan, vault_id, header_bytes, &header, error))
        return NULL;
    vault_pack_window_init(&scan->window, scan->fd, scan->path, scan->file_len,
                           depth == VAULT_SCAN_CIPHERTEXTS ? WINDOW_CIPHERTEXTS_LEN
                                                           : WINDOW_HEADERS_LEN);
    scan->search = (VaultPackSearch){
        .window = &scan->window, .pack_id = header.pack_id, .limit = scan->file_len};
    scan->state = header.type == VAULT_PACK_STREAM ? AT_STREAM : AT_GROUP;
    if (header.type != VAULT_PACK_STREAM && !load_trailer(scan, header_bytes, error))
        return NULL;
    if (header.type == VAULT_PACK_COMPACTED)
        limit_compacted(scan, &header);
    if (ret_header != NULL)
        *ret_header = header;
    return g_steal_pointer(&scan);
}

void vault_pack_scan_stop_at(VaultPackScan *scan, guint64 end)
{
    g_assert(scan->position == VAULT_PACK_HEADER_LEN && scan->records->len == 0);
    if (scan->is_closed || scan->is_ended || scan->state == AT_STREAM)
        return;
    scan->file_len = MIN(scan->file_len, MAX(end, VAULT_PACK_HEADER_LEN));
    scan->search.limit = scan->file_len;
    scan->is_ended = TRUE;
}

/* ---- checking records ----------------------------------------------------------------------- */

static gboolean check_ciphertext(VaultPackScan *scan, VaultScannedRecord *record, GError **error)
{
    guint64 offset = record->offset + record->header.header_len;
    guint64 left = record->header.ciphertext_len;
    VaultHash ciphertext_hash;
    guint32 crc = 0;

    while (left > 0) {
        const guint8 *bytes;
        gsize len;

        if (!vault_pack_window_read(&scan->window, offset, 1, &bytes, &len, error))
            return FALSE;
        if (len == 0)
            break;
        len = (gsize)MIN(len, left);
        crc = vault_crc32c(crc, bytes, len);
        vault_hasher_update(scan->hasher, bytes, len);
        offset += len;
        left -= len;
    }
    vault_hasher_finish(scan->hasher, &ciphertext_hash);
    vault_record_hash(record->header_bytes, record->header.header_len, &ciphertext_hash,
                      &record->hash);
    record->is_intact = left == 0 && crc == record->header.ciphertext_crc;
    return TRUE;
}

/* The index entry of the record at `offset`, by halving: entries stand in the order of offsets. */
static gboolean find_entry(const VaultPackScan *scan, guint64 offset,
                           VaultPackIndexEntry *ret_entry)
{
    gsize first = 0, past = scan->entry_count;

    while (first < past) {
        gsize middle = first + (past - first) / 2;

        vault_pack_index_read(scan->entries, middle, ret_entry);
        if (ret_entry->offset == offset)
            return TRUE;
        if (ret_entry->offset < offset)
            first = middle + 1;
        else
            past = middle;
    }
    return FALSE;
}

/* A closed pack's index knows every record's hash: it stands in where no ciphertext is read, and
 * says which record it is that changed where one is. */
static void check_against_index(VaultPackScan *scan, VaultScannedRecord *record)
{
    VaultPackIndexEntry entry;

    if (!find_entry(scan, record->offset, &entry))
        return;
    if (scan->depth == VAULT_SCAN_HEADERS)
        record->hash = entry.hash;
    if (entry.len != record->len || entry.kind != (guint8)record->header.kind ||
        !VAULT_ID_EQUAL(entry.record_id, record->header.record_id) ||
        memcmp(entry.hash.bytes, record->hash.bytes, VAULT_HASH_LEN) != 0)
        record->is_intact = FALSE;
}

static gboolean check_records(VaultPackScan *scan, GError **error)
{
    for (guint i = 0; i < scan->records->len; i++) {
        VaultScannedRecord *record = &g_array_index(scan->records, VaultScannedRecord, i);

        if (scan->depth == VAULT_SCAN_CIPHERTEXTS && !check_ciphertext(scan, record, error))
            return FALSE;
        if (scan->is_closed)
            check_against_index(scan, record);
    }
    return TRUE;
}

/* Whether the records are what their commit record says, as far as the depth lets one know. */
static gboolean group_hash_holds(VaultPackScan *scan, const VaultPackCommit *commit)
{
    gboolean is_intact = TRUE;
    VaultHash hash;

    if (scan->depth == VAULT_SCAN_HEADERS && !scan->is_closed)
        return TRUE;
    for (guint i = 0; i < scan->records->len; i++) {
        const VaultScannedRecord *record = &g_array_index(scan->records, VaultScannedRecord, i);

        is_intact = is_intact && record->is_intact;
        vault_hasher_update(scan->hasher, record->hash.bytes, VAULT_HASH_LEN);
    }
    vault_hasher_finish(scan->hasher, &hash);
    return is_intact && memcmp(hash.bytes, commit->hash.bytes, VAULT_HASH_LEN) == 0;
}

/* ---- groups --------------------------------------------------------------------------------- */

/* Gathers the records from `position` up to a commit record that covers just them. */
static gboolean gather_group(VaultPackScan *scan, gboolean *ret_is_whole,
                             VaultPackCommit *ret_commit, GError **error)
{
    guint64 offset = scan->position;
    VaultSearchResult result;
    VaultScannedRecord record;

    *ret_is_whole = FALSE;
    g_array_set_size(scan->records, 0);
    while (scan->records->len <= VAULT_GROUP_RECORDS_MAX) {
        if (!vault_pack_search_at(&scan->search, offset, &result, &record, error))
            return FALSE;
        if (result == VAULT_SEARCH_NONE)
            return TRUE;
        if (record.header.kind == VAULT_RECORD_COMMIT)
            break;
        g_array_append_val(scan->records, record);
        offset += record.len;
    }
    if (!vault_pack_search_commit_at(&scan->search, offset, &result, ret_commit, error))
        return FALSE;
    *ret_is_whole = result == VAULT_SEARCH_FOUND && ret_commit->start == scan->position &&
                    ret_commit->count == scan->records->len;
    return TRUE;
}

/* The damaged stretch that begins at `position`, if something shows that it was acknowledged. One
 * group is synced before the next is written: so a commit record of a later group shows it, as do
 * a trailer and a successor. Its own commit record alone does not: that may be what reached the
 * disk of a group that was being written. */
static gboolean find_stretch(VaultPackScan *scan, gboolean *ret_is_acknowledged, guint64 *ret_end,
                             GError **error)
{
    VaultSearchResult result;
    VaultPackCommit commit;

    *ret_is_acknowledged = scan->is_closed || scan->is_ended;
    *ret_end = scan->search.limit;
    if (!vault_pack_search_commit(&scan->search, scan->position, &result, &commit, error))
        return FALSE;
    if (result == VAULT_SEARCH_NONE)
        return TRUE;
    if (commit.start > scan->position) {
        *ret_is_acknowledged = TRUE;
        *ret_end = commit.start;
        return TRUE;
    }
    *ret_end = commit.start + commit.len + VAULT_PACK_COMMIT_LEN;
    if (*ret_is_acknowledged)
        return TRUE;
    if (!vault_pack_search_commit(&scan->search, *ret_end, &result, &commit, error))
        return FALSE;
    *ret_is_acknowledged = result == VAULT_SEARCH_FOUND;
    return TRUE;
}

/* Records with an unharmed header in [position, *end). Over the limit of a group the stretch ends
 * early, and the rest of it comes next. */
static gboolean salvage(VaultPackScan *scan, guint64 *end, GError **error)
{
    VaultPackSearch within = scan->search;
    guint64 offset = scan->position;
    VaultScannedRecord record;
    VaultSearchResult result;

    within.limit = *end;
    g_array_set_size(scan->records, 0);
    while (offset < *end) {
        if (scan->records->len == VAULT_GROUP_RECORDS_MAX) {
            *end = offset;
            break;
        }
        if (!vault_pack_search_record(&within, offset, &result, &record, error))
            return FALSE;
        if (result == VAULT_SEARCH_NONE)
            break;
        if (record.header.kind != VAULT_RECORD_COMMIT)
            g_array_append_val(scan->records, record);
        offset = record.offset + record.len;
    }
    return check_records(scan, error);
}

static gboolean step_over_damage(VaultPackScan *scan, ScanStep *step, GError **error)
{
    gboolean is_acknowledged;
    guint64 end;

    if (!find_stretch(scan, &is_acknowledged, &end, error))
        return FALSE;
    if (!is_acknowledged) {
        *step = (ScanStep){VAULT_SCAN_TORN_TAIL, scan->position, scan->file_len - scan->position};
        g_array_set_size(scan->records, 0);
        scan->state = AT_END;
        return TRUE;
    }
    if (!salvage(scan, &end, error))
        return FALSE;
    *step = (ScanStep){VAULT_SCAN_CORRUPT, scan->position, end - scan->position};
    scan->stretch_start = scan->position;
    scan->stretch_end = end;
    scan->position = end;
    scan->state = scan->records->len > 0 ? AT_SALVAGED : AT_GROUP;
    return TRUE;
}

static gboolean step_at_group(VaultPackScan *scan, ScanStep *step, GError **error)
{
    VaultPackCommit commit;
    gboolean is_whole;

    if (scan->position >= scan->search.limit) {
        *step = (ScanStep){scan->is_closed ? VAULT_SCAN_TRAILER : VAULT_SCAN_END, scan->position,
                           scan->file_len - MIN(scan->file_len, scan->position)};
        scan->state = AT_END;
        return TRUE;
    }
    if (!gather_group(scan, &is_whole, &commit, error) || (is_whole && !check_records(scan, error)))
        return FALSE;
    if (!is_whole || !group_hash_holds(scan, &commit))
        return step_over_damage(scan, step, error);
    *step = (ScanStep){VAULT_SCAN_GROUP, scan->position, commit.len + VAULT_PACK_COMMIT_LEN};
    scan->position += step->len;
    return TRUE;
}

/* A stream pack is whole before it gets its name: whatever is wrong in it is damage. */
static gboolean step_at_stream(VaultPackScan *scan, ScanStep *step, GError **error)
{
    VaultScannedRecord record;
    VaultSearchResult result;

    if (!vault_pack_search_at(&scan->search, scan->position, &result, &record, error))
        return FALSE;
    *step = (ScanStep){VAULT_SCAN_CORRUPT, scan->position, scan->file_len - scan->position};
    scan->state = AT_GROUP;
    scan->position = scan->search.limit;
    if (result == VAULT_SEARCH_NONE || record.header.kind == VAULT_RECORD_COMMIT)
        return TRUE;
    g_array_append_val(scan->records, record);
    if (!check_records(scan, error))
        return FALSE;
    if (g_array_index(scan->records, VaultScannedRecord, 0).is_intact && record.len == step->len) {
        step->kind = VAULT_SCAN_GROUP;
        return TRUE;
    }
    scan->stretch_start = step->offset;
    scan->stretch_end = scan->file_len;
    scan->state = AT_SALVAGED;
    return TRUE;
}

static gboolean step(VaultPackScan *scan, ScanStep *ret_step, GError **error)
{
    switch (scan->state) {
    case AT_GROUP:
        return step_at_group(scan, ret_step, error);
    case AT_STREAM:
        return step_at_stream(scan, ret_step, error);
    case AT_SALVAGED:
        *ret_step = (ScanStep){VAULT_SCAN_GROUP, scan->stretch_start,
                               scan->stretch_end - scan->stretch_start};
        scan->state = AT_GROUP;
        return TRUE;
    case AT_END:
        *ret_step = (ScanStep){VAULT_SCAN_END, scan->file_len, 0};
        return TRUE;
    }
    g_assert_not_reached();
}

gboolean vault_pack_scan_is_closed(const VaultPackScan *scan)
{
    return scan->is_closed;
}

void vault_pack_scan_add_indexed(const VaultPackScan *scan, GArray *records)
{
    for (gsize i = 0; scan->is_closed && i < scan->entry_count; i++) {
        VaultPackIndexEntry entry;
        VaultIndexedRecord record;

        vault_pack_index_read(scan->entries, i, &entry);
        record = (VaultIndexedRecord){(VaultRecordKind)entry.kind, entry.offset, entry.len};
        g_array_append_val(records, record);
    }
}

gboolean vault_pack_scan_next(VaultPackScan *scan, VaultScanEvent *ret_event, GArray **ret_records,
                              guint64 *ret_offset, guint64 *ret_len, GError **error)
{
    ScanStep next;

    if (!step(scan, &next, error))
        return FALSE;
    *ret_event = next.kind;
    *ret_offset = next.offset;
    *ret_len = next.len;
    if (ret_records != NULL)
        *ret_records = next.kind == VAULT_SCAN_GROUP ? scan->records : NULL;
    return TRUE;
}
