#include "vault/crypto/seed_file.h"

static const SeedRole role = {
    .name = "master",
    .secret_name = "master-seed",
    .type_secret = "muniment-master",
    .type_public = "muniment-master-public",
    .label_x25519 = "muniment master x25519",
    .label_ed25519 = "muniment master ed25519",
    .label_file = "muniment master file",
    .label_fingerprint = "muniment fingerprint",
};

void vault_master_from_seed(const guint8 seed[32], VaultMaster *ret_master)
{
    seed_file_from_seed(&role, seed, ret_master);
}

void vault_master_create(VaultMaster *ret_master)
{
    seed_file_create(&role, ret_master);
}

char *vault_master_format(const VaultMaster *master, const char *passphrase, gsize passphrase_len,
                          const VaultPassphraseCost *cost, GError **error)
{
    return seed_file_format(&role, master, passphrase, passphrase_len, cost, error);
}

gboolean vault_master_parse(const char *text, const char *passphrase, gsize passphrase_len,
                            VaultMaster *ret_master, GError **error)
{
    return seed_file_parse(&role, text, passphrase, passphrase_len, ret_master, error);
}

char *vault_master_fingerprint(const MasterPublic *master)
{
    return seed_file_fingerprint(&role, master);
}

KeyId vault_master_key_id(const MasterPublic *master)
{
    return vault_key_id(VAULT_ROLE_MASTER, master->public_key.bytes);
}

char *vault_master_public_format(const MasterPublic *master)
{
    return seed_file_public_format(&role, master);
}

gboolean vault_master_public_parse(const char *text, MasterPublic *ret_master, GError **error)
{
    return seed_file_public_parse(&role, text, ret_master, error);
}
