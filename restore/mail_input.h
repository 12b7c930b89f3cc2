/* Bytes of mail to be imported, from a file or a member of an archive, through one window.
 *
 * The window holds the next bytes, at most MAIL_INPUT_WINDOW_LEN: who parses asks for as many as it
 * must see at once, looks, and consumes. Nothing is held whole. Errors: IO, MALFORMED (an archive
 * that does not read). Threads: one user per object.
 */
#pragma once

#include "vault/base/file.h"

#define MAIL_INPUT_WINDOW_LEN (256u << 10)

typedef struct MailInput MailInput;

/* Gives 0 at the end, -1 with the error set. */
typedef gssize (*MailInputRead)(gpointer user, guint8 *ret_bytes, gsize len, GError **error);

/* `len` is G_MAXUINT64 when nobody knows it. `fd` is the same file for looking ahead, -1 = cannot
 * seek; borrowed, like `user`. */
MailInput *mail_input_new(MailInputRead read, gpointer user, guint64 len, int fd);
void mail_input_free(MailInput *input);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MailInput, mail_input_free)

/* The window, with at least `want` bytes unless the input ends before; *ret_len says how many. The
 * pointer is good until the next call. */
gboolean mail_input_peek(MailInput *input, gsize want, const guint8 **ret_bytes, gsize *ret_len,
                         GError **error);
/* At most as many as the last peek gave. */
void mail_input_consume(MailInput *input, gsize len);
/* Bytes consumed so far. */
guint64 mail_input_offset(const MailInput *input);
guint64 mail_input_len(const MailInput *input);

typedef enum {
    MAIL_INPUT_AHEAD_BYTES,   /* ret_bytes holds what is there */
    MAIL_INPUT_AHEAD_UNKNOWN, /* too far for the window, and no file to look into */
} MailInputAhead;
/* Looks at up to `len` bytes that come `distance` bytes after the next one; consumes nothing. At
 * the end of the input fewer bytes are there. */
gboolean mail_input_look_ahead(MailInput *input, guint64 distance, guint8 *ret_bytes, gsize len,
                               MailInputAhead *ret_what, gsize *ret_len, GError **error);
