/* The verbs of "muniment mailbox" that have a file of their own. */
#pragma once

int restore_verb_mailbox_close(int argc, char **argv);
int restore_verb_mailbox_address(int argc, char **argv);
