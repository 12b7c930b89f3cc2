#include "restore/terms_scan_round.h"

/* Entries that a thread takes at once. */
#define PART_COUNT 128
G_STATIC_ASSERT(PART_COUNT <= VAULT_VIEW_READ_COUNT_MAX);

struct TermsScanThreads {
    const TermsScanOptions *options;
    VaultRecordSource records; /* of the view */
    GPtrArray *threads;        /* GThread */
    GMutex lock;
    GCond has_work, is_idle;
    /* Under the lock. */
    TermsScanRound round;
    guint next;       /* entry that nobody took yet */
    guint busy_count; /* threads at a part */
    gboolean is_over;
    GArray *failed; /* RecordId */
    guint64 words_count;
    GError *failure; /* the first: nothing more is taken */
};

/* A part, in the hands of one thread. */
typedef struct {
    TermsScanThreads *shared;
    VaultTermsOpener *opener;
    guint from, count;
    GBytes *bytes[PART_COUNT]; /* records that came at once; NULL: to be asked for alone */
    guint at;                  /* which of them is opened now */
    guint64 words_count;
} Part;

/* ---- the records of a part ------------------------------------------------------------------- */

static const VaultTermsEntry *entry_at(const Part *part, guint i)
{
    return &g_array_index(part->shared->round.entries, VaultTermsEntry, part->from + i);
}

/* The one that came; terms bodies, and what did not come, by themselves. */
static GBytes *fetch(gpointer user, const RecordId *record_id, gsize len_max, GError **error)
{
    Part *part = user;
    const VaultRecordSource *records = &part->shared->records;
    GBytes *bytes = part->bytes[part->at];

    if (bytes != NULL && VAULT_ID_EQUAL(entry_at(part, part->at)->terms_id, *record_id) &&
        g_bytes_get_size(bytes) <= len_max)
        return g_bytes_ref(bytes);
    return records->fetch(records->user, record_id, len_max, error);
}

static gboolean get_length(gpointer user, const RecordId *record_id, guint64 *ret_len,
                           GError **error)
{
    const VaultRecordSource *records = &((Part *)user)->shared->records;

    return records->length(records->user, record_id, ret_len, error);
}

static gboolean read_part(gpointer user, const RecordId *record_id, guint64 offset, gsize len,
                          guint8 *ret_bytes, GError **error)
{
    const VaultRecordSource *records = &((Part *)user)->shared->records;

    return records->read(records->user, record_id, offset, len, ret_bytes, error);
}

/* What does not come at once is asked for one by one, and tells then why. */
static void read_all(Part *part)
{
    g_autoptr(GError) failure = NULL;
    RecordId ids[PART_COUNT];

    for (guint i = 0; i < part->count; i++)
        ids[i] = entry_at(part, i)->terms_id;
    if (!vault_view_read_terms(part->shared->options->view, ids, part->count, part->bytes,
                               &failure))
        g_info("%s", failure->message);
}

/* ---- opening --------------------------------------------------------------------------------- */

static VaultOpenTermsEntry open_entry(const VaultTermsEntry *entry)
{
    return (VaultOpenTermsEntry){.terms_id = entry->terms_id,
                                 .body_id = entry->body_id,
                                 .mailbox_id = entry->mailbox_id,
                                 .month_key_id = entry->month_key_id,
                                 .leaf = entry->leaf,
                                 .received_s = entry->received_s,
                                 .flags = entry->flags};
}

static gboolean tell_failed(Part *part, const GError *failure, GError **error)
{
    const TermsScanOptions *options = part->shared->options;
    const VaultTermsEntry *entry = entry_at(part, part->at);
    const TermsScanItem item = {.entry = entry, .outcome = TERMS_SCAN_FAILED, .failure = failure};

    g_mutex_lock(&part->shared->lock);
    g_array_append_val(part->shared->failed, entry->body_id);
    g_mutex_unlock(&part->shared->lock);
    return options->take(&item, options->user, error);
}

static gboolean open_one(Part *part, const VaultRecordSource *records, GError **error)
{
    const TermsScanOptions *options = part->shared->options;
    const GArray *rows = part->shared->round.release->slots;
    TermsScanItem item = {.entry = entry_at(part, part->at), .outcome = TERMS_SCAN_WORDS};
    const VaultOpenTermsEntry entry = open_entry(item.entry);
    g_autoptr(GError) failure = NULL;

    if (!vault_terms_opener_open(part->opener, &entry,
                                 &g_array_index(rows, VaultReleasedTerms, part->from + part->at),
                                 records, &item.terms, &item.len, &failure))
        return tell_failed(part, failure, error);
    part->words_count++;
    return options->take(&item, options->user, error);
}

static gboolean is_cancelled(const TermsScanOptions *options)
{
    return options->is_cancelled != NULL && g_atomic_int_get(options->is_cancelled);
}

