/* The program against tests/golden/vectors.txt, which vectors.py computes from the specification
 * alone: what is derived is the same, what is sealed opens, and is sealed to the same bytes. */
#include "tests/unit/crypto_world.h"

#include "vault/base/bytes.h"
#include "vault/crypto/content.h"
#include "vault/crypto/copy_content.h"
#include "vault/crypto/erasure_tree.h"
#include "vault/crypto/escrow.h"
#include "vault/crypto/index_session_internal.h"
#include "vault/crypto/month_internal.h"
#include "vault/crypto/sealed_blocks.h"
#include "vault/crypto/stream.h"
#include "vault/crypto/terms_content.h"
#include "vault/crypto/value.h"
#include "vault/store/record.h"

static GKeyFile *vectors;

/* The bytes of one vector; freed at the end of the test by its g_autoptr. */
static GByteArray *vector(const char *section, const char *name)
{
    g_autofree char *hex = g_key_file_get_string(vectors, section, name, NULL);

    if (hex == NULL)
        fail_msg("vectors.txt has no %s in [%s]", name, section);
    return bytes_from_hex(hex);
}

static void assert_vector(const char *section, const char *name, const void *bytes, gsize len)
{
    g_autoptr(GByteArray) expected = vector(section, name);

    if (expected->len != len || memcmp(expected->data, bytes, len) != 0) {
        g_autofree char *hex = hex_from_bytes(bytes, len);

        fail_msg("[%s] %s: %s", section, name, hex);
    }
}

/* A vector of a fixed length. */
static void take(const char *section, const char *name, void *ret_bytes, gsize len)
{
    g_autoptr(GByteArray) bytes = vector(section, name);

    assert_int_equal(bytes->len, len);
    memcpy(ret_bytes, bytes->data, len);
}

static void sequence(void *bytes, guint8 start, gsize len)
{
    for (gsize i = 0; i < len; i++)
        ((guint8 *)bytes)[i] = (guint8)(start + i);
}

static VaultId sample_vault(void)
{
    VaultId id;

    sequence(&id, 0x10, VAULT_ID_LEN);
    return id;
}

static RecordId sample_body_id(void)
{
    RecordId id;

    sequence(&id, 0xd0, VAULT_ID_LEN);
    return id;
}

static MonthKeyId sample_month_key(void)
{
    MonthKeyId id;

    take("month", "month-key-id", &id, VAULT_ID_LEN);
    return id;
}

static void key_ids_depend_on_the_role(void **state)
{
    static const char *const names[] = {NULL,          "content", "index", "master",
                                        "master-sign", "reader",  "log",   "escrow"};
    guint8 key[VAULT_KEY_LEN];

    take("key-id", "public-key", key, sizeof key);
    for (guint role = VAULT_ROLE_CONTENT; role <= VAULT_ROLE_ESCROW; role++) {
        KeyId id = vault_key_id((VaultKeyRole)role, key);

        assert_vector("key-id", names[role], &id, VAULT_ID_LEN);
    }
}

static void a_masters_halves_come_from_its_seed(void **state)
{
    guint8 seed[32];
    VaultMaster master;
    MasterPublic public;
    KeyId id;
    g_autofree char *fingerprint = NULL;
    g_auto(GStrv) groups = NULL;
    g_autofree char *joined = NULL;
    g_autoptr(GByteArray) bytes = NULL;

    take("master", "seed", seed, sizeof seed);
    vault_master_from_seed(seed, &master);
    assert_vector("master", "x25519-secret", &master.secret_key, VAULT_KEY_LEN);
    assert_vector("master", "x25519-public", &master.public.public_key, VAULT_KEY_LEN);
    assert_vector("master", "ed25519-seed", &master.signing_key, VAULT_KEY_LEN);
    id = vault_master_key_id(&master.public);
    assert_vector("master", "key-id", &id, VAULT_ID_LEN);
    sequence(&public.public_key, 0x20, VAULT_KEY_LEN);
    sequence(&public.verify_key, 0x40, VAULT_KEY_LEN);
    fingerprint = vault_master_fingerprint(&public);
    groups = g_strsplit(fingerprint, "-", -1);
    joined = g_strjoinv("", groups);
    bytes = bytes_from_hex(joined);
    assert_int_equal(g_strv_length(groups), 8);
    assert_vector("master", "fingerprint-of-20-and-40", bytes->data, bytes->len);
}

