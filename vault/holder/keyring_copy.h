/* What stands behind the keyring in a copy of it: whose it is, of which vault key, when, and its
 * hash. A copy is the SQLite file as it is, then these 112 bytes, which SQLite passes over: it
 * opens like any keyring. Pure. Errors: MALFORMED (none of ours, or damaged), UNSUPPORTED (later
 * version). Source: docs/formats/keyring-copy.md.
 */
#pragma once

#include "vault/crypto/key_files.h"

#define VAULT_KEYRING_COPY_TRAILER_LEN 112

typedef struct {
    VaultId vault_id;
    RowId place_id;     /* of the place it was written to: two disks that take turns differ */
    VaultKeyDigest key; /* that it is sealed under */
    guint64 time_s;
    guint64 keyring_len;
    VaultHash hash; /* of the keyring */
} VaultKeyringCopy;

void vault_keyring_copy_format(const VaultKeyringCopy *copy,
                               guint8 ret_bytes[VAULT_KEYRING_COPY_TRAILER_LEN]);
gboolean vault_keyring_copy_parse(const guint8 *bytes, gsize len, VaultKeyringCopy *ret_copy,
                                  GError **error);
