/* Inside vault/keep: keys of case indexes. The interface is vault/keep.h.
 *
 * A key is made at its first use, is the same from then on, and is gone with its row. What removes
 * a row renews the vault row key in the same change, so that no old copy of the keyring opens it
 * again once the vault key was rolled. */
#pragma once

#include "vault/keep/erasure_scope.h"
#include "vault/store/case_value.h"
#include "vault/store/erasure_value.h"

/* Within a change of the keyring that erases: drops the keys of all cases that the scope touches,
 * and names the first VAULT_ERASURE_CASES_MAX of them in the value. */
gboolean vault_cases_drop(VaultKeyring *keyring, const VaultErasureScope *scope,
                          VaultErasureValue *value, GError **error);

/* The act "case-close": "muniment-case-close/1" with a line "case". Answers "dropped", how many
 * keys. NOT_FOUND: there is none of that case. */
#define VAULT_CASE_CLOSE_LEN_MAX 256
gboolean vault_cases_close(VaultKeep *keep, const char *text, gsize len, GString *answer,
                           GError **error);
