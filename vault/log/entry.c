#include "vault/log/entry.h"

#include <stdlib.h>

#define VERSION 1

/* The types of fields: docs/formats/log-entries.md. */
enum {
    FIELD_VAULT_ID = 1,
    FIELD_LOG = 2,
    FIELD_EPOCH = 3,
    FIELD_EARLIER_SIZE = 4,
    FIELD_EARLIER_ROOT = 5,
    FIELD_ACT = 6,
    FIELD_COMMITMENT = 7,
    FIELD_EVENT_ID = 8,
    FIELD_COUNT = 9,
    FIELD_ROOT = 10,
    FIELD_LIST_HASH = 11,
    FIELD_MARK = 12,
    FIELD_KEY = 13,
};

static const char *const act_names[VAULT_LOGGED_END] = {
    [VAULT_LOGGED_RELEASE] = "release",
    [VAULT_LOGGED_GRANT_REVOKED] = "grant-revoked",
    [VAULT_LOGGED_READER_ADDED] = "reader-added",
    [VAULT_LOGGED_READER_REMOVED] = "reader-removed",
    [VAULT_LOGGED_POLICY_SET] = "policy-set",
    [VAULT_LOGGED_RESTORE_BEGUN] = "restore-begun",
    [VAULT_LOGGED_RESTORE_DONE] = "restore-done",
    [VAULT_LOGGED_LOG_KEY_ROTATED] = "log-key-rotated",
    [VAULT_LOGGED_REBUILD] = "rebuild",
    [VAULT_LOGGED_MASTER_DRILLED] = "master-drilled",
    [VAULT_LOGGED_MASTER_ADDED] = "master-added",
    [VAULT_LOGGED_MASTER_RETIRED] = "master-retired",
    [VAULT_LOGGED_HOLD_ADDED] = "hold-added",
    [VAULT_LOGGED_HOLD_REMOVED] = "hold-removed",
    [VAULT_LOGGED_RETENTION_SET] = "retention-set",
    [VAULT_LOGGED_ERASURE_REQUESTED] = "erasure-requested",
    [VAULT_LOGGED_ERASURE_DONE] = "erasure-done",
    [VAULT_LOGGED_ERASURE_CANCELLED] = "erasure-cancelled",
    [VAULT_LOGGED_VAULT_KEY_ROLLED] = "vault-key-rolled",
    [VAULT_LOGGED_HOLDER_ADDED] = "holder-added",
    [VAULT_LOGGED_HOLDER_REMOVED] = "holder-removed",
    [VAULT_LOGGED_COPY_ADDED] = "copy-added",
    [VAULT_LOGGED_COPY_REMOVED] = "copy-removed",
    [VAULT_LOGGED_COPY_DECLARED] = "copy-declared",
    [VAULT_LOGGED_MAILBOX_CLOSED] = "mailbox-closed",
    [VAULT_LOGGED_ADDRESS_ADDED] = "address-added",
    [VAULT_LOGGED_ADDRESS_REMOVED] = "address-removed",
    [VAULT_LOGGED_COMPACTED] = "compacted",
    [VAULT_LOGGED_BACKUP_MADE] = "backup-made",
    [VAULT_LOGGED_RECOVERED] = "recovered",
    [VAULT_LOGGED_ADOPTED] = "adopted",
    [VAULT_LOGGED_CLOCK_CONFIRMED] = "clock-confirmed",
    [VAULT_LOGGED_MAILBOX_ASSIGNED] = "mailbox-assigned",
    [VAULT_LOGGED_CASE_OPENED] = "case-opened",
    [VAULT_LOGGED_CASE_CLOSED] = "case-closed",
    [VAULT_LOGGED_SEARCH] = "search",
    [VAULT_LOGGED_TERMS_ADDED] = "terms-added",
};

const char *vault_logged_act_name(VaultLoggedAct act)
{
    return act > 0 && act < VAULT_LOGGED_END ? act_names[act] : NULL;
}

gboolean vault_logged_act_parse(const char *name, VaultLoggedAct *ret_act)
{
    for (guint act = 1; act < VAULT_LOGGED_END; act++) {
        if (strcmp(act_names[act], name) == 0) {
            *ret_act = (VaultLoggedAct)act;
            return TRUE;
        }
    }
    return FALSE;
}

gboolean vault_logged_act_is_release(VaultLoggedAct act)
{
    return act == VAULT_LOGGED_RELEASE || act == VAULT_LOGGED_SEARCH;
}

/* ---- fields, written or read in the same order ---------------------------------------------- */

/* Formatting appends to `out`, parsing reads from `in`: so that the two cannot differ. */
typedef struct {
    GByteArray *out; /* NULL: parsing */
    VaultBytesReader in;
    gboolean is_wrong; /* a field of another type or length */
} Codec;

static void put_head(GByteArray *out, guint16 type, gsize len)
{
    vault_bytes_append_u16(out, type);
    vault_bytes_append_u16(out, (guint16)len);
}

