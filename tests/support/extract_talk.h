/* Text as an extractor gives it, gathered: a break is a form feed. */
#pragma once

#include <glib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ingest/extract/helper/document.h"

static inline void extract_talk_take(gpointer user, const char *text, gsize len)
{
    if (text == NULL)
        g_string_append_c(user, '\f');
    else
        g_string_append_len(user, text, (gssize)len);
}

/* What `document` says, without a pool. A new string. */
static inline char *extract_talk_document(const ExtractDocument *document, guint64 text_len_max,
                                          IngestExtractOutcome *ret_outcome)
{
    GString *text = g_string_new(NULL);
    g_autoptr(ExtractTextOut) out = extract_text_out_new(text_len_max, extract_talk_take, text);
    ExtractRun run;

    extract_run_init(&run, out);
    *ret_outcome = extract_document(&run, document);
    extract_text_out_finish(out);
    assert_true(g_utf8_validate(text->str, (gssize)text->len, NULL));
    return g_string_free(text, FALSE);
}
