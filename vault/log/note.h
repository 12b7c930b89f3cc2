/* Signed notes: a text, a blank line, and a line "— <key name> <base64>" for each signature.
 *
 * Parsing says nothing about who signed: vault_note_verify() does, for one key. Signatures of other
 * keys are ignored, one of this key that fails refuses the note.
 * Errors: MALFORMED (not a note, or a signature that fails), TOO_LARGE (length, number of
 * signatures), NO_KEY (no signature of this key). Pure. Source: C2SP signed-note, tlog-cosignature;
 * docs/formats/log.md.
 */
#pragma once

#include "vault/log/note_key.h"

#define VAULT_NOTE_LEN_MAX (512 * 1024)
#define VAULT_NOTE_SIGNATURES_MAX 100

typedef struct {
    char *name;
    guint8 key_id[VAULT_NOTE_KEY_ID_LEN];
    GByteArray *signature; /* what follows the key id; at least one byte */
} VaultNoteSignature;

typedef struct {
    char *text; /* UTF-8 that ends with a newline and has no other control character */
    GPtrArray *signatures;
} VaultNote;

/* `text` is asserted to be such a text: ours is. No signatures yet. */
VaultNote *vault_note_new(const char *text);
void vault_note_free(VaultNote *note);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultNote, vault_note_free)

/* At least one signature, at most VAULT_NOTE_SIGNATURES_MAX. */
VaultNote *vault_note_parse(const char *bytes, gsize len, GError **error);
/* Parsing gives the same note again, and formatting a parsed one the same bytes. */
char *vault_note_format(const VaultNote *note);

/* `name` is asserted to be a key name; see vault_note_key_new_log(). */
void vault_note_sign(VaultNote *note, const char *name, const LogSigningKey *key);
/* `time_s`: seconds since 1970 UTC, at most 2^63 - 1 (asserted). */
void vault_note_cosign(VaultNote *note, const char *name, const WitnessSigningKey *key,
                       guint64 time_s);

/* `ret_time_s`, may be NULL: when a witness says that it signed, the latest if it signed more than
 * once; 0 for a log. */
gboolean vault_note_verify(const VaultNote *note, const VaultNoteKey *key, guint64 *ret_time_s,
                           GError **error);
