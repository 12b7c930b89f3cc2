#include "vault/log/files.h"

#include "vault/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define DRAFT_NAME "draft"
#define READ_ATTEMPTS 8

struct LogFiles {
    char *directory;
    GHashTable *unsynced; /* folders with names that may not be durable */
    GHashTable *known;    /* folders whose own names are durable */
};

LogFiles *log_files_new(const char *directory)
{
    LogFiles *files = g_new0(LogFiles, 1);

    files->directory = g_strdup(directory);
    files->unsynced = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    files->known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return files;
}

void log_files_free(LogFiles *files)
{
    if (files == NULL)
        return;
    g_free(files->directory);
    g_hash_table_unref(files->unsynced);
    g_hash_table_unref(files->known);
    g_free(files);
}

static char *path_of(const LogFiles *files, const char *name)
{
    return g_build_filename(files->directory, name, NULL);
}

/* ---- writing -------------------------------------------------------------------------------- */

/* Makes the folder that `name` is to lie in. A folder that is there already may be so since a crash
 * before its name was synced, so each is synced once in any case. */
static gboolean make_folder(LogFiles *files, const char *name, GError **error)
{
    g_autofree char *folder = g_path_get_dirname(name);
    g_autofree char *path = NULL;

    if (strcmp(folder, ".") != 0 && !g_hash_table_contains(files->known, folder)) {
        if (!make_folder(files, folder, error))
            return FALSE;
        path = path_of(files, folder);
        if (mkdir(path, 0700) != 0 && errno != EEXIST)
            return vault_error_set_errno(error, errno, "cannot make the folder", path);
    }
    g_hash_table_add(files->unsynced, g_steal_pointer(&folder));
    return TRUE;
}

static gboolean write_draft(const char *path, const void *bytes, gsize len, GError **error)
{
    g_auto(VaultFd) fd = -1;

    /* A new file each time: after a sync that failed, one of an old one proves nothing. */
    if (unlink(path) != 0 && errno != ENOENT)
        return vault_error_set_errno(error, errno, "cannot remove", path);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return vault_error_set_errno(error, errno, "cannot create", path);
    return vault_file_write_all(fd, bytes, len, path, error) && vault_file_sync(fd, path, error);
}

static gboolean rename_draft(const char *draft, const char *path, GError **error)
{
    if (rename(draft, path) != 0)
        return vault_error_set_errno(error, errno, "cannot name", path);
    return TRUE;
}

gboolean log_files_put(LogFiles *files, const char *name, const void *bytes, gsize len,
                       GError **error)
{
    g_autofree char *draft = path_of(files, DRAFT_NAME);
    g_autofree char *path = path_of(files, name);

    if (!make_folder(files, name, error))
        return FALSE;
    if (write_draft(draft, bytes, len, error) && rename_draft(draft, path, error))
        return TRUE;
    unlink(draft); /* on a full disk it would take space that others wait for */
    return FALSE;
}

gboolean log_files_sync_names(LogFiles *files, GError **error)
{
    GHashTableIter iter;
    gpointer folder = NULL;

    g_hash_table_iter_init(&iter, files->unsynced);
    while (g_hash_table_iter_next(&iter, &folder, NULL)) {
        g_autofree char *path = path_of(files, folder);

        if (!vault_file_sync_directory(path, error))
            return FALSE;
    }
    /* Only now: a folder's own name is durable once the folder above it is, too. */
    g_hash_table_iter_init(&iter, files->unsynced);
    while (g_hash_table_iter_next(&iter, &folder, NULL)) {
        g_hash_table_iter_steal(&iter);
        g_hash_table_add(files->known, folder);
    }
    return TRUE;
}

gboolean log_files_put_durably(LogFiles *files, const char *name, const void *bytes, gsize len,
                               GError **error)
{
    return log_files_put(files, name, bytes, len, error) && log_files_sync_names(files, error);
}

gboolean log_files_put_tile(LogFiles *files, const VaultTile *tile, const void *bytes, gsize len,
                            GError **error)
{
    g_autofree char *name = vault_tile_path(tile);

    return log_files_put(files, name, bytes, len, error);
}

