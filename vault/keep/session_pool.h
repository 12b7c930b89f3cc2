/* Inside vault/keep: places for the index sessions of many months in locked memory.
 *
 * A chain key lives for a day and opens what is sealed meanwhile, so it is never to reach a swap
 * device; a locked page for each of thousands would be too much. Sessions lie side by side in
 * blocks of VAULT_SESSION_BLOCK, which are made as they are needed. Threads: safe.
 */
#pragma once

#include "vault/crypto/index_session.h"

#define VAULT_SESSION_BLOCK 128

typedef struct VaultSessionPool VaultSessionPool;
VaultSessionPool *vault_session_pool_new(void);
/* All sessions must have been given back (asserted). */
void vault_session_pool_free(VaultSessionPool *pool);

/* A place for one session, all zeros. */
VaultIndexSession *vault_session_pool_take(VaultSessionPool *pool);
/* Wipes it; NULL is none. */
void vault_session_pool_give_back(VaultSessionPool *pool, VaultIndexSession *session);
