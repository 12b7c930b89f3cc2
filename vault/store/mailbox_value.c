#include "vault/store/mailbox_value.h"

#include "vault/base/bytes.h"
#include "vault/crypto/month.h"

#define MAILBOX_VERSION 1

VaultMailboxAddress *vault_mailbox_address_new(const char *text, VaultAddressRank rank,
                                               guint64 from_s, guint64 until_s)
{
    VaultMailboxAddress *address = g_new0(VaultMailboxAddress, 1);

    address->address = g_strdup(text);
    address->rank = rank;
    address->from_s = from_s;
    address->until_s = until_s;
    return address;
}

void vault_mailbox_address_free(VaultMailboxAddress *address)
{
    if (address == NULL)
        return;
    g_free(address->address);
    g_free(address);
}

static VaultMailboxValue *value_new(void)
{
    VaultMailboxValue *value = g_new0(VaultMailboxValue, 1);

    value->addresses = g_ptr_array_new_with_free_func((GDestroyNotify)vault_mailbox_address_free);
    return value;
}

VaultMailboxValue *vault_mailbox_value_new(const char *address, guint64 now_s)
{
    VaultMailboxValue *value = value_new();

    vault_random(value->mailbox_id.bytes, VAULT_ID_LEN);
    value->kind = address == NULL ? VAULT_MAILBOX_UNASSIGNED : VAULT_MAILBOX_ORDINARY;
    value->state = VAULT_MAILBOX_OPEN;
    value->created_s = now_s;
    if (address != NULL)
        g_ptr_array_add(value->addresses,
                        vault_mailbox_address_new(address, VAULT_ADDRESS_PRIMARY, now_s, 0));
    return value;
}

void vault_mailbox_value_free(VaultMailboxValue *value)
{
    if (value == NULL)
        return;
    g_ptr_array_unref(value->addresses);
    g_free(value);
}

const char *vault_mailbox_value_primary(const VaultMailboxValue *value)
{
    for (guint i = 0; i < value->addresses->len; i++) {
        const VaultMailboxAddress *address = g_ptr_array_index(value->addresses, i);

        if (address->rank == VAULT_ADDRESS_PRIMARY && address->until_s == 0)
            return address->address;
    }
    return NULL;
}

GByteArray *vault_mailbox_value_format(const VaultMailboxValue *value)
{
    GByteArray *bytes = g_byte_array_new();

    g_assert(value->addresses->len <= VAULT_MAILBOX_ADDRESSES_MAX);
    vault_bytes_append_u8(bytes, MAILBOX_VERSION);
    vault_bytes_append_u8(bytes, (guint8)value->kind);
    vault_bytes_append_u8(bytes, (guint8)value->state);
    vault_bytes_append_u64(bytes, value->created_s);
    vault_bytes_append_u64(bytes, value->closed_s);
    vault_bytes_append_u16(bytes, (guint16)value->addresses->len);
    for (guint i = 0; i < value->addresses->len; i++) {
        const VaultMailboxAddress *address = g_ptr_array_index(value->addresses, i);

        vault_bytes_append_u8(bytes, (guint8)address->rank);
        vault_bytes_append_u64(bytes, address->from_s);
        vault_bytes_append_u64(bytes, address->until_s);
        vault_bytes_append_string16(bytes, address->address);
    }
    return bytes;
}

static gboolean corrupt(GError **error, const char *what)
{
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT, "a mailbox of the keyring %s", what);
    return FALSE;
}

static gboolean parse_address(VaultBytesReader *reader, VaultMailboxValue *value, GError **error)
{
    VaultMailboxAddress *address = g_new0(VaultMailboxAddress, 1);
    guint8 rank = vault_bytes_read_u8(reader);

    g_ptr_array_add(value->addresses, address);
    address->rank = (VaultAddressRank)rank;
    address->from_s = vault_bytes_read_u64(reader);
    address->until_s = vault_bytes_read_u64(reader);
    address->address = vault_bytes_read_string16(reader);
    if (address->address == NULL)
        return corrupt(error, "has an address that is cut or no UTF-8");
    if (address->address[0] == '\0' || strlen(address->address) > VAULT_ADDRESS_LEN_MAX)
        return corrupt(error, "has an address that is empty or too long");
    if (rank > VAULT_ADDRESS_PRIMARY ||
        (address->until_s != 0 && address->until_s < address->from_s))
        return corrupt(error, "has an address with an impossible rank or date");
    return TRUE;
}

/* What has to hold between the fields. */
static gboolean check(const VaultMailboxValue *value, GError **error)
{
    guint primary_count = 0;

    for (guint i = 0; i < value->addresses->len; i++) {
        const VaultMailboxAddress *address = g_ptr_array_index(value->addresses, i);

        primary_count += address->rank == VAULT_ADDRESS_PRIMARY && address->until_s == 0;
    }
    if (primary_count > 1)
        return corrupt(error, "has two primary addresses");
    if (value->kind == VAULT_MAILBOX_UNASSIGNED && value->addresses->len > 0)
        return corrupt(error, "is the unassigned one and has an address");
    if ((value->state == VAULT_MAILBOX_OPEN) != (value->closed_s == 0))
        return corrupt(error, "has a closing date that does not fit its state");
    return TRUE;
}

VaultMailboxValue *vault_mailbox_value_parse(const MailboxId *mailbox_id, const guint8 *bytes,
                                             gsize len, GError **error)
{
    g_autoptr(VaultMailboxValue) value = value_new();
    VaultBytesReader reader;
    guint8 version, kind, state;
    guint16 count;

    vault_bytes_reader_init(&reader, bytes, len);
    value->mailbox_id = *mailbox_id;
    version = vault_bytes_read_u8(&reader);
    kind = vault_bytes_read_u8(&reader);
    state = vault_bytes_read_u8(&reader);
    value->created_s = vault_bytes_read_u64(&reader);
    value->closed_s = vault_bytes_read_u64(&reader);
    count = vault_bytes_read_u16(&reader);
    if (len > 0 && version != MAILBOX_VERSION) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_UNSUPPORTED,
                    "mailbox value of version %u: this program knows %u", version, MAILBOX_VERSION);
        return NULL;
    }
    value->kind = (VaultMailboxKind)kind;
    value->state = (VaultMailboxState)state;
    if (kind < VAULT_MAILBOX_ORDINARY || kind > VAULT_MAILBOX_UNASSIGNED ||
        state < VAULT_MAILBOX_OPEN || state > VAULT_MAILBOX_CLOSED ||
        count > VAULT_MAILBOX_ADDRESSES_MAX) {
        corrupt(error, "has an unknown kind or state, or too many addresses");
        return NULL;
    }
    for (guint i = 0; i < count; i++)
        if (!parse_address(&reader, value, error))
            return NULL;
    if (!vault_bytes_reader_finish(&reader, VAULT_BYTES_MUST_END)) {
        corrupt(error, "has the wrong length");
        return NULL;
    }
    return check(value, error) ? g_steal_pointer(&value) : NULL;
}
