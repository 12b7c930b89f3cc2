/* Key files that were damaged, cut or added to: found before they are needed. */
#include "tests/unit/key_files_world.h"

/* Every digit and letter of every value is checked by something: seal, check, id or fingerprint. */
static void every_changed_character_is_found(void **state)
{
    for (gsize i = 0; i < G_N_ELEMENTS(roles); i++) {
        char *text = roles[i].make();
        gsize begin = (gsize)(strchr(text, '\n') - text);
        char *name = strstr(text, "name: ");
        char *secret = strstr(text, "secret-key: ");

        for (gsize at = 0; text[at] != '\0'; at++) {
            char kept = text[at];
            /* A name is what its file says it is. */
            gboolean is_name = name != NULL && text + at >= name + 6 &&
                               (gsize)(text + at - name) < strcspn(name, "\n");
            /* X25519 ignores the lowest and the highest bits of a secret key. */
            gboolean is_ignored =
                secret != NULL && (text + at == secret + 13 || text + at == secret + 74);

            if (is_name || is_ignored || (at > begin && kept == '\n' && text[at + 1] == '\0'))
                continue;
            text[at] = kept == '1' ? '2' : '1';
            assert_malformed(i, text, "a changed character");
            text[at] = kept;
        }
        vault_key_text_free(text);
    }
}

static void every_missing_or_doubled_line_is_found(void **state)
{
    for (gsize i = 0; i < G_N_ELEMENTS(roles); i++) {
        char *text = roles[i].make();
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

        for (guint line = 0; lines[line][0] != '\0'; line++) {
            g_autoptr(GString) missing = g_string_new(NULL);
            g_autoptr(GString) doubled = g_string_new(NULL);

            for (guint other = 0; lines[other][0] != '\0'; other++) {
                if (other != line)
                    g_string_append_printf(missing, "%s\n", lines[other]);
                g_string_append_printf(doubled, "%s\n", lines[other]);
                if (other == line)
                    g_string_append_printf(doubled, "%s\n", lines[other]);
            }
            assert_malformed(i, missing->str, "a line less");
            assert_malformed(i, doubled->str, "a line twice");
        }
        vault_key_text_free(text);
    }
}

static void every_truncation_is_found(void **state)
{
    for (gsize i = 0; i < G_N_ELEMENTS(roles); i++) {
        char *text = roles[i].make();

        /* The end of the last line is all that may be missing. */
        for (gsize len = strlen(text) - 2; len > 0; len--) {
            text[len] = '\0';
            assert_malformed(i, text, "its end missing");
        }
        vault_key_text_free(text);
    }
}

static void what_follows_the_last_line_is_refused(void **state)
{
    for (gsize i = 0; i < G_N_ELEMENTS(roles); i++) {
        char *text = roles[i].make();
        g_autofree char *empty_line = g_strconcat(text, "\n", NULL);
        g_autofree char *comment = g_strconcat(text, "# mine\n", NULL);

        assert_malformed(i, empty_line, "an empty line more");
        assert_malformed(i, comment, "a comment");
        vault_key_text_free(text);
    }
}

static void a_later_version_is_unsupported(void **state)
{
    for (gsize i = 0; i < G_N_ELEMENTS(roles); i++) {
        char *text = roles[i].make();
        g_autoptr(GError) error = NULL;

        *strstr(text, "/1\n") = '/';
        strstr(text, "/1\n")[1] = '2';
        assert_false(roles[i].parse(text, &error));
        assert_error(error, VAULT_ERROR_UNSUPPORTED);
        vault_key_text_free(text);
    }
}

static void another_passphrase_function_is_unsupported(void **state)
{
    char *text = make_master();
    g_autofree char *changed = replace(text, "argon2id-1.3", "scrypt");
    g_autoptr(GError) error = NULL;

    assert_false(parse_master(changed, &error));
    assert_error(error, VAULT_ERROR_UNSUPPORTED);
    vault_key_text_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_changed_character_is_found),
        cmocka_unit_test(every_missing_or_doubled_line_is_found),
        cmocka_unit_test(every_truncation_is_found),
        cmocka_unit_test(what_follows_the_last_line_is_refused),
        cmocka_unit_test(a_later_version_is_unsupported),
        cmocka_unit_test(another_passphrase_function_is_unsupported),
    };

    return run_crypto_tests(tests);
}
