#include "restore/export_pipe.h"

#include "restore/export_jobs.h"
#include "restore/export_pages.h"
#include "restore/sources.h"

#include <string.h>

typedef struct {
    const ExportPipeOptions *options;
    VaultRecordSource records;
    Export *export;
    ExportJobs *jobs;
    ExportPages *pages;
    ExportPipeResult *result;
    gboolean has_ended; /* no more entries */
    /* Released, not yet a job. */
    VaultOpenEntry entries[VAULT_VIEW_RELEASE_COUNT_MAX];
    guint64 stored_lens[VAULT_VIEW_RELEASE_COUNT_MAX];
    VaultReleasedSlot slots[VAULT_VIEW_RELEASE_COUNT_MAX];
    gsize released_count, released_at;
    guint64 done_count, done_len;
} Pipe;

static const char *mailbox_of(Pipe *pipe, const VaultOpenEntry *entry)
{
    return pipe->options->mailbox_name(&entry->mailbox_id, pipe->options->user);
}

static void count_done(Pipe *pipe, guint64 stored_len)
{
    pipe->done_count++;
    pipe->done_len += stored_len;
    if (pipe->options->progress != NULL)
        pipe->options->progress(pipe->done_count, pipe->done_len, pipe->options->user);
}

/* One message that will not be in the export. */
static void tell_failed(Pipe *pipe, const VaultOpenEntry *entry, guint64 stored_len,
                        const GError *failure)
{
    VaultIdHex id = vault_id_hex(entry->body_id.bytes);
    const char *mailbox = mailbox_of(pipe, entry);

    pipe->result->failed_count++;
    if (g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_REFUSED))
        pipe->result->refused_count++;
    export_add_error(pipe->export, id.text, mailbox, entry->received_s, failure->message);
    if (pipe->options->failed != NULL)
        pipe->options->failed(id.text, mailbox, failure, pipe->options->user);
    count_done(pipe, stored_len);
}

/* ---- feeding --------------------------------------------------------------------------------- */

static GError *why_not_given(const VaultReleasedSlot *slot)
{
    if (slot->state == VAULT_RELEASE_ERASED)
        return g_error_new(VAULT_ERROR, VAULT_ERROR_ERASED, "copy %s was erased",
                           VAULT_ID_TEXT(slot->record_id));
    return g_error_new(VAULT_ERROR, VAULT_ERROR_NOT_FOUND, "the vault has no copy %s any more",
                       VAULT_ID_TEXT(slot->record_id));
}

/* Those without a slot are told of, the others move up. */
static void keep_given(Pipe *pipe)
{
    gsize kept = 0;

    for (gsize i = 0; i < pipe->released_count; i++) {
        if (pipe->slots[i].state != VAULT_RELEASE_GIVEN) {
            g_autoptr(GError) failure = why_not_given(&pipe->slots[i]);

            tell_failed(pipe, &pipe->entries[i], pipe->stored_lens[i], failure);
            continue;
        }
        pipe->entries[kept] = pipe->entries[i];
        pipe->stored_lens[kept] = pipe->stored_lens[i];
        pipe->slots[kept++] = pipe->slots[i];
    }
    pipe->released_count = kept;
}

static gboolean release_batch(Pipe *pipe, GError **error)
{
    const VaultReleaseSource *releases = &pipe->options->releases;

    if (pipe->released_count == 0)
        return TRUE;
    if (!releases->release(releases->user, pipe->entries, pipe->released_count, pipe->slots, error))
        return FALSE;
    keep_given(pipe);
    return TRUE;
}

/* Takes an entry into the batch, unless it is there already or may not be read. */
static gboolean take_entry(Pipe *pipe, const VaultCopyEntry *copy, GError **error)
{
    VaultOpenEntry entry = sources_open_entry(copy);
    guint64 stored_len = copy->copy_len + copy->body_len;
    g_autoptr(GError) failure = NULL;
    gboolean has;

    if (!export_has(pipe->export, VAULT_ID_TEXT(entry.body_id), mailbox_of(pipe, &entry),
                    entry.received_s, &has, error))
        return FALSE;
    if (has) {
        pipe->result->resumed_count++;
        pipe->result->exported_count++;
        count_done(pipe, stored_len);
        return TRUE;
    }
    /* Before the release, which leaves a trace: nobody asks for what he could not open. */
    if (!vault_reader_covers(pipe->options->reader, &entry, &failure)) {
        tell_failed(pipe, &entry, stored_len, failure);
        return TRUE;
    }
    pipe->entries[pipe->released_count] = entry;
    pipe->stored_lens[pipe->released_count++] = stored_len;
    return TRUE;
}

