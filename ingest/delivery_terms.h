/* The terms of a delivery as records beside its copies. Only for delivery.c. */
#pragma once

#include "ingest/terms_maker.h"
#include "vault/depository.h"

typedef struct {
    IngestTermsMaker *maker;
    VaultDepository *depository;
    const VaultSealedBody *body; /* its record not yet taken */
    gboolean is_streamed;        /* the body is read back */
    const void *whole;           /* else the message is here */
    guint64 len;
    const VaultHash *message_hash;
    VaultAllotment *allotments; /* the places for terms are used up */
    gsize owner_count;
} IngestDeliveryTerms;

/* Adds the terms body, where there is one, then a terms copy for each owner that has a place for
 * it. FALSE: there are no terms, or not for every owner, and nothing was added. Why is no business
 * of the delivery: the mail is kept all the same. */
gboolean ingest_delivery_terms_add(const IngestDeliveryTerms *terms, GPtrArray *records);
