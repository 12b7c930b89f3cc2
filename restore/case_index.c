#include "restore/case_index.h"

#include "restore/case_content.h"
#include "restore/case_folder.h"
#include "restore/progress.h"
#include "restore/terms_scan.h"
#include "restore/verb.h"
#include "vault/base/bytes.h"

/* What the index keeps for us between two scans:
 *   version u8 2 | has content u8 | coverage u64 | catalog mark u64 | sequence u64 | read u64 |
 *   without u64 | failed u64 | unread u64 */
#define POSITION_VERSION 2
#define POSITION_LEN 58

typedef struct {
    gboolean has_content; /* of the grant that it was made under */
    guint64 coverage;     /* of the last scan */
    VaultTermsPosition list;
    guint64 read_count, without_count, failed_count;
    guint64 unread_count; /* could not be read, then: nothing was wrong with them */
} CasePosition;

/* One update under way. Threads of the scan add to the writer and count under the lock. */
typedef struct {
    const CaseIndexOptions *options;
    SearchIndex *index;        /* what is known */
    SearchIndexWriter *writer; /* what is new */
    CasePosition position;
    GArray *without;          /* VaultTermsEntry that have no terms, all copies */
    GArray *without_ids;      /* RecordId of their bodies, each once */
    GHashTable *without_seen; /* the same */
    GAsyncQueue *parsers;     /* IngestTermsParser that no thread uses */
    GMutex lock;
    guint64 added_count;
    Progress *progress;
} CaseUpdate;

static CaseUpdate *case_update_new(const CaseIndexOptions *options, SearchIndex *index)
{
    CaseUpdate *update = g_new0(CaseUpdate, 1);

    update->options = options;
    update->index = index;
    update->without = g_array_new(FALSE, FALSE, sizeof(VaultTermsEntry));
    update->without_ids = g_array_new(FALSE, FALSE, sizeof(RecordId));
    update->without_seen = g_hash_table_new_full(vault_id_hash, vault_id_equal, g_free, NULL);
    update->parsers = g_async_queue_new_full((GDestroyNotify)ingest_terms_parser_free);
    g_mutex_init(&update->lock);
    update->progress = progress_begin(options->verb, "messages", 0);
    return update;
}

static void case_update_free(CaseUpdate *update)
{
    if (update == NULL)
        return;
    search_index_writer_free(update->writer);
    search_index_free(update->index);
    g_array_unref(update->without);
    g_array_unref(update->without_ids);
    g_hash_table_unref(update->without_seen);
    g_async_queue_unref(update->parsers);
    g_mutex_clear(&update->lock);
    progress_free(update->progress);
    g_free(update);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CaseUpdate, case_update_free)

/* ---- position -------------------------------------------------------------------------------- */

/* Of another version: zeros, and the list begins anew. */
static void position_parse(GBytes *bytes, CasePosition *ret_position)
{
    CasePosition position = {0};
    VaultBytesReader in;
    gsize len;
    const guint8 *start = bytes == NULL ? NULL : g_bytes_get_data(bytes, &len);

    *ret_position = position;
    if (start == NULL)
        return;
    vault_bytes_reader_init(&in, start, len);
    if (vault_bytes_read_u8(&in) != POSITION_VERSION)
        return;
    position.has_content = vault_bytes_read_u8(&in) != 0;
    position.coverage = vault_bytes_read_u64(&in);
    position.list.catalog_mark = vault_bytes_read_u64(&in);
    position.list.sequence = vault_bytes_read_u64(&in);
    position.read_count = vault_bytes_read_u64(&in);
    position.without_count = vault_bytes_read_u64(&in);
    position.failed_count = vault_bytes_read_u64(&in);
    position.unread_count = vault_bytes_read_u64(&in);
    if (vault_bytes_reader_finish(&in, VAULT_BYTES_MUST_END))
        *ret_position = position;
}

static GByteArray *position_format(const CasePosition *position)
{
    GByteArray *bytes = g_byte_array_new();

    vault_bytes_append_u8(bytes, POSITION_VERSION);
    vault_bytes_append_u8(bytes, position->has_content ? 1 : 0);
    vault_bytes_append_u64(bytes, position->coverage);
    vault_bytes_append_u64(bytes, position->list.catalog_mark);
    vault_bytes_append_u64(bytes, position->list.sequence);
    vault_bytes_append_u64(bytes, position->read_count);
    vault_bytes_append_u64(bytes, position->without_count);
    vault_bytes_append_u64(bytes, position->failed_count);
    vault_bytes_append_u64(bytes, position->unread_count);
    g_assert(bytes->len == POSITION_LEN);
    return bytes;
}

