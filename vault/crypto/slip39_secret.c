#include "vault/crypto/slip39_internal.h"

#include <string.h>

/* ---- splitting ------------------------------------------------------------------------------ */

static gboolean check_split(const VaultSlip39Secret *secret, const VaultSlip39Split *split,
                            GError **error)
{
    if (secret->len < VAULT_SLIP39_SECRET_LEN_MIN || secret->len > VAULT_SLIP39_SECRET_LEN_MAX ||
        secret->len % 2 != 0) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE,
                    "a secret of %" G_GSIZE_FORMAT " bytes cannot be shared", secret->len);
        return FALSE;
    }
    if (split->count <= VAULT_SLIP39_SHARES_MAX &&
        ((split->threshold >= 2 && split->threshold <= split->count) ||
         (split->threshold == 1 && split->count == 1)))
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                "%u of %u shares is not possible: there are at most %d, the threshold is 2 or more "
                "and no more than there are shares (or 1 of 1)",
                split->threshold, split->count, VAULT_SLIP39_SHARES_MAX);
    return FALSE;
}

gboolean vault_slip39_split(const VaultSlip39Secret *secret, const VaultSlip39Split *split,
                            VaultSlip39Share *ret_shares, GError **error)
{
    const Slip39Cipher cipher = {.identifier = split->identifier,
                                 .is_extendable = TRUE,
                                 .iteration_exponent = split->iteration_exponent};
    g_auto(VaultSlip39Secret) encrypted = *secret;
    g_auto(Slip39Points) points = {0};

    if (!check_split(secret, split, error))
        return FALSE;
    slip39_cipher_apply(&cipher, SLIP39_ENCRYPT, &encrypted);
    slip39_points_split(&encrypted, split->threshold, split->count, &points);
    for (guint i = 0; i < split->count; i++) {
        ret_shares[i] = (VaultSlip39Share){.identifier = split->identifier & 0x7fff,
                                           .is_extendable = TRUE,
                                           .iteration_exponent = split->iteration_exponent,
                                           .group_threshold = 1,
                                           .group_count = 1,
                                           .member_index = (guint8)i,
                                           .member_threshold = (guint8)split->threshold,
                                           .value_len = (guint8)secret->len};
        memcpy(ret_shares[i].value, points.points[i].y, secret->len);
    }
    return TRUE;
}

/* ---- combining ------------------------------------------------------------------------------ */

static gboolean set_no_key(const char *what, GError **error)
{
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_NO_KEY, what);
    return FALSE;
}

static gboolean is_same_set(const VaultSlip39Share *a, const VaultSlip39Share *b)
{
    return a->identifier == b->identifier && a->is_extendable == b->is_extendable &&
           a->iteration_exponent == b->iteration_exponent &&
           a->group_threshold == b->group_threshold && a->group_count == b->group_count &&
           a->value_len == b->value_len;
}

static gboolean is_same_group(const VaultSlip39Share *a, const VaultSlip39Share *b)
{
    return a->group_index == b->group_index;
}

static gboolean check_set(const VaultSlip39Share *shares, gsize count, GError **error)
{
    if (count == 0)
        return set_no_key("there are no shares", error);
    for (gsize i = 0; i < count; i++) {
        if (!is_same_set(&shares[i], &shares[0]))
            return set_no_key("the shares are of different sets", error);
        for (gsize j = 0; j < i; j++) {
            if (!is_same_group(&shares[i], &shares[j]))
                continue;
            if (shares[i].member_threshold != shares[j].member_threshold)
                return set_no_key("the shares of a group differ in their threshold", error);
            if (shares[i].member_index == shares[j].member_index)
                return set_no_key("a share is there twice", error);
        }
    }
    return TRUE;
}

/* The secret of the group that `shares[first]` is of. */
static gboolean combine_group(const VaultSlip39Share *shares, gsize count, gsize first,
                              VaultSlip39Secret *ret_secret, GError **error)
{
    g_auto(Slip39Points) points = {.len = shares[first].value_len};

    for (gsize i = first; i < count; i++) {
        if (!is_same_group(&shares[i], &shares[first]))
            continue;
        points.points[points.count].x = shares[i].member_index;
        memcpy(points.points[points.count].y, shares[i].value, points.len);
        points.count++; /* at most 16, as their indexes differ */
    }
    if (points.count != shares[first].member_threshold) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_NO_KEY,
                    "%" G_GSIZE_FORMAT " shares are here, and exactly %u are needed", points.count,
                    shares[first].member_threshold);
        return FALSE;
    }
    return slip39_points_combine(&points, ret_secret) ||
           set_no_key("the shares do not combine: one of them is not as it was made", error);
}

static gboolean is_first_of_group(const VaultSlip39Share *shares, gsize i)
{
    for (gsize j = 0; j < i; j++) {
        if (is_same_group(&shares[j], &shares[i]))
            return FALSE;
    }
    return TRUE;
}

static gboolean combine_groups(const VaultSlip39Share *shares, gsize count,
                               VaultSlip39Secret *ret_secret, GError **error)
{
    g_auto(Slip39Points) groups = {.len = shares[0].value_len};

    for (gsize i = 0; i < count; i++) {
        g_auto(VaultSlip39Secret) secret = {0};

        if (!is_first_of_group(shares, i))
            continue;
        if (!combine_group(shares, count, i, &secret, error))
            return FALSE;
        groups.points[groups.count].x = shares[i].group_index;
        memcpy(groups.points[groups.count].y, secret.bytes, groups.len);
        groups.count++;
    }
    if (groups.count != shares[0].group_threshold) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_NO_KEY,
                    "shares of %" G_GSIZE_FORMAT " groups are here, and exactly %u are needed",
                    groups.count, shares[0].group_threshold);
        return FALSE;
    }
    return slip39_points_combine(&groups, ret_secret) ||
           set_no_key("the groups do not combine: a share is not as it was made", error);
}

gboolean vault_slip39_combine(const VaultSlip39Share *shares, gsize count, const char *passphrase,
                              VaultSlip39Secret *ret_secret, GError **error)
{
    Slip39Cipher cipher = {.passphrase = passphrase};

    if (!check_set(shares, count, error) || !combine_groups(shares, count, ret_secret, error))
        return FALSE;
    cipher.identifier = shares[0].identifier;
    cipher.is_extendable = shares[0].is_extendable;
    cipher.iteration_exponent = shares[0].iteration_exponent;
    slip39_cipher_apply(&cipher, SLIP39_DECRYPT, ret_secret);
    return TRUE;
}
