#include "vault/base/bytes.h"

#include <string.h>

/* Reflected polynomial of CRC-32C. */
#define POLYNOMIAL 0x82f63b78u

static guint32 table[256];

static gpointer fill_table(gpointer unused)
{
    for (guint32 i = 0; i < G_N_ELEMENTS(table); i++) {
        guint32 crc = i;

        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ ((crc & 1) ? POLYNOMIAL : 0);
        table[i] = crc;
    }
    return table;
}

static guint32 crc32c_portable(guint32 crc, const guint8 *bytes, gsize len)
{
    static GOnce once = G_ONCE_INIT;

    g_once(&once, fill_table, NULL);
    for (gsize i = 0; i < len; i++)
        crc = crc >> 8 ^ table[(guint8)(crc ^ bytes[i])];
    return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static guint32 crc32c_sse42(guint32 crc, const guint8 *bytes,
                                                              gsize len)
{
    guint64 wide = crc;

    for (; len >= 8; bytes += 8, len -= 8) {
        guint64 word;

        memcpy(&word, bytes, sizeof word);
        wide = __builtin_ia32_crc32di(wide, word);
    }
    crc = (guint32)wide;
    for (; len > 0; bytes++, len--)
        crc = __builtin_ia32_crc32qi(crc, *bytes);
    return crc;
}
#endif

guint32 vault_crc32c(guint32 crc, const void *bytes, gsize len)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2"))
        return ~crc32c_sse42(~crc, bytes, len);
#endif
    return ~crc32c_portable(~crc, bytes, len);
}
