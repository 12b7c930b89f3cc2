/* Checkpoints that witnesses cosigned, kept beside the log that they are of. */
#include "vault/keep/internal.h"

#include <string.h>

static gboolean refuse(const char *why, GError **error)
{
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_REFUSED, why);
    return FALSE;
}

/* The newest tree has `older` in it. */
static gboolean continues(VaultLogReader *newest, const VaultCheckpoint *older, gboolean *ret_does,
                          GError **error)
{
    VaultMerkleProof proof;
    VaultHash root;

    *ret_does = FALSE;
    if (older->size > vault_log_reader_checkpoint(newest)->size)
        return TRUE;
    if (!vault_log_reader_prove_consistency(newest, older->size, &root, &proof, error))
        return FALSE;
    *ret_does = vault_merkle_hash_equal(&root, &older->root);
    return TRUE;
}

static VaultLogReader *open_kept(VaultKeep *keep, VaultLogKind log, guint32 epoch,
                                 const char *origin, GError **error)
{
    g_autofree char *directory = vault_logs_directory(keep->path, log, epoch);
    g_autoptr(GPtrArray) keys = vault_keep_log_keys(keep, log, epoch, error);

    return keys == NULL ? NULL : vault_log_reader_open_cosigned(directory, origin, keys, error);
}

VaultLogReader *vault_keep_log_reader_cosigned(VaultKeep *keep, VaultLogKind log, guint32 epoch,
                                               GError **error)
{
    g_autoptr(VaultLogReader) newest = NULL;
    g_autoptr(VaultLogReader) kept = NULL;
    g_autofree char *origin = NULL;
    gboolean does;

    if (epoch == VAULT_KEEP_EPOCH_NOW && !vault_keep_log_epoch(keep, &epoch, error))
        return NULL;
    origin = vault_log_origin(&keep->id, log, epoch);
    /* A writer may append, and keep what was cosigned of that, meanwhile: hence this order. */
    kept = open_kept(keep, log, epoch, origin, error);
    newest = kept == NULL ? NULL : vault_keep_log_reader(keep, log, epoch, error);
    if (newest == NULL || !continues(newest, vault_log_reader_checkpoint(kept), &does, error))
        return NULL;
    if (does)
        return g_steal_pointer(&kept);
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
                "log %s does not continue what its witnesses cosigned: run muniment log verify",
                origin);
    return NULL;
}

/* ---- keeping one ------------------------------------------------------------------------------
 */

static gboolean is_cosigned(const VaultNote *note, const char *origin)
{
    for (guint i = 0; i < note->signatures->len; i++) {
        const VaultNoteSignature *signature = note->signatures->pdata[i];

        if (strcmp(signature->name, origin) != 0)
            return TRUE;
    }
    return FALSE;
}

static gboolean has_signature(const VaultNote *note, const VaultNoteSignature *wanted)
{
    for (guint i = 0; i < note->signatures->len; i++) {
        const VaultNoteSignature *signature = note->signatures->pdata[i];

        if (strcmp(signature->name, wanted->name) == 0 &&
            memcmp(signature->key_id, wanted->key_id, sizeof wanted->key_id) == 0)
            return TRUE;
    }
    return FALSE;
}

/* What is new moves over to what is kept of the same text, as far as there is room. Nobody here
 * knows the keys of witnesses: so no one's answer may displace, or crowd out, what another signed.
 */
static char *add_to_kept(VaultNote *note, const char *kept, GError **error)
{
    g_autoptr(VaultNote) all = vault_note_parse(kept, strlen(kept), error);

    if (all == NULL)
        return NULL;
    for (guint i = 0; i < note->signatures->len;) {
        if (all->signatures->len == VAULT_NOTE_SIGNATURES_MAX)
            break;
        if (has_signature(all, note->signatures->pdata[i]))
            i++;
        else
            g_ptr_array_add(all->signatures, g_ptr_array_steal_index(note->signatures, i));
    }
    return vault_note_format(all);
}

static gboolean put(VaultKeep *keep, VaultLogKind log, VaultNote *note,
                    const VaultCheckpoint *checkpoint, GError **error)
{
    g_autofree char *directory = NULL;
    g_autoptr(VaultLogReader) kept = NULL;
    g_autofree char *text = NULL;
    guint64 kept_size;
    guint32 epoch = 0;

    if (!vault_keep_log_epoch(keep, &epoch, error))
        return FALSE;
    directory = vault_logs_directory(keep->path, log, epoch);
    /* One that is damaged is replaced. */
    kept = open_kept(keep, log, epoch, checkpoint->origin, NULL);
    kept_size = kept == NULL ? 0 : vault_log_reader_checkpoint(kept)->size;
    if (kept_size > checkpoint->size)
        return TRUE;
    text = kept != NULL && kept_size == checkpoint->size
               ? add_to_kept(note, vault_log_reader_note(kept), error)
               : vault_note_format(note);
    return text != NULL && vault_log_put_cosigned(directory, text, error);
}

/* VAULT_LOGS_COUNT: neither log's. */
static gsize log_of(VaultKeep *keep, const char *origin, VaultLogReader **ret_newest,
                    GError **error)
{
    for (gsize i = 0; i < VAULT_LOGS_COUNT; i++) {
        g_autoptr(VaultLogReader) newest =
            vault_keep_log_reader(keep, (VaultLogKind)i, VAULT_KEEP_EPOCH_NOW, error);

        if (newest == NULL)
            return VAULT_LOGS_COUNT;
        if (strcmp(vault_log_reader_checkpoint(newest)->origin, origin) == 0) {
            *ret_newest = g_steal_pointer(&newest);
            return i;
        }
    }
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED, "%s is no log of this vault", origin);
    return VAULT_LOGS_COUNT;
}

gboolean vault_keep_put_cosigned(VaultKeep *keep, const char *text, gsize len, GError **error)
{
    g_autoptr(VaultNote) note = vault_note_parse(text, len, error);
    g_autoptr(VaultCheckpoint) claimed = NULL;
    g_autoptr(VaultCheckpoint) checkpoint = NULL;
    g_autoptr(VaultLogReader) newest = NULL;
    g_autoptr(GPtrArray) keys = NULL;
    gboolean does, is_put;
    gsize log;

    g_assert(keep->mode == VAULT_KEEP_WRITER);
    claimed = note == NULL ? NULL : vault_checkpoint_parse(note->text, strlen(note->text), error);
    log = claimed == NULL ? VAULT_LOGS_COUNT : log_of(keep, claimed->origin, &newest, error);
    keys = log == VAULT_LOGS_COUNT
               ? NULL
               : vault_keep_log_keys(keep, (VaultLogKind)log, VAULT_KEEP_EPOCH_NOW, error);
    checkpoint =
        keys == NULL ? NULL : vault_checkpoint_open(text, len, claimed->origin, keys, error);
    if (checkpoint == NULL || !continues(newest, checkpoint, &does, error))
        return FALSE;
    if (!does)
        return refuse("the log does not continue this checkpoint: run muniment log verify", error);
    if (!is_cosigned(note, checkpoint->origin))
        return refuse("nobody has cosigned this checkpoint", error);
    g_mutex_lock(&keep->cosigned_lock);
    is_put = put(keep, (VaultLogKind)log, note, checkpoint, error);
    g_mutex_unlock(&keep->cosigned_lock);
    return is_put;
}
