/* Mail to be imported, as a row of messages: mbox files, Maildirs, .eml files, folders of those,
 * and tar, zip and compressed files of those. Streamed: no file and no message is held whole.
 *
 *   open -> (next -> read*)* -> free
 *
 * Bytes come out as they lie there: LF stays LF and CRLF stays CRLF, since what is evidence is not
 * rewritten; only what an mbox adds (postmarks, quoting, separators) is taken away. Order: paths as
 * given, names in byte order, a folder's files before its folders; so a second run over the same
 * files gives the same positions.
 * Nothing is ever written, so a name inside an archive ("../../etc/passwd") is only a name.
 *
 * When it was received: the source's delivery date (postmark, Maildir name), else the topmost
 * Received:, else unknown. Never a file's time and never Date:. A time before 1970 or more than two
 * days ahead of `now_s` is none.
 *
 * A file that cannot be read or is no mail does not stop the others: the callbacks hear of it.
 * Errors of open: NOT_FOUND, IO, REFUSED. Threads: one user per object.
 */
#pragma once

#include "restore/mbox_reader.h"
#include "vault/crypto/hash.h"

#define MAIL_SOURCE_DEPTH_MAX 64 /* folders in folders */

typedef enum {
    MAIL_FORMAT_AUTO,
    MAIL_FORMAT_MBOXRD,
    MAIL_FORMAT_MBOXO,
    MAIL_FORMAT_MBOXCL2,
    MAIL_FORMAT_MAILDIR,
    MAIL_FORMAT_EML,
} MailFormat;
gboolean mail_format_parse(const char *text, MailFormat *ret_format);

typedef struct {
    const char *const *paths; /* NULL-terminated */
    MailFormat format;
    guint64 now_s;
    /* For the operator: a file that is no mail, and one that could not be read. */
    void (*skipped)(const char *place, const char *why, gpointer user);
    void (*failed)(const char *place, const GError *failure, gpointer user);
    gpointer user;
} MailSourceOptions;

/* Borrowed until the next call of mail_source_next(). */
typedef struct {
    const char *place;    /* for the operator: file, member, byte */
    VaultHash position;   /* the same for the same message of the same files, and for no other */
    const char *format;   /* "mbox", "maildir", "eml" */
    const char *sender;   /* NULL = not known, "" = null sender */
    const char *folder;   /* NULL = none; "/" between levels; UTF-8 */
    const char *keywords; /* NULL = none; IMAP flags, space between */
    gboolean has_date;
    guint64 received_s;
} MailMessage;

typedef struct MailSource MailSource;
MailSource *mail_source_open(const MailSourceOptions *options, GError **error);
void mail_source_free(MailSource *source);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MailSource, mail_source_free)

/* The next message; NULL after the last. Passes over what was not read of the one before. */
const MailMessage *mail_source_next(MailSource *source);
/* The next piece of it, 0 bytes at its end; borrowed until the next call. FALSE: the message cannot
 * be read to its end and counts as not there; mail_source_next() goes on after it. */
gboolean mail_source_read(MailSource *source, const guint8 **ret_bytes, gsize *ret_len,
                          GError **error);
/* Bytes of files passed so far, and of all files given (known after open). For progress. */
guint64 mail_source_done_len(const MailSource *source);
guint64 mail_source_all_len(const MailSource *source);
