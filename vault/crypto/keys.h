/* Every key and secret of the vault, a struct type for each role, so that the wrong one does not
 * compile; and the suites and roles that their key ids are made of.
 *
 * All are plain bytes that the caller owns. Secrets are declared with g_auto(...) so that leaving
 * the scope wipes them; long-lived ones lie in vault_secret_new() memory.
 * Source: docs/formats/keys.md.
 */
#pragma once

#include "vault/base/error.h"
#include "vault/base/id.h"

/* 0x0001 = DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305 (RFC 9180). */
#define VAULT_SUITE_X25519 0x0001

/* Role of a public key, part of its key id: a key of one role never passes for another. */
typedef enum {
    VAULT_ROLE_CONTENT = 1,
    VAULT_ROLE_INDEX = 2,
    VAULT_ROLE_MASTER = 3,      /* X25519: unwraps */
    VAULT_ROLE_MASTER_SIGN = 4, /* Ed25519: signs grants, policy */
    VAULT_ROLE_READER = 5,
    VAULT_ROLE_LOG = 6, /* Ed25519: signs checkpoints */
    VAULT_ROLE_ESCROW = 7,
} VaultKeyRole;

#define VAULT_KEY_LEN 32
#define VAULT_SIGNATURE_LEN 64

typedef struct {
    guint8 bytes[VAULT_KEY_LEN];
} ContentPublicKey;
typedef struct {
    guint8 bytes[VAULT_KEY_LEN];
} IndexPublicKey;
typedef struct {
    guint8 bytes[VAULT_KEY_LEN];
} MasterPublicKey;
typedef struct {
    guint8 bytes[VAULT_KEY_LEN];
} MasterVerifyKey;
typedef struct {
    guint8 bytes[VAULT_KEY_LEN];
} ReaderPublicKey;
typedef struct {
    guint8 bytes[VAULT_KEY_LEN];
} EscrowPublicKey;
typedef struct {
    guint8 bytes[VAULT_KEY_LEN];
} LogVerifyKey;
typedef struct {
    guint8 bytes[VAULT_KEY_LEN];
} WitnessVerifyKey;
typedef struct {
    guint8 bytes[VAULT_SIGNATURE_LEN];
} VaultSignature;

typedef struct {
    guint8 bytes[VAULT_KEY_LEN];
} ContentSecretKey;
typedef struct {
    guint8 bytes[VAULT_KEY_LEN];
} IndexSecretKey;
typedef struct {
    guint8 bytes[VAULT_KEY_LEN];
} MonthSeed;
typedef struct {
    guint8 bytes[VAULT_KEY_LEN];
} ContentSlot;
typedef struct {
    guint8 bytes[VAULT_KEY_LEN];
} IndexSlot;
typedef struct {
    guint8 bytes[VAULT_KEY_LEN];
} BodyKey;
typedef struct {
    guint8 bytes[VAULT_KEY_LEN];
} BodySalt;
typedef struct {
    guint8 bytes[VAULT_KEY_LEN];
} RowKey;
typedef struct {
    guint8 bytes[VAULT_KEY_LEN];
} LocatorKey;
typedef struct {
    guint8 bytes[VAULT_KEY_LEN];
} DayKey;
typedef struct {
    guint8 bytes[VAULT_KEY_LEN];
} MasterSecretKey; /* X25519 half */
typedef struct {
    guint8 bytes[64];
} MasterSigningKey; /* Ed25519, libsodium's form */
typedef struct {
    guint8 bytes[64];
} LogSigningKey; /* Ed25519, libsodium's form */
typedef struct {
    guint8 bytes[64];
} WitnessSigningKey; /* Ed25519, libsodium's form */
typedef struct {
    guint8 bytes[VAULT_KEY_LEN];
} ReaderSecretKey;

typedef struct {
    guint32 generation; /* from 1 */
    guint8 bytes[VAULT_KEY_LEN];
} VaultKey;

/* With a reader's identity it opens the index of his case, on his disk. */
typedef struct {
    guint8 bytes[VAULT_KEY_LEN];
} CaseKey;

/* Public halves of a mailbox-month. */
typedef struct {
    ContentPublicKey content;
    IndexPublicKey index;
} MonthPublicKeys;

/* A master's or a reader's public halves, as its .pub file carries them. */
typedef struct {
    MasterPublicKey public_key;
    MasterVerifyKey verify_key;
} MasterPublic;

/* Wipes `len` bytes in a way that the compiler keeps. */
void vault_wipe(void *secret, gsize len);
/* Guarded, locked memory (about 45 us each: never per message); vault_secret_free() wipes. */
void *vault_secret_new(gsize len);
void vault_secret_free(void *secret);
void vault_random(void *ret_bytes, gsize len);

/* Must be called once before anything of vault/crypto; aborts when the libraries do not start. */
void vault_crypto_init(void);

#define VAULT_DECLARE_WIPE(Type, prefix)                                                           \
    static inline void prefix##_wipe(Type *secret)                                                 \
    {                                                                                              \
        vault_wipe(secret, sizeof *secret);                                                        \
    }                                                                                              \
    G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Type, prefix##_wipe)

VAULT_DECLARE_WIPE(ContentSecretKey, content_secret_key)
VAULT_DECLARE_WIPE(IndexSecretKey, index_secret_key)
VAULT_DECLARE_WIPE(MonthSeed, month_seed)
VAULT_DECLARE_WIPE(ContentSlot, content_slot)
VAULT_DECLARE_WIPE(IndexSlot, index_slot)
VAULT_DECLARE_WIPE(BodyKey, body_key)
VAULT_DECLARE_WIPE(BodySalt, body_salt)
VAULT_DECLARE_WIPE(RowKey, row_key)
VAULT_DECLARE_WIPE(LocatorKey, locator_key)
VAULT_DECLARE_WIPE(DayKey, day_key)
VAULT_DECLARE_WIPE(MasterSecretKey, master_secret_key)
VAULT_DECLARE_WIPE(MasterSigningKey, master_signing_key)
VAULT_DECLARE_WIPE(LogSigningKey, log_signing_key)
VAULT_DECLARE_WIPE(WitnessSigningKey, witness_signing_key)
VAULT_DECLARE_WIPE(ReaderSecretKey, reader_secret_key)
VAULT_DECLARE_WIPE(VaultKey, vault_key)
VAULT_DECLARE_WIPE(CaseKey, case_key)

/* Key id = first 16 bytes of SHA-256("muniment key id" || suite u16 || role u8 || public key). */
KeyId vault_key_id(VaultKeyRole role, const guint8 public_key[VAULT_KEY_LEN]);
MonthKeyId vault_month_key_id(const ContentPublicKey *content);

/* In the secret-reporting test build: appends "<role> <hex>" to the file named by the environment
 * variable MUNIMENT_SECRETS_FILE, so that a test can look for the bytes afterwards. In every other
 * build this is nothing, and neither the name nor the code is in the binary. */
#ifdef MUNIMENT_REPORT_SECRETS
void vault_report_secret(const char *role, const void *secret, gsize len);
#else
#define vault_report_secret(role, secret, len) ((void)0)
#endif
