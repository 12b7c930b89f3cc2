/* SLIP-0039: the official vectors, and the properties of field, sharing and checksum. */
#include "tests/unit/crypto_world.h"

#include "vault/crypto/slip39_internal.h"

#include <json-glib/json-glib.h>

#define VECTORS SOURCE_DIR "/tests/golden/slip39/vectors.json"
#define PASSPHRASE "TREZOR"

static gboolean share_from_text(const char *text, VaultSlip39Share *ret_share, guint *ret_suspect,
                                GError **error)
{
    g_auto(GStrv) words = g_strsplit(text, " ", -1);
    VaultSlip39Words indexes = {.count = g_strv_length(words)};

    assert_true(indexes.count <= VAULT_SLIP39_WORDS_MAX);
    for (gsize i = 0; i < indexes.count; i++)
        assert_true(vault_slip39_word_parse(words[i], strlen(words[i]), &indexes.words[i]));
    return vault_slip39_share_parse(&indexes, ret_share, ret_suspect, error);
}

static char *text_of(const VaultSlip39Share *share)
{
    GString *text = g_string_new(NULL);
    VaultSlip39Words words;

    vault_slip39_share_format(share, &words);
    for (gsize i = 0; i < words.count; i++)
        g_string_append_printf(text, "%s%s", i > 0 ? " " : "", vault_slip39_word(words.words[i]));
    return g_string_free(text, FALSE);
}

/* ---- the vectors ---------------------------------------------------------------------------- */

static gboolean combine_texts(JsonArray *texts, VaultSlip39Secret *ret_secret, GError **error)
{
    VaultSlip39Share shares[VAULT_SLIP39_SHARES_MAX];
    guint count = json_array_get_length(texts);

    for (guint i = 0; i < count; i++) {
        const char *text = json_array_get_string_element(texts, i);
        g_autofree char *again = NULL;

        if (!share_from_text(text, &shares[i], NULL, error))
            return FALSE;
        again = text_of(&shares[i]);
        assert_string_equal(again, text);
    }
    return vault_slip39_combine(shares, count, PASSPHRASE, ret_secret, error);
}

static gboolean check_vector(JsonArray *vector)
{
    const char *secret_hex = json_array_get_string_element(vector, 2);
    VaultSlip39Secret secret = {.len = 0};
    g_autoptr(GError) error = NULL;
    gboolean is_good = combine_texts(json_array_get_array_element(vector, 1), &secret, &error);

    print_message("%s: %s\n", json_array_get_string_element(vector, 0),
                  is_good ? "combines" : error->message);
    assert_int_equal(is_good, secret_hex[0] != '\0');
    if (is_good)
        assert_hex(secret.bytes, secret.len, secret_hex);
    return is_good;
}

static void official_vectors_combine_or_are_refused_as_they_say(void **state)
{
    g_autoptr(JsonParser) parser = json_parser_new();
    JsonArray *vectors;
    guint combined = 0;

    assert_true(json_parser_load_from_file(parser, VECTORS, NULL));
    vectors = json_node_get_array(json_parser_get_root(parser));
    assert_int_equal(json_array_get_length(vectors), 45);
    for (guint i = 0; i < 45; i++)
        combined += check_vector(json_array_get_array_element(vectors, i)) ? 1 : 0;
    assert_int_equal(combined, 15);
}

/* ---- the field ------------------------------------------------------------------------------ */

static void field_is_the_one_of_the_standard(void **state)
{
    /* FIPS 197 section 4.2: the same polynomial. */
    assert_int_equal(slip39_field_multiply(0x57, 0x83), 0xc1);
    assert_int_equal(slip39_field_multiply(0x57, 0x13), 0xfe);
    assert_int_equal(slip39_field_invert(0), 0);
    for (guint a = 1; a < 256; a++) {
        guint8 inverse = slip39_field_invert((guint8)a);

        assert_int_equal(slip39_field_multiply((guint8)a, inverse), 1);
        for (guint b = 0; b < 256; b++)
            assert_int_equal(slip39_field_multiply((guint8)a, (guint8)b),
                             slip39_field_multiply((guint8)b, (guint8)a));
    }
}

/* ---- sharing -------------------------------------------------------------------------------- */

static VaultSlip39Secret secret_of_len(gsize len)
{
    VaultSlip39Secret secret = {.len = len};

    vault_random(secret.bytes, MIN(len, sizeof secret.bytes));
    return secret;
}

/* The shares whose bits are set in `chosen`. */
static guint choose(const VaultSlip39Share *shares, guint count, guint chosen,
                    VaultSlip39Share *ret_chosen)
{
    guint chosen_count = 0;

    for (guint i = 0; i < count; i++) {
        if (chosen >> i & 1)
            ret_chosen[chosen_count++] = shares[i];
    }
    return chosen_count;
}

