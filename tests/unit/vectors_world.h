/* What the tests against tests/golden/vectors.txt share. */
#pragma once

#include "tests/unit/crypto_world.h"

#include "vault/base/bytes.h"
#include "vault/crypto/month.h"

static GKeyFile *vectors;

/* The bytes of one vector; freed at the end of the test by its g_autoptr. */
static inline GByteArray *vector(const char *section, const char *name)
{
    g_autofree char *hex = g_key_file_get_string(vectors, section, name, NULL);

    if (hex == NULL)
        fail_msg("vectors.txt has no %s in [%s]", name, section);
    return bytes_from_hex(hex);
}

static inline void assert_vector(const char *section, const char *name, const void *bytes, gsize len)
{
    g_autoptr(GByteArray) expected = vector(section, name);

    if (expected->len != len || memcmp(expected->data, bytes, len) != 0) {
        g_autofree char *hex = hex_from_bytes(bytes, len);

        fail_msg("[%s] %s: %s", section, name, hex);
    }
}

/* A vector of a fixed length. */
static inline void take(const char *section, const char *name, void *ret_bytes, gsize len)
{
    g_autoptr(GByteArray) bytes = vector(section, name);

    assert_int_equal(bytes->len, len);
    memcpy(ret_bytes, bytes->data, len);
}

static inline void sequence(void *bytes, guint8 start, gsize len)
{
    for (gsize i = 0; i < len; i++)
        ((guint8 *)bytes)[i] = (guint8)(start + i);
}

static inline VaultId sample_vault(void)
{
    VaultId id;

    sequence(&id, 0x10, VAULT_ID_LEN);
    return id;
}

static inline RecordId sample_body_id(void)
{
    RecordId id;

    sequence(&id, 0xd0, VAULT_ID_LEN);
    return id;
}

static inline MonthKeyId sample_month_key(void)
{
    MonthKeyId id;

    take("month", "month-key-id", &id, VAULT_ID_LEN);
    return id;
}

/* In place of run_crypto_tests(). */
#define run_vector_tests(tests)                                                                    \
    ({                                                                                             \
        int failed_count;                                                                          \
                                                                                                   \
        vectors = g_key_file_new();                                                                \
        g_assert_true(g_key_file_load_from_file(vectors, SOURCE_DIR "/tests/golden/vectors.txt",   \
                                                G_KEY_FILE_NONE, NULL));                           \
        failed_count = run_crypto_tests(tests);                                                    \
        g_key_file_unref(vectors);                                                                 \
        failed_count;                                                                              \
    })
