#include "vault/keep/keyring_batch.h"

#define JOBS_MAX 64

typedef struct {
    VaultKeyringJob job;
    gpointer user;
    gboolean is_done;
    GError *error; /* set: the batch failed */
} Waiting;

struct VaultKeyringBatch {
    VaultKeyring *keyring;
    VaultSpace *space;
    GMutex lock;
    GCond done;
    GQueue waiting; /* Waiting, on the stacks of the threads */
    gboolean has_leader;
};

VaultKeyringBatch *vault_keyring_batch_new(VaultKeyring *keyring, VaultSpace *space)
{
    VaultKeyringBatch *batch = g_new0(VaultKeyringBatch, 1);

    batch->keyring = keyring;
    batch->space = space;
    g_mutex_init(&batch->lock);
    g_cond_init(&batch->done);
    g_queue_init(&batch->waiting);
    return batch;
}

void vault_keyring_batch_free(VaultKeyringBatch *batch)
{
    if (batch == NULL)
        return;
    g_assert(g_queue_is_empty(&batch->waiting));
    g_mutex_clear(&batch->lock);
    g_cond_clear(&batch->done);
    g_free(batch);
}

static gboolean run_jobs(VaultKeyring *keyring, Waiting **jobs, guint count, GError **error)
{
    g_autoptr(VaultKeyringChange) change = vault_keyring_begin(keyring, error);

    if (change == NULL)
        return FALSE;
    for (guint i = 0; i < count; i++)
        if (!jobs[i]->job(keyring, jobs[i]->user, error))
            return FALSE;
    return vault_keyring_commit(g_steal_pointer(&change), error);
}

/* Called and left with the lock held. */
static void lead(VaultKeyringBatch *batch)
{
    Waiting *jobs[JOBS_MAX];
    g_autoptr(GError) failure = NULL;
    guint count = 0;

    while (count < JOBS_MAX && !g_queue_is_empty(&batch->waiting))
        jobs[count++] = g_queue_pop_head(&batch->waiting);
    batch->has_leader = TRUE;
    g_mutex_unlock(&batch->lock);
    run_jobs(batch->keyring, jobs, count, &failure);
    if (g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NO_SPACE) &&
        vault_space_give_up_reserve(batch->space)) {
        g_clear_error(&failure);
        run_jobs(batch->keyring, jobs, count, &failure);
    }
    g_mutex_lock(&batch->lock);
    batch->has_leader = FALSE;
    for (guint i = 0; i < count; i++) {
        jobs[i]->is_done = TRUE;
        jobs[i]->error = failure == NULL ? NULL : g_error_copy(failure);
    }
    g_cond_broadcast(&batch->done);
}

gboolean vault_keyring_batch_run(VaultKeyringBatch *batch, VaultKeyringJob job, gpointer user,
                                 GError **error)
{
    Waiting self = {.job = job, .user = user};

    g_mutex_lock(&batch->lock);
    g_queue_push_tail(&batch->waiting, &self);
    while (!self.is_done) {
        if (!batch->has_leader)
            lead(batch);
        else
            g_cond_wait(&batch->done, &batch->lock);
    }
    g_mutex_unlock(&batch->lock);
    if (self.error == NULL)
        return TRUE;
    g_propagate_error(error, self.error);
    return FALSE;
}
