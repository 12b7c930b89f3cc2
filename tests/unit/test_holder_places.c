/* Holders by their places: which a TPM has, what is away, and what can be read for the start of a
 * vault. With a TPM: tests/system/test_tpm.py. */
#include "tests/unit/crypto_world.h"

#include "vault/holder/holder.h"

#include <unistd.h>

static const VaultKey key = {.generation = 1, .bytes = {0x11}};

static void plain_file_is_read_and_one_in_escrow_is_not(void **state)
{
    g_autofree char *folder = g_dir_make_tmp("holder-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "key", NULL);
    VaultHolder holder = {.kind = VAULT_HOLDER_FILE, .place = path, .vault_id = {{9}}};
    VaultKey read[VAULT_KEY_GENERATIONS_MAX];
    g_autoptr(GError) refused = NULL, gone = NULL;
    gsize count = 0;

    assert_true(vault_holder_create(&holder, &key, NULL));
    assert_true(vault_holder_read(&holder, read, &count, NULL));
    assert_int_equal(count, 1);
    assert_memory_equal(&read[0], &key, sizeof key);
    holder.kind = VAULT_HOLDER_ESCROW;
    assert_false(vault_holder_read(&holder, read, &count, &refused));
    assert_error(refused, VAULT_ERROR_REFUSED);
    holder.kind = VAULT_HOLDER_FILE;
    assert_int_equal(unlink(path), 0);
    assert_false(vault_holder_read(&holder, read, &count, &gone));
    assert_error(gone, VAULT_ERROR_NOT_FOUND);
    assert_int_equal(rmdir(folder), 0);
}

/* Other TCTIs start programs, or load libraries by any name. */
static void places_of_a_tpm_are_few(void **state)
{
    static const char *const refused[] = {
        "tpm:", "tpm:cmd:id",     "tpm:libtss2-tcti-x.so", "device:/dev/tpmrm0",
        "/key", "tpm:/dev/tpmrm0"};

    assert_true(vault_holder_place_check(VAULT_HOLDER_TPM, "tpm:device:/dev/tpmrm0", NULL));
    assert_true(vault_holder_place_check(VAULT_HOLDER_TPM, "tpm:swtpm:host=h,port=1", NULL));
    assert_true(vault_holder_place_check(VAULT_HOLDER_FILE, "/key", NULL));
    assert_false(vault_holder_place_check(VAULT_HOLDER_FILE, "key", NULL));
    for (gsize i = 0; i < G_N_ELEMENTS(refused); i++) {
        VaultHolder holder = {.kind = VAULT_HOLDER_TPM, .place = refused[i]};
        g_autoptr(GError) error = NULL, created = NULL;

        assert_false(vault_holder_place_check(VAULT_HOLDER_TPM, refused[i], &error));
        assert_error(error, VAULT_ERROR_MALFORMED);
        assert_false(vault_holder_create(&holder, &key, &created));
        assert_error(created, VAULT_ERROR_MALFORMED);
    }
}

static void tpm_that_is_not_there_is_away(void **state)
{
    VaultHolder holder = {.kind = VAULT_HOLDER_TPM, .place = "tpm:device:/nonexistent/tpm"};
    g_auto(VaultHolderState) found = {.reason = NULL};
    g_autoptr(GError) error = NULL;

    vault_holder_look(&holder, &found);
    assert_int_equal(found.presence, VAULT_HOLDER_AWAY);
    assert_non_null(found.reason);
    assert_false(vault_holder_install(&holder, &key, &error));
    assert_error(error, VAULT_ERROR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_file_is_read_and_one_in_escrow_is_not),
        cmocka_unit_test(places_of_a_tpm_are_few),
        cmocka_unit_test(tpm_that_is_not_there_is_away),
    };

    return run_crypto_tests(tests);
}
