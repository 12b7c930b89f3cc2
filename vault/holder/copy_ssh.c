/* Copies behind ssh. What runs there is fixed but for the name of the file, which is quoted. */
#include "vault/base/bytes.h"
#include "vault/base/file.h"
#include "vault/holder/copy_backend.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <unistd.h>

/* Of what ssh and the other side say when it goes wrong. */
#define COMPLAINT_LEN_MAX 200
/* ssh's own status for: no connection, no login. */
#define SSH_FAILED 255
#define NOTHING_THERE 66
/* timeout(1)'s, when the time was up. */
#define TIME_UP 124
/* A host that answers, but does not come to an end: whoever waits for it is the vault's writer. */
#define SHORT_S 120 /* a look, a removal */
#define COPY_S 3600 /* a keyring of some hundred megabytes over a slow line */

typedef struct {
    char *user, *host, *folder;
    int port;
} Address;

static void address_clear(Address *address)
{
    g_free(address->user);
    g_free(address->host);
    g_free(address->folder);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Address, address_clear)

/* ssh takes what begins with "-" for an option. */
static gboolean is_name(const char *text)
{
    return *text != '\0' && *text != '-' &&
           strspn(text, G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS "._-:%") == strlen(text);
}

static gboolean is_folder(const char *folder)
{
    for (const char *at = folder; *at != '\0'; at++) {
        if (g_ascii_iscntrl(*at))
            return FALSE;
    }
    return folder[0] == '/' && folder[1] != '\0';
}

static gboolean address_parse(const char *place, Address *address, GError **error)
{
    g_autofree char *password = NULL, *options = NULL, *query = NULL, *fragment = NULL;

    if (g_uri_split_with_user(place, G_URI_FLAGS_HAS_PASSWORD, NULL, &address->user, &password,
                              &options, &address->host, &address->port, &address->folder, &query,
                              &fragment, NULL) &&
        password == NULL && query == NULL && fragment == NULL && address->host != NULL &&
        is_name(address->host) && (address->user == NULL || is_name(address->user)) &&
        is_folder(address->folder))
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                "\"%s\" is no place for a copy: write ssh://[user@]host[:port]/folder", place);
    return FALSE;
}

gboolean vault_copy_ssh_check(const char *place, GError **error)
{
    g_auto(Address) address = {.port = -1};

    return address_parse(place, &address, error);
}

/* ---- running it ----------------------------------------------------------------------------- */

static char **command(const Address *address, const char *script, guint limit_s)
{
    g_autoptr(GStrvBuilder) words = g_strv_builder_new();
    g_autofree char *limit = g_strdup_printf("%u", limit_s);
    g_autofree char *port = g_strdup_printf("%d", address->port);

    /* Never asks; and a host that does not answer is given up. */
    g_strv_builder_add_many(words, "timeout", "--kill-after=5", limit, "ssh", "-T", "-o",
                            "BatchMode=yes", "-o", "ConnectTimeout=15", "-o",
                            "ServerAliveInterval=15", NULL);
    if (address->port > 0)
        g_strv_builder_add_many(words, "-p", port, NULL);
    if (address->user != NULL)
        g_strv_builder_add_many(words, "-l", address->user, NULL);
    g_strv_builder_add_many(words, "--", address->host, script, NULL);
    return g_strv_builder_end(words);
}

static gboolean set_failed(const VaultCopyPlace *place, GSubprocess *child, GBytes *complaint,
                           GError **error)
{
    gsize len = 0;
    const char *bytes = g_bytes_get_data(complaint, &len);
    g_autofree char *said =
        g_utf8_make_valid(bytes == NULL ? "" : bytes, (gssize)MIN(len, COMPLAINT_LEN_MAX));
    int status = g_subprocess_get_if_exited(child) ? g_subprocess_get_exit_status(child) : -1;

    if (status == NOTHING_THERE)
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND, "no copy lies in %s", place->place);
    else if (status == TIME_UP)
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_BUSY,
                    "%s answers, and does not come to an end: see to that host", place->place);
    else
        g_set_error(error, VAULT_ERROR, status == SSH_FAILED ? VAULT_ERROR_BUSY : VAULT_ERROR_IO,
                    "%s: %s", place->place, *said == '\0' ? "ssh failed" : g_strchomp(said));
    return FALSE;
}

/* `in_fd` (-1: none) is what the script reads; it is closed. */
static GBytes *run(const VaultCopyPlace *place, const char *script, guint limit_s, int in_fd,
                   GError **error)
{
    g_auto(VaultFd) in = in_fd;
    g_auto(Address) address = {.port = -1};
    g_autoptr(GSubprocessLauncher) launcher =
        g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE);
    g_auto(GStrv) words = NULL;
    g_autoptr(GSubprocess) child = NULL;
    g_autoptr(GBytes) output = NULL, complaint = NULL;
    g_autoptr(GError) failure = NULL;

    if (!address_parse(place->place, &address, error))
        return NULL;
    words = command(&address, script, limit_s);
    if (in >= 0)
        g_subprocess_launcher_take_stdin_fd(launcher, g_steal_fd(&in));
    child = g_subprocess_launcher_spawnv(launcher, (const char *const *)words, &failure);
    if (child == NULL ||
        !g_subprocess_communicate(child, NULL, NULL, &output, &complaint, &failure)) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_IO, "ssh: %s", failure->message);
        return NULL;
    }
    if (g_subprocess_get_successful(child))
        return g_steal_pointer(&output);
    set_failed(place, child, complaint, error);
    return NULL;
}

