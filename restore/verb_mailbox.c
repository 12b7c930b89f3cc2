/* muniment mailbox: what mailboxes there are. */
#include "restore/verb_mailbox.h"

#include "restore/dates.h"
#include "restore/json_text.h"
#include "restore/output.h"
#include "restore/vault_access.h"
#include "restore/verb.h"
#include "restore/verbs.h"

#include <stdio.h>

static const char *name_of(const VaultMailbox *mailbox)
{
    return mailbox->address == NULL ? "unassigned" : mailbox->address;
}

static void add_address_json(JsonBuilder *builder, const VaultMailboxAddress *address)
{
    json_builder_begin_object(builder);
    json_text_add(builder, "address", address->address);
    json_text_add_boolean(builder, "primary", address->rank == VAULT_ADDRESS_PRIMARY);
    json_text_add_time(builder, "from", address->from_s);
    json_text_add_time(builder, "until", address->until_s);
    json_builder_end_object(builder);
}

static void add_json(JsonBuilder *builder, const VaultMailbox *mailbox)
{
    json_builder_begin_object(builder);
    json_text_add(builder, "address", mailbox->address);
    json_text_add(builder, "id", VAULT_ID_TEXT(mailbox->id));
    json_text_add_time(builder, "created", mailbox->created_s);
    json_text_add_number(builder, "messages", mailbox->message_count);
    json_text_add_time(builder, "last_received", mailbox->last_received_s);
    json_text_add_time(builder, "closed", mailbox->closed_s);
    json_builder_set_member_name(builder, "addresses");
    json_builder_begin_array(builder);
    for (guint i = 0; i < mailbox->addresses->len; i++)
        add_address_json(builder, g_ptr_array_index(mailbox->addresses, i));
    json_builder_end_array(builder);
    json_builder_end_object(builder);
}

static void print_table(const GPtrArray *mailboxes)
{
    printf("%10s  %-20s  %-20s  %-32s  %s\n", "MESSAGES", "LAST RECEIVED", "CREATED", "ID",
           "ADDRESS");
    for (guint i = 0; i < mailboxes->len; i++) {
        const VaultMailbox *mailbox = mailboxes->pdata[i];
        g_autofree char *created = restore_date_text(mailbox->created_s);
        g_autofree char *last = mailbox->last_received_s == 0
                                    ? g_strdup("-")
                                    : restore_date_text(mailbox->last_received_s);
        g_autofree char *name = restore_output_printable(name_of(mailbox));

        printf("%10" G_GUINT64_FORMAT "  %-20.19s  %-20.19s  %s  %s%s\n", mailbox->message_count,
               last, created, VAULT_ID_TEXT(mailbox->id), name,
               mailbox->closed_s != 0 ? " (closed)" : "");
    }
}

static gboolean print_mailboxes(const GPtrArray *mailboxes, gboolean as_json, GError **error)
{
    g_autoptr(JsonBuilder) builder = NULL;

    if (!as_json) {
        print_table(mailboxes);
        return TRUE;
    }
    builder = json_builder_new();
    json_builder_begin_array(builder);
    for (guint i = 0; i < mailboxes->len; i++)
        add_json(builder, mailboxes->pdata[i]);
    json_builder_end_array(builder);
    return restore_output_json(builder, error);
}

