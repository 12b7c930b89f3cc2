/* muniment compact: removes from the packs what nobody can open any more. */
#include "restore/json_text.h"
#include "restore/output.h"
#include "restore/progress.h"
#include "restore/vault_access.h"
#include "restore/verb.h"
#include "restore/verbs.h"

#include <stdio.h>

static const char verb[] = "compact";

/* A daemon is asked for so much at a time, so that it can stop, and be asked again. */
#define DAEMON_TEXT VAULT_COMPACT_TEXT_TYPE "\nseconds: 60\n"

/* ---- what would be done ---------------------------------------------------------------------- */

static void print_entry(const VaultCompactEntry *entry)
{
    g_autofree char *dead = progress_format_len(entry->dead_len);
    g_autofree char *live = progress_format_len(entry->live_len);

    printf("%s  %s dead, %s live%s\n", VAULT_ID_TEXT(entry->pack_id), dead, live,
           entry->is_due ? ", due" : "");
}

static void print_plan(const GArray *plan)
{
    guint due_count = 0;

    for (guint i = 0; i < plan->len; i++) {
        print_entry(&g_array_index(plan, VaultCompactEntry, i));
        due_count += g_array_index(plan, VaultCompactEntry, i).is_due;
    }
    printf("%u pack%s with anything dead, %u due\n", plan->len, plan->len == 1 ? "" : "s",
           due_count);
}

static gboolean print_plan_json(const GArray *plan, GError **error)
{
    g_autoptr(JsonBuilder) builder = json_builder_new();

    json_builder_begin_object(builder);
    json_builder_set_member_name(builder, "packs");
    json_builder_begin_array(builder);
    for (guint i = 0; i < plan->len; i++) {
        const VaultCompactEntry *entry = &g_array_index(plan, VaultCompactEntry, i);

        json_builder_begin_object(builder);
        json_text_add(builder, "pack", VAULT_ID_TEXT(entry->pack_id));
        json_text_add_number(builder, "file_bytes", entry->file_len);
        json_text_add_number(builder, "live_bytes", entry->live_len);
        json_text_add_number(builder, "dead_bytes", entry->dead_len);
        json_text_add_boolean(builder, "is_due", entry->is_due);
        json_builder_end_object(builder);
    }
    json_builder_end_array(builder);
    json_builder_end_object(builder);
    return restore_output_json(builder, error);
}

static gboolean show_plan(const char *path, gboolean as_json, GError **error)
{
    g_autofree char *warning = NULL;
    g_autoptr(VaultKeep) keep = vault_access_open(path, VAULT_ACCESS_UP_TO_DATE, &warning, error);
    g_autoptr(GArray) plan = NULL;

    if (warning != NULL)
        restore_verb_say(verb, "%s", warning);
    if (keep == NULL || (plan = vault_keep_compact_plan(keep, error)) == NULL)
        return FALSE;
    if (as_json)
        return print_plan_json(plan, error);
    print_plan(plan);
    return TRUE;
}

/* ---- doing it -------------------------------------------------------------------------------- */

typedef struct {
    VaultCompactResult result;
    Progress *progress;
} Work;

static void show_progress(guint64 done_bytes, guint64 all_bytes, gpointer user)
{
    Work *work = user;

    if (work->progress == NULL)
        work->progress = progress_begin(verb, "MB compacted", all_bytes);
    progress_show(work->progress, done_bytes >> 20, done_bytes);
}

static void tell_finding(const char *text, gpointer user)
{
    Work *work = user;

    if (work->progress != NULL)
        progress_hide(work->progress);
    restore_verb_say(verb, "%s", text);
}

static gboolean compact_as_writer(const char *path, gpointer user, GError **error)
{
    Work *work = user;
    VaultKeepOptions options = {.mode = VAULT_KEEP_WRITER};
    const VaultVerifyCallbacks callbacks = {
        .progress = show_progress, .finding = tell_finding, .user = work};
    const VaultCompactOptions compact = {.callbacks = &callbacks};
    g_autoptr(VaultKeep) keep = vault_keep_open(path, &options, error);
    gboolean is_done = keep != NULL && vault_keep_compact(keep, &compact, &work->result, error) &&
                       vault_keep_close(keep, error);

    g_clear_pointer(&work->progress, progress_free);
    return is_done;
}

