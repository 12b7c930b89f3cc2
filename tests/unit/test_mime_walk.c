/* The structure of messages, whole and in pieces, well formed and not. */
#include "ingest/mime/walk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* What the visitor saw: "(m(leaf:text)" and so on. */
static void note_begin(gpointer user, const IngestEntity *entity)
{
    g_string_append_printf(user, "(%s%s:", entity->is_message ? "m " : "",
                           g_mime_content_type_get_media_subtype(entity->type));
}

static void note_body(gpointer user, const guint8 *bytes, gsize len)
{
    g_string_append_len(user, (const char *)bytes, (gssize)len);
}

static void note_end(gpointer user, const IngestEntity *entity)
{
    g_string_append_c(user, ')');
}

static void note_cut(gpointer user)
{
    g_string_append_c(user, '!');
}

static const IngestWalkVisitor visitor = {
    .begin = note_begin, .body = note_body, .end = note_end, .cut = note_cut};

static char *walk_in_pieces(const char *message, gsize len, gsize step)
{
    GString *seen = g_string_new(NULL);
    g_autoptr(IngestWalk) walk = ingest_walk_new(&visitor, seen, 0);

    for (gsize at = 0; at < len; at += MIN(step, len - at))
        ingest_walk_feed(walk, message + at, MIN(step, len - at));
    ingest_walk_finish(walk);
    return g_string_free(seen, FALSE);
}

static void assert_structure(const char *message, const char *expected)
{
    for (gsize step = 1; step < 200; step += step < 20 ? 1 : 61) {
        g_autofree char *seen = walk_in_pieces(message, strlen(message), step);

        assert_string_equal(seen, expected);
    }
}

#define MIXED "Content-Type: multipart/mixed; boundary=b\n\n"

static void a_plain_message_is_one_leaf(void **state)
{
    assert_structure("Subject: s\n\nHello\n--b\n-", "(m plain:Hello\n--b\n-)");
    assert_structure("Subject: s\r\n\r\nHello", "(m plain:Hello)");
    assert_structure("\nHello", "(m plain:Hello)");
    assert_structure("Subject: s", "(m plain:)");
    assert_structure("", "(m plain:)");
}

static void parts_stand_between_delimiters(void **state)
{
    assert_structure(MIXED
                     "preamble\n--b\n\none\n--b  \r\nContent-Type: text/html\r\n\r\ntwo\n--b--\n"
                     "epilogue\n--b\n",
                     "(m mixed:(plain:one\n)(html:two\n))");
}

static void what_only_looks_like_a_delimiter_is_text(void **state)
{
    assert_structure(MIXED "--b\n\n--bb\n --b\n--\n--b-\n-\n--b--",
                     "(m mixed:(plain:--bb\n --b\n--\n--b-\n-\n))");
}

static void missing_last_delimiters_are_forgiven(void **state)
{
    assert_structure(
        MIXED "--b\nContent-Type: multipart/alternative; boundary=c\n\n--c\n\none\n--b\n\ntwo",
        "(m mixed:(alternative:(plain:one\n))(plain:two))");
    assert_structure(MIXED "--b\nContent-Type: text/html\n--b\n\ntwo\n--b--",
                     "(m mixed:(html:)(plain:two\n))");
    assert_structure(MIXED "--b", "(m mixed:(plain:))");
}

static void a_multipart_without_parts_is_its_text(void **state)
{
    assert_structure(MIXED "only this\n", "(m mixed:(plain:only this\n))");
    assert_structure("Content-Type: multipart/mixed\n\n--b\n\ntext", "(m mixed:--b\n\ntext)");
}

/* What stands before the end of a multipart that had no delimiter but its last. */
static void text_before_a_lone_last_delimiter_is_kept(void **state)
{
    assert_structure(MIXED "only this\n--b--\nepilogue\n", "(m mixed:(plain:only this\n))");
}

/* Blanks at the end of a line do not survive transport. */
static void blanks_at_the_end_of_a_boundary_do_not_count(void **state)
{
    static const char *const lines[] = {"--b  \n\none\n--b  --\nend", "--b\n\none\n--b--\nend"};

    for (guint i = 0; i < G_N_ELEMENTS(lines); i++) {
        g_autofree char *message =
            g_strconcat("Content-Type: multipart/mixed; boundary=\"b  \"\n\n", lines[i], NULL);

        assert_structure(message, "(m mixed:(plain:one\n))");
    }
}

