#include "vault/log/checkpoint.h"

#include "vault/log/text.h"

VaultCheckpoint *vault_checkpoint_new(const char *origin, guint64 size, const VaultHash *root)
{
    VaultCheckpoint *checkpoint = g_new0(VaultCheckpoint, 1);

    g_assert(log_text_is_key_name(origin, strlen(origin)));
    checkpoint->origin = g_strdup(origin);
    checkpoint->size = size;
    checkpoint->root = *root;
    checkpoint->extensions = g_strdup("");
    return checkpoint;
}

void vault_checkpoint_free(VaultCheckpoint *checkpoint)
{
    if (checkpoint == NULL)
        return;
    g_free(checkpoint->origin);
    g_free(checkpoint->extensions);
    g_free(checkpoint);
}

/* Extension lines are not empty and end with a newline each: an empty line would end the text. */
static gboolean are_extensions(LogText rest)
{
    const char *line = NULL;
    gsize len = 0;

    while (rest.left > 0) {
        if (!log_text_line(&rest, &line, &len) || len == 0 || memchr(line, '\0', len) != NULL)
            return FALSE;
    }
    return TRUE;
}

VaultCheckpoint *vault_checkpoint_parse(const char *text, gsize len, GError **error)
{
    LogText rest = {text, len};
    const char *origin = NULL, *size_line = NULL, *root_line = NULL;
    gsize origin_len = 0, size_len = 0, root_len = 0;
    guint64 size = 0;
    VaultHash root;
    g_autofree char *name = NULL;
    VaultCheckpoint *checkpoint;

    if (!log_text_line(&rest, &origin, &origin_len) ||
        !log_text_line(&rest, &size_line, &size_len) ||
        !log_text_line(&rest, &root_line, &root_len) || !log_text_is_key_name(origin, origin_len) ||
        !log_text_decimal(size_line, size_len, &size) ||
        !log_text_base64_exact(root_line, root_len, root.bytes, sizeof root.bytes) ||
        !are_extensions(rest)) {
        log_text_malformed(error, "checkpoint", "not the lines origin, size and root hash");
        return NULL;
    }
    if (size > VAULT_MERKLE_SIZE_MAX) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE,
                    "checkpoint: a log of %" G_GUINT64_FORMAT " entries is larger than any", size);
        return NULL;
    }
    name = g_strndup(origin, origin_len);
    checkpoint = vault_checkpoint_new(name, size, &root);
    g_free(checkpoint->extensions);
    checkpoint->extensions = g_strndup(rest.next, rest.left);
    return checkpoint;
}

char *vault_checkpoint_format(const VaultCheckpoint *checkpoint)
{
    GString *text = g_string_new(checkpoint->origin);

    g_string_append_printf(text, "\n%" G_GUINT64_FORMAT "\n", checkpoint->size);
    log_text_append_base64_line(text, checkpoint->root.bytes, sizeof checkpoint->root.bytes);
    g_string_append(text, checkpoint->extensions);
    return g_string_free(text, FALSE);
}

char *vault_checkpoint_sign(const VaultCheckpoint *checkpoint, const LogSigningKey *key)
{
    g_autofree char *text = vault_checkpoint_format(checkpoint);
    g_autoptr(VaultNote) note = vault_note_new(text);

    vault_note_sign(note, checkpoint->origin, key);
    return vault_note_format(note);
}

static gboolean is_signed(const VaultNote *note, GPtrArray *keys, GError **error)
{
    gboolean is_signed = FALSE;

    for (guint i = 0; i < keys->len; i++) {
        g_autoptr(GError) failure = NULL;

        if (vault_note_verify(note, g_ptr_array_index(keys, i), NULL, &failure)) {
            is_signed = TRUE;
        } else if (!g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NO_KEY)) {
            g_propagate_error(error, g_steal_pointer(&failure));
            return FALSE;
        }
    }
    if (!is_signed)
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_NO_KEY,
                    "checkpoint: not signed by a key of this log");
    return is_signed;
}

VaultCheckpoint *vault_checkpoint_open(const char *bytes, gsize len, const char *origin,
                                       GPtrArray *keys, GError **error)
{
    g_autoptr(VaultNote) note = vault_note_parse(bytes, len, error);
    g_autoptr(VaultCheckpoint) checkpoint = NULL;

    if (note == NULL || !is_signed(note, keys, error))
        return NULL;
    checkpoint = vault_checkpoint_parse(note->text, strlen(note->text), error);
    if (checkpoint == NULL)
        return NULL;
    if (strcmp(checkpoint->origin, origin) != 0) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED, "checkpoint: of log %s, not of %s",
                    checkpoint->origin, origin);
        return NULL;
    }
    return g_steal_pointer(&checkpoint);
}
