/* The small values of the keyring: generation, masters, locator, event, day and log keys,
 * tombstones, revocations.
 *
 * Each begins with a version byte and has one form. Mailboxes and months: mailbox_value.h,
 * month_value.h. Pure functions. Errors: CORRUPT, UNSUPPORTED (version).
 * Source: docs/formats/keyring.md.
 */
#pragma once

#include "vault/crypto/hash.h"
#include "vault/crypto/month.h"

/* The one row under which the vault key proves itself. */
typedef struct {
    VaultId vault_id;
    guint32 generation;
    RowId vault_row_key_id; /* which row of row_keys is the vault row key */
    guint64 created_s;
} VaultGenerationValue;
GByteArray *vault_generation_value_format(const VaultGenerationValue *value);
gboolean vault_generation_value_parse(const guint8 *bytes, gsize len, VaultGenerationValue *ret,
                                      GError **error);

/* RETIRING: as RETIRED, but wraps to it may be left. */
typedef enum {
    VAULT_MASTER_ACTIVE = 1,
    VAULT_MASTER_RETIRED = 2,
    VAULT_MASTER_RETIRING = 3
} VaultMasterState;
/* "active", "retired", "retiring". */
const char *vault_master_state_name(VaultMasterState state);
typedef struct {
    VaultMasterState state;
    guint64 added_s;
    MasterPublic master;
    guint64 drilled_s; /* when it was asked last to prove that it can be used, and did; 0: never */
    KeyId successor;   /* the master that takes its place, as it signed; zeros: none */
} VaultMasterValue;
GByteArray *vault_master_value_format(const VaultMasterValue *value);
gboolean vault_master_value_parse(const guint8 *bytes, gsize len, VaultMasterValue *ret,
                                  GError **error);

GByteArray *vault_locator_key_value_format(const LocatorKey *key);
gboolean vault_locator_key_value_parse(const guint8 *bytes, gsize len, LocatorKey *ret,
                                       GError **error);

/* The key of one event record, in table "events": with the row the payload goes, packs or not. */
GByteArray *vault_event_key_value_format(const RowKey *key);
gboolean vault_event_key_value_parse(const guint8 *bytes, gsize len, RowKey *ret, GError **error);
/* Where the payload of an event record is sealed with that key (value.h). */
#define VAULT_EVENT_RECORD_TABLE "event record"
#define VAULT_EVENT_RECORD_VERSION 1

typedef struct {
    guint32 day; /* days since 1970-01-01, UTC */
    DayKey key;
} VaultDayKeyValue;
VAULT_DECLARE_WIPE(VaultDayKeyValue, vault_day_key_value)
GByteArray *vault_day_key_value_format(const VaultDayKeyValue *value);
gboolean vault_day_key_value_parse(const guint8 *bytes, gsize len, VaultDayKeyValue *ret,
                                   GError **error);

typedef struct {
    guint64 created_s;
    LogSigningKey signing;
    LogVerifyKey verify;
} VaultLogKeyValue;
VAULT_DECLARE_WIPE(VaultLogKeyValue, vault_log_key_value)
GByteArray *vault_log_key_value_format(const VaultLogKeyValue *value);
gboolean vault_log_key_value_parse(const guint8 *bytes, gsize len, VaultLogKeyValue *ret,
                                   GError **error);

/* That the vault has logs, and how far they were when this was written: one that is gone or shorter
 * was removed or set back. In the table of log keys, under a row id of its own. */
typedef struct {
    guint32 epoch; /* from 1 */
    guint64 archive_size;
    guint64 control_size;
} VaultLogStateValue;
extern const RowId vault_log_state_row;
GByteArray *vault_log_state_value_format(const VaultLogStateValue *value);
gboolean vault_log_state_value_parse(const guint8 *bytes, gsize len, VaultLogStateValue *ret,
                                     GError **error);

/* In the table of grants, under the first 16 bytes of the hash: nothing that was granted to this
 * request is good any more. */
typedef struct {
    VaultHash request_hash;
    guint64 revoked_s;
} VaultRevocationValue;
GByteArray *vault_revocation_value_format(const VaultRevocationValue *value);
gboolean vault_revocation_value_parse(const guint8 *bytes, gsize len, VaultRevocationValue *ret,
                                      GError **error);

/* What is left of a dropped month: its records are dead, not unknown. The row id is the month key
 * id. */
typedef struct {
    MailboxId mailbox_id;
    VaultMonth month;
    guint64 dropped_s;
    RowId event_id; /* the act that dropped it */
} VaultTombstoneValue;
GByteArray *vault_tombstone_value_format(const VaultTombstoneValue *value);
gboolean vault_tombstone_value_parse(const guint8 *bytes, gsize len, VaultTombstoneValue *ret,
                                     GError **error);
