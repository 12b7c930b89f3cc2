/* Reading a policy: the one judge of what it may hold. */
#include "vault/act/policy.h"

static const char policy_type[] = "muniment-policy/1";

#define NAME_LEN_MAX 32

const char *vault_policy_initial_text(void)
{
    return "muniment-policy/1\n"
           "serial: 0\n"
           "approvals: 0\n";
}

gboolean vault_policy_serial(const char *text, gsize len, guint32 *ret_serial, GError **error)
{
    VaultTextFile file;

    return vault_text_file_begin(&file, text, len, policy_type, error) &&
           vault_text_file_take_number(&file, "serial", G_MAXUINT32, ret_serial, error);
}

static gboolean take_needed(VaultTextFile *file, VaultPolicy *policy, GError **error)
{
    for (VaultAct act = VAULT_ACT_SEARCH; act < VAULT_ACT_COUNTED_END; act++) {
        g_autofree char *name = g_strconcat("needed-", vault_act_name(act), NULL);

        if (!vault_text_file_take_number(file, name, VAULT_POLICY_APPROVERS_MAX,
                                         &policy->needed[act], error))
            return FALSE;
    }
    return TRUE;
}

static gboolean take_rules(VaultTextFile *file, VaultPolicy *policy, GError **error)
{
    g_autofree char *roll = vault_text_file_take(file, "roll", NAME_LEN_MAX, error);
    g_autofree char *closed_mail = NULL;

    if (roll == NULL)
        return FALSE;
    for (policy->roll = VAULT_ROLL_EACH; !g_str_equal(roll, vault_policy_roll_name(policy->roll));
         policy->roll++) {
        if (policy->roll == VAULT_ROLL_DAILY)
            return vault_text_file_refuse(file, error, "roll is each or daily");
    }
    if (!vault_text_file_take_number(file, "physical-removal-days", VAULT_POLICY_REMOVAL_DAYS_MAX,
                                     &policy->physical_removal_days, error))
        return FALSE;
    closed_mail = vault_text_file_take(file, "closed-mail", NAME_LEN_MAX, error);
    if (closed_mail == NULL)
        return FALSE;
    for (policy->closed_mail = VAULT_CLOSED_MAIL_NEW;
         !g_str_equal(closed_mail, vault_policy_closed_mail_name(policy->closed_mail));
         policy->closed_mail++) {
        if (policy->closed_mail == VAULT_CLOSED_MAIL_REJECT_PERMANENT)
            return vault_text_file_refuse(file, error,
                                          "closed-mail is new, unassigned, reject-temporary or "
                                          "reject-permanent");
    }
    return TRUE;
}

/* "approver: TYPE BASE64 NAME": a line of NAME.pub, whose comment is the name. */
static VaultApprover *take_approver(VaultTextFile *file, GError **error)
{
    g_autofree char *value = vault_text_file_take_text(
        file, "approver", VAULT_SSH_KEY_LEN_MAX + 1 + VAULT_APPROVER_NAME_LEN_MAX, error);
    g_auto(GStrv) parts = NULL;
    VaultApprover *approver;

    if (value == NULL || (parts = vault_text_file_split(file, value, 3, error)) == NULL)
        return NULL;
    if (!vault_ssh_key_check(parts[0], parts[1], error)) {
        g_prefix_error(error, "%s, line %u: ", file->type, file->line);
        return NULL;
    }
    if (!vault_text_is_readable(parts[2], VAULT_APPROVER_NAME_LEN_MAX)) {
        vault_text_file_refuse(file, error, "the approver's name is too long");
        return NULL;
    }
    approver = g_new0(VaultApprover, 1);
    approver->name = g_strdup(parts[2]);
    approver->ssh_key = g_strconcat(parts[0], " ", parts[1], NULL);
    return approver;
}

