#include "vault/store/pack_compacted.h"

#include "vault/base/file.h"
#include "vault/store/pack_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

/* Records gathered for one group: what is in memory at once, beside one record. */
#define GROUP_LEN_MAX (8u << 20)
/* Records kept, and dropped, after which no source is begun: one more pack's fit. */
#define LIST_BEGUN_MAX (1u << 20)
#define REPLACED_LABEL "muniment replaced"
#define DROPPED_LABEL "muniment dropped"

/* Where the last source began. */
typedef struct {
    VaultPackMark file;
    guint64 sequence;
    guint replaced_count, dropped_count;
} SourceMark;

struct VaultPackCompacted {
    char *directory;
    VaultPackHeader header;
    VaultPackFile *file;
    GPtrArray *group; /* VaultRecord, not written yet */
    guint64 group_len;
    GArray *replaced; /* PackId */
    GArray *dropped;  /* VaultHash */
    guint source_count;
    SourceMark mark;
};

void vault_pack_compacted_free(VaultPackCompacted *compacted)
{
    if (compacted == NULL)
        return;
    vault_pack_file_free(compacted->file);
    g_ptr_array_unref(compacted->group);
    g_array_unref(compacted->replaced);
    g_array_unref(compacted->dropped);
    g_free(compacted->directory);
    g_free(compacted);
}

VaultPackCompacted *vault_pack_compacted_begin(const char *directory, const VaultId *vault_id,
                                               GError **error)
{
    g_autoptr(VaultPackCompacted) compacted = g_new0(VaultPackCompacted, 1);

    compacted->directory = g_strdup(directory);
    compacted->group = g_ptr_array_new_with_free_func((GDestroyNotify)vault_record_free);
    compacted->replaced = g_array_new(FALSE, FALSE, sizeof(PackId));
    compacted->dropped = g_array_new(FALSE, FALSE, sizeof(VaultHash));
    compacted->header =
        (VaultPackHeader){.type = VAULT_PACK_COMPACTED,
                          .vault_id = *vault_id,
                          .created_s = (guint64)(g_get_real_time() / G_USEC_PER_SEC),
                          .groups_end = VAULT_PACK_HEADER_LEN};
    vault_random(compacted->header.pack_id.bytes, VAULT_ID_LEN);
    compacted->file = vault_pack_file_begin(directory, &compacted->header, error);
    return compacted->file != NULL ? g_steal_pointer(&compacted) : NULL;
}

/* ---- sources -------------------------------------------------------------------------------- */

static gboolean flush(VaultPackCompacted *compacted, GError **error)
{
    if (compacted->group->len == 0)
        return TRUE;
    if (!vault_pack_file_draft_group(compacted->file, compacted->group, error))
        return FALSE;
    g_ptr_array_set_size(compacted->group, 0);
    compacted->group_len = 0;
    return TRUE;
}

static gboolean check_lists(const VaultPackCompacted *compacted, const VaultPackHeader *source,
                            GError **error)
{
    if (compacted->replaced->len + 1 + source->replaced_count <= VAULT_PACK_REPLACED_MAX &&
        compacted->dropped->len + source->dropped_count <= LIST_BEGUN_MAX &&
        vault_pack_file_record_count(compacted->file) <= LIST_BEGUN_MAX)
        return TRUE;
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE,
                        "one compacted pack does not take in so many packs");
    return FALSE;
}

gboolean vault_pack_compacted_begin_source(VaultPackCompacted *compacted,
                                           const VaultPackHeader *source, GError **error)
{
    if (!flush(compacted, error) || !check_lists(compacted, source, error))
        return FALSE;
    compacted->mark =
        (SourceMark){.file = {.end = vault_pack_file_acknowledged_end(compacted->file),
                              .record_count = vault_pack_file_record_count(compacted->file)},
                     .sequence = compacted->header.sequence,
                     .replaced_count = compacted->replaced->len,
                     .dropped_count = compacted->dropped->len};
    compacted->header.sequence = MAX(compacted->header.sequence, source->sequence);
    g_array_append_val(compacted->replaced, source->pack_id);
    compacted->source_count++;
    return TRUE;
}

gboolean vault_pack_compacted_carry_lists(VaultPackCompacted *compacted, const char *path,
                                          const VaultPackHeader *source, GError **error)
{
    g_autoptr(GArray) replaced = vault_pack_replaced_read(path, source, error);
    g_autoptr(GArray) dropped =
        replaced != NULL ? vault_pack_dropped_read(path, source, error) : NULL;

    if (dropped == NULL)
        return FALSE;
    if (replaced->len > 0)
        g_array_append_vals(compacted->replaced, replaced->data, replaced->len);
    if (dropped->len > 0)
        g_array_append_vals(compacted->dropped, dropped->data, dropped->len);
    return TRUE;
}

gboolean vault_pack_compacted_keep(VaultPackCompacted *compacted, VaultRecord *record,
                                   GError **error)
{
    guint64 len = g_bytes_get_size(record->bytes);
    gboolean is_full = compacted->group_len + len > GROUP_LEN_MAX ||
                       compacted->group->len == VAULT_GROUP_RECORDS_MAX;

    if (is_full && !flush(compacted, error)) {
        vault_record_free(record);
        return FALSE;
    }
    g_ptr_array_add(compacted->group, record);
    compacted->group_len += len;
    return TRUE;
}

void vault_pack_compacted_drop(VaultPackCompacted *compacted, const VaultHash *record_hash)
{
    g_array_append_vals(compacted->dropped, record_hash, 1);
}

