#include "archived/control_client.h"
#include "archived/control_frame.h"
#include "vault/base/file.h"

#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static const RowId import_id = {{7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7}};

static void assert_code(const GError *error, VaultErrorCode code)
{
    assert_non_null(error);
    assert_true(g_error_matches(error, VAULT_ERROR, (int)code));
}

typedef struct {
    char *vault, *run, *path;
    VaultFd listener;
    GThread *thread;
    const char *answer; /* to the first line; NULL closes */
    const char *const *import_answers;
    const char *policy_answer;          /* to the text after the first line */
    const char *const *release_answers; /* to lists of copies, each with a frame when it is ok */
    const char *const *terms_answers;   /* to batches of terms */
    GString *seen;                      /* what came, for the test to look at */
} Fake;

static void fake_clear(Fake *fake)
{
    if (fake->thread != NULL)
        g_thread_join(fake->thread);
    vault_fd_close(&fake->listener);
    g_unlink(fake->path);
    g_rmdir(fake->run);
    g_rmdir(fake->vault);
    g_free(fake->vault);
    g_free(fake->run);
    g_free(fake->path);
    g_string_free(fake->seen, TRUE);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Fake, fake_clear)

/* A daemon of this test's own. A folder whose path is longer than a socket address. */
static void fake_init(Fake *fake, ArchivedDuty duty)
{
    g_autofree char *name = g_strconcat("a-folder-with-a-name-that-is-longer-than-what-fits-in-the-"
                                        "one-hundred-and-seven-bytes-of-a-socket-address-XXXXXX",
                                        NULL);

    *fake = (Fake){.vault = g_dir_make_tmp(name, NULL), .listener = -1};
    assert_non_null(fake->vault);
    fake->run = g_build_filename(fake->vault, "run", NULL);
    fake->path = g_build_filename(fake->run, archived_duty_name(duty), NULL);
    fake->seen = g_string_new(NULL);
}

static void see_messages(Fake *fake, int fd, ArchivedControlStream *stream)
{
    for (const char *const *answer = fake->import_answers; *answer != NULL; answer++) {
        guint32 len = 1;
        gboolean is_end = FALSE;

        do {
            g_autofree char *bytes = NULL;

            assert_true(archived_control_read_u32(stream, &len, &is_end, NULL) && !is_end);
            if (len == ARCHIVED_CONTROL_CHUNK_ABANDON)
                break;
            bytes = g_malloc0(len + 1);
            assert_true(archived_control_read(stream, bytes, len, NULL));
            g_string_append_printf(fake->seen, "%s|", len > 100 ? "long" : bytes);
        } while (len != 0);
        archived_control_send(fd, *answer, strlen(*answer), NULL);
    }
}

static void see_policy(Fake *fake, int fd, ArchivedControlStream *stream)
{
    g_autofree char *text = NULL;
    gboolean is_end = FALSE;
    guint32 len = 0;

    assert_true(archived_control_read_u32(stream, &len, &is_end, NULL) && !is_end);
    text = g_malloc0(len + 1);
    assert_true(archived_control_read(stream, text, len, NULL));
    g_string_append_printf(fake->seen, "%s|", text);
    archived_control_send(fd, fake->policy_answer, strlen(fake->policy_answer), NULL);
    if (g_str_has_prefix(fake->seen->str, "operate") && strstr(fake->policy_answer, "true") != NULL)
        archived_control_send_frame(fd, "serial: 2\n", 10, NULL);
}

static void see_copies(Fake *fake, int fd, ArchivedControlStream *stream)
{
    for (const char *const *answer = fake->release_answers; *answer != NULL; answer++) {
        gboolean is_end = FALSE;
        guint32 count = 0;
        RecordId copy;

        assert_true(archived_control_read_u32(stream, &count, &is_end, NULL) && !is_end);
        g_string_append_printf(fake->seen, "%u:%u", count >> 24, count & 0xffffff);
        count &= 0xffffff;
        for (guint32 i = 0; i < count; i++) {
            assert_true(archived_control_read(stream, &copy, sizeof copy, NULL));
            g_string_append_printf(fake->seen, " %02x", copy.bytes[15]);
        }
        g_string_append_c(fake->seen, '|');
        archived_control_send(fd, *answer, strlen(*answer), NULL);
        if (strstr(*answer, "true") != NULL)
            archived_control_send_frame(fd, "sealed", 6, NULL);
    }
}

