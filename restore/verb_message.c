/* muniment message: what the host knows of a message, without a grant. */
#include "restore/dates.h"
#include "restore/json_text.h"
#include "restore/message_id.h"
#include "restore/output.h"
#include "restore/vault_access.h"
#include "restore/verb.h"
#include "restore/verbs.h"

#include <stdio.h>

static const char verb[] = "message";

static const char *kind_name(VaultRecordKind kind)
{
    switch (kind) {
    case VAULT_RECORD_BODY:
        return "body";
    case VAULT_RECORD_COPY:
        return "copy";
    case VAULT_RECORD_TERMS_BODY:
        return "terms-body";
    case VAULT_RECORD_TERMS_COPY:
        return "terms-copy";
    case VAULT_RECORD_WRAPPER:
        return "wrapper";
    case VAULT_RECORD_ADDENDUM:
        return "addendum";
    case VAULT_RECORD_EVENT:
        return "event";
    case VAULT_RECORD_COMMIT:
        return "commit";
    }
    return "unknown";
}

static const struct {
    guint32 flag;
    const char *name;
} flag_names[] = {{VAULT_FLAG_CLOCK_UNSURE, "clock:unsure"},
                  {VAULT_FLAG_DATE_UNCERTAIN, "date:uncertain"},
                  {VAULT_FLAG_IMPORTED, "imported"},
                  {VAULT_FLAG_UNASSIGNED, "unassigned"}};

static gboolean is_owned(const VaultMessagePart *part)
{
    return part->kind == VAULT_RECORD_COPY || part->kind == VAULT_RECORD_ADDENDUM ||
           part->kind == VAULT_RECORD_TERMS_COPY;
}

/* Address of a mailbox; new string. */
static char *owner_name(const GPtrArray *mailboxes, const MailboxId *id)
{
    for (guint i = 0; i < mailboxes->len; i++) {
        const VaultMailbox *mailbox = mailboxes->pdata[i];

        if (VAULT_ID_EQUAL(mailbox->id, *id))
            return g_strdup(mailbox->address == NULL ? "unassigned" : mailbox->address);
    }
    return g_strdup(VAULT_ID_TEXT(*id));
}

static void print_part(const VaultMessagePart *part, const GPtrArray *mailboxes)
{
    printf("  %-10s  %s  pack %s at %" G_GUINT64_FORMAT ", %" G_GUINT64_FORMAT " bytes\n",
           kind_name(part->kind), VAULT_ID_TEXT(part->record_id),
           VAULT_ID_TEXT(part->place.pack_id), part->place.offset, part->place.len);
    if (part->kind == VAULT_RECORD_BODY) {
        g_autofree char *received = restore_date_text(part->locator.received_s);
        g_autofree char *archived = restore_date_text(part->locator.archived_s);

        printf("              received %s, archived %s", received, archived);
        for (gsize i = 0; i < G_N_ELEMENTS(flag_names); i++) {
            if (part->locator.flags & flag_names[i].flag)
                printf(", %s", flag_names[i].name);
        }
        putchar('\n');
        if (!vault_id_is_zero(part->locator.repeats.bytes))
            printf("              same bytes as %s\n", VAULT_ID_TEXT(part->locator.repeats));
    }
    if (is_owned(part)) {
        g_autofree char *owner = owner_name(mailboxes, &part->mailbox_id);
        g_autofree char *shown = restore_output_printable(owner);

        printf("              mailbox %s, month key %s, leaf %u\n", shown,
               VAULT_ID_TEXT(part->locator.month_key_id), part->locator.leaf);
    }
}

