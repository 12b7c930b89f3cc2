/* An erasure as the keyring remembers it: what was to be forgotten, how far it came, when.
 *
 *   requested -> online -> copies -> escrow -> backups-expired -> final
 *        └-> cancelled
 *
 * Before `online` nothing was destroyed; from then on it only goes forward. What has to be gone for
 * each state: the slots in the keyring; the keyring copies from before; the vault keys from before,
 * everywhere; the declared copies. `generation` is the first whose keyring knows nothing of what
 * was erased; 0 while requested. Pure functions. Errors: CORRUPT, UNSUPPORTED (version).
 * Source: docs/formats/keyring.md, section "Erasure".
 */
#pragma once

#include "vault/base/error.h"
#include "vault/base/id.h"
#include "vault/crypto/hash.h"

#define VAULT_ERASURE_REASON_LEN_MAX 2048
#define VAULT_ERASURE_MESSAGES_MAX 50000 /* all fit in what is logged of the act */
#define VAULT_ERASURE_OWNERS_MAX 1024
#define VAULT_ERASURE_APPROVERS_MAX 64
#define VAULT_ERASURE_APPROVER_LEN_MAX 127
#define VAULT_ERASURE_READS_MAX 256
#define VAULT_ERASURE_CASE_LEN_MAX 128
#define VAULT_ERASURE_CASES_MAX 256
#define VAULT_ERASURE_NOT_LOGGED G_MAXUINT64

typedef enum {
    VAULT_ERASURE_MESSAGES = 1, /* erase */
    VAULT_ERASURE_MAILBOX,      /* shred */
    VAULT_ERASURE_EXPIRY,       /* retention */
    VAULT_ERASURE_KIND_END
} VaultErasureKind;

typedef enum {
    VAULT_ERASURE_REQUESTED = 1,
    VAULT_ERASURE_ONLINE,
    VAULT_ERASURE_COPIES,
    VAULT_ERASURE_ESCROW,
    VAULT_ERASURE_BACKUPS_EXPIRED,
    VAULT_ERASURE_FINAL,
    VAULT_ERASURE_CANCELLED,
    VAULT_ERASURE_STATE_END
} VaultErasureState;

typedef enum {
    VAULT_ERASURE_SKIPPED_HELD = 1,
    VAULT_ERASURE_OVERRODE_RETENTION = 2,
    VAULT_ERASURE_WHOLE_MAILBOX = 4, /* it was closed with this */
    VAULT_ERASURE_COMPLETED = 8,     /* nothing is left to do but to wait */
    VAULT_ERASURE_READS_KNOWN = 16,  /* who read of it before is in `reads` */
    VAULT_ERASURE_FLAGS_ALL = 31
} VaultErasureFlag;

/* Releases under one grant that covered some of it. */
typedef struct {
    VaultHash grant_hash;
    guint32 copy_count;  /* messages that may have been read */
    guint32 words_count; /* messages the words of which may have been */
    char *case_id, *reader;
} VaultErasureRead;
void vault_erasure_read_free(VaultErasureRead *read);

/* A case index that may hold words of it: its key was dropped with it. */
typedef struct {
    char *case_id, *reader;
} VaultErasureCase;
VaultErasureCase *vault_erasure_case_new(const char *case_id, const char *reader);
void vault_erasure_case_free(VaultErasureCase *index);

typedef struct {
    RowId id; /* the row id: not in the value */
    VaultErasureKind kind;
    VaultErasureState state;
    guint32 flags;
    guint32 generation;
    guint64 dates_s[VAULT_ERASURE_STATE_END]; /* when it came to each state; 0 = it did not */
    MailboxId mailbox_id;                     /* zeros: every owner's */
    char *address;                            /* of that mailbox, when it was asked for; or "" */
    guint64 from_s, to_s;                     /* received in [from, to) */
    char *reason;
    VaultHash request_hash;
    guint64 log_index; /* in the control log: what was last said of it; or _NOT_LOGGED */
    guint32 log_epoch; /* of that log */
    guint32 month_count, copy_count, held_count; /* dropped, punctured, passed over */
    GArray *messages;                            /* RecordId: archive ids asked for */
    GArray *owners;       /* MailboxId: others who had copies of them and keep them */
    GPtrArray *approvers; /* char * */
    GPtrArray *reads;     /* VaultErasureRead; the first so many grants */
    GPtrArray *cases;     /* VaultErasureCase; the first so many */
} VaultErasureValue;
VaultErasureValue *vault_erasure_value_new(void);
void vault_erasure_value_free(VaultErasureValue *value);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultErasureValue, vault_erasure_value_free)

GByteArray *vault_erasure_value_format(const VaultErasureValue *value);
VaultErasureValue *vault_erasure_value_parse(const RowId *id, const guint8 *bytes, gsize len,
                                             GError **error);

/* "requested", "online", ...; "erase", "shred", "retention". */
const char *vault_erasure_state_name(VaultErasureState state);
const char *vault_erasure_kind_name(VaultErasureKind kind);
