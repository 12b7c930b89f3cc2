/* The verbs below `muniment vaultkey`, for the tables in verb_vaultkey.c. */
#pragma once

int restore_verb_vaultkey_holders(int argc, char **argv);
int restore_verb_vaultkey_copies(int argc, char **argv);
int restore_verb_vaultkey_declare(int argc, char **argv);
int restore_verb_vaultkey_escrow(int argc, char **argv);
int restore_verb_vaultkey_roll(int argc, char **argv);
int restore_verb_vaultkey_open(int argc, char **argv);
