/* What a restore is to give: the grant, and what of it the options ask for.
 *
 * Errors: REFUSED (expired grant, signer that is no master of this vault, a mailbox or period that
 * the grant does not cover), NO_KEY (another identity), NOT_FOUND (no such mailbox), MALFORMED (a
 * file or an id that is none).
 */
#pragma once

#include "vault/keep.h"
#include "vault/open/grant.h"

typedef struct {
    const char *grant_path, *identity_path;
    char **messages;  /* NULL = all */
    char **mailboxes; /* NULL = all of the grant */
    const char *from, *to;
    guint64 now_s;
} RestoreScopeOptions;

typedef struct {
    VaultReader *reader;
    VaultGrantFile *grant;
    GBytes *grant_text;
    VaultIdentity identity;
    GArray *months;               /* MonthKeyId */
    GArray *messages;             /* RecordId; empty = all */
    GHashTable *names;            /* MailboxId -> address or "unassigned" */
    VaultCopyFilter filter;       /* borrows the arrays */
    gboolean has_no_such_mailbox; /* why it failed */
} RestoreScope;
void restore_scope_clear(RestoreScope *scope);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RestoreScope, restore_scope_clear)

gboolean restore_scope_open(VaultKeep *keep, const RestoreScopeOptions *options,
                            RestoreScope *ret_scope, GError **error);
/* Never NULL; borrowed. */
const char *restore_scope_mailbox_name(RestoreScope *scope, const MailboxId *mailbox);
