/* Reading the files of an export that is checked: nothing but what lies below its folder.
 *
 * In an mbox, message n lies between the end of its postmark, which its offset in the manifest
 * names, and the postmark of message n + 1, or the end of the file; one LF before that belongs to
 * the mbox (restore/mbox.h). So every byte of the file is of a message, of a postmark, or that LF.
 * Errors: NOT_FOUND, IO, REFUSED (the system's), MALFORMED (no regular file; an mbox that is not
 * what the manifest says of it). Threads: safe while no offsets are added.
 */
#pragma once

#include "vault/crypto/hash.h"

/* The length and SHA-256 of a file; `name` is relative, and below `directory_fd`. */
gboolean check_file_hash(int directory_fd, const char *name, guint64 *ret_len, VaultHash *ret_hash,
                         GError **error);

/* Where the messages of mboxes begin: 8 bytes of memory each. */
typedef struct CheckMboxes CheckMboxes;
CheckMboxes *check_mboxes_new(void);
void check_mboxes_free(CheckMboxes *mboxes);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CheckMboxes, check_mboxes_free)
/* In the order of the file: FALSE, and not added, when it is not behind the last one. */
gboolean check_mboxes_add(CheckMboxes *mboxes, const char *name, guint64 offset);
/* Length and SHA-256 of the message there, quoting taken back. */
gboolean check_mboxes_hash(const CheckMboxes *mboxes, int directory_fd, const char *name,
                           guint64 offset, guint64 *ret_len, VaultHash *ret_hash, GError **error);
