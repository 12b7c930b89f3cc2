#include "vault/crypto/slip39_internal.h"

#include "vault/base/bytes.h"

#include <openssl/evp.h>
#include <string.h>

#define ROUNDS 4
#define ROUND_ITERATIONS 2500
#define SALT_LABEL "shamir"
#define HALF_LEN_MAX (VAULT_SLIP39_SECRET_LEN_MAX / 2)

typedef struct {
    guint8 bytes[sizeof(SALT_LABEL) - 1 + sizeof(guint16) + HALF_LEN_MAX];
    gsize len;
} Salt;
VAULT_DECLARE_WIPE(Salt, salt)

/* An extendable set has no identifier in its salt, so that later sets of other identifiers give the
 * same secret. */
static void salt_set(Salt *salt, const Slip39Cipher *cipher, const guint8 *half, gsize half_len)
{
    gsize label_len = sizeof(SALT_LABEL) - 1;

    salt->len = 0;
    if (!cipher->is_extendable) {
        memcpy(salt->bytes, SALT_LABEL, label_len);
        vault_bytes_put_u16(salt->bytes + label_len, cipher->identifier);
        salt->len = label_len + sizeof(guint16);
    }
    memcpy(salt->bytes + salt->len, half, half_len);
    salt->len += half_len;
}

static void round_function(const Slip39Cipher *cipher, guint8 round, const guint8 *half,
                           gsize half_len, guint8 *ret)
{
    const char *passphrase = cipher->passphrase != NULL ? cipher->passphrase : "";
    gsize password_len = 1 + strlen(passphrase);
    g_auto(Salt) salt;
    char *password = vault_secret_new(password_len);

    password[0] = (char)round;
    memcpy(password + 1, passphrase, password_len - 1);
    salt_set(&salt, cipher, half, half_len);
    if (PKCS5_PBKDF2_HMAC(password, (int)password_len, salt.bytes, (int)salt.len,
                          ROUND_ITERATIONS << cipher->iteration_exponent, EVP_sha256(),
                          (int)half_len, ret) != 1)
        g_error("PBKDF2 failed");
    vault_secret_free(password);
}

void slip39_cipher_apply(const Slip39Cipher *cipher, Slip39Direction direction,
                         VaultSlip39Secret *secret)
{
    gsize half_len = secret->len / 2;
    guint8 *left = secret->bytes, *right = secret->bytes + half_len;
    guint8 mask[HALF_LEN_MAX], swap[HALF_LEN_MAX];

    for (guint8 i = 0; i < ROUNDS; i++) {
        guint8 round = direction == SLIP39_ENCRYPT ? i : (guint8)(ROUNDS - 1 - i);

        round_function(cipher, round, right, half_len, mask);
        for (gsize at = 0; at < half_len; at++)
            mask[at] ^= left[at];
        memcpy(left, right, half_len);
        memcpy(right, mask, half_len);
    }
    memcpy(swap, left, half_len);
    memcpy(left, right, half_len);
    memcpy(right, swap, half_len);
    vault_wipe(mask, sizeof mask);
    vault_wipe(swap, sizeof swap);
}
