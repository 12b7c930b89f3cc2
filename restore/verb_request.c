/* muniment request: asks for access, in a file that is carried to where the master is. */
#include "restore/dates.h"
#include "restore/output.h"
#include "restore/request_scope.h"
#include "restore/vault_access.h"
#include "restore/verb.h"
#include "restore/verbs.h"
#include "vault/act/policy.h"
#include "vault/base/file.h"
#include "vault/crypto/key_files.h"

#include <stdio.h>

static const char verb[] = "request";

#define EXPIRES_DEFAULT_S (30 * 24 * 3600)

typedef struct {
    char *case_id, *reason;
    char **mailboxes, **domains, **messages;
    char *mailbox_file, *result;
    gboolean is_all, is_search_only, as_json;
    char *from, *to, *expires;
    char *reader, *out;
} RequestOptions;

static void request_options_clear(RequestOptions *options)
{
    g_strfreev(options->mailboxes);
    g_strfreev(options->domains);
    g_strfreev(options->messages);
    g_free(options->case_id);
    g_free(options->reason);
    g_free(options->mailbox_file);
    g_free(options->result);
    g_free(options->from);
    g_free(options->to);
    g_free(options->expires);
    g_free(options->reader);
    g_free(options->out);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RequestOptions, request_options_clear)

/* What is wrong with the options, or NULL. */
static const char *options_mistake(const RequestOptions *options)
{
    gboolean is_narrow =
        options->mailboxes != NULL || options->mailbox_file != NULL || options->domains != NULL;

    if (options->case_id == NULL || options->reason == NULL)
        return "give --case ID and --reason TEXT: they are shown to whoever decides, and logged";
    if (options->is_all == is_narrow)
        return "give --mailbox, --mailbox-file or --domain, or else --all";
    if (options->from == NULL || options->to == NULL)
        return "give the period, --from D --to D";
    if (options->reader == NULL)
        return "give --for NAME.pub; \"muniment identity create\" makes it";
    if (options->out == NULL)
        return "give --out FILE.request";
    return NULL;
}

static gboolean add_all(GPtrArray *array, char **texts)
{
    for (; texts != NULL && *texts != NULL; texts++)
        g_ptr_array_add(array, g_strdup(*texts));
    return TRUE;
}

static gboolean read_scope(const RequestOptions *options, RestoreRequestScope *ret_scope,
                           GError **error)
{
    restore_request_scope_init(ret_scope);
    ret_scope->is_all = options->is_all;
    add_all(ret_scope->mailboxes, options->mailboxes);
    add_all(ret_scope->domains, options->domains);
    if (options->mailbox_file != NULL &&
        !restore_request_scope_add_mailbox_file(ret_scope, options->mailbox_file, error))
        return FALSE;
    for (char **id = options->messages; id != NULL && *id != NULL; id++) {
        if (!restore_request_scope_add_message(ret_scope, *id, error))
            return FALSE;
    }
    return (options->result == NULL ||
            restore_request_scope_add_result_file(ret_scope, options->result, error)) &&
           restore_period_parse(options->from, options->to, &ret_scope->from_s, &ret_scope->to_s,
                                error);
}

static gboolean read_expiry(const RequestOptions *options, VaultRequestFile *request,
                            GError **error)
{
    request->created_s = (guint64)(g_get_real_time() / G_USEC_PER_SEC);
    request->expires_s = request->created_s + EXPIRES_DEFAULT_S;
    if (options->expires == NULL)
        return TRUE;
    if (!restore_date_parse("--expires", options->expires, RESTORE_DATE_TO, &request->expires_s,
                            error))
        return FALSE;
    if (request->expires_s > request->created_s)
        return TRUE;
    g_set_error_literal(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                        "--expires: that date is past");
    return FALSE;
}

static gboolean read_reader(const char *path, VaultRequestFile *request, GError **error)
{
    g_autoptr(GBytes) text = vault_file_read(path, VAULT_KEY_FILE_LEN_MAX, error);

    if (text == NULL)
        return FALSE;
    if (vault_identity_public_parse(g_bytes_get_data(text, NULL), &request->reader_key,
                                    &request->reader_name, error))
        return TRUE;
    g_prefix_error(error, "%s: ", path);
    return FALSE;
}

/* Months are read from the keyring, which is always up to date; messages from the catalog. */
static gboolean find_scope(const char *vault, const RestoreRequestScope *scope,
                           VaultRequestFile *request, gboolean *ret_is_nothing, GError **error)
{
    VaultAccessFreshness freshness =
        scope->messages->len > 0 ? VAULT_ACCESS_UP_TO_DATE : VAULT_ACCESS_AS_IT_IS;
    g_autofree char *warning = NULL;
    g_autoptr(VaultKeep) keep = vault_access_open(vault, freshness, &warning, error);

    if (keep == NULL)
        return FALSE;
    if (warning != NULL)
        restore_verb_say(verb, "%s", warning);
    if (restore_request_scope_find(scope, keep, request, error))
        return vault_keep_close(keep, error);
    *ret_is_nothing = g_error_matches(*error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND);
    return FALSE;
}

static guint key_count(const VaultRequestFile *request)
{
    guint count = 0;

    for (guint i = 0; i < request->mailboxes->len; i++) {
        const VaultRequestMailbox *mailbox = g_ptr_array_index(request->mailboxes, i);

        count += mailbox->months->len;
    }
    return count;
}

