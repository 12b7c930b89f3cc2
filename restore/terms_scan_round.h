/* Inside of restore/terms_scan.h: the threads that open a page of released words. Not for others.
 *
 * begin -> end, for each page; what is given to begin is borrowed until end. Neighbouring entries
 * go to the same thread, part by part: they are neighbours in their index session, too. */
#pragma once

#include "restore/terms_scan.h"

typedef struct {
    const GArray *entries;             /* VaultTermsEntry */
    const VaultOpenedRelease *release; /* of them, in order; NULL: there are none */
} TermsScanRound;

typedef struct TermsScanThreads TermsScanThreads;
TermsScanThreads *terms_scan_threads_new(const TermsScanOptions *options);
void terms_scan_threads_free(TermsScanThreads *threads);
void terms_scan_threads_begin(TermsScanThreads *threads, const TermsScanRound *round);
/* Waits until the page is opened. Appends to `failed` (RecordId) the messages whose words did not
 * open. FALSE: the first error that `take` returned, or cancelled. */
gboolean terms_scan_threads_end(TermsScanThreads *threads, GArray *failed, guint64 *ret_words_count,
                                GError **error);
