/* The LMTP machine: commands, their replies and their events. Messages: test_lmtp_message.c. */
#include "tests/support/lmtp_talk.h"

#include <string.h>

#define OK_SENDER "250 2.1.0"
#define OK_RCPT "250 2.1.5 recipient ok"
#define BAD_SEQUENCE "503 5.5.1"
#define TRANSACTION "MAIL FROM:<s@b.test>\r\nRCPT TO:<a@x.test>\r\n"

static void lhlo_offers_exactly_what_is_understood(void **state)
{
    IngestLmtpOptions options = lmtp_talk_options();
    g_autoptr(LmtpTalk) plain = lmtp_talk_new(NULL);
    g_autoptr(LmtpTalk) rich = NULL;

    lmtp_talk_expect(plain, "LHLO c\r\n", "250-archive.test", "250-PIPELINING",
                     "250-ENHANCEDSTATUSCODES", "250-8BITMIME", "250-BINARYMIME", "250-CHUNKING",
                     "250-SMTPUTF8", "250-SIZE", "250 HELP", NULL);
    options.tls = INGEST_TLS_MAY;
    options.message_len_max = 12345;
    rich = lmtp_talk_new(&options);
    lmtp_talk_expect(rich, "LHLO c\r\n", "250-archive.test", "250-PIPELINING",
                     "250-ENHANCEDSTATUSCODES", "250-8BITMIME", "250-BINARYMIME", "250-CHUNKING",
                     "250-SMTPUTF8", "250-STARTTLS", "250-SIZE 12345", "250 HELP", NULL);
}

static void greetings_of_other_protocols_are_refused(void **state)
{
    g_autoptr(LmtpTalk) talk = lmtp_talk_new(NULL);

    lmtp_talk_expect(talk, "HELO c\r\nEHLO c\r\nLHLO\r\nMAIL FROM:<>\r\n",
                     "500 5.5.0 Need LHLO in LMTP", "500 5.5.0 Need LHLO in LMTP", "501 5.5.4",
                     BAD_SEQUENCE, NULL);
}

static void small_commands_answer_in_any_case_and_state(void **state)
{
    g_autoptr(LmtpTalk) talk = lmtp_talk_new(NULL);

    lmtp_talk_expect(talk, "noop x\r\n  NoOp\r\nVRFY a@x.test\r\nHELP\r\nRSET\r\nWHAT\r\n\r\n",
                     "250 2.0.0", "250 2.0.0", "252 2.5.0", "214 2.0.0", "250 2.0.0", "500 5.5.2",
                     "500 5.5.2", NULL);
    lmtp_talk_expect_notes(talk, "");
}

static void commands_need_their_sequence(void **state)
{
    g_autoptr(LmtpTalk) talk = lmtp_talk_greeted(NULL);

    lmtp_talk_expect(talk, "RCPT TO:<a@x.test>\r\nDATA\r\n", BAD_SEQUENCE, BAD_SEQUENCE, NULL);
    lmtp_talk_expect(talk, "MAIL FROM:<a@b.test>\r\nMAIL FROM:<c@d.test>\r\nDATA\r\n", OK_SENDER,
                     BAD_SEQUENCE, "503 5.5.1 no recipient", NULL);
    lmtp_talk_expect(talk, "RCPT TO:<a@x.test>\r\nDATA now\r\n", OK_RCPT, "501 5.5.4", NULL);
    lmtp_talk_expect(talk, "DATA\r\n.\r\n", "354 ", "250 2.1.5 <a@x.test>", NULL);
    lmtp_talk_expect_notes(talk, "RCPT(a@x.test) BEGIN(a@b.test>a@x.test) DELIVER");
    lmtp_talk_expect(talk, "RCPT TO:<a@x.test>\r\nMAIL FROM:<>\r\n", BAD_SEQUENCE, OK_SENDER, NULL);
}

static void rset_and_lhlo_end_a_transaction(void **state)
{
    g_autoptr(LmtpTalk) talk = lmtp_talk_greeted(NULL);

    lmtp_talk_expect(talk, TRANSACTION "RSET\r\nDATA\r\n", OK_SENDER, OK_RCPT, "250 2.0.0",
                     BAD_SEQUENCE, NULL);
    lmtp_talk_send(talk, TRANSACTION "LHLO c\r\n", strlen(TRANSACTION "LHLO c\r\n"), 0);
    g_free(lmtp_talk_replies(talk));
    lmtp_talk_expect(talk, "DATA\r\n", BAD_SEQUENCE, NULL);
    lmtp_talk_expect_notes(talk, "RCPT(a@x.test) RCPT(a@x.test)");
}

