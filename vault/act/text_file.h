/* Reading and writing the strict text files that people carry between machines: requests, grants.
 *
 * A first line that is the type and version, then "name: value" lines in the order that the format
 * fixes, LF after each, nothing else: no blank lines, no comments, no spaces at either end of a
 * value. So parsing and formatting again gives the same bytes, and two people who read a file have
 * read all of it. Each function takes the next line and fails with MALFORMED, naming file type and
 * line, when it is not what the format wants there. Threads: none shared. The text is borrowed.
 */
#pragma once

#include "vault/crypto/month.h"

typedef struct {
    const char *next;
    const char *end;
    const char *type; /* "muniment-request/1" */
    guint line;       /* of the line read last, from 1 */
} VaultTextFile;

/* Takes the first line. UNSUPPORTED when it is the same type in another version. The text must be
 * UTF-8; `type` is borrowed. */
gboolean vault_text_file_begin(VaultTextFile *file, const char *text, gsize len, const char *type,
                               GError **error);
/* The next line's value; caller frees. NULL when the line has another name. */
char *vault_text_file_take(VaultTextFile *file, const char *name, gsize len_max, GError **error);
/* MALFORMED unless all lines are taken. */
gboolean vault_text_file_finish(const VaultTextFile *file, GError **error);
/* Sets MALFORMED "<type>, line <n>: <text>". Always FALSE. */
gboolean vault_text_file_refuse(const VaultTextFile *file, GError **error, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

/* A value that people read: 1..len_max bytes, no control characters, nothing that reorders text or
 * breaks lines, no space at either end. */
char *vault_text_file_take_text(VaultTextFile *file, const char *name, gsize len_max,
                                GError **error);
/* Decimal without sign or leading zeros, at most `max`. */
gboolean vault_text_file_take_number(VaultTextFile *file, const char *name, guint32 max,
                                     guint32 *ret_number, GError **error);
/* "2026-11-24T00:21:08Z", as seconds since 1970. */
gboolean vault_text_file_take_time(VaultTextFile *file, const char *name, guint64 *ret_s,
                                   GError **error);
/* 2 * len lower-case hexadecimal digits. */
gboolean vault_text_file_take_hex(VaultTextFile *file, const char *name, guint8 *ret_bytes,
                                  gsize len, GError **error);

/* "from" and "to", the one before the other. */
gboolean vault_text_file_take_period(VaultTextFile *file, guint64 *ret_from_s, guint64 *ret_to_s,
                                     GError **error);
/* "messages" with their number, then a "message" each, in order and each once: RecordId. */
gboolean vault_text_file_take_messages(VaultTextFile *file, guint32 max, GArray *ids,
                                       GError **error);

/* The same for parts of a value; `what` names the part in the message. */
gboolean vault_text_file_hex(const VaultTextFile *file, const char *what, const char *text,
                             guint8 *ret_bytes, gsize len, GError **error);
gboolean vault_text_file_month(const VaultTextFile *file, const char *text, VaultMonth *ret_month,
                               GError **error);
/* A mailbox's address; "unassigned" is "". */
char *vault_text_file_address(const VaultTextFile *file, const char *text, GError **error);

/* Splits a value at single spaces into exactly `count` parts, of which the last keeps its spaces.
 * NULL (MALFORMED) when there are fewer. g_strfreev(). */
char **vault_text_file_split(const VaultTextFile *file, const char *value, guint count,
                             GError **error);

/* Is it a text that vault_text_file_take_text() takes? */
gboolean vault_text_is_readable(const char *text, gsize len_max);

void vault_text_append(GString *text, const char *name, const char *value);
void vault_text_append_number(GString *text, const char *name, guint32 number);
void vault_text_append_time(GString *text, const char *name, guint64 time_s);
void vault_text_append_hex(GString *text, const guint8 *bytes, gsize len);
void vault_text_append_hex_line(GString *text, const char *name, const guint8 *bytes, gsize len);
void vault_text_append_messages(GString *text, const GArray *ids);
/* "unassigned" for "". */
const char *vault_text_of_address(const char *address);

/* Times that RFC 3339 can write with four digits of year: below 10000-01-01. */
#define VAULT_TEXT_TIME_END_S G_GUINT64_CONSTANT(253402300800)
/* RFC 3339 with seconds and Z; new string. `time_s` below VAULT_TEXT_TIME_END_S (asserted). */
char *vault_text_time(guint64 time_s);
