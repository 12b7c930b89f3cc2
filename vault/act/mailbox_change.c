#include "vault/act/mailbox_change.h"

static const char type[] = "muniment-mailbox-change/1";

void vault_mailbox_change_clear(VaultMailboxChange *change)
{
    g_clear_pointer(&change->address, g_free);
}

static gboolean take_address(VaultTextFile *file, VaultMailboxChange *change, GError **error)
{
    g_autofree char *rank = vault_text_file_take(file, "rank", 7, error);
    g_autofree char *text = NULL;

    if (rank == NULL)
        return FALSE;
    if (g_str_equal(rank, "none"))
        return TRUE;
    change->is_primary = g_str_equal(rank, "primary");
    if (!change->is_primary && !g_str_equal(rank, "alias"))
        return vault_text_file_refuse(file, error, "\"rank\" is none, alias or primary");
    text = vault_text_file_take_text(file, "address", VAULT_ADDRESS_LEN_MAX, error);
    if (text == NULL)
        return FALSE;
    change->address = vault_text_file_address(file, text, error);
    if (change->address == NULL)
        return FALSE;
    return *change->address != '\0' ||
           vault_text_file_refuse(file, error, "\"unassigned\" is no address");
}

gboolean vault_mailbox_change_parse(const char *text, gsize len, VaultMailboxChange *ret_change,
                                    GError **error)
{
    g_auto(VaultMailboxChange) change = {.address = NULL};
    VaultTextFile file;

    if (!vault_text_file_begin(&file, text, len, type, error) ||
        !vault_text_file_take_hex(&file, "mailbox", change.mailbox_id.bytes, VAULT_ID_LEN, error) ||
        !take_address(&file, &change, error) || !vault_text_file_finish(&file, error))
        return FALSE;
    *ret_change = change;
    change.address = NULL;
    return TRUE;
}

char *vault_mailbox_change_format(const VaultMailboxChange *change)
{
    GString *text = g_string_new(type);

    g_string_append_c(text, '\n');
    vault_text_append_hex_line(text, "mailbox", change->mailbox_id.bytes, VAULT_ID_LEN);
    vault_text_append(text, "rank",
                      change->address == NULL ? "none"
                      : change->is_primary    ? "primary"
                                              : "alias");
    if (change->address != NULL)
        vault_text_append(text, "address", change->address);
    return g_string_free(text, FALSE);
}
