#include "vault/act/backup_manifest.h"

#include "vault/base/bytes.h"

#define MANIFEST_TYPE "muniment-backup/1"
#define STATE_PREFIX "state-"
/* Hash, length and path with the spaces between. */
#define FILE_LINE_LEN_MAX (2 * VAULT_HASH_LEN + 1 + 20 + 1 + VAULT_BACKUP_PATH_LEN_MAX)
#define NUMBER_LEN_MAX 20
/* "sum: ", digits, LF. */
#define SUM_LINE_LEN (5 + 2 * VAULT_HASH_LEN + 1)

static const char *const log_names[VAULT_BACKUP_LOGS] = {"archive", "control"};

VaultBackupFile *vault_backup_file_new(const char *path, guint64 len, const VaultHash *hash)
{
    VaultBackupFile *file = g_new0(VaultBackupFile, 1);

    file->path = g_strdup(path);
    file->len = len;
    file->hash = *hash;
    return file;
}

void vault_backup_file_free(VaultBackupFile *file)
{
    if (file == NULL)
        return;
    g_free(file->path);
    g_free(file);
}

VaultBackupManifest *vault_backup_manifest_new(void)
{
    VaultBackupManifest *manifest = g_new0(VaultBackupManifest, 1);

    manifest->files = g_ptr_array_new_with_free_func((GDestroyNotify)vault_backup_file_free);
    return manifest;
}

void vault_backup_manifest_free(VaultBackupManifest *manifest)
{
    if (manifest == NULL)
        return;
    g_ptr_array_unref(manifest->files);
    g_free(manifest);
}

/* ---- paths ---------------------------------------------------------------------------------- */

char *vault_backup_state_folder(guint32 number)
{
    return g_strdup_printf(STATE_PREFIX "%u", number);
}

static gboolean is_path_character(char character)
{
    return g_ascii_isalnum(character) || strchr("._-/", character) != NULL;
}

/* Not empty, nothing hidden, no "." and "..". */
static gboolean are_parts_good(const char *path)
{
    gboolean is_start = TRUE;

    for (const char *at = path; *at != '\0'; at++) {
        if (!is_path_character(*at) || (is_start && (*at == '.' || *at == '/')))
            return FALSE;
        is_start = *at == '/';
    }
    return !is_start;
}

gboolean vault_backup_path_is_valid(const char *path, guint32 number)
{
    g_autofree char *state = g_strdup_printf(STATE_PREFIX "%u/", number);

    return strlen(path) <= VAULT_BACKUP_PATH_LEN_MAX && are_parts_good(path) &&
           (g_str_has_prefix(path, "packs/") || g_str_has_prefix(path, "log/") ||
            g_str_has_prefix(path, state));
}

const char *vault_backup_path_in_vault(const char *path)
{
    return g_str_has_prefix(path, STATE_PREFIX) ? strchr(path, '/') + 1 : path;
}

static gint compare_files(gconstpointer a, gconstpointer b)
{
    return strcmp((*(VaultBackupFile *const *)a)->path, (*(VaultBackupFile *const *)b)->path);
}