static void see_batches(Fake *fake, int fd, ArchivedControlStream *stream)
{
    for (const char *const *answer = fake->terms_answers; *answer != NULL; answer++) {
        guint32 len = 0;
        g_autofree char *batch = archived_control_read_text(stream, 100, &len, NULL);

        assert_non_null(batch);
        g_string_append_printf(fake->seen, "%s|", batch);
        archived_control_send(fd, *answer, strlen(*answer), NULL);
    }
}

static gpointer serve_one(gpointer user)
{
    Fake *fake = user;
    g_auto(VaultFd) fd = accept(fake->listener, NULL, NULL);
    g_autoptr(ArchivedControlStream) stream = archived_control_stream_new(fd);
    g_autofree char *line = NULL;

    assert_true(archived_control_read_line(stream, 100, &line, NULL));
    g_string_append_printf(fake->seen, "%s|", line);
    if (fake->answer != NULL)
        archived_control_send(fd, fake->answer, strlen(fake->answer), NULL);
    if (fake->import_answers != NULL)
        see_messages(fake, fd, stream);
    if (fake->policy_answer != NULL)
        see_policy(fake, fd, stream);
    if (fake->release_answers != NULL)
        see_copies(fake, fd, stream);
    if (fake->terms_answers != NULL)
        see_batches(fake, fd, stream);
    return NULL;
}

static void fake_listen(Fake *fake)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    g_autofree char *here = g_get_current_dir();

    assert_int_equal(g_mkdir(fake->run, 0700), 0);
    assert_int_equal(chdir(fake->run), 0);
    g_autofree char *name = g_path_get_basename(fake->path);
    g_strlcpy(address.sun_path, name, sizeof address.sun_path);
    fake->listener = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fake->listener, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fake->listener, 1), 0);
    assert_int_equal(chdir(here), 0);
    fake->thread = g_thread_new("fake", serve_one, fake);
}

static void answer_is_handed_over(void **state)
{
    g_auto(Fake) fake;
    g_autofree char *json = NULL;

    fake_init(&fake, ARCHIVED_DUTY_STATUS);
    fake.answer = "{\"ok\":true,\"messages\":3}\n";
    fake_listen(&fake);
    assert_true(archived_control_call(fake.vault, ARCHIVED_DUTY_STATUS, "status", &json, NULL));
    assert_string_equal(json, "{\"ok\":true,\"messages\":3}");
    g_thread_join(g_steal_pointer(&fake.thread));
    assert_string_equal(fake.seen->str, "status|");
}

static void act_is_sent_whole_and_its_verdict_handed_over(void **state)
{
    g_auto(Fake) good;
    g_auto(Fake) bad;
    g_autofree char *answer = NULL;
    g_autoptr(GError) error = NULL;

    fake_init(&good, ARCHIVED_DUTY_OPERATE);
    good.policy_answer = "{\"ok\":true}\n";
    fake_listen(&good);
    assert_true(archived_control_operate(good.vault, "policy-set", "a\nb\n", 4, &answer, NULL));
    g_thread_join(g_steal_pointer(&good.thread));
    assert_string_equal(good.seen->str, "operate policy-set|a\nb\n|");
    assert_string_equal(answer, "serial: 2\n");

    fake_init(&bad, ARCHIVED_DUTY_OPERATE);
    bad.policy_answer = "{\"ok\":false,\"code\":\"REFUSED\",\"message\":\"too few\"}\n";
    fake_listen(&bad);
    assert_false(archived_control_operate(bad.vault, "policy-set", "a", 1, NULL, &error));
    assert_code(error, VAULT_ERROR_REFUSED);
}

