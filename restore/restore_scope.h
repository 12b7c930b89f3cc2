/* What a restore is to give: the grant, and what of it the options ask for.
 *
 * The keys are those in the grant; a standing reader's are in the vault, wrapped to his identity,
 * and only those are opened that the options ask for.
 *
 * Errors: REFUSED (expired grant, signer that is no master of this vault, a mailbox or period that
 * the grant does not cover), NO_KEY (another identity), NOT_FOUND (no such mailbox), MALFORMED (a
 * file or an id that is none).
 */
#pragma once

#include "restore/state_folder.h"
#include "restore/vault_view.h"
#include "vault/open/grant.h"

typedef enum {
    RESTORE_SCOPE_READ,   /* messages */
    RESTORE_SCOPE_SEARCH, /* their words: a grant for searching only will do */
} RestoreScopePurpose;

typedef struct {
    RestoreScopePurpose purpose;
    const char *grant_path, *identity_path; /* NULL: that in the state folder which fits */
    char **messages;                        /* NULL = all */
    char **mailboxes;                       /* NULL = all of the grant */
    const char *from, *to;
    guint64 now_s;
} RestoreScopeOptions;

typedef struct {
    StateFolderChoice used; /* the two files */
    VaultReader *reader;
    VaultGrantFile *grant;
    VaultHash grant_hash; /* of its text */
    VaultIdentity identity;
    GPtrArray *months;            /* VaultMonthKeys that a standing reader has; NULL: no such one */
    GArray *mailboxes;            /* MailboxId asked for; empty = all of the grant */
    GArray *messages;             /* RecordId asked for, or named by the grant; empty = all */
    GHashTable *names;            /* MailboxId -> address or "unassigned", as the grant says */
    VaultViewFilter filter;       /* borrows the arrays */
    gboolean has_no_such_mailbox; /* why it failed */
} RestoreScope;
void restore_scope_clear(RestoreScope *scope);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RestoreScope, restore_scope_clear)

/* Presents the grant to the view. */
gboolean restore_scope_open(VaultView *view, const RestoreScopeOptions *options,
                            RestoreScope *ret_scope, GError **error);
/* Does the grant open messages too? */
gboolean restore_scope_has_content(const RestoreScope *scope);
/* Never NULL; borrowed. */
const char *restore_scope_mailbox_name(RestoreScope *scope, const MailboxId *mailbox);
