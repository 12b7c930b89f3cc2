/* Inside vault/holder: the vault keys of one vault in a TPM 2.0, one NV index each.
 *
 * A place is "tpm:" and a TCTI of tpm2-tss: tpm:device:/dev/tpmrm0, tpm:swtpm:host=H,port=N. Other
 * TCTIs are refused: some start programs. Four slots, whose handles follow from the vault id, hold
 * at most three keys; what somebody else has put into one of them is left alone. A key that goes is
 * undefined, and with it the TPM forgets it. The owner hierarchy has no password, nor have the
 * indices: whoever may use the TPM may read them (docs/threat-model.md).
 *
 * Errors: NOT_FOUND (no TPM answers there, or it has no key of this vault), BUSY (HELD_TPM_NEW: it
 * has one), MALFORMED (no place of a TPM), NO_SPACE (no NV memory or slot is left), REFUSED (the
 * owner hierarchy has a password, or the TPM is locked), CORRUPT (what was read back is not what
 * was written, or does not go), IO. Source: docs/formats/tpm.md.
 */
#pragma once

#include "vault/crypto/key_files.h"

typedef enum { HELD_TPM_NEW, HELD_TPM_REPLACE } HeldTpmExisting;

gboolean held_tpm_place_check(const char *place, GError **error);
/* Rising generations, at least one. Indices that were made and never written are passed over. */
gboolean held_tpm_load(const char *place, const VaultId *vault_id,
                       VaultKey ret_keys[VAULT_KEY_GENERATIONS_MAX], gsize *ret_count,
                       GError **error);
/* From then on the TPM has these keys of the vault and no other. What is new is written and read
 * back before anything is undefined, but for another key of the same generation: that one was of a
 * roll that was given up, and goes first. None: all of them go. */
gboolean held_tpm_store(const char *place, const VaultId *vault_id, const VaultKey *keys,
                        gsize count, HeldTpmExisting existing, GError **error);
