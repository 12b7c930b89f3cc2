/* Approvals and the signatures in them: whatever list is taken is written again to the same bytes;
 * a signature comes through its armour unchanged; and whatever an approval holds, it counts only
 * when the verifier says so. */
#include "vault/act/approval_tally.h"

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

static const char type[] = "muniment-approvals/1";

/* The key of tests/unit/approval_world.h's first approver. */
static const char key[] = "ssh-ed25519 "
                          "AAAAC3NzaC1lZDI1NTE5AAAAIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB";

static gboolean verify_none(const VaultSshClaim *claim, gboolean *ret_is_good, gpointer user,
                            GError **error)
{
    *ret_is_good = FALSE;
    return TRUE;
}

static void check_armor(GBytes *signature)
{
    g_autofree char *armor = vault_ssh_signature_armor(signature);
    g_autoptr(GBytes) again = vault_ssh_signature_dearmor(armor, NULL);

    g_assert(again != NULL && g_bytes_equal(again, signature));
}

static void check_tally(const GPtrArray *approvals)
{
    g_autoptr(VaultPolicy) policy = vault_policy_new();
    VaultApprover *approver = g_new0(VaultApprover, 1);
    VaultApprovedText approved = {
        .ssh_namespace = VAULT_APPROVAL_OF_REQUEST, .text = "", .approvals = approvals};
    g_autoptr(VaultApprovalTally) tally = NULL;

    approver->name = g_strdup("Anna Beispiel");
    approver->ssh_key = g_strdup(key);
    g_ptr_array_add(policy->approvers, approver);
    policy->needed[VAULT_ACT_READ] = 1;
    tally = vault_approval_tally(policy, VAULT_ACT_READ, &approved, verify_none, NULL, NULL);
    g_assert(tally != NULL && tally->names->len == 0);
    g_assert(tally->mistakes->len == approvals->len);
    g_assert(!vault_approval_tally_check(tally, NULL));
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(GString) again = g_string_new(NULL);
    g_autoptr(GPtrArray) approvals = vault_approvals_new();
    g_autofree char *armored = g_strndup(size > 0 ? (const char *)data : "", size);
    g_autoptr(GBytes) dearmored = vault_ssh_signature_dearmor(armored, NULL);
    VaultTextFile file;

    if (dearmored != NULL)
        check_armor(dearmored);
    g_string_append_printf(text, "%s\n", type);
    g_string_append_len(text, (const char *)data, (gssize)size);
    if (!vault_text_file_begin(&file, text->str, text->len, type, NULL) ||
        !vault_approvals_take(&file, approvals, NULL) || !vault_text_file_finish(&file, NULL))
        return 0;
    vault_approvals_append(again, approvals);
    g_assert(again->len == size && memcmp(again->str, data, size) == 0);
    for (guint i = 0; i < approvals->len; i++)
        check_armor(((const VaultApproval *)g_ptr_array_index(approvals, i))->signature);
    check_tally(approvals);
    return 0;
}
