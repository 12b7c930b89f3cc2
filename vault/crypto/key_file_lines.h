/* Key files as text: a first line of type and version, then "name: value" lines in a fixed order.
 * Internal to vault/crypto. Errors: MALFORMED, UNSUPPORTED (later version), TOO_LARGE.
 */
#pragma once

#include "vault/crypto/keys.h"

typedef struct {
    const char *type; /* "muniment-master" */
    char **lines;
    guint next;
} KeyFileLines;
void key_file_lines_clear(KeyFileLines *file);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(KeyFileLines, key_file_lines_clear)

gboolean key_file_lines_begin(KeyFileLines *file, const char *type, const char *text,
                              GError **error);
/* The value of the next line, which must have this name; NULL with an error. Borrowed. */
const char *key_file_lines_value(KeyFileLines *file, const char *name, GError **error);
/* A value of exactly `len` bytes in hexadecimal. */
gboolean key_file_lines_bytes(KeyFileLines *file, const char *name, guint8 *ret_bytes, gsize len,
                              GError **error);
gboolean key_file_lines_number(KeyFileLines *file, const char *name, guint64 max,
                               guint64 *ret_number, GError **error);
gboolean key_file_lines_is_next(const KeyFileLines *file, const char *name);
gboolean key_file_lines_end(const KeyFileLines *file, GError **error);

void key_file_append_bytes(GString *text, const char *name, const guint8 *bytes, gsize len);
