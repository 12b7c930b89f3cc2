#include "vault/keep/retention.h"

#include "vault/act/retention_detail.h"
#include "vault/keep/internal.h"
#include "vault/keep/judge_mailbox.h"
#include "vault/keep/policy.h"

GPtrArray *vault_keep_retention_rules(VaultKeep *keep, GError **error)
{
    return vault_retention_rules_read(keep->keyring, error);
}

static VaultRetentionValue *value_of(const VaultRetentionDetail *detail, guint64 now_s)
{
    VaultRetentionValue *value =
        vault_retention_value_new((VaultRetentionScope)detail->of, detail->name);

    value->basis =
        detail->is_from_closing ? VAULT_RETENTION_FROM_CLOSING : VAULT_RETENTION_FROM_RECEIPT;
    value->min_days = detail->min_days;
    value->max_days = detail->max_days;
    value->set_s = now_s;
    return value;
}

typedef struct {
    const VaultRequestFile *request;
    VaultRetentionValue *rule;
} SetJob;

/* Under the row of the rule that it replaces, where there is one. */
static gboolean set_job(VaultKeyring *keyring, gpointer user, GError **error)
{
    SetJob *job = user;
    g_autoptr(GPtrArray) rules = vault_retention_rules_read(keyring, error);
    g_autoptr(GByteArray) value = vault_retention_value_format(job->rule);

    if (rules == NULL || !vault_policy_still_allows(keyring, job->request, error))
        return FALSE;
    for (guint i = 0; i < rules->len; i++) {
        const VaultRetentionValue *before = g_ptr_array_index(rules, i);

        if (before->scope != job->rule->scope || strcmp(before->name, job->rule->name) != 0)
            continue;
        job->rule->rule_id = before->rule_id;
        if (before->set_s <= job->request->created_s)
            continue;
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                            "the rule was set after this was asked for: make a new request");
        return FALSE;
    }
    return vault_keyring_put(keyring, VAULT_KEYRING_RETENTION, &job->rule->rule_id, value, error);
}

static gboolean log_set(VaultKeep *keep, const VaultRequestFile *request, const char *text,
                        gsize len, GError **error)
{
    g_autoptr(GString) payload = g_string_new(NULL);
    VaultHash hash;

    vault_request_file_hash(text, len, &hash);
    vault_text_append(payload, "act", vault_logged_act_name(VAULT_LOGGED_RETENTION_SET));
    vault_text_append(payload, "rule", request->detail);
    vault_text_append(payload, "case", request->case_id);
    vault_text_append(payload, "reason", request->reason);
    vault_text_append_hex_line(payload, "request", hash.bytes, VAULT_HASH_LEN);
    return vault_keep_log_act(keep, VAULT_LOGGED_RETENTION_SET, payload->str, payload->len, error);
}

gboolean vault_retention_set(VaultKeep *keep, const char *text, gsize len, GString *answer,
                             GError **error)
{
    g_autoptr(VaultRequestFile) request =
        vault_policy_check_request(keep, VAULT_ACT_RETENTION, text, len, NULL, error);
    g_auto(VaultRetentionDetail) detail = {.name = NULL};
    g_autoptr(VaultRetentionValue) rule = NULL;
    SetJob job = {.request = request};

    g_assert(keep->mode == VAULT_KEEP_WRITER);
    if (request == NULL || !vault_retention_detail_parse(request->detail, &detail, error))
        return FALSE;
    job.rule = rule = value_of(&detail, vault_clock_now_s(&keep->clock));
    return log_set(keep, request, text, len, error) &&
           vault_keyring_batch_run(keep->batch, set_job, &job, error);
}
