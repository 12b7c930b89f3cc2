#include "search/index/id_table.h"

#include "vault/crypto/keys.h"

typedef struct {
    RecordId id;
    guint32 number; /* + 1; 0: empty */
} Slot;

struct SearchIdTable {
    Slot *slots;
    gsize slot_count, count; /* slot_count is a power of two, at most half of them are taken */
    guint64 seed; /* ids come from outside: nobody is to know which of them meet in a slot */
};

SearchIdTable *search_id_table_new(gsize count_expected)
{
    SearchIdTable *table = g_new0(SearchIdTable, 1);

    for (table->slot_count = 64; table->slot_count < 2 * count_expected;)
        table->slot_count *= 2;
    table->slots = g_new0(Slot, table->slot_count);
    vault_random(&table->seed, sizeof table->seed);
    return table;
}

void search_id_table_free(SearchIdTable *table)
{
    if (table == NULL)
        return;
    g_free(table->slots);
    g_free(table);
}

static Slot *slot_of(const SearchIdTable *table, const RecordId *id)
{
    guint64 halves[2];
    unsigned __int128 mixed;
    gsize at;

    memcpy(halves, id->bytes, sizeof halves);
    mixed = (unsigned __int128)(halves[0] ^ table->seed) * (halves[1] | 1);
    at = (gsize)((guint64)mixed ^ (guint64)(mixed >> 64));
    for (;; at++) {
        Slot *slot = &table->slots[at & (table->slot_count - 1)];

        if (slot->number == 0 || VAULT_ID_EQUAL(slot->id, *id))
            return slot;
    }
}

static void grow(SearchIdTable *table)
{
    g_autofree Slot *old = table->slots;
    gsize old_count = table->slot_count;

    table->slot_count *= 2;
    table->slots = g_new0(Slot, table->slot_count);
    for (gsize i = 0; i < old_count; i++)
        if (old[i].number != 0)
            *slot_of(table, &old[i].id) = old[i];
}

gboolean search_id_table_add(SearchIdTable *table, const RecordId *id, guint32 number)
{
    Slot *slot = slot_of(table, id);

    if (slot->number != 0)
        return FALSE;
    *slot = (Slot){.id = *id, .number = number + 1};
    if (2 * ++table->count > table->slot_count)
        grow(table);
    return TRUE;
}

gboolean search_id_table_find(const SearchIdTable *table, const RecordId *id, guint32 *ret_number)
{
    const Slot *slot = slot_of(table, id);

    *ret_number = slot->number - 1;
    return slot->number != 0;
}
