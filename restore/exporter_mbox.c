/* mboxrd: one file per mailbox in a folder, or all messages in one file or stream. Files that are
 * not the current one are closed: an export may have more mailboxes than descriptors. */
#include "restore/export_backend.h"
#include "restore/export_name.h"
#include "restore/mbox.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUFFER_LEN 65536

/* One mbox under way. */
typedef struct {
    guint64 len;             /* bytes of whole messages, the LF that is due not counted */
    gboolean is_newline_due; /* the last message did not end in LF: one comes before the next */
} MboxFile;

typedef struct {
    char *root; /* the folder, or what messages call the one file */
    gboolean is_folder;
    GHashTable *files; /* name -> MboxFile */
    MboxFile *file;    /* the current one */
    char *name;
    char *path;
    VaultFd own_fd; /* closed by us; the one of a single file is the caller's */
    int fd;
    gboolean is_seekable;
    GByteArray *buffer;
    guint64 unflushed_from; /* where `buffer` begins */
    guint64 message_offset;
    guint8 last_byte;
    MboxQuoteState quoting;
} MboxExport;

static gpointer mbox_open(const ExportTarget *target, GError **error)
{
    MboxExport *self = g_new0(MboxExport, 1);

    self->root = g_strdup(g_str_equal(target->path, "-") ? "standard output" : target->path);
    self->is_folder = target->is_folder;
    self->files = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    self->own_fd = -1;
    self->fd = target->fd;
    self->is_seekable = target->is_folder || target->is_seekable;
    self->buffer = g_byte_array_sized_new(2 * BUFFER_LEN);
    return self;
}

static char *mbox_file_name(gpointer user, const ExportMessage *message)
{
    MboxExport *self = user;

    return self->is_folder ? export_name_mbox(message->mailbox) : g_path_get_basename(self->root);
}

static gboolean flush(MboxExport *self, GError **error)
{
    gboolean ok =
        vault_file_write_all(self->fd, self->buffer->data, self->buffer->len, self->path, error);

    self->unflushed_from += self->buffer->len;
    g_byte_array_set_size(self->buffer, 0);
    return ok;
}

static gboolean select_file(MboxExport *self, const char *name, GError **error)
{
    if (self->name != NULL && g_str_equal(self->name, name))
        return TRUE;
    g_free(self->name);
    g_free(self->path);
    self->name = g_strdup(name);
    self->path = self->is_folder ? g_build_filename(self->root, name, NULL) : g_strdup(self->root);
    self->file = g_hash_table_lookup(self->files, name);
    if (self->file == NULL) {
        self->file = g_new0(MboxFile, 1);
        g_hash_table_insert(self->files, g_strdup(name), self->file);
    }
    if (!self->is_folder)
        return TRUE;
    vault_fd_close(&self->own_fd);
    self->own_fd = open(self->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    self->fd = self->own_fd;
    if (self->fd < 0)
        return vault_error_set_errno(error, errno, "cannot write", self->path);
    return TRUE;
}

static gboolean mbox_begin(gpointer user, const ExportMessage *message, const char *file,
                           GError **error)
{
    MboxExport *self = user;
    g_autofree char *postmark = mbox_postmark_format(message->sender, message->received_s);

    if (!select_file(self, file, error))
        return FALSE;
    self->unflushed_from = self->file->len;
    if (self->file->is_newline_due)
        g_byte_array_append(self->buffer, (const guint8 *)"\n", 1);
    g_byte_array_append(self->buffer, (const guint8 *)postmark, (guint)strlen(postmark));
    self->message_offset = self->unflushed_from + self->buffer->len;
    self->last_byte = '\0';
    mbox_quote_begin(&self->quoting, MBOX_MBOXRD);
    return TRUE;
}

static gboolean mbox_write(gpointer user, const guint8 *bytes, gsize len, GError **error)
{
    MboxExport *self = user;

    while (len > 0) {
        gsize count = MIN(len, BUFFER_LEN);

        mbox_quote(&self->quoting, bytes, count, self->buffer);
        self->last_byte = bytes[count - 1];
        if (self->buffer->len >= BUFFER_LEN && !flush(self, error))
            return FALSE;
        bytes += count, len -= count;
    }
    return TRUE;
}

static gboolean mbox_end(gpointer user, guint64 *ret_offset, GError **error)
{
    MboxExport *self = user;

    mbox_quote_end(&self->quoting, self->buffer);
    self->file->is_newline_due = self->last_byte != '\n';
    if (!self->file->is_newline_due)
        g_byte_array_append(self->buffer, (const guint8 *)"\n", 1);
    *ret_offset = self->message_offset;
    if (!flush(self, error))
        return FALSE;
    self->file->len = self->unflushed_from;
    return TRUE;
}

static gboolean mbox_abandon(gpointer user, GError **error)
{
    MboxExport *self = user;
    gboolean is_written;

    if (self->file == NULL)
        return TRUE;
    is_written = self->unflushed_from != self->file->len;
    g_byte_array_set_size(self->buffer, 0);
    if (!is_written)
        return TRUE;
    if (!self->is_seekable) {
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_IO,
                            "part of a message that is damaged went to standard output: "
                            "what was written is not a whole mbox");
        return FALSE;
    }
    self->unflushed_from = self->file->len;
    if (ftruncate(self->fd, (off_t)self->file->len) != 0 ||
        lseek(self->fd, (off_t)self->file->len, SEEK_SET) < 0)
        return vault_error_set_errno(error, errno, "cannot cut back", self->path);
    return TRUE;
}

static gboolean mbox_finish(gpointer user, int manifest_fd, guint64 now_s, GError **error)
{
    return TRUE;
}

static void mbox_free(gpointer user)
{
    MboxExport *self = user;

    vault_fd_close(&self->own_fd);
    g_hash_table_unref(self->files);
    g_byte_array_unref(self->buffer);
    g_free(self->root);
    g_free(self->name);
    g_free(self->path);
    g_free(self);
}

const ExportBackend export_mbox_backend = {
    .open = mbox_open,
    .file_name = mbox_file_name,
    .begin = mbox_begin,
    .write = mbox_write,
    .end = mbox_end,
    .abandon = mbox_abandon,
    .finish = mbox_finish,
    .free = mbox_free,
    .can_abandon = TRUE,
    .has_offset = TRUE,
};
