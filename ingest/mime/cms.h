/* What an S/MIME part in one piece is, and the content of one that is only signed. Nothing is
 * verified. Bounded: nesting at most 8, no recursion deeper. Pure. Source: RFC 5652, 8551, X.690.
 */
#pragma once

#include <glib.h>

typedef enum {
    INGEST_CMS_UNKNOWN,
    INGEST_CMS_SIGNED,       /* `ret_content`: what is signed, a MIME entity */
    INGEST_CMS_CERTIFICATES, /* signs nothing: certificates only */
    INGEST_CMS_ENCRYPTED,
} IngestCmsKind;

/* DER or BER, indefinite lengths included. `ret_content` is set with SIGNED only. */
IngestCmsKind ingest_cms_open(const guint8 *bytes, gsize len, GByteArray **ret_content);
