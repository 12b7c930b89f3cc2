/* muniment hold: mail that is kept whatever else happens. */
#include "restore/verb_hold.h"

#include "restore/dates.h"
#include "restore/json_text.h"
#include "restore/output.h"
#include "restore/vault_access.h"
#include "restore/verb.h"
#include "restore/verbs.h"

#include <stdio.h>

#define AFTERLIFE_S (30 * 86400)

static guint64 now_s(void)
{
    return (guint64)(g_get_real_time() / G_USEC_PER_SEC);
}

static const char *state_of(const VaultHoldValue *hold)
{
    guint64 end_s = vault_hold_value_end_s(hold);

    if (end_s > now_s())
        return "in force";
    return end_s + AFTERLIFE_S > now_s() ? "ending" : "ended";
}

/* ---- list ------------------------------------------------------------------------------------ */

static void add_texts(JsonBuilder *builder, const char *name, const GPtrArray *texts)
{
    json_builder_set_member_name(builder, name);
    json_builder_begin_array(builder);
    for (guint i = 0; i < texts->len; i++)
        json_builder_add_string_value(builder, g_ptr_array_index(texts, i));
    json_builder_end_array(builder);
}

static void add_ids(JsonBuilder *builder, const char *name, const GArray *ids)
{
    json_builder_set_member_name(builder, name);
    json_builder_begin_array(builder);
    for (guint i = 0; i < ids->len; i++)
        json_builder_add_string_value(builder, VAULT_ID_TEXT(g_array_index(ids, RecordId, i)));
    json_builder_end_array(builder);
}

static void add_hold(JsonBuilder *builder, const VaultHoldValue *hold)
{
    json_builder_begin_object(builder);
    json_text_add(builder, "id", VAULT_ID_TEXT(hold->hold_id));
    json_text_add(builder, "state", state_of(hold));
    json_text_add(builder, "case", hold->case_id);
    json_text_add(builder, "reason", hold->reason);
    json_text_add_time(builder, "created", hold->created_s);
    json_text_add_time(builder, "from", hold->from_s);
    json_text_add_time(builder, "to", hold->to_s);
    json_text_add_time(builder, "until", hold->until_s);
    json_text_add_time(builder, "removed", hold->removed_s);
    json_text_add(builder, "removed_reason", hold->removed_s != 0 ? hold->removed_reason : NULL);
    json_text_add_boolean(builder, "all", hold->is_all);
    add_texts(builder, "addresses", hold->addresses);
    add_texts(builder, "domains", hold->domains);
    add_ids(builder, "mailboxes", hold->mailboxes);
    add_ids(builder, "messages", hold->messages);
    json_builder_end_object(builder);
}

static gboolean print_json(const GPtrArray *holds, GError **error)
{
    g_autoptr(JsonBuilder) builder = json_builder_begin_array(json_builder_new());

    for (guint i = 0; i < holds->len; i++)
        add_hold(builder, g_ptr_array_index(holds, i));
    return restore_output_json(json_builder_end_array(builder), error);
}

static char *period_text(const VaultHoldValue *hold)
{
    g_autofree char *from = hold->from_s != 0 ? restore_date_text(hold->from_s) : NULL;
    g_autofree char *to = hold->to_s != 0 ? restore_date_text(hold->to_s) : NULL;

    if (from == NULL && to == NULL)
        return g_strdup("whenever received");
    return g_strdup_printf("received%s%s%s%s", from != NULL ? " from " : "",
                           from != NULL ? from : "", to != NULL ? " before " : "",
                           to != NULL ? to : "");
}

static void print_names(const char *what, const GPtrArray *names)
{
    for (guint i = 0; i < names->len; i++) {
        g_autofree char *name = restore_output_printable(g_ptr_array_index(names, i));

        printf("  %s %s\n", what, name);
    }
}

static void print_hold(const VaultHoldValue *hold)
{
    g_autofree char *case_id = restore_output_printable(hold->case_id);
    g_autofree char *reason = restore_output_printable(hold->reason);
    g_autofree char *created = restore_date_text(hold->created_s);
    g_autofree char *period = period_text(hold);

    printf("%s  %s\n  case %s: %s\n  made %s; covers mail %s\n", VAULT_ID_TEXT(hold->hold_id),
           state_of(hold), case_id, reason, created, period);
    if (vault_hold_value_end_s(hold) != G_MAXUINT64) {
        g_autofree char *end = restore_date_text(vault_hold_value_end_s(hold));
        g_autofree char *free = restore_date_text(vault_hold_value_end_s(hold) + AFTERLIFE_S);

        printf("  ends %s; nothing of it is destroyed before %s\n", end, free);
    }
    if (hold->is_all)
        printf("  all mailboxes\n");
    print_names("mailbox", hold->addresses);
    print_names("domain", hold->domains);
    for (guint i = 0; i < hold->mailboxes->len; i++)
        printf("  mailbox %s\n", VAULT_ID_TEXT(g_array_index(hold->mailboxes, MailboxId, i)));
    if (hold->messages->len > 0)
        printf("  only %u message%s\n", hold->messages->len, hold->messages->len == 1 ? "" : "s");
}

static int hold_list(int argc, char **argv)
{
    static const char verb[] = "hold list";
    gboolean as_json = FALSE;
    const GOptionEntry entries[] = {
        {"json", 0, 0, G_OPTION_ARG_NONE, &as_json, "print as JSON", NULL}, G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {
        .verb = verb,
        .arguments = "VAULT",
        .summary = "Lists all holds, also those that have ended, oldest first.",
        .entries = entries};
    g_autoptr(GError) error = NULL;
    g_autoptr(VaultKeep) keep = NULL;
    g_autoptr(GPtrArray) holds = NULL;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(verb, error);
    if (argc != 2)
        return restore_verb_usage(verb, "give one VAULT");
    keep = vault_access_open(argv[1], VAULT_ACCESS_AS_IT_IS, NULL, &error);
    holds = keep != NULL ? vault_keep_holds(keep, &error) : NULL;
    if (holds == NULL || (as_json && !print_json(holds, &error)))
        return restore_verb_fail(verb, error);
    for (guint i = 0; !as_json && i < holds->len; i++)
        print_hold(g_ptr_array_index(holds, i));
    return RESTORE_EXIT_DONE;
}

int restore_verb_hold(int argc, char **argv)
{
    static const RestoreVerb verbs[] = {
        {"add", "hold mail: it is not destroyed until the hold is removed", restore_verb_hold_add},
        {"list", "list all holds", hold_list},
        {"remove", "end a hold; what it covers is kept for 30 days more",
         restore_verb_hold_remove}};

    return restore_verb_dispatch("muniment hold", verbs, G_N_ELEMENTS(verbs), argc, argv);
}
