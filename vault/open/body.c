/* Opening bodies, and terms bodies, which are sealed as those: whole ones in one read, hashed
 * before anything of them is believed; larger ones chunk by chunk, hashed on the way, so that
 * memory stays small. */
#include "vault/open/reader.h"
#include "vault/open/unpacker.h"

/* Compressed length up to which a body is read in one piece; the padding adds an eighth at most. */
#define WHOLE_COMPRESSED_LEN_MAX (1u << 20)
#define WHOLE_RECORD_LEN_MAX (2 * WHOLE_COMPRESSED_LEN_MAX)
#define CHUNK_LEN (VAULT_STREAM_CHUNK_LEN + VAULT_STREAM_TAG_LEN)

typedef struct {
    VaultRecordKind kind;
    const VaultBodyReference *body;
    VaultRecordHeader header;
    VaultUnpacker *unpacker;
    VaultMessageSink sink;
    gpointer user;
    VaultOpenedBody *opened;
} Opening;

static VaultUnpacker *take_unpacker(VaultReader *reader)
{
    VaultUnpacker *unpacker = NULL;

    g_mutex_lock(&reader->lock);
    if (reader->idle->len > 0)
        unpacker = g_ptr_array_steal_index_fast(reader->idle, reader->idle->len - 1);
    g_mutex_unlock(&reader->lock);
    return unpacker != NULL ? unpacker : vault_unpacker_new();
}

static void give_back_unpacker(VaultReader *reader, VaultUnpacker *unpacker)
{
    g_mutex_lock(&reader->lock);
    g_ptr_array_add(reader->idle, unpacker);
    g_mutex_unlock(&reader->lock);
}

/* The record hash in the copy binds the header, and with it the commitment and the id. */
static gboolean check_record_hash(Opening *opening, const guint8 *header,
                                  const VaultHash *ciphertext_hash, GError **error)
{
    VaultHash hash;

    vault_record_hash(header, opening->header.header_len, ciphertext_hash, &hash);
    if (memcmp(hash.bytes, opening->body->body_hash.bytes, VAULT_HASH_LEN) == 0) {
        memcpy(opening->opened->header, header, opening->header.header_len);
        opening->opened->header_len = opening->header.header_len;
        opening->opened->ciphertext_hash = *ciphertext_hash;
        return TRUE;
    }
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
                        "the body is damaged, or not the one that was archived");
    return FALSE;
}

static gboolean is_last_chunk(guint64 left)
{
    return left <= CHUNK_LEN;
}

static gboolean check_length(const Opening *opening, GError **error)
{
    if (opening->header.ciphertext_len >= VAULT_STREAM_COMMITMENT_LEN + VAULT_STREAM_TAG_LEN)
        return TRUE;
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_CORRUPT, "the body is cut short");
    return FALSE;
}

static gboolean open_whole(Opening *opening, const VaultRecordSource *records, GError **error)
{
    const VaultBodyReference *body = opening->body;
    g_autoptr(GBytes) record =
        records->fetch(records->user, &body->body_id, WHOLE_RECORD_LEN_MAX, error);
    const guint8 *bytes, *next;
    guint64 left;
    VaultHash ciphertext_hash;
    gsize len;

    if (record == NULL)
        return FALSE;
    bytes = g_bytes_get_data(record, &len);
    if (!vault_reader_parse_header(bytes, len, len, opening->kind, &body->body_id, &opening->header,
                                   error) ||
        !check_length(opening, error))
        return FALSE;
    next = bytes + opening->header.header_len;
    left = opening->header.ciphertext_len;
    vault_hash(next, left, &ciphertext_hash);
    if (!check_record_hash(opening, bytes, &ciphertext_hash, error) ||
        !vault_unpacker_begin(opening->unpacker, opening->kind, body, next, opening->sink,
                              opening->user, error))
        return FALSE;
    next += VAULT_STREAM_COMMITMENT_LEN;
    left -= VAULT_STREAM_COMMITMENT_LEN;
    for (; !is_last_chunk(left); next += CHUNK_LEN, left -= CHUNK_LEN) {
        if (!vault_unpacker_chunk(opening->unpacker, next, CHUNK_LEN, VAULT_STREAM_MORE, error))
            return FALSE;
    }
    return vault_unpacker_chunk(opening->unpacker, next, left, VAULT_STREAM_LAST, error) &&
           vault_unpacker_finish(opening->unpacker, &opening->opened->message_hash, error);
}

/* Reads parts of a record in order and hashes them. */
typedef struct {
    const VaultRecordSource *records;
    const RecordId *record_id;
    guint64 offset;
    VaultHasher *hasher;
} PartReader;

