/* A view of a vault that is not there: entries and records made from numbers, and counts of what
 * was asked for. For tests of what speaks to a view, and of what carries one elsewhere. */
#pragma once

#include "restore/vault_view_backend.h"

#include <string.h>

#define FAKE_VIEW_COPIES_MAX 10000
#define FAKE_VIEW_COPY_LEN 300
#define FAKE_VIEW_BATCH_MAX 40000             /* of these 26 do not fit into one answer */
#define FAKE_VIEW_LARGE_LEN ((5u << 19) + 77) /* over two blocks of a read */

typedef struct {
    guint copy_count;
    guint month_count; /* of a standing reader */
    gboolean has_grant;
    GMutex lock;
    GHashTable *reads; /* RecordId -> how often its length was asked */
    guint release_count, log_count, case_key_count;
    gboolean is_closed;
    gboolean has_no_log;
    gint find_count;
    VaultErrorCode fails_with; /* of releases, when `is_failing` */
    gboolean is_failing;
} FakeVault;

static inline RecordId fake_id(char kind, guint number)
{
    RecordId id = {{0}};

    id.bytes[0] = (guint8)kind;
    id.bytes[1] = (guint8)(number >> 16);
    id.bytes[2] = (guint8)(number >> 8);
    id.bytes[3] = (guint8)number;
    return id;
}

static inline guint fake_number(const RecordId *id)
{
    return (guint)id->bytes[1] << 16 | (guint)id->bytes[2] << 8 | id->bytes[3];
}

/* Every body belongs to two copies; every tenth body is large. */
static inline guint64 fake_len(const RecordId *id)
{
    if (id->bytes[0] == 'c')
        return FAKE_VIEW_COPY_LEN;
    return fake_number(id) % 10 == 9 ? FAKE_VIEW_LARGE_LEN : 1000 + fake_number(id);
}

static inline guint8 fake_byte(const RecordId *id, guint64 offset)
{
    return (guint8)(fake_number(id) * 31 + id->bytes[0] + offset + offset / 251);
}

static inline VaultCopyEntry fake_entry(guint number)
{
    VaultCopyEntry entry = {.record_id = fake_id('c', number),
                            .body_id = fake_id('b', number / 2),
                            .leaf = number,
                            .received_s = 1000 + number / 3,
                            .copy_len = FAKE_VIEW_COPY_LEN};

    entry.body_len = fake_len(&entry.body_id);
    return entry;
}

static inline gboolean fake_present(gpointer self, GBytes *grant, GError **error)
{
    FakeVault *vault = self;

    vault->has_grant =
        g_bytes_get_size(grant) > 3 && memcmp(g_bytes_get_data(grant, NULL), "good", 4) == 0;
    if (!vault->has_grant)
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_REFUSED, "the grant is not good");
    return vault->has_grant;
}

static inline gboolean fake_list(gpointer self, const VaultViewFilter *filter,
                                 VaultViewPosition *position, gsize max, GArray *page,
                                 GError **error)
{
    FakeVault *vault = self;
    guint number = position->is_set ? fake_number(&position->record_id) + 1 : 0;

    g_assert(vault->has_grant);
    for (; number < vault->copy_count && max > 0; number++, max--) {
        VaultCopyEntry entry = fake_entry(number);

        g_array_append_val(page, entry);
        *position = (VaultViewPosition){
            .is_set = TRUE, .received_s = entry.received_s, .record_id = entry.record_id};
    }
    return TRUE;
}

/* One month of each mailbox, by rising ids. */
static inline VaultMonthKeys *fake_month(guint number)
{
    VaultMonthKeys *month = g_new0(VaultMonthKeys, 1);
    VaultWrap wrap = {.kind = VAULT_WRAP_STANDING_READER};
    RecordId id = fake_id('m', number);

    memcpy(month->mailbox_id.bytes, id.bytes, VAULT_ID_LEN);
    memcpy(month->keys.content.bytes, id.bytes, VAULT_ID_LEN);
    month->month = 202611;
    month->month_key_id = vault_month_key_id(&month->keys.content);
    month->address = g_strdup_printf("m%u@example.org", number);
    memset(wrap.ciphertext, (int)number, sizeof wrap.ciphertext);
    month->wraps = g_array_new(FALSE, FALSE, sizeof wrap);
    g_array_append_val(month->wraps, wrap);
    return month;
}

