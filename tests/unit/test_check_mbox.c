/* Checking exports to mbox: every byte is a message's, a postmark's, or the LF between them. */
#include "check_world.h"
#include "restore/check_files.h"

#include <fcntl.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define FILE_NAME "alice@example.com.mbox"

/* ---- messages of any form ----------------------------------------------------------------------
 */

static const char *const odd[] = {"",
                                  "\n",
                                  "\r\n",
                                  "x",
                                  ">",
                                  ">From",
                                  "From ",
                                  ">From ",
                                  ">>From x\n",
                                  "From a\nFrom b\n",
                                  "a\n\n",
                                  "a\n>Fro",
                                  "From",
                                  "a\n\nFrom ",
                                  ">>From",
                                  "\nFrom me@example.com Thu Jan  1 00:00:00 1970\n",
                                  "\n\n",
                                  "a\n>>From\n",
                                  "no end of line"};

static void write_odd(Export *export, gsize i)
{
    ExportMessage message = {.id = "00112233445566778899aabbccddeeff",
                             .mailbox = "alice@example.com",
                             .received_s = 1790000000,
                             .len = strlen(odd[i])};
    VaultHash hash;

    vault_hash(odd[i], message.len, &hash);
    assert_true(export_begin(export, &message, NULL));
    assert_true(export_write(export, (const guint8 *)odd[i], message.len, NULL));
    assert_true(export_end(export, &hash, NULL));
}

static void export_odd(CheckWorld *w, gsize first, gsize count)
{
    ExportOptions options = {.format = EXPORT_MBOX, .path = w->out, .now_s = 1790000000};
    g_autoptr(Export) export = export_open(&options, NULL);
    ManifestCounts counts;

    assert_non_null(export);
    for (gsize i = 0; i < count; i++)
        write_odd(export, first + i);
    assert_true(export_finish(export, &counts, NULL));
}

static GArray *read_offsets(const CheckWorld *w, CheckMboxes *mboxes)
{
    g_autoptr(ManifestReader) reader = manifest_reader_open(w->manifest, NULL);
    GArray *offsets = g_array_new(FALSE, FALSE, sizeof(guint64));
    ManifestPart part;
    JsonObject *object;
    guint64 offset;

    while (manifest_reader_next(reader, &part, &object, NULL)) {
        if (part != MANIFEST_PART_MESSAGES)
            continue;
        assert_true(proof_member_number(object, "offset", &offset));
        assert_true(check_mboxes_add(mboxes, FILE_NAME, offset));
        g_array_append_val(offsets, offset);
    }
    return offsets;
}

