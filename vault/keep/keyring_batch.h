/* Inside vault/keep: many threads' small keyring changes in one transaction and one sync.
 *
 * vault_keyring_batch_run() returns when the job's rows are durable. One of the waiting threads
 * leads: it runs all waiting jobs and commits; when that fails, all of them fail alike and nothing
 * of any is there. Where the disk is full, the reserve is given up and the jobs run once more. Jobs
 * only read and write rows, and may run twice: keys are made before. Threads: safe.
 */
#pragma once

#include "vault/keep/space.h"
#include "vault/store/keyring.h"

typedef struct VaultKeyringBatch VaultKeyringBatch;
VaultKeyringBatch *vault_keyring_batch_new(VaultKeyring *keyring, VaultSpace *space);
void vault_keyring_batch_free(VaultKeyringBatch *batch);

typedef gboolean (*VaultKeyringJob)(VaultKeyring *keyring, gpointer user, GError **error);
gboolean vault_keyring_batch_run(VaultKeyringBatch *batch, VaultKeyringJob job, gpointer user,
                                 GError **error);
