#include "restore/vault_view_ledger.h"

typedef struct {
    VaultCopyEntry *entries; /* a ring: the oldest is overwritten */
    gsize count, next;
    GHashTable *by_id; /* RecordId in `entries` -> the entry */
} Ring;

struct VaultViewLedger {
    GMutex lock;
    Ring listed, released;
    GHashTable *bodies; /* RecordId -> number of released copies of it */
};

static void ring_init(Ring *ring)
{
    ring->entries = g_new0(VaultCopyEntry, VAULT_VIEW_LEDGER_COUNT_MAX);
    ring->by_id = g_hash_table_new(vault_id_hash, vault_id_equal);
}

static void ring_clear(Ring *ring)
{
    g_hash_table_unref(ring->by_id);
    g_free(ring->entries);
}

/* FALSE when it was there. *ret_evicted is the entry that had to go, if *ret_has_evicted. */
static gboolean ring_add(Ring *ring, const VaultCopyEntry *entry, VaultCopyEntry *ret_evicted,
                         gboolean *ret_has_evicted)
{
    VaultCopyEntry *place = &ring->entries[ring->next];

    *ret_has_evicted = FALSE;
    if (g_hash_table_contains(ring->by_id, &entry->record_id))
        return FALSE;
    if (ring->count == VAULT_VIEW_LEDGER_COUNT_MAX) {
        g_hash_table_remove(ring->by_id, &place->record_id);
        *ret_evicted = *place;
        *ret_has_evicted = TRUE;
    } else {
        ring->count++;
    }
    *place = *entry;
    g_hash_table_insert(ring->by_id, &place->record_id, place);
    ring->next = (ring->next + 1) % VAULT_VIEW_LEDGER_COUNT_MAX;
    return TRUE;
}

VaultViewLedger *vault_view_ledger_new(void)
{
    VaultViewLedger *ledger = g_new0(VaultViewLedger, 1);

    g_mutex_init(&ledger->lock);
    ring_init(&ledger->listed);
    ring_init(&ledger->released);
    ledger->bodies = g_hash_table_new_full(vault_id_hash, vault_id_equal, g_free, NULL);
    return ledger;
}

void vault_view_ledger_free(VaultViewLedger *ledger)
{
    if (ledger == NULL)
        return;
    ring_clear(&ledger->listed);
    ring_clear(&ledger->released);
    g_hash_table_unref(ledger->bodies);
    g_mutex_clear(&ledger->lock);
    g_free(ledger);
}

void vault_view_ledger_add_listed(VaultViewLedger *ledger, const VaultCopyEntry *entry)
{
    VaultCopyEntry evicted;
    gboolean has_evicted;

    g_mutex_lock(&ledger->lock);
    (void)ring_add(&ledger->listed, entry, &evicted, &has_evicted);
    g_mutex_unlock(&ledger->lock);
}

static guint body_uses(const VaultViewLedger *ledger, const RecordId *body_id)
{
    return GPOINTER_TO_UINT(g_hash_table_lookup(ledger->bodies, body_id));
}

static void set_body_uses(VaultViewLedger *ledger, const RecordId *body_id, guint uses)
{
    if (uses == 0)
        g_hash_table_remove(ledger->bodies, body_id);
    else
        g_hash_table_insert(ledger->bodies, g_memdup2(body_id, sizeof *body_id),
                            GUINT_TO_POINTER(uses));
}

void vault_view_ledger_add_released(VaultViewLedger *ledger, const VaultCopyEntry *entry)
{
    VaultCopyEntry evicted;
    gboolean has_evicted;

    g_mutex_lock(&ledger->lock);
    if (ring_add(&ledger->released, entry, &evicted, &has_evicted)) {
        if (has_evicted)
            set_body_uses(ledger, &evicted.body_id, body_uses(ledger, &evicted.body_id) - 1);
        set_body_uses(ledger, &entry->body_id, body_uses(ledger, &entry->body_id) + 1);
    }
    g_mutex_unlock(&ledger->lock);
}

static gboolean refuse(const RecordId *id, const char *what, GError **error)
{
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED, "record %s was not %s", VAULT_ID_TEXT(*id),
                what);
    return FALSE;
}

gboolean vault_view_ledger_find(VaultViewLedger *ledger, const RecordId *copy_id,
                                VaultCopyEntry *ret_entry, GError **error)
{
    const VaultCopyEntry *entry;

    g_mutex_lock(&ledger->lock);
    entry = g_hash_table_lookup(ledger->listed.by_id, copy_id);
    if (entry == NULL)
        entry = g_hash_table_lookup(ledger->released.by_id, copy_id);
    if (entry != NULL)
        *ret_entry = *entry;
    g_mutex_unlock(&ledger->lock);
    return entry != NULL || refuse(copy_id, "listed", error);
}

gboolean vault_view_ledger_has_body(VaultViewLedger *ledger, const RecordId *body_id)
{
    gboolean has;

    g_mutex_lock(&ledger->lock);
    has = g_hash_table_contains(ledger->bodies, body_id);
    g_mutex_unlock(&ledger->lock);
    return has;
}

gboolean vault_view_ledger_has_released(VaultViewLedger *ledger, const RecordId *copy_id)
{
    gboolean has;

    g_mutex_lock(&ledger->lock);
    has = g_hash_table_contains(ledger->released.by_id, copy_id);
    g_mutex_unlock(&ledger->lock);
    return has;
}

gboolean vault_view_ledger_check_read(VaultViewLedger *ledger, const RecordId *record_id,
                                      GError **error)
{
    gboolean may;

    g_mutex_lock(&ledger->lock);
    may = g_hash_table_contains(ledger->bodies, record_id) ||
          g_hash_table_contains(ledger->released.by_id, record_id);
    g_mutex_unlock(&ledger->lock);
    return may || refuse(record_id, "released", error);
}
