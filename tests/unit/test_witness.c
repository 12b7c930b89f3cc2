#include "log_world.h"
#include "restore/witness.h"
#include "vault/witness/witness_request.h"

#include <string.h>

#define NOW 1790000000
#define NAME "witness.example"

typedef struct {
    LogWorld *world;
    VaultLog *log;
    char *state_path;
    WitnessSigningKey key;
    Witness *witness;
    VaultNoteKey *note_key;
} WitnessWorld;

static Witness *open_witness(const WitnessWorld *w, GError **error)
{
    WitnessOptions options = {
        .name = NAME, .key = &w->key, .logs = w->world->keys, .state_path = w->state_path};

    return witness_open(&options, error);
}

static int set_up(void **state)
{
    WitnessWorld *w = g_new0(WitnessWorld, 1);
    WitnessVerifyKey verify;

    w->world = log_world_new();
    w->log = log_world_create(w->world);
    w->state_path = g_build_filename(w->world->folder, "state", NULL);
    vault_witness_key_create(&w->key, &verify);
    w->note_key = vault_note_key_new_witness(NAME, &verify, NULL);
    w->witness = open_witness(w, NULL);
    assert_non_null(w->witness);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    WitnessWorld *w = *state;

    witness_close(w->witness);
    vault_note_key_free(w->note_key);
    vault_log_close(w->log);
    log_world_free(w->world);
    g_free(w->state_path);
    g_free(w);
    return 0;
}

static guint ask(WitnessWorld *w, WitnessHttpMethod method, const char *target, const char *body,
                 char **ret_body)
{
    WitnessHttpRequest request = {.method = method, .body_len = strlen(body)};
    WitnessAnswer answer = {0};

    g_strlcpy(request.target, target, sizeof request.target);
    witness_answer(w->witness, &request, body, NOW, &answer);
    if (ret_body != NULL)
        *ret_body = answer.body;
    else
        g_free(answer.body);
    return answer.status;
}

static guint post(WitnessWorld *w, const char *body, char **ret_body)
{
    return ask(w, WITNESS_HTTP_POST, "/add-checkpoint", body, ret_body);
}

static char *request_from(VaultLog *log, guint64 old_size)
{
    VaultLogReader *reader = vault_log_reader(log);
    VaultMerkleProof proof = {0};
    VaultHash root;

    assert_true(vault_log_reader_prove_consistency(reader, old_size, &root, &proof, NULL));
    return witness_request_format(old_size, &proof, vault_log_reader_note(reader));
}

static guint offer(WitnessWorld *w, VaultLog *log, guint64 old_size, char **ret_body)
{
    g_autofree char *body = request_from(log, old_size);

    return post(w, body, ret_body);
}

static void grow(VaultLog *log, guint64 first, gsize count)
{
    assert_true(log_world_append(log, first, count, NULL));
}

static void cosignature_verifies_with_its_time(void **state)
{
    WitnessWorld *w = *state;
    g_autofree char *line = NULL;
    g_autofree char *note_text = NULL;
    g_autoptr(VaultNote) note = NULL;
    guint64 time_s = 0;

    grow(w->log, 0, 300);
    assert_int_equal(offer(w, w->log, 0, &line), 200);
    note_text = g_strconcat(vault_log_reader_note(vault_log_reader(w->log)), line, NULL);
    note = vault_note_parse(note_text, strlen(note_text), NULL);
    assert_non_null(note);
    assert_true(vault_note_verify(note, w->note_key, &time_s, NULL));
    assert_int_equal(time_s, NOW);
}

static void growing_log_is_followed(void **state)
{
    WitnessWorld *w = *state;

    assert_int_equal(offer(w, w->log, 0, NULL), 200);
    grow(w->log, 0, 300);
    assert_int_equal(offer(w, w->log, 0, NULL), 200);
    assert_int_equal(offer(w, w->log, 300, NULL), 200);
    grow(w->log, 300, 1);
    assert_int_equal(offer(w, w->log, 300, NULL), 200);
}

static void stale_old_size_is_told_the_size_seen(void **state)
{
    WitnessWorld *w = *state;
    g_autofree char *body = NULL;

    grow(w->log, 0, 5);
    assert_int_equal(offer(w, w->log, 0, NULL), 200);
    grow(w->log, 5, 5);
    assert_int_equal(offer(w, w->log, 4, &body), 409);
    assert_string_equal(body, "5\n");
}

