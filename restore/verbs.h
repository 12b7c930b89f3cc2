/* The verbs that main.c lists: restore/verb_<name>.c each. */
#pragma once

int restore_verb_setup(int argc, char **argv);
int restore_verb_master(int argc, char **argv);
int restore_verb_init(int argc, char **argv);
int restore_verb_identity(int argc, char **argv);
int restore_verb_request(int argc, char **argv);
int restore_verb_approve(int argc, char **argv);
int restore_verb_grant(int argc, char **argv);
/* "muniment grant revoke", from restore_verb_grant(). */
int restore_verb_reader(int argc, char **argv);
int restore_verb_grant_revoke(int argc, char **argv);
int restore_verb_drill(int argc, char **argv);
int restore_verb_rotation(int argc, char **argv);
int restore_verb_policy(int argc, char **argv);
int restore_verb_restore(int argc, char **argv);
int restore_verb_search(int argc, char **argv);
int restore_verb_reindex(int argc, char **argv);
int restore_verb_case(int argc, char **argv);
int restore_verb_show(int argc, char **argv);
int restore_verb_serve(int argc, char **argv);
int restore_verb_import(int argc, char **argv);
int restore_verb_mailbox(int argc, char **argv);
int restore_verb_hold(int argc, char **argv);
int restore_verb_retention(int argc, char **argv);
int restore_verb_clock(int argc, char **argv);
int restore_verb_message(int argc, char **argv);
int restore_verb_status(int argc, char **argv);
int restore_verb_vaultkey(int argc, char **argv);
int restore_verb_verify(int argc, char **argv);
int restore_verb_log(int argc, char **argv);
int restore_verb_check(int argc, char **argv);
int restore_verb_witness(int argc, char **argv);
int restore_verb_erase(int argc, char **argv);
int restore_verb_shred(int argc, char **argv);
int restore_verb_erasure(int argc, char **argv);
int restore_verb_rebuild(int argc, char **argv);
int restore_verb_compact(int argc, char **argv);
int restore_verb_backup(int argc, char **argv);
int restore_verb_recover(int argc, char **argv);
int restore_verb_adopt(int argc, char **argv);
