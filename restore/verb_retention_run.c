/* muniment retention run: what is past its maximum is shown, and destroyed. */
#include "restore/certificate.h"
#include "restore/confirm.h"
#include "restore/host_request.h"
#include "restore/json_text.h"
#include "restore/output.h"
#include "restore/vault_access.h"
#include "restore/verb.h"
#include "restore/verb_retention.h"

#include <stdio.h>

static const char verb[] = "retention run";

typedef struct {
    char *case_id, *reason, *propose, *approved;
    gboolean is_dry_run, is_yes, as_json;
} RunOptions;

static void run_options_clear(RunOptions *options)
{
    g_free(options->case_id);
    g_free(options->reason);
    g_free(options->propose);
    g_free(options->approved);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RunOptions, run_options_clear)

static const char *options_mistake(const RunOptions *options)
{
    if (options->propose != NULL && options->approved != NULL)
        return "--propose writes what --approved does: give one of them";
    if (options->is_dry_run && (options->propose != NULL || options->approved != NULL))
        return "--dry-run needs no request: leave --propose and --approved out";
    return NULL;
}

/* ---- what is due ----------------------------------------------------------------------------- */

static void add_due(JsonBuilder *builder, const VaultRetentionDue *due)
{
    GHashTableIter iter;
    gpointer hold;

    json_builder_begin_object(builder);
    json_text_add(builder, "mailbox", VAULT_ID_TEXT(due->mailbox_id));
    json_text_add(builder, "address", due->address);
    json_text_add_number(builder, "months", due->month_count);
    json_text_add_number(builder, "messages_of_months", due->month_message_count);
    json_text_add_number(builder, "other_messages", due->message_count);
    json_text_add_number(builder, "obstructed", due->obstructed_count);
    json_builder_set_member_name(builder, "holds");
    json_builder_begin_array(builder);
    g_hash_table_iter_init(&iter, due->holds);
    while (g_hash_table_iter_next(&iter, &hold, NULL))
        json_builder_add_string_value(builder, VAULT_ID_TEXT(*(const RowId *)hold));
    json_builder_end_array(builder);
    json_builder_end_object(builder);
}

static gboolean print_due_json(const GPtrArray *all, GError **error)
{
    g_autoptr(JsonBuilder) builder = json_builder_begin_array(json_builder_new());

    for (guint i = 0; i < all->len; i++)
        add_due(builder, g_ptr_array_index(all, i));
    return restore_output_json(json_builder_end_array(builder), error);
}

static void print_due(FILE *out, const VaultRetentionDue *due)
{
    g_autofree char *name =
        restore_output_printable(due->address != NULL ? due->address : "unassigned");
    GHashTableIter iter;
    gpointer hold;

    fprintf(out,
            "%s: %u months with %" G_GUINT64_FORMAT " messages, and %" G_GUINT64_FORMAT
            " messages of other months, are past their maximum\n",
            name, due->month_count, due->month_message_count, due->message_count);
    if (due->obstructed_count > 0)
        fprintf(out, "  %" G_GUINT64_FORMAT " more may not be destroyed\n", due->obstructed_count);
    g_hash_table_iter_init(&iter, due->holds);
    while (g_hash_table_iter_next(&iter, &hold, NULL))
        fprintf(out, "  in the way: hold %s\n", VAULT_ID_TEXT(*(const RowId *)hold));
}

static RestoreExit status_of(const GPtrArray *all)
{
    guint64 free_count = 0, obstructed_count = 0;

    for (guint i = 0; i < all->len; i++) {
        const VaultRetentionDue *due = g_ptr_array_index(all, i);

        free_count += due->month_count + due->message_count;
        obstructed_count += due->obstructed_count;
    }
    if (free_count > 0)
        return RESTORE_EXIT_DONE;
    return obstructed_count > 0 ? RESTORE_EXIT_REFUSED : RESTORE_EXIT_NOTHING_MATCHED;
}

static gboolean show(const GPtrArray *due, const RunOptions *options, GError **error)
{
    gboolean is_shown_as_json = options->is_dry_run && options->as_json;

    if (is_shown_as_json)
        return print_due_json(due, error);
    for (guint i = 0; i < due->len; i++)
        print_due(options->is_dry_run ? stdout : stderr, g_ptr_array_index(due, i));
    return TRUE;
}

/* ---- what was done --------------------------------------------------------------------------- */

static guint64 number_of(const char *answer, const char *name)
{
    g_autofree char *value = certificate_value(answer, name, 0);

    return value != NULL ? g_ascii_strtoull(value, NULL, 10) : 0;
}

static void add_values(JsonBuilder *builder, const char *member, const char *answer,
                       const char *name)
{
    json_builder_set_member_name(builder, member);
    json_builder_begin_array(builder);
    for (guint i = 0;; i++) {
        g_autofree char *value = certificate_value(answer, name, i);

        if (value == NULL)
            break;
        json_builder_add_string_value(builder, value);
    }
    json_builder_end_array(builder);
}

static gboolean print_done_json(const char *answer, GError **error)
{
    g_autoptr(JsonBuilder) builder = json_builder_begin_object(json_builder_new());

    json_text_add_number(builder, "months", number_of(answer, "months"));
    json_text_add_number(builder, "copies", number_of(answer, "copies"));
    json_text_add_number(builder, "passed_over", number_of(answer, "passed-over"));
    add_values(builder, "holds", answer, "hold");
    add_values(builder, "erasures", answer, "erasure");
    return restore_output_json(json_builder_end_object(builder), error);
}

