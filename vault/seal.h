/* The library "seal": turns messages into sealed records. It opens nothing that another sealed, and
 * touches no file.
 *
 * A delivery's message becomes one body record; each owner gets a copy record that carries the
 * body's key. Bodies up to VAULT_BODY_WHOLE_MAX bytes are sealed in one piece in memory; longer
 * ones go through a VaultBodyStream into the sink that the keeper gives (a stream pack). zstd
 * contexts are pooled: at most `contexts_max` exist for whole bodies, threads wait for one.
 * Threads: VaultSealer is shared; the other objects have one user.
 * Errors: TOO_LARGE (more chunks than a body may have, facts over their limit), REFUSED (a key of
 * small order), and what a sink returns. Source: docs/formats/record.md.
 */
#pragma once

#include "vault/crypto/content.h"
#include "vault/crypto/copy_content.h"
#include "vault/crypto/index_session.h"
#include "vault/crypto/month.h"
#include "vault/crypto/padding.h"
#include "vault/crypto/terms_content.h"
#include "vault/store/pack_writer.h"

#define VAULT_BODY_WHOLE_MAX (1u << 20)
#define VAULT_BODY_PADDING_FLOOR 1024
#define VAULT_TERMS_PADDING_FLOOR 256

/* A sealed body: what its copies need. Wiped on free. */
typedef struct VaultSealedBody VaultSealedBody;
void vault_sealed_body_free(VaultSealedBody *body);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultSealedBody, vault_sealed_body_free)
const RecordId *vault_sealed_body_id(const VaultSealedBody *body);
/* The finished record, to be committed; the caller takes it (once). */
VaultRecord *vault_sealed_body_take_record(VaultSealedBody *body);

typedef struct VaultSealer VaultSealer;
typedef struct {
    VaultId vault_id;
    const LocatorKey *locator_key; /* copied to guarded memory */
    guint contexts_max;            /* 0 = number of processors */
    int compression_level;         /* 0 = 3 */
} VaultSealerOptions;
VaultSealer *vault_sealer_new(const VaultSealerOptions *options);
void vault_sealer_free(VaultSealer *sealer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultSealer, vault_sealer_free)

/* The body's locator: all but body_id. Times are for the caller to know (no clock in here). Any
 * length is taken; memory for about twice the message is needed meanwhile. */
VaultSealedBody *vault_seal_body(VaultSealer *sealer, const void *message, gsize len,
                                 const VaultLocator *locator, GError **error);
/* The same for callers that have the message's SHA-256 already: it is believed. */
VaultSealedBody *vault_seal_hashed_body(VaultSealer *sealer, const void *message, gsize len,
                                        const VaultHash *message_hash, const VaultLocator *locator,
                                        GError **error);

/* Where a large body's bytes go: vault/keep gives one backed by a stream pack. */
typedef struct {
    gboolean (*append)(gpointer sink, const guint8 *bytes, gsize len, GError **error);
    gboolean (*finish)(gpointer sink, const guint8 *header, gsize header_len, VaultPlace *ret_place,
                       GError **error);
    void (*abandon)(gpointer sink);
    gpointer sink;
} VaultBodySink;

/*   begin -> write* -> [message_hash] -> finish      (free before finish: the sink is abandoned)
 */
typedef struct VaultBodyStream VaultBodyStream;
/* Takes over the sink: it is finished or abandoned exactly once, also when this fails. */
VaultBodyStream *vault_body_stream_begin(VaultSealer *sealer, VaultBodySink sink, GError **error);
/* After a failure the stream is only good for freeing: later calls fail with IO. */
gboolean vault_body_stream_write(VaultBodyStream *stream, const void *bytes, gsize len,
                                 GError **error);
/* SHA-256 of the message, which is complete now: no write may follow. */
void vault_body_stream_message_hash(VaultBodyStream *stream, VaultHash *ret_hash);
/* The tags are known only now, so the locator comes last. The sink's finish() has been called when
 * this returns TRUE; when that call itself fails, abandon() follows it. */
