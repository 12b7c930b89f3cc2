/* Inside vault/crypto: a seed that people keep under a passphrase, and its two halves. The master
 * key and the escrow key are made alike, each under labels and file types of its own, so that a
 * file, a seed or a passphrase of one role gives nothing of the other. Promises and errors:
 * key_files.h, escrow.h.
 */
#pragma once

#include "vault/crypto/key_files.h"

typedef struct {
    const char *name; /* for messages: "master" */
    const char *secret_name;
    const char *type_secret, *type_public;
    const char *label_x25519, *label_ed25519, *label_file, *label_fingerprint;
} SeedRole;

void seed_file_from_seed(const SeedRole *role, const guint8 seed[32], VaultMaster *ret_master);
void seed_file_create(const SeedRole *role, VaultMaster *ret_master);
char *seed_file_format(const SeedRole *role, const VaultMaster *master, const char *passphrase,
                       gsize passphrase_len, const VaultPassphraseCost *cost, GError **error);
gboolean seed_file_parse(const SeedRole *role, const char *text, const char *passphrase,
                         gsize passphrase_len, VaultMaster *ret_master, GError **error);
char *seed_file_public_format(const SeedRole *role, const MasterPublic *master);
gboolean seed_file_public_parse(const SeedRole *role, const char *text, MasterPublic *ret_master,
                                GError **error);
char *seed_file_fingerprint(const SeedRole *role, const MasterPublic *master);
