#include "vault/crypto/slip39_internal.h"

#include "vault/crypto/hash_internal.h"

#include <sodium.h>
#include <string.h>

#define MODULUS 0x11bu
#define DIGEST_LEN 4
#define X_DIGEST 254
#define X_SECRET 255

/* No tables and no branches: what is multiplied is secret, and a table would show it in the cache.
 */
guint8 slip39_field_multiply(guint8 a, guint8 b)
{
    guint product = 0;

    for (guint bit = 0; bit < 8; bit++)
        product ^= (0u - ((guint)b >> bit & 1u)) & ((guint)a << bit);
    for (guint bit = 14; bit >= 8; bit--)
        product ^= (0u - (product >> bit & 1u)) & (MODULUS << (bit - 8));
    return (guint8)product;
}

/* a^254, which is a^-1. */
guint8 slip39_field_invert(guint8 a)
{
    guint8 power = a, product = 1;

    for (guint bit = 1; bit < 8; bit++) {
        power = slip39_field_multiply(power, power);
        product = slip39_field_multiply(product, power);
    }
    return product;
}

/* The Lagrange basis polynomial of point `i` at `x`; of public numbers only. */
static guint8 basis_at(const Slip39Points *points, gsize i, guint8 x)
{
    guint8 above = 1, below = 1;

    for (gsize j = 0; j < points->count; j++) {
        if (j == i)
            continue;
        above = slip39_field_multiply(above, x ^ points->points[j].x);
        below = slip39_field_multiply(below, points->points[i].x ^ points->points[j].x);
    }
    g_assert(below != 0); /* no two points with the same x */
    return slip39_field_multiply(above, slip39_field_invert(below));
}

void slip39_interpolate(const Slip39Points *points, guint8 x, guint8 *ret_y)
{
    memset(ret_y, 0, points->len);
    for (gsize i = 0; i < points->count; i++) {
        guint8 basis = basis_at(points, i, x);

        for (gsize at = 0; at < points->len; at++)
            ret_y[at] ^= slip39_field_multiply(points->points[i].y[at], basis);
    }
}

/* First bytes of HMAC-SHA256 over the secret, keyed with the random part of the digest share. */
static void digest_of(const guint8 *random_part, gsize random_len, const guint8 *secret, gsize len,
                      guint8 ret_digest[DIGEST_LEN])
{
    guint8 mac[VAULT_HASH_LEN];

    vault_hmac_spans(&(VaultSpan){random_part, random_len}, &(VaultSpan){secret, len}, 1, mac);
    memcpy(ret_digest, mac, DIGEST_LEN);
    vault_wipe(mac, sizeof mac);
}

/* `threshold` points fix the polynomials: random ones, the digest's and the secret's. */
static void choose_base(const VaultSlip39Secret *secret, guint threshold, Slip39Points *ret_base)
{
    gsize random_count = threshold - 2;
    Slip39Point *digest = &ret_base->points[random_count];
    Slip39Point *last = &ret_base->points[random_count + 1];

    ret_base->count = threshold;
    ret_base->len = secret->len;
    for (gsize i = 0; i < random_count; i++) {
        ret_base->points[i].x = (guint8)i;
        vault_random(ret_base->points[i].y, secret->len);
    }
    digest->x = X_DIGEST;
    vault_random(digest->y + DIGEST_LEN, secret->len - DIGEST_LEN);
    digest_of(digest->y + DIGEST_LEN, secret->len - DIGEST_LEN, secret->bytes, secret->len,
              digest->y);
    last->x = X_SECRET;
    memcpy(last->y, secret->bytes, secret->len);
}

void slip39_points_split(const VaultSlip39Secret *secret, guint threshold, guint count,
                         Slip39Points *ret_points)
{
    g_auto(Slip39Points) base = {0};

    g_assert(threshold >= 1 && threshold <= count && count <= VAULT_SLIP39_SHARES_MAX);
    ret_points->count = count;
    ret_points->len = secret->len;
    if (threshold > 1)
        choose_base(secret, threshold, &base);
    for (gsize i = 0; i < count; i++) {
        ret_points->points[i].x = (guint8)i;
        if (threshold > 1)
            slip39_interpolate(&base, (guint8)i, ret_points->points[i].y);
        else
            memcpy(ret_points->points[i].y, secret->bytes, secret->len);
    }
}

gboolean slip39_points_combine(const Slip39Points *points, VaultSlip39Secret *ret_secret)
{
    g_auto(Slip39Point) digest = {0};
    guint8 expected[DIGEST_LEN];

    ret_secret->len = points->len;
    slip39_interpolate(points, X_SECRET, ret_secret->bytes);
    if (points->count == 1) /* the secret itself, without a digest */
        return TRUE;
    slip39_interpolate(points, X_DIGEST, digest.y);
    digest_of(digest.y + DIGEST_LEN, points->len - DIGEST_LEN, ret_secret->bytes, points->len,
              expected);
    if (sodium_memcmp(digest.y, expected, sizeof expected) == 0)
        return TRUE;
    vault_slip39_secret_wipe(ret_secret);
    return FALSE;
}
