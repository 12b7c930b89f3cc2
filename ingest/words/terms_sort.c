#include "ingest/words/terms_sort.h"

#include <string.h>

#include "ingest/words/vocabulary.h"

#define INSERTION_MAX 32

void ingest_term_list_clear(IngestTermList *list)
{
    ingest_secret_buffer_clear(&list->texts);
    ingest_secret_buffer_clear(&list->entries);
    ingest_secret_buffer_clear(&list->sorted);
    list->count = 0;
}

static void add_entry(IngestTermList *list, const IngestTermEntry *entry)
{
    ingest_secret_buffer_append(&list->entries, entry, sizeof *entry);
    list->count++;
}

static IngestTermEntry begin_entry(IngestTermList *list, const char *term, gsize len)
{
    IngestTermEntry entry = {.prefix = GUINT64_SWAP_LE_BE(ingest_words_first_eight(term, len)),
                             .offset = (guint32)list->texts.len,
                             .word = INGEST_VOCABULARY_NONE,
                             .len = (guint8)len};

    g_assert(len <= INGEST_TERM_LEN_MAX && list->texts.len <= G_MAXUINT32 - len);
    ingest_secret_buffer_append(&list->texts, term, len);
    return entry;
}

void ingest_term_list_add(IngestTermList *list, const char *term, gsize len, IngestField field,
                          guint32 position)
{
    IngestTermEntry entry = begin_entry(list, term, len);

    entry.field = (guint8)field;
    entry.number = position;
    add_entry(list, &entry);
}

void ingest_term_list_add_word(IngestTermList *list, const char *term, gsize len, guint32 word,
                               const guint32 counts[2])
{
    static const guint8 fields[2] = {INGEST_FIELD_BODY, INGEST_FIELD_ATTACHMENT};
    IngestTermEntry entry = begin_entry(list, term, len);

    entry.word = word;
    for (guint i = 0; i < G_N_ELEMENTS(fields); i++) {
        entry.field = fields[i];
        entry.number = counts[i];
        if (counts[i] > 0)
            add_entry(list, &entry);
    }
}

int ingest_term_entry_compare(const IngestTermList *list, const IngestTermEntry *a,
                              const IngestTermEntry *b)
{
    int order = 0;

    if (a->prefix != b->prefix)
        return a->prefix < b->prefix ? -1 : 1;
    if (MIN(a->len, b->len) > sizeof a->prefix)
        order = memcmp(list->texts.bytes + a->offset, list->texts.bytes + b->offset,
                       MIN(a->len, b->len));
    if (order == 0)
        order = (int)a->len - (int)b->len;
    return order != 0 ? order : (int)a->field - (int)b->field;
}

static int compare(gconstpointer a, gconstpointer b, gpointer list)
{
    const IngestTermEntry *first = a, *second = b;
    int order = ingest_term_entry_compare(list, first, second);

    if (order != 0)
        return order;
    return first->number < second->number ? -1 : first->number > second->number;
}

static void sort_few(const IngestTermList *list, IngestTermEntry *entries, gsize count)
{
    for (gsize i = 1; i < count; i++) {
        IngestTermEntry entry = entries[i];
        gsize at = i;

        for (; at > 0 && compare(&entry, &entries[at - 1], (gpointer)list) < 0; at--)
            entries[at] = entries[at - 1];
        entries[at] = entry;
    }
}

/* Shared out by the first byte; what is then together is little, for most messages. */
const IngestTermEntry *ingest_term_list_sort(IngestTermList *list)
{
    const IngestTermEntry *entries = (const void *)list->entries.bytes;
    gsize begins[256] = {0};
    IngestTermEntry *sorted;

    ingest_secret_buffer_reserve(&list->sorted, list->count * sizeof *sorted);
    list->sorted.len = list->count * sizeof *sorted;
    sorted = (IngestTermEntry *)(void *)list->sorted.bytes;
    for (gsize i = 0; i < list->count; i++)
        begins[entries[i].prefix >> 56]++;
    for (guint byte = 1; byte < 256; byte++)
        begins[byte] += begins[byte - 1];
    for (gsize i = list->count; i-- > 0;)
        sorted[--begins[entries[i].prefix >> 56]] = entries[i];
    for (guint byte = 0; byte < 256; byte++) {
        gsize begin = begins[byte];
        gsize end = byte < 255 ? begins[byte + 1] : list->count;

        if (end - begin <= INSERTION_MAX)
            sort_few(list, sorted + begin, end - begin);
        else
            g_qsort_with_data(sorted + begin, (int)(end - begin), sizeof *sorted, compare, list);
    }
    return sorted;
}
