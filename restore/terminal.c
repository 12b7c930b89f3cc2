#include "restore/terminal.h"

#include "vault/base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* The alternate screen has no history to scroll back in; what was on it is cleared all the same. */
#define SCREEN_ENTER "\033[?1049h\033[2J\033[H"
#define SCREEN_LEAVE "\033[2J\033[H\033[?1049l"

void restore_terminal_clear(RestoreTerminal *terminal)
{
    if (terminal->is_silent) {
        (void)tcsetattr(terminal->fd, TCSAFLUSH, &terminal->settings);
        (void)restore_terminal_write(
            terminal, terminal->mode == RESTORE_TERMINAL_KEYS ? SCREEN_LEAVE : "\n", NULL);
        vault_fd_close(&terminal->signals);
        /* A stop (^Z) that came meanwhile takes place here, with the terminal as it was. */
        (void)sigprocmask(SIG_SETMASK, &terminal->mask, NULL);
        terminal->is_silent = FALSE;
    }
    vault_fd_close(&terminal->fd);
}

static void take_signals(RestoreTerminal *terminal)
{
    sigset_t ending, blocked;

    sigemptyset(&ending);
    sigaddset(&ending, SIGINT);
    sigaddset(&ending, SIGTERM);
    sigaddset(&ending, SIGHUP);
    sigaddset(&ending, SIGQUIT);
    blocked = ending;
    sigaddset(&blocked, SIGTSTP);
    (void)sigprocmask(SIG_BLOCK, &blocked, &terminal->mask);
    terminal->signals = signalfd(-1, &ending, SFD_CLOEXEC);
}

gboolean restore_terminal_open(RestoreTerminal *terminal, RestoreTerminalMode mode,
                               const char *missing, GError **error)
{
    struct termios silent;

    terminal->mode = mode;
    terminal->fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (terminal->fd < 0 || tcgetattr(terminal->fd, &terminal->settings) != 0) {
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_MALFORMED, missing);
        return FALSE;
    }
    take_signals(terminal);
    silent = terminal->settings;
    silent.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
    if (mode == RESTORE_TERMINAL_KEYS)
        silent.c_lflag &= ~(tcflag_t)ICANON;
    terminal->is_silent = TRUE;
    if (tcsetattr(terminal->fd, TCSAFLUSH, &silent) != 0)
        return vault_error_set_errno(error, errno, "cannot stop the echo of", "the terminal");
    return mode == RESTORE_TERMINAL_LINES || restore_terminal_write(terminal, SCREEN_ENTER, error);
}

gboolean restore_terminal_write(RestoreTerminal *terminal, const char *text, GError **error)
{
    return vault_file_write_all(terminal->fd, text, strlen(text), "the terminal", error);
}

static gboolean interrupted(const RestoreTerminal *terminal, GError **error)
{
    struct signalfd_siginfo taken;

    if (read(terminal->signals, &taken, sizeof taken) != sizeof taken)
        g_debug("the signal that ended the question could not be read");
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_IO, "interrupted");
    return FALSE;
}

gboolean restore_terminal_wait(RestoreTerminal *terminal, GError **error)
{
    struct pollfd polls[] = {{.fd = terminal->fd, .events = POLLIN},
                             {.fd = terminal->signals, .events = POLLIN}};

    while (poll(polls, G_N_ELEMENTS(polls), -1) < 0 && errno == EINTR)
        continue;
    /* Taken as a failure and not as a death, so that a half-made file is removed. */
    return polls[1].revents == 0 || interrupted(terminal, error);
}

gboolean restore_terminal_read_key(RestoreTerminal *terminal, char *ret_key, GError **error)
{
    for (;;) {
        ssize_t got;

        if (!restore_terminal_wait(terminal, error))
            return FALSE;
        got = read(terminal->fd, ret_key, 1);
        if (got == 1)
            return TRUE;
        if (got < 0 && errno != EINTR && errno != EAGAIN)
            return vault_error_set_errno(error, errno, "cannot read", "the terminal");
        if (got == 0) {
            g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_IO, "the terminal was closed");
            return FALSE;
        }
    }
}
