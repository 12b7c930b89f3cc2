#include "vault/keep/release.h"

#include "vault/act/text_file.h"
#include "vault/crypto/value.h"
#include "vault/keep/acts.h"
#include "vault/keep/readers.h"

/* ---- slots ---------------------------------------------------------------------------------- */

/* Trees opened for one call: copies come in order of time, many months in turn. */
typedef struct {
    VaultKeep *keep;
    GHashTable *months; /* MonthKeyId -> VaultMonthValue */
} Months;

static Months months_of(VaultKeep *keep)
{
    return (Months){.keep = keep,
                    .months = g_hash_table_new_full(vault_id_hash, vault_id_equal, NULL,
                                                    (GDestroyNotify)vault_month_value_free)};
}

static void months_clear(Months *months)
{
    g_clear_pointer(&months->months, g_hash_table_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Months, months_clear)

static gboolean set_erased(const RecordId *record_id, GError **error)
{
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_ERASED, "copy %s was erased",
                VAULT_ID_TEXT(*record_id));
    return FALSE;
}

/* ERASED: it was dropped. NOT_FOUND: the keyring never heard of it. */
static VaultMonthValue *month_of(Months *months, const RecordId *record_id,
                                 const MonthKeyId *month_key_id, GError **error)
{
    VaultMonthValue *month = g_hash_table_lookup(months->months, month_key_id);
    g_autoptr(GError) failure = NULL;
    gboolean is_dropped = FALSE;
    RowId row_id;

    if (month != NULL)
        return month;
    month = vault_keyring_get_month(months->keep->keyring, month_key_id, &failure);
    if (month != NULL) {
        g_hash_table_insert(months->months, &month->month_key_id, month);
        return month;
    }
    memcpy(row_id.bytes, month_key_id->bytes, VAULT_ID_LEN);
    if (g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NOT_FOUND) &&
        !vault_keyring_has(months->keep->keyring, VAULT_KEYRING_TOMBSTONES, &row_id, &is_dropped,
                           error))
        return NULL;
    if (is_dropped)
        set_erased(record_id, error);
    else
        g_propagate_error(error, g_steal_pointer(&failure));
    return NULL;
}

/* A slot is given for a copy that is there, and only for its own leaf. */
static gboolean check_exists(VaultKeep *keep, const VaultCopyEntry *entry, GError **error)
{
    VaultCatalogCopy copy;

    if (!vault_catalog_find_copy(keep->reading, &entry->record_id, &copy, error))
        return FALSE;
    if (VAULT_ID_EQUAL(copy.month_key_id, entry->month_key_id) && copy.leaf == entry->leaf)
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND, "copy %s has another month or leaf",
                VAULT_ID_TEXT(entry->record_id));
    return FALSE;
}

static gboolean release_one(Months *months, const VaultCopyEntry *entry, VaultRelease *ret_release,
                            GError **error)
{
    VaultMonthValue *month = month_of(months, &entry->record_id, &entry->month_key_id, error);

    if (month == NULL)
        return FALSE;
    if (vault_erasure_tree_is_punctured(month->tree, entry->leaf))
        return set_erased(&entry->record_id, error);
    if (!check_exists(months->keep, entry, error))
        return FALSE;
    ret_release->record_id = entry->record_id;
    ret_release->month_key_id = entry->month_key_id;
    ret_release->leaf = entry->leaf;
    return vault_erasure_tree_content_slot(month->tree, entry->leaf, &ret_release->slot, error);
}

gboolean vault_keep_release(VaultKeep *keep, const VaultCopyEntry *entries, gsize count,
                            VaultRelease *ret_releases, GError **error)
{
    g_auto(Months) months = months_of(keep);

    vault_keep_catch_up(keep);
    for (gsize i = 0; i < count; i++)
        if (!release_one(&months, &entries[i], &ret_releases[i], error)) {
            vault_wipe(ret_releases, count * sizeof *ret_releases);
            return FALSE;
        }
    return TRUE;
}

/* ---- a release under a grant: looking up ----------------------------------------------------- */

typedef struct {
    VaultKeep *keep;
    const VaultJudgedGrant *judged;
    Months months;
    GArray *slots;   /* VaultReleasedSlot, in the order asked for; wiped on unref */
    GArray *ids;     /* RecordId of the copies that are given */
    GString *copies; /* lines of the payload */
} Releasing;

static void slot_clear(gpointer slot)
{
    vault_released_slot_wipe(slot);
}

