/* A table from ids to numbers, for some millions of them. Threads: one user per object. */
#pragma once

#include "vault/base/id.h"

typedef struct SearchIdTable SearchIdTable;
SearchIdTable *search_id_table_new(gsize count_expected);
void search_id_table_free(SearchIdTable *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SearchIdTable, search_id_table_free)
/* FALSE when it is there already: then nothing changes. Numbers are below G_MAXUINT32. */
gboolean search_id_table_add(SearchIdTable *table, const RecordId *id, guint32 number);
gboolean search_id_table_find(const SearchIdTable *table, const RecordId *id, guint32 *ret_number);
