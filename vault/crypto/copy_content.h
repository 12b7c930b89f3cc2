/* What a copy record's plaintext says: how to open its body, and the facts of this owner's copy.
 *
 *   version u8 (1) | compression u8 | body key 32 | body id 16 | body record hash 32 |
 *   message length u64 | compressed length u64 | salt 32 | facts | zeros
 *
 * The fixed fields are 130 bytes. The zeros fill up to a multiple of 128, at least 256, and no
 * further; no fact has type 0, so they end the facts. Unknown fact types are kept. Pure functions.
 * Errors: CORRUPT (a field is missing, a fact goes past the end, another padding), UNSUPPORTED
 * (version, compression id), TOO_LARGE (facts over VAULT_COPY_FACTS_LEN_MAX, a plaintext over
 * VAULT_COPY_LEN_MAX). Source: docs/formats/record.md, section "Copy".
 */
#pragma once

#include "vault/crypto/hash.h"

#define VAULT_COMPRESSION_ZSTD 1
#define VAULT_COPY_FACTS_LEN_MAX (1u << 20)
#define VAULT_COPY_PADDING 128
#define VAULT_COPY_LEN_MIN 256
#define VAULT_COPY_LEN_MAX (VAULT_COPY_FACTS_LEN_MAX + 4096)

/* Facts: u16 type, u32 length, value. UTF-8 or envelope bytes unless said otherwise. */
typedef enum {
    VAULT_FACT_SENDER = 1,    /* envelope sender; empty = null sender */
    VAULT_FACT_RECIPIENT = 2, /* envelope recipient of this owner, once per recipient */
    VAULT_FACT_ROLE = 3,      /* u8 VaultOwnerRole */
    VAULT_FACT_SOURCE = 4,    /* "lmtp" or "import:<format>" */
    VAULT_FACT_FOLDER = 5,
    VAULT_FACT_KEYWORDS = 6,      /* IMAP flags, space between: "\Seen \Answered" */
    VAULT_FACT_INTERNAL_DATE = 7, /* u64 s */
    VAULT_FACT_EVIDENCE = 8,
    VAULT_FACT_OWNER_ADDRESS = 9, /* normalised address that made the mailbox an owner */
} VaultFact;

typedef enum {
    VAULT_OWNER_RECIPIENT = 1,
    VAULT_OWNER_SENDER = 2,
    VAULT_OWNER_UNASSIGNED = 3,
    VAULT_OWNER_IMPORT = 4,
} VaultOwnerRole;

typedef struct {
    BodyKey key;
    RecordId body_id;
    VaultHash body_hash; /* record hash of the body */
    guint64 message_len;
    guint64 compressed_len; /* of the zstd frame, before the zeros */
    guint8 compression;
    BodySalt salt; /* of the message commitment */
} VaultBodyReference;
VAULT_DECLARE_WIPE(VaultBodyReference, vault_body_reference)

/* `len` at most VAULT_COPY_FACTS_LEN_MAX (asserted). */
void vault_fact_append(GByteArray *facts, VaultFact type, const void *value, gsize len);

/* Walks TLVs: offset from 0; FALSE at the end, or where no whole fact stands. */
gboolean vault_fact_next(const guint8 *facts, gsize len, gsize *offset, guint16 *ret_type,
                         const guint8 **ret_value, gsize *ret_len);

/* The caller wipes the array (vault_value_free()). `facts` are whole ones (asserted). */
GByteArray *vault_copy_content_format(const VaultBodyReference *body, const guint8 *facts,
                                      gsize facts_len, GError **error);
/* ret_facts points into `plaintext`. */
gboolean vault_copy_content_parse(const guint8 *plaintext, gsize len, VaultBodyReference *ret_body,
                                  const guint8 **ret_facts, gsize *ret_facts_len, GError **error);

/* Message commitment = SHA-256(salt || SHA-256(message)). */
void vault_message_commitment(const BodySalt *salt, const VaultHash *message_hash,
                              guint8 ret_commitment[VAULT_HASH_LEN]);
