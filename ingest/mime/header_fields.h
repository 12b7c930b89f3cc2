/* The fields of a header as it was sent, and what their values say.
 *
 * A line that is no field and continues none is stray: mail that broke on its way. Values come with
 * their folds; decode() unfolds them, joins RFC 2047's encoded words where a character may be split
 * between two, and reads raw bytes as UTF-8 where they are, else in the charset of the message.
 * Never fails; linear. Source: RFC 5322, 2047, 6532. Threads: pure functions.
 */
#pragma once

#include <glib.h>

typedef struct {
    const char *at, *end; /* what is left */
    /* Of the field that next() found. Not ended by NUL. A stray line has no name. */
    const char *name, *value;
    gsize name_len, value_len;
} IngestHeaderFields;

void ingest_header_fields_init(IngestHeaderFields *fields, const void *header, gsize len);
gboolean ingest_header_fields_next(IngestHeaderFields *fields);
gboolean ingest_header_fields_is(const IngestHeaderFields *fields, const char *name);

/* Appends the value as UTF-8 on one line, blanks collapsed. `charset` is that of the message, or
 * NULL. */
void ingest_header_decode(GString *text, const char *value, gsize len, const char *charset);
