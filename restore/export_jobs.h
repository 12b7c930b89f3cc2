/* Messages being opened by threads, handed out in the order they were put in. Limits: see
 * restore/export_pipe.h. Threads: one user; the object makes threads of its own and ends them when
 * it is freed.
 */
#pragma once

#include "restore/proof_source.h"

typedef enum {
    EXPORT_LARGE_PROVED_FIRST,        /* by a thread, without being kept */
    EXPORT_LARGE_PROVED_WHEN_WRITTEN, /* what is written can be taken back */
} ExportLarge;

typedef struct {
    VaultReader *reader;
    VaultRecordSource records;
    const ProofSource *proofs; /* told what will be asked of it; NULL: none */
    guint thread_count;        /* 0 = number of processors */
    ExportLarge large;
} ExportJobsOptions;

typedef struct {
    VaultOpenEntry entry;
    ContentSlot slot;
    guint64 stored_len;
    gboolean is_done;
    /* Of a job that is done: */
    GError *failure; /* NULL = opened */
    VaultOpenedCopy *copy;
    GByteArray *message;              /* NULL: long, to be opened as it is written */
    VaultOpenedBody body;             /* of `message` */
    char *sender, *folder, *keywords; /* facts; NULL = none */
} ExportJob;
void export_job_free(ExportJob *job); /* wipes */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ExportJob, export_job_free)

typedef struct ExportJobs ExportJobs;
ExportJobs *export_jobs_new(const ExportJobsOptions *options);
void export_jobs_free(ExportJobs *jobs);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ExportJobs, export_jobs_free)

gboolean export_jobs_is_full(ExportJobs *jobs);
/* Copies entry and slot. */
void export_jobs_push(ExportJobs *jobs, const VaultOpenEntry *entry, const ContentSlot *slot,
                      guint64 stored_len);
/* The oldest, when it is done; NULL when there is none. */
ExportJob *export_jobs_pop(ExportJobs *jobs);
