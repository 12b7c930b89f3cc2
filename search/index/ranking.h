/* Relevance: BM25 over the words and phrases of a query that a hit may have.
 *
 *   score = sum over them of idf * f * (k1 + 1) / (f + k1 * (1 - b + b * length / mean length))
 *   idf   = sum over the words of ln(1 + (N - n + 0.5) / (n + 0.5))
 *
 * f: how often they are in the message; length: words in the fields looked at; n: in how many
 * messages the word is, added up over its fields and forms, at most N. k1 = 1.2, b = 0.75. All of
 * it is counted over the whole index, whatever its segments. Threads: one user per object. Source:
 * docs/formats/case-index.md, section "Relevance". */
#pragma once

#include "search/index/iterator.h"

typedef struct SearchRanking SearchRanking;
SearchRanking *search_ranking_new(SearchIndex *index, const SearchQuery *query, GError **error);
void search_ranking_free(SearchRanking *ranking);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SearchRanking, search_ranking_free)
/* Scores of the documents of one segment, which rise (GArray of guint32). */
gboolean search_ranking_score(SearchRanking *ranking, SearchEvaluation *evaluation,
                              const GArray *documents, double *ret_scores);