static void add_up(VaultCompactResult *sum, const VaultCompactResult *part)
{
    sum->due_count = MAX(sum->due_count, part->due_count);
    sum->replaced_count += part->replaced_count;
    sum->made_count += part->made_count;
    sum->kept_count += part->kept_count;
    sum->dropped_count += part->dropped_count;
    sum->kept_len += part->kept_len;
    sum->dropped_len += part->dropped_len;
    sum->left_count = part->left_count;
    sum->is_more = part->is_more;
}

/* Until nothing is due any more, or no more comes of it. */
static gboolean compact(const char *path, VaultCompactResult *ret_result, GError **error)
{
    Work work = {.progress = NULL};

    *ret_result = (VaultCompactResult){.due_count = 0};
    do {
        g_autofree char *answer = NULL;

        work.result = (VaultCompactResult){.due_count = 0};
        if (!vault_access_operate_long(path, verb, DAEMON_TEXT, &answer, compact_as_writer, &work,
                                       error) ||
            (answer != NULL && !vault_compact_result_parse(answer, &work.result, error)))
            return FALSE;
        add_up(ret_result, &work.result);
        if (answer != NULL && work.result.left_count > 0 && !work.result.is_more)
            restore_verb_say(verb, "which packs were left, and why, is in the log of archived");
    } while (work.result.is_more && work.result.made_count > 0);
    return TRUE;
}

static gboolean report_json(const VaultCompactResult *result, GError **error)
{
    g_autoptr(JsonBuilder) builder = json_builder_new();

    json_builder_begin_object(builder);
    json_text_add_number(builder, "packs_due", result->due_count);
    json_text_add_number(builder, "packs_replaced", result->replaced_count);
    json_text_add_number(builder, "packs_made", result->made_count);
    json_text_add_number(builder, "packs_left", result->left_count);
    json_text_add_number(builder, "records_kept", result->kept_count);
    json_text_add_number(builder, "records_dropped", result->dropped_count);
    json_text_add_number(builder, "bytes_kept", result->kept_len);
    json_text_add_number(builder, "bytes_dropped", result->dropped_len);
    json_builder_end_object(builder);
    return restore_output_json(builder, error);
}

static gboolean report(const VaultCompactResult *result, gboolean as_json, GError **error)
{
    g_autofree char *dropped = progress_format_len(result->dropped_len);
    g_autofree char *kept = progress_format_len(result->kept_len);

    if (as_json)
        return report_json(result, error);
    if (result->due_count == 0)
        puts("No pack is due.");
    else
        printf("%" G_GUINT64_FORMAT " packs replaced by %" G_GUINT64_FORMAT
               ": %s of %" G_GUINT64_FORMAT " dead records removed, %s of %" G_GUINT64_FORMAT
               " kept; %" G_GUINT64_FORMAT " packs left\n",
               result->replaced_count, result->made_count, dropped, result->dropped_count, kept,
               result->kept_count, result->left_count);
    return TRUE;
}

int restore_verb_compact(int argc, char **argv)
{
    gboolean is_dry_run = FALSE, as_json = FALSE;
    const GOptionEntry entries[] = {
        {"dry-run", 0, 0, G_OPTION_ARG_NONE, &is_dry_run, "show which packs are due, do nothing",
         NULL},
        {"json", 0, 0, G_OPTION_ARG_NONE, &as_json, "print as JSON", NULL},
        G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {
        .verb = verb,
        .arguments = "VAULT",
        .summary = "Removes from the packs what nobody can open any more, where enough of a pack "
                   "is that or for long enough.",
        .description = "Exit status: 0 done, 5 packs that were due had to be left.",
        .entries = entries};
    g_autoptr(GError) error = NULL;
    VaultCompactResult result;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(verb, error);
    if (argc != 2)
        return restore_verb_usage(verb, "give one VAULT");
    if (is_dry_run)
        return show_plan(argv[1], as_json, &error) ? RESTORE_EXIT_DONE
                                                   : restore_verb_fail(verb, error);
    if (!compact(argv[1], &result, &error) || !report(&result, as_json, &error))
        return restore_verb_fail(verb, error);
    return result.left_count == 0 && !result.is_more ? RESTORE_EXIT_DONE : RESTORE_EXIT_PARTLY;
}
