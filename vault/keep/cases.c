#include "vault/keep/cases.h"

#include "vault/act/case_key.h"
#include "vault/act/text_file.h"
#include "vault/crypto/value.h"
#include "vault/keep/acts.h"
#include "vault/keep/release.h"
#include "vault/store/keyring_roll.h"

#define CLOSE_TYPE "muniment-case-close/1"

/* ---- giving one ------------------------------------------------------------------------------ */

/* Of the grant's request, with a fresh key. */
static VaultCaseValue *case_of(const VaultRequestFile *request, guint64 now_s)
{
    VaultCaseValue *value = vault_case_value_new();

    vault_random(value->key.bytes, VAULT_KEY_LEN);
    vault_report_secret("case-key", value->key.bytes, VAULT_KEY_LEN);
    value->reader_key = request->reader_key;
    value->made_s = now_s;
    value->from_s = request->from_s;
    value->to_s = request->to_s;
    value->case_id = g_strdup(request->case_id);
    value->reader = g_strdup(request->reader_name);
    for (guint i = 0; i < request->mailboxes->len; i++) {
        const VaultRequestMailbox *mailbox = g_ptr_array_index(request->mailboxes, i);

        g_array_append_val(value->mailboxes, mailbox->id);
    }
    if (request->messages->len > 0)
        g_array_append_vals(value->messages, request->messages->data, request->messages->len);
    return value;
}

typedef struct {
    const VaultCaseValue *fresh;
    RowId row_id;
    VaultCaseValue *found; /* what the keyring has: the fresh one, or that of an earlier use */
} Use;

