/* The verbs about a key that people keep offline, one file restore/verb_key_<name>.c each: the same
 * below "muniment master" and "muniment vaultkey escrow". */
#pragma once

#include "restore/key_role.h"

int restore_verb_key_create(VaultShareRole role, int argc, char **argv);
int restore_verb_key_confirm(VaultShareRole role, int argc, char **argv);
int restore_verb_key_reshare(VaultShareRole role, int argc, char **argv);
int restore_verb_key_check_share(VaultShareRole role, int argc, char **argv);
int restore_verb_key_sheet(VaultShareRole role, int argc, char **argv);
