/* Inside vault/keep: the keys under which imports make their retry tags.
 *
 * A key is made when an import with its id is first begun and lives for VAULT_DAY_KEY_DAYS days, as
 * long as the tags made with it are in the catalog: an import that is begun again meanwhile, after
 * a kill or because mail came to its source, knows what it stored. Then it is dropped (never while
 * the clock is not to be trusted), and nobody can tell any more whether a given message was in an
 * import. Threads: safe. Errors: NO_SPACE, IO, CORRUPT of the keyring.
 */
#pragma once

#include "vault/keep/clock.h"
#include "vault/keep/keyring_batch.h"

gboolean vault_imports_begin(VaultKeyringBatch *batch, VaultClock *clock, const RowId *import_id,
                             DayKey *ret_key, GError **error);
gboolean vault_imports_expire(VaultKeyringBatch *batch, VaultClock *clock, GError **error);
