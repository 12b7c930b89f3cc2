#include "restore/prompt.h"

#include "vault/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

RestorePassphrase *restore_passphrase_new(void)
{
    return vault_secret_new(sizeof(RestorePassphrase));
}

void restore_passphrase_free(RestorePassphrase *passphrase)
{
    vault_secret_free(passphrase);
}

gboolean restore_passphrase_equal(const RestorePassphrase *a, const RestorePassphrase *b)
{
    /* Both were typed by the same person a moment ago: nothing is learnt from the time it takes. */
    return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
}

static gboolean too_long(GError **error)
{
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE, "a passphrase has at most %d bytes",
                VAULT_PASSPHRASE_LEN_MAX);
    return FALSE;
}

/* Adds bytes up to the first LF. FALSE when there is no room for them. */
static gboolean add_byte(RestorePassphrase *passphrase, char byte)
{
    if (passphrase->len == VAULT_PASSPHRASE_LEN_MAX)
        return FALSE;
    passphrase->text[passphrase->len++] = byte;
    return TRUE;
}

/* Byte by byte, so that nothing of the secret is left in a buffer elsewhere. */
static gboolean read_line(RestorePassphrase *passphrase, int fd, const char *path, GError **error)
{
    for (;;) {
        char byte;
        ssize_t got = read(fd, &byte, 1);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return vault_error_set_errno(error, errno, "cannot read", path);
        if (got == 0 || byte == '\n')
            return TRUE;
        if (!add_byte(passphrase, byte))
            return too_long(error);
    }
}

static gboolean read_file(RestorePassphrase *passphrase, const char *path, GError **error)
{
    g_auto(VaultFd) fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return vault_error_set_errno(error, errno, "cannot open the passphrase file", path);
    return read_line(passphrase, fd, path, error);
}

/* A terminal that shows again what is typed, whatever happens in between. */
typedef struct {
    VaultFd fd;
    VaultFd signals;
    struct termios settings;
    sigset_t mask;
    gboolean is_silent;
} Terminal;

static void terminal_clear(Terminal *terminal)
{
    if (terminal->is_silent) {
        (void)tcsetattr(terminal->fd, TCSAFLUSH, &terminal->settings);
        (void)vault_file_write_all(terminal->fd, "\n", 1, "the terminal", NULL);
        vault_fd_close(&terminal->signals);
        /* A stop (^Z) that came meanwhile takes place here, with the terminal as it was. */
        (void)sigprocmask(SIG_SETMASK, &terminal->mask, NULL);
    }
    vault_fd_close(&terminal->fd);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Terminal, terminal_clear)

static gboolean open_terminal(Terminal *terminal, GError **error)
{
    struct termios silent;
    sigset_t ending, blocked;

    terminal->fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (terminal->fd < 0 || tcgetattr(terminal->fd, &terminal->settings) != 0) {
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                            "there is no terminal to ask for the passphrase on; use "
                            "--passphrase-file FILE");
        return FALSE;
    }
    sigemptyset(&ending);
    sigaddset(&ending, SIGINT);
    sigaddset(&ending, SIGTERM);
    sigaddset(&ending, SIGHUP);
    sigaddset(&ending, SIGQUIT);
    blocked = ending;
    sigaddset(&blocked, SIGTSTP);
    (void)sigprocmask(SIG_BLOCK, &blocked, &terminal->mask);
    terminal->signals = signalfd(-1, &ending, SFD_CLOEXEC);
    silent = terminal->settings;
    silent.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
    terminal->is_silent = TRUE;
    if (tcsetattr(terminal->fd, TCSAFLUSH, &silent) != 0)
        return vault_error_set_errno(error, errno, "cannot stop the echo of", "the terminal");
    return TRUE;
}

static gboolean interrupted(const Terminal *terminal, GError **error)
{
    struct signalfd_siginfo taken;

    if (read(terminal->signals, &taken, sizeof taken) != sizeof taken)
        g_debug("the signal that ended the question could not be read");
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_IO, "interrupted");
    return FALSE;
}

static gboolean ask(RestorePassphrase *passphrase, const char *question, GError **error)
{
    g_auto(Terminal) terminal = {.fd = -1, .signals = -1};
    struct pollfd polls[2];

    if (!open_terminal(&terminal, error) ||
        !vault_file_write_all(terminal.fd, question, strlen(question), "the terminal", error))
        return FALSE;
    polls[0] = (struct pollfd){.fd = terminal.fd, .events = POLLIN};
    polls[1] = (struct pollfd){.fd = terminal.signals, .events = POLLIN};
    while (poll(polls, G_N_ELEMENTS(polls), -1) < 0 && errno == EINTR)
        continue;
    /* Taken as a failure and not as a death, so that a half-made file is removed. */
    if (polls[1].revents != 0)
        return interrupted(&terminal, error);
    return read_line(passphrase, terminal.fd, "the terminal", error);
}

gboolean restore_passphrase_read(RestorePassphrase *passphrase, const char *file,
                                 const char *question, GError **error)
{
    vault_wipe(passphrase, sizeof *passphrase);
    if (!(file != NULL ? read_file(passphrase, file, error) : ask(passphrase, question, error)))
        return FALSE;
    passphrase->text[passphrase->len] = '\0';
    if (passphrase->len > 0)
        return TRUE;
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_MALFORMED, "the passphrase is empty");
    return FALSE;
}
