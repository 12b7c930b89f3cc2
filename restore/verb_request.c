/* muniment request: asks for access, in a file that is carried to where the master is. */
#include "restore/dates.h"
#include "restore/json_text.h"
#include "restore/output.h"
#include "restore/request_scope.h"
#include "restore/vault_access.h"
#include "restore/verb.h"
#include "restore/verbs.h"
#include "vault/act/policy.h"
#include "vault/act/text_file.h"
#include "vault/base/bytes.h"
#include "vault/base/file.h"
#include "vault/crypto/key_files.h"

#include <stdio.h>

static const char verb[] = "request";

#define EXPIRES_DEFAULT_S (30 * 24 * 3600)

typedef struct {
    char *case_id, *reason;
    char **mailboxes, **domains, **messages;
    char *mailbox_file, *result;
    gboolean is_all, is_search_only, is_standing, as_json;
    char *from, *to, *expires;
    char *reader, *out;
    char *act, *detail, *extend;
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
    g_free(options->act);
    g_free(options->detail);
    g_free(options->extend);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RequestOptions, request_options_clear)

static guint64 now_s(void)
{
    return (guint64)(g_get_real_time() / G_USEC_PER_SEC);
}

static gboolean is_one_line(const char *text)
{
    if (*text == '\0' || !g_utf8_validate(text, -1, NULL))
        return FALSE;
    for (const char *at = text; *at != '\0'; at = g_utf8_next_char(at)) {
        if (g_unichar_iscntrl(g_utf8_get_char(at)))
            return FALSE;
    }
    return TRUE;
}

/* FALSE: no such act, or two. */
static gboolean find_act(const RequestOptions *options, VaultAct *ret_act)
{
    VaultAct said = options->is_standing      ? VAULT_ACT_STANDING_READ
                    : options->is_search_only ? VAULT_ACT_SEARCH
                                              : VAULT_ACT_READ;

    *ret_act = said;
    return (!options->is_standing || !options->is_search_only) &&
           (options->act == NULL || (vault_act_parse(options->act, ret_act) &&
                                     (said == VAULT_ACT_READ || *ret_act == said)));
}

static gboolean is_narrow(const RequestOptions *options)
{
    return options->mailboxes != NULL || options->mailbox_file != NULL || options->domains != NULL;
}

/* A request with --extend takes over what the grant says. */
static const char *extend_mistake(const RequestOptions *options)
{
    if (options->is_all || is_narrow(options) || options->from != NULL ||
        options->messages != NULL || options->result != NULL || options->act != NULL ||
        options->is_search_only || options->is_standing || options->reader != NULL ||
        options->detail != NULL)
        return "--extend takes act, mailboxes, messages, reader and the begin of the period from "
               "the grant: leave those options out";
    return NULL;
}

static const char *scope_mistake(const RequestOptions *options, VaultAct act)
{
    if (act == VAULT_ACT_POLICY)
        return "a change of policy is approved on the draft itself: \"muniment policy show VAULT "
               "--out FILE.draft\"";
    if (options->is_all && is_narrow(options))
        return "--all is all mailboxes: leave it out, or --mailbox, --mailbox-file and --domain";
    if (!options->is_all && !is_narrow(options) &&
        (vault_act_needs_mailbox(act) || act == VAULT_ACT_STANDING_READ))
        return "give --mailbox, --mailbox-file or --domain, or else --all";
    if ((options->is_all || is_narrow(options)) && !vault_act_may_name_mailbox(act))
        return "that act is on the vault, not on mailboxes";
    if (vault_act_has_keys(act) && (options->from == NULL || options->to == NULL))
        return "give the period, --from D --to D";
    if (act == VAULT_ACT_STANDING_READ && (options->messages != NULL || options->result != NULL))
        return "a standing reader reads what is yet to come: leave out --message and --result";
    if (vault_act_is_granted(act) && options->reader == NULL)
        return "give --for NAME.pub; \"muniment identity create\" makes it";
    if (vault_act_is_granted(act) && options->detail != NULL)
        return "--detail is for acts that are not granted";
    if (!vault_act_is_granted(act) && options->reader != NULL)
        return "--for is for search, read and standing-read: no other act is granted to a reader";
    return NULL;
}