static Releasing releasing_of(VaultKeep *keep, const VaultJudgedGrant *judged, gsize count)
{
    Releasing releasing = {
        .keep = keep,
        .judged = judged,
        .months = months_of(keep),
        .slots = g_array_sized_new(FALSE, TRUE, sizeof(VaultReleasedSlot), (guint)MAX(count, 1)),
        .ids = g_array_new(FALSE, FALSE, sizeof(RecordId)),
        .copies = g_string_new(NULL)};

    g_array_set_clear_func(releasing.slots, slot_clear);
    g_array_set_size(releasing.slots, (guint)count);
    return releasing;
}

static void releasing_clear(Releasing *releasing)
{
    months_clear(&releasing->months);
    g_array_unref(releasing->slots);
    g_array_unref(releasing->ids);
    g_string_free(releasing->copies, TRUE);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Releasing, releasing_clear)

static gboolean is_wrapped_to(const VaultMonthValue *month, const ReaderPublicKey *reader)
{
    KeyId key_id = vault_reader_key_id(reader);

    return vault_month_value_wrap(month, VAULT_WRAP_STANDING_READER, &key_id) != NULL;
}

/* Of a month that was dropped a tombstone still says whose it was, but not whom it was wrapped to:
 * nothing is given of it. */
static void take_tombstone(const Releasing *releasing, const MonthKeyId *month_key_id,
                           VaultGrantUse *use)
{
    VaultTombstoneValue tombstone;
    GByteArray *value;
    RowId row_id;

    memcpy(row_id.bytes, month_key_id->bytes, VAULT_ID_LEN);
    value = vault_keyring_get(releasing->keep->keyring, VAULT_KEYRING_TOMBSTONES, &row_id, NULL);
    if (value == NULL)
        return;
    if (vault_tombstone_value_parse(value->data, value->len, &tombstone, NULL)) {
        use->mailbox_id = tombstone.mailbox_id;
        use->is_wrapped = TRUE;
    }
    vault_value_free(value);
}

/* Mailbox-month, second and id as the vault itself knows them; what was claimed counts nothing.
 * `month` NULL: it is gone, or unknown. */
static gboolean check_covered(const Releasing *releasing, const VaultCatalogCopy *copy,
                              const VaultMonthValue *month, GError **error)
{
    VaultGrantUse use = {.month_key_id = copy->month_key_id,
                         .archive_id = copy->body_id,
                         .received_s = copy->received_s,
                         .half = VAULT_GRANT_CONTENT};

    if (month != NULL) {
        use.mailbox_id = month->mailbox_id;
        use.is_wrapped = is_wrapped_to(month, &releasing->judged->grant->request->reader_key);
    } else {
        take_tombstone(releasing, &copy->month_key_id, &use);
    }
    return vault_grant_scope_covers(releasing->judged->scope, &use, error);
}

/* What became of a copy that cannot be given is part of the answer; all else is a failure. */
static gboolean take_failure(VaultReleasedSlot *slot, GError *failure, GError **error)
{
    if (g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NOT_FOUND))
        slot->state = VAULT_RELEASE_NOT_FOUND;
    else if (g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_ERASED))
        slot->state = VAULT_RELEASE_ERASED;
    else {
        g_propagate_error(error, failure);
        return FALSE;
    }
    g_error_free(failure);
    return TRUE;
}

static gboolean look_up(Releasing *releasing, const RecordId *record_id, VaultReleasedSlot *slot,
                        GError **error)
{
    GError *failure = NULL;
    VaultCatalogCopy copy;
    VaultMonthValue *month;

    slot->record_id = *record_id;
    if (!vault_catalog_find_copy(releasing->keep->reading, record_id, &copy, &failure))
        return take_failure(slot, failure, error);
    month = month_of(&releasing->months, record_id, &copy.month_key_id, &failure);
    if (!check_covered(releasing, &copy, month, error)) {
        g_clear_error(&failure);
        return FALSE;
    }
    if (month != NULL && vault_erasure_tree_is_punctured(month->tree, copy.leaf)) {
        set_erased(record_id, &failure);
        month = NULL;
    }
    if (month == NULL)
        return take_failure(slot, failure, error);
    slot->month_key_id = copy.month_key_id;
    slot->leaf = copy.leaf;
    g_array_append_val(releasing->ids, *record_id);
    g_string_append_printf(releasing->copies, "copy: %s of %s\n", VAULT_ID_TEXT(*record_id),
                           VAULT_ID_TEXT(copy.body_id));
    return TRUE;
}

/* ---- logging, then giving -------------------------------------------------------------------- */

