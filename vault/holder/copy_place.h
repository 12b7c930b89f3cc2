/* A place that the keyring is copied to: a folder, mounted disks included, or a folder behind ssh.
 *
 *   FOLDER/<vault id>.keyring     keyring and trailer (keyring_copy.h)
 *
 * A place is known by the id in the copy that lies there: where none lies, or one of another id (a
 * mount point without its disk, another disk of a rotation), the place is away and nothing is
 * written. Away is an answer, not an error. A copy is durable under its name and read back, byte by
 * byte, when vault_copy_place_put() returns TRUE; a crash leaves the one from before or the new
 * one.
 *
 * Behind ssh (ssh://[user@]host[:port]/folder) ssh(1) runs with keys and never asks, and timeout(1) ends it; there sh, cat,
 * sync, mv, rm, head, tail and sha256sum do the work. Errors: NOT_FOUND (away), BUSY (create: a
 * copy lies there; ssh: no answer in time, or no login), CORRUPT (what was read back differs), MALFORMED
 * (no such address), IO, NO_SPACE. Threads: one caller for each place.
 */
#pragma once

#include "vault/holder/keyring_copy.h"

#define VAULT_COPY_PLACE_LEN_MAX 1024

typedef enum { VAULT_COPY_FOLDER = 1, VAULT_COPY_SSH = 2 } VaultCopyKind;

/* Borrowed by every function. */
typedef struct {
    VaultCopyKind kind;
    const char *place; /* an absolute path, or an address */
    VaultId vault_id;
    RowId place_id;
} VaultCopyPlace;

/* By what it looks like: ssh:// or an absolute path. MALFORMED. */
gboolean vault_copy_place_kind(const char *place, VaultCopyKind *ret_kind, GError **error);

typedef struct {
    gboolean is_here;
    char *reason;          /* unless it is */
    VaultKeyringCopy copy; /* what lies there */
    guint64 device;        /* st_dev; 0: elsewhere */
} VaultCopyPlaceState;
void vault_copy_place_state_clear(VaultCopyPlaceState *state);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(VaultCopyPlaceState, vault_copy_place_state_clear)

/* Reads the trailer only. */
void vault_copy_place_look(const VaultCopyPlace *place, VaultCopyPlaceState *ret_state);

typedef enum {
    VAULT_COPY_FIRST, /* no copy may lie there */
    VAULT_COPY_NEXT   /* the place's own copy has to */
} VaultCopyTurn;

/* `path`: the keyring as a file; `copy` says what it is, but for the place's id. */
gboolean vault_copy_place_put(const VaultCopyPlace *place, VaultCopyTurn turn, const char *path,
                              const VaultKeyringCopy *copy, GError **error);
/* Takes the place's copy away. */
gboolean vault_copy_place_remove(const VaultCopyPlace *place, GError **error);
