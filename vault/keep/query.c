#include "vault/act/policy.h"
#include "vault/backup.h"
#include "vault/keep/custody.h"
#include "vault/keep/drill.h"
#include "vault/keep/internal.h"
#include "vault/keep/liveness.h"

#include <sys/stat.h>

/* ---- copies --------------------------------------------------------------------------------- */

static VaultCopyEntry entry_of(const VaultCatalogCopy *copy, const MailboxId *mailbox_id)
{
    return (VaultCopyEntry){.record_id = copy->record_id,
                            .body_id = copy->body_id,
                            .mailbox_id = *mailbox_id,
                            .month_key_id = copy->month_key_id,
                            .leaf = copy->leaf,
                            .received_s = copy->received_s,
                            .flags = copy->flags,
                            .copy_len = copy->place.len,
                            .body_len = copy->body_len};
}

typedef enum { VISIT_MORE, VISIT_STOPPED, VISIT_FAILED } VisitResult;

/* Copies that were erased, or whose month the keyring does not have, belong to nobody: they are not
 * shown. */
static VisitResult visit_page(VaultLiveness *liveness, const GArray *page, VaultCopyVisit visit,
                              gpointer user, GError **error)
{
    for (guint i = 0; i < page->len; i++) {
        const VaultCatalogCopy *copy = &g_array_index(page, VaultCatalogCopy, i);
        g_autoptr(GError) failure = NULL;
        VaultLife life;
        VaultCopyEntry entry;
        MailboxId mailbox_id;

        if (!vault_liveness_of_leaf(liveness, &copy->month_key_id, copy->leaf, &life, error))
            return VISIT_FAILED;
        if (life.state != VAULT_LIFE_LIVE)
            continue;
        mailbox_id = vault_liveness_mailbox(liveness, &copy->month_key_id);
        entry = entry_of(copy, &mailbox_id);
        if (visit(&entry, user, &failure))
            continue;
        if (failure == NULL)
            return VISIT_STOPPED;
        g_propagate_error(error, g_steal_pointer(&failure));
        return VISIT_FAILED;
    }
    return VISIT_MORE;
}

gboolean vault_keep_copies(VaultKeep *keep, const VaultCopyFilter *filter, VaultCopyVisit visit,
                           gpointer user, GError **error)
{
    VaultCatalogFilter catalog_filter = {.months = filter->month_count > 0 ? filter->months : NULL,
                                         .month_count = filter->month_count,
                                         .messages =
                                             filter->message_count > 0 ? filter->messages : NULL,
                                         .message_count = filter->message_count,
                                         .from_s = filter->from_s,
                                         .to_s = filter->to_s};
    g_autoptr(GArray) page = g_array_new(FALSE, TRUE, sizeof(VaultCatalogCopy));
    g_autoptr(VaultLiveness) liveness = vault_liveness_new(keep->keyring);
    g_autoptr(VaultCatalogCursor) cursor = NULL;
    VisitResult result = VISIT_MORE;

    vault_keep_catch_up(keep);
    cursor = vault_catalog_cursor_new(keep->reading, &catalog_filter, error);
    while (cursor != NULL && result == VISIT_MORE) {
        if (!vault_catalog_cursor_next(cursor, page, error))
            return FALSE;
        if (page->len == 0)
            return TRUE;
        result = visit_page(liveness, page, visit, user, error);
    }
    return result == VISIT_STOPPED;
}

/* ---- records -------------------------------------------------------------------------------- */

static gboolean find_record(VaultKeep *keep, const RecordId *record_id, VaultRecordKind *ret_kind,
                            VaultPlace *ret_place, GError **error)
{
    g_autoptr(GError) failure = NULL;

    if (vault_catalog_find(keep->reading, record_id, ret_kind, ret_place, &failure))
        return TRUE;
    if (g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NOT_FOUND) && vault_keep_catch_up(keep))
        return vault_catalog_find(keep->reading, record_id, ret_kind, ret_place, error);
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
}

gboolean vault_keep_record_place(VaultKeep *keep, const RecordId *record_id, VaultPlace *ret_place,
                                 GError **error)
{
    VaultRecordKind kind;

    return find_record(keep, record_id, &kind, ret_place, error);
}

/* The pack vouches for its bytes, not for being the record that was asked for: a catalog may be
 * wrong. */
static gboolean check_record_id(const GBytes *bytes, const RecordId *record_id, GError **error)
{
    VaultRecordHeader header;
    gsize len;
    const guint8 *start = g_bytes_get_data((GBytes *)bytes, &len);

    if (!vault_record_header_parse(start, len, &header, error))
        return FALSE;
    if (VAULT_ID_EQUAL(header.record_id, *record_id))
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
                "record %s is not where the catalog says: run muniment rebuild",
                VAULT_ID_TEXT(*record_id));
    return FALSE;
}