static void a_months_pairs_come_from_its_seed(void **state)
{
    MonthSeed seed;
    MonthPairs pairs;
    MonthKeyId id;

    take("month", "seed", &seed, sizeof seed);
    vault_month_derive(&seed, &pairs);
    assert_vector("month", "content-secret", &pairs.content_secret, VAULT_KEY_LEN);
    assert_vector("month", "content-public", &pairs.public.content, VAULT_KEY_LEN);
    assert_vector("month", "index-secret", &pairs.index_secret, VAULT_KEY_LEN);
    assert_vector("month", "index-public", &pairs.public.index, VAULT_KEY_LEN);
    id = vault_month_key_id(&pairs.public.content);
    assert_vector("month", "month-key-id", &id, VAULT_ID_LEN);
}

static void a_wrap_is_bound_as_written_down_and_opens(void **state)
{
    VaultMonthIdentity identity = {
        .vault_id = sample_vault(), .address = "a@example.org", .month = 202611};
    MonthPublicKeys keys;
    VaultWrap wrap = {.kind = VAULT_WRAP_MASTER};
    MasterSecretKey secret;
    MasterPublicKey public;
    ContentSecretKey content;
    IndexSecretKey index;
    g_autoptr(GByteArray) info = NULL;

    take("wrap", "mailbox-id", &identity.mailbox_id, VAULT_ID_LEN);
    take("month", "content-public", &keys.content, VAULT_KEY_LEN);
    take("month", "index-public", &keys.index, VAULT_KEY_LEN);
    take("wrap", "recipient", &wrap.key_id, VAULT_ID_LEN);
    take("wrap", "enc", wrap.enc, sizeof wrap.enc);
    take("wrap", "ciphertext", wrap.ciphertext, sizeof wrap.ciphertext);
    take("master", "x25519-secret", &secret, VAULT_KEY_LEN);
    take("master", "x25519-public", &public, VAULT_KEY_LEN);
    info = vault_month_wrap_info(&identity, &keys, &wrap.key_id);
    assert_vector("wrap", "info", info->data, info->len);
    assert_true(vault_month_unwrap(&identity, &keys, &wrap, secret.bytes, public.bytes, &content,
                                   &index, NULL));
    assert_vector("month", "content-secret", &content, VAULT_KEY_LEN);
    assert_vector("month", "index-secret", &index, VAULT_KEY_LEN);
}

static void check_copy_content(const guint8 *plaintext, gsize len)
{
    VaultBodyReference body;
    const guint8 *facts;
    gsize facts_len;
    g_autoptr(GByteArray) again = NULL;

    assert_true(vault_copy_content_parse(plaintext, len, &body, &facts, &facts_len, NULL));
    assert_int_equal(body.message_len, 5000);
    assert_int_equal(body.compressed_len, 1234);
    again = vault_copy_content_format(&body, facts, facts_len, NULL);
    assert_vector("copy", "plaintext", again->data, again->len);
}

