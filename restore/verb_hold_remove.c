/* muniment hold remove: ends a hold, under the approvals that the policy wants. */
#include "restore/host_request.h"
#include "restore/vault_access.h"
#include "restore/verb.h"
#include "restore/verb_hold.h"

#include <stdio.h>

static const char verb[] = "hold remove";

typedef struct {
    char *reason, *propose, *approved;
} RemoveOptions;

static void remove_options_clear(RemoveOptions *options)
{
    g_free(options->reason);
    g_free(options->propose);
    g_free(options->approved);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RemoveOptions, remove_options_clear)

/* What is wrong with the options, or NULL. */
static const char *options_mistake(const RemoveOptions *options)
{
    if (options->propose != NULL && options->approved != NULL)
        return "--propose writes what --approved does: give one of them";
    if (options->approved != NULL)
        return options->reason != NULL ? "--approved has the reason that was approved" : NULL;
    if (options->reason == NULL ||
        !vault_text_is_readable(options->reason, VAULT_REQUEST_REASON_LEN_MAX))
        return "give --reason TEXT, one line of at most 2,048 bytes";
    return NULL;
}

static VaultHoldValue *find_hold(VaultKeep *keep, const char *id_text, gboolean *ret_is_unknown,
                                 GError **error)
{
    g_autoptr(GPtrArray) holds = vault_keep_holds(keep, error);

    for (guint i = 0; holds != NULL && i < holds->len; i++) {
        const VaultHoldValue *hold = g_ptr_array_index(holds, i);

        if (g_ascii_strcasecmp(VAULT_ID_TEXT(hold->hold_id), id_text) == 0)
            return g_ptr_array_steal_index(holds, i);
    }
    if (holds != NULL) {
        *ret_is_unknown = TRUE;
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND,
                    "there is no hold %s: \"muniment hold list VAULT\" shows all", id_text);
    }
    return NULL;
}

static gboolean operate(const char *vault, const char *text, const char *hold_id, GError **error)
{
    g_autofree char *answer = NULL;

    if (!vault_access_operate(vault, "hold-remove", text, strlen(text), &answer, error))
        return FALSE;
    g_strchomp(answer);
    printf("Hold %s has ended. Nothing that it covers is destroyed before %s.\n", hold_id,
           g_str_has_prefix(answer, "free: ") ? answer + strlen("free: ") : "30 days are over");
    return TRUE;
}

static gboolean remove_hold(const char *vault, const char *id_text, const RemoveOptions *options,
                            gboolean *ret_is_unknown, GError **error)
{
    g_autoptr(VaultKeep) keep = vault_access_open(vault, VAULT_ACCESS_AS_IT_IS, NULL, error);
    g_autoptr(VaultHoldValue) hold =
        keep != NULL ? find_hold(keep, id_text, ret_is_unknown, error) : NULL;
    g_autofree char *detail = hold != NULL ? vault_hold_detail(hold) : NULL;
    RestoreHostAct act = {.act = VAULT_ACT_HOLD_REMOVE, .reason = options->reason};
    g_autofree char *text = NULL;

    if (hold == NULL)
        return FALSE;
    act.case_id = hold->case_id;
    act.detail = detail;
    if (options->propose != NULL)
        return restore_host_request_propose(keep, &act, options->propose, error);
    text = options->approved != NULL ? restore_host_request_read(options->approved, &act, error)
                                     : restore_host_request_make(keep, &act, error);
    return text != NULL && operate(vault, text, VAULT_ID_TEXT(hold->hold_id), error);
}

int restore_verb_hold_remove(int argc, char **argv)
{
    g_auto(RemoveOptions) options = {0};
    const GOptionEntry entries[] = {
        {"reason", 0, 0, G_OPTION_ARG_STRING, &options.reason, "why it ends", "TEXT"},
        {"propose", 0, 0, G_OPTION_ARG_FILENAME, &options.propose,
         "write a request, to be approved, and do nothing", "FILE"},
        {"approved", 0, 0, G_OPTION_ARG_FILENAME, &options.approved,
         "do exactly what this request says", "FILE"},
        G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {
        .verb = verb,
        .arguments = "VAULT HOLD (--reason TEXT [--propose FILE]|--approved FILE)",
        .summary = "Ends a hold. Nothing that it covers is destroyed for 30 days more.",
        .description =
            "Where the policy wants approvals for hold-remove: --propose, then muniment "
            "approve, then --approved. Exit status 3: there is no such hold; 4: refused.",
        .entries = entries};
    g_autoptr(GError) error = NULL;
    gboolean is_unknown = FALSE;
    const char *mistake;
    int status;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(verb, error);
    mistake = argc != 3 ? "give one VAULT and one HOLD" : options_mistake(&options);
    if (mistake != NULL)
        return restore_verb_usage(verb, "%s", mistake);
    if (remove_hold(argv[1], argv[2], &options, &is_unknown, &error))
        return RESTORE_EXIT_DONE;
    status = restore_verb_fail(verb, error);
    return is_unknown ? RESTORE_EXIT_NOTHING_MATCHED : status;
}
