#include "vault/act/backup_state.h"

#define MADE_TYPE "muniment-backup-made/1"
#define STATE_TYPE "muniment-backups/1"

void vault_backup_made_clear(VaultBackupMade *made)
{
    g_clear_pointer(&made->place, g_free);
}

static void append_count(GString *text, const char *name, guint64 count)
{
    g_string_append_printf(text, "%s: %" G_GUINT64_FORMAT "\n", name, count);
}

static gboolean take_count(VaultTextFile *file, const char *name, guint64 *ret_count,
                           GError **error)
{
    g_autofree char *value = vault_text_file_take(file, name, 20, error);

    if (value == NULL)
        return FALSE;
    return (g_ascii_isdigit(value[0]) && (value[0] != '0' || value[1] == '\0') &&
            g_ascii_string_to_unsigned(value, 10, 0, G_MAXINT64, ret_count, NULL)) ||
           vault_text_file_refuse(file, error, "\"%s\" is not a plain number", name);
}

char *vault_backup_made_format(const VaultBackupMade *made)
{
    GString *text = g_string_new(MADE_TYPE "\n");

    vault_text_append_time(text, "made", made->made_s);
    vault_text_append_number(text, "number", made->number);
    vault_text_append_number(text, "files", made->file_count);
    append_count(text, "messages", made->message_count);
    vault_text_append_hex_line(text, "manifest", made->manifest_hash.bytes, VAULT_HASH_LEN);
    vault_text_append(text, "place", made->place);
    return g_string_free(text, FALSE);
}

gboolean vault_backup_made_parse(const char *text, gsize len, VaultBackupMade *ret_made,
                                 GError **error)
{
    VaultTextFile file;
    g_auto(VaultBackupMade) made = {.place = NULL};

    if (!vault_text_file_begin(&file, text, len, MADE_TYPE, error) ||
        !vault_text_file_take_time(&file, "made", &made.made_s, error) ||
        !vault_text_file_take_number(&file, "number", G_MAXUINT32, &made.number, error) ||
        !vault_text_file_take_number(&file, "files", G_MAXUINT32, &made.file_count, error) ||
        !take_count(&file, "messages", &made.message_count, error) ||
        !vault_text_file_take_hex(&file, "manifest", made.manifest_hash.bytes, VAULT_HASH_LEN,
                                  error))
        return FALSE;
    made.place = vault_text_file_take_text(&file, "place", VAULT_BACKUP_PLACE_LEN_MAX, error);
    if (made.place == NULL || !vault_text_file_finish(&file, error))
        return FALSE;
    *ret_made = made;
    made.place = NULL;
    return TRUE;
}

char *vault_backup_state_format(const VaultBackupState *state)
{
    GString *text = g_string_new(STATE_TYPE "\n");

    vault_text_append_time(text, "made", state->made_s);
    append_count(text, "messages", state->message_count);
    vault_text_append_time(text, "drilled", state->drilled_s);
    return g_string_free(text, FALSE);
}

gboolean vault_backup_state_parse(const char *text, gsize len, VaultBackupState *ret_state,
                                  GError **error)
{
    VaultTextFile file;

    return vault_text_file_begin(&file, text, len, STATE_TYPE, error) &&
           vault_text_file_take_time(&file, "made", &ret_state->made_s, error) &&
           take_count(&file, "messages", &ret_state->message_count, error) &&
           vault_text_file_take_time(&file, "drilled", &ret_state->drilled_s, error) &&
           vault_text_file_finish(&file, error);
}
