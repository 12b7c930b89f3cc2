/* What is to become of a mailbox, as a text: closed, an address more, an address less. Which of
 * these, says the act that it is given to. One canonical form. Pure. Errors: MALFORMED, UNSUPPORTED
 * (a later version). Source: docs/formats/control.md, section "operate".
 */
#pragma once

#include "vault/act/text_file.h"

#define VAULT_MAILBOX_CHANGE_LEN_MAX 4096

typedef struct {
    MailboxId mailbox_id;
    char *address;       /* normalised; NULL: none is named */
    gboolean is_primary; /* the address is the mailbox's name from now on */
} VaultMailboxChange;
void vault_mailbox_change_clear(VaultMailboxChange *change);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(VaultMailboxChange, vault_mailbox_change_clear)

gboolean vault_mailbox_change_parse(const char *text, gsize len, VaultMailboxChange *ret_change,
                                    GError **error);
char *vault_mailbox_change_format(const VaultMailboxChange *change);
