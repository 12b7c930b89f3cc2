#include "vault/store/pack_index.h"

#include "vault/base/bytes.h"
#include "vault/base/file.h"
#include "vault/store/pack_format.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#define FOOTER_COUNT_AT 4

gboolean vault_pack_index_count(const char *path, guint64 *ret_count, GError **error)
{
    g_auto(VaultFd) fd = open(path, O_RDONLY | O_CLOEXEC);
    guint8 footer[VAULT_PACK_FOOTER_LEN];
    VaultBytesReader reader;
    struct stat status;
    guint64 len;

    *ret_count = 0;
    if (fd < 0 || fstat(fd, &status) != 0)
        return vault_error_set_errno(error, errno, "cannot open", path);
    len = (guint64)status.st_size;
    if (len < VAULT_PACK_HEADER_LEN + VAULT_PACK_FOOTER_LEN)
        return TRUE;
    if (!vault_file_pread_exact(fd, footer, sizeof footer, len - sizeof footer, path, error))
        return FALSE;
    if (vault_pack_footer_parse(footer, len) == 0)
        return TRUE;
    vault_bytes_reader_init(&reader, footer + FOOTER_COUNT_AT, sizeof footer - FOOTER_COUNT_AT);
    *ret_count = vault_bytes_read_u32(&reader);
    return TRUE;
}

GArray *vault_pack_index_load(const char *path, const VaultId *vault_id, GError **error)
{
    g_autoptr(VaultPackScan) scan =
        vault_pack_scan_open(path, vault_id, VAULT_SCAN_HEADERS, NULL, error);
    g_autoptr(GArray) records = g_array_new(FALSE, FALSE, sizeof(VaultIndexedRecord));

    if (scan == NULL)
        return NULL;
    if (!vault_pack_scan_is_closed(scan)) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT, "%s has no trailer that holds", path);
        return NULL;
    }
    vault_pack_scan_add_indexed(scan, records);
    return g_steal_pointer(&records);
}
