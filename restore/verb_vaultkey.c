/* muniment vaultkey: the vault key and where it is. */
#include "restore/verb.h"
#include "restore/verbs.h"

int restore_verb_vaultkey(int argc, char **argv)
{
    static const RestoreVerb verbs[] = {
        {"roll", "replace the vault key and all keys under it", restore_verb_vaultkey_roll}};

    return restore_verb_dispatch("muniment vaultkey", verbs, G_N_ELEMENTS(verbs), argc, argv);
}
