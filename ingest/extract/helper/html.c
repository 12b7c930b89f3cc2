/* HTML into what a person sees of it, and the addresses that its links lead to. */
#include "ingest/extract/helper/charset.h"
#include "ingest/extract/helper/formats.h"

#include <libxml/HTMLparser.h>
#include <libxml/parserInternals.h>
#include <string.h>

/* How far a <meta> that names the character set may be. */
#define META_LEN_MAX 2048

typedef struct {
    ExtractTextOut *out;
    guint hidden_depth;
} Page;

static gboolean is_one_of(const xmlChar *name, const char *const *words)
{
    return g_strv_contains(words, (const char *)name);
}

static const char *const hidden[] = {"script", "style", "template", NULL};
/* Elements within a line of text; all others end a word. */
static const char *const inlines[] = {
    "a",      "abbr",   "acronym", "b",   "bdo", "big",  "cite", "code", "del",   "dfn",
    "em",     "font",   "i",       "ins", "kbd", "mark", "q",    "s",    "small", "span",
    "strike", "strong", "sub",     "sup", "tt",  "u",    "var",  "wbr",  NULL};
static const char *const shown_attributes[] = {"alt", "title", "href", NULL};

static void end_word(Page *page, const xmlChar *name)
{
    if (!is_one_of(name, inlines))
        extract_text_out_break(page->out);
}

static void on_start(void *user, const xmlChar *name, const xmlChar **attributes)
{
    Page *page = user;

    end_word(page, name);
    page->hidden_depth += is_one_of(name, hidden);
    for (; attributes != NULL && attributes[0] != NULL; attributes += 2) {
        if (page->hidden_depth > 0 || attributes[1] == NULL ||
            !is_one_of(attributes[0], shown_attributes))
            continue;
        extract_text_out_add(page->out, " ", 1);
        extract_text_out_add_string(page->out, (const char *)attributes[1]);
        extract_text_out_add(page->out, " ", 1);
    }
}

static void on_end(void *user, const xmlChar *name)
{
    Page *page = user;

    if (page->hidden_depth > 0 && is_one_of(name, hidden))
        page->hidden_depth--;
    end_word(page, name);
}

static void on_characters(void *user, const xmlChar *text, int len)
{
    Page *page = user;

    if (page->hidden_depth == 0)
        extract_text_out_add(page->out, text, (gsize)len);
}

/* The name behind "charset=" near the begin, or NULL. */
static char *named_charset(const ExtractDocument *document)
{
    g_autofree char *head = g_strndup(document->bytes, MIN(document->len, META_LEN_MAX));
    g_autofree char *lower = g_ascii_strdown(head, -1);
    const char *name = strstr(lower, "charset=");

    if (name == NULL)
        return NULL;
    name += strlen("charset=");
    name += strspn(name, "\"' ");
    return g_strndup(name, strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_"));
}

/* A page that calls itself UTF-16 and could be read so far is not. */
static GByteArray *decode(const ExtractDocument *document)
{
    gsize skip = 0;
    const char *guess = extract_charset_guess(document->bytes, document->len, &skip);
    g_autofree char *named = named_charset(document);
    gboolean is_named = skip == 0 && strcmp(guess, "UTF-8") != 0 && named != NULL &&
                        !g_str_has_prefix(named, "utf-");

    return extract_charset_convert(is_named ? named : guess, (const char *)document->bytes + skip,
                                   document->len - skip);
}

IngestExtractOutcome extract_html(ExtractRun *run, const ExtractDocument *document)
{
    htmlSAXHandler handler = {.startElement = on_start,
                              .endElement = on_end,
                              .characters = on_characters,
                              .cdataBlock = NULL};
    Page page = {.out = run->out};
    GByteArray *text = decode(document);
    htmlParserCtxtPtr parser = htmlCreateMemoryParserCtxt((const char *)text->data, (int)text->len);

    if (parser != NULL) {
        htmlSAXHandler *own = parser->sax;

        parser->sax = &handler;
        parser->userData = &page;
        htmlCtxtUseOptions(parser, HTML_PARSE_NONET | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING |
                                       HTML_PARSE_IGNORE_ENC);
        xmlSwitchEncoding(parser, XML_CHAR_ENCODING_UTF8);
        htmlParseDocument(parser);
        parser->sax = own;
        htmlFreeParserCtxt(parser);
    }
    extract_charset_free(text);
    return INGEST_EXTRACT_TEXT;
}
