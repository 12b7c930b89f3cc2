#include "vault/store/erasure_value.h"

#include "vault/base/bytes.h"
#include "vault/crypto/month.h"

/* Of one that nobody searched before, and that touched no case index. */
#define ERASURE_VERSION 1
#define ERASURE_VERSION_SEARCHED 2

void vault_erasure_read_free(VaultErasureRead *read)
{
    if (read == NULL)
        return;
    g_free(read->case_id);
    g_free(read->reader);
    g_free(read);
}

VaultErasureCase *vault_erasure_case_new(const char *case_id, const char *reader)
{
    VaultErasureCase *index = g_new0(VaultErasureCase, 1);

    index->case_id = g_strdup(case_id);
    index->reader = g_strdup(reader);
    return index;
}

void vault_erasure_case_free(VaultErasureCase *index)
{
    if (index == NULL)
        return;
    g_free(index->case_id);
    g_free(index->reader);
    g_free(index);
}

VaultErasureValue *vault_erasure_value_new(void)
{
    VaultErasureValue *value = g_new0(VaultErasureValue, 1);

    value->log_index = VAULT_ERASURE_NOT_LOGGED;
    value->messages = g_array_new(FALSE, FALSE, sizeof(RecordId));
    value->owners = g_array_new(FALSE, FALSE, sizeof(MailboxId));
    value->approvers = g_ptr_array_new_with_free_func(g_free);
    value->reads = g_ptr_array_new_with_free_func((GDestroyNotify)vault_erasure_read_free);
    value->cases = g_ptr_array_new_with_free_func((GDestroyNotify)vault_erasure_case_free);
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
    g_ptr_array_unref(value->cases);
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

static gboolean was_searched(const VaultErasureValue *value)
{
    for (guint i = 0; i < value->reads->len; i++)
        if (((const VaultErasureRead *)g_ptr_array_index(value->reads, i))->words_count > 0)
            return TRUE;
    return value->cases->len > 0;
}

/* Words read, in the order of the reads; then the cases. */
static void append_searched(GByteArray *bytes, const VaultErasureValue *value)
{
    for (guint i = 0; i < value->reads->len; i++) {
        const VaultErasureRead *read = g_ptr_array_index(value->reads, i);

        vault_bytes_append_u32(bytes, read->words_count);
    }
    vault_bytes_append_u16(bytes, (guint16)value->cases->len);
    for (guint i = 0; i < value->cases->len; i++) {
        const VaultErasureCase *index = g_ptr_array_index(value->cases, i);

        vault_bytes_append_string16(bytes, index->case_id);
        vault_bytes_append_string16(bytes, index->reader);
    }
}

GByteArray *vault_erasure_value_format(const VaultErasureValue *value)
{
    GByteArray *bytes = g_byte_array_new();

    vault_bytes_append_u8(bytes, was_searched(value) ? ERASURE_VERSION_SEARCHED : ERASURE_VERSION);
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
    if (was_searched(value))
        append_searched(bytes, value);
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

/* Only where there is something of it: each value has one form. */
static gboolean parse_searched(VaultBytesReader *reader, VaultErasureValue *value)
{
    guint16 count;

    for (guint i = 0; i < value->reads->len; i++)
        ((VaultErasureRead *)g_ptr_array_index(value->reads, i))->words_count =
            vault_bytes_read_u32(reader);
    count = vault_bytes_read_u16(reader);
    if (count > VAULT_ERASURE_CASES_MAX)
        return FALSE;
    for (guint16 i = 0; i < count; i++) {
        VaultErasureCase *index = g_new0(VaultErasureCase, 1);

        g_ptr_array_add(value->cases, index);
        index->case_id = vault_bytes_read_string16(reader);
        index->reader = vault_bytes_read_string16(reader);
        if (!is_text(index->case_id, 1, VAULT_ERASURE_CASE_LEN_MAX) ||
            !is_text(index->reader, 1, VAULT_ERASURE_APPROVER_LEN_MAX))
            return FALSE;
    }
    return was_searched(value);
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

static gboolean parse_all(VaultBytesReader *reader, guint8 version, VaultErasureValue *value)
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
           (version == ERASURE_VERSION || parse_searched(reader, value)) &&
           vault_bytes_reader_finish(reader, VAULT_BYTES_MUST_END) && has_its_dates(value);
}

VaultErasureValue *vault_erasure_value_parse(const RowId *id, const guint8 *bytes, gsize len,
                                             GError **error)
{
    g_autoptr(VaultErasureValue) value = vault_erasure_value_new();
    VaultBytesReader reader;
    guint8 version;

    vault_bytes_reader_init(&reader, bytes, len);
    value->id = *id;
    version = vault_bytes_read_u8(&reader);
    if (len > 0 && version != ERASURE_VERSION && version != ERASURE_VERSION_SEARCHED) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_UNSUPPORTED,
                    "an erasure of the keyring has version %u, this program knows %d", version,
                    ERASURE_VERSION_SEARCHED);
        return NULL;
    }
    if (parse_all(&reader, version, value))
        return g_steal_pointer(&value);
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
                "erasure %s of the keyring has an impossible form", VAULT_ID_TEXT(*id));
    return NULL;
}
