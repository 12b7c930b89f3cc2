/* What a master answers when another is to take its place: each month's seed, wrapped to that one.
 *
 * Each wrap is opened with its info recomputed from the file, as for a grant, so that a wrap of
 * another mailbox, address, month or vault is refused; seeds are wiped in the function that opens
 * them. Errors: NO_KEY (the part is for another master; what was wrapped to the new one does not
 * open under it), REFUSED (a wrap is not what the part says; a new master that is the old one, or no
 * key). Threads: safe. Source: docs/formats/rotation.md.
 */
#pragma once

#include "vault/act/rotation_file.h"

/* `to_secret`: the new master itself, which opens what is wrapped to it and signs that it can; NULL
 * when only its public half is at hand. */
VaultRotationAnswered *vault_rotation_answer(const VaultRotationAsked *asked,
                                             const VaultMaster *from, const MasterPublic *to,
                                             const VaultMaster *to_secret, GError **error);
