/* The keyring's values, copy contents, erasure trees and key files: the first byte says which. What
 * is accepted of the binary ones is formatted again to the same bytes; a key file may have CR LF
 * and capital digits, so that it is formatted to the one form, which reads and formats the same. */
#include "vault/crypto/copy_content.h"
#include "vault/crypto/erasure_tree.h"
#include "vault/crypto/escrow.h"
#include "vault/crypto/value.h"
#include "vault/store/keyring_values.h"
#include "vault/store/mailbox_value.h"
#include "vault/store/month_value.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

static void check_same(GByteArray *again, const guint8 *bytes, gsize len)
{
    g_assert(again != NULL && again->len == len && memcmp(again->data, bytes, len) == 0);
    vault_value_free(again);
}

/* ---- values of the keyring ---- */

#define TRY_VALUE(name, Type, prefix)                                                              \
    static void name(const guint8 *bytes, gsize len)                                               \
    {                                                                                              \
        g_autoptr(GError) error = NULL;                                                            \
        Type value;                                                                                \
        gboolean is_parsed = prefix##_parse(bytes, len, &value, &error);                           \
                                                                                                   \
        g_assert(is_parsed == (error == NULL));                                                    \
        if (is_parsed)                                                                             \
            check_same(prefix##_format(&value), bytes, len);                                       \
    }

TRY_VALUE(try_generation, VaultGenerationValue, vault_generation_value)
TRY_VALUE(try_master_value, VaultMasterValue, vault_master_value)
TRY_VALUE(try_locator_key, LocatorKey, vault_locator_key_value)
TRY_VALUE(try_event_key, RowKey, vault_event_key_value)
TRY_VALUE(try_day_key, VaultDayKeyValue, vault_day_key_value)
TRY_VALUE(try_log_key, VaultLogKeyValue, vault_log_key_value)
TRY_VALUE(try_tombstone, VaultTombstoneValue, vault_tombstone_value)

static void try_mailbox(const guint8 *bytes, gsize len)
{
    static const MailboxId id = {{1}};
    g_autoptr(GError) error = NULL;
    g_autoptr(VaultMailboxValue) value = vault_mailbox_value_parse(&id, bytes, len, &error);

    g_assert((value == NULL) == (error != NULL));
    if (value != NULL)
        check_same(vault_mailbox_value_format(value), bytes, len);
}

/* What is of version 1 is written as version 2, which then comes back. */
static void try_month(const guint8 *bytes, gsize len)
{
    static const MailboxId id = {{0x71, 0x71, 0x71, 0x71, 0x71, 0x71, 0x71, 0x71, 0x71, 0x71, 0x71,
                                  0x71, 0x71, 0x71, 0x71, 0x71}};
    g_autoptr(GError) error = NULL;
    g_autoptr(VaultMonthValue) value = vault_month_value_parse(&id, bytes, len, &error);
    g_autoptr(VaultMonthValue) again = NULL;
    GByteArray *second;

    g_assert((value == NULL) == (error != NULL));
    if (value == NULL)
        return;
    value->created_s &= (G_GUINT64_CONSTANT(1) << 40) - 1;
    second = vault_month_value_format(value);
    again = vault_month_value_parse(&id, second->data, second->len, NULL);
    g_assert(again != NULL);
    if (bytes[0] == 2)
        check_same(vault_month_value_format(value), bytes, len);
    check_same(vault_month_value_format(again), second->data, second->len);
    vault_value_free(second);
}

static void try_tree(const guint8 *bytes, gsize len)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VaultErasureTree) tree = vault_erasure_tree_parse(bytes, len, &error);
    GByteArray *again = g_byte_array_new();

    g_assert((tree == NULL) == (error != NULL));
    if (tree == NULL) {
        g_byte_array_unref(again);
        return;
    }
    vault_erasure_tree_format(tree, again);
    check_same(again, bytes, len);
}

/* ---- copies ---- */

static void try_copy(const guint8 *bytes, gsize len)
{
    g_autoptr(GError) error = NULL;
    g_auto(VaultBodyReference) body = {.compression = 0};
    const guint8 *facts = NULL;
    gsize facts_len = 0;
    gboolean is_parsed = vault_copy_content_parse(bytes, len, &body, &facts, &facts_len, &error);

    g_assert(is_parsed == (error == NULL));
    if (!is_parsed)
        return;
    g_assert(facts >= bytes && facts_len <= len - (gsize)(facts - bytes));
    check_same(vault_copy_content_format(&body, facts, facts_len, NULL), bytes, len);
}

/* ---- key files ---- */

/* What a parser accepted and formatted to `form`; parsed and formatted once more it is `again`. */
static void check_form(char *form, char *again, const char *text)
{
    gboolean has_other_spelling =
        strpbrk(text, "\rABCDEF") != NULL || !g_str_has_suffix(text, "\n");

    g_assert_cmpstr(form, ==, again);
    g_assert(has_other_spelling || g_str_equal(form, text));
    vault_key_text_free(form);
    vault_key_text_free(again);
}

