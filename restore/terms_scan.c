#include "restore/terms_scan.h"

#include "restore/terms_scan_round.h"

/* What is known while a scan runs. */
typedef struct {
    const TermsScanOptions *options;
    TermsScanThreads *threads;
    GHashTable *seen; /* RecordId: messages whose words were opened, or are just being */
    TermsScanResult *result;
} Scan;

/* A page: what is to be opened, with its release, and what waits for that. */
typedef struct {
    GArray *wanted;  /* VaultTermsEntry */
    GArray *waiting; /* VaultTermsEntry: copies of messages that are opened, or without terms */
    VaultOpenedRelease *release;
    VaultTermsPosition position; /* behind it */
    gboolean is_last;
} Page;

static Page *page_new(void)
{
    Page *page = g_new0(Page, 1);

    page->wanted = g_array_new(FALSE, FALSE, sizeof(VaultTermsEntry));
    page->waiting = g_array_new(FALSE, FALSE, sizeof(VaultTermsEntry));
    return page;
}

static void page_free(Page *page)
{
    if (page == NULL)
        return;
    g_array_unref(page->wanted);
    g_array_unref(page->waiting);
    vault_opened_release_free(page->release);
    g_free(page);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Page, page_free)

static gboolean check_cancelled(const TermsScanOptions *options, GError **error)
{
    if (options->is_cancelled == NULL || !g_atomic_int_get(options->is_cancelled))
        return TRUE;
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_IO, "the scan was cancelled");
    return FALSE;
}

/* ---- a page, made ready ---------------------------------------------------------------------- */

static gboolean is_known(const Scan *scan, const RecordId *body_id)
{
    return g_hash_table_contains(scan->seen, body_id) ||
           (scan->options->is_known != NULL &&
            scan->options->is_known(body_id, scan->options->user));
}

static void sort_entry(Scan *scan, Page *page, const VaultTermsEntry *entry)
{
    if (is_known(scan, &entry->body_id) || vault_id_is_zero(entry->terms_id.bytes)) {
        g_array_append_vals(page->waiting, entry, 1);
        return;
    }
    g_hash_table_add(scan->seen, g_memdup2(&entry->body_id, sizeof entry->body_id));
    g_array_append_vals(page->wanted, entry, 1);
}

static gboolean is_answer_to(const VaultOpenedRelease *release, const RecordId *ids, gsize count)
{
    gboolean is_answer = release->slots->len == count;

    for (guint i = 0; is_answer && i < count; i++)
        is_answer =
            VAULT_ID_EQUAL(g_array_index(release->slots, VaultReleasedTerms, i).record_id, ids[i]);
    return is_answer;
}

static gboolean release_page(const Scan *scan, Page *page, GError **error)
{
    const TermsScanOptions *options = scan->options;
    gsize count = page->wanted->len;
    g_autofree RecordId *ids = g_new(RecordId, MAX(count, 1));
    g_autoptr(GBytes) sealed = NULL;

    if (count == 0)
        return TRUE;
    for (guint i = 0; i < count; i++)
        ids[i] = g_array_index(page->wanted, VaultTermsEntry, i).terms_id;
    sealed = vault_view_release_terms(options->view, ids, count, error);
    if (sealed == NULL)
        return FALSE;
    page->release = vault_release_open_terms(options->identity, vault_view_id(options->view),
                                             options->grant_hash, g_bytes_get_data(sealed, NULL),
                                             g_bytes_get_size(sealed), error);
    if (page->release == NULL)
        return FALSE;
    if (is_answer_to(page->release, ids, count))
        return TRUE;
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                        "the release is not of the words that were asked for");
    return FALSE;
}

/* Lists and releases what comes behind `position`. A list that begins anew forgets what was seen:
 * it comes again. */
static Page *prepare(Scan *scan, const VaultTermsPosition *position, GError **error)
{
    g_autoptr(Page) page = page_new();
    g_autoptr(GArray) entries = g_array_new(FALSE, FALSE, sizeof(VaultTermsEntry));
    gboolean is_more;

    page->position = *position;
    page->position.is_anew = FALSE;
    if (!check_cancelled(scan->options, error) ||
        !vault_view_list_terms(scan->options->view, scan->options->filter, &page->position,
                               VAULT_VIEW_RELEASE_COUNT_MAX, entries, &is_more, error))
        return NULL;
    page->is_last = !is_more;
    scan->result->listed_count += entries->len;
    for (guint i = 0; i < entries->len; i++)
        sort_entry(scan, page, &g_array_index(entries, VaultTermsEntry, i));
    return release_page(scan, page, error) ? g_steal_pointer(&page) : NULL;
}

/* ---- a page, opened -------------------------------------------------------------------------- */

static void begin(const Scan *scan, const Page *page)
{
    terms_scan_threads_begin(scan->threads,
                             &(TermsScanRound){.entries = page->wanted, .release = page->release});
}