static void every_accepted_recipient_is_answered_in_order(void **state)
{
    g_autoptr(LmtpTalk) talk = lmtp_talk_greeted(NULL);

    lmtp_talk_expect(talk,
                     "MAIL FROM:<>\r\nRCPT TO:<b@x.test>\r\nRCPT TO:<broken\r\nRCPT TO:<a@x.test>"
                     "\r\nRCPT TO:<b@x.test>\r\nDATA\r\nhi\r\n.\r\nNOOP\r\n",
                     OK_SENDER, OK_RCPT, "501 5.1.7", OK_RCPT, OK_RCPT, "354 ",
                     "250 2.1.5 <b@x.test> archived as " LMTP_TALK_ARCHIVE_ID,
                     "250 2.1.5 <a@x.test> archived as " LMTP_TALK_ARCHIVE_ID,
                     "250 2.1.5 <b@x.test> archived as " LMTP_TALK_ARCHIVE_ID, "250 2.0.0", NULL);
    lmtp_talk_expect_notes(talk, "RCPT(b@x.test) RCPT(a@x.test) RCPT(b@x.test) "
                                 "BEGIN(>b@x.test,a@x.test,b@x.test) BYTES DELIVER");
    talk->how = INGEST_ARCHIVED_ALREADY;
    lmtp_talk_expect(talk, TRANSACTION "DATA\r\n.\r\n", OK_SENDER, OK_RCPT, "354 ",
                     "250 2.1.5 <a@x.test> already archived as " LMTP_TALK_ARCHIVE_ID, NULL);
}

static void recipients_that_the_caller_refuses_are_not_answered_later(void **state)
{
    g_autoptr(LmtpTalk) talk = lmtp_talk_greeted(NULL);

    talk->rcpt_reply = "451 4.3.0 not now";
    lmtp_talk_expect(talk, TRANSACTION "DATA\r\n", OK_SENDER, "451 4.3.0 not now",
                     "503 5.5.1 no recipient", NULL);
    talk->rcpt_reply = NULL;
    lmtp_talk_expect(talk, "RCPT TO:<b@x.test>\r\nDATA\r\n.\r\n", OK_RCPT, "354 ",
                     "250 2.1.5 <b@x.test>", NULL);
}

static void refused_recipients_are_no_errors_of_the_client(void **state)
{
    g_autoptr(LmtpTalk) talk = lmtp_talk_greeted(NULL);

    talk->rcpt_reply = "451 4.3.0 not now";
    lmtp_talk_expect(talk, "MAIL FROM:<>\r\n", OK_SENDER, NULL);
    for (guint i = 0; i < INGEST_LMTP_ERRORS_MAX + 1; i++)
        lmtp_talk_expect(talk, "RCPT TO:<a@x.test>\r\n", "451 4.3.0", NULL);
    assert_false(talk->is_over);
}

static const struct {
    VaultErrorCode code;
    const char *reply;
} failures[] = {
    {VAULT_ERROR_NOT_FOUND, "451 4.3.0"},   {VAULT_ERROR_BUSY, "452 4.3.1"},
    {VAULT_ERROR_NO_SPACE, "452 4.3.1"},    {VAULT_ERROR_IO, "451 4.3.0"},
    {VAULT_ERROR_TOO_LARGE, "452 4.5.3"},   {VAULT_ERROR_MALFORMED, "451 4.3.0"},
    {VAULT_ERROR_CORRUPT, "451 4.3.0"},     {VAULT_ERROR_NO_KEY, "451 4.3.5"},
    {VAULT_ERROR_ERASED, "451 4.3.0"},      {VAULT_ERROR_REFUSED, "451 4.3.0"},
    {VAULT_ERROR_UNSUPPORTED, "451 4.3.0"},
};

