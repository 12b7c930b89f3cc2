/* A sink that keeps what it is given; a break between words shows as "|". */
#pragma once

#include "ingest/extractor.h"

static inline void keep_text(gpointer user, const char *text, gsize len)
{
    if (text == NULL)
        g_string_append_c(user, '|');
    else
        g_string_append_len(user, text, (gssize)len);
}
