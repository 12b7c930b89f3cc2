/* Plain text, CSV, calendars, cards: all of it, in its character set. */
#include "ingest/extract/helper/charset.h"
#include "ingest/extract/helper/formats.h"

#include <string.h>

static gboolean is_pgp_message(const ExtractDocument *document)
{
    static const char begin[] = "-----BEGIN PGP MESSAGE-----";

    return document->len >= strlen(begin) &&
           memmem(document->bytes, MIN(document->len, EXTRACT_SNIFF_LEN), begin, strlen(begin)) !=
               NULL;
}

/* RFC 5545 section 3.1: a line goes on where the next begins with a blank. */
static void add_unfolded(ExtractTextOut *out, const char *text, gsize len)
{
    gsize start = 0;

    for (gsize i = 0; i + 1 < len; i++) {
        gsize next = text[i] == '\r' && text[i + 1] == '\n' ? i + 2 : text[i] == '\n' ? i + 1 : 0;

        if (next == 0 || next >= len || (text[next] != ' ' && text[next] != '\t'))
            continue;
        extract_text_out_add(out, text + start, i - start);
        start = next + 1;
        i = next;
    }
    extract_text_out_add(out, text + start, len - start);
}

static gboolean is_folded(const ExtractDocument *document)
{
    return document->len > 8 && g_ascii_strncasecmp(document->bytes, "BEGIN:VC", 8) == 0;
}

IngestExtractOutcome extract_plain(ExtractRun *run, const ExtractDocument *document)
{
    gsize skip = 0;
    const char *charset = extract_charset_guess(document->bytes, document->len, &skip);
    const char *text = (const char *)document->bytes + skip;

    if (is_pgp_message(document))
        return INGEST_EXTRACT_ENCRYPTED;
    if (is_folded(document) && strcmp(charset, "UTF-8") == 0)
        add_unfolded(run->out, text, document->len - skip);
    else
        extract_charset_add(run->out, charset, text, document->len - skip);
    return INGEST_EXTRACT_TEXT;
}
