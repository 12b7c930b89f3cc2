/* A key in shares, and their sheets: what parses, formats back; what was changed, is
 * refused. */
#include "tests/unit/crypto_world.h"

#include "vault/crypto/escrow.h"
#include "vault/crypto/slip39_internal.h"
#include "vault/crypto/slip39_sheet.h"

/* The identifiers that are drawn next, before random ones again. */
static guint16 drawn[2];
static guint drawn_left;

void __wrap_vault_random(void *ret_bytes, gsize len);
void __real_vault_random(void *ret_bytes, gsize len);

void __wrap_vault_random(void *ret_bytes, gsize len)
{
    if (len == sizeof *drawn && drawn_left > 0)
        memcpy(ret_bytes, &drawn[--drawn_left], len);
    else
        __real_vault_random(ret_bytes, len);
}

typedef struct {
    VaultMaster master;
    VaultShareSet set;
    VaultShareSheet sheets[5];
} World;

static World world_of_role(VaultShareRole role, guint threshold, guint count)
{
    World world = {
        .set = {.role = role, .count = count, .threshold = threshold, .made = "2026-11-27"}};
    VaultEscrow escrow;

    vault_escrow_create(&escrow);
    vault_master_create(&world.master);
    if (role == VAULT_SHARE_ESCROW)
        world.master = escrow.pair;
    assert_true(vault_shares_split(&world.master, -1, &world.set, world.sheets, NULL));
    return world;
}

static World world_of(guint threshold, guint count)
{
    return world_of_role(VAULT_SHARE_MASTER, threshold, count);
}

/* A new string with the first `old` in it replaced. */
static char *replaced(const char *text, const char *old, const char *new)
{
    const char *at = strstr(text, old);

    assert_non_null(at);
    return g_strdup_printf("%.*s%s%s", (int)(at - text), text, new, at + strlen(old));
}

