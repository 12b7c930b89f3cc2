#include "vault/act/policy.h"

static const char sign_purpose[] = "policy";

#define REMOVAL_DAYS_DEFAULT 30

static const char *const roll_names[] = {
    [VAULT_ROLL_EACH] = "each",
    [VAULT_ROLL_DAILY] = "daily",
};
static const char *const closed_mail_names[] = {
    [VAULT_CLOSED_MAIL_NEW] = "new",
    [VAULT_CLOSED_MAIL_UNASSIGNED] = "unassigned",
    [VAULT_CLOSED_MAIL_REJECT_TEMPORARY] = "reject-temporary",
    [VAULT_CLOSED_MAIL_REJECT_PERMANENT] = "reject-permanent",
};

const char *vault_policy_roll_name(VaultPolicyRoll roll)
{
    g_assert(roll >= VAULT_ROLL_EACH && roll < G_N_ELEMENTS(roll_names));
    return roll_names[roll];
}

const char *vault_policy_closed_mail_name(VaultPolicyClosedMail closed_mail)
{
    g_assert(closed_mail >= VAULT_CLOSED_MAIL_NEW && closed_mail < G_N_ELEMENTS(closed_mail_names));
    return closed_mail_names[closed_mail];
}

void vault_approver_free(VaultApprover *approver)
{
    if (approver == NULL)
        return;
    g_free(approver->name);
    g_free(approver->ssh_key);
    g_free(approver);
}

VaultPolicy *vault_policy_new(void)
{
    VaultPolicy *policy = g_new0(VaultPolicy, 1);

    policy->roll = VAULT_ROLL_EACH;
    policy->closed_mail = VAULT_CLOSED_MAIL_NEW;
    policy->physical_removal_days = REMOVAL_DAYS_DEFAULT;
    policy->approvers = g_ptr_array_new_with_free_func((GDestroyNotify)vault_approver_free);
    policy->approvals = vault_approvals_new();
    return policy;
}

void vault_policy_free(VaultPolicy *policy)
{
    if (policy == NULL)
        return;
    g_ptr_array_unref(policy->approvers);
    g_ptr_array_unref(policy->approvals);
    g_free(policy);
}

/* A standing reader reads as much as any: no easier to become one. */
guint vault_policy_needed(const VaultPolicy *policy, VaultAct act)
{
    return policy->needed[act == VAULT_ACT_STANDING_READ ? VAULT_ACT_READ : act];
}

const VaultApprover *vault_policy_approver(const VaultPolicy *policy, const char *name)
{
    for (guint i = 0; i < policy->approvers->len; i++) {
        const VaultApprover *approver = g_ptr_array_index(policy->approvers, i);

        if (g_str_equal(approver->name, name))
            return approver;
    }
    return NULL;
}

static char *folded(const char *name)
{
    g_autofree char *normalised = g_utf8_normalize(name, -1, G_NORMALIZE_ALL_COMPOSE);

    return g_utf8_casefold(normalised, -1);
}

gboolean vault_policy_is_same_name(const char *a, const char *b)
{
    g_autofree char *left = folded(a);
    g_autofree char *right = folded(b);

    return g_str_equal(left, right);
}

/* ---- formatting ----------------------------------------------------------------------------- */

static int compare_approvers(gconstpointer a, gconstpointer b)
{
    const VaultApprover *const *left = a, *const *right = b;

    return strcmp((*left)->name, (*right)->name);
}

static void append_needed(GString *text, const VaultPolicy *policy)
{
    for (VaultAct act = VAULT_ACT_SEARCH; act < VAULT_ACT_COUNTED_END; act++)
        g_string_append_printf(text, "needed-%s: %u\n", vault_act_name(act), policy->needed[act]);
}

/* What is signed: all lines before the signature; of a draft, all. */
static GString *format_signed_part(VaultPolicy *policy)
{
    GString *text = g_string_new("muniment-policy/1\n");

    g_ptr_array_sort(policy->approvers, compare_approvers);
    vault_text_append_number(text, "serial", policy->serial);
    vault_text_append_hex_line(text, "vault", policy->vault_id.bytes, VAULT_ID_LEN);
    vault_text_append_time(text, "created", policy->created_s);
    append_needed(text, policy);
    vault_text_append(text, "roll", vault_policy_roll_name(policy->roll));
    vault_text_append_number(text, "physical-removal-days", policy->physical_removal_days);
    vault_text_append(text, "closed-mail", vault_policy_closed_mail_name(policy->closed_mail));
    vault_text_append_number(text, "approvers", policy->approvers->len);
    for (guint i = 0; i < policy->approvers->len; i++) {
        const VaultApprover *approver = g_ptr_array_index(policy->approvers, i);

        g_string_append_printf(text, "approver: %s %s\n", approver->ssh_key, approver->name);
    }
    vault_approvals_append(text, policy->approvals);
    if (policy->is_signed)
        vault_text_append_hex_line(text, "master", policy->verify_key.bytes, VAULT_KEY_LEN);
    return text;
}

char *vault_policy_format(VaultPolicy *policy, GError **error)
{
    g_autoptr(GString) text = NULL;
    g_autoptr(VaultPolicy) parsed = NULL;

    if (policy->serial == 0)
        return g_strdup(vault_policy_initial_text());
    text = format_signed_part(policy);
    if (policy->is_signed)
        vault_text_append_hex_line(text, "signature", policy->signature.bytes, VAULT_SIGNATURE_LEN);
    /* One judge of what a policy may hold: the parser that everyone else reads it with. */
    parsed = vault_policy_parse_form(text->str, text->len, NULL, error);
    return parsed != NULL ? g_string_free(g_steal_pointer(&text), FALSE) : NULL;
}

void vault_policy_sign(VaultPolicy *policy, const MasterSigningKey *signing_key,
                       const MasterVerifyKey *verify_key)
{
    g_autoptr(GString) text = NULL;

    policy->is_signed = TRUE;
    policy->verify_key = *verify_key;
    text = format_signed_part(policy);
    vault_master_sign(signing_key, sign_purpose, text->str, text->len, &policy->signature);
}

VaultPolicy *vault_policy_parse(const char *text, gsize len, GError **error)
{
    gsize signed_len = 0;
    g_autoptr(VaultPolicy) policy = vault_policy_parse_form(text, len, &signed_len, error);

    if (policy == NULL || !policy->is_signed ||
        vault_master_verify(&policy->verify_key, sign_purpose, text, signed_len,
                            &policy->signature))
        return g_steal_pointer(&policy);
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                        "the policy was changed after it was signed: its signature does not fit");
    return NULL;
}