static void messages_lie_in_messages(void **state)
{
    assert_structure(MIXED "--b\nContent-Type: message/rfc822\n\nSubject: t\n\ninner\n--b--\n",
                     "(m mixed:(rfc822:(m plain:inner\n)))");
    assert_structure(
        "Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: t\n\ninner\n--b--\n",
        "(m digest:(rfc822:(m plain:inner\n)))");
    assert_structure("Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nU3Vi",
                     "(m rfc822:U3Vi)");
}

static void depth_is_bounded(void **state)
{
    g_autoptr(GString) message = g_string_new(NULL);
    g_autofree char *seen = NULL;
    guint open = 0, most = 0;

    for (guint i = 0; i < 10000; i++)
        g_string_append_printf(message, "Content-Type: multipart/mixed; boundary=b%u\n\n--b%u\n", i,
                               i);
    g_string_append(message, "\nHello\n");
    seen = walk_in_pieces(message->str, message->len, 4096);
    for (const char *at = seen; *at != '\0'; at++) {
        open += *at == '(';
        open -= *at == ')';
        most = MAX(most, open);
    }
    assert_int_equal(open, 0);
    assert_int_equal(most, INGEST_WALK_DEPTH_MAX);
    assert_non_null(strchr(seen, '!'));
    assert_null(strstr(seen, "Hello"));
}

static char *nested(guint depth)
{
    g_autoptr(GString) message = g_string_new(NULL);

    for (guint i = 1; i < depth; i++)
        g_string_append(message, "Content-Type: message/rfc822\n\n");
    g_string_append(message, "\nHello\n");
    return walk_in_pieces(message->str, message->len, 1000);
}

static void the_last_level_is_read_and_one_more_is_not(void **state)
{
    g_autofree char *at_limit = nested(INGEST_WALK_DEPTH_MAX);
    g_autofree char *over = nested(INGEST_WALK_DEPTH_MAX + 1);

    assert_non_null(strstr(at_limit, "Hello"));
    assert_null(strchr(at_limit, '!'));
    assert_null(strstr(over, "Hello"));
    assert_non_null(strchr(over, '!'));
}

static char *of_parts(guint count)
{
    g_autoptr(GString) message = g_string_new(MIXED);

    for (guint i = 0; i < count; i++)
        g_string_append_printf(message, "--b\n\np%u\n", i + 1);
    g_string_append(message, "--b--\n");
    return walk_in_pieces(message->str, message->len, 10000);
}

static void the_number_of_parts_is_bounded(void **state)
{
    g_autofree char *at_limit = of_parts(INGEST_WALK_PARTS_MAX - 1);
    g_autofree char *over = of_parts(INGEST_WALK_PARTS_MAX);

    assert_non_null(strstr(at_limit, "p9999"));
    assert_null(strchr(at_limit, '!'));
    assert_null(strstr(over, "p10000"));
    assert_non_null(strchr(over, '!'));
}

static void a_long_header_is_cut_and_the_body_is_there(void **state)
{
    for (guint one_line = 0; one_line < 2; one_line++) {
        g_autoptr(GString) message = g_string_new("Content-Type: text/html\nX: y");
        g_autofree char *seen = NULL;
        g_autofree char *in_pieces = NULL;

        while (message->len < 2 * INGEST_WALK_HEADER_LEN_MAX)
            g_string_append(message, one_line ? "yyyyyyyyyyyy" : "\nX-Some: thing");
        g_string_append(message, "\n\nHello\n");
        seen = walk_in_pieces(message->str, message->len, message->len);
        in_pieces = walk_in_pieces(message->str, message->len, 999);
        assert_string_equal(seen, "!(m html:Hello\n)");
        assert_string_equal(in_pieces, seen);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_message_is_one_leaf),
        cmocka_unit_test(parts_stand_between_delimiters),
        cmocka_unit_test(what_only_looks_like_a_delimiter_is_text),
        cmocka_unit_test(missing_last_delimiters_are_forgiven),
        cmocka_unit_test(a_multipart_without_parts_is_its_text),
        cmocka_unit_test(text_before_a_lone_last_delimiter_is_kept),
        cmocka_unit_test(blanks_at_the_end_of_a_boundary_do_not_count),
        cmocka_unit_test(messages_lie_in_messages),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(the_last_level_is_read_and_one_more_is_not),
        cmocka_unit_test(the_number_of_parts_is_bounded),
        cmocka_unit_test(a_long_header_is_cut_and_the_body_is_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