static void exactly_the_threshold_combines(void **state)
{
    VaultSlip39Secret secret = secret_of_len(32);
    VaultSlip39Share shares[5], chosen[5];

    assert_true(vault_slip39_split(&secret, &(VaultSlip39Split){4711, 1, 3, 5}, shares, NULL));
    for (guint set = 0; set < 32; set++) {
        guint count = choose(shares, 5, set, chosen);
        VaultSlip39Secret again = {.len = 0};
        g_autoptr(GError) error = NULL;

        if (count == 3) {
            assert_true(vault_slip39_combine(chosen, count, NULL, &again, &error));
            assert_int_equal(again.len, 32);
            assert_memory_equal(again.bytes, secret.bytes, 32);
        } else {
            assert_false(vault_slip39_combine(chosen, count, NULL, &again, &error));
            assert_error(error, VAULT_ERROR_NO_KEY);
        }
    }
}

static void every_size_of_set_and_secret_combines(void **state)
{
    for (guint count = 1; count <= VAULT_SLIP39_SHARES_MAX; count++) {
        guint threshold = count == 1 ? 1 : MAX(2, count / 2 + 1);
        VaultSlip39Secret secret = secret_of_len(14 + 2 * count), again;
        VaultSlip39Share shares[VAULT_SLIP39_SHARES_MAX];

        assert_true(vault_slip39_split(&secret, &(VaultSlip39Split){0x7fff, 1, threshold, count},
                                       shares, NULL));
        for (guint i = 0; i < count; i++) {
            g_autofree char *text = text_of(&shares[i]);
            VaultSlip39Share parsed;

            assert_true(share_from_text(text, &parsed, NULL, NULL));
            assert_memory_equal(parsed.value, shares[i].value, secret.len);
            assert_int_equal(parsed.member_index, i);
            assert_int_equal(parsed.identifier, 0x7fff);
        }
        assert_true(
            vault_slip39_combine(shares + count - threshold, threshold, NULL, &again, NULL));
        assert_memory_equal(again.bytes, secret.bytes, secret.len);
    }
}

static void impossible_sets_are_refused(void **state)
{
    const guint cases[][2] = {{0, 0}, {0, 3}, {1, 2}, {3, 2}, {2, 17}, {17, 17}};
    VaultSlip39Secret secret = secret_of_len(32);
    VaultSlip39Share shares[VAULT_SLIP39_SHARES_MAX];

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;

        assert_false(vault_slip39_split(
            &secret, &(VaultSlip39Split){0, 1, cases[i][0], cases[i][1]}, shares, &error));
        assert_error(error, VAULT_ERROR_REFUSED);
    }
    assert_true(vault_slip39_split(&secret, &(VaultSlip39Split){0, 1, 16, 16}, shares, NULL));
}

static void secrets_of_a_length_that_no_share_has_are_refused(void **state)
{
    const gsize lens[] = {0, 14, 17, 33, 66};
    VaultSlip39Share shares[2];

    for (gsize i = 0; i < G_N_ELEMENTS(lens); i++) {
        VaultSlip39Secret secret = secret_of_len(lens[i]);
        g_autoptr(GError) error = NULL;

        assert_false(vault_slip39_split(&secret, &(VaultSlip39Split){0, 1, 2, 2}, shares, &error));
        assert_error(error, VAULT_ERROR_TOO_LARGE);
    }
}

static void share_that_was_altered_gives_no_secret(void **state)
{
    VaultSlip39Secret secret = secret_of_len(32), again;
    VaultSlip39Share shares[3];
    g_autoptr(GError) error = NULL;

    assert_true(vault_slip39_split(&secret, &(VaultSlip39Split){1, 1, 3, 3}, shares, NULL));
    shares[1].value[31] ^= 1;
    assert_false(vault_slip39_combine(shares, 3, NULL, &again, &error));
    assert_error(error, VAULT_ERROR_NO_KEY);
}

static void too_few_shares_say_nothing_of_the_secret(void **state)
{
    VaultSlip39Secret zeros = {.len = 32};
    VaultSlip39Share one[3], other[3];

    assert_true(vault_slip39_split(&zeros, &(VaultSlip39Split){1, 1, 3, 3}, one, NULL));
    assert_true(vault_slip39_split(&zeros, &(VaultSlip39Split){1, 1, 3, 3}, other, NULL));
    for (guint i = 0; i < 3; i++)
        assert_memory_not_equal(one[i].value, other[i].value, 32);
}

/* ---- the checksum --------------------------------------------------------------------------- */