static void a_copy_record_opens(void **state)
{
    g_autoptr(GByteArray) record = vector("copy", "record");
    g_autofree guint8 *plaintext = g_malloc(record->len);
    ContentSecretKey secret;
    ContentPublicKey public;
    ContentSlot slot;
    LocatorKey locator_key;
    VaultRecordHeader header;
    VaultLocator locator;
    VaultHash ciphertext_hash, hash;
    VaultContentContext context = {.vault_id = sample_vault()};
    VaultSpan clear;
    gsize len;

    take("month", "content-secret", &secret, VAULT_KEY_LEN);
    take("copy", "slot", &slot, VAULT_KEY_LEN);
    take("copy", "locator-key", &locator_key, VAULT_KEY_LEN);
    vault_content_public_key(&secret, &public);
    assert_true(vault_record_header_parse(record->data, record->len, &header, NULL));
    assert_int_equal(header.kind, VAULT_RECORD_COPY);
    assert_true(vault_record_locator_open(record->data, &header, &locator_key, &locator, NULL));
    assert_int_equal(locator.received_s, 1795512600);
    assert_int_equal(locator.flags, VAULT_FLAG_DATE_UNCERTAIN | VAULT_FLAG_IMPORTED);
    context.month_key_id = locator.month_key_id;
    context.leaf = locator.leaf;
    clear = (VaultSpan){record->data, header.header_len - VAULT_RECORD_CRC_LEN};
    len = record->len - header.header_len;
    vault_hash(record->data + header.header_len, len, &ciphertext_hash);
    vault_record_hash(record->data, header.header_len, &ciphertext_hash, &hash);
    assert_vector("copy", "record-hash", &hash, VAULT_HASH_LEN);
    assert_true(vault_content_open(&secret, &public, &slot, &context, header.by_kind, &clear,
                                   record->data + header.header_len, len, plaintext, NULL));
    assert_vector("copy", "plaintext", plaintext, len - VAULT_HPKE_TAG_LEN);
    check_copy_content(plaintext, len - VAULT_HPKE_TAG_LEN);
}

static void blocks_are_sealed_to_the_same_bytes(void **state)
{
    guint8 key[VAULT_KEY_LEN], commitment[VAULT_BLOCK_COMMITMENT_LEN], sealed[116];
    VaultBlockPlace place = {.number = 7, .kind = 3, .place = 2};
    g_autoptr(GByteArray) plaintext = vector("blocks", "plaintext");
    g_autoptr(VaultSealedBlocks) blocks = NULL;
    VaultId file_id;

    take("blocks", "key", key, sizeof key);
    take("blocks", "file-id", &file_id, VAULT_ID_LEN);
    blocks = vault_sealed_blocks_new(&(VaultSpan){key, sizeof key}, &file_id, "muniment case index",
                                     commitment);
    assert_vector("blocks", "commitment", commitment, sizeof commitment);
    vault_sealed_blocks_seal(blocks, &place, plaintext->data, plaintext->len, sealed);
    assert_vector("blocks", "block-7-kind-3-place-2", sealed, sizeof sealed);
}

static void a_stream_is_sealed_to_the_same_bytes(void **state)
{
    BodyKey key;
    BodySalt salt;
    VaultStreamParameters parameters = {.key = &key, .suite = VAULT_SUITE_X25519, .kind = 1};
    guint8 commitment[VAULT_STREAM_COMMITMENT_LEN];
    g_autofree guint8 *chunk = g_malloc(VAULT_STREAM_CHUNK_LEN);
    g_autofree guint8 *sealed = g_malloc(VAULT_STREAM_CHUNK_LEN + 100 + 32);
    const gsize first_len = VAULT_STREAM_CHUNK_LEN + VAULT_STREAM_TAG_LEN;
    g_autoptr(VaultStream) stream = NULL;
    VaultHash hash;

    take("stream", "body-key", &key, VAULT_KEY_LEN);
    take("stream", "record-id", &parameters.record_id, VAULT_ID_LEN);
    stream = vault_stream_new(&parameters, commitment);
    assert_vector("stream", "commitment", commitment, sizeof commitment);
    sequence(chunk, 0, VAULT_STREAM_CHUNK_LEN);
    assert_true(
        vault_stream_seal(stream, chunk, VAULT_STREAM_CHUNK_LEN, VAULT_STREAM_MORE, sealed, NULL));
    sequence(chunk, 7, 100);
    assert_true(vault_stream_seal(stream, chunk, 100, VAULT_STREAM_LAST, sealed + first_len, NULL));
    assert_vector("stream", "last-tag", sealed + first_len + 100, VAULT_STREAM_TAG_LEN);
    vault_hash(sealed, first_len + 100 + VAULT_STREAM_TAG_LEN, &hash);
    assert_vector("stream", "sha256-of-sealed-chunks", &hash, VAULT_HASH_LEN);
    take("stream", "salt", &salt, sizeof salt);
    vault_hash("Subject: x\r\n\r\ny\r\n", 17, &hash);
    vault_message_commitment(&salt, &hash, commitment);
    assert_vector("stream", "message-commitment", commitment, sizeof commitment);
}

