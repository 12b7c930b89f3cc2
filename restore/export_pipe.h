/* The pipe of a restore: entries in, opened in parallel, out in order into an export.
 *
 *   page of entries -> covered by the grant? -> release (batches) -> copy and body (threads)
 *                   -> in order -> export
 *
 * Messages up to EXPORT_PIPE_WHOLE_MAX are opened whole into memory and proved before anything of
 * them is written. Longer ones are proved by a thread without being kept and then opened once more
 * as they are written. At most EXPORT_PIPE_JOBS_MAX are under way, which bounds memory to that many
 * times EXPORT_PIPE_WHOLE_MAX. A message that cannot be given (damaged, erased, out of scope) is
 * told in the manifest and to `failed`, and does not stop the others; what ends the export is that
 * it cannot be written.
 * Errors: of export.h, and of the entries' source. Threads: one user; it makes threads of its own.
 */
#pragma once

#include "restore/export.h"
#include "restore/vault_view.h"

#define EXPORT_PIPE_WHOLE_MAX (1u << 20)
#define EXPORT_PIPE_JOBS_MAX 64

typedef struct {
    VaultView *view;
    VaultReader *reader;
    VaultReleaseSource releases;
    const ProofSource *proofs; /* NULL: none. The same that the export has */
    const VaultViewFilter *filter;
    /* The address of a mailbox, borrowed: for file names and manifest. */
    const char *(*mailbox_name)(const MailboxId *mailbox, gpointer user);
    /* TRUE: this entry is wanted. May be NULL. */
    gboolean (*is_wanted)(const VaultCopyEntry *entry, gpointer user);
    void (*failed)(const char *id, const char *mailbox, const GError *failure, gpointer user);
    void (*progress)(guint64 count, guint64 done_len, gpointer user); /* stored bytes */
    gpointer user;
    guint thread_count; /* 0 = number of processors */
} ExportPipeOptions;

typedef struct {
    guint64 exported_count; /* of these: */
    guint64 resumed_count;  /* were there from an earlier run */
    guint64 failed_count;
    guint64 refused_count; /* of the failed: outside the grant */
} ExportPipeResult;

gboolean export_pipe_run(const ExportPipeOptions *options, Export *export,
                         ExportPipeResult *ret_result, GError **error);