gboolean vault_pack_compacted_abandon_source(VaultPackCompacted *compacted, GError **error)
{
    const SourceMark *mark = &compacted->mark;

    g_ptr_array_set_size(compacted->group, 0);
    compacted->group_len = 0;
    g_array_set_size(compacted->replaced, mark->replaced_count);
    g_array_set_size(compacted->dropped, mark->dropped_count);
    compacted->header.sequence = mark->sequence;
    compacted->source_count--;
    return vault_pack_file_cut(compacted->file, &mark->file, error);
}

guint64 vault_pack_compacted_len(const VaultPackCompacted *compacted)
{
    return vault_pack_file_acknowledged_end(compacted->file) + compacted->group_len;
}

guint vault_pack_compacted_source_count(const VaultPackCompacted *compacted)
{
    return compacted->source_count;
}

const VaultPackHeader *vault_pack_compacted_header(const VaultPackCompacted *compacted)
{
    return &compacted->header;
}

char *vault_pack_compacted_path(const VaultPackCompacted *compacted)
{
    g_autofree char *name = vault_pack_file_name(&compacted->header);

    return g_build_filename(compacted->directory, name, NULL);
}

/* ---- lists ---------------------------------------------------------------------------------- */

static void list_hash(const char *label, const PackId *pack_id, const guint8 *bytes, gsize len,
                      VaultHash *ret_hash)
{
    const VaultSpan spans[] = {
        {label, strlen(label)}, {pack_id->bytes, VAULT_ID_LEN}, {bytes, len}};

    vault_hash_spans(spans, G_N_ELEMENTS(spans), ret_hash);
}

static void append_list(GByteArray *list, const VaultPackCompacted *compacted, const char *label,
                        const GArray *items, gsize item_len)
{
    const guint8 *bytes = (const guint8 *)items->data;
    gsize len = items->len * item_len;
    VaultHash hash;

    list_hash(label, &compacted->header.pack_id, bytes, len, &hash);
    if (len > 0)
        g_byte_array_append(list, bytes, (guint)len);
    g_byte_array_append(list, hash.bytes, VAULT_HASH_LEN);
}

static gint compare_ids(gconstpointer a, gconstpointer b)
{
    return memcmp(a, b, VAULT_ID_LEN);
}

gboolean vault_pack_compacted_complete(VaultPackCompacted *compacted, GError **error)
{
    VaultPackHeader *header = &compacted->header;
    g_autoptr(GByteArray) list = g_byte_array_new();

    if (!flush(compacted, error))
        return FALSE;
    g_array_sort(compacted->replaced, compare_ids);
    header->groups_end = vault_pack_file_acknowledged_end(compacted->file);
    header->replaced_count = compacted->replaced->len;
    header->dropped_count = compacted->dropped->len;
    append_list(list, compacted, REPLACED_LABEL, compacted->replaced, VAULT_ID_LEN);
    append_list(list, compacted, DROPPED_LABEL, compacted->dropped, VAULT_HASH_LEN);
    return vault_pack_file_complete(compacted->file, header, list, error);
}

gboolean vault_pack_compacted_publish(VaultPackCompacted *compacted, GError **error)
{
    return vault_pack_file_publish(compacted->file, error);
}

static gboolean set_damaged(const char *path, GError **error)
{
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
                "%s: the list of what it replaces is damaged", path);
    return FALSE;
}

/* Before room is made for what the header says. */
static gboolean check_len(int fd, guint64 end, const char *path, GError **error)
{
    struct stat status;

    if (fstat(fd, &status) != 0)
        return vault_error_set_errno(error, errno, "cannot examine", path);
    return end <= (guint64)status.st_size || set_damaged(path, error);
}

/* `count` items of `item_len` bytes at `offset`, and their hash behind them. */
static GArray *read_list(const char *path, const PackId *pack_id, const char *label, guint64 offset,
                         guint count, guint item_len, GError **error)
{
    g_auto(VaultFd) fd = open(path, O_RDONLY | O_CLOEXEC);
    guint64 end = offset + (guint64)count * item_len;
    g_autoptr(GArray) items = NULL;
    VaultHash stored, hash;

    if (fd < 0) {
        vault_error_set_errno(error, errno, "cannot open", path);
        return NULL;
    }
    if (!check_len(fd, end + VAULT_HASH_LEN, path, error))
        return NULL;
    items = g_array_sized_new(FALSE, FALSE, item_len, count);
    g_array_set_size(items, count);
    if (!vault_file_pread_exact(fd, items->data, (gsize)count * item_len, offset, path, error) ||
        !vault_file_pread_exact(fd, stored.bytes, VAULT_HASH_LEN, end, path, error))
        return NULL;
    list_hash(label, pack_id, (const guint8 *)items->data, (gsize)count * item_len, &hash);
    if (memcmp(&stored, &hash, sizeof hash) == 0)
        return g_steal_pointer(&items);
    set_damaged(path, error);
    return NULL;
}

GArray *vault_pack_replaced_read(const char *path, const VaultPackHeader *header, GError **error)
{
    return read_list(path, &header->pack_id, REPLACED_LABEL, header->groups_end,
                     header->replaced_count, VAULT_ID_LEN, error);
}

GArray *vault_pack_dropped_read(const char *path, const VaultPackHeader *header, GError **error)
{
    guint64 offset =
        header->groups_end + VAULT_PACK_LIST_LEN(header->replaced_count, 0) - VAULT_HASH_LEN;

    return read_list(path, &header->pack_id, DROPPED_LABEL, offset, header->dropped_count,
                     VAULT_HASH_LEN, error);
}
