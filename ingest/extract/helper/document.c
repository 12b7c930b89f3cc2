#include "ingest/extract/helper/document.h"

#include "ingest/extract/helper/charset.h"
#include "ingest/extract/helper/formats.h"

#include <string.h>

typedef IngestExtractOutcome (*Extractor)(ExtractRun *run, const ExtractDocument *document);

void extract_run_init(ExtractRun *run, ExtractTextOut *out)
{
    *run = (ExtractRun){
        .out = out, .members_left = EXTRACT_MEMBERS_MAX, .unpacked_left = EXTRACT_UNPACKED_MAX};
}

gboolean extract_has_magic(const ExtractDocument *document, gsize at, const char *magic, gsize len)
{
    return document->len >= at && document->len - at >= len &&
           memcmp((const guint8 *)document->bytes + at, magic, len) == 0;
}

gboolean extract_name_ends(const char *name, const char *endings)
{
    const char *dot = strrchr(name, '.');
    g_auto(GStrv) words = g_strsplit(endings, "|", -1);

    for (char **word = words; dot != NULL && *word != NULL; word++) {
        if (g_ascii_strcasecmp(dot, *word) == 0)
            return TRUE;
    }
    return FALSE;
}

/* Documents, or archives of documents, that nothing here reads. */
static IngestExtractOutcome leave_unread(ExtractRun *run, const ExtractDocument *document)
{
    return INGEST_EXTRACT_UNREAD;
}

static const struct {
    const char *magic;
    gsize len, at;
    Extractor extract;
} magics[] = {
    {"PK\3\4", 4, 0, extract_zip},
    {"PK\5\6", 4, 0, extract_zip},
    {"PK\7\x8PK", 6, 0, extract_zip},
    {"7z\xbc\xaf\x27\x1c", 6, 0, extract_archive},
    {"\x1f\x8b", 2, 0, extract_archive},
    {"BZh", 3, 0, extract_archive},
    {"\xfd"
     "7zXZ",
     6, 0, extract_archive},
    {"\x28\xb5\x2f\xfd", 4, 0, extract_archive},
    {"ustar", 5, 257, extract_archive},
    {"{\\rtf", 5, 0, extract_rtf},
    {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8, 0, extract_compound},
    {"Rar!\x1a\x07", 6, 0, leave_unread},
    {"MSCF\0\0\0\0", 8, 0, leave_unread},
    {"\x78\x9f\x3e\x22", 4, 0, leave_unread}, /* TNEF: winmail.dat */
};

/* A PDF may have 1,024 bytes of anything before it. */
static gboolean is_pdf(const ExtractDocument *document)
{
    return document->len > 5 &&
           memmem(document->bytes, MIN(document->len, 1024), "%PDF-", 5) != NULL;
}

/* Blanks and a byte order mark, and then the word in any case. */
static gboolean begins_with(const ExtractDocument *document, const char *word)
{
    const char *text = document->bytes;
    gsize len = document->len, word_len = strlen(word), i = 0;

    if (extract_has_magic(document, 0, "\xef\xbb\xbf", 3))
        i = 3;
    while (i < len && i < EXTRACT_SNIFF_LEN && g_ascii_isspace(text[i]))
        i++;
    return len - i >= word_len && g_ascii_strncasecmp(text + i, word, word_len) == 0;
}

/* Text has no control characters but the usual ones; a byte order mark excuses them. */
static gboolean is_text(const ExtractDocument *document)
{
    const guint8 *bytes = document->bytes;
    gsize skip = 0, control_count = 0, len = MIN(document->len, EXTRACT_SNIFF_LEN);

    extract_charset_guess(bytes, len, &skip);
    if (skip > 0)
        return TRUE;
    for (gsize i = 0; i < len; i++) {
        if (bytes[i] == 0)
            return FALSE;
        control_count += bytes[i] < 0x20 && strchr("\t\n\v\f\r\x1b", bytes[i]) == NULL;
    }
    return control_count <= len / 100;
}

static Extractor choose_text(const ExtractDocument *document)
{
    if (!is_text(document))
        return NULL;
    if (begins_with(document, "<!doctype html") || begins_with(document, "<html") ||
        strcmp(document->type, "text/html") == 0 ||
        strcmp(document->type, "application/xhtml+xml") == 0 ||
        extract_name_ends(document->name, ".htm|.html|.xhtml"))
        return extract_html;
    return begins_with(document, "<?xml") ? extract_xml : extract_plain;
}

static Extractor choose(const ExtractDocument *document)
{
    for (gsize i = 0; i < G_N_ELEMENTS(magics); i++) {
        if (extract_has_magic(document, magics[i].at, magics[i].magic, magics[i].len))
            return magics[i].extract;
    }
    if (is_pdf(document))
        return extract_pdf;
    if (strcmp(document->type, "application/x-tar") == 0 ||
        extract_name_ends(document->name, ".tar"))
        return extract_archive;
    return choose_text(document);
}

IngestExtractOutcome extract_outcome_join(IngestExtractOutcome whole, IngestExtractOutcome part)
{
    static const guint8 weight[] = {
        [INGEST_EXTRACT_UNKNOWN] = 0,   [INGEST_EXTRACT_TEXT] = 1, [INGEST_EXTRACT_UNREAD] = 2,
        [INGEST_EXTRACT_MALFORMED] = 3, [INGEST_EXTRACT_CUT] = 4,  [INGEST_EXTRACT_ENCRYPTED] = 5,
        [INGEST_EXTRACT_FAILED] = 6,
    };

    return weight[part] > weight[whole] ? part : whole;
}

IngestExtractOutcome extract_document(ExtractRun *run, const ExtractDocument *document)
{
    Extractor extract = document->len == 0 ? NULL : choose(document);
    IngestExtractOutcome outcome;

    if (document->len == 0)
        return INGEST_EXTRACT_TEXT;
    outcome = extract == NULL ? INGEST_EXTRACT_UNKNOWN : extract(run, document);
    extract_text_out_break(run->out);
    return extract_text_out_is_full(run->out) ? extract_outcome_join(outcome, INGEST_EXTRACT_CUT)
                                              : outcome;
}

IngestExtractOutcome extract_nested(ExtractRun *run, const ExtractDocument *document)
{
    IngestExtractOutcome outcome;

    extract_text_out_add_string(run->out, document->name);
    extract_text_out_break(run->out);
    if (run->depth == EXTRACT_DEPTH_MAX)
        return INGEST_EXTRACT_CUT;
    run->depth++;
    outcome = extract_document(run, document);
    run->depth--;
    return outcome;
}
