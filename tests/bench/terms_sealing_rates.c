/* What terms cost beside the words themselves: sealing them, per message, and the catalog's list of
 * them.
 *
 *   bench_terms_sealing [MESSAGES] [LENGTH] [FOLDER]     LENGTH of the terms of a message, in bytes
 */
#include "vault/crypto/erasure_tree.h"
#include "vault/keep/catalog_feed.h"
#include "vault/seal.h"
#include "vault/store/catalog.h"

#include <glib/gstdio.h>
#include <stdlib.h>
#include <time.h>

static void must(gboolean is_done, GError *error)
{
    if (!is_done)
        g_error("%s", error != NULL ? error->message : "failed");
}

static gdouble cpu_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (gdouble)now.tv_sec * 1e6 + (gdouble)now.tv_nsec / 1e3;
}

/* ---- sealing --------------------------------------------------------------------------------- */

typedef struct {
    VaultSealer *sealer;
    VaultErasureTree *tree;
    VaultIndexContext context;
    IndexPublicKey key;
    VaultIndexSession session;
    gdouble place_us, seal_us;
    guint64 stored_len;
} Sealing;

/* As the keeper does it for each allotment. */
static void allot(Sealing *sealing, guint32 leaf, VaultAllotment *allotment)
{
    gdouble started = cpu_us();

    if (leaf % VAULT_INDEX_STEPS_MAX == 0)
        must(vault_index_session_begin(&sealing->key, &sealing->context, &sealing->session, NULL),
             NULL);
    allotment->leaf = leaf;
    allotment->has_index = TRUE;
    memcpy(allotment->index_enc, sealing->session.enc, sizeof allotment->index_enc);
    must(vault_erasure_tree_index_slot(sealing->tree, leaf, &allotment->index_slot, NULL) &&
             vault_index_session_next(&sealing->session, &allotment->index_step,
                                      &allotment->index_key, NULL),
         NULL);
    sealing->place_us += cpu_us() - started;
}

static void seal(Sealing *sealing, guint32 number, const guint8 *terms, gsize len)
{
    g_auto(VaultAllotment) allotment = {.has_index = FALSE};
    g_autoptr(VaultSealedTerms) sealed = NULL;
    g_autoptr(VaultRecord) body = NULL;
    g_autoptr(VaultRecord) copy = NULL;
    RecordId body_id;
    gdouble started;

    vault_random(&body_id, sizeof body_id);
    allot(sealing, number, &allotment);
    started = cpu_us();
    sealed = vault_seal_terms(sealing->sealer, &body_id, terms, len, 1, NULL);
    body = vault_sealed_terms_take_record(sealed);
    copy = vault_seal_terms_copy(sealing->sealer, sealed, &allotment, NULL);
    sealing->seal_us += cpu_us() - started;
    sealing->stored_len +=
        g_bytes_get_size(copy->bytes) + (body == NULL ? 0 : g_bytes_get_size(body->bytes));
}

/* Words of a vocabulary, rare ones rarely: about as compressible as terms are. */
static guint8 *make_terms(GRand *rand, gsize len)
{
    GString *terms = g_string_new(NULL);

    while (terms->len < len) {
        guint32 word = (guint32)(1e6 * g_rand_double(rand) * g_rand_double(rand));

        g_string_append_printf(terms, "%x%c", word * 2654435761u >> 8, g_rand_int(rand) % 32);
    }
    return (guint8 *)g_string_free(terms, FALSE);
}

static void measure_sealing(guint count, gsize len)
{
    LocatorKey locator_key = {{1}};
    g_autoptr(VaultSealer) sealer =
        vault_sealer_new(&(VaultSealerOptions){.locator_key = &locator_key, .contexts_max = 1});
    g_autoptr(VaultErasureTree) tree = vault_erasure_tree_new();
    g_autoptr(GRand) rand = g_rand_new_with_seed(1);
    Sealing sealing = {.sealer = sealer, .tree = tree};
    ContentSecretKey secret;
    ContentPublicKey key;

    vault_random(&secret, sizeof secret);
    vault_content_public_key(&secret, &key);
    memcpy(sealing.key.bytes, key.bytes, sizeof key.bytes);
    for (guint i = 0; i < count; i++) {
        g_autofree guint8 *terms = make_terms(rand, len);

        seal(&sealing, i, terms, len);
    }
    g_print("{\"messages\":%u,\"terms_bytes\":%zu,\"place_us\":%.2f,\"seal_us\":%.2f,"
            "\"stored_bytes\":%.1f}\n",
            count, len, sealing.place_us / count, sealing.seal_us / count,
            (gdouble)sealing.stored_len / count);
}

