/* The blocks of a file that is written once and read here and there, sealed one by one.
 *
 * HKDF-SHA256(key, salt = file id, info = label) gives the file's key and a commitment, which the
 * file has in the clear and a reader compares first: so another key is told from a damaged file. A
 * block is ChaCha20-Poly1305; nonce = 0 u32 || number u64, AAD = kind u8 || place u64. A file id is
 * random and never used twice, nor is a number within a file. A block that was changed, or that
 * lies at another number or stands for another place, does not open. Whether all blocks of a file
 * are there is the file format's to say.
 * Threads: const functions are safe. Source: docs/formats/case-index.md, section "Blocks".
 */
#pragma once

#include "vault/crypto/hash.h"

#define VAULT_BLOCK_TAG_LEN 16
#define VAULT_BLOCK_COMMITMENT_LEN 32

typedef struct {
    guint64 number; /* in the file */
    guint8 kind;    /* what it holds a part of */
    guint64 place;  /* which part */
} VaultBlockPlace;

typedef struct VaultSealedBlocks VaultSealedBlocks;
VaultSealedBlocks *vault_sealed_blocks_new(const VaultSpan *key, const VaultId *file_id,
                                           const char *label,
                                           guint8 ret_commitment[VAULT_BLOCK_COMMITMENT_LEN]);
void vault_sealed_blocks_free(VaultSealedBlocks *blocks); /* wipes */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultSealedBlocks, vault_sealed_blocks_free)

/* ret_ciphertext has len + VAULT_BLOCK_TAG_LEN bytes and may be the plaintext itself. */
void vault_sealed_blocks_seal(const VaultSealedBlocks *blocks, const VaultBlockPlace *place,
                              const guint8 *plaintext, gsize len, guint8 *ret_ciphertext);
/* `len` with the tag; may be in place. CORRUPT when it is not the block of this place. */
gboolean vault_sealed_blocks_open(const VaultSealedBlocks *blocks, const VaultBlockPlace *place,
                                  const guint8 *ciphertext, gsize len, guint8 *ret_plaintext,
                                  GError **error);