/* "name=<quoted path>; <rest>" */
static char *script_for(const VaultCopyPlace *place, const char *rest, GError **error)
{
    g_auto(Address) address = {.port = -1};
    g_autofree char *name = vault_copy_file_name(&place->vault_id);
    g_autofree char *path = NULL, *quoted = NULL;

    if (!address_parse(place->place, &address, error))
        return NULL;
    path = g_build_filename(address.folder, name, NULL);
    quoted = g_shell_quote(path);
    return g_strdup_printf("umask 077; name=%s; %s", quoted, rest);
}

/* ---- what a place does ---------------------------------------------------------------------- */

static gboolean read_trailer(const VaultCopyPlace *place, guint8 *ret_bytes, guint64 *ret_device,
                             GError **error)
{
    g_autofree char *script =
        script_for(place,
                   "test -e \"$name\" || exit " G_STRINGIFY(NOTHING_THERE) "; tail -c " G_STRINGIFY(
                       VAULT_KEYRING_COPY_TRAILER_LEN) " \"$name\"",
                   error);
    g_autoptr(GBytes) bytes = script == NULL ? NULL : run(place, script, SHORT_S, -1, error);

    *ret_device = 0;
    if (bytes == NULL)
        return FALSE;
    if (g_bytes_get_size(bytes) != VAULT_KEYRING_COPY_TRAILER_LEN) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED, "%s has no copy of a keyring",
                    place->place);
        return FALSE;
    }
    memcpy(ret_bytes, g_bytes_get_data(bytes, NULL), VAULT_KEYRING_COPY_TRAILER_LEN);
    return TRUE;
}

/* Keyring and trailer as one stream that needs no other thread: the trailer is put behind the
 * snapshot, which is ours. */
static int open_whole(const char *path, const VaultKeyringCopy *copy, GError **error)
{
    g_auto(VaultFd) fd = open(path, O_RDWR | O_CLOEXEC);
    guint8 trailer[VAULT_KEYRING_COPY_TRAILER_LEN];

    vault_keyring_copy_format(copy, trailer);
    if (fd < 0 || ftruncate(fd, (off_t)copy->keyring_len) != 0) {
        vault_error_set_errno(error, errno, "cannot open", path);
        return -1;
    }
    if (!vault_file_pwrite_all(fd, trailer, sizeof trailer, copy->keyring_len, path, error))
        return -1;
    return g_steal_fd(&fd);
}

static gboolean check_sum(const VaultCopyPlace *place, const VaultKeyringCopy *copy, GBytes *said,
                          GError **error)
{
    g_autofree char *expected = vault_bytes_to_hex(copy->hash.bytes, VAULT_HASH_LEN);
    gsize len = 0;
    const char *text = g_bytes_get_data(said, &len);

    if (len > strlen(expected) && memcmp(text, expected, strlen(expected)) == 0)
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
                "%s is not what was written to it: see to its disk", place->place);
    return FALSE;
}

/* "sync FILE" syncs file and, after the rename, the folder. What was there stays until then. */
static gboolean put(const VaultCopyPlace *place, const char *path, const VaultKeyringCopy *copy,
                    GError **error)
{
    g_autofree char *rest = g_strdup_printf(
        "cat > \"$name.draft\" && sync \"$name.draft\" && mv -f \"$name.draft\" \"$name\" && "
        "sync \"$(dirname \"$name\")\" && "
        "head -c %" G_GUINT64_FORMAT " \"$name\" | sha256sum",
        copy->keyring_len);
    g_autofree char *script = script_for(place, rest, error);
    int fd = script == NULL ? -1 : open_whole(path, copy, error);
    g_autoptr(GBytes) said = fd < 0 ? NULL : run(place, script, COPY_S, fd, error);
    guint8 expected[VAULT_KEYRING_COPY_TRAILER_LEN], trailer[VAULT_KEYRING_COPY_TRAILER_LEN];
    guint64 device;

    if (said == NULL || !check_sum(place, copy, said, error) ||
        !read_trailer(place, trailer, &device, error))
        return FALSE;
    vault_keyring_copy_format(copy, expected);
    if (memcmp(trailer, expected, sizeof trailer) == 0)
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT, "%s: the copy ends otherwise",
                place->place);
    return FALSE;
}

static gboolean remove_copy(const VaultCopyPlace *place, GError **error)
{
    g_autofree char *script = script_for(place, "rm -- \"$name\"", error);
    g_autoptr(GBytes) said = script == NULL ? NULL : run(place, script, SHORT_S, -1, error);

    return said != NULL;
}

const VaultCopyBackend vault_copy_ssh = {
    .read_trailer = read_trailer, .put = put, .remove = remove_copy};
