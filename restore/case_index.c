#include "restore/case_index.h"

#include "restore/case_content.h"
#include "restore/case_folder.h"
#include "restore/case_position.h"
#include "restore/progress.h"
#include "restore/terms_missing.h"
#include "restore/terms_scan.h"
#include "restore/verb.h"
#include "vault/base/bytes.h"

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
    guint32 newest_without_before_s; /* as the scan began */
    gint has_late; /* atomic: words came that may be those of copies counted as without */
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

/* Then the list begins anew: what is known is passed over, and all that could not be had comes
 * again. */
static void begin_position(CaseUpdate *update)
{
    CasePosition *position = &update->position;
    g_autoptr(GBytes) kept = search_index_position(update->index);
    gboolean has_content = restore_scope_has_content(update->options->scope);
    guint64 coverage = case_position_coverage(update->options->scope);

    case_position_parse(kept, position);
    if (case_position_has_more(position, coverage, has_content)) {
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

static IngestTermsParser *take_parser(CaseUpdate *update)
{
    IngestTermsParser *parser = g_async_queue_try_pop(update->parsers);

    return parser != NULL ? parser : ingest_terms_parser_new();
}

static gboolean take_words(CaseUpdate *update, const TermsScanItem *item, GError **error)
{
    IngestTermsParser *parser = take_parser(update);
    SearchCopy copy = copy_of(item->entry);
    g_autoptr(GError) failure = NULL;
    const IngestTerms *terms;
    gboolean ok = TRUE;

    terms = ingest_terms_parser_parse(parser, item->terms, item->len, &failure);
    if (terms == NULL)
        count_failed(update, failure);
    else
        ok = add(update, &copy, terms, error);
    g_async_queue_push(update->parsers, parser);
    return ok;
}

static void count_without(const VaultTermsEntry *entry, gpointer user)
{
    CaseUpdate *update = user;
    CasePosition *position = &update->position;
    guint32 received_s = (guint32)MIN(entry->received_s, G_MAXUINT32);

    if (search_index_has_copy(update->index, &entry->copy_id))
        return;
    position->without_count++;
    position->newest_without_s = MAX(position->newest_without_s, received_s);
}

static void keep_without(CaseUpdate *update, const VaultTermsEntry *entry)
{
    if (!restore_scope_has_content(update->options->scope)) {
        count_without(entry, update);
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
    /* By its own id, too: it was read before it had terms. */
    gboolean is_there = search_index_has_copy(update->index, &copy.terms_id) ||
                        search_index_has_copy(update->index, &item->entry->copy_id);

    if (item->outcome != TERMS_SCAN_NONE &&
        item->entry->received_s <= update->newest_without_before_s)
        g_atomic_int_set(&update->has_late, TRUE);
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

/* A copy that gets its words later is listed again, but not as one of those that were counted: they
 * are counted anew then. New mail is newer than they are and costs nothing. */
static gboolean recount_without(CaseUpdate *update, GError **error)
{
    if (!g_atomic_int_get(&update->has_late) || update->position.without_count == 0)
        return TRUE;
    update->position.without_count = 0;
    update->position.newest_without_s = 0;
    return terms_missing_list(update->options->view, &update->options->scope->filter, count_without,
                              update, error);
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
    return recount_without(update, error);
}

/* ---- messages without terms ------------------------------------------------------------------ */

/* The words of the message, and after them its other copies. */
static gboolean add_all(CaseUpdate *update, const RecordId *body_id, const IngestTerms *terms,
                        GError **error)
{
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

static gboolean take_read(const RecordId *body_id, const GByteArray *bytes, gpointer user,
                          GError **error)
{
    CaseUpdate *update = user;
    IngestTermsParser *parser = take_parser(update);
    const IngestTerms *terms = ingest_terms_parser_parse(parser, bytes->data, bytes->len, error);
    gboolean ok = terms != NULL && add_all(update, body_id, terms, error);

    g_async_queue_push(update->parsers, parser);
    return ok;
}

static gboolean read_without(CaseUpdate *update, GError **error)
{
    const CaseContentOptions options = {.view = update->options->view,
                                        .scope = update->options->scope,
                                        .visit = take_read,
                                        .user = update};
    CaseContentMissing missing = {.failed_count = 0};

    if (update->without_ids->len == 0)
        return TRUE;
    if (!case_content_read(&options, update->without_ids, &missing, error))
        return FALSE;
    update->position.failed_count += missing.failed_count;
    update->position.unread_count += missing.unread_count;
    return TRUE;
}

/* ---- the whole ------------------------------------------------------------------------------- */

/* Nothing that is new leaves the index as it is. */
static gboolean commit(CaseUpdate *update, GError **error)
{
    g_autoptr(GByteArray) position = case_position_format(&update->position);
    g_autoptr(GBytes) known = search_index_position(update->index);

    if (update->added_count == 0 && known != NULL && g_bytes_get_size(known) == position->len &&
        memcmp(g_bytes_get_data(known, NULL), position->data, position->len) == 0)
        return TRUE;
    return search_index_writer_commit(update->writer, position->data, position->len, error);
}

/* A look at the list, before all that the index knows is read for it. */
static gboolean look_for_news(const CaseUpdate *update, gboolean *ret_has_news, GError **error)
{
    VaultTermsPosition position = update->position.list;
    g_autoptr(GArray) page = g_array_new(FALSE, FALSE, sizeof(VaultTermsEntry));
    gboolean is_more = FALSE;

    *ret_has_news = position.catalog_mark == 0;
    if (*ret_has_news)
        return TRUE;
    if (!vault_view_list_terms(update->options->view, &update->options->scope->filter, &position, 1,
                               page, &is_more, error))
        return FALSE;
    *ret_has_news = position.is_anew || page->len > 0 || is_more;
    return TRUE;
}

static gboolean take_news(CaseUpdate *update, const char *folder, const SearchIndexKey *key,
                          GError **error)
{
    gboolean ok;

    update->writer = search_index_writer_begin(folder, key, error);
    if (update->writer == NULL || !search_index_load_ids(update->index, error))
        return FALSE;
    ok = scan(update, error) && read_without(update, error) && commit(update, error);
    progress_hide(update->progress);
    return ok;
}

/* Takes the index over. */
static gboolean bring_up_to_date(const CaseIndexOptions *options, const char *folder,
                                 const SearchIndexKey *key, SearchIndex *index,
                                 CaseIndexReport *report, GError **error)
{
    g_autoptr(CaseUpdate) update = case_update_new(options, index);
    gboolean ok, has_news;

    begin_position(update);
    update->newest_without_before_s = update->position.newest_without_s;
    ok = look_for_news(update, &has_news, error) &&
         (!has_news || take_news(update, folder, key, error));
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
