/* muniment erasure: how far erasures came, their certificates; giving one up. */
#include "restore/certificate.h"
#include "restore/dates.h"
#include "restore/json_text.h"
#include "restore/output.h"
#include "restore/vault_access.h"
#include "restore/verb.h"
#include "restore/verbs.h"

#include <stdio.h>

/* ---- status --------------------------------------------------------------------------------- */

static const char status_verb[] = "erasure status";

/* The statement's lines as members; a name that comes more than once is a list. */
static void add_statement(JsonBuilder *builder, const char *statement)
{
    static const char *const names[] = {
        "erasure",
        "state",
        "requested",
        "online",
        "copies",
        "escrow",
        "final",
        "cancelled",
        "backups-expired",
        "final-not-before",
        "kind",
        "reason",
        "request",
        "mailbox",
        "address",
        "from",
        "to",
        "destroyed-copies",
        "destroyed-months",
        "passed-over",
        "generation",
        "vault-key",
        "pair",
    };
    static const char *const lists[] = {"message",       "approver",    "also-owned-by",
                                        "holder-behind", "copy-behind", "declared-copy",
                                        "read-before",   "searched-before", "case-index"};

    json_builder_begin_object(builder);
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *value = certificate_value(statement, names[i], 0);

        if (value != NULL)
            json_text_add(builder, names[i], value);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(lists); i++) {
        json_builder_set_member_name(builder, lists[i]);
        json_builder_begin_array(builder);
        for (guint nth = 0;; nth++) {
            g_autofree char *value = certificate_value(statement, lists[i], nth);

            if (value == NULL)
                break;
            json_builder_add_string_value(builder, value);
        }
        json_builder_end_array(builder);
    }
    json_builder_end_object(builder);
}

static gboolean show_one(VaultKeep *keep, const VaultErasureValue *value, gboolean is_page,
                         JsonBuilder *builder, GError **error)
{
    g_autofree char *statement = vault_keep_erasure_statement(keep, value, error);
    g_autofree char *page = NULL;
    g_autofree char *date = NULL;

    if (statement == NULL)
        return FALSE;
    if (builder != NULL) {
        add_statement(builder, statement);
        return TRUE;
    }
    if (is_page) {
        page = certificate_page(statement);
        fputs(page, stdout);
        return TRUE;
    }
    date = restore_date_text(value->dates_s[VAULT_ERASURE_REQUESTED]);
    printf("%s  %-9s  %-15s  requested %s, %u copies\n", VAULT_ID_TEXT(value->id),
           vault_erasure_kind_name(value->kind), vault_erasure_state_name(value->state), date,
           value->copy_count);
    return TRUE;
}

static gboolean is_asked_for(const VaultErasureValue *value, const char *id)
{
    return id == NULL || g_ascii_strcasecmp(VAULT_ID_TEXT(value->id), id) == 0;
}

/* *ret_count: how many were shown. */
static gboolean show(const char *vault, const char *id, JsonBuilder *builder, guint *ret_count,
                     GError **error)
{
    g_autoptr(VaultKeep) keep = vault_access_open(vault, VAULT_ACCESS_AS_IT_IS, NULL, error);
    g_autoptr(GPtrArray) erasures = keep == NULL ? NULL : vault_keep_erasures(keep, error);

    for (guint i = 0; erasures != NULL && i < erasures->len; i++) {
        const VaultErasureValue *value = g_ptr_array_index(erasures, i);

        if (!is_asked_for(value, id))
            continue;
        ++*ret_count;
        if (!show_one(keep, value, id != NULL, builder, error))
            return FALSE;
    }
    return erasures != NULL;
}

static gboolean write_certificate(const char *vault, const char *id, const char *path,
                                  GError **error)
{
    g_autofree char *text = path == NULL ? NULL : certificate_of_id(vault, id, error);

    return path == NULL ||
           (text != NULL && restore_output_write(path, text, RESTORE_OUTPUT_PUBLIC, error));
}

static int erasure_status(int argc, char **argv)
{
    g_autofree char *certificate = NULL;
    gboolean as_json = FALSE;
    const GOptionEntry entries[] = {
        {"certificate", 0, 0, G_OPTION_ARG_FILENAME, &certificate, "write the certificate there",
         "FILE"},
        {"json", 0, 0, G_OPTION_ARG_NONE, &as_json, "print as JSON", NULL},
        G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {
        .verb = status_verb,
        .arguments = "VAULT [ID]",
        .summary = "Shows how far erasures came, or all that is known of one.",
        .description = "States move on meanwhile, where holders, copies and time allow.\n"
                       "Exit status: 3 there is none such.",
        .entries = entries};
    g_autoptr(GError) error = NULL;
    g_autoptr(GError) waiting = NULL;
    g_autoptr(JsonBuilder) builder = NULL;
    guint count = 0;
    gboolean is_done;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(status_verb, error);
    if (argc != 2 && argc != 3)
        return restore_verb_usage(status_verb, "give one VAULT, and at most one ID");
    if (certificate != NULL && argc != 3)
        return restore_verb_usage(status_verb, "--certificate is of one erasure: give its ID");
    if (!vault_access_operate(argv[1], "erasure-advance", "", 0, NULL, &waiting))
        restore_verb_say(status_verb, "states as they were last: %s", waiting->message);
    builder = as_json ? json_builder_begin_array(json_builder_new()) : NULL;
    is_done = show(argv[1], argc == 3 ? argv[2] : NULL, builder, &count, &error);
    if (is_done && builder != NULL)
        is_done = restore_output_json(json_builder_end_array(builder), &error);
    if (is_done && count > 0)
        is_done = write_certificate(argv[1], argv[2], certificate, &error);
    if (!is_done)
        return restore_verb_fail(status_verb, error);
    return count > 0 || argc == 2 ? RESTORE_EXIT_DONE : RESTORE_EXIT_NOTHING_MATCHED;
}

/* ---- cancel --------------------------------------------------------------------------------- */

static int erasure_cancel(int argc, char **argv)
{
    static const char verb[] = "erasure cancel";
    const GOptionEntry entries[] = {G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {
        .verb = verb,
        .arguments = "VAULT ID",
        .summary = "Gives up an erasure that has destroyed nothing yet.",
        .description = "Exit status: 4 it has, and cannot be taken back.",
        .entries = entries};
    g_autoptr(GError) error = NULL;
    g_autofree char *text = NULL;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(verb, error);
    if (argc != 3)
        return restore_verb_usage(verb, "give one VAULT and one ID");
    text = g_strdup_printf("erasure: %s\n", argv[2]);
    if (!vault_access_operate(argv[1], "erasure-cancel", text, strlen(text), NULL, &error))
        return restore_verb_fail(verb, error);
    printf("Erasure %s is cancelled: nothing was destroyed.\n", argv[2]);
    return RESTORE_EXIT_DONE;
}

int restore_verb_erasure(int argc, char **argv)
{
    static const RestoreVerb verbs[] = {
        {"status", "show how far erasures came", erasure_status},
        {"cancel", "give one up that has destroyed nothing", erasure_cancel}};

    return restore_verb_dispatch("muniment erasure", verbs, G_N_ELEMENTS(verbs), argc, argv);
}