static gboolean next_batch(Pipe *pipe, GError **error)
{
    const VaultCopyEntry *entries;
    gsize count;

    pipe->released_at = pipe->released_count = 0;
    while (pipe->released_count == 0 && !pipe->has_ended) {
        if (!export_pages_next(pipe->pages, VAULT_VIEW_RELEASE_COUNT_MAX, &entries, &count, error))
            return FALSE;
        pipe->has_ended = count == 0;
        for (gsize i = 0; i < count; i++) {
            if (!take_entry(pipe, &entries[i], error))
                return FALSE;
        }
        if (!release_batch(pipe, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean feed(Pipe *pipe, GError **error)
{
    while (!export_jobs_is_full(pipe->jobs)) {
        if (pipe->released_at == pipe->released_count && !next_batch(pipe, error))
            return FALSE;
        if (pipe->released_at == pipe->released_count)
            return TRUE;
        export_jobs_push(pipe->jobs, &pipe->entries[pipe->released_at],
                         &pipe->slots[pipe->released_at].slot,
                         pipe->stored_lens[pipe->released_at]);
        vault_wipe(&pipe->slots[pipe->released_at], sizeof pipe->slots[0]);
        pipe->released_at++;
    }
    return TRUE;
}

/* ---- writing --------------------------------------------------------------------------------- */

typedef struct {
    Export *export;
    GError *failure; /* of the export, not of the message */
} WriteSink;

static gboolean write_piece(gpointer user, const guint8 *bytes, gsize len, GError **error)
{
    WriteSink *sink = user;

    if (export_write(sink->export, bytes, len, &sink->failure))
        return TRUE;
    g_propagate_error(error, g_error_copy(sink->failure));
    return FALSE;
}

static gboolean end_message(Pipe *pipe, const ExportJob *job, const VaultOpenedBody *body,
                            GError **error)
{
    return export_prove(pipe->export, body, &job->copy->body.salt, error) &&
           export_end(pipe->export, &body->message_hash, error);
}

/* A long message: opened as it is written. */
static gboolean write_long(Pipe *pipe, const ExportJob *job, GError **error)
{
    WriteSink sink = {.export = pipe->export};
    g_autoptr(GError) failure = NULL;
    VaultOpenedBody body;

    if (vault_reader_open_body_proved(pipe->options->reader, job->copy, &pipe->records, write_piece,
                                      &sink, &body, &failure))
        return end_message(pipe, job, &body, error);
    if (sink.failure != NULL) {
        g_propagate_error(error, sink.failure);
        return FALSE;
    }
    tell_failed(pipe, &job->entry, job->stored_len, failure);
    return export_abandon(pipe->export, error);
}

static gboolean write_job(Pipe *pipe, const ExportJob *job, GError **error)
{
    VaultIdHex id = vault_id_hex(job->entry.body_id.bytes);
    guint64 failed_before = pipe->result->failed_count;
    ExportMessage message = {.id = id.text,
                             .mailbox = mailbox_of(pipe, &job->entry),
                             .received_s = job->entry.received_s,
                             .sender = job->sender,
                             .folder = job->folder,
                             .keywords = job->keywords};
    gboolean ok;

    if (job->failure != NULL) {
        tell_failed(pipe, &job->entry, job->stored_len, job->failure);
        return TRUE;
    }
    message.len = job->copy->body.message_len;
    if (!export_begin(pipe->export, &message, error))
        return FALSE;
    ok = job->message == NULL
             ? write_long(pipe, job, error)
             : export_write(pipe->export, job->message->data, job->message->len, error) &&
                   end_message(pipe, job, &job->body, error);
    if (ok && pipe->result->failed_count == failed_before) {
        pipe->result->exported_count++;
        count_done(pipe, job->stored_len);
    }
    return ok;
}

static gboolean run(Pipe *pipe, GError **error)
{
    for (;;) {
        g_autoptr(ExportJob) job = NULL;

        if (!feed(pipe, error))
            return FALSE;
        job = export_jobs_pop(pipe->jobs);
        if (job == NULL)
            return TRUE;
        if (!write_job(pipe, job, error))
            return FALSE;
    }
}

gboolean export_pipe_run(const ExportPipeOptions *options, Export *export,
                         ExportPipeResult *ret_result, GError **error)
{
    ExportJobsOptions jobs_options = {.reader = options->reader,
                                      .records = vault_view_records(options->view),
                                      .proofs = options->proofs,
                                      .thread_count = options->thread_count,
                                      .large = export_can_abandon(export)
                                                   ? EXPORT_LARGE_PROVED_WHEN_WRITTEN
                                                   : EXPORT_LARGE_PROVED_FIRST};
    g_autoptr(ExportJobs) jobs = export_jobs_new(&jobs_options);
    g_autoptr(ExportPages) pages =
        export_pages_new(options->view, options->filter, options->is_wanted, options->user);
    Pipe *pipe = g_new0(Pipe, 1);
    gboolean ok;

    *ret_result = (ExportPipeResult){0};
    pipe->options = options;
    pipe->records = vault_view_records(options->view);
    pipe->export = export;
    pipe->jobs = jobs;
    pipe->pages = pages;
    pipe->result = ret_result;
    ok = run(pipe, error);
    vault_wipe(pipe, sizeof *pipe);
    g_free(pipe);
    return ok;
}