static void a_tree_gives_the_same_slots_and_form(void **state)
{
    static const guint32 leaves[] = {0, 1, 7, 1u << 31, G_MAXUINT32};
    static const guint32 punctured[] = {0, 5, G_MAXUINT32};
    guint8 form[1 + 4 + 1 + 4 + VAULT_KEY_LEN] = {1, 0, 0, 0, 1};
    g_autoptr(VaultErasureTree) tree = NULL;
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    VaultHash hash;

    take("tree", "root", form + 10, VAULT_KEY_LEN);
    tree = vault_erasure_tree_parse(form, sizeof form, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(leaves); i++) {
        g_autofree char *content_name = g_strdup_printf("content-slot-%u", leaves[i]);
        g_autofree char *index_name = g_strdup_printf("index-slot-%u", leaves[i]);
        ContentSlot content;
        IndexSlot index;

        assert_true(vault_erasure_tree_content_slot(tree, leaves[i], &content, NULL));
        assert_true(vault_erasure_tree_index_slot(tree, leaves[i], &index, NULL));
        assert_vector("tree", content_name, &content, VAULT_KEY_LEN);
        assert_vector("tree", index_name, &index, VAULT_KEY_LEN);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(punctured); i++)
        assert_true(vault_erasure_tree_puncture(tree, punctured[i], NULL));
    vault_erasure_tree_format(tree, bytes);
    assert_vector("tree", "nodes-without-0-5-4294967295", bytes->data + 1, 4);
    vault_hash(bytes->data, bytes->len, &hash);
    assert_vector("tree", "sha256-of-its-form", &hash, VAULT_HASH_LEN);
}

static void a_value_opens_under_row_key_and_vault_key(void **state)
{
    VaultValuePlace place = {.vault_id = sample_vault(), .table = "holds", .row_version = 2};
    RowKey row_key;
    VaultKey vault_key = {.generation = 3};
    g_autoptr(GByteArray) sealed = vector("value", "sealed");
    g_autoptr(GByteArray) under = vector("value", "under-vault-key-3");
    GByteArray *value;

    take("value", "row-id", &place.row_id, VAULT_ID_LEN);
    take("value", "key", &row_key, VAULT_KEY_LEN);
    take("value", "key", vault_key.bytes, VAULT_KEY_LEN);
    value = vault_value_open(&row_key, &place, sealed->data, sealed->len, NULL);
    assert_non_null(value);
    assert_vector("value", "value", value->data, value->len);
    vault_value_free(value);
    value = vault_value_open_under_vault_key(&vault_key, &place, under->data, under->len, NULL);
    assert_non_null(value);
    assert_vector("value", "value", value->data, value->len);
    vault_value_free(value);
}

static void what_is_sealed_to_a_reader_opens(void **state)
{
    VaultIdentity identity = {.name = "Ada"};
    g_autoptr(GByteArray) aad = vector("reader", "aad");
    g_autoptr(GByteArray) sealed = vector("reader", "sealed-for-grant");
    VaultSpan aad_span = span_of(aad);
    GByteArray *opened;

    take("reader", "secret", &identity.secret_key, VAULT_KEY_LEN);
    take("reader", "public", &identity.public_key, VAULT_KEY_LEN);
    opened = vault_reader_open(&identity, "grant", &aad_span, sealed->data, sealed->len, NULL);
    assert_non_null(opened);
    assert_vector("reader", "plaintext", opened->data, opened->len);
    vault_value_free(opened);
}

