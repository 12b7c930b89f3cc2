/* The scope of a request, found in the vault: which mailboxes, which months of them.
 *
 * Reads names, months and, where messages are named, the catalog; opens nothing. Errors: NOT_FOUND
 * (nothing matched: the message says what), MALFORMED (an address, id or list that is none), and
 * those of vault/keep.h. Threads: the main thread only.
 */
#pragma once

#include "vault/act/grant_file.h"
#include "vault/keep.h"

typedef struct {
    gboolean is_all;      /* all mailboxes, unassigned included */
    GPtrArray *mailboxes; /* char *: addresses, 32 hexadecimal digits, "unassigned" */
    GPtrArray *domains;   /* char *: all mailboxes of a domain */
    GArray *messages;     /* RecordId: archive ids; months without one of them are left out */
    GHashTable *known;    /* the same, each once */
    gboolean has_result;
    VaultId result_vault; /* of a result file that says so */
    guint64 from_s, to_s;
    const VaultGrantFile *since; /* only what this grant does not hold; NULL = all. Borrowed */
} RestoreRequestScope;
void restore_request_scope_clear(RestoreRequestScope *scope);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RestoreRequestScope, restore_request_scope_clear)
void restore_request_scope_init(RestoreRequestScope *scope);

/* One address a line; empty lines and lines that begin with # are passed over. */
gboolean restore_request_scope_add_mailbox_file(RestoreRequestScope *scope, const char *path,
                                                GError **error);
gboolean restore_request_scope_add_message(RestoreRequestScope *scope, const char *id,
                                           GError **error);
/* A result file (vault/act/result_file.h), or a list: each line begins with an archive id. */
gboolean restore_request_scope_add_result_file(RestoreRequestScope *scope, const char *path,
                                               GError **error);

/* The mailboxes, messages and period of a grant, and only what it does not hold. The caller may set
 * a later `to_s`; the grant must outlive the scope. */
void restore_request_scope_extend(RestoreRequestScope *scope, const VaultGrantFile *grant);

/* Fills vault id, period, messages and mailboxes of the request, whose act is set: with keys for an
 * act that is granted, else by name only. Months that have no keys yet cannot be granted: the
 * period then ends with the last that has, and *ret_is_cut says so. */
gboolean restore_request_scope_find(const RestoreRequestScope *scope, VaultKeep *keep,
                                    VaultRequestFile *request, gboolean *ret_is_cut,
                                    GError **error);