/* Words that did not open may open by another copy: that message is as not seen. */
static void forget_failed(Scan *scan, const GArray *failed)
{
    for (guint i = 0; i < failed->len; i++)
        g_hash_table_remove(scan->seen, &g_array_index(failed, RecordId, i));
}

static gboolean tell(const Scan *scan, const VaultTermsEntry *entry, TermsScanOutcome outcome,
                     GError **error)
{
    const TermsScanItem item = {.entry = entry, .outcome = outcome};

    return scan->options->take(&item, scan->options->user, error);
}

/* Copies that waited for the words of their message. Where these did not open the copy's own are
 * tried, in a page that follows. */
static gboolean take_waiting(Scan *scan, const Page *page, GArray *again, GError **error)
{
    for (guint i = 0; i < page->waiting->len; i++) {
        const VaultTermsEntry *entry = &g_array_index(page->waiting, VaultTermsEntry, i);
        gboolean has_terms = !vault_id_is_zero(entry->terms_id.bytes);

        if (is_known(scan, &entry->body_id)) {
            scan->result->known_count++;
            if (!tell(scan, entry, TERMS_SCAN_KNOWN, error))
                return FALSE;
        } else if (has_terms) {
            g_array_append_vals(again, entry, 1);
        } else {
            scan->result->none_count++;
            if (!tell(scan, entry, TERMS_SCAN_NONE, error))
                return FALSE;
        }
    }
    return TRUE;
}

static gboolean end(Scan *scan, const Page *page, GArray *again, GError **error)
{
    g_autoptr(GArray) failed = g_array_new(FALSE, FALSE, sizeof(RecordId));
    guint64 words_count = 0;

    if (!terms_scan_threads_end(scan->threads, failed, &words_count, error))
        return FALSE;
    scan->result->words_count += words_count;
    scan->result->failed_count += failed->len;
    forget_failed(scan, failed);
    return take_waiting(scan, page, again, error);
}

/* Copies of messages whose words did not open by the first one: few, one page after the other. */
static gboolean try_again(Scan *scan, GArray *again, GError **error)
{
    while (again->len > 0) {
        g_autoptr(GArray) entries = again->len > 0 ? g_array_copy(again) : NULL;
        g_autoptr(Page) page = page_new();

        g_array_set_size(again, 0);
        for (guint i = 0; i < entries->len; i++)
            sort_entry(scan, page, &g_array_index(entries, VaultTermsEntry, i));
        if (!release_page(scan, page, error))
            return FALSE;
        begin(scan, page);
        if (!end(scan, page, again, error))
            return FALSE;
    }
    return TRUE;
}

/* ---- all of it ------------------------------------------------------------------------------- */

static void move_behind(const Page *page, VaultTermsPosition *position)
{
    gboolean is_anew = position->is_anew || page->position.is_anew;

    *position = page->position;
    position->is_anew = is_anew;
}

/* While the threads open a page the next one is listed and released. */
static gboolean run_page(Scan *scan, const Page *page, VaultTermsPosition *position,
                         Page **ret_next, GError **error)
{
    g_autoptr(GArray) again = g_array_new(FALSE, FALSE, sizeof(VaultTermsEntry));
    g_autoptr(GError) failure = NULL;

    begin(scan, page);
    *ret_next = page->is_last ? NULL : prepare(scan, &page->position, &failure);
    if (!end(scan, page, again, error) || !try_again(scan, again, error))
        return FALSE;
    move_behind(page, position);
    if (scan->options->progress != NULL)
        scan->options->progress(scan->result->listed_count, scan->options->user);
    if (failure != NULL)
        g_propagate_error(error, g_steal_pointer(&failure));
    return page->is_last || *ret_next != NULL;
}

static gboolean run(Scan *scan, VaultTermsPosition *position, GError **error)
{
    g_autoptr(Page) page = prepare(scan, position, error);

    position->is_anew = FALSE;
    while (page != NULL) {
        g_autoptr(Page) next = NULL;

        if (!run_page(scan, page, position, &next, error))
            return FALSE;
        if (page->is_last)
            return TRUE;
        page_free(page);
        page = g_steal_pointer(&next);
    }
    return FALSE;
}

gboolean terms_scan_run(const TermsScanOptions *options, VaultTermsPosition *position,
                        TermsScanResult *ret_result, GError **error)
{
    Scan scan = {.options = options, .result = ret_result};
    gboolean is_done;

    *ret_result = (TermsScanResult){.listed_count = 0};
    scan.seen = g_hash_table_new_full(vault_id_hash, vault_id_equal, g_free, NULL);
    scan.threads = terms_scan_threads_new(options);
    is_done = run(&scan, position, error);
    terms_scan_threads_free(scan.threads);
    g_hash_table_unref(scan.seen);
    return is_done;
}