/* One person with two names or two people with one key would approve for each other. */
static gboolean is_somebody_else(VaultTextFile *file, const VaultPolicy *policy,
                                 const VaultApprover *approver, GError **error)
{
    for (guint i = 0; i < policy->approvers->len; i++) {
        const VaultApprover *before = g_ptr_array_index(policy->approvers, i);

        if (before == approver)
            continue;
        if (vault_policy_is_same_name(before->name, approver->name))
            return vault_text_file_refuse(file, error, "two approvers have the same name");
        if (g_str_equal(before->ssh_key, approver->ssh_key))
            return vault_text_file_refuse(file, error, "two approvers have the same key");
        if (strcmp(before->name, approver->name) > 0)
            return vault_text_file_refuse(file, error, "the approvers are not in order of name");
    }
    return TRUE;
}

static gboolean take_approvers(VaultTextFile *file, VaultPolicy *policy, GError **error)
{
    guint32 count;

    if (!vault_text_file_take_number(file, "approvers", VAULT_POLICY_APPROVERS_MAX, &count, error))
        return FALSE;
    for (guint32 i = 0; i < count; i++) {
        VaultApprover *approver = take_approver(file, error);

        if (approver == NULL)
            return FALSE;
        g_ptr_array_add(policy->approvers, approver);
        if (!is_somebody_else(file, policy, approver, error))
            return FALSE;
    }
    for (VaultAct act = VAULT_ACT_SEARCH; act < VAULT_ACT_COUNTED_END; act++) {
        if (policy->needed[act] > count)
            return vault_text_file_refuse(
                file, error,
                "%s needs %u approvals, and there are %u approvers: it could never be "
                "done",
                vault_act_name(act), policy->needed[act], count);
    }
    return TRUE;
}

static gboolean take_signature(VaultTextFile *file, VaultPolicy *policy, const char *text,
                               gsize *ret_signed_len, GError **error)
{
    if (!vault_text_file_take_hex(file, "master", policy->verify_key.bytes, VAULT_KEY_LEN, error))
        return FALSE;
    *ret_signed_len = (gsize)(file->next - text);
    policy->is_signed = TRUE;
    return vault_text_file_take_hex(file, "signature", policy->signature.bytes, VAULT_SIGNATURE_LEN,
                                    error);
}

static gboolean take_all(VaultTextFile *file, VaultPolicy *policy, const char *text,
                         gsize *ret_signed_len, GError **error)
{
    if (!vault_text_file_take_number(file, "serial", G_MAXUINT32, &policy->serial, error))
        return FALSE;
    if (policy->serial == 0)
        return vault_text_file_refuse(file, error,
                                      "serial 0 is the initial policy's, which is "
                                      "fixed");
    if (!vault_text_file_take_hex(file, "vault", policy->vault_id.bytes, VAULT_ID_LEN, error) ||
        !vault_text_file_take_time(file, "created", &policy->created_s, error) ||
        !take_needed(file, policy, error) || !take_rules(file, policy, error) ||
        !take_approvers(file, policy, error) ||
        !vault_approvals_take(file, policy->approvals, error))
        return FALSE;
    *ret_signed_len = (gsize)(file->next - text);
    /* A draft ends here. */
    if (file->next < file->end && !take_signature(file, policy, text, ret_signed_len, error))
        return FALSE;
    return vault_text_file_finish(file, error);
}

VaultPolicy *vault_policy_parse_form(const char *text, gsize len, gsize *ret_signed_len,
                                     GError **error)
{
    const char *initial = vault_policy_initial_text();
    g_autoptr(VaultPolicy) policy = vault_policy_new();
    gsize signed_len = len;
    VaultTextFile file;

    if (len > VAULT_POLICY_LEN_MAX) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE, "a policy has at most %u bytes",
                    VAULT_POLICY_LEN_MAX);
        return NULL;
    }
    if ((len != strlen(initial) || memcmp(text, initial, len) != 0) &&
        (!vault_text_file_begin(&file, text, len, policy_type, error) ||
         !take_all(&file, policy, text, &signed_len, error)))
        return NULL;
    if (ret_signed_len != NULL)
        *ret_signed_len = signed_len;
    return g_steal_pointer(&policy);
}