static inline gboolean fake_months(gpointer self, VaultReaderPosition *position, gsize max,
                                   GPtrArray *page, GError **error)
{
    FakeVault *vault = self;
    RecordId id = {{0}};
    guint number = 0;

    g_assert(vault->has_grant);
    memcpy(id.bytes, position->mailbox_id.bytes, VAULT_ID_LEN);
    if (position->is_set)
        number = fake_number(&id) + 1;
    for (gsize i = 0; i < max && number < vault->month_count; i++, number++) {
        VaultMonthKeys *month = fake_month(number);

        g_ptr_array_add(page, month);
        *position = (VaultReaderPosition){TRUE, month->mailbox_id, month->month_key_id};
    }
    return TRUE;
}

static inline gboolean fake_find_mailbox(gpointer self, const char *name, MailboxId *ret_id,
                                         GError **error)
{
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND, "no mailbox");
    return FALSE;
}

static inline VaultViewAnswer fake_has_message(gpointer self, const RecordId *archive_id)
{
    return VAULT_VIEW_IS_NOT_THERE;
}

static inline const VaultId *fake_vault_id(gpointer self)
{
    static const VaultId id = {{'v'}};

    return &id;
}

static inline GArray *fake_masters(gpointer self, GError **error)
{
    GArray *masters = g_array_new(FALSE, TRUE, sizeof(MasterPublic));

    g_array_set_size(masters, 2);
    g_array_index(masters, MasterPublic, 1).verify_key.bytes[31] = 7;
    return masters;
}

/* The ids themselves stand for the sealed release. */
static inline GBytes *fake_release(gpointer self, const RecordId *copies, gsize count,
                                   GError **error)
{
    FakeVault *vault = self;

    g_assert(vault->has_grant);
    vault->release_count++;
    if (!vault->is_failing)
        return g_bytes_new(copies, count * sizeof *copies);
    g_set_error_literal(error, VAULT_ERROR, (gint)vault->fails_with, "told by the host");
    return NULL;
}

static inline gboolean fake_log(gpointer self, VaultLoggedAct act, const char *text, GError **error)
{
    FakeVault *vault = self;

    g_assert(vault->has_grant);
    vault->log_count++;
    return TRUE;
}

/* Records whose hash begins with less than 0x80 are in the log: in batch 10 + that byte, of epoch 1
 * when it is even and 2 when it is odd. Batches have entries of the length of their index, from 10
 * on. */
static inline gboolean fake_find(gpointer user, const VaultHash *record_hash,
                                 ProofMessage *ret_message, GError **error)
{
    FakeVault *vault = user;

    g_assert(vault->has_grant);
    g_atomic_int_inc(&vault->find_count);
    ret_message->is_in_log = record_hash->bytes[0] < 0x80;
    ret_message->batch = (ProofBatchId){.epoch = 1 + record_hash->bytes[0] % 2,
                                        .index = 10u + record_hash->bytes[0]};
    ret_message->place = record_hash->bytes[1];
    ret_message->path = (VaultMerkleProof){.count = record_hash->bytes[2] % 17};
    return TRUE;
}

static inline ProofBatch *fake_batch(const ProofBatchId *id)
{
    static const VaultId vault_id = {{7}};
    g_autofree char *origin = vault_log_origin(&vault_id, VAULT_LOG_ARCHIVE, id->epoch);
    g_autofree char *note =
        g_strdup_printf("%s\n100\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n"
                        "\xe2\x80\x94 %s AAAAAAAA\n",
                        origin, origin);
    g_autofree guint8 *bytes = g_malloc0(id->index);
    VaultMerkleProof path = {.count = 2};
    VaultTlogProof *proof = vault_tlog_proof_new(id->index, &path, note, strlen(note), NULL);

    g_assert(proof != NULL);
    return proof_batch_new(g_bytes_new(bytes, id->index), proof);
}

static inline GPtrArray *fake_batches(gpointer user, const ProofBatchId *ids, gsize count,
                                      GError **error)
{
    g_autoptr(GPtrArray) batches = g_ptr_array_new_with_free_func((GDestroyNotify)proof_batch_free);

    for (gsize i = 0; i < count; i++) {
        if (ids[i].index < 10 || ids[i].index > FAKE_VIEW_BATCH_MAX) {
            g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND, "no such entry");
            return NULL;
        }
        g_ptr_array_add(batches, fake_batch(&ids[i]));
    }
    return g_steal_pointer(&batches);
}

static inline gboolean fake_proofs(gpointer self, ProofSource *ret_proofs, GError **error)
{
    FakeVault *vault = self;

    g_assert(vault->has_grant);
    if (vault->has_no_log)
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND, "no log yet");
    *ret_proofs = (ProofSource){.find = fake_find, .batches = fake_batches, .user = vault};
    return !vault->has_no_log;
}

