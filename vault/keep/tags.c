#include "vault/keep/tags.h"

#include "vault/crypto/value.h"

#define DAY_S 86400

typedef struct {
    RowId row_id;
    VaultDayKeyValue value;
} DayKeyRow;

struct VaultTags {
    VaultKeyring *keyring;
    VaultKeyringBatch *batch;
    VaultClock *clock;
    GMutex lock;
    DayKeyRow *keys; /* guarded memory, newest day first */
    gsize key_count;
    GMutex flight_lock;
    GCond landed;
    GHashTable *in_flight; /* DeliveryTag, own copies */
};

/* ---- day keys ------------------------------------------------------------------------------- */

static gboolean load_key(const RowId *row_id, const GByteArray *value, gpointer user,
                         GError **error)
{
    VaultTags *tags = user;
    DayKeyRow *row = &tags->keys[tags->key_count];
    gsize at = tags->key_count;

    if (tags->key_count == VAULT_DAY_KEYS_MAX) {
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
                            "the keyring holds too many day keys");
        return FALSE;
    }
    row->row_id = *row_id;
    if (!vault_day_key_value_parse(value->data, value->len, &row->value, error))
        return FALSE;
    tags->key_count++;
    for (; at > 0 && tags->keys[at - 1].value.day < tags->keys[at].value.day; at--) {
        DayKeyRow later = tags->keys[at];

        tags->keys[at] = tags->keys[at - 1];
        tags->keys[at - 1] = later;
        vault_wipe(&later, sizeof later);
    }
    return TRUE;
}

void vault_tags_free(VaultTags *tags)
{
    if (tags == NULL)
        return;
    vault_secret_free(tags->keys);
    g_hash_table_unref(tags->in_flight);
    g_mutex_clear(&tags->lock);
    g_mutex_clear(&tags->flight_lock);
    g_cond_clear(&tags->landed);
    g_free(tags);
}

VaultTags *vault_tags_new(VaultKeyring *keyring, VaultKeyringBatch *batch, VaultClock *clock,
                          GError **error)
{
    g_autoptr(VaultTags) tags = g_new0(VaultTags, 1);

    tags->keyring = keyring;
    tags->batch = batch;
    tags->clock = clock;
    g_mutex_init(&tags->lock);
    g_mutex_init(&tags->flight_lock);
    g_cond_init(&tags->landed);
    tags->in_flight = g_hash_table_new_full(vault_id_hash, vault_id_equal, g_free, NULL);
    tags->keys = vault_secret_new(VAULT_DAY_KEYS_MAX * sizeof *tags->keys);
    if (vault_keyring_each(keyring, VAULT_KEYRING_DAY_KEYS, load_key, tags, error))
        return g_steal_pointer(&tags);
    return NULL;
}

/* What one day's change does: the new key in, all rows but [first, end) out. */
typedef struct {
    const DayKeyRow *fresh; /* NULL: none */
    const DayKeyRow *keys;
    gsize key_count, first, end;
} Renewal;

static gboolean put_fresh(VaultKeyring *keyring, const DayKeyRow *fresh, GError **error)
{
    GByteArray *value = vault_day_key_value_format(&fresh->value);
    gboolean is_put =
        vault_keyring_put(keyring, VAULT_KEYRING_DAY_KEYS, &fresh->row_id, value, error);

    vault_value_free(value);
    return is_put;
}

static gboolean renew_job(VaultKeyring *keyring, gpointer user, GError **error)
{
    const Renewal *renewal = user;

    for (gsize i = 0; i < renewal->key_count; i++)
        if ((i < renewal->first || i >= renewal->end) &&
            !vault_keyring_remove(keyring, VAULT_KEYRING_DAY_KEYS, &renewal->keys[i].row_id, error))
            return FALSE;
    return renewal->fresh == NULL || put_fresh(keyring, renewal->fresh, error);
}

/* Which keys stay while the clock is right: none that is too old, none of a day to come, which a
 * clock that was ahead made (tomorrow's may be a step back at midnight). Room for a new one is
 * made, too. TRUE: one is needed. */
static gboolean choose_kept(const VaultTags *tags, guint32 today, gboolean may_drop,
                            Renewal *renewal)
{
    guint32 oldest = may_drop && today > VAULT_DAY_KEY_DAYS ? today - VAULT_DAY_KEY_DAYS : 0;
    guint32 latest = may_drop ? today + 1 : G_MAXUINT32;
    gboolean needs_key;

    renewal->end = tags->key_count;
    while (renewal->first < renewal->end && tags->keys[renewal->first].value.day > latest)
        renewal->first++;
    needs_key = renewal->first == renewal->end ||
                (may_drop && tags->keys[renewal->first].value.day < today);
    while (renewal->end > renewal->first && tags->keys[renewal->end - 1].value.day < oldest)
        renewal->end--;
    if (needs_key && renewal->end - renewal->first == VAULT_DAY_KEYS_MAX)
        renewal->end--;
    return needs_key;
}

