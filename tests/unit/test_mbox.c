/* restore/mbox.h, restore/mbox_reader.h, restore/mail_date.h: postmarks, quoting, messages in an
 * mbox. */
#include "restore/mail_date.h"
#include "restore/mbox_reader.h"
#include "vault/base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

/* ---- an input in memory, given out in pieces of a chosen size -------------------------------- */

typedef struct {
    const guint8 *bytes;
    gsize len, at, step;
} Memory;

static gssize read_memory(gpointer user, guint8 *ret_bytes, gsize len, GError **error)
{
    Memory *memory = user;
    gsize count = MIN(MIN(len, memory->step), memory->len - memory->at);

    memcpy(ret_bytes, memory->bytes + memory->at, count);
    memory->at += count;
    return (gssize)count;
}

static void free_message(gpointer message)
{
    g_byte_array_unref(message);
}

/* All messages of an mbox. */
static GPtrArray *read_all(const void *bytes, gsize len, MboxReadForm form, gsize step)
{
    Memory memory = {.bytes = bytes, .len = len, .step = step};
    g_autoptr(MailInput) input = mail_input_new(read_memory, &memory, len, -1);
    g_autoptr(MboxReader) reader = mbox_reader_new(input, form);
    GPtrArray *messages = g_ptr_array_new_with_free_func(free_message);

    for (;;) {
        g_auto(MboxMessage) message = {0};
        g_autoptr(GByteArray) piece = g_byte_array_new();
        GByteArray *whole;
        gboolean found;

        assert_true(mbox_reader_next(reader, &message, &found, NULL));
        if (!found)
            return messages;
        whole = g_byte_array_new();
        for (;;) {
            assert_true(mbox_reader_read(reader, piece, NULL));
            if (piece->len == 0)
                break;
            g_byte_array_append(whole, piece->data, piece->len);
        }
        g_ptr_array_add(messages, whole);
    }
}

static void assert_messages(const char *mbox, MboxReadForm form, const char *const *expected)
{
    static const gsize steps[] = {1, 2, 3, 7, 65536};

    for (gsize i = 0; i < G_N_ELEMENTS(steps); i++) {
        g_autoptr(GPtrArray) messages = read_all(mbox, strlen(mbox), form, steps[i]);
        guint count = g_strv_length((char **)(gpointer)expected);

        assert_int_equal(messages->len, count);
        for (guint n = 0; n < count; n++) {
            GByteArray *message = messages->pdata[n];

            assert_int_equal(message->len, strlen(expected[n]));
            assert_memory_equal(message->data, expected[n], message->len);
        }
    }
}

#define POSTMARK "From a@example.org Thu Jan  1 00:00:01 1970\n"
#define EXPECT(...) ((const char *const[]){__VA_ARGS__, NULL})

/* ---- dates ----------------------------------------------------------------------------------- */

static void dates_of_postmarks_are_read_in_all_forms(void **state)
{
    static const struct {
        const char *text;
        guint64 time_s;
    } good[] = {{"Thu Jan  1 00:00:01 1970", 1},
                {"Fri Feb 13 23:31:30 2009", 1234567890},
                {"Fri Feb 13 23:31 2009", 1234567860},
                {"Sat Feb 14 00:31:30 2009 +0100", 1234567890},
                {"Sat Feb 14 00:31:30 CET 2009", 1234567890},
                {"Sat Feb 14 00:31:30 MET DST 2009", 1234571490},
                {"Fri Feb 13 23:31:60 2009", 1234567919}};
    static const char *const bad[] = {"",
                                      "Thu",
                                      "Thu Jan 1 00:00:00",
                                      "Thu Jan 32 00:00:00 1970",
                                      "Thu Foo 1 00:00:00 1970",
                                      "Thu Jan 1 24:00:00 1970",
                                      "Thu Jan 1 00:00:00 1969",
                                      "Thu Feb 30 00:00:00 1999",
                                      "Fri Dec 31 23:00:00 9999 -0800",
                                      "Thu Jan 1 00:00:00 19700"};
    guint64 time_s;

    for (gsize i = 0; i < G_N_ELEMENTS(good); i++) {
        assert_true(mail_date_parse_postmark(good[i].text, &time_s));
        assert_int_equal(time_s, good[i].time_s);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++)
        assert_false(mail_date_parse_postmark(bad[i], &time_s));
}

