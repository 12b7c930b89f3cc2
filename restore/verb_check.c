/* muniment check: verifies an export on a machine that has nothing else. */
#include "restore/check.h"
#include "restore/json_text.h"
#include "restore/output.h"
#include "restore/progress.h"
#include "restore/verb.h"
#include "restore/verbs.h"

#include <stdio.h>

static const char verb[] = "check";

typedef struct {
    gboolean as_json;
    Progress *progress;
    GPtrArray *findings; /* with as_json */
} Checking;

static void tell_finding(const char *finding, gpointer user)
{
    Checking *checking = user;
    g_autofree char *printable = restore_output_printable(finding);

    if (checking->as_json) {
        g_ptr_array_add(checking->findings, g_steal_pointer(&printable));
        return;
    }
    if (checking->progress != NULL)
        progress_hide(checking->progress);
    puts(printable);
}

static void show_progress(guint64 count, guint64 len, gpointer user)
{
    Checking *checking = user;

    if (checking->progress == NULL)
        checking->progress = progress_begin(verb, "messages checked", 0);
    progress_show(checking->progress, count, len);
}

static gboolean print_json(const Checking *checking, const CheckResult *result, GError **error)
{
    g_autoptr(JsonBuilder) builder = json_builder_new();

    json_builder_begin_object(builder);
    json_text_add_number(builder, "messages", result->message_count);
    json_text_add_number(builder, "bytes", result->byte_count);
    json_text_add_number(builder, "in_log", result->in_log_count);
    json_text_add_number(builder, "line_ends_changed", result->lf_count);
    json_text_add_number(builder, "batches", result->batch_count);
    json_text_add_number(builder, "missing", result->error_count);
    json_builder_set_member_name(builder, "findings");
    json_builder_begin_array(builder);
    for (guint i = 0; i < checking->findings->len; i++)
        json_builder_add_string_value(builder, checking->findings->pdata[i]);
    json_builder_end_array(builder);
    json_builder_end_object(builder);
    return restore_output_json(builder, error);
}

static gboolean report(const Checking *checking, const CheckResult *result, GError **error)
{
    g_autofree char *len = progress_format_len(result->byte_count);
    guint64 younger = result->message_count - MIN(result->in_log_count, result->message_count);

    if (checking->as_json)
        return print_json(checking, result, error);
    printf("%" G_GUINT64_FORMAT " messages (%s), %" G_GUINT64_FORMAT " of them in the log: ",
           result->message_count, len, result->in_log_count);
    if (result->finding_count == 0)
        puts("all as archived");
    else
        printf("%" G_GUINT64_FORMAT " finding%s\n", result->finding_count,
               result->finding_count == 1 ? "" : "s");
    if (result->finding_count == 0 && younger > 0)
        printf("%" G_GUINT64_FORMAT " not in the log: younger than the last batch when they were "
               "restored\n",
               younger);
    if (result->lf_count > 0)
        printf("%" G_GUINT64_FORMAT " with changed line ends: that these files are the messages "
               "cannot be told\n",
               result->lf_count);
    if (result->error_count > 0)
        printf("%" G_GUINT64_FORMAT " could not be restored, the manifest says why\n",
               result->error_count);
    return restore_output_flush(error);
}

static gboolean check(const char *directory, const char *policy_path, Checking *checking,
                      CheckResult *ret_result, GError **error)
{
    g_autoptr(VaultTlogPolicy) policy = vault_tlog_policy_load(policy_path, error);
    CheckCallbacks callbacks = {.found = tell_finding, .progress = show_progress, .user = checking};
    gboolean is_done;

    if (policy == NULL)
        return FALSE;
    is_done = check_export(directory, policy, &callbacks, ret_result, error);
    g_clear_pointer(&checking->progress, progress_free);
    return is_done && report(checking, ret_result, error);
}

int restore_verb_check(int argc, char **argv)
{
    g_autofree char *policy = NULL;
    gboolean as_json = FALSE;
    const GOptionEntry entries[] = {
        {"policy", 0, 0, G_OPTION_ARG_FILENAME, &policy,
         "which logs and witnesses are believed: lines \"log VKEY\" and \"quorum none\"", "FILE"},
        {"json", 0, 0, G_OPTION_ARG_NONE, &as_json, "print as JSON", NULL},
        G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {
        .verb = verb,
        .arguments = "DIR --policy FILE",
        .summary = "Checks an export: files, manifest, proofs. Needs no vault and no secret.",
        .description = "Prints a line for each difference.\n"
                       "Exit status: 0 all is as archived, 1 something is not or could not be "
                       "checked.",
        .entries = entries};
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) findings = g_ptr_array_new_with_free_func(g_free);
    Checking checking = {.findings = findings};
    CheckResult result;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(verb, error);
    if (argc != 2 || policy == NULL)
        return restore_verb_usage(verb, "give one DIR and --policy FILE");
    checking.as_json = as_json;
    if (!check(argv[1], policy, &checking, &result, &error))
        return restore_verb_fail(verb, error);
    return result.finding_count == 0 ? RESTORE_EXIT_DONE : RESTORE_EXIT_FAILED;
}
