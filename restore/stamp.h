/* Time stamps of RFC 3161 on checkpoints: that an authority saw these bytes at that time. What is
 * stamped is the SHA-256 of a signed checkpoint, every byte of its file.
 *
 * Errors: MALFORMED (no response, or one that was not granted, is of other bytes or another query,
 * or whose signature the authority's certificates do not bear out), NOT_FOUND and IO (files),
 * UNSUPPORTED (another hash). Threads: safe. Source: RFC 3161; OpenSSL's ts(1) reads and makes the
 * same files.
 */
#pragma once

#include "vault/crypto/hash.h"

#define STAMP_LEN_MAX (256 * 1024)

/* A query as a file (DER), with a random nonce; it asks for the authority's certificate. */
GBytes *stamp_query_new(const VaultHash *imprint);

typedef struct {
    guint64 time_s;
    VaultHash imprint;
} Stamp;

/* What a response says; nobody's signature is checked. */
gboolean stamp_read(GBytes *response, Stamp *ret_stamp, GError **error);
/* That it answers this query: imprint and nonce. */
gboolean stamp_answers(GBytes *response, GBytes *query, GError **error);
/* That an authority whose certificate leads to one in `ca_path` (PEM) signed it; certificates are
 * judged as of the time of the stamp. */
gboolean stamp_verify(GBytes *response, const VaultHash *imprint, const char *ca_path,
                      GError **error);
