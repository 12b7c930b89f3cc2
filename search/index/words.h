/* Words of a query in a segment: the lists of what they stand for, next to each other, near each
 * other. Threads: one user of an evaluation. */
#pragma once

#include "search/index/iterator.h"

/* A list that a word stands for. */
typedef struct {
    guint field;
    SearchListPlace place;
} SearchWordList;
/* GArray of SearchWordList of the fields in `mask`: one term, all of one folded form, or all that
 * begin so. NULL on error. */
GArray *search_word_lists(SearchSegment *segment, const SearchWord *word, guint32 mask,
                          GError **error);

/* Of a node of kind WORDS or NEAR. Its frequency is how often the words are there. */
SearchIterator *search_words_iterator(SearchEvaluation *evaluation, const SearchNode *node);

/* ---- within: words of one field, which know where they are ----------------------------------- */

/* The word's lists side by side, at most SEARCH_LISTS_MAX; takes over the GArray. */
SearchIterator *search_iterator_union(SearchEvaluation *evaluation, GArray *lists);
/* Words next to each other, in order; takes over the children, which give their positions. */
SearchIterator *search_iterator_phrase(SearchEvaluation *evaluation, GPtrArray *children);
typedef struct {
    SearchIterator *child; /* taken over */
    guint word_count;
} SearchNearSide;
SearchIterator *search_iterator_near(SearchEvaluation *evaluation, const SearchNearSide sides[2],
                                     guint32 distance);
/* All lists of a word, however many, one after the other: documents with their frequencies; takes
 * over the GArray. */
SearchIterator *search_iterator_wide(SearchEvaluation *evaluation, GArray *lists);
/* The same with positions; where `head` (NULL: everywhere; taken over), of that many words, is
 * right before them: then the positions are those of the head. */
SearchIterator *search_iterator_wide_phrase(SearchEvaluation *evaluation, SearchIterator *head,
                                            guint head_count, GArray *lists);
