/* What the tests of the case index share: random messages, made into terms as mail is; what they
 * hold, plain; and an evaluator that goes through them message by message, word by word. */
#pragma once

#include "tests/unit/crypto_world.h"

#include "search/index.h"
#include "search/index/writer_internal.h"
#include "vault/crypto/value.h"

#include <glib/gstdio.h>
#include <math.h>
#include <stdlib.h>

#define MAILBOX_COUNT 6
#define FIELDS_ALL 0x3feu

static const SearchIndexKey index_key = {{1, 2, 3}};
static const SearchIndexKey other_index_key = {{1, 2, 4}};

typedef struct {
    GByteArray *term;
    guint field;
    GArray *positions; /* guint32 */
} ModelTerm;

typedef struct {
    GArray *copies; /* SearchCopy, all of one body */
    guint indexed;  /* how many of them are in the index */
    gint64 date_s;
    guint64 size;
    guint32 marks;
    char *message_id;
    GByteArray *bytes;                 /* of the terms */
    GPtrArray *terms;                  /* ModelTerm */
    GPtrArray *at[INGEST_FIELD_COUNT]; /* the ModelTerm at each position, NULL in gaps; borrowed */
    guint32 lengths[INGEST_FIELD_COUNT];
} ModelMessage;

static inline void model_term_free(gpointer freed)
{
    ModelTerm *term = freed;

    g_byte_array_unref(term->term);
    g_array_unref(term->positions);
    g_free(term);
}

static inline void model_message_free(gpointer freed)
{
    ModelMessage *message = freed;

    g_array_unref(message->copies);
    g_free(message->message_id);
    vault_value_free(message->bytes);
    g_ptr_array_unref(message->terms);
    for (guint field = 0; field < INGEST_FIELD_COUNT; field++)
        g_ptr_array_unref(message->at[field]);
    g_free(message);
}

/* ---- messages -------------------------------------------------------------------------------- */

static const char *const vocabulary[] = {"the",
                                         "of",
                                         "resume",
                                         "r\303\251sum\303\251",
                                         "cafe",
                                         "caf\303\251",
                                         "na\303\257ve",
                                         "alpha",
                                         "beta",
                                         "gamma",
                                         "delta",
                                         "alpine",
                                         "alphabet",
                                         "epsilon",
                                         "\346\227\245\346\234\254\350\252\236",
                                         "zeta",
                                         "x-ray",
                                         "bob@example.org",
                                         "42",
                                         "2026"};

/* Few words often, some seldom, and a hundred that begin alike. */
static inline void append_word(GString *text, guint64 *random)
{
    guint64 drawn = next_random(random) % 100;

    if (drawn < 25)
        g_string_append(text, vocabulary[next_random(random) % 2]);
    else if (drawn < 80)
        g_string_append(text, vocabulary[next_random(random) % G_N_ELEMENTS(vocabulary)]);
    else
        g_string_append_printf(text, "p%02u", (guint)(next_random(random) % 100));
    g_string_append_c(text, ' ');
}

static inline char *random_text(guint64 *random, guint words_max)
{
    GString *text = g_string_new(NULL);

    for (guint64 i = next_random(random) % (words_max + 1); i > 0; i--)
        append_word(text, random);
    return g_string_free(text, FALSE);
}

static inline void fill_summary(IngestSummary *summary, guint64 *random)
{
    summary->date_s = (gint64)(next_random(random) % 40) * 1000; /* 0: none */
    summary->message_len = next_random(random) % 50;
    summary->marks = (guint32)(next_random(random) % 16);
    summary->from = random_text(random, 2);
    summary->to = random_text(random, 3);
    summary->subject = random_text(random, 6);
    summary->message_id = g_strdup_printf("%u@id", (guint)(next_random(random) % 500));
    g_ptr_array_add(summary->filenames, random_text(random, 2));
}

