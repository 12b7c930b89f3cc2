/* The library "keep": the vault on its host. Packs, keyring, catalog, releases; opens no record.
 *
 * A vault is a folder:
 *   keyring.sqlite   sealed values only          packs/           sealed records
 *   catalog.sqlite   cache, rebuildable          archived.conf            configuration
 *   log/             archive and control log     lock                     held by the one writer
 *   run/             control sockets             host                     machine id it belongs to
 *   reserve          bytes kept for a full disk  backups          when one was made last
 *
 * and, beside it, VAULT.vaultkey.
 *
 * Opening as WRITER takes the lock (BUSY when another process has it), recovers after a crash
 * (seals off open packs, removes orphan stream packs, brings the catalog up to date) and only then
 * returns. Opening as READER takes no lock, changes nothing and sees what the writer has
 * catalogued. Errors: NOT_FOUND (no vault there), BUSY, NO_KEY (vault key does not open this
 * keyring), CORRUPT, IO, NO_SPACE, REFUSED (vault belongs to another host). Threads: all functions
 * are safe unless said.
 */
#pragma once

#include "vault/act/expiry_state.h"
#include "vault/act/grant_file.h"
#include "vault/act/release.h"
#include "vault/act/ssh_text.h"
#include "vault/depository.h"
#include "vault/log/entry.h"
#include "vault/store/case_value.h"
#include "vault/store/hold_value.h"
#include "vault/store/keyring_values.h"
#include "vault/store/mailbox_value.h"
#include "vault/store/pack_reader.h"
#include "vault/store/reader_value.h"
#include "vault/store/retention_value.h"

typedef struct VaultKeep VaultKeep;

typedef enum { VAULT_KEEP_READER, VAULT_KEEP_WRITER } VaultKeepMode;
typedef enum {
    VAULT_KEEP_THIS_HOST, /* a writer is refused a vault that belongs to another */
    VAULT_KEEP_ANY_HOST   /* only for vault_keep_go_on() */
} VaultKeepHost;

typedef struct {
    VaultKeepMode mode;
    VaultKeepHost host;
    const char *vault_key_path;   /* NULL: as remembered, VAULT.vaultkey beside the vault */
    guint64 disk_reserve;         /* bytes; below this commits fail with NO_SPACE. 0 = none */
    guint new_mailboxes_per_hour; /* 0 = 10,000 */
    guint64 pack_size;            /* 0 = default */
    /* Test builds and system tests set the time; NULL = the system clock, and whether the kernel
     * calls that synchronised. */
    guint64 (*now_s)(void);
    gboolean (*is_synchronised)(void);
    /* Judges the approvals of grants; NULL = ssh-keygen. */
    VaultSshVerify verify_approval;
    gpointer verify_user;
} VaultKeepOptions;

typedef struct {
    const MasterPublic *masters;
    gsize master_count;
    const char *vault_key_path; /* NULL: VAULT.vaultkey */
    guint64 (*now_s)(void);     /* NULL: the system clock */
    /* What else belongs to the new vault: archived.conf in its folder, files elsewhere. Called when
     * all of the vault is there. When it fails the vault is removed again, with its archived.conf;
     * other files that it made are its own to remove. May be NULL. */
    gboolean (*finish)(const VaultId *id, gpointer user, GError **error);
    gpointer user;
} VaultCreateOptions;

/* Makes the folder (which must not exist or be empty), keyring, vault key (generation 1), locator
 * and log key. All durable on return; a failure leaves nothing. */
gboolean vault_keep_create(const char *path, const VaultCreateOptions *options, GError **error);
/* Whether the folder is one that a vault can be made in, as far as that is seen beforehand. */
gboolean vault_keep_create_check(const char *path, GError **error);
VaultKeep *vault_keep_open(const char *path, const VaultKeepOptions *options, GError **error);
/* Logs a last batch, closes the pack with its trailer, flushes the catalog. What fails does not
 * keep the rest from being done. */
gboolean vault_keep_close(VaultKeep *keep, GError **error);
void vault_keep_free(VaultKeep *keep);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultKeep, vault_keep_free)

