/* The text of a query, letter by letter: what the parser reads. Used by search/query*.c alone. */
#pragma once

#include <glib.h>

typedef struct {
    const char *text; /* once checked: UTF-8, and blanks are the only control characters */
    gsize len, at;
} SearchText;

/* What makes it no text, and where; NULL: nothing. */
const char *search_text_mistake(const SearchText *in, gsize *ret_offset, gsize *ret_end);
/* 0 at the end. */
gunichar search_text_letter(const SearchText *in, gsize at);
/* Where the next letter begins. */
gsize search_text_behind(const SearchText *in, gsize at);
/* Straight, or as a word processor opens them. */
gboolean search_text_is_quote(gunichar letter);
/* Of a run of letters that no blank, parenthesis or quote ends. */
gsize search_text_end_of_bare(const SearchText *in, gsize at);
void search_text_skip_blanks(SearchText *in);
gboolean search_text_begins_with(const SearchText *in, gsize at, const char *word);
/* AND, OR, NOT, NEAR and NEAR/5: large letters, and nothing else. */
gboolean search_text_is_keyword(const SearchText *in, const char *word);
gboolean search_text_take_keyword(SearchText *in, const char *word);
/* AND, OR or NEAR, which stand between two. */
gboolean search_text_is_operator(const SearchText *in);
