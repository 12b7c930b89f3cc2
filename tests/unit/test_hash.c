/* SHA-256, HMAC and HKDF against their standards' vectors; tags that no two inputs share. */
#include "tests/unit/crypto_world.h"

#include "vault/crypto/hash_internal.h"

static void sha256_gives_the_vectors_of_fips_180(void **state)
{
    static const struct {
        const char *text, *hash;
    } cases[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        VaultHash hash;

        vault_hash(cases[i].text, strlen(cases[i].text), &hash);
        assert_hex(&hash, sizeof hash, cases[i].hash);
    }
}

static void a_million_letters_are_hashed_in_pieces(void **state)
{
    g_autoptr(VaultHasher) hasher = vault_hasher_new();
    g_autofree char *letters = g_strnfill(997, 'a');
    VaultHash hash;

    /* Twice: a finished hasher starts again from nothing. */
    for (int round = 0; round < 2; round++) {
        for (gsize left = 1000000; left > 0; left -= MIN(left, 997))
            vault_hasher_update(hasher, letters, MIN(left, 997));
        vault_hasher_finish(hasher, &hash);
        assert_hex(&hash, sizeof hash,
                   "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    }
}

static void spans_are_hashed_as_if_joined(void **state)
{
    const VaultSpan spans[] = {{"a", 1}, {"", 0}, {NULL, 0}, {"bc", 2}};
    VaultHash joined, spanned;

    vault_hash("abc", 3, &joined);
    vault_hash_spans(spans, G_N_ELEMENTS(spans), &spanned);
    assert_memory_equal(&joined, &spanned, sizeof joined);
}

static void hmac_gives_the_vectors_of_rfc_4231(void **state)
{
    static const struct {
        const char *key, *text, *mac;
    } cases[] = {
        {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265",
         "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
        {"4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
         "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
    };
    g_autofree guint8 *long_key = g_malloc(131);
    guint8 mac[VAULT_HASH_LEN];

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GByteArray) key = bytes_from_hex(cases[i].key);
        g_autoptr(GByteArray) text = bytes_from_hex(cases[i].text);
        VaultSpan key_span = span_of(key), text_span = span_of(text);

        vault_hmac_spans(&key_span, &text_span, 1, mac);
        assert_hex(mac, sizeof mac, cases[i].mac);
    }
    memset(long_key, 0xaa, 131); /* longer than a block */
    vault_hmac_spans(&(VaultSpan){long_key, 131},
                     &VAULT_SPAN_TEXT("Test Using Larger Than Block-Size Key - Hash Key First"), 1,
                     mac);
    assert_hex(mac, sizeof mac, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

/* Test cases 1 to 3 of RFC 5869, appendix A. */
static const struct {
    const char *ikm, *salt, *info, *prk, *okm;
} hkdf_cases[] = {
    {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "000102030405060708090a0b0c",
     "f0f1f2f3f4f5f6f7f8f9", "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
     "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"},
    {"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d"
     "2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f",
     "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d"
     "8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
     "b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdd"
     "dedfe0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
     "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244",
     "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e59"
     "0e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87"},
    {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "",
     "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
     "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"},
};

static void hkdf_gives_the_vectors_of_rfc_5869(void **state)
{
    for (gsize i = 0; i < G_N_ELEMENTS(hkdf_cases); i++) {
        g_autoptr(GByteArray) ikm = bytes_from_hex(hkdf_cases[i].ikm);
        g_autoptr(GByteArray) salt = bytes_from_hex(hkdf_cases[i].salt);
        g_autoptr(GByteArray) info = bytes_from_hex(hkdf_cases[i].info);
        VaultSpan ikm_span = span_of(ikm), salt_span = span_of(salt), info_span = span_of(info);
        guint8 prk[VAULT_HASH_LEN], okm[128];
        gsize len = strlen(hkdf_cases[i].okm) / 2;

        vault_hkdf_extract(&salt_span, &ikm_span, prk);
        assert_hex(prk, sizeof prk, hkdf_cases[i].prk);
        vault_hkdf_expand(prk, &info_span, okm, len);
        assert_hex(okm, len, hkdf_cases[i].okm);
        memset(okm, 0, sizeof okm);
        vault_hkdf(&salt_span, &ikm_span, &info_span, okm, len);
        assert_hex(okm, len, hkdf_cases[i].okm);
    }
}

static void hkdf_gives_up_to_255_blocks(void **state)
{
    static const guint8 prk[VAULT_HASH_LEN];
    g_autofree guint8 *longest = g_malloc(255 * 32);
    guint8 some[33];

    vault_hkdf_expand(prk, &VAULT_SPAN_TEXT("info"), longest, 255 * 32);
    vault_hkdf_expand(prk, &VAULT_SPAN_TEXT("info"), some, sizeof some);
    assert_memory_equal(longest, some, sizeof some);
}

static void no_two_inputs_of_a_tag_are_the_same(void **state)
{
    const DayKey key = {{1}}, other_key = {{2}};
    const VaultSpan cases[][2] = {
        {{"ab", 2}, {"c", 1}}, {{"a", 1}, {"bc", 2}}, {{"abc", 3}, {"", 0}}, {{"", 0}, {"abc", 3}}};
    DeliveryTag tags[G_N_ELEMENTS(cases) + 3];

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
        vault_delivery_tag(&key, "label", cases[i], 2, &tags[i]);
    vault_delivery_tag(&key, "label", cases[0], 1, &tags[4]);
    vault_delivery_tag(&key, "labek", cases[0], 2, &tags[5]);
    vault_delivery_tag(&other_key, "label", cases[0], 2, &tags[6]);
    for (gsize i = 0; i < G_N_ELEMENTS(tags); i++)
        for (gsize j = 0; j < i; j++)
            assert_memory_not_equal(&tags[i], &tags[j], sizeof tags[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_gives_the_vectors_of_fips_180),
        cmocka_unit_test(a_million_letters_are_hashed_in_pieces),
        cmocka_unit_test(spans_are_hashed_as_if_joined),
        cmocka_unit_test(hmac_gives_the_vectors_of_rfc_4231),
        cmocka_unit_test(hkdf_gives_the_vectors_of_rfc_5869),
        cmocka_unit_test(hkdf_gives_up_to_255_blocks),
        cmocka_unit_test(no_two_inputs_of_a_tag_are_the_same),
    };

    return run_crypto_tests(tests);
}
