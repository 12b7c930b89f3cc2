/* Proofs of a vault elsewhere: as at the host, each asked for once, many under way. */
#include "remote_world.h"

static VaultHash hash_of(guint number)
{
    return (VaultHash){{(guint8)number, (guint8)(number >> 8), (guint8)(number * 7)}};
}

static void assert_place(const ProofSource *proofs, guint number)
{
    VaultHash hash = hash_of(number);
    ProofMessage expected = {.header_len = 5}, found = {.header_len = 5};

    assert_true(proofs->find(proofs->user, &hash, &found, NULL));
    assert_int_equal(found.header_len, 5);
    assert_int_equal(found.is_in_log, hash.bytes[0] < 0x80);
    if (!found.is_in_log)
        return;
    assert_int_equal(found.batch.index, 10 + hash.bytes[0]);
    assert_int_equal(found.batch.epoch, 1 + hash.bytes[0] % 2);
    assert_int_equal(found.place, hash.bytes[1]);
    assert_int_equal(found.path.count, hash.bytes[2] % 17);
    assert_memory_equal(found.path.hashes, expected.path.hashes, sizeof expected.path.hashes);
}

static void proofs_are_the_same_at_both_ends(void **state)
{
    g_autoptr(World) world = granted_world_new(4);
    ProofSource proofs;

    assert_true(vault_view_proofs(world->view, &proofs, NULL));
    for (guint number = 0; number < 600; number += 3)
        assert_place(&proofs, number);
    assert_int_equal(world->vault.find_count, 200);
}

/* Some are expected twice, some not at all, and they are taken in another order. */
static void expected_proofs_are_asked_for_once(void **state)
{
    g_autoptr(World) world = granted_world_new(4);
    ProofSource proofs;

    assert_true(vault_view_proofs(world->view, &proofs, NULL));
    for (guint number = 0; number < 64; number++) {
        VaultHash hash = hash_of(number);

        proofs.expect(proofs.user, &hash);
        if (number % 3 == 0)
            proofs.expect(proofs.user, &hash);
    }
    for (guint number = 70; number-- > 0;) {
        assert_place(&proofs, number);
        if (number < 64 && number % 3 == 0)
            assert_place(&proofs, number);
    }
    assert_int_equal(world->vault.find_count, 70);
}

/* More than go into one answer, and one that there is none of. */
static void batches_come_in_parts(void **state)
{
    g_autoptr(World) world = granted_world_new(4);
    ProofBatchId ids[PROOF_BATCHES_MAX], missing = {.epoch = 1, .index = 9};
    g_autoptr(GPtrArray) batches = NULL;
    g_autoptr(GError) error = NULL;
    ProofSource proofs;

    for (gsize i = 0; i < PROOF_BATCHES_MAX; i++)
        ids[i] = i < 20 ? (ProofBatchId){1, FAKE_VIEW_BATCH_MAX - 30 + i}
                        : (ProofBatchId){2, FAKE_VIEW_BATCH_MAX - PROOF_BATCHES_MAX + i};
    assert_true(vault_view_proofs(world->view, &proofs, NULL));
    batches = proofs.batches(proofs.user, ids, PROOF_BATCHES_MAX, NULL);
    assert_non_null(batches);
    assert_int_equal(batches->len, PROOF_BATCHES_MAX);
    for (guint i = 0; i < batches->len; i++) {
        const ProofBatch *batch = batches->pdata[i];

        assert_true(proof_batch_id_equal(&batch->id, &ids[i]));
        assert_int_equal(g_bytes_get_size(batch->entry), ids[i].index);
    }
    assert_null(proofs.batches(proofs.user, &missing, 1, &error));
    assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND));
}

static void vault_without_logs_has_no_proofs(void **state)
{
    g_autoptr(World) world = granted_world_new(4);
    g_autoptr(GError) error = NULL;
    ProofSource proofs;

    world->vault.has_no_log = TRUE;
    assert_false(vault_view_proofs(world->view, &proofs, &error));
    assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND));
}

static void broken_connection_fails_proofs_that_are_expected(void **state)
{
    g_autoptr(World) world = granted_world_new(4);
    VaultHash hash = hash_of(1);
    ProofMessage message = {0};
    ProofSource proofs;

    assert_true(vault_view_proofs(world->view, &proofs, NULL));
    assert_int_equal(shutdown(world->host_fd, SHUT_RDWR), 0);
    proofs.expect(proofs.user, &hash);
    assert_false(proofs.find(proofs.user, &hash, &message, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(proofs_are_the_same_at_both_ends),
        cmocka_unit_test(expected_proofs_are_asked_for_once),
        cmocka_unit_test(batches_come_in_parts),
        cmocka_unit_test(vault_without_logs_has_no_proofs),
        cmocka_unit_test(broken_connection_fails_proofs_that_are_expected),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
