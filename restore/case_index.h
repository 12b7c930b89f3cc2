/* The index of a case on its reader's disk: its key asked for, brought up to date with the vault,
 * opened.
 *
 *   key <- vault (logged) and identity -> index known? -> list what is new -> release, open
 * (threads)
 *       -> a new segment -> opened index
 *
 * The vault is the authority: an index that does not open, because its key is gone (the case was
 * closed, something of its scope was erased) or because it is damaged, is removed and made anew.
 * Of messages whose terms the vault does not have, the words are taken from the messages, where the
 * grant opens them. What could not be had is counted, and no reason to fail. Errors: of
 * restore/vault_view.h, search/index.h, restore/case_folder.h. Threads: the main thread; it makes
 * threads of its own.
 */
#pragma once

#include "restore/restore_scope.h"
#include "search/index.h"

/* Of the whole index, not only of what was new. */
typedef struct {
    guint64 read_count;    /* messages without terms whose content was read instead */
    guint64 without_count; /* copies without terms that the grant does not open */
    guint64 failed_count;  /* what does not open: damaged, of a later version */
    guint64 unread_count;  /* what could not be had now; the next use tries again */
    guint64 log_index;     /* of this use in the control log */
    char *folder;          /* where it lies, once that is known; the caller frees it */
} CaseIndexReport;

typedef struct {
    VaultView *view;
    RestoreScope *scope;
    const char *state_folder;
    const char *verb; /* for progress and warnings */
} CaseIndexOptions;

/* `ret_report` is empty. */
SearchIndex *case_index_open(const CaseIndexOptions *options, CaseIndexReport *ret_report,
                             GError **error);
/* What is damaged within shows when it is read, maybe late. TRUE when the error says so: the index
 * is removed, and its next opening makes it anew. */
gboolean case_index_drop_damaged(const CaseIndexReport *report, const GError *failure);
