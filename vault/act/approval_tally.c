#include "vault/act/approval_tally.h"

static VaultApprovalTally *tally_new(guint needed)
{
    VaultApprovalTally *tally = g_new0(VaultApprovalTally, 1);

    tally->needed = needed;
    tally->names = g_ptr_array_new_with_free_func(g_free);
    tally->missing = g_ptr_array_new_with_free_func(g_free);
    tally->mistakes = g_ptr_array_new_with_free_func(g_free);
    return tally;
}

void vault_approval_tally_free(VaultApprovalTally *tally)
{
    if (tally == NULL)
        return;
    g_ptr_array_unref(tally->names);
    g_ptr_array_unref(tally->missing);
    g_ptr_array_unref(tally->mistakes);
    g_free(tally);
}

gboolean vault_approval_is_welcome(const VaultPolicy *policy, const char *name, const char *reader,
                                   GError **error)
{
    if (vault_policy_approver(policy, name) == NULL) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                    "%s is not an approver of policy %u: its approval does not count", name,
                    policy->serial);
        return FALSE;
    }
    if (reader != NULL && vault_policy_is_same_name(name, reader)) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                    "%s is the reader whom the request is for, and nobody approves his own request",
                    name);
        return FALSE;
    }
    return TRUE;
}

/* FALSE with `ret_why` when it does not count; with an error when that is not known. */
static gboolean counts(const VaultPolicy *policy, const VaultApprovedText *approved,
                       const VaultApproval *approval, VaultSshVerify verify, gpointer user,
                       char **ret_why, GError **error)
{
    const VaultApprover *approver = vault_policy_approver(policy, approval->name);
    VaultSshClaim claim = {.ssh_namespace = approved->ssh_namespace,
                           .text = approved->text,
                           .len = approved->len,
                           .signature = approval->signature};
    g_autoptr(GError) mistake = NULL;
    gboolean is_good = FALSE;

    if (!vault_approval_is_welcome(policy, approval->name, approved->reader, &mistake) ||
        !vault_ssh_signature_check(approval->signature, approved->ssh_namespace, approver->ssh_key,
                                   &mistake)) {
        *ret_why = g_strdup(mistake->message);
        return FALSE;
    }
    claim.ssh_key = approver->ssh_key;
    if (!verify(&claim, &is_good, user, error))
        return FALSE;
    if (!is_good)
        *ret_why = g_strdup("the signature does not fit: it was made for another text, or this one "
                            "was changed after it");
    return is_good;
}

static gboolean has_name(const GPtrArray *names, const char *name)
{
    return g_ptr_array_find_with_equal_func((GPtrArray *)names, name, g_str_equal, NULL);
}

static void note_missing(VaultApprovalTally *tally, const VaultPolicy *policy, const char *reader)
{
    for (guint i = 0; i < policy->approvers->len; i++) {
        const VaultApprover *approver = g_ptr_array_index(policy->approvers, i);

        if (!has_name(tally->names, approver->name) &&
            vault_approval_is_welcome(policy, approver->name, reader, NULL))
            g_ptr_array_add(tally->missing, g_strdup(approver->name));
    }
}

VaultApprovalTally *vault_approval_tally(const VaultPolicy *policy, VaultAct act,
                                         const VaultApprovedText *approved, VaultSshVerify verify,
                                         gpointer user, GError **error)
{
    g_autoptr(VaultApprovalTally) tally = tally_new(vault_policy_needed(policy, act));

    for (guint i = 0; i < approved->approvals->len; i++) {
        const VaultApproval *approval = g_ptr_array_index(approved->approvals, i);
        g_autoptr(GError) failure = NULL;
        g_autofree char *why = NULL;

        if (has_name(tally->names, approval->name))
            continue;
        if (counts(policy, approved, approval, verify, user, &why, &failure)) {
            g_ptr_array_add(tally->names, g_strdup(approval->name));
            continue;
        }
        if (failure != NULL) {
            g_propagate_error(error, g_steal_pointer(&failure));
            return NULL;
        }
        g_ptr_array_add(tally->mistakes, g_strdup_printf("%s: %s", approval->name, why));
    }
    note_missing(tally, policy, approved->reader);
    return g_steal_pointer(&tally);
}

static void append_list(GString *text, const char *before, const GPtrArray *list, const char *comma)
{
    for (guint i = 0; i < list->len; i++)
        g_string_append_printf(text, "%s%s", i == 0 ? before : comma,
                               (const char *)g_ptr_array_index(list, i));
}

gboolean vault_approval_tally_check(const VaultApprovalTally *tally, GError **error)
{
    g_autoptr(GString) text = g_string_new(NULL);

    if (tally->names->len >= tally->needed)
        return TRUE;
    g_string_append_printf(text, "%u approval%s needed, %u count%s", tally->needed,
                           tally->needed == 1 ? " is" : "s are", tally->names->len,
                           tally->names->len == 1 ? "s" : "");
    append_list(text, " (", tally->names, ", ");
    g_string_append(text, tally->names->len > 0 ? ")" : "");
    append_list(text, "; missing: any of ", tally->missing, ", ");
    append_list(text, "; not counted: ", tally->mistakes, "; ");
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_REFUSED, text->str);
    return FALSE;
}
