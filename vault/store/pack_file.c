#include "vault/store/pack_file.h"

#include "vault/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/uio.h>
#include <unistd.h>

/* ---- drafts --------------------------------------------------------------------------------- */

gboolean vault_pack_draft_create(VaultPackDraft *draft, const char *directory,
                                 const VaultPackHeader *header, GError **error)
{
    g_autofree char *name = vault_pack_file_name(header);
    guint8 bytes[VAULT_PACK_HEADER_LEN];

    *draft = (VaultPackDraft){.directory = g_strdup(directory), .fd = -1};
    draft->path = g_build_filename(directory, name, NULL);
    draft->draft_path = g_strconcat(draft->path, VAULT_PACK_DRAFT_SUFFIX, NULL);
    draft->fd = open(draft->draft_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (draft->fd < 0)
        return vault_error_set_errno(error, errno, "cannot create", draft->draft_path);
    vault_pack_header_format(header, bytes);
    return vault_file_pwrite_all(draft->fd, bytes, sizeof bytes, 0, draft->draft_path, error);
}

gboolean vault_pack_draft_publish(VaultPackDraft *draft, GError **error)
{
    if (!vault_file_sync(draft->fd, draft->draft_path, error))
        return FALSE;
    if (rename(draft->draft_path, draft->path) != 0)
        vault_error_set_errno(error, errno, "cannot name", draft->path);
    else if (vault_file_sync_directory(draft->directory, error))
        draft->is_published = TRUE;
    /* After either failure the name may or may not be there, now or after a power cut; what is
     * under it would be whole and without a group. */
    if (!draft->is_published)
        unlink(draft->path);
    return draft->is_published;
}

void vault_pack_draft_clear(VaultPackDraft *draft)
{
    gboolean was_made = draft->fd >= 0;

    vault_fd_close(&draft->fd);
    if (was_made && !draft->is_published)
        unlink(draft->draft_path);
    g_clear_pointer(&draft->directory, g_free);
    g_clear_pointer(&draft->path, g_free);
    g_clear_pointer(&draft->draft_path, g_free);
}

/* ---- grouped packs -------------------------------------------------------------------------- */

struct VaultPackFile {
    VaultPackDraft draft;
    PackId id;
    guint8 header[VAULT_PACK_HEADER_LEN];
    guint64 acknowledged_end;
    GByteArray *index;
    VaultHasher *hasher;
};

void vault_pack_file_free(VaultPackFile *file)
{
    if (file == NULL)
        return;
    vault_pack_draft_clear(&file->draft);
    g_byte_array_unref(file->index);
    vault_hasher_free(file->hasher);
    g_free(file);
}

VaultPackFile *vault_pack_file_begin(const char *directory, const VaultPackHeader *header,
                                     GError **error)
{
    g_autoptr(VaultPackFile) file = g_new0(VaultPackFile, 1);

    file->id = header->pack_id;
    file->acknowledged_end = VAULT_PACK_HEADER_LEN;
    file->index = g_byte_array_new();
    file->hasher = vault_hasher_new();
    vault_pack_header_format(header, file->header);
    return vault_pack_draft_create(&file->draft, directory, header, error) ? g_steal_pointer(&file)
                                                                           : NULL;
}

VaultPackFile *vault_pack_file_create(const char *directory, const VaultPackHeader *header,
                                      GError **error)
{
    g_autoptr(VaultPackFile) file = vault_pack_file_begin(directory, header, error);

    return file != NULL && vault_pack_file_publish(file, error) ? g_steal_pointer(&file) : NULL;
}

gboolean vault_pack_file_publish(VaultPackFile *file, GError **error)
{
    return vault_pack_draft_publish(&file->draft, error);
}

const PackId *vault_pack_file_id(const VaultPackFile *file)
{
    return &file->id;
}

guint64 vault_pack_file_acknowledged_end(const VaultPackFile *file)
{
    return file->acknowledged_end;
}

gsize vault_pack_file_record_count(const VaultPackFile *file)
{
    return file->index->len / VAULT_PACK_INDEX_ENTRY_LEN;
}

/* Takes `written` bytes off the front of the vectors. */
static void vectors_advance(struct iovec **next, gsize *count, gsize written)
{
    while (*count > 0 && written >= (*next)->iov_len) {
        written -= (*next)->iov_len;
        (*next)++;
        (*count)--;
    }
    if (*count > 0) {
        (*next)->iov_base = (guint8 *)(*next)->iov_base + written;
        (*next)->iov_len -= written;
    }
}

static gboolean write_vectors(const VaultPackFile *file, struct iovec *next, gsize count,
                              GError **error)
{
    guint64 offset = file->acknowledged_end;

    while (count > 0) {
        ssize_t written =
            pwritev(file->draft.fd, next, (int)MIN(count, (gsize)IOV_MAX), (off_t)offset);

        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return vault_error_set_errno(error, written < 0 ? errno : ENOSPC, "cannot write",
                                         file->draft.path);
        offset += (guint64)written;
        vectors_advance(&next, &count, (gsize)written);
    }
    return TRUE;
}

/* Points vectors[0..n) at the records, vectors[n] at the commit record that covers them. */
static void describe_group(VaultPackFile *file, GPtrArray *records, struct iovec *vectors,
                           guint8 ret_commit[VAULT_PACK_COMMIT_LEN], guint64 *ret_len)
{
    VaultPackCommit commit = {
        .pack_id = file->id, .start = file->acknowledged_end, .len = 0, .count = records->len};
    RecordId commit_id;

    for (guint i = 0; i < records->len; i++) {
        VaultRecord *record = g_ptr_array_index(records, i);
        gsize len;

        vectors[i].iov_base = (gpointer)g_bytes_get_data(record->bytes, &len);
        vectors[i].iov_len = len;
        commit.len += len;
        vault_hasher_update(file->hasher, record->hash.bytes, VAULT_HASH_LEN);
    }
    vault_hasher_finish(file->hasher, &commit.hash);
    vault_random(commit_id.bytes, VAULT_ID_LEN);
    vault_pack_commit_format(&commit, &commit_id, ret_commit);
    vectors[records->len].iov_base = ret_commit;
    vectors[records->len].iov_len = VAULT_PACK_COMMIT_LEN;
    *ret_len = commit.len + VAULT_PACK_COMMIT_LEN;
}

/* Only after the sync: a failed group must leave no entry in the index. */
static void acknowledge_group(VaultPackFile *file, GPtrArray *records, guint64 len)
{
    guint64 offset = file->acknowledged_end;

    for (guint i = 0; i < records->len; i++) {
        VaultRecord *record = g_ptr_array_index(records, i);
        gsize record_len = g_bytes_get_size(record->bytes);
        const VaultPackIndexEntry entry = {.record_id = record->record_id,
                                           .kind = (guint8)record->kind,
                                           .offset = (guint32)offset,
                                           .len = (guint32)record_len,
                                           .hash = record->hash};

        record->place =
            (VaultPlace){.pack_id = file->id, .offset = offset, .len = (guint64)record_len};
        vault_pack_index_append(file->index, &entry);
        offset += record_len;
    }
    file->acknowledged_end += len;
}

static gboolean write_group(VaultPackFile *file, GPtrArray *records, guint64 *ret_len,
                            GError **error)
{
    g_autofree struct iovec *vectors = g_new(struct iovec, records->len + 1);
    guint8 commit[VAULT_PACK_COMMIT_LEN];

    describe_group(file, records, vectors, commit, ret_len);
    g_assert(file->acknowledged_end + *ret_len <= G_MAXUINT32);
    return write_vectors(file, vectors, records->len + 1, error);
}

gboolean vault_pack_file_append_group(VaultPackFile *file, GPtrArray *records, GError **error)
{
    guint64 len;

    if (!write_group(file, records, &len, error) ||
        !vault_file_sync(file->draft.fd, file->draft.path, error))
        return FALSE;
    acknowledge_group(file, records, len);
    return TRUE;
}

gboolean vault_pack_file_draft_group(VaultPackFile *file, GPtrArray *records, GError **error)
{
    guint64 len;

    if (!write_group(file, records, &len, error))
        return FALSE;
    acknowledge_group(file, records, len);
    return TRUE;
}

gboolean vault_pack_file_cut(VaultPackFile *file, const VaultPackMark *mark, GError **error)
{
    g_assert(!file->draft.is_published && mark->end <= file->acknowledged_end);
    if (ftruncate(file->draft.fd, (off_t)mark->end) != 0)
        return vault_error_set_errno(error, errno, "cannot cut", file->draft.draft_path);
    file->acknowledged_end = mark->end;
    g_byte_array_set_size(file->index, (guint)(mark->record_count * VAULT_PACK_INDEX_ENTRY_LEN));
    return TRUE;
}

/* The draft is nobody's yet, so its header may be written last, as a stream pack's is. */
gboolean vault_pack_file_complete(VaultPackFile *file, const VaultPackHeader *header,
                                  const GByteArray *list, GError **error)
{
    const char *path = file->draft.draft_path;
    guint64 start = file->acknowledged_end + list->len;
    g_autoptr(GByteArray) trailer = NULL;

    g_assert(!file->draft.is_published && header->groups_end == file->acknowledged_end);
    vault_pack_header_format(header, file->header);
    trailer = vault_pack_trailer_format(file->header, file->index, start);
    return vault_file_pwrite_all(file->draft.fd, list->data, list->len, file->acknowledged_end,
                                 path, error) &&
           vault_file_pwrite_all(file->draft.fd, trailer->data, trailer->len, start, path, error) &&
           vault_file_pwrite_all(file->draft.fd, file->header, VAULT_PACK_HEADER_LEN, 0, path,
                                 error);
}

gboolean vault_pack_file_end(VaultPackFile *file, GError **error)
{
    g_autoptr(GByteArray) trailer =
        vault_pack_trailer_format(file->header, file->index, file->acknowledged_end);

    return vault_file_pwrite_all(file->draft.fd, trailer->data, trailer->len,
                                 file->acknowledged_end, file->draft.path, error) &&
           vault_file_sync(file->draft.fd, file->draft.path, error);
}
