/* What an exit status of `muniment` means: a contract with scripts (docs/man/muniment.1). */
#pragma once

#include <glib.h>

typedef enum {
    RESTORE_EXIT_DONE = 0,
    RESTORE_EXIT_FAILED = 1,
    RESTORE_EXIT_USAGE = 2,
    RESTORE_EXIT_NOTHING_MATCHED = 3,
    RESTORE_EXIT_REFUSED = 4, /* by policy, hold, retention, approvals or scope */
    RESTORE_EXIT_PARTLY = 5   /* done in part: the manifest or the messages say what is missing */
} RestoreExit;

/* The status for an error that ended a command. NOT_FOUND is FAILED here, as a vault that is not
 * there is no empty result: a verb that looked for messages or mailboxes and found none returns
 * NOTHING_MATCHED itself. Errors of the command line (G_OPTION_ERROR) are USAGE. */
RestoreExit restore_exit_status(const GError *error);
