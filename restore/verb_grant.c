/* muniment grant: answers a request with the keys that it asks for. Takes files only, so that it
 * runs where the master is and the vault is not. */
#include "restore/dates.h"
#include "restore/json_text.h"
#include "restore/master_secret.h"
#include "restore/output.h"
#include "restore/verb.h"
#include "restore/verbs.h"
#include "vault/base/file.h"
#include "vault/open/grant.h"
#include "vault/open/policy.h"
#include "vault/open/text_file.h"

#include <stdio.h>
#include <unistd.h>

static const char verb[] = "grant";

/* Mailboxes shown before "and n more". */
#define SHOWN_MAX 100

typedef struct {
    RestoreMasterSource source;
    char *out;
    gboolean as_json;
} GrantOptions;

static void grant_options_clear(GrantOptions *options)
{
    restore_master_source_clear(&options->source);
    g_free(options->out);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(GrantOptions, grant_options_clear)

/* A policy kept beside the master that is newer than the request's: somebody works with an old
 * vault, or wants an old rule back. Shares have no place where one could be kept. */
static gboolean check_kept_policy(const char *master_path, const VaultRequestFile *request,
                                  GError **error)
{
    g_autofree char *path = g_strconcat(master_path, ".policy", NULL);
    g_autoptr(GBytes) text = NULL;
    guint32 serial;

    if (master_path == NULL || !g_file_test(path, G_FILE_TEST_EXISTS))
        return TRUE;
    text = vault_file_read(path, VAULT_POLICY_LEN_MAX, error);
    if (text == NULL)
        return FALSE;
    if (!vault_policy_serial(g_bytes_get_data(text, NULL), g_bytes_get_size(text), &serial,
                             error)) {
        g_prefix_error(error, "%s: ", path);
        return FALSE;
    }
    if (request->policy_serial >= serial)
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                "the request goes by policy %u, but policy %u is kept in %s; make the request on a "
                "vault that has the newer one",
                request->policy_serial, serial, path);
    return FALSE;
}

/* ---- what is shown before the passphrase is asked for --------------------------------------- */

static void show_mailbox(const VaultRequestMailbox *mailbox)
{
    const VaultRequestMonth *first = g_ptr_array_index(mailbox->months, 0);
    const VaultRequestMonth *last = g_ptr_array_index(mailbox->months, mailbox->months->len - 1);
    const char *shown = NULL;

    fprintf(stderr, "  %s  %s  %u month%s, %06u to %06u", VAULT_ID_TEXT(mailbox->id),
            vault_text_of_address(last->address), mailbox->months->len,
            mailbox->months->len == 1 ? "" : "s", first->month, last->month);
    for (guint i = 0; i < mailbox->months->len; i++) {
        const VaultRequestMonth *month = g_ptr_array_index(mailbox->months, i);

        if (!g_str_equal(month->address, last->address) &&
            (shown == NULL || !g_str_equal(shown, month->address)))
            fprintf(stderr, "; earlier %s", vault_text_of_address(month->address));
        shown = month->address;
    }
    fputc('\n', stderr);
}

static void show_mailboxes(const VaultRequestFile *request)
{
    guint count = request->mailboxes->len, shown = MIN(count, SHOWN_MAX);

    fprintf(stderr, "Mailboxes:  %u\n", count);
    for (guint i = 0; i < shown; i++)
        show_mailbox(g_ptr_array_index(request->mailboxes, i));
    if (shown < count)
        fprintf(stderr, "  and %u more: read all of them in the request file\n", count - shown);
}

static void show_request(const VaultRequestFile *request, guint approvals_needed)
{
    g_autofree char *created = restore_date_text(request->created_s);
    g_autofree char *expires = restore_date_text(request->expires_s);
    g_autofree char *from = restore_date_text(request->from_s);
    g_autofree char *to = restore_date_text(request->to_s);
    KeyId reader_id = vault_reader_key_id(&request->reader_key);

    fprintf(stderr, "Act:        %s (%s)\n", vault_act_name(request->act),
            request->act == VAULT_ACT_SEARCH ? "may read the words of" : "may read all of");
    fprintf(stderr, "Vault:      %s\n", VAULT_ID_TEXT(request->vault_id));
    fprintf(stderr, "Case:       %s\nReason:     %s\n", request->case_id, request->reason);
    fprintf(stderr, "Reader:     %s (key %s)\n", request->reader_name, VAULT_ID_TEXT(reader_id));
    fprintf(stderr, "Received:   from %s to before %s\n", from, to);
    fprintf(stderr, "Made:       %s\nExpires:    %s\n", created, expires);
    show_mailboxes(request);
    if (request->messages->len > 0)
        fprintf(stderr, "Messages:   only the %u named in the request\n", request->messages->len);
    fprintf(stderr, "Policy:     serial %u%s\n", request->policy_serial,
            request->policy_serial == 0 ? " (the initial policy, unsigned)" : "");
    fprintf(stderr, "Approvers:  none, %u needed\n", approvals_needed);
}

