#include "ingest/terms_maker.h"

/* Measured: words, their places and what is made of them, for each byte of text. */
#define MEMORY_PER_TEXT_BYTE 12
/* A header, pieces, the tables of a reader. */
#define MEMORY_BASE (256u << 10)

struct IngestTermsMaker {
    IngestMessageTextOptions options;
    GMutex lock;
    GCond freed;
    GPtrArray *idle;  /* IngestMessageText */
    guint free_count; /* readers that may still be taken, made or not */
};

IngestTermsMaker *ingest_terms_maker_new(const IngestTermsMakerOptions *options)
{
    IngestTermsMaker *maker = g_new0(IngestTermsMaker, 1);

    maker->options.extractor = options->extractor;
    maker->options.text_len_max =
        options->text_len_max > 0 ? options->text_len_max : INGEST_TEXT_LEN_DEFAULT;
    maker->free_count = options->readers_max > 0 ? options->readers_max : g_get_num_processors();
    maker->idle = g_ptr_array_new_with_free_func((GDestroyNotify)ingest_message_text_free);
    g_mutex_init(&maker->lock);
    g_cond_init(&maker->freed);
    return maker;
}

void ingest_terms_maker_free(IngestTermsMaker *maker)
{
    if (maker == NULL)
        return;
    g_ptr_array_unref(maker->idle);
    g_mutex_clear(&maker->lock);
    g_cond_clear(&maker->freed);
    g_free(maker);
}

static IngestMessageText *take_reader(IngestTermsMaker *maker)
{
    IngestMessageText *reader = NULL;

    g_mutex_lock(&maker->lock);
    while (maker->free_count == 0)
        g_cond_wait(&maker->freed, &maker->lock);
    maker->free_count--;
    if (maker->idle->len > 0)
        reader = g_ptr_array_steal_index_fast(maker->idle, maker->idle->len - 1);
    g_mutex_unlock(&maker->lock);
    return reader != NULL ? reader : ingest_message_text_new(&maker->options);
}

static void give_back(IngestTermsMaker *maker, IngestMessageText *reader)
{
    g_mutex_lock(&maker->lock);
    g_ptr_array_add(maker->idle, reader);
    maker->free_count++;
    g_cond_signal(&maker->freed);
    g_mutex_unlock(&maker->lock);
}

GByteArray *ingest_terms_maker_make(IngestTermsMaker *maker, const void *message, gsize len,
                                    const VaultHash *message_hash)
{
    IngestMessageText *reader = take_reader(maker);
    GByteArray *terms = ingest_message_text_terms(reader, message, len, message_hash);

    give_back(maker, reader);
    return terms;
}

GByteArray *ingest_terms_maker_read(IngestTermsMaker *maker, IngestMessageRead read, gpointer user,
                                    guint64 len, const VaultHash *message_hash)
{
    IngestMessageText *reader = take_reader(maker);
    GByteArray *terms = ingest_message_text_read_terms(reader, read, user, len, message_hash);

    give_back(maker, reader);
    return terms;
}

guint64 ingest_terms_maker_memory(const IngestTermsMaker *maker, guint64 message_len)
{
    /* An attachment grows by doubling. */
    return MEMORY_BASE + MEMORY_PER_TEXT_BYTE * MIN(message_len, maker->options.text_len_max) +
           MIN(2 * message_len, 3 * (guint64)INGEST_DOCUMENT_LEN_MAX / 2);
}
