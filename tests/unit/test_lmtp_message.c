/* The LMTP machine: bytes of messages, by DATA and BDAT, however the input is cut. */
#include "ingest/lmtp_data.h"
#include "tests/support/lmtp_talk.h"

#include <string.h>

#define OK_SENDER "250 2.1.0"
#define OK_RCPT "250 2.1.5 recipient ok"
#define OK_CHUNK "250 2.0.0 chunk"
#define TOO_LARGE "552 5.3.4"
#define TRANSACTION "MAIL FROM:<s@b.test>\r\nRCPT TO:<a@x.test>\r\n"
#define BYTES(text) (text), sizeof(text) - 1

static const struct {
    const char *wire;
    gsize wire_len;
    const char *message;
    gsize len;
} transparency[] = {
    {BYTES(".\r\n"), BYTES("")},
    {BYTES("\r\n.\r\n"), BYTES("\r\n")},
    {BYTES("a\r\n.\r\n"), BYTES("a\r\n")},
    {BYTES("..\r\n.\r\n"), BYTES(".\r\n")},
    {BYTES("...\r\n..a\r\n.\r\n"), BYTES("..\r\n.a\r\n")},
    {BYTES(".a\r\n.\r\n"), BYTES("a\r\n")},
    {BYTES("a.\r\nb..c\r\n.\r\n"), BYTES("a.\r\nb..c\r\n")},
    {BYTES("a\n.\nb\n.\r\nc\r\n.\r\n"), BYTES("a\n.\nb\n.\r\nc\r\n")},
    {BYTES("a\r.\rb\r.\r\nc\r\n.\r\n"), BYTES("a\r.\rb\r.\r\nc\r\n")},
    {BYTES("a\r\n.\nb\r\n.\r\n"), BYTES("a\r\n\nb\r\n")},
    {BYTES("a\r\n.\rb\r\n.\r\n"), BYTES("a\r\n\rb\r\n")},
    {BYTES("a\r\n.\r\r\nb\r\n.\r\n"), BYTES("a\r\n\r\r\nb\r\n")},
    {BYTES("a\r\n.\r.\r\nb\r\n.\r\n"), BYTES("a\r\n\r.\r\nb\r\n")},
    {BYTES("a\r\r\n.\r\n"), BYTES("a\r\r\n")},
    {BYTES("\r\r\n..\r\n.\r\n"), BYTES("\r\r\n.\r\n")},
    {BYTES("\n\r\n.\r\n"), BYTES("\n\r\n")},
    {BYTES("\n.\r\nb\r\n.\r\n"), BYTES("\n.\r\nb\r\n")},
    {BYTES("a\r\n\n..\r\n.\r\n"), BYTES("a\r\n\n..\r\n")},
    {BYTES("a\0b\xff\x80\r\n.\0\r\n.\r\n"), BYTES("a\0b\xff\x80\r\n\0\r\n")},
};

static void data_comes_out_exactly(void **state)
{
    for (guint i = 0; i < G_N_ELEMENTS(transparency); i++) {
        for (gsize piece = 0; piece <= transparency[i].wire_len; piece++) {
            g_autoptr(LmtpTalk) talk = lmtp_talk_greeted(NULL);

            lmtp_talk_expect(talk, TRANSACTION "DATA\r\n", OK_SENDER, OK_RCPT, "354 ", NULL);
            lmtp_talk_send(talk, transparency[i].wire, transparency[i].wire_len, piece);
            lmtp_talk_expect(talk, "NOOP\r\n", "250 2.1.5", "250 2.0.0", NULL);
            lmtp_talk_expect_message(talk, 0, transparency[i].message, transparency[i].len);
        }
    }
}

