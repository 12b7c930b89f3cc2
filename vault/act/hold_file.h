/* What a new hold is to cover, and why, as a text: what a command asks the vault's writer for. One
 * canonical form.
 *
 * Mailboxes are named as people name them: an address, 32 hexadecimal digits, or "unassigned"; all
 * of them, or at least one mailbox or domain. Pure. Errors: MALFORMED, UNSUPPORTED (a later
 * version), TOO_LARGE. Source: docs/formats/hold.md.
 */
#pragma once

#include "vault/act/text_file.h"

#define VAULT_HOLD_FILE_LEN_MAX (16u << 20)
#define VAULT_HOLD_FILE_NAMES_MAX 100000
#define VAULT_HOLD_FILE_DOMAINS_MAX 1000
#define VAULT_HOLD_FILE_MESSAGES_MAX 100000

typedef struct {
    char *case_id;
    char *reason;
    guint64 from_s;
    guint64 to_s;         /* below VAULT_TEXT_TIME_END_S; its last second = no end */
    guint64 until_s;      /* it ends by itself then; 0 = never */
    gboolean is_expected; /* names that no mailbox bears yet are held for mail to come */
    gboolean is_all;
    GPtrArray *mailboxes; /* char * */
    GPtrArray *domains;   /* char * */
    GArray *messages;     /* RecordId, ascending, each once; none = every message */
} VaultHoldFile;
VaultHoldFile *vault_hold_file_new(void);
void vault_hold_file_free(VaultHoldFile *hold);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultHoldFile, vault_hold_file_free)

VaultHoldFile *vault_hold_file_parse(const char *text, gsize len, GError **error);
/* Sorts the messages and drops repeated ones, then writes. Fails as the parser would for what it
 * would refuse. */
char *vault_hold_file_format(VaultHoldFile *hold, GError **error);
