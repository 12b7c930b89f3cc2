/* Signed notes, their keys, checkpoints and cosignatures. */
#include "tests/unit/log_world.h"

/* Made by another implementation; docs/formats/log.md. */
#define VECTOR_KEY "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
#define VECTOR_TEXT "This is an example message.\n"
#define VECTOR_SIGNATURE                                                                           \
    "\xe2\x80\x94 example.com/foo "                                                                \
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYj"                             \
    "OBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
#define VECTOR VECTOR_TEXT "\n" VECTOR_SIGNATURE
#define OTHER_SIGNATURE "\xe2\x80\x94 example.com/bar AQIDBAU=\n"

static VaultNote *parse(const char *text, GError **error)
{
    return vault_note_parse(text, strlen(text), error);
}

static VaultNoteKey *vector_key(void)
{
    VaultNoteKey *key;

    vault_crypto_init();
    key = vault_note_key_parse(VECTOR_KEY, NULL);
    assert_non_null(key);
    return key;
}

static void assert_verifies(const char *text, const VaultNoteKey *key)
{
    g_autoptr(VaultNote) note = parse(text, NULL);

    assert_non_null(note);
    assert_true(vault_note_verify(note, key, NULL, NULL));
}

static void assert_fails(const char *text, const VaultNoteKey *key, VaultErrorCode code)
{
    g_autoptr(VaultNote) note = parse(text, NULL);
    g_autoptr(GError) error = NULL;

    assert_non_null(note);
    assert_false(vault_note_verify(note, key, NULL, &error));
    log_world_assert_code(error, code);
}

static void the_vector_of_another_implementation_verifies(void **state)
{
    g_autoptr(VaultNoteKey) key = vector_key();
    g_autofree char *vkey = vault_note_key_format(key);
    g_autoptr(VaultNote) note = parse(VECTOR, NULL);
    g_autofree char *again = vault_note_format(note);

    assert_string_equal(vkey, VECTOR_KEY);
    assert_string_equal(again, VECTOR);
    assert_string_equal(note->text, VECTOR_TEXT);
    assert_verifies(VECTOR, key);
}

static void signatures_of_unknown_keys_are_ignored(void **state)
{
    g_autoptr(VaultNoteKey) key = vector_key();

    assert_verifies(VECTOR_TEXT "\n" OTHER_SIGNATURE VECTOR_SIGNATURE OTHER_SIGNATURE, key);
    assert_fails(VECTOR_TEXT "\n" OTHER_SIGNATURE, key, VAULT_ERROR_NO_KEY);
}

static void a_known_key_that_fails_refuses_the_note(void **state)
{
    g_autoptr(VaultNoteKey) key = vector_key();
    /* The same key id with another signature, before and behind the true one. */
    static const char false_signature[] =
        "\xe2\x80\x94 example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZ"
        "XsYjOBH3mFXmRKuwHjG1Yu72IneyaQQ=\n";
    g_autofree char *before =
        g_strconcat(VECTOR_TEXT "\n", false_signature, VECTOR_SIGNATURE, NULL);
    g_autofree char *behind = g_strconcat(VECTOR, false_signature, NULL);

    assert_fails(before, key, VAULT_ERROR_MALFORMED);
    assert_fails(behind, key, VAULT_ERROR_MALFORMED);
    assert_fails("This is an example message!\n\n" VECTOR_SIGNATURE, key, VAULT_ERROR_MALFORMED);
    assert_fails(VECTOR_TEXT "\n\n" VECTOR_SIGNATURE, key, VAULT_ERROR_MALFORMED);
    /* The right key id and too few bytes. */
    assert_fails(VECTOR_TEXT "\n\xe2\x80\x94 example.com/foo Uw2QOkk=\n", key,
                 VAULT_ERROR_MALFORMED);
}