VaultSealedBody *vault_body_stream_finish(VaultBodyStream *stream, const VaultLocator *locator,
                                          GError **error);
void vault_body_stream_free(VaultBodyStream *stream);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultBodyStream, vault_body_stream_free)

/* Memory that one stream holds, for budgets. */
gsize vault_body_stream_memory(void);

/* Where the record of a body that went through a stream can be read again: the keeper gives it. */
typedef struct {
    gboolean (*read)(gpointer source, const VaultPlace *place, guint64 offset, gsize len,
                     guint8 *ret_bytes, GError **error);
    void (*close)(gpointer source); /* once, whatever happened */
    gpointer source;
} VaultBodySource;

/* The message of a streamed body once more, from the sealed bytes, with the key that whoever sealed
 * it still holds: for a second pass that needs no plaintext on disk.
 *   finish (of the stream) -> begin -> read* -> free, before the body's record is taken.
 * Holds less memory than vault_body_stream_memory(): free the stream first. */
typedef struct VaultBodyReadback VaultBodyReadback;
/* Takes over the source, borrows the body. */
VaultBodyReadback *vault_body_readback_begin(const VaultSealedBody *body, VaultBodySource source);
/* The next bytes of the message: fewer than `len` only before its end, then 0; -1 with an error:
 * CORRUPT (not what was sealed), or what the source returns; then it is only good for freeing. */
gssize vault_body_readback_read(VaultBodyReadback *readback, void *ret_bytes, gsize len,
                                GError **error);
void vault_body_readback_free(VaultBodyReadback *readback); /* wipes */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultBodyReadback, vault_body_readback_free)

/* One owner's permission to be written to: made by the keeper, a fresh leaf each. */
typedef struct {
    MailboxId mailbox_id;
    MonthKeyId month_key_id;
    ContentPublicKey content_key;
    guint32 leaf;
    ContentSlot slot;
    /* For the terms copy under the same leaf; has_index FALSE: no terms are to be kept. */
    gboolean has_index;
    IndexSlot index_slot;
    guint8 index_enc[VAULT_HPKE_ENC_LEN];
    guint32 index_step;
    IndexMessageKey index_key; /* of that step: good once */
} VaultAllotment;
VAULT_DECLARE_WIPE(VaultAllotment, vault_allotment)

/* Seals a copy. `facts` are TLVs (vault_fact_append). TOO_LARGE over VAULT_COPY_FACTS_LEN_MAX. */
VaultRecord *vault_seal_copy(VaultSealer *sealer, const VaultSealedBody *body,
                             const VaultAllotment *allotment, guint64 received_s, guint32 flags,
                             const GByteArray *facts, GError **error);

/* The terms of a delivery (bytes that the vault does not look into). For one owner they go into his
 * terms copy whole, up to VAULT_TERMS_INLINE_MAX bytes when compressed; else into a terms body of
 * their own, as messages do, that each owner's terms copy names. TOO_LARGE over
 * VAULT_TERMS_LEN_MAX.
 */
typedef struct VaultSealedTerms VaultSealedTerms;
VaultSealedTerms *vault_seal_terms(VaultSealer *sealer, const RecordId *body_id, const void *terms,
                                   gsize len, gsize owner_count, GError **error);
void vault_sealed_terms_free(VaultSealedTerms *terms); /* wipes */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultSealedTerms, vault_sealed_terms_free)
/* The terms body, to be committed; the caller takes it (once). NULL: there is none. */
VaultRecord *vault_sealed_terms_take_record(VaultSealedTerms *terms);
/* One owner's terms copy, in the place that the allotment has in an index session, which is used
 * up. NO_KEY: it has none, or none any more. */
VaultRecord *vault_seal_terms_copy(VaultSealer *sealer, const VaultSealedTerms *terms,
                                   VaultAllotment *allotment, GError **error);
