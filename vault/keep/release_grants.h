/* Inside vault/keep: grants that were judged, so that a restore in many batches is judged once.
 *
 * Approvals take an ssh-keygen each. A verdict is kept by the SHA-256 of the grant's text, with
 * what it was reached by: masters, policy in force, revocations, standing readers, hour. Where one
 * of these has changed the grant is judged again; expiry is looked at each time. Bounded: the
 * longest unused is forgotten. Threads: safe. Errors: those of vault_grant_file_parse(),
 * vault_grant_check() and the keyring.
 */
#pragma once

#include "vault/act/grant_check.h"
#include "vault/keep/keyring_batch.h"

#define VAULT_RELEASE_GRANTS_MAX 8

typedef struct VaultReleaseGrants VaultReleaseGrants;
VaultReleaseGrants *vault_release_grants_new(VaultSshVerify verify, gpointer user);
void vault_release_grants_free(VaultReleaseGrants *grants);

/* Good when it was judged, and never changed. */
typedef struct {
    gint ref_count;
    VaultHash grant_hash;
    VaultHash conditions_hash;
    VaultGrantFile *grant;
    VaultGrantScope *scope;
} VaultJudgedGrant;
void vault_judged_grant_unref(VaultJudgedGrant *judged);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultJudgedGrant, vault_judged_grant_unref)

/* What counts now. */
typedef struct {
    VaultKeyring *keyring;
    VaultId vault_id;
    const GArray *masters; /* MasterPublic */
    const char *policy;
    const GArray *standing; /* VaultHash of requests: their standing grants are taken up */
    guint64 now_s;
} VaultReleaseConditions;
VaultJudgedGrant *vault_release_grants_judge(VaultReleaseGrants *grants, const char *text,
                                             gsize len, const VaultReleaseConditions *conditions,
                                             GError **error);
/* Would it be found good again, with nothing to judge anew? */
gboolean vault_release_grants_is_current(const VaultJudgedGrant *judged,
                                         const VaultReleaseConditions *conditions,
                                         gboolean *ret_is_current, GError **error);

/* Durable. */
gboolean vault_release_grants_revoke(VaultKeyring *keyring, const VaultHash *request_hash,
                                     guint64 now_s, GError **error);
gboolean vault_release_grants_is_revoked(VaultKeyring *keyring, const VaultHash *request_hash,
                                         gboolean *ret_is_revoked, GError **error);
