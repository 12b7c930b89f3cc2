#include "ingest/mime/html_text.h"

#include <libxml/HTMLparser.h>
#include <stdlib.h>
#include <string.h>

/* What the parser is given at a time: it looks at what it has not finished again with each piece.
 */
#define PIECE_LEN 4096
#define ENTITY_LEN_MAX 40
/* More than is kept of it. */
#define TITLE_LEN_MAX (2 * INGEST_HTML_TARGET_LEN_MAX)
#define DECLARATION_LEN_MAX 2048
/* Around each document: the parser stops where the outermost element ends, a mail reader does not.
 */
#define OUTERMOST "<muniment-document>"

struct IngestHtmlText {
    IngestTextSink sink;
    gpointer user;
    htmlParserCtxtPtr parser;
    guint depth, left_out; /* depth of an element that is left out; 0: none */
    gboolean is_cut;
    GByteArray *piece; /* not yet given to the parser */
    GString *title;    /* of the document, while it is read; else NULL */
    GString *aside;    /* texts for the end, each ended by NUL */
    GHashTable *known; /* those texts */
};

/* Elements that end a word; sorted. */
static const char *const blocks[] = {
    "address",  "article",  "aside",    "blockquote", "body",   "br",     "button",
    "caption",  "center",   "dd",       "details",    "dialog", "dir",    "div",
    "dl",       "dt",       "fieldset", "figcaption", "figure", "footer", "form",
    "frame",    "frameset", "h1",       "h2",         "h3",     "h4",     "h5",
    "h6",       "head",     "header",   "hgroup",     "hr",     "html",   "iframe",
    "input",    "legend",   "li",       "main",       "menu",   "nav",    "noframes",
    "noscript", "object",   "ol",       "optgroup",   "option", "p",      "pre",
    "section",  "select",   "summary",  "table",      "tbody",  "td",     "textarea",
    "tfoot",    "th",       "thead",    "title",      "tr",     "ul",
};

static int compare_name(const void *key, const void *entry)
{
    return strcmp(key, *(const char *const *)entry);
}

static gboolean is_block(const char *name)
{
    return bsearch(name, blocks, G_N_ELEMENTS(blocks), sizeof *blocks, compare_name) != NULL;
}

static gboolean is_left_out(const char *name)
{
    return strcmp(name, "script") == 0 || strcmp(name, "style") == 0;
}

static void give(IngestHtmlText *html, const char *text, gsize len)
{
    if (len > 0)
        html->sink(html->user, text, len);
}

/* ---- asides ---------------------------------------------------------------------------------- */

static void keep_aside(IngestHtmlText *html, const char *text)
{
    gsize len = MIN(strlen(text), INGEST_HTML_TARGET_LEN_MAX);
    g_autofree char *kept = NULL;

    while (len > 0 && (text[len] & 0xc0) == 0x80)
        len--;
    if (len == 0)
        return;
    if (html->aside->len + len > INGEST_HTML_ASIDE_LEN_MAX) {
        html->is_cut = TRUE;
        return;
    }
    kept = g_strndup(text, len);
    if (!g_hash_table_add(html->known, g_strdup(kept)))
        return;
    g_string_append_len(html->aside, kept, (gssize)len + 1);
}

static void give_asides(IngestHtmlText *html)
{
    const char *at = html->aside->str, *end = at + html->aside->len;

    for (; at < end; at += strlen(at) + 1) {
        html->sink(html->user, NULL, 0);
        give(html, at, strlen(at));
    }
}

/* A target that shows nothing: places in the document, scripts, pictures. */
static gboolean is_target_shown(const char *target)
{
    return *target != '#' && g_ascii_strncasecmp(target, "javascript:", 11) != 0 &&
           g_ascii_strncasecmp(target, "data:", 5) != 0 &&
           g_ascii_strncasecmp(target, "cid:", 4) != 0;
}

static void take_attribute(IngestHtmlText *html, const char *name, const char *value)
{
    if (strcmp(name, "alt") == 0) {
        give(html, " ", 1);
        give(html, value, strlen(value));
        give(html, " ", 1);
    } else if (strcmp(name, "title") == 0 || strcmp(name, "placeholder") == 0) {
        keep_aside(html, value);
    } else if (strcmp(name, "href") == 0 && is_target_shown(value)) {
        keep_aside(html, value);
    }
}

static void end_title(IngestHtmlText *html)
{
    if (html->title == NULL)
        return;
    keep_aside(html, html->title->str);
    g_string_free(g_steal_pointer(&html->title), TRUE);
}

/* ---- what the parser calls ------------------------------------------------------------------- */

static void start_element(void *user, const xmlChar *name, const xmlChar **attributes)
{
    IngestHtmlText *html = user;

    html->depth++;
    if (html->left_out == 0 && is_left_out((const char *)name))
        html->left_out = html->depth;
    end_title(html);
    if (strcmp((const char *)name, "title") == 0)
        html->title = g_string_new(NULL);
    if (is_block((const char *)name))
        give(html, "\n", 1);
    if (html->left_out > 0 || strcmp((const char *)name, "link") == 0)
        return;
    for (; attributes != NULL && attributes[0] != NULL; attributes += 2)
        if (attributes[1] != NULL)
            take_attribute(html, (const char *)attributes[0], (const char *)attributes[1]);
}

static void end_element(void *user, const xmlChar *name)
{
    IngestHtmlText *html = user;

    end_title(html);
    if (html->left_out == html->depth)
        html->left_out = 0;
    if (html->depth > 0)
        html->depth--;
    if (is_block((const char *)name))
        give(html, "\n", 1);
}

