#include "restore/remote_proofs.h"

/* A record that was asked for and not taken yet. */
typedef struct {
    RemoteProofs *proofs;
    VaultHash record_hash;
    guint expected_count; /* how often find() will be called */
    gboolean is_done;
    GError *failure;
    ProofMessage message; /* of which only the place in the log */
} Asked;

struct RemoteProofs {
    RemoteLink *link;
    GMutex lock;
    GCond answered;
    GHashTable *asked; /* the hash in it -> Asked; under the lock */
};

/* Record hashes are random, and no other's to choose. */
static guint hash_key(gconstpointer key)
{
    const VaultHash *hash = key;

    return (guint)hash->bytes[0] << 16 | (guint)hash->bytes[1] << 8 | hash->bytes[2];
}

static gboolean keys_equal(gconstpointer a, gconstpointer b)
{
    return vault_merkle_hash_equal(a, b);
}

static void asked_free(gpointer pointer)
{
    Asked *asked = pointer;

    g_clear_error(&asked->failure);
    g_free(asked);
}

RemoteProofs *remote_proofs_new(RemoteLink *link)
{
    RemoteProofs *proofs = g_new0(RemoteProofs, 1);

    proofs->link = link;
    g_mutex_init(&proofs->lock);
    g_cond_init(&proofs->answered);
    proofs->asked = g_hash_table_new_full(hash_key, keys_equal, NULL, asked_free);
    return proofs;
}

void remote_proofs_free(RemoteProofs *proofs)
{
    if (proofs == NULL)
        return;
    g_hash_table_unref(proofs->asked);
    g_mutex_clear(&proofs->lock);
    g_cond_clear(&proofs->answered);
    g_free(proofs);
}

static void take_answer(GBytes *payload, const GError *failure, gpointer user)
{
    Asked *asked = user;
    RemoteProofs *proofs = asked->proofs;

    g_mutex_lock(&proofs->lock);
    if (payload == NULL)
        asked->failure = g_error_copy(failure);
    else
        (void)serve_prove_answer_parse(g_bytes_get_data(payload, NULL), g_bytes_get_size(payload),
                                       &asked->message, &asked->failure);
    asked->is_done = TRUE;
    g_cond_broadcast(&proofs->answered);
    g_mutex_unlock(&proofs->lock);
}

/* One body may be in several mailboxes, and so be expected more than once. */
static void expect(gpointer user, const VaultHash *record_hash)
{
    RemoteProofs *proofs = user;
    g_autoptr(GByteArray) payload = g_byte_array_new();
    Asked *asked;

    g_mutex_lock(&proofs->lock);
    asked = g_hash_table_lookup(proofs->asked, record_hash);
    if (asked != NULL) {
        asked->expected_count++;
        g_mutex_unlock(&proofs->lock);
        return;
    }
    asked = g_new0(Asked, 1);
    *asked = (Asked){.proofs = proofs, .record_hash = *record_hash, .expected_count = 1};
    g_hash_table_insert(proofs->asked, &asked->record_hash, asked);
    g_mutex_unlock(&proofs->lock);
    serve_prove_append(payload, record_hash);
    remote_link_send(proofs->link, SERVE_PROVE, payload, take_answer, asked);
}

/* With the lock. */
static gboolean take(RemoteProofs *proofs, Asked *asked, ProofMessage *ret_message, GError **error)
{
    gboolean is_good;

    while (!asked->is_done)
        g_cond_wait(&proofs->answered, &proofs->lock);
    is_good = asked->failure == NULL;
    if (!is_good)
        g_propagate_error(error, g_error_copy(asked->failure));
    ret_message->is_in_log = asked->message.is_in_log;
    ret_message->batch = asked->message.batch;
    ret_message->place = asked->message.place;
    ret_message->path = asked->message.path;
    if (--asked->expected_count == 0)
        g_hash_table_remove(proofs->asked, &asked->record_hash);
    return is_good;
}

static gboolean find(gpointer user, const VaultHash *record_hash, ProofMessage *ret_message,
                     GError **error)
{
    RemoteProofs *proofs = user;
    gboolean is_found;
    Asked *asked;

    g_mutex_lock(&proofs->lock);
    asked = g_hash_table_lookup(proofs->asked, record_hash);
    if (asked == NULL) {
        g_mutex_unlock(&proofs->lock);
        expect(proofs, record_hash);
        g_mutex_lock(&proofs->lock);
        asked = g_hash_table_lookup(proofs->asked, record_hash);
    }
    is_found = take(proofs, asked, ret_message, error);
    g_mutex_unlock(&proofs->lock);
    return is_found;
}

/* Appends what one answer has room for. */
static gboolean fetch_batches(RemoteProofs *proofs, const ProofBatchId *ids, gsize count,
                              GPtrArray *batches, GError **error)
{
    g_autoptr(GByteArray) payload = g_byte_array_new();
    g_autoptr(GBytes) answer = NULL;

    serve_batches_append(payload, ids, count);
    answer = remote_link_call(proofs->link, SERVE_BATCHES, payload, error);
    return answer != NULL &&
           serve_batches_answer_parse(g_bytes_get_data(answer, NULL), g_bytes_get_size(answer), ids,
                                      count, batches, error);
}

static GPtrArray *batches(gpointer user, const ProofBatchId *ids, gsize count, GError **error)
{
    g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func((GDestroyNotify)proof_batch_free);

    while (found->len < count) {
        if (!fetch_batches(user, ids + found->len, count - found->len, found, error))
            return NULL;
    }
    return g_steal_pointer(&found);
}

gboolean remote_proofs_open(RemoteProofs *proofs, ProofSource *ret_proofs, GError **error)
{
    g_autoptr(GPtrArray) none = g_ptr_array_new_with_free_func((GDestroyNotify)proof_batch_free);

    if (!fetch_batches(proofs, NULL, 0, none, error))
        return FALSE;
    *ret_proofs = (ProofSource){.find = find, .expect = expect, .batches = batches, .user = proofs};
    return TRUE;
}