/* ---- making --------------------------------------------------------------------------------- */

static VaultRequestFile *read_request(const char *path, VaultHash *ret_hash, GError **error)
{
    g_autoptr(GBytes) text = vault_file_read(path, VAULT_REQUEST_LEN_MAX, error);
    VaultRequestFile *request;
    gsize len;
    const char *bytes;

    if (text == NULL)
        return NULL;
    bytes = g_bytes_get_data(text, &len);
    request = vault_request_file_parse(bytes, len, error);
    if (request == NULL)
        g_prefix_error(error, "%s: ", path);
    else
        vault_request_file_hash(bytes, len, ret_hash);
    return request;
}

static void show_progress(guint done, guint all, gpointer user)
{
    if (isatty(STDERR_FILENO) && (done % 100 == 0 || done == all))
        fprintf(stderr, "\r%u of %u mailboxes%s", done, all, done == all ? "\n" : "");
}

static gboolean report(const VaultGrantFile *grant, const char *out, gboolean as_json,
                       GError **error)
{
    g_autoptr(JsonBuilder) builder = NULL;
    g_autofree char *expires = restore_date_text(grant->expires_s);

    if (!as_json) {
        printf("%s holds %u key%s for %s, until %s.\n"
               "Next: give it to the reader, who runs\n"
               "  muniment restore VAULT --grant %s --identity NAME.key ...\n",
               out, grant->keys->len, grant->keys->len == 1 ? "" : "s", grant->reader_name, expires,
               out);
        return TRUE;
    }
    builder = json_builder_new();
    json_builder_begin_object(builder);
    json_builder_set_member_name(builder, "grant");
    json_builder_add_string_value(builder, out);
    json_builder_set_member_name(builder, "mailboxes");
    json_builder_add_int_value(builder, grant->mailboxes->len);
    json_builder_set_member_name(builder, "keys");
    json_builder_add_int_value(builder, grant->keys->len);
    json_text_add_time(builder, "expires", grant->expires_s);
    json_builder_end_object(builder);
    return restore_output_json(builder, error);
}

/* FILE.request -> FILE.grant. */
static char *grant_path(const char *request_path, const GrantOptions *options)
{
    gsize len = strlen(request_path);

    if (options->out != NULL)
        return g_strdup(options->out);
    if (g_str_has_suffix(request_path, ".request"))
        len -= strlen(".request");
    return g_strdup_printf("%.*s.grant", (int)len, request_path);
}

/* All that can be refused without the master is refused before its passphrase is asked for. */
static gboolean check_request(const VaultRequestFile *request, const GrantOptions *options,
                              const char *out, guint64 now_s, GError **error)
{
    guint approvals_needed;

    if (!vault_policy_approvals_needed(request->policy, &approvals_needed, error) ||
        !check_kept_policy(options->source.master, request, error))
        return FALSE;
    show_request(request, approvals_needed);
    if (!vault_grant_may_be_made(request, now_s, error))
        return FALSE;
    if (!g_file_test(out, G_FILE_TEST_EXISTS))
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_BUSY,
                "%s exists and is not overwritten; choose another name with --out", out);
    return FALSE;
}

static gboolean answer(const char *request_path, const GrantOptions *options, GError **error)
{
    VaultHash hash;
    g_autoptr(VaultRequestFile) request = read_request(request_path, &hash, error);
    g_autofree char *out = grant_path(request_path, options);
    guint64 now_s = (guint64)(g_get_real_time() / G_USEC_PER_SEC);
    g_auto(VaultMaster) master = {0};
    g_autoptr(VaultGrantFile) grant = NULL;
    g_autofree char *text = NULL;

    if (request == NULL || !check_request(request, options, out, now_s, error) ||
        !restore_master_secret_read(&options->source, &master, error))
        return FALSE;
    grant = vault_grant_make(request, &hash, &master, now_s, show_progress, NULL, error);
    if (grant == NULL)
        return FALSE;
    text = vault_grant_file_format(grant);
    return restore_output_write(out, text, RESTORE_OUTPUT_PRIVATE, error) &&
           report(grant, out, options->as_json, error);
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
        {"json", 0, 0, G_OPTION_ARG_NONE, &options.as_json, "print the result as JSON", NULL},
        G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {
        .verb = verb,
        .arguments = "FILE.request (--master F|--share F...|--shares)",
        .summary = "Shows a request, then makes the grant that answers it: keys for its months, "
                   "sealed to its reader.",
        .description = "Run it where the master key is, offline; it takes files only. Read what it "
                       "shows before you enter the passphrase.",
        .entries = entries};
    g_autoptr(GError) error = NULL;
    const char *problem;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(verb, error);
    problem = restore_master_source_problem(&options.source);
    if (argc != 2 || problem != NULL)
        return restore_verb_usage(verb, "%s", problem != NULL ? problem : "give one FILE.request");
    return answer(argv[1], &options, &error) ? RESTORE_EXIT_DONE : restore_verb_fail(verb, error);
}
