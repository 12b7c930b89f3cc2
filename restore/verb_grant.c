/* muniment grant: answers a request with the keys that it asks for. Takes files only, so that it
 * runs where the master is and the vault is not. */
#include "restore/act_text.h"
#include "restore/dates.h"
#include "restore/json_text.h"
#include "restore/kept_policy.h"
#include "restore/master_secret.h"
#include "restore/output.h"
#include "restore/verb.h"
#include "restore/verbs.h"
#include "vault/act/ssh_keygen.h"
#include "vault/base/file.h"
#include "vault/open/grant.h"

#include <stdio.h>
#include <unistd.h>

static const char verb[] = "grant";

typedef struct {
    RestoreMasterSource source;
    char *out, *in_force;
    char **trusted;
    gboolean as_json;
} GrantOptions;

static void grant_options_clear(GrantOptions *options)
{
    restore_master_source_clear(&options->source);
    g_free(options->out);
    g_free(options->in_force);
    g_strfreev(options->trusted);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(GrantOptions, grant_options_clear)

static void show_progress(guint done, guint all, gpointer user)
{
    if (isatty(STDERR_FILENO) && (done % 100 == 0 || done == all))
        fprintf(stderr, "\r%u of %u mailboxes%s", done, all, done == all ? "\n" : "");
}

static gboolean report(const VaultGrantFile *grant, const char *out, gboolean as_json,
                       GError **error)
{
    g_autoptr(JsonBuilder) builder = NULL;
    g_autofree char *expires = restore_end_text(grant->request->expires_s, "it is removed");

    if (!as_json && vault_grant_file_is_standing(grant)) {
        printf("%s makes %s a standing reader, until %s.\n"
               "Next: on the archive's host, run\n"
               "  muniment reader add VAULT %s\n"
               "and give it to the reader too, who reads with it.\n",
               out, grant->request->reader_name, expires, out);
        return TRUE;
    }
    if (!as_json) {
        printf("%s holds %u key%s for %s, until %s.\n"
               "Next: give it to the reader, who runs\n"
               "  muniment restore VAULT --grant %s --identity NAME.key ...\n",
               out, grant->keys->len, grant->keys->len == 1 ? "" : "s", grant->request->reader_name,
               expires, out);
        return TRUE;
    }
    builder = json_builder_new();
    json_builder_begin_object(builder);
    json_text_add(builder, "grant", out);
    json_text_add_number(builder, "mailboxes", vault_grant_file_mailbox_count(grant));
    json_text_add_number(builder, "keys", grant->keys->len);
    json_text_add_boolean(builder, "standing", vault_grant_file_is_standing(grant));
    json_text_add_time(builder, "expires", restore_end_or_zero(grant->request->expires_s));
    json_text_add_number(builder, "policy_serial", grant->request->policy_serial);
    json_builder_end_object(builder);
    return restore_output_json(builder, error);
}

static gboolean is_free(const char *out, GError **error)
{
    if (!g_file_test(out, G_FILE_TEST_EXISTS))
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_BUSY,
                "%s exists and is not overwritten; choose another name with --out", out);
    return FALSE;
}

/* FILE.request -> FILE.grant, FILE.draft -> FILE.policy. */
static char *out_path(const char *path, const GrantOptions *options, const char *suffix,
                      const char *new_suffix)
{
    gsize len = strlen(path);

    if (options->out != NULL)
        return g_strdup(options->out);
    if (g_str_has_suffix(path, suffix))
        len -= strlen(suffix);
    return g_strdup_printf("%.*s%s", (int)len, path, new_suffix);
}

/* ---- a grant -------------------------------------------------------------------------------- */

/* What a request is judged by before the passphrase is asked for. */
typedef struct {
    VaultRequestFile *request;
    VaultPolicy *policy;
    RestoreKeptPolicy kept;
} Judged;

static void judged_clear(Judged *judged)
{
    vault_request_file_free(judged->request);
    vault_policy_free(judged->policy);
    restore_kept_policy_clear(&judged->kept);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Judged, judged_clear)

static gboolean check_approvals(const Judged *judged, const char *text, gsize len, GError **error)
{
    VaultApprovedText approved = {.ssh_namespace = VAULT_APPROVAL_OF_REQUEST,
                                  .text = text,
                                  .len = vault_approvals_offset(text, len),
                                  .approvals = judged->request->approvals,
                                  .reader = judged->request->reader_name};
    g_autoptr(VaultApprovalTally) tally = vault_approval_tally(
        judged->policy, judged->request->act, &approved, vault_ssh_keygen_verify, NULL, error);

    if (tally == NULL)
        return FALSE;
    restore_show_approvals(judged->policy, tally);
    return vault_approval_tally_check(tally, error);
}