static void failures_put_off_all_recipients_and_say_nothing_of_the_operators_words(void **state)
{
    for (guint i = 0; i < G_N_ELEMENTS(failures); i++) {
        g_autoptr(GError) failure =
            g_error_new_literal(VAULT_ERROR, (int)failures[i].code, "secret words");
        g_autoptr(LmtpTalk) talk = lmtp_talk_greeted(NULL);
        g_autofree char *replies = NULL;

        talk->failure = failure;
        lmtp_talk_expect(talk, TRANSACTION "RCPT TO:<b@x.test>\r\nDATA\r\n", OK_SENDER, OK_RCPT,
                         OK_RCPT, "354 ", NULL);
        lmtp_talk_send(talk, ".\r\n", 3, 0);
        replies = lmtp_talk_replies(talk);
        assert_true(g_str_has_prefix(replies, failures[i].reply));
        assert_non_null(strstr(strchr(replies, '\n'), failures[i].reply));
        assert_null(strstr(replies, "secret"));
        lmtp_talk_expect(talk, "MAIL FROM:<>\r\n", OK_SENDER, NULL);
    }
}

static void failures_of_other_domains_put_off_too(void **state)
{
    g_autoptr(GError) failure =
        g_error_new_literal(G_FILE_ERROR, G_FILE_ERROR_IO, "from some library");
    g_autoptr(LmtpTalk) talk = lmtp_talk_greeted(NULL);

    talk->failure = failure;
    lmtp_talk_expect(talk, TRANSACTION "DATA\r\n.\r\n", OK_SENDER, OK_RCPT, "354 ", "451 4.3.0",
                     NULL);
}

static const struct {
    const char *path, *address; /* NULL: 501 */
} paths[] = {
    {"<a@x.test>", "a@x.test"},
    {" <a@x.test>", "a@x.test"},
    {"a@x.test", "a@x.test"},
    {"<postmaster>", "postmaster"},
    {"<Postmaster@X.TEST>", "Postmaster@X.TEST"},
    {"<\"a b\"@x.test>", "\"a b\"@x.test"},
    {"<\"a>b\"@x.test>", "\"a>b\"@x.test"},
    {"<\"a@b\"@x.test>", "\"a@b\"@x.test"},
    {"<\"a\\\"> b\"@x.test>", "\"a\\\"> b\"@x.test"},
    {"<@r.test,@s.test:a@x.test>", "a@x.test"},
    {"<@r.test:\"a:b\"@x.test>", "\"a:b\"@x.test"},
    {"<@[IPv6:2001:db8::1]:a@x.test>", "a@x.test"},
    {"<a@[192.0.2.1]>", "a@[192.0.2.1]"},
    {"<a@[IPv6:2001:db8::1]>", "a@[IPv6:2001:db8::1]"},
    {"<archive+a=x.test@y.test>", "archive+a=x.test@y.test"},
    {"<k\xc3\xa4the@x.test>", "k\xc3\xa4the@x.test"},
    {"<a@x.test", NULL},
    {"<\"a@x.test>", NULL},
    {"<a@x.test>b", NULL},
    {"<@x.test>", NULL},
    {"<@r.test:>", NULL},
    {"<a@>", NULL},
    {"<a@x y>", NULL},
    {"<a\tb@x.test>", NULL},
    {"<a\rb@x.test>", NULL},
    {"<a\x7f@x.test>", NULL},
    {"<a\xff@x.test>", NULL},
    {"a", NULL},
    {"a b", NULL},
    {"", NULL},
};

static void paths_are_taken_as_the_rfcs_have_them(void **state)
{
    for (guint i = 0; i < G_N_ELEMENTS(paths); i++) {
        g_autoptr(LmtpTalk) talk = lmtp_talk_greeted(NULL);
        g_autofree char *mail = g_strdup_printf("MAIL FROM:%s\r\n", paths[i].path);
        g_autofree char *rcpt = g_strdup_printf("RCPT TO:%s\r\n", paths[i].path);
        g_autofree char *note = g_strdup_printf("RCPT(%s)", paths[i].address);
        gboolean is_good = paths[i].address != NULL;

        lmtp_talk_expect(talk, mail, is_good ? OK_SENDER : "501 5.", NULL);
        if (is_good)
            assert_string_equal(ingest_lmtp_envelope(talk->lmtp)->sender, paths[i].address);
        else
            lmtp_talk_expect(talk, "MAIL FROM:<>\r\n", OK_SENDER, NULL);
        lmtp_talk_expect(talk, rcpt, is_good ? OK_RCPT : "501 5.", NULL);
        lmtp_talk_expect_notes(talk, is_good ? note : "");
    }
}

