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

/* What could not be had, by whether it can be another time. */
typedef struct {
    guint64 failed_count; /* as it is, it never opens */
    guint64 unread_count; /* a connection broke, a disk was away */
} CaseContentMissing;
/* Of a record that is what it is for ever. */
gboolean case_content_is_final(const GError *failure);

/* `bodies`: RecordId, archive ids. What could not be opened is counted. */
gboolean case_content_read(VaultView *view, RestoreScope *scope, const GArray *bodies,
                           CaseContentVisit visit, gpointer user, CaseContentMissing *ret_missing,
                           GError **error);
