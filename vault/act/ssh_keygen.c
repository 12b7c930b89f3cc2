#include "vault/act/ssh_keygen.h"

#include "vault/base/error.h"
#include "vault/base/file.h"

#include <errno.h>
#include <gio/gio.h>
#include <sys/mman.h>
#include <unistd.h>

/* Where the child finds its memfds. */
#define SIGNERS_FD 3
#define SIGNATURE_FD 4

/* The one who may have signed; a name from a policy could be read as a pattern. */
#define PRINCIPAL "approver"

static int memory_file(const void *bytes, gsize len, GError **error)
{
    g_auto(VaultFd) fd = memfd_create("muniment", MFD_CLOEXEC);

    if (fd < 0) {
        vault_error_set_errno(error, errno, "cannot make", "a memfd");
        return -1;
    }
    if (!vault_file_write_all(fd, bytes, len, "memfd", error))
        return -1;
    if (lseek(fd, 0, SEEK_SET) != 0) {
        vault_error_set_errno(error, errno, "cannot rewind", "a memfd");
        return -1;
    }
    return g_steal_fd(&fd);
}

/* The launcher owns the descriptor from here on. */
static gboolean give(GSubprocessLauncher *launcher, const void *bytes, gsize len, int target,
                     GError **error)
{
    int fd = memory_file(bytes, len, error);

    if (fd < 0)
        return FALSE;
    if (target == STDIN_FILENO)
        g_subprocess_launcher_take_stdin_fd(launcher, fd);
    else
        g_subprocess_launcher_take_fd(launcher, fd, target);
    return TRUE;
}

static GSubprocess *start(GSubprocessLauncher *launcher, const char *const *words, GError **error)
{
    g_autoptr(GError) failure = NULL;
    GSubprocess *child = g_subprocess_launcher_spawnv(launcher, words, &failure);

    if (child != NULL)
        return child;
    if (g_error_matches(failure, G_SPAWN_ERROR, G_SPAWN_ERROR_NOENT))
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_IO,
                            "ssh-keygen, which approvals are signed and verified with, is not "
                            "installed (Debian: openssh-client)");
    else
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_IO, "cannot run ssh-keygen: %s",
                    failure->message);
    return NULL;
}

/* `ret_output` may be NULL. */
static gboolean finish(GSubprocess *child, char **ret_output, gboolean *ret_is_success,
                       GError **error)
{
    g_autoptr(GError) failure = NULL;
    g_autoptr(GBytes) output = NULL;

    if (!g_subprocess_communicate(child, NULL, NULL, &output, NULL, &failure)) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_IO, "ssh-keygen: %s", failure->message);
        return FALSE;
    }
    if (!g_subprocess_get_if_exited(child)) {
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_IO, "ssh-keygen was killed");
        return FALSE;
    }
    *ret_is_success = g_subprocess_get_exit_status(child) == 0;
    if (ret_output != NULL) {
        gsize len = 0;
        const char *bytes = g_bytes_get_data(output, &len);

        *ret_output = g_strndup(len > 0 ? bytes : "", len);
    }
    return TRUE;
}

gboolean vault_ssh_keygen_verify(const VaultSshClaim *claim, gboolean *ret_is_good, gpointer user,
                                 GError **error)
{
    g_autoptr(GSubprocessLauncher) launcher = g_subprocess_launcher_new(
        G_SUBPROCESS_FLAGS_STDOUT_SILENCE | G_SUBPROCESS_FLAGS_STDERR_SILENCE);
    g_autofree char *signers = g_strdup_printf("%s namespaces=\"%s\" %s\n", PRINCIPAL,
                                               claim->ssh_namespace, claim->ssh_key);
    g_autofree char *armor = vault_ssh_signature_armor(claim->signature);
    g_autofree char *signers_path = g_strdup_printf("/dev/fd/%d", SIGNERS_FD);
    g_autofree char *signature_path = g_strdup_printf("/dev/fd/%d", SIGNATURE_FD);
    const char *const words[] = {"ssh-keygen",         "-Y", "verify",       "-f",
                                 signers_path,         "-I", PRINCIPAL,      "-n",
                                 claim->ssh_namespace, "-s", signature_path, NULL};
    g_autoptr(GSubprocess) child = NULL;

    if (!give(launcher, claim->text, claim->len, STDIN_FILENO, error) ||
        !give(launcher, signers, strlen(signers), SIGNERS_FD, error) ||
        !give(launcher, armor, strlen(armor), SIGNATURE_FD, error))
        return FALSE;
    child = start(launcher, words, error);
    return child != NULL && finish(child, NULL, ret_is_good, error);
}

GBytes *vault_ssh_keygen_sign(const char *key_path, const char *ssh_namespace, const void *text,
                              gsize len, GError **error)
{
    g_autoptr(GSubprocessLauncher) launcher =
        g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_STDOUT_PIPE);
    const char *const words[] = {"ssh-keygen", "-Y", "sign",        "-f",
                                 key_path,     "-n", ssh_namespace, NULL};
    g_autoptr(GSubprocess) child = NULL;
    g_autofree char *output = NULL;
    gboolean is_signed = FALSE;

    /* As its standard input is the text, ssh-keygen would look for a window to ask in, and fail
     * where there is none; on the terminal it can always ask. */
    g_subprocess_launcher_setenv(launcher, "SSH_ASKPASS_REQUIRE", "never", FALSE);
    if (!give(launcher, text, len, STDIN_FILENO, error))
        return NULL;
    child = start(launcher, words, error);
    if (child == NULL || !finish(child, &output, &is_signed, error))
        return NULL;
    if (is_signed)
        return vault_ssh_signature_dearmor(output, error);
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                "ssh-keygen did not sign with %s; its own message is above", key_path);
    return NULL;
}