static void null_sender_is_taken_and_an_empty_recipient_is_not(void **state)
{
    g_autoptr(LmtpTalk) talk = lmtp_talk_greeted(NULL);

    lmtp_talk_expect(talk, "MAIL FROM:<>\r\nRCPT TO:<>\r\n", OK_SENDER, "501 5.1.3", NULL);
    assert_string_equal(ingest_lmtp_envelope(talk->lmtp)->sender, "");
}

static void wrong_keywords_are_syntax_errors(void **state)
{
    g_autoptr(LmtpTalk) talk = lmtp_talk_greeted(NULL);

    lmtp_talk_expect(talk, "MAIL\r\nMAIL TO:<a@b>\r\nMAIL <a@b>\r\nmail from:<>\r\nRCPT a@b\r\n",
                     "501 5.5.4", "501 5.5.4", "501 5.5.4", OK_SENDER, "501 5.5.4", NULL);
}

static const struct {
    const char *line, *reply;
} parameters[] = {
    {"MAIL FROM:<> SIZE=0", OK_SENDER},
    {"MAIL FROM:<>   size=1000\tBODY=8bitmime", OK_SENDER},
    {"MAIL FROM:<> SIZE=99999999999999999999", OK_SENDER},
    {"MAIL FROM:<> SIZE=100000000000000000000", "501 5.5.4"},
    {"MAIL FROM:<> SIZE=", "501 5.5.4"},
    {"MAIL FROM:<> SIZE=-1", "501 5.5.4"},
    {"MAIL FROM:<> SIZE=1x", "501 5.5.4"},
    {"MAIL FROM:<> SIZE", "555 5.5.4"},
    {"MAIL FROM:<> BODY=7BIT", OK_SENDER},
    {"MAIL FROM:<> BODY=BINARYMIME", OK_SENDER},
    {"MAIL FROM:<> BODY=NINEBIT", "501 5.5.4"},
    {"MAIL FROM:<> SMTPUTF8", OK_SENDER},
    {"MAIL FROM:<> SMTPUTF8=1", "555 5.5.4"},
    {"MAIL FROM:<> AUTH=<>", OK_SENDER},
    {"MAIL FROM:<> RET=HDRS ENVID=QQ+2D314 AUTH=a+2Bb@c.test", OK_SENDER},
    {"MAIL FROM:<> ORCPT=rfc822;a@b", "555 5.5.4"},
    {"MAIL FROM:<> NOSUCH=1", "555 5.5.4"},
    {"RCPT TO:<a@x.test> ORCPT=rfc822;a+2Bb@c.test NOTIFY=SUCCESS,DELAY", OK_RCPT},
    {"RCPT TO:<a@x.test> notify=never", OK_RCPT},
    {"RCPT TO:<a@x.test> SIZE=5", "555 5.5.4"},
    {"RCPT TO:<a@x.test> NOTIFY", "555 5.5.4"},
};

static void parameters_of_all_extensions_are_taken(void **state)
{
    for (guint i = 0; i < G_N_ELEMENTS(parameters); i++) {
        g_autoptr(LmtpTalk) talk = lmtp_talk_greeted(NULL);
        g_autofree char *line = g_strconcat(parameters[i].line, "\r\n", NULL);

        if (g_str_has_prefix(line, "RCPT"))
            lmtp_talk_expect(talk, "MAIL FROM:<>\r\n", OK_SENDER, NULL);
        lmtp_talk_expect(talk, line, parameters[i].reply, NULL);
    }
}

static void envelope_says_what_the_parameters_said(void **state)
{
    g_autoptr(LmtpTalk) talk = lmtp_talk_greeted(NULL);
    const IngestEnvelope *envelope = ingest_lmtp_envelope(talk->lmtp);

    lmtp_talk_expect(talk, "MAIL FROM:<a@b> SIZE=77 BODY=BINARYMIME SMTPUTF8\r\n", OK_SENDER, NULL);
    assert_int_equal(envelope->declared_len, 77);
    assert_true(envelope->is_binary && envelope->is_smtputf8 && !envelope->is_secured);
    lmtp_talk_expect(talk, "RSET\r\nMAIL FROM:<a@b>\r\n", "250 2.0.0", OK_SENDER, NULL);
    assert_int_equal(envelope->declared_len, 0);
    assert_false(envelope->is_binary || envelope->is_smtputf8);
}

