#include "vault/store/pack_format.h"

#include "vault/base/bytes.h"
#include "vault/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>

#define OPEN_PACKS_MAX 64

typedef struct {
    PackId id;
    char *name;
    VaultFd fd;
    guint use_count;
    gboolean is_removed; /* its file is: forgotten with its last use */
    guint64 used_at;     /* on the set's own clock of uses */
} KnownPack;

struct VaultPackSet {
    pthread_mutex_t lock;
    char *directory;
    VaultId vault_id;
    GHashTable *packs; /* PackId inside the value -> KnownPack */
    guint open_count;
    guint64 clock;
};

static void known_pack_free(gpointer known)
{
    KnownPack *pack = known;

    vault_fd_close(&pack->fd);
    g_free(pack->name);
    g_free(pack);
}

/* ---- which packs there are ------------------------------------------------------------------ */

/* The pack id in a name that vault_pack_file_name() makes. */
static gboolean parse_name(const char *name, PackId *ret_id)
{
    gsize len = strlen(name);
    const char *id = name;
    gsize suffix_len = strlen(VAULT_PACK_STREAM_SUFFIX);
    char hex[VAULT_ID_HEX_LEN + 1];

    if (g_str_has_suffix(name, VAULT_PACK_GROUPED_SUFFIX)) {
        suffix_len = strlen(VAULT_PACK_GROUPED_SUFFIX);
        id += 16 + 1;
        len = len > 17 ? len - 17 : 0;
    } else if (g_str_has_suffix(name, VAULT_PACK_COMPACTED_SUFFIX)) {
        suffix_len = strlen(VAULT_PACK_COMPACTED_SUFFIX);
    } else if (!g_str_has_suffix(name, VAULT_PACK_STREAM_SUFFIX)) {
        return FALSE;
    }
    if (len != VAULT_ID_HEX_LEN + suffix_len)
        return FALSE;
    g_strlcpy(hex, id, sizeof hex);
    return vault_id_parse(hex, ret_id->bytes, NULL);
}

static gboolean look_through_directory(VaultPackSet *set, GError **error)
{
    g_autoptr(GDir) dir = g_dir_open(set->directory, 0, NULL);
    const char *name;

    if (dir == NULL) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND, "cannot read the directory %s",
                    set->directory);
        return FALSE;
    }
    while ((name = g_dir_read_name(dir)) != NULL) {
        KnownPack *pack;
        PackId id;

        if (!parse_name(name, &id) || g_hash_table_contains(set->packs, &id))
            continue;
        pack = g_new0(KnownPack, 1);
        pack->id = id;
        pack->name = g_strdup(name);
        pack->fd = -1;
        g_hash_table_insert(set->packs, &pack->id, pack);
    }
    return TRUE;
}

static KnownPack *find_pack(VaultPackSet *set, const PackId *id, GError **error)
{
    KnownPack *pack = g_hash_table_lookup(set->packs, id);

    if (pack != NULL)
        return pack;
    if (!look_through_directory(set, error))
        return NULL;
    pack = g_hash_table_lookup(set->packs, id);
    if (pack == NULL)
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND, "pack %s is not in %s",
                    VAULT_ID_TEXT(*id), set->directory);
    return pack;
}

/* ---- open packs ----------------------------------------------------------------------------- */

static gboolean check_pack(VaultPackSet *set, const KnownPack *pack, int fd, const char *path,
                           GError **error)
{
    guint8 bytes[VAULT_PACK_HEADER_LEN];
    VaultPackHeader header;

    if (!vault_file_pread_exact(fd, bytes, sizeof bytes, 0, path, error))
        return FALSE;
    if (!vault_pack_header_parse(bytes, sizeof bytes, &header, error)) {
        g_prefix_error(error, "%s: ", path);
        return FALSE;
    }
    if (VAULT_ID_EQUAL(header.pack_id, pack->id) && VAULT_ID_EQUAL(header.vault_id, set->vault_id))
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
                "%s is not the pack that its name says, or of another vault", path);
    return FALSE;
}

/* Closes the pack that was not used for longest. When all are in use, one more is open for a
 * moment: threads, not packs, are what bounds that. */
static void make_room(VaultPackSet *set)
{
    KnownPack *oldest = NULL;
    GHashTableIter iter;
    gpointer value;

    if (set->open_count < OPEN_PACKS_MAX)
        return;
    g_hash_table_iter_init(&iter, set->packs);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        KnownPack *pack = value;

        if (pack->fd >= 0 && pack->use_count == 0 &&
            (oldest == NULL || pack->used_at < oldest->used_at))
            oldest = pack;
    }
    if (oldest == NULL)
        return;
    vault_fd_close(&oldest->fd);
    set->open_count--;
}

static gboolean open_pack(VaultPackSet *set, KnownPack *pack, GError **error)
{
    g_autofree char *path = g_build_filename(set->directory, pack->name, NULL);
    g_auto(VaultFd) fd = -1;

    make_room(set);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        vault_error_set_errno(error, errno, "cannot open", path);
        /* Repacked meanwhile: forgotten, so that the next fetch looks again. */
        g_hash_table_remove(set->packs, &pack->id);
        return FALSE;
    }
    if (!check_pack(set, pack, fd, path, error))
        return FALSE;
    pack->fd = fd;
    fd = -1;
    set->open_count++;
    return TRUE;
}