static void scan_holds_nothing_back_and_uses_all_it_is_given(void **state)
{
    LmtpDataState data_state = LMTP_DATA_LINE_START;
    LmtpDataSlice slice = lmtp_data_scan(&data_state, (const guint8 *)"ab\r\nc\r\n.d", 9);

    assert_int_equal(slice.len, 7);
    assert_int_equal(slice.used_len, 7);
    assert_false(slice.is_end);
    slice = lmtp_data_scan(&data_state, (const guint8 *)".d", 2);
    assert_int_equal(slice.len, 0);
    assert_int_equal(slice.used_len, 1);
    slice = lmtp_data_scan(&data_state, (const guint8 *)"d", 1);
    assert_int_equal(slice.len, 1);
}

static void lines_of_a_message_have_no_limit(void **state)
{
    g_autofree char *line = g_strnfill(1000000, 'x');
    g_autoptr(LmtpTalk) talk = lmtp_talk_greeted(NULL);

    lmtp_talk_expect(talk, TRANSACTION "DATA\r\n", OK_SENDER, OK_RCPT, "354 ", NULL);
    lmtp_talk_send(talk, line, 1000000, 4096);
    lmtp_talk_expect(talk, "\r\n.\r\n", "250 2.1.5", NULL);
    assert_int_equal(((GByteArray *)talk->delivered->pdata[0])->len, 1000002);
}

/* Everything that the machine does, in one input. */
static const char session[] =
    "LHLO c\r\nMAIL FROM:<s@b.test> SIZE=5\r\nRCPT TO:<a@x.test>\r\nRCPT TO:<broken\r\n"
    "RCPT TO:<b@x.test> NOTIFY=NEVER\r\nDATA\r\nSubject: x\r\n\r\n..dot\r\n.\rno end\r\n.\r\n"
    "MAIL FROM:<>\r\nRCPT TO:<c@x.test>\nBDAT 4\r\n.\r\n\0BDAT 0\r\nBDAT 5 LAST\r\nQUIT\r"
    "NOOP\r\nBDAT 3 LAST\r\nabcMAIL FROM:<t@b.test>\r\nRCPT TO:<d@x.test>\r\nBDAT 2\r\nxyRSET\r\n"
    "MAIL FROM:<t@b.test>\r\nRCPT TO:<d@x.test>\r\nDATA\r\nthis one is over the limit of it all, "
    "which is at sixty-four bytes\r\n.\r\nWHAT\0\r\nQUIT\r\nNOOP\r\n";

static LmtpTalk *talk_session(gsize first_len, gsize piece_len)
{
    IngestLmtpOptions options = lmtp_talk_options();
    LmtpTalk *talk;

    options.message_len_max = 64;
    talk = lmtp_talk_new(&options);
    lmtp_talk_send(talk, session, first_len, 0);
    lmtp_talk_send(talk, session + first_len, sizeof session - 1 - first_len, piece_len);
    return talk;
}

static void assert_same_talk(LmtpTalk *talk, LmtpTalk *other, const char *replies)
{
    g_autofree char *other_replies = lmtp_talk_replies(other);

    assert_string_equal(other->notes->str, talk->notes->str);
    assert_string_equal(other_replies, replies);
    assert_int_equal(other->delivered->len, talk->delivered->len);
    for (guint i = 0; i < talk->delivered->len; i++) {
        const GByteArray *message = talk->delivered->pdata[i];

        lmtp_talk_expect_message(other, i, message->data, message->len);
    }
}

static void input_cut_anywhere_gives_the_same_events(void **state)
{
    g_autoptr(LmtpTalk) whole = talk_session(0, 0);
    g_autofree char *replies = lmtp_talk_replies(whole);

    assert_string_equal(whole->notes->str,
                        "RCPT(a@x.test) RCPT(b@x.test) BEGIN(s@b.test>a@x.test,b@x.test) BYTES "
                        "DELIVER RCPT(c@x.test) BEGIN(>c@x.test) BYTES DELIVER RCPT(d@x.test) "
                        "BEGIN(t@b.test>d@x.test) BYTES ABANDON RCPT(d@x.test) "
                        "BEGIN(t@b.test>d@x.test) ABANDON QUIT");
    lmtp_talk_expect_message(whole, 0, BYTES("Subject: x\r\n\r\n.dot\r\n\rno end\r\n"));
    lmtp_talk_expect_message(whole, 1, BYTES(".\r\n\0QUIT\r"));
    for (gsize at = 1; at < sizeof session - 1; at++) {
        g_autoptr(LmtpTalk) cut = talk_session(at, 0);

        /* Before the limit is passed, bytes may have been given out or not. */
        if (strstr(cut->notes->str, "BYTES ABANDON QUIT") != NULL)
            g_string_replace(cut->notes, "BYTES ABANDON QUIT", "ABANDON QUIT", 0);
        assert_same_talk(whole, cut, replies);
    }
    for (gsize piece_len = 1; piece_len < 9; piece_len++) {
        g_autoptr(LmtpTalk) cut = talk_session(0, piece_len);

        g_string_replace(cut->notes, "BYTES ABANDON QUIT", "ABANDON QUIT", 0);
        assert_same_talk(whole, cut, replies);
    }
}

