/* zip and tar.zst, through libarchive. The tree inside is that of an eml export, the manifest its
 * last member; dates are those of receipt. A member's length comes before its bytes, so a message
 * is begun only when it is proved whole. */
#include "restore/export_backend.h"
#include "restore/export_name.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <unistd.h>

#define WRITE_LEN (1u << 20)
#define READ_LEN 65536

typedef struct {
    struct archive *archive;
    struct archive_entry *entry;
    char *path;
    guint64 left_len; /* of the member under way */
    int fd;
} ArchiveExport;

static gboolean set_error(ArchiveExport *self, const char *what, GError **error)
{
    int saved_errno = archive_errno(self->archive);
    const char *text = archive_error_string(self->archive);

    g_set_error(error, VAULT_ERROR,
                saved_errno == ENOSPC || saved_errno == EDQUOT ? VAULT_ERROR_NO_SPACE
                                                               : VAULT_ERROR_IO,
                "cannot %s %s: %s", what, self->path, text == NULL ? "unknown error" : text);
    return FALSE;
}

static la_ssize_t write_out(struct archive *archive, void *user, const void *bytes, size_t len)
{
    ArchiveExport *self = user;
    g_autoptr(GError) failure = NULL;

    if (vault_file_write_all(self->fd, bytes, len, self->path, &failure))
        return (la_ssize_t)len;
    archive_set_error(archive,
                      g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NO_SPACE) ? ENOSPC : EIO,
                      "%s", failure->message);
    return -1;
}

/* The compressor has threads of its own: the thread that writes would be the slowest part. */
static int set_tar_zst(struct archive *archive)
{
    g_autofree char *threads = g_strdup_printf("%u", MIN(g_get_num_processors(), 8u));
    int status = archive_write_set_format_pax_restricted(archive);

    if (status != ARCHIVE_OK || (status = archive_write_add_filter_zstd(archive)) != ARCHIVE_OK)
        return status;
    /* A libzstd without threads refuses the option and does without. */
    (void)archive_write_set_filter_option(archive, "zstd", "compression-level", "1");
    (void)archive_write_set_filter_option(archive, "zstd", "threads", threads);
    return ARCHIVE_OK;
}

static void archive_export_free(gpointer user)
{
    ArchiveExport *self = user;

    archive_entry_free(self->entry);
    /* Not closed: what is not finished is no archive. */
    if (self->archive != NULL)
        archive_write_fail(self->archive);
    archive_write_free(self->archive);
    g_free(self->path);
    g_free(self);
}

static gpointer archive_export_open(const ExportTarget *target, GError **error)
{
    ArchiveExport *self = g_new0(ArchiveExport, 1);
    int status;

    self->archive = archive_write_new();
    self->entry = archive_entry_new();
    self->path = g_strdup(g_str_equal(target->path, "-") ? "standard output" : target->path);
    self->fd = target->fd;
    g_assert(self->archive != NULL && self->entry != NULL);
    status = target->format == EXPORT_ZIP ? archive_write_set_format_zip(self->archive)
                                          : set_tar_zst(self->archive);
    archive_write_set_bytes_per_block(self->archive, WRITE_LEN);
    archive_write_set_bytes_in_last_block(self->archive, 1);
    if (status == ARCHIVE_OK)
        status = archive_write_open2(self->archive, self, NULL, write_out, NULL, NULL);
    if (status == ARCHIVE_OK)
        return self;
    set_error(self, "begin", error);
    archive_export_free(self);
    return NULL;
}

static char *archive_file_name(gpointer user, const ExportMessage *message)
{
    return export_name_eml(message->mailbox, message->received_s, message->id);
}

static gboolean begin_member(ArchiveExport *self, const char *file, guint64 len, guint64 time_s,
                             GError **error)
{
    archive_entry_clear(self->entry);
    archive_entry_set_pathname(self->entry, file);
    archive_entry_set_filetype(self->entry, AE_IFREG);
    archive_entry_set_perm(self->entry, 0600);
    archive_entry_set_size(self->entry, (la_int64_t)len);
    archive_entry_set_mtime(self->entry, (time_t)time_s, 0);
    self->left_len = len;
    /* ARCHIVE_WARN: a date that the format cannot hold was changed, which the manifest has. */
    if (archive_write_header(self->archive, self->entry) < ARCHIVE_WARN)
        return set_error(self, "write", error);
    return TRUE;
}

static gboolean archive_begin(gpointer user, const ExportMessage *message, const char *file,
                              GError **error)
{
    return begin_member(user, file, message->len, message->received_s, error);
}

static gboolean archive_write(gpointer user, const guint8 *bytes, gsize len, GError **error)
{
    ArchiveExport *self = user;

    /* libarchive cuts what is over the promised length, silently. */
    g_assert(len <= self->left_len);
    self->left_len -= len;
    while (len > 0) {
        la_ssize_t written = archive_write_data(self->archive, bytes, len);

        if (written <= 0)
            return set_error(self, "write", error);
        bytes += written, len -= (gsize)written;
    }
    return TRUE;
}

static gboolean archive_end(gpointer user, guint64 *ret_offset, GError **error)
{
    ArchiveExport *self = user;

    g_assert(self->left_len == 0);
    if (archive_write_finish_entry(self->archive) < ARCHIVE_WARN)
        return set_error(self, "write", error);
    return TRUE;
}

static gboolean archive_abandon(gpointer user, GError **error)
{
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_IO,
                        "a message could be read when it was checked and not any more when it was "
                        "written: what was written is not a whole archive");
    return FALSE;
}

static gboolean add_manifest(ArchiveExport *self, int fd, guint64 now_s, GError **error)
{
    g_autofree guint8 *buffer = g_malloc(READ_LEN);
    off_t len = lseek(fd, 0, SEEK_END);
    guint64 offset = 0, unused;

    if (len < 0)
        return vault_error_set_errno(error, errno, "cannot read", "the manifest");
    if (!begin_member(self, MANIFEST_NAME, (guint64)len, now_s, error))
        return FALSE;
    while (offset < (guint64)len) {
        gsize count = (gsize)MIN((guint64)len - offset, READ_LEN);

        if (!vault_file_pread_exact(fd, buffer, count, offset, "the manifest", error) ||
            !archive_write(self, buffer, count, error))
            return FALSE;
        offset += count;
    }
    return archive_end(self, &unused, error);
}

static gboolean archive_finish(gpointer user, int manifest_fd, guint64 now_s, GError **error)
{
    ArchiveExport *self = user;

    if (!add_manifest(self, manifest_fd, now_s, error))
        return FALSE;
    if (archive_write_close(self->archive) != ARCHIVE_OK)
        return set_error(self, "finish", error);
    return TRUE;
}

const ExportBackend export_archive_backend = {
    .open = archive_export_open,
    .file_name = archive_file_name,
    .begin = archive_begin,
    .write = archive_write,
    .end = archive_end,
    .abandon = archive_abandon,
    .finish = archive_finish,
    .free = archive_export_free,
    .can_abandon = FALSE,
};