static void assert_refused(const char *text, VaultErrorCode code, const char *part)
{
    VaultShareSheet sheet;
    g_autoptr(GError) error = NULL;

    assert_false(vault_share_sheet_parse(text, &sheet, &error));
    assert_error(error, code);
    if (strstr(error->message, part) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", error->message, part);
}

static void any_threshold_of_shares_gives_the_master(void **state)
{
    World world = world_of(2, 3);

    for (guint i = 0; i < 3; i++) {
        VaultSlip39Share shares[] = {world.sheets[i].share, world.sheets[(i + 1) % 3].share};
        VaultMaster master;

        assert_true(vault_shares_combine(VAULT_SHARE_MASTER, shares, 2, &master, NULL));
        assert_memory_equal(&master, &world.master, sizeof master);
    }
}

static void escrow_key_comes_back_from_its_shares_as_one(void **state)
{
    World world = world_of_role(VAULT_SHARE_ESCROW, 2, 3);
    VaultSlip39Share shares[] = {world.sheets[2].share, world.sheets[0].share};
    VaultMaster pair;

    assert_true(vault_shares_combine(VAULT_SHARE_ESCROW, shares, 2, &pair, NULL));
    assert_memory_equal(&pair, &world.master, sizeof pair);
    assert_true(vault_shares_combine(VAULT_SHARE_MASTER, shares, 2, &pair, NULL));
    assert_memory_equal(pair.seed, world.master.seed, 32);
    assert_memory_not_equal(&pair.public, &world.master.public, sizeof pair.public);
}

static void sheet_and_words_say_of_which_role_they_are(void **state)
{
    World master = world_of(2, 3), escrow = world_of_role(VAULT_SHARE_ESCROW, 2, 3);
    g_autofree char *text = vault_share_sheet_format(&escrow.sheets[1]), *again = NULL;
    g_autofree char *set_text = vault_share_set_format(&escrow.set);
    VaultShareSheet sheet;
    VaultShareSet set;

    assert_true(g_str_has_prefix(text, "muniment-escrow-share/1\n"));
    assert_true(vault_share_sheet_parse(text, &sheet, NULL));
    assert_int_equal(sheet.set.role, VAULT_SHARE_ESCROW);
    again = vault_share_sheet_format(&sheet);
    assert_string_equal(again, text);
    assert_true(vault_share_set_parse(set_text, &set, NULL));
    assert_int_equal(set.role, VAULT_SHARE_ESCROW);
    assert_true(vault_share_is_of(&sheet.share, VAULT_SHARE_ESCROW));
    assert_false(vault_share_is_of(&sheet.share, VAULT_SHARE_MASTER));
    assert_true(vault_share_is_of(&master.sheets[0].share, VAULT_SHARE_MASTER));
    assert_false(vault_share_is_of(&master.sheets[0].share, VAULT_SHARE_ESCROW));
    sheet.share.iteration_exponent = 0;
    assert_true(vault_share_is_of(&sheet.share, VAULT_SHARE_MASTER));
    assert_true(vault_share_is_of(&sheet.share, VAULT_SHARE_ESCROW));
}

static void sheet_of_one_role_is_none_of_the_other(void **state)
{
    World master = world_of(2, 3), escrow = world_of_role(VAULT_SHARE_ESCROW, 2, 3);
    g_autofree char *text = vault_share_sheet_format(&escrow.sheets[0]);
    g_autofree char *passed_off = replaced(text, "muniment-escrow-share/1", "muniment-share/1");
    g_autofree char *version = replaced(text, "share/1", "share/2");
    g_autofree char *master_text = vault_share_sheet_format(&master.sheets[0]);
    g_autofree char *other_way =
        replaced(master_text, "muniment-share/1", "muniment-escrow-share/1");

    assert_refused(passed_off, VAULT_ERROR_MALFORMED, "the fingerprint is not");
    assert_refused(other_way, VAULT_ERROR_MALFORMED, "the fingerprint is not");
    assert_refused(version, VAULT_ERROR_UNSUPPORTED, "version");
}

/* Who has the key can sign anything with it. */
static void signed_sheet_with_words_of_the_other_role_is_refused(void **state)
{
    World escrow = world_of_role(VAULT_SHARE_ESCROW, 2, 3);
    g_autofree char *right = NULL, *hex = NULL, *text = NULL;
    char *signature_line;
    VaultSignature signature;

    escrow.sheets[0].share.iteration_exponent = 1;
    right = vault_share_sheet_format(&escrow.sheets[0]);
    signature_line = strstr(right, "signature: ");
    *signature_line = '\0';
    vault_master_sign(&escrow.master.signing_key, "escrow share", right, strlen(right), &signature);
    hex = hex_from_bytes(signature.bytes, sizeof signature.bytes);
    text = g_strconcat(right, "signature: ", hex, "\n", NULL);
    assert_refused(text, VAULT_ERROR_MALFORMED, "another share than it says");
}

static void sheet_parses_and_formats_back(void **state)
{
    World world = world_of(3, 5);

    for (guint i = 0; i < 5; i++) {
        g_autofree char *text = vault_share_sheet_format(&world.sheets[i]);
        g_autofree char *with_rest = g_strconcat(text, "\n# for people\n\n#more", NULL);
        g_autofree char *again = NULL;
        VaultShareSheet sheet;
        g_autoptr(GError) error = NULL;

        assert_true(vault_share_sheet_parse(with_rest, &sheet, &error));
        assert_int_equal(sheet.share.member_index, i);
        assert_int_equal(sheet.set.count, 5);
        assert_memory_equal(&sheet.set.pair, &world.master.public, sizeof(MasterPublic));
        again = vault_share_sheet_format(&sheet);
        assert_string_equal(again, text);
    }
}

static void words_alone_are_a_share_too(void **state)
{
    World world = world_of(2, 2);
    VaultShareSheet plain = {.share = world.sheets[0].share}, sheet;
    g_autofree char *text = vault_share_sheet_format(&plain);
    g_autofree char *upper = g_ascii_strup(text, -1);
    g_autofree char *spaced = g_strconcat("# mine\n\t ", upper, "#\n", NULL);

    assert_true(vault_share_sheet_parse(spaced, &sheet, NULL));
    assert_false(sheet.is_signed);
    assert_int_equal(sheet.share.identifier, world.set.identifier);
    assert_memory_equal(sheet.share.value, plain.share.value, 32);
}

static void every_changed_line_of_a_sheet_is_noticed(void **state)
{
    World world = world_of(2, 3), other = world_of(2, 3);
    g_autofree char *text = vault_share_sheet_format(&world.sheets[0]);
    g_autofree char *theirs = vault_share_sheet_format(&other.sheets[0]);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1), their_lines = g_strsplit(theirs, "\n", -1);

    for (guint i = 0; lines[i][0] != '\0'; i++) {
        g_autofree char *changed = replaced(text, lines[i], their_lines[i]);
        VaultShareSheet sheet;

        if (!g_str_equal(changed, text))
            assert_false(vault_share_sheet_parse(changed, &sheet, NULL));
    }
    for (gsize at = 0; text[at] != '\0'; at++) {
        g_autofree char *cut = g_strndup(text, at);
        VaultShareSheet sheet;

        if (at < strlen(text) - 1) /* the last newline may be missing */
            assert_false(vault_share_sheet_parse(cut, &sheet, NULL));
    }
}

