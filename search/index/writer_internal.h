/* For tests: so that few messages fill the memory, or make segments that stay apart. */
#pragma once

#include "search/index.h"

typedef struct {
    gsize memory_len_max; /* of all that is held before it becomes a draft */
    guint merge_ratio;    /* a segment this many times as long as what follows it stays as it is */
} SearchIndexTuning;
void search_index_writer_tune(SearchIndexWriter *writer, const SearchIndexTuning *tuning);
