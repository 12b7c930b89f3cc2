/* muniment backup: copies what changed of a vault to a folder elsewhere, or checks such a copy. */
#include "restore/backup.h"
#include "restore/json_text.h"
#include "restore/output.h"
#include "restore/progress.h"
#include "restore/vault_access.h"
#include "restore/verb.h"
#include "restore/verbs.h"
#include "vault/custody.h"

#include <stdio.h>
#include <string.h>

static const char verb[] = "backup";

/* The name that backups with the vault key are declared under. */
#define DECLARATION_NAME "backup"

typedef struct {
    gboolean with_vault_key, is_check, as_json;
    gint keep_days;
    Progress *progress;
    GPtrArray *findings;
} BackupVerb;

static void show_progress(guint64 done_len, guint64 all_len, gpointer user)
{
    BackupVerb *backup = user;

    if (backup->progress == NULL)
        backup->progress =
            progress_begin(verb, backup->is_check ? "MB checked" : "MB copied", all_len);
    progress_show(backup->progress, done_len >> 20, done_len);
}

static void tell_finding(const char *text, gpointer user)
{
    BackupVerb *backup = user;

    g_ptr_array_add(backup->findings, g_strdup(text));
    if (backup->progress != NULL)
        progress_hide(backup->progress);
    if (!backup->as_json) {
        puts(text);
        fflush(stdout);
    }
}

/* ---- report ---------------------------------------------------------------------------------- */

static gboolean print_json(const BackupVerb *backup, const BackupResult *result, GError **error)
{
    g_autoptr(JsonBuilder) builder = json_builder_new();

    json_builder_begin_object(builder);
    json_text_add_number(builder, "number", result->number);
    json_text_add_number(builder, "made", result->made_s);
    json_text_add_number(builder, "messages", result->message_count);
    json_text_add_number(builder, "files", result->file_count);
    json_text_add_number(builder, "bytes", result->len);
    if (!backup->is_check) {
        json_text_add_number(builder, "copied_files", result->copied_count);
        json_text_add_number(builder, "copied_bytes", result->copied_len);
    }
    json_builder_set_member_name(builder, "findings");
    json_builder_begin_array(builder);
    for (guint i = 0; i < backup->findings->len; i++)
        json_builder_add_string_value(builder, backup->findings->pdata[i]);
    json_builder_end_array(builder);
    json_builder_end_object(builder);
    return restore_output_json(builder, error);
}

static gboolean report(const BackupVerb *backup, const BackupResult *result, GError **error)
{
    g_autofree char *len = progress_format_len(result->len);
    g_autofree char *copied = progress_format_len(result->copied_len);

    if (backup->as_json)
        return print_json(backup, result, error);
    if (backup->is_check)
        printf("backup %u: %" G_GUINT64_FORMAT " messages in %u files (%s): %s\n", result->number,
               result->message_count, result->file_count, len,
               result->finding_count == 0 ? "all well" : "NOT all well");
    else
        printf("backup %u: %" G_GUINT64_FORMAT " messages in %u files (%s), of them %u copied now "
               "(%s)\n",
               result->number, result->message_count, result->file_count, len, result->copied_count,
               copied);
    return restore_output_flush(error);
}

/* ---- making one ------------------------------------------------------------------------------ */

/* Before the key is anywhere: what is destroyed from now on is not final until that copy is gone.
 */
static gboolean declare(const char *vault, const BackupVerb *backup, GError **error)
{
    g_autofree char *text =
        g_strdup_printf("copy-declare/1\nname: " DECLARATION_NAME "\nkeep-days: %d\nmade: again\n",
                        backup->keep_days);

    return !backup->with_vault_key ||
           vault_access_operate(vault, "copy-declare", text, strlen(text), NULL, error);
}

static gboolean tell_vault(const char *vault, const char *destination, const BackupResult *result,
                           GError **error)
{
    VaultBackupMade made = {.made_s = result->made_s,
                            .number = result->number,
                            .file_count = result->file_count,
                            .message_count = result->message_count,
                            .manifest_hash = result->manifest_hash};
    g_autofree char *canonical = g_canonicalize_filename(destination, NULL);
    g_autofree char *place = restore_output_printable(canonical);
    g_autofree char *text = NULL;

    made.place = strlen(place) > VAULT_BACKUP_PLACE_LEN_MAX ? (char *)"a folder" : place;
    text = vault_backup_made_format(&made);
    if (vault_access_operate(vault, "backup-made", text, strlen(text), NULL, error))
        return TRUE;
    g_prefix_error(error, "the backup is there, but that could not be logged: ");
    return FALSE;
}

