/* muniment retention: how long mail is kept, at least and at most. */
#include "restore/verb_retention.h"
#include "restore/dates.h"
#include "restore/host_request.h"
#include "restore/json_text.h"
#include "restore/mailbox_names.h"
#include "restore/output.h"
#include "restore/vault_access.h"
#include "restore/verb.h"
#include "restore/verbs.h"
#include "vault/act/retention_detail.h"

#include <stdio.h>

/* ---- set ------------------------------------------------------------------------------------- */

static const char set_verb[] = "retention set";

typedef struct {
    char *mailbox, *domain, *min, *max, *from, *case_id, *reason, *propose, *approved;
    gboolean is_default;
} SetOptions;

static void set_options_clear(SetOptions *options)
{
    g_free(options->mailbox);
    g_free(options->domain);
    g_free(options->min);
    g_free(options->max);
    g_free(options->from);
    g_free(options->case_id);
    g_free(options->reason);
    g_free(options->propose);
    g_free(options->approved);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SetOptions, set_options_clear)

/* "90d" or "6y"; a year counts 365.25 days, rounded up: never less than the calendar has. */
static gboolean parse_days(const char *text, guint32 *ret_days)
{
    char *end = NULL;
    guint64 number;

    *ret_days = 0;
    if (text == NULL)
        return TRUE;
    number = g_ascii_strtoull(text, &end, 10);
    if (!g_ascii_isdigit(text[0]) || number > VAULT_RETENTION_DETAIL_DAYS_MAX ||
        (strcmp(end, "d") != 0 && strcmp(end, "y") != 0))
        return FALSE;
    *ret_days = (guint32)(*end == 'y' ? (number * 1461 + 3) / 4 : number);
    return *ret_days <= VAULT_RETENTION_DETAIL_DAYS_MAX;
}

/* What is wrong with the options, or NULL. */
static const char *options_mistake(const SetOptions *options, VaultRetentionDetail *detail)
{
    guint scopes = (options->mailbox != NULL) + (options->domain != NULL) + options->is_default;

    if (scopes != 1)
        return "give one of --mailbox A, --domain D and --default";
    if (options->propose != NULL && options->approved != NULL)
        return "--propose writes what --approved does: give one of them";
    if (!parse_days(options->min, &detail->min_days) ||
        !parse_days(options->max, &detail->max_days))
        return "--min and --max are days or years, up to 200 years: 90d, 6y";
    if (detail->max_days != 0 && detail->max_days < detail->min_days)
        return "--max is below --min";
    if (options->from != NULL && !g_str_equal(options->from, "receipt") &&
        !g_str_equal(options->from, "closing"))
        return "--from is receipt or closing";
    return NULL;
}

static gboolean take_name(const SetOptions *options, VaultKeep *keep, VaultRetentionDetail *detail,
                          gboolean *ret_is_unknown, GError **error)
{
    g_autoptr(GPtrArray) mailboxes = NULL;

    detail->of = options->mailbox != NULL  ? VAULT_RETENTION_OF_MAILBOX
                 : options->domain != NULL ? VAULT_RETENTION_OF_DOMAIN
                                           : VAULT_RETENTION_OF_DEFAULT;
    detail->name = options->mailbox != NULL  ? restore_mailbox_name(options->mailbox, error)
                   : options->domain != NULL ? restore_domain_name(options->domain, error)
                                             : g_strdup("");
    if (detail->name == NULL || options->mailbox == NULL)
        return detail->name != NULL;
    mailboxes = vault_keep_mailboxes(keep, VAULT_MAILBOX_NAMES, error);
    if (mailboxes == NULL)
        return FALSE;
    if (g_str_equal(detail->name, "unassigned")) {
        const VaultMailbox *unassigned = restore_mailbox_find(mailboxes, detail->name, error);

        g_free(detail->name);
        detail->name = unassigned != NULL ? g_strdup(VAULT_ID_TEXT(unassigned->id)) : NULL;
        return unassigned != NULL;
    }
    *ret_is_unknown = !restore_mailbox_is_known(mailboxes, detail->name);
    return !*ret_is_unknown || restore_mailbox_refuse(mailboxes, detail->name, error);
}

static gboolean set_rule(const char *vault, const SetOptions *options, VaultRetentionDetail *detail,
                         gboolean *ret_is_unknown, GError **error)
{
    g_autoptr(VaultKeep) keep = vault_access_open(vault, VAULT_ACCESS_AS_IT_IS, NULL, error);
    RestoreHostAct act = {.act = VAULT_ACT_RETENTION,
                          .case_id = options->case_id != NULL ? options->case_id : "retention",
                          .reason = options->reason != NULL ? options->reason : "retention rule"};
    g_autofree char *detail_text = NULL;
    g_autofree char *text = NULL;

    if (keep == NULL || !take_name(options, keep, detail, ret_is_unknown, error))
        return FALSE;
    detail->is_from_closing = g_strcmp0(options->from, "closing") == 0;
    act.detail = detail_text = vault_retention_detail_format(detail);
    if (options->propose != NULL)
        return restore_host_request_propose(keep, &act, options->propose, error);
    text = options->approved != NULL ? restore_host_request_read(options->approved, &act, error)
                                     : restore_host_request_make(keep, &act, error);
    if (text == NULL ||
        !vault_access_operate(vault, "retention-set", text, strlen(text), NULL, error))
        return FALSE;
    printf("Set: %s\n", act.detail);
    return TRUE;
}

