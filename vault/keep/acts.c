#include "vault/keep/acts.h"

#include "vault/base/bytes.h"
#include "vault/crypto/value.h"

/* ---- the payload, in a record ---------------------------------------------------------------- */

/* "name: value" lines and nothing else: two who read it have read the same. */
static gboolean check_payload(const char *payload, gsize len, GError **error)
{
    if (len > VAULT_ACT_PAYLOAD_LEN_MAX) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE,
                    "what is logged of an act is over %u bytes", VAULT_ACT_PAYLOAD_LEN_MAX);
        return FALSE;
    }
    if (len > 0 && payload[len - 1] == '\n' && g_utf8_validate(payload, (gssize)len, NULL))
        return TRUE;
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                        "what is logged of an act is not UTF-8 text that ends with its line");
    return FALSE;
}

typedef struct {
    VaultKeep *keep;
    VaultLogStateValue state;
    RowId row_id;
    RowKey key;
} EventKey;
VAULT_DECLARE_WIPE(EventKey, event_key)

/* Along with it, how long the logs are by now. */
static gboolean put_key(VaultKeyring *keyring, gpointer user, GError **error)
{
    const EventKey *key = user;
    GByteArray *value = vault_event_key_value_format(&key->key);
    gboolean is_put = vault_keyring_put(keyring, VAULT_KEYRING_EVENTS, &key->row_id, value, error);

    vault_value_free(value);
    return is_put && vault_logs_put_state(keyring, &key->state, error);
}

static VaultValuePlace place_of(const VaultKeep *keep, const RowId *row_id)
{
    return (VaultValuePlace){.vault_id = keep->id,
                             .table = VAULT_EVENT_RECORD_TABLE,
                             .row_id = *row_id,
                             .row_version = VAULT_EVENT_RECORD_VERSION};
}

/* Salt and payload, sealed. */
static GBytes *seal_payload(const EventKey *key, const char *payload, gsize len,
                            VaultHash *ret_commitment)
{
    VaultValuePlace place = place_of(key->keep, &key->row_id);
    GByteArray *plain = g_byte_array_sized_new((guint)(VAULT_ENTRY_SALT_LEN + len));
    GBytes *sealed;

    g_byte_array_set_size(plain, VAULT_ENTRY_SALT_LEN);
    vault_random(plain->data, VAULT_ENTRY_SALT_LEN);
    g_byte_array_append(plain, (const guint8 *)payload, (guint)len);
    vault_entry_commit(plain->data, payload, len, ret_commitment);
    sealed = vault_value_seal(&key->key, &place, plain->data, plain->len);
    vault_value_free(plain);
    return sealed;
}

static VaultRecord *event_record(const EventKey *key, GBytes *sealed)
{
    VaultRecord *record = g_new0(VaultRecord, 1);
    VaultRecordHeader header = {.kind = VAULT_RECORD_EVENT,
                                .suite = VAULT_SUITE_X25519,
                                .ciphertext_len = g_bytes_get_size(sealed)};
    const guint8 *ciphertext = g_bytes_get_data(sealed, NULL);
    guint8 bytes[VAULT_RECORD_HEADER_LEN_MAX];
    GByteArray *whole = g_byte_array_new();
    VaultHash ciphertext_hash;
    gsize len;

    vault_random(header.record_id.bytes, VAULT_ID_LEN);
    record->kind = header.kind;
    record->record_id = header.record_id;
    record->locator.row_id = key->row_id;
    len = vault_record_format_clear(&header, key->keep->locator_key, &record->locator, bytes);
    len = vault_record_format_crcs(bytes, len, vault_crc32c(0, ciphertext, header.ciphertext_len));
    vault_hash(ciphertext, header.ciphertext_len, &ciphertext_hash);
    vault_record_hash(bytes, len, &ciphertext_hash, &record->hash);
    g_byte_array_append(whole, bytes, (guint)len);
    g_byte_array_append(whole, ciphertext, (guint)header.ciphertext_len);
    record->bytes = g_byte_array_free_to_bytes(whole);
    return record;
}

/* Acts must work on a disk that is too full for mail: not `disk_reserve` counts but what there is,
 * and then the reserve. */
static gboolean commit_record(VaultKeep *keep, GPtrArray *records, GError **error)
{
    g_autoptr(GError) failure = NULL;

    if (!vault_catalog_feed_check(keep->feed, error))
        return FALSE;
    if (vault_pack_writer_commit(keep->writer, records, &failure))
        return TRUE;
    if (g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NO_SPACE) &&
        vault_space_give_up_reserve(keep->space))
        return vault_pack_writer_commit(keep->writer, records, error);
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
}