static void append_month_ids(GByteArray *bytes, const RestoreScope *scope)
{
    const GArray *keys = scope->grant->keys;

    for (guint i = 0; i < keys->len; i++) {
        const VaultGrantKey *key = &g_array_index(keys, VaultGrantKey, i);

        if ((key->halves & VAULT_GRANT_INDEX) != 0)
            g_byte_array_append(bytes, key->month_key_id.bytes, VAULT_ID_LEN);
    }
    for (guint i = 0; scope->months != NULL && i < scope->months->len; i++) {
        const VaultMonthKeys *month = scope->months->pdata[i];

        g_byte_array_append(bytes, month->month_key_id.bytes, VAULT_ID_LEN);
    }
}

/* What a scan lists: a hash of the filter and of the months that there are keys of. */
static guint64 coverage_of(const RestoreScope *scope)
{
    const VaultViewFilter *filter = &scope->filter;
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    VaultHash hash;
    guint64 start;

    vault_bytes_append_u64(bytes, filter->from_s);
    vault_bytes_append_u64(bytes, filter->to_s);
    vault_bytes_append_u64(bytes, filter->mailbox_count);
    vault_bytes_append_u64(bytes, filter->message_count);
    for (gsize i = 0; i < filter->mailbox_count; i++)
        g_byte_array_append(bytes, filter->mailboxes[i].bytes, VAULT_ID_LEN);
    for (gsize i = 0; i < filter->message_count; i++)
        g_byte_array_append(bytes, filter->messages[i].bytes, VAULT_ID_LEN);
    append_month_ids(bytes, scope);
    vault_hash(bytes->data, bytes->len, &hash);
    memcpy(&start, hash.bytes, sizeof start);
    return GUINT64_FROM_BE(start);
}

/* Can what an earlier scan went past, for it did not see or could not have it, be had now? A grant
 * made later has keys of later months; one that opens messages reads those without terms; a restore
 * from one mailbox lists that mailbox alone. */
static gboolean has_more(const CasePosition *position, guint64 coverage, gboolean has_content)
{
    return position->coverage != coverage || position->unread_count > 0 ||
           (has_content && !position->has_content && position->without_count > 0);
}

/* Then the list begins anew: what is known is passed over, and all that could not be had comes
 * again. */
static void begin_position(CaseUpdate *update)
{
    CasePosition *position = &update->position;
    g_autoptr(GBytes) kept = search_index_position(update->index);
    gboolean has_content = restore_scope_has_content(update->options->scope);
    guint64 coverage = coverage_of(update->options->scope);

    position_parse(kept, position);
    if (has_more(position, coverage, has_content)) {
        position->list = (VaultTermsPosition){0};
        position->without_count = position->failed_count = position->unread_count = 0;
    }
    position->coverage = coverage;
    position->has_content = position->has_content || has_content;
}

/* ---- what is new ----------------------------------------------------------------------------- */

/* Copies without terms are known by their own record id. */
static SearchCopy copy_of(const VaultTermsEntry *entry)
{
    gboolean has_terms = !vault_id_is_zero(entry->terms_id.bytes);

    return (SearchCopy){.terms_id = has_terms ? entry->terms_id : entry->copy_id,
                        .body_id = entry->body_id,
                        .mailbox_id = entry->mailbox_id,
                        .received_s = entry->received_s,
                        .flags = entry->flags};
}

/* Without terms: the message is known, and lies in one mailbox more. */
static gboolean add(CaseUpdate *update, const SearchCopy *copy, const IngestTerms *terms,
                    GError **error)
{
    if (!search_index_writer_add(update->writer, copy, terms, error))
        return FALSE;
    g_mutex_lock(&update->lock);
    update->added_count++;
    g_mutex_unlock(&update->lock);
    return TRUE;
}

static void count_failed(CaseUpdate *update, const GError *failure)
{
    g_mutex_lock(&update->lock);
    if (case_content_is_final(failure))
        update->position.failed_count++;
    else
        update->position.unread_count++;
    g_mutex_unlock(&update->lock);
}

