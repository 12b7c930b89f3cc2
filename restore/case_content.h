/* Words of messages that the vault keeps none of: out of the messages themselves, where the grant
 * opens them.
 *
 * Each message is released and opened like one that is read, one after the other. Those over
 * CASE_CONTENT_LEN_MAX are left out. Errors: what would fail for every other message too.
 */
#pragma once

#include "ingest/words/terms.h"
#include "restore/restore_scope.h"

#define CASE_CONTENT_LEN_MAX (64u << 20)

/* FALSE ends it. `terms` is borrowed. */
typedef gboolean (*CaseContentVisit)(const RecordId *body_id, const IngestTerms *terms,
                                     gpointer user, GError **error);

/* `bodies`: RecordId, archive ids. What could not be opened is counted. */
gboolean case_content_read(VaultView *view, RestoreScope *scope, const GArray *bodies,
                           CaseContentVisit visit, gpointer user, guint64 *ret_failed_count,
                           GError **error);
