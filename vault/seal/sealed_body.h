/* Inside of the library "seal": the sealer, and a sealed body as its makers fill it. */
#pragma once

#include "vault/seal.h"
#include "vault/seal/compressor.h"

/* Of streams. Smaller than zstd -3 would choose: one is to stay below 2 MiB, and what makes a
 * message large is encoded attachments, which find nothing far back. */
#define SEAL_STREAM_WINDOW_LOG 19

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

/* A zstd frame as its compressor gave it, to become the ciphertext of a body or terms body. */
typedef struct {
    VaultRecordKind kind;
    guint8 *bytes; /* with room for the zeros that follow: seal_padding_room() */
    gsize len;
} SealFrame;
gsize seal_padding_room(VaultRecordKind kind, gsize plain_len);
/* Pads the frame and seals it under the body's key: a new block with room for the header before the
 * ciphertext. Sets the body's compressed length. */
guint8 *seal_frame(VaultSealedBody *body, const SealFrame *frame, gsize *ret_ciphertext_len,
                   GError **error);

/* Writes the header in front of what seal_frame() gave, and makes the body's record of it: takes
 * over the bytes. */
void seal_body_finish(const VaultSealer *sealer, VaultSealedBody *body,
                      const VaultRecordHeader *header, const VaultLocator *locator, guint8 *bytes);

/* A record whose header lies in `bytes` up to its CRCs, its ciphertext behind: takes over the
 * bytes, adds the CRCs, hashes. */
VaultRecord *seal_finish_record(const VaultRecordHeader *header, const VaultLocator *locator,
                                guint8 *bytes, gsize clear_len);
