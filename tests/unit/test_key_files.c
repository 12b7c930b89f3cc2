/* The key files people keep: each comes back, in its own role only, and within its limits. */
#include "tests/unit/key_files_world.h"

/* ---- round trips ---------------------------------------------------------------------------- */

static void each_file_is_accepted_in_its_own_role_only(void **state)
{
    for (gsize made = 0; made < G_N_ELEMENTS(roles); made++) {
        char *text = roles[made].make();

        for (gsize read = 0; read < G_N_ELEMENTS(roles); read++) {
            g_autoptr(GError) error = NULL;

            assert_int_equal(roles[read].parse(text, &error), made == read);
            if (made != read)
                assert_error(error, VAULT_ERROR_MALFORMED);
        }
        vault_key_text_free(text);
    }
}

static gboolean is_seed(gsize role)
{
    return roles[role].make == make_master || roles[role].make == make_escrow;
}

/* The first line changed is not enough: the lines of another role are not those of this one. */
static void a_file_with_the_type_of_another_is_refused(void **state)
{
    for (gsize made = 0; made < G_N_ELEMENTS(roles); made++) {
        for (gsize read = 0; read < G_N_ELEMENTS(roles); read++) {
            char *text = roles[made].make(), *other = roles[read].make();
            g_autofree char *type = g_strndup(other, (gsize)(strchr(other, '\n') - other));
            g_autofree char *forged = g_strconcat(type, strchr(text, '\n'), NULL);
            g_autoptr(GError) error = NULL;

            assert_int_equal(roles[read].parse(forged, &error), made == read);
            /* Master and escrow have the same lines: what is sealed opens under its label only. */
            if (made != read)
                assert_error(error, is_seed(made) && is_seed(read) ? VAULT_ERROR_NO_KEY
                                                                   : VAULT_ERROR_MALFORMED);
            vault_key_text_free(text);
            vault_key_text_free(other);
        }
    }
}

static void a_master_comes_back_with_its_passphrase(void **state)
{
    g_auto(VaultMaster) master = {.seed = {0}}, again = {.seed = {0}};
    char *text;

    vault_master_create(&master);
    text = vault_master_format(&master, PASSPHRASE, 4, &cheap, NULL);
    assert_true(vault_master_parse(text, PASSPHRASE, 4, &again, NULL));
    assert_memory_equal(&master, &again, sizeof master);
    vault_key_text_free(text);
}

static void every_wrong_passphrase_is_no_key(void **state)
{
    static const char *const wrong[] = {"fuzy", "fuz", "fuzzy", " fuzz", "Fuzz"};
    char *text = make_master();

    for (gsize i = 0; i < G_N_ELEMENTS(wrong); i++) {
        VaultMaster master;
        g_autoptr(GError) error = NULL;

        assert_false(vault_master_parse(text, wrong[i], strlen(wrong[i]), &master, &error));
        assert_error(error, VAULT_ERROR_NO_KEY);
    }
    vault_key_text_free(text);
}

static void an_identity_comes_back(void **state)
{
    g_auto(VaultIdentity) identity = sample_identity(), again = {.name = ""};
    char *text = vault_identity_format(&identity);
    char *public_text = vault_identity_public_format(&identity);
    ReaderPublicKey key;
    g_autofree char *name = NULL;

    assert_true(vault_identity_parse(text, &again, NULL));
    assert_memory_equal(&identity, &again, sizeof identity);
    assert_true(vault_identity_public_parse(public_text, &key, &name, NULL));
    assert_memory_equal(&key, &identity.public_key, sizeof key);
    assert_string_equal(name, "Ada Lövelace");
    assert_null(strstr(public_text, "secret"));
    vault_key_text_free(text);
    vault_key_text_free(public_text);
}

