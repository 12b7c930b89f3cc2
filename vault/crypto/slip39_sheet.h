/* The master key in shares, and the text that the keeper of one has: a sheet.
 *
 * A sheet says of which set and master its share is, and is signed by that master, so that its
 * keeper can check it alone. A text of the words only is a share too, as any program for SLIP-0039
 * gives them; then the checksum among the words is all that can be checked. Format:
 * docs/formats/shares.md. Parse and format are pure; texts are secret and are given back with
 * vault_key_text_free(). Threads: safe.
 */
#pragma once

#include "vault/crypto/key_files.h"
#include "vault/crypto/slip39.h"

#define VAULT_SHARE_DATE_LEN 10

/* What the sheets of one set have in common. */
typedef struct {
    guint16 identifier;
    guint count, threshold;
    char made[VAULT_SHARE_DATE_LEN + 1]; /* "2026-11-27" */
    MasterPublic master;
} VaultShareSet;

typedef struct {
    VaultSlip39Share share;
    gboolean is_signed; /* else the two below are not there */
    VaultShareSet set;
    VaultSignature signature;
} VaultShareSheet;
VAULT_DECLARE_WIPE(VaultShareSheet, vault_share_sheet)

/* Splits the master's seed into `set->count` sheets, signed by it. `set` has count, threshold and
 * date; its identifier is drawn until it is not `not_identifier` (-1: any), and its master is set.
 * REFUSED for counts that are not possible (vault_slip39_split()). */
gboolean vault_master_split(const VaultMaster *master, gint not_identifier, VaultShareSet *set,
                            VaultShareSheet *ret_sheets, GError **error);

/* Whether a share can be of a master key that we shared: one group, 32 bytes, moderate cost. Else
 * UNSUPPORTED. */
gboolean vault_master_share_check(const VaultSlip39Share *share, GError **error);

/* From exactly the threshold of shares; NO_KEY as vault_slip39_combine(). */
gboolean vault_master_combine(const VaultSlip39Share *shares, gsize count, VaultMaster *ret_master,
                              GError **error);

/* `text` ends with NUL. MALFORMED: no share, a damaged one (the message names the word, by its
 * number), or a sheet whose signature does not fit; UNSUPPORTED: a later version, or no share of a
 * master key; TOO_LARGE. */
gboolean vault_share_sheet_parse(const char *text, VaultShareSheet *ret_sheet, GError **error);
/* The lines of the sheet that are read again, without a word for people. */
char *vault_share_sheet_format(const VaultShareSheet *sheet);

/* The public file of a set whose shares were not all entered again yet. */
char *vault_share_set_format(const VaultShareSet *set);
gboolean vault_share_set_parse(const char *text, VaultShareSet *ret_set, GError **error);