static void assert_odd_come_back(CheckWorld *w, gsize first, gsize count)
{
    g_autoptr(CheckMboxes) mboxes = check_mboxes_new();
    g_autoptr(GArray) offsets = read_offsets(w, mboxes);
    g_auto(VaultFd) folder = open(w->out, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    guint64 len;
    VaultHash hash, expected;

    assert_int_equal(offsets->len, count);
    for (gsize i = 0; i < count; i++) {
        g_autoptr(GError) error = NULL;

        if (!check_mboxes_hash(mboxes, folder, FILE_NAME, g_array_index(offsets, guint64, i), &len,
                               &hash, &error))
            fail_msg("message %zu: %s", (size_t)(first + i), error->message);
        assert_int_equal(len, strlen(odd[first + i]));
        vault_hash(odd[first + i], len, &expected);
        assert_true(vault_merkle_hash_equal(&hash, &expected));
    }
}

static void messages_of_any_form_come_back(void **state)
{
    export_odd(*state, 0, G_N_ELEMENTS(odd));
    assert_odd_come_back(*state, 0, G_N_ELEMENTS(odd));
}

/* At the end of the file there is no next postmark. */
static void last_message_of_any_form_comes_back(void **state)
{
    CheckWorld *w = *state;

    for (gsize i = 0; i < G_N_ELEMENTS(odd); i++) {
        export_odd(w, i, 1);
        assert_odd_come_back(w, i, 1);
        log_world_remove(w->out);
    }
}

static void offsets_must_rise(void **state)
{
    g_autoptr(CheckMboxes) mboxes = check_mboxes_new();

    assert_true(check_mboxes_add(mboxes, "a", 40));
    assert_false(check_mboxes_add(mboxes, "a", 40));
    assert_false(check_mboxes_add(mboxes, "a", 39));
    assert_true(check_mboxes_add(mboxes, "b", 39));
    assert_true(check_mboxes_add(mboxes, "a", 41));
}

/* `body` behind a postmark, checked as the file's only message. */
static gboolean hash_only_message(CheckWorld *w, const char *body, guint64 *ret_len, GError **error)
{
    static const char postmark[] = "From a@example.com Thu Jan  1 00:00:00 1970\n";
    g_autofree char *path = g_build_filename(w->folder, FILE_NAME, NULL);
    g_autofree char *text = g_strconcat(postmark, body, NULL);
    g_auto(VaultFd) folder = open(w->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    g_autoptr(CheckMboxes) mboxes = check_mboxes_new();
    VaultHash hash;

    assert_true(g_file_set_contents(path, text, -1, NULL));
    assert_true(check_mboxes_add(mboxes, FILE_NAME, strlen(postmark)));
    return check_mboxes_hash(mboxes, folder, FILE_NAME, strlen(postmark), ret_len, &hash, error);
}

/* Without its '>' the line has the same text here, and begins a message everywhere else. */
static void quoted_line_that_lost_its_mark_is_found(void **state)
{
    static const char *const bodies[] = {"From eve@example.com Thu Jan  1 00:00:00 1970\nhidden\n",
                                         "a\nFrom b\n", "From ", "a\n\nFrom "};
    guint64 len;

    for (gsize i = 0; i < G_N_ELEMENTS(bodies); i++) {
        g_autofree char *quoted = NULL;
        g_auto(GStrv) parts = g_strsplit(bodies[i], "From ", 2);
        g_autoptr(GError) error = NULL;

        quoted = g_strjoinv(">From ", parts);
        assert_true(hash_only_message(*state, quoted, &len, NULL));
        assert_false(hash_only_message(*state, bodies[i], &len, &error));
        assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_MALFORMED));
    }
}

static void line_end_put_behind_the_last_message_is_found(void **state)
{
    static const struct {
        const char *body;
        guint64 len;
    } cases[] = {{"", 0}, {"\n", 1}, {"\n\n", 1}, {"x", 1}, {"x\n", 2}, {"x\n\n", 2}};
    guint64 len;

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        assert_true(hash_only_message(*state, cases[i].body, &len, NULL));
        assert_int_equal(len, cases[i].len);
    }
}

/* Also when the manifest's offsets were moved along. */
static void text_before_the_first_postmark_is_found(void **state)
{
    static const char text[] = "hidden\nFrom a@example.com Thu Jan  1 00:00:00 1970\nbody";
    CheckWorld *w = *state;
    g_autofree char *path = g_build_filename(w->folder, FILE_NAME, NULL);
    g_auto(VaultFd) folder = open(w->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    g_autoptr(CheckMboxes) mboxes = check_mboxes_new();
    guint64 offset = strlen(text) - strlen("body"), len;
    g_autoptr(GError) error = NULL;
    VaultHash hash;

    assert_true(g_file_set_contents(path, text, -1, NULL));
    assert_true(check_mboxes_add(mboxes, FILE_NAME, offset));
    assert_false(check_mboxes_hash(mboxes, folder, FILE_NAME, offset, &len, &hash, &error));
    assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_MALFORMED));
}

/* ---- whole exports -----------------------------------------------------------------------------
 */

static void export_mbox(CheckWorld *w, ExportLineEnds line_ends)
{
    write_export(w, EXPORT_MBOX, line_ends);
}

static void untouched_mbox_has_no_finding(void **state)
{
    CheckWorld *w = *state;

    export_mbox(w, EXPORT_AS_ARCHIVED);
    assert_true(run_check(w, NULL));
    assert_int_equal(w->findings->len, 0);
    assert_int_equal(w->result.message_count, MESSAGES);
    assert_int_equal(w->result.in_log_count, 4);
}

static void mbox_with_changed_line_ends_has_no_finding(void **state)
{
    CheckWorld *w = *state;

    export_mbox(w, EXPORT_LF);
    assert_true(run_check(w, NULL));
    assert_int_equal(w->findings->len, 0);
    assert_int_equal(w->result.lf_count, MESSAGES);
}

