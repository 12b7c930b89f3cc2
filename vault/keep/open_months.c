#include "vault/keep/open_months.h"

#include "vault/keep/session_pool.h"

typedef struct {
    MailboxId mailbox_id;
    VaultMonth month;
} Key;

typedef struct {
    Key key;
    guint users; /* under the list's lock; not forgotten while used */
    GList link;  /* in `recent` */
    GMutex lock; /* guards the rest */
    gboolean is_loaded;
    MonthKeyId month_key_id;
    MonthPublicKeys keys;
    VaultErasureTree *tree;
    guint64 next_leaf, block_end;
    VaultIndexSession *session; /* of the pool; NULL: none */
    gint64 session_end_us;      /* on the monotonic clock */
    VaultSessionPool *pool;     /* borrowed */
} OpenMonth;

struct VaultOpenMonths {
    VaultKeyring *keyring;
    VaultKeyringBatch *batch;
    VaultCatalog *catalog;
    VaultId vault_id;
    VaultRecipients *recipients;
    VaultSessionPool *pool;
    GMutex lock;
    GHashTable *by_key; /* Key -> OpenMonth */
    GQueue recent;      /* OpenMonth, last used first */
    GHashTable *unused; /* MonthKeyId: made by this process, never loaded since */
};

static guint key_hash(gconstpointer item)
{
    const Key *key = item;

    return vault_id_hash(&key->mailbox_id) ^ key->month;
}

static gboolean key_equal(gconstpointer a, gconstpointer b)
{
    const Key *left = a;
    const Key *right = b;

    return left->month == right->month && VAULT_ID_EQUAL(left->mailbox_id, right->mailbox_id);
}

static void end_session(OpenMonth *open)
{
    vault_session_pool_give_back(open->pool, open->session);
    open->session = NULL;
}

static void open_month_free(gpointer item)
{
    OpenMonth *open = item;

    end_session(open);
    vault_erasure_tree_free(open->tree);
    g_mutex_clear(&open->lock);
    g_free(open);
}

VaultOpenMonths *vault_open_months_new(VaultKeyring *keyring, VaultKeyringBatch *batch,
                                       const VaultId *vault_id, VaultRecipients *recipients)
{
    VaultOpenMonths *months = g_new0(VaultOpenMonths, 1);

    months->keyring = keyring;
    months->batch = batch;
    months->vault_id = *vault_id;
    months->recipients = recipients;
    months->pool = vault_session_pool_new();
    g_mutex_init(&months->lock);
    months->by_key = g_hash_table_new_full(key_hash, key_equal, NULL, open_month_free);
    months->unused = g_hash_table_new_full(vault_id_hash, vault_id_equal, g_free, NULL);
    g_queue_init(&months->recent);
    return months;
}

void vault_open_months_free(VaultOpenMonths *months)
{
    if (months == NULL)
        return;
    g_hash_table_unref(months->by_key);
    g_hash_table_unref(months->unused);
    vault_session_pool_free(months->pool);
    g_mutex_clear(&months->lock);
    g_free(months);
}

void vault_open_months_set_catalog(VaultOpenMonths *months, VaultCatalog *catalog)
{
    months->catalog = catalog;
}

/* ---- the list ------------------------------------------------------------------------------- */

static void forget_oldest(VaultOpenMonths *months)
{
    GList *link = months->recent.tail;

    while (link != NULL && months->recent.length > VAULT_OPEN_MONTHS_MAX) {
        GList *before = link->prev;
        OpenMonth *open = link->data;

        if (open->users == 0) {
            g_queue_unlink(&months->recent, link);
            g_hash_table_remove(months->by_key, &open->key);
        }
        link = before;
    }
}

