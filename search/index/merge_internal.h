/* What the two halves of merging share. */
#pragma once

#include "search/index/merge.h"

typedef struct {
    SearchSegment *segment;
    guint32 *numbers;    /* of its documents in the new segment; they rise */
    guint32 next;        /* document looked at */
    SearchDocument head; /* id and date of that */
} SearchMergeSource;

gboolean search_merge_lists(SearchMergeSource *sources, guint count, SearchSegmentWriter *writer,
                            GError **error);
