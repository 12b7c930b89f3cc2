/* A file for the person who called, written piece by piece: it has its name only once it is whole.
 *
 *   begin -> append* -> finish -> clear       cleared before: nothing is left of it
 *
 * Errors: BUSY (a file of that name is there: nothing is overwritten), IO, NO_SPACE, NOT_FOUND.
 * Threads: one user per object.
 */
#pragma once

#include "vault/base/file.h"

typedef struct {
    char *path, *draft_path;
    VaultFd fd;
} RestoreOutputDraft;
/* For the owner alone (0600). */
gboolean restore_output_draft_begin(RestoreOutputDraft *ret_draft, const char *path,
                                    GError **error);
gboolean restore_output_draft_append(RestoreOutputDraft *draft, const char *text, gsize len,
                                     GError **error);
/* Durable on return. */
gboolean restore_output_draft_finish(RestoreOutputDraft *draft, GError **error);
void restore_output_draft_clear(RestoreOutputDraft *draft);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RestoreOutputDraft, restore_output_draft_clear)
#define RESTORE_OUTPUT_DRAFT_NONE ((RestoreOutputDraft){.fd = -1})