static gboolean take_words(CaseUpdate *update, const TermsScanItem *item, GError **error)
{
    IngestTermsParser *parser = g_async_queue_try_pop(update->parsers);
    SearchCopy copy = copy_of(item->entry);
    g_autoptr(GError) failure = NULL;
    const IngestTerms *terms;
    gboolean ok = TRUE;

    if (parser == NULL)
        parser = ingest_terms_parser_new();
    terms = ingest_terms_parser_parse(parser, item->terms, item->len, &failure);
    if (terms == NULL)
        count_failed(update, failure);
    else
        ok = add(update, &copy, terms, error);
    g_async_queue_push(update->parsers, parser);
    return ok;
}

static void keep_without(CaseUpdate *update, const VaultTermsEntry *entry)
{
    if (!restore_scope_has_content(update->options->scope)) {
        update->position.without_count++;
        return;
    }
    g_array_append_vals(update->without, entry, 1);
    if (g_hash_table_add(update->without_seen, g_memdup2(&entry->body_id, sizeof entry->body_id)))
        g_array_append_val(update->without_ids, entry->body_id);
}

static gboolean take(const TermsScanItem *item, gpointer user, GError **error)
{
    CaseUpdate *update = user;
    SearchCopy copy = copy_of(item->entry);
    gboolean is_there = search_index_has_copy(update->index, &copy.terms_id);

    switch (item->outcome) {
    case TERMS_SCAN_WORDS:
        return take_words(update, item, error);
    case TERMS_SCAN_KNOWN:
        return is_there || add(update, &copy, NULL, error);
    case TERMS_SCAN_NONE:
        if (!is_there)
            keep_without(update, item->entry);
        return TRUE;
    case TERMS_SCAN_FAILED:
        count_failed(update, item->failure);
        return TRUE;
    }
    g_assert_not_reached();
}

static gboolean is_known(const RecordId *body_id, gpointer user)
{
    const CaseUpdate *update = user;

    return search_index_has_body(update->index, body_id);
}

static void show_progress(guint64 listed, gpointer user)
{
    CaseUpdate *update = user;

    progress_show(update->progress, listed, 0);
}

/* Where the list begins anew, all that could not be had comes again: what was counted before does
 * not count. */
static gboolean scan(CaseUpdate *update, GError **error)
{
    RestoreScope *scope = update->options->scope;
    CasePosition before = update->position;
    TermsScanOptions options = {.view = update->options->view,
                                .reader = scope->reader,
                                .identity = &scope->identity,
                                .grant_hash = &scope->grant_hash,
                                .filter = &scope->filter,
                                .is_known = is_known,
                                .take = take,
                                .progress = show_progress,
                                .user = update};
    TermsScanResult result;

    if (!terms_scan_run(&options, &update->position.list, &result, error))
        return FALSE;
    if (update->position.list.is_anew) {
        update->position.without_count -= before.without_count;
        update->position.failed_count -= before.failed_count;
        update->position.unread_count -= before.unread_count;
    }
    update->position.list.is_anew = FALSE;
    return TRUE;
}

/* ---- messages without terms ------------------------------------------------------------------ */

/* The words of the message, and after them its other copies. */
static gboolean add_read(const RecordId *body_id, const IngestTerms *terms, gpointer user,
                         GError **error)
{
    CaseUpdate *update = user;

    for (guint i = 0; i < update->without->len; i++) {
        const VaultTermsEntry *entry = &g_array_index(update->without, VaultTermsEntry, i);
        SearchCopy copy = copy_of(entry);

        if (!VAULT_ID_EQUAL(entry->body_id, *body_id))
            continue;
        if (!add(update, &copy, terms, error))
            return FALSE;
        terms = NULL;
    }
    update->position.read_count++;
    progress_show(update->progress, update->added_count, 0);
    return TRUE;
}

static gboolean read_without(CaseUpdate *update, GError **error)
{
    CaseContentMissing missing = {.failed_count = 0};

    if (update->without_ids->len == 0)
        return TRUE;
    if (!case_content_read(update->options->view, update->options->scope, update->without_ids,
                           add_read, update, &missing, error))
        return FALSE;
    update->position.failed_count += missing.failed_count;
    update->position.unread_count += missing.unread_count;
    return TRUE;
}

/* ---- the whole ------------------------------------------------------------------------------- */