const VaultId *vault_keep_id(VaultKeep *keep);
/* Public halves of the vault's masters (MasterPublic): who may sign a grant for it. */
GArray *vault_keep_masters(VaultKeep *keep, GError **error);
/* The text of the policy in force; of a new vault the initial one. New string. */
char *vault_keep_policy(VaultKeep *keep, GError **error);
/* Puts a policy in force: durable on return. Writer only. REFUSED unless an active master of this
 * vault signed it, its serial is the next one and the approvals are there that the policy in force
 * wants for a change of it; MALFORMED, UNSUPPORTED, TOO_LARGE: the text. */
gboolean vault_keep_set_policy(VaultKeep *keep, const char *text, gsize len, VaultSshVerify verify,
                               gpointer user, GError **error);
const char *vault_keep_path(VaultKeep *keep);
VaultDepository *vault_keep_depository(VaultKeep *keep);
/* The key of an import: made, durably, by the first begin with this id and the same for nine days,
 * so that a second run knows by their retry tags which messages are archived already. Writer only.
 */
gboolean vault_keep_begin_import(VaultKeep *keep, const RowId *import_id, DayKey *ret_key,
                                 GError **error);
/* Drops the keys of older imports; the daemon calls it hourly. */
gboolean vault_keep_expire_imports(VaultKeep *keep, GError **error);
/* Keys of the next month for mailboxes that got mail in this one, and for the unassigned one; the
 * daemon calls it hourly, it acts when due. */
gboolean vault_keep_prepare_next_month(VaultKeep *keep, guint64 now_s, guint *ret_made,
                                       GError **error);
/* Everything committed before the call is in the catalog after it (writer only). */
gboolean vault_keep_flush_catalog(VaultKeep *keep, GError **error);

/* ---- what the host knows -------------------------------------------------------------------- */

typedef struct {
    MailboxId id;
    char *address;        /* primary, normalised; NULL = unassigned */
    GPtrArray *addresses; /* VaultMailboxAddress: all that it has or had */
    guint64 created_s;
    guint64 closed_s; /* 0 = open */
    guint64 message_count;
    guint64 last_received_s;
} VaultMailbox;
void vault_mailbox_free(VaultMailbox *mailbox);
/* All mailboxes by address, unassigned last: GPtrArray of VaultMailbox. `with_counts` reads the
 * catalog. */
typedef enum { VAULT_MAILBOX_NAMES, VAULT_MAILBOX_COUNTS } VaultMailboxDetail;
GPtrArray *vault_keep_mailboxes(VaultKeep *keep, VaultMailboxDetail detail, GError **error);
/* By address (normalised by the caller) or 32 hex digits or "unassigned"; NOT_FOUND. */
gboolean vault_keep_find_mailbox(VaultKeep *keep, const char *name, MailboxId *ret_id,
                                 GError **error);

/* A month of a mailbox with its wraps: what a request carries. */
typedef struct {
    MailboxId mailbox_id;
    char *address; /* when the key was made; "" for unassigned */
    VaultMonth month;
    MonthPublicKeys keys;
    MonthKeyId month_key_id;
    GArray *wraps; /* VaultWrap */
} VaultMonthKeys;
void vault_month_keys_free(VaultMonthKeys *month);
/* Months of the mailboxes that overlap [from_s, to_s): GPtrArray of VaultMonthKeys. */
GPtrArray *vault_keep_months(VaultKeep *keep, const MailboxId *mailboxes, gsize count,
                             guint64 from_s, guint64 to_s, GError **error);

typedef struct {
    RecordId record_id; /* of the copy */
    RecordId body_id;   /* archive id */
    MailboxId mailbox_id;
    MonthKeyId month_key_id;
    guint32 leaf;
    guint64 received_s;
    guint32 flags;
    guint64 copy_len, body_len; /* stored bytes */
} VaultCopyEntry;

