/* A vault whose deliveries have terms, and what opens them, for the tests of terms in a vault.
 * Functions assert success. */
#pragma once

#include "tests/support/keep_damage.h"
#include "tests/support/terms_open.h"
#include "vault/keep/internal.h"
#include "vault/keep_terms.h"

#include <string.h>

#define ANNA "anna@example.org"
#define BERT "bert@example.org"

/* Allots as a delivery does, to one mailbox. */
static inline VaultAllotment terms_allot(VaultKeep *keep, const MailboxId *mailbox)
{
    VaultDepository *depository = vault_keep_depository(keep);
    g_autoptr(GError) error = NULL;
    guint64 received_s = keep_fixture_now();
    VaultAllotment allotment;
    guint32 flags;

    if (!depository->allot(depository, mailbox, 1, &received_s, &allotment, &flags, &error))
        fail_msg("%s", error->message);
    return allotment;
}

static inline GArray *terms_list(VaultKeep *keep, VaultTermsPosition *position)
{
    const VaultCopyFilter all = {.months = NULL};
    GArray *page = g_array_new(FALSE, FALSE, sizeof(VaultTermsEntry));
    g_autoptr(GError) error = NULL;
    gboolean is_more = TRUE;

    if (!vault_keep_terms(keep, &all, position, 100000, page, &is_more, &error))
        fail_msg("%s", error->message);
    assert_false(is_more);
    return page;
}

static inline GArray *terms_list_all(VaultKeep *keep)
{
    VaultTermsPosition position = {.catalog_mark = 0};

    return terms_list(keep, &position);
}

/* The index pair of a month, unwrapped with the master's secret. */
static inline void terms_unwrap(KeepFixture *fixture, const MonthKeyId *month_key_id,
                                SupportTermsKey *ret_key)
{
    g_autoptr(VaultMonthValue) month =
        vault_keyring_get_month(fixture->keep->keyring, month_key_id, NULL);
    g_autoptr(GPtrArray) months = NULL;

    assert_non_null(month);
    months = vault_keep_months(fixture->keep, &month->mailbox_id, 1, 0, G_MAXUINT64, NULL);
    assert_non_null(months);
    for (guint i = 0; i < months->len; i++) {
        const VaultMonthKeys *keys = g_ptr_array_index(months, i);
        VaultMonthIdentity identity = {.vault_id = fixture->keep->id,
                                       .mailbox_id = keys->mailbox_id,
                                       .address = keys->address,
                                       .month = keys->month};
        g_auto(ContentSecretKey) content = {{0}};

        if (VAULT_ID_EQUAL(keys->month_key_id, *month_key_id))
            assert_true(vault_month_unwrap(
                &identity, &keys->keys, &g_array_index(keys->wraps, VaultWrap, 0),
                fixture->master.secret_key.bytes, fixture->master.public.public_key.bytes, &content,
                &ret_key->secret, NULL));
    }
    ret_key->vault_id = fixture->keep->id;
    ret_key->month_key_id = *month_key_id;
    ret_key->public_key = month->keys.index;
}

/* With the slot of its own leaf, and the place that its locator names. */
static inline SupportTermsKey terms_key(KeepFixture *fixture, const VaultTermsEntry *entry)
{
    g_autoptr(VaultMonthValue) month =
        vault_keyring_get_month(fixture->keep->keyring, &entry->month_key_id, NULL);
    g_autoptr(GArray) parts = vault_keep_message(fixture->keep, &entry->body_id, NULL);
    SupportTermsKey key;

    assert_non_null(month);
    terms_unwrap(fixture, &entry->month_key_id, &key);
    assert_true(vault_erasure_tree_index_slot(month->tree, entry->leaf, &key.slot, NULL));
    for (guint i = 0; i < parts->len; i++) {
        const VaultMessagePart *part = &g_array_index(parts, VaultMessagePart, i);

        if (!VAULT_ID_EQUAL(part->record_id, entry->terms_id))
            continue;
        assert_int_equal(part->kind, VAULT_RECORD_TERMS_COPY);
        memcpy(key.enc, part->locator.enc, sizeof key.enc);
        key.step = part->locator.step;
    }
    return key;
}

static inline GBytes *terms_fetch(gpointer keep, const RecordId *record_id, gsize len_max,
                                  GError **error)
{
    return vault_keep_record(keep, record_id, len_max, error);
}

/* The terms as text, NULL when they do not open. */
static inline char *terms_open(KeepFixture *fixture, const SupportTermsKey *key,
                               const VaultTermsEntry *entry)
{
    VaultRecordSource records = {.fetch = terms_fetch, .user = fixture->keep};
    g_autoptr(GBytes) record = vault_keep_record(fixture->keep, &entry->terms_id, G_MAXSIZE, NULL);
    g_autoptr(GByteArray) terms = NULL;

    assert_non_null(record);
    terms = support_open_terms(key, record, &records, NULL);
    return terms == NULL ? NULL : g_strndup((const char *)terms->data, terms->len);
}