static void sheet_that_says_more_than_its_master_is_refused(void **state)
{
    World world = world_of(2, 3);
    g_autofree char *text = vault_share_sheet_format(&world.sheets[0]);
    g_autofree char *threshold = replaced(text, "threshold: 2", "threshold: 1");
    g_autofree char *date = replaced(text, "2026-11-27", "2026-11-28");
    g_autofree char *impossible = replaced(text, "shares: 3", "shares: 17");
    g_autofree char *version = replaced(text, "share/1", "share/2");
    g_autofree char *two = g_strconcat(text, text, NULL);

    assert_refused(threshold, VAULT_ERROR_MALFORMED, "signature does not fit");
    assert_refused(date, VAULT_ERROR_MALFORMED, "signature does not fit");
    assert_refused(impossible, VAULT_ERROR_MALFORMED, "no such set");
    assert_refused(version, VAULT_ERROR_UNSUPPORTED, "version");
    assert_refused(two, VAULT_ERROR_MALFORMED, "begin with #");
}

/* A master may sign what it likes: the words must still be those of the share that is named. */
static void signed_sheet_with_the_words_of_another_share_is_refused(void **state)
{
    World world = world_of(2, 3);
    g_autofree char *right = vault_share_sheet_format(&world.sheets[0]);
    g_autofree char *body = replaced(right, "share: 1", "share: 2");
    char *signature_line = strstr(body, "signature: ");
    VaultSignature signature;
    g_autofree char *hex = NULL, *text = NULL;

    *signature_line = '\0';
    vault_master_sign(&world.master.signing_key, "share", body, strlen(body), &signature);
    hex = hex_from_bytes(signature.bytes, sizeof signature.bytes);
    text = g_strconcat(body, "signature: ", hex, "\n", NULL);
    assert_refused(text, VAULT_ERROR_MALFORMED, "another share than it says");
}

static void wrong_words_are_named_by_their_number_and_not_shown(void **state)
{
    World world = world_of(2, 3);
    VaultSlip39Words words;
    g_autofree char *text = vault_share_sheet_format(&world.sheets[0]), *typo = NULL,
                    *other_word = NULL;
    const char *row;

    vault_slip39_share_format(&world.sheets[0].share, &words);
    row = strstr(text, "words-13: ") + strlen("words-13: ");
    typo = g_strdup_printf("%.*szzz%s", (int)(row - text), text, row);
    assert_refused(typo, VAULT_ERROR_MALFORMED, "word 13 is not on the list");
    other_word =
        g_strdup_printf("%.*s%s%s", (int)(row - text), text, vault_slip39_word(words.words[12] ^ 5),
                        row + strlen(vault_slip39_word(words.words[12])));
    assert_refused(other_word, VAULT_ERROR_MALFORMED, "look at word 13");
}

static void share_of_something_else_is_refused(void **state)
{
    VaultSlip39Secret secret = {.len = 16};
    VaultShareSheet plain = {.is_signed = FALSE};
    VaultSlip39Share shares[2];
    VaultMaster master;
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;

    assert_true(vault_slip39_split(&secret, &(VaultSlip39Split){1, 1, 2, 2}, shares, NULL));
    plain.share = shares[0];
    text = vault_share_sheet_format(&plain);
    assert_refused(text, VAULT_ERROR_UNSUPPORTED, "not one of a key of");
    assert_false(vault_shares_combine(VAULT_SHARE_MASTER, shares, 2, &master, &error));
    assert_error(error, VAULT_ERROR_UNSUPPORTED);
}