/* Another log under the same key and origin: what a host that set its log back would have. */
static VaultLog *second_log(const WitnessWorld *w, const LogSigningKey *key)
{
    g_autofree char *directory = g_build_filename(w->world->folder, "second", NULL);
    VaultLogOptions options = {.directory = directory, .origin = LOG_ORIGIN, .key = key};
    VaultLog *log;

    assert_true(vault_log_create(&options, NULL));
    log = vault_log_open(&options, NULL);
    assert_non_null(log);
    return log;
}

static void forked_log_is_refused(void **state)
{
    WitnessWorld *w = *state;
    g_autoptr(VaultLog) fork = second_log(w, &w->world->key);

    grow(w->log, 0, 10);
    assert_int_equal(offer(w, w->log, 0, NULL), 200);
    grow(fork, 1000, 10);
    assert_int_equal(offer(w, fork, 10, NULL), 409);
    grow(fork, 2000, 10);
    assert_int_equal(offer(w, fork, 10, NULL), 422);
    grow(w->log, 10, 10);
    assert_int_equal(offer(w, w->log, 10, NULL), 200);
}

static void shrunk_log_is_refused(void **state)
{
    WitnessWorld *w = *state;
    g_autoptr(VaultLog) shrunk = second_log(w, &w->world->key);
    VaultMerkleProof none = {0};
    g_autofree char *honest_old = NULL;
    g_autofree char *body = NULL;

    grow(w->log, 0, 10);
    grow(shrunk, 0, 4);
    assert_int_equal(offer(w, w->log, 0, NULL), 200);
    honest_old = witness_request_format(10, &none, vault_log_reader_note(vault_log_reader(shrunk)));
    assert_int_equal(post(w, honest_old, NULL), 400);
    assert_int_equal(offer(w, shrunk, 0, &body), 409);
    assert_string_equal(body, "10\n");
}

static void strange_log_and_false_signature_are_told_apart(void **state)
{
    WitnessWorld *w = *state;
    LogSigningKey other;
    LogVerifyKey verify;
    g_autoptr(VaultCheckpoint) strange = NULL;
    g_autofree char *note = NULL;
    g_autofree char *body = NULL;
    VaultMerkleProof none = {0};
    VaultHash root = {{1}};

    vault_log_key_create(&other, &verify);
    strange = vault_checkpoint_new("muniment/ff/control/2", 1, &root);
    note = vault_checkpoint_sign(strange, &w->world->key);
    body = witness_request_format(0, &none, note);
    assert_int_equal(post(w, body, NULL), 404);
    {
        g_autoptr(VaultLog) forged = second_log(w, &other);

        grow(forged, 0, 3);
        assert_int_equal(offer(w, forged, 0, NULL), 403);
    }
    assert_int_equal(witness_log_count(w->witness), 0);
}

static void what_is_no_request_is_refused(void **state)
{
    WitnessWorld *w = *state;
    g_autofree char *good = NULL;

    grow(w->log, 0, 3);
    good = request_from(w->log, 0);
    assert_int_equal(post(w, "", NULL), 400);
    assert_int_equal(post(w, "old 01\n\nx", NULL), 400);
    assert_int_equal(post(w, good + 1, NULL), 400);
    assert_int_equal(ask(w, WITNESS_HTTP_GET, "/add-checkpoint", "", NULL), 405);
    assert_int_equal(ask(w, WITNESS_HTTP_POST, "/other", "", NULL), 405);
    assert_int_equal(ask(w, WITNESS_HTTP_GET, "/", "", NULL), 404);
    assert_int_equal(post(w, good, NULL), 200);
}

static void request_has_its_limits(void **state)
{
    WitnessWorld *w = *state;
    VaultMerkleProof proof = {.count = VAULT_MERKLE_PROOF_MAX};
    const char *note = vault_log_reader_note(vault_log_reader(w->log));
    g_autofree char *most = witness_request_format(0, &proof, note);
    g_autofree char *hash = g_base64_encode(proof.hashes[0].bytes, VAULT_HASH_LEN);
    g_autofree char *more = g_strdup_printf("old 0\n%s\n%s", hash, most + strlen("old 0\n"));
    g_autofree char *long_text = g_strnfill(WITNESS_REQUEST_LEN_MAX + 1, 'x');
    g_autoptr(GError) error = NULL;
    g_autoptr(WitnessRequest) request = witness_request_parse(most, strlen(most), NULL);

    assert_non_null(request);
    assert_null(witness_request_parse(more, strlen(more), &error));
    log_world_assert_code(error, VAULT_ERROR_MALFORMED);
    g_clear_error(&error);
    assert_null(witness_request_parse(long_text, WITNESS_REQUEST_LEN_MAX + 1, &error));
    log_world_assert_code(error, VAULT_ERROR_TOO_LARGE);
}

