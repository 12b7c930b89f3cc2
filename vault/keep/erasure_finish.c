/* What follows the moment of an erasure: copies of the keyring, old vault keys, the catalog, the
 * statement; then its states, as far as time and places allow. */
#include "vault/keep/acts.h"
#include "vault/keep/custody.h"
#include "vault/keep/erasure.h"
#include "vault/keep/liveness.h"

#define DAY_S 86400

void vault_erasure_reach(VaultKeep *keep, VaultErasureValue *value, VaultErasureState state)
{
    value->state = state;
    value->dates_s[state] = MAX(1, vault_clock_now_s(&keep->clock));
}

static gboolean put_job(VaultKeyring *keyring, gpointer user, GError **error)
{
    const VaultErasureValue *value = user;
    g_autoptr(GByteArray) bytes = vault_erasure_value_format(value);

    return vault_keyring_put(keyring, VAULT_KEYRING_ERASURES, &value->id, bytes, error);
}

gboolean vault_erasure_put(VaultKeep *keep, const VaultErasureValue *value, GError **error)
{
    return vault_keyring_batch_run(keep->batch, put_job, (gpointer)value, error);
}

/* ---- copies and old keys -------------------------------------------------------------------- */

gboolean vault_erasure_spread(VaultKeep *keep, GError **error)
{
    g_autoptr(GPtrArray) results = vault_custody_results_new();
    guint32 generation = vault_keyring_generation(keep->keyring);

    return vault_custody_copy_keyring(keep, results, error) &&
           (generation <= 1 || vault_custody_destroy(keep, generation - 1, results, error));
}

/* ---- the catalog ---------------------------------------------------------------------------- */

static gboolean wipe_message(VaultKeep *keep, VaultLiveness *liveness, const RecordId *body_id,
                             GHashTable *owners, GError **error)
{
    g_autoptr(GArray) copies = vault_catalog_copies_of(keep->reading, body_id, error);

    for (guint i = 0; copies != NULL && i < copies->len; i++) {
        const VaultCatalogCopy *copy = &g_array_index(copies, VaultCatalogCopy, i);
        MailboxId owner;
        VaultLife life;

        if (!vault_liveness_of_leaf(liveness, &copy->month_key_id, copy->leaf, &life, error))
            return FALSE;
        owner = vault_liveness_mailbox(liveness, &copy->month_key_id);
        if (life.state == VAULT_LIFE_LIVE)
            g_hash_table_add(owners, g_memdup2(&owner, VAULT_ID_LEN));
        else if (life.state == VAULT_LIFE_DEAD &&
                 !vault_catalog_remove_copy(keep->writing, copy, error))
            return FALSE;
    }
    return copies != NULL;
}

typedef struct {
    const RowId *erasure_id;
    GArray *months; /* MonthKeyId */
} DroppedMonths;

static gboolean note_dropped(const RowId *row_id, const GByteArray *bytes, gpointer user,
                             GError **error)
{
    DroppedMonths *dropped = user;
    VaultTombstoneValue tombstone;

    if (!vault_tombstone_value_parse(bytes->data, bytes->len, &tombstone, error))
        return FALSE;
    if (VAULT_ID_EQUAL(tombstone.event_id, *dropped->erasure_id))
        g_array_append_vals(dropped->months, row_id->bytes, 1);
    return TRUE;
}

/* Others who own messages of these months; what is theirs stays. */
static gboolean find_owners(VaultKeep *keep, VaultLiveness *liveness, const GArray *months,
                            GHashTable *owners, GError **error)
{
    VaultCatalogFilter filter = {.months = (const MonthKeyId *)(gconstpointer)months->data,
                                 .month_count = months->len};
    g_autoptr(GArray) page = g_array_new(FALSE, TRUE, sizeof(VaultCatalogCopy));
    g_autoptr(VaultCatalogCursor) cursor = vault_catalog_cursor_new(keep->reading, &filter, error);

    while (cursor != NULL && vault_catalog_cursor_next(cursor, page, error)) {
        if (page->len == 0)
            return TRUE;
        for (guint i = 0; i < page->len; i++)
            if (!wipe_message(keep, liveness, &g_array_index(page, VaultCatalogCopy, i).body_id,
                              owners, error))
                return FALSE;
    }
    return FALSE;
}

