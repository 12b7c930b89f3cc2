/* The different terms of a segment in memory, each with its field: a number for each, in the order
 * in which they came; and those numbers by term, then field. Threads: one user per object. */
#pragma once

#include "ingest/words/terms.h"

typedef struct SearchTermTable SearchTermTable;
SearchTermTable *search_term_table_new(void);
void search_term_table_free(SearchTermTable *table); /* wipes */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SearchTermTable, search_term_table_free)
/* Of several terms at once, at most SEARCH_TERMS_AT_ONCE: looking one up waits for memory, so all
 * of them are asked for before the first is looked at. */
#define SEARCH_TERMS_AT_ONCE 32
void search_term_table_numbers(SearchTermTable *table, const IngestTerm *terms, guint count,
                               guint32 *ret_numbers);
guint32 search_term_table_count(const SearchTermTable *table);
gsize search_term_table_len(const SearchTermTable *table); /* of the memory it takes */
/* The table's, until the next number is asked for. */
void search_term_table_get(const SearchTermTable *table, guint32 number, const char **ret_term,
                           gsize *ret_len, guint *ret_field);
/* New array of all numbers, sorted. */
guint32 *search_term_table_sorted(const SearchTermTable *table);