static void declared_size_is_compared_with_the_limit(void **state)
{
    IngestLmtpOptions options = lmtp_talk_options();
    g_autoptr(LmtpTalk) talk = NULL;

    options.message_len_max = 1000;
    talk = lmtp_talk_greeted(&options);
    lmtp_talk_expect(talk,
                     "MAIL FROM:<> SIZE=1001\r\nMAIL FROM:<> SIZE=99999999999999999999\r\n"
                     "RCPT TO:<a@x.test>\r\nMAIL FROM:<> SIZE=1000\r\n",
                     "552 5.3.4", "552 5.3.4", BAD_SEQUENCE, OK_SENDER, NULL);
}

static void lines_are_taken_up_to_their_limit(void **state)
{
    static const char *const ends[] = {"\r\n", "\n"};

    for (guint i = 0; i < G_N_ELEMENTS(ends); i++) {
        for (gsize piece = 0; piece < 3; piece++) {
            g_autoptr(LmtpTalk) talk = lmtp_talk_new(NULL);
            g_autofree char *filler = g_strnfill(INGEST_LMTP_LINE_LEN_MAX - 5, 'x');
            g_autofree char *fits = g_strconcat("NOOP ", filler, ends[i], NULL);
            g_autofree char *over = g_strconcat("NOOP x", filler, ends[i], "NOOP\r\n", NULL);

            lmtp_talk_send(talk, fits, strlen(fits), piece);
            lmtp_talk_expect(talk, "", "250 2.0.0", NULL);
            lmtp_talk_send(talk, over, strlen(over), piece);
            lmtp_talk_expect(talk, "", "500 5.5.6", "250 2.0.0", NULL);
        }
    }
}

static void paths_are_taken_up_to_their_limit(void **state)
{
    g_autofree char *domain = g_strnfill(INGEST_LMTP_PATH_LEN_MAX - 2, 'd');
    g_autofree char *fits = g_strdup_printf("MAIL FROM:<a@%s>\r\n", domain);
    g_autofree char *over = g_strdup_printf("RCPT TO:<ab@%s>\r\n", domain);
    g_autoptr(LmtpTalk) talk = lmtp_talk_greeted(NULL);

    lmtp_talk_expect(talk, fits, OK_SENDER, NULL);
    lmtp_talk_expect(talk, over, "501 5.1.3", NULL);
}

static void recipients_are_taken_up_to_their_number(void **state)
{
    IngestLmtpOptions options = lmtp_talk_options();
    g_autoptr(LmtpTalk) talk = NULL;

    options.recipients_max = 2;
    talk = lmtp_talk_greeted(&options);
    lmtp_talk_expect(talk, TRANSACTION "RCPT TO:<b@x.test>\r\nRCPT TO:<c@x.test>\r\nDATA\r\n.\r\n",
                     OK_SENDER, OK_RCPT, OK_RCPT, "452 4.5.3", "354 ", "250 2.1.5 <a@x.test>",
                     "250 2.1.5 <b@x.test>", NULL);
    for (guint i = 0; i < 2 * INGEST_LMTP_ERRORS_MAX; i++)
        lmtp_talk_expect(talk, TRANSACTION "RCPT TO:<b@x.test>\r\nRCPT TO:<c@x.test>\r\nRSET\r\n",
                         OK_SENDER, OK_RCPT, OK_RCPT, "452 4.5.3", "250 2.0.0", NULL);
}

static void recipients_are_taken_up_to_their_bytes(void **state)
{
    g_autofree char *domain = g_strnfill(509, 'd');
    g_autofree char *rcpt = g_strdup_printf("RCPT TO:<a@%s>\r\n", domain);
    g_autoptr(LmtpTalk) talk = lmtp_talk_greeted(NULL);
    guint count_max = INGEST_LMTP_RECIPIENTS_LEN_MAX / 512;

    for (guint round = 0; round < 2; round++) {
        lmtp_talk_expect(talk, "MAIL FROM:<>\r\n", OK_SENDER, NULL);
        for (guint i = 0; i < count_max; i++)
            lmtp_talk_expect(talk, rcpt, OK_RCPT, NULL);
        lmtp_talk_expect(talk, "RCPT TO:<a>\r\nRSET\r\n", "452 4.5.3", "250 2.0.0", NULL);
    }
}

