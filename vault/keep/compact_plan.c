#include "vault/keep/compact_plan.h"

#include "vault/store/catalog_compact.h"
#include "vault/store/pack_index.h"

#define DAY_S 86400
/* Records counted at once, on average. */
#define SLICE_RECORDS 4096

static gboolean is_too_old(guint64 died_s, const VaultCompactRules *rules)
{
    return died_s != 0 && rules->now_s >= died_s &&
           rules->now_s - died_s >= (guint64)rules->removal_days * DAY_S;
}

gboolean vault_compact_is_due(const VaultCompactPack *pack, const VaultCompactRules *rules)
{
    guint64 len = pack->live_len + pack->dead_len;

    if (pack->dead_len == 0)
        return FALSE;
    if (pack->dead_len >= len / 100 * VAULT_COMPACT_DEAD_PERCENT +
                              (len % 100 * VAULT_COMPACT_DEAD_PERCENT + 99) / 100)
        return TRUE;
    return is_too_old(pack->died_s, rules);
}

/* ---- which packs ---------------------------------------------------------------------------- */

static gboolean is_countable(const VaultPackFile *file)
{
    return file->is_readable && !file->is_replaced && file->is_catalogued &&
           file->catalogued.state >= VAULT_PACK_COMPLETE &&
           (file->header.type != VAULT_PACK_COMPACTED || file->replaced != NULL);
}

static void add_packs(GPtrArray *files, gboolean are_streams, GArray *packs)
{
    for (guint i = 0; i < files->len; i++) {
        const VaultCompactPack pack = {.file = g_ptr_array_index(files, i)};

        if (is_countable(pack.file) && (pack.file->header.type == VAULT_PACK_STREAM) == are_streams)
            g_array_append_val(packs, pack);
    }
}

/* ---- counting ------------------------------------------------------------------------------- */

typedef struct {
    const VaultCompactQuestion *question;
    const VaultCompactDates *dates;
    GHashTable *packs; /* PackId -> VaultCompactPack */
    /* RecordId of a message -> VaultLife, of this slice: by its copies, by its terms copies. */
    GHashTable *bodies, *terms;
} Counting;

static gboolean judge_copy(const Counting *counting, const VaultCatalogItem *item,
                           GHashTable *bodies, VaultLife *ret_life, GError **error)
{
    VaultLife *body = g_hash_table_lookup(bodies, &item->subject);

    if (!vault_liveness_of_leaf(counting->question->liveness, &item->month_key_id, item->leaf,
                                ret_life, error))
        return FALSE;
    if (body == NULL) {
        body = g_new0(VaultLife, 1);
        body->state = VAULT_LIFE_UNKNOWN;
        g_hash_table_insert(bodies, (gpointer)&item->subject, body);
    }
    vault_life_add_copy(body, ret_life);
    return TRUE;
}

/* None of its copies is catalogued any more: they were erased. */
static VaultLife life_in(GHashTable *bodies, const RecordId *body_id)
{
    const VaultLife *life = g_hash_table_lookup(bodies, body_id);

    return life != NULL ? *life : (VaultLife){.state = VAULT_LIFE_DEAD};
}

/* What is asked of a body is known when it comes: of all copies of the slice. */
static gboolean judge(Counting *counting, const VaultCatalogItem *item, VaultLife *ret_life,
                      GError **error)
{
    RowId row_id;

    switch (item->kind) {
    case VAULT_RECORD_COPY:
    case VAULT_RECORD_ADDENDUM:
    case VAULT_RECORD_TERMS_COPY:
        return vault_liveness_of_leaf(counting->question->liveness, &item->month_key_id, item->leaf,
                                      ret_life, error);
    case VAULT_RECORD_EVENT:
        memcpy(row_id.bytes, item->subject.bytes, VAULT_ID_LEN);
        return vault_liveness_of_event(counting->question->liveness, &row_id, ret_life, error);
    case VAULT_RECORD_BODY:
    case VAULT_RECORD_WRAPPER:
        *ret_life = life_in(counting->bodies, &item->subject);
        return TRUE;
    case VAULT_RECORD_TERMS_BODY:
        *ret_life = life_in(counting->terms, &item->subject);
        return TRUE;
    case VAULT_RECORD_COMMIT:
        break;
    }
    g_assert_not_reached();
}

static void note_death(VaultCompactPack *pack, guint64 died_s)
{
    if (died_s != 0 && (pack->died_s == 0 || died_s < pack->died_s))
        pack->died_s = died_s;
}

static void count(const Counting *counting, VaultCompactPack *pack, const VaultCatalogItem *item,
                  const VaultLife *life)
{
    guint64 died_s = life->died_s != 0
                         ? life->died_s
                         : vault_compact_dates_of_message(counting->dates, &item->subject);

    pack->record_count++;
    if (life->state != VAULT_LIFE_DEAD) {
        pack->live_len += item->len;
        return;
    }
    pack->dead_len += item->len;
    pack->has_undated = pack->has_undated || died_s == 0;
    note_death(pack, died_s);
}

