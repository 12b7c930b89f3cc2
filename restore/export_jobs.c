#include "restore/export_jobs.h"

#include "restore/export_pipe.h"

#include <string.h>

#define THREADS_MAX 16

struct ExportJobs {
    ExportJobsOptions options;
    GMutex lock;
    GCond queued_cond, done_cond;
    GQueue queued; /* borrowed from `order`; under the lock */
    GQueue order;  /* all, oldest first; the user's */
    ExportJob *awaited;
    guint idle_count;
    gboolean is_closing;
    GThread *threads[THREADS_MAX];
    guint thread_count;
};

void export_job_free(ExportJob *job)
{
    if (job == NULL)
        return;
    if (job->message != NULL) {
        vault_wipe(job->message->data, job->message->len);
        g_byte_array_unref(job->message);
    }
    vault_opened_copy_free(job->copy);
    g_clear_error(&job->failure);
    g_free(job->sender);
    g_free(job->folder);
    g_free(job->keywords);
    vault_wipe(job, sizeof *job);
    g_free(job);
}

/* ---- what a thread does ---------------------------------------------------------------------- */

static void take_facts(ExportJob *job)
{
    const GByteArray *facts = job->copy->facts;
    const guint8 *value;
    gsize offset = 0, len;
    guint16 type;

    while (vault_fact_next(facts->data, facts->len, &offset, &type, &value, &len)) {
        char **into = type == VAULT_FACT_SENDER     ? &job->sender
                      : type == VAULT_FACT_FOLDER   ? &job->folder
                      : type == VAULT_FACT_KEYWORDS ? &job->keywords
                                                    : NULL;

        if (into == NULL)
            continue;
        g_free(*into);
        *into = g_strndup((const char *)value, len);
    }
}

static gboolean keep_piece(gpointer user, const guint8 *bytes, gsize len, GError **error)
{
    GByteArray *message = user;

    g_byte_array_append(message, bytes, (guint)len);
    return TRUE;
}

static gboolean drop_piece(gpointer user, const guint8 *bytes, gsize len, GError **error)
{
    return TRUE;
}

static void expect_proof(const ProofSource *proofs, const VaultOpenedBody *body)
{
    VaultHash hash;

    if (proofs == NULL || proofs->expect == NULL)
        return;
    vault_record_hash(body->header, body->header_len, &body->ciphertext_hash, &hash);
    proofs->expect(proofs->user, &hash);
}

static gboolean open_body(ExportJobs *jobs, ExportJob *job, GError **error)
{
    guint64 len = job->copy->body.message_len;
    const VaultRecordSource *records = &jobs->options.records;

    if (len > EXPORT_PIPE_WHOLE_MAX) {
        return jobs->options.large == EXPORT_LARGE_PROVED_WHEN_WRITTEN ||
               vault_reader_open_body_proved(jobs->options.reader, job->copy, records, drop_piece,
                                             NULL, &job->body, error);
    }
    job->message = g_byte_array_sized_new((guint)len + 1);
    if (!vault_reader_open_body_proved(jobs->options.reader, job->copy, records, keep_piece,
                                       job->message, &job->body, error))
        return FALSE;
    expect_proof(jobs->options.proofs, &job->body);
    return TRUE;
}

static gboolean open_message(ExportJobs *jobs, ExportJob *job, GError **error)
{
    job->copy = vault_reader_open_copy(jobs->options.reader, &job->entry, &job->slot,
                                       &jobs->options.records, error);
    if (job->copy == NULL)
        return FALSE;
    /* The copy is authentic, the list that led to it is a hint: a file bears the true id. */
    if (!VAULT_ID_EQUAL(job->copy->body.body_id, job->entry.body_id)) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
                    "copy %s is of another message than the catalog says: run muniment rebuild",
                    VAULT_ID_TEXT(job->entry.record_id));
        return FALSE;
    }
    take_facts(job);
    return open_body(jobs, job, error);
}

