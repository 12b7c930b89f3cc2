/* The verbs of "muniment master", one file restore/verb_master_<name>.c each; the table of them is
 * in restore/verb_master.c. */
#pragma once

#include <glib.h>

int restore_verb_master_confirm(int argc, char **argv);
int restore_verb_master_reshare(int argc, char **argv);
int restore_verb_master_check_share(int argc, char **argv);
int restore_verb_master_sheet(int argc, char **argv);
int restore_verb_master_drill(int argc, char **argv);
int restore_verb_master_rotate(int argc, char **argv);

/* "master create" with --shares. */
gboolean restore_master_create_shares(const char *directory, guint count, guint threshold,
                                      gboolean as_json, GError **error);