static void a_vault_key_in_escrow_opens(void **state)
{
    static const VaultId vault_id = {{0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19,
                                      0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f}};
    VaultEscrowFile file = {.vault_id = vault_id, .count = 1};
    VaultKey keys[VAULT_KEY_GENERATIONS_MAX];
    VaultEscrowPublic public;
    VaultEscrow escrow;
    guint8 seed[32];

    take("escrow", "seed", seed, sizeof seed);
    vault_escrow_from_seed(seed, &escrow);
    public = vault_escrow_public(&escrow);
    file.escrow_key = vault_escrow_public_key(&public);
    assert_vector("escrow", "x25519-public", &file.escrow_key, VAULT_KEY_LEN);
    assert_vector("escrow", "ed25519-seed", &escrow.pair.signing_key, VAULT_KEY_LEN);
    file.keys[0].key.generation = 3;
    take("escrow", "digest-of-generation-3", file.keys[0].key.digest, VAULT_KEY_DIGEST_LEN);
    take("escrow", "sealed-generation-3", file.keys[0].sealed, VAULT_ESCROW_SEALED_LEN);
    assert_true(vault_escrow_open(&escrow, &file, keys, NULL));
    assert_int_equal(keys[0].generation, 3);
    assert_vector("escrow", "vault-key", keys[0].bytes, VAULT_KEY_LEN);
}

static void a_tag_hashes_its_spans_with_their_lengths(void **state)
{
    DayKey key;
    guint8 hash[32];
    const VaultSpan spans[] = {{"s@example.org", 13}, {hash, sizeof hash}};
    DeliveryTag tag;

    take("other", "day-key", &key, VAULT_KEY_LEN);
    sequence(hash, 9, sizeof hash);
    vault_delivery_tag(&key, "muniment retry tag", spans, G_N_ELEMENTS(spans), &tag);
    assert_vector("other", "tag-of-sender-and-hash", &tag, VAULT_TAG_LEN);
}

static void a_vault_key_file_ends_with_its_check(void **state)
{
    VaultId id = sample_vault();
    VaultKey keys[] = {{.generation = 1}, {.generation = 2}};
    g_autofree char *check =
        g_key_file_get_string(vectors, "other", "check-of-vault-keys-1-and-2", NULL);
    g_autofree char *line = g_strconcat("\ncheck: ", check, "\n", NULL);
    char *text;

    sequence(keys[0].bytes, 0x11, VAULT_KEY_LEN);
    sequence(keys[1].bytes, 0x12, VAULT_KEY_LEN);
    text = vault_key_file_format(&id, keys, 2);
    assert_true(g_str_has_suffix(text, line));
    vault_key_text_free(text);
}

/* ---- the index plane ------------------------------------------------------------------------ */

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
        cmocka_unit_test(key_ids_depend_on_the_role),
        cmocka_unit_test(a_masters_halves_come_from_its_seed),
        cmocka_unit_test(a_months_pairs_come_from_its_seed),
        cmocka_unit_test(a_wrap_is_bound_as_written_down_and_opens),
        cmocka_unit_test(a_copy_record_opens),
        cmocka_unit_test(a_stream_is_sealed_to_the_same_bytes),
        cmocka_unit_test(blocks_are_sealed_to_the_same_bytes),
        cmocka_unit_test(a_tree_gives_the_same_slots_and_form),
        cmocka_unit_test(a_value_opens_under_row_key_and_vault_key),
        cmocka_unit_test(what_is_sealed_to_a_reader_opens),
        cmocka_unit_test(a_vault_key_in_escrow_opens),
        cmocka_unit_test(a_tag_hashes_its_spans_with_their_lengths),
        cmocka_unit_test(a_vault_key_file_ends_with_its_check),
        cmocka_unit_test(an_index_session_goes_the_same_steps),
        cmocka_unit_test(a_terms_copy_opens_and_is_sealed_to_the_same_bytes),
        cmocka_unit_test(a_terms_copy_says_the_same),
    };
    int failed_count;

    vectors = g_key_file_new();
    g_assert_true(g_key_file_load_from_file(vectors, SOURCE_DIR "/tests/golden/vectors.txt",
                                            G_KEY_FILE_NONE, NULL));
    failed_count = run_crypto_tests(tests);
    g_key_file_unref(vectors);
    return failed_count;
}
