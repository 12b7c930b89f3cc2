/* What the terms of a message hold: each rule of docs/decisions/0023 on a message of its own. */
#include "ingest/message_text.h"
#include "vault/crypto/value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

typedef struct {
    GByteArray *bytes;
    IngestTerms *terms;
    const IngestSummary *summary;
} Read;

static void read_clear(Read *read)
{
    ingest_terms_free(read->terms);
    vault_value_free(read->bytes);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Read, read_clear)

static IngestWordSplitter *splitter;

static Read read_bytes(const char *message, gsize len, const IngestMessageTextOptions *options)
{
    static const IngestMessageTextOptions none = {.extractor = NULL};
    g_autoptr(IngestMessageText) text = ingest_message_text_new(options == NULL ? &none : options);
    VaultHash hash = {{7}};
    g_autoptr(GError) error = NULL;
    Read read;

    read.bytes = ingest_message_text_terms(text, message, len, &hash);
    read.terms = ingest_terms_parse(read.bytes->data, read.bytes->len, splitter, &error);
    assert_non_null(read.terms);
    read.summary = ingest_terms_summary(read.terms);
    assert_int_equal(read.summary->message_len, len);
    assert_int_equal(read.summary->message_hash.bytes[0], 7);
    return read;
}

static Read read_message(const char *message)
{
    return read_bytes(message, strlen(message), NULL);
}

/* ---- asking ---------------------------------------------------------------------------------- */

/* Positions of a folded word in a field, all its forms together; NULL: it is not there. */
static GArray *positions_of(const Read *read, IngestField field, const char *word, gsize len)
{
    IngestTermsCursor cursor = {.terms = read->terms};
    GArray *positions = NULL;
    IngestTerm term;

    while (ingest_terms_next(&cursor, &term)) {
        if (term.field != field || ingest_term_folded_len(term.term, term.len) != len ||
            memcmp(term.term, word, len) != 0)
            continue;
        if (positions == NULL)
            positions = g_array_new(FALSE, FALSE, sizeof(guint32));
        g_array_append_vals(positions, term.positions, (guint)term.count);
    }
    return positions;
}

typedef struct {
    const Read *read;
    IngestField field;
    GArray *starts; /* where the words so far are a row */
} Phrase;

static void follow(const IngestWord *word, gpointer user)
{
    Phrase *phrase = user;
    g_autoptr(GArray) positions = positions_of(phrase->read, phrase->field, word->term,
                                               ingest_term_folded_len(word->term, word->len));
    g_autoptr(GArray) starts = g_array_new(FALSE, FALSE, sizeof(guint32));

    for (guint i = 0; positions != NULL && i < positions->len; i++) {
        guint32 start = g_array_index(positions, guint32, i) - word->position;
        gboolean is_row = phrase->starts == NULL;

        for (guint k = 0; !is_row && k < phrase->starts->len; k++)
            is_row = g_array_index(phrase->starts, guint32, k) == start;
        if (is_row)
            g_array_append_val(starts, start);
    }
    g_clear_pointer(&phrase->starts, g_array_unref);
    phrase->starts = g_steal_pointer(&starts);
}

/* How often a field has the phrase. */
static guint count(const Read *read, IngestField field, const char *text)
{
    Phrase phrase = {.read = read, .field = field};
    guint found;

    ingest_word_splitter_split(splitter, text, strlen(text), follow, &phrase);
    found = phrase.starts->len;
    g_array_unref(phrase.starts);
    return found;
}

#define assert_once(read, field, text)                                                             \
    assert_int_equal(count(&(read), INGEST_FIELD_##field, text), 1)
#define assert_absent(read, field, text)                                                           \
    assert_int_equal(count(&(read), INGEST_FIELD_##field, text), 0)
#define assert_marks(read, mask) assert_int_equal((read).summary->marks, mask)

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

#define MIXED "Subject: s\nContent-Type: multipart/mixed; boundary=b\n\n"
#define PART(type, more, body) "--b\nContent-Type: " type "\n" more "\n" body "\n"
#define BASE64 "Content-Transfer-Encoding: base64\n"
#define ATTACHED "Content-Disposition: attachment\n"

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

static int set_up(void **state)
{
    vault_crypto_init();
    splitter = ingest_word_splitter_new();
    return 0;
}

static int tear_down(void **state)
{
    ingest_word_splitter_free(splitter);
    return 0;
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
        cmocka_unit_test(ten_thousand_levels_are_taken),
        cmocka_unit_test(messages_in_encodings_are_bounded),
        cmocka_unit_test(reading_in_pieces_gives_the_same),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
