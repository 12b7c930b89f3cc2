/* Keys that verify signed notes, and their text form, the vkey:
 *
 *     <name>+<8 hex digits: key id>+<base64(type || public key)>
 *
 * key id = first 4 bytes of SHA-256(name || 0x0A || type || public key). The id tells signatures
 * apart, it does not authenticate: only the signature does.
 * Errors: MALFORMED (not a vkey, or its id is not that of its key), UNSUPPORTED (another type, as
 * 0x06 for ML-DSA-44). Source: C2SP signed-note, tlog-cosignature; docs/formats/log.md.
 */
#pragma once

#include "vault/crypto/log_signature.h"

typedef enum {
    VAULT_NOTE_ED25519 = 0x01,    /* over the note's text: logs */
    VAULT_NOTE_COSIGNATURE = 0x04 /* over time and text: witnesses */
} VaultNoteKeyType;

#define VAULT_NOTE_KEY_ID_LEN 4

typedef struct {
    VaultNoteKeyType type;
    char *name;
    guint8 id[VAULT_NOTE_KEY_ID_LEN];
    guint8 public_key[VAULT_KEY_LEN];
} VaultNoteKey;

/* MALFORMED for a name that is none: empty, over 255 bytes, white space, control characters, "+".
 */
VaultNoteKey *vault_note_key_new_log(const char *name, const LogVerifyKey *key, GError **error);
VaultNoteKey *vault_note_key_new_witness(const char *name, const WitnessVerifyKey *key,
                                         GError **error);
VaultNoteKey *vault_note_key_copy(const VaultNoteKey *key);
void vault_note_key_free(VaultNoteKey *key);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultNoteKey, vault_note_key_free)

VaultNoteKey *vault_note_key_parse(const char *vkey, GError **error);
char *vault_note_key_format(const VaultNoteKey *key);