static OpenMonth *use(VaultOpenMonths *months, const Key *key)
{
    OpenMonth *open;

    g_mutex_lock(&months->lock);
    open = g_hash_table_lookup(months->by_key, key);
    if (open == NULL) {
        open = g_new0(OpenMonth, 1);
        open->key = *key;
        open->pool = months->pool;
        open->link.data = open;
        g_mutex_init(&open->lock);
        g_hash_table_insert(months->by_key, &open->key, open);
    } else {
        g_queue_unlink(&months->recent, &open->link);
    }
    open->users++;
    g_queue_push_head_link(&months->recent, &open->link);
    forget_oldest(months);
    g_mutex_unlock(&months->lock);
    return open;
}

static void release(VaultOpenMonths *months, OpenMonth *open)
{
    g_mutex_lock(&months->lock);
    open->users--;
    g_mutex_unlock(&months->lock);
}

/* By key id, so that no other key of the same month passes for it, and once. */
static gboolean take_unused(VaultOpenMonths *months, const MonthKeyId *month_key_id)
{
    gboolean was_unused;

    g_mutex_lock(&months->lock);
    was_unused = g_hash_table_remove(months->unused, month_key_id);
    g_mutex_unlock(&months->lock);
    return was_unused;
}

void vault_open_months_adopt(VaultOpenMonths *months, const VaultMonthValue *value)
{
    g_mutex_lock(&months->lock);
    g_hash_table_add(months->unused, g_memdup2(&value->month_key_id, VAULT_ID_LEN));
    g_mutex_unlock(&months->lock);
}

/* ---- keys ----------------------------------------------------------------------------------- */

VaultMonthValue *vault_open_months_make(VaultOpenMonths *months, const MailboxId *mailbox_id,
                                        const char *address, VaultMonth month, guint64 now_s,
                                        GError **error)
{
    VaultMonthIdentity identity = {.vault_id = months->vault_id,
                                   .mailbox_id = *mailbox_id,
                                   .address = address == NULL ? "" : address,
                                   .month = month};
    VaultWrapRecipients recipients;

    vault_recipients_of(months->recipients, mailbox_id, month, now_s, &recipients);
    return vault_month_value_new(&identity, recipients.list, recipients.count, now_s, error);
}

static gboolean set_closed(const MailboxId *mailbox_id, GError **error)
{
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_BUSY,
                "mailbox %s was closed while mail for it was on its way: send it again",
                VAULT_ID_TEXT(*mailbox_id));
    return FALSE;
}

/* A mailbox that is closed never opens again: asked within the change, since it may just have been.
 */
static gboolean add_month_job(VaultKeyring *keyring, gpointer user, GError **error)
{
    const VaultMonthValue *month = user;
    g_autoptr(VaultMailboxValue) mailbox =
        vault_keyring_get_mailbox(keyring, &month->mailbox_id, error);

    if (mailbox == NULL)
        return FALSE;
    if (mailbox->state != VAULT_MAILBOX_OPEN)
        return set_closed(&month->mailbox_id, error);
    return vault_keyring_add_month(keyring, month, error);
}

static VaultMonthValue *make_durable(VaultOpenMonths *months, const Key *key, guint64 now_s,
                                     GError **error)
{
    g_autoptr(VaultMailboxValue) mailbox =
        vault_keyring_get_mailbox(months->keyring, &key->mailbox_id, error);
    G_GNUC_UNUSED g_autoptr(GRWLockReaderLocker) making =
        g_rw_lock_reader_locker_new(vault_recipients_lock(months->recipients));
    g_autoptr(VaultMonthValue) value = NULL;

    if (mailbox == NULL)
        return NULL;
    value = vault_open_months_make(months, &key->mailbox_id, vault_mailbox_value_primary(mailbox),
                                   key->month, now_s, error);
    if (value == NULL || !vault_keyring_batch_run(months->batch, add_month_job, value, error))
        return NULL;
    return g_steal_pointer(&value);
}

/* Where leaves go on. Of a month that was there before, every leaf below the mark may have been
 * given; one that was loaded before it was adopted has a higher mark than its first block. */
