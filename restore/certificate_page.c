/* The certificate as a page that people read. */
#include "restore/certificate.h"

char *certificate_value(const char *statement, const char *name, guint nth)
{
    g_autofree char *head = g_strconcat(name, ": ", NULL);

    for (const char *line = statement; *line != '\0';) {
        const char *end = strchrnul(line, '\n');

        if (g_str_has_prefix(line, head) && nth-- == 0)
            return g_strndup(line + strlen(head), (gsize)(end - line) - strlen(head));
        line = *end == '\n' ? end + 1 : end;
    }
    return NULL;
}

static guint count(const char *statement, const char *name)
{
    guint found = 0;

    for (;; found++) {
        g_autofree char *value = certificate_value(statement, name, found);

        if (value == NULL)
            return found;
    }
}

static void append_value(GString *page, const char *statement, const char *name, const char *label)
{
    g_autofree char *value = certificate_value(statement, name, 0);

    if (value != NULL)
        g_string_append_printf(page, "%-22s%s\n", label, value);
}

static void append_states(GString *page, const char *statement)
{
    static const struct {
        VaultErasureState state;
        const char *meaning;
    } lines[] = {
        {VAULT_ERASURE_REQUESTED, "asked for"},
        {VAULT_ERASURE_ONLINE, "destroyed in the vault"},
        {VAULT_ERASURE_COPIES, "and in all copies of the keyring"},
        {VAULT_ERASURE_ESCROW, "older vault keys destroyed everywhere"},
        {VAULT_ERASURE_BACKUPS_EXPIRED, "declared copies expired"},
        {VAULT_ERASURE_FINAL, "final"},
        {VAULT_ERASURE_CANCELLED, "cancelled; nothing was destroyed"},
    };

    g_string_append(page, "\nHow far it came\n");
    for (gsize i = 0; i < G_N_ELEMENTS(lines); i++) {
        const char *name = vault_erasure_state_name(lines[i].state);
        g_autofree char *date = certificate_value(statement, name, 0);

        if (date != NULL)
            g_string_append_printf(page, "  %s  %s\n", date, lines[i].meaning);
    }
    append_value(page, statement, "final-not-before", "  final not before");
}

static void append_list(GString *page, const char *statement, const char *name, const char *what)
{
    for (guint i = 0;; i++) {
        g_autofree char *value = certificate_value(statement, name, i);

        if (value == NULL)
            return;
        g_string_append_printf(page, "  %s%s\n", what, value);
    }
}

static gboolean is_value(const char *statement, const char *name, const char *expected)
{
    g_autofree char *value = certificate_value(statement, name, 0);

    return g_strcmp0(value, expected) == 0;
}

static void append_limits(GString *page, const char *statement)
{
    g_string_append(page, "\nWhat this does not say\n");
    append_list(page, statement, "holder-behind", "an older vault key may still lie with: ");
    append_list(page, statement, "copy-behind", "an older copy of the keyring may still lie in: ");
    append_list(page, statement, "declared-copy", "a declared copy may still hold it: ");
    append_list(page, statement, "also-owned-by", "copies of the same mail remain in mailbox: ");
    append_list(page, statement, "read-before", "it was read before: ");
    append_list(page, statement, "searched-before", "its words were read before: ");
    append_list(page, statement, "case-index",
                "an index on a reader's disk, whose key is gone, may hold words of it: ");
    if (is_value(statement, "vault-key", "plain-file-best-effort"))
        g_string_append(page, "  the vault key lies in a plain file: that the old one is gone from "
                              "the disk\n  is best effort\n");
    if (is_value(statement, "pair", "no"))
        g_string_append(page, "  off the vault's disk there is no vault key with its keyring: one "
                              "dead disk\n  loses all mail\n");
    append_list(page, statement, "note", "");
}

char *certificate_page(const char *statement)
{
    GString *page = g_string_new(NULL);
    guint messages = count(statement, "message");

    append_value(page, statement, "erasure", "Erasure");
    append_value(page, statement, "state", "State");
    append_value(page, statement, "kind", "Act");
    append_value(page, statement, "reason", "Reason");
    append_value(page, statement, "address", "Mailbox");
    append_value(page, statement, "mailbox", "Mailbox id");
    if (messages > 0)
        g_string_append_printf(page, "%-22s%u\n", "Messages", messages);
    append_value(page, statement, "from", "Received from");
    append_value(page, statement, "to", "Received before");
    append_value(page, statement, "destroyed-copies", "Copies destroyed");
    append_value(page, statement, "destroyed-months", "Month keys destroyed");
    append_value(page, statement, "passed-over", "Passed over as held");
    append_list(page, statement, "approver", "approved by ");
    append_states(page, statement);
    append_limits(page, statement);
    return g_string_free(page, FALSE);
}