/* ---- the catalog ----------------------------------------------------------------------------- */

static void add(VaultCatalog *catalog, VaultRecordKind kind, guint number, const RecordId *body_id)
{
    VaultCatalogRow row = {.kind = kind,
                           .place = {.pack_id = {{1}}, .offset = number * 1000u, .len = 500},
                           .locator = {.body_id = *body_id,
                                       .month_key_id = {{(guint8)(number % 150)}},
                                       .leaf = number,
                                       .received_s = 1700000000 + number}};
    GError *error = NULL;

    if (kind == VAULT_RECORD_BODY)
        row.record_id = *body_id;
    else
        vault_random(&row.record_id, sizeof row.record_id);
    must(vault_catalog_add(catalog, &row, G_MAXUINT64, &error), error);
}

/* In transactions of as many rows as the feed makes them under load. */
#define TRANSACTION_MESSAGES (VAULT_FEED_BATCH / 3)
static void fill(VaultCatalog *catalog, guint from, guint to, gboolean are_terms)
{
    GError *error = NULL;

    for (guint i = from; i < to; i++) {
        RecordId body_id;

        vault_random(&body_id, sizeof body_id);
        if (i % TRANSACTION_MESSAGES == 0 || i == from)
            must(vault_catalog_begin(catalog, &error), error);
        add(catalog, VAULT_RECORD_BODY, i, &body_id);
        add(catalog, VAULT_RECORD_COPY, i, &body_id);
        if (are_terms)
            add(catalog, VAULT_RECORD_TERMS_COPY, i, &body_id);
        if ((i + 1) % TRANSACTION_MESSAGES == 0 || i + 1 == to)
            must(vault_catalog_end(catalog, &error), error);
    }
}

static guint list(VaultCatalog *catalog, VaultCatalogPosition *position)
{
    const VaultCatalogFilter all = {.months = NULL};
    g_autoptr(GArray) page = g_array_new(FALSE, FALSE, sizeof(VaultCatalogArrival));
    gboolean is_more = TRUE;
    GError *error = NULL;

    while (is_more)
        must(vault_catalog_arrivals(catalog, &all, position, 4096, page, &is_more, &error), error);
    return page->len;
}

static gdouble fill_new(const char *path, guint count, gboolean are_terms)
{
    const VaultId vault_id = {{1}};
    gdouble started;
    g_autoptr(VaultCatalog) catalog =
        vault_catalog_open(path, VAULT_CATALOG_WRITE, &vault_id, NULL);

    g_assert(catalog != NULL);
    started = cpu_us();
    fill(catalog, 0, count, are_terms);
    return (cpu_us() - started) / count;
}

static void measure_catalog(const char *folder, guint count)
{
    const VaultId vault_id = {{1}};
    g_autofree char *bare = g_build_filename(folder, "bare.sqlite", NULL);
    g_autofree char *path = g_build_filename(folder, "terms.sqlite", NULL);
    gdouble bare_us = fill_new(bare, count, FALSE), add_us = fill_new(path, count, TRUE), all_us;
    g_autoptr(VaultCatalog) catalog =
        vault_catalog_open(path, VAULT_CATALOG_WRITE, &vault_id, NULL);
    VaultCatalogPosition position = {.mark = 0};
    gdouble started = cpu_us();
    guint listed = list(catalog, &position), fresh;

    all_us = cpu_us() - started;
    fill(catalog, count, count + 100, TRUE);
    started = cpu_us();
    fresh = list(catalog, &position);
    g_print("{\"listed\":%u,\"list_ms\":%.1f,\"new\":%u,\"list_new_ms\":%.3f,"
            "\"add_us\":%.2f,\"add_without_terms_us\":%.2f}\n",
            listed, all_us / 1e3, fresh, (cpu_us() - started) / 1e3, add_us, bare_us);
}

int main(int argc, char **argv)
{
    guint count = argc > 1 ? (guint)atoi(argv[1]) : 46000;
    gsize len = argc > 2 ? (gsize)atoi(argv[2]) : 800;
    g_autofree char *folder = argc > 3 ? g_strdup(argv[3]) : g_dir_make_tmp("terms-XXXXXX", NULL);

    vault_crypto_init();
    measure_sealing(count, len);
    measure_catalog(folder, count);
    return 0;
}
