/* What pool and helper say to each other, and the text that the helper gives on. */
#include "ingest/extract/helper/text_out.h"
#include "ingest/extract/protocol.h"
#include "tests/support/extract_talk.h"

#include <string.h>

static const ExtractRequest largest = {.document_len = EXTRACT_DOCUMENT_LEN_MAX,
                                       .text_len_max = EXTRACT_TEXT_LEN_MAX,
                                       .time_ms = EXTRACT_TIME_MS_MAX,
                                       .type_len = EXTRACT_TYPE_LEN_MAX,
                                       .name_len = EXTRACT_NAME_LEN_MAX};

static gboolean is_taken(ExtractRequest request)
{
    guint8 bytes[EXTRACT_REQUEST_LEN];
    ExtractRequest parsed;

    extract_request_format(&request, bytes);
    if (!extract_request_parse(bytes, &parsed))
        return FALSE;
    assert_memory_equal(&parsed, &request, sizeof request);
    return TRUE;
}

static void requests_are_taken_up_to_their_limits(void **state)
{
    guint8 bytes[EXTRACT_REQUEST_LEN];
    ExtractRequest request = largest;

    assert_true(is_taken(largest));
    assert_true(is_taken((ExtractRequest){.time_ms = 1}));
    assert_false(is_taken((ExtractRequest){.time_ms = 0}));
    request.document_len++;
    assert_false(is_taken(request));
    request = largest;
    request.text_len_max++;
    assert_false(is_taken(request));
    request = largest;
    request.time_ms++;
    assert_false(is_taken(request));
    request = largest;
    request.type_len++;
    assert_false(is_taken(request));
    request = largest;
    request.name_len++;
    assert_false(is_taken(request));
    extract_request_format(&largest, bytes);
    bytes[0] ^= 1;
    assert_false(extract_request_parse(bytes, &request));
}

static gboolean is_frame(ExtractFrameKind kind, guint32 number)
{
    guint8 bytes[EXTRACT_FRAME_LEN];
    ExtractFrame frame;

    extract_frame_format(&(ExtractFrame){.kind = kind, .number = number}, bytes);
    return extract_frame_parse(bytes, &frame) && frame.kind == kind && frame.number == number;
}

static void frames_are_taken_up_to_their_limits(void **state)
{
    assert_true(is_frame(EXTRACT_FRAME_READY, EXTRACT_PROTOCOL_VERSION));
    assert_false(is_frame(EXTRACT_FRAME_READY, EXTRACT_PROTOCOL_VERSION + 1));
    assert_true(is_frame(EXTRACT_FRAME_TEXT, 1));
    assert_true(is_frame(EXTRACT_FRAME_TEXT, EXTRACT_FRAME_TEXT_LEN_MAX));
    assert_false(is_frame(EXTRACT_FRAME_TEXT, 0));
    assert_false(is_frame(EXTRACT_FRAME_TEXT, EXTRACT_FRAME_TEXT_LEN_MAX + 1));
    assert_true(is_frame(EXTRACT_FRAME_BREAK, 0));
    assert_false(is_frame(EXTRACT_FRAME_BREAK, 1));
    assert_true(is_frame(EXTRACT_FRAME_END, INGEST_EXTRACT_MALFORMED));
    assert_false(is_frame(EXTRACT_FRAME_END, INGEST_EXTRACT_FAILED));
    assert_false(is_frame((ExtractFrameKind)0, 0));
    assert_false(is_frame((ExtractFrameKind)5, 0));
}

/* ---- text ------------------------------------------------------------------------------------ */

/* `text` in pieces of `step` bytes. */
static char *through(const char *text, gsize len, gsize step, guint64 len_max)
{
    GString *taken = g_string_new(NULL);
    g_autoptr(ExtractTextOut) out = extract_text_out_new(len_max, extract_talk_take, taken);

    for (gsize at = 0; at < len; at += step)
        extract_text_out_add(out, text + at, MIN(step, len - at));
    extract_text_out_finish(out);
    assert_true(g_utf8_validate(taken->str, (gssize)taken->len, NULL));
    return g_string_free(taken, FALSE);
}

static void assert_through(const char *text, gsize len, const char *wanted)
{
    for (gsize step = 1; step <= len; step++) {
        g_autofree char *taken = through(text, len, step, 1000);

        assert_string_equal(taken, wanted);
    }
}
#define ASSERT_THROUGH(text, wanted) assert_through(text, sizeof(text) - 1, wanted)

static void text_is_utf8_however_it_is_cut(void **state)
{
    ASSERT_THROUGH("a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80z",
                   "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80z");
    ASSERT_THROUGH("a\xff"
                   "b",
                   "a\xef\xbf\xbd"
                   "b");
    ASSERT_THROUGH("a\xc3", "a\xef\xbf\xbd");
    ASSERT_THROUGH("a\xc3(", "a\xef\xbf\xbd(");
    ASSERT_THROUGH("\xc3\xc3\xa4", "\xef\xbf\xbd\xc3\xa4");
    ASSERT_THROUGH("a\0b", "a b");
    ASSERT_THROUGH("\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd");
}

static void limit_cuts_between_characters(void **state)
{
    for (guint64 len_max = 0; len_max <= 9; len_max++) {
        g_autofree char *taken = through("\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac", 9, 9, len_max);

        assert_int_equal(strlen(taken), len_max / 3 * 3);
    }
}

static void long_text_comes_in_frames_of_whole_characters(void **state)
{
    g_autoptr(GString) text = g_string_new("x");
    g_autofree char *taken = NULL;

    while (text->len < 3 * EXTRACT_FRAME_TEXT_LEN_MAX)
        g_string_append(text, "\xf0\x9f\x98\x80");
    taken = through(text->str, text->len, text->len, 1 << 20);
    assert_string_equal(taken, text->str);
}

static void breaks_beside_each_other_are_one(void **state)
{
    g_autoptr(GString) taken = g_string_new(NULL);
    g_autoptr(ExtractTextOut) out = extract_text_out_new(100, extract_talk_take, taken);

    extract_text_out_break(out);
    extract_text_out_add_string(out, "a");
    extract_text_out_add_string(out, NULL);
    extract_text_out_break(out);
    extract_text_out_break(out);
    extract_text_out_add_string(out, "b");
    extract_text_out_finish(out);
    assert_string_equal(taken->str, "a\fb");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_taken_up_to_their_limits),
        cmocka_unit_test(frames_are_taken_up_to_their_limits),
        cmocka_unit_test(text_is_utf8_however_it_is_cut),
        cmocka_unit_test(limit_cuts_between_characters),
        cmocka_unit_test(long_text_comes_in_frames_of_whole_characters),
        cmocka_unit_test(breaks_beside_each_other_are_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
