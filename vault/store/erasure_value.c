#include "vault/store/erasure_value.h"

#include "vault/base/bytes.h"
#include "vault/crypto/month.h"

#define ERASURE_VERSION 1

void vault_erasure_read_free(VaultErasureRead *read)
{
    if (read == NULL)
        return;
    g_free(read->case_id);
    g_free(read->reader);
    g_free(read);
}

VaultErasureValue *vault_erasure_value_new(void)
{
    VaultErasureValue *value = g_new0(VaultErasureValue, 1);

    value->log_index = VAULT_ERASURE_NOT_LOGGED;
    value->messages = g_array_new(FALSE, FALSE, sizeof(RecordId));
    value->owners = g_array_new(FALSE, FALSE, sizeof(MailboxId));
    value->approvers = g_ptr_array_new_with_free_func(g_free);
    value->reads = g_ptr_array_new_with_free_func((GDestroyNotify)vault_erasure_read_free);
    return value;
}

void vault_erasure_value_free(VaultErasureValue *value)
{
    if (value == NULL)
        return;
    g_free(value->address);
    g_free(value->reason);
    g_array_unref(value->messages);
    g_array_unref(value->owners);
    g_ptr_array_unref(value->approvers);
    g_ptr_array_unref(value->reads);
    g_free(value);
}

const char *vault_erasure_state_name(VaultErasureState state)
{
    static const char *const names[VAULT_ERASURE_STATE_END] = {
        [VAULT_ERASURE_REQUESTED] = "requested",
        [VAULT_ERASURE_ONLINE] = "online",
        [VAULT_ERASURE_COPIES] = "copies",
        [VAULT_ERASURE_ESCROW] = "escrow",
        [VAULT_ERASURE_BACKUPS_EXPIRED] = "backups-expired",
        [VAULT_ERASURE_FINAL] = "final",
        [VAULT_ERASURE_CANCELLED] = "cancelled",
    };

    return state < VAULT_ERASURE_STATE_END ? names[state] : NULL;
}

const char *vault_erasure_kind_name(VaultErasureKind kind)
{
    static const char *const names[VAULT_ERASURE_KIND_END] = {
        [VAULT_ERASURE_MESSAGES] = "erase",
        [VAULT_ERASURE_MAILBOX] = "shred",
        [VAULT_ERASURE_EXPIRY] = "retention",
    };

    return kind < VAULT_ERASURE_KIND_END ? names[kind] : NULL;
}

/* ---- format --------------------------------------------------------------------------------- */

static void append_ids(GByteArray *bytes, const GArray *ids)
{
    vault_bytes_append_u32(bytes, ids->len);
    g_byte_array_append(bytes, (const guint8 *)ids->data, ids->len * VAULT_ID_LEN);
}

static void append_reads(GByteArray *bytes, const GPtrArray *reads)
{
    vault_bytes_append_u16(bytes, (guint16)reads->len);
    for (guint i = 0; i < reads->len; i++) {
        const VaultErasureRead *read = g_ptr_array_index(reads, i);

        g_byte_array_append(bytes, read->grant_hash.bytes, VAULT_HASH_LEN);
        vault_bytes_append_u32(bytes, read->copy_count);
        vault_bytes_append_string16(bytes, read->case_id);
        vault_bytes_append_string16(bytes, read->reader);
    }
}

GByteArray *vault_erasure_value_format(const VaultErasureValue *value)
{
    GByteArray *bytes = g_byte_array_new();

    vault_bytes_append_u8(bytes, ERASURE_VERSION);
    vault_bytes_append_u8(bytes, (guint8)value->kind);
    vault_bytes_append_u8(bytes, (guint8)value->state);
    vault_bytes_append_u32(bytes, value->flags);
    vault_bytes_append_u32(bytes, value->generation);
    for (guint state = VAULT_ERASURE_REQUESTED; state < VAULT_ERASURE_STATE_END; state++)
        vault_bytes_append_u64(bytes, value->dates_s[state]);
    g_byte_array_append(bytes, value->mailbox_id.bytes, VAULT_ID_LEN);
    vault_bytes_append_string16(bytes, value->address);
    vault_bytes_append_u64(bytes, value->from_s);
    vault_bytes_append_u64(bytes, value->to_s);
    vault_bytes_append_string16(bytes, value->reason);
    g_byte_array_append(bytes, value->request_hash.bytes, VAULT_HASH_LEN);
    vault_bytes_append_u64(bytes, value->log_index);
    vault_bytes_append_u32(bytes, value->log_epoch);
    vault_bytes_append_u32(bytes, value->month_count);
    vault_bytes_append_u32(bytes, value->copy_count);
    vault_bytes_append_u32(bytes, value->held_count);
    append_ids(bytes, value->messages);
    append_ids(bytes, value->owners);
    vault_bytes_append_u8(bytes, (guint8)value->approvers->len);
    for (guint i = 0; i < value->approvers->len; i++)
        vault_bytes_append_string16(bytes, g_ptr_array_index(value->approvers, i));
    append_reads(bytes, value->reads);
    return bytes;
}

/* ---- parse ---------------------------------------------------------------------------------- */

static gboolean is_text(const char *text, gsize len_min, gsize len_max)
{
    return text != NULL && strlen(text) >= len_min && strlen(text) <= len_max;
}

