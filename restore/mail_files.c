#include "restore/mail_files.h"

#include "restore/mail_walk.h"
#include "vault/base/error.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC_LEN 512
#define READ_LEN 65536

struct MailFiles {
    MailSourceOptions options;
    MailWalk *walk;
    MailWalkFile *file; /* the one that is open */
    VaultFd fd;
    struct archive *archive; /* reads `fd`; NULL = it is no archive */
    char *member;
    char *relative;
    MailInput *input;
    MailFile current;
    guint64 passed_len, all_len;
};

/* ---- opening and closing --------------------------------------------------------------------- */

static guint64 count_len(const MailSourceOptions *options)
{
    MailSourceOptions quiet = *options;
    g_autoptr(MailWalk) walk = NULL;
    MailWalkFile *next;
    guint64 len = 0;

    quiet.skipped = NULL;
    quiet.failed = NULL;
    walk = mail_walk_begin(&quiet, NULL);
    while (walk != NULL && (next = mail_walk_next(walk)) != NULL) {
        g_autoptr(MailWalkFile) file = next;
        struct stat status;

        if (stat(file->path, &status) == 0 && S_ISREG(status.st_mode))
            len += (guint64)status.st_size;
    }
    return len;
}

MailFiles *mail_files_open(const MailSourceOptions *options, GError **error)
{
    g_autoptr(MailFiles) files = g_new0(MailFiles, 1);

    files->options = *options;
    files->fd = -1;
    files->walk = mail_walk_begin(options, error);
    if (files->walk == NULL)
        return NULL;
    files->all_len = count_len(options);
    return g_steal_pointer(&files);
}

static guint64 len_passed_in_file(const MailFiles *files)
{
    off_t at = files->fd < 0 ? 0 : lseek(files->fd, 0, SEEK_CUR);

    return at < 0 ? 0 : (guint64)at;
}

static void close_member(MailFiles *files)
{
    g_clear_pointer(&files->input, mail_input_free);
    g_clear_pointer(&files->member, g_free);
    g_clear_pointer(&files->relative, g_free);
}

static void close_file(MailFiles *files)
{
    close_member(files);
    files->passed_len += len_passed_in_file(files);
    archive_read_free(files->archive);
    files->archive = NULL;
    vault_fd_close(&files->fd);
    g_clear_pointer(&files->file, mail_walk_file_free);
}

void mail_files_free(MailFiles *files)
{
    if (files == NULL)
        return;
    close_file(files);
    mail_walk_free(files->walk);
    g_free(files);
}

static void tell_failed(MailFiles *files, const char *place, const GError *failure)
{
    if (files->options.failed != NULL)
        files->options.failed(place, failure, files->options.user);
}

/* ---- bytes of a file, bytes of a member ------------------------------------------------------ */

static gssize read_file(gpointer user, guint8 *ret_bytes, gsize len, GError **error)
{
    MailFiles *files = user;
    gssize got;

    do
        got = read(files->fd, ret_bytes, len);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        vault_error_set_errno(error, errno, "cannot read", files->file->path);
    return got;
}

static void set_archive_error(MailFiles *files, GError **error)
{
    const char *text = archive_error_string(files->archive);

    g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED, "%s: %s", files->file->path,
                text == NULL ? "the archive does not read" : text);
}

static gssize read_member(gpointer user, guint8 *ret_bytes, gsize len, GError **error)
{
    MailFiles *files = user;
    la_ssize_t got = archive_read_data(files->archive, ret_bytes, len);

    if (got < 0)
        set_archive_error(files, error);
    return got < 0 ? -1 : got;
}

/* ---- archives -------------------------------------------------------------------------------- */

static gboolean is_archive(const guint8 *bytes, gsize len)
{
    static const struct {
        gsize offset;
        const char *magic;
        gsize len;
    } magics[] = {{0, "PK\003\004", 4},
                  {0, "PK\005\006", 4},
                  {0, "\x1f\x8b", 2},
                  {0, "\x28\xb5\x2f\xfd", 4},
                  {0, "BZh", 3},
                  {0,
                   "\xfd"
                   "7zXZ",
                   5},
                  {257, "ustar", 5}};

    for (gsize i = 0; i < G_N_ELEMENTS(magics); i++) {
        if (len >= magics[i].offset + magics[i].len &&
            memcmp(bytes + magics[i].offset, magics[i].magic, magics[i].len) == 0)
            return TRUE;
    }
    return FALSE;
}

