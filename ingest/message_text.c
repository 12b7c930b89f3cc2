#include "ingest/message_reading.h"

#include "vault/crypto/keys.h"

#include <string.h>

#define READ_LEN (64u << 10)
/* Messages in encodings or signatures, one in another: each is held whole, and recurses. */
#define NESTING_MAX 8

struct IngestMessageText {
    IngestMessageTextOptions options;
    IngestWordSplitter *splitter;
};

IngestMessageText *ingest_message_text_new(const IngestMessageTextOptions *options)
{
    IngestMessageText *text = g_new0(IngestMessageText, 1);

    text->options = *options;
    if (text->options.text_len_max == 0)
        text->options.text_len_max = INGEST_TEXT_LEN_DEFAULT;
    text->splitter = ingest_word_splitter_new();
    return text;
}

void ingest_message_text_free(IngestMessageText *text)
{
    if (text == NULL)
        return;
    ingest_word_splitter_free(text->splitter);
    g_free(text);
}

/* ---- entities -------------------------------------------------------------------------------- */

static void note_crypto(MessageReading *reading, const IngestEntity *entity)
{
    const char *protocol = ingest_entity_parameter(entity, "protocol");
    gboolean is_smime = protocol != NULL && strstr(protocol, "pkcs7") != NULL;

    if (ingest_entity_is(entity, "multipart", "signed"))
        reading->summary->marks |= is_smime ? INGEST_MARK_SMIME_SIGNED : INGEST_MARK_PGP_SIGNED;
    if (!ingest_entity_is(entity, "multipart", "encrypted"))
        return;
    reading->summary->marks |= INGEST_MARK_UNSEARCHABLE |
                               (is_smime ? INGEST_MARK_SMIME_ENCRYPTED : INGEST_MARK_PGP_ENCRYPTED);
    reading->encrypted_level = reading->level;
}

static void begin_part(gpointer user, const IngestEntity *entity)
{
    MessageReading *reading = user;

    reading->level++;
    if (reading->encrypted_level > 0)
        return;
    if (entity->is_message && reading->level == 1)
        ingest_message_take_header(reading, entity);
    else if (entity->is_message)
        ingest_message_take_inner_header(reading, entity);
    if (entity->shape == INGEST_SHAPE_LEAF)
        reading->leaf = ingest_message_leaf_new(reading, entity);
    else if (entity->shape == INGEST_SHAPE_MULTIPART)
        note_crypto(reading, entity);
    else if (ingest_entity_is_attachment(entity))
        reading->summary->marks |= INGEST_MARK_ATTACHMENT;
    if (reading->alternatives_level == 0 && ingest_entity_is(entity, "multipart", "alternative"))
        reading->alternatives_level = reading->level;
}

static void take_body(gpointer user, const guint8 *bytes, gsize len)
{
    MessageReading *reading = user;

    if (reading->leaf != NULL)
        ingest_message_leaf_body(reading, reading->leaf, bytes, len);
}

static void end_leaf(MessageReading *reading)
{
    MessageLeaf *leaf = reading->leaf;

    ingest_message_leaf_end(reading, leaf);
    ingest_message_leaf_free(leaf);
    reading->leaf = NULL;
}

static void end_part(gpointer user, const IngestEntity *entity)
{
    MessageReading *reading = user;

    if (reading->leaf != NULL)
        end_leaf(reading);
    if (reading->alternatives_level == reading->level) {
        g_clear_pointer(&reading->alternatives, ingest_alternatives_free);
        reading->alternatives_level = 0;
    }
    if (reading->encrypted_level == reading->level)
        reading->encrypted_level = 0;
    reading->level--;
}

static void note_cut(gpointer user)
{
    ((MessageReading *)user)->summary->marks |= INGEST_MARK_TRUNCATED;
}

static const IngestWalkVisitor visitor = {
    .begin = begin_part, .body = take_body, .end = end_part, .cut = note_cut};

/* The leaf that it came out of is still open, and is put aside. */
void ingest_message_take_inner(MessageReading *reading, const void *bytes, gsize len)
{
    g_autoptr(IngestWalk) walk = NULL;
    MessageLeaf *outer = reading->leaf;

    if (reading->nesting == NESTING_MAX) {
        note_cut(reading);
        return;
    }
    reading->nesting++;
    reading->leaf = NULL;
    walk = ingest_walk_new(&visitor, reading, reading->level);
    ingest_walk_feed(walk, bytes, len);
    ingest_walk_finish(walk);
    reading->leaf = outer;
    reading->nesting--;
}

/* ---- the message ----------------------------------------------------------------------------- */

static void begin_reading(MessageReading *reading, IngestMessageText *text, guint64 len,
                          const VaultHash *message_hash)
{
    *reading = (MessageReading){.options = &text->options};
    reading->builder = ingest_terms_builder_new(text->splitter, text->options.text_len_max);
    reading->summary = ingest_terms_builder_summary(reading->builder);
    reading->summary->message_len = len;
    reading->summary->message_hash = *message_hash;
    reading->snippet = ingest_snippet_new(INGEST_SNIPPET_LEN_MAX);
}

static void clear_reading(MessageReading *reading)
{
    ingest_terms_builder_free(reading->builder);
    ingest_snippet_free(reading->snippet);
    ingest_alternatives_free(reading->alternatives);
    ingest_message_leaf_free(reading->leaf);
    g_free(reading->charset);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(MessageReading, clear_reading)

static GByteArray *finish_reading(MessageReading *reading, IngestWalk *walk)
{
    ingest_walk_finish(walk);
    reading->summary->snippet = ingest_snippet_take(reading->snippet);
    return ingest_terms_builder_format(reading->builder);
}

GByteArray *ingest_message_text_terms(IngestMessageText *text, const void *message, gsize len,
                                      const VaultHash *message_hash)
{
    g_auto(MessageReading) reading = {0};
    g_autoptr(IngestWalk) walk = ingest_walk_new(&visitor, &reading, 0);

    begin_reading(&reading, text, len, message_hash);
    ingest_walk_feed(walk, message, len);
    return finish_reading(&reading, walk);
}

GByteArray *ingest_message_text_read_terms(IngestMessageText *text, IngestMessageRead read,
                                           gpointer user, guint64 len,
                                           const VaultHash *message_hash)
{
    g_auto(MessageReading) reading = {0};
    g_autoptr(IngestWalk) walk = ingest_walk_new(&visitor, &reading, 0);
    g_autofree guint8 *bytes = g_malloc(READ_LEN);
    gssize read_len;

    begin_reading(&reading, text, len, message_hash);
    while ((read_len = read(user, bytes, READ_LEN)) > 0)
        ingest_walk_feed(walk, bytes, (gsize)read_len);
    vault_wipe(bytes, READ_LEN);
    return read_len < 0 ? NULL : finish_reading(&reading, walk);
}
