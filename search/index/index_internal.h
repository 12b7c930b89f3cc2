/* What the parts of the reader and the writer share. */
#pragma once

#include "search/index/id_table.h"
#include "search/index/segment.h"

struct SearchIndex {
    GPtrArray *segments;   /* SearchSegment, oldest first */
    SearchIdTable *bodies; /* body id -> document; made when it is asked for */
    SearchIdTable *copies; /* terms id -> any number; likewise */
    guint32 document_count;
};

/* Takes over the segments. */
SearchIndex *search_index_of_segments(GPtrArray *segments, GError **error);
/* The segment that a document is in, NULL when there is no such document. */
SearchSegment *search_index_segment_of(const SearchIndex *index, guint32 document);
/* Calls `visit` for each copy of the segment's documents [from, to) that is a stray of another. */
typedef gboolean (*SearchStrayVisit)(gpointer user, SearchSegment *holder, const SearchStray *stray,
                                     GError **error);
gboolean search_index_visit_strays(const SearchIndex *index, const SearchSegment *segment,
                                   guint32 from, guint32 to, SearchStrayVisit visit, gpointer user,
                                   GError **error);
