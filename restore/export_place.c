/* Where an export's files lie, what stands there already, drafts and their names. */
#include "restore/export_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define JOURNAL_NAME "manifest.json.journal"
#define MANIFEST_DRAFT_NAME "manifest.json.draft"

static gboolean is_empty_folder(const char *path, gboolean *ret_is_empty, GError **error)
{
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);

    if (dir == NULL)
        return vault_error_set_errno(error, errno, "cannot list the folder", path);
    *ret_is_empty = g_dir_read_name(dir) == NULL;
    return TRUE;
}

static gboolean open_folder(Export *export, ExportStart start, GError **error)
{
    gboolean is_empty = FALSE;

    if (g_mkdir(export->path, 0700) != 0 && errno != EEXIST)
        return vault_error_set_errno(error, errno, "cannot make the folder", export->path);
    if (!g_file_test(export->path, G_FILE_TEST_IS_DIR)) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_BUSY,
                    "%s is a file, and this format makes a folder: give another name",
                    export->path);
        return FALSE;
    }
    if (!is_empty_folder(export->path, &is_empty, error))
        return FALSE;
    if (!is_empty && start == EXPORT_START_NEW) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_BUSY, "%s is not empty: give another folder%s",
                    export->path,
                    export->format == EXPORT_MBOX ? "" : ", or --resume to go on with an export");
        return FALSE;
    }
    return TRUE;
}

static int open_new(const char *path, int flags, GError **error)
{
    int fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0)
        vault_error_set_errno(error, errno, "cannot write", path);
    return fd;
}

/* A torn last line of a journal would swallow the first new one: it is ended first. */
static gboolean open_journal(Export *export, GError **error)
{
    export->journal_fd = open_new(export->journal_path, O_RDWR | O_CREAT | O_APPEND, error);
    return export->journal_fd >= 0 &&
           vault_file_write_all(export->journal_fd, "\n", 1, export->journal_path, error);
}

static gboolean read_known_file(Export *export, const char *path, GError **error)
{
    g_autoptr(GError) failure = NULL;

    if (manifest_read_known(path, export->known, &failure) ||
        g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NOT_FOUND))
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
}

/* The journal is of the later run, so its lines win. */
static gboolean open_folder_files(Export *export, ExportStart start, GError **error)
{
    export->journal_path = g_build_filename(export->path, JOURNAL_NAME, NULL);
    export->manifest_path = g_build_filename(export->path, MANIFEST_NAME, NULL);
    export->manifest_draft = g_build_filename(export->path, MANIFEST_DRAFT_NAME, NULL);
    if (start == EXPORT_RESUME) {
        export->known = manifest_known_new();
        if (!read_known_file(export, export->manifest_path, error) ||
            !read_known_file(export, export->journal_path, error))
            return FALSE;
    }
    if (export->format != EXPORT_MBOX && !open_journal(export, error))
        return FALSE;
    export->manifest_fd = open_new(export->manifest_draft, O_WRONLY | O_CREAT | O_TRUNC, error);
    return export->manifest_fd >= 0;
}

static gboolean is_free(const char *path, GError **error)
{
    if (!g_file_test(path, G_FILE_TEST_EXISTS) && !g_file_test(path, G_FILE_TEST_IS_SYMLINK))
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_BUSY,
                "%s exists: nothing is overwritten, give another name", path);
    return FALSE;
}

/* The manifest of an archive is its last member: until then it has no name. */
static gboolean open_nameless_manifest(Export *export, GError **error)
{
    if (!export->is_stdout) {
        g_autofree char *folder = g_path_get_dirname(export->path);

        export->manifest_fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    }
    if (export->manifest_fd < 0)
        export->manifest_fd = memfd_create("manifest", MFD_CLOEXEC);
    if (export->manifest_fd < 0)
        return vault_error_set_errno(error, errno, "cannot make", "the manifest");
    return TRUE;
}

static gboolean open_single(Export *export, GError **error)
{
    if (!export->is_stdout) {
        export->draft_path = g_strconcat(export->path, ".draft", NULL);
        if (!is_free(export->path, error))
            return FALSE;
        export->draft_fd = open_new(export->draft_path, O_RDWR | O_CREAT | O_TRUNC, error);
        if (export->draft_fd < 0)
            return FALSE;
    }
    if (export->format != EXPORT_MBOX)
        return open_nameless_manifest(export, error);
    if (export->is_stdout) {
        export->manifest_fd = open_new("/dev/null", O_WRONLY, error);
        return export->manifest_fd >= 0;
    }
    export->manifest_path = g_strconcat(export->path, "." MANIFEST_NAME, NULL);
    export->manifest_draft = g_strconcat(export->manifest_path, ".draft", NULL);
    if (!is_free(export->manifest_path, error))
        return FALSE;
    export->manifest_fd = open_new(export->manifest_draft, O_WRONLY | O_CREAT | O_TRUNC, error);
    return export->manifest_fd >= 0;
}

gboolean export_place_open(Export *export, const ExportOptions *options, GError **error)
{
    if (!export->is_folder)
        return open_single(export, error);
    return open_folder(export, options->start, error) &&
           open_folder_files(export, options->start, error);
}

static gboolean give_name(const char *draft, const char *path, GError **error)
{
    if (rename(draft, path) != 0)
        return vault_error_set_errno(error, errno, "cannot give its name to", path);
    return TRUE;
}

gboolean export_place_finish(Export *export, GError **error)
{
    g_autofree char *folder =
        export->is_folder ? g_strdup(export->path) : g_path_get_dirname(export->path);

    if (export->is_stdout)
        return TRUE;
    /* One sync of the whole file system is far cheaper than one of each file of a folder. */
    if (export->is_folder && syncfs(export->manifest_fd) != 0)
        return vault_error_set_errno(error, errno, "cannot sync", export->path);
    if (!export->is_folder && (!vault_file_sync(export->draft_fd, export->draft_path, error) ||
                               !give_name(export->draft_path, export->path, error)))
        return FALSE;
    if (export->manifest_draft != NULL &&
        (!vault_file_sync(export->manifest_fd, export->manifest_draft, error) ||
         !give_name(export->manifest_draft, export->manifest_path, error)))
        return FALSE;
    if (export->journal_path != NULL)
        (void)unlink(export->journal_path);
    return vault_file_sync_directory(folder, error);
}

void export_place_free(Export *export)
{
    if (!export->is_finished && !export->is_folder) {
        if (export->draft_fd >= 0)
            (void)unlink(export->draft_path);
        if (export->manifest_draft != NULL && export->manifest_fd >= 0)
            (void)unlink(export->manifest_draft);
    }
    vault_fd_close(&export->draft_fd);
    vault_fd_close(&export->manifest_fd);
    vault_fd_close(&export->journal_fd);
    g_free(export->draft_path);
    g_free(export->manifest_path);
    g_free(export->manifest_draft);
    g_free(export->journal_path);
}
