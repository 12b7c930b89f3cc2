/* Words of messages that the vault keeps none of: out of the messages themselves, where the grant
 * opens them.
 *
 * Each message is released like one that is read, many in one release, and opened one after the
 * other. Those over CASE_CONTENT_LEN_MAX are left out. Errors: what would fail for every other
 * message too, and what `visit` returns.
 */
#pragma once

#include "ingest/extractor.h"
#include "restore/restore_scope.h"

#define CASE_CONTENT_LEN_MAX (64u << 20)

/* The terms of a message (ingest/words/terms.h), borrowed. FALSE ends it. */
typedef gboolean (*CaseContentVisit)(const RecordId *body_id, const GByteArray *terms,
                                     gpointer user, GError **error);

typedef struct {
    VaultView *view;
    RestoreScope *scope;
    IngestExtractor *extractor; /* reads attached documents; NULL: they are marked as not read */
    guint64 text_len_max;       /* 0 = INGEST_TEXT_LEN_DEFAULT */
    CaseContentVisit visit;
    gpointer user;
} CaseContentOptions;

/* What could not be had, by whether it can be another time. */
typedef struct {
    guint64 failed_count; /* as it is, it never opens */
    guint64 unread_count; /* a connection broke, a disk was away */
} CaseContentMissing;
/* Of a record that is what it is for ever. */
gboolean case_content_is_final(const GError *failure);

/* `bodies`: RecordId, archive ids. What could not be opened is counted. */
gboolean case_content_read(const CaseContentOptions *options, const GArray *bodies,
                           CaseContentMissing *ret_missing, GError **error);
