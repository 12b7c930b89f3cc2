#include "search/index/term_table.h"

#include "vault/crypto/keys.h"

#include <stdlib.h>

/* In the arena, before the bytes of each term: its number u32, length u8, field u8. One look at a
 * slot and one at the arena find a term. */
#define TERM_HEADER_LEN 6

typedef struct {
    guint32 hash;
    guint32 offset; /* in the arena, + 1; 0: empty */
} Slot;

struct SearchTermTable {
    Slot *slots;
    gsize slot_count; /* a power of two, at most half of them are taken */
    GByteArray *arena;
    GArray *offsets; /* guint32, by number */
    guint64 seed;    /* terms are written by strangers: nobody is to know which meet in a slot */
};

SearchTermTable *search_term_table_new(void)
{
    SearchTermTable *table = g_new0(SearchTermTable, 1);

    table->slot_count = 1u << 16;
    table->slots = g_new0(Slot, table->slot_count);
    table->arena = g_byte_array_new();
    table->offsets = g_array_new(FALSE, FALSE, sizeof(guint32));
    vault_random(&table->seed, sizeof table->seed);
    return table;
}

void search_term_table_free(SearchTermTable *table)
{
    if (table == NULL)
        return;
    if (table->arena->len > 0)
        vault_wipe(table->arena->data, table->arena->len);
    g_byte_array_unref(table->arena);
    g_array_unref(table->offsets);
    g_free(table->slots);
    g_free(table);
}

static guint64 mix(guint64 a, guint64 b)
{
    unsigned __int128 product = (unsigned __int128)a * b;

    return (guint64)product ^ (guint64)(product >> 64);
}

static guint32 hash_of(const SearchTermTable *table, const char *term, gsize len, guint field)
{
    guint64 hash = mix(table->seed ^ len, 0x9e3779b97f4a7c15 ^ field);

    for (; len >= 8; len -= 8, term += 8) {
        guint64 word;

        memcpy(&word, term, 8);
        hash = mix(hash ^ word, 0xbf58476d1ce4e5b9 ^ table->seed);
    }
    if (len > 0) {
        guint64 word = 0;

        memcpy(&word, term, len);
        hash = mix(hash ^ word, 0x94d049bb133111eb ^ table->seed);
    }
    return (guint32)(hash ^ hash >> 32);
}

static gboolean is_term(const guint8 *stored, const char *term, gsize len, guint field)
{
    return stored[4] == len && stored[5] == field &&
           memcmp(stored + TERM_HEADER_LEN, term, len) == 0;
}

static void put(SearchTermTable *table, Slot slot)
{
    gsize at = slot.hash;

    while (table->slots[at & (table->slot_count - 1)].offset != 0)
        at++;
    table->slots[at & (table->slot_count - 1)] = slot;
}

static void grow(SearchTermTable *table)
{
    g_autofree Slot *old = table->slots;
    gsize old_count = table->slot_count;

    table->slot_count *= 2;
    table->slots = g_new0(Slot, table->slot_count);
    for (gsize i = 0; i < old_count; i++)
        if (old[i].offset != 0)
            put(table, old[i]);
}

static guint32 add(SearchTermTable *table, guint32 hash, const char *term, gsize len, guint field)
{
    guint32 number = table->offsets->len, offset = table->arena->len;
    guint8 header[TERM_HEADER_LEN] = {[4] = (guint8)len, [5] = (guint8)field};

    memcpy(header, &number, sizeof number);
    g_byte_array_append(table->arena, header, sizeof header);
    g_byte_array_append(table->arena, (const guint8 *)term, (guint)len);
    g_array_append_val(table->offsets, offset);
    put(table, (Slot){.hash = hash, .offset = offset + 1});
    if (2 * (gsize)table->offsets->len > table->slot_count)
        grow(table);
    return number;
}

static guint32 number_of(SearchTermTable *table, const IngestTerm *term, guint32 hash)
{
    for (gsize at = hash;; at++) {
        const Slot *slot = &table->slots[at & (table->slot_count - 1)];

        if (slot->offset == 0)
            return add(table, hash, term->term, term->len, term->field);
        if (slot->hash == hash) {
            const guint8 *stored = table->arena->data + slot->offset - 1;
            guint32 number;

            memcpy(&number, stored, sizeof number);
            if (is_term(stored, term->term, term->len, term->field))
                return number;
        }
    }
}

void search_term_table_numbers(SearchTermTable *table, const IngestTerm *terms, guint count,
                               guint32 *ret_numbers)
{
    guint32 hashes[SEARCH_TERMS_AT_ONCE];

    for (guint i = 0; i < count; i++) {
        hashes[i] = hash_of(table, terms[i].term, terms[i].len, terms[i].field);
        __builtin_prefetch(&table->slots[hashes[i] & (table->slot_count - 1)]);
    }
    for (guint i = 0; i < count; i++) {
        guint32 offset = table->slots[hashes[i] & (table->slot_count - 1)].offset;

        __builtin_prefetch(table->arena->data + offset);
    }
    for (guint i = 0; i < count; i++)
        ret_numbers[i] = number_of(table, &terms[i], hashes[i]);
}

guint32 search_term_table_count(const SearchTermTable *table)
{
    return table->offsets->len;
}

gsize search_term_table_len(const SearchTermTable *table)
{
    return table->slot_count * sizeof(Slot) + table->arena->len + table->offsets->len * 4;
}

void search_term_table_get(const SearchTermTable *table, guint32 number, const char **ret_term,
                           gsize *ret_len, guint *ret_field)
{
    const guint8 *stored = table->arena->data + g_array_index(table->offsets, guint32, number);

    *ret_term = (const char *)stored + TERM_HEADER_LEN;
    *ret_len = stored[4];
    *ret_field = stored[5];
}

typedef struct {
    guint64 prefix; /* its first eight bytes tell most terms apart without a look at the arena */
    guint32 number;
} Sorted;

static int compare(const void *a, const void *b, void *user)
{
    const Sorted *left = a, *right = b;
    const char *left_term, *right_term;
    gsize left_len, right_len;
    guint left_field, right_field;
    int order;

    if (left->prefix != right->prefix)
        return left->prefix < right->prefix ? -1 : 1;
    search_term_table_get(user, left->number, &left_term, &left_len, &left_field);
    search_term_table_get(user, right->number, &right_term, &right_len, &right_field);
    order = memcmp(left_term, right_term, MIN(left_len, right_len));
    if (order != 0)
        return order;
    if (left_len != right_len)
        return left_len < right_len ? -1 : 1;
    return (left_field > right_field) - (left_field < right_field);
}

guint32 *search_term_table_sorted(const SearchTermTable *table)
{
    guint32 count = table->offsets->len;
    g_autofree Sorted *sorted = g_new(Sorted, (gsize)count + 1);
    guint32 *numbers = g_new(guint32, (gsize)count + 1);

    for (guint32 i = 0; i < count; i++) {
        const char *term;
        gsize len;
        guint field;
        guint64 prefix = 0;

        search_term_table_get(table, i, &term, &len, &field);
        memcpy(&prefix, term, MIN(len, sizeof prefix));
        sorted[i] = (Sorted){.prefix = GUINT64_FROM_BE(prefix), .number = i};
    }
    qsort_r(sorted, count, sizeof *sorted, compare, (void *)table);
    for (guint32 i = 0; i < count; i++)
        numbers[i] = sorted[i].number;
    return numbers;
}
