/* What the verbs below `muniment log` share: restore/verb_log_<name>.c each. */
#pragma once

#include "vault/keep.h"

int restore_verb_log_list(int argc, char **argv);
int restore_verb_log_verify(int argc, char **argv);
int restore_verb_log_prove(int argc, char **argv);
int restore_verb_log_checkpoint(int argc, char **argv);
int restore_verb_log_stamp(int argc, char **argv);
int restore_verb_log_rotate_key(int argc, char **argv);

#define VERB_LOG_KINDS 2 /* VaultLogKind, from 0 */
const char *verb_log_name(VaultLogKind kind);
/* Of --log: "archive" or "control"; NULL is `standard`. G_OPTION_ERROR_BAD_VALUE. */
gboolean verb_log_kind_parse(const char *text, VaultLogKind standard, VaultLogKind *ret_kind,
                             GError **error);
/* As vault_access_open(); warnings are told. */
VaultKeep *verb_log_open(const char *verb, const char *path, GError **error);
/* A tlog-proof of the entry at `index`, the entry's bytes as its "extra". */
char *verb_log_prove_entry(VaultLogReader *reader, guint64 index, GError **error);