static int retention_set(int argc, char **argv)
{
    g_auto(SetOptions) options = {0};
    const GOptionEntry entries[] = {
        {"mailbox", 0, 0, G_OPTION_ARG_STRING, &options.mailbox,
         "rule for a mailbox: address, id or \"unassigned\"", "A"},
        {"domain", 0, 0, G_OPTION_ARG_STRING, &options.domain, "rule for a domain", "D"},
        {"default", 0, 0, G_OPTION_ARG_NONE, &options.is_default, "rule for all others", NULL},
        {"min", 0, 0, G_OPTION_ARG_STRING, &options.min,
         "kept at least so long: 90d, 6y (default: not at all)", "T"},
        {"max", 0, 0, G_OPTION_ARG_STRING, &options.max, "kept at most so long (default: for ever)",
         "T"},
        {"from", 0, 0, G_OPTION_ARG_STRING, &options.from,
         "count from receipt (default) or closing of the mailbox", "WHAT"},
        {"case", 0, 0, G_OPTION_ARG_STRING, &options.case_id, "the case that it is for", "ID"},
        {"reason", 0, 0, G_OPTION_ARG_STRING, &options.reason, "why", "TEXT"},
        {"propose", 0, 0, G_OPTION_ARG_FILENAME, &options.propose,
         "write a request, to be approved, and do nothing", "FILE"},
        {"approved", 0, 0, G_OPTION_ARG_FILENAME, &options.approved,
         "do exactly what this request says", "FILE"},
        G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {
        .verb = set_verb,
        .arguments = "VAULT (--mailbox A|--domain D|--default) [--min T] [--max T]",
        .summary = "Sets a retention rule, in place of the one that the same scope had.",
        .description = "Exit status 3: there is no such mailbox; 4: refused.",
        .entries = entries};
    g_auto(VaultRetentionDetail) detail = {.name = NULL};
    g_autoptr(GError) error = NULL;
    gboolean is_unknown = FALSE;
    const char *mistake;
    int status;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(set_verb, error);
    mistake = argc != 2 ? "give one VAULT" : options_mistake(&options, &detail);
    if (mistake != NULL)
        return restore_verb_usage(set_verb, "%s", mistake);
    if (set_rule(argv[1], &options, &detail, &is_unknown, &error))
        return RESTORE_EXIT_DONE;
    status = restore_verb_fail(set_verb, error);
    return is_unknown ? RESTORE_EXIT_NOTHING_MATCHED : status;
}

/* ---- list ------------------------------------------------------------------------------------ */

static const char *scope_name(VaultRetentionScope scope)
{
    return scope == VAULT_RETENTION_MAILBOX  ? "mailbox"
           : scope == VAULT_RETENTION_DOMAIN ? "domain"
                                             : "default";
}

static const char *basis_name(VaultRetentionBasis basis)
{
    return basis == VAULT_RETENTION_FROM_CLOSING ? "closing" : "receipt";
}

static gboolean print_rules_json(const GPtrArray *rules, GError **error)
{
    g_autoptr(JsonBuilder) builder = json_builder_begin_array(json_builder_new());

    for (guint i = 0; i < rules->len; i++) {
        const VaultRetentionValue *rule = g_ptr_array_index(rules, i);

        json_builder_begin_object(builder);
        json_text_add(builder, "scope", scope_name(rule->scope));
        json_text_add(builder, "name", *rule->name != '\0' ? rule->name : NULL);
        json_text_add_number(builder, "min_days", rule->min_days);
        json_text_add_number(builder, "max_days", rule->max_days);
        json_text_add(builder, "from", basis_name(rule->basis));
        json_text_add_time(builder, "set", rule->set_s);
        json_builder_end_object(builder);
    }
    return restore_output_json(json_builder_end_array(builder), error);
}

static void print_rule(const VaultRetentionValue *rule)
{
    g_autofree char *name = restore_output_printable(rule->name);
    g_autofree char *set = restore_date_text(rule->set_s);
    g_autofree char *max = rule->max_days != 0 ? g_strdup_printf("at most %u days", rule->max_days)
                                               : g_strdup("for ever");

    printf("%s%s%s: at least %u days, %s, from %s; set %s\n", scope_name(rule->scope),
           *name != '\0' ? " " : "", name, rule->min_days, max, basis_name(rule->basis), set);
}

static int retention_list(int argc, char **argv)
{
    static const char verb[] = "retention list";
    gboolean as_json = FALSE;
    const GOptionEntry entries[] = {
        {"json", 0, 0, G_OPTION_ARG_NONE, &as_json, "print as JSON", NULL}, G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {.verb = verb,
                                    .arguments = "VAULT",
                                    .summary = "Lists the retention rules.",
                                    .entries = entries};
    g_autoptr(GError) error = NULL;
    g_autoptr(VaultKeep) keep = NULL;
    g_autoptr(GPtrArray) rules = NULL;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(verb, error);
    if (argc != 2)
        return restore_verb_usage(verb, "give one VAULT");
    keep = vault_access_open(argv[1], VAULT_ACCESS_AS_IT_IS, NULL, &error);
    rules = keep != NULL ? vault_keep_retention_rules(keep, &error) : NULL;
    if (rules == NULL || (as_json && !print_rules_json(rules, &error)))
        return restore_verb_fail(verb, error);
    for (guint i = 0; !as_json && i < rules->len; i++)
        print_rule(g_ptr_array_index(rules, i));
    return RESTORE_EXIT_DONE;
}

int restore_verb_retention(int argc, char **argv)
{
    static const RestoreVerb verbs[] = {
        {"set", "set how long mail is kept, at least and at most", retention_set},
        {"list", "list the rules", retention_list},
        {"run", "destroy what is past its maximum", restore_verb_retention_run}};

    return restore_verb_dispatch("muniment retention", verbs, G_N_ELEMENTS(verbs), argc, argv);
}