static void nothing_and_too_much_are_refused(void **state)
{
    g_autofree char *long_text = g_strnfill(VAULT_KEY_FILE_LEN_MAX + 1, ' ');
    g_autofree char *many_words = g_strnfill(0, ' ');

    assert_refused("", VAULT_ERROR_MALFORMED, "0 words");
    assert_refused("# only a comment\n", VAULT_ERROR_MALFORMED, "0 words");
    assert_refused(long_text, VAULT_ERROR_TOO_LARGE, "at most");
    long_text[VAULT_KEY_FILE_LEN_MAX] = '\0';
    assert_refused(long_text, VAULT_ERROR_MALFORMED, "0 words");
    for (guint i = 0; i < VAULT_SLIP39_WORDS_MAX + 1; i++) {
        char *longer = g_strconcat(many_words, "acid ", NULL);

        g_free(many_words);
        many_words = longer;
    }
    assert_refused(many_words, VAULT_ERROR_MALFORMED, "more words");
    assert_refused("muniment-master/1\n", VAULT_ERROR_MALFORMED, "this is a muniment-master/1");
}

static void next_set_has_another_identifier_and_the_same_secret(void **state)
{
    World world = world_of(2, 3);
    VaultShareSet next = {.count = 4, .threshold = 4, .made = "2027-01-01"};
    VaultShareSheet sheets[4];
    VaultSlip39Share shares[4];
    VaultMaster master;

    drawn[1] = drawn[0] = world.set.identifier;
    drawn_left = 2;
    assert_true(vault_shares_split(&world.master, world.set.identifier, &next, sheets, NULL));
    assert_int_equal(drawn_left, 0);
    assert_int_not_equal(next.identifier, world.set.identifier);
    for (guint i = 0; i < 4; i++)
        shares[i] = sheets[i].share;
    assert_true(vault_shares_combine(VAULT_SHARE_MASTER, shares, 4, &master, NULL));
    assert_memory_equal(master.seed, world.master.seed, 32);
}

static void set_file_parses_and_formats_back(void **state)
{
    World world = world_of(2, 3);
    g_autofree char *text = vault_share_set_format(&world.set), *again = NULL;
    g_autofree char *more = g_strconcat(text, "more", NULL);
    g_autofree char *other = replaced(text, "fingerprint: ", "fingerprint: 0");
    VaultShareSet set;
    g_autoptr(GError) error = NULL;

    assert_true(vault_share_set_parse(text, &set, NULL));
    again = vault_share_set_format(&set);
    assert_string_equal(again, text);
    assert_null(strstr(text, "words"));
    assert_false(vault_share_set_parse(more, &set, &error));
    assert_error(error, VAULT_ERROR_MALFORMED);
    assert_false(vault_share_set_parse(other, &set, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_threshold_of_shares_gives_the_master),
        cmocka_unit_test(escrow_key_comes_back_from_its_shares_as_one),
        cmocka_unit_test(sheet_and_words_say_of_which_role_they_are),
        cmocka_unit_test(sheet_of_one_role_is_none_of_the_other),
        cmocka_unit_test(signed_sheet_with_words_of_the_other_role_is_refused),
        cmocka_unit_test(sheet_parses_and_formats_back),
        cmocka_unit_test(words_alone_are_a_share_too),
        cmocka_unit_test(every_changed_line_of_a_sheet_is_noticed),
        cmocka_unit_test(sheet_that_says_more_than_its_master_is_refused),
        cmocka_unit_test(signed_sheet_with_the_words_of_another_share_is_refused),
        cmocka_unit_test(wrong_words_are_named_by_their_number_and_not_shown),
        cmocka_unit_test(share_of_something_else_is_refused),
        cmocka_unit_test(nothing_and_too_much_are_refused),
        cmocka_unit_test(next_set_has_another_identifier_and_the_same_secret),
        cmocka_unit_test(set_file_parses_and_formats_back),
    };

    return run_crypto_tests(tests);
}
