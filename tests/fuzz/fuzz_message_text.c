/* A message: its terms can be read back, and are the same however it comes in pieces. What is said
 * of it is UTF-8 within its limits. */
#include "ingest/message_text.h"
#include "vault/crypto/value.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

typedef struct {
    const guint8 *at;
    gsize left, step;
} Pieces;

static gssize read_piece(gpointer user, void *bytes, gsize len)
{
    Pieces *pieces = user;
    gsize count = MIN(MIN(len, pieces->step), pieces->left);

    if (count > 0)
        memcpy(bytes, pieces->at, count);
    pieces->at += count, pieces->left -= count;
    return (gssize)count;
}

/* What it reads is what it says: the beginning and the end of a document. */
static IngestExtractOutcome extract(IngestExtractor *self, const IngestDocument *document,
                                    IngestTextSink sink, gpointer sink_user)
{
    g_assert(document->content_type != NULL && document->len > 0 && document->text_len_max > 0);
    sink(sink_user, document->bytes, MIN(document->len, 3));
    sink(sink_user, NULL, 0);
    return (IngestExtractOutcome)(document->len % (INGEST_EXTRACT_FAILED + 1));
}

static void assert_text(const char *text, gsize len_max)
{
    g_assert(text == NULL || (g_utf8_validate(text, -1, NULL) && strlen(text) <= len_max));
}

static void assert_summary(const IngestSummary *summary, gsize size)
{
    g_assert_cmpuint(summary->message_len, ==, size);
    assert_text(summary->from, INGEST_SUMMARY_TEXT_LEN_MAX);
    assert_text(summary->subject, INGEST_SUMMARY_TEXT_LEN_MAX);
    assert_text(summary->message_id, INGEST_SUMMARY_TEXT_LEN_MAX);
    assert_text(summary->snippet, INGEST_SNIPPET_LEN_MAX);
    g_assert_cmpuint(summary->filenames->len, <=, INGEST_SUMMARY_NAMES_MAX);
    g_assert_cmpuint(summary->references->len, <=, INGEST_SUMMARY_NAMES_MAX);
    for (guint i = 0; i < summary->filenames->len; i++)
        assert_text(summary->filenames->pdata[i], INGEST_SUMMARY_TEXT_LEN_MAX);
}

static void assert_terms(const GByteArray *bytes, IngestWordSplitter *splitter, gsize size)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(IngestTerms) terms = ingest_terms_parse(bytes->data, bytes->len, splitter, &error);
    IngestTermsCursor cursor = {.terms = terms};
    IngestTerm term;

    g_assert_no_error(error);
    assert_summary(ingest_terms_summary(terms), size);
    while (ingest_terms_next(&cursor, &term))
        g_assert(term.count > 0 && term.len > 0 && term.len <= INGEST_TERM_LEN_MAX);
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    static IngestExtractor extractor = {.extract = extract};
    static const IngestMessageTextOptions options = {.text_len_max = 1u << 16,
                                                     .extractor = &extractor};
    static IngestMessageText *text;
    static IngestWordSplitter *splitter;
    Pieces pieces = {.at = data, .left = size, .step = size % 61 + 1};
    VaultHash hash = {{0}};
    GByteArray *whole, *in_pieces;

    if (text == NULL) {
        vault_crypto_init();
        text = ingest_message_text_new(&options);
        splitter = ingest_word_splitter_new();
    }
    whole = ingest_message_text_terms(text, data, size, &hash);
    in_pieces = ingest_message_text_read_terms(text, read_piece, &pieces, size, &hash);
    g_assert_cmpmem(whole->data, whole->len, in_pieces->data, in_pieces->len);
    assert_terms(whole, splitter, size);
    vault_value_free(whole);
    vault_value_free(in_pieces);
    return 0;
}
