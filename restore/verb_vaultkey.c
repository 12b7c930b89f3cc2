/* muniment vaultkey: where the vault key and the keyring are, and who can bring them back. */
#include "restore/verb_vaultkey.h"

#include "restore/verb.h"
#include "restore/verbs.h"

int restore_verb_vaultkey(int argc, char **argv)
{
    static const RestoreVerb verbs[] = {
        {"holders", "places that keep the vault key", restore_verb_vaultkey_holders},
        {"copies", "places that the keyring is copied to", restore_verb_vaultkey_copies},
        {"declare", "say which backups carry vault key and keyring", restore_verb_vaultkey_declare},
        {"escrow", "make an escrow key: offline, for other people", restore_verb_vaultkey_escrow},
        {"roll", "replace the vault key and all keys under it", restore_verb_vaultkey_roll},
        {"open", "get a vault key back from escrow, offline", restore_verb_vaultkey_open},
    };

    return restore_verb_dispatch("muniment vaultkey", verbs, G_N_ELEMENTS(verbs), argc, argv);
}
