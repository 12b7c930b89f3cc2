#include "vault/keep/backup.h"

#include "vault/keep/internal.h"

#define STATE_NAME "backups"

/* ---- what is remembered -----------------------------------------------------------------------
 */

gboolean vault_backup_state_read(const char *vault_path, VaultBackupState *ret_state,
                                 GError **error)
{
    g_autofree char *path = g_build_filename(vault_path, STATE_NAME, NULL);
    g_autoptr(GError) failure = NULL;
    g_autoptr(GBytes) bytes = vault_file_read(path, VAULT_BACKUP_TEXT_LEN_MAX, &failure);

    *ret_state = (VaultBackupState){0};
    if (g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NOT_FOUND))
        return TRUE;
    if (bytes != NULL && vault_backup_state_parse(g_bytes_get_data(bytes, NULL),
                                                  g_bytes_get_size(bytes), ret_state, &failure))
        return TRUE;
    g_propagate_prefixed_error(error, g_steal_pointer(&failure), "%s: ", path);
    return FALSE;
}

gboolean vault_backup_state_write(const char *vault_path, const VaultBackupState *state,
                                  GError **error)
{
    g_autofree char *path = g_build_filename(vault_path, STATE_NAME, NULL);
    g_autofree char *text = vault_backup_state_format(state);

    return vault_file_write(path, text, strlen(text), 0600, VAULT_FILE_REPLACE, error);
}

/* What was remembered is of no use when it is damaged: the next backup says it anew. */
static VaultBackupState known_state(const VaultKeep *keep)
{
    g_autoptr(GError) failure = NULL;
    VaultBackupState state;

    if (vault_backup_state_read(keep->path, &state, &failure))
        return state;
    g_warning("%s", failure->message);
    return (VaultBackupState){0};
}

/* ---- acts ------------------------------------------------------------------------------------ */

gboolean vault_backup_act_begin(VaultKeep *keep, const char *text, gsize len, GString *answer,
                                GError **error)
{
    return vault_keep_log_batch(keep, VAULT_BATCH_UNLESS_EMPTY, error) &&
           vault_keep_flush_catalog(keep, error);
}

static gboolean log_made(VaultKeep *keep, const char *text, gsize len, GError **error)
{
    const char *lines = (const char *)memchr(text, '\n', len) + 1;
    g_autoptr(GString) payload = g_string_new(NULL);

    vault_text_append(payload, "act", vault_logged_act_name(VAULT_LOGGED_BACKUP_MADE));
    g_string_append_len(payload, lines, (gssize)(len - (gsize)(lines - text)));
    return vault_keep_log_act(keep, VAULT_LOGGED_BACKUP_MADE, payload->str, payload->len, error);
}

gboolean vault_backup_act_made(VaultKeep *keep, const char *text, gsize len, GString *answer,
                               GError **error)
{
    VaultBackupState state = known_state(keep);
    g_auto(VaultBackupMade) made = {.place = NULL};

    if (!vault_backup_made_parse(text, len, &made, error) || !log_made(keep, text, len, error))
        return FALSE;
    state.made_s = made.made_s;
    state.message_count = made.message_count;
    return vault_backup_state_write(keep->path, &state, error);
}

gboolean vault_backup_act_drilled(VaultKeep *keep, const char *text, gsize len, GString *answer,
                                  GError **error)
{
    VaultBackupState state = known_state(keep);

    state.drilled_s = vault_clock_now_s(&keep->clock);
    return vault_backup_state_write(keep->path, &state, error);
}

/* ---- keyring --------------------------------------------------------------------------------- */

gboolean vault_backup_keyring(VaultKeep *keep, const char *path, GError **error)
{
    return vault_keyring_snapshot(keep->keyring, path, error);
}

gboolean vault_backup_vault_key(VaultKeep *keep, const char *path, GError **error)
{
    g_auto(VaultKey) key = {.generation = 0};
    g_autofree char *text = NULL;
    gboolean is_written;

    vault_keyring_vault_key(keep->keyring, &key);
    text = vault_key_file_format(&keep->id, &key, 1);
    is_written = vault_file_write(path, text, strlen(text), 0600, VAULT_FILE_NEW, error);
    vault_wipe(text, strlen(text));
    return is_written;
}

char *vault_backup_key_text(const char *key_path, const VaultId *vault_id, GError **error)
{
    VaultKey keys[VAULT_KEY_GENERATIONS_MAX];
    gsize count = 0;
    char *text = NULL;

    if (vault_key_read(key_path, vault_id, keys, &count, error))
        text = vault_key_file_format(vault_id, keys, count);
    vault_wipe(keys, sizeof keys);
    return text;
}

gboolean vault_backup_check_key(const char *keyring_path, const char *key_path,
                                const VaultId *vault_id, GError **error)
{
    VaultKey keys[VAULT_KEY_GENERATIONS_MAX];
    gsize count = 0;
    g_autoptr(VaultKeyring) keyring = NULL;

    if (vault_key_read(key_path, vault_id, keys, &count, error))
        keyring =
            vault_keyring_open(keyring_path, VAULT_KEYRING_READ, vault_id, keys, count, error);
    vault_wipe(keys, sizeof keys);
    return keyring != NULL;
}