static void try_master_public(const char *text)
{
    MasterPublic master, again;

    if (!vault_master_public_parse(text, &master, NULL))
        return;
    char *form = vault_master_public_format(&master);
    g_assert(vault_master_public_parse(form, &again, NULL));
    check_form(form, vault_master_public_format(&again), text);
}

/* Only what Argon2id does at once, or the fuzzer would do nothing else. */
static void try_master(const char *text)
{
    g_autoptr(GError) error = NULL;
    g_auto(VaultMaster) master = {.seed = {0}}, again = {.seed = {0}};

    if (strstr(text, "\nmemory-kib: 8\n") == NULL || strstr(text, "\npasses: 1\n") == NULL)
        return;
    if (!vault_master_parse(text, "fuzz", 4, &master, &error)) {
        g_assert(error != NULL);
        return;
    }
    vault_master_from_seed(master.seed, &again);
    g_assert(memcmp(&master, &again, sizeof master) == 0);
}

static void try_identity(const char *text)
{
    g_auto(VaultIdentity) identity = {.name = ""}, again = {.name = ""};

    if (!vault_identity_parse(text, &identity, NULL))
        return;
    char *form = vault_identity_format(&identity);
    g_assert(vault_identity_parse(form, &again, NULL));
    check_form(form, vault_identity_format(&again), text);
}

static char *format_public(const ReaderPublicKey *key, const char *name)
{
    VaultIdentity identity = {.public_key = *key};

    g_strlcpy(identity.name, name, sizeof identity.name);
    return vault_identity_public_format(&identity);
}

static void try_identity_public(const char *text)
{
    ReaderPublicKey key, again;
    g_autofree char *name = NULL;
    g_autofree char *name_again = NULL;

    if (!vault_identity_public_parse(text, &key, &name, NULL))
        return;
    char *form = format_public(&key, name);
    g_assert(vault_identity_public_parse(form, &again, &name_again, NULL));
    check_form(form, format_public(&again, name_again), text);
}

static void try_vault_key(const char *text)
{
    VaultKey keys[VAULT_KEY_GENERATIONS_MAX], again[VAULT_KEY_GENERATIONS_MAX];
    VaultId vault_id;
    gsize count;

    if (!vault_key_file_parse(text, &vault_id, keys, &count, NULL))
        return;
    g_assert(count >= 1 && count <= VAULT_KEY_GENERATIONS_MAX);
    char *form = vault_key_file_format(&vault_id, keys, count);
    g_assert(vault_key_file_parse(form, &vault_id, again, &count, NULL));
    check_form(form, vault_key_file_format(&vault_id, again, count), text);
}

static void try_escrow_public(const char *text)
{
    VaultEscrowPublic escrow, again;

    if (!vault_escrow_public_parse(text, &escrow, NULL))
        return;
    char *form = vault_escrow_public_format(&escrow);
    g_assert(vault_escrow_public_parse(form, &again, NULL));
    check_form(form, vault_escrow_public_format(&again), text);
}

static void try_escrow(const char *text)
{
    g_auto(VaultEscrow) escrow = {0};

    if (strstr(text, "\nmemory-kib: 8\n") == NULL || strstr(text, "\npasses: 1\n") == NULL)
        return;
    /* No file is good for both roles. */
    if (vault_escrow_parse(text, "fuzz", 4, &escrow, NULL)) {
        g_auto(VaultMaster) master = {0};

        g_assert(!vault_master_parse(text, "fuzz", 4, &master, NULL));
    }
}

static void try_escrowed(const char *text)
{
    VaultEscrowFile file, again;

    if (!vault_escrow_file_parse(text, &file, NULL))
        return;
    char *form = vault_escrow_file_format(&file);
    g_assert(vault_escrow_file_parse(form, &again, NULL));
    check_form(form, vault_escrow_file_format(&again), text);
}

/* ---- which ---- */

static void (*const values[])(const guint8 *bytes, gsize len) = {
    try_generation, try_master_value, try_locator_key, try_day_key, try_log_key,   try_tombstone,
    try_mailbox,    try_month,        try_tree,        try_copy,    try_event_key,
};
static void (*const texts[])(const char *text) = {
    try_master_public, try_master, try_identity,      try_identity_public,
    try_vault_key,     try_escrow, try_escrow_public, try_escrowed,
};

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    guint which;

    vault_crypto_init();
    if (size == 0)
        return 0;
    which = data[0] % (G_N_ELEMENTS(values) + G_N_ELEMENTS(texts));
    if (which < G_N_ELEMENTS(values)) {
        values[which](data + 1, size - 1);
    } else {
        g_autofree char *text = g_strndup((const char *)data + 1, size - 1);

        texts[which - G_N_ELEMENTS(values)](text);
    }
    return 0;
}
