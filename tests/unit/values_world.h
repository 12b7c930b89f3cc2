/* One sample of each value that the keyring seals, always the same: the vectors of
 * docs/formats/keyring.md, and the seeds of the fuzz target. */
#pragma once

#include "vault/base/bytes.h"
#include "vault/crypto/value.h"
#include "vault/store/keyring_values.h"
#include "vault/store/mailbox_value.h"
#include "vault/store/month_value.h"

#define SAMPLE_S G_GUINT64_CONSTANT(1795512600) /* 2026-11-24 09:30:00 */

static inline void sample_fill(void *bytes, guint8 value, gsize len)
{
    memset(bytes, value, len);
}

static inline GByteArray *sample_generation(void)
{
    VaultGenerationValue value = {.generation = 3, .created_s = SAMPLE_S};

    sample_fill(&value.vault_id, 0x11, VAULT_ID_LEN);
    sample_fill(&value.vault_row_key_id, 0x12, VAULT_ID_LEN);
    return vault_generation_value_format(&value);
}

static inline GByteArray *sample_master(void)
{
    VaultMasterValue value = {.state = VAULT_MASTER_RETIRED, .added_s = SAMPLE_S};

    sample_fill(&value.master.public_key, 0x21, VAULT_KEY_LEN);
    sample_fill(&value.master.verify_key, 0x22, VAULT_KEY_LEN);
    return vault_master_value_format(&value);
}

static inline GByteArray *sample_drilled_master(void)
{
    VaultMasterValue value = {
        .state = VAULT_MASTER_ACTIVE, .added_s = SAMPLE_S, .drilled_s = SAMPLE_S};

    sample_fill(&value.master.public_key, 0x21, VAULT_KEY_LEN);
    sample_fill(&value.master.verify_key, 0x22, VAULT_KEY_LEN);
    return vault_master_value_format(&value);
}

static inline GByteArray *sample_retiring_master(void)
{
    VaultMasterValue value = {.state = VAULT_MASTER_RETIRING, .added_s = SAMPLE_S};

    sample_fill(&value.master.public_key, 0x21, VAULT_KEY_LEN);
    sample_fill(&value.master.verify_key, 0x22, VAULT_KEY_LEN);
    sample_fill(&value.successor, 0x23, VAULT_ID_LEN);
    return vault_master_value_format(&value);
}

static inline GByteArray *sample_locator_key(void)
{
    LocatorKey key;

    sample_fill(&key, 0x31, VAULT_KEY_LEN);
    return vault_locator_key_value_format(&key);
}

static inline GByteArray *sample_event_key(void)
{
    RowKey key;

    sample_fill(&key, 0x91, VAULT_KEY_LEN);
    return vault_event_key_value_format(&key);
}

static inline GByteArray *sample_day_key(void)
{
    VaultDayKeyValue value = {.day = 20781};

    sample_fill(&value.key, 0x41, VAULT_KEY_LEN);
    return vault_day_key_value_format(&value);
}

static inline GByteArray *sample_log_key(void)
{
    VaultLogKeyValue value = {.created_s = SAMPLE_S};

    sample_fill(&value.signing, 0x51, sizeof value.signing);
    sample_fill(&value.verify, 0x52, VAULT_KEY_LEN);
    return vault_log_key_value_format(&value);
}

static inline GByteArray *sample_tombstone(void)
{
    VaultTombstoneValue value = {.month = 202611, .dropped_s = SAMPLE_S};

    sample_fill(&value.mailbox_id, 0x61, VAULT_ID_LEN);
    sample_fill(&value.event_id, 0x62, VAULT_ID_LEN);
    return vault_tombstone_value_format(&value);
}

static inline void sample_add_address(VaultMailboxValue *mailbox, const char *text,
                                      VaultAddressRank rank, guint64 until_s)
{
    VaultMailboxAddress *address = g_new0(VaultMailboxAddress, 1);

    address->address = g_strdup(text);
    address->rank = rank;
    address->from_s = SAMPLE_S;
    address->until_s = until_s;
    g_ptr_array_add(mailbox->addresses, address);
}

static inline VaultMailboxValue *sample_mailbox_new(void)
{
    VaultMailboxValue *value = vault_mailbox_value_new("a@example.org", SAMPLE_S);

    sample_fill(&value->mailbox_id, 0x71, VAULT_ID_LEN);
    sample_add_address(value, "ä@example.org", VAULT_ADDRESS_ALIAS, 0);
    sample_add_address(value, "old@example.org", VAULT_ADDRESS_PRIMARY, SAMPLE_S + 60);
    value->state = VAULT_MAILBOX_CLOSED;
    value->closed_s = SAMPLE_S + 3600;
    return value;
}

static inline GByteArray *sample_mailbox(void)
{
    g_autoptr(VaultMailboxValue) value = sample_mailbox_new();

    return vault_mailbox_value_format(value);
}

/* A tree of which nothing is punctured: version, one node, depth 0, first leaf 0, its key. */
static inline VaultErasureTree *sample_tree(void)
{
    guint8 bytes[1 + 4 + 1 + 4 + VAULT_KEY_LEN] = {1, 0, 0, 0, 1};

    sample_fill(bytes + 10, 0x81, VAULT_KEY_LEN);
    return vault_erasure_tree_parse(bytes, sizeof bytes, NULL);
}

static inline VaultMonthValue *sample_month_new(void)
{
    VaultMonthValue *value = g_new0(VaultMonthValue, 1);
    VaultWrap wraps[] = {{.kind = VAULT_WRAP_MASTER}, {.kind = VAULT_WRAP_STANDING_READER}};

    sample_fill(&value->mailbox_id, 0x71, VAULT_ID_LEN);
    value->month = 202611;
    value->address = g_strdup("a@example.org");
    value->created_s = SAMPLE_S;
    sample_fill(&value->keys.content, 0x82, VAULT_KEY_LEN);
    sample_fill(&value->keys.index, 0x83, VAULT_KEY_LEN);
    value->month_key_id = vault_month_key_id(&value->keys.content);
    value->wraps = g_array_new(FALSE, TRUE, sizeof(VaultWrap));
    for (guint8 i = 0; i < G_N_ELEMENTS(wraps); i++) {
        sample_fill(&wraps[i].key_id, (guint8)(0x84 + 3 * i), VAULT_ID_LEN);
        sample_fill(wraps[i].enc, (guint8)(0x85 + 3 * i), sizeof wraps[i].enc);
        sample_fill(wraps[i].ciphertext, (guint8)(0x86 + 3 * i), sizeof wraps[i].ciphertext);
        g_array_append_val(value->wraps, wraps[i]);
    }
    value->leaf_mark = 2 * VAULT_LEAF_BLOCK;
    value->tree = sample_tree();
    return value;
}

static inline GByteArray *sample_month(void)
{
    g_autoptr(VaultMonthValue) value = sample_month_new();

    return vault_month_value_format(value);
}
