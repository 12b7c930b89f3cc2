/* What a backup of the vault has to hold, as of now. */
#include "vault/base/file.h"
#include "vault/keep/backup.h"
#include "vault/keep/internal.h"
#include "vault/keep/pack_files.h"
#include "vault/log/tile.h"
#include "vault/store/pack_format.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#define COSIGNED_NAME "cosigned"

static void item_free(gpointer user)
{
    VaultBackupItem *item = user;

    g_free(item->path);
    g_free(item);
}

void vault_backup_content_free(VaultBackupContent *content)
{
    if (content == NULL)
        return;
    for (gsize i = 0; i < VAULT_BACKUP_LOGS; i++) {
        g_free(content->notes[i]);
        g_clear_pointer(&content->cosigned[i], g_bytes_unref);
    }
    g_ptr_array_unref(content->items);
    g_hash_table_unref(content->lost);
    g_free(content);
}

/* Takes over the path. */
static VaultBackupItem *add_item(VaultBackupContent *content, char *path, guint64 len)
{
    VaultBackupItem *item = g_new0(VaultBackupItem, 1);

    item->path = path;
    item->len = len;
    g_ptr_array_add(content->items, item);
    return item;
}

/* ---- logs ------------------------------------------------------------------------------------ */

char *vault_backup_log_folder(VaultLogKind kind, guint32 epoch)
{
    return vault_logs_directory("", kind, epoch);
}

/* `path` below the log's folder. What is beyond the tree that was signed may be written over after
 * a crash, under the same name. */
static gboolean is_signed(const char *path, guint64 size)
{
    g_autofree char *number = NULL;
    g_auto(GStrv) parts = NULL;
    VaultTile tile;

    if (g_str_has_prefix(path, "tile/"))
        return vault_tile_path_parse(path, &tile, NULL) &&
               tile.index * VAULT_TILE_WIDTH + tile.width <= size >>
                   (VAULT_TILE_HEIGHT * tile.level);
    if (!g_str_has_prefix(path, "sidecar/"))
        return TRUE;
    parts = g_strsplit_set(path + strlen("sidecar/"), "x/", -1);
    number = g_strjoinv("", parts);
    return g_ascii_strtoull(number, NULL, 10) < size;
}

/* What changes in its place: drafts, what is going to be signed, and of the logs that go on the
 * checkpoint and what witnesses cosigned, which are kept as they were read. */
static gboolean is_left_out(const VaultBackupContent *content, const char *path, const char *name)
{
    if (strcmp(name, "draft") == 0 || strcmp(name, "head") == 0)
        return TRUE;
    for (gsize kind = 0; kind < VAULT_BACKUP_LOGS; kind++) {
        g_autofree char *folder = vault_backup_log_folder((VaultLogKind)kind, content->epoch);
        gsize len = strlen(folder);

        if (strncmp(path, folder, len) == 0 && path[len] == '/')
            return strcmp(name, "checkpoint") == 0 || strcmp(name, COSIGNED_NAME) == 0 ||
                   !is_signed(path + len + 1, content->logs[kind].size);
    }
    return FALSE;
}

/* Tiles, lists and stamps stay as they are, and so does the checkpoint of an epoch that ended. */
static gboolean is_for_ever(const char *path, const char *name)
{
    return strstr(path, "/tile/") != NULL || strstr(path, "/sidecar/") != NULL ||
           g_str_has_prefix(path, "log/stamps/") || strcmp(name, "checkpoint") == 0;
}

static gboolean walk(VaultKeep *keep, VaultBackupContent *content, const char *folder,
                     GError **error);

static gboolean take_entry(VaultKeep *keep, VaultBackupContent *content, const char *folder,
                           const char *name, GError **error)
{
    g_autofree char *relative = g_strconcat(folder, "/", name, NULL);
    g_autofree char *path = g_build_filename(keep->path, relative, NULL);
    gboolean is_replaced = !is_for_ever(relative, name);
    struct stat status;

    if (lstat(path, &status) != 0)
        return errno == ENOENT || vault_error_set_errno(error, errno, "cannot look at", path);
    if (S_ISDIR(status.st_mode))
        return walk(keep, content, relative, error);
    if (S_ISREG(status.st_mode) && vault_backup_path_is_valid(relative, 0) &&
        !is_left_out(content, relative, name))
        add_item(content, g_steal_pointer(&relative), (guint64)status.st_size)->is_replaced =
            is_replaced;
    return TRUE;
}

