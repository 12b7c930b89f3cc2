/* Inside vault/holder: what each kind of copy place does for itself. The trailer that is given to
 * `put` bears the place's id; that the place may be written to was decided before. */
#pragma once

#include "vault/holder/copy_place.h"

typedef struct {
    /* The last VAULT_KEYRING_COPY_TRAILER_LEN bytes of the copy; NOT_FOUND: none lies there. */
    gboolean (*read_trailer)(const VaultCopyPlace *place, guint8 *ret_bytes, guint64 *ret_device,
                             GError **error);
    gboolean (*put)(const VaultCopyPlace *place, const char *path, const VaultKeyringCopy *copy,
                    GError **error);
    gboolean (*remove)(const VaultCopyPlace *place, GError **error);
} VaultCopyBackend;

extern const VaultCopyBackend vault_copy_folder;
extern const VaultCopyBackend vault_copy_ssh;

/* MALFORMED: no address that ssh takes. */
gboolean vault_copy_ssh_check(const char *place, GError **error);
/* "<vault id>.keyring"; new string. */
char *vault_copy_file_name(const VaultId *vault_id);