static void print_done(const char *answer)
{
    guint64 passed_over = number_of(answer, "passed-over");

    printf("Destroyed: %" G_GUINT64_FORMAT " copies, %" G_GUINT64_FORMAT " month keys.\n",
           number_of(answer, "copies"), number_of(answer, "months"));
    if (passed_over > 0)
        printf("Passed over: %" G_GUINT64_FORMAT " copies.\n", passed_over);
    for (guint i = 0;; i++) {
        g_autofree char *hold = certificate_value(answer, "hold", i);

        if (hold == NULL)
            break;
        printf("  in the way: hold %s\n", hold);
    }
    for (guint i = 0;; i++) {
        g_autofree char *erasure = certificate_value(answer, "erasure", i);

        if (erasure == NULL)
            return;
        printf("Erasure %s: muniment erasure status shows how far it is.\n", erasure);
    }
}

/* ---- the command ----------------------------------------------------------------------------- */

/* Between the look and the act it may have become held, or another has done it. */
static gboolean operate(const char *vault, const char *text, char **ret_answer,
                        RestoreExit *ret_status, GError **error)
{
    g_autoptr(GError) failure = NULL;

    if (vault_access_operate(vault, "retention-run", text, strlen(text), ret_answer, &failure))
        return TRUE;
    if (g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NOT_FOUND))
        *ret_status = RESTORE_EXIT_NOTHING_MATCHED;
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
}

static gboolean destroy(const char *vault, const RunOptions *options, const char *text,
                        RestoreExit *ret_status, GError **error)
{
    g_autofree char *answer = NULL;

    if (!restore_confirm("What is destroyed cannot be had back by anyone.", "retention",
                         options->is_yes, error) ||
        !operate(vault, text, &answer, ret_status, error))
        return FALSE;
    if (options->as_json)
        return print_done_json(answer, error);
    print_done(answer);
    return restore_output_flush(error);
}

static gboolean run(const char *vault, const RunOptions *options, RestoreExit *ret_status,
                    GError **error)
{
    g_autofree char *warning = NULL;
    g_autoptr(VaultKeep) keep = vault_access_open(vault, VAULT_ACCESS_UP_TO_DATE, &warning, error);
    const RestoreHostAct act = {
        .act = VAULT_ACT_RETENTION,
        .case_id = options->case_id != NULL ? options->case_id : "retention",
        .reason = options->reason != NULL ? options->reason : "retention is over",
        .detail = "run"};
    g_autoptr(GPtrArray) due = NULL;
    g_autofree char *text = NULL;

    if (warning != NULL)
        restore_verb_say(verb, "%s", warning);
    due = keep != NULL ? vault_keep_retention_due(keep, error) : NULL;
    if (due == NULL || !show(due, options, error))
        return FALSE;
    if (options->propose != NULL)
        return restore_host_request_propose(keep, &act, options->propose, error);
    *ret_status = options->is_dry_run && due->len > 0 ? RESTORE_EXIT_DONE : status_of(due);
    if (options->is_dry_run || *ret_status != RESTORE_EXIT_DONE)
        return TRUE;
    text = options->approved != NULL ? restore_host_request_read(options->approved, &act, error)
                                     : restore_host_request_make(keep, &act, error);
    g_clear_pointer(&keep, vault_keep_free);
    return text != NULL && destroy(vault, options, text, ret_status, error);
}

int restore_verb_retention_run(int argc, char **argv)
{
    g_auto(RunOptions) options = {.case_id = NULL};
    const GOptionEntry entries[] = {
        {"dry-run", 0, 0, G_OPTION_ARG_NONE, &options.is_dry_run,
         "show what is due, destroy nothing", NULL},
        {"yes", 0, 0, G_OPTION_ARG_NONE, &options.is_yes, "do not ask", NULL},
        {"json", 0, 0, G_OPTION_ARG_NONE, &options.as_json, "print the result as JSON", NULL},
        {"case", 0, 0, G_OPTION_ARG_STRING, &options.case_id, "the case that it is for", "ID"},
        {"reason", 0, 0, G_OPTION_ARG_STRING, &options.reason, "why; it is logged", "TEXT"},
        {"propose", 0, 0, G_OPTION_ARG_FILENAME, &options.propose,
         "write a request, to be approved, and do nothing", "FILE"},
        {"approved", 0, 0, G_OPTION_ARG_FILENAME, &options.approved,
         "do exactly what this request says", "FILE"},
        G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {
        .verb = verb,
        .arguments = "VAULT [--dry-run] [--yes]",
        .summary = "Destroys the keys of what is past its retention maximum.",
        .description = "What is held is passed over. The daemon does it once a month. Exit status: "
                       "3 nothing is due, 4 refused, or all that is due is held.",
        .entries = entries};
    g_autoptr(GError) error = NULL;
    RestoreExit status = RESTORE_EXIT_DONE;
    const char *mistake;
    int failed;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(verb, error);
    mistake = argc != 2 ? "give one VAULT" : options_mistake(&options);
    if (mistake != NULL)
        return restore_verb_usage(verb, "%s", mistake);
    if (run(argv[1], &options, &status, &error))
        return (int)status;
    failed = restore_verb_fail(verb, error);
    return status == RESTORE_EXIT_NOTHING_MATCHED ? (int)status : failed;
}