/* All that can be refused without the master is refused before its passphrase is asked for. */
static gboolean judge(const char *text, gsize len, const GrantOptions *options, guint64 now_s,
                      Judged *judged, GError **error)
{
    const char *policy;

    judged->request = vault_request_file_parse(text, len, error);
    if (judged->request == NULL)
        return FALSE;
    policy = judged->request->policy;
    judged->policy = vault_policy_parse(policy, strlen(policy), error);
    if (judged->policy == NULL ||
        !restore_kept_policy_open(&judged->kept, options->source.master, &judged->request->vault_id,
                                  options->trusted, error) ||
        !restore_kept_policy_judge(&judged->kept, judged->policy, policy, error))
        return FALSE;
    restore_show_request(judged->request);
    return check_approvals(judged, text, len, error) &&
           vault_grant_may_be_made(judged->request, now_s, error);
}

static gboolean answer_request(const char *path, const char *text, gsize len,
                               const GrantOptions *options, GError **error)
{
    g_autofree char *out = out_path(path, options, ".request", ".grant");
    VaultGrantMaking making = {.request_text = text,
                               .request_len = len,
                               .now_s = (guint64)(g_get_real_time() / G_USEC_PER_SEC),
                               .progress = show_progress};
    g_auto(Judged) judged = {0};
    g_auto(VaultMaster) master = {0};
    g_autoptr(VaultGrantFile) grant = NULL;
    g_autofree char *grant_text = NULL;

    if (!judge(text, len, options, making.now_s, &judged, error) || !is_free(out, error) ||
        !restore_master_secret_read(&options->source, &master, error) ||
        !restore_kept_policy_check_signer(&judged.kept, judged.policy, &master.public, error))
        return FALSE;
    grant = vault_grant_make(&making, &master, error);
    if (grant == NULL)
        return FALSE;
    grant_text = vault_grant_file_format(grant);
    return restore_kept_policy_keep(&judged.kept, judged.policy, judged.request->policy, error) &&
           restore_output_write(out, grant_text, RESTORE_OUTPUT_PRIVATE, error) &&
           report(grant, out, options->as_json, error);
}

/* ---- a policy ------------------------------------------------------------------------------- */

/* The policy that the draft is to follow: the kept one, the one given, or the initial one. */
static VaultPolicy *policy_before(const RestoreKeptPolicy *kept, const GrantOptions *options,
                                  GError **error)
{
    const char *initial = vault_policy_initial_text();
    g_autoptr(GBytes) text = NULL;
    g_autoptr(VaultPolicy) policy = NULL;

    if (options->in_force == NULL)
        return kept->text != NULL ? vault_policy_parse(kept->text, strlen(kept->text), error)
                                  : vault_policy_parse(initial, strlen(initial), error);
    text = vault_file_read(options->in_force, VAULT_POLICY_LEN_MAX, error);
    if (text == NULL)
        return NULL;
    policy = vault_policy_parse(g_bytes_get_data(text, NULL), g_bytes_get_size(text), error);
    if (policy == NULL)
        g_prefix_error(error, "%s: ", options->in_force);
    else if (restore_kept_policy_judge(kept, policy, g_bytes_get_data(text, NULL), error))
        return g_steal_pointer(&policy);
    return NULL;
}

static gboolean judge_draft(const VaultPolicy *draft, const char *text, gsize len,
                            const VaultPolicy *before, GError **error)
{
    restore_show_policy(draft);
    if (draft->is_signed) {
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                            "the policy is signed already: \"muniment policy set\" takes it");
        return FALSE;
    }
    if (vault_policy_may_follow(before, draft, text, len, vault_ssh_keygen_verify, NULL, error))
        return TRUE;
    if (draft->serial > before->serial + 1)
        g_prefix_error(error, "give the policy in force with --in-force FILE: ");
    return FALSE;
}

