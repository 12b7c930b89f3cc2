#include "restore/stamp_folder.h"

#include "vault/base/bytes.h"
#include "vault/base/error.h"
#include "vault/base/file.h"
#include "vault/log/note.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>

#define STEM_LEN 32 /* hexadecimal digits */

static char *folder_of(const char *vault_path)
{
    return g_build_filename(vault_path, "log", "stamps", NULL);
}

static char *stem_of(const VaultHash *hash)
{
    return vault_bytes_to_hex(hash->bytes, STEM_LEN / 2);
}

static gboolean make_folder(const char *folder, GError **error)
{
    g_autofree char *parent = g_path_get_dirname(folder);

    if (g_mkdir(folder, 0700) == 0)
        return vault_file_sync_directory(parent, error);
    return errno == EEXIST || vault_error_set_errno(error, errno, "cannot make", folder);
}

static gboolean keep(const char *path, const void *bytes, gsize len, GError **error)
{
    return vault_file_write(path, bytes, len, 0600, VAULT_FILE_REPLACE, error);
}

gboolean stamp_folder_keep_checkpoint(const char *vault_path, const char *note, GError **error)
{
    g_autofree char *folder = folder_of(vault_path);
    g_autofree char *stem = NULL;
    g_autofree char *path = NULL;
    VaultHash hash;

    vault_hash(note, strlen(note), &hash);
    stem = stem_of(&hash);
    path = g_strdup_printf("%s/%s.checkpoint", folder, stem);
    return make_folder(folder, error) && keep(path, note, strlen(note), error);
}

static char *checkpoint_path(const char *folder, const VaultHash *imprint)
{
    g_autofree char *stem = stem_of(imprint);

    return g_strdup_printf("%s/%s.checkpoint", folder, stem);
}

gboolean stamp_folder_keep_response(const char *vault_path, GBytes *response, Stamp *ret_stamp,
                                    GError **error)
{
    g_autofree char *folder = folder_of(vault_path);
    g_autofree char *checkpoint = NULL;
    g_autofree char *stem = NULL;
    g_autofree char *path = NULL;

    if (!stamp_read(response, ret_stamp, error))
        return FALSE;
    checkpoint = checkpoint_path(folder, &ret_stamp->imprint);
    if (!g_file_test(checkpoint, G_FILE_TEST_EXISTS)) {
        g_set_error_literal(
            error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND,
            "the response is of no checkpoint that \"--query-out\" made a query for");
        return FALSE;
    }
    stem = stem_of(&ret_stamp->imprint);
    path = g_strdup_printf("%s/%s-%" G_GUINT64_FORMAT ".tsr", folder, stem, ret_stamp->time_s);
    return keep(path, g_bytes_get_data(response, NULL), g_bytes_get_size(response), error);
}

static gint compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static GPtrArray *list_responses(const char *folder, GError **error)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GDir) opened = NULL;
    const char *name;

    if (!g_file_test(folder, G_FILE_TEST_EXISTS))
        return g_steal_pointer(&names);
    opened = g_dir_open(folder, 0, NULL);
    if (opened == NULL) {
        vault_error_set_errno(error, errno, "cannot read", folder);
        return NULL;
    }
    while ((name = g_dir_read_name(opened)) != NULL) {
        if (g_str_has_suffix(name, ".tsr"))
            g_ptr_array_add(names, g_strdup(name));
    }
    g_ptr_array_sort(names, compare_names);
    return g_steal_pointer(&names);
}

static gboolean visit_one(const char *folder, const char *name, StampVisit visit, gpointer user,
                          GError **error)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    g_autofree char *stem = g_strndup(name, STEM_LEN);
    g_autofree char *checkpoint_path = g_strdup_printf("%s/%s.checkpoint", folder, stem);
    g_autoptr(GBytes) response = vault_file_read(path, STAMP_LEN_MAX, error);
    g_autoptr(GBytes) checkpoint = NULL;
    StampFile file = {.name = name};

    if (response == NULL)
        return FALSE;
    checkpoint = vault_file_read(checkpoint_path, VAULT_NOTE_LEN_MAX, NULL);
    file.response = response;
    file.checkpoint = checkpoint;
    return visit(&file, user, error);
}

gboolean stamp_folder_visit(const char *vault_path, StampVisit visit, gpointer user, GError **error)
{
    g_autofree char *folder = folder_of(vault_path);
    g_autoptr(GPtrArray) names = list_responses(folder, error);

    for (guint i = 0; names != NULL && i < names->len; i++) {
        if (!visit_one(folder, names->pdata[i], visit, user, error))
            return FALSE;
    }
    return names != NULL;
}
