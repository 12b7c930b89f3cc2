/* The verbs of "muniment hold" that have files of their own. */
#pragma once

int restore_verb_hold_add(int argc, char **argv);
int restore_verb_hold_remove(int argc, char **argv);
