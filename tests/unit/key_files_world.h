/* A key file of each kind, and how it is read, for the tests of key_files.h. */
#pragma once

#include "tests/unit/crypto_world.h"

#include "vault/crypto/escrow.h"

#define PASSPHRASE "fuzz"
static const VaultPassphraseCost cheap = {.memory_kib = 8, .passes = 1};

static inline VaultMaster sample_master(void)
{
    guint8 seed[32];
    VaultMaster master;

    for (guint8 i = 0; i < sizeof seed; i++)
        seed[i] = i;
    vault_master_from_seed(seed, &master);
    return master;
}

static inline VaultIdentity sample_identity(void)
{
    VaultIdentity identity;

    assert_true(vault_identity_create("Ada Lövelace", &identity, NULL));
    return identity;
}

static inline char *make_master(void)
{
    VaultMaster master = sample_master();

    return vault_master_format(&master, PASSPHRASE, strlen(PASSPHRASE), &cheap, NULL);
}

static inline char *make_master_public(void)
{
    VaultMaster master = sample_master();

    return vault_master_public_format(&master.public);
}

static inline char *make_identity(void)
{
    VaultIdentity identity = sample_identity();

    return vault_identity_format(&identity);
}

static inline char *make_identity_public(void)
{
    VaultIdentity identity = sample_identity();

    return vault_identity_public_format(&identity);
}

static inline VaultEscrow sample_escrow(void)
{
    VaultMaster master = sample_master();
    VaultEscrow escrow;

    vault_escrow_from_seed(master.seed, &escrow);
    return escrow;
}

static inline char *make_escrow(void)
{
    VaultEscrow escrow = sample_escrow();

    return vault_escrow_format(&escrow, PASSPHRASE, strlen(PASSPHRASE), &cheap, NULL);
}

static inline char *make_escrow_public(void)
{
    VaultEscrow escrow = sample_escrow();
    VaultEscrowPublic public = vault_escrow_public(&escrow);

    return vault_escrow_public_format(&public);
}

static const VaultId vault_id = {{1, 2, 3}};
static const VaultKey two_keys[] = {{.generation = 7, .bytes = {7}},
                                    {.generation = 8, .bytes = {8}}};

static inline char *make_vault_key(void)
{
    return vault_key_file_format(&vault_id, two_keys, 2);
}

static inline char *make_escrowed(void)
{
    VaultEscrow escrow = sample_escrow();
    VaultEscrowPublic public = vault_escrow_public(&escrow);
    VaultEscrowFile file = {.vault_id = vault_id, .count = 2};

    file.escrow_key = vault_escrow_public_key(&public);
    for (gsize i = 0; i < file.count; i++)
        assert_true(
            vault_escrow_seal(&file.escrow_key, &vault_id, &two_keys[i], &file.keys[i], NULL));
    return vault_escrow_file_format(&file);
}

static inline gboolean parse_escrow(const char *text, GError **error)
{
    VaultEscrow escrow;

    return vault_escrow_parse(text, PASSPHRASE, strlen(PASSPHRASE), &escrow, error);
}

static inline gboolean parse_escrow_public(const char *text, GError **error)
{
    VaultEscrowPublic escrow;

    return vault_escrow_public_parse(text, &escrow, error);
}

static inline gboolean parse_escrowed(const char *text, GError **error)
{
    VaultEscrowFile file;

    return vault_escrow_file_parse(text, &file, error);
}

static inline gboolean parse_master(const char *text, GError **error)
{
    VaultMaster master;

    return vault_master_parse(text, PASSPHRASE, strlen(PASSPHRASE), &master, error);
}

static inline gboolean parse_master_public(const char *text, GError **error)
{
    MasterPublic master;

    return vault_master_public_parse(text, &master, error);
}

static inline gboolean parse_identity(const char *text, GError **error)
{
    VaultIdentity identity;

    return vault_identity_parse(text, &identity, error);
}

static inline gboolean parse_identity_public(const char *text, GError **error)
{
    ReaderPublicKey key;
    g_autofree char *name = NULL;

    return vault_identity_public_parse(text, &key, &name, error);
}

static inline gboolean parse_vault_key(const char *text, GError **error)
{
    VaultId id;
    VaultKey keys[VAULT_KEY_GENERATIONS_MAX];
    gsize count;

    return vault_key_file_parse(text, &id, keys, &count, error);
}

/* In the order of the selector byte of fuzz_values, which has eleven values before them. */
#define SELECTOR_FIRST 11
static const struct {
    const char *name;
    char *(*make)(void);
    gboolean (*parse)(const char *text, GError **error);
} roles[] = {
    {"master-public", make_master_public, parse_master_public},
    {"master", make_master, parse_master},
    {"identity", make_identity, parse_identity},
    {"identity-public", make_identity_public, parse_identity_public},
    {"vault-key", make_vault_key, parse_vault_key},
    {"escrow", make_escrow, parse_escrow},
    {"escrow-public", make_escrow_public, parse_escrow_public},
    {"escrowed", make_escrowed, parse_escrowed},
};

static inline void assert_malformed(gsize role, const char *text, const char *what)
{
    g_autoptr(GError) error = NULL;
    gboolean is_parsed = roles[role].parse(text, &error);

    if (is_parsed || error->domain != VAULT_ERROR || error->code == VAULT_ERROR_IO)
        fail_msg("%s is accepted with %s:\n%s", roles[role].name, what, text);
}

static inline char *replace(const char *text, const char *from, const char *to)
{
    g_auto(GStrv) parts = g_strsplit(text, from, 2);

    assert_int_equal(g_strv_length(parts), 2);
    return g_strjoinv(to, parts);
}
