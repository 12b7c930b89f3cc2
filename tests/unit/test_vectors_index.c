/* The index plane against tests/golden/vectors.txt: see test_vectors.c. */
#include "tests/unit/vectors_world.h"

#include "vault/crypto/index_session_internal.h"
#include "vault/crypto/month_internal.h"
#include "vault/crypto/terms_content.h"
#include "vault/crypto/value.h"
#include "vault/store/record.h"

static VaultIndexContext index_context(void)
{
    return (VaultIndexContext){.vault_id = sample_vault(), .month_key_id = sample_month_key()};
}

static void an_index_session_goes_the_same_steps(void **state)
{
    guint8 ephemeral[VAULT_KEY_LEN];
    IndexPublicKey public;
    VaultIndexContext context = index_context();
    g_auto(VaultIndexSession) session = {.step = 1};

    sequence(ephemeral, 0x82, sizeof ephemeral);
    take("month", "index-public", &public, VAULT_KEY_LEN);
    assert_true(
        vault_index_session_begin_with_ephemeral(ephemeral, &public, &context, &session, NULL));
    assert_vector("index", "enc", session.enc, sizeof session.enc);
    assert_vector("index", "chain-0", &session.chain, VAULT_KEY_LEN);
    for (guint32 i = 0; i <= 7; i++) {
        g_autofree char *name = g_strdup_printf("message-%u", i);
        IndexMessageKey key;
        guint32 step;

        assert_true(vault_index_session_next(&session, &step, &key, NULL));
        assert_int_equal(step, i);
        if (i < 2 || i == 7)
            assert_vector("index", name, &key, VAULT_KEY_LEN);
    }
}

static void a_terms_copy_opens_and_is_sealed_to_the_same_bytes(void **state)
{
    g_autoptr(GByteArray) bytes = vector("index", "record");
    g_autofree guint8 *sealed = g_malloc(bytes->len);
    guint8 plaintext[256];
    IndexSecretKey secret;
    IndexPublicKey public;
    IndexSlot slot;
    LocatorKey locator_key;
    IndexMessageKey message_key;
    VaultIndexContext context = index_context();
    VaultIndexRecord record = {.slot = &slot};
    g_auto(VaultIndexSession) session = {.step = 0};
    VaultRecordHeader header;
    VaultLocator locator;
    VaultSpan clear;
    gsize len;

    take("month", "index-secret", &secret, VAULT_KEY_LEN);
    take("month", "index-public", &public, VAULT_KEY_LEN);
    take("index", "slot", &slot, VAULT_KEY_LEN);
    take("copy", "locator-key", &locator_key, VAULT_KEY_LEN);
    assert_true(vault_record_header_parse(bytes->data, bytes->len, &header, NULL));
    assert_true(vault_record_locator_open(bytes->data, &header, &locator_key, &locator, NULL));
    assert_int_equal(locator.step, 7);
    memcpy(record.salt, header.by_kind, sizeof record.salt);
    record.record_id = header.record_id;
    clear = (VaultSpan){bytes->data, header.header_len - VAULT_RECORD_CRC_LEN};
    len = bytes->len - header.header_len;
    assert_true(vault_index_session_open(&secret, &public, &context, locator.enc, &session, NULL));
    assert_true(vault_index_open(&session, locator.step, &record, &clear,
                                 bytes->data + header.header_len, len, plaintext, NULL));
    assert_vector("index", "plaintext", plaintext, len - VAULT_INDEX_OVERHEAD_LEN);
    take("index", "message-7", &message_key, VAULT_KEY_LEN);
    vault_index_seal(&message_key, &record, &clear, plaintext, len - VAULT_INDEX_OVERHEAD_LEN,
                     sealed);
    assert_memory_equal(sealed, bytes->data + header.header_len, len);
}

static void assert_terms(const char *name, const VaultTermsContent *content)
{
    GByteArray *plaintext = vault_terms_content_format(content, NULL);

    assert_vector("terms", name, plaintext->data, plaintext->len);
    vault_value_free(plaintext);
}

static void a_terms_copy_says_the_same(void **state)
{
    guint8 frame[300];
    VaultTermsContent named = {.body = {.body_id = sample_body_id(),
                                        .message_len = 5000,
                                        .compressed_len = 1234,
                                        .compression = VAULT_COMPRESSION_ZSTD}};
    VaultTermsContent content = {.is_inline = TRUE,
                                 .compression = VAULT_COMPRESSION_ZSTD,
                                 .message_body_id = sample_body_id(),
                                 .terms_len = 5000,
                                 .frame = frame,
                                 .frame_len = 100};

    for (gsize i = 0; i < sizeof frame; i++)
        frame[i] = (guint8)(i * 7);
    sequence(&named.message_body_id, 0xe0, VAULT_ID_LEN);
    sequence(&named.body.key, 1, VAULT_KEY_LEN);
    sequence(&named.body.body_hash, 2, VAULT_HASH_LEN);
    assert_terms("named", &named);
    assert_terms("inline-100", &content);
    content.frame_len = 103;
    assert_terms("inline-103", &content);
    content.frame_len = 300;
    assert_terms("inline-300", &content);
    content.compression = VAULT_COMPRESSION_STORED;
    content.frame_len = content.terms_len = 100;
    assert_terms("inline-stored-100", &content);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_index_session_goes_the_same_steps),
        cmocka_unit_test(a_terms_copy_opens_and_is_sealed_to_the_same_bytes),
        cmocka_unit_test(a_terms_copy_says_the_same),
    };

    return run_vector_tests(tests);
}