static gboolean wipe_rows(VaultKeep *keep, const VaultErasureValue *value, GHashTable *owners,
                          GError **error)
{
    g_autoptr(VaultLiveness) liveness = vault_liveness_new(keep->keyring);
    g_autoptr(GArray) months = g_array_new(FALSE, FALSE, sizeof(MonthKeyId));
    DroppedMonths dropped = {&value->id, months};

    if (!vault_keyring_each(keep->keyring, VAULT_KEYRING_TOMBSTONES, note_dropped, &dropped, error))
        return FALSE;
    for (guint i = 0; i < value->messages->len; i++)
        if (!wipe_message(keep, liveness, &g_array_index(value->messages, RecordId, i), owners,
                          error))
            return FALSE;
    if (months->len > 0 && !find_owners(keep, liveness, months, owners, error))
        return FALSE;
    for (guint i = 0; i < months->len; i++)
        if (!vault_catalog_remove_month(keep->writing, &g_array_index(months, MonthKeyId, i),
                                        error))
            return FALSE;
    return TRUE;
}

/* What the catalog says of what is dead; and who else owns those messages. */
static gboolean wipe_catalog(VaultKeep *keep, VaultErasureValue *value, GError **error)
{
    g_autoptr(GHashTable) owners =
        g_hash_table_new_full(vault_id_hash, vault_id_equal, g_free, NULL);
    GHashTableIter iter;
    gpointer owner;

    if (!vault_catalog_feed_flush(keep->feed, error) || !vault_catalog_begin(keep->writing, error))
        return FALSE;
    if (!wipe_rows(keep, value, owners, error)) {
        vault_catalog_abandon(keep->writing);
        return FALSE;
    }
    if (!vault_catalog_end(keep->writing, error) || !vault_catalog_settle(keep->writing, error))
        return FALSE;
    g_hash_table_iter_init(&iter, owners);
    while (g_hash_table_iter_next(&iter, &owner, NULL) &&
           value->owners->len < VAULT_ERASURE_OWNERS_MAX)
        g_array_append_vals(value->owners, owner, 1);
    return TRUE;
}

/* ---- states --------------------------------------------------------------------------------- */

/* One state further, where what is to be gone for it is gone. */
static gboolean step(VaultKeep *keep, VaultErasureValue *value, const VaultCustodyState *custody)
{
    guint64 now_s = vault_clock_now_s(&keep->clock);
    gboolean is_due = FALSE;

    switch (value->state) {
    case VAULT_ERASURE_ONLINE:
        is_due = custody->key.generation >= value->generation &&
                 vault_custody_count_behind(custody, VAULT_CUSTODY_COPY, value->generation) == 0;
        break;
    case VAULT_ERASURE_COPIES:
        is_due = vault_custody_count_behind(custody, VAULT_CUSTODY_HOLDER, value->generation) == 0;
        break;
    case VAULT_ERASURE_ESCROW:
        is_due =
            vault_custody_declared_until(custody, value->dates_s[VAULT_ERASURE_ESCROW]) <= now_s;
        break;
    case VAULT_ERASURE_BACKUPS_EXPIRED:
        is_due = TRUE;
        break;
    case VAULT_ERASURE_REQUESTED:
    case VAULT_ERASURE_FINAL:
    case VAULT_ERASURE_CANCELLED:
    case VAULT_ERASURE_STATE_END:
        break;
    }
    if (is_due)
        vault_erasure_reach(keep, value, value->state + 1);
    return is_due;
}

