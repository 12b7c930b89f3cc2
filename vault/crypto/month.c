#include "vault/crypto/month.h"

#include "vault/base/bytes.h"
#include "vault/crypto/hash_internal.h"
#include "vault/crypto/hpke.h"
#include "vault/crypto/month_internal.h"

#include <time.h>

#define LABEL_CONTENT "muniment month content key"
#define LABEL_INDEX "muniment month index key"
#define LABEL_WRAP "muniment month wrap"

G_STATIC_ASSERT(sizeof(((VaultWrap *)0)->enc) == VAULT_HPKE_ENC_LEN);

static const VaultSpan empty = {"", 0};

static void derive_pair(const MonthSeed *seed, VaultSpan label,
                        guint8 ret_secret_key[VAULT_KEY_LEN], guint8 ret_public_key[VAULT_KEY_LEN])
{
    guint8 ikm[VAULT_KEY_LEN];

    vault_hkdf(&empty, &VAULT_SPAN(seed->bytes), &label, ikm, sizeof ikm);
    vault_hpke_derive_key_pair(ikm, sizeof ikm, ret_secret_key, ret_public_key);
    vault_wipe(ikm, sizeof ikm);
}

void vault_month_derive(const MonthSeed *seed, MonthPairs *ret_pairs)
{
    derive_pair(seed, VAULT_SPAN_TEXT(LABEL_CONTENT), ret_pairs->content_secret.bytes,
                ret_pairs->public.content.bytes);
    derive_pair(seed, VAULT_SPAN_TEXT(LABEL_INDEX), ret_pairs->index_secret.bytes,
                ret_pairs->public.index.bytes);
}

GByteArray *vault_month_wrap_info(const VaultMonthIdentity *identity, const MonthPublicKeys *keys,
                                  const KeyId *recipient)
{
    GByteArray *info = g_byte_array_sized_new(256);

    g_byte_array_append(info, (const guint8 *)LABEL_WRAP, sizeof(LABEL_WRAP) - 1);
    vault_bytes_append_u16(info, VAULT_SUITE_X25519);
    g_byte_array_append(info, identity->vault_id.bytes, VAULT_ID_LEN);
    g_byte_array_append(info, identity->mailbox_id.bytes, VAULT_ID_LEN);
    vault_bytes_append_string16(info, identity->address);
    vault_bytes_append_u32(info, identity->month);
    g_byte_array_append(info, recipient->bytes, VAULT_ID_LEN);
    g_byte_array_append(info, keys->content.bytes, VAULT_KEY_LEN);
    g_byte_array_append(info, keys->index.bytes, VAULT_KEY_LEN);
    return info;
}

static gboolean role_of_kind(guint8 kind, VaultKeyRole *ret_role)
{
    switch (kind) {
    case VAULT_WRAP_MASTER:
        *ret_role = VAULT_ROLE_MASTER;
        return TRUE;
    case VAULT_WRAP_STANDING_READER:
        *ret_role = VAULT_ROLE_READER;
        return TRUE;
    default:
        return FALSE;
    }
}

static gboolean is_key_id_of(guint8 kind, const KeyId *key_id,
                             const guint8 public_key[VAULT_KEY_LEN])
{
    VaultKeyRole role;
    KeyId expected;

    if (!role_of_kind(kind, &role))
        return FALSE;
    expected = vault_key_id(role, public_key);
    return VAULT_ID_EQUAL(*key_id, expected);
}

static gboolean check_address(const VaultMonthIdentity *identity, GError **error)
{
    if (strlen(identity->address) <= VAULT_ADDRESS_LEN_MAX)
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE,
                "a mailbox address is longer than %d bytes", VAULT_ADDRESS_LEN_MAX);
    return FALSE;
}

static gboolean check_recipients(const VaultWrapRecipient *recipients, gsize count, GError **error)
{
    if (count == 0 || count > VAULT_WRAPS_MAX) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                    "a month's seed is wrapped to 1 to %d recipients, not %" G_GSIZE_FORMAT,
                    VAULT_WRAPS_MAX, count);
        return FALSE;
    }
    for (gsize i = 0; i < count; i++) {
        if (is_key_id_of((guint8)recipients[i].kind, &recipients[i].key_id,
                         recipients[i].public_key))
            continue;
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                    "recipient %s of a wrap has a key that is not the one of its id and kind",
                    VAULT_ID_TEXT(recipients[i].key_id));
        return FALSE;
    }
    return TRUE;
}

static gboolean wrap_seed(const VaultMonthIdentity *identity, const MonthPublicKeys *keys,
                          const VaultWrapRecipient *recipient, const MonthSeed *seed,
                          VaultWrap *ret_wrap, GError **error)
{
    g_autoptr(GByteArray) info = vault_month_wrap_info(identity, keys, &recipient->key_id);
    VaultHpkeParameters parameters = {.info = {info->data, info->len}};
    g_auto(VaultHpkeContext) sealer = {0};

    ret_wrap->kind = (guint8)recipient->kind;
    ret_wrap->key_id = recipient->key_id;
    if (!vault_hpke_setup_sender(recipient->public_key, &parameters, ret_wrap->enc, &sealer, error))
        return FALSE;
    vault_hpke_seal(&sealer, &empty, seed->bytes, sizeof seed->bytes, ret_wrap->ciphertext);
    return TRUE;
}

