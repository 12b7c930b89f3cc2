#include "search/index/builder.h"

#include "search/index/bits.h"
#include "search/index/term_table.h"

#include <stdlib.h>

#define VARINT32_LEN_MAX 5

/* What one builder collected. */
typedef struct {
    GByteArray *forward, *summaries;
    guint32 *numbers; /* by that builder's number of a term, this one's; NULL: they are the same */
} Part;

/* A document's terms, in `forward`: for each its number and the length of what follows, then the
 * frequency and the positions, as varints; a position as the distance from the one before. */
typedef struct {
    SearchDocument document;
    guint part;
    gsize forward_offset, forward_end;
    gsize summary_offset, summary_end;
} Held;

struct SearchBuilder {
    SearchTermTable *terms;
    GArray *lens;     /* guint32, by number: bytes of the list, see invert() */
    GArray *held;     /* Held */
    GPtrArray *parts; /* Part; the first is its own, the others were absorbed */
    Part *own;
};

static void free_wiped(GByteArray *bytes)
{
    if (bytes->len > 0)
        vault_wipe(bytes->data, bytes->len);
    g_byte_array_unref(bytes);
}

static Part *part_new(void)
{
    Part *part = g_new0(Part, 1);

    part->forward = g_byte_array_new();
    part->summaries = g_byte_array_new();
    return part;
}

static void part_free(gpointer user)
{
    Part *part = user;

    free_wiped(part->forward);
    free_wiped(part->summaries);
    g_free(part->numbers);
    g_free(part);
}

SearchBuilder *search_builder_new(void)
{
    SearchBuilder *builder = g_new0(SearchBuilder, 1);

    builder->terms = search_term_table_new();
    builder->lens = g_array_new(FALSE, TRUE, sizeof(guint32));
    builder->held = g_array_new(FALSE, FALSE, sizeof(Held));
    builder->parts = g_ptr_array_new_with_free_func(part_free);
    builder->own = part_new();
    g_ptr_array_add(builder->parts, builder->own);
    return builder;
}

void search_builder_free(SearchBuilder *builder)
{
    if (builder == NULL)
        return;
    search_term_table_free(builder->terms);
    g_array_unref(builder->lens);
    g_array_unref(builder->held);
    g_ptr_array_unref(builder->parts);
    g_free(builder);
}

/* At most; beside its positions, its number, the length of what follows and the frequency. */
static gsize coded_len_max(const IngestTerm *term)
{
    return (term->count + 3) * VARINT32_LEN_MAX;
}

static guint8 *put_positions(guint8 *at, const IngestTerm *term)
{
    guint32 before = 0;

    at = search_varint_put(at, term->count);
    for (gsize i = 0; i < term->count; i++) {
        at = search_varint_put(at, term->positions[i] - before);
        before = term->positions[i];
    }
    return at;
}

/* Returns the end of what it writes. The length comes first and is known last: mostly it is one
 * byte, else what follows is moved. */
static guint8 *put_term(guint8 *at, const IngestTerm *term, guint32 number, guint32 *list_len)
{
    guint8 *coded, *end;
    gsize len;

    at = search_varint_put(at, number);
    coded = at + 1;
    end = put_positions(coded, term);
    len = (gsize)(end - coded);
    *list_len += (guint32)(sizeof(guint32) + len);
    if (len >= 0x80) {
        guint8 prefix[VARINT32_LEN_MAX];
        gsize prefix_len = (gsize)(search_varint_put(prefix, len) - prefix);

        memmove(at + prefix_len, coded, len);
        memcpy(at, prefix, prefix_len);
        return at + prefix_len + len;
    }
    *at = (guint8)len;
    return end;
}

static void put_terms(SearchBuilder *builder, const IngestTerm *terms, const guint32 *numbers,
                      guint count)
{
    GByteArray *forward = builder->own->forward;
    guint32 *lens;
    guint8 *at;
    gsize len = forward->len, room = 0;

    g_array_set_size(builder->lens, search_term_table_count(builder->terms));
    lens = (guint32 *)(void *)builder->lens->data;
    for (guint i = 0; i < count; i++)
        room += coded_len_max(&terms[i]);
    g_byte_array_set_size(forward, (guint)(len + room));
    at = forward->data + len;
    for (guint i = 0; i < count; i++)
        at = put_term(at, &terms[i], numbers[i], &lens[numbers[i]]);
    g_byte_array_set_size(forward, (guint)(at - forward->data));
}

