/* The two keys that people keep offline, master and escrow: what differs between them. Files,
 * passphrases, shares and seeds of one role are not good for the other; the code that makes and
 * reads them is the same.
 *
 * A pair of either role is a VaultMaster here, that of an escrow key what is in its VaultEscrow.
 * Threads: safe.
 */
#pragma once

#include "vault/crypto/slip39_sheet.h"

typedef struct {
    VaultShareRole role;
    const char *name;    /* of its files: "master" */
    const char *a_key;   /* "a master key" */
    const char *the_key; /* "the master key" */
    const char *command; /* that its verbs are below: "master" */
    const char *title;   /* "Master key" */
    const char *use;     /* what its public half is for */
    const char *who, *secret_advice, *advice;
    void (*create)(VaultMaster *ret_pair);
    char *(*format)(const VaultMaster *pair, const char *passphrase, gsize len,
                    const VaultPassphraseCost *cost, GError **error);
    gboolean (*parse)(const char *text, const char *passphrase, gsize len, VaultMaster *ret_pair,
                      GError **error);
    char *(*public_format)(const MasterPublic *pair);
} RestoreKeyRole;

const RestoreKeyRole *restore_key_role(VaultShareRole role);

/* "master create": a verb about such a key. A new string. */
char *restore_key_verb(VaultShareRole role, const char *name);
/* "the master key 2c89-…": for people. */
char *restore_key_title(VaultShareRole role, const MasterPublic *pair);
