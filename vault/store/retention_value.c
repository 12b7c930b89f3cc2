#include "vault/store/retention_value.h"

#include "vault/base/bytes.h"
#include "vault/crypto/month.h"

#define RETENTION_VERSION 1

VaultRetentionValue *vault_retention_value_new(VaultRetentionScope scope, const char *name)
{
    VaultRetentionValue *value = g_new0(VaultRetentionValue, 1);

    vault_random(value->rule_id.bytes, VAULT_ID_LEN);
    value->scope = scope;
    value->name = g_strdup(name);
    value->basis = VAULT_RETENTION_FROM_RECEIPT;
    return value;
}

void vault_retention_value_free(VaultRetentionValue *value)
{
    if (value == NULL)
        return;
    g_free(value->name);
    g_free(value);
}

GByteArray *vault_retention_value_format(const VaultRetentionValue *value)
{
    GByteArray *bytes = g_byte_array_new();

    vault_bytes_append_u8(bytes, RETENTION_VERSION);
    vault_bytes_append_u8(bytes, (guint8)value->scope);
    vault_bytes_append_u8(bytes, (guint8)value->basis);
    vault_bytes_append_u32(bytes, value->min_days);
    vault_bytes_append_u32(bytes, value->max_days);
    vault_bytes_append_u64(bytes, value->set_s);
    vault_bytes_append_string16(bytes, value->name);
    return bytes;
}

/* What has to hold of the fields and between them. */
static gboolean is_possible(const VaultRetentionValue *value)
{
    if (value->scope < VAULT_RETENTION_DEFAULT || value->scope > VAULT_RETENTION_MAILBOX ||
        value->basis < VAULT_RETENTION_FROM_RECEIPT || value->basis > VAULT_RETENTION_FROM_CLOSING)
        return FALSE;
    if (value->name == NULL || strlen(value->name) > VAULT_ADDRESS_LEN_MAX ||
        (value->scope == VAULT_RETENTION_DEFAULT) != (value->name[0] == '\0'))
        return FALSE;
    return value->min_days <= VAULT_RETENTION_DAYS_MAX &&
           value->max_days <= VAULT_RETENTION_DAYS_MAX &&
           (value->max_days == 0 || value->max_days >= value->min_days);
}

VaultRetentionValue *vault_retention_value_parse(const RowId *rule_id, const guint8 *bytes,
                                                 gsize len, GError **error)
{
    g_autoptr(VaultRetentionValue) value = g_new0(VaultRetentionValue, 1);
    VaultBytesReader reader;
    guint8 version, scope, basis;

    vault_bytes_reader_init(&reader, bytes, len);
    version = vault_bytes_read_u8(&reader);
    if (len > 0 && version != RETENTION_VERSION) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_UNSUPPORTED,
                    "retention rule of version %u: this program knows %u", version,
                    RETENTION_VERSION);
        return NULL;
    }
    value->rule_id = *rule_id;
    scope = vault_bytes_read_u8(&reader);
    basis = vault_bytes_read_u8(&reader);
    value->scope = (VaultRetentionScope)scope;
    value->basis = (VaultRetentionBasis)basis;
    value->min_days = vault_bytes_read_u32(&reader);
    value->max_days = vault_bytes_read_u32(&reader);
    value->set_s = vault_bytes_read_u64(&reader);
    value->name = vault_bytes_read_string16(&reader);
    if (is_possible(value) && vault_bytes_reader_finish(&reader, VAULT_BYTES_MUST_END))
        return g_steal_pointer(&value);
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
                        "a retention rule of the keyring has the wrong length or an impossible "
                        "field");
    return NULL;
}