/* What is wrong with the options, or NULL. */
static const char *options_mistake(const RequestOptions *options)
{
    VaultAct act;
    const char *mistake;

    if (options->reason == NULL || (options->case_id == NULL && options->extend == NULL))
        return "give --case ID and --reason TEXT: they are shown to whoever decides, and logged";
    if (!is_one_line(options->reason) ||
        (options->case_id != NULL && !is_one_line(options->case_id)) ||
        (options->detail != NULL && !is_one_line(options->detail)))
        return "--case, --reason and --detail are one line each, of UTF-8 text without control "
               "characters";
    if (!find_act(options, &act))
        return "--act is one of search, read, standing-read, erase, shred, hold-remove, retention, "
               "retention-override, assign and vaultkey";
    mistake = options->extend != NULL ? extend_mistake(options) : scope_mistake(options, act);
    if (mistake != NULL)
        return mistake;
    return options->out == NULL ? "give --out FILE.request" : NULL;
}

static gboolean add_all(GPtrArray *array, char **texts)
{
    for (; texts != NULL && *texts != NULL; texts++)
        g_ptr_array_add(array, g_strdup(*texts));
    return TRUE;
}

/* A standing reader's begins now and has no end, where nothing else is said. */
static gboolean read_period(const RequestOptions *options, RestoreRequestScope *ret_scope,
                            GError **error)
{
    VaultAct act;

    if (!restore_period_parse(options->from, options->to, &ret_scope->from_s, &ret_scope->to_s,
                              error))
        return FALSE;
    if (!find_act(options, &act) || act != VAULT_ACT_STANDING_READ)
        return TRUE;
    if (options->from == NULL)
        ret_scope->from_s = now_s();
    if (options->to == NULL)
        ret_scope->to_s = VAULT_REQUEST_NO_END_S;
    if (ret_scope->from_s < ret_scope->to_s)
        return TRUE;
    g_set_error_literal(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "--to: that date is past");
    return FALSE;
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
           read_period(options, ret_scope, error);
}

/* The grant's own scope from now on; `--to` may reach further. */
static gboolean extend_scope(const RequestOptions *options, const VaultGrantFile *grant,
                             RestoreRequestScope *ret_scope, VaultRequestFile *request,
                             GError **error)
{
    restore_request_scope_init(ret_scope);
    restore_request_scope_extend(ret_scope, grant);
    request->act = grant->request->act;
    request->reader_name = g_strdup(grant->request->reader_name);
    request->reader_key = grant->request->reader_key;
    if (options->case_id == NULL)
        request->case_id = g_strdup(grant->request->case_id);
    if (grant->request->act == VAULT_ACT_STANDING_READ) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                    "%s is a standing grant, which goes on by itself", options->extend);
        return FALSE;
    }
    ret_scope->to_s = VAULT_REQUEST_NO_END_S;
    return options->to == NULL ||
           restore_date_parse("--to", options->to, RESTORE_DATE_TO, &ret_scope->to_s, error);
}

static VaultGrantFile *read_grant(const char *path, GError **error)
{
    g_autoptr(GBytes) text = vault_file_read(path, VAULT_GRANT_LEN_MAX, error);
    VaultGrantFile *grant;

    if (text == NULL)
        return NULL;
    grant = vault_grant_file_parse(g_bytes_get_data(text, NULL), g_bytes_get_size(text), error);
    if (grant == NULL)
        g_prefix_error(error, "%s: ", path);
    return grant;
}

