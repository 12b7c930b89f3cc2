/* What the terms of a message hold: header and texts, each rule of docs/decisions/0020 on a message
 * of its own. */
#include "message_text_world.h"

/* ---- header ---------------------------------------------------------------------------------- */

static void the_header_fills_the_summary(void **state)
{
    g_auto(Read) read = read_message(
        "From: =?utf-8?q?J=C3=BCrgen?= <j@example.org>\r\nSender: Sec <s@example.org>\r\n"
        "To: a@example.org,\r\n B <b@example.org>\r\nTo: c@example.org\r\nCc: d@example.org\r\n"
        "Bcc: e@example.org\r\nSubject: =?iso-8859-1?q?Gr=FC=DFe?= an alle\r\n"
        "Date: Tue, 24 Nov 2026 10:00:00 +0100\r\nMessage-ID: <1.2@example.org>\r\n"
        "In-Reply-To: <0@x>\r\nReferences: <9@x> <0@x>\r\n <8@x>\r\n"
        "List-Id: Talk <talk.example.org>\r\n\r\nHello,\r\n\r\nhow are you?\r\n");
    const IngestSummary *summary = read.summary;

    assert_string_equal(summary->from, "Jürgen <j@example.org>, Sec <s@example.org>");
    assert_string_equal(summary->to, "a@example.org, B <b@example.org>, c@example.org");
    assert_string_equal(summary->cc, "d@example.org");
    assert_string_equal(summary->bcc, "e@example.org");
    assert_string_equal(summary->subject, "Grüße an alle");
    assert_string_equal(summary->list, "Talk <talk.example.org>");
    assert_int_equal(summary->date_s, 1795510800);
    assert_string_equal(summary->message_id, "1.2@example.org");
    assert_int_equal(summary->references->len, 3);
    assert_string_equal(summary->references->pdata[0], "0@x");
    assert_string_equal(summary->references->pdata[2], "8@x");
    assert_string_equal(summary->snippet, "Hello, how are you?");
    assert_marks(read, 0);
    assert_once(read, FROM, "jurgen");
    assert_once(read, SUBJECT, "grusse an alle");
    assert_once(read, BODY, "how are you");
}

static void raw_headers_are_utf8_or_in_the_charset_of_the_message(void **state)
{
    g_auto(Read) utf8 = read_message("Subject: Grüße\nFrom: Юрий <юрий@пример.рф>\n\nx");
    g_auto(Read) koi8 = read_message("Subject: \xf0\xd2\xc9\xd7\xc5\xd4\n"
                                     "Content-Type: text/plain; charset=koi8-r\n\n\xf0\xd2\xc9");

    assert_string_equal(utf8.summary->subject, "Grüße");
    assert_once(utf8, FROM, "юрий@пример.рф");
    assert_string_equal(koi8.summary->subject, "Привет");
    assert_once(koi8, BODY, "при");
}

static void bad_dates_and_ids_are_none(void **state)
{
    g_auto(Read) bad = read_message("Date: yesterday\nMessage-ID:\nReferences: <\n\nx");
    g_auto(Read) bare = read_message("Date: 1 Jan 1960 00:00:00 +0000\nMessage-ID: 1@x\n\nx");

    assert_int_equal(bad.summary->date_s, 0);
    assert_true(bad.summary->message_id == NULL || *bad.summary->message_id == '\0');
    assert_int_equal(bad.summary->references->len, 0);
    assert_int_equal(bare.summary->date_s, 0);
    assert_string_equal(bare.summary->message_id, "1@x");
}

static void a_header_text_that_is_cut_is_told(void **state)
{
    g_autoptr(GString) message = g_string_new("To: first@example.org");
    g_auto(Read) read = {0};

    while (message->len < 2 * INGEST_SUMMARY_TEXT_LEN_MAX)
        g_string_append(message, ",\n some.body@example.org");
    g_string_append(message, "\n\nx");
    read = read_message(message->str);
    assert_marks(read, INGEST_MARK_TRUNCATED);
    assert_once(read, TO, "first@example.org");
}

static void lines_that_are_no_fields_are_text(void **state)
{
    g_auto(Read) read = read_message("From anna Thu Jan  1 00:00:00 1970\nSubject: s\n"
                                     "stray words here\nX-Y: z\n\nbody\n");

    assert_once(read, BODY, "stray words here");
    assert_absent(read, BODY, "anna");
    assert_string_equal(read.summary->subject, "s");
}

/* ---- texts ----------------------------------------------------------------------------------- */

