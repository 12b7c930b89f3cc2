/* Speaking to the daemon that holds a vault: what the commands use while it runs.
 *
 * A daemon listens on three unix sockets below VAULT/run, one per duty, so that file permissions
 * say who may do what: `status` (look), `read` (make a restore see everything acknowledged),
 * `operate` (reload, import). Requests and answers: docs/formats/control.md.
 *
 * Errors: NOT_FOUND (no daemon runs on this vault: the caller may take the lock itself), REFUSED
 * (the socket's permissions), IO (the connection broke or took longer than its timeout), MALFORMED
 * (an answer that is none), else what the daemon answered: the code of a VaultErrorCode by name.
 * Threads: one user per object. This library holds no code of the daemon.
 */
#pragma once

#include "archived/control_frame.h"
#include "vault/base/id.h"

typedef enum { ARCHIVED_DUTY_STATUS, ARCHIVED_DUTY_READ, ARCHIVED_DUTY_OPERATE } ArchivedDuty;

/* "status", "read", "operate": the socket's name below VAULT/run. */
const char *archived_duty_name(ArchivedDuty duty);

/* Sends one request line ("status", "flush", "reload", "rotate-keys-ahead") and waits for its
 * answer, one JSON object; ret_json may be NULL. An answer with "ok":false is an error. */
gboolean archived_control_call(const char *vault, ArchivedDuty duty, const char *request,
                               char **ret_json, GError **error);

/* Has the daemon do an operator's act (vault_keep_operate()); waits for an hour. */
gboolean archived_control_operate(const char *vault, const char *name, const char *text, gsize len,
                                  char **ret_answer, GError **error);
/* For the log: "name: value" lines of the reader's side, at most 64 KiB. */
typedef enum { ARCHIVED_RESTORE_BEGUN, ARCHIVED_RESTORE_DONE } ArchivedRestoreStep;
gboolean archived_control_log_restore(const char *vault, ArchivedRestoreStep step, const char *text,
                                      gsize len, GError **error);

/* ---- releases through the daemon ------------------------------------------------------------
 *
 *   begin (the grant is judged) -> release* -> free
 *
 * What comes back is sealed to the grant's reader (vault_keep_release_by_grant() and its like, by
 * kind): the one who asks need not be he. After REFUSED of a release the next may follow; after IO
 * only free(). */
typedef struct ArchivedRelease ArchivedRelease;
ArchivedRelease *archived_control_release_begin(const char *vault, const char *grant, gsize len,
                                                GError **error);
void archived_control_release_free(ArchivedRelease *release);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ArchivedRelease, archived_control_release_free)
/* At most 16,384 ids of copies or terms copies, none of a case key (asserted). */
GBytes *archived_control_release(ArchivedRelease *release, ArchivedReleaseKind kind,
                                 const RecordId *ids, gsize count, GError **error);

/* ---- terms through the daemon ---------------------------------------------------------------
 *
 *   begin (the grant is judged) -> add* -> free
 *
 * For copies that have none (vault_keep_add_terms()). After REFUSED, BUSY or MALFORMED of a batch
 * the next may follow, unless the daemon closed: then IO. */
typedef struct ArchivedTerms ArchivedTerms;
ArchivedTerms *archived_control_terms_begin(const char *vault, const char *grant, gsize len,
                                            GError **error);
void archived_control_terms_free(ArchivedTerms *terms);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ArchivedTerms, archived_control_terms_free)
typedef struct {
    guint64 added_count, known_count, gone_count;
} ArchivedTermsAdded;
/* A batch as vault/act/terms_batch.h, at most ARCHIVED_CONTROL_TERMS_LEN_MAX bytes (asserted). */
gboolean archived_control_terms_add(ArchivedTerms *terms, const void *batch, gsize len,
                                    ArchivedTermsAdded *ret_added, GError **error);

/* ---- import through the daemon --------------------------------------------------------------
 *
 *   begin -> (message -> write* -> finish)* -> free
 *
 * An import has a key of its own for its retry tags, so that the same message (with the same
 * position, where one is given) is stored once. The key outlives the connection by days
 * (vault_keep_begin_import()): an import that was broken off and begins again with the same id
 * knows what it stored. finish() returns TRUE when the message is on stable storage. */
typedef struct ArchivedImport ArchivedImport;
ArchivedImport *archived_control_import_begin(const char *vault, const RowId *import_id,
                                              GError **error);
void archived_control_import_free(ArchivedImport *import);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ArchivedImport, archived_control_import_free)

typedef struct {
    /* NULL-terminated addresses; the daemon normalises them by its rules. NULL or empty, or an
     * entry that is no address: the unassigned mailbox. The role of each is VAULT_OWNER_IMPORT. */
    const char *const *owners;
    const char *sender; /* NULL or "" = none known */
    guint64 received_s;
    guint32 flags;        /* VAULT_FLAG_*; VAULT_FLAG_IMPORTED is added */
    const char *source;   /* "import:mbox" */
    const char *folder;   /* NULL or the folder's name, UTF-8 */
    const char *keywords; /* NULL or IMAP flags, space between */
    const char *position; /* NULL or 64 hexadecimal digits: its place in what is imported */
} ArchivedImportMessage;

typedef struct {
    RecordId archive_id;
    gboolean is_already_archived;
    guint unassigned_count;
} ArchivedImportResult;

/* The strings are copied out before it returns. */
gboolean archived_control_import_message(ArchivedImport *import,
                                         const ArchivedImportMessage *message, GError **error);
gboolean archived_control_import_write(ArchivedImport *import, const void *bytes, gsize len,
                                       GError **error);
/* The daemon's verdict on this message. After an error the next message() may follow, unless
 * archived_control_import_is_broken(): then only free() may. */
gboolean archived_control_import_finish(ArchivedImport *import, ArchivedImportResult *ret_result,
                                        GError **error);
/* Drops the message under way: nothing of it is stored. */
gboolean archived_control_import_abandon(ArchivedImport *import, GError **error);
gboolean archived_control_import_is_broken(const ArchivedImport *import);