typedef struct {
    guint64 offset;
    gsize len;
    guint8 *ret_bytes;
    GBytes **ret_record; /* NULL: a part is wanted */
} Wanted;

static gboolean read_at(VaultKeep *keep, const VaultPlace *place, const Wanted *wanted,
                        GError **error)
{
    if (wanted->ret_record == NULL)
        return vault_pack_set_read(keep->packs, place, wanted->offset, wanted->len,
                                   wanted->ret_bytes, error);
    *wanted->ret_record = vault_pack_set_fetch(keep->packs, place, wanted->len, error);
    return *wanted->ret_record != NULL;
}

/* Between the look into the catalog and the one into the pack, compaction may move the record and
 * remove the pack: the catalog has the new place by then. */
static gboolean read_record(VaultKeep *keep, const RecordId *record_id, const Wanted *wanted,
                            GError **error)
{
    PackId missing = {{0}};

    for (;;) {
        g_autoptr(GError) failure = NULL;
        VaultPlace place;

        if (!vault_keep_record_place(keep, record_id, &place, error))
            return FALSE;
        if (read_at(keep, &place, wanted, &failure))
            return TRUE;
        if (!g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NOT_FOUND) ||
            VAULT_ID_EQUAL(place.pack_id, missing)) {
            g_propagate_error(error, g_steal_pointer(&failure));
            return FALSE;
        }
        missing = place.pack_id;
    }
}

GBytes *vault_keep_record(VaultKeep *keep, const RecordId *record_id, gsize len_max, GError **error)
{
    g_autoptr(GBytes) bytes = NULL;
    const Wanted wanted = {.len = len_max, .ret_record = &bytes};

    return read_record(keep, record_id, &wanted, error) && check_record_id(bytes, record_id, error)
               ? g_steal_pointer(&bytes)
               : NULL;
}

gboolean vault_keep_record_read(VaultKeep *keep, const RecordId *record_id, guint64 offset,
                                gsize len, guint8 *ret_bytes, GError **error)
{
    const Wanted wanted = {.offset = offset, .len = len, .ret_bytes = ret_bytes};

    return read_record(keep, record_id, &wanted, error);
}

/* ---- many records ---------------------------------------------------------------------------- */

static gint compare_places(gconstpointer a, gconstpointer b, gpointer user)
{
    const VaultPlace *places = user;
    const VaultPlace *left = &places[*(const guint *)a], *right = &places[*(const guint *)b];
    int order = memcmp(&left->pack_id, &right->pack_id, sizeof left->pack_id);

    if (order != 0)
        return order;
    return left->offset < right->offset ? -1 : left->offset > right->offset;
}

/* One that was moved meanwhile is asked for again by itself. */
static GBytes *read_at_place(VaultKeep *keep, const RecordId *record_id, const VaultPlace *place,
                             gsize len_max)
{
    g_autoptr(GError) failure = NULL;
    g_autoptr(GBytes) bytes = NULL;

    if (place->len == 0)
        return NULL;
    bytes = vault_pack_set_fetch(keep->packs, place, len_max, &failure);
    if (bytes == NULL)
        return g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NOT_FOUND)
                   ? vault_keep_record(keep, record_id, len_max, NULL)
                   : NULL;
    return check_record_id(bytes, record_id, NULL) ? g_steal_pointer(&bytes) : NULL;
}

gboolean vault_keep_terms_records(VaultKeep *keep, const RecordId *record_ids, gsize count,
                                  gsize len_max, GBytes **ret_records, GError **error)
{
    g_autofree VaultPlace *places = g_new(VaultPlace, MAX(count, 1));
    g_autofree guint *order = g_new(guint, MAX(count, 1));

    if (!vault_catalog_find_others(keep->reading, record_ids, count, places, error))
        return FALSE;
    for (guint i = 0; i < count; i++)
        order[i] = i;
    g_qsort_with_data(order, (gint)count, sizeof *order, compare_places, places);
    for (guint i = 0; i < count; i++)
        ret_records[order[i]] =
            read_at_place(keep, &record_ids[order[i]], &places[order[i]], len_max);
    return TRUE;
}

gboolean vault_keep_terms_body(VaultKeep *keep, const RecordId *record_id, RecordId *ret_body_id,
                               GError **error)
{
    return vault_catalog_find_terms_body(keep->reading, record_id, ret_body_id, error);
}

/* ---- one message ---------------------------------------------------------------------------- */