static gboolean write_event(VaultKeep *keep, const char *payload, gsize len, VaultEntry *entry,
                            GError **error)
{
    g_auto(EventKey) key = {.keep = keep, .state = vault_logs_state(keep->logs)};
    g_autoptr(GPtrArray) records =
        g_ptr_array_new_with_free_func((GDestroyNotify)vault_record_free);
    g_autoptr(GBytes) sealed = NULL;
    VaultRecord *record;

    vault_random(key.row_id.bytes, VAULT_ID_LEN);
    vault_random(key.key.bytes, VAULT_KEY_LEN);
    if (!vault_keyring_batch_run(keep->batch, put_key, &key, error))
        return FALSE;
    sealed = seal_payload(&key, payload, len, &entry->commitment);
    record = event_record(&key, sealed);
    entry->event_id = record->record_id;
    g_ptr_array_add(records, record);
    return commit_record(keep, records, error);
}

/* ---- logging -------------------------------------------------------------------------------- */

gboolean vault_acts_log(VaultKeep *keep, VaultEntry *entry, const char *payload, gsize len,
                        guint64 *ret_index, GError **error)
{
    g_autoptr(GBytes) bytes = NULL;
    VaultLogEntry logged = {.payload = NULL};

    g_assert(keep->mode == VAULT_KEEP_WRITER);
    entry->kind = VAULT_ENTRY_ACT;
    entry->time_s = vault_clock_now_s(&keep->clock);
    if (!check_payload(payload, len, error) || !write_event(keep, payload, len, entry, error))
        return FALSE;
    bytes = vault_entry_format(entry);
    logged.payload = bytes;
    return vault_logs_append(keep->logs, VAULT_LOG_CONTROL, &logged, 1, ret_index, error);
}

gboolean vault_keep_log_act(VaultKeep *keep, VaultLoggedAct act, const char *payload, gsize len,
                            GError **error)
{
    VaultEntry entry = {.act = act};
    guint64 index;

    /* A release is counted, and logged by who gives it. */
    g_assert(!vault_logged_act_is_release(act) && vault_logged_act_name(act) != NULL);
    return vault_acts_log(keep, &entry, payload, len, &index, error);
}

gboolean vault_keep_log_batch(VaultKeep *keep, VaultBatchWhen when, GError **error)
{
    VaultLogStateValue before, after;

    g_assert(keep->mode == VAULT_KEEP_WRITER);
    before = vault_logs_state(keep->logs);
    if (!vault_catalog_feed_flush(keep->feed, error) ||
        !vault_logs_batch_run(keep->log_batch, when == VAULT_BATCH_ALWAYS,
                              vault_clock_now_s(&keep->clock), error))
        return FALSE;
    after = vault_logs_state(keep->logs);
    return before.archive_size == after.archive_size ||
           vault_logs_put_state(keep->keyring, &after, error);
}

gboolean vault_keep_rotate_log_key(VaultKeep *keep, GError **error)
{
    static const char payload[] = "act: log-key-rotated\n";

    g_assert(keep->mode == VAULT_KEEP_WRITER);
    return vault_keep_log_act(keep, VAULT_LOGGED_LOG_KEY_ROTATED, payload, strlen(payload),
                              error) &&
           vault_logs_rotate_key(keep->logs, vault_clock_now_s(&keep->clock), error);
}

gboolean vault_keep_rotate_log_key_when_due(VaultKeep *keep, guint64 age_s,
                                            gboolean *ret_is_rotated, GError **error)
{
    guint64 good_s, now_s = vault_clock_now_s(&keep->clock);
    g_auto(VaultLogsKnown) known = {0};

    *ret_is_rotated = FALSE;
    if (!vault_logs_known_read(keep->keyring, &known, error))
        return FALSE;
    if (now_s < known.current.created_s || now_s - known.current.created_s < age_s ||
        vault_clock_judge(&keep->clock, now_s, &good_s) == VAULT_CLOCK_UNSURE)
        return TRUE;
    *ret_is_rotated = vault_keep_rotate_log_key(keep, error);
    return *ret_is_rotated;
}

/* ---- reading -------------------------------------------------------------------------------- */

gboolean vault_keep_log_epoch(VaultKeep *keep, guint32 *ret_epoch, GError **error)
{
    g_auto(VaultLogsKnown) known = {0};

    if (!vault_logs_known_read(keep->keyring, &known, error))
        return FALSE;
    *ret_epoch = known.state.epoch;
    return TRUE;
}

static gboolean check_epoch(const VaultLogsKnown *known, guint32 *epoch, GError **error)
{
    if (*epoch == VAULT_KEEP_EPOCH_NOW)
        *epoch = known->state.epoch;
    if (*epoch <= known->state.epoch)
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND, "the logs are in epoch %u, not in %u",
                known->state.epoch, *epoch);
    return FALSE;
}

