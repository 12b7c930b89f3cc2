/* The one delivery pipeline, shared by archived and import: owners -> compress and seal, terms ->
 * commit.
 *
 *   begin -> write* -> commit (or free: abandoned, nothing is left)
 *
 * Up to VAULT_BODY_WHOLE_MAX bytes are held in memory until commit; longer messages are sealed as
 * they arrive into a stream. Either all owners have a durable copy when commit returns TRUE, or
 * none is promised. An owner without key goes to unassigned; owners of one mailbox share one copy,
 * which names all their recipients. Terms go with the copies, in the same group; when they cannot
 * be made the mail is kept without. No socket, file or clock: times come with the call. Errors: as
 * vault/depository.h; TOO_LARGE also when the addresses of one copy are over
 * VAULT_COPY_FACTS_LEN_MAX bytes. Threads: one user per object, many objects per depository.
 */
#pragma once

#include "ingest/owners.h"
#include "ingest/terms_maker.h"
#include "vault/depository.h"

typedef struct {
    const char *sender;   /* "" = null sender */
    GPtrArray *owners;    /* IngestOwner; at least one; owned by the delivery from begin on */
    guint64 declared_len; /* SIZE=: a hint for the first allocation; 0 = none */
    guint64 received_s;
    guint64 archived_s;       /* now */
    guint32 flags;            /* VAULT_FLAG_* */
    const char *source;       /* VAULT_FACT_SOURCE */
    const char *folder;       /* NULL or VAULT_FACT_FOLDER */
    const char *keywords;     /* NULL or VAULT_FACT_KEYWORDS */
    const DayKey *import_key; /* NULL: day keys */
    /* Imports: the message's place in its source (32 bytes), which goes into the retry tag with
     * sender and bytes: what lies there twice is archived twice, what is imported again is not.
     * NULL: none. */
    const VaultHash *import_position;
    IngestTermsMaker *terms; /* borrowed; NULL: no terms are made, the message is not searchable */
} IngestDeliveryOptions;

typedef struct IngestDelivery IngestDelivery;
/* Copies the strings. */
IngestDelivery *ingest_delivery_begin(VaultDepository *depository,
                                      const IngestDeliveryOptions *options, GError **error);
/* After a failure only free is left (IO otherwise). */
gboolean ingest_delivery_write(IngestDelivery *delivery, const void *bytes, gsize len,
                               GError **error);
/* Bytes of memory it holds now, for the caller's budget. A commit needs as much again meanwhile. */
gsize ingest_delivery_memory(const IngestDelivery *delivery);
/* Makes no terms after all: there is no memory for it. */
void ingest_delivery_leave_terms(IngestDelivery *delivery);

typedef struct {
    RecordId archive_id;
    gboolean is_already_archived;
    guint unassigned_count; /* owners that went to unassigned for want of a key */
    gboolean lacks_terms;   /* they were wanted, and could not be made */
} IngestDeliveryResult;
/* Once. TRUE: every owner's copy is durable, now or since an earlier delivery of the same. */
gboolean ingest_delivery_commit(IngestDelivery *delivery, IngestDeliveryResult *ret_result,
                                GError **error);
void ingest_delivery_free(IngestDelivery *delivery);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(IngestDelivery, ingest_delivery_free)