gboolean vault_month_create(const VaultMonthIdentity *identity,
                            const VaultWrapRecipient *recipients, gsize count,
                            MonthPublicKeys *ret_keys, VaultWrap *ret_wraps, GError **error)
{
    g_auto(MonthSeed) seed = {0};
    g_auto(MonthPairs) pairs = {0};

    g_assert(vault_month_is_valid(identity->month));
    if (!check_address(identity, error) || !check_recipients(recipients, count, error))
        return FALSE;
    vault_random(seed.bytes, sizeof seed.bytes);
    vault_month_derive(&seed, &pairs);
    vault_report_secret("month-seed", seed.bytes, sizeof seed.bytes);
    vault_report_secret("content-secret", pairs.content_secret.bytes, VAULT_KEY_LEN);
    vault_report_secret("index-secret", pairs.index_secret.bytes, VAULT_KEY_LEN);
    *ret_keys = pairs.public;
    for (gsize i = 0; i < count; i++) {
        if (!wrap_seed(identity, ret_keys, &recipients[i], &seed, &ret_wraps[i], error))
            return FALSE;
    }
    return TRUE;
}

static gboolean open_seed(const VaultMonthIdentity *identity, const MonthPublicKeys *keys,
                          const VaultWrap *wrap, const guint8 recipient_secret_key[VAULT_KEY_LEN],
                          const guint8 recipient_public_key[VAULT_KEY_LEN], MonthSeed *ret_seed,
                          GError **error)
{
    g_autoptr(GByteArray) info = vault_month_wrap_info(identity, keys, &wrap->key_id);
    VaultHpkeParameters parameters = {.info = {info->data, info->len}};
    g_auto(VaultHpkeContext) opener = {0};

    return vault_hpke_setup_receiver(wrap->enc, recipient_secret_key, recipient_public_key,
                                     &parameters, &opener, error) &&
           vault_hpke_open(&opener, &empty, wrap->ciphertext, sizeof wrap->ciphertext,
                           ret_seed->bytes, error);
}

/* Seed and pairs of a wrap that is for this key and of the month that it is said to be. */
static gboolean open_wrap(const VaultMonthIdentity *identity, const MonthPublicKeys *keys,
                          const VaultWrap *wrap, const guint8 recipient_secret_key[VAULT_KEY_LEN],
                          const guint8 recipient_public_key[VAULT_KEY_LEN], MonthSeed *ret_seed,
                          MonthPairs *ret_pairs, GError **error)
{
    if (!check_address(identity, error))
        return FALSE;
    if (!is_key_id_of(wrap->kind, &wrap->key_id, recipient_public_key)) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_NO_KEY,
                    "the wrap is for key %s, which is another one than this",
                    VAULT_ID_TEXT(wrap->key_id));
        return FALSE;
    }
    if (!open_seed(identity, keys, wrap, recipient_secret_key, recipient_public_key, ret_seed,
                   error))
        return FALSE;
    vault_month_derive(ret_seed, ret_pairs);
    /* Who wrapped may have named public keys that are not the seed's own. */
    if (memcmp(&ret_pairs->public, keys, sizeof *keys) == 0)
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_NO_KEY,
                "the wrapped seed is not the one of the month's public keys");
    return FALSE;
}

gboolean vault_month_unwrap(const VaultMonthIdentity *identity, const MonthPublicKeys *keys,
                            const VaultWrap *wrap, const guint8 recipient_secret_key[VAULT_KEY_LEN],
                            const guint8 recipient_public_key[VAULT_KEY_LEN],
                            ContentSecretKey *ret_content, IndexSecretKey *ret_index,
                            GError **error)
{
    g_auto(MonthSeed) seed = {0};
    g_auto(MonthPairs) pairs = {0};

    if (!open_wrap(identity, keys, wrap, recipient_secret_key, recipient_public_key, &seed, &pairs,
                   error))
        return FALSE;
    *ret_content = pairs.content_secret;
    *ret_index = pairs.index_secret;
    return TRUE;
}

gboolean vault_month_rewrap(const VaultMonthIdentity *identity, const MonthPublicKeys *keys,
                            const VaultWrap *wrap, const guint8 own_secret_key[VAULT_KEY_LEN],
                            const guint8 own_public_key[VAULT_KEY_LEN],
                            const VaultWrapRecipient *recipient, VaultWrap *ret_wrap,
                            GError **error)
{
    g_auto(MonthSeed) seed = {0};
    g_auto(MonthPairs) pairs = {0};

    return check_recipients(recipient, 1, error) &&
           open_wrap(identity, keys, wrap, own_secret_key, own_public_key, &seed, &pairs, error) &&
           wrap_seed(identity, keys, recipient, &seed, ret_wrap, error);
}

gboolean vault_month_is_valid(VaultMonth month)
{
    return month >= VAULT_MONTH_MIN && month <= VAULT_MONTH_MAX && month % 100 >= 1 &&
           month % 100 <= 12;
}

VaultMonth vault_month_of_time(guint64 time_s)
{
    time_t time = (time_t)time_s;
    struct tm utc;

    if (time_s >= vault_month_start(VAULT_MONTH_MAX))
        return VAULT_MONTH_MAX;
    gmtime_r(&time, &utc);
    return (VaultMonth)(utc.tm_year + 1900) * 100 + (VaultMonth)utc.tm_mon + 1;
}

guint64 vault_month_start(VaultMonth month)
{
    struct tm utc = {
        .tm_year = (int)(month / 100) - 1900, .tm_mon = (int)(month % 100) - 1, .tm_mday = 1};

    g_assert(vault_month_is_valid(month));
    return (guint64)timegm(&utc);
}

VaultMonth vault_month_next(VaultMonth month)
{
    g_assert(vault_month_is_valid(month) && month < VAULT_MONTH_MAX);
    return (month % 100 == 12) ? month + 100 - 11 : month + 1;
}

gboolean vault_month_overlaps(VaultMonth month, guint64 from_s, guint64 to_s)
{
    return vault_month_start(month) < to_s &&
           (month == VAULT_MONTH_MAX || vault_month_start(vault_month_next(month)) > from_s);
}
