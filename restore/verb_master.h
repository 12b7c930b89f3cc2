/* The verbs of "muniment master" that the escrow key does not have, one file
 * restore/verb_master_<name>.c each; the table of all is in restore/verb_master.c. */
#pragma once

int restore_verb_master_drill(int argc, char **argv);
int restore_verb_master_rotate(int argc, char **argv);
