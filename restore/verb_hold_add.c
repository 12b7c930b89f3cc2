/* muniment hold add: whose mail, of when, and why it must not be destroyed. */
#include "restore/dates.h"
#include "restore/json_text.h"
#include "restore/mailbox_names.h"
#include "restore/output.h"
#include "restore/request_scope.h"
#include "restore/vault_access.h"
#include "restore/verb.h"
#include "restore/verb_hold.h"
#include "vault/act/hold_file.h"

#include <stdio.h>

static const char verb[] = "hold add";

typedef struct {
    char *case_id, *reason, *mailbox_file, *from, *to, *result, *until;
    char **mailboxes, **domains, **messages;
    gboolean is_all, is_expected, as_json;
} HoldOptions;

static void hold_options_clear(HoldOptions *options)
{
    g_free(options->case_id);
    g_free(options->reason);
    g_free(options->mailbox_file);
    g_free(options->from);
    g_free(options->to);
    g_free(options->result);
    g_free(options->until);
    g_strfreev(options->mailboxes);
    g_strfreev(options->domains);
    g_strfreev(options->messages);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(HoldOptions, hold_options_clear)

/* What is wrong with the options, or NULL. */
static const char *options_mistake(const HoldOptions *options)
{
    gboolean names =
        options->mailboxes != NULL || options->mailbox_file != NULL || options->domains != NULL;

    if (options->case_id == NULL || options->reason == NULL)
        return "give --case ID and --reason TEXT: they are kept with the hold";
    if (!vault_text_is_readable(options->case_id, VAULT_HOLD_CASE_LEN_MAX) ||
        !vault_text_is_readable(options->reason, VAULT_HOLD_REASON_LEN_MAX))
        return "--case (128 bytes) and --reason (2,048) are one line each, of UTF-8 text without "
               "control characters";
    if (options->is_all && names)
        return "--all is every mailbox: give it alone";
    if (!options->is_all && !names && options->messages == NULL && options->result == NULL)
        return "say what is held: --mailbox A, --mailbox-file F, --domain D, --all, --message ID "
               "or "
               "--result F";
    return NULL;
}

/* ---- what is to be held ---------------------------------------------------------------------- */

static gboolean take_names(const GPtrArray *typed, char *(*normalise)(const char *, GError **),
                           GPtrArray *names, GError **error)
{
    for (guint i = 0; i < typed->len; i++) {
        char *name = normalise(g_ptr_array_index(typed, i), error);

        if (name == NULL)
            return FALSE;
        if (g_ptr_array_find_with_equal_func(names, name, g_str_equal, NULL))
            g_free(name);
        else
            g_ptr_array_add(names, name);
    }
    return TRUE;
}

static void add_all(GPtrArray *array, char **texts)
{
    for (; texts != NULL && *texts != NULL; texts++)
        g_ptr_array_add(array, g_strdup(*texts));
}

static gboolean read_scope(const HoldOptions *options, RestoreRequestScope *scope, GError **error)
{
    add_all(scope->mailboxes, options->mailboxes);
    add_all(scope->domains, options->domains);
    if (options->mailbox_file != NULL &&
        !restore_request_scope_add_mailbox_file(scope, options->mailbox_file, error))
        return FALSE;
    for (char **id = options->messages; id != NULL && *id != NULL; id++) {
        if (!restore_request_scope_add_message(scope, *id, error))
            return FALSE;
    }
    return (options->result == NULL ||
            restore_request_scope_add_result_file(scope, options->result, error)) &&
           restore_period_parse(options->from, options->to, &scope->from_s, &scope->to_s, error);
}

static VaultHoldFile *make_hold(const HoldOptions *options, GError **error)
{
    g_autoptr(VaultHoldFile) hold = vault_hold_file_new();
    g_auto(RestoreRequestScope) scope = {0};

    restore_request_scope_init(&scope);
    if (!read_scope(options, &scope, error) ||
        !take_names(scope.mailboxes, restore_mailbox_name, hold->mailboxes, error) ||
        !take_names(scope.domains, restore_domain_name, hold->domains, error) ||
        (options->until != NULL &&
         !restore_date_parse("--until", options->until, RESTORE_DATE_TO, &hold->until_s, error)))
        return NULL;
    hold->case_id = g_strdup(options->case_id);
    hold->reason = g_strdup(options->reason);
    hold->from_s = scope.from_s;
    hold->to_s = MIN(scope.to_s, VAULT_TEXT_TIME_END_S - 1);
    hold->is_expected = options->is_expected;
    /* Messages alone: whoever has a copy. */
    hold->is_all = hold->mailboxes->len == 0 && hold->domains->len == 0;
    if (scope.messages->len > 0)
        g_array_append_vals(hold->messages, scope.messages->data, scope.messages->len);
    return g_steal_pointer(&hold);
}

/* The writer refuses them, too, but cannot say what was meant: its errors carry no address. */
static gboolean check_names(const VaultHoldFile *hold, const GPtrArray *mailboxes, GError **error)
{
    if (hold->is_expected)
        return TRUE;
    for (guint i = 0; i < hold->mailboxes->len; i++) {
        const char *name = g_ptr_array_index(hold->mailboxes, i);

        if (!restore_mailbox_is_known(mailboxes, name)) {
            restore_mailbox_refuse(mailboxes, name, error);
            g_prefix_error(error, "--expect holds mail that is yet to come: ");
            return FALSE;
        }
    }
    for (guint i = 0; i < hold->domains->len; i++) {
        const char *domain = g_ptr_array_index(hold->domains, i);

        if (!restore_domain_is_known(mailboxes, domain)) {
            g_set_error(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND,
                        "there is no mailbox of the domain %s; --expect holds mail that is yet to "
                        "come",
                        domain);
            return FALSE;
        }
    }
    return TRUE;
}

/* ---- what the writer says -------------------------------------------------------------------- */

/* The value of the line, or NULL. */
static char *value_of(char **lines, const char *name)
{
    gsize len = strlen(name);

    for (; *lines != NULL; lines++) {
        if (strncmp(*lines, name, len) == 0 && g_str_has_prefix(*lines + len, ": "))
            return *lines + len + 2;
    }
    return NULL;
}

static guint64 unassigned_count(const GPtrArray *mailboxes)
{
    for (guint i = 0; i < mailboxes->len; i++) {
        const VaultMailbox *mailbox = g_ptr_array_index(mailboxes, i);

        if (mailbox->addresses->len == 0)
            return mailbox->message_count;
    }
    return 0;
}

/* "erasure: ID KIND STATE TIME"; NULL: another line. */
static char **erasure_of(const char *line)
{
    g_auto(GStrv) parts = g_strsplit(line, " ", 5);

    return g_strv_length(parts) == 5 && g_str_equal(parts[0], "erasure:") ? g_steal_pointer(&parts)
                                                                          : NULL;
}

static void add_erasures(JsonBuilder *builder, char **lines)
{
    json_builder_set_member_name(builder, "erasures");
    json_builder_begin_array(builder);
    for (char **line = lines; *line != NULL; line++) {
        g_auto(GStrv) parts = erasure_of(*line);

        if (parts == NULL)
            continue;
        json_builder_begin_object(builder);
        json_text_add(builder, "erasure", parts[1]);
        json_text_add(builder, "kind", parts[2]);
        json_text_add(builder, "state", parts[3]);
        json_text_add(builder, "time", parts[4]);
        json_builder_end_object(builder);
    }
    json_builder_end_array(builder);
}

static void print_erasure(const char *line)
{
    g_auto(GStrv) parts = erasure_of(line);

    if (parts == NULL)
        return;
    if (g_str_equal(parts[3], "requested"))
        printf("Erasure %s (%s) is requested: of what is held it will destroy nothing.\n", parts[1],
               parts[2]);
    else
        printf("Erasure %s (%s, %s since %s) may have destroyed some of it before: muniment "
               "erasure status shows what.\n",
               parts[1], parts[2], parts[3], parts[4]);
}

static gboolean print_json(char **lines, guint64 unassigned, GError **error)
{
    g_autoptr(JsonBuilder) builder = json_builder_begin_object(json_builder_new());

    json_text_add(builder, "hold", value_of(lines, "hold"));
    json_text_add_number(builder, "mailboxes",
                         g_ascii_strtoull(value_of(lines, "mailboxes"), NULL, 10));
    json_text_add_number(builder, "unassigned_messages", unassigned);
    json_builder_set_member_name(builder, "destroyed");
    json_builder_begin_array(builder);
    for (char **line = lines; *line != NULL; line++) {
        g_auto(GStrv) parts = g_strsplit(*line, " ", 4);

        if (g_strv_length(parts) != 4 || !g_str_equal(parts[0], "destroyed:"))
            continue;
        json_builder_begin_object(builder);
        json_text_add(builder, "mailbox", parts[1]);
        json_text_add(builder, "month", parts[2]);
        json_text_add(builder, "time", parts[3]);
        json_builder_end_object(builder);
    }
    json_builder_end_array(builder);
    add_erasures(builder, lines);
    return restore_output_json(json_builder_end_object(builder), error);
}

static gboolean print_answer(char **lines, const VaultHoldFile *hold, guint64 unassigned,
                             gboolean as_json, GError **error)
{
    if (as_json)
        return print_json(lines, unassigned, error);
    printf("Hold %s covers %s mailboxes, and those to come that it names.\n",
           value_of(lines, "hold"), value_of(lines, "mailboxes"));
    for (char **line = lines; *line != NULL; line++) {
        if (g_str_has_prefix(*line, "destroyed: "))
            printf("Destroyed before, so not held: mailbox %s\n", *line + strlen("destroyed: "));
        print_erasure(*line);
    }
    if (unassigned > 0 && !hold->is_all)
        restore_verb_say(verb,
                         "%" G_GUINT64_FORMAT " messages have no owner here and lie in the mailbox "
                         "unassigned: if some of them matter, hold that, too",
                         unassigned);
    return TRUE;
}

static gboolean add(const char *vault, const HoldOptions *options, gboolean *ret_is_unknown,
                    GError **error)
{
    g_autoptr(VaultHoldFile) hold = make_hold(options, error);
    g_autofree char *text = hold != NULL ? vault_hold_file_format(hold, error) : NULL;
    g_autoptr(VaultKeep) keep = NULL;
    g_autoptr(GPtrArray) mailboxes = NULL;
    g_autofree char *answer = NULL;
    g_auto(GStrv) lines = NULL;

    if (text == NULL)
        return FALSE;
    keep = vault_access_open(vault, VAULT_ACCESS_UP_TO_DATE, NULL, error);
    mailboxes = keep != NULL ? vault_keep_mailboxes(keep, VAULT_MAILBOX_COUNTS, error) : NULL;
    if (mailboxes == NULL)
        return FALSE;
    if (!check_names(hold, mailboxes, error)) {
        *ret_is_unknown = TRUE;
        return FALSE;
    }
    if (!vault_access_operate(vault, "hold-add", text, strlen(text), &answer, error))
        return FALSE;
    lines = g_strsplit(answer, "\n", -1);
    return print_answer(lines, hold, unassigned_count(mailboxes), options->as_json, error);
}

int restore_verb_hold_add(int argc, char **argv)
{
    g_auto(HoldOptions) options = {0};
    const GOptionEntry entries[] = {
        {"case", 0, 0, G_OPTION_ARG_STRING, &options.case_id, "the case that it is for", "ID"},
        {"reason", 0, 0, G_OPTION_ARG_STRING, &options.reason, "why", "TEXT"},
        {"mailbox", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options.mailboxes,
         "address, id or \"unassigned\"; may be given several times", "A"},
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
        {"until", 0, 0, G_OPTION_ARG_STRING, &options.until, "the hold ends after this date", "D"},
        {"expect", 0, 0, G_OPTION_ARG_NONE, &options.is_expected,
         "also hold addresses and domains that no mailbox has yet", NULL},
        {"json", 0, 0, G_OPTION_ARG_NONE, &options.as_json, "print the result as JSON", NULL},
        G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {
        .verb = verb,
        .arguments = "VAULT --case ID --reason TEXT (--mailbox A...|--mailbox-file F|--domain D|"
                     "--all) [--from D] [--to D] [--message ID...|--result F] [--until D]",
        .summary =
            "Holds mail, also mail yet to come: nothing of it is destroyed until the hold is "
            "removed.",
        .description = "An address or domain covers each mailbox that ever had it or will. Dates "
                       "are YYYY-MM, YYYY-MM-DD or RFC 3339, in UTC. Exit status 3: there is no "
                       "such mailbox.",
        .entries = entries};
    g_autoptr(GError) error = NULL;
    gboolean is_unknown = FALSE;
    const char *mistake;
    int status;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(verb, error);
    mistake = argc != 2 ? "give one VAULT" : options_mistake(&options);
    if (mistake != NULL)
        return restore_verb_usage(verb, "%s", mistake);
    if (add(argv[1], &options, &is_unknown, &error))
        return RESTORE_EXIT_DONE;
    status = restore_verb_fail(verb, error);
    return is_unknown ? RESTORE_EXIT_NOTHING_MATCHED : status;
}
