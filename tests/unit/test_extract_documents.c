/* Documents that are text themselves, without a helper around: RTF, HTML, XML, plain. Packages and
 * archives: tests/system/test_extract.py. */
#include "tests/support/extract_talk.h"

#include <string.h>

typedef struct {
    const char *bytes;
    gsize len;
    const char *type, *name, *wanted;
    IngestExtractOutcome outcome;
} Case;

#define BYTES(text) text, sizeof(text) - 1

static void assert_case(const Case *given)
{
    IngestExtractOutcome outcome;
    g_autofree char *copy = g_memdup2(given->bytes, given->len);
    g_autofree char *text =
        extract_talk_document(&(ExtractDocument){.bytes = copy,
                                                 .len = given->len,
                                                 .type = given->type == NULL ? "" : given->type,
                                                 .name = given->name == NULL ? "" : given->name},
                              1000, &outcome);

    assert_string_equal(text, given->wanted);
    assert_int_equal(outcome, given->outcome);
}

static void assert_cases(const Case *cases, gsize count)
{
    for (gsize i = 0; i < count; i++)
        assert_case(&cases[i]);
}

#define RTF(body) BYTES("{\\rtf1\\ansi " body "}"), NULL, NULL
#define GOOD INGEST_EXTRACT_TEXT

static void rtf_becomes_text(void **state)
{
    static const Case cases[] = {
        {RTF("Hello {\\b bold} world"), "Hello bold world\f", GOOD},
        {RTF("\\pard a\\par b\\tab c\\cell d\\row e"), "a\fb c\fd\fe\f", GOOD},
        {RTF("\\'e4\\'f6 \\lquote x\\rquote"), "\xc3\xa4\xc3\xb6 \xe2\x80\x98x\xe2\x80\x99\f",
         GOOD},
        {RTF("\\u8364? \\u-3913?"), "\xe2\x82\xac \xef\x82\xb7\f", GOOD},
        {RTF("\\u-10179?\\u-8704?!"), "\xf0\x9f\x98\x80!\f", GOOD},
        {RTF("\\u-8704?!"), "\xef\xbf\xbd!\f", GOOD},
        {RTF("\\uc0\\u228 x{\\uc2\\u228 ab}y"), "\xc3\xa4x\xc3\xa4y\f", GOOD},
        {RTF("\\uc1\\u228\\'e4x"), "\xc3\xa4x\f", GOOD},
        {RTF("\\ansicpg1251 \\'cf\\'f0"), "\xd0\x9f\xd1\x80\f", GOOD},
        {RTF("{\\fonttbl{\\f0\\fcharset0 Arial;}{\\f7\\fcharset128 Mincho;}}\\f7 \\'93\\'fa{\\f0 "
             "\\'e4}"),
         "\xe6\x97\xa5\xc3\xa4\f", GOOD},
        {RTF("{\\colortbl;\\red0;}{\\stylesheet{\\s0 Normal;}}{\\pict 00ff}{\\*\\foo bar}x"), "x\f",
         GOOD},
        {RTF("{\\b0\\*\\cs7 shown}{\r\n\\*\\foo not}"), "shown\f", GOOD},
        {RTF("{\\field{\\*\\fldinst HYPERLINK}{\\fldrslt shown}}"), "shown\f", GOOD},
        {RTF("{\\*\\shpinst{\\sp{\\sn a}{\\sv b}}{\\shptxt box}}"), "box\f", GOOD},
        {RTF("{\\*\\htmltag64 <p>}\\htmlrtf no\\htmlrtf0 yes"), "yes\f", GOOD},
        {RTF("a\\bin3 {{}b"), "ab\f", GOOD},
        {RTF("\\\\\\{\\}\\~\\_\\-x"), "\\{} -x\f", GOOD},
        {RTF("a\r\nb\\\nc"), "ab\fc\f", GOOD},
        {BYTES("{\\rtf1 cut {\\b off"), NULL, NULL, "cut off\f", INGEST_EXTRACT_MALFORMED},
        {BYTES("{\\rtf1 a\\'"), NULL, NULL, "a\f", INGEST_EXTRACT_MALFORMED},
        {BYTES("{\\rtf1 a\\bin99999999999 b}"), NULL, NULL, "a\f", INGEST_EXTRACT_MALFORMED},
        {BYTES("{\\rtf1\\f99999 a\\f-1 b}}}}c"), NULL, NULL, "abc\f", GOOD},
    };

    assert_cases(cases, G_N_ELEMENTS(cases));
}

static void deep_groups_of_rtf_are_read_and_bounded(void **state)
{
    g_autoptr(GString) rtf = g_string_new("{\\rtf1 a");
    IngestExtractOutcome outcome;
    g_autofree char *text = NULL;

    for (guint i = 0; i < 100000; i++)
        g_string_append(rtf, "{\\b ");
    g_string_append(rtf, "deep");
    for (guint i = 0; i < 100000; i++)
        g_string_append_c(rtf, '}');
    g_string_append(rtf, " end}");
    text = extract_talk_document(
        &(ExtractDocument){.bytes = rtf->str, .len = rtf->len, .type = "", .name = ""}, 1000,
        &outcome);
    assert_string_equal(text, "adeep end\f");
    assert_int_equal(outcome, INGEST_EXTRACT_TEXT);
}

