/* Inside of the library "seal": the sealer, and a sealed body as its makers fill it. */
#pragma once

#include "vault/seal.h"
#include "vault/seal/compressor.h"

struct VaultSealer {
    VaultId vault_id;
    LocatorKey *locator_key; /* guarded memory */
    SealCompressorPool *compressors;
    int compression_level;
};

struct VaultSealedBody {
    VaultBodyReference reference;
    VaultRecord *record; /* until it is taken */
};

/* A body with fresh record id, key and salt; key and salt are reported to the secrets build. */
VaultSealedBody *seal_body_new(void);
/* Writes the header but for its CRCs; returns the length so far. */
gsize seal_body_format_header(const VaultSealer *sealer, const VaultSealedBody *body,
                              const VaultHash *message_hash, guint64 ciphertext_len,
                              const VaultLocator *locator, guint8 *ret_header);
