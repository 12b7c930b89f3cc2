#include "vault/keep/recipients.h"

struct VaultRecipients {
    VaultKeyring *keyring;
    GRWLock lock;
    GArray *masters;    /* MasterPublic */
    GPtrArray *readers; /* VaultReaderValue */
};

/* ---- the keyring ---------------------------------------------------------------------------- */

static gboolean add_master(const RowId *row_id, const GByteArray *value, gpointer user,
                           GError **error)
{
    GArray *masters = user;
    VaultMasterValue master;

    if (!vault_master_value_parse(value->data, value->len, &master, error))
        return FALSE;
    if (master.state != VAULT_MASTER_ACTIVE)
        return TRUE;
    if (masters->len == VAULT_WRAPS_MAX) {
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
                            "the keyring holds too many masters");
        return FALSE;
    }
    g_array_append_val(masters, master.master);
    return TRUE;
}

static gboolean add_reader(const RowId *row_id, const GByteArray *value, gpointer user,
                           GError **error)
{
    VaultReaderValue *reader = vault_reader_value_parse(value->data, value->len, error);

    if (reader != NULL)
        g_ptr_array_add(user, reader);
    return reader != NULL;
}

gboolean vault_recipients_reload(VaultRecipients *recipients, GError **error)
{
    g_autoptr(GArray) masters = g_array_new(FALSE, TRUE, sizeof(MasterPublic));
    g_autoptr(GPtrArray) readers =
        g_ptr_array_new_with_free_func((GDestroyNotify)vault_reader_value_free);

    if (!vault_keyring_each(recipients->keyring, VAULT_KEYRING_MASTERS, add_master, masters,
                            error) ||
        !vault_keyring_each(recipients->keyring, VAULT_KEYRING_READERS, add_reader, readers, error))
        return FALSE;
    g_clear_pointer(&recipients->masters, g_array_unref);
    g_clear_pointer(&recipients->readers, g_ptr_array_unref);
    recipients->masters = g_steal_pointer(&masters);
    recipients->readers = g_steal_pointer(&readers);
    return TRUE;
}

VaultRecipients *vault_recipients_new(VaultKeyring *keyring, GError **error)
{
    g_autoptr(VaultRecipients) recipients = g_new0(VaultRecipients, 1);

    recipients->keyring = keyring;
    g_rw_lock_init(&recipients->lock);
    return vault_recipients_reload(recipients, error) ? g_steal_pointer(&recipients) : NULL;
}

void vault_recipients_free(VaultRecipients *recipients)
{
    if (recipients == NULL)
        return;
    g_clear_pointer(&recipients->masters, g_array_unref);
    g_clear_pointer(&recipients->readers, g_ptr_array_unref);
    g_rw_lock_clear(&recipients->lock);
    g_free(recipients);
}

GRWLock *vault_recipients_lock(VaultRecipients *recipients)
{
    return &recipients->lock;
}

void vault_recipients_wait(VaultRecipients *recipients)
{
    g_rw_lock_writer_lock(&recipients->lock);
    g_rw_lock_writer_unlock(&recipients->lock);
}

const GPtrArray *vault_recipients_readers(const VaultRecipients *recipients)
{
    return recipients->readers;
}

void vault_recipients_take_reader(VaultRecipients *recipients, VaultReaderValue *reader)
{
    g_ptr_array_add(recipients->readers, reader);
}

void vault_recipients_drop_reader(VaultRecipients *recipients, const VaultHash *request_hash)
{
    for (guint i = recipients->readers->len; i-- > 0;) {
        const VaultReaderValue *reader = g_ptr_array_index(recipients->readers, i);

        if (vault_hash_equal(&reader->request_hash, request_hash))
            g_ptr_array_remove_index(recipients->readers, i);
    }
}

gsize vault_recipients_master_count(const VaultRecipients *recipients)
{
    return recipients->masters->len;
}

/* ---- of one month --------------------------------------------------------------------------- */

static gboolean is_active_master(const VaultRecipients *recipients, const MasterVerifyKey *signer)
{
    for (guint i = 0; i < recipients->masters->len; i++) {
        const MasterPublic *master = &g_array_index(recipients->masters, MasterPublic, i);

        if (memcmp(master->verify_key.bytes, signer->bytes, VAULT_KEY_LEN) == 0)
            return TRUE;
    }
    return FALSE;
}

static gboolean covers(const VaultReaderValue *reader, const MailboxId *mailbox_id,
                       VaultMonth month, guint64 now_s)
{
    return now_s < reader->expires_s && vault_month_overlaps(month, reader->from_s, reader->to_s) &&
           vault_reader_value_has_mailbox(reader, mailbox_id);
}

/* One wrap for each key, however many grants its owner has. */
static gboolean has_key(const VaultWrapRecipients *recipients, const KeyId *key_id)
{
    for (gsize i = 0; i < recipients->count; i++) {
        if (VAULT_ID_EQUAL(recipients->list[i].key_id, *key_id))
            return TRUE;
    }
    return FALSE;
}

static void append(VaultWrapRecipients *recipients, VaultWrapKind kind, const KeyId *key_id,
                   const guint8 public_key[VAULT_KEY_LEN])
{
    VaultWrapRecipient *recipient;

    if (has_key(recipients, key_id))
        return;
    if (recipients->count == VAULT_WRAPS_MAX) {
        g_warning("there are over %d masters and standing readers of one mailbox: reader %s gets "
                  "no key of its new month",
                  VAULT_WRAPS_MAX, VAULT_ID_TEXT(*key_id));
        return;
    }
    recipient = &recipients->list[recipients->count++];
    recipient->kind = kind;
    recipient->key_id = *key_id;
    memcpy(recipient->public_key, public_key, VAULT_KEY_LEN);
}

void vault_recipients_of(const VaultRecipients *recipients, const MailboxId *mailbox_id,
                         VaultMonth month, guint64 now_s, VaultWrapRecipients *ret_recipients)
{
    ret_recipients->count = 0;
    for (guint i = 0; i < recipients->masters->len; i++) {
        const MasterPublic *master = &g_array_index(recipients->masters, MasterPublic, i);
        KeyId key_id = vault_master_key_id(master);

        append(ret_recipients, VAULT_WRAP_MASTER, &key_id, master->public_key.bytes);
    }
    for (guint i = 0; i < recipients->readers->len; i++) {
        const VaultReaderValue *reader = g_ptr_array_index(recipients->readers, i);
        KeyId key_id = vault_reader_key_id(&reader->key);

        if (is_active_master(recipients, &reader->signer) &&
            covers(reader, mailbox_id, month, now_s))
            append(ret_recipients, VAULT_WRAP_STANDING_READER, &key_id, reader->key.bytes);
    }
}
