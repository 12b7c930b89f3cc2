/* muniment approve: puts an SSH signature under a request or a policy draft. Takes files only. */
#include "restore/act_text.h"
#include "restore/verb.h"
#include "restore/verbs.h"
#include "vault/act/ssh_keygen.h"
#include "vault/base/file.h"

#include <stdio.h>

static const char verb[] = "approve";

typedef struct {
    char *key, *name;
} ApproveOptions;

static void approve_options_clear(ApproveOptions *options)
{
    g_free(options->key);
    g_free(options->name);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ApproveOptions, approve_options_clear)

/* An approval that will not count is refused here, where the mistake can still be put right. */
static gboolean check_signature(const VaultApprover *approver, const VaultApprovedText *approved,
                                GBytes *signature, GError **error)
{
    VaultSshClaim claim = {.ssh_namespace = approved->ssh_namespace,
                           .ssh_key = approver->ssh_key,
                           .text = approved->text,
                           .len = approved->len,
                           .signature = signature};
    gboolean is_good = FALSE;

    if (!vault_ssh_signature_check(signature, approved->ssh_namespace, approver->ssh_key, error) ||
        !vault_ssh_keygen_verify(&claim, &is_good, NULL, error))
        return FALSE;
    if (is_good)
        return TRUE;
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                        "ssh-keygen does not verify the signature that it has just made");
    return FALSE;
}

static GBytes *sign(const ApproveOptions *options, const VaultApprovedText *approved,
                    GError **error)
{
    return vault_ssh_keygen_sign(options->key, approved->ssh_namespace, approved->text,
                                 approved->len, error);
}

static char *approve_request(const char *text, gsize len, const ApproveOptions *options,
                             GError **error)
{
    g_autoptr(VaultRequestFile) request = vault_request_file_parse(text, len, error);
    g_autoptr(VaultPolicy) policy = NULL;
    g_autoptr(GBytes) signature = NULL;
    VaultApprovedText approved = {.ssh_namespace = VAULT_APPROVAL_OF_REQUEST,
                                  .text = text,
                                  .len = vault_approvals_offset(text, len)};

    if (request == NULL)
        return NULL;
    policy = vault_policy_parse(request->policy, strlen(request->policy), error);
    if (policy == NULL)
        return NULL;
    restore_show_request(request);
    if ((guint64)(g_get_real_time() / G_USEC_PER_SEC) >= request->expires_s) {
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_REFUSED, "the request has expired");
        return NULL;
    }
    if (!vault_approval_is_welcome(policy, options->name, request->reader_name, error))
        return NULL;
    signature = sign(options, &approved, error);
    if (signature == NULL ||
        !check_signature(vault_policy_approver(policy, options->name), &approved, signature, error))
        return NULL;
    vault_approvals_add(request->approvals, options->name, signature);
    return vault_request_file_format(request, error);
}

/* Whether the approval counts is for the policy in force to say, which the draft does not carry. */
static char *approve_policy(const char *text, gsize len, const ApproveOptions *options,
                            GError **error)
{
    g_autoptr(VaultPolicy) draft = vault_policy_parse(text, len, error);
    g_autoptr(GBytes) signature = NULL;
    VaultApprovedText approved = {.ssh_namespace = VAULT_APPROVAL_OF_POLICY,
                                  .text = text,
                                  .len = vault_approvals_offset(text, len)};

    if (draft == NULL)
        return NULL;
    restore_show_policy(draft);
    if (draft->is_signed || draft->serial == 0) {
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                            "approvals come before the master's signature: approve the draft");
        return NULL;
    }
    signature = sign(options, &approved, error);
    if (signature == NULL)
        return NULL;
    vault_approvals_add(draft->approvals, options->name, signature);
    return vault_policy_format(draft, error);
}

static gboolean approve(const char *path, const ApproveOptions *options, GError **error)
{
    g_autoptr(GBytes) bytes = vault_file_read(path, VAULT_REQUEST_LEN_MAX, error);
    g_autofree char *approved = NULL;
    const char *text;
    gsize len;

    if (bytes == NULL)
        return FALSE;
    text = g_bytes_get_data(bytes, &len);
    approved = g_str_has_prefix(text, "muniment-policy/")
                   ? approve_policy(text, len, options, error)
                   : approve_request(text, len, options, error);
    if (approved == NULL) {
        g_prefix_error(error, "%s: ", path);
        return FALSE;
    }
    if (!vault_file_write(path, approved, strlen(approved), 0600, VAULT_FILE_REPLACE, error))
        return FALSE;
    printf("%s is approved by %s.\n", path, options->name);
    return TRUE;
}

int restore_verb_approve(int argc, char **argv)
{
    g_auto(ApproveOptions) options = {0};
    const GOptionEntry entries[] = {
        {"key", 0, 0, G_OPTION_ARG_FILENAME, &options.key,
         "private key, or a public key whose private half is in the agent", "SSH_KEY"},
        {"as", 0, 0, G_OPTION_ARG_STRING, &options.name, "your name, as in the policy", "NAME"},
        G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {
        .verb = verb,
        .arguments = "FILE.request|FILE.draft --key SSH_KEY --as NAME",
        .summary = "Shows a request or a policy draft, and puts your SSH signature under it.",
        .description = "Takes files only, and runs \"ssh-keygen -Y sign\": keys of an agent and of "
                       "tokens work. An approval that you gave before is replaced.",
        .entries = entries};
    g_autoptr(GError) error = NULL;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(verb, error);
    if (argc != 2 || options.key == NULL || options.name == NULL)
        return restore_verb_usage(verb, "give one FILE, and --key SSH_KEY and --as NAME");
    return approve(argv[1], &options, &error) ? RESTORE_EXIT_DONE : restore_verb_fail(verb, error);
}