static void what_is_not_a_note_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        "\n",
        VECTOR_TEXT,
        VECTOR_TEXT "\n",
        VECTOR_TEXT VECTOR_SIGNATURE,                       /* no blank line */
        VECTOR_TEXT "\n" VECTOR_SIGNATURE "trailing\n",     /* not a signature */
        VECTOR_TEXT "\n- example.com/foo AQIDBAU=\n",       /* another dash */
        VECTOR_TEXT "\n\xe2\x80\x94 example.com/foo\n",     /* no signature */
        VECTOR_TEXT "\n\xe2\x80\x94  AQIDBAU=\n",           /* no name */
        VECTOR_TEXT "\n\xe2\x80\x94 a+b AQIDBAU=\n",        /* a plus */
        VECTOR_TEXT "\n\xe2\x80\x94 a\xc2\xa0z AQIDBAU=\n", /* a space of Unicode's */
        VECTOR_TEXT "\n\xe2\x80\x94 a\xc2\x85z AQIDBAU=\n", /* and another */
        VECTOR_TEXT "\n\xe2\x80\x94 a AQIDBA==\n",          /* a key id alone */
        VECTOR_TEXT "\n\xe2\x80\x94 a AQIDBAU\n",           /* no padding */
        VECTOR_TEXT "\n\xe2\x80\x94 a AQIDBAV=\n",          /* unused bits */
        VECTOR_TEXT "\n\xe2\x80\x94 a AQID BAU=\n",         /* a space within */
        VECTOR_TEXT "\n\xe2\x80\x94 a AQIDBAU=",            /* no newline */
        VECTOR_TEXT "\ttab\n\n" OTHER_SIGNATURE,            /* a control character */
        "no UTF-8 \xff\n\n" OTHER_SIGNATURE,
    };

    for (gsize i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(GError) error = NULL;

        assert_null(parse(wrong[i], &error));
        log_world_assert_code(error, VAULT_ERROR_MALFORMED);
    }
    assert_null(
        vault_note_parse("a\0b\n\n" OTHER_SIGNATURE, sizeof("a\0b\n\n" OTHER_SIGNATURE) - 1, NULL));
}

static void a_note_has_a_hundred_signatures_and_no_more(void **state)
{
    GString *text = g_string_new(VECTOR);
    g_autoptr(VaultNoteKey) key = vector_key();
    g_autoptr(GError) error = NULL;

    for (int i = 1; i < VAULT_NOTE_SIGNATURES_MAX; i++)
        g_string_append(text, OTHER_SIGNATURE);
    assert_verifies(text->str, key);
    g_string_append(text, OTHER_SIGNATURE);
    assert_null(parse(text->str, &error));
    log_world_assert_code(error, VAULT_ERROR_TOO_LARGE);
    g_string_free(text, TRUE);
}

static void a_note_is_read_up_to_its_length_limit(void **state)
{
    GString *text = g_string_new(NULL);
    g_autoptr(VaultNote) note = NULL;
    g_autoptr(GError) error = NULL;

    while (text->len + sizeof("\n" OTHER_SIGNATURE) < VAULT_NOTE_LEN_MAX)
        g_string_append_c(text, 'a');
    g_string_append(text, "\n\n" OTHER_SIGNATURE);
    assert_int_equal(text->len, VAULT_NOTE_LEN_MAX);
    note = parse(text->str, NULL);
    assert_non_null(note);
    g_string_prepend_c(text, 'a');
    assert_null(parse(text->str, &error));
    log_world_assert_code(error, VAULT_ERROR_TOO_LARGE);
    g_string_free(text, TRUE);
}

static void what_is_not_a_verifier_key_is_refused(void **state)
{
    static const struct {
        const char *vkey;
        VaultErrorCode code;
    } wrong[] = {
        {"", VAULT_ERROR_MALFORMED},
        {"example.com/foo", VAULT_ERROR_MALFORMED},
        {"example.com/foo+530d903a", VAULT_ERROR_MALFORMED},
        {"example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
         VAULT_ERROR_MALFORMED},
        {"example.com/fop+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
         VAULT_ERROR_MALFORMED},
        {"+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", VAULT_ERROR_MALFORMED},
        {"a b+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", VAULT_ERROR_MALFORMED},
        {"example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3Q==",
         VAULT_ERROR_MALFORMED},
        {"example.com/foo+530d903a+BukyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
         VAULT_ERROR_UNSUPPORTED},
    };

    vault_crypto_init();
    for (gsize i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(GError) error = NULL;

        assert_null(vault_note_key_parse(wrong[i].vkey, &error));
        log_world_assert_code(error, wrong[i].code);
    }
}

