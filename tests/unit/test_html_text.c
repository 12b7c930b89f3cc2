/* What a person reads in HTML. */
#include "ingest/mime/html_text.h"
#include "tests/unit/text_sink.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static char *read_in_pieces(const char *text, gsize step, gboolean *ret_is_whole)
{
    GString *read = g_string_new(NULL);
    g_autoptr(IngestHtmlText) html = ingest_html_text_new(keep_text, read);
    gsize len = strlen(text);

    for (gsize at = 0; at < len; at += MIN(step, len - at))
        ingest_html_text_add(html, text + at, MIN(step, len - at));
    *ret_is_whole = ingest_html_text_end(html);
    return g_string_free(read, FALSE);
}

/* Rows of blanks and breaks count as one. */
static char *squeeze(const char *text)
{
    GString *squeezed = g_string_new(NULL);

    for (; *text != '\0'; text++) {
        char c = *text == '\n' ? ' ' : *text;

        if (c != ' ' || (squeezed->len > 0 && squeezed->str[squeezed->len - 1] != ' '))
            g_string_append_c(squeezed, c);
    }
    if (squeezed->len > 0 && squeezed->str[squeezed->len - 1] == ' ')
        g_string_truncate(squeezed, squeezed->len - 1);
    return g_string_free(squeezed, FALSE);
}

static void assert_text(const char *html, const char *expected)
{
    static const gsize steps[] = {1, 5, 100000};

    for (gsize i = 0; i < G_N_ELEMENTS(steps); i++) {
        gboolean is_whole;
        g_autofree char *text = read_in_pieces(html, steps[i], &is_whole);
        g_autofree char *squeezed = squeeze(text);

        assert_true(is_whole);
        assert_string_equal(squeezed, expected);
    }
}

static void blocks_end_words_and_inline_elements_do_not(void **state)
{
    assert_text("<p>un<b>break</b>able</p><div>x</div>y<br>z<td>c1</td><td>c2</td>",
                "unbreakable x y z c1 c2");
    assert_text("<ul><li>one<li>two</ul><h1>head</h1>tail", "one two head tail");
    assert_text("wo<wbr>rd and <span>sp</span><font>an</font>", "word and span");
}

static void entities_are_characters(void **state)
{
    assert_text("caf&eacute; &amp; &#x20ac;&#8364; a&nbsp;b &lt;tag&gt;", "café & €€ a\xc2\xa0"
                                                                          "b <tag>");
}

static void scripts_styles_and_comments_are_left_out(void **state)
{
    assert_text("<head><title>Head</title><style>p { secret }</style></head>a"
                "<script>var b = '<p>secret</p>';</script><!-- secret -->c",
                "ac|Head");
}

static void titles_and_link_targets_follow_the_text(void **state)
{
    assert_text(
        "see <a href=\"https://example.org/a?b=1&amp;c=2\" title=\"A tip\">our <b>site</b></a> now"
        "<a href='https://example.org/a?b=1&amp;c=2'>again</a><a href='#top'>up</a>"
        "<a href='javascript:x()'>run</a><a href=\"mailto:a@b.c\">mail</a>",
        "see our site nowagainuprunmail|https://example.org/a?b=1&c=2|A tip|mailto:a@b.c");
    assert_text("a<img src='http://tracker/' alt='A picture'>b", "a A picture b");
}

static void broken_html_is_read(void **state)
{
    assert_text("<p>one <b>two<i>three</b> four</p></x> five < six & seven",
                "one twothree four five < six & seven");
    assert_text("no tags at all", "no tags at all");
    assert_text("", "");
    assert_text("<a href=\"unclosed>text", "|unclosed>text");
}

/* A mail reader shows what stands behind the end of a document, and before its beginning. */
static void text_outside_of_the_document_is_read(void **state)
{
    assert_text("<html><body>in</body></html>\n<p>behind", "in behind");
    assert_text("<html><body>one</body></html> <html><body>two</body></html>\nthree",
                "one two three");
    assert_text("</script></p></html><b>after end tags</b>", "after end tags");
    assert_text("<p>x</p> </BODY></HTML></HTML> bare <a href=http://t>link</a>",
                "x bare link|http://t");
}

/* Not even the element that stands around it hides more than the piece in which it is ended. */
static void ending_what_stands_around_hides_little(void **state)
{
    g_autoptr(GString) html = g_string_new("</muniment-document>");
    g_autofree char *text = NULL;
    gboolean is_whole;

    while (html->len < 10000)
        g_string_append(html, "<b>x</b>");
    g_string_append(html, "seen");
    text = read_in_pieces(html->str, html->len, &is_whole);
    assert_non_null(strstr(text, "seen"));
}