static void take_head(Codec *codec, guint16 type, gsize len)
{
    guint16 found = vault_bytes_read_u16(&codec->in);

    if (found != type || vault_bytes_read_u16(&codec->in) != len)
        codec->is_wrong = TRUE;
}

static void code_bytes(Codec *codec, guint16 type, guint8 *bytes, gsize len)
{
    if (codec->out == NULL) {
        take_head(codec, type, len);
        vault_bytes_read(&codec->in, bytes, len);
        return;
    }
    put_head(codec->out, type, len);
    g_byte_array_append(codec->out, bytes, (guint)len);
}

static void code_number(Codec *codec, guint16 type, guint64 *number, gsize len)
{
    guint8 bytes[8] = {0}, padded[8] = {0};
    VaultBytesReader reader;

    vault_bytes_put_u64(bytes, *number);
    code_bytes(codec, type, bytes + 8 - len, len);
    memcpy(padded + 8 - len, bytes + 8 - len, len);
    vault_bytes_reader_init(&reader, padded, sizeof padded);
    *number = vault_bytes_read_u64(&reader);
}

static void code_mark(Codec *codec, VaultEntryMark *mark)
{
    guint8 bytes[8 + VAULT_ID_LEN + 8];
    VaultBytesReader reader;

    vault_bytes_put_u64(bytes, mark->sequence);
    memcpy(bytes + 8, mark->pack_id.bytes, VAULT_ID_LEN);
    vault_bytes_put_u64(bytes + 8 + VAULT_ID_LEN, mark->offset);
    code_bytes(codec, FIELD_MARK, bytes, sizeof bytes);
    vault_bytes_reader_init(&reader, bytes, sizeof bytes);
    mark->sequence = vault_bytes_read_u64(&reader);
    vault_bytes_read(&reader, mark->pack_id.bytes, VAULT_ID_LEN);
    mark->offset = vault_bytes_read_u64(&reader);
}

/* ---- kinds ---------------------------------------------------------------------------------- */

static void code_epoch_start(Codec *codec, VaultEntry *entry)
{
    guint64 log = entry->log, epoch = entry->epoch;

    code_bytes(codec, FIELD_VAULT_ID, entry->vault_id.bytes, VAULT_ID_LEN);
    code_number(codec, FIELD_LOG, &log, 1);
    code_number(codec, FIELD_EPOCH, &epoch, 4);
    if (log > VAULT_LOG_CONTROL || epoch == 0)
        codec->is_wrong = TRUE;
    entry->log = log == VAULT_LOG_CONTROL ? VAULT_LOG_CONTROL : VAULT_LOG_ARCHIVE;
    entry->epoch = (guint32)epoch;
    if (epoch <= 1)
        return;
    code_number(codec, FIELD_EARLIER_SIZE, &entry->earlier_size, 8);
    code_bytes(codec, FIELD_EARLIER_ROOT, entry->earlier_root.bytes, VAULT_HASH_LEN);
}

static void code_batch(Codec *codec, VaultEntry *entry)
{
    code_number(codec, FIELD_COUNT, &entry->count, 8);
    code_bytes(codec, FIELD_ROOT, entry->root.bytes, VAULT_HASH_LEN);
    code_bytes(codec, FIELD_LIST_HASH, entry->list_hash.bytes, VAULT_HASH_LEN);
    code_mark(codec, &entry->mark);
    if (entry->count > VAULT_ENTRY_BATCH_MAX)
        codec->is_wrong = TRUE;
}

/* FALSE: an act that is not known here. */
static gboolean code_act(Codec *codec, VaultEntry *entry)
{
    guint64 act = entry->act;

    code_number(codec, FIELD_ACT, &act, 2);
    if (codec->is_wrong || codec->in.failed)
        return TRUE;
    if (act == 0 || act >= VAULT_LOGGED_END)
        return FALSE;
    entry->act = (VaultLoggedAct)act;
    code_bytes(codec, FIELD_COMMITMENT, entry->commitment.bytes, VAULT_HASH_LEN);
    code_bytes(codec, FIELD_EVENT_ID, entry->event_id.bytes, VAULT_ID_LEN);
    if (!vault_logged_act_is_release(entry->act))
        return TRUE;
    code_number(codec, FIELD_COUNT, &entry->count, 8);
    code_bytes(codec, FIELD_ROOT, entry->root.bytes, VAULT_HASH_LEN);
    return TRUE;
}

/* FALSE: a kind or an act that is not known here. */
static gboolean code_fields(Codec *codec, VaultEntry *entry)
{
    switch (entry->kind) {
    case VAULT_ENTRY_EPOCH_START:
        code_epoch_start(codec, entry);
        return TRUE;
    case VAULT_ENTRY_BATCH:
        code_batch(codec, entry);
        return TRUE;
    case VAULT_ENTRY_KEY_ROTATED:
        code_bytes(codec, FIELD_KEY, entry->key.bytes, VAULT_KEY_LEN);
        return TRUE;
    case VAULT_ENTRY_ACT:
        return code_act(codec, entry);
    }
    return FALSE;
}

