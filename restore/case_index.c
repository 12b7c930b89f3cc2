#include "restore/case_index.h"

#include "restore/case_content.h"
#include "restore/case_folder.h"
#include "restore/progress.h"
#include "restore/verb.h"
#include "vault/base/bytes.h"

/* What the index keeps for us between two scans:
 *   version u8 1 | has content u8 | catalog mark u64 | sequence u64 | read u64 | without u64 |
 *   failed u64 */
#define POSITION_VERSION 1
#define POSITION_LEN 42

typedef struct {
    gboolean has_content; /* of the grant that it was made under */
    VaultTermsPosition list;
    guint64 read_count, without_count, failed_count;
} CasePosition;

/* One update under way. */
typedef struct {
    const CaseIndexOptions *options;
    SearchIndex *index;        /* what is known */
    SearchIndexWriter *writer; /* what is new */
    CasePosition position;
    GHashTable *bodies;  /* RecordId: taken in by this update */
    GArray *without;     /* VaultTermsEntry that have no terms, all copies */
    GArray *without_ids; /* RecordId of their bodies, each once */
    guint64 added_count;
    GError *failure; /* of the writer: ends it */
    IngestWordSplitter *splitter;
    Progress *progress;
} CaseUpdate;

static void case_update_clear(CaseUpdate *update)
{
    g_clear_pointer(&update->index, search_index_free);
    g_clear_pointer(&update->writer, search_index_writer_free);
    g_clear_pointer(&update->bodies, g_hash_table_unref);
    g_clear_pointer(&update->without, g_array_unref);
    g_clear_pointer(&update->without_ids, g_array_unref);
    g_clear_error(&update->failure);
    g_clear_pointer(&update->splitter, ingest_word_splitter_free);
    g_clear_pointer(&update->progress, progress_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(CaseUpdate, case_update_clear)

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
    position.list.catalog_mark = vault_bytes_read_u64(&in);
    position.list.sequence = vault_bytes_read_u64(&in);
    position.read_count = vault_bytes_read_u64(&in);
    position.without_count = vault_bytes_read_u64(&in);
    position.failed_count = vault_bytes_read_u64(&in);
    if (vault_bytes_reader_finish(&in, VAULT_BYTES_MUST_END))
        *ret_position = position;
}

static GByteArray *position_format(const CasePosition *position)
{
    GByteArray *bytes = g_byte_array_new();

    vault_bytes_append_u8(bytes, POSITION_VERSION);
    vault_bytes_append_u8(bytes, position->has_content ? 1 : 0);
    vault_bytes_append_u64(bytes, position->list.catalog_mark);
    vault_bytes_append_u64(bytes, position->list.sequence);
    vault_bytes_append_u64(bytes, position->read_count);
    vault_bytes_append_u64(bytes, position->without_count);
    vault_bytes_append_u64(bytes, position->failed_count);
    g_assert(bytes->len == POSITION_LEN);
    return bytes;
}

/* A grant that opens messages reads those without terms that one before it could not: the list
 * begins anew, and what is known is passed over. */
static void begin_position(CaseUpdate *update)
{
    g_autoptr(GBytes) kept = search_index_position(update->index);
    gboolean has_content = restore_scope_has_content(update->options->scope);

    position_parse(kept, &update->position);
    if (has_content && !update->position.has_content && update->position.without_count > 0) {
        update->position.list = (VaultTermsPosition){0};
        update->position.without_count = 0;
    }
    update->position.has_content = update->position.has_content || has_content;
}

/* ---- what is new ----------------------------------------------------------------------------- */

/* Without terms: the message is known, and has one owner more. */
static gboolean add(CaseUpdate *update, const SearchCopy *copy, const IngestTerms *terms)
{
    if (update->failure == NULL &&
        search_index_writer_add(update->writer, copy, terms, &update->failure))
        update->added_count++;
    return update->failure == NULL;
}

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

static gboolean take_body(CaseUpdate *update, const RecordId *body_id)
{
    return g_hash_table_add(update->bodies, g_memdup2(body_id, sizeof *body_id));
}

static void keep_without(CaseUpdate *update, const VaultTermsEntry *entry)
{
    if (!restore_scope_has_content(update->options->scope)) {
        update->position.without_count++;
        return;
    }
    g_array_append_vals(update->without, entry, 1);
    if (take_body(update, &entry->body_id))
        g_array_append_val(update->without_ids, entry->body_id);
}

/* Called for each entry of the list, in order, in one thread. Are its terms wanted? Of a message
 * that is known already the copy alone is taken in. */
static gboolean is_wanted(const VaultTermsEntry *entry, gpointer user)
{
    CaseUpdate *update = user;
    SearchCopy copy = copy_of(entry);

    if (search_index_has_copy(update->index, &copy.terms_id))
        return FALSE;
    if (search_index_has_body(update->index, &entry->body_id)) {
        (void)add(update, &copy, NULL);
        return FALSE;
    }
    if (vault_id_is_zero(entry->terms_id.bytes)) {
        keep_without(update, entry);
        return FALSE;
    }
    if (take_body(update, &entry->body_id))
        return TRUE;
    (void)add(update, &copy, NULL);
    return FALSE;
}

/* ---- releasing and opening ------------------------------------------------------------------- */

static void open_one(CaseUpdate *update, VaultTermsOpener *opener, const VaultTermsEntry *entry,
                     const VaultReleasedTerms *released)
{
    VaultOpenTermsEntry open = {.terms_id = entry->terms_id,
                                .body_id = entry->body_id,
                                .mailbox_id = entry->mailbox_id,
                                .month_key_id = entry->month_key_id,
                                .leaf = entry->leaf,
                                .received_s = entry->received_s,
                                .flags = entry->flags};
    VaultRecordSource records = vault_view_records(update->options->view);
    SearchCopy copy = copy_of(entry);
    g_autoptr(IngestTerms) terms = NULL;
    const guint8 *bytes;
    gsize len;

    if (vault_terms_opener_open(opener, &open, released, &records, &bytes, &len, NULL))
        terms = ingest_terms_parse(bytes, len, update->splitter, NULL);
    if (terms == NULL)
        update->position.failed_count++;
    else
        (void)add(update, &copy, terms);
}

static gboolean open_all(CaseUpdate *update, VaultTermsOpener *opener, const GArray *entries,
                         GError **error)
{
    RestoreScope *scope = update->options->scope;
    g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(RecordId));
    g_autoptr(GBytes) sealed = NULL;
    g_autoptr(VaultOpenedRelease) release = NULL;

    for (guint i = 0; i < entries->len; i++)
        g_array_append_val(ids, g_array_index(entries, VaultTermsEntry, i).terms_id);
    if (ids->len > 0)
        sealed = vault_view_release_terms(update->options->view,
                                          (const RecordId *)(gpointer)ids->data, ids->len, error);
    if (ids->len == 0 || sealed == NULL)
        return ids->len == 0;
    release = vault_release_open_terms(&scope->identity, vault_view_id(update->options->view),
                                       &scope->grant_hash, g_bytes_get_data(sealed, NULL),
                                       g_bytes_get_size(sealed), error);
    for (guint i = 0; release != NULL && update->failure == NULL && i < entries->len; i++) {
        open_one(update, opener, &g_array_index(entries, VaultTermsEntry, i),
                 &g_array_index(release->slots, VaultReleasedTerms, i));
        progress_show(update->progress, update->added_count, 0);
    }
    return release != NULL;
}

