#include "restore/prompt.h"

#include "restore/terminal.h"

#include <errno.h>
#include <fcntl.h>
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

static gboolean ask(RestorePassphrase *passphrase, const char *question, GError **error)
{
    g_auto(RestoreTerminal) terminal = RESTORE_TERMINAL_CLOSED;

    return restore_terminal_open(&terminal, RESTORE_TERMINAL_LINES,
                                 "there is no terminal to ask for the passphrase on; use "
                                 "--passphrase-file FILE",
                                 error) &&
           restore_terminal_write(&terminal, question, error) &&
           restore_terminal_wait(&terminal, error) &&
           read_line(passphrase, terminal.fd, "the terminal", error);
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
