#include "ingest/message_reading.h"

#include "ingest/mime/cms.h"

#include <string.h>

/* Documents that take too long add up: after so many the rest is left. */
#define FAILURES_MAX 3

static const struct {
    const char *bytes;
    gsize len;
} known_starts[] = {
    {"%PDF", 4}, {"PK\x03\x04", 4}, {"{\\rtf", 5}, {"\xd0\xcf\x11\xe0", 4}, {"\x1f\x8b", 2},
};

gboolean ingest_message_is_worth_reading(const guint8 *bytes, gsize len)
{
    for (gsize i = 0; i < G_N_ELEMENTS(known_starts); i++)
        if (len >= known_starts[i].len &&
            memcmp(bytes, known_starts[i].bytes, known_starts[i].len) == 0)
            return TRUE;
    return FALSE;
}

static void give_document_text(gpointer user, const char *text, gsize len)
{
    MessageReading *reading = user;

    if (text == NULL)
        ingest_terms_builder_end_text(reading->builder, INGEST_FIELD_ATTACHMENT);
    else
        ingest_terms_builder_add(reading->builder, INGEST_FIELD_ATTACHMENT, text, len);
}

static guint32 marks_of(IngestExtractOutcome outcome)
{
    switch (outcome) {
    case INGEST_EXTRACT_TEXT:
    case INGEST_EXTRACT_UNKNOWN:
        return 0;
    case INGEST_EXTRACT_CUT:
        return INGEST_MARK_TRUNCATED;
    case INGEST_EXTRACT_ENCRYPTED:
        return INGEST_MARK_UNSEARCHABLE;
    case INGEST_EXTRACT_UNREAD:
    case INGEST_EXTRACT_MALFORMED:
    case INGEST_EXTRACT_FAILED:
        return INGEST_MARK_INCOMPLETE;
    }
    g_assert_not_reached();
}

static void take_document(MessageReading *reading, const MessageLeaf *leaf)
{
    IngestExtractor *extractor = reading->options->extractor;
    IngestDocument document = {.bytes = leaf->whole->data,
                               .len = leaf->whole->len,
                               .content_type = leaf->content_type,
                               .filename = leaf->filename,
                               .text_len_max = ingest_terms_builder_room(reading->builder),
                               .taken_us = &reading->documents_us};
    IngestExtractOutcome outcome;

    if (leaf->whole->len == 0)
        return;
    if (document.text_len_max == 0 || reading->document_count >= INGEST_DOCUMENTS_MAX) {
        reading->summary->marks |= INGEST_MARK_TRUNCATED;
        return;
    }
    if (extractor == NULL || reading->failure_count >= FAILURES_MAX) {
        reading->summary->marks |= INGEST_MARK_INCOMPLETE;
        return;
    }
    reading->document_count++;
    outcome = extractor->extract(extractor, &document, give_document_text, reading);
    ingest_terms_builder_end_text(reading->builder, INGEST_FIELD_ATTACHMENT);
    reading->failure_count += outcome == INGEST_EXTRACT_FAILED;
    reading->summary->marks |= marks_of(outcome);
}

static void take_cms(MessageReading *reading, const MessageLeaf *leaf)
{
    g_autoptr(GByteArray) content = NULL;

    switch (ingest_cms_open(leaf->whole->data, leaf->whole->len, &content)) {
    case INGEST_CMS_SIGNED:
        reading->summary->marks |= INGEST_MARK_SMIME_SIGNED;
        ingest_message_take_inner(reading, content->data, content->len);
        break;
    case INGEST_CMS_CERTIFICATES:
        break;
    case INGEST_CMS_ENCRYPTED:
        reading->summary->marks |= INGEST_MARK_UNSEARCHABLE | INGEST_MARK_SMIME_ENCRYPTED;
        break;
    case INGEST_CMS_UNKNOWN:
        reading->summary->marks |= INGEST_MARK_UNSEARCHABLE;
        break;
    }
}

void ingest_message_take_whole(MessageReading *reading, MessageLeaf *leaf)
{
    if (leaf->is_too_long) {
        reading->summary->marks |= INGEST_MARK_TRUNCATED;
        return;
    }
    if (leaf->kind == LEAF_DOCUMENT && !leaf->is_undecided)
        take_document(reading, leaf);
    else if (leaf->kind == LEAF_MESSAGE)
        ingest_message_take_inner(reading, leaf->whole->data, leaf->whole->len);
    else if (leaf->kind == LEAF_CMS)
        take_cms(reading, leaf);
}
