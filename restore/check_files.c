#include "restore/check_files.h"

#include "restore/mbox.h"
#include "vault/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_LEN (64 * 1024)

static gboolean set_malformed(const char *what, GError **error)
{
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_MALFORMED, what);
    return FALSE;
}

/* ---- files ------------------------------------------------------------------------------------
 */

/* Through no symbolic link. */
static int open_below(int directory, const char *name)
{
    g_auto(GStrv) parts = g_strsplit(name, "/", -1);
    g_auto(VaultFd) folder = -1;
    guint count = g_strv_length(parts);

    for (guint i = 0; i < count; i++) {
        int at = folder < 0 ? directory : folder;
        int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
        int next;

        if (*parts[i] == '\0' || strcmp(parts[i], "..") == 0 || strcmp(parts[i], ".") == 0)
            return errno = EINVAL, -1;
        next = openat(at, parts[i], i + 1 < count ? flags | O_DIRECTORY : flags);
        if (next < 0)
            return -1;
        vault_fd_close(&folder);
        folder = next;
    }
    count = (guint)folder;
    folder = -1;
    return (int)count;
}

/* -1 with the error. */
static int open_file(int directory, const char *name, guint64 *ret_len, GError **error)
{
    g_auto(VaultFd) fd = open_below(directory, name);
    struct stat status;
    int opened = fd;

    if (fd < 0 || fstat(fd, &status) != 0) {
        vault_error_set_errno(error, errno, "cannot read", name);
        return -1;
    }
    if (!S_ISREG(status.st_mode)) {
        set_malformed("this is no file", error);
        return -1;
    }
    *ret_len = (guint64)status.st_size;
    fd = -1;
    return opened;
}

/* At most `len` bytes; 0 at the end of the file, -1 with the error. */
static gssize read_at(int fd, guint64 offset, guint8 *bytes, gsize len, const char *name,
                      GError **error)
{
    gssize got;

    do {
        got = pread(fd, bytes, len, (off_t)offset);
    } while (got < 0 && errno == EINTR);
    if (got < 0)
        vault_error_set_errno(error, errno, "cannot read", name);
    return got;
}

gboolean check_file_hash(int directory_fd, const char *name, guint64 *ret_len, VaultHash *ret_hash,
                         GError **error)
{
    g_auto(VaultFd) fd = open_file(directory_fd, name, ret_len, error);
    g_autoptr(VaultHasher) hasher = vault_hasher_new();
    g_autofree guint8 *bytes = g_malloc(READ_LEN);
    gssize got;

    if (fd < 0)
        return FALSE;
    *ret_len = 0;
    while ((got = read_at(fd, *ret_len, bytes, READ_LEN, name, error)) > 0) {
        vault_hasher_update(hasher, bytes, (gsize)got);
        *ret_len += (guint64)got;
    }
    vault_hasher_finish(hasher, ret_hash);
    return got == 0;
}

/* ---- mboxes -----------------------------------------------------------------------------------
 */

struct CheckMboxes {
    GHashTable *offsets; /* name -> GArray of guint64, rising */
};

CheckMboxes *check_mboxes_new(void)
{
    CheckMboxes *mboxes = g_new0(CheckMboxes, 1);

    mboxes->offsets =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_array_unref);
    return mboxes;
}

void check_mboxes_free(CheckMboxes *mboxes)
{
    if (mboxes == NULL)
        return;
    g_hash_table_unref(mboxes->offsets);
    g_free(mboxes);
}

gboolean check_mboxes_add(CheckMboxes *mboxes, const char *name, guint64 offset)
{
    GArray *offsets = g_hash_table_lookup(mboxes->offsets, name);

    if (offsets == NULL) {
        offsets = g_array_new(FALSE, FALSE, sizeof(guint64));
        g_hash_table_insert(mboxes->offsets, g_strdup(name), offsets);
    }
    if (offsets->len > 0 && g_array_index(offsets, guint64, offsets->len - 1) >= offset)
        return FALSE;
    g_array_append_val(offsets, offset);
    return TRUE;
}

static gint compare_offsets(gconstpointer a, gconstpointer b)
{
    guint64 one = *(const guint64 *)a, other = *(const guint64 *)b;

    return one < other ? -1 : one > other;
}

/* Of an mbox that is open, with its messages. */
typedef struct {
    int fd;
    const char *name;
    guint64 len;
    const GArray *offsets;
} Mbox;