static gboolean make(const char *vault, const char *destination, BackupVerb *backup,
                     BackupResult *ret_result, GError **error)
{
    const BackupCallbacks callbacks = {show_progress, tell_finding, backup};
    BackupOptions options = {.destination = destination,
                             .made_s = (guint64)(g_get_real_time() / G_USEC_PER_SEC),
                             .with_vault_key = backup->with_vault_key,
                             .callbacks = &callbacks};
    g_autoptr(VaultKeep) keep = NULL;

    if (!declare(vault, backup, error) ||
        !vault_access_operate(vault, "backup-begin", "", 0, NULL, error))
        return FALSE;
    keep = vault_access_open(vault, VAULT_ACCESS_AS_IT_IS, NULL, error);
    if (keep == NULL || !backup_make(keep, &options, ret_result, error))
        return FALSE;
    g_clear_pointer(&keep, vault_keep_free);
    return tell_vault(vault, destination, ret_result, error);
}

/* ---- the verb -------------------------------------------------------------------------------- */

/* Of another vault, it may be as whole as it likes. */
static gboolean check_vault(const char *vault, const char *folder, GError **error)
{
    g_autoptr(VaultKeep) keep = vault_access_open(vault, VAULT_ACCESS_AS_IT_IS, NULL, error);
    g_autoptr(VaultBackupManifest) manifest =
        keep == NULL ? NULL : backup_read_manifest(folder, error);

    if (manifest == NULL)
        return FALSE;
    if (VAULT_ID_EQUAL(manifest->vault_id, *vault_keep_id(keep)))
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT, "%s is a backup of another vault", folder);
    return FALSE;
}

static gboolean check(char **arguments, gsize count, BackupVerb *backup, BackupResult *ret_result,
                      GError **error)
{
    const BackupCallbacks callbacks = {show_progress, tell_finding, backup};

    return (count == 1 || check_vault(arguments[0], arguments[1], error)) &&
           backup_check(arguments[count - 1], &callbacks, ret_result, error);
}

static int run(char **arguments, gsize count, BackupVerb *backup)
{
    g_autoptr(GPtrArray) findings = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) error = NULL;
    BackupResult result;
    gboolean ok;

    backup->findings = findings;
    ok = backup->is_check ? check(arguments, count, backup, &result, &error)
                          : make(arguments[0], arguments[1], backup, &result, &error);
    g_clear_pointer(&backup->progress, progress_free);
    if (!ok || !report(backup, &result, &error))
        return restore_verb_fail(verb, error);
    if (result.finding_count == 0)
        return RESTORE_EXIT_DONE;
    return backup->is_check ? RESTORE_EXIT_FAILED : RESTORE_EXIT_PARTLY;
}

int restore_verb_backup(int argc, char **argv)
{
    BackupVerb backup = {.keep_days = 0};
    const GOptionEntry entries[] = {
        {"check", 0, 0, G_OPTION_ARG_NONE, &backup.is_check,
         "read all of the backup and compare it with its manifest", NULL},
        {"with-vaultkey", 0, 0, G_OPTION_ARG_NONE, &backup.with_vault_key,
         "put the vault key in, too: declared to the vault, with --keep-days", NULL},
        {"keep-days", 0, 0, G_OPTION_ARG_INT, &backup.keep_days,
         "how long such a backup, or a copy of it, is kept", "N"},
        {"json", 0, 0, G_OPTION_ARG_NONE, &backup.as_json, "print as JSON", NULL},
        G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {
        .verb = verb,
        .arguments = "VAULT DEST | --check [VAULT] DEST",
        .summary = "Copies what changed of the vault into the folder DEST, beside a running "
                   "archived.",
        .description =
            "DEST belongs on another disk. All of it is sealed, but for archived.conf; what was\n"
            "erased in the vault is not brought back by it. \"muniment recover\" makes a vault of\n"
            "DEST and the vault key, which is to be kept elsewhere.\n"
            "Exit status: 0 done, 1 failed (the last backup is still there), 5 made, but some\n"
            "files are as they were in the last one: each is named.",
        .entries = entries};
    g_autoptr(GError) error = NULL;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(verb, error);
    if (argc != 3 && !(backup.is_check && argc == 2))
        return restore_verb_usage(verb, "give VAULT and DEST");
    if (backup.with_vault_key ? backup.is_check || backup.keep_days < 1 ||
                                    backup.keep_days > VAULT_CUSTODY_KEEP_DAYS_MAX
                              : backup.keep_days != 0)
        return restore_verb_usage(verb,
                                  "--with-vaultkey and --keep-days N go together, N from 1 "
                                  "to %d, to make a backup",
                                  VAULT_CUSTODY_KEEP_DAYS_MAX);
    return run(argv + 1, (gsize)argc - 1, &backup);
}
