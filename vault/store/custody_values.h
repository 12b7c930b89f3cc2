/* Where vault keys and keyring copies are known to be: the registry's values, in the tables
 * holders, copies and declarations.
 *
 * Pure functions. Errors: CORRUPT, UNSUPPORTED (version). What `kind` may be is for
 * vault/holder/ to say: here it is a number from 1. Source: docs/formats/keyring.md, "Custody".
 */
#pragma once

#include "vault/base/error.h"
#include "vault/crypto/key_files.h"

#define VAULT_CUSTODY_NAME_LEN_MAX 64
#define VAULT_CUSTODY_PLACE_LEN_MAX 1024
#define VAULT_CUSTODY_KEEP_DAYS_MAX 36500

/* 1..VAULT_CUSTODY_NAME_LEN_MAX of a-z A-Z 0-9 . _ - and no "-" first. */
gboolean vault_custody_name_is_valid(const char *name);

typedef enum {
    VAULT_DISK_OF_VAULT = 0, /* the same file system */
    VAULT_DISK_OTHER = 1
} VaultDisk;

/* A holder, and what it was last known to hold. */
typedef struct {
    RowId row_id; /* not in the value */
    char name[VAULT_CUSTODY_NAME_LEN_MAX + 1];
    guint8 kind;
    char *place; /* "" of the host's own: where `host` says */
    guint8 escrow_key[VAULT_KEY_LEN];
    guint64 added_s;
    guint64 seen_s; /* when it was last reached */
    VaultDisk disk;
    VaultKeyDigest keys[VAULT_KEY_GENERATIONS_MAX]; /* rising */
    guint count;
} VaultHolderValue;
void vault_holder_value_free(VaultHolderValue *value);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultHolderValue, vault_holder_value_free)
GByteArray *vault_holder_value_format(const VaultHolderValue *value);
VaultHolderValue *vault_holder_value_parse(const guint8 *bytes, gsize len, GError **error);

/* A place of keyring copies, and the last that was made there. */
typedef struct {
    RowId row_id;
    char name[VAULT_CUSTODY_NAME_LEN_MAX + 1];
    guint8 kind;
    char *place;
    RowId place_id;
    guint64 added_s;
    VaultDisk disk;
    VaultKeyDigest key; /* of the last copy; generation 0: none was made */
    guint64 copied_s;   /* 0 exactly then */
} VaultCopyValue;
void vault_copy_value_free(VaultCopyValue *value);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultCopyValue, vault_copy_value_free)
GByteArray *vault_copy_value_format(const VaultCopyValue *value);
VaultCopyValue *vault_copy_value_parse(const guint8 *bytes, gsize len, GError **error);

/* Copies that somebody else makes of all of the host, vault key and keyring together: snapshots of
 * a machine, backups of it. Each is kept for some days. */
typedef struct {
    RowId row_id;
    char name[VAULT_CUSTODY_NAME_LEN_MAX + 1];
    guint32 keep_days;
    guint64 declared_s;
    guint64 ended_s; /* the last was made then; 0: they are made again and again */
} VaultDeclarationValue;
GByteArray *vault_declaration_value_format(const VaultDeclarationValue *value);
gboolean vault_declaration_value_parse(const guint8 *bytes, gsize len, VaultDeclarationValue *ret,
                                       GError **error);
/* Until when such a copy may hold what was destroyed at `destroyed_s`; 0: none can. */
guint64 vault_declaration_counts_until(const VaultDeclarationValue *value, guint64 destroyed_s);
