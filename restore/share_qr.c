#include "restore/share_qr.h"

#include "vault/base/file.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAM "qrencode"
#define QR_LEN_MAX 32768
#define WORDS_LEN_MAX (VAULT_SLIP39_WORDS_MAX * (VAULT_SLIP39_WORD_LEN_MAX + 1))

typedef struct {
    GPid pid;
    VaultFd in, out;
} Child;

static void child_clear(Child *child)
{
    vault_fd_close(&child->in);
    vault_fd_close(&child->out);
    if (child->pid > 0)
        (void)waitpid(child->pid, NULL, 0);
    child->pid = 0;
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Child, child_clear)

/* UTF8i is for paper, where what is drawn is dark; -i takes small letters as capitals, which need
 * less room. */
static gboolean start(const char *program, Child *child, GError **error)
{
    const char *argv[] = {program, "-t", "UTF8i", "-i", "-l", "M", "-o", "-", NULL};
    g_autoptr(GError) failure = NULL;

    if (g_spawn_async_with_pipes(NULL, (char **)argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL,
                                 &child->pid, &child->in, &child->out, NULL, &failure))
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND, "cannot start %s: %s", program,
                failure->message);
    return FALSE;
}

static gboolean write_words(Child *child, const VaultSlip39Share *share, GError **error)
{
    g_auto(VaultSlip39Words) words;
    char *text = vault_secret_new(WORDS_LEN_MAX + 1);
    sighandler_t before;
    gboolean is_written;

    vault_slip39_share_format(share, &words);
    for (gsize i = 0; i < words.count; i++) {
        if (i > 0)
            g_strlcat(text, " ", WORDS_LEN_MAX + 1);
        g_strlcat(text, vault_slip39_word(words.words[i]), WORDS_LEN_MAX + 1);
    }
    /* A program that ends early is an error here, not the end of ours. */
    before = signal(SIGPIPE, SIG_IGN);
    is_written = vault_file_write_all(child->in, text, strlen(text), PROGRAM, error);
    (void)signal(SIGPIPE, before);
    vault_secret_free(text);
    vault_fd_close(&child->in);
    child->in = -1;
    return is_written;
}

static gboolean read_all(const Child *child, char *ret_text, GError **error)
{
    gsize len = 0;

    while (len < QR_LEN_MAX) {
        ssize_t got = read(child->out, ret_text + len, QR_LEN_MAX - len);

        if (got == 0)
            return TRUE;
        if (got < 0 && errno != EINTR)
            return vault_error_set_errno(error, errno, "cannot read from", PROGRAM);
        len += got > 0 ? (gsize)got : 0;
    }
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_IO,
                        "what " PROGRAM " writes is no QR code");
    return FALSE;
}

static gboolean finish(Child *child, const char *text, GError **error)
{
    int status = 0;
    pid_t ended = waitpid(child->pid, &status, 0);

    child->pid = 0;
    if (ended > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0 && text[0] != '\0' &&
        g_utf8_validate(text, -1, NULL))
        return TRUE;
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_IO,
                        PROGRAM " failed: repair or remove it, and do this again");
    return FALSE;
}

char *restore_share_qr(const VaultSlip39Share *share, gboolean *ret_is_installed, GError **error)
{
    g_autofree char *program = g_find_program_in_path(PROGRAM);
    g_auto(Child) child = {.in = -1, .out = -1};
    char *text;

    *ret_is_installed = program != NULL;
    if (program == NULL || !start(program, &child, error))
        return NULL;
    text = g_malloc0(QR_LEN_MAX + 1);
    if (write_words(&child, share, error) && read_all(&child, text, error) &&
        finish(&child, text, error))
        return text;
    vault_wipe(text, QR_LEN_MAX);
    g_free(text);
    return NULL;
}