static void releases_are_asked_for_with_the_grant_sent_once(void **state)
{
    static const char *const answers[] = {
        "{\"ok\":true}\n", "{\"ok\":false,\"code\":\"REFUSED\",\"message\":\"scope\"}\n",
        "{\"ok\":true}\n", "{\"ok\":true}\n",
        "{\"ok\":true}\n", NULL};
    const RecordId copies[] = {{.bytes[15] = 0xaa}, {.bytes[15] = 0xbb}};
    g_auto(Fake) fake;
    g_autoptr(ArchivedRelease) release = NULL;
    g_autoptr(GBytes) first = NULL;
    g_autoptr(GBytes) terms = NULL;
    g_autoptr(GBytes) case_key = NULL;
    g_autoptr(GBytes) last = NULL;
    g_autoptr(GError) error = NULL;

    fake_init(&fake, ARCHIVED_DUTY_READ);
    fake.policy_answer = "{\"ok\":true}\n";
    fake.release_answers = answers;
    fake_listen(&fake);
    release = archived_control_release_begin(fake.vault, "grant", 5, NULL);
    assert_non_null(release);
    first = archived_control_release(release, ARCHIVED_RELEASE_COPIES, copies, 2, NULL);
    assert_memory_equal(g_bytes_get_data(first, NULL), "sealed", 6);
    assert_null(archived_control_release(release, ARCHIVED_RELEASE_COPIES, copies, 1, &error));
    assert_code(error, VAULT_ERROR_REFUSED);
    terms = archived_control_release(release, ARCHIVED_RELEASE_TERMS, copies, 1, NULL);
    assert_int_equal(g_bytes_get_size(terms), 6);
    case_key = archived_control_release(release, ARCHIVED_RELEASE_CASE_KEY, NULL, 0, NULL);
    assert_int_equal(g_bytes_get_size(case_key), 6);
    last = archived_control_release(release, ARCHIVED_RELEASE_COPIES, copies, 0, NULL);
    assert_int_equal(g_bytes_get_size(last), 6);
    g_thread_join(g_steal_pointer(&fake.thread));
    assert_string_equal(fake.seen->str, "release|grant|0:2 aa bb|0:1 aa|1:1 aa|2:0|0:0|");
    g_clear_error(&error);
    assert_null(archived_control_release(release, ARCHIVED_RELEASE_COPIES, copies, 1, &error));
    assert_code(error, VAULT_ERROR_IO);
}

static void batches_of_terms_are_sent_and_counted(void **state)
{
    static const char *const answers[] = {
        "{\"ok\":true,\"added\":3,\"known\":2,\"gone\":1}\n",
        "{\"ok\":false,\"code\":\"REFUSED\",\"message\":\"scope\"}\n",
        "{\"ok\":true,\"added\":-1}\n", NULL};
    g_auto(Fake) fake;
    g_autoptr(ArchivedTerms) terms = NULL;
    g_autoptr(GError) error = NULL;
    ArchivedTermsAdded added;

    fake_init(&fake, ARCHIVED_DUTY_OPERATE);
    fake.policy_answer = "{\"ok\":true}\n";
    fake.terms_answers = answers;
    fake_listen(&fake);
    terms = archived_control_terms_begin(fake.vault, "grant", 5, NULL);
    assert_non_null(terms);
    assert_true(archived_control_terms_add(terms, "first", 5, &added, NULL));
    assert_int_equal(added.added_count, 3);
    assert_int_equal(added.known_count, 2);
    assert_int_equal(added.gone_count, 1);
    assert_false(archived_control_terms_add(terms, "second", 6, &added, &error));
    assert_code(error, VAULT_ERROR_REFUSED);
    assert_true(archived_control_terms_add(terms, "third", 5, &added, NULL));
    assert_int_equal(added.added_count, 0);
    g_thread_join(g_steal_pointer(&fake.thread));
    assert_string_equal(fake.seen->str, "terms|grant|first|second|third|");
    g_clear_error(&error);
    assert_false(archived_control_terms_add(terms, "fourth", 6, &added, &error));
    assert_code(error, VAULT_ERROR_IO);
}

static void refused_grant_gives_no_releases(void **state)
{
    g_auto(Fake) fake;
    g_autoptr(GError) error = NULL;

    fake_init(&fake, ARCHIVED_DUTY_READ);
    fake.policy_answer = "{\"ok\":false,\"code\":\"REFUSED\",\"message\":\"revoked\"}\n";
    fake_listen(&fake);
    assert_null(archived_control_release_begin(fake.vault, "grant", 5, &error));
    assert_code(error, VAULT_ERROR_REFUSED);
}

