/* The detail of a request to erase or shred: one form each, and no other. */
#include "tests/unit/crypto_world.h"

#include "vault/act/erasure_detail.h"

static void each_detail_comes_back(void **state)
{
    static const VaultAct acts[] = {VAULT_ACT_ERASE, VAULT_ACT_SHRED};

    for (guint i = 0; i < 16; i++) {
        VaultErasureDetail detail = {.reach =
                                         i & 1 ? VAULT_ERASURE_REACH_PART : VAULT_ERASURE_REACH_ALL,
                                     .skips_held = (i & 2) != 0 && (i & 8) == 0,
                                     .overrides_retention = (i & 4) != 0};
        VaultAct act = acts[i / 8];
        g_autofree char *text = vault_erasure_detail_format(act, &detail);
        VaultErasureDetail again;

        assert_true(vault_erasure_detail_parse(act, text, &again, NULL));
        assert_int_equal(again.reach, detail.reach);
        assert_int_equal(again.skips_held, detail.skips_held);
        assert_int_equal(again.overrides_retention, detail.overrides_retention);
    }
}

static void anything_else_is_malformed(void **state)
{
    static const struct {
        VaultAct act;
        const char *text;
    } wrong[] = {
        {VAULT_ACT_ERASE, ""},
        {VAULT_ACT_ERASE, "mailbox"},
        {VAULT_ACT_SHRED, "everywhere"},
        {VAULT_ACT_SHRED, "mailbox skip-held"},
        {VAULT_ACT_ERASE, "everywhere override-retention skip-held"},
        {VAULT_ACT_ERASE, "everywhere  skip-held"},
        {VAULT_ACT_ERASE, "everywhere skip-held skip-held"},
        {VAULT_ACT_ERASE, "everywhere and more"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(GError) error = NULL;
        VaultErasureDetail detail;

        assert_false(vault_erasure_detail_parse(wrong[i].act, wrong[i].text, &detail, &error));
        assert_error(error, VAULT_ERROR_MALFORMED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_detail_comes_back),
        cmocka_unit_test(anything_else_is_malformed),
    };

    return run_crypto_tests(tests);
}
