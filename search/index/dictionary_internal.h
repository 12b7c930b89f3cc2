/* What the writing and the reading of a dictionary agree on. */
#pragma once

#include "search/index/dictionary.h"

#define SEARCH_DICTIONARY_HEADER_LEN 16 /* where the lists of the block's first entry lie */
