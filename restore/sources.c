#include "restore/sources.h"

static GBytes *fetch(gpointer user, const RecordId *record_id, gsize len_max, GError **error)
{
    return vault_keep_record(user, record_id, len_max, error);
}

static gboolean get_length(gpointer user, const RecordId *record_id, guint64 *ret_len,
                           GError **error)
{
    VaultPlace place;

    if (!vault_keep_record_place(user, record_id, &place, error))
        return FALSE;
    *ret_len = place.len;
    return TRUE;
}

static gboolean read_part(gpointer user, const RecordId *record_id, guint64 offset, gsize len,
                          guint8 *ret_bytes, GError **error)
{
    VaultPlace place;

    return vault_keep_record_place(user, record_id, &place, error) &&
           vault_keep_record_read(user, &place, offset, len, ret_bytes, error);
}

VaultRecordSource sources_local_records(VaultKeep *keep)
{
    return (VaultRecordSource){
        .fetch = fetch, .length = get_length, .read = read_part, .user = keep};
}

VaultOpenEntry sources_open_entry(const VaultCopyEntry *entry)
{
    return (VaultOpenEntry){.record_id = entry->record_id,
                            .body_id = entry->body_id,
                            .mailbox_id = entry->mailbox_id,
                            .month_key_id = entry->month_key_id,
                            .leaf = entry->leaf,
                            .received_s = entry->received_s,
                            .flags = entry->flags};
}

static VaultCopyEntry keep_entry(const VaultOpenEntry *entry)
{
    return (VaultCopyEntry){.record_id = entry->record_id,
                            .body_id = entry->body_id,
                            .mailbox_id = entry->mailbox_id,
                            .month_key_id = entry->month_key_id,
                            .leaf = entry->leaf,
                            .received_s = entry->received_s,
                            .flags = entry->flags};
}

static gboolean release_batch(VaultKeep *keep, const VaultOpenEntry *entries, gsize count,
                              ContentSlot *ret_slots, GError **error)
{
    VaultCopyEntry copies[SOURCES_RELEASE_COUNT_MAX] = {0};
    VaultRelease releases[SOURCES_RELEASE_COUNT_MAX];
    gboolean ok;

    for (gsize i = 0; i < count; i++)
        copies[i] = keep_entry(&entries[i]);
    ok = vault_keep_release(keep, copies, count, releases, error);
    for (gsize i = 0; ok && i < count; i++)
        ret_slots[i] = releases[i].slot;
    vault_wipe(releases, sizeof releases);
    return ok;
}

static gboolean release(gpointer user, const VaultOpenEntry *entries, gsize count,
                        ContentSlot *ret_slots, GError **error)
{
    for (gsize at = 0; at < count;) {
        gsize part = MIN(count - at, SOURCES_RELEASE_COUNT_MAX);

        if (!release_batch(user, entries + at, part, ret_slots + at, error)) {
            vault_wipe(ret_slots, count * sizeof *ret_slots);
            return FALSE;
        }
        at += part;
    }
    return TRUE;
}

VaultReleaseSource sources_local_releases(VaultKeep *keep)
{
    return (VaultReleaseSource){.release = release, .user = keep};
}
