/* Names of mailboxes as they are typed, for acts on mailboxes: what they are in the vault, and what
 * may have been meant. Threads: none shared.
 */
#pragma once

#include "vault/keep.h"

/* A normalised address, 32 lower-case hexadecimal digits or "unassigned"; new string. MALFORMED:
 * none of these. */
char *restore_mailbox_name(const char *typed, GError **error);
char *restore_domain_name(const char *typed, GError **error);

/* Whether a mailbox bears the address or bore it. */
gboolean restore_mailbox_is_known(const GPtrArray *mailboxes, const char *name);
gboolean restore_domain_is_known(const GPtrArray *mailboxes, const char *domain);
/* NOT_FOUND "there is no mailbox NAME; did you mean ...?". `mailboxes`: VaultMailbox. Always FALSE.
 */
gboolean restore_mailbox_refuse(const GPtrArray *mailboxes, const char *name, GError **error);
/* The mailbox that bears the name now, an open one before a closed one. NOT_FOUND as above. */
const VaultMailbox *restore_mailbox_find(const GPtrArray *mailboxes, const char *name,
                                         GError **error);
