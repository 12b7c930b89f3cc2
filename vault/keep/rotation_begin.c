/* Rotation, on its way out: the months that are wrapped to a master. And what all three share. */
#include "vault/keep/rotation.h"

/* ---- masters -------------------------------------------------------------------------------- */

static gboolean append_master(const RowId *row_id, const GByteArray *value, gpointer user,
                              GError **error)
{
    VaultMasterRow row = {.row_id = *row_id};

    if (!vault_master_value_parse(value->data, value->len, &row.value, error))
        return FALSE;
    row.key_id = vault_master_key_id(&row.value.master);
    g_array_append_val((GArray *)user, row);
    return TRUE;
}

GArray *vault_rotation_masters(VaultKeyring *keyring, GError **error)
{
    g_autoptr(GArray) masters = g_array_new(FALSE, TRUE, sizeof(VaultMasterRow));

    if (!vault_keyring_each(keyring, VAULT_KEYRING_MASTERS, append_master, masters, error))
        return NULL;
    return g_steal_pointer(&masters);
}

VaultMasterRow *vault_rotation_find(const GArray *masters, const KeyId *key_id)
{
    for (guint i = 0; i < masters->len; i++) {
        VaultMasterRow *row = &g_array_index(masters, VaultMasterRow, i);

        if (VAULT_ID_EQUAL(row->key_id, *key_id))
            return row;
    }
    return NULL;
}

gboolean vault_rotation_put(VaultKeyring *keyring, const VaultMasterRow *row, GError **error)
{
    g_autoptr(GByteArray) value = vault_master_value_format(&row->value);

    return vault_keyring_put(keyring, VAULT_KEYRING_MASTERS, &row->row_id, value, error);
}

GArray *vault_keep_master_rows(VaultKeep *keep, GError **error)
{
    g_autoptr(GArray) rows = vault_rotation_masters(keep->keyring, error);
    g_autoptr(GArray) values = NULL;

    if (rows == NULL)
        return NULL;
    values = g_array_new(FALSE, TRUE, sizeof(VaultMasterValue));
    for (guint i = 0; i < rows->len; i++)
        g_array_append_val(values, g_array_index(rows, VaultMasterRow, i).value);
    return g_steal_pointer(&values);
}

/* ---- months --------------------------------------------------------------------------------- */

static gboolean append_mailbox(const VaultMailboxValue *mailbox, gpointer user, GError **error)
{
    g_array_append_val((GArray *)user, mailbox->mailbox_id);
    return TRUE;
}

GArray *vault_rotation_mailboxes(VaultKeyring *keyring, GError **error)
{
    g_autoptr(GArray) mailboxes = g_array_new(FALSE, FALSE, sizeof(MailboxId));

    if (!vault_keyring_each_mailbox(keyring, append_mailbox, mailboxes, error))
        return NULL;
    return g_steal_pointer(&mailboxes);
}

/* ---- begin ---------------------------------------------------------------------------------- */

typedef struct {
    VaultRotationWrite write;
    gpointer user;
    KeyId from, to; /* `to` zeros: none is named yet */
    VaultRotationAsked *part;
    guint64 month_count;
} Asking;

static void asking_clear(Asking *asking)
{
    g_clear_pointer(&asking->part, vault_rotation_asked_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Asking, asking_clear)

static gboolean write_part(Asking *asking, gboolean is_last, GError **error)
{
    VaultRotationName *name = &asking->part->name;
    g_autofree char *text = NULL;

    if (name->part > VAULT_ROTATION_PARTS_MAX) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE,
                    "a rotation has at most %d parts: finish this one, then begin another",
                    VAULT_ROTATION_PARTS_MAX);
        return FALSE;
    }
    name->is_last = is_last;
    text = vault_rotation_asked_format(asking->part);
    if (!asking->write(text, strlen(text), asking->user, error))
        return FALSE;
    asking->month_count += asking->part->months->len;
    name->part++;
    g_array_set_size(asking->part->months, 0);
    return TRUE;
}

/* A full part is written when the next month comes: the last one is known as such. */
static gboolean ask_month(const VaultMonthValue *value, gpointer user, GError **error)
{
    Asking *asking = user;
    const VaultWrap *wrap = vault_month_value_wrap(value, VAULT_WRAP_MASTER, &asking->from);
    VaultRotationMonth month = {
        .mailbox_id = value->mailbox_id, .month = value->month, .keys = value->keys};

    if (wrap == NULL || vault_month_value_wrap(value, VAULT_WRAP_MASTER, &asking->to) != NULL)
        return TRUE;
    if (asking->part->months->len == VAULT_ROTATION_PART_MONTHS_MAX &&
        !write_part(asking, FALSE, error))
        return FALSE;
    month.wrap = *wrap;
    month.address = g_strdup(value->address);
    g_array_append_val(asking->part->months, month);
    return TRUE;
}

static gboolean find_from(VaultKeep *keep, const MasterPublic *from, Asking *asking, GError **error)
{
    g_autoptr(GArray) masters = vault_rotation_masters(keep->keyring, error);
    const VaultMasterRow *row;

    if (masters == NULL)
        return FALSE;
    asking->from = vault_master_key_id(from);
    row = vault_rotation_find(masters, &asking->from);
    if (row != NULL && row->value.state == VAULT_MASTER_ACTIVE &&
        memcmp(&row->value.master, from, sizeof *from) == 0) {
        asking->to = row->value.successor;
        return TRUE;
    }
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND,
                        "this is no active master of the vault: muniment status VAULT shows them");
    return FALSE;
}

gboolean vault_keep_begin_rotation(VaultKeep *keep, const MasterPublic *from,
                                   VaultRotationWrite write, gpointer user, guint64 *ret_months,
                                   GError **error)
{
    VaultRotationName name = {.vault_id = keep->id,
                              .created_s = vault_clock_now_s(&keep->clock),
                              .part = 1,
                              .from = *from};
    g_auto(Asking) asking = {.write = write, .user = user};
    g_autoptr(GArray) mailboxes = NULL;

    if (!find_from(keep, from, &asking, error))
        return FALSE;
    mailboxes = vault_rotation_mailboxes(keep->keyring, error);
    if (mailboxes == NULL)
        return FALSE;
    asking.part = vault_rotation_asked_new(&name);
    for (guint i = 0; i < mailboxes->len; i++) {
        if (!vault_keyring_each_month(keep->keyring, &g_array_index(mailboxes, MailboxId, i),
                                      ask_month, &asking, error))
            return FALSE;
    }
    if (!write_part(&asking, TRUE, error))
        return FALSE;
    *ret_months = asking.month_count;
    return TRUE;
}
