/* Replacing the keys of the keyring, so that what is left of old rows, on the disk or in an old
 * copy of the file, opens under no key that still is.
 *
 *   begin -> roll -> update or drop months, renew -> commit -> settle
 *
 * All but the last happen inside a change (asserted) and are undone with it: then the keyring goes
 * on under the keys from before. A crash leaves a file that either the old vault key opens or the
 * next one, never both and never neither; a commit that failed may turn out, after a crash, to have
 * been one that did not: until the file was read back, both keys must be at hand.
 *
 * What is put before the roll, in the same change, may stay in the file's log under the old vault
 * key: so the roll comes first. Other processes that have the file open for reading get BUSY once
 * the vault key they opened it with is none any more. Threads and errors: as keyring.h.
 */
#pragma once

#include "vault/store/keyring.h"

/* Row keys and generation row under `next`, whose generation must be the following one (REFUSED).
 */
gboolean vault_keyring_roll(VaultKeyring *keyring, const VaultKey *next, GError **error);

/* A new row key for the mailbox, under which it and its months are sealed anew. NOT_FOUND. */
gboolean vault_keyring_renew_mailbox(VaultKeyring *keyring, const MailboxId *mailbox_id,
                                     GError **error);
/* The same for everything that lies under the vault row key: when one of its rows was removed for
 * ever, as the key of an event. */
gboolean vault_keyring_renew_vault_row_key(VaultKeyring *keyring, GError **error);

/* New row keys for all, mailboxes and vault: when the vault key may have been seen by others. Takes
 * a few seconds for a million months. */
gboolean vault_keyring_renew_all(VaultKeyring *keyring, GError **error);

/* Drops a month and leaves the tombstone in its place. NOT_FOUND. To be followed by the renewal of
 * its mailbox. */
gboolean vault_keyring_drop_month(VaultKeyring *keyring, const MonthKeyId *month_key_id,
                                  const VaultTombstoneValue *tombstone, GError **error);

/* After the commit: SQLite's log is emptied into the file, so that no old page waits in it. BUSY:
 * somebody reads; nothing is lost by trying again later. */
gboolean vault_keyring_settle(VaultKeyring *keyring, GError **error);