static gboolean read_part(VaultKeep *keep, const VaultCatalogPart *found,
                          VaultMessagePart *ret_part, GError **error)
{
    guint8 bytes[VAULT_RECORD_HEADER_LEN_MAX];
    gsize len = vault_record_header_len(found->kind);
    VaultRecordHeader header;

    *ret_part = (VaultMessagePart){
        .record_id = found->record_id, .kind = found->kind, .place = found->place};
    return vault_keep_record_read(keep, &found->record_id, 0, len, bytes, error) &&
           vault_record_header_parse(bytes, len, &header, error) &&
           vault_record_locator_open(bytes, &header, keep->locator_key, &ret_part->locator, error);
}

GArray *vault_keep_message(VaultKeep *keep, const RecordId *archive_id, GError **error)
{
    g_autoptr(GArray) parts = g_array_new(FALSE, TRUE, sizeof(VaultMessagePart));
    g_autoptr(VaultLiveness) liveness = vault_liveness_new(keep->keyring);
    g_autoptr(GArray) found = NULL;

    vault_keep_catch_up(keep);
    found = vault_catalog_parts(keep->reading, archive_id, error);
    for (guint i = 0; found != NULL && i < found->len; i++) {
        VaultMessagePart part;
        VaultLife life;

        if (!read_part(keep, &g_array_index(found, VaultCatalogPart, i), &part, error))
            return NULL;
        if (vault_record_kind_has_leaf(part.kind)) {
            if (!vault_liveness_of_leaf(liveness, &part.locator.month_key_id, part.locator.leaf,
                                        &life, error))
                return NULL;
            part.mailbox_id = vault_liveness_mailbox(liveness, &part.locator.month_key_id);
        }
        g_array_append_val(parts, part);
    }
    if (found != NULL && parts->len > 0)
        return g_steal_pointer(&parts);
    if (found != NULL)
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND, "no message %s",
                    VAULT_ID_TEXT(*archive_id));
    return NULL;
}

/* ---- status --------------------------------------------------------------------------------- */

static gboolean measure_packs(VaultKeep *keep, VaultKeepStatus *status, GError **error)
{
    g_autoptr(GDir) dir = g_dir_open(keep->packs_path, 0, NULL);
    const char *name;

    if (dir == NULL) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_IO, "cannot read folder %s", keep->packs_path);
        return FALSE;
    }
    while ((name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *path = g_build_filename(keep->packs_path, name, NULL);
        struct stat file;

        if (stat(path, &file) != 0 || !S_ISREG(file.st_mode))
            continue;
        status->pack_count++;
        status->stored_bytes += (guint64)file.st_size;
    }
    return TRUE;
}

/* Of a state that is damaged nothing is known: as if there had been no backup. */
static void tell_backups(VaultKeep *keep, VaultKeepStatus *status)
{
    VaultBackupState state;

    if (!vault_backup_state_read(keep->path, &state, NULL))
        state = (VaultBackupState){0};
    status->last_backup_s = state.made_s;
    status->last_recovery_drill_s = state.drilled_s;
    status->not_backed_up_count =
        status->message_count - MIN(status->message_count, state.message_count);
}

gboolean vault_keep_status(VaultKeep *keep, VaultKeepStatus *ret_status, GError **error)
{
    VaultCatalogTotals totals;
    g_autofree char *policy = NULL;
    gboolean pair_exists = FALSE;

    memset(ret_status, 0, sizeof *ret_status);
    if ((policy = vault_keep_policy(keep, error)) == NULL ||
        !vault_policy_serial(policy, strlen(policy), &ret_status->policy_serial, error) ||
        !vault_catalog_totals(keep->reading, &totals, error) ||
        !vault_keyring_count(keep->keyring, &ret_status->mailbox_count, &ret_status->month_count,
                             error) ||
        !vault_drills_status(keep->keyring, &ret_status->last_drill_s, &ret_status->drill_due_s,
                             error) ||
        !vault_custody_pair(keep, vault_keyring_generation(keep->keyring), &pair_exists, error) ||
        !measure_packs(keep, ret_status, error))
        return FALSE;
    ret_status->message_count = totals.message_count;
    ret_status->copy_count = totals.copy_count;
    ret_status->free_bytes = vault_space_free_bytes(keep->space);
    ret_status->disk_reserve = keep->disk_reserve;
    ret_status->vault_key_generation = vault_keyring_generation(keep->keyring);
    ret_status->uncatalogued_count =
        keep->feed == NULL ? 0 : vault_catalog_feed_waiting(keep->feed);
    ret_status->pair_exists = pair_exists;
    ret_status->last_archived_s =
        MAX(vault_clock_last_archived_s(&keep->clock), totals.last_archived_s);
    tell_backups(keep, ret_status);
    ret_status->expiry = vault_keep_expiry_state(keep);
    return TRUE;
}
