/* Asking a witness to cosign the newest checkpoint of a log.
 *
 * Errors: REFUSED (the witness says no; its reason is in the message), MALFORMED (no witness
 * answers there, or its signature is false), NO_KEY (it answers with another key's signature), and
 * those of http_client.h and of the reader. Threads: one at a time for a reader.
 * Source: C2SP tlog-witness; docs/formats/witness.md.
 */
#pragma once

#include "vault/log/log_reader.h"
#include "vault/log/tlog_policy.h"

/* `witness` has a URL, to which "/add-checkpoint" is added; `stop_fd` as in http_client.h. Gives
 * the signature lines of its key, which were verified, to append to the reader's note; *ret_time_s
 * is when it says that it signed. */
char *witness_client_cosign(const VaultTlogWitness *witness, VaultLogReader *reader, int stop_fd,
                            guint64 *ret_time_s, GError **error);