static char *format_payload(const Releasing *releasing)
{
    const VaultRequestFile *request = releasing->judged->grant->request;
    KeyId reader = vault_reader_key_id(&request->reader_key);
    GString *text = g_string_new(NULL);

    vault_text_append(text, "act", vault_logged_act_name(VAULT_LOGGED_RELEASE));
    vault_text_append_hex_line(text, "grant", releasing->judged->grant_hash.bytes, VAULT_HASH_LEN);
    vault_text_append_hex_line(text, "request", releasing->judged->grant->request_hash.bytes,
                               VAULT_HASH_LEN);
    vault_text_append(text, "case", request->case_id);
    vault_text_append(text, "reader", request->reader_name);
    vault_text_append_hex_line(text, "reader-key", reader.bytes, VAULT_ID_LEN);
    vault_text_append_number(text, "copies", releasing->ids->len);
    g_string_append_len(text, releasing->copies->str, (gssize)releasing->copies->len);
    return g_string_free(text, FALSE);
}

static gboolean log_release(Releasing *releasing, guint64 *ret_index, GError **error)
{
    g_autofree char *payload = NULL;
    VaultEntry entry = {.act = VAULT_LOGGED_RELEASE};
    RecordId *ids = (RecordId *)(gpointer)releasing->ids->data;

    *ret_index = VAULT_RELEASE_NOT_LOGGED;
    if (releasing->ids->len == 0)
        return TRUE;
    payload = format_payload(releasing);
    entry.count = vault_entry_sort_ids(ids, releasing->ids->len);
    vault_entry_ids_root(ids, (gsize)entry.count, &entry.root);
    return vault_acts_log(releasing->keep, &entry, payload, strlen(payload), ret_index, error);
}

static gboolean is_given(const VaultReleasedSlot *slot)
{
    return slot->state == VAULT_RELEASE_GIVEN;
}

/* From trees that were opened before the release was logged: nothing of them is read again. */
static gboolean derive(Releasing *releasing, GError **error)
{
    for (guint i = 0; i < releasing->slots->len; i++) {
        VaultReleasedSlot *slot = &g_array_index(releasing->slots, VaultReleasedSlot, i);
        const VaultMonthValue *month;

        if (!is_given(slot))
            continue;
        month = g_hash_table_lookup(releasing->months.months, &slot->month_key_id);
        if (!vault_erasure_tree_content_slot(month->tree, slot->leaf, &slot->slot, error))
            return FALSE;
    }
    return TRUE;
}

static GBytes *give(Releasing *releasing, GError **error)
{
    VaultReleaseHeader header = {.vault_id = releasing->keep->id,
                                 .grant_hash = releasing->judged->grant_hash};

    if (!log_release(releasing, &header.log_index, error) || !derive(releasing, error))
        return NULL;
    return vault_release_seal(
        &header, (const VaultReleasedSlot *)(gconstpointer)releasing->slots->data,
        releasing->slots->len, &releasing->judged->grant->request->reader_key, error);
}

/* ---- all of it ------------------------------------------------------------------------------ */

/* A clock that was set back does not bring an expired grant to life again. */
static guint64 time_to_judge_by(VaultKeep *keep)
{
    return MAX(vault_clock_now_s(&keep->clock), vault_clock_last_archived_s(&keep->clock));
}

/* VaultHash of the requests of all standing readers. */
static GArray *taken_up(VaultKeep *keep)
{
    GArray *hashes = g_array_new(FALSE, FALSE, sizeof(VaultHash));
    G_GNUC_UNUSED g_autoptr(GRWLockReaderLocker) reading =
        g_rw_lock_reader_locker_new(vault_recipients_lock(keep->recipients));
    const GPtrArray *readers = vault_recipients_readers(keep->recipients);

    for (guint i = 0; i < readers->len; i++) {
        const VaultReaderValue *reader = g_ptr_array_index(readers, i);

        g_array_append_val(hashes, reader->request_hash);
    }
    return hashes;
}

/* What grants are judged by, and what it borrows. */
typedef struct {
    VaultReleaseConditions conditions;
    GArray *masters;
    char *policy;
} InForce;