static void dates_of_received_fields_are_read(void **state)
{
    static const struct {
        const char *text;
        guint64 time_s;
    } good[] = {{"Fri, 13 Feb 2009 23:31:30 +0000", 1234567890},
                {" Fri, 13 Feb 2009 15:31:30 -0800 (PST)", 1234567890},
                {"13 Feb 2009 23:31:30 GMT", 1234567890},
                {"Fri 13 Feb 09 23:31:30", 1234567890},
                {"Fri, 13 Feb 2009 23:31 (no zone)", 1234567860}};
    static const char *const bad[] = {"",
                                      "Fri,",
                                      "Fri, 13 Feb",
                                      "Fri, x Feb 2009 23:31:30",
                                      "Fri, 13 Feb 2009",
                                      "Fri, 13 Feb 1969 00:00:00 +0000"};
    guint64 time_s;

    for (gsize i = 0; i < G_N_ELEMENTS(good); i++) {
        assert_true(mail_date_parse_rfc5322(good[i].text, &time_s));
        assert_int_equal(time_s, good[i].time_s);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++)
        assert_false(mail_date_parse_rfc5322(bad[i], &time_s));
}

/* ---- postmarks ------------------------------------------------------------------------------- */

static void a_postmark_comes_back_as_written(void **state)
{
    g_autofree char *line = mbox_postmark_format("a@example.org", 1234567890);
    g_auto(MboxPostmark) postmark = {0};

    assert_string_equal(line, "From a@example.org Fri Feb 13 23:31:30 2009\n");
    assert_true(mbox_postmark_parse(line, strlen(line), &postmark));
    assert_string_equal(postmark.sender, "a@example.org");
    assert_int_equal(postmark.received_s, 1234567890);
}

static void no_sender_can_break_a_postmark(void **state)
{
    static const char *const senders[] = {NULL, "", "a\nFrom b Thu Jan  1 00:00:00 1970", "a b\rc",
                                          "\x01\x7f"};

    for (gsize i = 0; i < G_N_ELEMENTS(senders); i++) {
        g_autofree char *line = mbox_postmark_format(senders[i], 5);
        g_auto(MboxPostmark) postmark = {0};

        assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
        assert_null(strchr(line, '\r'));
        assert_true(mbox_postmark_parse(line, strlen(line), &postmark));
        assert_int_equal(postmark.received_s, 5);
        if (i < 2)
            assert_string_equal(postmark.sender, "");
    }
}

static void a_sender_that_no_postmark_holds_is_left_out(void **state)
{
    for (gsize len = MBOX_SENDER_LEN_MAX; len <= 2 * MBOX_POSTMARK_LEN_MAX; len++) {
        g_autofree char *sender = g_strnfill(len, 's');
        g_autofree char *line = mbox_postmark_format(sender, 5);
        g_auto(MboxPostmark) postmark = {0};

        assert_true(mbox_postmark_parse(line, strlen(line), &postmark));
        assert_string_equal(postmark.sender, len == MBOX_SENDER_LEN_MAX ? sender : "");
    }
}

static void lines_that_are_no_postmark_are_refused(void **state)
{
    static const char *const lines[] = {"", "From", "From ", "From here on, all is well\n",
                                        "from a Thu Jan  1 00:00:00 1970\n"};
    g_autofree char *longer = g_strnfill(MBOX_POSTMARK_LEN_MAX, 'x');
    g_autofree char *line = g_strconcat("From ", longer, " Thu Jan  1 00:00:00 1970\n", NULL);
    MboxPostmark postmark;

    for (gsize i = 0; i < G_N_ELEMENTS(lines); i++)
        assert_false(mbox_postmark_parse(lines[i], strlen(lines[i]), &postmark));
    assert_false(mbox_postmark_parse(line, strlen(line), &postmark));
    assert_false(mbox_postmark_parse("From a\0 Thu Jan  1 00:00:00 1970", 33, &postmark));
}

/* ---- quoting --------------------------------------------------------------------------------- */

static GByteArray *convert(const char *text, gsize step, MboxQuoting quoting,
                           void (*function)(MboxQuoteState *, const guint8 *, gsize, GByteArray *))
{
    GByteArray *out = g_byte_array_new();
    MboxQuoteState state;

    mbox_quote_begin(&state, quoting);
    for (gsize at = 0, len = strlen(text); at < len; at += MIN(step, len - at))
        function(&state, (const guint8 *)text + at, MIN(step, len - at), out);
    mbox_quote_end(&state, out);
    return out;
}

