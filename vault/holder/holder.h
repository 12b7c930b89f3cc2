/* A holder: one place that keeps vault keys of a vault, by generation.
 *
 *   file     muniment-vaultkey file; plain, so that what is destroyed is overwritten as well as a
 *            disk lets one: best effort, and so it is called in every report
 *   tpm      the NV memory of a TPM 2.0: what is destroyed there is gone
 *   escrow   a file of vault keys sealed to the escrow key (vault/crypto/escrow.h): the host puts
 *            generations in and takes them out, and can open none
 *
 * A holder that is away (a disk that is not mounted, a file that is not there) is an answer, not an
 * error: nothing is ever written where the holder's own file is not found (in a TPM: where no key
 * of the vault is). Installing and destroying are durable and read back on return, whole or not at
 * all: a crash leaves the generations from before or from after. Functions do not lock: one caller
 * for each holder. Errors: NOT_FOUND (away), BUSY (something is there already), TOO_LARGE (more
 * generations than VAULT_KEY_GENERATIONS_MAX), CORRUPT (a damaged file, one of another vault or
 * escrow key, or what was read back is not what was written), REFUSED (the only generation, an
 * escrow key of small order, a TPM that wants a password), MALFORMED (no place of a TPM), IO,
 * NO_SPACE. The message names the place and what to do. Formats: docs/formats/key-files.md,
 * docs/formats/escrow.md, docs/formats/tpm.md.
 */
#pragma once

#include "vault/crypto/escrow.h"

#define VAULT_HOLDER_PLACE_LEN_MAX 1024

typedef enum {
    VAULT_HOLDER_FILE = 1,
    VAULT_HOLDER_ESCROW = 2,
    VAULT_HOLDER_TPM = 3,
    VAULT_HOLDER_KIND_END
} VaultHolderKind;
/* "file", "escrow", "tpm"; NULL for what is none. */
const char *vault_holder_kind_name(VaultHolderKind kind);
gboolean vault_holder_kind_parse(const char *name, VaultHolderKind *ret_kind);

/* A place that begins with "tpm:" is in a TPM: what the host's own holder and a command's PLACE are
 * told apart by. */
gboolean vault_holder_place_is_tpm(const char *place);
/* MALFORMED: no place of that kind. */
gboolean vault_holder_place_check(VaultHolderKind kind, const char *place, GError **error);

/* Borrowed by every function. */
typedef struct {
    VaultHolderKind kind;
    const char *place; /* an absolute path; "tpm:" and a TCTI: tpm:device:/dev/tpmrm0 */
    VaultId vault_id;
    EscrowPublicKey escrow_key; /* of escrow only */
} VaultHolder;

typedef enum {
    VAULT_HOLDER_HERE,
    VAULT_HOLDER_AWAY,
    VAULT_HOLDER_DAMAGED, /* something is there, and no key can be had from it */
} VaultHolderPresence;

typedef struct {
    VaultHolderPresence presence;
    char *reason;                                   /* unless HERE */
    VaultKeyDigest keys[VAULT_KEY_GENERATIONS_MAX]; /* rising; of HERE only */
    gsize count;
    gboolean is_on_file_system; /* of HERE only, as all below */
    guint64 device;             /* st_dev of its file there */
} VaultHolderState;
void vault_holder_state_clear(VaultHolderState *state);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(VaultHolderState, vault_holder_state_clear)

void vault_holder_look(const VaultHolder *holder, VaultHolderState *ret_state);

/* What a holder that can be read holds. REFUSED: one in escrow. */
gboolean vault_holder_read(const VaultHolder *holder, VaultKey ret_keys[VAULT_KEY_GENERATIONS_MAX],
                           gsize *ret_count, GError **error);
/* A new holder with its first generation. BUSY: there is one already. */
gboolean vault_holder_create(const VaultHolder *holder, const VaultKey *key, GError **error);
/* Puts a key beside those that are there, in the place of another of its generation: that one was
 * of a roll that was given up. Nothing is written when it is there already. */
gboolean vault_holder_install(const VaultHolder *holder, const VaultKey *key, GError **error);
/* One that is not there is done. REFUSED for the only one that is left in a file. */
gboolean vault_holder_destroy(const VaultHolder *holder, guint32 generation, GError **error);
/* Takes the whole holder away, and overwrites what it was. */
gboolean vault_holder_remove(const VaultHolder *holder, GError **error);
