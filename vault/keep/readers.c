#include "vault/keep/readers.h"

#include "vault/act/text_file.h"
#include "vault/crypto/value.h"
#include "vault/keep/release.h"

G_STATIC_ASSERT(VAULT_READER_NAME_LEN_MAX == VAULT_REQUEST_READER_LEN_MAX);
G_STATIC_ASSERT(VAULT_READER_CASE_LEN_MAX == VAULT_REQUEST_CASE_LEN_MAX);
G_STATIC_ASSERT(VAULT_READER_MAILBOXES_MAX == VAULT_REQUEST_STANDING_MAILBOXES_MAX);

static RowId row_of(const VaultHash *request_hash)
{
    RowId row_id;

    memcpy(row_id.bytes, request_hash->bytes, VAULT_ID_LEN);
    return row_id;
}

RowId vault_keep_reader_id(const VaultReaderValue *reader)
{
    return row_of(&reader->request_hash);
}

static gboolean refuse(GError **error, const char *why)
{
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_REFUSED, why);
    return FALSE;
}

/* ---- may he be added? ------------------------------------------------------------------------ */

/* What the grant calls the mailbox is what people decided about: it must be what it is called. */
static gboolean check_mailbox(VaultKeep *keep, const VaultRequestMailbox *named, GError **error)
{
    g_autoptr(GError) failure = NULL;
    g_autoptr(VaultMailboxValue) mailbox =
        vault_keyring_get_mailbox(keep->keyring, &named->id, &failure);
    const char *address;

    if (mailbox == NULL && g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NOT_FOUND))
        return refuse(error, "the standing grant names a mailbox that this vault does not have: "
                             "make a new request");
    if (mailbox == NULL) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return FALSE;
    }
    address = vault_mailbox_value_primary(mailbox);
    if (g_str_equal(address != NULL ? address : "", vault_request_mailbox_address(named)))
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                "mailbox %s has another address than the standing grant says: ask where that comes "
                "from, and make a new request",
                VAULT_ID_TEXT(named->id));
    return FALSE;
}

/* A key that nothing can be sealed to would keep months, and so mail, from coming in. */
static gboolean check_key(const ReaderPublicKey *key, GError **error)
{
    const VaultSpan none = {"", 0};
    g_autoptr(GBytes) sealed = vault_reader_seal(key, "trial", &none, "", 0, NULL);

    return sealed != NULL || refuse(error, "nothing can be sealed to the reader's key: make a new "
                                           "identity, and a new request");
}

static gboolean check_scope(VaultKeep *keep, const VaultGrantFile *grant, GError **error)
{
    const GPtrArray *mailboxes = grant->request->mailboxes;

    for (guint i = 0; i < mailboxes->len; i++) {
        if (!check_mailbox(keep, g_ptr_array_index(mailboxes, i), error))
            return FALSE;
    }
    return check_key(&grant->request->reader_key, error);
}

/* Judged as a release would be, were it taken up. */
static VaultJudgedGrant *judge(VaultKeep *keep, const char *text, gsize len, GError **error)
{
    g_autoptr(GArray) standing = g_array_new(FALSE, FALSE, sizeof(VaultHash));
    g_autoptr(VaultGrantFile) grant = vault_grant_file_parse(text, len, error);

    if (grant == NULL)
        return NULL;
    if (!vault_grant_file_is_standing(grant)) {
        refuse(error, "that is no standing grant: a reader uses it as it is; \"muniment request "
                      "--standing\" asks for one");
        return NULL;
    }
    g_array_append_val(standing, grant->request_hash);
    return vault_release_judge(keep, text, len, standing, error);
}

static gboolean may_meet(const VaultReaderValue *reader, const VaultReaderValue *other)
{
    if (reader->mailboxes->len == 0 || other->mailboxes->len == 0)
        return TRUE;
    for (guint i = 0; i < reader->mailboxes->len; i++) {
        if (vault_reader_value_has_mailbox(other, &g_array_index(reader->mailboxes, MailboxId, i)))
            return TRUE;
    }
    return FALSE;
}

/* With the lock for writing. On the safe side: all count who share any mailbox with him. */
static gboolean check_room(const VaultKeep *keep, const VaultReaderValue *reader, GError **error)
{
    const GPtrArray *readers = vault_recipients_readers(keep->recipients);
    gsize count = vault_recipients_master_count(keep->recipients);

    for (guint i = 0; i < readers->len; i++)
        count += may_meet(reader, g_ptr_array_index(readers, i));
    if (count < VAULT_WRAPS_MAX)
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                "a month is wrapped to at most %d masters and standing readers: remove a reader "
                "first (muniment reader list)",
                VAULT_WRAPS_MAX);
    return FALSE;
}

/* ---- adding --------------------------------------------------------------------------------- */

static VaultReaderValue *value_of(const VaultGrantFile *grant, guint64 now_s)
{
    const VaultRequestFile *request = grant->request;
    VaultReaderValue *value = vault_reader_value_new();

    value->request_hash = grant->request_hash;
    value->added_s = now_s;
    value->key = request->reader_key;
    value->signer = grant->verify_key;
    value->from_s = request->from_s;
    value->to_s = request->to_s;
    value->expires_s = request->expires_s;
    value->name = g_strdup(request->reader_name);
    value->case_id = g_strdup(request->case_id);
    for (guint i = 0; i < request->mailboxes->len; i++) {
        const VaultRequestMailbox *mailbox = g_ptr_array_index(request->mailboxes, i);

        g_array_append_val(value->mailboxes, mailbox->id);
    }
    return value;
}

