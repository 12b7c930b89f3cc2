/* Terms of messages that were archived without any, as a reader gives them to the vault's writer
 * (vault_keep_add_terms()): in clear, so only from one process of the host to the other.
 *
 *   batch   = message*
 *   message = archive id 16 | count u16 | record id of a copy 16, `count` times | length u32 |
 * terms
 *
 * The terms are bytes that the vault does not look into. Pure functions. Errors: MALFORMED (cut
 * short, no copy, no terms), TOO_LARGE (over one of the limits). Source: docs/formats/control.md.
 */
#pragma once

#include "vault/base/id.h"

#define VAULT_TERMS_BATCH_LEN_MAX (32u << 20)
/* Of all messages together: a place each in one index session. */
#define VAULT_TERMS_BATCH_COPIES_MAX 1024

typedef struct {
    RecordId body_id;       /* archive id */
    const RecordId *copies; /* borrowed, as the terms are */
    gsize copy_count;
    const guint8 *terms;
    gsize terms_len;
} VaultTermsAddition;

/* What the message takes of a batch. */
gsize vault_terms_batch_len(const VaultTermsAddition *addition);
/* At least one copy and one byte, within the limits (asserted). */
void vault_terms_batch_append(GByteArray *batch, const VaultTermsAddition *addition);
/* GArray of VaultTermsAddition that borrow from the bytes. */
GArray *vault_terms_batch_parse(const void *bytes, gsize len, GError **error);
