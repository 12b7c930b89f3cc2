/* muniment policy: shows the policy in force, writes a draft of the next, puts a signed one in
 * force. */
#include "restore/dates.h"
#include "restore/json_text.h"
#include "restore/output.h"
#include "restore/vault_access.h"
#include "restore/verb.h"
#include "restore/verbs.h"
#include "vault/act/policy.h"

#include <stdio.h>

static VaultPolicy *read_policy(const char *vault, VaultId *ret_vault_id, char **ret_text,
                                GError **error)
{
    g_autoptr(VaultKeep) keep = vault_access_open(vault, VAULT_ACCESS_AS_IT_IS, NULL, error);

    if (keep == NULL)
        return NULL;
    *ret_vault_id = *vault_keep_id(keep);
    *ret_text = vault_keep_policy(keep, error);
    return *ret_text != NULL ? vault_policy_parse(*ret_text, strlen(*ret_text), error) : NULL;
}

/* ---- show ----------------------------------------------------------------------------------- */

static gboolean print_json(const VaultPolicy *policy, GError **error)
{
    g_autoptr(JsonBuilder) builder = json_builder_new();

    json_builder_begin_object(builder);
    json_text_add_number(builder, "serial", policy->serial);
    json_text_add_time(builder, "created", policy->created_s);
    json_builder_set_member_name(builder, "approvals_needed");
    json_builder_begin_object(builder);
    for (VaultAct act = VAULT_ACT_SEARCH; act < VAULT_ACT_COUNTED_END; act++)
        json_text_add_number(builder, vault_act_name(act), policy->needed[act]);
    json_builder_end_object(builder);
    json_text_add(builder, "roll", vault_policy_roll_name(policy->roll));
    json_text_add_number(builder, "physical_removal_days", policy->physical_removal_days);
    json_text_add(builder, "closed_mail", vault_policy_closed_mail_name(policy->closed_mail));
    json_builder_set_member_name(builder, "approvers");
    json_builder_begin_array(builder);
    for (guint i = 0; i < policy->approvers->len; i++) {
        const VaultApprover *approver = g_ptr_array_index(policy->approvers, i);

        json_builder_begin_object(builder);
        json_text_add(builder, "name", approver->name);
        json_text_add(builder, "key", approver->ssh_key);
        json_builder_end_object(builder);
    }
    json_builder_end_array(builder);
    json_builder_end_object(builder);
    return restore_output_json(builder, error);
}

/* The policy in force becomes the draft of the next: the same rules, no signatures. */
static gboolean write_draft(VaultPolicy *policy, const VaultId *vault_id, const char *out,
                            GError **error)
{
    g_autofree char *text = NULL;

    policy->serial++;
    policy->vault_id = *vault_id;
    policy->created_s = (guint64)(g_get_real_time() / G_USEC_PER_SEC);
    policy->is_signed = FALSE;
    g_ptr_array_set_size(policy->approvals, 0);
    text = vault_policy_format(policy, error);
    if (text == NULL || !restore_output_write(out, text, RESTORE_OUTPUT_PRIVATE, error))
        return FALSE;
    printf("%s is a draft of policy %u.\n"
           "Next: edit it, have it approved (muniment approve) where policy %u wants that, and\n"
           "have it signed where the master key is:\n"
           "  muniment grant %s --master MASTER\n",
           out, policy->serial, policy->serial - 1, out);
    return TRUE;
}

static int policy_show(int argc, char **argv)
{
    static const char verb[] = "policy show";
    g_autofree char *out = NULL;
    gboolean as_json = FALSE;
    const GOptionEntry entries[] = {
        {"out", 0, 0, G_OPTION_ARG_FILENAME, &out, "write a draft of the next policy", "FILE"},
        {"json", 0, 0, G_OPTION_ARG_NONE, &as_json, "print it as JSON", NULL},
        G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {
        .verb = verb,
        .arguments = "VAULT",
        .summary = "Prints the policy in force, or writes a draft of the next to be edited.",
        .description = "An approver is a line of an OpenSSH public key file, with the name in "
                       "place of the comment; \"approvers:\" says how many lines follow.",
        .entries = entries};
    g_autoptr(GError) error = NULL;
    g_autoptr(VaultPolicy) policy = NULL;
    g_autofree char *text = NULL;
    gboolean is_done;
    VaultId vault_id;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(verb, error);
    if (argc != 2)
        return restore_verb_usage(verb, "give one VAULT");
    policy = read_policy(argv[1], &vault_id, &text, &error);
    if (policy == NULL)
        return restore_verb_fail(verb, error);
    if (out != NULL)
        is_done = write_draft(policy, &vault_id, out, &error);
    else
        is_done = as_json ? print_json(policy, &error) : fputs(text, stdout) >= 0;
    return is_done ? RESTORE_EXIT_DONE : restore_verb_fail(verb, error);
}

/* ---- set ------------------------------------------------------------------------------------ */

static int policy_set(int argc, char **argv)
{
    static const char verb[] = "policy set";
    const GOptionEntry entries[] = {G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {
        .verb = verb,
        .arguments = "VAULT FILE.policy",
        .summary = "Puts a policy in force that a master has signed.",
        .description = "It must follow the policy in force: the next serial, and the approvals "
                       "that one wants for a change of policy. Grants made before are refused from "
                       "then on. Exit status 4: refused.",
        .entries = entries};
    g_autoptr(GError) error = NULL;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(verb, error);
    if (argc != 3)
        return restore_verb_usage(verb, "give one VAULT and one FILE.policy");
    if (!vault_access_operate_with_file(argv[1], "policy-set", argv[2], VAULT_POLICY_LEN_MAX,
                                        &error))
        return restore_verb_fail(verb, error);
    printf("%s is in force.\n", argv[2]);
    return RESTORE_EXIT_DONE;
}

int restore_verb_policy(int argc, char **argv)
{
    static const RestoreVerb verbs[] = {
        {"show", "print the policy in force, or write a draft of the next", policy_show},
        {"set", "put a signed policy in force", policy_set}};

    return restore_verb_dispatch("muniment policy", verbs, G_N_ELEMENTS(verbs), argc, argv);
}
