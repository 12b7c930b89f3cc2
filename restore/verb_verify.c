/* muniment verify: checks what is stored, without opening any of it. */
#include "restore/json_text.h"
#include "restore/output.h"
#include "restore/progress.h"
#include "restore/vault_access.h"
#include "restore/verb.h"
#include "restore/verbs.h"

#include <stdio.h>

static const char verb[] = "verify";

typedef struct {
    Progress *progress;
    gboolean as_json;
    GPtrArray *findings; /* with as_json */
} Verify;

static void show_progress(guint64 done_bytes, guint64 all_bytes, gpointer user)
{
    Verify *verify = user;

    if (verify->progress == NULL)
        verify->progress = progress_begin(verb, "MB checked", all_bytes);
    progress_show(verify->progress, done_bytes >> 20, done_bytes);
}

static void tell_finding(const char *text, gpointer user)
{
    Verify *verify = user;

    if (verify->as_json) {
        g_ptr_array_add(verify->findings, g_strdup(text));
        return;
    }
    if (verify->progress != NULL)
        progress_hide(verify->progress);
    puts(text);
    fflush(stdout);
}

static gboolean print_json(const Verify *verify, const VaultVerifyResult *result, GError **error)
{
    g_autoptr(JsonBuilder) builder = json_builder_new();

    json_builder_begin_object(builder);
    json_text_add_number(builder, "records", result->record_count);
    json_text_add_number(builder, "packs", result->pack_count);
    json_text_add_number(builder, "bytes", result->byte_count);
    json_builder_set_member_name(builder, "findings");
    json_builder_begin_array(builder);
    for (guint i = 0; i < verify->findings->len; i++)
        json_builder_add_string_value(builder, verify->findings->pdata[i]);
    json_builder_end_array(builder);
    json_builder_end_object(builder);
    return restore_output_json(builder, error);
}

static gboolean report(const Verify *verify, const VaultVerifyResult *result, GError **error)
{
    g_autofree char *len = progress_format_len(result->byte_count);

    if (verify->as_json)
        return print_json(verify, result, error);
    printf("%" G_GUINT64_FORMAT " records in %" G_GUINT64_FORMAT " packs (%s): ",
           result->record_count, result->pack_count, len);
    if (result->finding_count == 0)
        puts("all well");
    else
        printf("%" G_GUINT64_FORMAT " finding%s\n", result->finding_count,
               result->finding_count == 1 ? "" : "s");
    return TRUE;
}

static gboolean check(VaultKeep *keep, VaultVerifyDepth depth, Verify *verify,
                      VaultVerifyResult *ret_result, GError **error)
{
    VaultVerifyCallbacks callbacks = {
        .progress = show_progress, .finding = tell_finding, .user = verify};
    gboolean ok = vault_keep_verify(keep, depth, &callbacks, ret_result, error);

    g_clear_pointer(&verify->progress, progress_free);
    return ok && report(verify, ret_result, error);
}

int restore_verb_verify(int argc, char **argv)
{
    gboolean is_deep = FALSE, as_json = FALSE;
    const GOptionEntry entries[] = {
        {"deep", 0, 0, G_OPTION_ARG_NONE, &is_deep, "read and hash every stored byte", NULL},
        {"json", 0, 0, G_OPTION_ARG_NONE, &as_json, "print as JSON", NULL},
        G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {
        .verb = verb,
        .arguments = "VAULT [--deep]",
        .summary = "Checks packs, keyring and catalog against each other. Opens no message.",
        .description = "Prints a line for each thing that is wrong: pack, place, record.\n"
                       "Exit status: 0 all well, 1 something is wrong or it could not be checked.",
        .entries = entries};
    g_autoptr(GError) error = NULL;
    g_autoptr(VaultKeep) keep = NULL;
    g_autoptr(GPtrArray) findings = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *warning = NULL;
    VaultVerifyResult result = {0};
    Verify verify = {.findings = findings};

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(verb, error);
    if (argc != 2)
        return restore_verb_usage(verb, "give one VAULT");
    verify.as_json = as_json;
    keep = vault_access_open(argv[1], VAULT_ACCESS_UP_TO_DATE, &warning, &error);
    if (warning != NULL)
        restore_verb_say(verb, "%s", warning);
    if (keep == NULL ||
        !check(keep, is_deep ? VAULT_VERIFY_DEEP : VAULT_VERIFY_CATALOG, &verify, &result, &error))
        return restore_verb_fail(verb, error);
    return result.finding_count == 0 ? RESTORE_EXIT_DONE : RESTORE_EXIT_FAILED;
}