static KnownPack *begin_use(VaultPackSet *set, const PackId *id, GError **error)
{
    KnownPack *pack;

    pthread_mutex_lock(&set->lock);
    pack = find_pack(set, id, error);
    if (pack != NULL && pack->fd < 0 && !open_pack(set, pack, error))
        pack = NULL;
    if (pack != NULL) {
        pack->use_count++;
        pack->used_at = ++set->clock;
    }
    pthread_mutex_unlock(&set->lock);
    return pack;
}

static void forget_pack(VaultPackSet *set, const KnownPack *pack)
{
    set->open_count -= pack->fd >= 0;
    g_hash_table_remove(set->packs, &pack->id);
}

static void end_use(VaultPackSet *set, KnownPack *pack)
{
    pthread_mutex_lock(&set->lock);
    pack->use_count--;
    if (pack->use_count == 0 && pack->is_removed) {
        forget_pack(set, pack);
    } else if (pack->use_count == 0 && set->open_count > OPEN_PACKS_MAX) {
        vault_fd_close(&pack->fd);
        set->open_count--;
    }
    pthread_mutex_unlock(&set->lock);
}

void vault_pack_set_forget(VaultPackSet *set, const PackId *pack_id)
{
    KnownPack *pack;

    pthread_mutex_lock(&set->lock);
    pack = g_hash_table_lookup(set->packs, pack_id);
    if (pack != NULL && pack->use_count == 0)
        forget_pack(set, pack);
    else if (pack != NULL)
        pack->is_removed = TRUE;
    pthread_mutex_unlock(&set->lock);
}

/* ---- the interface -------------------------------------------------------------------------- */

VaultPackSet *vault_pack_set_open(const char *directory, const VaultId *vault_id, GError **error)
{
    g_autoptr(VaultPackSet) set = g_new0(VaultPackSet, 1);

    pthread_mutex_init(&set->lock, NULL);
    set->directory = g_strdup(directory);
    set->vault_id = *vault_id;
    set->packs = g_hash_table_new_full(vault_id_hash, vault_id_equal, NULL, known_pack_free);
    if (!look_through_directory(set, error))
        return NULL;
    return g_steal_pointer(&set);
}

void vault_pack_set_free(VaultPackSet *set)
{
    if (set == NULL)
        return;
    g_hash_table_unref(set->packs);
    g_free(set->directory);
    pthread_mutex_destroy(&set->lock);
    g_free(set);
}

static gboolean read_place(VaultPackSet *set, const VaultPlace *place, guint64 offset, gsize len,
                           guint8 *ret_bytes, GError **error)
{
    KnownPack *pack = begin_use(set, &place->pack_id, error);
    gboolean is_read;

    if (pack == NULL)
        return FALSE;
    is_read = vault_file_pread_exact(pack->fd, ret_bytes, len, offset, pack->name, error);
    end_use(set, pack);
    return is_read;
}

gboolean vault_pack_set_read(VaultPackSet *set, const VaultPlace *place, guint64 offset, gsize len,
                             guint8 *ret_bytes, GError **error)
{
    if (offset > place->len || len > place->len - offset ||
        place->offset > (guint64)G_MAXINT64 - place->len) {
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
                            "the record ends before the part that is asked for");
        return FALSE;
    }
    return read_place(set, place, place->offset + offset, len, ret_bytes, error);
}

static gboolean check_record(const VaultPlace *place, const guint8 *bytes, GError **error)
{
    VaultRecordHeader header;
    gsize len = (gsize)place->len;

    if (!vault_record_header_parse(bytes, len, &header, error))
        return FALSE;
    if (header.ciphertext_len == len - header.header_len &&
        header.ciphertext_crc ==
            vault_crc32c(0, bytes + header.header_len, (gsize)header.ciphertext_len))
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT, "record %s fails its checksum",
                VAULT_ID_TEXT(header.record_id));
    return FALSE;
}

GBytes *vault_pack_set_fetch(VaultPackSet *set, const VaultPlace *place, gsize len_max,
                             GError **error)
{
    g_autofree guint8 *bytes = NULL;

    if (place->len > len_max) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE,
                    "a record of %" G_GUINT64_FORMAT " bytes is over the %" G_GSIZE_FORMAT
                    " that may be read whole",
                    place->len, len_max);
        return NULL;
    }
    bytes = g_malloc(MAX((gsize)place->len, 1));
    if (!vault_pack_set_read(set, place, 0, (gsize)place->len, bytes, error))
        return NULL;
    if (!check_record(place, bytes, error)) {
        g_prefix_error(error, "pack %s, offset %" G_GUINT64_FORMAT ": ",
                       VAULT_ID_TEXT(place->pack_id), place->offset);
        return NULL;
    }
    return g_bytes_new_take(g_steal_pointer(&bytes), (gsize)place->len);
}
