/* muniment master: the offline key that a vault is sealed to. What it has in common with the escrow
 * key is in restore/verb_key.h. */
#include "restore/verb_master.h"
#include "restore/verb.h"
#include "restore/verb_key.h"
#include "restore/verbs.h"

static int create(int argc, char **argv)
{
    return restore_verb_key_create(VAULT_SHARE_MASTER, argc, argv);
}

static int confirm(int argc, char **argv)
{
    return restore_verb_key_confirm(VAULT_SHARE_MASTER, argc, argv);
}

static int check_share(int argc, char **argv)
{
    return restore_verb_key_check_share(VAULT_SHARE_MASTER, argc, argv);
}

static int sheet(int argc, char **argv)
{
    return restore_verb_key_sheet(VAULT_SHARE_MASTER, argc, argv);
}

static int reshare(int argc, char **argv)
{
    return restore_verb_key_reshare(VAULT_SHARE_MASTER, argc, argv);
}

int restore_verb_master(int argc, char **argv)
{
    static const RestoreVerb verbs[] = {
        {"create", "make a master key: under a passphrase, or in shares", create},
        {"confirm", "enter all shares again, and get the public half", confirm},
        {"check-share", "check one share, alone", check_share},
        {"sheet", "write the sheet of one share anew", sheet},
        {"drill", "prove to a vault that the master key can still be used",
         restore_verb_master_drill},
        {"rotate", "wrap what is wrapped to one master to another", restore_verb_master_rotate},
        {"reshare", "make a new set of shares of the same key", reshare},
    };

    return restore_verb_dispatch("muniment master", verbs, G_N_ELEMENTS(verbs), argc, argv);
}