static void a_vault_key_file_holds_one_generation_or_two(void **state)
{
    for (gsize count = 1; count <= 2; count++) {
        char *text = vault_key_file_format(&vault_id, two_keys, count);
        VaultKey keys[VAULT_KEY_GENERATIONS_MAX];
        VaultId id;
        gsize found;

        assert_true(vault_key_file_parse(text, &id, keys, &found, NULL));
        assert_int_equal(found, count);
        assert_true(VAULT_ID_EQUAL(id, vault_id));
        assert_memory_equal(keys, two_keys, count * sizeof *keys);
        vault_key_text_free(text);
    }
}

static void lines_may_end_as_they_do_on_windows(void **state)
{
    for (gsize i = 0; i < G_N_ELEMENTS(roles); i++) {
        char *text = roles[i].make();
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        g_autofree char *changed = g_strjoinv("\r\n", lines);

        assert_true(roles[i].parse(changed, NULL));
        /* And the last line may have no end at all. */
        text[strlen(text) - 1] = '\0';
        assert_true(roles[i].parse(text, NULL));
        vault_key_text_free(text);
    }
}

/* ---- limits --------------------------------------------------------------------------------- */

static void a_file_over_64_kib_is_too_large(void **state)
{
    for (gsize i = 0; i < G_N_ELEMENTS(roles); i++) {
        char *text = roles[i].make();
        g_autofree char *most = g_strnfill(VAULT_KEY_FILE_LEN_MAX, ' ');
        g_autofree char *more = g_strnfill(VAULT_KEY_FILE_LEN_MAX + 1, ' ');
        g_autoptr(GError) at = NULL;
        g_autoptr(GError) past = NULL;

        memcpy(most, text, strlen(text));
        memcpy(more, text, strlen(text));
        assert_false(roles[i].parse(most, &at));
        assert_error(at, VAULT_ERROR_MALFORMED);
        assert_false(roles[i].parse(more, &past));
        assert_error(past, VAULT_ERROR_TOO_LARGE);
        vault_key_text_free(text);
    }
}

static void passphrases_have_1_to_1024_bytes(void **state)
{
    g_autofree char *longest = g_strnfill(VAULT_PASSPHRASE_LEN_MAX + 1, 'p');
    VaultMaster master = sample_master(), again;
    g_autoptr(GError) empty = NULL;
    g_autoptr(GError) empty_too = NULL;
    g_autoptr(GError) past = NULL;
    g_autoptr(GError) past_too = NULL;
    char *text = vault_master_format(&master, longest, VAULT_PASSPHRASE_LEN_MAX, &cheap, NULL);

    assert_true(vault_master_parse(text, longest, VAULT_PASSPHRASE_LEN_MAX, &again, NULL));
    assert_null(vault_master_format(&master, longest, strlen(longest), &cheap, &past));
    assert_error(past, VAULT_ERROR_TOO_LARGE);
    assert_false(vault_master_parse(text, longest, strlen(longest), &again, &past_too));
    assert_error(past_too, VAULT_ERROR_TOO_LARGE);
    assert_null(vault_master_format(&master, "", 0, &cheap, &empty));
    assert_error(empty, VAULT_ERROR_REFUSED);
    assert_false(vault_master_parse(text, "", 0, &again, &empty_too));
    assert_error(empty_too, VAULT_ERROR_REFUSED);
    vault_key_text_free(text);
}

static void a_cost_out_of_bounds_is_too_large(void **state)
{
    static const VaultPassphraseCost bad[] = {{7, 1}, {1024 * 1024 + 1, 1}, {8, 65}};
    VaultMaster master = sample_master();
    char *text = make_master();

    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autofree char *memory = g_strdup_printf("memory-kib: %u\n", bad[i].memory_kib);
        g_autofree char *passes = g_strdup_printf("passes: %u\n", bad[i].passes);
        g_autofree char *half = replace(text, "memory-kib: 8\n", memory);
        g_autofree char *whole = replace(half, "passes: 1\n", passes);
        g_autoptr(GError) format_error = NULL;
        g_autoptr(GError) parse_error = NULL;

        assert_null(vault_master_format(&master, PASSPHRASE, 4, &bad[i], &format_error));
        assert_error(format_error, VAULT_ERROR_TOO_LARGE);
        assert_false(parse_master(whole, &parse_error));
        assert_error(parse_error, VAULT_ERROR_TOO_LARGE);
    }
    vault_key_text_free(text);
}

