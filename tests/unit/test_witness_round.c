/* Asking witnesses, over loopback, with answers that are made up. */
#include "log_world.h"
#include "vault/witness/http_client.h"
#include "vault/witness/witness_client.h"
#include "vault/witness/witness_round.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#define TIME_S 1790000000

/* A peer that gives each connection the same bytes; NULL: none, until the other side closes. */
typedef struct {
    int listener, port;
    char *answer;
    GThread *thread;
} Peer;

static gpointer serve(gpointer user)
{
    const Peer *peer = user;
    char rest[4096];
    int fd;

    while ((fd = accept(peer->listener, NULL, NULL)) >= 0) {
        if (peer->answer != NULL) {
            (void)!send(fd, peer->answer, strlen(peer->answer), MSG_NOSIGNAL);
            shutdown(fd, SHUT_WR);
        }
        while (recv(fd, rest, sizeof rest, 0) > 0)
            continue;
        close(fd);
    }
    return NULL;
}

static Peer *peer_new(const char *answer)
{
    Peer *peer = g_new0(Peer, 1);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;

    peer->answer = g_strdup(answer);
    peer->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(peer->listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(peer->listener, 8), 0);
    assert_int_equal(getsockname(peer->listener, (struct sockaddr *)&address, &len), 0);
    peer->port = ntohs(address.sin_port);
    peer->thread = g_thread_new("peer", serve, peer);
    return peer;
}

static void peer_free(Peer *peer)
{
    if (peer == NULL)
        return;
    shutdown(peer->listener, SHUT_RDWR);
    g_thread_join(peer->thread);
    close(peer->listener);
    g_free(peer->answer);
    g_free(peer);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Peer, peer_free)

static char *url_of(const Peer *peer)
{
    return g_strdup_printf("http://127.0.0.1:%d/", peer->port);
}

static Peer *peer_with_body(const char *body)
{
    g_autofree char *answer = g_strconcat("HTTP/1.0 200 OK\r\n\r\n", body, NULL);

    return peer_new(answer);
}

/* ---- a log, and two witnesses ---------------------------------------------------------------- */

typedef struct {
    LogWorld *world;
    VaultLog *log;
    WitnessSigningKey keys[2];
    char *vkeys[2];
    char *lines[2]; /* what each answers when it is honest */
} RoundWorld;

static char *name_of(int witness)
{
    return g_strdup_printf("witness.example/%d", witness);
}

static char *cosign(const char *text, int witness, const WitnessSigningKey *key)
{
    g_autoptr(VaultNote) note = vault_note_parse(text, strlen(text), NULL);
    g_autofree char *name = name_of(witness);
    g_autofree char *whole = NULL;

    vault_note_cosign(note, name, key, TIME_S + (guint64)witness);
    whole = vault_note_format(note);
    return g_strdup(whole + strlen(text));
}

static int set_up(void **state)
{
    RoundWorld *w = g_new0(RoundWorld, 1);
    const char *note;

    w->world = log_world_new();
    w->log = log_world_create(w->world);
    assert_true(log_world_append(w->log, 0, 5, NULL));
    note = vault_log_reader_note(vault_log_reader(w->log));
    for (int i = 0; i < 2; i++) {
        g_autofree char *name = name_of(i);
        g_autoptr(VaultNoteKey) key = NULL;
        WitnessVerifyKey verify;

        vault_witness_key_create(&w->keys[i], &verify);
        key = vault_note_key_new_witness(name, &verify, NULL);
        w->vkeys[i] = vault_note_key_format(key);
        w->lines[i] = cosign(note, i, &w->keys[i]);
    }
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    RoundWorld *w = *state;

    for (int i = 0; i < 2; i++) {
        g_free(w->vkeys[i]);
        g_free(w->lines[i]);
    }
    vault_log_close(w->log);
    log_world_free(w->world);
    g_free(w);
    return 0;
}

static VaultTlogPolicy *policy_of(const char *format, ...) G_GNUC_PRINTF(1, 2);
static VaultTlogPolicy *policy_of(const char *format, ...)
{
    g_autofree char *text = NULL;
    VaultTlogPolicy *policy;
    va_list arguments;

    va_start(arguments, format);
    text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    policy = vault_tlog_policy_parse(text, strlen(text), NULL);
    assert_non_null(policy);
    return policy;
}