/* ---- reading -------------------------------------------------------------------------------- */

GBytes *log_files_read(const LogFiles *files, const char *name, gsize len_max, GError **error)
{
    g_autofree char *path = path_of(files, name);

    return vault_file_read(path, len_max, error);
}

gboolean log_files_has(const LogFiles *files, const char *name)
{
    g_autofree char *path = path_of(files, name);

    return g_file_test(path, G_FILE_TEST_EXISTS);
}

static char *partials_path(const LogFiles *files, const VaultTile *tile)
{
    VaultTile full = *tile;
    g_autofree char *name = NULL;
    g_autofree char *path = NULL;

    full.width = VAULT_TILE_WIDTH;
    name = vault_tile_path(&full);
    path = path_of(files, name);
    return g_strconcat(path, ".p", NULL);
}

/* The widest partial file there is; 0 for none. */
static guint widest_partial(const LogFiles *files, const VaultTile *tile)
{
    g_autofree char *path = partials_path(files, tile);
    g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
    const char *name;
    guint widest = 0;

    while (folder != NULL && (name = g_dir_read_name(folder)) != NULL) {
        guint64 width = 0;

        if (g_ascii_string_to_unsigned(name, 10, 1, VAULT_TILE_WIDTH - 1, &width, NULL))
            widest = MAX(widest, (guint)width);
    }
    return widest;
}

static GBytes *read_one(const LogFiles *files, const VaultTile *tile, GError **error)
{
    g_autofree char *name = vault_tile_path(tile);
    gsize len_max = tile->kind == VAULT_TILE_ENTRIES ? VAULT_BUNDLE_LEN_MAX
                                                     : VAULT_TILE_WIDTH * sizeof(VaultHash);
    g_autoptr(GBytes) bytes = log_files_read(files, name, len_max, error);

    if (bytes != NULL && tile->kind == VAULT_TILE_HASHES &&
        g_bytes_get_size(bytes) != tile->width * sizeof(VaultHash)) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
                    "%s/%s has not the length of %u hashes", files->directory, name, tile->width);
        return NULL;
    }
    return g_steal_pointer(&bytes);
}

/* The writer replaces narrow files by wider ones: who reads at the same time, for a smaller size of
 * the log, looks for what there is by now. */
GBytes *log_files_read_tile(const LogFiles *files, const VaultTile *tile, guint *ret_width,
                            GError **error)
{
    VaultTile next = *tile;

    for (int attempt = 0; attempt < READ_ATTEMPTS; attempt++) {
        g_autoptr(GError) failure = NULL;
        GBytes *bytes = read_one(files, &next, &failure);

        if (bytes != NULL) {
            if (ret_width != NULL)
                *ret_width = next.width;
            return bytes;
        }
        if (!g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NOT_FOUND)) {
            g_propagate_error(error, g_steal_pointer(&failure));
            return NULL;
        }
        next.width = next.width < VAULT_TILE_WIDTH && attempt % 2 == 0
                         ? VAULT_TILE_WIDTH
                         : widest_partial(files, &next);
        if (next.width < tile->width)
            next.width = VAULT_TILE_WIDTH;
    }
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
                "%s: %s %u/%" G_GUINT64_FORMAT " of the log is missing", files->directory,
                tile->kind == VAULT_TILE_ENTRIES ? "entry bundle" : "tile", tile->level,
                tile->index);
    return NULL;
}

/* ---- tidying -------------------------------------------------------------------------------- */

void log_files_tidy_tile(const LogFiles *files, const VaultTile *tile)
{
    g_autofree char *path = partials_path(files, tile);
    g_autofree char *keep = g_strdup_printf("%u", tile->width);
    g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
    const char *name;

    while (folder != NULL && (name = g_dir_read_name(folder)) != NULL) {
        g_autofree char *partial = g_build_filename(path, name, NULL);

        if (strcmp(name, keep) != 0)
            unlink(partial);
    }
    if (folder != NULL && tile->width == VAULT_TILE_WIDTH)
        rmdir(path);
}
