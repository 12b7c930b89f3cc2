/* Inside of the library "open": what reader.c, copy.c, body.c and terms.c share. Not for others:
 * the interface is vault/open.h. */
#pragma once

#include "vault/act/grant_file.h"
#include "vault/open.h"

/* A granted key, its public half and where it counts. */
typedef struct {
    VaultGrantedKey granted;
    ContentPublicKey content_public_key;
} ReaderKey;

struct VaultReader {
    VaultId vault_id;
    ReaderKey *keys; /* guarded memory */
    gsize key_count;
    GHashTable *keys_by_id; /* MonthKeyId in `keys` -> ReaderKey */
    guint64 from_s, to_s;
    GHashTable *messages; /* set of RecordId; NULL = all */
    GMutex lock;
    GPtrArray *idle; /* VaultUnpacker, under the lock */
};

/* What opening one body needs and the next one can use again: zstd's context, buffers, hashers. */
typedef struct VaultUnpacker VaultUnpacker;
void vault_unpacker_free(VaultUnpacker *unpacker);

/* The header of a fetched record, checked against what it is expected to be. CORRUPT. */
gboolean vault_reader_parse_header(const guint8 *bytes, gsize len, guint64 record_len,
                                   VaultRecordKind kind, const RecordId *record_id,
                                   VaultRecordHeader *ret_header, GError **error);

/* Is this within the reader's scope? `half`: what the grant has to give of the month. REFUSED. */
gboolean vault_reader_covers_half(VaultReader *reader, const VaultOpenEntry *entry,
                                  VaultGrantHalves half, GError **error);
/* zstd's memory, wiped when it is given back: it keeps plaintext. A ZSTD_DCtx. */
struct ZSTD_DCtx_s *vault_unpacker_new_zstd(void);
/* A terms body that an opened terms copy names; nothing of it is proved whole until this returns
 * TRUE. */
gboolean vault_reader_open_terms_body(VaultReader *reader, const VaultBodyReference *terms_body,
                                      const VaultRecordSource *records, VaultMessageSink sink,
                                      gpointer user, GError **error);