static gboolean log_statement(VaultKeep *keep, VaultErasureValue *value,
                              const VaultCustodyState *custody, GError **error)
{
    return vault_erasure_log(keep, value, custody, VAULT_LOGGED_ERASURE_DONE, error) &&
           vault_erasure_put(keep, value, error);
}

/* What changed is said in the log, and then remembered. */
static gboolean move_on(VaultKeep *keep, VaultErasureValue *value, gboolean is_news, GError **error)
{
    g_autoptr(VaultCustodyState) custody = vault_custody_state(keep, VAULT_CUSTODY_KNOWN, error);
    guint64 good_s;

    if (custody == NULL)
        return FALSE;
    while (vault_clock_judge(&keep->clock, vault_clock_now_s(&keep->clock), &good_s) ==
               VAULT_CLOCK_GOOD &&
           step(keep, value, custody))
        is_news = TRUE;
    return !is_news || log_statement(keep, value, custody, error);
}

gboolean vault_erasure_finish(VaultKeep *keep, VaultErasureValue *value, GError **error)
{
    g_array_set_size(value->owners, 0);
    if (!vault_erasure_spread(keep, error) || !vault_erasure_note_reads(keep, value, error) ||
        !wipe_catalog(keep, value, error))
        return FALSE;
    value->flags |= VAULT_ERASURE_COMPLETED;
    return move_on(keep, value, TRUE, error);
}

/* ---- what housekeeping does ----------------------------------------------------------------- */

static gboolean is_pending(const VaultErasureValue *value)
{
    return value->state >= VAULT_ERASURE_ONLINE && value->state < VAULT_ERASURE_FINAL;
}

/* The vault key that an erasure waits for, since the policy rolls it once a day. */
static gboolean is_roll_due(VaultKeep *keep, const GPtrArray *erasures)
{
    guint64 now_s = vault_clock_now_s(&keep->clock);
    guint32 generation = vault_keyring_generation(keep->keyring);

    for (guint i = 0; i < erasures->len; i++) {
        const VaultErasureValue *value = g_ptr_array_index(erasures, i);

        if (is_pending(value) && value->generation > generation &&
            value->dates_s[VAULT_ERASURE_ONLINE] / DAY_S < now_s / DAY_S)
            return TRUE;
    }
    return FALSE;
}

static gboolean roll_daily(VaultKeep *keep, GError **error)
{
    VaultKey *next = vault_erasure_next_key(keep, error);
    VaultErasureChange change = {.next = next};
    gboolean is_done = next != NULL && vault_erasure_change_run(keep, &change, error);

    vault_secret_free(next);
    return is_done;
}

static gboolean advance_all(VaultKeep *keep, const GPtrArray *erasures, GError **error)
{
    gboolean is_any = FALSE;

    for (guint i = 0; i < erasures->len; i++)
        is_any = is_any || is_pending(g_ptr_array_index(erasures, i));
    if (!is_any)
        return TRUE;
    if ((is_roll_due(keep, erasures) && !roll_daily(keep, error)) ||
        !vault_custody_update(keep, error))
        return FALSE;
    for (guint i = 0; i < erasures->len; i++) {
        VaultErasureValue *value = g_ptr_array_index(erasures, i);
        gboolean is_completed = (value->flags & VAULT_ERASURE_COMPLETED) != 0;

        if (is_pending(value) && !(is_completed ? move_on(keep, value, FALSE, error)
                                                : vault_erasure_finish(keep, value, error)))
            return FALSE;
    }
    return TRUE;
}

gboolean vault_keep_advance_erasures(VaultKeep *keep, GError **error)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&keep->erasure_lock);
    g_autoptr(GPtrArray) erasures = vault_keep_erasures(keep, error);

    g_assert(keep->mode == VAULT_KEEP_WRITER);
    return locker != NULL && erasures != NULL && advance_all(keep, erasures, error);
}

gboolean vault_keep_add_repeats(VaultKeep *keep, GArray *messages, GError **error)
{
    vault_keep_catch_up(keep);
    return vault_catalog_add_repeats(keep->reading, messages, error);
}