/* Asks witness 0, as the policy knows it, at an address. */
static char *ask(RoundWorld *w, const char *url, guint64 *ret_time_s, GError **error)
{
    g_autoptr(VaultTlogPolicy) policy = policy_of("witness w %s %s\nquorum w\n", w->vkeys[0], url);
    g_autoptr(GArray) witnesses = vault_tlog_policy_witnesses(policy);

    assert_int_equal(witnesses->len, 1);
    return witness_client_cosign(&g_array_index(witnesses, VaultTlogWitness, 0),
                                 vault_log_reader(w->log), -1, ret_time_s, error);
}

static void assert_answer_fails(RoundWorld *w, Peer *peer, VaultErrorCode code)
{
    g_autoptr(Peer) scoped = peer;
    g_autofree char *url = url_of(scoped);
    g_autoptr(GError) error = NULL;
    guint64 time_s = 0;

    assert_null(ask(w, url, &time_s, &error));
    log_world_assert_code(error, code);
}

static void only_lines_of_the_key_are_given_on(void **state)
{
    RoundWorld *w = *state;
    g_autofree char *both = g_strconcat(w->lines[1], w->lines[0], NULL);
    g_autoptr(Peer) peer = peer_with_body(both);
    g_autofree char *url = url_of(peer);
    guint64 time_s = 0;
    g_autofree char *lines = ask(w, url, &time_s, NULL);

    assert_non_null(lines);
    assert_string_equal(lines, w->lines[0]);
    assert_int_equal(time_s, TIME_S);
}

static void answer_without_the_key_s_true_signature_is_refused(void **state)
{
    RoundWorld *w = *state;
    g_autofree char *other =
        cosign(vault_log_reader_note(vault_log_reader(w->log)), 0, &w->keys[1]);
    g_autofree char *older = cosign("other/log\n1\nAAAA\n\n— x AAAAAAA=\n", 0, &w->keys[0]);

    assert_answer_fails(w, peer_with_body(w->lines[1]), VAULT_ERROR_NO_KEY);
    assert_answer_fails(w, peer_with_body(other), VAULT_ERROR_NO_KEY);
    assert_answer_fails(w, peer_with_body(older), VAULT_ERROR_MALFORMED);
    assert_answer_fails(w, peer_with_body("hello\n"), VAULT_ERROR_MALFORMED);
}

static void reason_of_a_witness_that_says_no_is_shown_printable(void **state)
{
    RoundWorld *w = *state;
    g_autoptr(Peer) peer = peer_new("HTTP/1.0 403 no\r\n\r\nnever \033[2J seen\n");
    g_autofree char *url = url_of(peer);
    g_autoptr(GError) error = NULL;
    guint64 time_s = 0;

    assert_null(ask(w, url, &time_s, &error));
    log_world_assert_code(error, VAULT_ERROR_REFUSED);
    assert_non_null(strstr(error->message, "(403): never "));
    assert_null(strchr(error->message, '\033'));
}

static void witness_that_has_seen_more_is_told_of(void **state)
{
    RoundWorld *w = *state;

    assert_answer_fails(w, peer_new("HTTP/1.0 409 no\r\n\r\n6\n"), VAULT_ERROR_REFUSED);
}

static void what_is_no_witness_has_its_code(void **state)
{
    RoundWorld *w = *state;
    g_autofree char *much = g_strnfill(HTTP_CLIENT_ANSWER_LEN_MAX + 1, 'x');
    g_autofree char *gone = NULL;
    g_autoptr(GError) error = NULL;
    guint64 time_s = 0;

    assert_answer_fails(w, peer_new("SSH-2.0-OpenSSH\r\n\r\n"), VAULT_ERROR_MALFORMED);
    assert_answer_fails(w, peer_new(much), VAULT_ERROR_TOO_LARGE);
    {
        g_autoptr(Peer) peer = peer_new(NULL);

        gone = url_of(peer);
    }
    assert_null(ask(w, gone, &time_s, &error));
    log_world_assert_code(error, VAULT_ERROR_IO);
    g_clear_error(&error);
    assert_null(ask(w, "https://witness.example/", &time_s, &error));
    log_world_assert_code(error, VAULT_ERROR_UNSUPPORTED);
    g_clear_error(&error);
    assert_null(ask(w, "ftp://witness.example/", &time_s, &error));
    log_world_assert_code(error, VAULT_ERROR_MALFORMED);
}

/* ---- rounds ---------------------------------------------------------------------------------- */

