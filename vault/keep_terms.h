/* Terms copies as the keeper lists them: part of the library "keep" (keep.h), whose errors and
 * threads are its own. What is listed is what the catalog has; opening terms is vault/open.h's.
 */
#pragma once

#include "vault/keep.h"

typedef struct {
    RecordId terms_id; /* record id of the terms copy; zeros: the copy has none */
    RecordId copy_id;
    RecordId body_id;
    MailboxId mailbox_id;
    MonthKeyId month_key_id;
    guint32 leaf;
    guint64 received_s;
    guint32 flags;
} VaultTermsEntry;
/* Where a list of terms goes on: a place in the order in which the catalog took copies up, and
 * which catalog that was. A rebuilt one has another order: then the list begins anew. */
typedef struct {
    guint64 catalog_mark; /* random, of the catalog file; 0 to begin */
    guint64 sequence;     /* behind it */
    gboolean is_anew;     /* set by each call: it began anew, what was listed before comes again */
} VaultTermsPosition;
/* The next copies that the filter selects and that are not erased, with their terms, at most `max`,
 * in the order in which they were catalogued, appended to `page` (VaultTermsEntry); moves the
 * position. FALSE in *ret_is_more: that was all. A copy that gets terms later is listed again, with
 * them. What is new since the last list costs what is new, not the whole. */
gboolean vault_keep_terms(VaultKeep *keep, const VaultCopyFilter *filter,
                          VaultTermsPosition *position, gsize max, GArray *page,
                          gboolean *ret_is_more, GError **error);
