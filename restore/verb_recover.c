/* muniment recover: makes a vault of a backup and its vault key, or tries whether that can be done.
 */
#include "restore/dates.h"
#include "restore/json_text.h"
#include "restore/output.h"
#include "restore/progress.h"
#include "restore/recover.h"
#include "restore/vault_access.h"
#include "restore/verb.h"
#include "restore/verbs.h"

#include <stdio.h>

static const char verb[] = "recover";

typedef struct {
    char *vault_key;
    gboolean is_drill, as_json;
    Progress *progress;
    GPtrArray *findings;
} RecoverVerb;

static void recover_verb_clear(RecoverVerb *recover)
{
    g_clear_pointer(&recover->vault_key, g_free);
    g_clear_pointer(&recover->progress, progress_free);
    g_clear_pointer(&recover->findings, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RecoverVerb, recover_verb_clear)

static void show_progress(guint64 done_len, guint64 all_len, gpointer user)
{
    RecoverVerb *recover = user;

    if (recover->progress == NULL)
        recover->progress = progress_begin(verb, "MB copied", all_len);
    progress_show(recover->progress, done_len >> 20, done_len);
}

static void tell_finding(const char *text, gpointer user)
{
    RecoverVerb *recover = user;

    g_ptr_array_add(recover->findings, g_strdup(text));
    if (recover->progress != NULL)
        progress_hide(recover->progress);
    if (!recover->as_json) {
        puts(text);
        fflush(stdout);
    }
}

static gboolean print_json(const RecoverVerb *recover, const RecoverResult *result, GError **error)
{
    g_autoptr(JsonBuilder) builder = json_builder_new();

    json_builder_begin_object(builder);
    json_text_add_boolean(builder, "drill", recover->is_drill);
    json_text_add_number(builder, "backup", result->backup_number);
    json_text_add_number(builder, "made", result->made_s);
    json_text_add_number(builder, "messages", result->message_count);
    json_text_add_number(builder, "records", result->went_on.rebuilt.record_count);
    json_text_add_number(builder, "epoch", result->went_on.epoch);
    json_builder_set_member_name(builder, "findings");
    json_builder_begin_array(builder);
    for (guint i = 0; i < recover->findings->len; i++)
        json_builder_add_string_value(builder, recover->findings->pdata[i]);
    json_builder_end_array(builder);
    json_builder_end_object(builder);
    return restore_output_json(builder, error);
}

static void print_next_steps(const char *path, const RecoverResult *result)
{
    printf("\nWhat remains to be done:\n"
           "  1. Look through %s/archived.conf, and give %s and %s.vaultkey to the user that\n"
           "     archived runs as.\n"
           "  2. muniment verify %s --deep\n"
           "  3. The logs are in epoch %u now: give witnesses and checkers the keys of\n"
           "     \"muniment log checkpoint %s --vkey\", of both logs.\n"
           "  4. Start archived, then make a backup. Mail that came after the backup was made is\n"
           "     not in this vault: mail servers that still have it send it again.\n",
           path, path, path, path, result->went_on.epoch, path);
}

static gboolean report(const RecoverVerb *recover, const char *path, const RecoverResult *result,
                       GError **error)
{
    g_autofree char *made = restore_date_text(result->made_s);

    if (recover->as_json)
        return print_json(recover, result, error);
    printf("%s of backup %u of %s: %" G_GUINT64_FORMAT " records, %u finding%s\n",
           recover->is_drill ? "recovery drill" : "recovered", result->backup_number, made,
           result->went_on.rebuilt.record_count, result->finding_count,
           result->finding_count == 1 ? "" : "s");
    if (!recover->is_drill)
        print_next_steps(path, result);
    return restore_output_flush(error);
}

/* Where a drill is made on another host, there is no vault to tell. */
static gboolean note_drill(const char *path, const RecoverResult *result, GError **error)
{
    g_autofree char *host = g_build_filename(path, "host", NULL);

    if (result->finding_count > 0 || !g_file_test(host, G_FILE_TEST_EXISTS))
        return TRUE;
    return vault_access_operate(path, "recovery-drilled", "", 0, NULL, error);
}

static gboolean run(char **arguments, RecoverVerb *recover, RecoverResult *ret_result,
                    GError **error)
{
    const BackupCallbacks callbacks = {show_progress, tell_finding, recover};
    const RecoverOptions options = {.backup = arguments[0],
                                    .path = arguments[1],
                                    .vault_key_path = recover->vault_key,
                                    .why = recover->is_drill ? VAULT_GO_ON_DRILL
                                                             : VAULT_GO_ON_RECOVERED,
                                    .callbacks = &callbacks};
    gboolean ok = recover->is_drill ? recover_drill(&options, ret_result, error) &&
                                          note_drill(arguments[1], ret_result, error)
                                    : recover_vault(&options, ret_result, error);

    g_clear_pointer(&recover->progress, progress_free);
    return ok && report(recover, arguments[1], ret_result, error);
}

int restore_verb_recover(int argc, char **argv)
{
    g_auto(RecoverVerb) recover = {.vault_key = NULL};
    const GOptionEntry entries[] = {
        {"vaultkey", 0, 0, G_OPTION_ARG_FILENAME, &recover.vault_key,
         "the vault key, of the generation that the backup is of", "FILE"},
        {"drill", 0, 0, G_OPTION_ARG_NONE, &recover.is_drill,
         "only try it, in a folder below TMPDIR that is removed again; VAULT is told", NULL},
        {"json", 0, 0, G_OPTION_ARG_NONE, &recover.as_json, "print as JSON", NULL},
        G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {
        .verb = verb,
        .arguments = "BACKUP VAULT --vaultkey FILE [--drill]",
        .summary = "Makes the vault VAULT of a backup and its vault key.",
        .description =
            "VAULT is a new or empty folder. The vault goes on as this host's, its logs in a new\n"
            "epoch that names how far the one before is known.\n"
            "Exit status: 0 done, 1 failed (there is no vault), 5 done, but something in the\n"
            "backup was damaged: each file is named.",
        .entries = entries};
    g_autoptr(GError) error = NULL;
    RecoverResult result;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(verb, error);
    if (argc != 3 || recover.vault_key == NULL)
        return restore_verb_usage(verb, "give BACKUP, VAULT and --vaultkey FILE");
    recover.findings = g_ptr_array_new_with_free_func(g_free);
    if (!run(argv + 1, &recover, &result, &error))
        return restore_verb_fail(verb, error);
    return result.finding_count == 0 ? RESTORE_EXIT_DONE : RESTORE_EXIT_PARTLY;
}
