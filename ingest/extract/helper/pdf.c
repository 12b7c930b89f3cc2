/* PDF through poppler: pages, what was written into forms and comments, title and the like, and
 * the files within. */
#include "ingest/extract/helper/formats.h"

#include <poppler.h>

static void add_free(ExtractTextOut *out, char *text)
{
    extract_text_out_add_string(out, text);
    extract_text_out_break(out);
    if (text != NULL)
        explicit_bzero(text, strlen(text));
    g_free(text);
}

static void add_fields(ExtractRun *run, PopplerPage *page)
{
    GList *mappings = poppler_page_get_form_field_mapping(page);

    for (GList *item = mappings; item != NULL; item = item->next) {
        PopplerFormField *field = ((PopplerFormFieldMapping *)item->data)->field;

        if (poppler_form_field_get_field_type(field) == POPPLER_FORM_FIELD_TEXT)
            add_free(run->out, poppler_form_field_text_get_text(field));
    }
    poppler_page_free_form_field_mapping(mappings);
}

static void add_comments(ExtractRun *run, PopplerPage *page)
{
    GList *mappings = poppler_page_get_annot_mapping(page);

    for (GList *item = mappings; item != NULL; item = item->next)
        add_free(run->out, poppler_annot_get_contents(((PopplerAnnotMapping *)item->data)->annot));
    poppler_page_free_annot_mapping(mappings);
}

static gboolean add_page(ExtractRun *run, PopplerDocument *pdf, int number)
{
    PopplerPage *page = poppler_document_get_page(pdf, number);
    g_autoptr(GObject) owner = (GObject *)page;

    if (page == NULL)
        return FALSE;
    add_free(run->out, poppler_page_get_text(page));
    add_fields(run, page);
    add_comments(run, page);
    return TRUE;
}

typedef struct {
    GByteArray *bytes;
    gsize len_max;
} Attached;

static gboolean take_attached(const gchar *bytes, gsize len, gpointer user, GError **error)
{
    Attached *attached = user;

    if (len > attached->len_max - attached->bytes->len)
        return FALSE;
    g_byte_array_append(attached->bytes, (const guint8 *)bytes, (guint)len);
    return TRUE;
}

static IngestExtractOutcome add_attached(ExtractRun *run, PopplerAttachment *attachment)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    Attached attached = {bytes, MIN(EXTRACT_MEMBER_LEN_MAX, run->unpacked_left)};
    const char *name = attachment->name == NULL ? "" : attachment->name;

    if (run->members_left == 0 ||
        !poppler_attachment_save_to_callback(attachment, take_attached, &attached, NULL))
        return INGEST_EXTRACT_CUT;
    run->members_left--;
    run->unpacked_left -= bytes->len;
    return extract_nested(
        run, &(ExtractDocument){.bytes = bytes->data, .len = bytes->len, .type = "", .name = name});
}

static IngestExtractOutcome add_attachments(ExtractRun *run, PopplerDocument *pdf)
{
    IngestExtractOutcome outcome = INGEST_EXTRACT_TEXT;
    GList *attachments =
        poppler_document_has_attachments(pdf) ? poppler_document_get_attachments(pdf) : NULL;

    for (GList *item = attachments; item != NULL; item = item->next)
        outcome = extract_outcome_join(outcome, add_attached(run, item->data));
    g_list_free_full(attachments, g_object_unref);
    return outcome;
}

static IngestExtractOutcome add_document(ExtractRun *run, PopplerDocument *pdf)
{
    int page_count = poppler_document_get_n_pages(pdf), missing_count = 0;
    IngestExtractOutcome outcome =
        page_count > EXTRACT_PAGES_MAX ? INGEST_EXTRACT_CUT : INGEST_EXTRACT_TEXT;

    add_free(run->out, poppler_document_get_title(pdf));
    add_free(run->out, poppler_document_get_author(pdf));
    add_free(run->out, poppler_document_get_subject(pdf));
    add_free(run->out, poppler_document_get_keywords(pdf));
    for (int i = 0; i < MIN(page_count, EXTRACT_PAGES_MAX); i++) {
        if (extract_text_out_is_full(run->out))
            return INGEST_EXTRACT_CUT;
        missing_count += !add_page(run, pdf, i);
    }
    if (missing_count > 0)
        outcome = extract_outcome_join(outcome, INGEST_EXTRACT_MALFORMED);
    return extract_outcome_join(outcome, add_attachments(run, pdf));
}

IngestExtractOutcome extract_pdf(ExtractRun *run, const ExtractDocument *document)
{
    g_autoptr(GBytes) bytes = g_bytes_new_static(document->bytes, document->len);
    g_autoptr(GError) failure = NULL;
    PopplerDocument *pdf = poppler_document_new_from_bytes(bytes, NULL, &failure);
    g_autoptr(GObject) owner = (GObject *)pdf;

    if (pdf != NULL)
        return add_document(run, pdf);
    return g_error_matches(failure, POPPLER_ERROR, POPPLER_ERROR_ENCRYPTED)
               ? INGEST_EXTRACT_ENCRYPTED
               : INGEST_EXTRACT_MALFORMED;
}
