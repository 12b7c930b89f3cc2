/* Lines and frames of the control sockets, for both ends (docs/formats/control.md).
 *
 *   line    text, LF
 *   text    u32 length | text                 after a line that has one: of an act, a grant
 *   list    u8 kind | u24 number | record ids  } of releases
 *   release u32 length | bytes                 }
 *   batch   u32 length | bytes                 of terms
 *   header  u32 length | JSON object          } of an import
 *   chunk   u32 length | bytes; length 0 ends the message, 0xffffffff drops it
 *
 * The stream borrows its descriptor, a blocking socket; timeouts are the socket's own. Errors: IO
 * (broken, timed out, ended in the middle), MALFORMED (a line or frame over its limit, NUL in a
 * line). Threads: one user per stream.
 */
#pragma once

#include "vault/base/error.h"

#define ARCHIVED_CONTROL_REQUEST_LEN_MAX 4096
#define ARCHIVED_CONTROL_ANSWER_LEN_MAX (1u << 16)
#define ARCHIVED_CONTROL_HEADER_LEN_MAX (1u << 16)
#define ARCHIVED_CONTROL_CHUNK_LEN_MAX (1u << 18)
#define ARCHIVED_CONTROL_TEXT_LEN_MAX (32u << 20) /* of an operator's act, and of what it says */
#define ARCHIVED_CONTROL_GRANT_LEN_MAX (32u << 20)
#define ARCHIVED_CONTROL_RESTORE_LEN_MAX (1u << 16)
#define ARCHIVED_CONTROL_COPIES_MAX 16384
#define ARCHIVED_CONTROL_RELEASE_LEN_MAX (2u << 20)
#define ARCHIVED_CONTROL_TERMS_LEN_MAX (32u << 20)
#define ARCHIVED_CONTROL_CHUNK_ABANDON 0xffffffffu

/* What a list asks a release of: of the case key without ids. */
typedef enum {
    ARCHIVED_RELEASE_COPIES = 0,
    ARCHIVED_RELEASE_TERMS = 1,
    ARCHIVED_RELEASE_CASE_KEY = 2,
} ArchivedReleaseKind;
#define ARCHIVED_RELEASE_NUMBER_BITS 24 /* of the list's first four bytes; above them the kind */

typedef struct ArchivedControlStream ArchivedControlStream;
ArchivedControlStream *archived_control_stream_new(int fd);
void archived_control_stream_free(ArchivedControlStream *stream); /* wipes its buffer */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ArchivedControlStream, archived_control_stream_free)

/* Without its LF; *ret_line is NULL when the peer closed between lines. */
gboolean archived_control_read_line(ArchivedControlStream *stream, gsize len_max, char **ret_line,
                                    GError **error);
/* *ret_is_end: the peer closed before the first byte. */
gboolean archived_control_read_u32(ArchivedControlStream *stream, guint32 *ret_value,
                                   gboolean *ret_is_end, GError **error);
gboolean archived_control_read(ArchivedControlStream *stream, void *ret_bytes, gsize len,
                               GError **error);

/* A length and as many bytes; a NUL that is not counted follows. IO when the peer closed before,
 * and TOO_LARGE over the limit: then the stream is out of step. In two steps for who makes room
 * between them. */
gboolean archived_control_read_text_len(ArchivedControlStream *stream, guint32 len_max,
                                        guint32 *ret_len, GError **error);
char *archived_control_read_text_bytes(ArchivedControlStream *stream, guint32 len, GError **error);
char *archived_control_read_text(ArchivedControlStream *stream, guint32 len_max, guint32 *ret_len,
                                 GError **error);

gboolean archived_control_send(int fd, const void *bytes, gsize len, GError **error);
/* A u32 length and the bytes, in one call. */
gboolean archived_control_send_frame(int fd, const void *bytes, guint32 len, GError **error);

/* "BUSY" <-> VAULT_ERROR_BUSY; what is no error code's name is IO. */
const char *archived_control_code_name(int code);
VaultErrorCode archived_control_code_parse(const char *name);

/* {"ok":false,"code":...,"message":...} and LF. */
char *archived_control_failure_format(const GError *failure);
