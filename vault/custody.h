/* Where the vault's keys are: holders of vault keys, copies of the keyring, and copies of all of
 * the host that were declared. Part of the library "keep"; what changes it goes by
 * vault_keep_operate().
 *
 * The pair (docs/decisions/0013): off the vault's disk, a copy of the keyring and a holder of the
 * very vault key that it is sealed under. While there is none, one dead disk loses everything. "Off
 * the disk" is another file system than the vault's, or another host. Errors: those of the keyring.
 * Threads: safe.
 */
#pragma once

#include "vault/keep.h"
#include "vault/store/custody_values.h"

typedef enum { VAULT_CUSTODY_HOLDER, VAULT_CUSTODY_COPY } VaultCustodySort;

/* The host's own holder: the file that the daemon starts from. */
#define VAULT_CUSTODY_HOST "host"

typedef struct {
    VaultCustodySort sort;
    char name[VAULT_CUSTODY_NAME_LEN_MAX + 1];
    const char *kind; /* "file", "escrow"; "folder", "ssh" */
    char *place;
    gboolean is_off_disk;
    /* What it holds, of a copy what it is sealed under: as it was known last, where it is away. */
    VaultKeyDigest keys[VAULT_KEY_GENERATIONS_MAX];
    guint count;
    guint64 seen_s; /* when a holder was reached last, when a copy was made */
    char *away;     /* why it cannot be reached; NULL: it can, or was not looked at */
} VaultCustodyEntry;

typedef struct {
    VaultKeyDigest key; /* that the keyring is sealed under now */
    gboolean pair_exists;
    guint32 pair_generation; /* of the newest pair, older ones included; 0: none */
    GPtrArray *entries;      /* VaultCustodyEntry: the host's holder, other holders, copies */
    GArray *declarations;    /* VaultDeclarationValue */
} VaultCustodyState;
void vault_custody_state_free(VaultCustodyState *state);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultCustodyState, vault_custody_state_free)

typedef enum {
    VAULT_CUSTODY_KNOWN, /* as it was known last: quick */
    VAULT_CUSTODY_LOOK,  /* each place is looked at now; nothing is written down */
} VaultCustodyView;
/* In either mode of the keeper. */
VaultCustodyState *vault_custody_state(VaultKeep *keep, VaultCustodyView view, GError **error);

/* Has it a key or a keyring of a generation before this one? Then what was erased with that
 * generation can still be read with it. */
gboolean vault_custody_entry_is_behind(const VaultCustodyEntry *entry, guint32 generation);
/* How many of a sort are. */
guint vault_custody_count_behind(const VaultCustodyState *state, VaultCustodySort sort,
                                 guint32 generation);
/* The last day of any declared copy that may hold what was destroyed then; 0: none. */
guint64 vault_custody_declared_until(const VaultCustodyState *state, guint64 destroyed_s);

/* Brings every reachable place up to date, as the act "custody-update" does: installs the vault key
 * where it is not yet, copies the keyring, destroys older keys that may be. The daemon does so
 * hourly; a place that fails is warned of, one that is away is not. Writer only. */
gboolean vault_custody_update(VaultKeep *keep, GError **error);
