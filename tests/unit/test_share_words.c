/* The words of a share while they are typed. */
#include "tests/unit/crypto_world.h"

#include "restore/share_words.h"
#include "vault/crypto/slip39_sheet.h"

static VaultSlip39Words words_of_a_share(void)
{
    VaultSlip39Secret secret = {.len = 32};
    VaultSlip39Share shares[2];
    VaultSlip39Words words;

    vault_random(secret.bytes, 32);
    assert_true(vault_slip39_split(&secret, &(VaultSlip39Split){4711, 1, 2, 2}, shares, NULL));
    vault_slip39_share_format(&shares[1], &words);
    assert_int_equal(words.count, RESTORE_SHARE_WORDS);
    return words;
}

/* Types `letters` letters of a word and a space. */
static void type_word(RestoreShareWords *typed, guint16 word, gsize letters)
{
    for (const char *letter = vault_slip39_word(word); *letter != '\0' && letters > 0; letters--)
        assert_int_equal(restore_share_words_key(typed, *letter++), RESTORE_SHARE_KEY_TAKEN);
    assert_int_equal(restore_share_words_key(typed, ' '), RESTORE_SHARE_KEY_WORD);
}

static RestoreShareWords typed_share(const VaultSlip39Words *words, gsize letters)
{
    RestoreShareWords typed = {.typed_len = 0};

    for (guint i = 0; i < words->count; i++)
        type_word(&typed, words->words[i], letters);
    return typed;
}

static void type_text(RestoreShareWords *typed, const char *text)
{
    while (*text != '\0')
        (void)restore_share_words_key(typed, *text++);
}

static void four_letters_of_each_word_are_enough(void **state)
{
    VaultSlip39Words words = words_of_a_share();

    for (gsize letters = 4; letters <= 8; letters++) {
        RestoreShareWords typed = typed_share(&words, letters);
        VaultSlip39Share share;

        assert_true(restore_share_words_finish(&typed, &share, NULL, NULL));
        assert_int_equal(share.identifier, 4711);
        assert_int_equal(share.member_index, 1);
        assert_int_equal(restore_share_words_key(&typed, 'a'), RESTORE_SHARE_KEY_REFUSED);
    }
}

static void word_is_done_only_when_it_is_the_only_one(void **state)
{
    RestoreShareWords typed = {.typed_len = 0};

    type_text(&typed, "ac");
    assert_null(restore_share_words_completion(&typed));
    assert_int_equal(restore_share_words_key(&typed, ' '), RESTORE_SHARE_KEY_REFUSED);
    assert_int_equal(restore_share_words_key(&typed, 'A'), RESTORE_SHARE_KEY_TAKEN);
    assert_string_equal(restore_share_words_completion(&typed), "academic");
    assert_int_equal(restore_share_words_key(&typed, 'x'), RESTORE_SHARE_KEY_REFUSED);
    assert_int_equal(restore_share_words_key(&typed, '1'), RESTORE_SHARE_KEY_REFUSED);
    assert_int_equal(restore_share_words_key(&typed, '\t'), RESTORE_SHARE_KEY_WORD);
    assert_int_equal(restore_share_words_next(&typed), 1);
    assert_string_equal(vault_slip39_word(typed.words[0]), "academic");
    assert_int_equal(restore_share_words_key(&typed, '\n'), RESTORE_SHARE_KEY_TAKEN);
    assert_int_equal(restore_share_words_next(&typed), 1);
}

static void backspace_goes_back_by_letters_and_by_words(void **state)
{
    RestoreShareWords typed = {.typed_len = 0};

    assert_int_equal(restore_share_words_key(&typed, '\b'), RESTORE_SHARE_KEY_REFUSED);
    type_text(&typed, "acid acne\x7f\x7f\x7f\x7f");
    assert_int_equal(typed.typed_len, 0);
    assert_int_equal(restore_share_words_next(&typed), 1);
    assert_int_equal(restore_share_words_key(&typed, '\x7f'), RESTORE_SHARE_KEY_WORD);
    assert_int_equal(restore_share_words_next(&typed), 0);
    type_text(&typed, "zero ");
    assert_string_equal(vault_slip39_word(typed.words[0]), "zero");
}

static void one_wrong_word_alone_is_typed_again(void **state)
{
    VaultSlip39Words words = words_of_a_share();
    guint16 right = words.words[20];
    RestoreShareWords typed;
    VaultSlip39Share share;
    guint suspect;
    g_autoptr(GError) error = NULL;

    words.words[20] ^= 1;
    typed = typed_share(&words, 4);
    assert_false(restore_share_words_finish(&typed, &share, &suspect, &error));
    assert_error(error, VAULT_ERROR_MALFORMED);
    assert_int_equal(suspect, 21);
    restore_share_words_again(&typed, suspect);
    assert_int_equal(restore_share_words_next(&typed), 20);
    type_word(&typed, right, 8);
    assert_int_equal(restore_share_words_next(&typed), RESTORE_SHARE_WORDS);
    assert_true(restore_share_words_finish(&typed, &share, &suspect, NULL));
    restore_share_words_again(&typed, 0);
    assert_int_equal(restore_share_words_next(&typed), 0);
    for (gsize i = 0; i < sizeof typed; i++)
        assert_int_equal(((const guint8 *)&typed)[i], 0);
}

static void longest_word_has_no_letter_after_it(void **state)
{
    RestoreShareWords typed = {.typed_len = 0};

    type_text(&typed, "academic");
    assert_int_equal(typed.typed_len, VAULT_SLIP39_WORD_LEN_MAX);
    assert_int_equal(restore_share_words_key(&typed, 's'), RESTORE_SHARE_KEY_REFUSED);
    assert_string_equal(typed.typed, "academic");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(four_letters_of_each_word_are_enough),
        cmocka_unit_test(word_is_done_only_when_it_is_the_only_one),
        cmocka_unit_test(backspace_goes_back_by_letters_and_by_words),
        cmocka_unit_test(one_wrong_word_alone_is_typed_again),
        cmocka_unit_test(longest_word_has_no_letter_after_it),
    };

    return run_crypto_tests(tests);
}
