#include "vault/keep/compact_dates.h"

#include "vault/base/file.h"
#include "vault/store/erasure_value.h"
#include "vault/store/pack_index.h"

#include <errno.h>
#include <fcntl.h>

struct VaultCompactDates {
    GArray *all_s;        /* guint64, rising: of each erasure that destroyed something */
    GHashTable *messages; /* RecordId -> guint64: the earliest that named it */
};

void vault_compact_dates_free(VaultCompactDates *dates)
{
    if (dates == NULL)
        return;
    g_array_unref(dates->all_s);
    g_hash_table_unref(dates->messages);
    g_free(dates);
}

/* ---- the keyring ---------------------------------------------------------------------------- */

static void note_message(VaultCompactDates *dates, const RecordId *body_id, guint64 date_s)
{
    guint64 *known_s = g_hash_table_lookup(dates->messages, body_id);

    if (known_s != NULL)
        *known_s = MIN(*known_s, date_s);
    else
        g_hash_table_insert(dates->messages, g_memdup2(body_id, VAULT_ID_LEN),
                            g_memdup2(&date_s, sizeof date_s));
}

static gboolean note_erasure(const RowId *row_id, const GByteArray *bytes, gpointer user,
                             GError **error)
{
    VaultCompactDates *dates = user;
    g_autoptr(VaultErasureValue) value =
        vault_erasure_value_parse(row_id, bytes->data, bytes->len, error);
    guint64 date_s;

    if (value == NULL)
        return FALSE;
    date_s = value->dates_s[VAULT_ERASURE_ONLINE];
    if (date_s == 0)
        return TRUE;
    g_array_append_val(dates->all_s, date_s);
    for (guint i = 0; i < value->messages->len; i++)
        note_message(dates, &g_array_index(value->messages, RecordId, i), date_s);
    return TRUE;
}

static gint compare_dates(gconstpointer a, gconstpointer b)
{
    guint64 left = *(const guint64 *)a, right = *(const guint64 *)b;

    return left < right ? -1 : left > right;
}

VaultCompactDates *vault_compact_dates_new(VaultKeyring *keyring, GError **error)
{
    g_autoptr(VaultCompactDates) dates = g_new0(VaultCompactDates, 1);

    dates->all_s = g_array_new(FALSE, FALSE, sizeof(guint64));
    dates->messages = g_hash_table_new_full(vault_id_hash, vault_id_equal, g_free, g_free);
    if (!vault_keyring_each(keyring, VAULT_KEYRING_ERASURES, note_erasure, dates, error))
        return NULL;
    g_array_sort(dates->all_s, compare_dates);
    return g_steal_pointer(&dates);
}

guint64 vault_compact_dates_of_message(const VaultCompactDates *dates, const RecordId *body_id)
{
    const guint64 *date_s = g_hash_table_lookup(dates->messages, body_id);

    return date_s != NULL ? *date_s : 0;
}

guint64 vault_compact_dates_since(const VaultCompactDates *dates, guint64 made_s)
{
    for (guint i = 0; i < dates->all_s->len; i++)
        if (g_array_index(dates->all_s, guint64, i) >= made_s)
            return g_array_index(dates->all_s, guint64, i);
    return 0;
}

/* ---- a pack --------------------------------------------------------------------------------- */

typedef struct {
    const VaultCompactDates *dates;
    const VaultPackFile *file;
    VaultFd fd;
    const LocatorKey *locator_key;
    VaultLiveness *liveness;
} Dating;

static void dating_clear(Dating *dating)
{
    vault_fd_close(&dating->fd);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Dating, dating_clear)

/* What does not open was never catalogued and is kept. */
static gboolean open_locator(const Dating *dating, const VaultIndexedRecord *record,
                             VaultLocator *ret_locator, gboolean *ret_is_open, GError **error)
{
    guint8 bytes[VAULT_RECORD_HEADER_LEN_MAX];
    gsize len = (gsize)MIN(sizeof bytes, record->len);
    VaultRecordHeader header;

    if (!vault_file_pread_exact(dating->fd, bytes, len, record->offset, dating->file->path, error))
        return FALSE;
    *ret_is_open =
        vault_record_header_parse(bytes, len, &header, NULL) && header.kind == record->kind &&
        vault_record_locator_open(bytes, &header, dating->locator_key, ret_locator, NULL);
    return TRUE;
}

static guint64 date_of(const Dating *dating, const VaultLocator *locator, const VaultLife *life)
{
    guint64 named_s = vault_compact_dates_of_message(dating->dates, &locator->body_id);

    if (life->died_s != 0)
        return life->died_s;
    return named_s != 0 ? named_s
                        : vault_compact_dates_since(dating->dates, dating->file->header.created_s);
}

/* 0: it lives. */
static gboolean date_record(const Dating *dating, const VaultIndexedRecord *record,
                            guint64 *ret_died_s, GError **error)
{
    VaultLocator locator;
    VaultLife life;
    gboolean is_open;

    *ret_died_s = 0;
    if (!open_locator(dating, record, &locator, &is_open, error))
        return FALSE;
    if (!is_open)
        return TRUE;
    if (!vault_liveness_of_leaf(dating->liveness, &locator.month_key_id, locator.leaf, &life,
                                error))
        return FALSE;
    if (life.state == VAULT_LIFE_DEAD)
        *ret_died_s = date_of(dating, &locator, &life);
    return TRUE;
}

gboolean vault_compact_dates_of_pack(const VaultCompactDates *dates, const VaultPackFile *file,
                                     const LocatorKey *locator_key, VaultLiveness *liveness,
                                     guint64 *ret_died_s, GError **error)
{
    g_auto(Dating) dating = {dates, file, -1, locator_key, liveness};
    g_autoptr(GArray) records = NULL;

    *ret_died_s = 0;
    dating.fd = open(file->path, O_RDONLY | O_CLOEXEC);
    if (dating.fd < 0)
        return vault_error_set_errno(error, errno, "cannot open", file->path);
    records = vault_pack_index_load(file->path, &file->header.vault_id, error);
    for (guint i = 0; records != NULL && i < records->len; i++) {
        const VaultIndexedRecord *record = &g_array_index(records, VaultIndexedRecord, i);
        guint64 died_s = 0;

        if (vault_record_kind_has_leaf(record->kind) &&
            !date_record(&dating, record, &died_s, error))
            return FALSE;
        if (died_s != 0 && (*ret_died_s == 0 || died_s < *ret_died_s))
            *ret_died_s = died_s;
    }
    return records != NULL;
}
