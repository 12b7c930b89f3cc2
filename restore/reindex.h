/* Words for messages that were archived without: the messages in scope whose copies have no terms
 * are opened as for reading, their terms are made here and given to the vault's writer, which seals
 * them (vault_view_add_terms()), many in one batch.
 *
 * A run that is broken off is run again: what has terms is not opened again. Memory: an id for each
 * copy without terms, one batch, one message. Errors: those of the view; UNSUPPORTED: the vault is
 * not on this host. Threads: the main thread.
 */
#pragma once

#include "restore/case_content.h"

typedef struct {
    VaultView *view; /* with the grant presented */
    RestoreScope *scope;
    IngestExtractor *extractor; /* as in case_content.h */
    guint64 text_len_max;
    gboolean is_dry_run; /* only counts */
    const char *verb;    /* for progress */
} ReindexOptions;

typedef struct {
    guint64 message_count, copy_count; /* that had no terms */
    guint64 written_copy_count;
    guint64 known_count, gone_count; /* copies: that got some, or were erased, meanwhile */
    guint64 left_message_count;      /* that have none now */
} ReindexReport;

/* The counts hold after a failure, too. */
gboolean reindex_run(const ReindexOptions *options, ReindexReport *ret_report, GError **error);
