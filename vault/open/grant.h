/* Making a grant from a request with the master key, and a reader from a grant with an identity.
 *
 * vault_grant_make() unwraps each month's seed with the info recomputed from the request, so that a
 * wrap made for another mailbox, address, month or vault is refused, and seals the halves that the
 * act needs to the reader: content and index to read, index alone to search. Seeds are wiped in
 * the function that unwraps them. Threads: functions are safe. Errors below.
 * Source: docs/formats/grant.md.
 */
#pragma once

#include "vault/act/grant_file.h"
#include "vault/crypto/key_files.h"
#include "vault/open.h"

/* Progress of a long making; may be NULL. */
typedef void (*VaultGrantProgress)(guint done, guint all, gpointer user);

/* REFUSED: as below, what can be told before the master is opened. */
gboolean vault_grant_may_be_made(const VaultRequestFile *request, guint64 now_s, GError **error);
typedef struct {
    const char *request_text;
    gsize request_len;
    guint64 now_s;
    VaultGrantProgress progress; /* may be NULL */
    gpointer user;
} VaultGrantMaking;
/* REFUSED: request expired at `now_s`, a wrap that is not what the request says. NO_KEY: no wrap of
 * a month is for this master. MALFORMED: the request, also one of an act that is not granted. The
 * caller has counted its approvals. */
VaultGrantFile *vault_grant_make(const VaultGrantMaking *making, const VaultMaster *master,
                                 GError **error);

/* REFUSED: expired. NO_KEY: another identity. */
gboolean vault_grant_is_for(const VaultGrantFile *grant, const VaultIdentity *identity,
                            guint64 now_s, GError **error);
/* REFUSED: expired at `now_s`. NO_KEY: another identity. MALFORMED: a key in it is damaged. The
 * caller has verified the grant (vault_grant_file_verify()). */
VaultReader *vault_grant_reader(const VaultGrantFile *grant, const VaultIdentity *identity,
                                guint64 now_s, GError **error);

/* A month wrapped to a standing reader, as the vault's host tells of it: a claim, until the wrap
 * opens with the info recomputed from it. */
typedef struct {
    MailboxId mailbox_id;
    const char *address; /* when the key was made; "" for unassigned. Borrowed */
    VaultMonth month;
    MonthPublicKeys keys;
    VaultWrap wrap;
} VaultStandingMonth;
/* The same of a standing grant. REFUSED also: a month that it does not cover, or a wrap that was
 * made for another reader, mailbox, address, month, vault or other keys than is said. */
VaultReader *vault_grant_standing_reader(const VaultGrantFile *grant, const VaultIdentity *identity,
                                         const VaultStandingMonth *months, gsize count,
                                         guint64 now_s, GError **error);