static void add_part(JsonBuilder *builder, const VaultMessagePart *part, const GPtrArray *mailboxes)
{
    json_builder_begin_object(builder);
    json_text_add(builder, "kind", kind_name(part->kind));
    json_text_add(builder, "record", VAULT_ID_TEXT(part->record_id));
    json_text_add(builder, "pack", VAULT_ID_TEXT(part->place.pack_id));
    json_text_add_number(builder, "offset", part->place.offset);
    json_text_add_number(builder, "length", part->place.len);
    if (part->kind == VAULT_RECORD_BODY) {
        json_text_add_time(builder, "received", part->locator.received_s);
        json_text_add_time(builder, "archived", part->locator.archived_s);
        if (!vault_id_is_zero(part->locator.repeats.bytes))
            json_text_add(builder, "repeats", VAULT_ID_TEXT(part->locator.repeats));
        json_builder_set_member_name(builder, "flags");
        json_builder_begin_array(builder);
        for (gsize i = 0; i < G_N_ELEMENTS(flag_names); i++) {
            if (part->locator.flags & flag_names[i].flag)
                json_builder_add_string_value(builder, flag_names[i].name);
        }
        json_builder_end_array(builder);
    }
    if (is_owned(part)) {
        g_autofree char *owner = owner_name(mailboxes, &part->mailbox_id);

        json_text_add(builder, "mailbox", owner);
        json_text_add(builder, "mailbox_id", VAULT_ID_TEXT(part->mailbox_id));
        json_text_add(builder, "month_key", VAULT_ID_TEXT(part->locator.month_key_id));
        json_text_add_number(builder, "leaf", part->locator.leaf);
    }
    json_builder_end_object(builder);
}

static void show(const char *id, const GArray *parts, const GPtrArray *mailboxes,
                 JsonBuilder *builder)
{
    if (builder != NULL) {
        json_builder_begin_object(builder);
        json_text_add(builder, "id", id);
        json_builder_set_member_name(builder, "parts");
        json_builder_begin_array(builder);
    } else {
        printf("Message %s\n", id);
    }
    for (guint i = 0; i < parts->len; i++) {
        const VaultMessagePart *part = &g_array_index(parts, VaultMessagePart, i);

        if (builder != NULL)
            add_part(builder, part, mailboxes);
        else
            print_part(part, mailboxes);
    }
    if (builder != NULL) {
        json_builder_end_array(builder);
        json_builder_end_object(builder);
    }
}

/* *ret_missing counts ids that no message has. */
static gboolean show_all(VaultKeep *keep, char **ids, JsonBuilder *builder, guint *ret_missing,
                         GError **error)
{
    g_autoptr(GPtrArray) mailboxes = vault_keep_mailboxes(keep, VAULT_MAILBOX_NAMES, error);

    if (mailboxes == NULL)
        return FALSE;
    for (; *ids != NULL; ids++) {
        g_autoptr(GArray) parts = NULL;
        g_autoptr(GError) failure = NULL;
        RecordId id;

        if (!restore_message_id_parse(*ids, &id, error))
            return FALSE;
        parts = vault_keep_message(keep, &id, &failure);
        if (parts != NULL) {
            show(VAULT_ID_TEXT(id), parts, mailboxes, builder);
        } else if (g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NOT_FOUND)) {
            restore_verb_say(verb, "there is no message %s", *ids);
            (*ret_missing)++;
        } else {
            g_propagate_error(error, g_steal_pointer(&failure));
            return FALSE;
        }
    }
    return TRUE;
}

int restore_verb_message(int argc, char **argv)
{
    gboolean as_json = FALSE;
    const GOptionEntry entries[] = {
        {"json", 0, 0, G_OPTION_ARG_NONE, &as_json, "print as JSON", NULL}, G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {
        .verb = verb,
        .arguments = "VAULT ID...",
        .summary = "Shows what the host knows of messages, without a grant: parts, places, times, "
                   "owners.",
        .entries = entries};
    g_autoptr(GError) error = NULL;
    g_autoptr(VaultKeep) keep = NULL;
    g_autoptr(JsonBuilder) builder = NULL;
    guint missing = 0;
    gboolean ok;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(verb, error);
    if (argc < 3)
        return restore_verb_usage(verb, "give VAULT and at least one ID");
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