static gboolean parse_ids(VaultBytesReader *reader, guint32 max, GArray *ids)
{
    guint32 count = vault_bytes_read_u32(reader);
    const guint8 *bytes =
        count > max ? NULL : vault_bytes_read_borrowed(reader, (gsize)count * VAULT_ID_LEN);

    if (bytes == NULL)
        return FALSE;
    if (count > 0)
        g_array_append_vals(ids, bytes, count);
    return TRUE;
}

static gboolean parse_approvers(VaultBytesReader *reader, GPtrArray *approvers)
{
    guint8 count = vault_bytes_read_u8(reader);

    if (count > VAULT_ERASURE_APPROVERS_MAX)
        return FALSE;
    for (guint8 i = 0; i < count; i++) {
        char *name = vault_bytes_read_string16(reader);

        if (name == NULL)
            return FALSE;
        g_ptr_array_add(approvers, name);
        if (!is_text(name, 1, VAULT_ERASURE_APPROVER_LEN_MAX))
            return FALSE;
    }
    return TRUE;
}

static gboolean parse_reads(VaultBytesReader *reader, GPtrArray *reads)
{
    guint16 count = vault_bytes_read_u16(reader);

    if (count > VAULT_ERASURE_READS_MAX)
        return FALSE;
    for (guint16 i = 0; i < count; i++) {
        VaultErasureRead *read = g_new0(VaultErasureRead, 1);

        g_ptr_array_add(reads, read);
        vault_bytes_read(reader, read->grant_hash.bytes, VAULT_HASH_LEN);
        read->copy_count = vault_bytes_read_u32(reader);
        read->case_id = vault_bytes_read_string16(reader);
        read->reader = vault_bytes_read_string16(reader);
        if (!is_text(read->case_id, 1, VAULT_ERASURE_CASE_LEN_MAX) ||
            !is_text(read->reader, 1, VAULT_ERASURE_APPROVER_LEN_MAX))
            return FALSE;
    }
    return TRUE;
}

static gboolean parse_scope(VaultBytesReader *reader, VaultErasureValue *value)
{
    vault_bytes_read(reader, value->mailbox_id.bytes, VAULT_ID_LEN);
    value->address = vault_bytes_read_string16(reader);
    value->from_s = vault_bytes_read_u64(reader);
    value->to_s = vault_bytes_read_u64(reader);
    value->reason = vault_bytes_read_string16(reader);
    return is_text(value->address, 0, VAULT_ADDRESS_LEN_MAX) &&
           is_text(value->reason, 1, VAULT_ERASURE_REASON_LEN_MAX) && value->from_s < value->to_s;
}

static gboolean parse_head(VaultBytesReader *reader, VaultErasureValue *value)
{
    value->kind = vault_bytes_read_u8(reader);
    value->state = vault_bytes_read_u8(reader);
    value->flags = vault_bytes_read_u32(reader);
    value->generation = vault_bytes_read_u32(reader);
    for (guint state = VAULT_ERASURE_REQUESTED; state < VAULT_ERASURE_STATE_END; state++)
        value->dates_s[state] = vault_bytes_read_u64(reader);
    return vault_erasure_kind_name(value->kind) != NULL &&
           vault_erasure_state_name(value->state) != NULL &&
           (value->flags & ~(guint32)VAULT_ERASURE_FLAGS_ALL) == 0;
}

/* A date for each state that it went through, and for no other. */
static gboolean has_its_dates(const VaultErasureValue *value)
{
    for (guint state = VAULT_ERASURE_REQUESTED; state < VAULT_ERASURE_STATE_END; state++) {
        gboolean was_there =
            value->state == VAULT_ERASURE_CANCELLED
                ? state == VAULT_ERASURE_REQUESTED || state == VAULT_ERASURE_CANCELLED
                : state <= value->state;

        if ((value->dates_s[state] != 0) != was_there)
            return FALSE;
    }
    return TRUE;
}

static gboolean parse_all(VaultBytesReader *reader, VaultErasureValue *value)
{
    if (!parse_head(reader, value) || !parse_scope(reader, value))
        return FALSE;
    vault_bytes_read(reader, value->request_hash.bytes, VAULT_HASH_LEN);
    value->log_index = vault_bytes_read_u64(reader);
    value->log_epoch = vault_bytes_read_u32(reader);
    value->month_count = vault_bytes_read_u32(reader);
    value->copy_count = vault_bytes_read_u32(reader);
    value->held_count = vault_bytes_read_u32(reader);
    return parse_ids(reader, VAULT_ERASURE_MESSAGES_MAX, value->messages) &&
           parse_ids(reader, VAULT_ERASURE_OWNERS_MAX, value->owners) &&
           parse_approvers(reader, value->approvers) && parse_reads(reader, value->reads) &&
           vault_bytes_reader_finish(reader, VAULT_BYTES_MUST_END) && has_its_dates(value);
}

VaultErasureValue *vault_erasure_value_parse(const RowId *id, const guint8 *bytes, gsize len,
                                             GError **error)
{
    g_autoptr(VaultErasureValue) value = vault_erasure_value_new();
    VaultBytesReader reader;

    vault_bytes_reader_init(&reader, bytes, len);
    value->id = *id;
    if (len > 0 && vault_bytes_read_u8(&reader) != ERASURE_VERSION) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_UNSUPPORTED,
                    "an erasure of the keyring has version %u, this program knows %d", bytes[0],
                    ERASURE_VERSION);
        return NULL;
    }
    if (parse_all(&reader, value))
        return g_steal_pointer(&value);
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
                "erasure %s of the keyring has an impossible form", VAULT_ID_TEXT(*id));
    return NULL;
}