static gboolean open_archive(MailFiles *files, GError **error)
{
    if (lseek(files->fd, 0, SEEK_SET) < 0)
        return vault_error_set_errno(error, errno,
                                     "an archive must be a file that can be read "
                                     "anywhere:",
                                     files->file->path);
    files->archive = archive_read_new();
    g_assert(files->archive != NULL);
    archive_read_support_filter_gzip(files->archive);
    archive_read_support_filter_zstd(files->archive);
    archive_read_support_filter_bzip2(files->archive);
    archive_read_support_filter_xz(files->archive);
    archive_read_support_format_tar(files->archive);
    archive_read_support_format_zip(files->archive);
    archive_read_support_format_empty(files->archive);
    /* A compressed file that is no archive: one nameless member. */
    archive_read_support_format_raw(files->archive);
    if (archive_read_open_fd(files->archive, files->fd, READ_LEN) == ARCHIVE_OK)
        return TRUE;
    set_archive_error(files, error);
    return FALSE;
}

static char *without_compression(const char *name)
{
    static const char *const suffixes[] = {".gz", ".zst", ".bz2", ".xz"};

    for (gsize i = 0; i < G_N_ELEMENTS(suffixes); i++) {
        if (g_str_has_suffix(name, suffixes[i]))
            return g_strndup(name, strlen(name) - strlen(suffixes[i]));
    }
    return g_strdup(name);
}

static void begin_member(MailFiles *files, struct archive_entry *entry)
{
    const char *name = archive_entry_pathname(entry);
    gboolean is_raw = archive_format(files->archive) == ARCHIVE_FORMAT_RAW;
    guint64 len =
        archive_entry_size_is_set(entry) ? (guint64)MAX(archive_entry_size(entry), 0) : G_MAXUINT64;

    if (is_raw || name == NULL) {
        files->relative = without_compression(files->file->relative);
    } else {
        files->member = g_strdup(name);
        files->relative = g_strdup(name);
    }
    files->input = mail_input_new(read_member, files, len, -1);
    files->current = (MailFile){.input = files->input,
                                .path = files->file->path,
                                .member = files->member,
                                .relative = files->relative,
                                .is_given = is_raw && files->file->is_given};
}

/* FALSE: no further member. */
static gboolean next_member(MailFiles *files)
{
    struct archive_entry *entry;
    int status;

    close_member(files);
    while ((status = archive_read_next_header(files->archive, &entry)) == ARCHIVE_OK ||
           status == ARCHIVE_WARN || status == ARCHIVE_RETRY) {
        if (status == ARCHIVE_RETRY || archive_entry_filetype(entry) != AE_IFREG)
            continue;
        begin_member(files, entry);
        return TRUE;
    }
    if (status != ARCHIVE_EOF) {
        g_autoptr(GError) failure = NULL;

        set_archive_error(files, &failure);
        tell_failed(files, files->file->path, failure);
    }
    return FALSE;
}

/* ---- files ----------------------------------------------------------------------------------- */

static gboolean begin_file(MailFiles *files, GError **error)
{
    struct stat status;
    const guint8 *bytes;
    gsize len;

    files->fd = open(files->file->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (files->fd < 0 || fstat(files->fd, &status) != 0)
        return vault_error_set_errno(error, errno, "cannot read", files->file->path);
    files->input = S_ISREG(status.st_mode)
                       ? mail_input_new(read_file, files, (guint64)status.st_size, files->fd)
                       : mail_input_new(read_file, files, G_MAXUINT64, -1);
    if (!mail_input_peek(files->input, MAGIC_LEN, &bytes, &len, error))
        return FALSE;
    if (is_archive(bytes, len)) {
        close_member(files);
        return open_archive(files, error);
    }
    files->current = (MailFile){.input = files->input,
                                .path = files->file->path,
                                .relative = files->file->relative,
                                .is_given = files->file->is_given};
    return TRUE;
}

const MailFile *mail_files_next(MailFiles *files)
{
    for (;;) {
        g_autoptr(GError) failure = NULL;

        if (files->archive != NULL && next_member(files))
            return &files->current;
        close_file(files);
        files->file = mail_walk_next(files->walk);
        if (files->file == NULL)
            return NULL;
        if (!begin_file(files, &failure))
            tell_failed(files, files->file->path, failure);
        else if (files->archive == NULL)
            return &files->current;
        else
            continue;
        close_file(files);
    }
}

char *mail_file_place(const MailFile *file)
{
    return file->member == NULL ? g_strdup(file->path)
                                : g_strconcat(file->path, ": ", file->member, NULL);
}

guint64 mail_files_done_len(const MailFiles *files)
{
    return files->passed_len + len_passed_in_file(files);
}

guint64 mail_files_all_len(const MailFiles *files)
{
    return files->all_len;
}
