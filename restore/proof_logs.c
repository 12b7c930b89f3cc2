#include "restore/proof_logs.h"

struct ProofLogs {
    GPtrArray *logs; /* ProofLog, of epoch 1 first */
    ProofLog *last;  /* that a record was found in; NULL: none yet */
};

ProofLogs *proof_logs_new(GPtrArray *logs)
{
    ProofLogs *self = g_new0(ProofLogs, 1);

    self->logs = logs;
    return self;
}

ProofLogs *proof_logs_open(VaultKeep *keep, GError **error)
{
    g_autoptr(GPtrArray) logs = g_ptr_array_new_with_free_func((GDestroyNotify)proof_log_close);
    guint32 last = 0;

    if (!vault_keep_log_epoch(keep, &last, error))
        return NULL;
    for (guint32 epoch = 1; epoch <= last && epoch > 0; epoch++) {
        ProofLog *log = proof_log_of_keep(keep, epoch, error);

        if (log == NULL)
            return NULL;
        g_ptr_array_add(logs, log);
    }
    return proof_logs_new(g_steal_pointer(&logs));
}

void proof_logs_free(ProofLogs *logs)
{
    if (logs == NULL)
        return;
    g_ptr_array_unref(logs->logs);
    g_free(logs);
}

static void note_found_in(ProofLogs *logs, ProofLog *log)
{
    if (logs->last != NULL && logs->last != log)
        proof_log_forget_lists(logs->last);
    logs->last = log;
}

/* The newest first: most mail that is asked for is there. */
static gboolean find(gpointer user, const VaultHash *record_hash, ProofMessage *ret_message,
                     GError **error)
{
    ProofLogs *logs = user;

    ret_message->is_in_log = FALSE;
    for (guint i = logs->logs->len; i > 0 && !ret_message->is_in_log; i--) {
        ProofSource source = proof_log_source(logs->logs->pdata[i - 1]);

        if (!source.find(source.user, record_hash, ret_message, error))
            return FALSE;
        if (ret_message->is_in_log)
            note_found_in(logs, logs->logs->pdata[i - 1]);
    }
    return TRUE;
}

static ProofLog *log_of(const ProofLogs *logs, guint32 epoch, GError **error)
{
    if (epoch >= 1 && epoch <= logs->logs->len)
        return logs->logs->pdata[epoch - 1];
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND,
                "the archive log has no epoch %u: the newest is %u", epoch, logs->logs->len);
    return NULL;
}

/* Those of the first one's epoch are next to each other. */
static gsize same_epoch(const ProofBatchId *ids, gsize count)
{
    gsize same = 1;

    while (same < count && ids[same].epoch == ids[0].epoch)
        same++;
    return same;
}

static GPtrArray *batches(gpointer user, const ProofBatchId *ids, gsize count, GError **error)
{
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func((GDestroyNotify)proof_batch_free);

    for (gsize at = 0, same; at < count; at += same) {
        ProofLog *log = log_of(user, ids[at].epoch, error);
        ProofSource source = {.user = NULL};
        GPtrArray *some;

        if (log == NULL)
            return NULL;
        same = same_epoch(ids + at, count - at);
        source = proof_log_source(log);
        some = source.batches(source.user, ids + at, same, error);
        if (some == NULL)
            return NULL;
        g_ptr_array_extend_and_steal(all, some);
    }
    return g_steal_pointer(&all);
}

ProofSource proof_logs_source(ProofLogs *logs)
{
    return (ProofSource){.find = find, .batches = batches, .user = logs};
}
