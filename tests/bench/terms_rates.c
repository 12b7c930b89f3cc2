/* What the terms of a message cost, stage by stage, and how large they are.
 *
 *   bench_terms FOLDER [EVERY]
 *
 * Reads every EVERYth file below FOLDER as a message; no attachment is extracted. Stages: the
 * structure alone; with it decoding, charsets and HTML; all of it, with words and formatting; then
 * sealing for one owner. Times are CPU of one thread. */
#include "ingest/message_text.h"
#include "ingest/mime/charset.h"
#include "ingest/mime/html_text.h"
#include "ingest/mime/walk.h"
#include "vault/crypto/hpke.h"
#include "vault/crypto/value.h"
#include "vault/seal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct {
    GPtrArray *messages; /* GBytes */
    guint every, seen;
    guint64 len, compressed_len, terms_len, sealed_len;
} Bench;

static double cpu_s(void)
{
    struct timespec time;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void load(Bench *bench, const char *path)
{
    g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
    char *bytes;
    gsize len;

    if (folder == NULL) {
        if (bench->seen++ % bench->every == 0 && g_file_get_contents(path, &bytes, &len, NULL)) {
            g_ptr_array_add(bench->messages, g_bytes_new_take(bytes, len));
            bench->len += len;
        }
        return;
    }
    for (const char *name; (name = g_dir_read_name(folder)) != NULL;) {
        g_autofree char *inner = g_build_filename(path, name, NULL);

        load(bench, inner);
    }
}

/* ---- structure, and decoded text ------------------------------------------------------------- */

typedef struct {
    gboolean is_text_wanted, is_encoded;
    GMimeEncoding decoder;
    IngestCharset *charset;
    IngestHtmlText *html;
    guint64 text_len;
} Walked;

static void count_text(gpointer user, const char *text, gsize len)
{
    ((Walked *)user)->text_len += len;
}

static void give_html(gpointer user, const char *text, gsize len)
{
    ingest_html_text_add(((Walked *)user)->html, text, len);
}

static void begin(gpointer user, const IngestEntity *entity)
{
    Walked *walked = user;

    if (!walked->is_text_wanted || !ingest_entity_is(entity, "text", "*"))
        return;
    walked->is_encoded = entity->encoding == GMIME_CONTENT_ENCODING_BASE64 ||
                         entity->encoding == GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE;
    g_mime_encoding_init_decode(&walked->decoder, entity->encoding);
    if (ingest_entity_is(entity, "text", "html"))
        walked->html = ingest_html_text_new(count_text, walked);
    walked->charset = ingest_charset_new(ingest_entity_parameter(entity, "charset"),
                                         walked->html != NULL ? give_html : count_text, walked);
}

static void take_body(gpointer user, const guint8 *bytes, gsize len)
{
    Walked *walked = user;
    char decoded[8192];

    for (gsize at = 0; walked->charset != NULL && at < len; at += 4096) {
        gsize taken_len = MIN(len - at, 4096);
        gsize decoded_len;

        if (!walked->is_encoded) {
            ingest_charset_add(walked->charset, bytes + at, taken_len);
            continue;
        }
        decoded_len =
            g_mime_encoding_step(&walked->decoder, (const char *)bytes + at, taken_len, decoded);
        ingest_charset_add(walked->charset, decoded, decoded_len);
    }
}

static void end(gpointer user, const IngestEntity *entity)
{
    Walked *walked = user;

    if (walked->charset != NULL)
        ingest_charset_end(walked->charset);
    if (walked->html != NULL)
        (void)ingest_html_text_end(walked->html);
    g_clear_pointer(&walked->charset, ingest_charset_free);
    g_clear_pointer(&walked->html, ingest_html_text_free);
}

static void cut(gpointer user)
{
}

static double walk_all(const Bench *bench, gboolean is_text_wanted, guint64 *ret_text_len)
{
    static const IngestWalkVisitor visitor = {
        .begin = begin, .body = take_body, .end = end, .cut = cut};
    Walked walked = {.is_text_wanted = is_text_wanted};
    double start_s = cpu_s();

    for (guint i = 0; i < bench->messages->len; i++) {
        g_autoptr(IngestWalk) walk = ingest_walk_new(&visitor, &walked, 0);
        gsize len;
        const void *bytes = g_bytes_get_data(bench->messages->pdata[i], &len);

        ingest_walk_feed(walk, bytes, len);
        ingest_walk_finish(walk);
    }
    *ret_text_len = walked.text_len;
    return cpu_s() - start_s;
}

/* ---- terms, and sealing ---------------------------------------------------------------------- */

static GByteArray *make_terms(IngestMessageText *text, GBytes *message)
{
    static const VaultHash hash = {{0}};
    gsize len;
    const void *bytes = g_bytes_get_data(message, &len);

    return ingest_message_text_terms(text, bytes, len, &hash);
}

static GPtrArray *make_all_terms(Bench *bench, double *ret_s)
{
    static const IngestMessageTextOptions options = {.extractor = NULL};
    GPtrArray *all = g_ptr_array_new_with_free_func((GDestroyNotify)vault_value_free);
    IngestMessageText *text = ingest_message_text_new(&options);
    double start_s = cpu_s();

    for (guint i = 0; i < bench->messages->len; i++)
        g_ptr_array_add(all, make_terms(text, bench->messages->pdata[i]));
    *ret_s = cpu_s() - start_s;
    for (guint i = 0; i < all->len; i++)
        bench->terms_len += ((GByteArray *)all->pdata[i])->len;
    ingest_message_text_free(text);
    return all;
}

/* A place in a session costs its hash chain; the session itself is one encapsulation for 1,024. */
static double seal_all(Bench *bench, VaultSealer *sealer, const GPtrArray *all)
{
    guint8 secret[32];
    IndexPublicKey key;
    VaultIndexContext context = {.vault_id = {{0}}};
    g_auto(VaultIndexSession) session = {.step = VAULT_INDEX_STEPS_MAX};
    RecordId body_id = {{0}};
    double start_s = cpu_s();

    vault_hpke_derive_key_pair((const guint8 *)"bench", 5, secret, key.bytes);
    for (guint i = 0; i < all->len; i++) {
        const GByteArray *terms = all->pdata[i];
        g_auto(VaultAllotment) allotment = {.has_index = TRUE};
        g_autoptr(VaultSealedTerms) sealed = NULL;
        g_autoptr(VaultRecord) copy = NULL;

        if (session.step == VAULT_INDEX_STEPS_MAX)
            g_assert_true(vault_index_session_begin(&key, &context, &session, NULL));
        g_assert_true(
            vault_index_session_next(&session, &allotment.index_step, &allotment.index_key, NULL));
        sealed = vault_seal_terms(sealer, &body_id, terms->data, terms->len, 1, NULL);
        copy = vault_seal_terms_copy(sealer, sealed, &allotment, NULL);
        bench->sealed_len += g_bytes_get_size(copy->bytes);
    }
    return cpu_s() - start_s;
}

/* The messages themselves: what their terms are compared with. */
static double seal_bodies(Bench *bench, VaultSealer *sealer)
{
    static const VaultLocator locator = {.received_s = 1};
    double start_s = cpu_s();

    for (guint i = 0; i < bench->messages->len; i++) {
        gsize len;
        const void *bytes = g_bytes_get_data(bench->messages->pdata[i], &len);
        g_autoptr(VaultSealedBody) body = vault_seal_body(sealer, bytes, len, &locator, NULL);
        g_autoptr(VaultRecord) record = vault_sealed_body_take_record(body);

        bench->compressed_len += g_bytes_get_size(record->bytes);
    }
    return cpu_s() - start_s;
}

static void print(const Bench *bench, const char *stage, double seconds)
{
    printf("%-44s %8.1f us\n", stage, seconds / bench->messages->len * 1e6);
}

int main(int argc, char **argv)
{
    Bench bench = {.messages = g_ptr_array_new(), .every = argc > 2 ? (guint)atoi(argv[2]) : 1};
    LocatorKey locator_key = {{0}};
    VaultSealerOptions options = {.locator_key = &locator_key, .contexts_max = 1};
    g_autoptr(VaultSealer) sealer = NULL;
    g_autoptr(GPtrArray) terms = NULL;
    double structure_s, text_s, terms_s, sealing_s;
    guint64 text_len;

    vault_crypto_init();
    if (argc > 1 && bench.every > 0)
        load(&bench, argv[1]);
    if (bench.messages->len == 0) {
        fputs("usage: bench_terms FOLDER [EVERY]\n", stderr);
        return 2;
    }
    sealer = vault_sealer_new(&options);
    structure_s = walk_all(&bench, FALSE, &text_len);
    text_s = walk_all(&bench, TRUE, &text_len);
    terms = make_all_terms(&bench, &terms_s);
    sealing_s = seal_all(&bench, sealer, terms);
    printf("%u messages, mean %" G_GUINT64_FORMAT " bytes, text %" G_GUINT64_FORMAT "\n",
           bench.messages->len, bench.len / bench.messages->len, text_len / bench.messages->len);
    print(&bench, "structure", structure_s);
    print(&bench, "decoding, charsets, HTML", text_s - structure_s);
    print(&bench, "header texts, words, formatting", terms_s - text_s);
    print(&bench, "sealing, one owner", sealing_s);
    print(&bench, "terms in all", terms_s + sealing_s);
    print(&bench, "the body, for comparison", seal_bodies(&bench, sealer));
    printf("terms %" G_GUINT64_FORMAT " bytes, sealed %" G_GUINT64_FORMAT
           ": %.1f %% of the sealed mail\n",
           bench.terms_len / bench.messages->len, bench.sealed_len / bench.messages->len,
           100.0 * (double)bench.sealed_len / (double)bench.compressed_len);
    return 0;
}
