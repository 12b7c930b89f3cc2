/* Inside vault/keep: the files around the vault: `host`, `lock` and the vault-key file.
 *
 * `host` says which vault this is, on which machine it lives (hash of vault id and machine id) and
 * where its vault key lies when not beside it. Errors: NOT_FOUND (no vault there), CORRUPT,
 * REFUSED (another machine's; vault key inside the vault), BUSY (locked), NO_KEY, IO.
 */
#pragma once

#include "vault/base/file.h"
#include "vault/crypto/key_files.h"
#include "vault/holder/holder.h"

typedef struct {
    VaultId vault_id;
    char machine[65];
    char *vault_key_path; /* NULL: beside the vault */
} VaultHost;
void vault_host_clear(VaultHost *host);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(VaultHost, vault_host_clear)

gboolean vault_host_write(const char *vault_path, const VaultId *vault_id,
                          const char *vault_key_path, GError **error);
gboolean vault_host_read(const char *vault_path, VaultHost *ret_host, GError **error);
/* REFUSED when this is not the machine that it names. */
gboolean vault_host_check_machine(const char *vault_path, const VaultHost *host, GError **error);

/* VAULT.vaultkey beside the vault; a new string. */
char *vault_key_default_path(const char *vault_path);
/* REFUSED for a place inside the vault: whoever copied the vault would have the key with it. */
/* The host's own holder: a file, or where the path begins with "tpm:" a TPM. Borrows the path. */
VaultHolder vault_key_holder(const char *key_path, const VaultId *vault_id);
/* The whole path of what was given; a new string. */
char *vault_key_path_of(const char *given_path);
gboolean vault_key_path_check(const char *vault_path, const char *key_path, GError **error);
gboolean vault_key_read(const char *key_path, const VaultId *vault_id,
                        VaultKey ret_keys[VAULT_KEY_GENERATIONS_MAX], gsize *ret_count,
                        GError **error);

/* The writer's lock, held while the descriptor is open. BUSY names who has it. */
gboolean vault_lock_take(const char *vault_path, VaultFd *ret_fd, GError **error);

/* Held by who reads all packs and wants them to stay, and by who replaces some. BUSY: the other is
 * at it. */
typedef enum { VAULT_PACKS_STAY, VAULT_PACKS_CHANGE } VaultPacksUse;
gboolean vault_packs_lock(const char *packs_path, VaultPacksUse use, VaultFd *ret_fd,
                          GError **error);
