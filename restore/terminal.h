/* The terminal that questions are asked on (/dev/tty), silent while they are.
 *
 * While one is open, nothing that is typed is shown, and signals that would end the program are
 * taken as a failed answer (IO, "interrupted"), so that what is half made is removed; it is as it
 * was before once it is cleared, whatever happens in between. Threads: the main thread only.
 */
#pragma once

#include "vault/base/file.h"

#include <signal.h>
#include <termios.h>

typedef enum {
    RESTORE_TERMINAL_LINES, /* what is typed comes line by line */
    RESTORE_TERMINAL_KEYS   /* key by key, on a screen of its own that is gone afterwards */
} RestoreTerminalMode;

typedef struct {
    VaultFd fd;
    VaultFd signals;
    RestoreTerminalMode mode;
    struct termios settings;
    sigset_t mask;
    gboolean is_silent;
} RestoreTerminal;
#define RESTORE_TERMINAL_CLOSED                                                                    \
    {                                                                                              \
        .fd = -1, .signals = -1                                                                    \
    }
void restore_terminal_clear(RestoreTerminal *terminal);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RestoreTerminal, restore_terminal_clear)

/* MALFORMED with `missing` as message where there is no terminal, else IO. */
gboolean restore_terminal_open(RestoreTerminal *terminal, RestoreTerminalMode mode,
                               const char *missing, GError **error);
gboolean restore_terminal_write(RestoreTerminal *terminal, const char *text, GError **error);
/* Until something was typed. */
gboolean restore_terminal_wait(RestoreTerminal *terminal, GError **error);
/* One key; IO also when the terminal was closed. */
gboolean restore_terminal_read_key(RestoreTerminal *terminal, char *ret_key, GError **error);