static void add_terms(SearchBuilder *builder, const IngestTerms *all)
{
    IngestTermsCursor cursor = {.terms = all};
    IngestTerm terms[SEARCH_TERMS_AT_ONCE];
    guint32 numbers[SEARCH_TERMS_AT_ONCE];
    guint count;

    do {
        for (count = 0; count < SEARCH_TERMS_AT_ONCE; count++)
            if (!ingest_terms_next(&cursor, &terms[count]))
                break;
        search_term_table_numbers(builder->terms, terms, count, numbers);
        put_terms(builder, terms, numbers, count);
    } while (count == SEARCH_TERMS_AT_ONCE);
}

void search_builder_add(SearchBuilder *builder, const RecordId *id, guint64 received_s,
                        const IngestTerms *terms)
{
    const IngestSummary *summary = ingest_terms_summary(terms);
    Held held = {.forward_offset = builder->own->forward->len,
                 .summary_offset = builder->own->summaries->len};

    held.document = (SearchDocument){
        .id = *id,
        .date_s = summary->date_s != 0 ? summary->date_s : (gint64)received_s,
        .size = summary->message_len,
        .marks = summary->marks,
        .message_id_hash = search_message_id_hash(summary->message_id),
    };
    for (guint field = 1; field < INGEST_FIELD_COUNT; field++)
        held.document.lengths[field] = ingest_terms_word_count(terms, field);
    add_terms(builder, terms);
    search_summary_format(summary, builder->own->summaries);
    held.forward_end = builder->own->forward->len;
    held.summary_end = builder->own->summaries->len;
    g_array_append_val(builder->held, held);
}

/* The numbers that this builder has for the terms of the other, in the order of those. */
static guint32 *translate(SearchBuilder *builder, const SearchTermTable *other)
{
    guint32 count = search_term_table_count(other);
    guint32 *numbers = g_new(guint32, (gsize)count + 1);
    IngestTerm terms[SEARCH_TERMS_AT_ONCE];

    for (guint32 done = 0; done < count;) {
        guint at_once = MIN(count - done, SEARCH_TERMS_AT_ONCE);

        for (guint i = 0; i < at_once; i++) {
            guint field;

            search_term_table_get(other, done + i, &terms[i].term, &terms[i].len, &field);
            terms[i].field = (IngestField)field;
        }
        search_term_table_numbers(builder->terms, terms, at_once, numbers + done);
        done += at_once;
    }
    return numbers;
}

void search_builder_absorb(SearchBuilder *builder, SearchBuilder *other)
{
    guint part = builder->parts->len;

    g_assert(other->parts->len == 1);
    other->own->numbers = translate(builder, other->terms);
    g_array_set_size(builder->lens, search_term_table_count(builder->terms));
    for (guint32 i = 0; i < other->lens->len; i++)
        g_array_index(builder->lens, guint32, other->own->numbers[i]) +=
            g_array_index(other->lens, guint32, i);
    for (guint i = 0; i < other->held->len; i++) {
        Held held = g_array_index(other->held, Held, i);

        held.part = part;
        g_array_append_val(builder->held, held);
    }
    g_ptr_array_add(builder->parts, g_ptr_array_steal_index(other->parts, 0));
    search_builder_free(other);
}

guint search_builder_document_count(const SearchBuilder *builder)
{
    return builder->held->len;
}

gsize search_builder_len(const SearchBuilder *builder)
{
    gsize len = 0;

    for (guint i = 0; i < builder->parts->len; i++) {
        const Part *part = g_ptr_array_index(builder->parts, i);

        len += (gsize)part->forward->len + part->summaries->len;
    }
    return len + search_term_table_len(builder->terms) + builder->lens->len * sizeof(guint32) +
           builder->held->len * sizeof(Held);
}

guint64 search_builder_written_len(const SearchBuilder *builder)
{
    return ((guint64)builder->own->forward->len + builder->own->summaries->len) / 2;
}

static gint compare(gconstpointer a, gconstpointer b)
{
    return search_document_compare(&((const Held *)a)->document, &((const Held *)b)->document);
}

static gboolean write_documents(SearchBuilder *builder, SearchCopies *copies,
                                SearchSegmentWriter *writer, GError **error)
{
    for (guint i = 0; i < builder->held->len; i++) {
        const Held *held = &g_array_index(builder->held, Held, i);
        const Part *part = g_ptr_array_index(builder->parts, held->part);

        if (!search_segment_writer_add_document(writer, &held->document,
                                                part->summaries->data + held->summary_offset,
                                                held->summary_end - held->summary_offset, error) ||
            (copies != NULL && !search_copies_write(copies, &held->document.id, writer, error)))
            return FALSE;
    }
    return TRUE;
}

