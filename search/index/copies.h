/* The copies that a scan found, by the message that they are of. Threads: one user per object. */
#pragma once

#include "search/index/segment.h"

typedef struct SearchCopies SearchCopies;
SearchCopies *search_copies_new(void);
void search_copies_free(SearchCopies *copies);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SearchCopies, search_copies_free)
void search_copies_add(SearchCopies *copies, const SearchCopy *copy);
guint search_copies_count(const SearchCopies *copies);
/* Those of the document added last are written, and remembered as written. */
gboolean search_copies_write(SearchCopies *copies, const RecordId *body_id,
                             SearchSegmentWriter *writer, GError **error);
/* Those not written yet, of documents that `find` knows in another segment, are written as strays;
 * the others are left out. */
typedef gboolean (*SearchFindDocument)(gpointer user, const RecordId *body_id, guint64 *ret_segment,
                                       guint32 *ret_document);
gboolean search_copies_write_strays(SearchCopies *copies, SearchFindDocument find, gpointer user,
                                    SearchSegmentWriter *writer, GError **error);