static inline GByteArray *random_terms(IngestWordSplitter *splitter, guint64 *random)
{
    g_autoptr(IngestTermsBuilder) builder = ingest_terms_builder_new(splitter, 1 << 20);
    IngestField fields[] = {INGEST_FIELD_BODY, INGEST_FIELD_BODY, INGEST_FIELD_ATTACHMENT};

    fill_summary(ingest_terms_builder_summary(builder), random);
    for (guint i = 0; i < G_N_ELEMENTS(fields); i++) {
        g_autofree char *text = random_text(random, next_random(random) % 40 == 0 ? 300 : 12);

        ingest_terms_builder_add(builder, fields[i], text, strlen(text));
        ingest_terms_builder_end_text(builder, fields[i]);
    }
    return ingest_terms_builder_format(builder);
}

static inline void note_positions(ModelMessage *message, ModelTerm *term)
{
    GPtrArray *at = message->at[term->field];

    for (guint i = 0; i < term->positions->len; i++) {
        guint32 position = g_array_index(term->positions, guint32, i);

        if (position >= at->len)
            g_ptr_array_set_size(at, (gint)position + 1);
        assert_null(g_ptr_array_index(at, position));
        g_ptr_array_index(at, position) = term;
    }
}

static inline void note_terms(ModelMessage *message, IngestWordSplitter *splitter)
{
    g_autoptr(IngestTerms) terms =
        ingest_terms_parse(message->bytes->data, message->bytes->len, splitter, NULL);
    IngestTermsCursor cursor = {.terms = terms};
    const IngestSummary *summary = ingest_terms_summary(terms);
    IngestTerm term;

    while (ingest_terms_next(&cursor, &term)) {
        ModelTerm *noted = g_new0(ModelTerm, 1);

        noted->term = g_byte_array_new();
        g_byte_array_append(noted->term, (const guint8 *)term.term, (guint)term.len);
        noted->field = term.field;
        noted->positions = g_array_new(FALSE, FALSE, sizeof(guint32));
        g_array_append_vals(noted->positions, term.positions, (guint)term.count);
        g_ptr_array_add(message->terms, noted);
        note_positions(message, noted);
    }
    for (guint field = 1; field < INGEST_FIELD_COUNT; field++)
        message->lengths[field] = ingest_terms_word_count(terms, field);
    message->date_s = summary->date_s;
    message->size = summary->message_len;
    message->marks = summary->marks;
    message->message_id = g_strdup(summary->message_id);
}

static inline MailboxId mailbox_of(guint number)
{
    return (MailboxId){{7, (guint8)number}};
}

static inline void random_id(RecordId *id, guint64 *random)
{
    for (guint i = 0; i < VAULT_ID_LEN; i++)
        id->bytes[i] = (guint8)next_random(random);
}

static inline ModelMessage *random_message(IngestWordSplitter *splitter, guint64 *random)
{
    ModelMessage *message = g_new0(ModelMessage, 1);
    guint copies = 1 + (guint)(next_random(random) % 3);
    guint64 received_s = next_random(random) % 40 * 1000 + 1;
    RecordId body_id;

    message->copies = g_array_new(FALSE, FALSE, sizeof(SearchCopy));
    message->terms = g_ptr_array_new_with_free_func(model_term_free);
    for (guint field = 0; field < INGEST_FIELD_COUNT; field++)
        message->at[field] = g_ptr_array_new();
    message->bytes = random_terms(splitter, random);
    note_terms(message, splitter);
    random_id(&body_id, random);
    for (guint i = 0; i < copies; i++) {
        SearchCopy copy = {.body_id = body_id,
                           .mailbox_id = mailbox_of(next_random(random) % MAILBOX_COUNT),
                           .received_s = received_s,
                           .flags = (guint32)next_random(random)};

        random_id(&copy.terms_id, random);
        g_array_append_val(message->copies, copy);
    }
    if (message->date_s == 0)
        message->date_s = (gint64)received_s;
    return message;
}

