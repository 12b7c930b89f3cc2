#include "ingest/words/summary.h"

#include <string.h>

#include "vault/crypto/keys.h"

static void wipe_text(gpointer text)
{
    if (text != NULL)
        vault_wipe(text, strlen(text));
    g_free(text);
}

IngestSummary *ingest_summary_new(void)
{
    IngestSummary *summary = g_new0(IngestSummary, 1);

    summary->filenames = g_ptr_array_new_with_free_func(wipe_text);
    summary->references = g_ptr_array_new_with_free_func(wipe_text);
    return summary;
}

void ingest_summary_free(IngestSummary *summary)
{
    if (summary == NULL)
        return;
    wipe_text(summary->from);
    wipe_text(summary->to);
    wipe_text(summary->cc);
    wipe_text(summary->bcc);
    wipe_text(summary->subject);
    wipe_text(summary->list);
    wipe_text(summary->message_id);
    wipe_text(summary->snippet);
    g_ptr_array_unref(summary->filenames);
    g_ptr_array_unref(summary->references);
    vault_wipe(summary, sizeof *summary);
    g_free(summary);
}

/* Ends the text before the character that would go past the limit. */
static void bound_text(char **text, gsize len_max)
{
    char *valid, *end;
    gsize len;

    if (*text == NULL)
        return;
    if (!g_utf8_validate(*text, -1, NULL)) {
        valid = g_utf8_make_valid(*text, -1);
        wipe_text(*text);
        *text = valid;
    }
    len = strlen(*text);
    end = *text + MIN(len, len_max);
    while (len > len_max && ((guint8)*end & 0xc0) == 0x80)
        end--;
    vault_wipe(end, len - (gsize)(end - *text));
    *end = '\0';
    if (end == *text) {
        g_free(*text);
        *text = NULL;
    }
}

static void bound_names(GPtrArray *names)
{
    if (names->len > INGEST_SUMMARY_NAMES_MAX)
        g_ptr_array_set_size(names, INGEST_SUMMARY_NAMES_MAX);
    for (guint i = names->len; i-- > 0;) {
        bound_text((char **)&names->pdata[i], INGEST_SUMMARY_TEXT_LEN_MAX);
        if (names->pdata[i] == NULL)
            g_ptr_array_remove_index(names, i);
    }
}

void ingest_summary_bound(IngestSummary *summary)
{
    char **texts[] = {&summary->from,    &summary->to,   &summary->cc,        &summary->bcc,
                      &summary->subject, &summary->list, &summary->message_id};

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
        bound_text(texts[i], INGEST_SUMMARY_TEXT_LEN_MAX);
    bound_text(&summary->snippet, INGEST_SNIPPET_LEN_MAX);
    bound_names(summary->filenames);
    bound_names(summary->references);
    if (summary->date_s < -INGEST_SUMMARY_DATE_MAX || summary->date_s > INGEST_SUMMARY_DATE_MAX)
        summary->date_s = 0;
    summary->message_len = MIN(summary->message_len, INGEST_SUMMARY_MESSAGE_LEN_MAX);
}
