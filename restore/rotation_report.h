/* What became of a rotation, in words or as JSON. Threads: the main thread only. */
#pragma once

#include "restore/exit_status.h"

/* Months, as the vault counted them. */
typedef struct {
    guint64 taken, known, gone, full;
} RotationCounts;
/* From what "rotation-take" said of itself; lines that are not known are passed over. */
void rotation_counts_add(RotationCounts *counts, const char *answer);

/* `answer`: what "rotation-finish" said; `counts` NULL: nothing was taken up. *ret_exit: DONE,
 * PARTLY when a master stays for now, NOTHING_MATCHED when none has a successor. Errors: MALFORMED
 * (an answer that is none), IO. */
gboolean rotation_report(const char *answer, const RotationCounts *counts, gboolean as_json,
                         RestoreExit *ret_exit, GError **error);