static void in_force_clear(InForce *in_force)
{
    g_clear_pointer(&in_force->masters, g_array_unref);
    g_clear_pointer(&in_force->policy, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(InForce, in_force_clear)

static gboolean read_in_force(VaultKeep *keep, const GArray *standing, InForce *ret_in_force,
                              GError **error)
{
    ret_in_force->masters = vault_keep_masters(keep, error);
    ret_in_force->policy = ret_in_force->masters == NULL ? NULL : vault_keep_policy(keep, error);
    ret_in_force->conditions = (VaultReleaseConditions){.keyring = keep->keyring,
                                                        .vault_id = keep->id,
                                                        .masters = ret_in_force->masters,
                                                        .policy = ret_in_force->policy,
                                                        .standing = standing,
                                                        .now_s = time_to_judge_by(keep)};
    return ret_in_force->policy != NULL;
}

VaultJudgedGrant *vault_release_judge(VaultKeep *keep, const char *text, gsize len,
                                      const GArray *standing, GError **error)
{
    g_autoptr(GArray) own = standing == NULL ? taken_up(keep) : NULL;
    g_auto(InForce) in_force = {.policy = NULL};

    if (!read_in_force(keep, own != NULL ? own : standing, &in_force, error))
        return NULL;
    return vault_release_grants_judge(keep->release_grants, text, len, &in_force.conditions, error);
}

static GBytes *release_copies(VaultKeep *keep, const VaultJudgedGrant *judged,
                              const RecordId *copies, gsize count, GError **error)
{
    g_auto(Releasing) releasing = releasing_of(keep, judged, count);

    vault_keep_catch_up(keep);
    for (gsize i = 0; i < count; i++) {
        if (!look_up(&releasing, &copies[i], &g_array_index(releasing.slots, VaultReleasedSlot, i),
                     error))
            return NULL;
    }
    return give(&releasing, error);
}

/* Inside the gate, from the last look at what the grant was judged by to the end: whoever changes
 * that logs it and makes it durable with the gate closed. So the log has no release behind what
 * forbids it. */
static gboolean release_if_current(VaultKeep *keep, const VaultJudgedGrant *judged,
                                   const RecordId *copies, gsize count, GBytes **ret_sealed,
                                   GError **error)
{
    g_auto(VaultErasurePass) pass = vault_erasure_pass(keep->erasure_gate);
    g_autoptr(GArray) standing = taken_up(keep);
    g_auto(InForce) in_force = {.policy = NULL};
    gboolean is_current;

    if (!read_in_force(keep, standing, &in_force, error) ||
        !vault_release_grants_is_current(judged, &in_force.conditions, &is_current, error))
        return FALSE;
    if (is_current)
        *ret_sealed = release_copies(keep, judged, copies, count, error);
    return !is_current || *ret_sealed != NULL;
}

gboolean vault_keep_release_by_grant(VaultKeep *keep, const char *grant_text, gsize len,
                                     const RecordId *copies, gsize count, GBytes **ret_sealed,
                                     GError **error)
{
    g_assert(keep->mode == VAULT_KEEP_WRITER);
    *ret_sealed = NULL;
    if (count > VAULT_RELEASE_COUNT_MAX) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE,
                    "at most %d copies are released at once", VAULT_RELEASE_COUNT_MAX);
        return FALSE;
    }
    /* Judged outside the gate: ssh-keygen takes its time. */
    while (*ret_sealed == NULL) {
        g_autoptr(VaultJudgedGrant) judged =
            vault_release_judge(keep, grant_text, len, NULL, error);

        if (judged == NULL || !release_if_current(keep, judged, copies, count, ret_sealed, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean log_revoked(VaultKeep *keep, const VaultGrantFile *grant,
                            const VaultHash *grant_hash, GError **error)
{
    g_autoptr(GString) payload = g_string_new(NULL);

    vault_text_append(payload, "act", vault_logged_act_name(VAULT_LOGGED_GRANT_REVOKED));
    vault_text_append_hex_line(payload, "grant", grant_hash->bytes, VAULT_HASH_LEN);
    vault_text_append_hex_line(payload, "request", grant->request_hash.bytes, VAULT_HASH_LEN);
    vault_text_append(payload, "case", grant->request->case_id);
    vault_text_append(payload, "reader", grant->request->reader_name);
    return vault_keep_log_act(keep, VAULT_LOGGED_GRANT_REVOKED, payload->str, payload->len, error);
}

/* With the gate closed: it may be revoked by now. */
static gboolean revoke_request(VaultKeep *keep, const VaultGrantFile *grant,
                               const VaultHash *grant_hash, GError **error)
{
    gboolean is_revoked;

    if (!vault_release_grants_is_revoked(keep->keyring, &grant->request_hash, &is_revoked, error))
        return FALSE;
    return is_revoked || (log_revoked(keep, grant, grant_hash, error) &&
                          vault_readers_drop(keep, &grant->request_hash, error));
}

gboolean vault_keep_revoke_grant(VaultKeep *keep, const char *grant_text, gsize len, GError **error)
{
    g_autoptr(VaultGrantFile) grant = vault_grant_file_parse(grant_text, len, error);
    gboolean is_revoked;
    VaultHash hash;

    g_assert(keep->mode == VAULT_KEEP_WRITER);
    if (grant == NULL)
        return FALSE;
    if (!VAULT_ID_EQUAL(grant->request->vault_id, keep->id)) {
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                            "the grant is for another vault");
        return FALSE;
    }
    vault_hash(grant_text, len, &hash);
    vault_recipients_wait(keep->recipients);
    vault_erasure_gate_close(keep->erasure_gate);
    is_revoked = revoke_request(keep, grant, &hash, error);
    vault_erasure_gate_open(keep->erasure_gate);
    return is_revoked;
}
