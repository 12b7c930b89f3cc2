/* Terms on their way into order: inside ingest/words. */
#pragma once

#include "ingest/words/secret_buffer.h"
#include "ingest/words/terms.h"

typedef struct {
    guint64 prefix; /* the first eight bytes of the term: settles nearly all comparisons */
    guint32 offset; /* of the term in the texts */
    guint32 word;   /* of the message's vocabulary; INGEST_VOCABULARY_NONE: of a header field */
    guint32 number; /* how often it is there; of a header field: its position */
    guint8 len, field;
} IngestTermEntry;

/* Zeros are an empty one. */
typedef struct {
    IngestSecretBuffer texts; /* may be given words of its own to begin with */
    IngestSecretBuffer entries, spare;
    gsize count;
} IngestTermList;
void ingest_term_list_clear(IngestTermList *list); /* wipes */
void ingest_term_list_empty(IngestTermList *list); /* wipes; keeps room, but gives up the texts */
/* One occurrence in a header field. */
void ingest_term_list_add(IngestTermList *list, const char *term, gsize len, IngestField field,
                          guint32 position);
/* Appends a term to the texts; returns where it is. */
guint32 ingest_term_list_append(IngestTermList *list, const char *term, gsize len);
/* All occurrences of a word, whose term is in the texts: in the body and in attachments. */
void ingest_term_list_add_word(IngestTermList *list, guint32 offset, gsize len, guint32 word,
                               const guint32 counts[2]);
/* By term, field, position. */
const IngestTermEntry *ingest_term_list_sort(IngestTermList *list);
/* -1, 0, 1: do they differ in term or field? */
int ingest_term_entry_compare(const IngestTermList *list, const IngestTermEntry *a,
                              const IngestTermEntry *b);
