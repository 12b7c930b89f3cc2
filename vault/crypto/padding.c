#include "vault/crypto/padding.h"

guint64 vault_padded_len(guint64 len, guint64 floor)
{
    guint64 mask;
    guint exponent, free_bits;

    g_assert(len <= G_MAXINT64);
    if (len <= floor || len < 2)
        return MAX(len, floor);
    exponent = g_bit_storage(len) - 1;
    free_bits = exponent - g_bit_storage(exponent);
    mask = (G_GUINT64_CONSTANT(1) << free_bits) - 1;
    return (len + mask) & ~mask;
}