static void characters(void *user, const xmlChar *text, int len)
{
    IngestHtmlText *html = user;

    if (html->title != NULL && len > 0)
        g_string_append_len(html->title, (const char *)text,
                            MIN(len, TITLE_LEN_MAX - (int)html->title->len));
    else if (html->left_out == 0 && len > 0)
        give(html, (const char *)text, (gsize)len);
}

/* What stands in a script or style. */
static void leave_out(void *user, const xmlChar *text, int len)
{
}

static void ignore(void *user, const char *format, ...)
{
}

static htmlParserCtxtPtr make_parser(IngestHtmlText *html)
{
    static gsize is_ready;
    xmlSAXHandler handler = {.startElement = start_element,
                             .endElement = end_element,
                             .characters = characters,
                             .ignorableWhitespace = characters,
                             .cdataBlock = leave_out,
                             .warning = ignore,
                             .error = ignore};
    htmlParserCtxtPtr parser;

    if (g_once_init_enter(&is_ready)) {
        xmlInitParser();
        g_once_init_leave(&is_ready, 1);
    }
    parser = htmlCreatePushParserCtxt(&handler, html, NULL, 0, NULL, XML_CHAR_ENCODING_UTF8);
    g_assert(parser != NULL);
    (void)htmlCtxtUseOptions(parser, HTML_PARSE_RECOVER | HTML_PARSE_NOERROR |
                                         HTML_PARSE_NOWARNING | HTML_PARSE_NONET |
                                         HTML_PARSE_IGNORE_ENC | HTML_PARSE_NOIMPLIED);
    (void)htmlParseChunk(parser, OUTERMOST, (int)strlen(OUTERMOST), 0);
    return parser;
}

IngestHtmlText *ingest_html_text_new(IngestTextSink sink, gpointer user)
{
    IngestHtmlText *html = g_new0(IngestHtmlText, 1);

    html->sink = sink;
    html->user = user;
    html->aside = g_string_new(NULL);
    html->known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    html->piece = g_byte_array_sized_new(PIECE_LEN);
    html->parser = make_parser(html);
    return html;
}

void ingest_html_text_free(IngestHtmlText *html)
{
    if (html == NULL)
        return;
    g_clear_pointer(&html->parser, htmlFreeParserCtxt);
    g_byte_array_unref(html->piece);
    g_hash_table_unref(html->known);
    g_string_free(html->aside, TRUE);
    if (html->title != NULL)
        g_string_free(html->title, TRUE);
    g_free(html);
}

/* The parser looks for the element that an end tag ends among all that are open. Where more are
 * open than anybody means, it begins again: only what is open is forgotten. Likewise where even the
 * outermost was ended, which only a document does that knows it. */
static void limit_depth(IngestHtmlText *html)
{
    if ((html->depth > 0 && html->depth <= INGEST_HTML_DEPTH_MAX) || html->left_out > 0)
        return;
    (void)htmlParseChunk(html->parser, NULL, 0, 1);
    htmlFreeParserCtxt(html->parser);
    html->depth = 0;
    html->parser = make_parser(html);
}

/* The parser must not get a tag or an entity in two pieces: of "</scr" and "ipt>" it makes text,
 * and takes all that follows for the script. So a piece ends before the last tag, where it does not
 * begin with it, else before an entity that is not whole. The pieces depend on the document only.
 */
static gsize whole_len(const guint8 *bytes, gsize len)
{
    const guint8 *tag = memrchr(bytes, '<', len), *end = bytes + len;
    const guint8 *tail = end - MIN(len, ENTITY_LEN_MAX);
    const guint8 *entity = memrchr(tail, '&', (gsize)(end - tail));

    if (tag != NULL && tag > bytes)
        end = tag;
    else if (entity != NULL && entity > bytes && memchr(entity, ';', (gsize)(end - entity)) == NULL)
        end = entity;
    return (gsize)(end - bytes);
}

static void feed(IngestHtmlText *html, gsize len)
{
    /* Errors are what mail is made of. */
    (void)htmlParseChunk(html->parser, (const char *)html->piece->data, (int)len, 0);
    g_byte_array_remove_range(html->piece, 0, (guint)len);
    limit_depth(html);
}

void ingest_html_text_add(IngestHtmlText *html, const char *text, gsize len)
{
    gsize taken_len;

    for (; len > 0; text += taken_len, len -= taken_len) {
        taken_len = MIN(len, PIECE_LEN - html->piece->len);
        g_byte_array_append(html->piece, (const guint8 *)text, (guint)taken_len);
        if (html->piece->len == PIECE_LEN)
            feed(html, whole_len(html->piece->data, PIECE_LEN));
    }
}

gboolean ingest_html_text_end(IngestHtmlText *html)
{
    if (html->piece->len > 0)
        feed(html, html->piece->len);
    (void)htmlParseChunk(html->parser, NULL, 0, 1);
    end_title(html);
    give_asides(html);
    return !html->is_cut;
}

/* ---- what a document says of itself ---------------------------------------------------------- */

static gboolean ends_name(char c)
{
    return !g_ascii_isalnum(c) && strchr("-_.:", c) == NULL;
}

char *ingest_html_declared_charset(const void *bytes, gsize len)
{
    g_autofree char *start =
        len == 0 ? g_strdup("") : g_ascii_strdown(bytes, (gssize)MIN(len, DECLARATION_LEN_MAX));
    const char *at = strstr(start, "charset");
    gsize name_len = 0;

    if (at == NULL)
        return NULL;
    at += strlen("charset");
    while (*at != '\0' && strchr(" \t\r\n=\"'", *at) != NULL)
        at++;
    while (at[name_len] != '\0' && !ends_name(at[name_len]))
        name_len++;
    return name_len == 0 ? NULL : g_strndup(at, name_len);
}
