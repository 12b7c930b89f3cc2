/* Iterators over a segment's documents: each gives, in rising order, those that a part of a query
 * fits. They are made for one evaluation; what fails is kept there and ends every iterator.
 * Threads: one user of an evaluation. */
#pragma once

#include "search/index/index_internal.h"

/* A word, or the fields of one, with more lists than this is not gone through list by list. */
#define SEARCH_LISTS_MAX 32

typedef struct {
    SearchIndex *index;
    SearchSegment *segment;
    const SearchOptions *options;
    gboolean is_scoring; /* frequencies are asked for */
    GError *error;       /* the first one */
} SearchEvaluation;

typedef struct SearchIterator SearchIterator;
typedef struct {
    guint32 (*seek)(SearchIterator *iterator, guint32 target);
    void (*free)(SearchIterator *iterator);
    /* In the document found; only of words. */
    guint32 (*frequency)(SearchIterator *iterator);
    void (*positions)(SearchIterator *iterator, GArray *positions); /* rising; where it begins */
} SearchIteratorKind;
struct SearchIterator {
    const SearchIteratorKind *kind;
    SearchEvaluation *evaluation;
    guint64 cost; /* how many documents it gives, roughly */
    gboolean is_begun;
    guint32 document; /* found; SEARCH_NO_DOCUMENT: there is none */
};

void search_iterator_free(SearchIterator *iterator);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SearchIterator, search_iterator_free)
/* The first document that is `target` or higher; never goes back. */
guint32 search_iterator_seek(SearchIterator *iterator, guint32 target);
guint32 search_iterator_frequency(SearchIterator *iterator);
void search_iterator_positions(SearchIterator *iterator, GArray *positions);

/* Documents [from, to). */
SearchIterator *search_iterator_range(SearchEvaluation *evaluation, guint32 from, guint32 to);
/* Those for which `test` is TRUE. */
typedef gboolean (*SearchDocumentTest)(SearchEvaluation *evaluation, const SearchNode *node,
                                       guint32 document);
SearchIterator *search_iterator_filter(SearchEvaluation *evaluation, const SearchNode *node,
                                       SearchDocumentTest test);
/* Those whose bit is set; takes the bits (search_bitmap_new()) over. */
SearchIterator *search_iterator_bitmap(SearchEvaluation *evaluation, guint64 *bits);
/* Of all children, which it takes over (GPtrArray of SearchIterator). */
SearchIterator *search_iterator_and(SearchEvaluation *evaluation, GPtrArray *children);
/* Of any child; its frequency is that of all children together. */
SearchIterator *search_iterator_or(SearchEvaluation *evaluation, GPtrArray *children);
SearchIterator *search_iterator_not(SearchEvaluation *evaluation, SearchIterator *child);

guint64 *search_bitmap_new(const SearchEvaluation *evaluation);
static inline void search_bitmap_set(guint64 *bits, guint32 document)
{
    bits[document / 64] |= (guint64)1 << document % 64;
}
static inline gboolean search_bitmap_has(const guint64 *bits, guint32 document)
{
    return (bits[document / 64] >> document % 64 & 1) != 0;
}

/* The document that an iterator under way has found, for kinds' own use. */
void *search_iterator_new(gsize len, const SearchIteratorKind *kind, SearchEvaluation *evaluation,
                          guint64 cost);
static inline guint32 search_evaluation_count(const SearchEvaluation *evaluation)
{
    return evaluation->segment->facts.document_count;
}
