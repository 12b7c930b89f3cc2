/* Messages read for their terms, and questions about what was found. */
#pragma once

#include "ingest/message_text.h"
#include "vault/crypto/value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

typedef struct {
    GByteArray *bytes;
    IngestTerms *terms;
    const IngestSummary *summary;
} Read;

static inline void read_clear(Read *read)
{
    ingest_terms_free(read->terms);
    vault_value_free(read->bytes);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Read, read_clear)

static IngestWordSplitter *splitter;

static inline Read read_bytes(const char *message, gsize len,
                              const IngestMessageTextOptions *options)
{
    static const IngestMessageTextOptions none = {.extractor = NULL};
    g_autoptr(IngestMessageText) text = ingest_message_text_new(options == NULL ? &none : options);
    VaultHash hash = {{7}};
    g_autoptr(GError) error = NULL;
    Read read;

    read.bytes = ingest_message_text_terms(text, message, len, &hash);
    read.terms = ingest_terms_parse(read.bytes->data, read.bytes->len, splitter, &error);
    assert_non_null(read.terms);
    read.summary = ingest_terms_summary(read.terms);
    assert_int_equal(read.summary->message_len, len);
    assert_int_equal(read.summary->message_hash.bytes[0], 7);
    return read;
}

static inline Read read_message(const char *message)
{
    return read_bytes(message, strlen(message), NULL);
}

/* ---- asking ---------------------------------------------------------------------------------- */

/* Positions of a folded word in a field, all its forms together; NULL: it is not there. */
static inline GArray *positions_of(const Read *read, IngestField field, const char *word, gsize len)
{
    IngestTermsCursor cursor = {.terms = read->terms};
    GArray *positions = NULL;
    IngestTerm term;

    while (ingest_terms_next(&cursor, &term)) {
        if (term.field != field || ingest_term_folded_len(term.term, term.len) != len ||
            memcmp(term.term, word, len) != 0)
            continue;
        if (positions == NULL)
            positions = g_array_new(FALSE, FALSE, sizeof(guint32));
        g_array_append_vals(positions, term.positions, (guint)term.count);
    }
    return positions;
}

typedef struct {
    const Read *read;
    IngestField field;
    GArray *starts; /* where the words so far are a row */
} Phrase;

static inline void follow(const IngestWord *word, gpointer user)
{
    Phrase *phrase = user;
    g_autoptr(GArray) positions = positions_of(phrase->read, phrase->field, word->term,
                                               ingest_term_folded_len(word->term, word->len));
    g_autoptr(GArray) starts = g_array_new(FALSE, FALSE, sizeof(guint32));

    for (guint i = 0; positions != NULL && i < positions->len; i++) {
        guint32 start = g_array_index(positions, guint32, i) - word->position;
        gboolean is_row = phrase->starts == NULL;

        for (guint k = 0; !is_row && k < phrase->starts->len; k++)
            is_row = g_array_index(phrase->starts, guint32, k) == start;
        if (is_row)
            g_array_append_val(starts, start);
    }
    g_clear_pointer(&phrase->starts, g_array_unref);
    phrase->starts = g_steal_pointer(&starts);
}

/* How often a field has the phrase. */
static inline guint count(const Read *read, IngestField field, const char *text)
{
    Phrase phrase = {.read = read, .field = field};
    guint found;

    ingest_word_splitter_split(splitter, text, strlen(text), follow, &phrase);
    found = phrase.starts->len;
    g_array_unref(phrase.starts);
    return found;
}

#define assert_once(read, field, text)                                                             \
    assert_int_equal(count(&(read), INGEST_FIELD_##field, text), 1)
#define assert_absent(read, field, text)                                                           \
    assert_int_equal(count(&(read), INGEST_FIELD_##field, text), 0)
#define assert_marks(read, mask) assert_int_equal((read).summary->marks, mask)

/* ---- messages ------------------------------------------------------------------------------- */

#define MIXED "Subject: s\nContent-Type: multipart/mixed; boundary=b\n\n"
#define PART(type, more, body) "--b\nContent-Type: " type "\n" more "\n" body "\n"
#define BASE64 "Content-Transfer-Encoding: base64\n"
#define ATTACHED "Content-Disposition: attachment\n"

static inline int set_up(void **state)
{
    vault_crypto_init();
    splitter = ingest_word_splitter_new();
    return 0;
}

static inline int tear_down(void **state)
{
    ingest_word_splitter_free(splitter);
    return 0;
}