/* Which copies: every field given narrows. Zero / NULL / 0-length = no limit. */
typedef struct {
    const MonthKeyId *months;
    gsize month_count;
    const RecordId *messages; /* archive ids */
    gsize message_count;
    guint64 from_s, to_s; /* received, [from, to); to 0 = no end */
} VaultCopyFilter;
/* In order of received time, then id. The callback returns FALSE to stop early. */
typedef gboolean (*VaultCopyVisit)(const VaultCopyEntry *entry, gpointer user, GError **error);
gboolean vault_keep_copies(VaultKeep *keep, const VaultCopyFilter *filter, VaultCopyVisit visit,
                           gpointer user, GError **error);

/* All stored parts of one message, as the host knows them (muniment message). NOT_FOUND. */
typedef struct {
    RecordId record_id;
    VaultRecordKind kind;
    VaultPlace place;
    VaultLocator locator;
    MailboxId mailbox_id; /* copies */
} VaultMessagePart;
GArray *vault_keep_message(VaultKeep *keep, const RecordId *archive_id, GError **error);

typedef struct {
    guint64 message_count, copy_count, mailbox_count, month_count;
    guint64 pack_count, stored_bytes, free_bytes, disk_reserve;
    guint32 vault_key_generation;
    guint64 uncatalogued_count;
    guint64 last_archived_s;
    gboolean pair_exists; /* off the vault's disk: vault/custody.h */
    guint policy_serial;
    /* Of the active master that was drilled longest ago. 0: one never was. */
    guint64 last_drill_s;
    guint64 drill_due_s; /* VAULT_DRILL_DAYS after that, or after that one was added */
    /* vault/backup.h; zeros: never. */
    guint64 last_backup_s, last_recovery_drill_s;
    guint64 not_backed_up_count; /* messages that came since the last backup */
    VaultExpiryState expiry;
} VaultKeepStatus;
gboolean vault_keep_status(VaultKeep *keep, VaultKeepStatus *ret_status, GError **error);

/* ---- record source (for vault/open.h) -------------------------------------------------------- */

/* Header and ciphertext of a record that the catalog knows, wherever compaction has moved it by
 * now. NOT_FOUND, CORRUPT, TOO_LARGE. */
GBytes *vault_keep_record(VaultKeep *keep, const RecordId *record_id, gsize len_max,
                          GError **error);
gboolean vault_keep_record_place(VaultKeep *keep, const RecordId *record_id, VaultPlace *ret_place,
                                 GError **error);
gboolean vault_keep_record_read(VaultKeep *keep, const RecordId *record_id, guint64 offset,
                                gsize len, guint8 *ret_bytes, GError **error);

/* Many records of terms copies, each up to `len_max`, read in the order in which they lie in the
 * packs. ret_records[i] is NULL where one could not be had: vault_keep_record() tells why. */
gboolean vault_keep_terms_records(VaultKeep *keep, const RecordId *record_ids, gsize count,
                                  gsize len_max, GBytes **ret_records, GError **error);
/* The message (archive id) whose terms body that is. NOT_FOUND: it is none. */
gboolean vault_keep_terms_body(VaultKeep *keep, const RecordId *record_id, RecordId *ret_body_id,
                               GError **error);

/* ---- releases: the host's half of reading ----------------------------------------------------
 *
 *   judge the grant -> look the copies up -> log the release, durably -> seal the slots
 *
 * No slot leaves the vault but through vault_keep_release_by_grant(). */

/* The content slots of copies, sealed to the reader of the grant (vault/act/release.h, opened by
 * vault_release_open()). Writer only. `copies` are record ids of copies, at most
 * VAULT_RELEASE_COUNT_MAX; what the catalog says of them counts. Slots that were erased and copies
 * that are not there are left out and marked so. When it returns TRUE the release is in the control
 * log on stable storage; when it fails nothing was given, though it may be logged. REFUSED: the
 * grant is not good now (vault_grant_check()) or does not cover one of the copies; MALFORMED,
 * UNSUPPORTED: the grant's text; TOO_LARGE; and those of vault_keep_log_act(). */
gboolean vault_keep_release_by_grant(VaultKeep *keep, const char *grant_text, gsize len,
                                     const RecordId *copies, gsize count, GBytes **ret_sealed,
                                     GError **error);
/* The same for terms copies: their index slots and places (VaultReleasedTerms), by a grant that
 * gives index keys. Logged as a search, with the number of terms copies and a root over their ids.
 */
