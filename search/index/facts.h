/* What a segment's trailer says of it. Bytes and struct, pure. Errors: CORRUPT.
 * Source: docs/formats/case-index.md, section "Facts". */
#pragma once

#include "search/index.h"

#define SEARCH_POSITION_LEN_MAX 64

typedef struct {
    guint64 number;        /* of the file's name */
    guint64 replaces_from; /* it stands for all segments from this number up to its own */
    VaultId predecessor;   /* file id of the segment before those; zeros: there is none */
    guint32 document_count, copy_count, stray_count, mailbox_count;
    guint64 lengths[INGEST_FIELD_COUNT]; /* words in each field, of all documents */
    guint8 position[SEARCH_POSITION_LEN_MAX];
    guint8 position_len;
} SearchFacts;

void search_facts_format(const SearchFacts *facts, GByteArray *bytes);
gboolean search_facts_parse(const guint8 *bytes, gsize len, SearchFacts *ret_facts, GError **error);