static void restores_are_told_with_their_texts(void **state)
{
    g_auto(Fake) done;

    fake_init(&done, ARCHIVED_DUTY_READ);
    done.policy_answer = "{\"ok\":true}\n";
    fake_listen(&done);
    assert_true(archived_control_log_restore(done.vault, ARCHIVED_RESTORE_DONE, "a: b\n", 5, NULL));
    g_thread_join(g_steal_pointer(&done.thread));
    assert_string_equal(done.seen->str, "restore-done|a: b\n|");
}

static void assert_call_fails(const char *answer, VaultErrorCode code, const char *words)
{
    g_auto(Fake) fake;
    g_autoptr(GError) error = NULL;

    fake_init(&fake, ARCHIVED_DUTY_STATUS);
    fake.answer = answer;
    fake_listen(&fake);
    assert_false(archived_control_call(fake.vault, ARCHIVED_DUTY_STATUS, "status", NULL, &error));
    assert_code(error, code);
    assert_non_null(strstr(error->message, words));
}

static void answered_failure_is_an_error_of_that_code(void **state)
{
    assert_call_fails("{\"ok\":false,\"code\":\"NO_SPACE\",\"message\":\"disk is full\"}\n",
                      VAULT_ERROR_NO_SPACE, "disk is full");
    assert_call_fails("{\"ok\":false}\n", VAULT_ERROR_IO, "refused");
}

static void strange_answers_are_malformed(void **state)
{
    assert_call_fails("hello\n", VAULT_ERROR_MALFORMED, "another version");
    assert_call_fails("[1]\n", VAULT_ERROR_MALFORMED, "another version");
    assert_call_fails("{}\n", VAULT_ERROR_MALFORMED, "another version");
    assert_call_fails(NULL, VAULT_ERROR_IO, "closed");
}

static void vault_without_daemon_is_not_found(void **state)
{
    g_auto(Fake) fake;
    g_autoptr(GError) error = NULL;
    g_autoptr(GError) dead_error = NULL;

    fake_init(&fake, ARCHIVED_DUTY_STATUS);
    assert_false(archived_control_call(fake.vault, ARCHIVED_DUTY_STATUS, "status", NULL, &error));
    assert_code(error, VAULT_ERROR_NOT_FOUND);
    /* and so is one whose daemon was killed: its socket is there, nobody answers */
    fake.answer = "{\"ok\":true}\n";
    fake_listen(&fake);
    assert_true(archived_control_call(fake.vault, ARCHIVED_DUTY_STATUS, "status", NULL, NULL));
    g_thread_join(g_steal_pointer(&fake.thread));
    vault_fd_close(&fake.listener);
    assert_false(
        archived_control_call(fake.vault, ARCHIVED_DUTY_STATUS, "status", NULL, &dead_error));
    assert_code(dead_error, VAULT_ERROR_NOT_FOUND);
}

#define GOOD "{\"ok\":true,\"archive_id\":\"00112233445566778899aabbccddeeff\","

static void import_sends_messages_and_reads_a_verdict_each(void **state)
{
    const char *const answers[] = {GOOD "\"already\":false,\"unassigned\":1}\n",
                                   "{\"ok\":false,\"code\":\"BUSY\",\"message\":\"later\"}\n",
                                   "{\"ok\":true}\n", GOOD "\"already\":true,\"unassigned\":0}\n",
                                   NULL};
    const char *const owners[] = {"anna@example.org", NULL};
    const ArchivedImportMessage message = {
        .owners = owners, .received_s = 7, .source = "import:eml", .folder = "a/b"};
    const ArchivedImportMessage nobody = {.received_s = 8};
    g_autofree char *large = g_strnfill(200000, 'x');
    g_auto(Fake) fake;
    g_autoptr(ArchivedImport) import = NULL;
    g_autoptr(GError) error = NULL;
    ArchivedImportResult result;

    fake_init(&fake, ARCHIVED_DUTY_OPERATE);
    fake.answer = "{\"ok\":true}\n";
    fake.import_answers = answers;
    fake_listen(&fake);
    import = archived_control_import_begin(fake.vault, &import_id, NULL);
    assert_non_null(import);
    assert_true(archived_control_import_message(import, &message, NULL));
    assert_true(archived_control_import_write(import, "one ", 4, NULL));
    assert_true(archived_control_import_write(import, "message", 7, NULL));
    assert_true(archived_control_import_finish(import, &result, NULL));
    assert_false(result.is_already_archived);
    assert_int_equal(result.unassigned_count, 1);
    assert_string_equal(VAULT_ID_TEXT(result.archive_id), "00112233445566778899aabbccddeeff");

    assert_true(archived_control_import_message(import, &nobody, NULL));
    assert_false(archived_control_import_finish(import, &result, &error));
    assert_code(error, VAULT_ERROR_BUSY);
    assert_false(archived_control_import_is_broken(import));

    assert_true(archived_control_import_message(import, &nobody, NULL));
    assert_true(archived_control_import_write(import, "half", 4, NULL));
    assert_true(archived_control_import_abandon(import, NULL));

    assert_true(archived_control_import_message(import, &nobody, NULL));
    assert_true(archived_control_import_write(import, large, 200000, NULL));
    assert_true(archived_control_import_finish(import, &result, NULL));
    assert_true(result.is_already_archived);
    g_thread_join(g_steal_pointer(&fake.thread));
    assert_string_equal(fake.seen->str,
                        "import "
                        "07070707070707070707070707070707|{\"owners\":[\"anna@example.org\"],"
                        "\"received\":7,\"flags\":0,"
                        "\"source\":\"import:eml\",\"folder\":\"a/b\"}|one message||"
                        "{\"owners\":[],\"received\":8,\"flags\":0}||"
                        "{\"owners\":[],\"received\":8,\"flags\":0}|"
                        "{\"owners\":[],\"received\":8,\"flags\":0}|long|long|long|long||");
}

