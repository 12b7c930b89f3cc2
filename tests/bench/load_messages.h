/* The messages of a benchmark: every regular file of a folder, read once, in order of name.
 * Ownership: GPtrArray of GBytes. Errors end the program: a benchmark has nobody to recover for. */
#pragma once

#include <glib.h>

typedef enum {
    BENCH_RAW,     /* the message, CRLF line ends */
    BENCH_STUFFED, /* ready for DATA: dots doubled, final CRLF.CRLF added */
} BenchForm;

/* At most `count_max` messages. */
GPtrArray *bench_messages_load(const char *folder, guint count_max, BenchForm form);
