#include "vault/keep/verify_log.h"

#include "vault/store/pack_compacted.h"

struct VaultVerifyLog {
    GPtrArray *logs; /* VaultLogReader */
    GArray *present; /* guint64: the first bytes of hashes */
};

VaultVerifyLog *vault_verify_log_new(GPtrArray *logs)
{
    VaultVerifyLog *verify = g_new0(VaultVerifyLog, 1);

    verify->logs = logs;
    verify->present = g_array_new(FALSE, FALSE, sizeof(guint64));
    return verify;
}

void vault_verify_log_free(VaultVerifyLog *verify)
{
    if (verify == NULL)
        return;
    g_ptr_array_unref(verify->logs);
    g_array_unref(verify->present);
    g_free(verify);
}

static guint64 prefix_of(const VaultHash *hash)
{
    guint64 prefix;

    memcpy(&prefix, hash->bytes, sizeof prefix);
    return prefix;
}

void vault_verify_log_add(VaultVerifyLog *verify, const VaultHash *record_hash)
{
    guint64 prefix = prefix_of(record_hash);

    if (verify->logs->len > 0)
        g_array_append_val(verify->present, prefix);
}

/* ---- what was dropped ------------------------------------------------------------------------ */

static gboolean add_dropped(VaultVerifyLog *verify, GPtrArray *files, GError **error)
{
    for (guint i = 0; i < files->len; i++) {
        const VaultPackFile *file = g_ptr_array_index(files, i);
        g_autoptr(GArray) dropped = NULL;

        if (file->replaced == NULL || file->is_replaced)
            continue;
        dropped = vault_pack_dropped_read(file->path, &file->header, error);
        if (dropped == NULL)
            return FALSE;
        for (guint j = 0; j < dropped->len; j++)
            vault_verify_log_add(verify, &g_array_index(dropped, VaultHash, j));
    }
    return TRUE;
}

/* ---- what was logged ------------------------------------------------------------------------- */

static gint compare_prefixes(gconstpointer a, gconstpointer b)
{
    guint64 left = *(const guint64 *)a, right = *(const guint64 *)b;

    return left < right ? -1 : left > right;
}

static gsize count_missing(const VaultVerifyLog *verify, const VaultHash *hashes, gsize count)
{
    gsize missing = 0;

    for (gsize i = 0; i < count; i++) {
        guint64 prefix = prefix_of(&hashes[i]);

        missing += !g_array_binary_search(verify->present, &prefix, compare_prefixes, NULL);
    }
    return missing;
}

static gboolean check_entry(const VaultVerifyLog *verify, VaultLogReader *log, guint64 index,
                            gsize *ret_missing, GError **error)
{
    g_autoptr(GBytes) bytes = vault_log_reader_entry(log, index, error);
    g_autoptr(GBytes) list = NULL;
    const VaultHash *hashes;
    VaultEntry entry;
    gsize count;

    *ret_missing = 0;
    if (bytes == NULL ||
        !vault_entry_parse(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), &entry, error))
        return FALSE;
    if (entry.kind != VAULT_ENTRY_BATCH || entry.count == 0)
        return TRUE;
    list = vault_log_reader_sidecar(log, index, &entry.list_hash, error);
    if (list == NULL || !vault_entry_list_parse(list, &hashes, &count, error))
        return FALSE;
    *ret_missing = count_missing(verify, hashes, count);
    return TRUE;
}

static gboolean check_entries(VaultVerifyLog *verify, guint32 epoch,
                              void (*finding)(const char *text, gpointer user), gpointer user,
                              GError **error)
{
    VaultLogReader *log = g_ptr_array_index(verify->logs, epoch - 1);
    guint64 size = vault_log_reader_checkpoint(log)->size;

    for (guint64 i = 0; i < size; i++) {
        g_autofree char *text = NULL;
        gsize missing;

        if (!check_entry(verify, log, i, &missing, error))
            return FALSE;
        if (missing == 0)
            continue;
        text =
            g_strdup_printf("archive log, epoch %u, entry %" G_GUINT64_FORMAT ": %" G_GSIZE_FORMAT
                            " of its records are in no pack, and were not compacted away: "
                            "restore the packs from a backup",
                            epoch, i, missing);
        finding(text, user);
    }
    return TRUE;
}

static gboolean check_epochs(VaultVerifyLog *verify,
                             void (*finding)(const char *text, gpointer user), gpointer user,
                             GError **error)
{
    g_array_sort(verify->present, compare_prefixes);
    for (guint32 epoch = 1; epoch <= verify->logs->len; epoch++) {
        if (!check_entries(verify, epoch, finding, user, error))
            return FALSE;
    }
    return TRUE;
}

gboolean vault_verify_log_run(VaultVerifyLog *verify, GPtrArray *files,
                              void (*finding)(const char *text, gpointer user), gpointer user,
                              GError **error)
{
    g_autoptr(GError) failure = NULL;
    g_autofree char *text = NULL;

    if (verify->logs->len == 0)
        return TRUE;
    if (add_dropped(verify, files, &failure) && check_epochs(verify, finding, user, &failure))
        return TRUE;
    if (g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_IO)) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return FALSE;
    }
    text = g_strdup_printf("archive log: %s", failure->message);
    finding(text, user);
    return TRUE;
}
