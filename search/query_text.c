#include "search/query_text.h"

#include <string.h>

const char *search_text_mistake(const SearchText *in, gsize *ret_offset, gsize *ret_end)
{
    const char *end;

    if (!g_utf8_validate(in->text, (gssize)in->len, &end)) {
        *ret_offset = (gsize)(end - in->text);
        *ret_end = *ret_offset + 1;
        return "this is no UTF-8 text";
    }
    for (gsize at = 0; at < in->len; at = search_text_behind(in, at)) {
        gunichar letter = search_text_letter(in, at);

        if (!g_unichar_iscntrl(letter) || g_unichar_isspace(letter))
            continue;
        *ret_offset = at;
        *ret_end = search_text_behind(in, at);
        return "a control character is no text";
    }
    return NULL;
}

gunichar search_text_letter(const SearchText *in, gsize at)
{
    return at < in->len ? g_utf8_get_char(in->text + at) : 0;
}

gsize search_text_behind(const SearchText *in, gsize at)
{
    return (gsize)(g_utf8_next_char(in->text + at) - in->text);
}

gboolean search_text_is_quote(gunichar letter)
{
    return letter == '"' || letter == 0x201C || letter == 0x201E;
}

static gboolean is_delimiter(gunichar letter)
{
    return letter == 0 || letter == '(' || letter == ')' || letter == 0x201D ||
           search_text_is_quote(letter) || g_unichar_isspace(letter);
}

gsize search_text_end_of_bare(const SearchText *in, gsize at)
{
    while (!is_delimiter(search_text_letter(in, at)))
        at = search_text_behind(in, at);
    return at;
}

void search_text_skip_blanks(SearchText *in)
{
    while (in->at < in->len && g_unichar_isspace(search_text_letter(in, in->at)))
        in->at = search_text_behind(in, in->at);
}

gboolean search_text_begins_with(const SearchText *in, gsize at, const char *word)
{
    gsize len = strlen(word);

    return in->len - at >= len && memcmp(in->text + at, word, len) == 0;
}

gboolean search_text_is_keyword(const SearchText *in, const char *word)
{
    gsize end = in->at + strlen(word);

    return search_text_begins_with(in, in->at, word) &&
           (is_delimiter(search_text_letter(in, end)) ||
            (g_str_equal(word, "NEAR") && search_text_letter(in, end) == '/'));
}

gboolean search_text_take_keyword(SearchText *in, const char *word)
{
    if (!search_text_is_keyword(in, word))
        return FALSE;
    in->at += strlen(word);
    return TRUE;
}

gboolean search_text_is_operator(const SearchText *in)
{
    return search_text_is_keyword(in, "AND") || search_text_is_keyword(in, "OR") ||
           search_text_is_keyword(in, "NEAR");
}