static void chunks_are_answered_and_the_last_for_each_recipient(void **state)
{
    g_autoptr(LmtpTalk) talk = lmtp_talk_greeted(NULL);

    lmtp_talk_expect(talk, TRANSACTION "RCPT TO:<b@x.test>\r\nBDAT 2\r\n.\r", OK_SENDER, OK_RCPT,
                     OK_RCPT, OK_CHUNK, NULL);
    lmtp_talk_expect(talk, "BDAT 0\r\nNOOP\r\nbdat 1 last\r\n\nNOOP\r\n", OK_CHUNK, "250 2.0.0 ok",
                     "250 2.1.5 <a@x.test>", "250 2.1.5 <b@x.test>", "250 2.0.0 ok", NULL);
    lmtp_talk_expect_message(talk, 0, BYTES(".\r\n"));
    lmtp_talk_expect(talk, TRANSACTION "BDAT 0 LAST\r\n", OK_SENDER, OK_RCPT,
                     "250 2.1.5 <a@x.test>", NULL);
    lmtp_talk_expect_message(talk, 1, "", 0);
}

static void binary_bodies_come_by_chunks_only(void **state)
{
    g_autoptr(LmtpTalk) talk = lmtp_talk_greeted(NULL);

    lmtp_talk_expect(talk,
                     "MAIL FROM:<> BODY=BINARYMIME\r\nRCPT TO:<a@x.test>\r\nDATA\r\n"
                     "BDAT 4 LAST\r\n\r\n.\n",
                     OK_SENDER, OK_RCPT, "503 5.5.1", "250 2.1.5", NULL);
    lmtp_talk_expect_message(talk, 0, BYTES("\r\n.\n"));
}

static void chunks_without_recipients_are_swallowed_and_refused(void **state)
{
    g_autoptr(LmtpTalk) talk = lmtp_talk_greeted(NULL);

    lmtp_talk_expect(talk, "BDAT 6\r\nQUIT\r\nBDAT 6 LAST\r\nQUIT\r\n", "503 5.5.1", "503 5.5.1",
                     NULL);
    lmtp_talk_expect(talk, "MAIL FROM:<>\r\nBDAT 6\r\nQUIT\r\nRCPT TO:<a@x.test>\r\n", OK_SENDER,
                     "503 5.5.1", "503 5.5.1", NULL);
    lmtp_talk_expect(talk, "BDAT 6 LAST\r\nQUIT\r\nMAIL FROM:<>\r\n", "503 5.5.1", OK_SENDER, NULL);
    lmtp_talk_expect_notes(talk, "");
}

static void swallowed_chunks_do_not_count_for_the_next_message(void **state)
{
    IngestLmtpOptions options = lmtp_talk_options();
    g_autoptr(LmtpTalk) talk = NULL;

    options.message_len_max = 8;
    talk = lmtp_talk_greeted(&options);
    lmtp_talk_expect(talk, "BDAT 6\r\nQUIT\r\n" TRANSACTION "DATA\r\n1234\r\n.\r\n", "503 5.5.1",
                     OK_SENDER, OK_RCPT, "354 ", "250 2.1.5", NULL);
}

