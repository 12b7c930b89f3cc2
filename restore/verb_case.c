/* muniment case: the indexes that readers keep of their cases, listed and closed. */
#include "restore/case_folder.h"
#include "restore/dates.h"
#include "restore/json_text.h"
#include "restore/output.h"
#include "restore/remote_address.h"
#include "restore/state_folder.h"
#include "restore/vault_access.h"
#include "restore/vault_view.h"
#include "restore/verb.h"
#include "restore/verbs.h"
#include "vault/act/text_file.h"

#include <stdio.h>

/* ---- list ------------------------------------------------------------------------------------ */

static void add_json(JsonBuilder *builder, const VaultCaseValue *value)
{
    json_builder_begin_object(builder);
    json_text_add(builder, "case", value->case_id);
    json_text_add(builder, "reader", value->reader);
    json_text_add_time(builder, "made", value->made_s);
    json_text_add_time(builder, "from", value->from_s);
    json_text_add_time(builder, "to", restore_end_or_zero(value->to_s));
    json_text_add_number(builder, "mailboxes", value->mailboxes->len);
    json_text_add_number(builder, "messages", value->messages->len);
    json_builder_end_object(builder);
}

static gboolean list_json(const GPtrArray *cases, GError **error)
{
    g_autoptr(JsonBuilder) builder = json_builder_begin_array(json_builder_new());

    for (guint i = 0; i < cases->len; i++)
        add_json(builder, cases->pdata[i]);
    return restore_output_json(json_builder_end_array(builder), error);
}

static void print_case(const VaultCaseValue *value)
{
    g_autofree char *made = restore_date_text(value->made_s);
    g_autofree char *case_id = restore_output_printable(value->case_id);
    g_autofree char *reader = restore_output_printable(value->reader);

    printf("case %s  %s  since %s  ", case_id, reader, made);
    if (value->messages->len > 0)
        printf("%u message%s\n", value->messages->len, value->messages->len == 1 ? "" : "s");
    else if (value->mailboxes->len == 0)
        puts("all mailboxes");
    else
        printf("%u mailbox%s\n", value->mailboxes->len, value->mailboxes->len == 1 ? "" : "es");
}

static int case_list(int argc, char **argv)
{
    static const char verb[] = "case list";
    gboolean as_json = FALSE;
    const GOptionEntry entries[] = {
        {"json", 0, 0, G_OPTION_ARG_NONE, &as_json, "print as JSON", NULL}, G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {
        .verb = verb,
        .arguments = "VAULT",
        .summary = "Lists the cases whose index some reader can open, oldest first.",
        .entries = entries};
    g_autoptr(GError) error = NULL;
    g_autoptr(VaultKeep) keep = NULL;
    g_autoptr(GPtrArray) cases = NULL;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(verb, error);
    if (argc != 2)
        return restore_verb_usage(verb, "give one VAULT");
    keep = vault_access_open(argv[1], VAULT_ACCESS_AS_IT_IS, NULL, &error);
    cases = keep == NULL ? NULL : vault_keep_cases(keep, &error);
    if (cases == NULL || (as_json && !list_json(cases, &error)))
        return restore_verb_fail(verb, error);
    for (guint i = 0; !as_json && i < cases->len; i++)
        print_case(cases->pdata[i]);
    return RESTORE_EXIT_DONE;
}

/* ---- close ----------------------------------------------------------------------------------- */

static const char close_verb[] = "case close";

/* What this reader keeps of it. */
static gboolean remove_here(const char *vault, const char *ssh, const char *case_id,
                            guint *ret_count, GError **error)
{
    VaultViewOptions options = {.ssh_command = ssh};
    g_autoptr(VaultView) view = vault_view_open(vault, &options, NULL, error);
    g_autofree char *state = state_folder_path();

    return view != NULL &&
           case_folder_remove(state, vault_view_id(view), case_id, ret_count, error);
}

static gboolean has_key_of(const char *vault, const char *case_id, gboolean *ret_has,
                           GError **error)
{
    g_autoptr(VaultKeep) keep = vault_access_open(vault, VAULT_ACCESS_AS_IT_IS, NULL, error);
    g_autoptr(GPtrArray) cases = keep == NULL ? NULL : vault_keep_cases(keep, error);

    *ret_has = FALSE;
    for (guint i = 0; cases != NULL && i < cases->len; i++)
        *ret_has |= g_str_equal(((const VaultCaseValue *)cases->pdata[i])->case_id, case_id);
    return cases != NULL;
}

/* The key, in the vault: with it all indexes of the case are dead, wherever they lie. *ret_has:
 * there was one. */
static gboolean drop_key(const char *vault, const char *case_id, gboolean *ret_has, GError **error)
{
    g_autofree char *text = g_strdup_printf("muniment-case-close/1\ncase: %s\n", case_id);

    return has_key_of(vault, case_id, ret_has, error) &&
           (!*ret_has ||
            vault_access_operate(vault, "case-close", text, strlen(text), NULL, error));
}

static int close_case(const char *vault, const char *ssh, const char *case_id)
{
    gboolean is_remote = remote_address_is(vault);
    gboolean has_key = FALSE;
    g_autoptr(GError) error = NULL;
    guint count;

    if ((!is_remote && !drop_key(vault, case_id, &has_key, &error)) ||
        !remove_here(vault, ssh, case_id, &count, &error))
        return restore_verb_fail(close_verb, error);
    if (has_key)
        puts("The vault gives no key of this case's indexes any more: none opens, wherever it "
             "lies.");
    if (count > 0)
        printf("%u index%s removed from the state folder.\n", count, count == 1 ? "" : "es");
    if (is_remote)
        restore_verb_say(close_verb,
                         "the vault still has the key: close the case on its host, too");
    if (has_key || count > 0)
        return RESTORE_EXIT_DONE;
    restore_verb_say(close_verb,
                     "no index of case \"%s\" is open: \"muniment case list\" shows all", case_id);
    return RESTORE_EXIT_NOTHING_MATCHED;
}

static int case_close(int argc, char **argv)
{
    g_autofree char *ssh = NULL;
    const GOptionEntry entries[] = {{"ssh", 0, 0, G_OPTION_ARG_STRING, &ssh,
                                     "how to reach a VAULT that is ssh://[user@]host[:port]/path",
                                     "COMMAND"},
                                    G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {
        .verb = close_verb,
        .arguments = "VAULT CASE",
        .summary = "Destroys the key of a case's indexes, and removes those of this reader.",
        .description = "A grant that is still good may open the case again: its next search makes "
                       "another key and\na new index. \"muniment grant revoke\" ends that.\n\n"
                       "Exit status: 0 done, 1 failed, 2 usage, 3 no index of that case is open.",
        .entries = entries};
    g_autoptr(GError) error = NULL;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(close_verb, error);
    if (argc != 3)
        return restore_verb_usage(close_verb, "give one VAULT and one CASE");
    if (!vault_text_is_readable(argv[2], VAULT_CASE_ID_LEN_MAX))
        return restore_verb_usage(close_verb, "CASE is 1 to %d bytes of readable text",
                                  VAULT_CASE_ID_LEN_MAX);
    return close_case(argv[1], ssh, argv[2]);
}

int restore_verb_case(int argc, char **argv)
{
    static const RestoreVerb verbs[] = {
        {"list", "list the cases that some reader has an index of", case_list},
        {"close", "destroy the key of a case's indexes", case_close}};

    return restore_verb_dispatch("muniment case", verbs, G_N_ELEMENTS(verbs), argc, argv);
}
