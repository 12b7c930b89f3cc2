/* Proofs of a vault behind ssh: its host finds them in the archive log, as it stands at the first
 * request, and hands out nothing of the log but what proves the records that it is asked for.
 *
 * A record that is expected is asked for at once, so that many are under way and no message waits
 * for a way there and back. Nothing of what the host says is believed: a check of the export finds
 * what is false. Errors: of restore/remote_link.h; NOT_FOUND (the vault has no logs, no such
 * entry), CORRUPT (its log is damaged). Threads: as restore/proof_source.h says.
 */
#pragma once

#include "restore/proof_source.h"
#include "restore/remote_link.h"

typedef struct RemoteProofs RemoteProofs;
RemoteProofs *remote_proofs_new(RemoteLink *link); /* borrowed; freed before these proofs */
void remote_proofs_free(RemoteProofs *proofs);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RemoteProofs, remote_proofs_free)

/* Whether there are any: asks the host. */
gboolean remote_proofs_open(RemoteProofs *proofs, ProofSource *ret_proofs, GError **error);
