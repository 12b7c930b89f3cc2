/* Reads the words of all messages in scope, as fast as they can be opened: what an index is fed
 * from.
 *
 *   list a page -> release it ─┬─> threads: read many records -> open -> take
 *         ^    the next one    │
 *         └────────────────────┘
 *
 * A message that lies in several mailboxes has its words opened once, by the copy that is listed
 * first; of the others only the copy is told, after the words. One that cannot be opened stops no
 * other. Memory: two pages of entries, the records of VAULT_VIEW_READ_COUNT_MAX for each thread,
 * one message's words for each, and an id for each message. Errors: those of the view, and what
 * `take` returns; IO: it was cancelled. Threads: one user; the view's main thread.
 */
#pragma once

#include "restore/vault_view.h"

typedef enum {
    TERMS_SCAN_WORDS, /* opened */
    TERMS_SCAN_KNOWN, /* of a message whose words were taken, by this scan or as `is_known` says */
    TERMS_SCAN_NONE,  /* the copy has no terms, and no other one listed until now has */
    TERMS_SCAN_FAILED /* they do not open: damaged, erased meanwhile, listed in a wrong place */
} TermsScanOutcome;

typedef struct {
    const VaultTermsEntry *entry;
    TermsScanOutcome outcome;
    const guint8 *terms; /* WORDS; valid during the call */
    gsize len;
    const GError *failure; /* FAILED */
} TermsScanItem;

typedef struct {
    VaultView *view;               /* with the grant presented */
    VaultReader *reader;           /* with the index keys */
    const VaultIdentity *identity; /* of the grant's reader */
    const VaultHash *grant_hash;
    const VaultViewFilter *filter;
    guint thread_count; /* 0 = number of processors */
    /* Words of that message are not wanted again. Main thread. May be NULL. */
    gboolean (*is_known)(const RecordId *body_id, gpointer user);
    /* WORDS and FAILED come from many threads at once, the others from the main thread. FALSE ends
     * the scan with the error. */
    gboolean (*take)(const TermsScanItem *item, gpointer user, GError **error);
    /* After each page: copies listed so far. Main thread. May be NULL. */
    void (*progress)(guint64 listed, gpointer user);
    gpointer user;
    const gint *is_cancelled; /* atomic; may be NULL */
} TermsScanOptions;

typedef struct {
    guint64 listed_count;
    guint64 words_count, known_count, none_count, failed_count;
} TermsScanResult;

/* From `position` on; moves it behind what was taken, page by page, and sets is_anew where the list
 * began anew: then what was taken before comes again. After a failure it stands behind the last
 * page that was taken whole. */
gboolean terms_scan_run(const TermsScanOptions *options, VaultTermsPosition *position,
                        TermsScanResult *ret_result, GError **error);