static void html_becomes_what_is_seen(void **state)
{
    static const Case cases[] = {
        {BYTES("<html><title>T</title><style>no</style><script>no</script><p>o<b>n</b>e<p>two"),
         NULL, NULL, "T\fone\ftwo\f", GOOD},
        {BYTES("<p>a &amp; &eacute; &#8364;"), "text/html", NULL, "a & \xc3\xa9 \xe2\x82\xac\f",
         GOOD},
        {BYTES("<img alt='see this'> <a href='http://x.test/y' title=t>here</a>"), NULL, "x.html",
         " see this \f  http://x.test/y  t here\f", GOOD},
        {BYTES("<!DOCTYPE html><meta charset=windows-1251><p>\xcf\xf0"), NULL, NULL,
         "\xd0\x9f\xd1\x80\f", GOOD},
        {BYTES("<!DOCTYPE html><meta charset=windows-1251><p>\xc3\xa4"), NULL, NULL, "\xc3\xa4\f",
         GOOD},
        {BYTES("<html><p>\xe4<p>"), NULL, NULL, "\xc3\xa4\f", GOOD},
        {BYTES("<html><template><p>no</template>yes"), NULL, NULL, "yes\f", GOOD},
        {BYTES("<html><p <<<>>&&&;"), NULL, NULL, ">&&&;\f", GOOD},
    };

    assert_cases(cases, G_N_ELEMENTS(cases));
}

static void xml_becomes_its_characters(void **state)
{
    static const Case cases[] = {
        {BYTES("<?xml version='1.0'?><a>one<b>two</b>three<![CDATA[four]]></a>"), NULL, NULL,
         "onetwo\fthreefour\f", GOOD},
        {BYTES("<?xml version='1.0'?><a>one<b>two"), NULL, NULL, "onetwo\f",
         INGEST_EXTRACT_MALFORMED},
        {BYTES("<?xml version='1.0'?><!DOCTYPE a [<!ENTITY x 'boom'>]><a>-&x;-</a>"), NULL, NULL,
         "--\f", INGEST_EXTRACT_MALFORMED},
        {BYTES("<?xml version='1.0'?><!DOCTYPE a SYSTEM 'file:///etc/passwd'><a>x</a>"), NULL, NULL,
         "x\f", GOOD},
    };

    assert_cases(cases, G_N_ELEMENTS(cases));
}

static void plain_text_is_read_in_its_character_set(void **state)
{
    static const Case cases[] = {
        {BYTES("a,b\nc\xc3\xa4"), "text/csv", "x.csv", "a,b\nc\xc3\xa4\f", GOOD},
        {BYTES("c\xe4"), NULL, NULL, "c\xc3\xa4\f", GOOD},
        {BYTES("\xef\xbb\xbf"
               "a\xc3\xa4"),
         NULL, NULL, "a\xc3\xa4\f", GOOD},
        {BYTES("\xff\xfe"
               "a\0\xe4\0"),
         NULL, NULL, "a\xc3\xa4\f", GOOD},
        {BYTES("\xfe\xff\0a\0\xe4"), NULL, NULL, "a\xc3\xa4\f", GOOD},
        {BYTES("\xff\xfe\0\0a\0\0\0"), NULL, NULL, "a\f", GOOD},
        {BYTES("BEGIN:VCALENDAR\r\nSUMMARY:long\r\n er\nX:y\n\tz"), NULL, NULL,
         "BEGIN:VCALENDAR\r\nSUMMARY:longer\nX:yz\f", GOOD},
        {BYTES("-----BEGIN PGP MESSAGE-----\n\nhQ=="), NULL, "x.asc", "", INGEST_EXTRACT_ENCRYPTED},
        {BYTES(""), NULL, NULL, "", GOOD},
        {BYTES("ab\0c"), "text/plain", NULL, "", INGEST_EXTRACT_UNKNOWN},
        {BYTES("\1\2\3\4"), "text/plain", NULL, "", INGEST_EXTRACT_UNKNOWN},
    };

    assert_cases(cases, G_N_ELEMENTS(cases));
}

static void compound_files_are_unread_or_encrypted(void **state)
{
#define COMPOUND "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    static const Case cases[] = {
        {BYTES(COMPOUND "W\0o\0r\0d\0"), NULL, "x.doc", "", INGEST_EXTRACT_UNREAD},
        {BYTES(COMPOUND "E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e\0"), NULL, "x.docx", "",
         INGEST_EXTRACT_ENCRYPTED},
    };

    assert_cases(cases, G_N_ELEMENTS(cases));
}

static void broken_documents_of_each_format_are_malformed(void **state)
{
    static const Case cases[] = {
        {BYTES("%PDF-1.4\n"), NULL, NULL, "", INGEST_EXTRACT_MALFORMED},
        {BYTES("PK\3\4\0\0\0\0garbage"), NULL, NULL, "", INGEST_EXTRACT_MALFORMED},
        {BYTES("7z\xbc\xaf\x27\x1cgarbage"), NULL, NULL, "", INGEST_EXTRACT_MALFORMED},
        {BYTES("\x1f\x8b\x08\0garbage"), NULL, NULL, "", INGEST_EXTRACT_MALFORMED},
    };

    assert_cases(cases, G_N_ELEMENTS(cases));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rtf_becomes_text),
        cmocka_unit_test(deep_groups_of_rtf_are_read_and_bounded),
        cmocka_unit_test(html_becomes_what_is_seen),
        cmocka_unit_test(xml_becomes_its_characters),
        cmocka_unit_test(plain_text_is_read_in_its_character_set),
        cmocka_unit_test(compound_files_are_unread_or_encrypted),
        cmocka_unit_test(broken_documents_of_each_format_are_malformed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
