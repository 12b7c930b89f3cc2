/* What a claimed charset is taken for. Pure. Source: encoding.spec.whatwg.org; what mail does. */
#pragma once

#include <glib.h>

typedef enum {
    INGEST_CHARSET_GUESS, /* none that says anything */
    INGEST_CHARSET_UTF8,
    INGEST_CHARSET_SINGLE,   /* ASCII and more, one byte a character */
    INGEST_CHARSET_CJK,      /* ASCII and more, several bytes a character */
    INGEST_CHARSET_STATEFUL, /* ASCII bytes mean something else there */
} IngestCharsetKind;

#define INGEST_CHARSET_NAME_MAX 64

/* `ret_name`: what ICU calls it; empty where the kind is GUESS or UTF8. */
IngestCharsetKind ingest_charset_lookup(const char *claimed,
                                        char ret_name[INGEST_CHARSET_NAME_MAX]);