const VaultBackupFile *vault_backup_manifest_find(const VaultBackupManifest *manifest,
                                                  const char *path)
{
    guint low = 0, high = manifest->files->len;

    while (low < high) {
        guint middle = low + (high - low) / 2;
        const VaultBackupFile *file = g_ptr_array_index(manifest->files, middle);
        int order = strcmp(file->path, path);

        if (order == 0)
            return file;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* ---- format --------------------------------------------------------------------------------- */

static void append_u64(GString *text, const char *name, guint64 number)
{
    g_string_append_printf(text, "%s: %" G_GUINT64_FORMAT "\n", name, number);
}

static void append_log(GString *text, const char *name, const VaultBackupLog *log)
{
    g_string_append_printf(text, "%s: %" G_GUINT64_FORMAT " ", name, log->size);
    vault_text_append_hex(text, log->root.bytes, VAULT_HASH_LEN);
    g_string_append_c(text, '\n');
}

static void append_file(GString *text, const VaultBackupFile *file)
{
    g_string_append(text, "file: ");
    vault_text_append_hex(text, file->hash.bytes, VAULT_HASH_LEN);
    g_string_append_printf(text, " %" G_GUINT64_FORMAT " %s\n", file->len, file->path);
}

static void append_sum(GString *text)
{
    VaultHash sum;

    vault_hash(text->str, text->len, &sum);
    vault_text_append_hex_line(text, "sum", sum.bytes, VAULT_HASH_LEN);
}

char *vault_backup_manifest_format(VaultBackupManifest *manifest)
{
    GString *text = g_string_new(MANIFEST_TYPE "\n");
    const char *before = "";

    g_ptr_array_sort(manifest->files, compare_files);
    vault_text_append_hex_line(text, "vault", manifest->vault_id.bytes, VAULT_ID_LEN);
    vault_text_append_time(text, "made", manifest->made_s);
    append_u64(text, "number", manifest->number);
    append_u64(text, "generation", manifest->generation);
    append_u64(text, "epoch", manifest->epoch);
    for (gsize i = 0; i < VAULT_BACKUP_LOGS; i++)
        append_log(text, log_names[i], &manifest->logs[i]);
    append_u64(text, "messages", manifest->message_count);
    append_u64(text, "files", manifest->files->len);
    for (guint i = 0; i < manifest->files->len; i++) {
        const VaultBackupFile *file = g_ptr_array_index(manifest->files, i);

        g_assert(vault_backup_path_is_valid(file->path, manifest->number) &&
                 strcmp(before, file->path) < 0);
        before = file->path;
        append_file(text, file);
    }
    append_sum(text);
    return g_string_free(text, FALSE);
}

/* ---- parse ---------------------------------------------------------------------------------- */

static gboolean read_u64(const VaultTextFile *file, const char *what, const char *digits,
                         guint64 min, guint64 max, guint64 *ret_number, GError **error)
{
    if (g_ascii_isdigit(digits[0]) && (digits[0] != '0' || digits[1] == '\0') &&
        g_ascii_string_to_unsigned(digits, 10, min, max, ret_number, NULL))
        return TRUE;
    return vault_text_file_refuse(
        file, error, "\"%s\" is no number from %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT, what,
        min, max);
}

static gboolean take_u64(VaultTextFile *file, const char *name, guint64 min, guint64 max,
                         guint64 *ret_number, GError **error)
{
    g_autofree char *value = vault_text_file_take(file, name, NUMBER_LEN_MAX, error);

    return value != NULL && read_u64(file, name, value, min, max, ret_number, error);
}

static gboolean take_log(VaultTextFile *file, const char *name, VaultBackupLog *ret_log,
                         GError **error)
{
    g_autofree char *value = vault_text_file_take(file, name, FILE_LINE_LEN_MAX, error);
    g_auto(GStrv) parts = value == NULL ? NULL : vault_text_file_split(file, value, 2, error);

    return parts != NULL && read_u64(file, name, parts[0], 0, G_MAXINT64, &ret_log->size, error) &&
           vault_text_file_hex(file, "root", parts[1], ret_log->root.bytes, VAULT_HASH_LEN, error);
}

static gboolean take_file(VaultTextFile *file, VaultBackupManifest *manifest, GError **error)
{
    g_autofree char *value = vault_text_file_take(file, "file", FILE_LINE_LEN_MAX, error);
    g_auto(GStrv) parts = value == NULL ? NULL : vault_text_file_split(file, value, 3, error);
    GPtrArray *files = manifest->files;
    const VaultBackupFile *before =
        files->len == 0 ? NULL : g_ptr_array_index(files, files->len - 1);
    VaultHash hash;
    guint64 len = 0;

    if (parts == NULL ||
        !vault_text_file_hex(file, "hash", parts[0], hash.bytes, VAULT_HASH_LEN, error) ||
        !read_u64(file, "length", parts[1], 0, G_MAXINT64, &len, error))
        return FALSE;
    if (!vault_backup_path_is_valid(parts[2], manifest->number))
        return vault_text_file_refuse(file, error, "the path is none of a backup's");
    if (before != NULL && strcmp(before->path, parts[2]) >= 0)
        return vault_text_file_refuse(file, error, "the files are not in order, each once");
    g_ptr_array_add(files, vault_backup_file_new(parts[2], len, &hash));
    return TRUE;
}

static gboolean take_head(VaultTextFile *file, VaultBackupManifest *manifest, GError **error)
{
    guint64 number = 0, generation = 0, epoch = 0;

    if (!vault_text_file_take_hex(file, "vault", manifest->vault_id.bytes, VAULT_ID_LEN, error) ||
        !vault_text_file_take_time(file, "made", &manifest->made_s, error) ||
        !take_u64(file, "number", 1, G_MAXUINT32, &number, error) ||
        !take_u64(file, "generation", 1, G_MAXUINT32, &generation, error) ||
        !take_u64(file, "epoch", 1, G_MAXUINT32, &epoch, error))
        return FALSE;
    manifest->number = (guint32)number;
    manifest->generation = (guint32)generation;
    manifest->epoch = (guint32)epoch;
    for (gsize i = 0; i < VAULT_BACKUP_LOGS; i++) {
        if (!take_log(file, log_names[i], &manifest->logs[i], error))
            return FALSE;
    }
    return take_u64(file, "messages", 0, G_MAXINT64, &manifest->message_count, error);
}

static gboolean take_files(VaultTextFile *file, VaultBackupManifest *manifest, GError **error)
{
    guint64 count = 0;

    if (!take_u64(file, "files", 0, VAULT_BACKUP_FILES_MAX, &count, error))
        return FALSE;
    while (manifest->files->len < count) {
        if (!take_file(file, manifest, error))
            return FALSE;
    }
    return TRUE;
}

/* Before anything else is believed: a damaged manifest is told as such. */
static gboolean check_sum(const char *text, gsize len, GError **error)
{
    g_autofree char *hex = NULL;
    VaultHash sum;

    if (len > SUM_LINE_LEN) {
        vault_hash(text, len - SUM_LINE_LEN, &sum);
        hex = vault_bytes_to_hex(sum.bytes, VAULT_HASH_LEN);
        if (memcmp(text + len - SUM_LINE_LEN, "sum: ", 5) == 0 &&
            memcmp(text + len - SUM_LINE_LEN + 5, hex, strlen(hex)) == 0)
            return TRUE;
    }
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                        "the manifest of the backup is damaged: its last line is not the hash of "
                        "those before it");
    return FALSE;
}

VaultBackupManifest *vault_backup_manifest_parse(const char *text, gsize len, GError **error)
{
    g_autoptr(VaultBackupManifest) manifest = vault_backup_manifest_new();
    VaultTextFile file;
    VaultHash sum;

    if (len > VAULT_BACKUP_MANIFEST_LEN_MAX) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE,
                    "the manifest of a backup has at most %u bytes", VAULT_BACKUP_MANIFEST_LEN_MAX);
        return NULL;
    }
    if (!vault_text_file_begin(&file, text, len, MANIFEST_TYPE, error) ||
        !check_sum(text, len, error) || !take_head(&file, manifest, error) ||
        !take_files(&file, manifest, error) ||
        !vault_text_file_take_hex(&file, "sum", sum.bytes, VAULT_HASH_LEN, error) ||
        !vault_text_file_finish(&file, error))
        return NULL;
    return g_steal_pointer(&manifest);
}