static void errors_are_borne_up_to_their_number(void **state)
{
    g_autoptr(LmtpTalk) talk = lmtp_talk_greeted(NULL);

    for (guint i = 0; i + 1 < INGEST_LMTP_ERRORS_MAX; i++)
        lmtp_talk_expect(talk, "BAD\r\n", "500 5.5.2", NULL);
    lmtp_talk_expect(talk, TRANSACTION "DATA\r\n.\r\n", OK_SENDER, OK_RCPT, "354 ", "250 2.1.5",
                     NULL);
    lmtp_talk_expect_notes(talk, "RCPT(a@x.test) BEGIN(s@b.test>a@x.test) DELIVER");
    for (guint i = 0; i + 1 < INGEST_LMTP_ERRORS_MAX; i++)
        lmtp_talk_expect(talk, "BAD\r\n", "500 5.5.2", NULL);
    lmtp_talk_expect(talk, "BAD\r\nNOOP\r\n", "500 5.5.2", "421 4.7.0", NULL);
    lmtp_talk_expect_notes(talk, "QUIT");
}

static void commands_with_nul_are_refused(void **state)
{
    static const char line[] = "NOOP\0x\r\nNOOP\r\n";
    g_autoptr(LmtpTalk) talk = lmtp_talk_new(NULL);

    lmtp_talk_send(talk, line, sizeof line - 1, 0);
    lmtp_talk_expect(talk, "", "500 5.5.2", "250 2.0.0", NULL);
}

static void quit_ends_everything(void **state)
{
    g_autoptr(LmtpTalk) talk = lmtp_talk_greeted(NULL);

    lmtp_talk_expect(talk, TRANSACTION "QUIT\r\nNOOP\r\nDATA\r\n", OK_SENDER, OK_RCPT, "221 2.0.0",
                     NULL);
    lmtp_talk_expect(talk, "NOOP\r\n", NULL);
    ingest_lmtp_reply_closing(talk->lmtp, "421 4.3.2 stopping");
    lmtp_talk_expect(talk, "", NULL);
    lmtp_talk_expect_notes(talk, "RCPT(a@x.test) QUIT");
}

static void closing_tells_the_client_and_drops_the_message(void **state)
{
    g_autoptr(LmtpTalk) talk = lmtp_talk_greeted(NULL);

    lmtp_talk_expect(talk, TRANSACTION "DATA\r\nhalf", OK_SENDER, OK_RCPT, "354 ", NULL);
    ingest_lmtp_reply_closing(talk->lmtp, "421 4.3.2 stopping");
    lmtp_talk_expect(talk, "\r\n.\r\nNOOP\r\n", "421 4.3.2 stopping", NULL);
    lmtp_talk_expect_notes(talk, "RCPT(a@x.test) BEGIN(s@b.test>a@x.test) BYTES ABANDON QUIT");
}

static void message_that_was_given_to_its_taker_is_not_abandoned(void **state)
{
    static const char rest[] = ".\r\n";
    g_autoptr(LmtpTalk) talk = lmtp_talk_greeted(NULL);
    const guint8 *bytes;
    gsize len;

    lmtp_talk_expect(talk, TRANSACTION "DATA\r\n", OK_SENDER, OK_RCPT, "354 ", NULL);
    ingest_lmtp_feed(talk->lmtp, (const guint8 *)rest, strlen(rest));
    assert_int_equal(ingest_lmtp_next(talk->lmtp, &bytes, &len), INGEST_LMTP_DELIVER);
    ingest_lmtp_reply_closing(talk->lmtp, "421 4.3.2 stopping");
    assert_int_equal(ingest_lmtp_next(talk->lmtp, &bytes, &len), INGEST_LMTP_QUIT);
}

