/* Mailbox-months: making one, wrapping its seed to a list of recipients, unwrapping it again.
 *
 * vault_month_create() makes the seed, derives both pairs, wraps the seed to every recipient and
 * wipes it before it returns: the archive host never holds a seed across a function (invariant 3).
 * The wrap's HPKE info binds vault, mailbox, the primary address when the key was made, month,
 * recipient and both public keys; unwrapping derives the pairs anew and refuses other public keys.
 * Source: docs/formats/keys.md, sections "Mailbox-month" and "Wrap".
 */
#pragma once

#include "vault/crypto/keys.h"

#define VAULT_ADDRESS_LEN_MAX 512
#define VAULT_WRAPS_MAX 64

/* yyyymm, UTC: 202611. */
typedef guint32 VaultMonth;
#define VAULT_MONTH_MIN 197001
#define VAULT_MONTH_MAX 999912

typedef enum { VAULT_WRAP_MASTER = 1, VAULT_WRAP_STANDING_READER = 2 } VaultWrapKind;

typedef struct {
    VaultWrapKind kind;
    KeyId key_id; /* of role MASTER or READER, checked against public_key */
    guint8 public_key[VAULT_KEY_LEN];
} VaultWrapRecipient;

typedef struct {
    guint8 kind; /* VaultWrapKind */
    KeyId key_id;
    guint8 enc[32];
    guint8 ciphertext[VAULT_KEY_LEN + 16];
} VaultWrap;
#define VAULT_WRAP_LEN (1 + VAULT_ID_LEN + 32 + VAULT_KEY_LEN + 16)

/* What every wrap of a month is bound to. `address` is normalised, empty for "unassigned". */
typedef struct {
    VaultId vault_id;
    MailboxId mailbox_id;
    const char *address;
    VaultMonth month;
} VaultMonthIdentity;

/* One wrap per recipient, in order, into ret_wraps[count]. REFUSED when count is 0, above
 * VAULT_WRAPS_MAX, a key id does not fit its key and kind, or a public key is of small order;
 * TOO_LARGE for an address over VAULT_ADDRESS_LEN_MAX. */
gboolean vault_month_create(const VaultMonthIdentity *identity,
                            const VaultWrapRecipient *recipients, gsize count,
                            MonthPublicKeys *ret_keys, VaultWrap *ret_wraps, GError **error);

/* The secret halves, from one wrap and the recipient's X25519 secret key. NO_KEY when the wrap is
 * for another recipient, or was made for another vault, mailbox, address, month or public keys. */
gboolean vault_month_unwrap(const VaultMonthIdentity *identity, const MonthPublicKeys *keys,
                            const VaultWrap *wrap, const guint8 recipient_secret_key[VAULT_KEY_LEN],
                            const guint8 recipient_public_key[VAULT_KEY_LEN],
                            ContentSecretKey *ret_content, IndexSecretKey *ret_index,
                            GError **error);

/* The seed of one wrap, wrapped to another recipient as well: it is opened, held against the public
 * keys, wrapped and wiped in here. Errors as vault_month_unwrap(), and REFUSED as
 * vault_month_create(). */
gboolean vault_month_rewrap(const VaultMonthIdentity *identity, const MonthPublicKeys *keys,
                            const VaultWrap *wrap, const guint8 own_secret_key[VAULT_KEY_LEN],
                            const guint8 own_public_key[VAULT_KEY_LEN],
                            const VaultWrapRecipient *recipient, VaultWrap *ret_wrap,
                            GError **error);

/* A month of the years 1970 to 9999: to be asked before a number from outside is used as one; the
 * functions below assert it. */
gboolean vault_month_is_valid(VaultMonth month);
/* The month of a time in seconds since 1970, UTC (later than 9999 counts as its last month), and
 * its first second. */
VaultMonth vault_month_of_time(guint64 time_s);
guint64 vault_month_start(VaultMonth month);
VaultMonth vault_month_next(VaultMonth month);
/* Is a second of it in [from_s, to_s)? */
gboolean vault_month_overlaps(VaultMonth month, guint64 from_s, guint64 to_s);