GPtrArray *vault_keep_log_keys(VaultKeep *keep, VaultLogKind log, guint32 epoch, GError **error)
{
    g_auto(VaultLogsKnown) known = {0};

    if (!vault_logs_known_read(keep->keyring, &known, error) || !check_epoch(&known, &epoch, error))
        return NULL;
    return vault_logs_note_keys(&known, &keep->id, log, epoch, error);
}

VaultLogReader *vault_keep_log_reader(VaultKeep *keep, VaultLogKind log, guint32 epoch,
                                      GError **error)
{
    g_auto(VaultLogsKnown) known = {0};
    g_autoptr(VaultLogReader) reader = NULL;
    guint64 remembered;

    /* Before the log is looked at: a writer that appends meanwhile can only make it longer. */
    if (!vault_logs_known_read(keep->keyring, &known, error) || !check_epoch(&known, &epoch, error))
        return NULL;
    remembered = log == VAULT_LOG_ARCHIVE ? known.state.archive_size : known.state.control_size;
    reader = vault_logs_reader(keep->path, &keep->id, &known, log, epoch, error);
    if (reader == NULL)
        return NULL;
    /* An earlier epoch is as long as it was when it ended: the next one's first entry says so. */
    if (epoch < known.state.epoch || vault_log_reader_checkpoint(reader)->size >= remembered)
        return g_steal_pointer(&reader);
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT, "the log %s was set back",
                vault_log_reader_checkpoint(reader)->origin);
    return NULL;
}

static gboolean read_key(VaultKeep *keep, const RowId *row_id, RowKey *ret_key, GError **error)
{
    g_autoptr(GError) failure = NULL;
    GByteArray *value = vault_keyring_get(keep->keyring, VAULT_KEYRING_EVENTS, row_id, &failure);
    gboolean is_good;

    if (value == NULL && g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NOT_FOUND)) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_ERASED,
                    "what was logged of the act was erased");
        return FALSE;
    }
    if (value == NULL) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return FALSE;
    }
    is_good = vault_event_key_value_parse(value->data, value->len, ret_key, error);
    vault_value_free(value);
    return is_good;
}

static GByteArray *open_event(VaultKeep *keep, GBytes *record, GError **error)
{
    gsize len;
    const guint8 *bytes = g_bytes_get_data(record, &len);
    g_auto(RowKey) key = {{0}};
    VaultRecordHeader header;
    VaultLocator locator;
    VaultValuePlace place;

    if (!vault_record_header_parse(bytes, len, &header, error))
        return NULL;
    if (header.kind != VAULT_RECORD_EVENT) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
                    "the record that the log names is no event");
        return NULL;
    }
    if (!vault_record_locator_open(bytes, &header, keep->locator_key, &locator, error) ||
        !read_key(keep, &locator.row_id, &key, error))
        return NULL;
    place = place_of(keep, &locator.row_id);
    return vault_value_open(&key, &place, bytes + header.header_len, len - header.header_len,
                            error);
}

static gboolean has_compacted(const VaultKeep *keep)
{
    g_autoptr(GDir) dir = g_dir_open(keep->packs_path, 0, NULL);
    const char *name;

    while (dir != NULL && (name = g_dir_read_name(dir)) != NULL)
        if (g_str_has_suffix(name, ".compacted"))
            return TRUE;
    return FALSE;
}

/* Where packs were compacted, a record that is not there had lost its key; were it lost otherwise,
 * verify --deep misses it in the log. */
static GBytes *read_event(VaultKeep *keep, const RecordId *event_id, GError **error)
{
    gsize len_max = VAULT_RECORD_HEADER_LEN_MAX + VAULT_VALUE_OVERHEAD_LEN + VAULT_ENTRY_SALT_LEN +
                    VAULT_ACT_PAYLOAD_LEN_MAX;
    g_autoptr(GError) failure = NULL;
    GBytes *record = vault_keep_record(keep, event_id, len_max, &failure);

    if (record != NULL)
        return record;
    if (g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NOT_FOUND) && has_compacted(keep))
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_ERASED,
                            "what was logged of the act was erased, and compacted away");
    else
        g_propagate_error(error, g_steal_pointer(&failure));
    return NULL;
}

GByteArray *vault_keep_event(VaultKeep *keep, const VaultEntry *entry, GError **error)
{
    g_autoptr(GBytes) record = read_event(keep, &entry->event_id, error);
    GByteArray *plain = record == NULL ? NULL : open_event(keep, record, error);
    VaultHash commitment = {{0}};

    if (plain == NULL)
        return NULL;
    if (plain->len >= VAULT_ENTRY_SALT_LEN)
        vault_entry_commit(plain->data, plain->data + VAULT_ENTRY_SALT_LEN,
                           plain->len - VAULT_ENTRY_SALT_LEN, &commitment);
    if (vault_merkle_hash_equal(&commitment, &entry->commitment))
        return plain;
    vault_value_free(plain);
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT, "event %s is not what was logged",
                VAULT_ID_TEXT(entry->event_id));
    return NULL;
}
