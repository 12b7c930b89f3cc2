/* The one error domain of the vault, its codes named by what the caller can do about them.
 *
 * The message of a GError is for the operator: what failed, on what, what to do next. It holds no
 * secret, no address and no content, and is never sent to an LMTP client. Error -> LMTP reply and
 * error -> exit status are one switch each (ingest/lmtp_reply.c, restore/exit_status.c).
 */
#pragma once

#include <glib.h>

typedef enum {
    VAULT_ERROR_NOT_FOUND,   /* no such vault, mailbox, message or file */
    VAULT_ERROR_BUSY,        /* another process is the writer, or a budget is used up: try later */
    VAULT_ERROR_NO_SPACE,    /* disk full or below its reserve */
    VAULT_ERROR_IO,          /* the operating system failed a call */
    VAULT_ERROR_TOO_LARGE,   /* over a limit that the operator set or docs/limits.md lists */
    VAULT_ERROR_MALFORMED,   /* their bytes: input that nobody of us wrote */
    VAULT_ERROR_CORRUPT,     /* our bytes: a stored record or file that fails its check */
    VAULT_ERROR_NO_KEY,      /* wrong passphrase, wrong identity, missing or unfitting key */
    VAULT_ERROR_ERASED,      /* the key was destroyed: never to be read again */
    VAULT_ERROR_REFUSED,     /* policy or scope forbids it */
    VAULT_ERROR_UNSUPPORTED, /* a version, suite or kind that this program does not know */
} VaultErrorCode;

#define VAULT_ERROR vault_error_quark()
GQuark vault_error_quark(void);

/* An errno as a VaultErrorCode: ENOSPC and EDQUOT are NO_SPACE, ENOENT is NOT_FOUND, EEXIST is
 * BUSY, all else IO: what the operating system does not permit is not what policy refuses. */
VaultErrorCode vault_error_code_from_errno(int saved_errno);

/* Sets "<what> <on>: <strerror>" with the code of `saved_errno`. Always returns FALSE. */
gboolean vault_error_set_errno(GError **error, int saved_errno, const char *what, const char *on);
