/* The parts of SLIP-0039 below its shares, for vault/crypto/slip39*.c and their tests only. */
#pragma once

#include "vault/crypto/slip39.h"

/* One value of the polynomials, all of the same length. */
typedef struct {
    guint8 x;
    guint8 y[VAULT_SLIP39_SECRET_LEN_MAX];
} Slip39Point;
VAULT_DECLARE_WIPE(Slip39Point, slip39_point)

typedef struct {
    Slip39Point points[VAULT_SLIP39_SHARES_MAX];
    gsize count;
    gsize len; /* of each y */
} Slip39Points;
VAULT_DECLARE_WIPE(Slip39Points, slip39_points)

/* In GF(256) modulo x^8 + x^4 + x^3 + x + 1; the inverse of 0 is 0. */
guint8 slip39_field_multiply(guint8 a, guint8 b);
guint8 slip39_field_invert(guint8 a);

/* The value at `x` of the polynomials through all points, whose x differ. */
void slip39_interpolate(const Slip39Points *points, guint8 x, guint8 *ret_y);

/* Sets points at 0, 1, ... count-1, any `threshold` of which give the secret. */
void slip39_points_split(const VaultSlip39Secret *secret, guint threshold, guint count,
                         Slip39Points *ret_points);
/* From exactly `threshold` points. FALSE when the digest does not fit. */
gboolean slip39_points_combine(const Slip39Points *points, VaultSlip39Secret *ret_secret);

typedef enum { SLIP39_ENCRYPT, SLIP39_DECRYPT } Slip39Direction;

typedef struct {
    const char *passphrase; /* may be NULL */
    guint16 identifier;
    gboolean is_extendable;
    guint8 iteration_exponent;
} Slip39Cipher;

/* The standard's Feistel network of four rounds, in place. */
void slip39_cipher_apply(const Slip39Cipher *cipher, Slip39Direction direction,
                         VaultSlip39Secret *secret);
