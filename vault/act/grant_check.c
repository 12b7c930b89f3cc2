#include "vault/act/grant_check.h"

#include <stdlib.h>

static VaultGrantVerdict refuse(VaultGrantVerdict verdict, GError **error, const char *text)
{
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_REFUSED, text);
    return verdict;
}

static gboolean is_in(const VaultHash *hashes, gsize count, const VaultHash *hash)
{
    for (gsize i = 0; i < count; i++) {
        if (memcmp(hashes[i].bytes, hash->bytes, VAULT_HASH_LEN) == 0)
            return TRUE;
    }
    return FALSE;
}

static gboolean is_revoked(const VaultGrantFile *grant, const VaultGrantConditions *conditions)
{
    return is_in(conditions->revoked, conditions->revoked_count, &grant->request_hash);
}

static gboolean is_taken_up(const VaultGrantFile *grant, const VaultGrantConditions *conditions)
{
    return !vault_grant_file_is_standing(grant) ||
           is_in(conditions->standing, conditions->standing_count, &grant->request_hash);
}

static VaultGrantVerdict check_policy(const VaultRequestFile *request,
                                      const VaultGrantConditions *conditions,
                                      VaultPolicy **ret_policy, GError **error)
{
    *ret_policy = vault_policy_parse(conditions->policy, conditions->policy_len, error);
    if (*ret_policy == NULL)
        return VAULT_GRANT_UNKNOWN;
    /* Made for years: it goes on under a later policy that it would be approved by. */
    if (request->act == VAULT_ACT_STANDING_READ && request->policy_serial < (*ret_policy)->serial)
        return VAULT_GRANT_GOOD;
    /* The text too: two masters may each have signed a policy of that serial. */
    if (request->policy_serial == (*ret_policy)->serial &&
        strlen(request->policy) == conditions->policy_len &&
        memcmp(request->policy, conditions->policy, conditions->policy_len) == 0)
        return VAULT_GRANT_GOOD;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                "the grant was made under policy %u, and policy %u is in force%s: make a new "
                "request",
                request->policy_serial, (*ret_policy)->serial,
                request->policy_serial == (*ret_policy)->serial ? ", of another text" : "");
    return VAULT_GRANT_WRONG_POLICY;
}

static VaultGrantVerdict check_approvals(const VaultGrantFile *grant, const VaultPolicy *policy,
                                         const VaultGrantConditions *conditions, GError **error)
{
    const VaultRequestFile *request = grant->request;
    VaultApprovedText approved = {
        .ssh_namespace = VAULT_APPROVAL_OF_REQUEST,
        .text = grant->request_text,
        .len = vault_approvals_offset(grant->request_text, grant->request_len),
        .approvals = request->approvals,
        .reader = request->reader_name};
    g_autoptr(VaultApprovalTally) tally = vault_approval_tally(
        policy, request->act, &approved, conditions->verify, conditions->user, error);

    if (tally == NULL)
        return VAULT_GRANT_UNKNOWN;
    return vault_approval_tally_check(tally, error) ? VAULT_GRANT_GOOD : VAULT_GRANT_UNDER_APPROVED;
}

VaultGrantVerdict vault_grant_check(const VaultGrantFile *grant,
                                    const VaultGrantConditions *conditions, GError **error)
{
    g_autoptr(VaultPolicy) policy = NULL;
    VaultGrantVerdict verdict;

    if (!VAULT_ID_EQUAL(grant->request->vault_id, conditions->vault_id))
        return refuse(VAULT_GRANT_WRONG_VAULT, error, "the grant is for another vault");
    if (!vault_grant_file_verify(grant, &conditions->vault_id, conditions->masters,
                                 conditions->master_count, error))
        return VAULT_GRANT_WRONG_MASTER;
    if (is_revoked(grant, conditions))
        return refuse(VAULT_GRANT_REVOKED, error, "the grant was revoked: make a new request");
    if (conditions->now_s >= grant->request->expires_s)
        return refuse(VAULT_GRANT_EXPIRED, error, "the grant has expired: make a new request");
    if (!is_taken_up(grant, conditions))
        return refuse(VAULT_GRANT_NOT_TAKEN_UP, error,
                      "the vault has not taken up the standing grant: on its host, run \"muniment "
                      "reader add\"");
    verdict = check_policy(grant->request, conditions, &policy, error);
    return verdict == VAULT_GRANT_GOOD ? check_approvals(grant, policy, conditions, error)
                                       : verdict;
}

/* ---- scope ---------------------------------------------------------------------------------- */

struct VaultGrantScope {
    const VaultGrantFile *grant;
    guint8 halves;      /* of a standing grant: of all its months */
    GHashTable *months; /* MonthKeyId (of the grant) -> VaultGrantKey */
};

VaultGrantScope *vault_grant_scope_new(const VaultGrantFile *grant)
{
    VaultGrantScope *scope = g_new0(VaultGrantScope, 1);

    scope->grant = grant;
    scope->halves = vault_grant_halves(grant->request->act);
    scope->months = g_hash_table_new(vault_id_hash, vault_id_equal);
    for (guint i = 0; i < grant->keys->len; i++) {
        VaultGrantKey *key = &g_array_index(grant->keys, VaultGrantKey, i);

        g_hash_table_insert(scope->months, &key->month_key_id, key);
    }
    return scope;
}

void vault_grant_scope_free(VaultGrantScope *scope)
{
    if (scope == NULL)
        return;
    g_hash_table_unref(scope->months);
    g_free(scope);
}

static int compare_ids(const void *a, const void *b)
{
    return memcmp(a, b, VAULT_ID_LEN);
}

static gboolean names_message(const VaultRequestFile *request, const RecordId *id)
{
    return request->messages->len == 0 ||
           bsearch(id, request->messages->data, request->messages->len, sizeof *id, compare_ids) !=
               NULL;
}

/* The halves that it has of the month; 0: it does not cover that. */
static guint8 halves_of(const VaultGrantScope *scope, const VaultGrantUse *use)
{
    const VaultGrantKey *key = g_hash_table_lookup(scope->months, &use->month_key_id);

    if (!vault_grant_file_is_standing(scope->grant))
        return key != NULL ? key->halves : 0;
    return use->is_wrapped && vault_grant_file_has_mailbox(scope->grant, &use->mailbox_id)
               ? scope->halves
               : 0;
}

gboolean vault_grant_scope_covers(const VaultGrantScope *scope, const VaultGrantUse *use,
                                  GError **error)
{
    const VaultRequestFile *request = scope->grant->request;
    guint8 halves = halves_of(scope, use);
    const char *why = NULL;

    if (halves == 0)
        why = "its mailbox-month";
    else if ((halves & use->half) == 0)
        why = "messages, only words: it is for searching";
    else if (use->received_s < request->from_s || use->received_s >= request->to_s)
        why = "the second that it was received in";
    else if (!names_message(request, &use->archive_id))
        why = "it, as other messages are named";
    if (why == NULL)
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED, "message %s: the grant does not cover %s",
                VAULT_ID_TEXT(use->archive_id), why);
    return FALSE;
}