static void texts_are_decoded(void **state)
{
    g_auto(Read) read = read_message(
        MIXED PART("text/plain; charset=iso-8859-1", BASE64, "R3L832Ug\nYXVz IE38bmNoZW4=")
            PART("text/plain; charset=utf-8", "Content-Transfer-Encoding: quoted-printable\n",
                 "caf=C3=A9 au lait, no=\nbreak")
                PART("text/plain; charset=gb2312", "", "\xc4\xe3\xba\xc3") "--b--\n");

    assert_once(read, BODY, "Grüße aus München");
    assert_once(read, BODY, "café au lait nobreak");
    assert_once(read, BODY, "你好");
    /* Two parts are two texts. */
    assert_absent(read, BODY, "münchen café");
    assert_marks(read, 0);
}

static void html_is_read_in_its_charset(void **state)
{
    g_auto(Read) own = read_message("Content-Type: text/html\n\n<html><head><meta charset=koi8-r>"
                                    "</head><p>\xf0\xd2\xc9\xd7\xc5\xd4<b>\xd9</b> <a "
                                    "href='http://host.example/p'>x</a>");
    g_auto(Read) empty = read_message("Content-Type: text/html\n\n");
    g_auto(Read) claimed = read_message("Content-Type: text/html; charset=utf-8\n\n"
                                        "<meta charset=koi8-r><p>Привет");

    assert_once(own, BODY, "приветы");
    assert_once(own, BODY, "host.example");
    assert_once(claimed, BODY, "привет");
    assert_string_equal(claimed.summary->snippet, "Привет");
    assert_null(empty.summary->snippet);
}

#define ALTERNATIVE "Content-Type: multipart/alternative; boundary=b\n\n"

static void alternatives_that_say_the_same_are_found_once(void **state)
{
    g_auto(Read) same = read_message(
        ALTERNATIVE PART("text/plain", "", "The quick brown fox\njumps")
            PART("text/html", "", "<p>The quick <b>brown</b> fox jumps</p>") "--b--\n");
    g_auto(Read) other = read_message(
        ALTERNATIVE PART("text/plain", "", "Please use another program")
            PART("text/html", "", "<p>The <a href=http://host.example>offer</a></p>") "--b--\n");

    assert_once(same, BODY, "quick brown fox jumps");
    assert_once(other, BODY, "use another program");
    assert_once(other, BODY, "the offer");
    assert_once(other, BODY, "host.example");
}

static void a_message_within_is_text(void **state)
{
    g_auto(Read) read = read_message(MIXED PART("text/plain", "", "see below") PART(
        "message/rfc822", "",
        "From: Inner <inner@example.org>\nSubject: Forwarded thing\n\ninner text") "--b--\n");
    g_auto(Read) encoded = read_message(
        MIXED PART("message/rfc822", BASE64, "U3ViamVjdDogSW5uZXIKClRleHQgaW5zaWRlCg==") "--b--");

    assert_once(read, BODY, "forwarded thing");
    assert_once(read, BODY, "inner@example.org");
    assert_once(read, BODY, "inner text");
    assert_absent(read, FROM, "inner");
    assert_string_equal(read.summary->subject, "s");
    assert_string_equal(read.summary->snippet, "see below inner text");
    assert_once(encoded, BODY, "text inside");
    assert_once(encoded, BODY, "inner");
}

static void reports_and_calendars_are_text(void **state)
{
    g_auto(Read) read =
        read_message(MIXED PART("message/delivery-status", "",
                                "Reporting-MTA: dns; mx.example.org\n\n"
                                "Final-Recipient: rfc822; gone@example.org")
                         PART("text/calendar; method=REQUEST", "",
                              "BEGIN:VCALENDAR\nSUMMARY:Budget meeting\nEND:VCALENDAR") "--b--\n");

    assert_once(read, BODY, "gone@example.org");
    assert_once(read, BODY, "budget meeting");
    assert_marks(read, 0);
}

static void flowed_text_is_joined(void **state)
{
    g_auto(Read) read = read_message(
        "Content-Type: text/plain; format=flowed; delsp=yes; charset=utf-8\n\n一つの長い \n文章\n");

    assert_once(read, BODY, "長い文章");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_header_fills_the_summary),
        cmocka_unit_test(raw_headers_are_utf8_or_in_the_charset_of_the_message),
        cmocka_unit_test(bad_dates_and_ids_are_none),
        cmocka_unit_test(a_header_text_that_is_cut_is_told),
        cmocka_unit_test(lines_that_are_no_fields_are_text),
        cmocka_unit_test(texts_are_decoded),
        cmocka_unit_test(html_is_read_in_its_charset),
        cmocka_unit_test(alternatives_that_say_the_same_are_found_once),
        cmocka_unit_test(a_message_within_is_text),
        cmocka_unit_test(reports_and_calendars_are_text),
        cmocka_unit_test(flowed_text_is_joined),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
