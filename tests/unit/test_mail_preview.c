/* What a preview takes of a message, and that it takes any bytes. */
#include "restore/mail_preview.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void preview(const char *message, MailPreview *ret_preview)
{
    mail_preview_make((const guint8 *)message, strlen(message), ret_preview);
}

static void header_fields_are_decoded(void **state)
{
    g_auto(MailPreview) shown = {0};

    preview(
        "From: =?utf-8?q?J=C3=BCrgen?= <j@example.org>\r\nTo: a@example.org,\r\n b@example.org\r\n"
        "Subject: =?iso-8859-1?q?Gr=FC=DFe?=\r\nDate: Tue, 24 Nov 2026 10:00:00 +0100\r\n"
        "Message-ID: <1@example.org>\r\n\r\nHello.\r\n",
        &shown);
    assert_string_equal(shown.from, "Jürgen <j@example.org>");
    assert_non_null(strstr(shown.to, "a@example.org"));
    assert_non_null(strstr(shown.to, "b@example.org"));
    assert_null(shown.cc);
    assert_string_equal(shown.subject, "Grüße");
    assert_string_equal(shown.date, "Tue, 24 Nov 2026 10:00:00 +0100");
    assert_non_null(strstr(shown.message_id, "1@example.org"));
    assert_non_null(strstr(shown.text, "Hello."));
    assert_int_equal(shown.attachments->len, 0);
}

#define PART(type, more, body) "--b\r\nContent-Type: " type "\r\n" more "\r\n" body "\r\n"

static void text_and_attachments_are_told_apart(void **state)
{
    g_auto(MailPreview) shown = {0};
    const MailPreviewPart *part;

    preview(
        "Subject: s\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" PART(
            "text/html", "", "<p>Hi</p>")
            PART("text/plain; charset=iso-8859-1", "Content-Transfer-Encoding: base64\r\n",
                 "R3L8332fZQ==") PART("text/plain", "Content-Disposition: attachment\r\n", "notes")
                PART("application/pdf; name=\"=?utf-8?q?=C3=BCber.pdf?=\"",
                     "Content-Transfer-Encoding: base64\r\n", "AAECAwQ=")
                    PART("message/rfc822", "", "Subject: inner\r\n\r\ninner text") "--b--\r\n",
        &shown);
    assert_true(shown.has_html);
    assert_non_null(shown.text);
    assert_true(g_str_has_prefix(shown.text, "Grü"));
    assert_int_equal(shown.attachments->len, 3);
    part = g_ptr_array_index(shown.attachments, 0);
    assert_null(part->name);
    assert_string_equal(part->type, "text/plain");
    assert_int_equal(part->len, strlen("notes"));
    part = g_ptr_array_index(shown.attachments, 1);
    assert_string_equal(part->name, "über.pdf");
    assert_string_equal(part->type, "application/pdf");
    assert_int_equal(part->len, 5);
    part = g_ptr_array_index(shown.attachments, 2);
    assert_string_equal(part->type, "message/rfc822");
}

static void text_is_cut_at_its_limit(void **state)
{
    g_auto(MailPreview) at = {0}, over = {0};
    g_autoptr(GString) message = g_string_new("Subject: s\r\n\r\n");

    for (gsize i = 0; i < MAIL_PREVIEW_TEXT_LEN_MAX; i++)
        g_string_append_c(message, i % 70 == 69 ? '\n' : 'x');
    preview(message->str, &at);
    assert_false(at.is_text_cut);
    assert_int_equal(strlen(at.text), MAIL_PREVIEW_TEXT_LEN_MAX);
    g_string_append_c(message, 'y');
    preview(message->str, &over);
    assert_true(over.is_text_cut);
    assert_int_equal(strlen(over.text), MAIL_PREVIEW_TEXT_LEN_MAX);
}

static void any_bytes_have_a_preview(void **state)
{
    static const struct {
        const char *bytes;
        gsize len;
    } cases[] = {{"", 0},
                 {"\r\n", 2},
                 {"\0\0\0", 3},
                 {"just a line", 11},
                 {"Subject: \xff\xfe\r\n\r\n\xff", 15},
                 {"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n--x\r\n", 56}};

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_auto(MailPreview) shown = {0};

        mail_preview_make((const guint8 *)cases[i].bytes, cases[i].len, &shown);
        assert_true(shown.text == NULL || g_utf8_validate(shown.text, -1, NULL));
        assert_true(shown.subject == NULL || g_utf8_validate(shown.subject, -1, NULL));
    }
}

static void multiparts_without_end_are_left_alone(void **state)
{
    g_autoptr(GString) message = g_string_new("Subject: s\r\n");
    g_auto(MailPreview) shown = {0};

    for (guint i = 0; i < 200; i++)
        g_string_append_printf(
            message, "Content-Type: multipart/mixed; boundary=b%u\r\n\r\n--b%u\r\n", i, i);
    g_string_append(message, "\r\ntext deep inside\r\n");
    preview(message->str, &shown);
    assert_string_equal(shown.subject, "s");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header_fields_are_decoded),
        cmocka_unit_test(text_and_attachments_are_told_apart),
        cmocka_unit_test(text_is_cut_at_its_limit),
        cmocka_unit_test(any_bytes_have_a_preview),
        cmocka_unit_test(multiparts_without_end_are_left_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
