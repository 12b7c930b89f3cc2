/* RFC 9180: the vectors of appendix A.2 (X25519, HKDF-SHA256, ChaCha20-Poly1305), base and psk. */
#include "tests/unit/crypto_world.h"

#include "vault/crypto/hpke_internal.h"

/* "Ode on a Grecian Urn", "Beauty is truth, truth beauty", "Ennyn Durin aran Moria" */
#define INFO "4f6465206f6e2061204772656369616e2055726e"
#define PLAINTEXT "4265617574792069732074727574682c20747275746820626561757479"
#define PSK "0247fd33b913760fa1fa51e1892d9f307fbe65eb171e8132c2af18555a738b82"
#define PSK_ID "456e6e796e20447572696e206172616e204d6f726961"

typedef struct {
    const char *ikm_e, *sk_e, *ikm_r, *sk_r, *pk_r, *psk, *psk_id, *enc, *key, *nonce, *exporter;
    const char *ciphertext; /* sequence number 0, AAD "Count-0" */
    const char *exports[3]; /* contexts "", 00, "TestContext" */
} Vector;

static const Vector vectors[] = {
    {
        .ikm_e = "909a9b35d3dc4713a5e72a4da274b55d3d3821a37e5d099e74a647db583a904b",
        .sk_e = "f4ec9b33b792c372c1d2c2063507b684ef925b8c75a42dbcbf57d63ccd381600",
        .ikm_r = "1ac01f181fdf9f352797655161c58b75c656a6cc2716dcb66372da835542e1df",
        .sk_r = "8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb",
        .pk_r = "4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b5429c59662a",
        .psk = "",
        .psk_id = "",
        .enc = "1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a",
        .key = "ad2744de8e17f4ebba575b3f5f5a8fa1f69c2a07f6e7500bc60ca6e3e3ec1c91",
        .nonce = "5c4d98150661b848853b547f",
        .exporter = "a3b010d4994890e2c6968a36f64470d3c824c8f5029942feb11e7a74b2921922",
        .ciphertext = "1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db"
                      "21993c62ce81883d2dd1b51a28",
        .exports = {"4bbd6243b8bb54cec311fac9df81841b6fd61f56538a775e7c80a9f40160606e",
                    "8c1df14732580e5501b00f82b10a1647b40713191b7c1240ac80e2b68808ba69",
                    "5acb09211139c43b3090489a9da433e8a30ee7188ba8b0a9a1ccf0c229283e53"},
    },
    {
        .ikm_e = "35706a0b09fb26fb45c39c2f5079c709c7cf98e43afa973f14d88ece7e29c2e3",
        .sk_e = "0c35fdf49df7aa01cd330049332c40411ebba36e0c718ebc3edf5845795f6321",
        .ikm_r = "26b923eade72941c8a85b09986cdfa3f1296852261adedc52d58d2930269812b",
        .sk_r = "77d114e0212be51cb1d76fa99dd41cfd4d0166b08caa09074430a6c59ef17879",
        .pk_r = "13640af826b722fc04feaa4de2f28fbd5ecc03623b317834e7ff4120dbe73062",
        .psk = PSK,
        .psk_id = PSK_ID,
        .enc = "2261299c3f40a9afc133b969a97f05e95be2c514e54f3de26cbe5644ac735b04",
        .key = "600d2fdb0313a7e5c86a9ce9221cd95bed069862421744cfb4ab9d7203a9c019",
        .nonce = "112e0465562045b7368653e7",
        .exporter = NULL,
        .ciphertext = "4a177f9c0d6f15cfdf533fb65bf84aecdc6ab16b8b85b4cf65a370e07fc1d78d"
                      "28fb073214525276f4a89608ff",
        .exports = {"813c1bfc516c99076ae0f466671f0ba5ff244a41699f7b2417e4c59d46d39f40",
                    "2745cf3d5bb65c333658732954ee7af49eb895ce77f8022873a62a13c94cb4e1",
                    "ad40e3ae14f21c99bfdebc20ae14ab86f4ca2dc9a4799d200f43a25f99fa78ae"},
    },
};

typedef struct {
    GByteArray *info, *psk, *psk_id, *aad, *sk_e, *sk_r, *pk_r, *plaintext, *ciphertext, *enc;
} Bytes;

static Bytes bytes_of(const Vector *vector)
{
    return (Bytes){.info = bytes_from_hex(INFO),
                   .psk = bytes_from_hex(vector->psk),
                   .psk_id = bytes_from_hex(vector->psk_id),
                   .aad = bytes_from_hex("436f756e742d30"),
                   .sk_e = bytes_from_hex(vector->sk_e),
                   .sk_r = bytes_from_hex(vector->sk_r),
                   .pk_r = bytes_from_hex(vector->pk_r),
                   .plaintext = bytes_from_hex(PLAINTEXT),
                   .ciphertext = bytes_from_hex(vector->ciphertext),
                   .enc = bytes_from_hex(vector->enc)};
}

