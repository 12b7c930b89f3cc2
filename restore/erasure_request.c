#include "restore/erasure_request.h"

#include "ingest/owners.h"
#include "restore/dates.h"
#include "restore/request_scope.h"
#include "vault/act/policy.h"
#include "vault/act/text_file.h"
#include "vault/erasure.h"

/* Acts of the host have no case of their own. */
#define ERASURE_CASE "none"
#define EXPIRES_S (30 * 24 * 3600)

/* ---- every request -------------------------------------------------------------------------- */

static gboolean fill(VaultKeep *keep, VaultRequestFile *request, const char *reason, GError **error)
{
    request->vault_id = *vault_keep_id(keep);
    vault_request_file_set_nonce(request);
    request->case_id = g_strdup(ERASURE_CASE);
    request->reason = g_strdup(reason);
    request->created_s = (guint64)(g_get_real_time() / G_USEC_PER_SEC);
    request->expires_s = request->created_s + EXPIRES_S;
    request->policy = vault_keep_policy(keep, error);
    return request->policy != NULL && vault_policy_serial(request->policy, strlen(request->policy),
                                                          &request->policy_serial, error);
}

/* ---- mailbox -------------------------------------------------------------------------------- */

/* By id from here on: an address may have had more than one mailbox, and the open one is meant. */
static gboolean add_mailbox(VaultKeep *keep, const char *typed, RestoreRequestScope *scope,
                            GError **error)
{
    IngestOwnerSettings settings = {.delimiter = ""};
    g_autoptr(IngestOwnerRules) rules = ingest_owner_rules_new(&settings, error);
    g_autofree char *normalised = NULL;
    MailboxId id;

    if (rules == NULL)
        return FALSE;
    normalised = ingest_owner_normalise(rules, typed);
    if (!vault_keep_find_mailbox(keep, normalised != NULL ? normalised : typed, &id, error))
        return FALSE;
    g_ptr_array_add(scope->mailboxes, g_strdup(VAULT_ID_TEXT(id)));
    return TRUE;
}

/* ---- erase and shred ------------------------------------------------------------------------ */

static gboolean add_messages(VaultKeep *keep, const ErasureOptions *options, gboolean is_all,
                             RestoreRequestScope *scope, GError **error)
{
    for (char **id = options->messages; id != NULL && *id != NULL; id++)
        if (!restore_request_scope_add_message(scope, *id, error))
            return FALSE;
    if (options->result != NULL &&
        !restore_request_scope_add_result_file(scope, options->result, error))
        return FALSE;
    return !is_all || scope->messages->len == 0 ||
           vault_keep_add_repeats(keep, scope->messages, error);
}

static gboolean fill_scope(VaultKeep *keep, VaultAct act, const ErasureOptions *options,
                           RestoreRequestScope *scope, VaultErasureReach *ret_reach, GError **error)
{
    gboolean is_part = act == VAULT_ACT_ERASE ? options->mailbox != NULL
                                              : options->from != NULL || options->to != NULL;

    *ret_reach = is_part ? VAULT_ERASURE_REACH_PART : VAULT_ERASURE_REACH_ALL;
    scope->is_all = options->mailbox == NULL;
    scope->to_s = VAULT_TEXT_TIME_END_S - 1;
    if (options->mailbox != NULL && !add_mailbox(keep, options->mailbox, scope, error))
        return FALSE;
    if (act == VAULT_ACT_ERASE)
        return add_messages(keep, options, !is_part, scope, error);
    return !is_part ||
           restore_period_parse(options->from, options->to, &scope->from_s, &scope->to_s, error);
}

char *restore_erasure_request(VaultKeep *keep, VaultAct act, const ErasureOptions *options,
                              GError **error)
{
    g_autoptr(VaultRequestFile) request = vault_request_file_new();
    g_auto(RestoreRequestScope) scope = {0};
    VaultErasureDetail detail = {.skips_held = options->skips_held,
                                 .overrides_retention = options->overrides_retention};
    gboolean is_cut;

    restore_request_scope_init(&scope);
    request->act = act;
    if (!fill(keep, request, options->reason, error) ||
        !fill_scope(keep, act, options, &scope, &detail.reach, error))
        return NULL;
    request->detail = vault_erasure_detail_format(act, &detail);
    if (!restore_request_scope_find(&scope, keep, request, &is_cut, error))
        return NULL;
    return vault_request_file_format(request, error);
}
