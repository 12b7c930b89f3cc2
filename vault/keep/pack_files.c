#include "vault/keep/pack_files.h"

#include "vault/base/file.h"
#include "vault/store/pack_compacted.h"

#include <fcntl.h>
#include <sys/stat.h>

static void pack_file_free(gpointer item)
{
    VaultPackFile *file = item;

    g_clear_pointer(&file->replaced, g_array_unref);
    g_free(file->path);
    g_free(file->name);
    g_free(file);
}

/* A pack that was begun and lost before its header was synced, or one that is damaged: its name
 * still says its type and sequence. */
static void header_from_name(VaultPackFile *file)
{
    file->header.type = VAULT_PACK_GROUPED;
    if (g_str_has_suffix(file->name, ".stream"))
        file->header.type = VAULT_PACK_STREAM;
    else if (g_str_has_suffix(file->name, ".compacted"))
        file->header.type = VAULT_PACK_COMPACTED;
    else
        file->header.sequence = g_ascii_strtoull(file->name, NULL, 16);
}

/* A damaged list is none: what the pack replaces is not known then. */
static gboolean read_replaced(VaultPackFile *file, GError **error)
{
    g_autoptr(GError) failure = NULL;

    file->replaced = vault_pack_replaced_read(file->path, &file->header, &failure);
    if (file->replaced != NULL || g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_CORRUPT))
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
}

static gboolean read_file(VaultPackFile *file, const VaultId *vault_id, GError **error)
{
    g_auto(VaultFd) fd = open(file->path, O_RDONLY | O_CLOEXEC);
    guint8 bytes[VAULT_PACK_HEADER_LEN];
    struct stat status;

    if (fd < 0 || fstat(fd, &status) != 0)
        return vault_error_set_errno(error, errno, "cannot open", file->path);
    file->len = (guint64)status.st_size;
    if (file->len >= sizeof bytes &&
        !vault_file_pread_exact(fd, bytes, sizeof bytes, 0, file->path, error))
        return FALSE;
    file->is_readable = file->len >= sizeof bytes &&
                        vault_pack_header_parse(bytes, sizeof bytes, &file->header, NULL) &&
                        VAULT_ID_EQUAL(file->header.vault_id, *vault_id);
    if (!file->is_readable)
        header_from_name(file);
    return !file->is_readable || file->header.type != VAULT_PACK_COMPACTED ||
           read_replaced(file, error);
}

/* A file that is gone again since the folder was read is none. */
static gboolean add_file(GPtrArray *files, const char *directory, const char *name,
                         const VaultId *vault_id, GError **error)
{
    VaultPackFile *file = g_new0(VaultPackFile, 1);
    g_autoptr(GError) failure = NULL;

    file->name = g_strdup(name);
    file->path = g_build_filename(directory, name, NULL);
    if (read_file(file, vault_id, &failure)) {
        g_ptr_array_add(files, file);
        return TRUE;
    }
    pack_file_free(file);
    if (g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NOT_FOUND))
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
}

static gint compare_files(gconstpointer a, gconstpointer b)
{
    const VaultPackFile *left = *(VaultPackFile *const *)a;
    const VaultPackFile *right = *(VaultPackFile *const *)b;

    if (left->is_readable != right->is_readable)
        return left->is_readable ? -1 : 1;
    if (left->header.type != right->header.type)
        return left->header.type < right->header.type ? -1 : 1;
    if (left->header.sequence != right->header.sequence)
        return left->header.sequence < right->header.sequence ? -1 : 1;
    return strcmp(left->name, right->name);
}

static gboolean read_directory(const char *directory, const VaultId *vault_id, GPtrArray *files,
                               GError **error)
{
    g_autoptr(GDir) dir = g_dir_open(directory, 0, NULL);
    const char *name;

    if (dir == NULL)
        return vault_error_set_errno(error, errno, "cannot read folder", directory);
    while ((name = g_dir_read_name(dir)) != NULL) {
        if ((g_str_has_suffix(name, ".pack") || g_str_has_suffix(name, ".stream") ||
             g_str_has_suffix(name, ".compacted")) &&
            !add_file(files, directory, name, vault_id, error))
            return FALSE;
    }
    g_ptr_array_sort(files, compare_files);
    return TRUE;
}

/* PackId, borrowed from the files. */
static GHashTable *find_replaced(GPtrArray *files)
{
    GHashTable *replaced = g_hash_table_new(vault_id_hash, vault_id_equal);

    for (guint i = 0; i < files->len; i++) {
        const VaultPackFile *file = g_ptr_array_index(files, i);

        for (guint j = 0; file->replaced != NULL && j < file->replaced->len; j++)
            g_hash_table_add(replaced, &g_array_index(file->replaced, PackId, j));
    }
    for (guint i = 0; i < files->len; i++) {
        VaultPackFile *file = g_ptr_array_index(files, i);

        file->is_replaced =
            file->is_readable && g_hash_table_contains(replaced, &file->header.pack_id);
    }
    return replaced;
}

static void find_successors(GPtrArray *files, GHashTable *replaced)
{
    g_autoptr(GHashTable) by_id = g_hash_table_new(vault_id_hash, vault_id_equal);

    for (guint i = 0; i < files->len; i++) {
        VaultPackFile *file = g_ptr_array_index(files, i);

        if (file->is_readable)
            g_hash_table_insert(by_id, &file->header.pack_id, file);
    }
    for (guint i = 0; i < files->len; i++) {
        VaultPackFile *file = g_ptr_array_index(files, i);
        VaultPackFile *before;

        if (!file->is_readable || file->header.type != VAULT_PACK_GROUPED ||
            vault_id_is_zero(file->header.predecessor.bytes))
            continue;
        before = g_hash_table_lookup(by_id, &file->header.predecessor);
        file->lacks_predecessor =
            before == NULL && !g_hash_table_contains(replaced, &file->header.predecessor);
        if (before == NULL)
            continue;
        before->has_successor = TRUE;
        before->successor_end = file->header.predecessor_end;
    }
}

static gboolean find_catalogued(GPtrArray *files, VaultCatalog *catalog, GError **error)
{
    g_autoptr(GArray) packs = vault_catalog_packs(catalog, error);
    g_autoptr(GHashTable) by_id = g_hash_table_new(vault_id_hash, vault_id_equal);

    if (packs == NULL)
        return FALSE;
    for (guint i = 0; i < packs->len; i++) {
        VaultCatalogPack *pack = &g_array_index(packs, VaultCatalogPack, i);

        g_hash_table_insert(by_id, &pack->pack_id, pack);
    }
    for (guint i = 0; i < files->len; i++) {
        VaultPackFile *file = g_ptr_array_index(files, i);
        const VaultCatalogPack *pack =
            file->is_readable ? g_hash_table_lookup(by_id, &file->header.pack_id) : NULL;

        if (pack == NULL)
            continue;
        file->is_catalogued = TRUE;
        file->catalogued = *pack;
    }
    return TRUE;
}

GPtrArray *vault_pack_files_list(const char *directory, const VaultId *vault_id,
                                 VaultCatalog *catalog, GError **error)
{
    g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func(pack_file_free);
    g_autoptr(GHashTable) replaced = NULL;

    if (!read_directory(directory, vault_id, files, error))
        return NULL;
    replaced = find_replaced(files);
    find_successors(files, replaced);
    if (catalog != NULL && !find_catalogued(files, catalog, error))
        return NULL;
    return g_steal_pointer(&files);
}
