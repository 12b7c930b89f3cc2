/* Several segments become one, list by list, in little memory: twelve bytes a document. Strays
 * whose document is among them become its copies. Threads: one user of the segments. */
#pragma once

#include "search/index/copies.h"

/* `segments`: SearchSegment, no document in two of them. `copies`: of this scan. Strays of copies
 * whose documents are elsewhere are the caller's to write, and finish, too. */
gboolean search_merge(const GPtrArray *segments, SearchCopies *copies, SearchSegmentWriter *writer,
                      GError **error);
