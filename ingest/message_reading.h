/* One message being read for its terms: what message_text.c, message_header.c, message_leaf.c and
 * message_document.c share. Not for others.
 */
#pragma once

#include "ingest/message_text.h"
#include "ingest/mime/alternatives.h"
#include "ingest/mime/charset.h"
#include "ingest/mime/html_text.h"
#include "ingest/mime/plain_text.h"
#include "ingest/mime/snippet.h"
#include "ingest/mime/walk.h"

typedef enum {
    LEAF_NOTHING, /* passed over */
    LEAF_PLAIN,
    LEAF_HTML,
    LEAF_DOCUMENT, /* for the extractor */
    LEAF_MESSAGE,  /* a message in a transfer encoding */
    LEAF_CMS,      /* S/MIME in one part */
} MessageLeafKind;

typedef struct {
    MessageLeafKind kind;
    gboolean is_undecided; /* a document by name only: the first bytes say whether it is one */
    IngestField field;
    gboolean is_alternative; /* goes through the reading's `alternatives` */
    gboolean is_encoded;
    GMimeEncoding decoder;
    GByteArray *line; /* uuencode: the line that is not whole yet; else NULL */
    char *charset, *content_type, *filename;
    GByteArray *start; /* of HTML that may declare its charset: until there is enough to look */
    IngestCharset *to_utf8;
    IngestPlainText *plain;
    IngestHtmlText *html;
    GByteArray *whole;    /* DOCUMENT, MESSAGE, CMS: decoded */
    gboolean is_too_long; /* it did not fit */
} MessageLeaf;

typedef struct {
    const IngestMessageTextOptions *options;
    IngestTermsBuilder *builder;
    IngestSummary *summary; /* the builder's */
    IngestSnippet *snippet;
    char *charset; /* of the message, for raw bytes in its header */
    guint level;   /* entities that are open */
    /* The level that began it; 0: none. */
    guint encrypted_level, alternatives_level;
    IngestAlternatives *alternatives;
    guint64 html_len; /* of all HTML so far */
    guint text_count, document_count, failure_count;
    guint64 documents_us; /* that the extractor took */
    guint nesting;        /* messages in encodings, one in another */
    MessageLeaf *leaf;
} MessageReading;

/* message_header.c: fields of the message itself, and of one within it, which count as text. */
void ingest_message_take_header(MessageReading *reading, const IngestEntity *entity);
void ingest_message_take_inner_header(MessageReading *reading, const IngestEntity *entity);

/* message_leaf.c */
MessageLeaf *ingest_message_leaf_new(MessageReading *reading, const IngestEntity *entity);
void ingest_message_leaf_free(MessageLeaf *leaf); /* wipes */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MessageLeaf, ingest_message_leaf_free)
void ingest_message_leaf_body(MessageReading *reading, MessageLeaf *leaf, const guint8 *bytes,
                              gsize len);
void ingest_message_leaf_end(MessageReading *reading, MessageLeaf *leaf);

/* message_document.c: what is known only as a whole. */
gboolean ingest_message_is_worth_reading(const guint8 *bytes, gsize len);
void ingest_message_take_whole(MessageReading *reading, MessageLeaf *leaf);

/* message_text.c: a message that came out of an encoding or a signature. */
void ingest_message_take_inner(MessageReading *reading, const void *bytes, gsize len);
