/* Inside vault/keep: the registry of holders, copies and declarations, read from the keyring and
 * written back row by row; and each row as the place it speaks of. Callers hold the custody lock
 * where they change it. Errors: those of the keyring.
 */
#pragma once

#include "vault/custody.h"
#include "vault/holder/copy_place.h"
#include "vault/holder/holder.h"
#include "vault/store/keyring.h"

typedef struct {
    GPtrArray *holders; /* VaultHolderValue, the host's first */
    GPtrArray *copies;  /* VaultCopyValue */
    GArray *declarations;
} VaultCustodyRegistry;
VaultCustodyRegistry *vault_custody_registry_read(VaultKeep *keep, GError **error);
void vault_custody_registry_free(VaultCustodyRegistry *registry);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultCustodyRegistry, vault_custody_registry_free)

VaultHolderValue *vault_custody_registry_holder(const VaultCustodyRegistry *registry,
                                                const char *name);
VaultCopyValue *vault_custody_registry_copy(const VaultCustodyRegistry *registry, const char *name);
VaultDeclarationValue *vault_custody_registry_declaration(const VaultCustodyRegistry *registry,
                                                          const char *name);

gboolean vault_custody_put_holder(VaultKeep *keep, const VaultHolderValue *value, GError **error);
gboolean vault_custody_put_copy(VaultKeep *keep, const VaultCopyValue *value, GError **error);
gboolean vault_custody_put_declaration(VaultKeep *keep, const VaultDeclarationValue *value,
                                       GError **error);
gboolean vault_custody_drop(VaultKeep *keep, VaultKeyringTable table, const RowId *row_id,
                            GError **error);

/* The row of a new vault's own holder, before there is a keeper. */
GByteArray *vault_custody_host_value(const char *vault_path, const char *key_path,
                                     const VaultId *vault_id, const VaultKey *key, guint64 now_s);

/* Borrows from value and keeper. */
VaultHolder vault_custody_holder(VaultKeep *keep, const VaultHolderValue *value);
VaultCopyPlace vault_custody_copy_place(VaultKeep *keep, const VaultCopyValue *value);

/* Takes over what was seen of a holder; one that is away stays as it was known. */
void vault_custody_note_holder(VaultKeep *keep, VaultHolderValue *value,
                               const VaultHolderState *state);
void vault_custody_note_copy(VaultKeep *keep, VaultCopyValue *value,
                             const VaultCopyPlaceState *state);

gboolean vault_custody_holder_has(const VaultHolderValue *value, const VaultKeyDigest *key);
VaultKeyDigest vault_custody_present_key(VaultKeep *keep);