gboolean vault_keep_release_terms_by_grant(VaultKeep *keep, const char *grant_text, gsize len,
                                           const RecordId *terms_copies, gsize count,
                                           GBytes **ret_sealed, GError **error);
/* The key of the index that the reader of a grant keeps of its case and scope, sealed to him
 * (vault/act/case_key.h, opened by vault_case_key_open()). Writer only. Random, made at the first
 * use and the same from then on, until the case closes or something of its scope is erased: then
 * the index on his disk opens no more, and the next use makes another. Each use is in the control
 * log on stable storage when it returns TRUE, and was before the key was given. Errors: as
 * vault_keep_release_by_grant(). */
gboolean vault_keep_case_key(VaultKeep *keep, const char *grant_text, gsize len,
                             GBytes **ret_sealed, GError **error);
/* The indexes that may be open: GPtrArray of VaultCaseValue, oldest first, keys wiped. In either
 * mode. Closed by the act "case-close" (vault/keep/cases.h). */
GPtrArray *vault_keep_cases(VaultKeep *keep, GError **error);
/* Whatever was granted to this grant's request is good for nothing from here on. Writer only; once
 * more is no error. */
gboolean vault_keep_revoke_grant(VaultKeep *keep, const char *grant_text, gsize len,
                                 GError **error);

/* ---- standing readers ------------------------------------------------------------------------
 *
 * A standing grant is taken up by the vault: from then on the seed of each new month that it covers
 * is wrapped to its reader. Each message still needs a release, which is judged by the grant. */

/* Takes a standing grant up: logged, then durable on return; once more is no error. Writer only.
 * REFUSED: the grant is not good now (vault_grant_check()), is no standing grant, names a mailbox
 * that is not there or has another address, nothing can be sealed to its key, or a mailbox would
 * have over VAULT_WRAPS_MAX recipients; MALFORMED, UNSUPPORTED, TOO_LARGE: the text; and those of
 * vault_keep_log_act(). `ret_id`: of the reader. */
gboolean vault_keep_add_reader(VaultKeep *keep, const char *grant_text, gsize len, RowId *ret_id,
                               GError **error);
/* No new month is wrapped to him, and his grant is revoked: no release by it. Keys of months that
 * he has stay his. Writer only. NOT_FOUND: no such reader. */
gboolean vault_keep_remove_reader(VaultKeep *keep, const RowId *id, GError **error);
/* VaultReaderValue, the oldest first. */
GPtrArray *vault_keep_readers(VaultKeep *keep, GError **error);
/* The first 16 bytes of the request's hash. */
RowId vault_keep_reader_id(const VaultReaderValue *reader);

/* From which month on a standing reader has the keys of a mailbox's new mail. */
typedef struct {
    MailboxId mailbox_id;
    char *address; /* NULL = unassigned */
    VaultMonth from;
} VaultReaderCoverage;
void vault_reader_coverage_free(VaultReaderCoverage *coverage);
/* Of the mailboxes that are there and in his scope: GPtrArray of VaultReaderCoverage, by id. */
GPtrArray *vault_keep_reader_coverage(VaultKeep *keep, const VaultReaderValue *reader,
                                      GError **error);

/* Where a list of months goes on. */
typedef struct {
    gboolean is_set;
    MailboxId mailbox_id;
    MonthKeyId month_key_id;
} VaultReaderPosition;
/* The next months that are wrapped to the reader of a standing grant, within its scope: at most
 * `max`, by mailbox id and month key id, appended to `page` (VaultMonthKeys with his wrap alone);
 * moves the position. Fewer than `max`: that was all. Whether the grant is good the caller has
 * asked. */
gboolean vault_keep_reader_months(VaultKeep *keep, const VaultGrantFile *grant,
                                  VaultReaderPosition *position, gsize max, GPtrArray *page,
                                  GError **error);

/* ---- the log --------------------------------------------------------------------------------- */

#define VAULT_ACT_PAYLOAD_LEN_MAX (4u << 20)