static gboolean read_part(PartReader *part, gsize len, guint8 *ret_bytes, GError **error)
{
    if (!part->records->read(part->records->user, part->record_id, part->offset, len, ret_bytes,
                             error))
        return FALSE;
    part->offset += len;
    vault_hasher_update(part->hasher, ret_bytes, len);
    return TRUE;
}

static gboolean open_chunks(Opening *opening, PartReader *part, GError **error)
{
    g_autofree guint8 *chunk = g_malloc(CHUNK_LEN);
    guint64 left = opening->header.ciphertext_len - VAULT_STREAM_COMMITMENT_LEN;

    if (!read_part(part, VAULT_STREAM_COMMITMENT_LEN, chunk, error) ||
        !vault_unpacker_begin(opening->unpacker, opening->kind, opening->body, chunk, opening->sink,
                              opening->user, error))
        return FALSE;
    for (; !is_last_chunk(left); left -= CHUNK_LEN) {
        if (!read_part(part, CHUNK_LEN, chunk, error) ||
            !vault_unpacker_chunk(opening->unpacker, chunk, CHUNK_LEN, VAULT_STREAM_MORE, error))
            return FALSE;
    }
    return read_part(part, left, chunk, error) &&
           vault_unpacker_chunk(opening->unpacker, chunk, left, VAULT_STREAM_LAST, error);
}

static gboolean open_streamed(Opening *opening, const VaultRecordSource *records, GError **error)
{
    const RecordId *body_id = &opening->body->body_id;
    gsize header_len = vault_record_header_len(opening->kind);
    g_autoptr(VaultHasher) hasher = vault_hasher_new();
    guint8 header[VAULT_RECORD_HEADER_LEN_MAX];
    PartReader part = {
        .records = records, .record_id = body_id, .offset = header_len, .hasher = hasher};
    VaultHash ciphertext_hash;
    guint64 len;

    if (!records->length(records->user, body_id, &len, error) ||
        !records->read(records->user, body_id, 0, header_len, header, error) ||
        !vault_reader_parse_header(header, header_len, len, opening->kind, body_id,
                                   &opening->header, error) ||
        !check_length(opening, error) || !open_chunks(opening, &part, error) ||
        !vault_unpacker_finish(opening->unpacker, &opening->opened->message_hash, error))
        return FALSE;
    vault_hasher_finish(hasher, &ciphertext_hash);
    return check_record_hash(opening, header, &ciphertext_hash, error);
}

static gboolean check_message_commitment(const Opening *opening, GError **error)
{
    guint8 commitment[VAULT_HASH_LEN];

    vault_message_commitment(&opening->body->salt, &opening->opened->message_hash, commitment);
    if (memcmp(commitment, opening->header.by_kind, VAULT_HASH_LEN) == 0)
        return TRUE;
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
                        "the message is not the one that its record commits to");
    return FALSE;
}

static gboolean open_body(VaultReader *reader, Opening *opening, const VaultRecordSource *records,
                          GError **error)
{
    gboolean is_whole = opening->body->compressed_len <= WHOLE_COMPRESSED_LEN_MAX;
    gboolean is_open;

    opening->unpacker = take_unpacker(reader);
    is_open =
        is_whole ? open_whole(opening, records, error) : open_streamed(opening, records, error);
    give_back_unpacker(reader, opening->unpacker);
    return is_open;
}

gboolean vault_reader_open_body_proved(VaultReader *reader, const VaultOpenedCopy *copy,
                                       const VaultRecordSource *records, VaultMessageSink sink,
                                       gpointer user, VaultOpenedBody *ret_body, GError **error)
{
    Opening opening = {.kind = VAULT_RECORD_BODY,
                       .body = &copy->body,
                       .sink = sink,
                       .user = user,
                       .opened = ret_body};

    if (open_body(reader, &opening, records, error) && check_message_commitment(&opening, error))
        return TRUE;
    g_prefix_error(error, "message %s: ", VAULT_ID_TEXT(copy->body.body_id));
    return FALSE;
}

gboolean vault_reader_open_terms_body(VaultReader *reader, const VaultBodyReference *terms_body,
                                      const VaultRecordSource *records, VaultMessageSink sink,
                                      gpointer user, GError **error)
{
    VaultOpenedBody opened;
    Opening opening = {.kind = VAULT_RECORD_TERMS_BODY,
                       .body = terms_body,
                       .sink = sink,
                       .user = user,
                       .opened = &opened};

    return open_body(reader, &opening, records, error);
}

gboolean vault_reader_open_body(VaultReader *reader, const VaultOpenedCopy *copy,
                                const VaultRecordSource *records, VaultMessageSink sink,
                                gpointer user, VaultHash *ret_hash, GError **error)
{
    VaultOpenedBody opened;

    if (!vault_reader_open_body_proved(reader, copy, records, sink, user, &opened, error))
        return FALSE;
    *ret_hash = opened.message_hash;
    return TRUE;
}