static void import_whose_daemon_dies_is_broken(void **state)
{
    const char *const answers[] = {NULL};
    const ArchivedImportMessage message = {.received_s = 7};
    g_auto(Fake) fake;
    g_autoptr(ArchivedImport) import = NULL;
    g_autoptr(GError) error = NULL;
    ArchivedImportResult result;

    fake_init(&fake, ARCHIVED_DUTY_OPERATE);
    fake.answer = "{\"ok\":true}\n";
    fake.import_answers = answers;
    fake_listen(&fake);
    import = archived_control_import_begin(fake.vault, &import_id, NULL);
    assert_non_null(import);
    g_thread_join(g_steal_pointer(&fake.thread));
    if (archived_control_import_message(import, &message, &error))
        assert_false(archived_control_import_finish(import, &result, &error));
    assert_code(error, VAULT_ERROR_IO);
    assert_true(archived_control_import_is_broken(import));
}

static void header_over_its_limit_is_too_large_and_breaks_nothing(void **state)
{
    const char *const answers[] = {GOOD "\"already\":false}\n", NULL};
    g_autofree char *folder = g_strnfill(ARCHIVED_CONTROL_HEADER_LEN_MAX, 'x');
    const ArchivedImportMessage too_large = {.received_s = 7, .folder = folder};
    const ArchivedImportMessage message = {.received_s = 7};
    g_auto(Fake) fake;
    g_autoptr(ArchivedImport) import = NULL;
    g_autoptr(GError) error = NULL;
    ArchivedImportResult result;

    fake_init(&fake, ARCHIVED_DUTY_OPERATE);
    fake.answer = "{\"ok\":true}\n";
    fake.import_answers = answers;
    fake_listen(&fake);
    import = archived_control_import_begin(fake.vault, &import_id, NULL);
    assert_false(archived_control_import_message(import, &too_large, &error));
    assert_code(error, VAULT_ERROR_TOO_LARGE);
    assert_true(archived_control_import_message(import, &message, NULL));
    assert_true(archived_control_import_finish(import, &result, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answer_is_handed_over),
        cmocka_unit_test(act_is_sent_whole_and_its_verdict_handed_over),
        cmocka_unit_test(releases_are_asked_for_with_the_grant_sent_once),
        cmocka_unit_test(batches_of_terms_are_sent_and_counted),
        cmocka_unit_test(refused_grant_gives_no_releases),
        cmocka_unit_test(restores_are_told_with_their_texts),
        cmocka_unit_test(answered_failure_is_an_error_of_that_code),
        cmocka_unit_test(strange_answers_are_malformed),
        cmocka_unit_test(vault_without_daemon_is_not_found),
        cmocka_unit_test(import_sends_messages_and_reads_a_verdict_each),
        cmocka_unit_test(import_whose_daemon_dies_is_broken),
        cmocka_unit_test(header_over_its_limit_is_too_large_and_breaks_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
