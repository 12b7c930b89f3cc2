/* A wrap as a line of a text file: requests and drills carry them to where the master is.
 *
 *   wrap: <kind> <key id> <encapsulation> <ciphertext>
 *
 * Pure. Errors: MALFORMED. Source: docs/formats/request.md.
 */
#pragma once

#include "vault/act/text_file.h"

/* "master", "standing-reader". */
const char *vault_wrap_kind_name(guint8 kind);

/* Takes the next line, and appends it to the VaultWrap array. */
gboolean vault_wrap_take(VaultTextFile *file, GArray *wraps, GError **error);
void vault_wrap_append(GString *text, const VaultWrap *wrap);
