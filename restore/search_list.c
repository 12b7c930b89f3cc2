#include "restore/search_list.h"

#include "restore/json_text.h"
#include "restore/output.h"
#include "vault/base/bytes.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Custodians named on a line, before "and n more". */
#define NAMED_MAX 3

/* ---- for people ------------------------------------------------------------------------------ */

/* What a terminal may obey is taken out first, so that only our own marks are left. */
static char *marked_line(SearchMarker *marker, IngestField field, const char *text)
{
    gboolean is_terminal = isatty(STDOUT_FILENO);
    g_autofree char *safe = restore_output_printable(text == NULL ? "" : text);
    g_autoptr(GArray) places = search_marker_find(marker, field, safe);

    return search_marked_text(safe, places, is_terminal ? "\x1b[1m" : "[",
                              is_terminal ? "\x1b[0m" : "]");
}

static char *custodians_text(const GPtrArray *custodians)
{
    g_autoptr(GString) text = g_string_new(NULL);

    for (guint i = 0; i < MIN(custodians->len, NAMED_MAX); i++)
        g_string_append_printf(text, "%s%s", i == 0 ? "" : ", ", (char *)custodians->pdata[i]);
    if (custodians->len > NAMED_MAX)
        g_string_append_printf(text, " and %u more", custodians->len - NAMED_MAX);
    return restore_output_printable(text->str);
}

static char *date_text(gint64 date_s)
{
    g_autoptr(GDateTime) date = g_date_time_new_from_unix_utc(date_s);

    return date == NULL ? g_strdup("                ") : g_date_time_format(date, "%Y-%m-%d %H:%M");
}

static void print_result(const SearchResult *result, SearchMarker *marker)
{
    g_autofree char *date = date_text(result->date_s);
    g_autofree char *from = marked_line(marker, INGEST_FIELD_FROM, result->summary->from);
    g_autofree char *subject = marked_line(marker, INGEST_FIELD_SUBJECT, result->summary->subject);
    g_autofree char *snippet = marked_line(marker, INGEST_FIELD_BODY, result->summary->snippet);
    g_autofree char *custodians = custodians_text(result->custodians);

    printf("%s  %s\n", VAULT_ID_TEXT(g_array_index(result->ids, RecordId, 0)), date);
    printf("  %s\n", *subject == '\0' ? "(no subject)" : subject);
    printf("  from %s, in %s\n", *from == '\0' ? "nobody" : from, custodians);
    for (guint i = 0; i < result->summary->filenames->len; i++) {
        g_autofree char *name =
            marked_line(marker, INGEST_FIELD_FILENAME, result->summary->filenames->pdata[i]);

        printf("  attached: %s\n", name);
    }
    if (*snippet != '\0')
        printf("  %s\n", snippet);
}

void search_list_print(const GPtrArray *results, SearchMarker *marker)
{
    for (guint i = 0; i < results->len; i++) {
        if (i > 0)
            putchar('\n');
        print_result(results->pdata[i], marker);
    }
}

/* ---- JSON ------------------------------------------------------------------------------------ */

/* Hits as pairs of byte offsets into the text. */
static void add_places(JsonBuilder *builder, SearchMarker *marker, IngestField field,
                       const char *name, const char *text)
{
    g_autoptr(GArray) places = search_marker_find(marker, field, text);

    json_builder_set_member_name(builder, name);
    json_builder_begin_array(builder);
    for (guint i = 0; i < places->len; i++) {
        const SearchHitPlace *place = &g_array_index(places, SearchHitPlace, i);

        json_builder_begin_array(builder);
        json_builder_add_int_value(builder, (gint64)place->offset);
        json_builder_add_int_value(builder, (gint64)place->end);
        json_builder_end_array(builder);
    }
    json_builder_end_array(builder);
}

static void add_strings(JsonBuilder *builder, const char *name, const GPtrArray *texts)
{
    json_builder_set_member_name(builder, name);
    json_builder_begin_array(builder);
    for (guint i = 0; i < texts->len; i++)
        json_builder_add_string_value(builder, texts->pdata[i]);
    json_builder_end_array(builder);
}

static void add_ids(JsonBuilder *builder, const GArray *ids)
{
    json_builder_set_member_name(builder, "ids");
    json_builder_begin_array(builder);
    for (guint i = 0; i < ids->len; i++)
        json_builder_add_string_value(builder, VAULT_ID_TEXT(g_array_index(ids, RecordId, i)));
    json_builder_end_array(builder);
}

static void add_marks(JsonBuilder *builder, guint32 marks)
{
    static const struct {
        guint32 mark;
        const char *name;
    } names[] = {
        {INGEST_MARK_ATTACHMENT, "attachment"},
        {INGEST_MARK_TRUNCATED, "truncated"},
        {INGEST_MARK_UNSEARCHABLE, "unsearchable"},
        {INGEST_MARK_INCOMPLETE, "incomplete"},
        {INGEST_MARK_SMIME_ENCRYPTED, "smime_encrypted"},
        {INGEST_MARK_PGP_ENCRYPTED, "pgp_encrypted"},
        {INGEST_MARK_SMIME_SIGNED, "smime_signed"},
        {INGEST_MARK_PGP_SIGNED, "pgp_signed"},
    };

    json_builder_set_member_name(builder, "marks");
    json_builder_begin_array(builder);
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        if ((marks & names[i].mark) != 0)
            json_builder_add_string_value(builder, names[i].name);
    }
    json_builder_end_array(builder);
}

static void add_result(JsonBuilder *builder, const SearchResult *result, SearchMarker *marker)
{
    const IngestSummary *summary = result->summary;
    g_autofree char *hash = vault_bytes_to_hex(summary->message_hash.bytes, VAULT_HASH_LEN);

    json_builder_begin_object(builder);
    add_ids(builder, result->ids);
    json_text_add_time(builder, "date", (guint64)MAX(result->date_s, 0));
    json_text_add(builder, "from", summary->from);
    json_text_add(builder, "to", summary->to);
    json_text_add(builder, "cc", summary->cc);
    json_text_add(builder, "subject", summary->subject);
    add_places(builder, marker, INGEST_FIELD_SUBJECT, "subject_hits", summary->subject);
    json_text_add(builder, "snippet", summary->snippet);
    add_places(builder, marker, INGEST_FIELD_BODY, "snippet_hits", summary->snippet);
    add_strings(builder, "attachments", summary->filenames);
    json_text_add(builder, "message_id", summary->message_id);
    json_text_add_number(builder, "size", summary->message_len);
    json_text_add(builder, "sha256", hash);
    add_marks(builder, summary->marks);
    add_strings(builder, "custodians", result->custodians);
    json_builder_set_member_name(builder, "score");
    json_builder_add_double_value(builder, result->score);
    json_builder_end_object(builder);
}

void search_list_add_json(JsonBuilder *builder, const GPtrArray *results, SearchMarker *marker)
{
    json_builder_begin_array(builder);
    for (guint i = 0; i < results->len; i++)
        add_result(builder, results->pdata[i], marker);
    json_builder_end_array(builder);
}