static void bytes_clear(Bytes *bytes)
{
    GByteArray **arrays = (GByteArray **)bytes;

    for (gsize i = 0; i < sizeof *bytes / sizeof *arrays; i++)
        g_byte_array_unref(arrays[i]);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Bytes, bytes_clear)

static VaultHpkeParameters parameters_of(const Bytes *bytes)
{
    return (VaultHpkeParameters){
        .info = span_of(bytes->info), .psk = span_of(bytes->psk), .psk_id = span_of(bytes->psk_id)};
}

static void key_pairs_are_derived_as_the_rfc_says(void **state)
{
    for (gsize i = 0; i < G_N_ELEMENTS(vectors); i++) {
        g_autoptr(GByteArray) ikm_e = bytes_from_hex(vectors[i].ikm_e);
        g_autoptr(GByteArray) ikm_r = bytes_from_hex(vectors[i].ikm_r);
        guint8 secret_key[32], public_key[32];

        vault_hpke_derive_key_pair(ikm_e->data, ikm_e->len, secret_key, public_key);
        assert_hex(secret_key, 32, vectors[i].sk_e);
        assert_hex(public_key, 32, vectors[i].enc);
        vault_hpke_derive_key_pair(ikm_r->data, ikm_r->len, secret_key, public_key);
        assert_hex(secret_key, 32, vectors[i].sk_r);
        assert_hex(public_key, 32, vectors[i].pk_r);
    }
}

static void sender_gives_the_rfcs_bytes(void **state)
{
    for (gsize i = 0; i < G_N_ELEMENTS(vectors); i++) {
        g_auto(Bytes) bytes = bytes_of(&vectors[i]);
        VaultHpkeParameters parameters = parameters_of(&bytes);
        VaultSpan aad = span_of(bytes.aad);
        g_auto(VaultHpkeContext) context = {0};
        guint8 enc[32], ciphertext[64];
        g_autoptr(GError) error = NULL;

        assert_true(vault_hpke_setup_sender_with_ephemeral(bytes.sk_e->data, bytes.pk_r->data,
                                                           &parameters, enc, &context, &error));
        assert_hex(enc, 32, vectors[i].enc);
        assert_hex(context.key, 32, vectors[i].key);
        assert_hex(context.base_nonce, 12, vectors[i].nonce);
        if (vectors[i].exporter != NULL)
            assert_hex(context.exporter_secret, 32, vectors[i].exporter);
        vault_hpke_seal(&context, &aad, bytes.plaintext->data, bytes.plaintext->len, ciphertext);
        assert_hex(ciphertext, bytes.plaintext->len + 16, vectors[i].ciphertext);
    }
}

static void receiver_opens_the_rfcs_ciphertexts(void **state)
{
    for (gsize i = 0; i < G_N_ELEMENTS(vectors); i++) {
        g_auto(Bytes) bytes = bytes_of(&vectors[i]);
        VaultHpkeParameters parameters = parameters_of(&bytes);
        VaultSpan aad = span_of(bytes.aad);
        g_auto(VaultHpkeContext) context = {0};
        guint8 plaintext[64];
        g_autoptr(GError) error = NULL;

        assert_true(vault_hpke_setup_receiver(bytes.enc->data, bytes.sk_r->data, bytes.pk_r->data,
                                              &parameters, &context, &error));
        assert_true(vault_hpke_open(&context, &aad, bytes.ciphertext->data, bytes.ciphertext->len,
                                    plaintext, &error));
        assert_hex(plaintext, bytes.ciphertext->len - 16, PLAINTEXT);
    }
}

static void both_sides_export_the_rfcs_values(void **state)
{
    static const char *const contexts[] = {"", "00", "54657374436f6e74657874"};

    for (gsize i = 0; i < G_N_ELEMENTS(vectors); i++) {
        g_auto(Bytes) bytes = bytes_of(&vectors[i]);
        VaultHpkeParameters parameters = parameters_of(&bytes);
        g_auto(VaultHpkeContext) sender = {0};
        g_auto(VaultHpkeContext) receiver = {0};
        guint8 enc[32];

        assert_true(vault_hpke_setup_sender_with_ephemeral(bytes.sk_e->data, bytes.pk_r->data,
                                                           &parameters, enc, &sender, NULL));
        assert_true(vault_hpke_setup_receiver(bytes.enc->data, bytes.sk_r->data, bytes.pk_r->data,
                                              &parameters, &receiver, NULL));
        assert_memory_equal(&sender, &receiver, sizeof sender);
        for (gsize j = 0; j < G_N_ELEMENTS(contexts); j++) {
            g_autoptr(GByteArray) context = bytes_from_hex(contexts[j]);
            VaultSpan exporter_context = span_of(context);
            guint8 value[32];

            vault_hpke_export(&receiver, &exporter_context, value, sizeof value);
            assert_hex(value, sizeof value, vectors[i].exports[j]);
        }
    }
}

/* The public keys whose multiples by a clamped scalar are all zeros (RFC 7748 section 6.1). */
static const char *const small_orders[] = {
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
};