static inline gboolean fake_close(gpointer self, GError **error)
{
    ((FakeVault *)self)->is_closed = TRUE;
    return TRUE;
}

static inline void fake_free(gpointer self)
{
}

static inline gboolean fake_record_len(gpointer self, const RecordId *record_id, guint64 *ret_len,
                                       GError **error)
{
    FakeVault *vault = self;

    g_assert(vault->has_grant);
    if ((record_id->bytes[0] != 'c' && record_id->bytes[0] != 'b') ||
        fake_number(record_id) >= vault->copy_count) {
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_REFUSED, "not released");
        return FALSE;
    }
    g_mutex_lock(&vault->lock);
    g_hash_table_insert(
        vault->reads, g_memdup2(record_id, sizeof *record_id),
        GUINT_TO_POINTER(GPOINTER_TO_UINT(g_hash_table_lookup(vault->reads, record_id)) + 1));
    g_mutex_unlock(&vault->lock);
    *ret_len = fake_len(record_id);
    return TRUE;
}

static inline gboolean fake_record_read(gpointer self, const RecordId *record_id, guint64 offset,
                                        gsize len, guint8 *ret_bytes, GError **error)
{
    g_assert(offset + len <= fake_len(record_id));
    for (gsize i = 0; i < len; i++)
        ret_bytes[i] = fake_byte(record_id, offset + i);
    return TRUE;
}

/* Every copy has terms but the tenth of ten; positions count copies. */
static inline VaultTermsEntry fake_terms_entry(guint number)
{
    VaultTermsEntry entry = {.copy_id = fake_id('c', number),
                             .body_id = fake_id('b', number / 2),
                             .leaf = number,
                             .received_s = 1000 + number / 3};

    if (number % 10 != 9)
        entry.terms_id = fake_id('t', number);
    return entry;
}

#define FAKE_VIEW_CATALOG 77 /* its mark */

static inline gboolean fake_list_terms(gpointer self, const VaultViewFilter *filter,
                                       VaultTermsPosition *position, gsize max, GArray *page,
                                       gboolean *ret_is_more, GError **error)
{
    FakeVault *vault = self;
    gboolean is_known = position->catalog_mark == FAKE_VIEW_CATALOG;
    guint64 number = is_known ? MIN(position->sequence, vault->copy_count) : 0;

    g_assert(vault->has_grant);
    for (; number < vault->copy_count && max > 0; number++, max--) {
        VaultTermsEntry entry = fake_terms_entry((guint)number);

        g_array_append_val(page, entry);
    }
    *ret_is_more = number < vault->copy_count;
    *position =
        (VaultTermsPosition){.catalog_mark = FAKE_VIEW_CATALOG,
                             .sequence = is_known ? MAX(position->sequence, number) : number,
                             .is_anew = !is_known};
    return TRUE;
}

/* Records of terms copies, of which every seventh cannot be had. */
static inline gboolean fake_read_terms(gpointer self, const RecordId *terms_copies, gsize count,
                                       GBytes **ret_records, GError **error)
{
    FakeVault *vault = self;

    g_assert(vault->has_grant);
    for (gsize i = 0; i < count; i++) {
        guint number = fake_number(&terms_copies[i]);

        if (number % 7 != 6)
            ret_records[i] = g_bytes_new_take(g_strnfill(3000 + number, 't'), 3000 + number);
    }
    return TRUE;
}

static inline GBytes *fake_case_key(gpointer self, GError **error)
{
    FakeVault *vault = self;

    g_assert(vault->has_grant);
    vault->case_key_count++;
    return g_bytes_new_static("a sealed key", 12);
}

static inline VaultView *fake_view_new(FakeVault *vault)
{
    static const VaultViewBackend backend = {
        .present = fake_present,
        .list = fake_list,
        .months = fake_months,
        .find_mailbox = fake_find_mailbox,
        .has_message = fake_has_message,
        .id = fake_vault_id,
        .masters = fake_masters,
        .free = fake_free,
        .release = fake_release,
        .log = fake_log,
        .proofs = fake_proofs,
        .close = fake_close,
        .list_terms = fake_list_terms,
        .release_terms = fake_release,
        .read_terms = fake_read_terms,
        .case_key = fake_case_key,
        .records = {.length = fake_record_len, .read = fake_record_read},
    };

    vault_crypto_init(); /* ids of keys are hashes */
    vault->reads = g_hash_table_new_full(vault_id_hash, vault_id_equal, g_free, NULL);
    return vault_view_new(&backend, vault);
}

static inline void fake_vault_clear(FakeVault *vault)
{
    g_clear_pointer(&vault->reads, g_hash_table_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(FakeVault, fake_vault_clear)
