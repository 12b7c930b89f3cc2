/* The terms of messages, as system tests ask for them.
 *
 *   message_terms FILE...
 *
 * Writes for each file "MARKS MS\n", then a line for each folded form of a term in any field, then
 * an empty line. No attachment is extracted.
 */
#include "ingest/message_text.h"
#include "vault/crypto/value.h"

#include <stdio.h>
#include <stdlib.h>

static void print_terms(const IngestTerms *terms)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    IngestTermsCursor cursor = {.terms = terms};
    IngestTerm term;

    while (ingest_terms_next(&cursor, &term)) {
        char *word = g_strndup(term.term, ingest_term_folded_len(term.term, term.len));

        if (g_hash_table_add(seen, word))
            puts(word);
    }
    puts("");
}

static void print_file(IngestMessageText *text, IngestWordSplitter *splitter, const char *path)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(IngestTerms) terms = NULL;
    g_autofree char *message = NULL;
    VaultHash hash = {{0}};
    GByteArray *bytes;
    gint64 begin_us;
    gsize len;

    if (!g_file_get_contents(path, &message, &len, &error))
        g_error("%s", error->message);
    begin_us = g_get_monotonic_time();
    bytes = ingest_message_text_terms(text, message, len, &hash);
    begin_us = g_get_monotonic_time() - begin_us;
    terms = ingest_terms_parse(bytes->data, bytes->len, splitter, &error);
    if (terms == NULL)
        g_error("%s: %s", path, error->message);
    printf("%u %" G_GINT64_FORMAT "\n", ingest_terms_summary(terms)->marks, begin_us / 1000);
    print_terms(terms);
    g_clear_pointer(&terms, ingest_terms_free);
    vault_value_free(bytes);
}

int main(int argc, char **argv)
{
    static const IngestMessageTextOptions options = {.extractor = NULL};
    g_autoptr(IngestMessageText) text = NULL;
    g_autoptr(IngestWordSplitter) splitter = NULL;

    vault_crypto_init();
    text = ingest_message_text_new(&options);
    splitter = ingest_word_splitter_new();
    for (int i = 1; i < argc; i++)
        print_file(text, splitter, argv[i]);
    return EXIT_SUCCESS;
}