/* Logs an act: its payload in an event record, then an entry in the control log, all durable on
 * return. To be called before the act takes effect. `payload` is "name: value" lines. Writer only.
 * MALFORMED (not such a text), TOO_LARGE, NO_SPACE, IO, CORRUPT (the log is not what was signed).
 */
gboolean vault_keep_log_act(VaultKeep *keep, VaultLoggedAct act, const char *payload, gsize len,
                            GError **error);
/* Logs the hashes of all records committed before the call and not logged yet. Writer only. */
typedef enum {
    VAULT_BATCH_ALWAYS, /* also an empty one: at a constant rate */
    VAULT_BATCH_UNLESS_EMPTY
} VaultBatchWhen;
gboolean vault_keep_log_batch(VaultKeep *keep, VaultBatchWhen when, GError **error);
/* A new key signs both logs from here on; announced in both, signed by the one before, whose secret
 * half the keyring then forgets. Writer only. */
gboolean vault_keep_rotate_log_key(VaultKeep *keep, GError **error);
/* The same once the key is `age_s` old, and only while the clock can be trusted; the daemon calls
 * it hourly. */
gboolean vault_keep_rotate_log_key_when_due(VaultKeep *keep, guint64 age_s,
                                            gboolean *ret_is_rotated, GError **error);

/* The epoch of both logs, from 1: it rises when the vault is recovered or adopted. */
gboolean vault_keep_log_epoch(VaultKeep *keep, guint32 *ret_epoch, GError **error);
#define VAULT_KEEP_EPOCH_NOW 0 /* the one that goes on */
/* Reading, in either mode. NOT_FOUND: the vault has no logs yet (a writer makes them), or no such
 * epoch; CORRUPT: it had, and they are gone or were set back. Each reader stays at the checkpoint
 * that there was; caller closes it. */
VaultLogReader *vault_keep_log_reader(VaultKeep *keep, VaultLogKind log, guint32 epoch,
                                      GError **error);
/* The same at the newest checkpoint that witnesses cosigned and that is kept, its note with their
 * cosignatures. NOT_FOUND: none is; CORRUPT: the log does not continue it. */
VaultLogReader *vault_keep_log_reader_cosigned(VaultKeep *keep, VaultLogKind log, guint32 epoch,
                                               GError **error);
/* Keeps a checkpoint of either log, in the epoch that goes on, with cosignatures, for proofs.
 * Durable on return. One that is shorter than what is kept changes nothing; of the same size, the
 * cosignatures of both are kept. Writer only. MALFORMED, TOO_LARGE: no such note, or none of this
 * vault's; NO_KEY: no key of the log signed it; REFUSED: nobody cosigned it, or the log does not
 * continue it. */
gboolean vault_keep_put_cosigned(VaultKeep *keep, const char *note, gsize len, GError **error);
/* Keys that sign, or did: GPtrArray of VaultNoteKey, the newest first. */
GPtrArray *vault_keep_log_keys(VaultKeep *keep, VaultLogKind log, guint32 epoch, GError **error);
/* Salt and payload of an act, checked against the entry. ERASED: its key was destroyed. The bytes
 * that follow the salt are the payload; freed with vault_value_free(). */
GByteArray *vault_keep_event(VaultKeep *keep, const VaultEntry *entry, GError **error);

/* ---- what an operator asks for --------------------------------------------------------------- */

/* Does the act of that name: "policy-set", "hold-add", ... (the table is in
 * vault/keep/operate.c), the same for a command that is the writer as for a daemon that is asked
 * over its control socket. `text` is what the act takes; *ret_answer (may be NULL) gets "name:
 * value" lines, often none. Writer only. UNSUPPORTED: no such act; MALFORMED: a NUL byte;
 * TOO_LARGE; and those of the act. */
gboolean vault_keep_operate(VaultKeep *keep, const char *name, const char *text, gsize len,
                            char **ret_answer, GError **error);

/* ---- holds ----------------------------------------------------------------------------------- */

/* All that there are and were, oldest first: GPtrArray of VaultHoldValue. */
GPtrArray *vault_keep_holds(VaultKeep *keep, GError **error);
/* What a request for the removal of the hold says in its detail; new string. */
char *vault_hold_detail(const VaultHoldValue *hold);

