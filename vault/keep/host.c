#include "vault/keep/host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#define HOST_LEN_MAX 8192
#define HOST_FIRST_LINE "muniment host 1"

void vault_host_clear(VaultHost *host)
{
    g_clear_pointer(&host->vault_key_path, g_free);
}

/* Machines without a machine id cannot be told apart: they all pass for one. */
static void machine_hash(const VaultId *vault_id, char ret_hex[65])
{
    g_autofree char *machine_id = NULL;
    VaultHash hash;
    VaultSpan spans[] = {{"muniment host", 14}, {vault_id->bytes, VAULT_ID_LEN}, {"", 0}};

    if (g_file_get_contents("/etc/machine-id", &machine_id, NULL, NULL))
        spans[2] = (VaultSpan){g_strstrip(machine_id), strlen(g_strstrip(machine_id))};
    vault_hash_spans(spans, G_N_ELEMENTS(spans), &hash);
    for (gsize i = 0; i < VAULT_HASH_LEN; i++)
        g_snprintf(ret_hex + 2 * i, 3, "%02x", hash.bytes[i]);
}

gboolean vault_host_write(const char *vault_path, const VaultId *vault_id,
                          const char *vault_key_path, GError **error)
{
    g_autofree char *path = g_build_filename(vault_path, "host", NULL);
    g_autoptr(GString) text = g_string_new(HOST_FIRST_LINE "\n");
    char machine[65];

    machine_hash(vault_id, machine);
    g_string_append_printf(text, "vault: %s\nmachine: %s\n", VAULT_ID_TEXT(*vault_id), machine);
    if (vault_key_path != NULL)
        g_string_append_printf(text, "vaultkey: %s\n", vault_key_path);
    return vault_file_write(path, text->str, text->len, 0600, VAULT_FILE_REPLACE, error);
}

static gboolean parse_line(const char *line, VaultHost *host)
{
    if (g_str_has_prefix(line, "vault: "))
        return vault_id_parse(line + 7, host->vault_id.bytes, NULL);
    if (g_str_has_prefix(line, "machine: "))
        return g_strlcpy(host->machine, line + 9, sizeof host->machine) == 64;
    if (g_str_has_prefix(line, "vaultkey: ") && host->vault_key_path == NULL) {
        host->vault_key_path = g_strdup(line + 10);
        return TRUE;
    }
    return FALSE;
}

static gboolean parse_host(char **lines, VaultHost *host)
{
    if (lines[0] == NULL || strcmp(lines[0], HOST_FIRST_LINE) != 0)
        return FALSE;
    for (gsize i = 1; lines[i] != NULL && lines[i][0] != '\0'; i++)
        if (!parse_line(lines[i], host))
            return FALSE;
    return host->machine[0] != '\0' && !vault_id_is_zero(host->vault_id.bytes);
}

gboolean vault_host_read(const char *vault_path, VaultHost *ret_host, GError **error)
{
    g_autofree char *path = g_build_filename(vault_path, "host", NULL);
    g_autoptr(GError) failure = NULL;
    g_autoptr(GBytes) bytes = vault_file_read(path, HOST_LEN_MAX, &failure);
    g_auto(GStrv) lines = NULL;

    if (bytes == NULL && g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NOT_FOUND)) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND,
                    "%s is not a vault: make one with muniment init", vault_path);
        return FALSE;
    }
    if (bytes == NULL) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return FALSE;
    }
    lines = g_strsplit(g_bytes_get_data(bytes, NULL), "\n", 16);
    if (parse_host(lines, ret_host))
        return TRUE;
    vault_host_clear(ret_host);
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT, "%s is damaged", path);
    return FALSE;
}

gboolean vault_host_check_machine(const char *vault_path, const VaultHost *host, GError **error)
{
    char machine[65];

    machine_hash(&host->vault_id, machine);
    if (strcmp(machine, host->machine) == 0)
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                "%s belongs to another host; when it was moved here for good, run `muniment adopt`",
                vault_path);
    return FALSE;
}

/* ---- the vault key -------------------------------------------------------------------------- */

char *vault_key_default_path(const char *vault_path)
{
    g_autofree char *canonical = g_canonicalize_filename(vault_path, NULL);

    return g_strconcat(canonical, ".vaultkey", NULL);
}

VaultHolder vault_key_holder(const char *key_path, const VaultId *vault_id)
{
    return (VaultHolder){.kind = vault_holder_place_is_tpm(key_path) ? VAULT_HOLDER_TPM
                                                                     : VAULT_HOLDER_FILE,
                         .place = key_path,
                         .vault_id = *vault_id};
}

char *vault_key_path_of(const char *given_path)
{
    return vault_holder_place_is_tpm(given_path) ? g_strdup(given_path)
                                                 : g_canonicalize_filename(given_path, NULL);
}

static gboolean check_is_outside(const char *vault_path, const char *key_path, GError **error)
{
    g_autofree char *key_directory = g_path_get_dirname(key_path);
    /* By realpath(), so that no link leads inside. */
    char *vault = realpath(vault_path, NULL);
    char *directory = realpath(key_directory, NULL);
    gsize len = vault == NULL ? 0 : strlen(vault);
    gboolean is_known = vault != NULL && directory != NULL;
    gboolean is_inside = is_known && strncmp(directory, vault, len) == 0 &&
                         (directory[len] == '\0' || directory[len] == '/');

    free(vault);
    free(directory);
    if (!is_known)
        return vault_error_set_errno(error, ENOENT, "cannot find the folder of", key_path);
    if (!is_inside)
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                "the vault key must not lie inside the vault (%s): every copy of the vault would "
                "carry its key",
                key_path);
    return FALSE;
}

