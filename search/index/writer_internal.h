/* For tests: so that few messages fill the memory. */
#pragma once

#include "search/index.h"

/* Of all that is held before it becomes a draft. */
void search_index_writer_limit_memory(SearchIndexWriter *writer, gsize len_max);