/* These bytes are ours: they are as they were written. */
static inline guint64 read_own(const guint8 **next, const guint8 *end)
{
    guint64 value = 0;
    gboolean is_read = search_varint_read(next, end, &value);

    g_assert(is_read);
    return value;
}

typedef struct {
    guint32 number;
    guint32 len;
    const guint8 *coded; /* frequency and positions */
} Posting;

/* All of one document, or the next few: each place is asked for before the first is written to. */
static void put_postings(guint8 *lists, gsize *ends, guint32 document, const Posting *postings,
                         guint count)
{
    for (guint i = 0; i < count; i++)
        __builtin_prefetch(lists + ends[postings[i].number], 1);
    for (guint i = 0; i < count; i++) {
        guint8 *at = lists + ends[postings[i].number];

        memcpy(at, &document, sizeof document);
        memcpy(at + sizeof document, postings[i].coded, postings[i].len);
        ends[postings[i].number] += sizeof document + postings[i].len;
    }
}

static void invert_document(const SearchBuilder *builder, guint32 document, guint8 *lists,
                            gsize *ends)
{
    const Held *held = &g_array_index(builder->held, Held, document);
    const Part *part = g_ptr_array_index(builder->parts, held->part);
    const guint8 *next = part->forward->data + held->forward_offset;
    const guint8 *end = part->forward->data + held->forward_end;
    Posting postings[SEARCH_TERMS_AT_ONCE];
    guint count = 0;

    while (next < end) {
        guint32 number = (guint32)read_own(&next, end);

        postings[count].number = part->numbers != NULL ? part->numbers[number] : number;
        postings[count].len = (guint32)read_own(&next, end);
        postings[count].coded = next;
        next += postings[count].len;
        __builtin_prefetch(&ends[postings[count].number]);
        if (++count == SEARCH_TERMS_AT_ONCE || next == end) {
            put_postings(lists, ends, document, postings, count);
            count = 0;
        }
    }
}

/* Each term's list in one piece: for each document its number u32, then frequency and positions as
 * in `forward`. `ends`, by number, is where the list begins, then where it ends. */
static guint8 *invert(const SearchBuilder *builder, gsize *ends)
{
    gsize len = 0;
    guint8 *lists;

    for (guint i = 0; i < builder->lens->len; i++) {
        ends[i] = len;
        len += g_array_index(builder->lens, guint32, i);
    }
    lists = g_malloc(len + 1);
    for (guint32 document = 0; document < builder->held->len; document++)
        invert_document(builder, document, lists, ends);
    return lists;
}

static gboolean write_list(SearchListWriter *writer, const guint8 *next, const guint8 *end,
                           GError **error)
{
    while (next < end) {
        guint32 document, count, position = 0, *positions;

        memcpy(&document, next, sizeof document);
        next += sizeof document;
        count = (guint32)read_own(&next, end);
        positions = search_list_writer_begin_document(writer, document, count, error);
        if (positions == NULL)
            return FALSE;
        for (guint32 i = 0; i < count; i++) {
            position += (guint32)read_own(&next, end);
            positions[i] = position;
        }
    }
    return TRUE;
}

static gboolean write_lists(SearchBuilder *builder, SearchSegmentWriter *writer, GError **error)
{
    guint32 count = search_term_table_count(builder->terms);
    g_autofree guint32 *sorted = search_term_table_sorted(builder->terms);
    g_autofree gsize *ends = g_new(gsize, (gsize)count + 1);
    g_autofree guint8 *lists = invert(builder, ends);

    for (guint32 i = 0; i < count; i++) {
        const guint8 *end = lists + ends[sorted[i]];
        const char *term;
        gsize len;
        guint field;

        search_term_table_get(builder->terms, sorted[i], &term, &len, &field);
        if (!write_list(search_segment_writer_list(writer),
                        end - g_array_index(builder->lens, guint32, sorted[i]), end, error) ||
            !search_segment_writer_end_list(writer, term, len, field, error))
            return FALSE;
    }
    return TRUE;
}

gboolean search_builder_write(SearchBuilder *builder, SearchCopies *copies,
                              SearchSegmentWriter *writer, GError **error)
{
    /* Lists are turned round in this order. */
    g_array_sort(builder->held, compare);
    return write_documents(builder, copies, writer, error) && write_lists(builder, writer, error);
}