static gboolean open_part(Part *part, GError **error)
{
    const VaultRecordSource records = {
        .fetch = fetch, .length = get_length, .read = read_part, .user = part};
    gboolean is_open = TRUE;

    read_all(part);
    for (part->at = 0; is_open && part->at < part->count; part->at++) {
        is_open = !is_cancelled(part->shared->options);
        if (!is_open)
            g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_IO, "the scan was cancelled");
        else
            is_open = open_one(part, &records, error);
    }
    for (guint i = 0; i < part->count; i++)
        g_clear_pointer(&part->bytes[i], g_bytes_unref);
    return is_open;
}

/* ---- threads --------------------------------------------------------------------------------- */

static gboolean has_part(const TermsScanThreads *shared)
{
    return shared->failure == NULL && shared->round.entries != NULL &&
           shared->next < shared->round.entries->len;
}

/* With the lock. */
static void take_part(Part *part)
{
    TermsScanThreads *shared = part->shared;

    part->from = shared->next;
    part->count = MIN(PART_COUNT, shared->round.entries->len - shared->next);
    part->words_count = 0;
    shared->next += part->count;
    shared->busy_count++;
}

/* With the lock. */
static void give_back(Part *part, GError *failure)
{
    TermsScanThreads *shared = part->shared;

    shared->words_count += part->words_count;
    if (shared->failure == NULL)
        shared->failure = failure;
    else
        g_clear_error(&failure);
    if (--shared->busy_count == 0)
        g_cond_broadcast(&shared->is_idle);
}

static gpointer work(gpointer user)
{
    TermsScanThreads *shared = user;
    g_autofree Part *part = g_new0(Part, 1);

    part->shared = shared;
    part->opener = vault_terms_opener_new(shared->options->reader);
    g_mutex_lock(&shared->lock);
    while (!shared->is_over) {
        GError *failure = NULL;

        if (!has_part(shared)) {
            g_cond_wait(&shared->has_work, &shared->lock);
            continue;
        }
        take_part(part);
        g_mutex_unlock(&shared->lock);
        (void)open_part(part, &failure);
        g_mutex_lock(&shared->lock);
        give_back(part, failure);
    }
    g_mutex_unlock(&shared->lock);
    vault_terms_opener_free(part->opener);
    return NULL;
}

TermsScanThreads *terms_scan_threads_new(const TermsScanOptions *options)
{
    TermsScanThreads *threads = g_new0(TermsScanThreads, 1);
    guint count = options->thread_count > 0 ? options->thread_count : g_get_num_processors();

    threads->options = options;
    threads->records = vault_view_records(options->view);
    threads->failed = g_array_new(FALSE, FALSE, sizeof(RecordId));
    threads->threads = g_ptr_array_new();
    g_mutex_init(&threads->lock);
    g_cond_init(&threads->has_work);
    g_cond_init(&threads->is_idle);
    for (guint i = 0; i < count; i++)
        g_ptr_array_add(threads->threads, g_thread_new("words", work, threads));
    return threads;
}

void terms_scan_threads_free(TermsScanThreads *threads)
{
    g_mutex_lock(&threads->lock);
    threads->is_over = TRUE;
    g_cond_broadcast(&threads->has_work);
    g_mutex_unlock(&threads->lock);
    for (guint i = 0; i < threads->threads->len; i++)
        g_thread_join(g_ptr_array_index(threads->threads, i));
    g_ptr_array_unref(threads->threads);
    g_array_unref(threads->failed);
    g_clear_error(&threads->failure);
    g_cond_clear(&threads->has_work);
    g_cond_clear(&threads->is_idle);
    g_mutex_clear(&threads->lock);
    g_free(threads);
}

void terms_scan_threads_begin(TermsScanThreads *threads, const TermsScanRound *round)
{
    g_mutex_lock(&threads->lock);
    threads->round = *round;
    threads->next = 0;
    threads->words_count = 0;
    g_array_set_size(threads->failed, 0);
    g_cond_broadcast(&threads->has_work);
    g_mutex_unlock(&threads->lock);
}

gboolean terms_scan_threads_end(TermsScanThreads *threads, GArray *failed, guint64 *ret_words_count,
                                GError **error)
{
    gboolean is_done;

    g_mutex_lock(&threads->lock);
    while (threads->busy_count > 0 || has_part(threads))
        g_cond_wait(&threads->is_idle, &threads->lock);
    threads->round = (TermsScanRound){.entries = NULL};
    *ret_words_count = threads->words_count;
    if (threads->failed->len > 0)
        g_array_append_vals(failed, threads->failed->data, threads->failed->len);
    is_done = threads->failure == NULL;
    if (!is_done)
        g_propagate_error(error, g_steal_pointer(&threads->failure));
    g_mutex_unlock(&threads->lock);
    return is_done;
}