static gboolean find_next_leaf(VaultOpenMonths *months, const VaultMonthValue *value,
                               gboolean is_fresh, guint64 *ret_next, GError **error)
{
    guint64 seen;

    *ret_next = is_fresh && value->leaf_mark == VAULT_LEAF_BLOCK ? 0 : value->leaf_mark;
    if (!vault_catalog_leaf_end(months->catalog, &value->month_key_id, &seen, error))
        return FALSE;
    if (seen <= value->leaf_mark)
        return TRUE;
    g_warning("month %s: the packs hold leaves past its mark, as after a restore of the keyring",
              VAULT_ID_TEXT(value->month_key_id));
    *ret_next = MIN(seen + VAULT_LEAF_GAP, VAULT_LEAVES_MAX);
    return TRUE;
}

static gboolean load(VaultOpenMonths *months, OpenMonth *open, guint64 now_s, GError **error)
{
    g_autoptr(GError) failure = NULL;
    g_autoptr(VaultMonthValue) value =
        vault_keyring_find_month(months->keyring, &open->key.mailbox_id, open->key.month, &failure);
    gboolean is_fresh = value != NULL && take_unused(months, &value->month_key_id);

    if (value == NULL && !g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NOT_FOUND)) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return FALSE;
    }
    if (value == NULL) {
        value = make_durable(months, &open->key, now_s, error);
        is_fresh = TRUE;
    }
    if (value == NULL || !find_next_leaf(months, value, is_fresh, &open->next_leaf, error))
        return FALSE;
    open->month_key_id = value->month_key_id;
    open->keys = value->keys;
    open->tree = g_steal_pointer(&value->tree);
    open->block_end = value->leaf_mark;
    open->is_loaded = TRUE;
    return TRUE;
}

static void unload(OpenMonth *open)
{
    g_mutex_lock(&open->lock);
    open->is_loaded = FALSE;
    end_session(open);
    g_clear_pointer(&open->tree, vault_erasure_tree_free);
    g_mutex_unlock(&open->lock);
}

void vault_open_months_forget(VaultOpenMonths *months, const MailboxId *mailbox_id)
{
    g_autoptr(GPtrArray) found = g_ptr_array_new();
    GHashTableIter iter;
    gpointer item;

    /* Used, so that nobody frees them; never a month's lock under the list's: allotting takes them
     * the other way round. */
    g_mutex_lock(&months->lock);
    g_hash_table_iter_init(&iter, months->by_key);
    while (g_hash_table_iter_next(&iter, NULL, &item)) {
        OpenMonth *open = item;

        if (!VAULT_ID_EQUAL(open->key.mailbox_id, *mailbox_id))
            continue;
        open->users++;
        g_ptr_array_add(found, open);
    }
    g_mutex_unlock(&months->lock);
    for (guint i = 0; i < found->len; i++) {
        unload(g_ptr_array_index(found, i));
        release(months, g_ptr_array_index(found, i));
    }
}

/* ---- leaves --------------------------------------------------------------------------------- */

typedef struct {
    MonthKeyId month_key_id;
    guint64 at_least; /* the new block begins here or later */
    guint64 start, end;
} Reservation;

static gboolean reserve_job(VaultKeyring *keyring, gpointer user, GError **error)
{
    Reservation *reservation = user;
    g_autoptr(GError) failure = NULL;
    g_autoptr(VaultMonthValue) value =
        vault_keyring_get_month(keyring, &reservation->month_key_id, &failure);

    if (value == NULL && g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NOT_FOUND)) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_BUSY,
                    "month key %s was erased while mail for it was on its way: send it again",
                    VAULT_ID_TEXT(reservation->month_key_id));
        return FALSE;
    }
    if (value == NULL) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return FALSE;
    }
    reservation->start = MAX(value->leaf_mark, reservation->at_least);
    reservation->end = MIN(reservation->start + VAULT_LEAF_BLOCK, VAULT_LEAVES_MAX);
    value->leaf_mark = reservation->end;
    return vault_keyring_update_month(keyring, value, error);
}