static void one_wrong_word_is_found_and_its_place_named(void **state)
{
    VaultSlip39Secret secret = secret_of_len(32);
    VaultSlip39Share shares[2], parsed;
    VaultSlip39Words words;
    guint64 seed = 39;

    assert_true(vault_slip39_split(&secret, &(VaultSlip39Split){20000, 1, 2, 2}, shares, NULL));
    vault_slip39_share_format(&shares[1], &words);
    for (gsize at = 0; at < words.count; at++) {
        guint16 right = words.words[at];
        guint16 change = (guint16)(1 + next_random(&seed) % 1023);
        g_autofree char *name = g_strdup_printf("look at word %u", (guint)at + 1);
        g_autoptr(GError) error = NULL;
        guint suspect;

        if (at == 1)
            change &= 0x3ef; /* the flag in it chooses the checksum's label: not locatable */
        if (change == 0)
            change = 1;
        words.words[at] = right ^ change;
        assert_false(vault_slip39_share_parse(&words, &parsed, &suspect, &error));
        assert_error(error, VAULT_ERROR_MALFORMED);
        assert_int_equal(suspect, at + 1);
        assert_true(g_str_has_suffix(error->message, name));
        words.words[at] = right;
    }
    assert_true(vault_slip39_share_parse(&words, &parsed, NULL, NULL));
}

static void words_that_changed_places_are_found(void **state)
{
    VaultSlip39Secret secret = secret_of_len(32);
    VaultSlip39Share shares[2], parsed;
    VaultSlip39Words words;

    assert_true(vault_slip39_split(&secret, &(VaultSlip39Split){300, 1, 2, 2}, shares, NULL));
    vault_slip39_share_format(&shares[0], &words);
    for (gsize at = 0; at + 1 < words.count; at++) {
        guint16 first = words.words[at];
        g_autoptr(GError) error = NULL;

        if (first == words.words[at + 1])
            continue;
        words.words[at] = words.words[at + 1];
        words.words[at + 1] = first;
        assert_false(vault_slip39_share_parse(&words, &parsed, NULL, &error));
        assert_error(error, VAULT_ERROR_MALFORMED);
        words.words[at + 1] = words.words[at];
        words.words[at] = first;
    }
}

static void lengths_that_no_share_has_are_refused(void **state)
{
    const gsize counts[] = {0, 1, 19, 21, 32, 34, 59};

    for (gsize i = 0; i < G_N_ELEMENTS(counts); i++) {
        VaultSlip39Words words = {.count = counts[i]};
        VaultSlip39Share share;
        g_autoptr(GError) error = NULL;

        assert_false(vault_slip39_share_parse(&words, &share, NULL, &error));
        assert_error(error, VAULT_ERROR_MALFORMED);
    }
}

/* ---- the words ------------------------------------------------------------------------------ */

static void words_are_unique_by_four_letters(void **state)
{
    for (guint16 i = 0; i < VAULT_SLIP39_RADIX; i++) {
        const char *word = vault_slip39_word(i);
        guint16 found;

        assert_true(i == 0 || strcmp(vault_slip39_word(i - 1), word) < 0);
        assert_int_equal(vault_slip39_complete(word, 4, &found), 1);
        assert_int_equal(found, i);
        assert_true(vault_slip39_word_parse(word, strlen(word), &found));
        assert_int_equal(found, i);
    }
}

static void prefixes_are_completed_only_when_one_word_is_left(void **state)
{
    guint16 word;

    assert_int_equal(vault_slip39_complete("", 0, &word), VAULT_SLIP39_RADIX);
    assert_int_equal(vault_slip39_complete("ac", 2, &word), 7);
    assert_int_equal(vault_slip39_complete("ACA", 3, &word), 1);
    assert_string_equal(vault_slip39_word(word), "academic");
    assert_int_equal(vault_slip39_complete("acax", 4, &word), 0);
    assert_int_equal(vault_slip39_complete("academics", 9, &word), 0);
    assert_false(vault_slip39_word_parse("acad", 4, &word));
    assert_false(vault_slip39_word_parse("", 0, &word));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(official_vectors_combine_or_are_refused_as_they_say),
        cmocka_unit_test(field_is_the_one_of_the_standard),
        cmocka_unit_test(exactly_the_threshold_combines),
        cmocka_unit_test(every_size_of_set_and_secret_combines),
        cmocka_unit_test(impossible_sets_are_refused),
        cmocka_unit_test(secrets_of_a_length_that_no_share_has_are_refused),
        cmocka_unit_test(share_that_was_altered_gives_no_secret),
        cmocka_unit_test(too_few_shares_say_nothing_of_the_secret),
        cmocka_unit_test(one_wrong_word_is_found_and_its_place_named),
        cmocka_unit_test(words_that_changed_places_are_found),
        cmocka_unit_test(lengths_that_no_share_has_are_refused),
        cmocka_unit_test(words_are_unique_by_four_letters),
        cmocka_unit_test(prefixes_are_completed_only_when_one_word_is_left),
    };

    return run_crypto_tests(tests);
}
