/* muniment mailbox close, mailbox address add, mailbox address remove. */
#include "restore/mailbox_names.h"
#include "restore/vault_access.h"
#include "restore/verb.h"
#include "restore/verb_mailbox.h"
#include "vault/act/mailbox_change.h"

#include <stdio.h>

typedef struct {
    const char *verb, *act;
    const char *vault, *mailbox;
    const char *address; /* as typed; NULL: none */
    gboolean is_primary;
} Asked;

/* *ret_is_unknown: there is no such mailbox. */
static gboolean find_mailbox(const Asked *asked, VaultMailboxChange *change,
                             gboolean *ret_is_unknown, GError **error)
{
    g_autoptr(VaultKeep) keep = vault_access_open(asked->vault, VAULT_ACCESS_AS_IT_IS, NULL, error);
    g_autoptr(GPtrArray) mailboxes =
        keep != NULL ? vault_keep_mailboxes(keep, VAULT_MAILBOX_NAMES, error) : NULL;
    g_autofree char *name = mailboxes != NULL ? restore_mailbox_name(asked->mailbox, error) : NULL;
    const VaultMailbox *mailbox;

    if (name == NULL)
        return FALSE;
    mailbox = restore_mailbox_find(mailboxes, name, error);
    *ret_is_unknown = mailbox == NULL;
    if (mailbox != NULL)
        change->mailbox_id = mailbox->id;
    return mailbox != NULL;
}

static gboolean take_address(const Asked *asked, VaultMailboxChange *change, GError **error)
{
    if (asked->address == NULL)
        return TRUE;
    change->is_primary = asked->is_primary;
    change->address = restore_mailbox_name(asked->address, error);
    if (change->address == NULL || strchr(change->address, '@') != NULL)
        return change->address != NULL;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED, "\"%s\" is no address", asked->address);
    return FALSE;
}

static int change_mailbox(const Asked *asked)
{
    g_auto(VaultMailboxChange) change = {.address = NULL};
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;
    gboolean is_unknown = FALSE;
    int status;

    if (find_mailbox(asked, &change, &is_unknown, &error) && take_address(asked, &change, &error)) {
        text = vault_mailbox_change_format(&change);
        if (vault_access_operate(asked->vault, asked->act, text, strlen(text), NULL, &error))
            return RESTORE_EXIT_DONE;
    }
    status = restore_verb_fail(asked->verb, error);
    return is_unknown ? RESTORE_EXIT_NOTHING_MATCHED : status;
}

int restore_verb_mailbox_close(int argc, char **argv)
{
    static const char verb[] = "mailbox close";
    const GOptionEntry entries[] = {G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {
        .verb = verb,
        .arguments = "VAULT MAILBOX",
        .summary = "Closes a mailbox for ever. Its mail stays; it gets no more.",
        .description =
            "What comes for its addresses from then on goes by the policy's closed-mail: "
            "a new mailbox, unassigned, or rejected. Exit status 3: no such mailbox.",
        .entries = entries};
    g_autoptr(GError) error = NULL;
    int status;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(verb, error);
    if (argc != 3)
        return restore_verb_usage(verb, "give one VAULT and one MAILBOX");
    status = change_mailbox(
        &(Asked){.verb = verb, .act = "mailbox-close", .vault = argv[1], .mailbox = argv[2]});
    if (status == RESTORE_EXIT_DONE)
        printf("%s is closed.\n", argv[2]);
    return status;
}

static int address_add(int argc, char **argv)
{
    static const char verb[] = "mailbox address add";
    gboolean is_primary = FALSE;
    const GOptionEntry entries[] = {{"primary", 0, 0, G_OPTION_ARG_NONE, &is_primary,
                                     "it is the mailbox's name from now on", NULL},
                                    G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {
        .verb = verb,
        .arguments = "VAULT MAILBOX ADDRESS",
        .summary = "Gives a mailbox one more address: mail for it lands there from now on.",
        .description = "Exit status 3: no such mailbox; 4: an open mailbox has that address.",
        .entries = entries};
    g_autoptr(GError) error = NULL;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(verb, error);
    if (argc != 4)
        return restore_verb_usage(verb, "give one VAULT, one MAILBOX and one ADDRESS");
    return change_mailbox(&(Asked){.verb = verb,
                                   .act = "address-add",
                                   .vault = argv[1],
                                   .mailbox = argv[2],
                                   .address = argv[3],
                                   .is_primary = is_primary});
}

static int address_remove(int argc, char **argv)
{
    static const char verb[] = "mailbox address remove";
    const GOptionEntry entries[] = {G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {
        .verb = verb,
        .arguments = "VAULT MAILBOX ADDRESS",
        .summary = "Takes an address from a mailbox: later mail for it makes a new mailbox.",
        .description = "Exit status 3: no such mailbox; 4: it is the primary address.",
        .entries = entries};
    g_autoptr(GError) error = NULL;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(verb, error);
    if (argc != 4)
        return restore_verb_usage(verb, "give one VAULT, one MAILBOX and one ADDRESS");
    return change_mailbox(&(Asked){.verb = verb,
                                   .act = "address-remove",
                                   .vault = argv[1],
                                   .mailbox = argv[2],
                                   .address = argv[3]});
}

int restore_verb_mailbox_address(int argc, char **argv)
{
    static const RestoreVerb verbs[] = {
        {"add", "give a mailbox one more address", address_add},
        {"remove", "take an address from a mailbox", address_remove}};

    return restore_verb_dispatch("muniment mailbox address", verbs, G_N_ELEMENTS(verbs), argc,
                                 argv);
}
