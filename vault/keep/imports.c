#include "vault/keep/imports.h"

#include "vault/crypto/value.h"
#include "vault/keep/tags.h"

#define DAY_S 86400

typedef struct {
    VaultClock *clock;
    const RowId *import_id; /* NULL: only expire */
    DayKey *ret_key;
    GArray *expired; /* RowId */
    guint32 today;
} ImportJob;

static gboolean note_expired(const RowId *row_id, const GByteArray *value, gpointer user,
                             GError **error)
{
    ImportJob *job = user;
    g_auto(VaultDayKeyValue) row = {0};

    if (!vault_day_key_value_parse(value->data, value->len, &row, error))
        return FALSE;
    if (row.day + VAULT_DAY_KEY_DAYS < job->today)
        g_array_append_val(job->expired, *row_id);
    return TRUE;
}

static gboolean drop_expired(VaultKeyring *keyring, ImportJob *job, GError **error)
{
    guint64 good_s, now_s = vault_clock_now_s(job->clock);
    gboolean may_drop = vault_clock_judge(job->clock, now_s, &good_s) == VAULT_CLOCK_GOOD;

    job->today = (guint32)(good_s / DAY_S);
    g_array_set_size(job->expired, 0);
    if (!may_drop)
        return TRUE;
    if (!vault_keyring_each(keyring, VAULT_KEYRING_IMPORT_KEYS, note_expired, job, error))
        return FALSE;
    for (guint i = 0; i < job->expired->len; i++)
        if (!vault_keyring_remove(keyring, VAULT_KEYRING_IMPORT_KEYS,
                                  &g_array_index(job->expired, RowId, i), error))
            return FALSE;
    return TRUE;
}

static gboolean read_key(VaultKeyring *keyring, ImportJob *job, GError **error)
{
    GByteArray *value =
        vault_keyring_get(keyring, VAULT_KEYRING_IMPORT_KEYS, job->import_id, error);
    g_auto(VaultDayKeyValue) row = {0};
    gboolean is_read;

    if (value == NULL)
        return FALSE;
    is_read = vault_day_key_value_parse(value->data, value->len, &row, error);
    vault_value_free(value);
    *job->ret_key = row.key;
    return is_read;
}

static gboolean make_key(VaultKeyring *keyring, ImportJob *job, GError **error)
{
    g_auto(VaultDayKeyValue) row = {.day = job->today};
    GByteArray *value;
    gboolean is_put;

    vault_random(row.key.bytes, sizeof row.key.bytes);
    value = vault_day_key_value_format(&row);
    is_put = vault_keyring_put(keyring, VAULT_KEYRING_IMPORT_KEYS, job->import_id, value, error);
    vault_value_free(value);
    *job->ret_key = row.key;
    return is_put;
}

static gboolean run_job(VaultKeyring *keyring, gpointer user, GError **error)
{
    ImportJob *job = user;
    gboolean has;

    if (!drop_expired(keyring, job, error))
        return FALSE;
    if (job->import_id == NULL)
        return TRUE;
    if (!vault_keyring_has(keyring, VAULT_KEYRING_IMPORT_KEYS, job->import_id, &has, error))
        return FALSE;
    return has ? read_key(keyring, job, error) : make_key(keyring, job, error);
}

static gboolean run(VaultKeyringBatch *batch, VaultClock *clock, const RowId *import_id,
                    DayKey *ret_key, GError **error)
{
    g_autoptr(GArray) expired = g_array_new(FALSE, FALSE, sizeof(RowId));
    ImportJob job = {
        .clock = clock, .import_id = import_id, .ret_key = ret_key, .expired = expired};

    return vault_keyring_batch_run(batch, run_job, &job, error);
}

gboolean vault_imports_begin(VaultKeyringBatch *batch, VaultClock *clock, const RowId *import_id,
                             DayKey *ret_key, GError **error)
{
    return run(batch, clock, import_id, ret_key, error);
}

gboolean vault_imports_expire(VaultKeyringBatch *batch, VaultClock *clock, GError **error)
{
    return run(batch, clock, NULL, NULL, error);
}
