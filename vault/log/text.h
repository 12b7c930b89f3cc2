/* Lines, decimal numbers and base64 as the C2SP texts want them. For vault/log, and for parsers
 * elsewhere of texts that C2SP defines.
 *
 * Strict: what has two spellings elsewhere has one here, so that parsing and formatting are each
 * other's inverse and no signed text can be changed without its signature failing. All are pure and
 * borrow their input; lengths are bytes.
 */
#pragma once

#include "vault/base/error.h"

typedef struct {
    const char *next;
    gsize left;
} LogText;

/* The next line without its newline; FALSE at the end, and for a last line without newline. */
gboolean log_text_line(LogText *text, const char **ret_line, gsize *ret_len);
/* The part up to `separator`, which is taken too; all that is left where there is none. */
gboolean log_text_part(LogText *text, char separator, const char **ret_part, gsize *ret_len);
gboolean log_text_is(const char *line, gsize len, const char *expected);

/* Digits without leading zeros, up to 2^63 - 1. */
gboolean log_text_decimal(const char *digits, gsize len, guint64 *ret_number);

/* RFC 4648 section 4 with padding, no white space, unused bits zero. NULL when it is not. */
GByteArray *log_text_base64(const char *text, gsize len);
/* The same of exactly `bytes_len` bytes. */
gboolean log_text_base64_exact(const char *text, gsize len, guint8 *ret_bytes, gsize bytes_len);
void log_text_append_base64_line(GString *text, const guint8 *bytes, gsize len);

/* UTF-8, 1..255 bytes, no white space of Unicode's, no control character, no "+": key names and
 * origins. */
#define VAULT_NOTE_NAME_LEN_MAX 255
gboolean log_text_is_key_name(const char *name, gsize len);

/* Sets MALFORMED with "<what>: <why>". Always FALSE. */
gboolean log_text_malformed(GError **error, const char *what, const char *why);