static void nothing_is_sealed_to_a_key_of_small_order(void **state)
{
    VaultHpkeParameters parameters = {.info = {"x", 1}};

    for (gsize i = 0; i < G_N_ELEMENTS(small_orders); i++) {
        g_autoptr(GByteArray) public_key = bytes_from_hex(small_orders[i]);
        g_auto(VaultHpkeContext) context = {0};
        guint8 enc[32];
        g_autoptr(GError) error = NULL;

        assert_false(vault_hpke_setup_sender(public_key->data, &parameters, enc, &context, &error));
        assert_error(error, VAULT_ERROR_REFUSED);
    }
}

static void an_encapsulation_of_small_order_does_not_open(void **state)
{
    VaultHpkeParameters parameters = {.info = {"x", 1}};
    g_autoptr(GByteArray) secret_key = bytes_from_hex(vectors[0].sk_r);
    g_autoptr(GByteArray) public_key = bytes_from_hex(vectors[0].pk_r);

    for (gsize i = 0; i < G_N_ELEMENTS(small_orders); i++) {
        g_autoptr(GByteArray) enc = bytes_from_hex(small_orders[i]);
        g_auto(VaultHpkeContext) context = {0};
        g_autoptr(GError) error = NULL;

        assert_false(vault_hpke_setup_receiver(enc->data, secret_key->data, public_key->data,
                                               &parameters, &context, &error));
        assert_error(error, VAULT_ERROR_NO_KEY);
    }
}

/* Seals with the psk vector's key, then opens with one thing changed. */
static void what_does_not_fit_does_not_open(void **state)
{
    enum {
        NOTHING,
        INFO_CHANGED,
        PSK_CHANGED,
        PSK_ID_CHANGED,
        NO_PSK,
        ENC_CHANGED,
        AAD_CHANGED,
        TEXT_CHANGED,
        TEXT_CUT,
        TEXT_TOO_SHORT,
        CASES
    };

    for (int changed = NOTHING; changed < CASES; changed++) {
        g_auto(Bytes) bytes = bytes_of(&vectors[1]);
        VaultHpkeParameters parameters = parameters_of(&bytes);
        VaultSpan aad = span_of(bytes.aad);
        g_auto(VaultHpkeContext) context = {0};
        guint8 plaintext[64] = {0};
        gsize len = bytes.ciphertext->len;
        g_autoptr(GError) error = NULL;
        gboolean is_open;

        bytes.info->data[0] ^= changed == INFO_CHANGED;
        bytes.psk->data[31] ^= changed == PSK_CHANGED;
        bytes.psk_id->data[3] ^= changed == PSK_ID_CHANGED;
        bytes.enc->data[9] ^= changed == ENC_CHANGED;
        bytes.aad->data[6] ^= changed == AAD_CHANGED;
        bytes.ciphertext->data[12] ^= changed == TEXT_CHANGED;
        len -= (changed == TEXT_CUT) ? 1 : 0;
        len = (changed == TEXT_TOO_SHORT) ? 15 : len;
        if (changed == NO_PSK)
            parameters.psk.len = parameters.psk_id.len = 0;
        assert_true(vault_hpke_setup_receiver(bytes.enc->data, bytes.sk_r->data, bytes.pk_r->data,
                                              &parameters, &context, NULL));
        is_open = vault_hpke_open(&context, &aad, bytes.ciphertext->data, len, plaintext, &error);
        assert_int_equal(is_open, changed == NOTHING);
        if (changed != NOTHING)
            assert_error(error, VAULT_ERROR_NO_KEY);
    }
}

static void two_encapsulations_never_are_the_same(void **state)
{
    VaultHpkeParameters parameters = {.info = {"x", 1}};
    g_autoptr(GByteArray) public_key = bytes_from_hex(vectors[0].pk_r);
    g_auto(VaultHpkeContext) first = {0};
    g_auto(VaultHpkeContext) second = {0};
    guint8 first_enc[32], second_enc[32];

    assert_true(vault_hpke_setup_sender(public_key->data, &parameters, first_enc, &first, NULL));
    assert_true(vault_hpke_setup_sender(public_key->data, &parameters, second_enc, &second, NULL));
    assert_memory_not_equal(first_enc, second_enc, 32);
    assert_memory_not_equal(first.key, second.key, 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(key_pairs_are_derived_as_the_rfc_says),
        cmocka_unit_test(sender_gives_the_rfcs_bytes),
        cmocka_unit_test(receiver_opens_the_rfcs_ciphertexts),
        cmocka_unit_test(both_sides_export_the_rfcs_values),
        cmocka_unit_test(nothing_is_sealed_to_a_key_of_small_order),
        cmocka_unit_test(an_encapsulation_of_small_order_does_not_open),
        cmocka_unit_test(what_does_not_fit_does_not_open),
        cmocka_unit_test(two_encapsulations_never_are_the_same),
    };

    return run_crypto_tests(tests);
}
