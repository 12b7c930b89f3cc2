/* One file per message: eml trees and Maildirs. A file is written as a draft and renamed when its
 * message is whole, so what bears a message's name is the message. */
#include "restore/export_backend.h"
#include "restore/export_name.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
    char *root;
    ExportFormat format;
    GHashTable *folders; /* made already */
    char *path;
    char *draft_path;
    VaultFd fd;
    guint64 received_s;
} FolderExport;

static gpointer folder_open(const ExportTarget *target, GError **error)
{
    FolderExport *self = g_new0(FolderExport, 1);

    self->root = g_strdup(target->path);
    self->format = target->format;
    self->folders = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    self->fd = -1;
    return self;
}

static char *folder_file_name(gpointer user, const ExportMessage *message)
{
    FolderExport *self = user;
    g_autofree char *folder = NULL;
    g_autofree char *file = NULL;

    if (self->format == EXPORT_EML)
        return export_name_eml(message->mailbox, message->received_s, message->id);
    folder = export_name_maildir(message->mailbox, message->folder);
    file =
        export_name_maildir_file(message->received_s, message->id, message->len, message->keywords);
    return g_strconcat(folder, "/cur/", file, NULL);
}

static gboolean make_folder(FolderExport *self, const char *path, GError **error)
{
    if (g_hash_table_contains(self->folders, path))
        return TRUE;
    if (g_mkdir_with_parents(path, 0700) != 0)
        return vault_error_set_errno(error, errno, "cannot make the folder", path);
    g_hash_table_add(self->folders, g_strdup(path));
    return TRUE;
}

static gboolean make_maildir(FolderExport *self, const char *maildir, GError **error)
{
    static const char *const parts[] = {"cur", "new", "tmp"};

    for (gsize i = 0; i < G_N_ELEMENTS(parts); i++) {
        g_autofree char *path = g_build_filename(maildir, parts[i], NULL);

        if (!make_folder(self, path, error))
            return FALSE;
    }
    return TRUE;
}

/* `file` is MAILBOX/cur/NAME or MAILBOX/.Folder/cur/NAME. A folder of a Maildir++ bears a file that
 * says what it is, and what it lies in is a Maildir too, also without a message of its own. */
static gboolean make_maildirs(FolderExport *self, const char *file, const char *maildir,
                              GError **error)
{
    g_auto(GStrv) parts = g_strsplit(file, "/", -1);
    g_autofree char *top = g_build_filename(self->root, parts[0], NULL);
    g_autofree char *mark = g_build_filename(maildir, "maildirfolder", NULL);
    g_auto(VaultFd) fd = -1;

    if (!make_maildir(self, top, error))
        return FALSE;
    if (g_strv_length(parts) == 3 || g_hash_table_contains(self->folders, maildir))
        return TRUE;
    if (!make_maildir(self, maildir, error))
        return FALSE;
    fd = open(mark, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return vault_error_set_errno(error, errno, "cannot write", mark);
    g_hash_table_add(self->folders, g_strdup(maildir));
    return TRUE;
}

static gboolean folder_begin(gpointer user, const ExportMessage *message, const char *file,
                             GError **error)
{
    FolderExport *self = user;
    g_autofree char *folder = NULL;

    self->path = g_build_filename(self->root, file, NULL);
    self->received_s = message->received_s;
    folder = g_path_get_dirname(self->path);
    if (self->format == EXPORT_EML) {
        if (!make_folder(self, folder, error))
            return FALSE;
        self->draft_path = g_strconcat(self->path, ".draft", NULL);
    } else {
        g_autofree char *maildir = g_path_get_dirname(folder);
        g_autofree char *name = g_path_get_basename(self->path);

        if (!make_maildirs(self, file, maildir, error))
            return FALSE;
        self->draft_path = g_build_filename(maildir, "tmp", name, NULL);
    }
    self->fd = open(self->draft_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (self->fd < 0)
        return vault_error_set_errno(error, errno, "cannot write", self->draft_path);
    return TRUE;
}

static gboolean folder_write(gpointer user, const guint8 *bytes, gsize len, GError **error)
{
    FolderExport *self = user;

    return vault_file_write_all(self->fd, bytes, len, self->draft_path, error);
}

static void forget_message(FolderExport *self)
{
    vault_fd_close(&self->fd);
    g_clear_pointer(&self->path, g_free);
    g_clear_pointer(&self->draft_path, g_free);
}

static gboolean folder_end(gpointer user, guint64 *ret_offset, GError **error)
{
    FolderExport *self = user;
    struct timespec times[2] = {{.tv_sec = (time_t)self->received_s},
                                {.tv_sec = (time_t)self->received_s}};

    /* The date is a kindness to people who sort by it; a file system that refuses it is no error.
     */
    (void)futimens(self->fd, times);
    if (rename(self->draft_path, self->path) != 0)
        return vault_error_set_errno(error, errno, "cannot give its name to", self->path);
    forget_message(self);
    return TRUE;
}

static gboolean folder_abandon(gpointer user, GError **error)
{
    FolderExport *self = user;

    if (self->draft_path != NULL)
        (void)unlink(self->draft_path);
    forget_message(self);
    return TRUE;
}

static gboolean folder_finish(gpointer user, int manifest_fd, guint64 now_s, GError **error)
{
    return TRUE;
}

static void folder_free(gpointer user)
{
    FolderExport *self = user;

    (void)folder_abandon(self, NULL);
    g_hash_table_unref(self->folders);
    g_free(self->root);
    g_free(self);
}

const ExportBackend export_folder_backend = {
    .open = folder_open,
    .file_name = folder_file_name,
    .begin = folder_begin,
    .write = folder_write,
    .end = folder_end,
    .abandon = folder_abandon,
    .finish = folder_finish,
    .free = folder_free,
    .can_abandon = TRUE,
};
