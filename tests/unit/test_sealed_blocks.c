/* Sealed blocks: each thing that a block is bound to counts, and each of its bytes. */
#include "tests/unit/crypto_world.h"

#include "vault/crypto/sealed_blocks.h"

#define TEXT "what a block holds"
#define SEALED_LEN (sizeof TEXT + VAULT_BLOCK_TAG_LEN)

static const guint8 key[VAULT_KEY_LEN] = {1};
static const VaultId file_id = {{2}};
static const VaultBlockPlace place = {.number = 3, .kind = 4, .place = 5};

static VaultSealedBlocks *blocks_of(guint8 key_byte, guint8 id_byte, const char *label,
                                    guint8 ret_commitment[VAULT_BLOCK_COMMITMENT_LEN])
{
    guint8 other_key[VAULT_KEY_LEN] = {key_byte};
    VaultId other_id = {{id_byte}};

    return vault_sealed_blocks_new(&(VaultSpan){other_key, sizeof other_key}, &other_id, label,
                                   ret_commitment);
}

static void seal(guint8 sealed[SEALED_LEN])
{
    guint8 commitment[VAULT_BLOCK_COMMITMENT_LEN];
    g_autoptr(VaultSealedBlocks) blocks =
        vault_sealed_blocks_new(&(VaultSpan){key, sizeof key}, &file_id, "label", commitment);

    vault_sealed_blocks_seal(blocks, &place, (const guint8 *)TEXT, sizeof TEXT, sealed);
}

static void assert_corrupt(const VaultSealedBlocks *blocks, const VaultBlockPlace *at,
                           const guint8 *sealed, gsize len)
{
    g_autoptr(GError) error = NULL;
    guint8 opened[SEALED_LEN];

    assert_false(vault_sealed_blocks_open(blocks, at, sealed, len, opened, &error));
    assert_error(error, VAULT_ERROR_CORRUPT);
}

static void a_block_opens_at_its_place_only(void **state)
{
    guint8 commitment[VAULT_BLOCK_COMMITMENT_LEN], sealed[SEALED_LEN], opened[SEALED_LEN];
    g_autoptr(VaultSealedBlocks) blocks = blocks_of(1, 2, "label", commitment);
    VaultBlockPlace others[] = {place, place, place};

    seal(sealed);
    assert_true(vault_sealed_blocks_open(blocks, &place, sealed, sizeof sealed, opened, NULL));
    assert_memory_equal(opened, TEXT, sizeof TEXT);
    others[0].number++;
    others[1].kind++;
    others[2].place++;
    for (guint i = 0; i < G_N_ELEMENTS(others); i++)
        assert_corrupt(blocks, &others[i], sealed, sizeof sealed);
}

static void every_changed_byte_and_every_cut_is_found(void **state)
{
    guint8 commitment[VAULT_BLOCK_COMMITMENT_LEN], sealed[SEALED_LEN];
    g_autoptr(VaultSealedBlocks) blocks = blocks_of(1, 2, "label", commitment);

    seal(sealed);
    for (gsize i = 0; i < sizeof sealed; i++) {
        sealed[i] ^= 1;
        assert_corrupt(blocks, &place, sealed, sizeof sealed);
        sealed[i] ^= 1;
        assert_corrupt(blocks, &place, sealed, i);
    }
}

static void another_key_file_or_label_has_another_commitment(void **state)
{
    guint8 right[VAULT_BLOCK_COMMITMENT_LEN], wrong[VAULT_BLOCK_COMMITMENT_LEN], sealed[SEALED_LEN];
    g_autoptr(VaultSealedBlocks) blocks = blocks_of(1, 2, "label", right);
    g_autoptr(VaultSealedBlocks) other_key = blocks_of(9, 2, "label", wrong);
    g_autoptr(VaultSealedBlocks) other_file = NULL, other_label = NULL;

    seal(sealed);
    assert_memory_not_equal(right, wrong, sizeof right);
    assert_corrupt(other_key, &place, sealed, sizeof sealed);
    other_file = blocks_of(1, 9, "label", wrong);
    assert_memory_not_equal(right, wrong, sizeof right);
    assert_corrupt(other_file, &place, sealed, sizeof sealed);
    other_label = blocks_of(1, 2, "labels", wrong);
    assert_memory_not_equal(right, wrong, sizeof right);
    assert_corrupt(other_label, &place, sealed, sizeof sealed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_block_opens_at_its_place_only),
        cmocka_unit_test(every_changed_byte_and_every_cut_is_found),
        cmocka_unit_test(another_key_file_or_label_has_another_commitment),
    };

    return run_crypto_tests(tests);
}
