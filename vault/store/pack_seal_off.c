#include "vault/store/pack_format.h"

#include "vault/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define REWRITE_LEN (1u << 20)

/* What is left of an open pack: its index, and where its last group lies. */
typedef struct {
    GByteArray *index;
    guint64 last_group, last_group_end;
    gboolean is_closed;
} Remains;

static void remains_clear(Remains *remains)
{
    g_clear_pointer(&remains->index, g_byte_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Remains, remains_clear)

static void remember_group(Remains *remains, const GArray *records, guint64 offset, guint64 len)
{
    remains->last_group = offset;
    remains->last_group_end = offset + len;
    for (guint i = 0; i < records->len; i++) {
        const VaultScannedRecord *record = &g_array_index(records, VaultScannedRecord, i);
        const VaultPackIndexEntry entry = {.record_id = record->header.record_id,
                                           .kind = (guint8)record->header.kind,
                                           .offset = (guint32)record->offset,
                                           .len = (guint32)record->len,
                                           .hash = record->hash};

        /* What is damaged gets no entry: the trailer vouches for hashes. */
        if (record->is_intact)
            vault_pack_index_append(remains->index, &entry);
    }
}

static gboolean take_stock(const char *path, guint64 end, Remains *remains, GError **error)
{
    VaultPackHeader header;
    g_autoptr(VaultPackScan) scan =
        vault_pack_scan_open(path, NULL, VAULT_SCAN_CIPHERTEXTS, &header, error);
    VaultScanEvent event = VAULT_SCAN_GROUP;

    if (scan == NULL)
        return FALSE;
    /* The others are whole since they have their names. */
    remains->is_closed = header.type != VAULT_PACK_GROUPED;
    vault_pack_scan_stop_at(scan, end);
    while (!remains->is_closed && event != VAULT_SCAN_END) {
        guint64 offset, len;
        GArray *records;

        if (!vault_pack_scan_next(scan, &event, &records, &offset, &len, error))
            return FALSE;
        if (event == VAULT_SCAN_GROUP)
            remember_group(remains, records, offset, len);
        if (event == VAULT_SCAN_TRAILER)
            remains->is_closed = TRUE;
    }
    if (remains->index->len / VAULT_PACK_INDEX_ENTRY_LEN <= VAULT_PACK_RECORDS_MAX)
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT, "%s has more records than a pack holds",
                path);
    return FALSE;
}

/* The last group may have been read from the page cache after a sync that failed, clean there and
 * never on the disk. Written once more it is dirty again, and the sync tells the truth. The bytes
 * are the same: whatever a power cut leaves of this write is what was there. */
static gboolean rewrite_last_group(int fd, const Remains *remains, const char *path, GError **error)
{
    g_autofree guint8 *bytes = g_malloc(REWRITE_LEN);
    guint64 offset = remains->last_group;

    while (offset < remains->last_group_end) {
        gsize len = (gsize)MIN(REWRITE_LEN, remains->last_group_end - offset);

        if (!vault_file_pread_exact(fd, bytes, len, offset, path, error) ||
            !vault_file_pwrite_all(fd, bytes, len, offset, path, error))
            return FALSE;
        offset += len;
    }
    return TRUE;
}

static gboolean write_trailer(int fd, const Remains *remains, guint64 end, const char *path,
                              GError **error)
{
    guint8 header[VAULT_PACK_HEADER_LEN];
    g_autoptr(GByteArray) trailer = NULL;

    if (!vault_file_pread_exact(fd, header, sizeof header, 0, path, error))
        return FALSE;
    trailer = vault_pack_trailer_format(header, remains->index, end);
    return vault_file_pwrite_all(fd, trailer->data, trailer->len, end, path, error) &&
           vault_file_sync(fd, path, error);
}

static gboolean check_end(int fd, guint64 end, const char *path, GError **error)
{
    struct stat status;

    if (fstat(fd, &status) != 0)
        return vault_error_set_errno(error, errno, "cannot examine", path);
    if (end >= VAULT_PACK_HEADER_LEN && end <= G_MAXUINT32 && end <= (guint64)status.st_size)
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
                "%s was acknowledged up to offset %" G_GUINT64_FORMAT ", but has %" G_GUINT64_FORMAT
                " bytes: restore it from a backup",
                path, end, (guint64)status.st_size);
    return FALSE;
}

/* In this order each step can be cut short and done again: the caller's `end` comes from elsewhere
 * (a successor's header, or the scan of whole groups), and a half-written trailer is none. */
gboolean vault_pack_seal_off(const char *path, guint64 end, GError **error)
{
    g_autofree char *directory = g_path_get_dirname(path);
    g_auto(Remains) remains = {.index = g_byte_array_new()};
    g_auto(VaultFd) fd = -1;

    if (!take_stock(path, end, &remains, error))
        return FALSE;
    if (remains.is_closed)
        return TRUE;
    fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return vault_error_set_errno(error, errno, "cannot open", path);
    if (!check_end(fd, end, path, error))
        return FALSE;
    if (ftruncate(fd, (off_t)end) != 0)
        return vault_error_set_errno(error, errno, "cannot cut", path);
    return rewrite_last_group(fd, &remains, path, error) &&
           write_trailer(fd, &remains, end, path, error) &&
           vault_file_sync_directory(directory, error);
}
