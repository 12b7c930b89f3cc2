/* What a terms copy's plaintext says: where the terms of the message are, or the terms themselves.
 *
 * version 1, in a terms body: as a copy's (copy_content.h), naming the terms body where a copy
 * names the body; its salt is the body id of the message ‖ 16 zeros, and it has no facts: 256 bytes.
 * version 2, inline:
 *   version u8 (2) | compression u8 | body id 16 | terms length u32 | frame length u32 |
 *   zstd frame, or the terms as they are | zeros
 *
 * Inline the body is that of the message. Whoever opens one compares it with the message that it is
 * listed for: of no other does it give the words. The zeros fill up to the padded length (padding.h) of all
 * before them, at least VAULT_TERMS_INLINE_LEN_MIN, and no further. Pure functions. Errors: CORRUPT
 * (not in one of these forms, terms as they are of another length than they say), UNSUPPORTED (version, compression id), TOO_LARGE (terms over
 * VAULT_TERMS_LEN_MAX, a frame over VAULT_TERMS_INLINE_MAX). Source: docs/formats/record.md,
 * section "Terms".
 */
#pragma once

#include "vault/crypto/copy_content.h"

/* Of the terms of one message, before compression. */
#define VAULT_TERMS_LEN_MAX (64u << 20)
/* Of a frame in a terms copy. */
#define VAULT_TERMS_INLINE_MAX 65536
#define VAULT_TERMS_INLINE_LEN_MIN 128
/* Beside VAULT_COMPRESSION_ZSTD, inline: the frame is the terms themselves. */
#define VAULT_COMPRESSION_STORED 0
/* Of a plaintext: that of the largest frame, padded. */
#define VAULT_TERMS_CONTENT_LEN_MAX 67584

typedef struct {
    gboolean is_inline;
    RecordId message_body_id;
    /* Not inline: the terms body, its salt zeros. */
    VaultBodyReference body;
    /* Inline. */
    guint8 compression;
    guint32 terms_len;
    const guint8 *frame; /* borrowed; from the parser: points into the plaintext */
    gsize frame_len;
} VaultTermsContent;
VAULT_DECLARE_WIPE(VaultTermsContent, vault_terms_content)

/* The caller wipes the array (vault_value_free()). */
GByteArray *vault_terms_content_format(const VaultTermsContent *content, GError **error);
gboolean vault_terms_content_parse(const guint8 *plaintext, gsize len,
                                   VaultTermsContent *ret_content, GError **error);