static void assert_bytes(const GByteArray *bytes, const char *text)
{
    assert_int_equal(bytes->len, strlen(text));
    assert_memory_equal(bytes->data, text, bytes->len);
}

static void mboxrd_quotes_every_from_line_and_takes_it_back(void **state)
{
    static const char plain[] = "From a\n>From b\n>>>From c\nFro\n>Frog\n> From d\nx From e\nFrom ";
    static const char quoted[] =
        ">From a\n>>From b\n>>>>From c\nFro\n>Frog\n> From d\nx From e\n>From ";

    for (gsize step = 1; step < 12; step++) {
        g_autoptr(GByteArray) there = convert(plain, step, MBOX_MBOXRD, mbox_quote);
        g_autoptr(GByteArray) back = convert(quoted, step, MBOX_MBOXRD, mbox_unquote);

        assert_bytes(there, quoted);
        assert_bytes(back, plain);
    }
}

static void mboxo_unquotes_one_mark_only(void **state)
{
    for (gsize step = 1; step < 9; step++) {
        g_autoptr(GByteArray) back =
            convert(">From a\n>>From b\n>x\n>", step, MBOX_MBOXO, mbox_unquote);

        assert_bytes(back, "From a\n>>From b\n>x\n>");
    }
}

/* ---- reading --------------------------------------------------------------------------------- */

static void separators_are_no_part_of_messages(void **state)
{
    assert_messages(POSTMARK "A: 1\n\none\n\n" POSTMARK "B: 2\n\ntwo\n\n", MBOX_READ_AUTO,
                    EXPECT("A: 1\n\none\n", "B: 2\n\ntwo\n"));
    /* the last one without an empty line, or without any line end */
    assert_messages(POSTMARK "A: 1\n\none\n", MBOX_READ_AUTO, EXPECT("A: 1\n\none\n"));
    assert_messages(POSTMARK "A: 1\n\none", MBOX_READ_AUTO, EXPECT("A: 1\n\none"));
    assert_messages(POSTMARK, MBOX_READ_AUTO, EXPECT(""));
    assert_messages(POSTMARK "\n" POSTMARK "x\n\n", MBOX_READ_AUTO, EXPECT("", "x\n"));
}

static void crlf_files_keep_their_line_ends(void **state)
{
    assert_messages("From a Thu Jan  1 00:00:01 1970\r\nA: 1\r\n\r\none\r\n\r\n"
                    "From b Thu Jan  1 00:00:01 1970\r\nB: 2\r\n\r\ntwo\r\n"
                    "From c Thu Jan  1 00:00:01 1970\r\nC: 3\r\n\r\n",
                    MBOX_READ_AUTO,
                    EXPECT("A: 1\r\n\r\none\r\n", "B: 2\r\n\r\ntwo\r\n", "C: 3\r\n"));
}

static void from_lines_in_a_body_end_a_message_only_where_the_form_says_so(void **state)
{
    static const char mbox[] = POSTMARK "A: 1\n\nFrom here on\n>From x\n>>From y\n\n";

    assert_messages(mbox, MBOX_READ_AUTO, EXPECT("A: 1\n\nFrom here on\nFrom x\n>From y\n"));
    assert_messages(mbox, MBOX_READ_MBOXO, EXPECT("A: 1\n\nFrom here on\nFrom x\n>>From y\n"));
    assert_messages(mbox, MBOX_READ_MBOXRD, EXPECT("A: 1\n", "From x\n>From y\n"));
    assert_messages(mbox, MBOX_READ_MBOXCL2, EXPECT("A: 1\n\nFrom here on\n>From x\n>>From y\n"));
}

static void a_content_length_that_leads_to_a_postmark_is_believed(void **state)
{
    static const char body[] = "x\n" POSTMARK ">From y\n";
    g_autofree char *first =
        g_strdup_printf("Content-Length: %" G_GSIZE_FORMAT "\n\n%s", strlen(body), body);
    g_autofree char *mbox = g_strconcat(POSTMARK, first, "\n" POSTMARK, first, NULL);

    assert_messages(mbox, MBOX_READ_MBOXCL2, EXPECT(first, first));
    assert_messages(mbox, MBOX_READ_AUTO, EXPECT(first, first));
}

