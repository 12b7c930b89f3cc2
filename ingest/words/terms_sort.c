#include "ingest/words/terms_sort.h"

#include <string.h>

#include "ingest/words/vocabulary.h"

#define INSERTION_MAX 32

void ingest_term_list_clear(IngestTermList *list)
{
    ingest_secret_buffer_clear(&list->texts);
    ingest_secret_buffer_clear(&list->entries);
    ingest_secret_buffer_clear(&list->spare);
    list->count = 0;
}

void ingest_term_list_empty(IngestTermList *list)
{
    ingest_secret_buffer_clear(&list->texts);
    ingest_secret_buffer_empty(&list->entries);
    ingest_secret_buffer_empty(&list->spare);
    list->count = 0;
}

static void add_entry(IngestTermList *list, const IngestTermEntry *entry)
{
    ingest_secret_buffer_append(&list->entries, entry, sizeof *entry);
    list->count++;
}

static IngestTermEntry begin_entry(const IngestTermList *list, guint32 offset, gsize len)
{
    const char *term = (const char *)list->texts.bytes + offset;

    return (IngestTermEntry){.prefix = GUINT64_SWAP_LE_BE(ingest_words_first_eight(term, len)),
                             .offset = offset,
                             .word = INGEST_VOCABULARY_NONE,
                             .len = (guint8)len};
}

guint32 ingest_term_list_append(IngestTermList *list, const char *term, gsize len)
{
    guint32 offset = (guint32)list->texts.len;

    g_assert(len <= INGEST_TERM_LEN_MAX && list->texts.len <= G_MAXUINT32 - len);
    ingest_secret_buffer_append(&list->texts, term, len);
    return offset;
}

void ingest_term_list_add(IngestTermList *list, const char *term, gsize len, IngestField field,
                          guint32 position)
{
    IngestTermEntry entry = begin_entry(list, ingest_term_list_append(list, term, len), len);

    entry.field = (guint8)field;
    entry.number = position;
    add_entry(list, &entry);
}

void ingest_term_list_add_word(IngestTermList *list, guint32 offset, gsize len, guint32 word,
                               const guint32 counts[2])
{
    static const guint8 fields[2] = {INGEST_FIELD_BODY, INGEST_FIELD_ATTACHMENT};
    IngestTermEntry entry = begin_entry(list, offset, len);

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

/* Shared out by one byte of the prefix after the other, until what is together is little. Sorted
 * into `entries`; `spare` is as long. */
static void sort_many(IngestTermList *list, IngestTermEntry *entries, IngestTermEntry *spare,
                      gsize count, guint byte)
{
    gsize ends[256] = {0};
    guint shift = 56 - 8 * byte;

    for (gsize i = 0; i < count; i++)
        ends[entries[i].prefix >> shift & 0xff]++;
    for (guint i = 1; i < G_N_ELEMENTS(ends); i++)
        ends[i] += ends[i - 1];
    memcpy(spare, entries, count * sizeof *entries);
    for (gsize i = count; i-- > 0;)
        entries[--ends[spare[i].prefix >> shift & 0xff]] = spare[i];
    for (gsize i = 0; i < count;) {
        guint value = entries[i].prefix >> shift & 0xff;
        gsize end = value < 255 ? ends[value + 1] : count;

        if (end - i <= INSERTION_MAX)
            sort_few(list, entries + i, end - i);
        else if (byte < 7)
            sort_many(list, entries + i, spare + i, end - i, byte + 1);
        else
            g_qsort_with_data(entries + i, (int)(end - i), sizeof *entries, compare, list);
        i = end;
    }
}

const IngestTermEntry *ingest_term_list_sort(IngestTermList *list)
{
    IngestTermEntry *entries = (void *)list->entries.bytes;

    if (list->count <= INSERTION_MAX) {
        sort_few(list, entries, list->count);
        return entries;
    }
    ingest_secret_buffer_reserve(&list->spare, list->entries.len);
    list->spare.len = list->entries.len;
    sort_many(list, entries, (void *)list->spare.bytes, list->count, 0);
    return entries;
}
