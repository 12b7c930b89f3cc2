/* The text form that all key files share: one line of type and version, then "name: value" lines
 * in a fixed order. Inside vault/crypto only; what the types hold: docs/formats/key-files.md.
 *
 * A reader borrows the text, and a mistake ends the parse: each function sets MALFORMED (or
 * UNSUPPORTED for a later version) and returns FALSE. Lines end with LF or CR LF, the last may end
 * with the text. Values stay in place, so that no copies of secrets are made.
 */
#pragma once

#include "vault/crypto/hash.h"

typedef struct {
    const char *type; /* for messages */
    const char *next;
} KeyTextReader;

/* TOO_LARGE over VAULT_KEY_FILE_LEN_MAX bytes. */
gboolean key_text_begin(KeyTextReader *reader, const char *text, const char *type, GError **error);
/* The value of the next line, which must have this name; borrowed, not terminated. */
gboolean key_text_line(KeyTextReader *reader, const char *name, const char **ret_value,
                       gsize *ret_len, GError **error);
gboolean key_text_has_line(const KeyTextReader *reader, const char *name);
/* Exactly `len` bytes as hexadecimal digits. */
gboolean key_text_hex(KeyTextReader *reader, const char *name, guint8 *ret_bytes, gsize len,
                      GError **error);
/* Decimal digits without leading zeros, up to 4294967295. */
gboolean key_text_u32(KeyTextReader *reader, const char *name, guint32 *ret_number, GError **error);
/* The same from borrowed text that must be all of it. */
gboolean key_text_parse_u32(const char *value, gsize len, guint32 *ret_number);
gboolean key_text_parse_hex(const char *value, gsize len, guint8 *ret_bytes, gsize bytes_len);
gboolean key_text_end(const KeyTextReader *reader, GError **error);

/* A public key of X25519 must not be of small order. */
gboolean key_text_public_key(KeyTextReader *reader, const char *name, guint8 ret_key[VAULT_KEY_LEN],
                             GError **error);

/* Writers. The string is made once, large enough for every type, and never grows. */
GString *key_text_new(const char *type);
void key_text_put(GString *text, const char *name, const char *value);
void key_text_put_hex(GString *text, const char *name, const guint8 *bytes, gsize len);
void key_text_append_hex(GString *text, const guint8 *bytes, gsize len);