static void nothing_but_chunks_follows_a_chunk(void **state)
{
    g_autoptr(LmtpTalk) talk = lmtp_talk_greeted(NULL);

    lmtp_talk_expect(talk, TRANSACTION "BDAT 1\r\nx", OK_SENDER, OK_RCPT, OK_CHUNK, NULL);
    lmtp_talk_expect(talk, "DATA\r\nRCPT TO:<b@x.test>\r\nMAIL FROM:<>\r\n", "503 5.5.1",
                     "503 5.5.1", "503 5.5.1", NULL);
    lmtp_talk_expect(talk, "BDAT 1 LAST\r\ny", "250 2.1.5", NULL);
    lmtp_talk_expect_message(talk, 0, BYTES("xy"));
}

static void message_between_chunks_is_dropped_by(const char *command, const char *notes)
{
    g_autoptr(LmtpTalk) talk = lmtp_talk_greeted(NULL);

    lmtp_talk_expect(talk, TRANSACTION "BDAT 1\r\nx", OK_SENDER, OK_RCPT, OK_CHUNK, NULL);
    lmtp_talk_send(talk, command, strlen(command), 0);
    g_free(lmtp_talk_replies(talk));
    lmtp_talk_expect_notes(talk, notes);
    if (!talk->is_over)
        lmtp_talk_expect(talk, "BDAT 1 LAST\r\nx" TRANSACTION "BDAT 2 LAST\r\nab", "503 5.5.1",
                         OK_SENDER, OK_RCPT, "250 2.1.5", NULL);
}

static void message_between_chunks_is_dropped_and_its_taker_told(void **state)
{
    g_autoptr(GString) errors = g_string_new(NULL);

    for (guint i = 0; i < INGEST_LMTP_ERRORS_MAX; i++)
        g_string_append(errors, "BAD\r\n");
#define SO_FAR "RCPT(a@x.test) BEGIN(s@b.test>a@x.test) BYTES "
    message_between_chunks_is_dropped_by("RSET\r\n", SO_FAR "ABANDON");
    message_between_chunks_is_dropped_by("LHLO d\r\n", SO_FAR "ABANDON");
    message_between_chunks_is_dropped_by("QUIT\r\n", SO_FAR "ABANDON QUIT");
    message_between_chunks_is_dropped_by("BDAT x\r\n", SO_FAR "ABANDON QUIT");
    message_between_chunks_is_dropped_by(errors->str, SO_FAR "ABANDON QUIT");
}

static void chunks_of_unknown_length_end_the_session(void **state)
{
    static const char *const lines[] = {"BDAT\r\n",      "BDAT x\r\n",
                                        "BDAT -1\r\n",   "BDAT 1 FIRST\r\n",
                                        "BDAT LAST\r\n", "BDAT 9223372036854775808\r\n",
                                        "BDAT 1x\r\n",   "BDAT +1 LAST\r\n"};

    for (guint i = 0; i < G_N_ELEMENTS(lines); i++) {
        g_autoptr(LmtpTalk) talk = lmtp_talk_greeted(NULL);
        g_autofree char *text = g_strconcat(TRANSACTION, lines[i], "NOOP\r\n", NULL);

        lmtp_talk_expect(talk, text, OK_SENDER, OK_RCPT, "421 4.5.2", NULL);
        lmtp_talk_expect_notes(talk, "RCPT(a@x.test) QUIT");
    }
}

static LmtpTalk *limited_talk(void)
{
    IngestLmtpOptions options = lmtp_talk_options();

    options.message_len_max = 8;
    return lmtp_talk_greeted(&options);
}

