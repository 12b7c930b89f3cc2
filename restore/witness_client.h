/* Asking a witness to cosign the newest checkpoint of a log.
 *
 * Errors: REFUSED (the witness says no; its reason is in the message), MALFORMED (no witness
 * answers there), and those of http_client.h and of the reader. Threads: one at a time.
 * Source: docs/formats/witness.md.
 */
#pragma once

#include "vault/log/log_reader.h"

/* `url` is the witness's, "/add-checkpoint" is added. Gives signature lines to append to the note;
 * who signed is the verifier's to know. */
char *witness_client_cosign(const char *url, VaultLogReader *reader, GError **error);