/* ---- retention ------------------------------------------------------------------------------- */

/* All rules: GPtrArray of VaultRetentionValue. */
GPtrArray *vault_keep_retention_rules(VaultKeep *keep, GError **error);

/* What of a mailbox is past its retention maximum now. */
typedef struct {
    MailboxId mailbox_id;
    char *address;               /* NULL = unassigned, or closed without one */
    guint month_count;           /* months that may go as a whole */
    guint64 month_message_count; /* messages in them */
    guint64 message_count;       /* that may go, in other months */
    guint64 obstructed_count;    /* that may not */
    GHashTable *holds;           /* RowId: holds in the way of those */
} VaultRetentionDue;
void vault_retention_due_free(VaultRetentionDue *due);
/* By address, only mailboxes with anything due: GPtrArray of VaultRetentionDue. Changes nothing. */
GPtrArray *vault_keep_retention_due(VaultKeep *keep, GError **error);
/* Destroys what is past its maximum, once in each month (UTC) while the clock is to be trusted,
 * where a rule has a maximum and none was set within the last day. For housekeeping, which calls it
 * hourly. ret_state: what it did; zeros: it was not due. What is held is passed over. Writer only.
 * Errors: those of erasures (vault/erasure.h); then it is due still. */
gboolean vault_keep_expire_when_due(VaultKeep *keep, VaultExpiryState *ret_state, GError **error);
/* What that, or muniment retention run, did the last time. In either mode. */
VaultExpiryState vault_keep_expiry_state(VaultKeep *keep);

/* ---- drills: that each master can still be used ---------------------------------------------- */

#define VAULT_DRILL_DAYS 180

/* A challenge for all active masters (vault/act/drill_file.h); new string. In either mode, and
 * nothing is kept of it. */
char *vault_keep_drill_challenge(VaultKeep *keep, GError **error);
/* Takes up what a master answered: in the log, then in the keyring, durable on return. It counts
 * from when the challenge was made. Writer only. REFUSED: no active master's, no challenge of this
 * vault, or not newer than what is known; MALFORMED, UNSUPPORTED, TOO_LARGE: the text; and those of
 * vault_keep_log_act(). */
gboolean vault_keep_take_drill(VaultKeep *keep, const char *text, gsize len, GError **error);

/* ---- rotation: another master takes the place of one ----------------------------------------- */

/* All masters of the vault, in order of their adding: GArray of VaultMasterValue. */
GArray *vault_keep_master_rows(VaultKeep *keep, GError **error);
/* What is to be carried to the master `from` (vault/act/rotation_file.h): each month that is
 * wrapped to it, and not yet to its successor where it named one, part by part. In either mode.
 * NOT_FOUND: no active master of this vault; and what `write` sets. */
typedef gboolean (*VaultRotationWrite)(const char *text, gsize len, gpointer user, GError **error);
gboolean vault_keep_begin_rotation(VaultKeep *keep, const MasterPublic *from,
                                   VaultRotationWrite write, gpointer user, guint64 *ret_months,
                                   GError **error);
/* Takes up answered parts, one after the other in `text`; before them may stand the request that a
 * policy wants approved. Of each part: the new master is added, which is logged first, and months
 * that are still there get its wraps, in one change; a part that was taken up before changes
 * nothing. `answer`: "taken", "known", "gone", "full" with numbers of months. Writer only. REFUSED:
 * not signed by an active master, another vault, a time to come, a new master that was retired
 * before or is none, no room for one more, approvals; MALFORMED, UNSUPPORTED, TOO_LARGE: the text;
 * and those of vault_keep_log_act(). */
#define VAULT_ROTATION_TAKE_LEN_MAX (16u << 20)
gboolean vault_keep_take_rotation(VaultKeep *keep, const char *text, gsize len, GString *answer,
                                  GError **error);
/* Retires each master whose successor has proved that it can be used and has a wrap of every month:
 * logs that, then the master counts no more, then the wraps to it are removed. Goes on where an
 * earlier call was broken off. `answer`, for each master that has a successor: "state" (retired,
 * lacking, unproved, unsuited), "from", "to", "lacking" (months without a wrap for the successor),
 * the first VAULT_ROTATION_NAMED_MAX of them as "month", "removed" (wraps). Writer only. Errors:
 * those of vault_keep_log_act(). */