static inline GPtrArray *random_messages(guint count, guint64 seed)
{
    g_autoptr(IngestWordSplitter) splitter = ingest_word_splitter_new();
    GPtrArray *messages = g_ptr_array_new_with_free_func(model_message_free);

    for (guint i = 0; i < count; i++)
        g_ptr_array_add(messages, random_message(splitter, &seed));
    return messages;
}

static inline const SearchCopy *copy_of(const ModelMessage *message, guint i)
{
    return &g_array_index(message->copies, SearchCopy, i);
}

/* The message's next copy; with its terms when it is the first. */
static inline void index_copy(SearchIndexWriter *writer, ModelMessage *message,
                              IngestWordSplitter *splitter)
{
    g_autoptr(IngestTerms) terms = NULL;

    if (message->indexed == message->copies->len)
        return;
    if (message->indexed == 0)
        terms = ingest_terms_parse(message->bytes->data, message->bytes->len, splitter, NULL);
    assert_true(search_index_writer_add(writer, copy_of(message, message->indexed++), terms, NULL));
}

/* ---- an index of them ------------------------------------------------------------------------ */

typedef struct {
    char *folder; /* NULL: in memory */
    GPtrArray *messages;
    IngestWordSplitter *splitter;
    SearchIndex *index;
} World;