static void data_is_taken_up_to_the_limit(void **state)
{
    for (gsize piece = 0; piece < 4; piece++) {
        static const char fits[] = "..23456\r\n.\r\n", over[] = "..234567\r\n.\r\n";
        g_autoptr(LmtpTalk) talk = limited_talk();

        lmtp_talk_expect(talk, TRANSACTION "RCPT TO:<b@x.test>\r\nDATA\r\n", OK_SENDER, OK_RCPT,
                         OK_RCPT, "354 ", NULL);
        lmtp_talk_send(talk, fits, sizeof fits - 1, piece);
        lmtp_talk_expect(talk, "", "250 2.1.5", "250 2.1.5", NULL);
        lmtp_talk_expect(talk, TRANSACTION "RCPT TO:<b@x.test>\r\nDATA\r\n", OK_SENDER, OK_RCPT,
                         OK_RCPT, "354 ", NULL);
        lmtp_talk_send(talk, over, sizeof over - 1, piece);
        lmtp_talk_expect(talk, "MAIL FROM:<>\r\n", TOO_LARGE, TOO_LARGE, OK_SENDER, NULL);
        assert_int_equal(talk->delivered->len, 1);
        assert_true(g_str_has_suffix(talk->notes->str, "ABANDON"));
    }
}

static void taker_of_a_message_over_the_limit_need_not_wait_for_its_end(void **state)
{
    g_autoptr(LmtpTalk) talk = limited_talk();

    lmtp_talk_expect(talk, TRANSACTION "DATA\r\n12345678", OK_SENDER, OK_RCPT, "354 ", NULL);
    lmtp_talk_expect_notes(talk, "RCPT(a@x.test) BEGIN(s@b.test>a@x.test) BYTES");
    lmtp_talk_expect(talk, "9", NULL);
    lmtp_talk_expect_notes(talk, "ABANDON");
    lmtp_talk_expect(talk, "and on\r\n.\r\n", TOO_LARGE, NULL);
    lmtp_talk_expect_notes(talk, "");
}

static void chunks_are_taken_up_to_the_limit(void **state)
{
    g_autoptr(LmtpTalk) talk = limited_talk();

    lmtp_talk_expect(talk, TRANSACTION "BDAT 4\r\n1234BDAT 4 LAST\r\n5678", OK_SENDER, OK_RCPT,
                     OK_CHUNK, "250 2.1.5", NULL);
    lmtp_talk_expect_notes(talk, "RCPT(a@x.test) BEGIN(s@b.test>a@x.test) BYTES DELIVER");
    lmtp_talk_expect(talk, TRANSACTION "RCPT TO:<b@x.test>\r\nBDAT 4\r\n1234BDAT 5\r\n56789",
                     OK_SENDER, OK_RCPT, OK_RCPT, OK_CHUNK, TOO_LARGE, NULL);
    lmtp_talk_expect_notes(
        talk, "RCPT(a@x.test) RCPT(b@x.test) BEGIN(s@b.test>a@x.test,b@x.test) BYTES ABANDON");
    lmtp_talk_expect(talk, "BDAT 1\r\nxBDAT 6 LAST\r\nQUIT\r\nMAIL FROM:<>\r\n", TOO_LARGE,
                     TOO_LARGE, TOO_LARGE, OK_SENDER, NULL);
    lmtp_talk_expect_notes(talk, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_comes_out_exactly),
        cmocka_unit_test(scan_holds_nothing_back_and_uses_all_it_is_given),
        cmocka_unit_test(lines_of_a_message_have_no_limit),
        cmocka_unit_test(input_cut_anywhere_gives_the_same_events),
        cmocka_unit_test(chunks_are_answered_and_the_last_for_each_recipient),
        cmocka_unit_test(binary_bodies_come_by_chunks_only),
        cmocka_unit_test(chunks_without_recipients_are_swallowed_and_refused),
        cmocka_unit_test(swallowed_chunks_do_not_count_for_the_next_message),
        cmocka_unit_test(nothing_but_chunks_follows_a_chunk),
        cmocka_unit_test(message_between_chunks_is_dropped_and_its_taker_told),
        cmocka_unit_test(chunks_of_unknown_length_end_the_session),
        cmocka_unit_test(data_is_taken_up_to_the_limit),
        cmocka_unit_test(taker_of_a_message_over_the_limit_need_not_wait_for_its_end),
        cmocka_unit_test(chunks_are_taken_up_to_the_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