static void single_mbox_is_checked_with_the_manifest_beside_it(void **state)
{
    CheckWorld *w = *state;
    g_autofree char *neighbour = g_build_filename(w->folder, "neighbour", NULL);

    g_free(w->out);
    w->out = g_build_filename(w->folder, "all.mbox", NULL);
    export_mbox(w, EXPORT_AS_ARCHIVED);
    assert_true(g_file_set_contents(neighbour, "x", 1, NULL));
    assert_true(run_check(w, NULL));
    assert_int_equal(w->findings->len, 0);
    assert_int_equal(w->result.in_log_count, 4);
}

static void each_changed_byte_of_an_mbox_is_found(void **state)
{
    CheckWorld *w = *state;
    g_autofree char *path = NULL;
    g_autofree char *text = NULL;
    gsize len;

    export_mbox(w, EXPORT_AS_ARCHIVED);
    path = g_build_filename(w->out, FILE_NAME, NULL);
    assert_true(g_file_get_contents(path, &text, &len, NULL));
    for (gsize at = 0; at < len; at++) {
        /* A postmark's sender and date are read, not compared. */
        if (text[at] != '\n' && g_str_has_prefix(text + at, "From "))
            at = (gsize)(strchr(text + at, '\n') - text);
        text[at] ^= 0x80;
        assert_true(g_file_set_contents(path, text, (gssize)len, NULL));
        assert_true(run_check(w, NULL));
        if (w->findings->len == 0)
            fail_msg("byte %zu of %zu was changed", (size_t)at, (size_t)len);
        text[at] ^= 0x80;
    }
}

static void what_was_put_into_an_mbox_is_found(void **state)
{
    static const char *const extras[] = {
        "x", "\n", "From eve@example.com Thu Jan  1 00:00:00 1970\nhello\n\n"};
    CheckWorld *w = *state;
    g_autofree char *path = NULL;
    g_autofree char *text = NULL;
    const char *second;

    export_mbox(w, EXPORT_AS_ARCHIVED);
    path = g_build_filename(w->out, FILE_NAME, NULL);
    assert_true(g_file_get_contents(path, &text, NULL, NULL));
    second = strstr(text + 1, "\nFrom ") + 1;
    for (gsize i = 0; i < G_N_ELEMENTS(extras); i++) {
        g_autofree char *head = g_strndup(text, (gsize)(second - text));
        g_autofree char *first = g_strconcat(extras[i], text, NULL);
        g_autofree char *middle = g_strconcat(head, extras[i], second, NULL);
        g_autofree char *last = g_strconcat(text, extras[i], NULL);
        const char *const changed[] = {first, middle, last};

        for (gsize j = 0; j < G_N_ELEMENTS(changed); j++) {
            assert_true(g_file_set_contents(path, changed[j], -1, NULL));
            assert_true(run_check(w, NULL));
            assert_int_not_equal(w->findings->len, 0);
        }
    }
}

static void message_left_out_of_the_manifest_is_found(void **state)
{
    CheckWorld *w = *state;
    g_autofree char *text = NULL;
    char *second, *third;

    export_mbox(w, EXPORT_AS_ARCHIVED);
    text = read_manifest(w);
    second = strchr(strstr(text, "{\"id\""), '\n') + 1;
    third = strchr(second, '\n') + 1;
    memmove(second, third, strlen(third) + 1);
    write_manifest(w, text);
    replace(w, "\"messages\":5", "\"messages\":4");
    assert_true(run_check(w, NULL));
    assert_int_not_equal(w->findings->len, 0);
}

static void messages_out_of_order_are_found(void **state)
{
    CheckWorld *w = *state;

    export_mbox(w, EXPORT_AS_ARCHIVED);
    replace(w, "\"offset\":", "\"offset\":9");
    assert_true(run_check(w, NULL));
    assert_int_not_equal(w->findings->len, 0);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(messages_of_any_form_come_back),
        CASE(last_message_of_any_form_comes_back),
        cmocka_unit_test(offsets_must_rise),
        CASE(quoted_line_that_lost_its_mark_is_found),
        CASE(line_end_put_behind_the_last_message_is_found),
        CASE(text_before_the_first_postmark_is_found),
        CASE(untouched_mbox_has_no_finding),
        CASE(mbox_with_changed_line_ends_has_no_finding),
        CASE(single_mbox_is_checked_with_the_manifest_beside_it),
        CASE(each_changed_byte_of_an_mbox_is_found),
        CASE(what_was_put_into_an_mbox_is_found),
        CASE(message_left_out_of_the_manifest_is_found),
        CASE(messages_out_of_order_are_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