/* ---- checkpoints ---------------------------------------------------------------------------- */

static VaultCheckpoint *sample_checkpoint(void)
{
    VaultHash root;

    vault_crypto_init();
    vault_hash("root", 4, &root);
    return vault_checkpoint_new(LOG_ORIGIN, 20852163, &root);
}

static void a_signed_checkpoint_opens_with_its_key_only(void **state)
{
    g_autoptr(LogWorld) world = log_world_new();
    g_autoptr(LogWorld) other = log_world_new();
    g_autoptr(VaultCheckpoint) checkpoint = sample_checkpoint();
    g_autofree char *note = vault_checkpoint_sign(checkpoint, &world->key);
    g_autoptr(VaultCheckpoint) opened =
        vault_checkpoint_open(note, strlen(note), LOG_ORIGIN, world->keys, NULL);
    g_autoptr(GError) other_key = NULL;
    g_autoptr(GError) other_origin = NULL;
    g_autoptr(GError) forged = NULL;

    assert_non_null(opened);
    assert_int_equal(opened->size, checkpoint->size);
    assert_true(vault_merkle_hash_equal(&opened->root, &checkpoint->root));
    assert_null(vault_checkpoint_open(note, strlen(note), LOG_ORIGIN, other->keys, &other_key));
    log_world_assert_code(other_key, VAULT_ERROR_NO_KEY);
    assert_null(vault_checkpoint_open(note, strlen(note), "another", world->keys, &other_origin));
    log_world_assert_code(other_origin, VAULT_ERROR_MALFORMED);
    note[strlen(LOG_ORIGIN) + 1] = '1'; /* another size */
    assert_null(vault_checkpoint_open(note, strlen(note), LOG_ORIGIN, world->keys, &forged));
    log_world_assert_code(forged, VAULT_ERROR_MALFORMED);
}

static void checkpoints_keep_extension_lines(void **state)
{
    static const char text[] =
        "example.com/log\n7\nsFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=\nmore\nand more\n";
    g_autoptr(VaultCheckpoint) checkpoint = vault_checkpoint_parse(text, strlen(text), NULL);
    g_autofree char *again = NULL;

    assert_non_null(checkpoint);
    again = vault_checkpoint_format(checkpoint);
    assert_string_equal(again, text);
}

static void what_is_not_a_checkpoint_is_refused(void **state)
{
#define ROOT_LINE "sFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=\n"
    static const struct {
        const char *text;
        VaultErrorCode code;
    } wrong[] = {
        {"", VAULT_ERROR_MALFORMED},
        {"log\n7\n", VAULT_ERROR_MALFORMED},
        {"log\n\n" ROOT_LINE, VAULT_ERROR_MALFORMED},
        {"log\n07\n" ROOT_LINE, VAULT_ERROR_MALFORMED},
        {"log\n+7\n" ROOT_LINE, VAULT_ERROR_MALFORMED},
        {"log\n7 \n" ROOT_LINE, VAULT_ERROR_MALFORMED},
        {"a log\n7\n" ROOT_LINE, VAULT_ERROR_MALFORMED},
        {"\n7\n" ROOT_LINE, VAULT_ERROR_MALFORMED},
        {"log\n7\nsFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi0==\n", VAULT_ERROR_MALFORMED},
        {"log\n7\n" ROOT_LINE "\nafter a blank line\n", VAULT_ERROR_MALFORMED},
        {"log\n7\n" ROOT_LINE "no newline", VAULT_ERROR_MALFORMED},
        {"log\n9223372036854775808\n" ROOT_LINE, VAULT_ERROR_MALFORMED},
        {"log\n4611686018427387905\n" ROOT_LINE, VAULT_ERROR_TOO_LARGE},
    };
    static const char largest[] = "log\n4611686018427387904\n" ROOT_LINE;
    g_autoptr(VaultCheckpoint) checkpoint = vault_checkpoint_parse(largest, strlen(largest), NULL);

    assert_non_null(checkpoint);
    for (gsize i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(GError) error = NULL;

        assert_null(vault_checkpoint_parse(wrong[i].text, strlen(wrong[i].text), &error));
        log_world_assert_code(error, wrong[i].code);
    }
}

