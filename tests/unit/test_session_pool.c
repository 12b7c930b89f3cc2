/* Places for index sessions: each for one month at a time, wiped in between, many to a block. */
#include "tests/unit/crypto_world.h"

#include "vault/keep/session_pool.h"

#define COUNT (2 * VAULT_SESSION_BLOCK + 1)

static void assert_zeros(const VaultIndexSession *session)
{
    static const VaultIndexSession zeros;

    assert_memory_equal(session, &zeros, sizeof zeros);
}

static void places_are_distinct_and_come_wiped(void **state)
{
    VaultSessionPool *pool = vault_session_pool_new();
    g_autoptr(GHashTable) taken = g_hash_table_new(NULL, NULL);
    VaultIndexSession *sessions[COUNT];

    for (guint round = 0; round < 2; round++) {
        for (guint i = 0; i < COUNT; i++) {
            sessions[i] = vault_session_pool_take(pool);
            assert_zeros(sessions[i]);
            memset(sessions[i], 0x5a, sizeof *sessions[i]);
            assert_true(g_hash_table_add(taken, sessions[i]));
        }
        for (guint i = 0; i < COUNT; i++) {
            vault_session_pool_give_back(pool, sessions[i]);
            assert_zeros(sessions[i]);
        }
        g_hash_table_remove_all(taken);
    }
    vault_session_pool_give_back(pool, NULL);
    vault_session_pool_free(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_are_distinct_and_come_wiped),
    };

    return run_crypto_tests(tests);
}
