/* Inside vault/keep: what beginning, taking up and finishing a rotation share.
 *
 *   begin (reader) -> carried, answered -> take, part by part -> finish
 *
 * From the first part on new months are wrapped to both masters (recipients.h), so the months that
 * lack a wrap for the new one only grow fewer. finish retires the old one when there are none, and
 * none can come: first it counts no more, durably, then its wraps go. Source:
 * docs/formats/rotation.md.
 */
#pragma once

#include "vault/act/rotation_file.h"
#include "vault/keep/internal.h"

typedef struct {
    RowId row_id;
    VaultMasterValue value;
    KeyId key_id;
} VaultMasterRow;
/* GArray of VaultMasterRow, oldest first. */
GArray *vault_rotation_masters(VaultKeyring *keyring, GError **error);
/* NULL: none has this key id. */
VaultMasterRow *vault_rotation_find(const GArray *masters, const KeyId *key_id);
gboolean vault_rotation_put(VaultKeyring *keyring, const VaultMasterRow *row, GError **error);

/* GArray of MailboxId: of all mailboxes, so that months are walked through mailbox by mailbox and
 * mail that needs the keyring meanwhile does not wait for all of them. */
GArray *vault_rotation_mailboxes(VaultKeyring *keyring, GError **error);
