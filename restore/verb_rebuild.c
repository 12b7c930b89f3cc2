/* muniment rebuild: makes the catalog anew from packs and keyring. */
#include "restore/json_text.h"
#include "restore/output.h"
#include "restore/owner.h"
#include "restore/progress.h"
#include "restore/verb.h"
#include "restore/verbs.h"
#include "vault/keep.h"

#include <stdio.h>
#include <string.h>

static const char verb[] = "rebuild";

static void show_progress(guint64 done_bytes, guint64 all_bytes, gpointer user)
{
    Progress **progress = user;

    if (*progress == NULL)
        *progress = progress_begin(verb, "MB read", all_bytes);
    progress_show(*progress, done_bytes >> 20, done_bytes);
}

static void tell_finding(const char *text, gpointer user)
{
    Progress **progress = user;

    if (*progress != NULL)
        progress_hide(*progress);
    restore_verb_say(verb, "%s", text);
}

static gboolean report(const VaultRebuildResult *result, gboolean as_json, GError **error)
{
    g_autoptr(JsonBuilder) builder = NULL;

    if (!as_json) {
        printf("%" G_GUINT64_FORMAT " records catalogued, %" G_GUINT64_FORMAT
               " dead (their keys were erased), %" G_GUINT64_FORMAT
               " unknown (no key of this keyring: kept)\n",
               result->record_count, result->dead_count, result->unknown_count);
        return TRUE;
    }
    builder = json_builder_new();
    json_builder_begin_object(builder);
    json_text_add_number(builder, "records", result->record_count);
    json_text_add_number(builder, "dead", result->dead_count);
    json_text_add_number(builder, "unknown", result->unknown_count);
    json_builder_end_object(builder);
    return restore_output_json(builder, error);
}

/* Afterwards: it takes a catalog to write with. */
static gboolean log_rebuild(const char *path, const VaultRebuildResult *result, GError **error)
{
    VaultKeepOptions options = {.mode = VAULT_KEEP_WRITER};
    g_autoptr(VaultKeep) keep = vault_keep_open(path, &options, error);
    g_autofree char *payload =
        g_strdup_printf("act: %s\nrecords: %" G_GUINT64_FORMAT "\ndead: %" G_GUINT64_FORMAT
                        "\nunknown: %" G_GUINT64_FORMAT "\n",
                        vault_logged_act_name(VAULT_LOGGED_REBUILD), result->record_count,
                        result->dead_count, result->unknown_count);

    if (keep != NULL &&
        vault_keep_log_act(keep, VAULT_LOGGED_REBUILD, payload, strlen(payload), error) &&
        vault_keep_close(keep, error))
        return TRUE;
    g_prefix_error(error, "the catalog was made anew, but that could not be logged: ");
    return FALSE;
}

static gboolean rebuild(const char *path, gboolean as_json, GError **error)
{
    VaultKeepOptions options = {.mode = VAULT_KEEP_WRITER};
    g_autoptr(Progress) progress = NULL;
    VaultVerifyCallbacks callbacks = {
        .progress = show_progress, .finding = tell_finding, .user = &progress};
    VaultRebuildResult result = {0};
    gboolean ok = restore_owner_enter(path, error) &&
                  vault_keep_rebuild(path, &options, &callbacks, &result, error);

    if (progress != NULL)
        progress_hide(progress);
    return ok && log_rebuild(path, &result, error) && report(&result, as_json, error);
}

int restore_verb_rebuild(int argc, char **argv)
{
    gboolean as_json = FALSE;
    const GOptionEntry entries[] = {
        {"json", 0, 0, G_OPTION_ARG_NONE, &as_json, "print the counts as JSON", NULL},
        G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {
        .verb = verb,
        .arguments = "VAULT",
        .summary = "Makes the catalog anew from packs and keyring, and then replaces the old one. "
                   "archived must not run.",
        .entries = entries};
    g_autoptr(GError) error = NULL;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(verb, error);
    if (argc != 2)
        return restore_verb_usage(verb, "give one VAULT");
    if (rebuild(argv[1], as_json, &error))
        return RESTORE_EXIT_DONE;
    if (g_error_matches(error, VAULT_ERROR, VAULT_ERROR_BUSY))
        g_prefix_error(&error, "stop archived, or wait for the command that writes: ");
    return restore_verb_fail(verb, error);
}
