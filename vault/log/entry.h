/* What the entries of a vault's logs say, as bytes.
 *
 *   version u8 | kind u16 | time u64 | (type u16 | length u16 | bytes)*
 *
 * The fields of a kind stand in rising order of type, each once, each with its one length: an entry
 * has one form. Nothing in it is personal: an act is a salted hash, its text lies sealed in an
 * event record. Pure functions. Errors: MALFORMED (not an entry, or not in its one form),
 * UNSUPPORTED (a version, kind or act that is not known here). Source: docs/formats/log-entries.md.
 */
#pragma once

#include "vault/log/log.h"

typedef enum {
    VAULT_ENTRY_EPOCH_START = 1, /* the first entry of a log, and only that */
    VAULT_ENTRY_BATCH = 2,       /* archive: records that were stored */
    VAULT_ENTRY_KEY_ROTATED = 3, /* from now on this key signs, too */
    VAULT_ENTRY_ACT = 4,         /* control */
} VaultEntryKind;

typedef enum {
    VAULT_LOGGED_RELEASE = 1,
    VAULT_LOGGED_GRANT_REVOKED,
    VAULT_LOGGED_READER_ADDED,
    VAULT_LOGGED_READER_REMOVED,
    VAULT_LOGGED_POLICY_SET,
    VAULT_LOGGED_RESTORE_BEGUN,
    VAULT_LOGGED_RESTORE_DONE,
    VAULT_LOGGED_LOG_KEY_ROTATED,
    VAULT_LOGGED_REBUILD,
    VAULT_LOGGED_MASTER_DRILLED,
    VAULT_LOGGED_MASTER_ADDED,
    VAULT_LOGGED_MASTER_RETIRED,
    VAULT_LOGGED_HOLD_ADDED,
    VAULT_LOGGED_HOLD_REMOVED,
    VAULT_LOGGED_RETENTION_SET,
    VAULT_LOGGED_ERASURE_REQUESTED,
    VAULT_LOGGED_ERASURE_DONE,
    VAULT_LOGGED_ERASURE_CANCELLED,
    VAULT_LOGGED_VAULT_KEY_ROLLED,
    VAULT_LOGGED_HOLDER_ADDED,
    VAULT_LOGGED_HOLDER_REMOVED,
    VAULT_LOGGED_COPY_ADDED,
    VAULT_LOGGED_COPY_REMOVED,
    VAULT_LOGGED_COPY_DECLARED,
    VAULT_LOGGED_MAILBOX_CLOSED,
    VAULT_LOGGED_ADDRESS_ADDED,
    VAULT_LOGGED_ADDRESS_REMOVED,
    VAULT_LOGGED_COMPACTED,
    VAULT_LOGGED_BACKUP_MADE,
    VAULT_LOGGED_RECOVERED,
    VAULT_LOGGED_ADOPTED,
    VAULT_LOGGED_CLOCK_CONFIRMED,
    VAULT_LOGGED_MAILBOX_ASSIGNED,
    VAULT_LOGGED_CASE_OPENED,
    VAULT_LOGGED_CASE_CLOSED,
    VAULT_LOGGED_SEARCH, /* a release of terms: the words of messages */
    VAULT_LOGGED_TERMS_ADDED,
    VAULT_LOGGED_END
} VaultLoggedAct;

/* "release", "grant-revoked", ...; NULL for what is none. */
const char *vault_logged_act_name(VaultLoggedAct act);
gboolean vault_logged_act_parse(const char *name, VaultLoggedAct *ret_act);
/* RELEASE or SEARCH: its entry has count and root of what was released. */
gboolean vault_logged_act_is_release(VaultLoggedAct act);

/* Up to where the packs are logged: all of those before `sequence`, and of pack `pack_id` the
 * records that begin before `offset`. Zeros: nothing yet. */
typedef struct {
    guint64 sequence;
    PackId pack_id;
    guint64 offset;
} VaultEntryMark;

typedef struct {
    VaultEntryKind kind;
    guint64 time_s;
    /* EPOCH_START */
    VaultId vault_id;
    VaultLogKind log;
    guint32 epoch;          /* from 1 */
    guint64 earlier_size;   /* of a later epoch: the last known checkpoint of the one before */
    VaultHash earlier_root; /* */
    /* BATCH; of a RELEASE the copies, of a SEARCH the terms copies */
    guint64 count;
    VaultHash root;      /* over record hashes in the list's order, over ids in rising order */
    VaultHash list_hash; /* BATCH: SHA-256 of the list, which is the sidecar (none when empty) */
    VaultEntryMark mark; /* BATCH */
    /* KEY_ROTATED */
    LogVerifyKey key;
    /* ACT */
    VaultLoggedAct act;
    VaultHash commitment; /* vault_entry_commit() */
    RecordId event_id;    /* the record that holds salt and payload */
} VaultEntry;

/* Fields that are not of the kind are not looked at. */
GBytes *vault_entry_format(const VaultEntry *entry);
/* Fields that are not of the kind are zeros. */
gboolean vault_entry_parse(const guint8 *bytes, gsize len, VaultEntry *ret_entry, GError **error);

/* ---- what the hashes are over --------------------------------------------------------------- */

#define VAULT_ENTRY_SALT_LEN 32

/* SHA-256(salt || payload). */
void vault_entry_commit(const guint8 salt[VAULT_ENTRY_SALT_LEN], const void *payload, gsize len,
                        VaultHash *ret_commitment);

/* Records in one batch entry; more are logged in several. */
#define VAULT_ENTRY_BATCH_MAX 65536

/* A batch's list: the record hashes, 32 bytes each. MALFORMED: not a whole number of them, or too
 * many. The array is borrowed from the bytes. */
gboolean vault_entry_list_parse(GBytes *list, const VaultHash **ret_hashes, gsize *ret_count,
                                GError **error);
/* Merkle root (RFC 6962) over the record hashes, each an entry of 32 bytes. */
void vault_entry_records_root(const VaultHash *hashes, gsize count, VaultHash *ret_root);
/* That record `index` is in the batch: checked with vault_merkle_verify_inclusion(), its entry hash
 * from vault_merkle_entry_hash() over the record hash. NOT_FOUND: there is no such index. */
gboolean vault_entry_prove_record(const VaultHash *hashes, gsize count, gsize index,
                                  VaultMerkleProof *ret_proof, GError **error);

/* Sorts the ids and drops repeated ones; gives the number that is left. */
gsize vault_entry_sort_ids(RecordId *ids, gsize count);
/* Merkle root over ids that are sorted, each an entry of 16 bytes. */
void vault_entry_ids_root(const RecordId *ids, gsize count, VaultHash *ret_root);
