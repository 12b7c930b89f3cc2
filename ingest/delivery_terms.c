#include "ingest/delivery_terms.h"

#include "vault/crypto/value.h"

static gssize read_back(gpointer user, void *bytes, gsize len)
{
    return vault_body_readback_read(user, bytes, len, NULL);
}

static GByteArray *make_terms(const IngestDeliveryTerms *terms)
{
    g_autoptr(VaultBodyReadback) readback = NULL;
    VaultBodySource source;

    if (!terms->is_streamed)
        return ingest_terms_maker_make(terms->maker, terms->whole, terms->len, terms->message_hash);
    terms->depository->read_back(terms->depository, &source);
    readback = vault_body_readback_begin(terms->body, source);
    return ingest_terms_maker_read(terms->maker, read_back, readback, terms->len,
                                   terms->message_hash);
}

static gboolean seal_copies(const IngestDeliveryTerms *terms, const VaultSealedTerms *sealed,
                            GPtrArray *records)
{
    for (gsize i = 0; i < terms->owner_count; i++) {
        VaultRecord *copy =
            vault_seal_terms_copy(terms->depository->sealer, sealed, &terms->allotments[i], NULL);

        if (copy == NULL)
            return FALSE;
        g_ptr_array_add(records, copy);
    }
    return TRUE;
}

static GPtrArray *seal(const IngestDeliveryTerms *terms, const GByteArray *bytes)
{
    g_autoptr(GPtrArray) records =
        g_ptr_array_new_with_free_func((GDestroyNotify)vault_record_free);
    g_autoptr(VaultSealedTerms) sealed =
        vault_seal_terms(terms->depository->sealer, vault_sealed_body_id(terms->body), bytes->data,
                         bytes->len, terms->owner_count, NULL);
    VaultRecord *body;

    if (sealed == NULL)
        return NULL;
    body = vault_sealed_terms_take_record(sealed);
    if (body != NULL)
        g_ptr_array_add(records, body);
    return seal_copies(terms, sealed, records) ? g_steal_pointer(&records) : NULL;
}

static gboolean has_places(const IngestDeliveryTerms *terms)
{
    for (gsize i = 0; i < terms->owner_count; i++)
        if (!terms->allotments[i].has_index)
            return FALSE;
    /* Body, copies, terms body and terms copies go into one group. */
    return 2 * terms->owner_count + 2 <= VAULT_GROUP_RECORDS_MAX;
}

gboolean ingest_delivery_terms_add(const IngestDeliveryTerms *terms, GPtrArray *records)
{
    g_autoptr(GPtrArray) made = NULL;
    GByteArray *bytes;

    if (!has_places(terms))
        return FALSE;
    bytes = make_terms(terms);
    if (bytes == NULL)
        return FALSE;
    made = seal(terms, bytes);
    vault_value_free(bytes);
    if (made == NULL)
        return FALSE;
    g_ptr_array_extend_and_steal(records, g_steal_pointer(&made));
    return TRUE;
}
