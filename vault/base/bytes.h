/* One bounded reader and one writer for everything stored: integers are big-endian, byte by byte.
 *
 * The reader never reads past its end: the first read that would sets `failed`, it and all later
 * reads give zeros (NULL for pointers), and vault_bytes_reader_finish() reports it once. So a
 * parser reads straight down and checks once, before it believes anything. Threads: none shared.
 * Ownership: the reader borrows its bytes.
 */
#pragma once

#include <glib.h>

typedef struct {
    const guint8 *next;
    gsize left;
    gboolean failed;
} VaultBytesReader;

void vault_bytes_reader_init(VaultBytesReader *reader, const void *bytes, gsize len);
guint8 vault_bytes_read_u8(VaultBytesReader *reader);
guint16 vault_bytes_read_u16(VaultBytesReader *reader);
guint32 vault_bytes_read_u32(VaultBytesReader *reader);
guint64 vault_bytes_read_u64(VaultBytesReader *reader);
/* Copies `len` bytes; zeros when they are not there. */
void vault_bytes_read(VaultBytesReader *reader, void *ret_bytes, gsize len);
/* Borrowed pointer to `len` bytes, NULL when they are not there. */
const guint8 *vault_bytes_read_borrowed(VaultBytesReader *reader, gsize len);
/* u16 length, then that many bytes of UTF-8 without NUL; a new string, NULL when it is not so. */
char *vault_bytes_read_string16(VaultBytesReader *reader);

typedef enum {
    VAULT_BYTES_MUST_END,  /* bytes left over are an error */
    VAULT_BYTES_MAY_FOLLOW /* later versions may add fields */
} VaultBytesEnd;

/* FALSE when a read went past the end or `end` is not kept. */
gboolean vault_bytes_reader_finish(const VaultBytesReader *reader, VaultBytesEnd end);

void vault_bytes_put_u16(guint8 *at, guint16 value);
void vault_bytes_put_u32(guint8 *at, guint32 value);
void vault_bytes_put_u64(guint8 *at, guint64 value);

void vault_bytes_append_u8(GByteArray *array, guint8 value);
void vault_bytes_append_u16(GByteArray *array, guint16 value);
void vault_bytes_append_u32(GByteArray *array, guint32 value);
void vault_bytes_append_u64(GByteArray *array, guint64 value);
/* u16 length first; the string is at most G_MAXUINT16 bytes (asserted: callers bound their input).
 */
void vault_bytes_append_string16(GByteArray *array, const char *text);

/* Lower-case hexadecimal digits; a new string. */
char *vault_bytes_to_hex(const guint8 *bytes, gsize len);
/* Exactly 2 * len digits, either case; NULL text is none. */
gboolean vault_bytes_from_hex(const char *text, guint8 *ret_bytes, gsize len);

/* CRC-32C (Castagnoli), RFC 3720 appendix B.4. Start with crc = 0; may be continued. */
guint32 vault_crc32c(guint32 crc, const void *bytes, gsize len);