static gboolean sign_policy(const char *path, const char *text, gsize len,
                            const GrantOptions *options, GError **error)
{
    g_autofree char *out = out_path(path, options, ".draft", ".policy");
    g_autoptr(VaultPolicy) draft = vault_policy_parse(text, len, error);
    g_auto(RestoreKeptPolicy) kept = {0};
    g_autoptr(VaultPolicy) before = NULL;
    g_auto(VaultMaster) master = {0};
    g_autofree char *policy_text = NULL;

    if (draft == NULL ||
        !restore_kept_policy_open(&kept, options->source.master, &draft->vault_id, options->trusted,
                                  error) ||
        (before = policy_before(&kept, options, error)) == NULL ||
        !judge_draft(draft, text, len, before, error) || !is_free(out, error) ||
        !restore_master_secret_read(&options->source, &master, error) ||
        !restore_kept_policy_check_signer(&kept, before, &master.public, error))
        return FALSE;
    vault_policy_sign(draft, &master.signing_key, &master.public.verify_key);
    policy_text = vault_policy_format(draft, error);
    if (policy_text == NULL ||
        !restore_output_write(out, policy_text, RESTORE_OUTPUT_PRIVATE, error) ||
        !restore_kept_policy_keep(&kept, draft, policy_text, error))
        return FALSE;
    printf("%s is policy %u, signed.\nNext: on the archive's host, run\n"
           "  muniment policy set VAULT %s\n",
           out, draft->serial, out);
    return TRUE;
}

static gboolean answer(const char *path, const GrantOptions *options, GError **error)
{
    g_autoptr(GBytes) bytes = vault_file_read(path, VAULT_REQUEST_LEN_MAX, error);
    gboolean is_done;
    const char *text;
    gsize len;

    if (bytes == NULL)
        return FALSE;
    text = g_bytes_get_data(bytes, &len);
    is_done = g_str_has_prefix(text, "muniment-policy/")
                  ? sign_policy(path, text, len, options, error)
                  : answer_request(path, text, len, options, error);
    if (!is_done)
        g_prefix_error(error, "%s: ", path);
    return is_done;
}

int restore_verb_grant(int argc, char **argv)
{
    g_auto(GrantOptions) options = {0};
    const GOptionEntry entries[] = {
        {"master", 0, 0, G_OPTION_ARG_FILENAME, &options.source.master, "the secret master file",
         "F"},
        {"passphrase-file", 0, 0, G_OPTION_ARG_FILENAME, &options.source.passphrase_file,
         "read the passphrase from the first line of FILE", "FILE"},
        {"share", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options.source.share_files,
         "a share of the master key (give it for each share)", "F"},
        {"shares", 0, 0, G_OPTION_ARG_NONE, &options.source.ask_shares,
         "have the shares of the master key typed in", NULL},
        {"out", 0, 0, G_OPTION_ARG_FILENAME, &options.out,
         "the file to write (default: the request's name with .grant)", "FILE.grant"},
        {"trust-master", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options.trusted,
         "another master of the vault, who may have signed the policy", "MASTER.pub"},
        {"in-force", 0, 0, G_OPTION_ARG_FILENAME, &options.in_force,
         "for a policy draft: the policy in force, where a newer one than the kept", "FILE"},
        {"json", 0, 0, G_OPTION_ARG_NONE, &options.as_json, "print the result as JSON", NULL},
        G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {
        .verb = verb,
        .arguments = "FILE.request (--master F|--share F...|--shares)",
        .summary = "Shows a request, then makes the grant that answers it: keys for its months, "
                   "sealed to its reader.",
        .description = "Of a request to be a standing reader the grant has no keys: \"muniment "
                       "reader add\" takes it up, and the keys come with each new month.\n\n"
                       "A policy draft (muniment policy show VAULT --out FILE.draft) is shown and "
                       "signed instead. Run it where the master key is, offline; it takes files "
                       "only. Read what it "
                       "shows before you enter the passphrase.\n\n"
                       "\"muniment grant revoke VAULT FILE.grant\", on the archive's host, makes a "
                       "grant good for nothing.",
        .entries = entries};
    g_autoptr(GError) error = NULL;
    const char *problem;

    if (argc > 1 && g_str_equal(argv[1], "revoke"))
        return restore_verb_grant_revoke(argc - 1, argv + 1);
    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(verb, error);
    problem = restore_master_source_problem(&options.source);
    if (argc != 2 || problem != NULL)
        return restore_verb_usage(verb, "%s", problem != NULL ? problem : "give one FILE.request");
    return answer(argv[1], &options, &error) ? RESTORE_EXIT_DONE : restore_verb_fail(verb, error);
}