static gboolean log_reader(VaultKeep *keep, VaultLoggedAct act, const VaultReaderValue *reader,
                           GError **error)
{
    g_autoptr(GString) payload = g_string_new(NULL);
    KeyId key_id = vault_reader_key_id(&reader->key);

    vault_text_append(payload, "act", vault_logged_act_name(act));
    vault_text_append_hex_line(payload, "request", reader->request_hash.bytes, VAULT_HASH_LEN);
    vault_text_append(payload, "case", reader->case_id);
    vault_text_append(payload, "reader", reader->name);
    vault_text_append_hex_line(payload, "reader-key", key_id.bytes, VAULT_ID_LEN);
    vault_text_append_number(payload, "mailboxes", reader->mailboxes->len);
    for (guint i = 0; i < reader->mailboxes->len; i++)
        vault_text_append_hex_line(
            payload, "mailbox", g_array_index(reader->mailboxes, MailboxId, i).bytes, VAULT_ID_LEN);
    return vault_keep_log_act(keep, act, payload->str, payload->len, error);
}

/* Asked again where it is written: it may have been revoked meanwhile. */
static gboolean put_reader(VaultKeyring *keyring, gpointer user, GError **error)
{
    const VaultReaderValue *reader = user;
    g_autoptr(GByteArray) value = NULL;
    RowId row_id = vault_keep_reader_id(reader);
    gboolean is_revoked;

    if (!vault_release_grants_is_revoked(keyring, &reader->request_hash, &is_revoked, error))
        return FALSE;
    if (is_revoked)
        return refuse(error, "the grant was revoked: make a new request");
    value = vault_reader_value_format(reader);
    return vault_keyring_put(keyring, VAULT_KEYRING_READERS, &row_id, value, error);
}

/* Takes the reader over. */
static gboolean add(VaultKeep *keep, VaultReaderValue *taken, GError **error)
{
    g_autoptr(VaultReaderValue) reader = taken;
    G_GNUC_UNUSED g_autoptr(GRWLockWriterLocker) changing =
        g_rw_lock_writer_locker_new(vault_recipients_lock(keep->recipients));
    RowId row_id = vault_keep_reader_id(reader);
    gboolean is_added;

    if (!vault_keyring_has(keep->keyring, VAULT_KEYRING_READERS, &row_id, &is_added, error))
        return FALSE;
    if (is_added)
        return TRUE;
    if (!check_room(keep, reader, error) ||
        !log_reader(keep, VAULT_LOGGED_READER_ADDED, reader, error) ||
        !vault_keyring_batch_run(keep->batch, put_reader, reader, error))
        return FALSE;
    vault_recipients_take_reader(keep->recipients, g_steal_pointer(&reader));
    return TRUE;
}

gboolean vault_keep_add_reader(VaultKeep *keep, const char *grant_text, gsize len, RowId *ret_id,
                               GError **error)
{
    g_autoptr(VaultJudgedGrant) judged = NULL;
    VaultReaderValue *reader;

    g_assert(keep->mode == VAULT_KEEP_WRITER);
    judged = judge(keep, grant_text, len, error);
    if (judged == NULL || !check_scope(keep, judged->grant, error))
        return FALSE;
    reader = value_of(judged->grant, vault_clock_now_s(&keep->clock));
    *ret_id = vault_keep_reader_id(reader);
    return add(keep, reader, error);
}

/* ---- removing ------------------------------------------------------------------------------- */

typedef struct {
    const VaultHash *request_hash;
    guint64 now_s;
} Dropping;

static gboolean drop(VaultKeyring *keyring, gpointer user, GError **error)
{
    const Dropping *dropping = user;
    RowId row_id = row_of(dropping->request_hash);
    gboolean is_there;

    return vault_release_grants_revoke(keyring, dropping->request_hash, dropping->now_s, error) &&
           vault_keyring_has(keyring, VAULT_KEYRING_READERS, &row_id, &is_there, error) &&
           (!is_there || vault_keyring_remove(keyring, VAULT_KEYRING_READERS, &row_id, error));
}

gboolean vault_readers_drop(VaultKeep *keep, const VaultHash *request_hash, GError **error)
{
    Dropping dropping = {request_hash, vault_clock_now_s(&keep->clock)};
    G_GNUC_UNUSED g_autoptr(GRWLockWriterLocker) changing =
        g_rw_lock_writer_locker_new(vault_recipients_lock(keep->recipients));

    if (!vault_keyring_batch_run(keep->batch, drop, &dropping, error))
        return FALSE;
    vault_recipients_drop_reader(keep->recipients, request_hash);
    return TRUE;
}

static VaultReaderValue *read_reader(VaultKeep *keep, const RowId *id, GError **error)
{
    g_autoptr(GError) failure = NULL;
    GByteArray *value = vault_keyring_get(keep->keyring, VAULT_KEYRING_READERS, id, &failure);
    VaultReaderValue *reader;

    if (value == NULL && g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NOT_FOUND)) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND,
                    "there is no standing reader %s: \"muniment reader list\" shows all",
                    VAULT_ID_TEXT(*id));
        return NULL;
    }
    if (value == NULL) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return NULL;
    }
    reader = vault_reader_value_parse(value->data, value->len, error);
    vault_value_free(value);
    return reader;
}

gboolean vault_keep_remove_reader(VaultKeep *keep, const RowId *id, GError **error)
{
    g_autoptr(VaultReaderValue) reader = NULL;
    gboolean is_removed;

    g_assert(keep->mode == VAULT_KEEP_WRITER);
    reader = read_reader(keep, id, error);
    if (reader == NULL)
        return FALSE;
    vault_recipients_wait(keep->recipients);
    vault_erasure_gate_close(keep->erasure_gate);
    is_removed = log_reader(keep, VAULT_LOGGED_READER_REMOVED, reader, error) &&
                 vault_readers_drop(keep, &reader->request_hash, error);
    vault_erasure_gate_open(keep->erasure_gate);
    return is_removed;
}