static void keep_wanted(CaseUpdate *update, GArray *page)
{
    guint kept = 0;

    for (guint i = 0; i < page->len; i++) {
        VaultTermsEntry *entry = &g_array_index(page, VaultTermsEntry, i);

        if (is_wanted(entry, update))
            g_array_index(page, VaultTermsEntry, kept++) = *entry;
    }
    g_array_set_size(page, kept);
}

static gboolean scan(CaseUpdate *update, GError **error)
{
    const CaseIndexOptions *options = update->options;
    g_autoptr(VaultTermsOpener) opener = vault_terms_opener_new(options->scope->reader);
    g_autoptr(GArray) page = g_array_new(FALSE, FALSE, sizeof(VaultTermsEntry));
    gboolean is_more = TRUE;

    while (is_more && update->failure == NULL) {
        g_array_set_size(page, 0);
        if (!vault_view_list_terms(options->view, &options->scope->filter, &update->position.list,
                                   VAULT_VIEW_RELEASE_COUNT_MAX, page, &is_more, error))
            return FALSE;
        keep_wanted(update, page);
        if (!open_all(update, opener, page, error))
            return FALSE;
    }
    if (update->failure == NULL)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&update->failure));
    return FALSE;
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
        if (!add(update, &copy, terms)) {
            g_propagate_error(error, g_steal_pointer(&update->failure));
            return FALSE;
        }
        terms = NULL;
    }
    update->position.read_count++;
    progress_show(update->progress, update->added_count, 0);
    return TRUE;
}

static gboolean read_without(CaseUpdate *update, GError **error)
{
    guint64 failed_count = 0;

    if (update->without_ids->len == 0)
        return TRUE;
    if (!case_content_read(update->options->view, update->options->scope, update->without_ids,
                           add_read, update, &failed_count, error))
        return FALSE;
    update->position.failed_count += failed_count;
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

static gboolean bring_up_to_date(const CaseIndexOptions *options, const char *folder,
                                 const SearchIndexKey *key, SearchIndex *index,
                                 CaseIndexReport *report, GError **error)
{
    g_auto(CaseUpdate)
        update = {.options = options,
                  .index = index,
                  .writer = search_index_writer_begin(folder, key, error),
                  .bodies = g_hash_table_new_full(vault_id_hash, vault_id_equal, g_free, NULL),
                  .without = g_array_new(FALSE, FALSE, sizeof(VaultTermsEntry)),
                  .without_ids = g_array_new(FALSE, FALSE, sizeof(RecordId)),
                  .splitter = ingest_word_splitter_new(),
                  .progress = progress_begin(options->verb, "messages", 0)};
    gboolean ok;

    if (update.writer == NULL || !search_index_load_ids(index, error))
        return FALSE;
    begin_position(&update);
    ok = scan(&update, error) && read_without(&update, error) && commit(&update, error);
    progress_hide(update.progress);
    report->read_count = update.position.read_count;
    report->without_count = update.position.without_count;
    report->failed_count = update.position.failed_count;
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

SearchIndex *case_index_open(const CaseIndexOptions *options, CaseIndexReport *ret_report,
                             GError **error)
{
    g_auto(VaultOpenedCaseKey) opened = {.log_index = 0};
    g_auto(SearchIndexKey) key = {{0}};
    g_autofree char *folder = NULL;
    SearchIndex *index;

    if (!get_key(options, &opened, error))
        return NULL;
    vault_case_index_key(&options->scope->identity, &opened.key, key.bytes);
    ret_report->log_index = opened.log_index;
    folder = case_folder_make(options->state_folder, vault_view_id(options->view),
                              &opened.case_row_id, options->scope->grant->request->case_id, error);
    index = folder == NULL ? NULL : open_or_empty(folder, &key, options->verb, error);
    if (index == NULL || !bring_up_to_date(options, folder, &key, index, ret_report, error))
        return NULL;
    return search_index_open(folder, &key, error);
}
