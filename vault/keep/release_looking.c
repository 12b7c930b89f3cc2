#include "vault/act/text_file.h"
#include "vault/crypto/value.h"
#include "vault/keep/acts.h"
#include "vault/keep/release.h"

VaultReleasing vault_releasing(VaultKeep *keep, const VaultJudgedGrant *judged)
{
    return (VaultReleasing){.keep = keep,
                            .judged = judged,
                            .months = g_hash_table_new_full(vault_id_hash, vault_id_equal, NULL,
                                                            (GDestroyNotify)vault_month_value_free),
                            .ids = g_array_new(FALSE, FALSE, sizeof(RecordId)),
                            .lines = g_string_new(NULL)};
}

void vault_releasing_clear(VaultReleasing *releasing)
{
    g_hash_table_unref(releasing->months);
    g_array_unref(releasing->ids);
    g_string_free(releasing->lines, TRUE);
}

static gboolean set_erased(const RecordId *record_id, GError **error)
{
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_ERASED, "copy %s was erased",
                VAULT_ID_TEXT(*record_id));
    return FALSE;
}

/* Copies come in order of time, many months in turn: each is opened once. */
VaultMonthValue *vault_releasing_month(VaultReleasing *releasing, const RecordId *record_id,
                                       const MonthKeyId *month_key_id, GError **error)
{
    VaultKeyring *keyring = releasing->keep->keyring;
    VaultMonthValue *month = g_hash_table_lookup(releasing->months, month_key_id);
    g_autoptr(GError) failure = NULL;
    gboolean is_dropped = FALSE;
    RowId row_id;

    if (month != NULL)
        return month;
    month = vault_keyring_get_month(keyring, month_key_id, &failure);
    if (month != NULL) {
        g_hash_table_insert(releasing->months, &month->month_key_id, month);
        return month;
    }
    memcpy(row_id.bytes, month_key_id->bytes, VAULT_ID_LEN);
    if (g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NOT_FOUND) &&
        !vault_keyring_has(keyring, VAULT_KEYRING_TOMBSTONES, &row_id, &is_dropped, error))
        return NULL;
    if (is_dropped)
        set_erased(record_id, error);
    else
        g_propagate_error(error, g_steal_pointer(&failure));
    return NULL;
}

/* ---- scope ----------------------------------------------------------------------------------- */

static gboolean is_wrapped_to(const VaultMonthValue *month, const ReaderPublicKey *reader)
{
    KeyId key_id = vault_reader_key_id(reader);

    return vault_month_value_wrap(month, VAULT_WRAP_STANDING_READER, &key_id) != NULL;
}

/* Of a month that was dropped a tombstone still says whose it was, but not whom it was wrapped to:
 * nothing is given of it. */
static void take_tombstone(const VaultReleasing *releasing, const MonthKeyId *month_key_id,
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
static gboolean check_covered(const VaultReleasing *releasing, const VaultReleaseWanted *wanted,
                              const VaultMonthValue *month, GError **error)
{
    VaultGrantUse use = {.month_key_id = wanted->month_key_id,
                         .archive_id = wanted->body_id,
                         .received_s = wanted->received_s,
                         .half = wanted->half};

    if (month != NULL) {
        use.mailbox_id = month->mailbox_id;
        use.is_wrapped = is_wrapped_to(month, &releasing->judged->grant->request->reader_key);
    } else {
        take_tombstone(releasing, &wanted->month_key_id, &use);
    }
    return vault_grant_scope_covers(releasing->judged->scope, &use, error);
}

gboolean vault_releasing_take_failure(GError *failure, VaultReleaseState *ret_state, GError **error)
{
    if (g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NOT_FOUND))
        *ret_state = VAULT_RELEASE_NOT_FOUND;
    else if (g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_ERASED))
        *ret_state = VAULT_RELEASE_ERASED;
    else {
        g_propagate_error(error, failure);
        return FALSE;
    }
    g_error_free(failure);
    return TRUE;
}

gboolean vault_releasing_judge(VaultReleasing *releasing, const VaultReleaseWanted *wanted,
                               VaultReleaseState *ret_state, GError **error)
{
    GError *failure = NULL;
    VaultMonthValue *month =
        vault_releasing_month(releasing, &wanted->record_id, &wanted->month_key_id, &failure);

    if (!check_covered(releasing, wanted, month, error)) {
        g_clear_error(&failure);
        return FALSE;
    }
    if (month != NULL && vault_erasure_tree_is_punctured(month->tree, wanted->leaf))
        set_erased(&wanted->record_id, &failure);
    if (failure != NULL)
        return vault_releasing_take_failure(failure, ret_state, error);
    *ret_state = VAULT_RELEASE_GIVEN;
    g_array_append_val(releasing->ids, wanted->record_id);
    g_string_append_printf(releasing->lines, "%s: %s of %s\n", wanted->line,
                           VAULT_ID_TEXT(wanted->record_id), VAULT_ID_TEXT(wanted->body_id));
    return TRUE;
}

/* ---- logging --------------------------------------------------------------------------------- */

void vault_release_append_grant(GString *text, VaultLoggedAct act, const VaultJudgedGrant *judged)
{
    const VaultRequestFile *request = judged->grant->request;
    KeyId reader = vault_reader_key_id(&request->reader_key);

    vault_text_append(text, "act", vault_logged_act_name(act));
    vault_text_append_hex_line(text, "grant", judged->grant_hash.bytes, VAULT_HASH_LEN);
    vault_text_append_hex_line(text, "request", judged->grant->request_hash.bytes, VAULT_HASH_LEN);
    vault_text_append(text, "case", request->case_id);
    vault_text_append(text, "reader", request->reader_name);
    vault_text_append_hex_line(text, "reader-key", reader.bytes, VAULT_ID_LEN);
}

gboolean vault_releasing_log(VaultReleasing *releasing, VaultLoggedAct act, const char *count_name,
                             guint64 *ret_index, GError **error)
{
    g_autoptr(GString) payload = g_string_new(NULL);
    VaultEntry entry = {.act = act};
    RecordId *ids = (RecordId *)(gpointer)releasing->ids->data;

    *ret_index = VAULT_RELEASE_NOT_LOGGED;
    if (releasing->ids->len == 0)
        return TRUE;
    vault_release_append_grant(payload, act, releasing->judged);
    vault_text_append_number(payload, count_name, releasing->ids->len);
    g_string_append_len(payload, releasing->lines->str, (gssize)releasing->lines->len);
    entry.count = vault_entry_sort_ids(ids, releasing->ids->len);
    vault_entry_ids_root(ids, (gsize)entry.count, &entry.root);
    return vault_acts_log(releasing->keep, &entry, payload->str, payload->len, ret_index, error);
}