static void reopen(WitnessWorld *w)
{
    witness_close(w->witness);
    w->witness = open_witness(w, NULL);
    assert_non_null(w->witness);
}

static void memory_outlives_the_program(void **state)
{
    WitnessWorld *w = *state;
    g_autoptr(VaultLog) fork = second_log(w, &w->world->key);

    grow(w->log, 0, 10);
    grow(fork, 500, 20);
    assert_int_equal(offer(w, w->log, 0, NULL), 200);
    reopen(w);
    assert_int_equal(witness_log_count(w->witness), 1);
    assert_int_equal(offer(w, fork, 0, NULL), 409);
    assert_int_equal(offer(w, fork, 10, NULL), 422);
}

static void checkpoint_can_be_read(void **state)
{
    WitnessWorld *w = *state;
    VaultHash hash;
    g_autofree char *hex = NULL;
    g_autofree char *target = NULL;
    g_autofree char *body = NULL;
    g_autoptr(VaultNote) note = NULL;

    vault_hash(LOG_ORIGIN, strlen(LOG_ORIGIN), &hash);
    hex = vault_bytes_to_hex(hash.bytes, sizeof hash.bytes);
    target = g_strdup_printf("/%s/checkpoint", hex);
    assert_int_equal(ask(w, WITNESS_HTTP_GET, target, "", NULL), 404);
    grow(w->log, 0, 3);
    assert_int_equal(offer(w, w->log, 0, NULL), 200);
    assert_int_equal(ask(w, WITNESS_HTTP_GET, target, "", &body), 200);
    note = vault_note_parse(body, strlen(body), NULL);
    assert_non_null(note);
    assert_true(vault_note_verify(note, w->note_key, NULL, NULL));
    assert_true(vault_note_verify(note, w->world->keys->pdata[0], NULL, NULL));
}

/* What the witness remembers of the log, without the signatures. */
static char *remembered_text(WitnessWorld *w)
{
    VaultHash hash;
    g_autofree char *hex = NULL;
    g_autofree char *target = NULL;
    g_autofree char *body = NULL;

    vault_hash(LOG_ORIGIN, strlen(LOG_ORIGIN), &hash);
    hex = vault_bytes_to_hex(hash.bytes, sizeof hash.bytes);
    target = g_strdup_printf("/%s/checkpoint", hex);
    assert_int_equal(ask(w, WITNESS_HTTP_GET, target, "", &body), 200);
    return g_strndup(body, (gsize)(strstr(body, "\n\n") - body));
}

static void damaged_state_is_refused(void **state)
{
    WitnessWorld *w = *state;
    g_autofree char *text = NULL;
    g_autofree char *bytes = NULL;
    gsize len = 0;

    grow(w->log, 0, 3);
    assert_int_equal(offer(w, w->log, 0, NULL), 200);
    text = remembered_text(w);
    g_clear_pointer(&w->witness, witness_close);
    assert_true(g_file_get_contents(w->state_path, &bytes, &len, NULL));
    for (gsize at = 0; at < len; at++) {
        g_autoptr(GError) error = NULL;

        bytes[at] ^= 1;
        assert_true(g_file_set_contents_full(w->state_path, bytes, (gssize)len,
                                             G_FILE_SET_CONTENTS_NONE, 0600, NULL));
        /* The log's own signature may be false: this witness says what it signed, no more. */
        w->witness = open_witness(w, &error);
        if (w->witness == NULL) {
            log_world_assert_code(error, VAULT_ERROR_CORRUPT);
        } else {
            g_autofree char *again = remembered_text(w);

            assert_string_equal(again, text);
        }
        bytes[at] ^= 1;
        g_clear_pointer(&w->witness, witness_close);
    }
    assert_true(g_file_set_contents(w->state_path, bytes, (gssize)len - 1, NULL));
    assert_null(open_witness(w, NULL));
}

static void second_witness_with_the_same_state_is_refused(void **state)
{
    WitnessWorld *w = *state;
    g_autoptr(GError) error = NULL;

    assert_null(open_witness(w, &error));
    log_world_assert_code(error, VAULT_ERROR_BUSY);
}

