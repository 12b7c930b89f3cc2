/* Messages with their terms in a vault, and searches of them, for tests of releases of terms. */
#pragma once

#include "tests/unit/release_world.h"

/* A message and what is to be opened of its words. */
typedef struct {
    RecordId archive_id;
    RecordId terms_body_id; /* zeros: the terms lie in the terms copies */
    guint count;
    VaultOpenTermsEntry entries[4]; /* one for each owner */
} TermsDelivery;

static inline VaultRecord *search_world_seal_copy(VaultDepository *depository,
                                                  const VaultSealedTerms *terms,
                                                  VaultAllotment *allotment, guint64 received_s,
                                                  TermsDelivery *delivery)
{
    VaultRecord *record = vault_seal_terms_copy(depository->sealer, terms, allotment, NULL);

    assert_non_null(record);
    delivery->entries[delivery->count++] =
        (VaultOpenTermsEntry){.terms_id = record->record_id,
                              .body_id = delivery->archive_id,
                              .mailbox_id = allotment->mailbox_id,
                              .month_key_id = allotment->month_key_id,
                              .leaf = allotment->leaf,
                              .received_s = received_s};
    return record;
}

static inline void search_world_seal(VaultDepository *depository, const char *text,
                                     VaultAllotment *allotments, gsize count, guint64 received_s,
                                     GPtrArray *records, TermsDelivery *delivery)
{
    VaultLocator locator = {.received_s = received_s, .archived_s = received_s};
    g_autoptr(VaultSealedBody) body =
        vault_seal_body(depository->sealer, text, strlen(text), &locator, NULL);
    g_autoptr(GByteArray) facts = g_byte_array_new();
    g_autoptr(VaultSealedTerms) terms = NULL;
    VaultRecord *terms_body;

    delivery->archive_id = *vault_sealed_body_id(body);
    terms = vault_seal_terms(depository->sealer, &delivery->archive_id, text, strlen(text), count,
                             NULL);
    g_ptr_array_add(records, vault_sealed_body_take_record(body));
    for (gsize i = 0; i < count; i++)
        g_ptr_array_add(records, vault_seal_copy(depository->sealer, body, &allotments[i],
                                                 received_s, 0, facts, NULL));
    terms_body = vault_sealed_terms_take_record(terms);
    if (terms_body != NULL) {
        delivery->terms_body_id = terms_body->record_id;
        g_ptr_array_add(records, terms_body);
    }
    for (gsize i = 0; i < count; i++)
        g_ptr_array_add(records, search_world_seal_copy(depository, terms, &allotments[i],
                                                        received_s, delivery));
}

/* The terms are the text itself. Addresses end with NULL. */
static inline TermsDelivery search_world_deliver_to(VaultKeep *keep, const char *text,
                                                    const char *const *addresses)
{
    VaultDepository *depository = vault_keep_depository(keep);
    g_autoptr(GPtrArray) records =
        g_ptr_array_new_with_free_func((GDestroyNotify)vault_record_free);
    guint64 received_s = keep_fixture_now();
    TermsDelivery delivery = {.count = 0};
    VaultAllotment allotments[4] = {{.leaf = 0}};
    MailboxId owners[4];
    VaultResolution resolution;
    guint32 flags = 0;
    gsize count = 0;

    for (; addresses[count] != NULL; count++)
        assert_true(
            depository->resolve(depository, addresses[count], &owners[count], &resolution, NULL));
    assert_true(
        depository->allot(depository, owners, count, &received_s, allotments, &flags, NULL));
    search_world_seal(depository, text, allotments, count, received_s, records, &delivery);
    assert_true(depository->commit(depository, records, NULL));
    vault_wipe(allotments, sizeof allotments);
    return delivery;
}

static inline TermsDelivery search_world_deliver(ReleaseWorld *world, const char *text,
                                                 const char *address)
{
    const char *const addresses[] = {address, NULL};

    return search_world_deliver_to(world->fixture->keep, text, addresses);
}

static inline char *search_world_search_grant(ReleaseWorld *world, const VaultIdentity *reader)
{
    VaultRequestFile *request = release_world_request(world, reader);

    request->act = VAULT_ACT_SEARCH;
    return release_world_grant_of(world, request);
}

static inline GBytes *search_world_ask(ReleaseWorld *world, const char *grant,
                                       const RecordId *terms_copies, gsize count, GError **error)
{
    GBytes *sealed = NULL;

    assert_true(vault_keep_release_terms_by_grant(world->fixture->keep, grant, strlen(grant),
                                                  terms_copies, count, &sealed,
                                                  error) == (sealed != NULL));
    return sealed;
}

static inline VaultErrorCode search_world_refusal(ReleaseWorld *world, const char *grant,
                                                  const RecordId *terms_copy)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) sealed = search_world_ask(world, grant, terms_copy, 1, &error);

    assert_null(sealed);
    assert_int_equal(error->domain, VAULT_ERROR);
    return (VaultErrorCode)error->code;
}

static inline VaultOpenedRelease *search_world_open(ReleaseWorld *world, const char *grant,
                                                    const VaultIdentity *identity, GBytes *sealed,
                                                    GError **error)
{
    VaultHash hash;

    vault_hash(grant, strlen(grant), &hash);
    return vault_release_open_terms(identity, vault_keep_id(world->fixture->keep), &hash,
                                    g_bytes_get_data(sealed, NULL), g_bytes_get_size(sealed),
                                    error);
}

static inline VaultOpenedRelease *search_world_release(ReleaseWorld *world, const char *grant,
                                                       const VaultIdentity *identity,
                                                       const RecordId *terms_copies, gsize count)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) sealed = search_world_ask(world, grant, terms_copies, count, &error);
    VaultOpenedRelease *release =
        sealed == NULL ? NULL : search_world_open(world, grant, identity, sealed, &error);

    if (release == NULL)
        fail_msg("%s", error->message);
    return release;
}

static inline const VaultReleasedTerms *search_world_row(const VaultOpenedRelease *release, guint i)
{
    return &g_array_index(release->slots, VaultReleasedTerms, i);
}

/* The words of a message as a string, or NULL with the error. */
static inline char *search_world_words(ReleaseWorld *world, VaultReader *reader,
                                       const VaultOpenTermsEntry *entry,
                                       const VaultReleasedTerms *released, GError **error)
{
    VaultRecordSource records = sources_local_records(world->fixture->keep);
    g_autoptr(VaultTermsOpener) opener = vault_terms_opener_new(reader);
    const guint8 *terms;
    gsize len;

    return vault_terms_opener_open(opener, entry, released, &records, &terms, &len, error)
               ? g_strndup((const char *)terms, len)
               : NULL;
}