static gboolean report(const VaultRequestFile *request, const RequestOptions *options,
                       const char *text, GError **error)
{
    g_autofree char *expires = restore_date_text(request->expires_s);
    g_autoptr(JsonBuilder) builder = NULL;
    VaultHash hash;
    g_autoptr(GString) hash_text = g_string_new(NULL);

    if (!options->as_json) {
        printf("%s asks to %s %u mailbox%s, %u mailbox-month%s, for %s, until %s.\n"
               "Next: carry it to where the master key is, and there run\n"
               "  muniment grant %s --master MASTER\n",
               options->out, vault_act_name(request->act), request->mailboxes->len,
               request->mailboxes->len == 1 ? "" : "es", key_count(request),
               key_count(request) == 1 ? "" : "s", request->reader_name, expires, options->out);
        return TRUE;
    }
    vault_request_file_hash(text, strlen(text), &hash);
    for (gsize i = 0; i < VAULT_HASH_LEN; i++)
        g_string_append_printf(hash_text, "%02x", hash.bytes[i]);
    builder = json_builder_new();
    json_builder_begin_object(builder);
    json_builder_set_member_name(builder, "request");
    json_builder_add_string_value(builder, options->out);
    json_builder_set_member_name(builder, "hash");
    json_builder_add_string_value(builder, hash_text->str);
    json_builder_set_member_name(builder, "mailboxes");
    json_builder_add_int_value(builder, request->mailboxes->len);
    json_builder_set_member_name(builder, "months");
    json_builder_add_int_value(builder, key_count(request));
    json_builder_set_member_name(builder, "expires");
    json_builder_add_string_value(builder, expires);
    json_builder_end_object(builder);
    return restore_output_json(builder, error);
}

/* `ret_is_nothing`: it failed as the vault has nothing of what is asked for. */
static gboolean ask(const char *vault, const RequestOptions *options, gboolean *ret_is_nothing,
                    GError **error)
{
    g_autoptr(VaultRequestFile) request = vault_request_file_new();
    g_auto(RestoreRequestScope) scope = {0};
    g_autofree char *text = NULL;

    request->act = options->is_search_only ? VAULT_ACT_SEARCH : VAULT_ACT_READ;
    request->case_id = g_strdup(options->case_id);
    request->reason = g_strdup(options->reason);
    request->policy = g_strdup(vault_policy_initial_text());
    if (!read_scope(options, &scope, error) || !read_expiry(options, request, error) ||
        !read_reader(options->reader, request, error) ||
        !find_scope(vault, &scope, request, ret_is_nothing, error))
        return FALSE;
    text = vault_request_file_format(request, error);
    return text != NULL &&
           restore_output_write(options->out, text, RESTORE_OUTPUT_PRIVATE, error) &&
           report(request, options, text, error);
}

int restore_verb_request(int argc, char **argv)
{
    g_auto(RequestOptions) options = {0};
    const GOptionEntry entries[] = {
        {"case", 0, 0, G_OPTION_ARG_STRING, &options.case_id, "the case that it is for", "ID"},
        {"reason", 0, 0, G_OPTION_ARG_STRING, &options.reason, "why, for whoever decides", "TEXT"},
        {"mailbox", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options.mailboxes,
         "a mailbox: address, id, or \"unassigned\"; may be given several times", "A"},
        {"mailbox-file", 0, 0, G_OPTION_ARG_FILENAME, &options.mailbox_file,
         "mailboxes, one a line", "F"},
        {"domain", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options.domains, "all mailboxes of a domain",
         "D"},
        {"all", 0, 0, G_OPTION_ARG_NONE, &options.is_all, "all mailboxes", NULL},
        {"from", 0, 0, G_OPTION_ARG_STRING, &options.from, "received from this date on", "D"},
        {"to", 0, 0, G_OPTION_ARG_STRING, &options.to,
         "received up to this date, the month or day included", "D"},
        {"message", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options.messages,
         "only this message; may be given several times", "ID"},
        {"result", 0, 0, G_OPTION_ARG_FILENAME, &options.result,
         "only the messages of a list of results", "F"},
        {"search-only", 0, 0, G_OPTION_ARG_NONE, &options.is_search_only,
         "to search, which reads the words, but not the messages", NULL},
        {"expires", 0, 0, G_OPTION_ARG_STRING, &options.expires,
         "last day of the grant (default: 30 days from now)", "D"},
        {"for", 0, 0, G_OPTION_ARG_FILENAME, &options.reader, "who reads", "NAME.pub"},
        {"out", 0, 0, G_OPTION_ARG_FILENAME, &options.out, "the file to write", "FILE.request"},
        {"json", 0, 0, G_OPTION_ARG_NONE, &options.as_json, "print the result as JSON", NULL},
        G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {
        .verb = verb,
        .arguments = "VAULT",
        .summary = "Writes a request for access: mailboxes, a period, who, and why.",
        .description = "Dates are YYYY-MM, YYYY-MM-DD or RFC 3339, in UTC. Exit status 3: no "
                       "mailbox or no mail matched.",
        .entries = entries};
    g_autoptr(GError) error = NULL;
    gboolean is_nothing = FALSE;
    const char *mistake;
    int status;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(verb, error);
    mistake = argc != 2 ? "give one VAULT" : options_mistake(&options);
    if (mistake != NULL)
        return restore_verb_usage(verb, "%s", mistake);
    if (ask(argv[1], &options, &is_nothing, &error))
        return RESTORE_EXIT_DONE;
    status = restore_verb_fail(verb, error);
    return is_nothing ? RESTORE_EXIT_NOTHING_MATCHED : status;
}