static void use_clear(Use *use)
{
    g_clear_pointer(&use->found, vault_case_value_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Use, use_clear)

static gboolean put_case(VaultKeyring *keyring, const Use *use, GError **error)
{
    GByteArray *bytes = vault_case_value_format(use->fresh);
    gboolean is_put = vault_keyring_put(keyring, VAULT_KEYRING_CASES, &use->row_id, bytes, error);

    vault_value_free(bytes);
    return is_put;
}

/* In one change: of two first uses at the same time the second finds what the first made. */
static gboolean find_or_make(VaultKeyring *keyring, gpointer user, GError **error)
{
    Use *use = user;
    GByteArray *bytes;
    gboolean has = FALSE;

    g_clear_pointer(&use->found, vault_case_value_free);
    if (!vault_keyring_has(keyring, VAULT_KEYRING_CASES, &use->row_id, &has, error) ||
        (!has && !put_case(keyring, use, error)))
        return FALSE;
    bytes = vault_keyring_get(keyring, VAULT_KEYRING_CASES, &use->row_id, error);
    if (bytes == NULL)
        return FALSE;
    use->found = vault_case_value_parse(bytes->data, bytes->len, error);
    vault_value_free(bytes);
    return use->found != NULL;
}

static gboolean log_use(VaultKeep *keep, const VaultJudgedGrant *judged, const RowId *row_id,
                        guint64 *ret_index, GError **error)
{
    const VaultRequestFile *request = judged->grant->request;
    g_autoptr(GString) payload = g_string_new(NULL);
    VaultEntry entry = {.act = VAULT_LOGGED_CASE_OPENED};

    vault_release_append_grant(payload, entry.act, judged);
    vault_text_append(payload, "index", VAULT_ID_TEXT(*row_id));
    vault_text_append_time(payload, "from", request->from_s);
    vault_text_append_time(payload, "to", request->to_s);
    vault_text_append_number(payload, "mailboxes", request->mailboxes->len);
    vault_text_append_number(payload, "messages", request->messages->len);
    return vault_acts_log(keep, &entry, payload->str, payload->len, ret_index, error);
}

/* VaultReleaseGive. */
static GBytes *give_case_key(VaultKeep *keep, const VaultJudgedGrant *judged, gpointer user,
                             GError **error)
{
    const VaultRequestFile *request = judged->grant->request;
    g_autoptr(VaultCaseValue) fresh = case_of(request, vault_clock_now_s(&keep->clock));
    g_auto(Use) use = {.fresh = fresh, .row_id = vault_case_value_id(fresh, &keep->id)};
    VaultCaseKeyHeader header = {
        .vault_id = keep->id, .grant_hash = judged->grant_hash, .case_row_id = use.row_id};

    if (!log_use(keep, judged, &use.row_id, &header.log_index, error) ||
        !vault_keyring_batch_run(keep->batch, find_or_make, &use, error))
        return NULL;
    return vault_case_key_seal(&header, &use.found->key, &request->reader_key, error);
}

gboolean vault_keep_case_key(VaultKeep *keep, const char *grant_text, gsize len,
                             GBytes **ret_sealed, GError **error)
{
    *ret_sealed = vault_release_under_grant(keep, grant_text, len, give_case_key, NULL, error);
    return *ret_sealed != NULL;
}

/* ---- dropping -------------------------------------------------------------------------------- */

/* Rows that are to go, and what is known of each. */
typedef struct {
    gboolean (*is_meant)(const VaultCaseValue *value, gconstpointer user);
    gconstpointer user;
    GArray *row_ids;  /* RowId */
    GPtrArray *cases; /* VaultCaseValue, keys wiped */
} Search;

static Search search_for(gboolean (*is_meant)(const VaultCaseValue *value, gconstpointer user),
                         gconstpointer user)
{
    return (Search){.is_meant = is_meant,
                    .user = user,
                    .row_ids = g_array_new(FALSE, FALSE, sizeof(RowId)),
                    .cases = g_ptr_array_new_with_free_func((GDestroyNotify)vault_case_value_free)};
}

static void search_clear(Search *search)
{
    g_array_unref(search->row_ids);
    g_ptr_array_unref(search->cases);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Search, search_clear)

static gboolean take_meant(const RowId *row_id, const GByteArray *bytes, gpointer user,
                           GError **error)
{
    Search *search = user;
    g_autoptr(VaultCaseValue) value = vault_case_value_parse(bytes->data, bytes->len, error);

    if (value == NULL)
        return FALSE;
    case_key_wipe(&value->key);
    if (search->is_meant(value, search->user)) {
        g_array_append_val(search->row_ids, *row_id);
        g_ptr_array_add(search->cases, g_steal_pointer(&value));
    }
    return TRUE;
}

/* Within a change. */
static gboolean remove_rows(VaultKeyring *keyring, const GArray *row_ids, GError **error)
{
    for (guint i = 0; i < row_ids->len; i++)
        if (!vault_keyring_remove(keyring, VAULT_KEYRING_CASES, &g_array_index(row_ids, RowId, i),
                                  error))
            return FALSE;
    return row_ids->len == 0 || vault_keyring_renew_vault_row_key(keyring, error);
}

static gboolean is_touched(const VaultCaseValue *value, gconstpointer user)
{
    const VaultErasureScope *scope = user;

    for (guint i = 0; i < scope->months->len; i++) {
        const VaultErasureMonth *month = &g_array_index(scope->months, VaultErasureMonth, i);

        if (vault_case_value_touches(value, &month->mailbox_id, month->month))
            return TRUE;
    }
    for (guint i = 0; i < scope->copies->len; i++) {
        const VaultErasureCopy *copy = &g_array_index(scope->copies, VaultErasureCopy, i);

        if (vault_case_value_covers(value, &copy->mailbox_id, &copy->copy.body_id,
                                    copy->copy.received_s))
            return TRUE;
    }
    return FALSE;
}

gboolean vault_cases_drop(VaultKeyring *keyring, const VaultErasureScope *scope,
                          VaultErasureValue *value, GError **error)
{
    g_auto(Search) search = search_for(is_touched, scope);

    g_ptr_array_set_size(value->cases, 0);
    if (!vault_keyring_each(keyring, VAULT_KEYRING_CASES, take_meant, &search, error))
        return FALSE;
    for (guint i = 0; i < MIN(search.cases->len, VAULT_ERASURE_CASES_MAX); i++) {
        const VaultCaseValue *touched = g_ptr_array_index(search.cases, i);

        g_ptr_array_add(value->cases, vault_erasure_case_new(touched->case_id, touched->reader));
    }
    return remove_rows(keyring, search.row_ids, error);
}

/* ---- closing --------------------------------------------------------------------------------- */

static gboolean is_of_case(const VaultCaseValue *value, gconstpointer case_id)
{
    return strcmp(value->case_id, case_id) == 0;
}

static gboolean remove_closed(VaultKeyring *keyring, gpointer user, GError **error)
{
    return remove_rows(keyring, ((const Search *)user)->row_ids, error);
}

/* With the gate closed: no key of it is given between the entry and its end. */
static gboolean close_case(VaultKeep *keep, const char *case_id, GString *answer, GError **error)
{
    g_auto(Search) search = search_for(is_of_case, case_id);
    g_autoptr(GString) payload = g_string_new(NULL);

    if (!vault_keyring_each(keep->keyring, VAULT_KEYRING_CASES, take_meant, &search, error))
        return FALSE;
    if (search.row_ids->len == 0) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND,
                    "no index of a case of that name is open: see muniment case list");
        return FALSE;
    }
    vault_text_append(payload, "act", vault_logged_act_name(VAULT_LOGGED_CASE_CLOSED));
    vault_text_append(payload, "case", case_id);
    vault_text_append_number(payload, "dropped", search.row_ids->len);
    vault_text_append_number(answer, "dropped", search.row_ids->len);
    return vault_keep_log_act(keep, VAULT_LOGGED_CASE_CLOSED, payload->str, payload->len, error) &&
           vault_keyring_batch_run(keep->batch, remove_closed, &search, error);
}

gboolean vault_cases_close(VaultKeep *keep, const char *text, gsize len, GString *answer,
                           GError **error)
{
    g_autoptr(GError) waiting = NULL;
    g_autofree char *case_id = NULL;
    VaultTextFile file;
    gboolean is_closed;

    if (!vault_text_file_begin(&file, text, len, CLOSE_TYPE, error))
        return FALSE;
    case_id = vault_text_file_take_text(&file, "case", VAULT_CASE_ID_LEN_MAX, error);
    if (case_id == NULL || !vault_text_file_finish(&file, error))
        return FALSE;
    vault_erasure_gate_close(keep->erasure_gate);
    is_closed = close_case(keep, case_id, answer, error);
    vault_erasure_gate_open(keep->erasure_gate);
    /* Somebody reads: the next change takes the old pages along. */
    if (is_closed && !vault_keyring_settle(keep->keyring, &waiting))
        g_info("%s", waiting->message);
    return is_closed;
}

static gboolean is_any(const VaultCaseValue *value, gconstpointer unused)
{
    return TRUE;
}

GPtrArray *vault_keep_cases(VaultKeep *keep, GError **error)
{
    g_auto(Search) search = search_for(is_any, NULL);

    if (!vault_keyring_each(keep->keyring, VAULT_KEYRING_CASES, take_meant, &search, error))
        return NULL;
    return g_ptr_array_ref(search.cases);
}
