#include "restore/remote_ahead.h"

typedef enum { ITEM_PLANNED, ITEM_SENT, ITEM_HERE } ItemState;

typedef struct {
    RemoteAhead *ahead;
    RecordId record_id;
    guint32 len;
    guint uses; /* copies that will want it */
    guint waiting_count;
    guint64 number;
    ItemState state;
    gboolean is_dropped; /* nobody will take it: its answer frees it */
    GBytes *payload;
    GError *failure;
    GList by_age, in_plan; /* links of the two queues */
} Item;

struct RemoteAhead {
    RemoteLink *link;
    GMutex lock; /* never held while sending: the link's thread needs it to take answers in */
    GCond cond;
    GHashTable *items; /* RecordId in the item -> Item */
    GQueue by_age;     /* all of them */
    GQueue plan;       /* those not sent yet */
    guint64 next_number;
    guint64 len; /* sent or here */
};

RemoteAhead *remote_ahead_new(RemoteLink *link)
{
    RemoteAhead *ahead = g_new0(RemoteAhead, 1);

    ahead->link = link;
    g_mutex_init(&ahead->lock);
    g_cond_init(&ahead->cond);
    ahead->items = g_hash_table_new(vault_id_hash, vault_id_equal);
    g_queue_init(&ahead->by_age);
    g_queue_init(&ahead->plan);
    return ahead;
}

static void item_free(Item *item)
{
    if (item->payload != NULL)
        g_bytes_unref(item->payload);
    g_clear_error(&item->failure);
    g_free(item);
}

/* Under the lock: out of all lists. One that was sent lives on until its answer is here. */
static void drop(RemoteAhead *ahead, Item *item)
{
    g_hash_table_remove(ahead->items, &item->record_id);
    g_queue_unlink(&ahead->by_age, &item->by_age);
    if (item->state == ITEM_PLANNED)
        g_queue_unlink(&ahead->plan, &item->in_plan);
    if (item->state == ITEM_HERE)
        ahead->len -= item->len;
    if (item->state == ITEM_SENT)
        item->is_dropped = TRUE;
    else
        item_free(item);
}

void remote_ahead_free(RemoteAhead *ahead)
{
    GList *oldest;

    if (ahead == NULL)
        return;
    while ((oldest = g_queue_peek_head_link(&ahead->by_age)) != NULL)
        drop(ahead, oldest->data);
    g_hash_table_unref(ahead->items);
    g_mutex_clear(&ahead->lock);
    g_cond_clear(&ahead->cond);
    g_free(ahead);
}

/* ---- planning and sending -------------------------------------------------------------------- */

static void drop_old(RemoteAhead *ahead)
{
    GList *oldest;

    while ((oldest = g_queue_peek_head_link(&ahead->by_age)) != NULL) {
        Item *item = oldest->data;

        if (item->number + REMOTE_AHEAD_AGE_MAX > ahead->next_number || item->waiting_count > 0)
            return;
        drop(ahead, item);
    }
}

static void add(RemoteAhead *ahead, const RecordId *record_id, guint32 len)
{
    Item *item = g_new0(Item, 1);

    item->ahead = ahead;
    item->record_id = *record_id;
    item->len = len;
    item->uses = 1;
    item->number = ahead->next_number++;
    item->by_age.data = item->in_plan.data = item;
    g_hash_table_insert(ahead->items, &item->record_id, item);
    g_queue_push_tail_link(&ahead->by_age, &item->by_age);
    g_queue_push_tail_link(&ahead->plan, &item->in_plan);
}

void remote_ahead_plan(RemoteAhead *ahead, const RecordId *record_id, guint64 len)
{
    Item *known;

    if (len == 0 || len > SERVE_READ_LEN_MAX)
        return;
    g_mutex_lock(&ahead->lock);
    known = g_hash_table_lookup(ahead->items, record_id);
    if (known != NULL)
        known->uses++;
    else
        add(ahead, record_id, (guint32)len);
    drop_old(ahead);
    g_mutex_unlock(&ahead->lock);
}

static void take_in(GBytes *payload, const GError *failure, gpointer user)
{
    Item *item = user;
    RemoteAhead *ahead = item->ahead;

    g_mutex_lock(&ahead->lock);
    if (item->is_dropped) {
        ahead->len -= item->len;
        item_free(item);
    } else {
        item->payload = payload == NULL ? NULL : g_bytes_ref(payload);
        item->failure = failure == NULL ? NULL : g_error_copy(failure);
        item->state = ITEM_HERE;
        g_cond_broadcast(&ahead->cond);
    }
    g_mutex_unlock(&ahead->lock);
}

/* The next one to be sent, counted as sent; FALSE when there is none or no room. */
static gboolean next_to_send(RemoteAhead *ahead, Item **ret_item, ServeRead *ret_read)
{
    GList *first;

    g_mutex_lock(&ahead->lock);
    first = g_queue_peek_head_link(&ahead->plan);
    *ret_item = first == NULL ? NULL : first->data;
    if (*ret_item != NULL && ahead->len + (*ret_item)->len <= REMOTE_AHEAD_LEN_MAX) {
        g_queue_unlink(&ahead->plan, first);
        (*ret_item)->state = ITEM_SENT;
        ahead->len += (*ret_item)->len;
        *ret_read = (ServeRead){.record_id = (*ret_item)->record_id, .len = (*ret_item)->len};
    } else {
        *ret_item = NULL;
    }
    g_mutex_unlock(&ahead->lock);
    return *ret_item != NULL;
}

void remote_ahead_start(RemoteAhead *ahead)
{
    g_autoptr(GByteArray) payload = g_byte_array_new();
    ServeRead read;
    Item *item;

    while (next_to_send(ahead, &item, &read)) {
        g_byte_array_set_size(payload, 0);
        serve_read_append(payload, &read);
        remote_link_send(ahead->link, SERVE_READ, payload, take_in, item);
    }
}

/* ---- taking ---------------------------------------------------------------------------------- */

/* Under the lock. */
static GBytes *take_item(RemoteAhead *ahead, Item *item, GError **error)
{
    GBytes *payload = NULL;

    item->waiting_count++;
    while (item->state == ITEM_SENT)
        g_cond_wait(&ahead->cond, &ahead->lock);
    item->waiting_count--;
    if (item->state == ITEM_HERE && item->failure != NULL)
        g_propagate_error(error, g_error_copy(item->failure));
    else if (item->state == ITEM_HERE)
        payload = g_bytes_ref(item->payload);
    if (--item->uses == 0)
        drop(ahead, item);
    return payload;
}

GBytes *remote_ahead_take(RemoteAhead *ahead, const RecordId *record_id, GError **error)
{
    GBytes *payload = NULL;
    Item *item;

    g_mutex_lock(&ahead->lock);
    item = g_hash_table_lookup(ahead->items, record_id);
    if (item != NULL)
        payload = take_item(ahead, item, error);
    g_mutex_unlock(&ahead->lock);
    remote_ahead_start(ahead);
    return payload;
}
