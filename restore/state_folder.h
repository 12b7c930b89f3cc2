/* The reader's state folder: grants (*.grant) and identities (*.key) that need not be named.
 *
 * $XDG_STATE_HOME/muniment or ~/.local/state/muniment; whatever is put there is found. Indexes of
 * cases lie below it (restore/case_folder.h). Files that are no grants or identities are passed
 * over. Errors: NOT_FOUND (no folder, or nothing in it fits), BUSY (several grants fit: the message
 * names them), REFUSED (the folder is open to others), IO. Threads: the main thread only.
 */
#pragma once

#include "vault/base/id.h"

#include <glib.h>

/* Files of a kind that are looked at. */
#define STATE_FOLDER_FILES_MAX 1000

char *state_folder_path(void);

typedef struct {
    const char *grant_path, *identity_path; /* given: only the other is looked for; or NULL */
    const VaultId *vault_id;
    char **mailboxes; /* as typed: the grant must name each; NULL = any */
    char **messages;  /* archive ids as typed: the grant must cover each; NULL = any */
    guint8 half;      /* of VaultGrantHalves: what it must give */
    guint64 now_s;
} StateFolderWanted;

typedef struct {
    char *grant_path, *identity_path;
} StateFolderChoice;
void state_folder_choice_clear(StateFolderChoice *choice);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(StateFolderChoice, state_folder_choice_clear)

/* The one grant that is for this vault and for an identity that is there, gives that half of the
 * keys, has not expired and covers what is asked for. Whether it is good the vault says. */
gboolean state_folder_choose(const char *folder, const StateFolderWanted *wanted,
                             StateFolderChoice *ret_choice, GError **error);