static void a_false_content_length_loses_nothing(void **state)
{
    static const char *const lengths[] = {
        "1", "3", "99", "9223372036854775807", "18446744073709551616", "-1", "x", ""};

    for (gsize i = 0; i < G_N_ELEMENTS(lengths); i++) {
        g_autofree char *first = g_strdup_printf("Content-Length: %s\n\none\n", lengths[i]);
        g_autofree char *mbox = g_strconcat(POSTMARK, first, "\n" POSTMARK "two\n\n", NULL);

        assert_messages(mbox, MBOX_READ_AUTO, EXPECT(first, "two\n"));
        assert_messages(mbox, MBOX_READ_MBOXCL2, EXPECT(first, "two\n"));
    }
}

/* Too far to look at, so believed, and false: the message goes on to the next postmark. */
static void a_false_length_that_nobody_can_check_loses_nothing(void **state)
{
    g_autofree char *filler = g_strnfill(2 * MAIL_INPUT_WINDOW_LEN, 'x');
    g_autofree char *first =
        g_strdup_printf("Content-Length: %u\n\n%s\n", MAIL_INPUT_WINDOW_LEN + 5000, filler);
    g_autofree char *mbox = g_strconcat(POSTMARK, first, "\n" POSTMARK "two\n\n", NULL);
    g_autoptr(GPtrArray) messages =
        read_all(mbox, strlen(mbox), MBOX_READ_MBOXCL2, MAIL_INPUT_WINDOW_LEN);

    assert_int_equal(messages->len, 2);
    assert_bytes(messages->pdata[0], first);
    assert_bytes(messages->pdata[1], "two\n");
}

static void lines_longer_than_the_window_and_binary_bytes_pass(void **state)
{
    g_autoptr(GByteArray) mbox = g_byte_array_new();
    g_autoptr(GByteArray) message = g_byte_array_new();
    g_autoptr(GPtrArray) messages = NULL;

    g_byte_array_set_size(message, 3 * MAIL_INPUT_WINDOW_LEN);
    for (guint i = 0; i < message->len; i++)
        message->data[i] = (guint8)(i % 251 == '\n' ? 0 : i % 251);
    g_byte_array_append(mbox, (const guint8 *)POSTMARK, sizeof POSTMARK - 1);
    g_byte_array_append(mbox, message->data, message->len);
    g_byte_array_append(mbox, (const guint8 *)"\n" POSTMARK, sizeof POSTMARK);
    messages = read_all(mbox->data, mbox->len, MBOX_READ_AUTO, 4096);
    assert_int_equal(messages->len, 2);
    assert_int_equal(((GByteArray *)messages->pdata[0])->len, message->len);
    assert_memory_equal(((GByteArray *)messages->pdata[0])->data, message->data, message->len);
}

static void what_begins_with_no_postmark_is_malformed(void **state)
{
    static const char text[] = "Subject: x\n\ny\n";
    Memory memory = {.bytes = (const guint8 *)text, .len = sizeof text - 1, .step = 64};
    g_autoptr(MailInput) input = mail_input_new(read_memory, &memory, memory.len, -1);
    g_autoptr(MboxReader) reader = mbox_reader_new(input, MBOX_READ_AUTO);
    g_autoptr(GError) error = NULL;
    MboxMessage message;
    gboolean found;

    assert_false(mbox_reader_next(reader, &message, &found, &error));
    assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_MALFORMED));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dates_of_postmarks_are_read_in_all_forms),
        cmocka_unit_test(dates_of_received_fields_are_read),
        cmocka_unit_test(a_postmark_comes_back_as_written),
        cmocka_unit_test(no_sender_can_break_a_postmark),
        cmocka_unit_test(a_sender_that_no_postmark_holds_is_left_out),
        cmocka_unit_test(lines_that_are_no_postmark_are_refused),
        cmocka_unit_test(mboxrd_quotes_every_from_line_and_takes_it_back),
        cmocka_unit_test(mboxo_unquotes_one_mark_only),
        cmocka_unit_test(separators_are_no_part_of_messages),
        cmocka_unit_test(crlf_files_keep_their_line_ends),
        cmocka_unit_test(from_lines_in_a_body_end_a_message_only_where_the_form_says_so),
        cmocka_unit_test(a_content_length_that_leads_to_a_postmark_is_believed),
        cmocka_unit_test(a_false_content_length_loses_nothing),
        cmocka_unit_test(a_false_length_that_nobody_can_check_loses_nothing),
        cmocka_unit_test(lines_longer_than_the_window_and_binary_bytes_pass),
        cmocka_unit_test(what_begins_with_no_postmark_is_malformed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