static gboolean judge_copies(Counting *counting, const GArray *items, GError **error)
{
    g_hash_table_remove_all(counting->bodies);
    g_hash_table_remove_all(counting->terms);
    for (guint i = 0; i < items->len; i++) {
        const VaultCatalogItem *item = &g_array_index(items, VaultCatalogItem, i);
        gboolean is_copy = item->kind == VAULT_RECORD_COPY;
        VaultLife life;

        if ((is_copy || item->kind == VAULT_RECORD_TERMS_COPY) &&
            !judge_copy(counting, item, is_copy ? counting->bodies : counting->terms, &life, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean count_slice(Counting *counting, const GArray *items, GError **error)
{
    if (!judge_copies(counting, items, error))
        return FALSE;
    for (guint i = 0; i < items->len; i++) {
        const VaultCatalogItem *item = &g_array_index(items, VaultCatalogItem, i);
        VaultCompactPack *pack = g_hash_table_lookup(counting->packs, &item->pack_id);
        VaultLife life;

        if (!judge(counting, item, &life, error))
            return FALSE;
        if (pack != NULL)
            count(counting, pack, item, &life);
    }
    return TRUE;
}

static gboolean count_catalogued(Counting *counting, GError **error)
{
    VaultCatalog *catalog = counting->question->catalog;
    g_autoptr(GArray) items = g_array_new(FALSE, FALSE, sizeof(VaultCatalogItem));
    VaultCatalogTotals totals;
    guint64 slice_count;

    if (!vault_catalog_totals(catalog, &totals, error))
        return FALSE;
    slice_count = (totals.message_count + totals.copy_count + totals.other_count) / SLICE_RECORDS;
    slice_count = CLAMP(slice_count, 1, VAULT_CATALOG_SLICES_MAX);
    for (guint i = 0; i < slice_count; i++)
        if (!vault_catalog_slice(catalog, i, (guint)slice_count, items, error) ||
            !count_slice(counting, items, error))
            return FALSE;
    return TRUE;
}

/* ---- what the catalog does not have --------------------------------------------------------- */

static gboolean count_missing(VaultCompactPack *pack, GError **error)
{
    g_autoptr(GArray) records = NULL;
    guint64 count, len = 0;

    if (!vault_pack_index_count(pack->file->path, &count, error))
        return FALSE;
    if (count <= pack->record_count)
        return TRUE;
    records = vault_pack_index_load(pack->file->path, &pack->file->header.vault_id, error);
    if (records == NULL)
        return FALSE;
    for (guint i = 0; i < records->len; i++)
        len += g_array_index(records, VaultIndexedRecord, i).len;
    if (len > pack->live_len + pack->dead_len) {
        pack->dead_len = len - pack->live_len;
        pack->has_undated = TRUE;
    }
    return TRUE;
}

/* First as old as it can be; only where that would make it due, as old as it is. */
static gboolean date_undated(const Counting *counting, VaultCompactPack *pack, GError **error)
{
    const VaultCompactQuestion *question = counting->question;
    guint64 bound_s = vault_compact_dates_since(counting->dates, pack->file->header.created_s),
            died_s;

    if (vault_compact_is_due(pack, &question->rules) || !is_too_old(bound_s, &question->rules)) {
        note_death(pack, bound_s);
        return TRUE;
    }
    if (!vault_compact_dates_of_pack(counting->dates, pack->file, question->locator_key,
                                     question->liveness, &died_s, error))
        return FALSE;
    /* Nothing that has a leaf: it is an event. */
    note_death(pack, died_s != 0 ? died_s : bound_s);
    return TRUE;
}

/* A pack that was removed meanwhile, or is damaged, is told of by whoever takes it. */
static gboolean is_passed_over(GError *failure, GError **error)
{
    if (g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NOT_FOUND) ||
        g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_CORRUPT)) {
        g_error_free(failure);
        return TRUE;
    }
    g_propagate_error(error, failure);
    return FALSE;
}

static gboolean look_at_packs(const Counting *counting, GArray *packs, GError **error)
{
    for (guint i = 0; i < packs->len; i++) {
        VaultCompactPack *pack = &g_array_index(packs, VaultCompactPack, i);
        GError *failure = NULL;

        if (pack->file->header.type == VAULT_PACK_STREAM)
            continue;
        if ((!count_missing(pack, &failure) ||
             (pack->has_undated && !date_undated(counting, pack, &failure))) &&
            !is_passed_over(failure, error))
            return FALSE;
    }
    return TRUE;
}

GArray *vault_compact_plan(const VaultCompactQuestion *question, GError **error)
{
    g_autoptr(VaultCompactDates) dates = vault_compact_dates_new(question->keyring, error);
    g_autoptr(GArray) packs = g_array_new(FALSE, FALSE, sizeof(VaultCompactPack));
    g_autoptr(GHashTable) by_id = g_hash_table_new(vault_id_hash, vault_id_equal);
    g_autoptr(GHashTable) bodies =
        g_hash_table_new_full(vault_id_hash, vault_id_equal, NULL, g_free);
    g_autoptr(GHashTable) terms =
        g_hash_table_new_full(vault_id_hash, vault_id_equal, NULL, g_free);
    Counting counting = {question, dates, by_id, bodies, terms};

    if (dates == NULL)
        return NULL;
    add_packs(question->files, TRUE, packs);
    add_packs(question->files, FALSE, packs);
    for (guint i = 0; i < packs->len; i++) {
        VaultCompactPack *pack = &g_array_index(packs, VaultCompactPack, i);

        g_hash_table_insert(by_id, (gpointer)&pack->file->header.pack_id, pack);
    }
    if (!count_catalogued(&counting, error) || !look_at_packs(&counting, packs, error))
        return NULL;
    return g_steal_pointer(&packs);
}
