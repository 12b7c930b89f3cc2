/* What the tests of vault/crypto share: bytes from hexadecimal text, comparisons that tell what
 * differs, and a random generator whose seed makes a failure repeatable. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vault/crypto/hash.h"

static inline GByteArray *bytes_from_hex(const char *hex)
{
    gsize len = strlen(hex) / 2;
    GByteArray *bytes = g_byte_array_sized_new((guint)len + 1);

    for (gsize i = 0; i < len; i++) {
        guint8 byte =
            (guint8)(g_ascii_xdigit_value(hex[2 * i]) << 4 | g_ascii_xdigit_value(hex[2 * i + 1]));

        g_byte_array_append(bytes, &byte, 1);
    }
    return bytes;
}

static inline char *hex_from_bytes(const void *bytes, gsize len)
{
    GString *hex = g_string_new(NULL);

    for (gsize i = 0; i < len; i++)
        g_string_append_printf(hex, "%02x", ((const guint8 *)bytes)[i]);
    return g_string_free(hex, FALSE);
}

static inline VaultSpan span_of(const GByteArray *bytes)
{
    return (VaultSpan){bytes->data, bytes->len};
}

static inline void assert_hex(const void *bytes, gsize len, const char *expected)
{
    g_autofree char *hex = hex_from_bytes(bytes, len);

    assert_string_equal(hex, expected);
}

#define assert_error(error, wanted)                                                                \
    do {                                                                                           \
        assert_non_null(error);                                                                    \
        assert_int_equal((error)->domain, VAULT_ERROR);                                            \
        assert_int_equal((error)->code, (wanted));                                                 \
    } while (0)

/* SplitMix64 (Steele, Lea, Flood 2014): the same numbers on every machine. */
static inline guint64 next_random(guint64 *state)
{
    guint64 mixed = *state += 0x9e3779b97f4a7c15;

    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111eb;
    return mixed ^ mixed >> 31;
}

#define run_crypto_tests(tests) (vault_crypto_init(), cmocka_run_group_tests((tests), NULL, NULL))
