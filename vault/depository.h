/* What the delivery pipeline needs of the keeper, as an interface: so that ingest links "seal" only
 * and archived, import and tests give it the keeper of their choice (vault_keep_depository()).
 *
 * Order of a delivery: resolve each owner -> find earlier deliveries of the same bytes -> allot ->
 * seal -> commit. A 250 may be sent when commit returned TRUE, and not before.
 * Threads: all functions may be called by many threads at once.
 * Errors: BUSY (budget, queue), NO_SPACE, IO, NO_KEY (no master public key), TOO_LARGE.
 */
#pragma once

#include "vault/seal.h"

typedef enum {
    VAULT_RESOLVE_FOUND,
    VAULT_RESOLVE_CREATED,
    VAULT_RESOLVE_UNASSIGNED, /* too many new mailboxes this hour, or no key could be made */
} VaultResolution;

/* Is mail for an address taken? Rejected is what the policy says of closed mailboxes. */
typedef enum { VAULT_ADMIT, VAULT_REJECT_TEMPORARY, VAULT_REJECT_PERMANENT } VaultAdmission;

/* An earlier or concurrent delivery with the same retry tag whose copies for all the given owners
 * live; `archive_id` is its body. */
typedef struct {
    RecordId archive_id;
    gboolean is_retry; /* every owner asked for has a live copy of it */
    RecordId repeats;  /* zeros, or a body of the same stored message (repeat tag) */
    DeliveryTag retry_tag;
    DeliveryTag repeat_tag;
} VaultEarlier;

typedef struct VaultDepository VaultDepository;
struct VaultDepository {
    VaultSealer *sealer; /* borrowed */

    /* Asked before mail is taken; never fails. */
    VaultAdmission (*admit)(VaultDepository *self, const char *address);
    /* The mailbox of a normalised address, created with its keys on first mail. NULL address: the
     * unassigned mailbox. */
    gboolean (*resolve)(VaultDepository *self, const char *address, MailboxId *ret_mailbox,
                        VaultResolution *ret_resolution, GError **error);
    /* Computes the tags of a delivery and looks for the same one; waits while one with the same
     * retry tag is in flight, then registers this one as in flight until settle(). `import_key`
     * NULL means the day keys. */
    gboolean (*find_earlier)(VaultDepository *self, const char *sender,
                             const VaultHash *received_hash, const VaultHash *stored_hash,
                             const MailboxId *owners, gsize owner_count, const DayKey *import_key,
                             VaultEarlier *ret_earlier, GError **error);
    /* Once for each find_earlier() that returned TRUE, after commit or failure. */
    void (*settle)(VaultDepository *self, const DeliveryTag *retry_tag);
    /* One fresh leaf of the month of *received_s for each owner, with a place in an index session;
     * keys are durable when it returns.
     * When the clock is not to be trusted, ret_flags gets VAULT_FLAG_CLOCK_UNSURE, and *received_s,
     * where it came from that clock, becomes the last good time: the delivery counts as received
     * then. */
    gboolean (*allot)(VaultDepository *self, const MailboxId *owners, gsize owner_count,
                      guint64 *received_s, VaultAllotment *ret_allotments, guint32 *ret_flags,
                      GError **error);
    /* A sink for a body over VAULT_BODY_WHOLE_MAX. */
    gboolean (*stream)(VaultDepository *self, VaultBodySink *ret_sink, GError **error);
    /* A source for a body whose sink was finished, until it is committed. */
    void (*read_back)(VaultDepository *self, VaultBodySource *ret_source);
    /* Durable when TRUE. Records of one delivery: body first, then copies, then the terms body,
     * where there is one, and terms copies. */
    gboolean (*commit)(VaultDepository *self, GPtrArray *records, GError **error);
    gpointer user;
};