static void one_that_fails_keeps_no_other_from_being_asked(void **state)
{
    RoundWorld *w = *state;
    g_autoptr(Peer) bad = peer_new("HTTP/1.0 500 no\r\n\r\n");
    g_autoptr(Peer) good = peer_with_body(w->lines[1]);
    g_autofree char *bad_url = url_of(bad);
    g_autofree char *good_url = url_of(good);
    g_autoptr(VaultTlogPolicy) policy = policy_of("witness a %s %s\nwitness b %s %s\nquorum none\n",
                                                  w->vkeys[0], bad_url, w->vkeys[1], good_url);
    g_autofree char *note = NULL;
    g_autoptr(GPtrArray) answers = witness_round_ask(policy, vault_log_reader(w->log), -1, &note);
    const WitnessAnswer *a = answers->pdata[0], *b = answers->pdata[1];

    assert_int_equal(answers->len, 2);
    assert_string_equal(a->name, "a");
    log_world_assert_code(a->failure, VAULT_ERROR_REFUSED);
    assert_null(b->failure);
    assert_int_equal(b->time_s, TIME_S + 1);
    assert_non_null(strstr(note, w->lines[1]));
}

static void one_without_an_address_is_not_asked(void **state)
{
    RoundWorld *w = *state;
    g_autoptr(VaultTlogPolicy) policy = policy_of("witness a %s\nquorum a\n", w->vkeys[0]);
    g_autofree char *note = NULL;
    g_autoptr(GPtrArray) answers = witness_round_ask(policy, vault_log_reader(w->log), -1, &note);

    assert_int_equal(answers->len, 0);
    assert_null(note);
}

/* Without it the test would wait for HTTP_CLIENT_DEADLINE_S, and fail with another text. */
static void who_is_told_to_stop_waits_for_no_witness(void **state)
{
    RoundWorld *w = *state;
    g_autoptr(Peer) silent = peer_new(NULL);
    g_autofree char *url = url_of(silent);
    g_autoptr(VaultTlogPolicy) policy = policy_of("witness a %s %s\nquorum a\n", w->vkeys[0], url);
    g_autofree char *note = NULL;
    g_autoptr(GPtrArray) answers = NULL;
    const WitnessAnswer *answer;
    int stop_fd = eventfd(1, EFD_CLOEXEC);

    answers = witness_round_ask(policy, vault_log_reader(w->log), stop_fd, &note);
    close(stop_fd);
    answer = answers->pdata[0];
    log_world_assert_code(answer->failure, VAULT_ERROR_IO);
    assert_non_null(strstr(answer->failure->message, g_strerror(ECANCELED)));
    assert_null(note);
}

static void quorum_is_not_given_up(void **state)
{
    RoundWorld *w = *state;
    g_autoptr(VaultTlogPolicy) policy = policy_of(
        "witness a %s\nwitness b %s\ngroup g all a b\nquorum g\n", w->vkeys[0], w->vkeys[1]);
    const char *text = vault_log_reader_note(vault_log_reader(w->log));
    g_autofree char *one = g_strconcat(text, w->lines[0], NULL);
    g_autofree char *both = g_strconcat(one, w->lines[1], NULL);

    assert_false(witness_round_may_replace(policy, both, one));
    assert_true(witness_round_may_replace(policy, one, one));
    assert_true(witness_round_may_replace(policy, one, both));
    assert_true(witness_round_may_replace(policy, NULL, one));
    assert_true(witness_round_may_replace(policy, "damaged", one));
}

static void time_of_a_cosignature_is_the_witness_s(void **state)
{
    RoundWorld *w = *state;
    g_autoptr(VaultTlogPolicy) policy =
        policy_of("witness a %s\nwitness b %s\nquorum none\n", w->vkeys[0], w->vkeys[1]);
    g_autoptr(GArray) witnesses = vault_tlog_policy_witnesses(policy);
    g_autofree char *note =
        g_strconcat(vault_log_reader_note(vault_log_reader(w->log)), w->lines[1], NULL);
    const VaultTlogWitness *a = &g_array_index(witnesses, VaultTlogWitness, 0), *b = a + 1;

    assert_int_equal(witness_round_time(a, note), 0);
    assert_int_equal(witness_round_time(b, note), TIME_S + 1);
    assert_int_equal(witness_round_time(b, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(only_lines_of_the_key_are_given_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(answer_without_the_key_s_true_signature_is_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(reason_of_a_witness_that_says_no_is_shown_printable, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(witness_that_has_seen_more_is_told_of, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_witness_has_its_code, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_that_fails_keeps_no_other_from_being_asked, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(one_without_an_address_is_not_asked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_is_told_to_stop_waits_for_no_witness, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(quorum_is_not_given_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(time_of_a_cosignature_is_the_witness_s, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
