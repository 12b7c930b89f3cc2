#include "restore/sources.h"

#include <string.h>

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
    return vault_keep_record_read(user, record_id, offset, len, ret_bytes, error);
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

/* ---- releases -------------------------------------------------------------------------------- */

static gboolean is_answer_to(const VaultOpenedRelease *release, const RecordId *copies, gsize count)
{
    gboolean is_answer = release->slots->len == count;

    for (gsize i = 0; is_answer && i < count; i++)
        is_answer = VAULT_ID_EQUAL(g_array_index(release->slots, VaultReleasedSlot, i).record_id,
                                   copies[i]);
    return is_answer;
}

static gboolean take_slots(const SourcesReleases *releases, GBytes *sealed, const RecordId *copies,
                           gsize count, VaultReleasedSlot *ret_slots, GError **error)
{
    g_autoptr(VaultOpenedRelease) release =
        vault_release_open(releases->identity, &releases->vault_id, &releases->grant_hash,
                           g_bytes_get_data(sealed, NULL), g_bytes_get_size(sealed), error);

    if (release == NULL)
        return FALSE;
    if (!is_answer_to(release, copies, count)) {
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                            "the release is not of the copies that were asked for");
        return FALSE;
    }
    memcpy(ret_slots, release->slots->data, count * sizeof *ret_slots);
    return TRUE;
}

static gboolean release(gpointer user, const VaultOpenEntry *entries, gsize count,
                        VaultReleasedSlot *ret_slots, GError **error)
{
    const SourcesReleases *releases = user;
    g_autofree RecordId *copies = g_new(RecordId, MAX(count, 1));
    g_autoptr(GBytes) sealed = NULL;

    for (gsize i = 0; i < count; i++)
        copies[i] = entries[i].record_id;
    sealed = releases->ask(releases->user, copies, count, error);
    return sealed != NULL && take_slots(releases, sealed, copies, count, ret_slots, error);
}

VaultReleaseSource sources_releases(SourcesReleases *releases)
{
    return (VaultReleaseSource){.release = release, .user = releases};
}

static GBytes *ask_releaser(gpointer user, const RecordId *copies, gsize count, GError **error)
{
    return restore_releaser_ask(user, ARCHIVED_RELEASE_COPIES, copies, count, error);
}

SourcesReleases sources_local_releases(RestoreReleaser *releaser, const VaultIdentity *identity,
                                       const VaultId *vault_id, const VaultHash *grant_hash)
{
    return (SourcesReleases){.ask = ask_releaser,
                             .user = releaser,
                             .identity = identity,
                             .vault_id = *vault_id,
                             .grant_hash = *grant_hash};
}