static inline void clear(World *world)
{
    search_index_free(world->index);
    ingest_word_splitter_free(world->splitter);
    g_ptr_array_unref(world->messages);
    if (world->folder != NULL) {
        g_autofree char *command = g_strdup_printf("rm -r '%s'", world->folder);

        assert_int_equal(system(command), 0);
    }
    g_free(world->folder);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(World, clear)

static inline World make_world(guint count, guint64 seed)
{
    return (World){.folder = g_dir_make_tmp("case-index-XXXXXX", NULL),
                   .messages = random_messages(count, seed),
                   .splitter = ingest_word_splitter_new()};
}

static inline void reopen(World *world)
{
    search_index_free(world->index);
    world->index = search_index_open(world->folder, &index_key, NULL);
    assert_non_null(world->index);
}

static inline ModelMessage *message_at(const World *world, guint i)
{
    return g_ptr_array_index(world->messages, i);
}

/* One scan: some random ones of the copies that are not indexed yet. */
static inline void scan(World *world, guint64 *random, guint percent,
                        const SearchIndexTuning *tuning)
{
    g_autoptr(SearchIndexWriter) writer =
        search_index_writer_begin(world->folder, &index_key, NULL);

    assert_non_null(writer);
    if (tuning != NULL)
        search_index_writer_tune(writer, tuning);
    for (guint i = 0; i < 3 * world->messages->len; i++)
        if (next_random(random) % 100 < percent)
            index_copy(writer, message_at(world, i % world->messages->len), world->splitter);
    assert_true(search_index_writer_commit(writer, "position", 8, NULL));
}

/* ---- the evaluator --------------------------------------------------------------------------- */

static inline gboolean model_word_fits(const ModelTerm *term, const SearchWord *word)
{
    gsize folded = ingest_term_folded_len((const char *)term->term->data, term->term->len);

    switch (word->match) {
    case SEARCH_WORD_EXACT:
        return term->term->len == word->len && memcmp(term->term->data, word->text, word->len) == 0;
    case SEARCH_WORD_FOLDED:
        return folded == word->len && memcmp(term->term->data, word->text, folded) == 0;
    case SEARCH_WORD_PREFIX:
        return folded >= word->len && memcmp(term->term->data, word->text, word->len) == 0;
    }
    g_assert_not_reached();
}

static inline gboolean model_has_word_at(const ModelMessage *message, const SearchWord *word,
                                         guint field, guint32 position)
{
    const GPtrArray *at = message->at[field];

    return position < at->len && g_ptr_array_index(at, position) != NULL &&
           model_word_fits(g_ptr_array_index(at, position), word);
}

static inline gboolean model_has_row_at(const ModelMessage *message, const SearchNode *node,
                                        guint field, guint32 position)
{
    for (guint i = 0; i < node->words->len; i++)
        if (!model_has_word_at(message, &g_array_index(node->words, SearchWord, i), field,
                               position + i))
            return FALSE;
    return node->words->len > 0;
}

static inline gboolean model_is_near(const ModelMessage *message, const SearchNode *near,
                                     guint field, guint32 start)
{
    const SearchNode *left = g_ptr_array_index(near->children, 0);
    const SearchNode *right = g_ptr_array_index(near->children, 1);
    guint32 end = start + left->words->len;

    if (!model_has_row_at(message, left, field, start))
        return FALSE;
    for (guint32 other = 0; other < message->at[field]->len; other++) {
        guint32 other_end = other + right->words->len;

        if (((other >= end && other - end <= near->distance) ||
             (start >= other_end && start - other_end <= near->distance)) &&
            model_has_row_at(message, right, field, other))
            return TRUE;
    }
    return FALSE;
}

static inline guint32 model_fields(const SearchNode *node)
{
    return node->kind == SEARCH_NODE_WORDS
               ? node->fields
               : ((const SearchNode *)g_ptr_array_index(node->children, 0))->fields &
                     ((const SearchNode *)g_ptr_array_index(node->children, 1))->fields;
}

static inline guint32 model_frequency(const ModelMessage *message, const SearchNode *node)
{
    guint32 count = 0;

    for (guint field = 1; field < INGEST_FIELD_COUNT; field++) {
        guint32 end = message->at[field]->len;

        if ((model_fields(node) & 1u << field) == 0)
            continue;
        for (guint32 start = 0; start < end; start++)
            count += node->kind == SEARCH_NODE_NEAR ? model_is_near(message, node, field, start)
                                                    : model_has_row_at(message, node, field, start);
    }
    return count;
}

static inline gboolean model_is_in_mailbox(const ModelMessage *message, const char *wanted)
{
    for (guint i = 0; i < message->indexed; i++) {
        guint number = copy_of(message, i)->mailbox_id.bytes[1];
        g_autofree char *address = g_strdup_printf("user%u@firm%u.example", number, number % 2);
        const char *domain = strchr(address, '@');

        if (g_strcmp0(wanted, address) == 0 ||
            (g_str_has_prefix(wanted, "*@") && strcmp(wanted + 1, domain) == 0))
            return TRUE;
    }
    return FALSE;
}

static inline gboolean model_fits(const ModelMessage *message, const SearchNode *node)
{
    switch (node->kind) {
    case SEARCH_NODE_ALL:
        return TRUE;
    case SEARCH_NODE_AND:
        for (guint i = 0; i < node->children->len; i++)
            if (!model_fits(message, g_ptr_array_index(node->children, i)))
                return FALSE;
        return TRUE;
    case SEARCH_NODE_OR:
        for (guint i = 0; i < node->children->len; i++)
            if (model_fits(message, g_ptr_array_index(node->children, i)))
                return TRUE;
        return FALSE;
    case SEARCH_NODE_NOT:
        return !model_fits(message, g_ptr_array_index(node->children, 0));
    case SEARCH_NODE_WORDS:
    case SEARCH_NODE_NEAR:
        return model_frequency(message, node) > 0;
    case SEARCH_NODE_DATE:
        return message->date_s >= node->from && message->date_s < node->to;
    case SEARCH_NODE_SIZE:
        return (gint64)message->size >= node->from && (gint64)message->size < node->to;
    case SEARCH_NODE_MARKS:
        return (message->marks & node->marks) == node->marks;
    case SEARCH_NODE_MAILBOX:
        return model_is_in_mailbox(message, node->text);
    case SEARCH_NODE_ID:
        return node->text != NULL ? strcmp(message->message_id, node->text) == 0
                                  : VAULT_ID_EQUAL(copy_of(message, 0)->body_id, node->id);
    }
    g_assert_not_reached();
}