static gboolean read_expiry(const RequestOptions *options, VaultRequestFile *request,
                            GError **error)
{
    request->created_s = now_s();
    request->expires_s = request->act == VAULT_ACT_STANDING_READ
                             ? VAULT_REQUEST_NO_END_S
                             : request->created_s + EXPIRES_DEFAULT_S;
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

typedef struct {
    gboolean is_nothing; /* it failed as the vault has nothing of what is asked for */
    gboolean is_cut;     /* months without keys are left out */
} AskResult;

static gboolean take_policy(VaultKeep *keep, VaultRequestFile *request, GError **error)
{
    request->policy = vault_keep_policy(keep, error);
    return request->policy != NULL && vault_policy_serial(request->policy, strlen(request->policy),
                                                          &request->policy_serial, error);
}

/* Months are read from the keyring, which is always up to date; messages from the catalog. */
static gboolean find_scope(const char *vault, const RestoreRequestScope *scope,
                           VaultRequestFile *request, AskResult *ret_result, GError **error)
{
    VaultAccessFreshness freshness =
        scope->messages->len > 0 ? VAULT_ACCESS_UP_TO_DATE : VAULT_ACCESS_AS_IT_IS;
    g_autofree char *warning = NULL;
    g_autoptr(VaultKeep) keep = vault_access_open(vault, freshness, &warning, error);

    if (keep == NULL || !take_policy(keep, request, error))
        return FALSE;
    if (warning != NULL)
        restore_verb_say(verb, "%s", warning);
    if (restore_request_scope_find(scope, keep, request, &ret_result->is_cut, error))
        return vault_keep_close(keep, error);
    ret_result->is_nothing = g_error_matches(*error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND);
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

static gboolean report_json(const VaultRequestFile *request, const RequestOptions *options,
                            const AskResult *result, const char *text, GError **error)
{
    g_autoptr(JsonBuilder) builder = json_builder_new();
    g_autofree char *hash_text = NULL;
    VaultHash hash;

    vault_request_file_hash(text, strlen(text), &hash);
    hash_text = vault_bytes_to_hex(hash.bytes, VAULT_HASH_LEN);
    json_builder_begin_object(builder);
    json_text_add(builder, "request", options->out);
    json_text_add(builder, "hash", hash_text);
    json_text_add_number(builder, "mailboxes", request->mailboxes->len);
    json_text_add_number(builder, "months", key_count(request));
    json_text_add_time(builder, "expires", restore_end_or_zero(request->expires_s));
    json_text_add_time(builder, "from", request->from_s);
    json_text_add_time(builder, "to", restore_end_or_zero(request->to_s));
    json_text_add_boolean(builder, "cut", result->is_cut);
    json_text_add_number(builder, "policy_serial", request->policy_serial);
    json_builder_end_object(builder);
    return restore_output_json(builder, error);
}

/* What to do next: approvals first. FALSE: its policy cannot be read. */
static gboolean report_next(const VaultRequestFile *request, const char *out, GError **error)
{
    g_autoptr(VaultPolicy) policy =
        vault_policy_parse(request->policy, strlen(request->policy), error);
    guint needed;

    if (policy == NULL)
        return FALSE;
    needed = vault_policy_needed(policy, request->act);
    if (needed > 0)
        printf("Next: it needs %u approval%s. Approvers run\n"
               "  muniment approve %s --key SSH_KEY --as NAME\n",
               needed, needed == 1 ? "" : "s", out);
    if (vault_act_is_granted(request->act))
        printf("%s: carry it to where the master key is, and there run\n"
               "  muniment grant %s --master MASTER\n",
               needed > 0 ? "Then" : "Next", out);
    return TRUE;
}

static void report_standing(const VaultRequestFile *request, const char *out, const char *expires)
{
    g_autofree char *from = restore_date_text(request->from_s);

    if (request->mailboxes->len == 0)
        printf("%s asks that %s may read all mailboxes, those yet to come included", out,
               request->reader_name);
    else
        printf("%s asks that %s may read %u mailbox%s", out, request->reader_name,
               request->mailboxes->len, request->mailboxes->len == 1 ? "" : "es");
    printf(", what is received from %s on, until %s.\n", from, expires);
}

static gboolean report(const VaultRequestFile *request, const RequestOptions *options,
                       const AskResult *result, const char *text, GError **error)
{
    g_autofree char *expires = restore_end_text(request->expires_s, "it is removed");
    g_autofree char *to = restore_date_text(request->to_s);

    if (result->is_cut)
        restore_verb_say(verb,
                         "there are no keys yet for what is received from %s on: the request ends "
                         "there. Ask for the rest later, with --extend",
                         to);
    if (options->as_json)
        return report_json(request, options, result, text, error);
    if (request->act == VAULT_ACT_STANDING_READ) {
        report_standing(request, options->out, expires);
        return report_next(request, options->out, error);
    }
    printf("%s asks to %s %u mailbox%s", options->out, vault_act_name(request->act),
           request->mailboxes->len, request->mailboxes->len == 1 ? "" : "es");
    if (vault_act_is_granted(request->act))
        printf(", %u mailbox-month%s, for %s", key_count(request),
               key_count(request) == 1 ? "" : "s", request->reader_name);
    printf(", until %s.\n", expires);
    return report_next(request, options->out, error);
}

static gboolean fill_purpose(const RequestOptions *options, VaultRequestFile *request,
                             GError **error)
{
    g_assert(find_act(options, &request->act));
    if (vault_act_is_granted(request->act))
        return read_reader(options->reader, request, error);
    request->detail = g_strdup(options->detail != NULL ? options->detail : "none");
    return TRUE;
}

static gboolean ask(const char *vault, const RequestOptions *options, AskResult *ret_result,
                    GError **error)
{
    g_autoptr(VaultRequestFile) request = vault_request_file_new();
    g_autoptr(VaultGrantFile) since = NULL;
    g_auto(RestoreRequestScope) scope = {0};
    g_autofree char *text = NULL;
    gboolean is_read;

    vault_request_file_set_nonce(request);
    request->case_id = g_strdup(options->case_id);
    request->reason = g_strdup(options->reason);
    if (options->extend != NULL && (since = read_grant(options->extend, error)) == NULL)
        return FALSE;
    is_read = since != NULL
                  ? extend_scope(options, since, &scope, request, error)
                  : read_scope(options, &scope, error) && fill_purpose(options, request, error);
    if (!is_read || !read_expiry(options, request, error) ||
        !find_scope(vault, &scope, request, ret_result, error))
        return FALSE;
    if (since != NULL && !VAULT_ID_EQUAL(since->request->vault_id, request->vault_id)) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED, "%s is a grant for another vault",
                    options->extend);
        return FALSE;
    }
    text = vault_request_file_format(request, error);
    return text != NULL &&
           restore_output_write(options->out, text, RESTORE_OUTPUT_PRIVATE, error) &&
           report(request, options, ret_result, text, error);
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
        {"standing", 0, 0, G_OPTION_ARG_NONE, &options.is_standing,
         "to read what comes from now on, as a standing reader", NULL},
        {"expires", 0, 0, G_OPTION_ARG_STRING, &options.expires,
         "last day of the grant (default: 30 days from now; with --standing none)", "D"},
        {"act", 0, 0, G_OPTION_ARG_STRING, &options.act,
         "what is asked for (default: read); acts other than search and read carry no keys", "ACT"},
        {"detail", 0, 0, G_OPTION_ARG_STRING, &options.detail,
         "for such an act: what exactly, where the scope does not say it", "TEXT"},
        {"extend", 0, 0, G_OPTION_ARG_FILENAME, &options.extend,
         "the scope of this grant again, for what has come since", "G"},
        {"for", 0, 0, G_OPTION_ARG_FILENAME, &options.reader, "who reads", "NAME.pub"},
        {"out", 0, 0, G_OPTION_ARG_FILENAME, &options.out, "the file to write", "FILE.request"},
        {"json", 0, 0, G_OPTION_ARG_NONE, &options.as_json, "print the result as JSON", NULL},
        G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {
        .verb = verb,
        .arguments = "VAULT --case ID --reason TEXT (--mailbox A...|--domain D|--all) --from D "
                     "--to D --for NAME.pub --out FILE.request",
        .summary = "Writes a request for access: mailboxes, a period, who, and why.",
        .description =
            "Dates are YYYY-MM, YYYY-MM-DD or RFC 3339, in UTC. Exit status 3: no "
            "mailbox, message or mail matched.\n\n"
            "With --standing the period begins now and has no end, where --from and --to "
            "say nothing else; \"muniment reader add\" takes the grant up.",
        .entries = entries};
    g_autoptr(GError) error = NULL;
    AskResult result = {0};
    const char *mistake;
    int status;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(verb, error);
    mistake = argc != 2 ? "give one VAULT" : options_mistake(&options);
    if (mistake != NULL)
        return restore_verb_usage(verb, "%s", mistake);
    if (ask(argv[1], &options, &result, &error))
        return RESTORE_EXIT_DONE;
    status = restore_verb_fail(verb, error);
    return result.is_nothing ? RESTORE_EXIT_NOTHING_MATCHED : status;
}
