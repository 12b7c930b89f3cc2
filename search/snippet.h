/* Where in a text of a message that was found the words of the query stand: for marking them in a
 * list of results.
 *
 * What the query wants is marked, each row of words as a whole; what stands behind a NOT is not.
 * That a word is marked does not say that it is why the message was found: of `a NEAR b` every a
 * is. Pure functions. Threads: a marker has one user.
 */
#pragma once

#include "search/query.h"

/* Bytes of the text. */
typedef struct {
    gsize offset, end;
} SearchHitPlace;

typedef struct SearchMarker SearchMarker;
/* Borrows the query. */
SearchMarker *search_marker_new(const SearchQuery *query);
void search_marker_free(SearchMarker *marker);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SearchMarker, search_marker_free)

/* GArray of SearchHitPlace in a text of that field, rising, apart from each other. NULL text: none.
 */
GArray *search_marker_find(SearchMarker *marker, IngestField field, const char *text);
/* The text with `before` and `behind` around each place; new string. NULL text: NULL. */
char *search_marked_text(const char *text, const GArray *places, const char *before,
                         const char *behind);