static gboolean next_leaf(VaultOpenMonths *months, OpenMonth *open, guint32 *ret_leaf,
                          GError **error)
{
    if (open->next_leaf >= open->block_end) {
        Reservation reservation = {.month_key_id = open->month_key_id, .at_least = open->next_leaf};

        if (open->next_leaf >= VAULT_LEAVES_MAX) {
            g_set_error(error, VAULT_ERROR, VAULT_ERROR_NO_KEY, "month %s has no leaf left",
                        VAULT_ID_TEXT(open->month_key_id));
            return FALSE;
        }
        if (!vault_keyring_batch_run(months->batch, reserve_job, &reservation, error))
            return FALSE;
        open->next_leaf = reservation.start;
        open->block_end = reservation.end;
    }
    *ret_leaf = (guint32)open->next_leaf++;
    return TRUE;
}

/* ---- places for terms ----------------------------------------------------------------------- */

/* By a clock that nobody sets: how long a session lasts is how much of it whoever takes the host
 * over can open. */
static gboolean ensure_session(VaultOpenMonths *months, OpenMonth *open, GError **error)
{
    const VaultIndexContext context = {months->vault_id, open->month_key_id};
    gint64 now_us = g_get_monotonic_time();

    if (open->session != NULL && open->session->step < VAULT_INDEX_STEPS_MAX &&
        now_us < open->session_end_us)
        return TRUE;
    end_session(open);
    open->session = vault_session_pool_take(months->pool);
    open->session_end_us = now_us + (gint64)VAULT_INDEX_SESSION_S * G_USEC_PER_SEC;
    if (vault_index_session_begin(&open->keys.index, &context, open->session, error))
        return TRUE;
    end_session(open);
    return FALSE;
}

static gboolean allot_index(VaultOpenMonths *months, OpenMonth *open, VaultAllotment *ret_allotment,
                            GError **error)
{
    if (!ensure_session(months, open, error) ||
        !vault_erasure_tree_index_slot(open->tree, ret_allotment->leaf, &ret_allotment->index_slot,
                                       error))
        return FALSE;
    memcpy(ret_allotment->index_enc, open->session->enc, sizeof ret_allotment->index_enc);
    ret_allotment->has_index = vault_index_session_next(open->session, &ret_allotment->index_step,
                                                        &ret_allotment->index_key, error);
    return ret_allotment->has_index;
}

/* With the month's lock held. Punctured leaves are passed over. */
static gboolean allot(VaultOpenMonths *months, OpenMonth *open, guint64 now_s,
                      VaultAllotment *ret_allotment, GError **error)
{
    if (!open->is_loaded && !load(months, open, now_s, error))
        return FALSE;
    do {
        if (!next_leaf(months, open, &ret_allotment->leaf, error))
            return FALSE;
    } while (vault_erasure_tree_is_punctured(open->tree, ret_allotment->leaf));
    ret_allotment->mailbox_id = open->key.mailbox_id;
    ret_allotment->month_key_id = open->month_key_id;
    ret_allotment->content_key = open->keys.content;
    return vault_erasure_tree_content_slot(open->tree, ret_allotment->leaf, &ret_allotment->slot,
                                           error) &&
           allot_index(months, open, ret_allotment, error);
}

gboolean vault_open_months_allot(VaultOpenMonths *months, const MailboxId *mailbox_id,
                                 VaultMonth month, guint64 now_s, VaultAllotment *ret_allotment,
                                 GError **error)
{
    Key key = {*mailbox_id, month};
    OpenMonth *open = use(months, &key);
    gboolean is_allotted;

    g_mutex_lock(&open->lock);
    is_allotted = allot(months, open, now_s, ret_allotment, error);
    g_mutex_unlock(&open->lock);
    release(months, open);
    return is_allotted;
}
