/* The terms of one message: which words it has, in which field, how often and where; and what a
 * list of results shows of it. The plaintext of a terms body; sealing it is vault/seal.h's.
 *
 * Words of the header fields are not stored: they are those of the summary's texts, and come out of
 * a reader like all others. Pure functions. Errors: CORRUPT (no terms that were formatted),
 * UNSUPPORTED (version), TOO_LARGE (over INGEST_TERMS_LEN_MAX). Bytes are packed as far as they can
 * be: compressing them gains nothing. Source: docs/formats/terms.md.
 */
#pragma once

#include "ingest/words/words.h"
#include "vault/crypto/hash.h"

#define INGEST_TERMS_LEN_MAX (64u << 20)
#define INGEST_TERMS_TEXT_LEN_MAX (32u << 20) /* of text that is taken in, whatever was asked */
/* Of each text: what is longer is cut, between characters. A long list of recipients fits: who is
 * not in it is not found. */
#define INGEST_SUMMARY_TEXT_LEN_MAX 65536
#define INGEST_SUMMARY_NAMES_MAX 256 /* filenames, references */
#define INGEST_SNIPPET_LEN_MAX 160

typedef enum {
    INGEST_FIELD_FROM = 1, /* From, Sender: names and addresses */
    INGEST_FIELD_TO = 2,
    INGEST_FIELD_CC = 3,
    INGEST_FIELD_BCC = 4,
    INGEST_FIELD_SUBJECT = 5,
    INGEST_FIELD_LIST = 6,     /* List-Id */
    INGEST_FIELD_FILENAME = 7, /* names of attachments, one field: a phrase does not span two */
    INGEST_FIELD_BODY = 8,
    INGEST_FIELD_ATTACHMENT = 9, /* text of attachments */
} IngestField;
#define INGEST_FIELD_COUNT 10 /* a mask has bit 1 << field */
/* Between two texts of one field (attachments, filenames) positions leave this gap, so that no
 * phrase and no NEAR spans them. */
#define INGEST_POSITION_GAP 256

enum {
    INGEST_MARK_ATTACHMENT = 1 << 0,   /* has an attachment */
    INGEST_MARK_TRUNCATED = 1 << 1,    /* not all of its text is in the terms */
    INGEST_MARK_UNSEARCHABLE = 1 << 2, /* a part that nobody can read: encrypted */
    INGEST_MARK_INCOMPLETE = 1 << 3,   /* an attachment's text could not be had: crash,
                                        * time-out, a format that is not read */
    INGEST_MARK_SMIME_ENCRYPTED = 1 << 4,
    INGEST_MARK_PGP_ENCRYPTED = 1 << 5,
    INGEST_MARK_SMIME_SIGNED = 1 << 6,
    INGEST_MARK_PGP_SIGNED = 1 << 7,
};

/* Texts are UTF-8; NULL or empty: there is none. */
typedef struct {
    gint64 date_s; /* of the Date field, seconds since 1970 UTC; 0: none that can be read */
    guint64 message_len;
    VaultHash message_hash; /* SHA-256 */
    guint32 marks;
    char *from, *to, *cc, *bcc, *subject, *list;
    GPtrArray *filenames; /* char * */
    char *message_id;     /* without angle brackets */
    GPtrArray *references;
    char *snippet; /* the beginning of the visible text, blanks collapsed */
} IngestSummary;
IngestSummary *ingest_summary_new(void);
void ingest_summary_free(IngestSummary *summary); /* wipes */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(IngestSummary, ingest_summary_free)

/* ---- writing: collect, then format ---------------------------------------------------------- */

typedef struct IngestTermsBuilder IngestTermsBuilder;
/* `text_len_max`: bytes of text that are taken in; what is beyond sets INGEST_MARK_TRUNCATED. */
IngestTermsBuilder *ingest_terms_builder_new(IngestWordSplitter *splitter, guint64 text_len_max);
void ingest_terms_builder_free(IngestTermsBuilder *builder); /* wipes */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(IngestTermsBuilder, ingest_terms_builder_free)
/* To be filled before format; the builder's. */
IngestSummary *ingest_terms_builder_summary(IngestTermsBuilder *builder);
/* BODY or ATTACHMENT. Pieces of one text may be cut anywhere: a word goes on in the next piece
 * until end_text(). */
void ingest_terms_builder_add(IngestTermsBuilder *builder, IngestField field, const char *text,
                              gsize len);
void ingest_terms_builder_end_text(IngestTermsBuilder *builder, IngestField field);
/* Bytes of text that may still come. */
guint64 ingest_terms_builder_room(const IngestTermsBuilder *builder);
/* The same message gives the same bytes. Freed with vault_value_free(), which wipes. */
GByteArray *ingest_terms_builder_format(IngestTermsBuilder *builder);

/* ---- reading --------------------------------------------------------------------------------- */

typedef struct IngestTerms IngestTerms;
/* Everything is checked here: nothing that follows fails. Borrows the bytes until it is freed.
 * `splitter` may be NULL: then the words of the header fields are left out. */
IngestTerms *ingest_terms_parse(const guint8 *bytes, gsize len, IngestWordSplitter *splitter,
                                GError **error);
void ingest_terms_free(IngestTerms *terms); /* wipes; only what ingest_terms_parse() gave */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(IngestTerms, ingest_terms_free)
const IngestSummary *ingest_terms_summary(const IngestTerms *terms);
/* Words in a field, each occurrence counted. */
guint32 ingest_terms_word_count(const IngestTerms *terms, IngestField field);

typedef struct {
    const char *term; /* as in IngestWord */
    gsize len;
    IngestField field;
    const guint32 *positions; /* rising */
    gsize count;              /* at least 1 */
} IngestTerm;
typedef struct {
    const IngestTerms *terms;
    gsize next; /* 0 to begin */
} IngestTermsCursor;
/* All terms by term (memcmp), then field; of a parser in any order. FALSE at the end. Valid until
 * the terms are freed. */
gboolean ingest_terms_next(IngestTermsCursor *cursor, IngestTerm *ret_term);

/* Reads many messages, one after the other, for whoever needs no order: what sorting takes is
 * saved, and room is used again. Takes and refuses what ingest_terms_parse() does. One user. */
typedef struct IngestTermsParser IngestTermsParser;
IngestTermsParser *ingest_terms_parser_new(void);
void ingest_terms_parser_free(IngestTermsParser *parser); /* wipes */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(IngestTermsParser, ingest_terms_parser_free)
/* The parser's, and valid until it parses the next ones. Words of header fields are in. */
const IngestTerms *ingest_terms_parser_parse(IngestTermsParser *parser, const guint8 *bytes,
                                             gsize len, GError **error);
