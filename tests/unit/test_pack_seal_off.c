#include "tests/support/one_pack.h"

#include "vault/store/pack_format.h"

#include <unistd.h>

static void sealing_off_gives_the_bytes_that_a_close_would_have_and_is_idempotent(void **state)
{
    g_autoptr(OnePack) pack = one_pack_new(ONE_PACK_CLOSED);
    guint64 end = pack->starts[ONE_PACK_GROUPS];

    /* From every length that a crash may leave of the trailer. */
    for (gsize len = end; len < pack->bytes->len; len += 7) {
        g_autoptr(GByteArray) first = NULL, second = NULL;

        one_pack_rewrite(pack);
        assert_int_equal(truncate(pack->path, (off_t)len), 0);
        assert_true(vault_pack_seal_off(pack->path, end, NULL));
        first = pack_fixture_read(pack->path);
        assert_int_equal(first->len, pack->bytes->len);
        assert_memory_equal(first->data, pack->bytes->data, first->len);
        assert_true(vault_pack_seal_off(pack->path, end, NULL));
        second = pack_fixture_read(pack->path);
        assert_memory_equal(second->data, first->data, first->len);
    }
}

static void sealing_off_cuts_what_was_not_acknowledged(void **state)
{
    g_autoptr(OnePack) pack = one_pack_new(ONE_PACK_OPEN);
    g_autoptr(PackFindings) findings = NULL;

    assert_true(vault_pack_seal_off(pack->path, pack->starts[2], NULL));
    findings = one_pack_scan(pack, VAULT_SCAN_CIPHERTEXTS);
    assert_int_equal(findings->group_count, 2);
    assert_int_equal(findings->trailer_count, 1);
    assert_int_equal(pack_findings_presence(findings, pack->deliveries[2]), PACK_NONE);
}

static void sealing_off_leaves_a_closed_pack_as_it_is_whatever_end_is_asked_for(void **state)
{
    g_autoptr(OnePack) pack = one_pack_new(ONE_PACK_CLOSED);
    g_autoptr(GByteArray) after = NULL;

    assert_true(vault_pack_seal_off(pack->path, pack->starts[2], NULL));
    after = pack_fixture_read(pack->path);
    assert_int_equal(after->len, pack->bytes->len);
    assert_memory_equal(after->data, pack->bytes->data, after->len);
}

static void sealing_off_keeps_a_corrupt_stretch_and_says_so_afterwards(void **state)
{
    g_autoptr(OnePack) pack = one_pack_new(ONE_PACK_OPEN);
    g_autoptr(PackFindings) findings = NULL, shallow = NULL;
    g_autoptr(GByteArray) after = NULL;

    pack->bytes->data[pack->starts[1] + 160] ^= 1;
    one_pack_rewrite(pack);
    assert_true(vault_pack_seal_off(pack->path, pack->starts[ONE_PACK_GROUPS], NULL));
    findings = one_pack_scan(pack, VAULT_SCAN_CIPHERTEXTS);
    assert_int_equal(findings->corrupt_count, 1);
    assert_int_equal(findings->trailer_count, 1);
    one_pack_assert_whole(pack, findings, 1);
    shallow = one_pack_scan(pack, VAULT_SCAN_HEADERS);
    assert_int_equal(shallow->corrupt_count, 1);
    /* The trailer vouches for all but the damaged one. */
    after = pack_fixture_read(pack->path);
    assert_int_equal(after->data[after->len - VAULT_PACK_FOOTER_LEN + 7], 3 * ONE_PACK_GROUPS - 1);
}

static void sealing_off_beyond_the_files_end_is_corrupt(void **state)
{
    g_autoptr(OnePack) pack = one_pack_new(ONE_PACK_OPEN);
    g_autoptr(GError) error = NULL;

    assert_false(vault_pack_seal_off(pack->path, pack->starts[ONE_PACK_GROUPS] + 1, &error));
    assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_CORRUPT));
}

static void an_empty_pack_is_sealed_off_to_an_empty_closed_one(void **state)
{
    g_autoptr(OnePack) pack = one_pack_new(ONE_PACK_OPEN);
    g_autoptr(PackFindings) findings = NULL;

    assert_true(vault_pack_seal_off(pack->path, VAULT_PACK_HEADER_LEN, NULL));
    findings = one_pack_scan(pack, VAULT_SCAN_CIPHERTEXTS);
    assert_int_equal(findings->group_count, 0);
    assert_int_equal(findings->trailer_count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sealing_off_gives_the_bytes_that_a_close_would_have_and_is_idempotent),
        cmocka_unit_test(sealing_off_cuts_what_was_not_acknowledged),
        cmocka_unit_test(sealing_off_leaves_a_closed_pack_as_it_is_whatever_end_is_asked_for),
        cmocka_unit_test(sealing_off_keeps_a_corrupt_stretch_and_says_so_afterwards),
        cmocka_unit_test(sealing_off_beyond_the_files_end_is_corrupt),
        cmocka_unit_test(an_empty_pack_is_sealed_off_to_an_empty_closed_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
