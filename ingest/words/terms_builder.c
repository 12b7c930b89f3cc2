#include "ingest/words/terms.h"

#include "ingest/words/summary.h"
#include "ingest/words/terms_code.h"
#include "ingest/words/terms_format.h"
#include "vault/crypto/keys.h"

#include <string.h>

/* Words and gaps of a message: half of what a record may have, so that header fields fit too. */
#define TOKENS_MAX (INGEST_MODEL_WORDS_MAX / 2)

/* The texts of one field. */
typedef struct {
    IngestSecretBuffer tokens; /* guint32, as ingest_terms_code_words() takes them */
    guint32 count;
    IngestSecretBuffer tail; /* of the text: it ends within a word, perhaps */
} Field;

struct IngestTermsBuilder {
    IngestWordSplitter *splitter;
    guint64 room;
    gboolean is_truncated;
    IngestSummary *summary;
    IngestVocabulary vocabulary;
    Field body, attachments;
    Field *field; /* that words are being added to */
};

IngestTermsBuilder *ingest_terms_builder_new(IngestWordSplitter *splitter, guint64 text_len_max)
{
    IngestTermsBuilder *builder = g_new0(IngestTermsBuilder, 1);

    builder->splitter = splitter;
    builder->room = MIN(text_len_max, INGEST_TERMS_TEXT_LEN_MAX);
    builder->summary = ingest_summary_new();
    return builder;
}

static void field_clear(Field *field)
{
    ingest_secret_buffer_clear(&field->tokens);
    ingest_secret_buffer_clear(&field->tail);
}

void ingest_terms_builder_free(IngestTermsBuilder *builder)
{
    if (builder == NULL)
        return;
    field_clear(&builder->body);
    field_clear(&builder->attachments);
    ingest_vocabulary_clear(&builder->vocabulary);
    ingest_summary_free(builder->summary);
    vault_wipe(builder, sizeof *builder);
    g_free(builder);
}

IngestSummary *ingest_terms_builder_summary(IngestTermsBuilder *builder)
{
    return builder->summary;
}

guint64 ingest_terms_builder_room(const IngestTermsBuilder *builder)
{
    return builder->room;
}

static Field *field_of(IngestTermsBuilder *builder, IngestField field)
{
    g_assert(field == INGEST_FIELD_BODY || field == INGEST_FIELD_ATTACHMENT);
    return field == INGEST_FIELD_BODY ? &builder->body : &builder->attachments;
}

static void add_token(Field *field, guint32 token)
{
    ingest_secret_buffer_append(&field->tokens, &token, sizeof token);
    field->count++;
}

static void take_word(const IngestWord *word, gpointer user)
{
    IngestTermsBuilder *builder = user;
    gsize folded = ingest_term_folded_len(word->term, word->len);
    gsize exact = folded < word->len ? folded + 1 : 0;

    if (builder->body.count + builder->attachments.count >= TOKENS_MAX)
        builder->is_truncated = TRUE;
    else
        add_token(builder->field, ingest_vocabulary_intern(&builder->vocabulary, word->term + exact,
                                                           word->len - exact));
}

static void split(IngestTermsBuilder *builder, Field *field, const char *text, gsize len)
{
    builder->field = field;
    ingest_word_splitter_split(builder->splitter, text, len, take_word, builder);
}

static void split_tail(IngestTermsBuilder *builder, Field *field)
{
    split(builder, field, (const char *)field->tail.bytes, field->tail.len);
    if (field->tail.len > 0)
        vault_wipe(field->tail.bytes, field->tail.len);
    field->tail.len = 0;
}

void ingest_terms_builder_add(IngestTermsBuilder *builder, IngestField which, const char *text,
                              gsize len)
{
    Field *field = field_of(builder, which);
    gsize cut;

    if (len > builder->room) {
        len = (gsize)builder->room;
        builder->is_truncated = TRUE;
    }
    if (len == 0)
        return;
    builder->room -= len;
    cut = ingest_words_cut(text, len);
    if (cut > 0 && field->tail.len > 0) {
        ingest_secret_buffer_append(&field->tail, text, cut);
        split_tail(builder, field);
    } else if (cut > 0) {
        split(builder, field, text, cut);
    }
    ingest_secret_buffer_append(&field->tail, text + cut, len - cut);
}

void ingest_terms_builder_end_text(IngestTermsBuilder *builder, IngestField which)
{
    Field *field = field_of(builder, which);
    const guint32 *tokens;

    split_tail(builder, field);
    tokens = (const guint32 *)(const void *)field->tokens.bytes;
    if (field->count > 0 && tokens[field->count - 1] != INGEST_VOCABULARY_NONE)
        add_token(field, INGEST_VOCABULARY_NONE);
}

static void code_field(IngestTermsCode *code, const Field *field)
{
    guint32 begin, end;

    ingest_terms_code_words(code, (const guint32 *)(const void *)field->tokens.bytes, field->count,
                            &begin, &end);
}

GByteArray *ingest_terms_builder_format(IngestTermsBuilder *builder)
{
    g_auto(IngestTermsCode) code;
    IngestSecretBuffer bytes = {.bytes = NULL};
    static const guint8 version = INGEST_TERMS_VERSION;
    GByteArray *record;

    ingest_terms_builder_end_text(builder, INGEST_FIELD_BODY);
    ingest_terms_builder_end_text(builder, INGEST_FIELD_ATTACHMENT);
    ingest_summary_bound(builder->summary);
    if (builder->is_truncated)
        builder->summary->marks |= INGEST_MARK_TRUNCATED;
    ingest_terms_code_init(&code, &builder->vocabulary);
    ingest_terms_code_summary(&code, builder->summary);
    code_field(&code, &builder->body);
    code_field(&code, &builder->attachments);
    ingest_secret_buffer_append(&bytes, &version, 1);
    ingest_secret_buffer_append(&bytes, builder->summary->message_hash.bytes, VAULT_HASH_LEN);
    ingest_coder_finish_encoding(&code.coder, &bytes);
    record = g_byte_array_sized_new((guint)bytes.len);
    g_byte_array_append(record, bytes.bytes, (guint)bytes.len);
    ingest_secret_buffer_clear(&bytes);
    return record;
}
