/* One sample of each value of the registry and of a keyring copy's trailer, always the same. */
#pragma once

#include "tests/unit/values_world.h"
#include "vault/holder/keyring_copy.h"
#include "vault/store/custody_values.h"

static inline VaultKeyDigest sample_digest(guint32 generation, guint8 fill)
{
    VaultKeyDigest digest = {.generation = generation};

    sample_fill(digest.digest, fill, VAULT_KEY_DIGEST_LEN);
    return digest;
}

static inline GByteArray *sample_holder(void)
{
    VaultHolderValue value = {.name = "safe",
                              .kind = 2,
                              .place = (char *)"/mnt/s",
                              .added_s = SAMPLE_S,
                              .seen_s = SAMPLE_S,
                              .disk = VAULT_DISK_OTHER,
                              .count = 2};

    sample_fill(value.escrow_key, 0xa1, VAULT_KEY_LEN);
    value.keys[0] = sample_digest(3, 0xa2);
    value.keys[1] = sample_digest(4, 0xa3);
    return vault_holder_value_format(&value);
}

static inline GByteArray *sample_copy_value(void)
{
    VaultCopyValue value = {.name = "nas",
                            .kind = 1,
                            .place = (char *)"/mnt/n",
                            .added_s = SAMPLE_S,
                            .disk = VAULT_DISK_OTHER,
                            .copied_s = SAMPLE_S};

    sample_fill(&value.place_id, 0xb1, VAULT_ID_LEN);
    value.key = sample_digest(3, 0xa2);
    return vault_copy_value_format(&value);
}

static inline GByteArray *sample_declaration(void)
{
    VaultDeclarationValue value = {.name = "vm", .keep_days = 30, .declared_s = SAMPLE_S};

    return vault_declaration_value_format(&value);
}

static inline GByteArray *sample_trailer(void)
{
    VaultKeyringCopy copy = {.time_s = SAMPLE_S, .keyring_len = 4096};
    GByteArray *bytes = g_byte_array_new();

    sample_fill(&copy.vault_id, 0xc1, VAULT_ID_LEN);
    sample_fill(&copy.place_id, 0xb1, VAULT_ID_LEN);
    sample_fill(&copy.hash, 0xc2, VAULT_HASH_LEN);
    copy.key = sample_digest(3, 0xa2);
    g_byte_array_set_size(bytes, VAULT_KEYRING_COPY_TRAILER_LEN);
    vault_keyring_copy_format(&copy, bytes->data);
    return bytes;
}

/* Parses, and formats what was parsed. NULL with the error when it does not parse. */
static inline GByteArray *holder_again(const guint8 *bytes, gsize len, GError **error)
{
    g_autoptr(VaultHolderValue) value = vault_holder_value_parse(bytes, len, error);

    return value == NULL ? NULL : vault_holder_value_format(value);
}

static inline GByteArray *copy_value_again(const guint8 *bytes, gsize len, GError **error)
{
    g_autoptr(VaultCopyValue) value = vault_copy_value_parse(bytes, len, error);

    return value == NULL ? NULL : vault_copy_value_format(value);
}

static inline GByteArray *declaration_again(const guint8 *bytes, gsize len, GError **error)
{
    VaultDeclarationValue value;

    return vault_declaration_value_parse(bytes, len, &value, error)
               ? vault_declaration_value_format(&value)
               : NULL;
}

static inline GByteArray *trailer_again(const guint8 *bytes, gsize len, GError **error)
{
    VaultKeyringCopy copy;
    GByteArray *again;

    if (!vault_keyring_copy_parse(bytes, len, &copy, error))
        return NULL;
    again = g_byte_array_new();
    g_byte_array_set_size(again, VAULT_KEYRING_COPY_TRAILER_LEN);
    vault_keyring_copy_format(&copy, again->data);
    return again;
}

typedef GByteArray *(*CustodyAgain)(const guint8 *bytes, gsize len, GError **error);
