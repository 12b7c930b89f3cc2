#include "vault/seal/sealed_body.h"

#include "vault/crypto/value.h"

#include <string.h>

struct VaultSealedTerms {
    RecordId body_id;    /* of the message */
    GByteArray *content; /* plaintext of every owner's terms copy */
    VaultRecord *record; /* the terms body, until it is taken; or NULL */
};

void vault_sealed_terms_free(VaultSealedTerms *terms)
{
    if (terms == NULL)
        return;
    vault_value_free(terms->content);
    g_clear_pointer(&terms->record, vault_record_free);
    g_free(terms);
}

VaultRecord *vault_sealed_terms_take_record(VaultSealedTerms *terms)
{
    return g_steal_pointer(&terms->record);
}

/* ---- the terms ------------------------------------------------------------------------------ */

/* As they are: terms come packed, and compressing them would make them longer. */
static gboolean hold_inline(VaultSealedTerms *terms, const void *bytes, gsize len, GError **error)
{
    const VaultTermsContent content = {
        .is_inline = TRUE,
        .compression = VAULT_COMPRESSION_STORED,
        .message_body_id = terms->body_id,
        .terms_len = (guint32)len,
        .frame = bytes,
        .frame_len = len,
    };

    terms->content = vault_terms_content_format(&content, error);
    return terms->content != NULL;
}

/* Bytes 32 to 64 of the header are random: a commitment to the terms would be one to the words. */
static gboolean seal_terms_body(VaultSealer *sealer, VaultSealedTerms *terms,
                                const SealFrame *frame, gsize terms_len, GError **error)
{
    g_autoptr(VaultSealedBody) body = seal_body_new();
    VaultRecordHeader header = {
        .kind = VAULT_RECORD_TERMS_BODY,
        .suite = VAULT_SUITE_X25519,
        .record_id = body->reference.body_id,
    };
    const VaultLocator locator = {.body_id = terms->body_id};
    g_auto(VaultTermsContent) content = {.is_inline = FALSE};
    gsize ciphertext_len;
    guint8 *bytes = seal_frame(body, frame, &ciphertext_len, error);

    if (bytes == NULL)
        return FALSE;
    header.ciphertext_len = ciphertext_len;
    vault_random(header.by_kind, sizeof header.by_kind);
    seal_body_finish(sealer, body, &header, &locator, bytes);
    body->reference.message_len = terms_len;
    content.message_body_id = terms->body_id;
    content.body = body->reference;
    terms->content = vault_terms_content_format(&content, error);
    terms->record = vault_sealed_body_take_record(body);
    return terms->content != NULL;
}

static gboolean seal_apart(VaultSealer *sealer, VaultSealedTerms *terms, const void *bytes,
                           gsize len, GError **error)
{
    SealCompressor *compressor = seal_compressor_take(sealer->compressors);
    SealFrame frame = {.kind = VAULT_RECORD_TERMS_BODY};
    gboolean is_sealed;

    frame.bytes = seal_compressor_compress(compressor, bytes, len,
                                           seal_padding_room(frame.kind, len), &frame.len);
    is_sealed = seal_terms_body(sealer, terms, &frame, len, error);
    seal_compressor_give_back(sealer->compressors, compressor);
    return is_sealed;
}

static gboolean check_len(gsize len, GError **error)
{
    if (len <= VAULT_TERMS_LEN_MAX)
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE,
                "the terms of a message are %" G_GSIZE_FORMAT " bytes, at most %u are kept", len,
                VAULT_TERMS_LEN_MAX);
    return FALSE;
}

VaultSealedTerms *vault_seal_terms(VaultSealer *sealer, const RecordId *body_id, const void *terms,
                                   gsize len, gsize owner_count, GError **error)
{
    g_autoptr(VaultSealedTerms) sealed = g_new0(VaultSealedTerms, 1);
    gboolean is_sealed;

    g_assert(owner_count > 0);
    if (!check_len(len, error))
        return NULL;
    sealed->body_id = *body_id;
    is_sealed = owner_count == 1 && len <= VAULT_TERMS_INLINE_MAX
                    ? hold_inline(sealed, terms, len, error)
                    : seal_apart(sealer, sealed, terms, len, error);
    return is_sealed ? g_steal_pointer(&sealed) : NULL;
}

/* ---- one owner's copy ----------------------------------------------------------------------- */

static VaultLocator terms_locator(const VaultSealedTerms *terms, const VaultAllotment *allotment)
{
    VaultLocator locator = {
        .body_id = terms->body_id,
        .month_key_id = allotment->month_key_id,
        .leaf = allotment->leaf,
        .step = allotment->index_step,
    };

    memcpy(locator.enc, allotment->index_enc, sizeof locator.enc);
    return locator;
}

/* A place in a session is good once. */
static void use_up_index(VaultAllotment *allotment)
{
    allotment->has_index = FALSE;
    index_slot_wipe(&allotment->index_slot);
    index_message_key_wipe(&allotment->index_key);
}

VaultRecord *vault_seal_terms_copy(VaultSealer *sealer, const VaultSealedTerms *terms,
                                   VaultAllotment *allotment, GError **error)
{
    VaultRecordHeader header = {
        .kind = VAULT_RECORD_TERMS_COPY,
        .suite = VAULT_SUITE_X25519,
        .ciphertext_len = terms->content->len + VAULT_INDEX_OVERHEAD_LEN,
    };
    VaultLocator locator = terms_locator(terms, allotment);
    VaultIndexRecord place = {.slot = &allotment->index_slot};
    gsize header_len = vault_record_header_len(header.kind);
    guint8 *bytes;
    VaultSpan clear;

    if (!allotment->has_index) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_NO_KEY,
                    "leaf %u of month %s has no place for terms, or had it for others",
                    allotment->leaf, VAULT_ID_TEXT(allotment->month_key_id));
        return NULL;
    }
    bytes = g_malloc(header_len + header.ciphertext_len);
    vault_random(header.record_id.bytes, sizeof header.record_id.bytes);
    vault_random(header.by_kind, sizeof header.by_kind);
    place.record_id = header.record_id;
    memcpy(place.salt, header.by_kind, sizeof place.salt);
    clear.bytes = bytes;
    clear.len = vault_record_format_clear(&header, sealer->locator_key, &locator, bytes);
    vault_index_seal(&allotment->index_key, &place, &clear, terms->content->data,
                     terms->content->len, bytes + header_len);
    use_up_index(allotment);
    return seal_finish_record(&header, &locator, bytes, clear.len);
}