#define VAULT_ROTATION_NAMED_MAX 20
gboolean vault_keep_finish_rotation(VaultKeep *keep, GString *answer, GError **error);

/* ---- verify, rebuild, compact -----------------------------------------------------------------
 */

typedef struct {
    void (*progress)(guint64 done_bytes, guint64 all_bytes, gpointer user); /* may be NULL */
    /* One line for the operator per finding: pack, offset, record id, what is wrong. */
    void (*finding)(const char *text, gpointer user);
    gpointer user;
} VaultVerifyCallbacks;
typedef struct {
    guint64 record_count, pack_count, byte_count, finding_count;
} VaultVerifyResult;
typedef enum {
    VAULT_VERIFY_CATALOG, /* headers, commit records, catalog against packs, keyring values open */
    VAULT_VERIFY_DEEP     /* also reads and hashes every ciphertext, and looks for all of the log */
} VaultVerifyDepth;
gboolean vault_keep_verify(VaultKeep *keep, VaultVerifyDepth depth,
                           const VaultVerifyCallbacks *callbacks, VaultVerifyResult *ret_result,
                           GError **error);

/* Makes catalog.sqlite anew from packs and keyring, beside the old one, then replaces it. */
typedef struct {
    guint64 record_count, unknown_count, dead_count;
} VaultRebuildResult;
gboolean vault_keep_rebuild(const char *path, const VaultKeepOptions *options,
                            const VaultVerifyCallbacks *callbacks, VaultRebuildResult *ret_result,
                            GError **error);

/* A pack as compaction sees it. */
typedef struct {
    PackId pack_id;
    guint64 file_len;
    guint64 live_len, dead_len; /* of its records */
    gboolean is_due;
} VaultCompactEntry;
/* The packs that hold anything dead: GArray of VaultCompactEntry. In either mode, changes nothing.
 */
GArray *vault_keep_compact_plan(VaultKeep *keep, GError **error);

typedef struct {
    const VaultVerifyCallbacks *callbacks; /* NULL: findings go to the log */
    guint seconds_max;                     /* no pack is begun after that; 0: until all is done */
} VaultCompactOptions;
typedef struct {
    guint64 due_count;                  /* packs, when it began */
    guint64 replaced_count, made_count; /* packs */
    guint64 left_count;                 /* packs that were due and could not be taken */
    guint64 kept_count, dropped_count;  /* records */
    guint64 kept_len, dropped_len;
    gboolean is_more; /* the time was up: packs are still due */
} VaultCompactResult;
/* Repacks, without any key, what is live in the packs that are due, and removes them. Writer only,
 * beside deliveries. Each new pack is logged before it gets its name, and has all that is left of
 * some of the packs before those are removed; what a crash leaves half done the next start
 * finishes. Packs that are damaged, or not logged yet, are left and reported as findings. When it
 * fails *ret_result says what was done until then.
 * BUSY: it is under way, or somebody verifies the packs; NO_SPACE: says how much is needed; and
 * those of vault_keep_log_act(). */
gboolean vault_keep_compact(VaultKeep *keep, const VaultCompactOptions *options,
                            VaultCompactResult *ret_result, GError **error);
/* What the operation "compact" takes, "muniment-compact/1" with a line "seconds", and answers:
 * "name: value" lines that the second function reads. MALFORMED: it does not. */
#define VAULT_COMPACT_TEXT_TYPE "muniment-compact/1"
#define VAULT_COMPACT_TEXT_LEN_MAX 64
#define VAULT_COMPACT_SECONDS_MAX 3600
void vault_compact_result_format(const VaultCompactResult *result, GString *text);
gboolean vault_compact_result_parse(const char *text, VaultCompactResult *ret_result,
                                    GError **error);
/* A compaction that is under way ends after the pack that it is at, as BUSY. Any thread. */
void vault_keep_stop_compacting(VaultKeep *keep);
