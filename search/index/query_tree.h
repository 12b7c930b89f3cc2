/* A query's tree as iterators over one segment. Threads: one user of an evaluation. */
#pragma once

#include "search/index/iterator.h"

SearchIterator *search_tree_iterator(SearchEvaluation *evaluation, const SearchNode *node);
