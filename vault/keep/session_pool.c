#include "vault/keep/session_pool.h"

struct VaultSessionPool {
    GMutex lock;
    GPtrArray *blocks; /* of VAULT_SESSION_BLOCK sessions each */
    GPtrArray *idle;   /* places in them */
};

VaultSessionPool *vault_session_pool_new(void)
{
    VaultSessionPool *pool = g_new0(VaultSessionPool, 1);

    g_mutex_init(&pool->lock);
    pool->blocks = g_ptr_array_new_with_free_func(vault_secret_free);
    pool->idle = g_ptr_array_new();
    return pool;
}

void vault_session_pool_free(VaultSessionPool *pool)
{
    if (pool == NULL)
        return;
    g_assert(pool->idle->len == pool->blocks->len * VAULT_SESSION_BLOCK);
    g_ptr_array_unref(pool->idle);
    g_ptr_array_unref(pool->blocks);
    g_mutex_clear(&pool->lock);
    g_free(pool);
}

static void add_block(VaultSessionPool *pool)
{
    VaultIndexSession *block = vault_secret_new(VAULT_SESSION_BLOCK * sizeof *block);

    g_ptr_array_add(pool->blocks, block);
    for (gsize i = 0; i < VAULT_SESSION_BLOCK; i++)
        g_ptr_array_add(pool->idle, &block[i]);
}

VaultIndexSession *vault_session_pool_take(VaultSessionPool *pool)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&pool->lock);

    if (pool->idle->len == 0)
        add_block(pool);
    return g_ptr_array_steal_index_fast(pool->idle, pool->idle->len - 1);
}

void vault_session_pool_give_back(VaultSessionPool *pool, VaultIndexSession *session)
{
    if (session == NULL)
        return;
    vault_index_session_wipe(session);
    g_mutex_lock(&pool->lock);
    g_ptr_array_add(pool->idle, session);
    g_mutex_unlock(&pool->lock);
}
