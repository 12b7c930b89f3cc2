/* What holds for each format's text: UTF-8 in frames, no longer than was asked for, the same each
 * time, and an outcome that a helper may give. */
#pragma once

#include "ingest/extract/helper/formats.h"
#include "ingest/extract/protocol.h"

#include <string.h>

#define EXTRACT_PROPERTY_TEXT_MAX 20000

static inline void extract_property_take(gpointer user, const char *text, gsize len)
{
    GString *all = user;

    g_assert(text == NULL || (len > 0 && len <= EXTRACT_FRAME_TEXT_LEN_MAX));
    g_assert(text == NULL || g_utf8_validate_len(text, len, NULL));
    if (text != NULL)
        g_string_append_len(all, text, (gssize)len);
}

typedef IngestExtractOutcome (*ExtractPropertyFormat)(ExtractRun *run,
                                                      const ExtractDocument *document);

/* Formats are never asked about nothing: extract_document() is. A new string. */
static inline GString *extract_property_run(ExtractPropertyFormat format, const guint8 *bytes,
                                            gsize len, IngestExtractOutcome *ret_outcome)
{
    GString *text = g_string_new(NULL);
    g_autoptr(ExtractTextOut) out =
        extract_text_out_new(EXTRACT_PROPERTY_TEXT_MAX, extract_property_take, text);
    ExtractRun run;

    extract_run_init(&run, out);
    if (len == 0)
        format = extract_document;
    *ret_outcome =
        format(&run, &(ExtractDocument){.bytes = bytes, .len = len, .type = "", .name = "x"});
    extract_text_out_finish(out);
    g_assert(*ret_outcome < INGEST_EXTRACT_FAILED);
    g_assert(text->len <= EXTRACT_PROPERTY_TEXT_MAX);
    g_assert(run.unpacked_left <= EXTRACT_UNPACKED_MAX && run.depth == 0);
    return text;
}

static inline void extract_property_check(ExtractPropertyFormat format, const guint8 *bytes,
                                          gsize len)
{
    IngestExtractOutcome first, second;
    g_autoptr(GString) text = extract_property_run(format, bytes, len, &first);
    g_autoptr(GString) again = extract_property_run(format, bytes, len, &second);

    g_assert(first == second && g_string_equal(text, again));
}
