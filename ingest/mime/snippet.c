#include "ingest/mime/snippet.h"

#include "vault/crypto/keys.h"

#include <string.h>

/* Of a longer line the beginning is enough. */
#define LINE_LEN_MAX 1024

struct IngestSnippet {
    gsize len_max;
    GString *text, *line;
    gboolean is_full, is_in_quoted_header;
};

IngestSnippet *ingest_snippet_new(gsize len_max)
{
    IngestSnippet *snippet = g_new0(IngestSnippet, 1);

    snippet->len_max = len_max;
    snippet->text = g_string_new(NULL);
    snippet->line = g_string_new(NULL);
    return snippet;
}

static void free_text(GString *text)
{
    vault_wipe(text->str, text->len);
    g_string_free(text, TRUE);
}

void ingest_snippet_free(IngestSnippet *snippet)
{
    if (snippet == NULL)
        return;
    free_text(snippet->text);
    free_text(snippet->line);
    g_free(snippet);
}

/* "From: ...": a field of the message that is quoted. */
static gboolean is_field(const char *line)
{
    const char *colon = strchr(line, ':');

    return colon != NULL && colon - line < 20 && memchr(line, ' ', (gsize)(colon - line)) == NULL;
}

static gboolean is_quote(IngestSnippet *snippet, const char *line)
{
    if (g_str_has_prefix(line, "-----")) {
        snippet->is_in_quoted_header = TRUE;
        return TRUE;
    }
    if (snippet->is_in_quoted_header && is_field(line))
        return TRUE;
    snippet->is_in_quoted_header = FALSE;
    return *line == '>' || g_str_has_suffix(line, " wrote:") || g_str_has_suffix(line, " writes:");
}

/* What no picture of a text needs: blanks, and the odd characters that senders pad with. */
static gboolean is_blank(gunichar c)
{
    return g_unichar_isspace(c) || g_unichar_iszerowidth(c) || c < ' ' || c == 0xad ||
           c == 0x2800 || c == 0xfffd;
}

static void append_collapsed(IngestSnippet *snippet, const char *line)
{
    GString *text = snippet->text;
    gboolean is_after_blank = text->len > 0;

    for (const char *at = line; *at != '\0' && !snippet->is_full; at = g_utf8_next_char(at)) {
        gunichar c = g_utf8_get_char(at);

        if (is_blank(c)) {
            is_after_blank = text->len > 0;
            continue;
        }
        if (text->len + is_after_blank + (gsize)g_unichar_to_utf8(c, NULL) > snippet->len_max) {
            snippet->is_full = TRUE;
            return;
        }
        if (is_after_blank)
            g_string_append_c(text, ' ');
        g_string_append_unichar(text, c);
        is_after_blank = FALSE;
    }
}

static void end_line(IngestSnippet *snippet)
{
    g_autofree char *line = g_utf8_make_valid(snippet->line->str, (gssize)snippet->line->len);

    g_strchomp(line);
    if (*line != '\0' && !is_quote(snippet, line))
        append_collapsed(snippet, line);
    vault_wipe(line, strlen(line));
    vault_wipe(snippet->line->str, snippet->line->len);
    g_string_truncate(snippet->line, 0);
}

static void append_line(IngestSnippet *snippet, const char *text, gsize len)
{
    gsize room = LINE_LEN_MAX - MIN(snippet->line->len, LINE_LEN_MAX);

    g_string_append_len(snippet->line, text, (gssize)MIN(len, room));
}

void ingest_snippet_add(IngestSnippet *snippet, const char *text, gsize len)
{
    if (text == NULL && snippet->line->len > 0)
        end_line(snippet);
    while (len > 0 && !snippet->is_full) {
        const char *newline = memchr(text, '\n', len);
        gsize line_len = newline == NULL ? len : (gsize)(newline - text);

        append_line(snippet, text, line_len);
        if (newline == NULL)
            return;
        end_line(snippet);
        text += line_len + 1, len -= line_len + 1;
    }
}

char *ingest_snippet_take(IngestSnippet *snippet)
{
    if (snippet->line->len > 0 && !snippet->is_full)
        end_line(snippet);
    return snippet->text->len == 0 ? NULL : g_strndup(snippet->text->str, snippet->text->len);
}