gboolean vault_key_path_check(const char *vault_path, const char *key_path, GError **error)
{
    return vault_holder_place_is_tpm(key_path)
               ? vault_holder_place_check(VAULT_HOLDER_TPM, key_path, error)
               : check_is_outside(vault_path, key_path, error);
}

static gboolean read_key_file(const char *key_path, const VaultId *vault_id,
                              VaultKey ret_keys[VAULT_KEY_GENERATIONS_MAX], gsize *ret_count,
                              GError **error)
{
    g_autoptr(GError) failure = NULL;
    g_autoptr(GBytes) bytes = vault_file_read(key_path, VAULT_KEY_FILE_LEN_MAX, &failure);
    VaultId named;
    gboolean is_parsed;

    if (bytes == NULL) {
        /* NOT_FOUND would say that there is no vault. */
        if (g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NOT_FOUND))
            failure->code = VAULT_ERROR_NO_KEY;
        g_propagate_prefixed_error(error, g_steal_pointer(&failure),
                                   "the vault key cannot be read: ");
        return FALSE;
    }
    is_parsed =
        vault_key_file_parse(g_bytes_get_data(bytes, NULL), &named, ret_keys, ret_count, &failure);
    /* Nobody else holds it: the copy in the buffer goes, too. */
    vault_wipe((void *)g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
    if (!is_parsed) {
        g_propagate_prefixed_error(error, g_steal_pointer(&failure), "%s: ", key_path);
        return FALSE;
    }
    if (VAULT_ID_EQUAL(named, *vault_id))
        return TRUE;
    vault_wipe(ret_keys, VAULT_KEY_GENERATIONS_MAX * sizeof *ret_keys);
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_NO_KEY, "%s is the key of another vault", key_path);
    return FALSE;
}

static gboolean read_key_of_tpm(const char *key_path, const VaultId *vault_id,
                                VaultKey ret_keys[VAULT_KEY_GENERATIONS_MAX], gsize *ret_count,
                                GError **error)
{
    VaultHolder holder = vault_key_holder(key_path, vault_id);
    g_autoptr(GError) failure = NULL;

    if (vault_holder_read(&holder, ret_keys, ret_count, &failure))
        return TRUE;
    /* NOT_FOUND would say that there is no vault. */
    if (g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NOT_FOUND))
        failure->code = VAULT_ERROR_NO_KEY;
    g_propagate_prefixed_error(error, g_steal_pointer(&failure), "the vault key cannot be read: ");
    return FALSE;
}

gboolean vault_key_read(const char *key_path, const VaultId *vault_id,
                        VaultKey ret_keys[VAULT_KEY_GENERATIONS_MAX], gsize *ret_count,
                        GError **error)
{
    return vault_holder_place_is_tpm(key_path)
               ? read_key_of_tpm(key_path, vault_id, ret_keys, ret_count, error)
               : read_key_file(key_path, vault_id, ret_keys, ret_count, error);
}

/* ---- the lock ------------------------------------------------------------------------------- */

static gboolean set_busy(const char *path, int fd, GError **error)
{
    char text[128] = "";
    ssize_t len = pread(fd, text, sizeof text - 1, 0);

    text[MAX(len, 0)] = '\0';
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_BUSY, "%s is held by %s", path,
                text[0] == '\0' ? "another process" : g_strstrip(text));
    return FALSE;
}

gboolean vault_lock_take(const char *vault_path, VaultFd *ret_fd, GError **error)
{
    g_autofree char *path = g_build_filename(vault_path, "lock", NULL);
    const char *name = g_get_prgname();
    g_autofree char *holder =
        g_strdup_printf("%s (process %d)\n", name == NULL ? "muniment" : name, (int)getpid());
    g_auto(VaultFd) fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0)
        return vault_error_set_errno(error, errno, "cannot open", path);
    /* Of the open file, not of the process: a second opening in this process is refused, too. */
    if (flock(fd, LOCK_EX | LOCK_NB) != 0)
        return errno == EWOULDBLOCK ? set_busy(path, fd, error)
                                    : vault_error_set_errno(error, errno, "cannot lock", path);
    /* Only a courtesy to whoever is refused: on a full disk the lock counts without it. */
    if (ftruncate(fd, 0) != 0 || !vault_file_pwrite_all(fd, holder, strlen(holder), 0, path, NULL))
        g_debug("cannot name the holder in %s", path);
    *ret_fd = fd;
    fd = -1;
    return TRUE;
}

/* Of the folder itself, which every reader may open. */
gboolean vault_packs_lock(const char *packs_path, VaultPacksUse use, VaultFd *ret_fd,
                          GError **error)
{
    g_auto(VaultFd) fd = open(packs_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return vault_error_set_errno(error, errno, "cannot open", packs_path);
    if (flock(fd, (use == VAULT_PACKS_STAY ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0) {
        *ret_fd = fd;
        fd = -1;
        return TRUE;
    }
    if (errno != EWOULDBLOCK)
        return vault_error_set_errno(error, errno, "cannot lock", packs_path);
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_BUSY, "%s: %s: try again when that is done",
                packs_path,
                use == VAULT_PACKS_STAY ? "the packs are being compacted"
                                        : "somebody compacts or verifies the packs");
    return FALSE;
}