/* Nothing that is new leaves the index as it is. */
static gboolean commit(CaseUpdate *update, GError **error)
{
    g_autoptr(GByteArray) position = position_format(&update->position);
    g_autoptr(GBytes) known = search_index_position(update->index);

    if (update->added_count == 0 && known != NULL && g_bytes_get_size(known) == position->len &&
        memcmp(g_bytes_get_data(known, NULL), position->data, position->len) == 0)
        return TRUE;
    return search_index_writer_commit(update->writer, position->data, position->len, error);
}

/* Takes the index over. */
static gboolean bring_up_to_date(const CaseIndexOptions *options, const char *folder,
                                 const SearchIndexKey *key, SearchIndex *index,
                                 CaseIndexReport *report, GError **error)
{
    g_autoptr(CaseUpdate) update = case_update_new(options, index);
    gboolean ok;

    update->writer = search_index_writer_begin(folder, key, error);
    if (update->writer == NULL || !search_index_load_ids(index, error))
        return FALSE;
    begin_position(update);
    ok = scan(update, error) && read_without(update, error) && commit(update, error);
    progress_hide(update->progress);
    report->read_count = update->position.read_count;
    report->without_count = update->position.without_count;
    report->failed_count = update->position.failed_count;
    report->unread_count = update->position.unread_count;
    return ok;
}

static gboolean get_key(const CaseIndexOptions *options, VaultOpenedCaseKey *ret_key,
                        GError **error)
{
    g_autoptr(GBytes) sealed = vault_view_case_key(options->view, error);

    return sealed != NULL &&
           vault_case_key_open(&options->scope->identity, vault_view_id(options->view),
                               &options->scope->grant_hash, sealed, ret_key, error);
}

/* What does not open with this key, or is damaged, goes. */
static SearchIndex *open_or_empty(const char *folder, const SearchIndexKey *key, const char *verb,
                                  GError **error)
{
    g_autoptr(GError) failure = NULL;
    g_autoptr(SearchIndex) index = search_index_open(folder, key, &failure);

    if (index != NULL)
        return g_steal_pointer(&index);
    if (!g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NO_KEY) &&
        !g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_CORRUPT) &&
        !g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_UNSUPPORTED)) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return NULL;
    }
    restore_verb_say(verb, "the index of this case is made anew: %s", failure->message);
    return case_folder_empty(folder, error) ? search_index_open(folder, key, error) : NULL;
}

/* Searches of one case go one after the other until its index is up to date. */
static VaultFd lock(const char *folder, const char *verb, GError **error)
{
    g_autoptr(GError) failure = NULL;
    VaultFd fd = case_folder_lock(folder, CASE_FOLDER_NOW, &failure);

    if (fd >= 0)
        return fd;
    if (!g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_BUSY)) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return -1;
    }
    restore_verb_say(verb, "waiting for another search of this case, which brings its index up to "
                           "date");
    return case_folder_lock(folder, CASE_FOLDER_WAIT, error);
}

static SearchIndex *open_up_to_date(const CaseIndexOptions *options, const char *folder,
                                    const SearchIndexKey *key, CaseIndexReport *report,
                                    GError **error)
{
    g_auto(VaultFd) held = lock(folder, options->verb, error);
    SearchIndex *index = held < 0 ? NULL : open_or_empty(folder, key, options->verb, error);

    if (index == NULL || !bring_up_to_date(options, folder, key, index, report, error))
        return NULL;
    return search_index_open(folder, key, error);
}

SearchIndex *case_index_open(const CaseIndexOptions *options, CaseIndexReport *ret_report,
                             GError **error)
{
    g_auto(VaultOpenedCaseKey) opened = {.log_index = 0};
    g_auto(SearchIndexKey) key = {{0}};

    if (!get_key(options, &opened, error))
        return NULL;
    vault_case_index_key(&options->scope->identity, &opened.key, key.bytes);
    ret_report->log_index = opened.log_index;
    ret_report->folder =
        case_folder_make(options->state_folder, vault_view_id(options->view), &opened.case_row_id,
                         options->scope->grant->request->case_id, error);
    return ret_report->folder == NULL
               ? NULL
               : open_up_to_date(options, ret_report->folder, &key, ret_report, error);
}

gboolean case_index_drop_damaged(const CaseIndexReport *report, const GError *failure)
{
    g_auto(VaultFd) held = -1;

    if (report->folder == NULL || !g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_CORRUPT))
        return FALSE;
    held = case_folder_lock(report->folder, CASE_FOLDER_WAIT, NULL);
    return held >= 0 && case_folder_empty(report->folder, NULL);
}