/* Where the postmark of message `i` begins. */
static gboolean find_postmark(const Mbox *mbox, guint i, guint64 *ret_start, GError **error)
{
    guint64 offset = g_array_index(mbox->offsets, guint64, i);
    guint64 floor = i == 0 ? 0 : g_array_index(mbox->offsets, guint64, i - 1);
    gsize len = (gsize)MIN(offset - floor, MBOX_POSTMARK_LEN_MAX);
    guint8 bytes[MBOX_POSTMARK_LEN_MAX];
    g_auto(MboxPostmark) postmark = {0};
    const guint8 *lf;
    gssize got = read_at(mbox->fd, offset - len, bytes, len, mbox->name, error);
    gsize start;

    if (got < 0)
        return FALSE;
    lf = len < 2 ? NULL : memrchr(bytes, '\n', len - 1);
    start = lf == NULL ? 0 : (gsize)(lf - bytes) + 1;
    *ret_start = offset - len + start;
    if ((gsize)got != len || len == 0 || bytes[len - 1] != '\n' ||
        (i == 0 ? *ret_start != 0 : lf == NULL) ||
        !mbox_postmark_parse((const char *)bytes + start, len - start, &postmark))
        return set_malformed("there is no postmark where the manifest says that a message begins",
                             error);
    return TRUE;
}

/* At the end of the file an LF is the mbox's only after a message that ends in one. */
static gboolean cut_last_lf(const Mbox *mbox, guint64 start, guint64 *end, GError **error)
{
    guint8 last[2];

    if (*end < start + sizeof last)
        return TRUE;
    if (read_at(mbox->fd, *end - sizeof last, last, sizeof last, mbox->name, error) < 0)
        return FALSE;
    *end -= last[0] == '\n' && last[1] == '\n' ? 1 : 0;
    return TRUE;
}

/* Where message `i` ends: the LF behind it is the mbox's. */
static gboolean find_end(const Mbox *mbox, guint i, guint64 *ret_end, GError **error)
{
    if (i + 1 < mbox->offsets->len) {
        if (!find_postmark(mbox, i + 1, ret_end, error))
            return FALSE;
        --*ret_end;
        return TRUE;
    }
    *ret_end = mbox->len;
    return cut_last_lf(mbox, g_array_index(mbox->offsets, guint64, i), ret_end, error);
}

static gboolean hash_unquoted(const Mbox *mbox, guint64 at, guint64 end, guint64 *ret_len,
                              VaultHash *ret_hash, GError **error)
{
    g_autoptr(VaultHasher) hasher = vault_hasher_new();
    g_autoptr(GByteArray) out = g_byte_array_new();
    g_autofree guint8 *bytes = g_malloc(READ_LEN);
    MboxQuoteState quoting;

    *ret_len = 0;
    mbox_quote_begin(&quoting, MBOX_MBOXRD);
    for (gboolean is_over = FALSE; !is_over;) {
        gssize got = 0;

        if (at < end)
            got = read_at(mbox->fd, at, bytes, (gsize)MIN(end - at, READ_LEN), mbox->name, error);
        if (got < 0)
            return FALSE;
        is_over = got == 0;
        g_byte_array_set_size(out, 0);
        if (is_over)
            mbox_quote_end(&quoting, out);
        else
            mbox_unquote(&quoting, bytes, (gsize)got, out);
        /* To a mail program another message begins there, to this one it is the same text. */
        if (quoting.has_bare_from)
            return set_malformed("a line within the message begins with \"From \" unquoted", error);
        vault_hasher_update(hasher, out->data, out->len);
        *ret_len += out->len;
        at += (guint64)got;
    }
    vault_hasher_finish(hasher, ret_hash);
    return TRUE;
}

gboolean check_mboxes_hash(const CheckMboxes *mboxes, int directory_fd, const char *name,
                           guint64 offset, guint64 *ret_len, VaultHash *ret_hash, GError **error)
{
    GArray *offsets = g_hash_table_lookup(mboxes->offsets, name);
    Mbox mbox = {.name = name, .offsets = offsets};
    g_auto(VaultFd) fd = -1;
    guint64 start, end;
    guint i;

    if (offsets == NULL || !g_array_binary_search(offsets, &offset, compare_offsets, &i))
        return set_malformed("its messages are not in the order of their offsets", error);
    fd = open_file(directory_fd, name, &mbox.len, error);
    mbox.fd = fd;
    return fd >= 0 && find_postmark(&mbox, i, &start, error) && find_end(&mbox, i, &end, error) &&
           hash_unquoted(&mbox, offset, end, ret_len, ret_hash, error);
}