static void take_over(VaultTags *tags, const Renewal *renewal)
{
    gsize kept = renewal->end - renewal->first, fresh = renewal->fresh != NULL;

    memmove(tags->keys + fresh, tags->keys + renewal->first, kept * sizeof *tags->keys);
    if (renewal->fresh != NULL)
        tags->keys[0] = *renewal->fresh;
    tags->key_count = kept + fresh;
    vault_wipe(tags->keys + tags->key_count,
               (VAULT_DAY_KEYS_MAX - tags->key_count) * sizeof *tags->keys);
}

static gboolean renew(VaultTags *tags, guint32 today, gboolean may_drop, GError **error)
{
    Renewal renewal = {.keys = tags->keys, .key_count = tags->key_count};
    DayKeyRow fresh = {.value = {.day = today}};
    gboolean is_renewed;

    if (choose_kept(tags, today, may_drop, &renewal))
        renewal.fresh = &fresh;
    if (renewal.fresh == NULL && renewal.end - renewal.first == tags->key_count)
        return TRUE;
    vault_random(fresh.row_id.bytes, VAULT_ID_LEN);
    vault_random(fresh.value.key.bytes, VAULT_KEY_LEN);
    is_renewed = vault_keyring_batch_run(tags->batch, renew_job, &renewal, error);
    if (is_renewed)
        take_over(tags, &renewal);
    vault_wipe(&fresh, sizeof fresh);
    return is_renewed;
}

gboolean vault_tags_renew(VaultTags *tags, guint64 *ret_since_s, gboolean *ret_changed,
                          GError **error)
{
    guint64 good_s, now_s = vault_clock_now_s(tags->clock);
    gboolean may_drop = vault_clock_judge(tags->clock, now_s, &good_s) == VAULT_CLOCK_GOOD;
    guint32 oldest_before;
    gboolean is_renewed;

    g_mutex_lock(&tags->lock);
    oldest_before = tags->key_count == 0 ? 0 : tags->keys[tags->key_count - 1].value.day;
    is_renewed = renew(tags, (guint32)(good_s / DAY_S), may_drop, error);
    if (is_renewed) {
        guint32 oldest = tags->keys[tags->key_count - 1].value.day;

        *ret_since_s = MIN((guint64)oldest * DAY_S, good_s);
        *ret_changed = oldest != oldest_before;
    }
    g_mutex_unlock(&tags->lock);
    return is_renewed;
}

guint64 vault_tags_since_s(VaultTags *tags)
{
    guint64 since_s, now_s = vault_clock_now_s(tags->clock);

    g_mutex_lock(&tags->lock);
    /* A key of a day to come is of a clock that was ahead: what it tagged came before that day. */
    since_s = tags->key_count == 0
                  ? G_MAXINT64
                  : MIN((guint64)tags->keys[tags->key_count - 1].value.day * DAY_S, now_s);
    g_mutex_unlock(&tags->lock);
    return since_s;
}

/* ---- tags ----------------------------------------------------------------------------------- */

static void make_pair(const DayKey *key, const char *sender, const VaultHash *received_hash,
                      const VaultHash *stored_hash, VaultTagList *list)
{
    /* The hash has a fixed length and comes last: no two pairs give the same bytes. */
    VaultSpan received[] = {{sender, strlen(sender)}, {received_hash->bytes, VAULT_HASH_LEN}};
    VaultSpan stored[] = {{stored_hash->bytes, VAULT_HASH_LEN}};

    vault_delivery_tag(key, "muniment retry tag", received, G_N_ELEMENTS(received),
                       &list->retry[list->count]);
    vault_delivery_tag(key, "muniment repeat tag", stored, G_N_ELEMENTS(stored),
                       &list->repeat[list->count]);
    list->count++;
}

void vault_tags_make(VaultTags *tags, const char *sender, const VaultHash *received_hash,
                     const VaultHash *stored_hash, const DayKey *import_key, VaultTagList *ret_list)
{
    ret_list->count = 0;
    if (import_key != NULL) {
        make_pair(import_key, sender, received_hash, stored_hash, ret_list);
        return;
    }
    g_mutex_lock(&tags->lock);
    for (gsize i = 0; i < tags->key_count; i++)
        make_pair(&tags->keys[i].value.key, sender, received_hash, stored_hash, ret_list);
    g_mutex_unlock(&tags->lock);
}

/* ---- in flight ------------------------------------------------------------------------------ */

static gboolean is_any_in_flight(VaultTags *tags, const VaultTagList *list)
{
    if (g_hash_table_size(tags->in_flight) == 0)
        return FALSE;
    for (gsize i = 0; i < list->count; i++)
        if (g_hash_table_contains(tags->in_flight, &list->retry[i]))
            return TRUE;
    return FALSE;
}

void vault_tags_enter(VaultTags *tags, const VaultTagList *list)
{
    g_mutex_lock(&tags->flight_lock);
    while (is_any_in_flight(tags, list))
        g_cond_wait(&tags->landed, &tags->flight_lock);
    g_hash_table_add(tags->in_flight, g_memdup2(&list->retry[0], sizeof list->retry[0]));
    g_mutex_unlock(&tags->flight_lock);
}

void vault_tags_leave(VaultTags *tags, const DeliveryTag *retry_tag)
{
    g_mutex_lock(&tags->flight_lock);
    g_hash_table_remove(tags->in_flight, retry_tag);
    g_cond_broadcast(&tags->landed);
    g_mutex_unlock(&tags->flight_lock);
}
