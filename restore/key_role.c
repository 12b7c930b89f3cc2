#include "restore/key_role.h"

#include "vault/crypto/escrow.h"

static void escrow_create(VaultMaster *ret_pair)
{
    g_auto(VaultEscrow) escrow = {0};

    vault_escrow_create(&escrow);
    *ret_pair = escrow.pair;
}

static char *escrow_format(const VaultMaster *pair, const char *passphrase, gsize len,
                           const VaultPassphraseCost *cost, GError **error)
{
    g_auto(VaultEscrow) escrow = {.pair = *pair};

    return vault_escrow_format(&escrow, passphrase, len, cost, error);
}

static gboolean escrow_parse(const char *text, const char *passphrase, gsize len,
                             VaultMaster *ret_pair, GError **error)
{
    g_auto(VaultEscrow) escrow = {0};

    if (!vault_escrow_parse(text, passphrase, len, &escrow, error))
        return FALSE;
    *ret_pair = escrow.pair;
    return TRUE;
}

static char *escrow_public_format(const MasterPublic *pair)
{
    VaultEscrowPublic escrow = {.pair = *pair};

    return vault_escrow_public_format(&escrow);
}

static const RestoreKeyRole roles[] = {
    [VAULT_SHARE_MASTER] = {.role = VAULT_SHARE_MASTER,
                            .name = "master",
                            .a_key = "a master key",
                            .the_key = "the master key",
                            .command = "master",
                            .title = "Master key",
                            .use = "muniment init VAULT --master",
                            .who = "",
                            .secret_advice = "move it off every networked machine",
                            .advice =
                                "Without this file and its passphrase nobody will ever read the "
                                "archive.\n"
                                "Keep two copies of the file in different places, and the "
                                "passphrase apart.",
                            .create = vault_master_create,
                            .format = vault_master_format,
                            .parse = vault_master_parse,
                            .public_format = vault_master_public_format},
    [VAULT_SHARE_ESCROW] = {.role = VAULT_SHARE_ESCROW,
                            .name = "escrow",
                            .a_key = "an escrow key",
                            .the_key = "the escrow key",
                            .command = "vaultkey escrow",
                            .title = "Escrow key",
                            .use = "muniment vaultkey holders add --escrow",
                            .who = ", by other people than those who have the master key",
                            .secret_advice = "for other people than the master key's",
                            .advice = "Never keep it with the master key: the two and an old "
                                      "backup open everything, and leave no trace.",
                            .create = escrow_create,
                            .format = escrow_format,
                            .parse = escrow_parse,
                            .public_format = escrow_public_format},
};

const RestoreKeyRole *restore_key_role(VaultShareRole role)
{
    return &roles[role];
}

char *restore_key_verb(VaultShareRole role, const char *name)
{
    return g_strconcat(roles[role].command, " ", name, NULL);
}

char *restore_key_title(VaultShareRole role, const MasterPublic *pair)
{
    g_autofree char *fingerprint = vault_share_fingerprint(role, pair);

    return g_strconcat(roles[role].the_key, " ", fingerprint, NULL);
}