GBytes *vault_entry_format(const VaultEntry *entry)
{
    VaultEntry copy = *entry;
    Codec codec = {.out = g_byte_array_new()};

    vault_bytes_append_u8(codec.out, VERSION);
    vault_bytes_append_u16(codec.out, (guint16)entry->kind);
    vault_bytes_append_u64(codec.out, entry->time_s);
    g_assert(code_fields(&codec, &copy) && !codec.is_wrong);
    return g_byte_array_free_to_bytes(codec.out);
}

static gboolean refuse(GError **error, VaultErrorCode code, const char *why)
{
    g_set_error(error, VAULT_ERROR, (gint)code, "log entry: %s", why);
    return FALSE;
}

gboolean vault_entry_parse(const guint8 *bytes, gsize len, VaultEntry *ret_entry, GError **error)
{
    VaultEntry entry = {0};
    Codec codec = {.out = NULL};
    guint8 version;

    *ret_entry = (VaultEntry){0};
    vault_bytes_reader_init(&codec.in, bytes, len);
    version = vault_bytes_read_u8(&codec.in);
    entry.kind = (VaultEntryKind)vault_bytes_read_u16(&codec.in);
    entry.time_s = vault_bytes_read_u64(&codec.in);
    if (codec.in.failed)
        return refuse(error, VAULT_ERROR_MALFORMED, "it is cut short");
    if (version != VERSION)
        return refuse(error, VAULT_ERROR_UNSUPPORTED, "its version is not known here");
    if (!code_fields(&codec, &entry))
        return refuse(error, VAULT_ERROR_UNSUPPORTED, "its kind is not known here");
    if (codec.is_wrong || !vault_bytes_reader_finish(&codec.in, VAULT_BYTES_MUST_END))
        return refuse(error, VAULT_ERROR_MALFORMED, "its fields are not those of its kind");
    *ret_entry = entry;
    return TRUE;
}

/* ---- what the hashes are over --------------------------------------------------------------- */

void vault_entry_commit(const guint8 salt[VAULT_ENTRY_SALT_LEN], const void *payload, gsize len,
                        VaultHash *ret_commitment)
{
    const VaultSpan spans[] = {{salt, VAULT_ENTRY_SALT_LEN}, {payload, len}};

    vault_hash_spans(spans, G_N_ELEMENTS(spans), ret_commitment);
}

gboolean vault_entry_list_parse(GBytes *list, const VaultHash **ret_hashes, gsize *ret_count,
                                GError **error)
{
    gsize len = 0;

    *ret_hashes = g_bytes_get_data(list, &len);
    *ret_count = len / VAULT_HASH_LEN;
    if (len % VAULT_HASH_LEN != 0 || *ret_count > VAULT_ENTRY_BATCH_MAX)
        return refuse(error, VAULT_ERROR_MALFORMED, "its list is none of record hashes");
    return TRUE;
}

void vault_entry_records_root(const VaultHash *hashes, gsize count, VaultHash *ret_root)
{
    VaultMerkleFrontier frontier = {0};

    for (gsize i = 0; i < count; i++) {
        VaultHash entry_hash;

        vault_merkle_entry_hash(hashes[i].bytes, VAULT_HASH_LEN, &entry_hash);
        vault_merkle_frontier_append(&frontier, &entry_hash);
    }
    vault_merkle_frontier_root(&frontier, ret_root);
}

gboolean vault_entry_prove_record(const VaultHash *hashes, gsize count, gsize index,
                                  VaultMerkleProof *ret_proof, GError **error)
{
    g_autofree VaultHash *entry_hashes = g_new(VaultHash, MAX(count, 1));
    VaultMerkleList list = {.hashes = entry_hashes, .count = count};
    VaultMerkleSource source = vault_merkle_list_source(&list);

    for (gsize i = 0; i < count; i++)
        vault_merkle_entry_hash(hashes[i].bytes, VAULT_HASH_LEN, &entry_hashes[i]);
    return vault_merkle_prove_inclusion(&source, index, count, ret_proof, error);
}

static int compare_ids(const void *a, const void *b)
{
    return memcmp(a, b, VAULT_ID_LEN);
}

gsize vault_entry_sort_ids(RecordId *ids, gsize count)
{
    gsize kept = 0;

    qsort(ids, count, sizeof *ids, compare_ids);
    for (gsize i = 0; i < count; i++) {
        if (kept == 0 || !VAULT_ID_EQUAL(ids[i], ids[kept - 1]))
            ids[kept++] = ids[i];
    }
    return kept;
}

void vault_entry_ids_root(const RecordId *ids, gsize count, VaultHash *ret_root)
{
    VaultMerkleFrontier frontier = {0};

    for (gsize i = 0; i < count; i++) {
        VaultHash entry_hash;

        vault_merkle_entry_hash(ids[i].bytes, VAULT_ID_LEN, &entry_hash);
        vault_merkle_frontier_append(&frontier, &entry_hash);
    }
    vault_merkle_frontier_root(&frontier, ret_root);
}
