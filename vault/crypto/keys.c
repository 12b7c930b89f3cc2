#include "vault/crypto/keys.h"

#include "vault/base/bytes.h"
#include "vault/crypto/hash_internal.h"

#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <unistd.h>

void vault_wipe(void *secret, gsize len)
{
    sodium_memzero(secret, len);
}

void *vault_secret_new(gsize len)
{
    /* Guarded memory ends at a page boundary: without rounding, structs in it would be unaligned.
     */
    gsize rounded = (len + 15) & ~(gsize)15;
    void *secret = sodium_malloc(rounded);

    if (secret == NULL)
        g_error("no memory for a key of %" G_GSIZE_FORMAT " bytes", len);
    memset(secret, 0, rounded);
    return secret;
}

void vault_secret_free(void *secret)
{
    sodium_free(secret);
}

void vault_random(void *ret_bytes, gsize len)
{
    randombytes_buf(ret_bytes, len);
}

KeyId vault_key_id(VaultKeyRole role, const guint8 public_key[VAULT_KEY_LEN])
{
    guint8 suite_and_role[3];
    VaultSpan spans[] = {VAULT_SPAN_TEXT("muniment key id"),
                         VAULT_SPAN(suite_and_role),
                         {public_key, VAULT_KEY_LEN}};
    VaultHash hash;
    KeyId id;

    vault_bytes_put_u16(suite_and_role, VAULT_SUITE_X25519);
    suite_and_role[2] = (guint8)role;
    vault_hash_spans(spans, G_N_ELEMENTS(spans), &hash);
    memcpy(id.bytes, hash.bytes, sizeof id.bytes);
    return id;
}

MonthKeyId vault_month_key_id(const ContentPublicKey *content)
{
    KeyId id = vault_key_id(VAULT_ROLE_CONTENT, content->bytes);
    MonthKeyId month_key_id;

    memcpy(month_key_id.bytes, id.bytes, sizeof id.bytes);
    return month_key_id;
}

#ifdef MUNIMENT_REPORT_SECRETS
void vault_report_secret(const char *role, const void *secret, gsize len)
{
    const char *path = getenv("MUNIMENT_SECRETS_FILE");
    char hex[2 * 64 + 1];
    int fd;

    g_assert(len <= 64);
    if (path == NULL)
        return;
    fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        g_error("cannot open the file of reported secrets");
    sodium_bin2hex(hex, sizeof hex, secret, len);
    /* Unbuffered, since the report itself must not leave the secret behind in memory. */
    if (write(fd, role, strlen(role)) < 0 || write(fd, " ", 1) < 0 || write(fd, hex, 2 * len) < 0 ||
        write(fd, "\n", 1) < 0)
        g_error("cannot write the file of reported secrets");
    close(fd);
    vault_wipe(hex, sizeof hex);
}
#endif