/* ---- cosignatures --------------------------------------------------------------------------- */

static void a_cosignature_says_when_and_holds_for_its_key_only(void **state)
{
    g_autoptr(VaultCheckpoint) checkpoint = sample_checkpoint();
    g_autofree char *text = vault_checkpoint_format(checkpoint);
    g_autoptr(VaultNote) note = vault_note_new(text);
    WitnessSigningKey signing;
    WitnessVerifyKey verify;
    g_autoptr(VaultNoteKey) key = NULL;
    g_autoptr(VaultNoteKey) as_log = NULL;
    VaultNoteSignature *signature;
    guint64 time_s = 0;

    vault_witness_key_create(&signing, &verify);
    key = vault_note_key_new_witness("witness.example/w1", &verify, NULL);
    vault_note_cosign(note, "witness.example/w1", &signing, 1679315147);
    vault_note_cosign(note, "witness.example/w1", &signing, 1679315100);
    assert_true(vault_note_verify(note, key, &time_s, NULL));
    assert_int_equal(time_s, 1679315147);

    /* A cosigning key is none of a log: their ids differ. */
    as_log = vault_note_key_new_log("witness.example/w1", &(LogVerifyKey){{0}}, NULL);
    memcpy(as_log->public_key, verify.bytes, VAULT_KEY_LEN);
    assert_false(vault_note_verify(note, as_log, NULL, NULL));

    signature = g_ptr_array_index(note->signatures, 0);
    signature->signature->data[7] ^= 1; /* another time */
    assert_false(vault_note_verify(note, key, &time_s, NULL));
    signature->signature->data[7] ^= 1;
    assert_true(vault_note_verify(note, key, NULL, NULL));
    g_byte_array_set_size(signature->signature, 71);
    assert_false(vault_note_verify(note, key, NULL, NULL));
}

/* Layout and message as the specification says them, without the code under test. */
static void a_cosignature_is_laid_out_as_specified(void **state)
{
    g_autoptr(VaultNote) note = vault_note_new("log\n1\nroot\n");
    static const char message[] = "cosignature/v1\ntime 258\nlog\n1\nroot\n";
    const VaultNoteSignature *signature;
    WitnessSigningKey signing;
    WitnessVerifyKey verify;
    VaultSignature raw;
    VaultHash id;
    GByteArray *hashed = g_byte_array_new();

    vault_crypto_init();
    vault_witness_key_create(&signing, &verify);
    vault_note_cosign(note, "w", &signing, 258);
    signature = g_ptr_array_index(note->signatures, 0);
    assert_int_equal(signature->signature->len, 72);
    assert_memory_equal(signature->signature->data, "\0\0\0\0\0\0\1\2", 8);
    memcpy(raw.bytes, signature->signature->data + 8, sizeof raw.bytes);
    assert_true(vault_witness_verify(&verify, message, strlen(message), &raw));
    g_byte_array_append(hashed, (const guint8 *)"w\n\x04", 3);
    g_byte_array_append(hashed, verify.bytes, sizeof verify.bytes);
    vault_hash(hashed->data, hashed->len, &id);
    assert_memory_equal(signature->key_id, id.bytes, 4);
    g_byte_array_unref(hashed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vector_of_another_implementation_verifies),
        cmocka_unit_test(signatures_of_unknown_keys_are_ignored),
        cmocka_unit_test(a_known_key_that_fails_refuses_the_note),
        cmocka_unit_test(what_is_not_a_note_is_refused),
        cmocka_unit_test(a_note_has_a_hundred_signatures_and_no_more),
        cmocka_unit_test(a_note_is_read_up_to_its_length_limit),
        cmocka_unit_test(what_is_not_a_verifier_key_is_refused),
        cmocka_unit_test(a_signed_checkpoint_opens_with_its_key_only),
        cmocka_unit_test(checkpoints_keep_extension_lines),
        cmocka_unit_test(what_is_not_a_checkpoint_is_refused),
        cmocka_unit_test(a_cosignature_says_when_and_holds_for_its_key_only),
        cmocka_unit_test(a_cosignature_is_laid_out_as_specified),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
