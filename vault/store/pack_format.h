/* What a pack holds besides records' own headers: commit records, the index and its trailer.
 * (The pack header's functions are in pack_reader.h.) Pure functions on bytes; every length and
 * offset that comes from outside is checked before it is used. Internal to vault/store.
 * Errors: CORRUPT. Source: docs/formats/pack.md.
 */
#pragma once

#include "vault/store/pack_reader.h"

#define VAULT_PACK_COMMIT_PAYLOAD_LEN 68
#define VAULT_PACK_COMMIT_LEN                                                                      \
    (VAULT_RECORD_FIXED_LEN + VAULT_RECORD_CRC_LEN + VAULT_PACK_COMMIT_PAYLOAD_LEN)

#define VAULT_PACK_INDEX_ENTRY_LEN 57
#define VAULT_PACK_TRAILER_HEAD_LEN 12
#define VAULT_PACK_FOOTER_LEN 48
/* Records in one pack, so that its index fits in memory (57 bytes each). */
#define VAULT_PACK_RECORDS_MAX (1u << 22)
/* Offsets in an index are 32 bits; a grouped pack stays well below that. */
#define VAULT_PACK_SIZE_MAX (G_GUINT64_CONSTANT(2) << 30)
#define VAULT_DELIVERY_LEN_MAX (1u << 30)

/* Names end so until the file is whole: a crash leaves nothing under a real name half-written. */
#define VAULT_PACK_DRAFT_SUFFIX ".draft"
#define VAULT_PACK_GROUPED_SUFFIX ".pack"
#define VAULT_PACK_STREAM_SUFFIX ".stream"
#define VAULT_PACK_COMPACTED_SUFFIX ".compacted"

/* Packs that one compacted pack names as replaced, those that its own sources replaced included. */
#define VAULT_PACK_REPLACED_MAX (1u << 20)
/* Ids, their hash, record hashes, their hash: what lies between groups and trailer. */
#define VAULT_PACK_LIST_LEN(replaced_count, dropped_count)                                         \
    ((guint64)(replaced_count)*VAULT_ID_LEN + VAULT_HASH_LEN +                                     \
     (guint64)(dropped_count)*VAULT_HASH_LEN + VAULT_HASH_LEN)

typedef struct {
    PackId pack_id;
    guint64 start; /* offset of the group's first record */
    guint64 len;   /* of its records; the commit record stands at start + len */
    guint32 count;
    VaultHash hash; /* SHA-256 over the record hashes, in order */
} VaultPackCommit;

void vault_pack_commit_format(const VaultPackCommit *commit, const RecordId *record_id,
                              guint8 ret_record[VAULT_PACK_COMMIT_LEN]);
/* FALSE: no whole, unharmed commit record stands at the start of `bytes`. */
gboolean vault_pack_commit_parse(const guint8 *bytes, gsize len, VaultPackCommit *ret_commit);

typedef struct {
    RecordId record_id;
    guint8 kind;
    guint32 offset;
    guint32 len;
    VaultHash hash; /* record hash */
} VaultPackIndexEntry;

/* `index`: entries in the order of their offsets, as they are stored. */
void vault_pack_index_append(GByteArray *index, const VaultPackIndexEntry *entry);
/* Entry number `number` of an index that vault_pack_trailer_parse() accepted. */
void vault_pack_index_read(const guint8 *entries, gsize number, VaultPackIndexEntry *ret_entry);

/* The whole trailer (head, index, footer) of a pack whose groups end at `start`. */
GByteArray *vault_pack_trailer_format(const guint8 pack_header[VAULT_PACK_HEADER_LEN],
                                      const GByteArray *index, guint64 start);
/* Where the trailer starts that the last VAULT_PACK_FOOTER_LEN bytes of a file speak of, 0 when
 * they speak of none that could be. */
guint64 vault_pack_footer_parse(const guint8 footer[VAULT_PACK_FOOTER_LEN], guint64 file_len);
/* Checks hash, order and bounds of a whole trailer read from `start`. */
gboolean vault_pack_trailer_parse(const guint8 pack_header[VAULT_PACK_HEADER_LEN],
                                  const guint8 *trailer, gsize len, guint64 start,
                                  const guint8 **ret_entries, gsize *ret_count, GError **error);
