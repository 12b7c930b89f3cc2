/* What the terms of a message hold of attachments, of what is signed or encrypted, and past limits.
 */
#include "message_text_world.h"

/* ---- attachments ----------------------------------------------------------------------------- */

typedef struct {
    IngestExtractor extractor;
    IngestExtractOutcome outcome;
    guint calls;
    char *content_type, *filename;
    gsize len;
} FakeExtractor;

static IngestExtractOutcome extract(IngestExtractor *self, const IngestDocument *document,
                                    IngestTextSink sink, gpointer sink_user)
{
    FakeExtractor *fake = self->user;

    fake->calls++;
    g_free(fake->content_type);
    g_free(fake->filename);
    fake->content_type = g_strdup(document->content_type);
    fake->filename = g_strdup(document->filename);
    fake->len = document->len;
    sink(sink_user, "extr", 4);
    sink(sink_user, "acted", 5);
    sink(sink_user, NULL, 0);
    sink(sink_user, "member", 6);
    return fake->outcome;
}

static Read read_with(FakeExtractor *fake, IngestExtractOutcome outcome, const char *message)
{
    IngestMessageTextOptions options = {.extractor = &fake->extractor};

    *fake = (FakeExtractor){.extractor = {.extract = extract, .user = fake}, .outcome = outcome};
    return read_bytes(message, strlen(message), &options);
}

static void fake_clear(FakeExtractor *fake)
{
    g_free(fake->content_type);
    g_free(fake->filename);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(FakeExtractor, fake_clear)

#define PDF                                                                                        \
    MIXED PART("text/plain", "", "see")                                                            \
        PART("application/pdf; name=\"=?utf-8?q?=C3=BCber.pdf?=\"", BASE64, "AAECAwQ=") "--b--\n"

static void documents_go_to_the_extractor(void **state)
{
    g_auto(FakeExtractor) fake = {0};
    g_auto(Read) read = read_with(&fake, INGEST_EXTRACT_TEXT, PDF);

    assert_int_equal(fake.calls, 1);
    assert_string_equal(fake.content_type, "application/pdf");
    assert_string_equal(fake.filename, "über.pdf");
    assert_int_equal(fake.len, 5);
    assert_once(read, ATTACHMENT, "extracted");
    assert_once(read, ATTACHMENT, "member");
    assert_absent(read, ATTACHMENT, "extracted member");
    assert_once(read, FILENAME, "uber.pdf");
    assert_marks(read, INGEST_MARK_ATTACHMENT);
}

static void outcomes_become_marks(void **state)
{
    static const struct {
        IngestExtractOutcome outcome;
        guint32 mark;
    } cases[] = {{INGEST_EXTRACT_CUT, INGEST_MARK_TRUNCATED},
                 {INGEST_EXTRACT_ENCRYPTED, INGEST_MARK_UNSEARCHABLE},
                 {INGEST_EXTRACT_UNKNOWN, 0},
                 {INGEST_EXTRACT_MALFORMED, INGEST_MARK_INCOMPLETE},
                 {INGEST_EXTRACT_UNREAD, INGEST_MARK_INCOMPLETE},
                 {INGEST_EXTRACT_FAILED, INGEST_MARK_INCOMPLETE}};

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_auto(FakeExtractor) fake = {0};
        g_auto(Read) read = read_with(&fake, cases[i].outcome, PDF);

        assert_marks(read, INGEST_MARK_ATTACHMENT | cases[i].mark);
    }
}

static void without_an_extractor_documents_are_marked(void **state)
{
    g_auto(Read) read = read_message(PDF);

    assert_marks(read, INGEST_MARK_ATTACHMENT | INGEST_MARK_INCOMPLETE);
}

static void pictures_are_not_read_but_documents_that_claim_to_be_some_are(void **state)
{
    g_auto(FakeExtractor) fake = {0};
    g_auto(Read) picture = read_with(
        &fake, INGEST_EXTRACT_TEXT,
        MIXED PART("image/png; name=a.png", "Content-ID: <1>\n", "0123456789abcdef0123") "--b--");
    g_auto(FakeExtractor) other = {0};
    g_auto(Read) pdf =
        read_with(&other, INGEST_EXTRACT_TEXT,
                  MIXED PART("image/png; name=a.png", "", "%PDF-1.4 89abcdef0123") "--b--");

    assert_int_equal(fake.calls, 0);
    assert_marks(picture, 0);
    assert_once(picture, FILENAME, "a.png");
    assert_int_equal(other.calls, 1);
    assert_marks(pdf, INGEST_MARK_ATTACHMENT);
}

static void attached_texts_are_attachments(void **state)
{
    g_auto(Read) read = read_message(MIXED PART("text/plain; name=body.txt", "", "the body") PART(
        "text/plain", "Content-Disposition: inline; filename=x.patch\n", "the patch")
                                         PART("text/html", ATTACHED, "<p>the page</p>")
                                             PART("text/plain", "", "the footer") "--b--\n");

    assert_once(read, BODY, "the body");
    assert_once(read, BODY, "the footer");
    assert_once(read, ATTACHMENT, "the patch");
    assert_once(read, ATTACHMENT, "the page");
    assert_absent(read, ATTACHMENT, "the patch the page");
    assert_int_equal(read.summary->filenames->len, 2);
    assert_marks(read, INGEST_MARK_ATTACHMENT);
}

