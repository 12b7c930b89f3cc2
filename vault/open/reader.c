#include "vault/open/reader.h"

static gboolean add_key(VaultReader *reader, gsize index, const VaultGrantedKey *granted,
                        GError **error)
{
    ReaderKey *key = &reader->keys[index];

    key->granted = *granted;
    if (granted->has_content) {
        MonthKeyId id;

        vault_content_public_key(&granted->content, &key->content_public_key);
        id = vault_month_key_id(&key->content_public_key);
        if (!VAULT_ID_EQUAL(id, granted->month_key_id)) {
            g_set_error(error, VAULT_ERROR, VAULT_ERROR_NO_KEY,
                        "the key granted for month %s is not that month's key; ask for a new grant",
                        VAULT_ID_TEXT(granted->month_key_id));
            return FALSE;
        }
    }
    if (!g_hash_table_add(reader->keys_by_id, key)) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_NO_KEY, "the key of month %s is granted twice",
                    VAULT_ID_TEXT(granted->month_key_id));
        return FALSE;
    }
    return TRUE;
}

VaultReader *vault_reader_new(const VaultReaderScope *scope, GError **error)
{
    g_autoptr(VaultReader) reader = g_new0(VaultReader, 1);

    /* The month key id is the first field of a granted key, and that of a reader's key. */
    G_STATIC_ASSERT(G_STRUCT_OFFSET(ReaderKey, granted) == 0);
    G_STATIC_ASSERT(G_STRUCT_OFFSET(VaultGrantedKey, month_key_id) == 0);

    g_mutex_init(&reader->lock);
    reader->vault_id = *scope->vault_id;
    reader->from_s = scope->from_s;
    reader->to_s = scope->to_s;
    reader->idle = g_ptr_array_new_with_free_func((GDestroyNotify)vault_unpacker_free);
    reader->keys_by_id = g_hash_table_new(vault_id_hash, vault_id_equal);
    reader->keys = vault_secret_new(MAX(scope->key_count, 1) * sizeof *reader->keys);
    reader->key_count = scope->key_count;
    for (gsize i = 0; i < scope->key_count; i++) {
        if (!add_key(reader, i, &scope->keys[i], error))
            return NULL;
    }
    if (scope->message_count > 0)
        reader->messages = g_hash_table_new_full(vault_id_hash, vault_id_equal, g_free, NULL);
    for (gsize i = 0; i < scope->message_count; i++)
        g_hash_table_add(reader->messages, g_memdup2(&scope->messages[i], sizeof(RecordId)));
    return g_steal_pointer(&reader);
}

void vault_reader_free(VaultReader *reader)
{
    if (reader == NULL)
        return;
    g_ptr_array_unref(reader->idle);
    g_clear_pointer(&reader->messages, g_hash_table_unref);
    g_hash_table_unref(reader->keys_by_id);
    vault_secret_free(reader->keys);
    g_mutex_clear(&reader->lock);
    g_free(reader);
}

static gboolean refuse_entry(GError **error, const VaultOpenEntry *entry, const char *why)
{
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED, "message %s is out of scope: %s",
                VAULT_ID_TEXT(entry->body_id), why);
    return FALSE;
}

static gboolean has_half(const VaultGrantedKey *granted, VaultGrantHalves half)
{
    return half == VAULT_GRANT_INDEX ? granted->has_index : granted->has_content;
}

gboolean vault_reader_covers_half(VaultReader *reader, const VaultOpenEntry *entry,
                                  VaultGrantHalves half, GError **error)
{
    const ReaderKey *key = g_hash_table_lookup(reader->keys_by_id, &entry->month_key_id);

    if (key == NULL)
        return refuse_entry(error, entry, "the grant has no key of its mailbox and month");
    if (!VAULT_ID_EQUAL(key->granted.mailbox_id, entry->mailbox_id))
        return refuse_entry(error, entry, "it is listed under a mailbox that its key is not of");
    if (!has_half(&key->granted, half))
        return refuse_entry(error, entry,
                            half == VAULT_GRANT_INDEX ? "the grant is not for searching"
                                                      : "the grant is for searching only");
    if (entry->received_s < reader->from_s || entry->received_s >= reader->to_s)
        return refuse_entry(error, entry, "it was received outside the period of the grant");
    if (reader->messages != NULL && !g_hash_table_contains(reader->messages, &entry->body_id))
        return refuse_entry(error, entry, "it is not among the messages of the grant");
    return TRUE;
}

gboolean vault_reader_covers(VaultReader *reader, const VaultOpenEntry *entry, GError **error)
{
    return vault_reader_covers_half(reader, entry, VAULT_GRANT_CONTENT, error);
}

gboolean vault_reader_parse_header(const guint8 *bytes, gsize len, guint64 record_len,
                                   VaultRecordKind kind, const RecordId *record_id,
                                   VaultRecordHeader *ret_header, GError **error)
{
    if (!vault_record_header_parse(bytes, len, ret_header, error))
        return FALSE;
    if (ret_header->suite != VAULT_SUITE_X25519) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_UNSUPPORTED,
                    "record %s is of suite %04x, which this version does not know",
                    VAULT_ID_TEXT(*record_id), ret_header->suite);
        return FALSE;
    }
    if (ret_header->kind != kind || !VAULT_ID_EQUAL(ret_header->record_id, *record_id) ||
        record_len < ret_header->header_len ||
        ret_header->ciphertext_len != record_len - ret_header->header_len) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
                    "what is stored in the place of record %s is another record",
                    VAULT_ID_TEXT(*record_id));
        return FALSE;
    }
    return TRUE;
}