static void its_own_charset_is_ignored_here(void **state)
{
    assert_text("<meta http-equiv=Content-Type content='text/html; charset=koi8-r'><p>Grüße",
                "Grüße");
    assert_text("<?xml version='1.0' encoding='iso-8859-1'?><p>Grüße", "Grüße");
}

static void the_declared_charset_is_found(void **state)
{
    static const struct {
        const char *html, *charset;
    } documents[] = {
        {"<html><meta charset=utf-8>", "utf-8"},
        {"<META HTTP-EQUIV=\"Content-Type\" CONTENT=\"text/html; charset=Windows-1251\">",
         "windows-1251"},
        {"<meta charset = 'gb2312' >", "gb2312"},
        {"<p>no declaration", NULL},
        {"charset", NULL},
        {"", NULL},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(documents); i++) {
        g_autofree char *charset =
            ingest_html_declared_charset(documents[i].html, strlen(documents[i].html));

        if (documents[i].charset == NULL)
            assert_null(charset);
        else
            assert_string_equal(charset, documents[i].charset);
    }
}

static void nothing_is_lost_however_deep_it_lies(void **state)
{
    g_autoptr(GString) html = g_string_new(NULL);
    g_autofree char *text = NULL;
    gboolean is_whole;

    for (guint i = 0; i < 3000; i++)
        g_string_append_printf(html, "<b>w%u ", i);
    text = read_in_pieces(html->str, html->len, &is_whole);
    assert_true(is_whole);
    for (guint i = 0; i < 3000; i++) {
        g_autofree char *word = g_strdup_printf("w%u ", i);

        assert_non_null(strstr(text, word));
    }
}

static void a_long_target_is_cut_between_characters(void **state)
{
    g_autoptr(GString) html = g_string_new("<title>t");
    g_autofree char *text = NULL;
    gboolean is_whole;

    for (guint i = 0; i < INGEST_HTML_TARGET_LEN_MAX; i++)
        g_string_append(html, "ü");
    g_string_append(html, "</title>");
    text = read_in_pieces(html->str, html->len, &is_whole);
    assert_true(g_utf8_validate(text, -1, NULL));
    assert_true(strlen(text) <= INGEST_HTML_TARGET_LEN_MAX + 10);
    assert_true(g_str_has_suffix(text, "üü"));
}

/* Wherever a piece ends: tags, entities and characters are not torn. */
static void pieces_end_where_nothing_is_torn(void **state)
{
    g_autoptr(GString) html = g_string_new(NULL);
    gboolean is_whole;

    for (guint padding = 4000; padding < 4100; padding++) {
        g_autofree char *text = NULL;

        g_string_truncate(html, 0);
        while (html->len < padding)
            g_string_append_c(html, 'x');
        g_string_append(html,
                        "<style>secret</style>y&eacute;z<script>1 < 2</script>seen<b\nid=a>\n");
        text = read_in_pieces(html->str, html->len, &is_whole);
        assert_non_null(strstr(text, "xyézseen\n"));
    }
}

static void asides_are_bounded(void **state)
{
    g_autoptr(GString) html = g_string_new(NULL);
    g_autofree char *text = NULL;
    gboolean is_whole;

    for (guint i = 0; i < INGEST_HTML_ASIDE_LEN_MAX / 8; i++)
        g_string_append_printf(html, "<a href=http://%u>x</a>", i);
    text = read_in_pieces(html->str, html->len, &is_whole);
    assert_false(is_whole);
    assert_true(strlen(text) < 2 * INGEST_HTML_ASIDE_LEN_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_end_words_and_inline_elements_do_not),
        cmocka_unit_test(entities_are_characters),
        cmocka_unit_test(scripts_styles_and_comments_are_left_out),
        cmocka_unit_test(titles_and_link_targets_follow_the_text),
        cmocka_unit_test(broken_html_is_read),
        cmocka_unit_test(text_outside_of_the_document_is_read),
        cmocka_unit_test(ending_what_stands_around_hides_little),
        cmocka_unit_test(its_own_charset_is_ignored_here),
        cmocka_unit_test(the_declared_charset_is_found),
        cmocka_unit_test(nothing_is_lost_however_deep_it_lies),
        cmocka_unit_test(a_long_target_is_cut_between_characters),
        cmocka_unit_test(pieces_end_where_nothing_is_torn),
        cmocka_unit_test(asides_are_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
