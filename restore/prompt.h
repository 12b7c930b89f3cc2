/* Passphrases: asked for on the terminal without echo, or read from a file for scripts.
 *
 * Never from argv or the environment. Errors: NOT_FOUND and IO (the file), MALFORMED (empty, or no
 * terminal to ask on), TOO_LARGE. Threads: the main thread only.
 */
#pragma once

#include "vault/crypto/key_files.h"

typedef struct {
    gsize len;
    char text[VAULT_PASSPHRASE_LEN_MAX + 1]; /* NUL-terminated */
} RestorePassphrase;
/* In guarded memory. */
RestorePassphrase *restore_passphrase_new(void);
void restore_passphrase_free(RestorePassphrase *passphrase);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RestorePassphrase, restore_passphrase_free)

/* The first line of `file` without its newline, or, where `file` is NULL, what is typed after
 * `question` on the terminal. */
gboolean restore_passphrase_read(RestorePassphrase *passphrase, const char *file,
                                 const char *question, GError **error);
gboolean restore_passphrase_equal(const RestorePassphrase *a, const RestorePassphrase *b);