static void starttls_drops_state_and_what_came_behind_it(void **state)
{
    IngestLmtpOptions options = lmtp_talk_options();
    g_autoptr(LmtpTalk) talk = NULL;

    options.tls = INGEST_TLS_MAY;
    talk = lmtp_talk_greeted(&options);
    lmtp_talk_expect(talk, TRANSACTION "BDAT 1\r\nxSTARTTLS now\r\n", OK_SENDER, OK_RCPT,
                     "250 2.0.0", "501 5.5.4", NULL);
    lmtp_talk_expect(talk, "STARTTLS\r\nMAIL FROM:<evil@b.test>\r\nNO", "220 2.0.0", NULL);
    lmtp_talk_expect_notes(talk, "RCPT(a@x.test) BEGIN(s@b.test>a@x.test) BYTES ABANDON STARTTLS");
    lmtp_talk_expect(talk, "OP\r\n", NULL);
    ingest_lmtp_secured(talk->lmtp);
    lmtp_talk_expect(talk, "OP\r\nMAIL FROM:<>\r\nSTARTTLS\r\n", "500 5.5.2", BAD_SEQUENCE,
                     BAD_SEQUENCE, NULL);
    lmtp_talk_expect(talk, "LHLO c\r\n", "250-archive.test", "250-PIPELINING",
                     "250-ENHANCEDSTATUSCODES", "250-8BITMIME", "250-BINARYMIME", "250-CHUNKING",
                     "250-SMTPUTF8", "250-SIZE", "250 HELP", NULL);
    lmtp_talk_expect(talk, TRANSACTION, OK_SENDER, OK_RCPT, NULL);
    assert_true(ingest_lmtp_envelope(talk->lmtp)->is_secured);
}

static void starttls_is_required_where_it_is_and_refused_where_it_is_off(void **state)
{
    IngestLmtpOptions options = lmtp_talk_options();
    g_autoptr(LmtpTalk) off = lmtp_talk_greeted(NULL);
    g_autoptr(LmtpTalk) required = NULL;

    lmtp_talk_expect(off, "STARTTLS\r\n", BAD_SEQUENCE, NULL);
    options.tls = INGEST_TLS_REQUIRE;
    required = lmtp_talk_greeted(&options);
    required->is_secured_at_once = TRUE;
    lmtp_talk_expect(required, "MAIL FROM:<>\r\nNOOP\r\nSTARTTLS\r\nLHLO c\r\n", "530 5.7.0",
                     "250 2.0.0", "220 2.0.0", NULL);
    lmtp_talk_send(required, "LHLO c\r\n", 8, 0);
    g_free(lmtp_talk_replies(required));
    lmtp_talk_expect(required, "MAIL FROM:<>\r\n", OK_SENDER, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lhlo_offers_exactly_what_is_understood),
        cmocka_unit_test(greetings_of_other_protocols_are_refused),
        cmocka_unit_test(small_commands_answer_in_any_case_and_state),
        cmocka_unit_test(commands_need_their_sequence),
        cmocka_unit_test(rset_and_lhlo_end_a_transaction),
        cmocka_unit_test(every_accepted_recipient_is_answered_in_order),
        cmocka_unit_test(recipients_that_the_caller_refuses_are_not_answered_later),
        cmocka_unit_test(refused_recipients_are_no_errors_of_the_client),
        cmocka_unit_test(failures_put_off_all_recipients_and_say_nothing_of_the_operators_words),
        cmocka_unit_test(failures_of_other_domains_put_off_too),
        cmocka_unit_test(paths_are_taken_as_the_rfcs_have_them),
        cmocka_unit_test(null_sender_is_taken_and_an_empty_recipient_is_not),
        cmocka_unit_test(wrong_keywords_are_syntax_errors),
        cmocka_unit_test(parameters_of_all_extensions_are_taken),
        cmocka_unit_test(envelope_says_what_the_parameters_said),
        cmocka_unit_test(declared_size_is_compared_with_the_limit),
        cmocka_unit_test(lines_are_taken_up_to_their_limit),
        cmocka_unit_test(paths_are_taken_up_to_their_limit),
        cmocka_unit_test(recipients_are_taken_up_to_their_number),
        cmocka_unit_test(recipients_are_taken_up_to_their_bytes),
        cmocka_unit_test(errors_are_borne_up_to_their_number),
        cmocka_unit_test(commands_with_nul_are_refused),
        cmocka_unit_test(quit_ends_everything),
        cmocka_unit_test(closing_tells_the_client_and_drops_the_message),
        cmocka_unit_test(message_that_was_given_to_its_taker_is_not_abandoned),
        cmocka_unit_test(starttls_drops_state_and_what_came_behind_it),
        cmocka_unit_test(starttls_is_required_where_it_is_and_refused_where_it_is_off),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
