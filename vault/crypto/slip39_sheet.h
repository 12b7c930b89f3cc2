/* A master key or an escrow key in shares, and the text that the keeper of one has: a sheet.
 *
 * A sheet says of which set and key its share is, and is signed by that key, so that its keeper can
 * check it alone. A text of the words only is a share too, as any program for SLIP-0039 gives them;
 * then the checksum among the words is all that can be checked. Whose share it is the sheet says,
 * and the words say it as well, by their iteration exponent; the same seed gives another key in the
 * other role in any case. Format: docs/formats/shares.md. Parse and format are pure; texts are
 * secret and are given back with vault_key_text_free(). Threads: safe.
 */
#pragma once

#include "vault/crypto/key_files.h"
#include "vault/crypto/slip39.h"

#define VAULT_SHARE_DATE_LEN 10

typedef enum { VAULT_SHARE_MASTER, VAULT_SHARE_ESCROW } VaultShareRole;

/* What the sheets of one set have in common. */
typedef struct {
    VaultShareRole role;
    guint16 identifier;
    guint count, threshold;
    char made[VAULT_SHARE_DATE_LEN + 1]; /* "2026-11-27" */
    MasterPublic pair;                   /* of an escrow key: what is in its VaultEscrowPublic */
} VaultShareSet;

typedef struct {
    VaultSlip39Share share;
    gboolean is_signed; /* else of the two below only set.role, as whose it is taken */
    VaultShareSet set;
    VaultSignature signature;
} VaultShareSheet;
VAULT_DECLARE_WIPE(VaultShareSheet, vault_share_sheet)

/* Splits the pair's seed into `set->count` sheets, signed by it. `set` has role, count, threshold
 * and date; its identifier is drawn until it is not `not_identifier` (-1: any), and its pair is
 * set. REFUSED for counts that are not possible (vault_slip39_split()). */
gboolean vault_shares_split(const VaultMaster *pair, gint not_identifier, VaultShareSet *set,
                            VaultShareSheet *ret_sheets, GError **error);

/* Whether a share can be of a key that we shared: one group, 32 bytes, moderate cost. Else
 * UNSUPPORTED. */
gboolean vault_share_check(const VaultSlip39Share *share, GError **error);
/* Whether it can be of a key of that role; what another program made can be of both. */
gboolean vault_share_is_of(const VaultSlip39Share *share, VaultShareRole role);

/* From exactly the threshold of shares; NO_KEY as vault_slip39_combine(). Of an escrow key: what is
 * in its VaultEscrow. */
gboolean vault_shares_combine(VaultShareRole role, const VaultSlip39Share *shares, gsize count,
                              VaultMaster *ret_pair, GError **error);
char *vault_share_fingerprint(VaultShareRole role, const MasterPublic *pair);

/* `text` ends with NUL. MALFORMED: no share, a damaged one (the message names the word, by its
 * number), or a sheet whose signature does not fit; UNSUPPORTED: a later version, or no share of a
 * key of ours; TOO_LARGE. */
gboolean vault_share_sheet_parse(const char *text, VaultShareSheet *ret_sheet, GError **error);
/* The lines of the sheet that are read again, without a word for people. */
char *vault_share_sheet_format(const VaultShareSheet *sheet);

/* The public file of a set whose shares were not all entered again yet. */
char *vault_share_set_format(const VaultShareSet *set);
gboolean vault_share_set_parse(const char *text, VaultShareSet *ret_set, GError **error);
