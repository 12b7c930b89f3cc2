/* Erasures: what was forgotten, how far that came, what is said of it. Part of the library "keep";
 * what erases goes by vault_keep_operate():
 *
 *   erasure            text: a request of act erase or shred. Does exactly that, or nothing
 *   erasure-preview    the same text. Says what it would do
 *   erasure-cancel     text: "erasure: ID". While it is requested
 *   erasure-advance    no text. Moves states on, as housekeeping does
 *   vaultkey-roll      text: a request of act vaultkey
 *
 *   intent in the control log -> vault key g+1 at the holders -> one change of the keyring
 *     -> its copies -> g destroyed -> memory and catalog wiped -> statement in the control log
 *
 * Before the change nothing is destroyed, and a start gives the act up; after it a start drives it
 * on. A *statement* says in "name: value" lines all that is known of an erasure; the last one that
 * was logged is what a certificate proves (docs/formats/certificate.md). Errors: those of the
 * keyring, the judge (REFUSED), custody. Threads: safe.
 */
#pragma once

#include "vault/keep.h"
#include "vault/store/erasure_value.h"

#define VAULT_ERASURE_TEXT_LEN_MAX (32u << 20)

/* GPtrArray of VaultErasureValue, oldest first. In either mode. */
GPtrArray *vault_keep_erasures(VaultKeep *keep, GError **error);
/* What is known of it now; new string. In either mode. */
char *vault_keep_erasure_statement(VaultKeep *keep, const VaultErasureValue *value, GError **error);
/* Moves each erasure on as far as holders, copies and declared copies allow, rolls the vault key
 * where the policy wants that daily, and brings places up to date that were away. Nothing moves
 * while the clock is unsure. Writer only; the daemon calls it hourly. */
gboolean vault_keep_advance_erasures(VaultKeep *keep, GError **error);

/* Appends to `messages` (GArray of RecordId) deliveries of the same stored messages. */
gboolean vault_keep_add_repeats(VaultKeep *keep, GArray *messages, GError **error);
