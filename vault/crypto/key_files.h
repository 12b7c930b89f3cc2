/* The key files people keep: master and master.pub, reader NAME.key and NAME.pub, the vault key.
 *
 * Each has a one-line type and version, then "name: value" lines; unknown types, versions and lines
 * are refused, so that no file of one role passes for another. Formats: docs/formats/key-files.md.
 * Errors: MALFORMED (not such a file, or a damaged one), UNSUPPORTED (later version), NO_KEY (wrong
 * passphrase), TOO_LARGE (file, passphrase or its cost). Parse functions are pure and leave their
 * outputs unspecified when they fail; reading and writing files is the caller's. Formatted files
 * with secrets are given back with vault_key_text_free(), which wipes them.
 */
#pragma once

#include "vault/crypto/hash.h"

#define VAULT_KEY_FILE_LEN_MAX 65536
#define VAULT_PASSPHRASE_LEN_MAX 1024
#define VAULT_PASSPHRASE_MEMORY_KIB_MIN 8
#define VAULT_PASSPHRASE_MEMORY_KIB_MAX (1024 * 1024)
#define VAULT_PASSPHRASE_PASSES_MAX 64
#define VAULT_IDENTITY_NAME_LEN_MAX 127

void vault_key_text_free(char *text);

/* The master's secret: one seed, both halves by labelled HKDF. */
typedef struct {
    guint8 seed[32];
    MasterSecretKey secret_key;
    MasterSigningKey signing_key;
    MasterPublic public;
} VaultMaster;
VAULT_DECLARE_WIPE(VaultMaster, vault_master)

typedef struct {
    guint32 memory_kib; /* Argon2id; 0 = the default of 256 MiB */
    guint32 passes;     /* 0 = 3 */
} VaultPassphraseCost;

void vault_master_create(VaultMaster *ret_master);
void vault_master_from_seed(const guint8 seed[32], VaultMaster *ret_master);
/* REFUSED for an empty passphrase, TOO_LARGE for one over VAULT_PASSPHRASE_LEN_MAX bytes or a cost
 * out of bounds, BUSY when the memory is not free. `cost` NULL = the defaults. Takes about a
 * second.
 */
char *vault_master_format(const VaultMaster *master, const char *passphrase, gsize passphrase_len,
                          const VaultPassphraseCost *cost, GError **error);
gboolean vault_master_parse(const char *text, const char *passphrase, gsize passphrase_len,
                            VaultMaster *ret_master, GError **error);

char *vault_master_public_format(const MasterPublic *master);
gboolean vault_master_public_parse(const char *text, MasterPublic *ret_master, GError **error);
/* Short text for reading aloud: groups of a SHA-256 over both public keys. */
char *vault_master_fingerprint(const MasterPublic *master);
KeyId vault_master_key_id(const MasterPublic *master);

typedef struct {
    ReaderSecretKey secret_key;
    ReaderPublicKey public_key;
    char name[VAULT_IDENTITY_NAME_LEN_MAX + 1];
} VaultIdentity;
VAULT_DECLARE_WIPE(VaultIdentity, vault_identity)

/* `name` is UTF-8 without control characters (those that turn the direction of text among them),
 * 1..127 bytes; else MALFORMED. */
gboolean vault_identity_create(const char *name, VaultIdentity *ret_identity, GError **error);
char *vault_identity_format(const VaultIdentity *identity);
gboolean vault_identity_parse(const char *text, VaultIdentity *ret_identity, GError **error);
char *vault_identity_public_format(const VaultIdentity *identity);
gboolean vault_identity_public_parse(const char *text, ReaderPublicKey *ret_key, char **ret_name,
                                     GError **error);
KeyId vault_reader_key_id(const ReaderPublicKey *key);

/* A vault-key file holds generations in rising order: one; two while it is being replaced; three
 * when the oldest is of the last pair off the vault's disk (docs/decisions/0013). */
#define VAULT_KEY_GENERATIONS_MAX 3
/* Which vault key it is, without telling it: generation and first 16 bytes of a SHA-256. Two of one
 * generation are not the same key when a roll was given up and done again. */
#define VAULT_KEY_DIGEST_LEN 16
typedef struct {
    guint32 generation;
    guint8 digest[VAULT_KEY_DIGEST_LEN];
} VaultKeyDigest;
VaultKeyDigest vault_key_digest(const VaultId *vault_id, const VaultKey *key);
gboolean vault_key_digest_equal(const VaultKeyDigest *a, const VaultKeyDigest *b);

char *vault_key_file_format(const VaultId *vault_id, const VaultKey *keys, gsize count);
gboolean vault_key_file_parse(const char *text, VaultId *ret_vault_id,
                              VaultKey ret_keys[VAULT_KEY_GENERATIONS_MAX], gsize *ret_count,
                              GError **error);

/* Ed25519 over "muniment <purpose>\0" || text: a signature for one purpose is none for another. */
void vault_master_sign(const MasterSigningKey *key, const char *purpose, const void *text,
                       gsize len, VaultSignature *ret_signature);
gboolean vault_master_verify(const MasterVerifyKey *key, const char *purpose, const void *text,
                             gsize len, const VaultSignature *signature);

void vault_log_key_create(LogSigningKey *ret_signing, LogVerifyKey *ret_verify);

/* A witness's key and the name that it cosigns under: 1..127 bytes, else MALFORMED. Whether a note
 * can bear the name is vault/log/note_key.h's to say. The name is a new string. */
char *vault_witness_key_format(const char *name, const WitnessSigningKey *key, GError **error);
gboolean vault_witness_key_parse(const char *text, char **ret_name, WitnessSigningKey *ret_key,
                                 GError **error);

/* HPKE mode_base to a reader, info = "muniment <purpose>\0" || key id: grants (and later releases).
 * Sealed = encapsulation 32 || ciphertext || tag 16. REFUSED for a key of small order; NO_KEY when
 * it does not open under this identity, purpose and aad. The opened array is freed with
 * vault_value_free(). */
GBytes *vault_reader_seal(const ReaderPublicKey *key, const char *purpose, const VaultSpan *aad,
                          const void *plaintext, gsize len, GError **error);
GByteArray *vault_reader_open(const VaultIdentity *identity, const char *purpose,
                              const VaultSpan *aad, const void *sealed, gsize len, GError **error);