static void names_have_1_to_127_plain_bytes(void **state)
{
    static const char *const bad[] = {"",
                                      "a\nb",
                                      "a\tb",
                                      "\x7f",
                                      "\xff",
                                      "a\r",
                                      "\xe2\x80\xae"
                                      "b",
                                      "\xe2\x81\xa6"
                                      "b",
                                      "\xe2\x80\xa8",
                                      "\xd8\x9c"};
    g_autofree char *most = g_strnfill(VAULT_IDENTITY_NAME_LEN_MAX, 'n');
    g_autofree char *more = g_strnfill(VAULT_IDENTITY_NAME_LEN_MAX + 1, 'n');
    VaultIdentity identity;
    g_autoptr(GError) past = NULL;

    assert_true(vault_identity_create(most, &identity, NULL));
    assert_false(vault_identity_create(more, &identity, &past));
    assert_error(past, VAULT_ERROR_MALFORMED);
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;

        assert_false(vault_identity_create(bad[i], &identity, &error));
        assert_error(error, VAULT_ERROR_MALFORMED);
    }
}

static void a_public_key_of_small_order_is_refused(void **state)
{
    static const char zeros[] = "public-key: 00000000000000000000000000000000"
                                "00000000000000000000000000000000\n";

    for (gsize i = 0; i < 4; i++) {
        char *text = roles[i].make();
        char *line = strstr(text, "public-key: ");

        memcpy(line, zeros, sizeof zeros - 1);
        assert_malformed(i, text, "a key of small order");
        vault_key_text_free(text);
    }
}

static void generations_stand_in_rising_order(void **state)
{
    static const char *const keys[] = {"key: 0 ",  "key: 8 ", "key: 9 ",  "key: 4294967296 ",
                                       "key: 07 ", "key: 7",  "key:  7 ", "key: -7 "};
    char *text = make_vault_key();

    for (gsize i = 0; i < G_N_ELEMENTS(keys); i++) {
        g_autofree char *changed = replace(text, "key: 7 ", keys[i]);

        assert_malformed(4, changed, keys[i]);
    }
    vault_key_text_free(text);
}

/* The seeds of the fuzz target: the selector byte, then the file. */
static int write_seeds(const char *directory)
{
    for (gsize i = 0; i < G_N_ELEMENTS(roles); i++) {
        char *text = roles[i].make();
        char selector[] = {(char)(SELECTOR_FIRST + i), '\0'};
        g_autofree char *seed = g_strconcat(selector, text, NULL);
        g_autofree char *path = g_strdup_printf("%s/file-%s", directory, roles[i].name);

        g_assert_true(g_file_set_contents(path, seed, -1, NULL));
        vault_key_text_free(text);
    }
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_file_is_accepted_in_its_own_role_only),
        cmocka_unit_test(a_file_with_the_type_of_another_is_refused),
        cmocka_unit_test(a_master_comes_back_with_its_passphrase),
        cmocka_unit_test(every_wrong_passphrase_is_no_key),
        cmocka_unit_test(an_identity_comes_back),
        cmocka_unit_test(a_vault_key_file_holds_one_generation_or_two),
        cmocka_unit_test(lines_may_end_as_they_do_on_windows),
        cmocka_unit_test(a_file_over_64_kib_is_too_large),
        cmocka_unit_test(passphrases_have_1_to_1024_bytes),
        cmocka_unit_test(a_cost_out_of_bounds_is_too_large),
        cmocka_unit_test(names_have_1_to_127_plain_bytes),
        cmocka_unit_test(a_public_key_of_small_order_is_refused),
        cmocka_unit_test(generations_stand_in_rising_order),
    };

    vault_crypto_init();
    if (argc == 3 && g_str_equal(argv[1], "--seeds"))
        return write_seeds(argv[2]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