static int mailbox_list(int argc, char **argv)
{
    static const char verb[] = "mailbox list";
    gboolean as_json = FALSE;
    const GOptionEntry entries[] = {
        {"json", 0, 0, G_OPTION_ARG_NONE, &as_json, "print as JSON", NULL}, G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {.verb = verb,
                                    .arguments = "VAULT",
                                    .summary = "Lists all mailboxes, by address.",
                                    .entries = entries};
    g_autoptr(GError) error = NULL;
    g_autoptr(VaultKeep) keep = NULL;
    g_autoptr(GPtrArray) mailboxes = NULL;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(verb, error);
    if (argc != 2)
        return restore_verb_usage(verb, "give one VAULT");
    keep = vault_access_open(argv[1], VAULT_ACCESS_UP_TO_DATE, NULL, &error);
    if (keep != NULL)
        mailboxes = vault_keep_mailboxes(keep, VAULT_MAILBOX_COUNTS, &error);
    if (mailboxes == NULL || !print_mailboxes(mailboxes, as_json, &error))
        return restore_verb_fail(verb, error);
    return RESTORE_EXIT_DONE;
}

/* ---- show ------------------------------------------------------------------------------------ */

static const VaultMailbox *find(VaultKeep *keep, const GPtrArray *mailboxes, const char *name)
{
    g_autofree char *lower = g_utf8_strdown(name, -1);
    MailboxId id;

    if (!vault_keep_find_mailbox(keep, name, &id, NULL) &&
        !vault_keep_find_mailbox(keep, lower, &id, NULL))
        return NULL;
    for (guint i = 0; i < mailboxes->len; i++) {
        const VaultMailbox *mailbox = mailboxes->pdata[i];

        if (VAULT_ID_EQUAL(mailbox->id, id))
            return mailbox;
    }
    return NULL;
}

static void print_addresses(const VaultMailbox *mailbox)
{
    for (guint i = 0; i < mailbox->addresses->len; i++) {
        const VaultMailboxAddress *address = g_ptr_array_index(mailbox->addresses, i);
        g_autofree char *text = restore_output_printable(address->address);
        g_autofree char *from = restore_date_text(address->from_s);
        g_autofree char *until = address->until_s != 0 ? restore_date_text(address->until_s) : NULL;

        printf("Address:        %s, %s, from %s%s%s\n", text,
               address->rank == VAULT_ADDRESS_PRIMARY ? "primary" : "alias", from,
               until != NULL ? " until " : "", until != NULL ? until : "");
    }
}

static void print_closed(const VaultMailbox *mailbox)
{
    g_autofree char *closed = mailbox->closed_s != 0 ? restore_date_text(mailbox->closed_s) : NULL;

    if (closed != NULL)
        printf("Closed:         %s\n", closed);
}

static void print_mailbox(const VaultMailbox *mailbox, const GPtrArray *months)
{
    g_autofree char *name = restore_output_printable(name_of(mailbox));
    g_autofree char *created = restore_date_text(mailbox->created_s);
    g_autofree char *last = mailbox->last_received_s == 0
                                ? g_strdup("never")
                                : restore_date_text(mailbox->last_received_s);

    printf("Mailbox:        %s\nId:             %s\nCreated:        %s\n"
           "Messages:       %" G_GUINT64_FORMAT "\nLast received:  %s\n",
           name, VAULT_ID_TEXT(mailbox->id), created, mailbox->message_count, last);
    print_closed(mailbox);
    print_addresses(mailbox);
    printf("Months:         %u\n", months->len);
    for (guint i = 0; i < months->len; i++) {
        const VaultMonthKeys *month = months->pdata[i];

        printf("  %04u-%02u  key %s, wrapped to %u\n", month->month / 100, month->month % 100,
               VAULT_ID_TEXT(month->month_key_id), month->wraps->len);
    }
}

static void add_mailbox_json(JsonBuilder *builder, const VaultMailbox *mailbox,
                             const GPtrArray *months)
{
    json_builder_begin_object(builder);
    json_builder_set_member_name(builder, "mailbox");
    add_json(builder, mailbox);
    json_builder_set_member_name(builder, "months");
    json_builder_begin_array(builder);
    for (guint i = 0; i < months->len; i++) {
        const VaultMonthKeys *month = months->pdata[i];
        g_autofree char *text =
            g_strdup_printf("%04u-%02u", month->month / 100, month->month % 100);

        json_builder_begin_object(builder);
        json_text_add(builder, "month", text);
        json_text_add(builder, "key", VAULT_ID_TEXT(month->month_key_id));
        json_text_add_number(builder, "wraps", month->wraps->len);
        json_builder_end_object(builder);
    }
    json_builder_end_array(builder);
    json_builder_end_object(builder);
}

static gboolean show_one(VaultKeep *keep, const VaultMailbox *mailbox, JsonBuilder *builder,
                         GError **error)
{
    g_autoptr(GPtrArray) months = vault_keep_months(keep, &mailbox->id, 1, 0, G_MAXUINT64, error);

    if (months == NULL)
        return FALSE;
    if (builder != NULL)
        add_mailbox_json(builder, mailbox, months);
    else
        print_mailbox(mailbox, months);
    return TRUE;
}

static gboolean show_all(VaultKeep *keep, char **names, JsonBuilder *builder, guint *ret_missing,
                         GError **error)
{
    g_autoptr(GPtrArray) mailboxes = vault_keep_mailboxes(keep, VAULT_MAILBOX_COUNTS, error);

    if (mailboxes == NULL)
        return FALSE;
    for (; *names != NULL; names++) {
        const VaultMailbox *mailbox = find(keep, mailboxes, *names);

        if (mailbox == NULL) {
            restore_verb_say("mailbox show", "there is no mailbox %s", *names);
            (*ret_missing)++;
        } else if (!show_one(keep, mailbox, builder, error)) {
            return FALSE;
        }
    }
    return TRUE;
}

static int mailbox_show(int argc, char **argv)
{
    static const char verb[] = "mailbox show";
    gboolean as_json = FALSE;
    const GOptionEntry entries[] = {
        {"json", 0, 0, G_OPTION_ARG_NONE, &as_json, "print as JSON", NULL}, G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {
        .verb = verb,
        .arguments = "VAULT MAILBOX...",
        .summary = "Shows mailboxes and their months. MAILBOX is an address, an id or "
                   "\"unassigned\".",
        .entries = entries};
    g_autoptr(GError) error = NULL;
    g_autoptr(VaultKeep) keep = NULL;
    g_autoptr(JsonBuilder) builder = NULL;
    guint missing = 0;
    gboolean ok;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(verb, error);
    if (argc < 3)
        return restore_verb_usage(verb, "give VAULT and at least one MAILBOX");
    builder = as_json ? json_builder_begin_array(json_builder_new()) : NULL;
    keep = vault_access_open(argv[1], VAULT_ACCESS_UP_TO_DATE, NULL, &error);
    ok = keep != NULL && show_all(keep, argv + 2, builder, &missing, &error);
    if (ok && builder != NULL)
        ok = restore_output_json(json_builder_end_array(builder), &error);
    if (!ok)
        return restore_verb_fail(verb, error);
    return missing == (guint)argc - 2 ? RESTORE_EXIT_NOTHING_MATCHED
           : missing > 0              ? RESTORE_EXIT_PARTLY
                                      : RESTORE_EXIT_DONE;
}

int restore_verb_mailbox(int argc, char **argv)
{
    static const RestoreVerb verbs[] = {
        {"list", "list all mailboxes", mailbox_list},
        {"show", "show a mailbox and its months", mailbox_show},
        {"close", "close a mailbox for ever", restore_verb_mailbox_close},
        {"address", "give a mailbox an address, or take one", restore_verb_mailbox_address}};

    return restore_verb_dispatch("muniment mailbox", verbs, G_N_ELEMENTS(verbs), argc, argv);
}
