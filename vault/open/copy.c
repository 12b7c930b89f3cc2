/* Opening copies: record -> CRC -> HPKE with key and slot -> content. */
#include "vault/base/bytes.h"
#include "vault/crypto/value.h"
#include "vault/open/reader.h"

#define COPY_RECORD_LEN_MAX (VAULT_RECORD_HEADER_LEN_MAX + VAULT_COPY_LEN_MAX + VAULT_HPKE_TAG_LEN)

void vault_opened_copy_free(VaultOpenedCopy *copy)
{
    if (copy == NULL)
        return;
    vault_body_reference_wipe(&copy->body);
    vault_value_free(copy->facts);
    g_free(copy);
}

/* Heap bytes that are wiped: a copy's plaintext holds its body's key. */
typedef struct {
    guint8 *bytes;
    gsize len;
} Plaintext;

static void plaintext_clear(Plaintext *plaintext)
{
    if (plaintext->bytes != NULL)
        vault_wipe(plaintext->bytes, plaintext->len);
    g_clear_pointer(&plaintext->bytes, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Plaintext, plaintext_clear)

static gboolean decrypt(VaultReader *reader, const VaultOpenEntry *entry, const ContentSlot *slot,
                        const guint8 *record, const VaultRecordHeader *header,
                        Plaintext *ret_plaintext, GError **error)
{
    const ReaderKey *key = g_hash_table_lookup(reader->keys_by_id, &entry->month_key_id);
    const guint8 *ciphertext = record + header->header_len;
    VaultSpan clear = {record, header->header_len - VAULT_RECORD_CRC_LEN};
    VaultContentContext context = {
        .vault_id = reader->vault_id, .month_key_id = entry->month_key_id, .leaf = entry->leaf};

    if (header->ciphertext_len < VAULT_HPKE_TAG_LEN ||
        vault_crc32c(0, ciphertext, header->ciphertext_len) != header->ciphertext_crc) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT, "copy %s is damaged",
                    VAULT_ID_TEXT(entry->record_id));
        return FALSE;
    }
    ret_plaintext->len = header->ciphertext_len - VAULT_HPKE_TAG_LEN;
    ret_plaintext->bytes = g_malloc(MAX(ret_plaintext->len, 1));
    if (!vault_content_open(&key->granted.content, &key->content_public_key, slot, &context,
                            header->by_kind, &clear, ciphertext, header->ciphertext_len,
                            ret_plaintext->bytes, error)) {
        g_prefix_error(error, "copy %s was altered or is not where it is listed: ",
                       VAULT_ID_TEXT(entry->record_id));
        return FALSE;
    }
    return TRUE;
}

VaultOpenedCopy *vault_reader_open_copy(VaultReader *reader, const VaultOpenEntry *entry,
                                        const ContentSlot *slot, const VaultRecordSource *records,
                                        GError **error)
{
    g_autoptr(VaultOpenedCopy) copy = g_new0(VaultOpenedCopy, 1);
    g_autoptr(GBytes) record = NULL;
    g_auto(Plaintext) plaintext = {0};
    VaultRecordHeader header;
    const guint8 *bytes, *facts;
    gsize len, facts_len;

    if (!vault_reader_covers(reader, entry, error))
        return NULL;
    record = records->fetch(records->user, &entry->record_id, COPY_RECORD_LEN_MAX, error);
    if (record == NULL)
        return NULL;
    bytes = g_bytes_get_data(record, &len);
    if (!vault_reader_parse_header(bytes, len, len, VAULT_RECORD_COPY, &entry->record_id, &header,
                                   error) ||
        !decrypt(reader, entry, slot, bytes, &header, &plaintext, error))
        return NULL;
    if (!vault_copy_content_parse(plaintext.bytes, plaintext.len, &copy->body, &facts, &facts_len,
                                  error)) {
        g_prefix_error(error, "copy %s: ", VAULT_ID_TEXT(entry->record_id));
        return NULL;
    }
    if (!VAULT_ID_EQUAL(copy->body.body_id, entry->body_id)) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
                    "copy %s is of another message than it is listed for",
                    VAULT_ID_TEXT(entry->record_id));
        return NULL;
    }
    copy->received_s = entry->received_s;
    copy->facts = g_byte_array_sized_new((guint)facts_len);
    g_byte_array_append(copy->facts, facts, (guint)facts_len);
    return g_steal_pointer(&copy);
}