static void finish(ExportJobs *jobs, ExportJob *job)
{
    vault_wipe(&job->slot, sizeof job->slot);
    g_mutex_lock(&jobs->lock);
    job->is_done = TRUE;
    if (jobs->awaited == job)
        g_cond_signal(&jobs->done_cond);
    g_mutex_unlock(&jobs->lock);
}

/* NULL: to end. */
static ExportJob *take_queued(ExportJobs *jobs)
{
    ExportJob *job;

    g_mutex_lock(&jobs->lock);
    while ((job = g_queue_pop_head(&jobs->queued)) == NULL && !jobs->is_closing) {
        jobs->idle_count++;
        g_cond_wait(&jobs->queued_cond, &jobs->lock);
        jobs->idle_count--;
    }
    g_mutex_unlock(&jobs->lock);
    return job;
}

static gpointer work(gpointer user)
{
    ExportJobs *jobs = user;
    ExportJob *job;

    while ((job = take_queued(jobs)) != NULL) {
        if (!open_message(jobs, job, &job->failure))
            g_assert(job->failure != NULL);
        finish(jobs, job);
    }
    return NULL;
}

/* ---- its user -------------------------------------------------------------------------------- */

ExportJobs *export_jobs_new(const ExportJobsOptions *options)
{
    ExportJobs *jobs = g_new0(ExportJobs, 1);
    guint count = options->thread_count == 0 ? g_get_num_processors() : options->thread_count;

    jobs->options = *options;
    jobs->thread_count = CLAMP(count, 1, THREADS_MAX);
    g_mutex_init(&jobs->lock);
    g_cond_init(&jobs->queued_cond);
    g_cond_init(&jobs->done_cond);
    g_queue_init(&jobs->queued);
    g_queue_init(&jobs->order);
    for (guint i = 0; i < jobs->thread_count; i++)
        jobs->threads[i] = g_thread_new("open", work, jobs);
    return jobs;
}

void export_jobs_free(ExportJobs *jobs)
{
    if (jobs == NULL)
        return;
    g_mutex_lock(&jobs->lock);
    g_queue_clear(&jobs->queued);
    jobs->is_closing = TRUE;
    g_cond_broadcast(&jobs->queued_cond);
    g_mutex_unlock(&jobs->lock);
    for (guint i = 0; i < jobs->thread_count; i++)
        g_thread_join(jobs->threads[i]);
    g_queue_clear_full(&jobs->order, (GDestroyNotify)export_job_free);
    g_mutex_clear(&jobs->lock);
    g_cond_clear(&jobs->queued_cond);
    g_cond_clear(&jobs->done_cond);
    g_free(jobs);
}

gboolean export_jobs_is_full(ExportJobs *jobs)
{
    return g_queue_get_length(&jobs->order) >= EXPORT_PIPE_JOBS_MAX;
}

void export_jobs_push(ExportJobs *jobs, const VaultOpenEntry *entry, const ContentSlot *slot,
                      guint64 stored_len)
{
    ExportJob *job = g_new0(ExportJob, 1);

    g_assert(!export_jobs_is_full(jobs));
    job->entry = *entry;
    job->slot = *slot;
    job->stored_len = stored_len;
    g_queue_push_tail(&jobs->order, job);
    g_mutex_lock(&jobs->lock);
    g_queue_push_tail(&jobs->queued, job);
    if (jobs->idle_count > 0)
        g_cond_signal(&jobs->queued_cond);
    g_mutex_unlock(&jobs->lock);
}

ExportJob *export_jobs_pop(ExportJobs *jobs)
{
    ExportJob *job = g_queue_pop_head(&jobs->order);

    if (job == NULL)
        return NULL;
    g_mutex_lock(&jobs->lock);
    jobs->awaited = job;
    while (!job->is_done)
        g_cond_wait(&jobs->done_cond, &jobs->lock);
    jobs->awaited = NULL;
    g_mutex_unlock(&jobs->lock);
    return job;
}