static void nothing_is_signed_that_cannot_be_kept(void **state)
{
    WitnessWorld *w = *state;

    grow(w->log, 0, 3);
    assert_int_equal(g_mkdir(w->state_path, 0700), 0);
    assert_int_equal(offer(w, w->log, 0, NULL), 500);
    assert_int_equal(witness_log_count(w->witness), 0);
    assert_int_equal(g_rmdir(w->state_path), 0);
    assert_int_equal(offer(w, w->log, 0, NULL), 200);
}

static void key_file_is_read_back_and_its_damage_found(void **state)
{
    WitnessWorld *w = *state;
    g_autoptr(GError) error = NULL;
    g_autofree char *text = vault_witness_key_format(NAME, &w->key, NULL);
    g_autofree char *name = NULL;
    WitnessSigningKey key;
    char *digit = strstr(text, "secret-key: ") + strlen("secret-key: ");

    assert_true(vault_witness_key_parse(text, &name, &key, NULL));
    assert_string_equal(name, NAME);
    assert_memory_equal(&key, &w->key, sizeof key);
    *digit = *digit == '0' ? '1' : '0';
    assert_false(vault_witness_key_parse(text, &name, &key, &error));
    log_world_assert_code(error, VAULT_ERROR_MALFORMED);
    g_clear_error(&error);
    assert_null(vault_witness_key_format("two words", &w->key, &error));
    log_world_assert_code(error, VAULT_ERROR_MALFORMED);
}

static guint status_of(const char *text)
{
    WitnessHttpRequest request;

    switch (witness_http_parse(text, strlen(text), &request)) {
    case WITNESS_HTTP_MORE:
        return 0;
    case WITNESS_HTTP_DONE:
        return 200;
    case WITNESS_HTTP_REFUSED:
        return request.status;
    }
    g_assert_not_reached();
}

static void http_is_read_strictly(void **state)
{
    g_autofree char *long_target = g_strnfill(WITNESS_HTTP_TARGET_LEN_MAX, 'a');
    g_autofree char *longest = g_strdup_printf("GET /%s HTTP/1.1\r\n\r\n", long_target + 1);
    g_autofree char *longer = g_strdup_printf("GET /%s HTTP/1.1\r\n\r\n", long_target);
    g_autofree char *head = g_strnfill(WITNESS_HTTP_HEAD_LEN_MAX, 'a');

    (void)state;
    assert_int_equal(status_of("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), 200);
    assert_int_equal(status_of("POST /a HTTP/1.0\r\ncontent-length:\t3 \r\n\r\nabc"), 200);
    assert_int_equal(status_of("POST /a HTTP/1.1\r\nContent-Length: 3\r\n\r\nab"), 0);
    assert_int_equal(status_of("GET / HTTP/1.1\r\n"), 0);
    assert_int_equal(status_of("POST /a HTTP/1.1\r\n\r\n"), 411);
    assert_int_equal(status_of("POST / HTTP/1.1\r\nContent-Length: 65537\r\n\r\n"), 413);
    assert_int_equal(status_of("POST / HTTP/1.1\r\nContent-Length: 65536\r\n\r\n"), 0);
    assert_int_equal(
        status_of("POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx"), 400);
    assert_int_equal(status_of("POST / HTTP/1.1\r\nContent-Length: +1\r\n\r\nx"), 400);
    assert_int_equal(status_of("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"), 501);
    assert_int_equal(status_of("GET / HTTP/1.1\nHost: x\r\n\r\n"), 400);
    assert_int_equal(status_of("GET / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n"), 400);
    assert_int_equal(status_of("GET x HTTP/1.1\r\n\r\n"), 400);
    assert_int_equal(status_of("GET / HTTP/2\r\n\r\n"), 505);
    assert_int_equal(status_of(longest), 200);
    assert_int_equal(status_of(longer), 414);
    assert_int_equal(status_of(head), 431);
    assert_int_equal(status_of(head + 1), 0);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(cosignature_verifies_with_its_time),
        CASE(growing_log_is_followed),
        CASE(stale_old_size_is_told_the_size_seen),
        CASE(forked_log_is_refused),
        CASE(shrunk_log_is_refused),
        CASE(strange_log_and_false_signature_are_told_apart),
        CASE(what_is_no_request_is_refused),
        CASE(request_has_its_limits),
        CASE(memory_outlives_the_program),
        CASE(checkpoint_can_be_read),
        CASE(damaged_state_is_refused),
        CASE(second_witness_with_the_same_state_is_refused),
        CASE(nothing_is_signed_that_cannot_be_kept),
        CASE(key_file_is_read_back_and_its_damage_found),
        cmocka_unit_test(http_is_read_strictly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
