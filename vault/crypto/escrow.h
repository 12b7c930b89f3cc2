/* The escrow key: offline, with other people than the master's. A vault key that is sealed to it
 * lies in an escrow file, which the host can write and cannot open.
 *
 * Escrow and master never meet: who has both and an old backup opens everything, unlogged. So the
 * escrow key is a pair of its own, made as the master's is under labels of its own, and neither
 * compiles nor parses as one. Formats: docs/formats/escrow.md, docs/formats/key-files.md. Errors as
 * in key_files.h: MALFORMED, UNSUPPORTED, NO_KEY, TOO_LARGE, REFUSED. Pure functions.
 */
#pragma once

#include "vault/crypto/key_files.h"

/* The pair, and an Ed25519 pair that signs the sheets of its shares. */
typedef struct {
    VaultMaster pair;
} VaultEscrow;
VAULT_DECLARE_WIPE(VaultEscrow, vault_escrow)
typedef struct {
    MasterPublic pair;
} VaultEscrowPublic;

void vault_escrow_create(VaultEscrow *ret_escrow);
void vault_escrow_from_seed(const guint8 seed[32], VaultEscrow *ret_escrow);
VaultEscrowPublic vault_escrow_public(const VaultEscrow *escrow);
EscrowPublicKey vault_escrow_public_key(const VaultEscrowPublic *escrow);

char *vault_escrow_format(const VaultEscrow *escrow, const char *passphrase, gsize passphrase_len,
                          const VaultPassphraseCost *cost, GError **error);
gboolean vault_escrow_parse(const char *text, const char *passphrase, gsize passphrase_len,
                            VaultEscrow *ret_escrow, GError **error);
char *vault_escrow_public_format(const VaultEscrowPublic *escrow);
gboolean vault_escrow_public_parse(const char *text, VaultEscrowPublic *ret_escrow, GError **error);
char *vault_escrow_fingerprint(const VaultEscrowPublic *escrow);

/* ---- vault keys in escrow ---------------------------------------------------------------------
 */

/* Encapsulation 32, ciphertext 32, tag 16. */
#define VAULT_ESCROW_SEALED_LEN 80
typedef struct {
    VaultKeyDigest key; /* the host sees by it which one lies here */
    guint8 sealed[VAULT_ESCROW_SEALED_LEN];
} VaultEscrowedKey;

/* Generations of one vault, in rising order, sealed to one escrow key. None: all were destroyed. */
typedef struct {
    VaultId vault_id;
    EscrowPublicKey escrow_key;
    VaultEscrowedKey keys[VAULT_KEY_GENERATIONS_MAX];
    gsize count;
} VaultEscrowFile;

/* REFUSED: the escrow key is of small order. */
gboolean vault_escrow_seal(const EscrowPublicKey *escrow_key, const VaultId *vault_id,
                           const VaultKey *key, VaultEscrowedKey *ret_sealed, GError **error);
/* All generations of the file. NO_KEY: sealed to another escrow key, or changed. */
gboolean vault_escrow_open(const VaultEscrow *escrow, const VaultEscrowFile *file,
                           VaultKey ret_keys[VAULT_KEY_GENERATIONS_MAX], GError **error);

char *vault_escrow_file_format(const VaultEscrowFile *file);
gboolean vault_escrow_file_parse(const char *text, VaultEscrowFile *ret_file, GError **error);
