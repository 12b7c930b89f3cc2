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

typedef struct {
    guint64 added_count; /* copies that have terms now */
    guint64 known_count; /* that had some before: left as they are */
    guint64 gone_count;  /* that were erased, or never were */
} VaultTermsAdded;
/* Gives copies that have no terms those of the batch (vault/act/terms_batch.h): sealed to the index
 * key of each copy's month, under its leaf; one terms body for the copies of a message where there
 * are several. Writer only. By a grant that opens the messages: that the words are theirs is its
 * reader's word. Logged before, as what was done under the grant; on stable storage, and listed
 * again by vault_keep_terms(), when it returns TRUE; else no copy got any, though it may be logged.
 * REFUSED: the grant is not good now, is for searching only, or does not cover one of the copies;
 * MALFORMED: the batch, or one of its copies is of another message; TOO_LARGE: the batch; and those
 * of the grant's text, of vault_keep_log_act() and of a commit. */
gboolean vault_keep_add_terms(VaultKeep *keep, const char *grant_text, gsize grant_len,
                              const void *batch, gsize len, VaultTermsAdded *ret_added,
                              GError **error);
