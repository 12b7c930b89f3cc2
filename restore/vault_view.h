/* A vault as a reading command sees it, wherever the vault lies: on this host, or behind ssh.
 *
 * A view shows what one grant covers, and nothing else: present the grant, then list and open. Both
 * implementations have the grant judged where the vault is, again at each release. Lists are hints,
 * as vault/open.h says: they need no trust. Errors: NOT_FOUND (no such vault), REFUSED (the grant
 * is not good, or does not cover what is asked for), IO (the connection broke), MALFORMED (the
 * other side does not keep to the protocol), UNSUPPORTED (it speaks another version), and those of
 * vault/keep.h. Threads: safe once the grant is presented. Source: docs/formats/serve.md.
 */
#pragma once

#include "restore/proof_source.h"
#include "restore/sources.h"
#include "vault/crypto/terms_content.h"
#include "vault/keep_terms.h"

/* Entries in one list; copies in one release. */
#define VAULT_VIEW_PAGE_COUNT_MAX 4096
#define VAULT_VIEW_RELEASE_COUNT_MAX SOURCES_RELEASE_COUNT_MAX
/* Mailboxes, and messages, that one list can be narrowed to. */
#define VAULT_VIEW_FILTER_COUNT_MAX 16384

/* Months in one list, and of one standing reader in all. */
#define VAULT_VIEW_MONTHS_COUNT_MAX 1024
#define VAULT_VIEW_MONTHS_ALL_MAX 1000000

typedef struct VaultView VaultView;

typedef struct {
    const char *ssh_command; /* as a shell would split it; NULL: "ssh" */
} VaultViewOptions;

/* `vault` is a path or ssh://[user@]host[:port]/path. *ret_warning (may be NULL): as
 * vault_access_open(). */
VaultView *vault_view_open(const char *vault, const VaultViewOptions *options, char **ret_warning,
                           GError **error);
/* Of a vault on this host that is open already; takes it over. */
VaultView *vault_view_of_keep(VaultKeep *keep);
/* What was begun is complete, on stable storage. Before free, where anything was released. */
gboolean vault_view_close(VaultView *view, GError **error);
void vault_view_free(VaultView *view);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultView, vault_view_free)

const VaultId *vault_view_id(const VaultView *view);
/* MasterPublic: who may sign grants for it. NULL with the error. */
GArray *vault_view_masters(VaultView *view, GError **error);

/* The grant that everything else happens under: its file's bytes. Once. */
gboolean vault_view_present(VaultView *view, GBytes *grant, GError **error);

/* Narrows what the grant covers; what reaches beyond it is cut off. */
typedef struct {
    const MailboxId *mailboxes;
    gsize mailbox_count; /* 0 = all of the grant */
    const RecordId *messages;
    gsize message_count; /* archive ids; 0 = all of the grant */
    guint64 from_s, to_s;
} VaultViewFilter;

/* Where a list goes on: behind the last entry that was seen, wanted or not. */
typedef struct {
    gboolean is_set;
    guint64 received_s;
    RecordId record_id;
} VaultViewPosition;

/* The next entries, at most `max` (1..VAULT_VIEW_PAGE_COUNT_MAX), by received time, then record id,
 * appended to `page` (VaultCopyEntry); moves the position. Fewer than `max`: that was all. */
gboolean vault_view_list(VaultView *view, const VaultViewFilter *filter,
                         VaultViewPosition *position, gsize max, GArray *page, GError **error);

/* The months that are wrapped to the reader of the standing grant that was presented: GPtrArray of
 * VaultMonthKeys with his wrap alone, by mailbox id. Claims, until the wraps open
 * (vault_grant_standing_reader()). REFUSED also: the grant is none; TOO_LARGE. */
GPtrArray *vault_view_months(VaultView *view, GError **error);

/* A mailbox by what is typed: NOT_FOUND. On this host the vault's directory is asked, elsewhere
 * only the grant is. */
gboolean vault_view_find_mailbox(VaultView *view, const char *name, MailboxId *ret_id,
                                 GError **error);
/* Is there such a message at all, covered or not? Told on this host only. */
typedef enum {
    VAULT_VIEW_IS_THERE,
    VAULT_VIEW_IS_NOT_THERE,
    VAULT_VIEW_IS_NOT_TOLD
} VaultViewAnswer;
VaultViewAnswer vault_view_has_message(VaultView *view, const RecordId *archive_id);

/* A release of copies that this view listed lately, sealed to the grant's reader and in the log
 * before it is given (vault_keep_release_by_grant()); at most VAULT_VIEW_RELEASE_COUNT_MAX. REFUSED
 * also when one was not listed. */
GBytes *vault_view_release(VaultView *view, const RecordId *copies, gsize count, GError **error);
/* The same for sources_releases(): opened with the identity, which is borrowed. */
SourcesReleases vault_view_releases(VaultView *view, const VaultIdentity *identity,
                                    const VaultHash *grant_hash);
/* Records of copies that were released, and their bodies: for vault/open.h. Borrows the view. */
VaultRecordSource vault_view_records(VaultView *view);
/* The next copies in scope with their terms (vault_keep_terms()), 1..VAULT_VIEW_PAGE_COUNT_MAX.
 * This and what follows is UNSUPPORTED by a host that speaks an older version of the protocol. */
gboolean vault_view_list_terms(VaultView *view, const VaultViewFilter *filter,
                               VaultTermsPosition *position, gsize max, GArray *page,
                               gboolean *ret_is_more, GError **error);
/* A release of terms copies that this view listed lately; as vault_view_release(). Their records,
 * and the terms bodies that they name, can be read afterwards through vault_view_records(). */
GBytes *vault_view_release_terms(VaultView *view, const RecordId *terms_copies, gsize count,
                                 GError **error);
/* Records of terms copies that were released, many at once: ret_records[i] is NULL where one could
 * not be had, and vault_view_records() tells why. At most VAULT_VIEW_READ_COUNT_MAX. */
#define VAULT_VIEW_READ_COUNT_MAX 512
#define VAULT_VIEW_TERMS_LEN_MAX                                                                   \
    (VAULT_RECORD_HEADER_LEN_MAX + VAULT_TERMS_CONTENT_LEN_MAX + VAULT_INDEX_OVERHEAD_LEN)
gboolean vault_view_read_terms(VaultView *view, const RecordId *terms_copies, gsize count,
                               GBytes **ret_records, GError **error);
/* The key of the grant's case index, sealed to its reader and in the log before it is given
 * (vault_keep_case_key()). */
GBytes *vault_view_case_key(VaultView *view, GError **error);
/* Terms for copies that this view covers and that have none (vault_keep_add_terms(), a batch as
 * vault/act/terms_batch.h). UNSUPPORTED elsewhere than on this host: the batch is in clear. */
gboolean vault_view_add_terms(VaultView *view, const void *batch, gsize len,
                              VaultTermsAdded *ret_added, GError **error);
/* For the log, VAULT_LOGGED_RESTORE_BEGUN or _DONE: "name: value" lines, at most
 * VAULT_VIEW_LOG_LEN_MAX bytes. Durable on return. */
#define VAULT_VIEW_LOG_LEN_MAX 65536
gboolean vault_view_log(VaultView *view, VaultLoggedAct act, const char *text, GError **error);

/* Proofs from the vault's archive log, as it stands at the first call; the view's until it is
 * freed. NOT_FOUND: the vault has no logs yet; CORRUPT: they are not what was signed. */
gboolean vault_view_proofs(VaultView *view, ProofSource *ret_proofs, GError **error);
