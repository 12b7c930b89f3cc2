/* Inside of the local view: what vault_view_local.c and vault_view_local_terms.c share. */
#pragma once

#include "restore/proof_logs.h"
#include "restore/releaser.h"
#include "restore/vault_view_backend.h"
#include "restore/vault_view_ledger.h"
#include "vault/act/grant_file.h"

typedef struct {
    MailboxId mailbox_id;
    MonthKeyId month_key_id;
    guint8 halves; /* VaultGrantHalves */
} GrantedMonth;

typedef struct {
    VaultKeep *keep; /* records are read from it, by any thread */
    VaultKeep *keys; /* what asks the keyring, by one; as `keep` until the vault key is rolled */
    VaultGrantFile *grant;     /* NULL until one is presented, and was found good */
    RestoreReleaser *releaser; /* judges the grant: now, and at each release */
    GArray *months;            /* GrantedMonth; NULL: not asked for yet */
    VaultViewLedger *ledger;   /* of copies */
    VaultViewLedger *terms;    /* of terms copies: what is released here opens no message */
    ProofLogs *proofs;         /* NULL until they are asked for */
} LocalView;

/* Not after the grant's end. */
gboolean local_view_check_grant(const LocalView *view, GError **error);
/* Lists show no content, but who got mail when: no more of it to whoever was revoked or removed
 * meanwhile. */
gboolean local_view_judge_again(const LocalView *view, GError **error);

/* A question about the keyring, asked again under the new vault key where that was rolled: it begins
 * anew then. */
typedef gboolean (*LocalQuestion)(LocalView *view, gpointer asked, GError **error);
gboolean local_view_ask(LocalView *view, LocalQuestion question, gpointer asked, GError **error);

/* What a filter and the grant leave. */
typedef struct {
    VaultCopyFilter filter; /* borrows the arrays */
    GArray *months, *messages;
    gboolean is_empty; /* nothing: not to be asked for */
} LocalScope;
void local_scope_clear(LocalScope *scope);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(LocalScope, local_scope_clear)
/* `half`: what the grant has to give of a month. */
gboolean local_view_scope(LocalView *view, const VaultViewFilter *filter, VaultGrantHalves half,
                          LocalScope *ret_scope, GError **error);

/* Of the backend. */
gboolean local_terms_list(gpointer self, const VaultViewFilter *filter,
                          VaultTermsPosition *position, gsize max, GArray *page,
                          gboolean *ret_is_more, GError **error);
GBytes *local_terms_release(gpointer self, const RecordId *terms_copies, gsize count,
                            GError **error);
gboolean local_terms_read(gpointer self, const RecordId *terms_copies, gsize count,
                          GBytes **ret_records, GError **error);
GBytes *local_case_key(gpointer self, GError **error);
