#include "restore/log_epochs.h"

#include "restore/verb_log.h"

#include <string.h>

static void log_epoch_free(gpointer user)
{
    LogEpoch *epoch = user;

    g_clear_pointer(&epoch->reader, vault_log_reader_close);
    g_clear_pointer(&epoch->keys, g_ptr_array_unref);
    g_free(epoch);
}

static gboolean open_one(VaultKeep *keep, GPtrArray *epochs, VaultLogKind kind, guint32 number,
                         GError **error)
{
    LogEpoch *epoch = g_new0(LogEpoch, 1);

    g_ptr_array_add(epochs, epoch);
    epoch->kind = kind;
    epoch->epoch = number;
    epoch->keys = vault_keep_log_keys(keep, kind, number, error);
    if (epoch->keys != NULL)
        epoch->reader = vault_keep_log_reader(keep, kind, number, error);
    return epoch->reader != NULL;
}

GPtrArray *log_epochs_open(VaultKeep *keep, GError **error)
{
    g_autoptr(GPtrArray) epochs = g_ptr_array_new_with_free_func(log_epoch_free);
    guint32 last = 0;

    if (!vault_keep_log_epoch(keep, &last, error))
        return NULL;
    for (guint32 number = 1; number <= last && number > 0; number++) {
        if (!open_one(keep, epochs, VAULT_LOG_ARCHIVE, number, error) ||
            !open_one(keep, epochs, VAULT_LOG_CONTROL, number, error))
            return NULL;
    }
    for (guint i = epochs->len - VERB_LOG_KINDS; i < epochs->len; i++)
        ((LogEpoch *)g_ptr_array_index(epochs, i))->is_present = TRUE;
    return g_steal_pointer(&epochs);
}

const LogEpoch *log_epochs_find(const GPtrArray *epochs, const char *origin)
{
    for (guint i = 0; i < epochs->len; i++) {
        const LogEpoch *epoch = g_ptr_array_index(epochs, i);

        if (strcmp(vault_log_reader_checkpoint(epoch->reader)->origin, origin) == 0)
            return epoch;
    }
    return NULL;
}

const LogEpoch *log_epochs_present(const GPtrArray *epochs, VaultLogKind kind)
{
    return g_ptr_array_index(epochs, epochs->len - VERB_LOG_KINDS + (guint)kind);
}

/* ---- audit ----------------------------------------------------------------------------------- */

typedef struct {
    const LogEpochsAudit *audit;
    const LogEpoch *epoch;
    GArray *announced; /* LogVerifyKey: in this kind of log, so far */
    guint count;       /* of findings */
} Auditing;

static void tell(const char *finding, gpointer user)
{
    Auditing *auditing = user;
    const LogEpoch *epoch = auditing->epoch;
    g_autofree char *text =
        epoch->is_present ? g_strdup_printf("%s log: %s", verb_log_name(epoch->kind), finding)
                          : g_strdup_printf("%s log, epoch %u: %s", verb_log_name(epoch->kind),
                                            epoch->epoch, finding);

    auditing->count++;
    auditing->audit->found(text, auditing->audit->user);
}

static gboolean set_corrupt(const char *what, GError **error)
{
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_CORRUPT, what);
    return FALSE;
}

/* What the first entry says of the epoch before must be true of the log of that. */
static gboolean check_continues(const LogEpoch *earlier, const LogEpoch *epoch, GError **error)
{
    g_autoptr(GBytes) bytes = vault_log_reader_entry(epoch->reader, 0, error);
    VaultMerkleProof proof;
    VaultEntry entry;
    VaultHash root;

    if (bytes == NULL ||
        !vault_entry_parse(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), &entry, error))
        return FALSE;
    if (entry.earlier_size > vault_log_reader_checkpoint(earlier->reader)->size)
        return set_corrupt("it goes on from more than there is of the epoch before", error);
    if (!vault_log_reader_prove_consistency(earlier->reader, entry.earlier_size, &root, &proof,
                                            error))
        return FALSE;
    return vault_merkle_hash_equal(&root, &entry.earlier_root) ||
           set_corrupt("it goes on from another log than that of the epoch before", error);
}

static gboolean check_act(const VaultEntry *entry, gpointer user, GError **error)
{
    const LogEpochsAudit *audit = ((Auditing *)user)->audit;

    return audit->check_act == NULL || audit->check_act(entry, audit->user, error);
}

static void take_announced(const LogVerifyKey *key, gpointer user)
{
    g_array_append_vals(((Auditing *)user)->announced, key, 1);
}

static gboolean is_announced(const Auditing *auditing, const VaultNoteKey *key)
{
    for (guint i = 0; i < auditing->announced->len; i++) {
        const LogVerifyKey *announced = &g_array_index(auditing->announced, LogVerifyKey, i);

        if (memcmp(announced->bytes, key->public_key, VAULT_KEY_LEN) == 0)
            return TRUE;
    }
    return FALSE;
}

/* Keys are the newest first; the last of them was there when the logs began. */
static void check_keys(Auditing *auditing)
{
    const GPtrArray *keys = auditing->epoch->keys;

    for (guint i = 0; i + 1 < keys->len; i++) {
        const VaultNoteKey *key = keys->pdata[i];
        g_autofree char *vkey = vault_note_key_format(key);
        g_autofree char *finding = NULL;

        if (is_announced(auditing, key))
            continue;
        finding = g_strdup_printf("the key %s may sign and was never announced by the one before: "
                                  "whoever put it there may sign in the vault's name",
                                  vkey);
        tell(finding, auditing);
    }
}

static gboolean audit_one(Auditing *auditing, GError **error)
{
    const LogAuditOptions options = {.kind = auditing->epoch->kind,
                                     .check_act = check_act,
                                     .announced = take_announced,
                                     .found = tell,
                                     .user = auditing};

    return log_audit(auditing->epoch->reader, &options, error);
}

gboolean log_epochs_audit(const GPtrArray *epochs, const LogEpochsAudit *audit, GError **error)
{
    g_autoptr(GArray) archive_keys = g_array_new(FALSE, FALSE, sizeof(LogVerifyKey));
    g_autoptr(GArray) control_keys = g_array_new(FALSE, FALSE, sizeof(LogVerifyKey));

    for (guint i = 0; i < epochs->len; i++) {
        LogEpoch *epoch = g_ptr_array_index(epochs, i);
        Auditing auditing = {.audit = audit,
                             .epoch = epoch,
                             .announced =
                                 epoch->kind == VAULT_LOG_ARCHIVE ? archive_keys : control_keys};
        g_autoptr(GError) failure = NULL;

        if (!audit_one(&auditing, &failure) && auditing.count == 0) {
            g_propagate_error(error, g_steal_pointer(&failure));
            return FALSE;
        }
        g_clear_error(&failure);
        if (i >= VERB_LOG_KINDS && !check_continues(g_ptr_array_index(epochs, i - VERB_LOG_KINDS),
                                                    auditing.epoch, &failure))
            tell(failure->message, &auditing);
        if (epoch->is_present)
            check_keys(&auditing);
    }
    return TRUE;
}