static gboolean walk(VaultKeep *keep, VaultBackupContent *content, const char *folder,
                     GError **error)
{
    g_autofree char *path = g_build_filename(keep->path, folder, NULL);
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *name;

    if (dir == NULL)
        return vault_error_set_errno(error, errno, "cannot read folder", path);
    while ((name = g_dir_read_name(dir)) != NULL) {
        if (!take_entry(keep, content, folder, name, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean read_cosigned(VaultKeep *keep, VaultBackupContent *content, VaultLogKind kind,
                              GError **error)
{
    g_autofree char *folder = vault_logs_directory(keep->path, kind, content->epoch);
    g_autofree char *path = g_build_filename(folder, COSIGNED_NAME, NULL);
    g_autoptr(GError) failure = NULL;

    g_clear_pointer(&content->cosigned[kind], g_bytes_unref);
    content->cosigned[kind] = vault_file_read(path, VAULT_NOTE_LEN_MAX, &failure);
    if (failure == NULL || g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NOT_FOUND))
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
}

/* A witness may cosign at any time: in this order the checkpoint is never the older one. */
static gboolean read_log(VaultKeep *keep, VaultBackupContent *content, VaultLogKind kind,
                         GError **error)
{
    g_autoptr(VaultLogReader) reader = NULL;

    if (!read_cosigned(keep, content, kind, error))
        return FALSE;
    reader = vault_keep_log_reader(keep, kind, content->epoch, error);
    if (reader == NULL)
        return FALSE;
    content->logs[kind].size = vault_log_reader_checkpoint(reader)->size;
    content->logs[kind].root = vault_log_reader_checkpoint(reader)->root;
    g_free(content->notes[kind]);
    content->notes[kind] = g_strdup(vault_log_reader_note(reader));
    return TRUE;
}

static gboolean read_checkpoints(VaultKeep *keep, VaultBackupContent *content, GError **error)
{
    return read_log(keep, content, VAULT_LOG_ARCHIVE, error) &&
           read_log(keep, content, VAULT_LOG_CONTROL, error);
}

/* While a checkpoint stays, no file that its tree needs is removed: one that is another by the end
 * of the walk means another walk. */
static gboolean read_logs(VaultKeep *keep, VaultBackupContent *content, GError **error)
{
    VaultBackupLog before[VAULT_BACKUP_LOGS];

    if (!vault_keep_log_epoch(keep, &content->epoch, error) ||
        !read_checkpoints(keep, content, error))
        return FALSE;
    do {
        memcpy(before, content->logs, sizeof before);
        g_ptr_array_set_size(content->items, 0);
        if (!walk(keep, content, "log", error) || !read_checkpoints(keep, content, error))
            return FALSE;
    } while (memcmp(before, content->logs, sizeof before) != 0);
    return TRUE;
}

/* ---- packs ----------------------------------------------------------------------------------- */

/* The catalog follows records: the commit record that covers the last of them stands behind it. */
static guint64 committed_end(const VaultPackFile *file, int fd)
{
    guint8 bytes[VAULT_PACK_COMMIT_LEN];
    guint64 end = MIN(file->catalogued.end, file->len);
    VaultPackCommit commit;

    if (file->len - end < sizeof bytes ||
        !vault_file_pread_exact(fd, bytes, sizeof bytes, end, file->path, NULL) ||
        !vault_pack_commit_parse(bytes, sizeof bytes, &commit))
        return end;
    return end + sizeof bytes;
}

static gboolean has_trailer_at(const VaultPackFile *file, int fd, guint64 end)
{
    guint8 footer[VAULT_PACK_FOOTER_LEN];

    return file->len > sizeof footer &&
           vault_file_pread_exact(fd, footer, sizeof footer, file->len - sizeof footer, file->path,
                                  NULL) &&
           vault_pack_footer_parse(footer, file->len) == end;
}

/* A pack that is written to, or was when something failed, counts as far as its groups are
 * catalogued. One whose header is damaged is kept as it is: it may be of use to somebody. */
static guint64 len_of(const VaultPackFile *file)
{
    g_auto(VaultFd) fd = -1;
    guint64 end;

    if (!file->is_readable)
        return file->len < VAULT_PACK_HEADER_LEN ? 0 : file->len;
    if (!file->is_catalogued)
        return 0;
    if (file->catalogued.state == VAULT_PACK_SEALED)
        return file->len;
    fd = open(file->path, O_RDONLY | O_CLOEXEC);
    end = committed_end(file, fd);
    return has_trailer_at(file, fd, end) ? file->len : end;
}

static void add_packs(VaultBackupContent *content, GPtrArray *files)
{
    for (guint i = 0; i < files->len; i++) {
        const VaultPackFile *file = g_ptr_array_index(files, i);
        guint64 len = len_of(file);
        g_autofree char *path = g_strconcat("packs/", file->name, NULL);

        if (file->is_readable)
            g_hash_table_remove(content->lost, VAULT_ID_TEXT(file->header.pack_id));
        if (len > 0 && vault_backup_path_is_valid(path, 0))
            add_item(content, g_steal_pointer(&path), len);
    }
}

/* All that the catalog has records in: each that is there is taken out again. */
static void note_packs(VaultBackupContent *content, const GArray *packs)
{
    for (guint i = 0; i < packs->len; i++) {
        const VaultCatalogPack *pack = &g_array_index(packs, VaultCatalogPack, i);

        if (pack->state <= VAULT_PACK_SEALED)
            g_hash_table_add(content->lost, g_strdup(VAULT_ID_TEXT(pack->pack_id)));
    }
}

/* What is counted is in the files, and a pack that is compacted leaves the catalog before it leaves
 * the folder: hence the order. */
static gboolean read_packs(VaultKeep *keep, VaultBackupContent *content, GError **error)
{
    g_autoptr(GPtrArray) files = NULL;
    g_autoptr(GArray) packs = NULL;
    VaultCatalogTotals totals;

    if (!vault_catalog_totals(keep->reading, &totals, error))
        return FALSE;
    content->message_count = totals.message_count;
    files = vault_pack_files_list(keep->packs_path, &keep->id, keep->reading, error);
    packs = files == NULL ? NULL : vault_catalog_packs(keep->reading, error);
    if (packs == NULL)
        return FALSE;
    note_packs(content, packs);
    add_packs(content, files);
    return TRUE;
}

VaultBackupContent *vault_backup_content_read(VaultKeep *keep, GError **error)
{
    g_autoptr(VaultBackupContent) content = g_new0(VaultBackupContent, 1);

    content->generation = vault_keyring_generation(keep->keyring);
    content->items = g_ptr_array_new_with_free_func(item_free);
    content->lost = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    if (!read_logs(keep, content, error) || !read_packs(keep, content, error))
        return NULL;
    return g_steal_pointer(&content);
}