static void names_in_pieces_are_joined(void **state)
{
    g_auto(Read) read = read_message(
        MIXED PART("image/png",
                   "Content-Disposition: attachment; filename*0*=utf-8''%C3%BCber; filename*1=\" "
                   "den Wolken.png\"\n",
                   "x") "--b--\n");

    assert_string_equal(read.summary->filenames->pdata[0], "über den Wolken.png");
    assert_once(read, FILENAME, "uber den wolken.png");
}

static void documents_are_limited_in_length_number_and_failures(void **state)
{
    g_auto(FakeExtractor) fake = {0};
    g_autoptr(GString) message = g_string_new(MIXED);
    g_auto(Read) many = {0}, failed = {0}, longer = {0};

    for (guint i = 0; i <= INGEST_DOCUMENTS_MAX; i++)
        g_string_append(message, PART("application/pdf", "", "x"));
    many = read_with(&fake, INGEST_EXTRACT_TEXT, message->str);
    assert_int_equal(fake.calls, INGEST_DOCUMENTS_MAX);
    assert_marks(many, INGEST_MARK_ATTACHMENT | INGEST_MARK_TRUNCATED);
    fake_clear(&fake);
    failed = read_with(&fake, INGEST_EXTRACT_FAILED, message->str);
    assert_int_equal(fake.calls, 3);
    assert_true((failed.summary->marks & INGEST_MARK_INCOMPLETE) != 0);
    fake_clear(&fake);
    g_string_assign(message, MIXED "--b\nContent-Type: application/pdf\n\n");
    while (message->len < INGEST_DOCUMENT_LEN_MAX + 100)
        g_string_append(message,
                        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde\n");
    longer = read_with(&fake, INGEST_EXTRACT_TEXT, message->str);
    assert_int_equal(fake.calls, 0);
    assert_marks(longer, INGEST_MARK_ATTACHMENT | INGEST_MARK_TRUNCATED);
}

/* ---- what nobody can read -------------------------------------------------------------------- */

static void encrypted_parts_are_marked(void **state)
{
    g_auto(Read) pgp = read_message(
        "Content-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; "
        "boundary=b\n\n" PART("application/pgp-encrypted", "", "Version: 1")
            PART("application/octet-stream; name=encrypted.asc", "", "secretword") "--b--\n");
    g_auto(Read) inlined = read_message("\nfoo\n-----BEGIN PGP MESSAGE-----\n\nhQEMA\n"
                                        "-----END PGP MESSAGE-----\nbar\n");
    g_auto(Read) smime = read_message(
        "Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m\n" BASE64
        "\nMA8GCSqGSIb3DQEHA6ACMAA=\n");
    g_auto(Read) unknown = read_message("Content-Type: application/x-pkcs7-mime\n\nwhat is this\n");

    assert_marks(pgp, INGEST_MARK_UNSEARCHABLE | INGEST_MARK_PGP_ENCRYPTED);
    assert_absent(pgp, BODY, "secretword");
    assert_marks(inlined, INGEST_MARK_UNSEARCHABLE | INGEST_MARK_PGP_ENCRYPTED);
    assert_once(inlined, BODY, "foo bar");
    assert_marks(smime, INGEST_MARK_UNSEARCHABLE | INGEST_MARK_SMIME_ENCRYPTED);
    assert_marks(unknown, INGEST_MARK_UNSEARCHABLE);
}

static void signed_mail_is_read(void **state)
{
    g_auto(Read) pgp =
        read_message("Content-Type: multipart/signed; protocol=\"application/pgp-signature\"; "
                     "boundary=b\n\n" PART("text/plain", "", "signed words")
                         PART("application/pgp-signature; name=s.asc", "", "armorword") "--b--\n");
    /* SignedData around "Content-Type: text/plain\n\nopaque words" */
    g_auto(Read) opaque =
        read_message("Content-Type: application/pkcs7-mime; smime-type=signed-data\n" BASE64
                     "\nMEsGCSqGSIb3DQEHAqA+MDwCAQExADA1BgkqhkiG9w0BBwGgKAQmQ29udGVudC1UeXBlOiB0\n"
                     "ZXh0L3BsYWluCgpvcGFxdWUgd29yZHM=\n");
    g_auto(Read) inlined = read_message("\n-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n"
                                        "inline words\n-----BEGIN PGP SIGNATURE-----\n\niQEzBA\n"
                                        "-----END PGP SIGNATURE-----\n");

    assert_marks(pgp, INGEST_MARK_PGP_SIGNED);
    assert_once(pgp, BODY, "signed words");
    assert_absent(pgp, BODY, "armorword");
    assert_absent(pgp, ATTACHMENT, "armorword");
    assert_marks(opaque, INGEST_MARK_SMIME_SIGNED);
    assert_once(opaque, BODY, "opaque words");
    assert_marks(inlined, INGEST_MARK_PGP_SIGNED);
    assert_once(inlined, BODY, "inline words");
    assert_absent(inlined, BODY, "iqezba");
}

/* ---- bounds ---------------------------------------------------------------------------------- */

static void text_is_cut_at_its_limit(void **state)
{
    IngestMessageTextOptions options = {.text_len_max = 10};
    static const char at[] = "\none two 3\n", over[] = "\none two 34 five\n";
    g_auto(Read) whole = read_bytes(at, strlen(at), &options);
    g_auto(Read) cut = read_bytes(over, strlen(over), &options);

    assert_marks(whole, 0);
    assert_marks(cut, INGEST_MARK_TRUNCATED);
    assert_absent(cut, BODY, "five");
}

/* What shows little may be long. */
static void html_is_cut_by_its_own_length(void **state)
{
    IngestMessageTextOptions options = {.text_len_max = 50001};
    g_autoptr(GString) message = g_string_new("Content-Type: text/html; charset=utf-8\n\nfirst");
    g_auto(Read) read = {0};

    while (message->len < 100000)
        g_string_append(message, "<i></i>");
    g_string_append(message, " last");
    read = read_bytes(message->str, message->len, &options);
    assert_marks(read, INGEST_MARK_TRUNCATED);
    assert_once(read, BODY, "first");
    assert_absent(read, BODY, "last");
}

static void ten_thousand_levels_are_taken(void **state)
{
    g_autoptr(GString) message = g_string_new(NULL);
    g_auto(Read) read = {0};

    for (guint i = 0; i < 10000; i++)
        g_string_append_printf(message, "Content-Type: multipart/mixed; boundary=b%u\n\n--b%u\n", i,
                               i);
    g_string_append(message, "\nHello\n");
    read = read_message(message->str);
    assert_marks(read, INGEST_MARK_TRUNCATED);
}

static char *encode_message(const char *inner)
{
    g_autofree char *base64 = g_base64_encode((const guchar *)inner, strlen(inner));

    return g_strdup_printf("Subject: s\nContent-Type: message/rfc822\n" BASE64 "\n%s", base64);
}

static void messages_in_encodings_are_bounded(void **state)
{
    g_autofree char *message = g_strdup("\nHello");

    for (guint i = 1; i <= 9; i++) {
        g_autofree char *inner = g_steal_pointer(&message);
        g_auto(Read) read = {0};

        message = encode_message(inner);
        read = read_message(message);
        assert_int_equal(count(&read, INGEST_FIELD_BODY, "hello"), i <= 8);
        assert_marks(read, i <= 8 ? 0 : INGEST_MARK_TRUNCATED);
    }
}

typedef struct {
    const char *message;
    gsize at, step, fails_at;
} Source;

static gssize read_source(gpointer user, void *bytes, gsize len)
{
    Source *source = user;
    gsize count = MIN(MIN(source->step, len), strlen(source->message + source->at));

    if (source->fails_at > 0 && source->at >= source->fails_at)
        return -1;
    memcpy(bytes, source->message + source->at, count);
    source->at += count;
    return (gssize)count;
}

static void reading_in_pieces_gives_the_same(void **state)
{
    static const IngestMessageTextOptions options = {.extractor = NULL};
    g_autoptr(IngestMessageText) text = ingest_message_text_new(&options);
    g_auto(Read) whole = read_message(PDF);
    Source source = {.message = PDF, .step = 3},
           failing = {.message = PDF, .step = 3, .fails_at = 9};
    VaultHash hash = {{7}};
    g_autoptr(GByteArray) failed = NULL;
    GByteArray *pieces =
        ingest_message_text_read_terms(text, read_source, &source, strlen(PDF), &hash);

    assert_int_equal(pieces->len, whole.bytes->len);
    assert_memory_equal(pieces->data, whole.bytes->data, pieces->len);
    vault_value_free(pieces);
    failed = ingest_message_text_read_terms(text, read_source, &failing, strlen(PDF), &hash);
    assert_null(failed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_go_to_the_extractor),
        cmocka_unit_test(outcomes_become_marks),
        cmocka_unit_test(without_an_extractor_documents_are_marked),
        cmocka_unit_test(pictures_are_not_read_but_documents_that_claim_to_be_some_are),
        cmocka_unit_test(attached_texts_are_attachments),
        cmocka_unit_test(names_in_pieces_are_joined),
        cmocka_unit_test(documents_are_limited_in_length_number_and_failures),
        cmocka_unit_test(encrypted_parts_are_marked),
        cmocka_unit_test(signed_mail_is_read),
        cmocka_unit_test(text_is_cut_at_its_limit),
        cmocka_unit_test(html_is_cut_by_its_own_length),
        cmocka_unit_test(ten_thousand_levels_are_taken),
        cmocka_unit_test(messages_in_encodings_are_bounded),
        cmocka_unit_test(reading_in_pieces_gives_the_same),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
