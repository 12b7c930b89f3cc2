/* Words: what is found by what, both paths alike, offsets, limits. */
#include "tests/unit/crypto_world.h"

#include <string.h>

#include <unicode/ubrk.h>
#include <unicode/uchar.h>

#include "ingest/words/words_internal.h"

typedef struct {
    GString *row; /* terms, "|" between, "=" for the NUL, "~" behind the last of a run */
    GArray *words;
    const char *text;
} Row;

static void write_down(const IngestWord *word, gpointer user)
{
    Row *row = user;

    assert_int_equal(word->position, row->words->len);
    assert_true(word->len > 0 && word->len <= INGEST_TERM_LEN_MAX);
    if (row->row->len > 0)
        g_string_append_c(row->row, '|');
    for (gsize i = 0; i < word->len; i++)
        g_string_append_c(row->row, word->term[i] != '\0' ? word->term[i] : '=');
    if (word->is_run_end)
        g_string_append_c(row->row, '~');
    g_array_append_vals(row->words, word, 1);
}

static void row_clear(Row *row)
{
    g_string_free(row->row, TRUE);
    g_array_unref(row->words);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Row, row_clear)

static Row row_of(IngestWordSplitter *splitter, const char *text, gsize len)
{
    Row row = {g_string_new(NULL), g_array_new(FALSE, FALSE, sizeof(IngestWord)), text};

    ingest_word_splitter_split(splitter, text, len, write_down, &row);
    return row;
}

#define assert_words(text, expected) assert_words_of((text), strlen(text), (expected))
static void assert_words_of(const char *text, gsize len, const char *expected)
{
    for (int is_fast = 0; is_fast < 2; is_fast++) {
        g_autoptr(IngestWordSplitter) splitter = ingest_word_splitter_new();
        g_auto(Row) row = {NULL, NULL, NULL};

        splitter->is_fast = is_fast;
        row = row_of(splitter, text, len);
        assert_string_equal(row.row->str, expected);
    }
}

static void ascii_is_cut_at_all_that_is_no_letter_or_digit(void **state)
{
    assert_words("", "");
    assert_words(" .-_ ", "");
    assert_words("Hello, World", "hello|world");
    assert_words("bob.smith+x@mail-1.example.org", "bob|smith|x|mail|1|example|org");
    assert_words("snake_case kebab-case CamelCase", "snake|case|kebab|case|camelcase");
    assert_words("don't Enron's", "don|t|enron|s");
    assert_words("$1,234.50 3.14e10 A4 4x4", "1|234|50|3|14e10|a4|4x4");
    assert_words("a\tb\r\nc\x7f"
                 "d",
                 "a|b|c|d");
}

static void both_spellings_of_a_letter_with_marks_are_one(void **state)
{
    assert_words("r\u00e9sum\u00e9 RE\u0301SUME\u0301",
                 "resume=r\u00e9sum\u00e9|resume=r\u00e9sum\u00e9");
    assert_words("\u00c5ngstr\u00f6m", "angstrom=\u00e5ngstr\u00f6m");
    assert_words("stra\u00dfe STRASSE \u1e9e", "strasse|strasse|ss");
    assert_words("S\u00f8ren \u0141\u00f3d\u017a \u00c6on",
                 "soren=s\u00f8ren|lodz=\u0142\u00f3d\u017a|aeon=\u00e6on");
    assert_words("\u0415\u043b\u043a\u0430 \u0401\u043b\u043a\u0430",
                 "\u0435\u043b\u043a\u0430|\u0435\u043b\u043a\u0430=\u0451\u043b\u043a\u0430");
    assert_words("\u039f\u03b4\u03cc\u03c2 \u039f\u0394\u039f\u03a3",
                 "\u03bf\u03b4\u03bf\u03c3=\u03bf\u03b4\u03cc\u03c3|\u03bf\u03b4\u03bf\u03c3");
    assert_words("\u05e9\u05c1\u05b8\u05dc\u05d5\u05b9\u05dd",
                 "\u05e9\u05dc\u05d5\u05dd=\u05e9\u05b8\u05c1\u05dc\u05d5\u05b9\u05dd");
    assert_words("\u0623\u062d\u0645\u0640\u062f",
                 "\u0627\u062d\u0645\u062f=\u0623\u062d\u0645\u0640\u062f");
}

static void compatible_characters_are_those_that_they_stand_for(void **state)
{
    assert_words("\uff21\uff22\uff23\uff11\uff12", "abc12");
    assert_words("\ufb01nance x\u00b2 \u2460", "finance|x2|1");
    assert_words("soft\u00adware zero\u200bwidth", "software|zerowidth");
    assert_words("\u0661\u0662\u0663", "123=\u0661\u0662\u0663");
    assert_words("no\u00a0break em\u2014dash don\u2019t", "no|break|em|dash|don|t");
}

/* Vowel signs are no decoration: without them it would be another word. */
static void marks_that_are_vowels_stay(void **state)
{
    assert_words("\u0939\u093f\u0928\u094d\u0926\u0940", "\u0939\u093f\u0928\u094d\u0926\u0940");
    assert_words("\u0301abc \u0301", "abc");
}

static void scripts_without_blanks_give_pairs(void **state)
{
    assert_words("\u65e5\u672c\u8a9e", "\u65e5\u672c|\u672c\u8a9e|\u8a9e~");
    assert_words("\u65e5", "\u65e5~");
    assert_words("2024\u5e74\u5ea6abc", "2024|\u5e74\u5ea6|\u5ea6~|abc");
    assert_words("\u6771\u4eac\u3001\u5927\u962a", "\u6771\u4eac|\u4eac~|\u5927\u962a|\u962a~");
    assert_words("\uff76\uff9e\uff77", "\u30ac\u30ad|\u30ad~");
    assert_words("\ud55c\uad6d\uc5b4", "\ud55c\uad6d|\uad6d\uc5b4|\uc5b4~");
    assert_words("\u0e44\u0e17\u0e22", "\u0e44\u0e17|\u0e17\u0e22|\u0e22~");
    assert_words("\u0e01\u0e34\u0e19", "\u0e01\u0e34\u0e19|\u0e19~");
}

static void what_is_no_utf_8_separates(void **state)
{
    assert_words_of("ab\xff"
                    "cd\xc3",
                    6, "ab|cd");
    assert_words_of("a\0b", 3, "a|b");
    assert_words_of("\xed\xa0\x80x\xf4\x90\x80\x80y", 9, "x|y");
}

static void a_long_word_counts_by_its_beginning(void **state)
{
    g_autofree char *at = g_strnfill(INGEST_WORD_LEN_MAX, 'x');
    g_autofree char *past = g_strnfill(INGEST_WORD_LEN_MAX + 1, 'X');
    g_autoptr(GString) marked = g_string_new(NULL), expected = g_string_new(NULL);

    assert_words(at, at);
    assert_words(past, at);
    /* the folded form is that of what is left of the exact one */
    for (int i = 0; i < 33; i++) {
        g_string_append(marked, "\u00e9");
        if (i < 32)
            g_string_append_c(expected, 'e');
    }
    g_string_append_c(expected, '=');
    g_string_append_len(expected, marked->str, INGEST_WORD_LEN_MAX);
    assert_words(marked->str, expected->str);
    /* cut between characters: 1 + 31 * 2 = 63 bytes */
    g_string_assign(expected, "a");
    for (int i = 0; i < 31; i++)
        g_string_append(expected, "\u0436");
    g_string_assign(marked, expected->str);
    g_string_append(marked, "\u0436"
                            "b");
    assert_words(marked->str, expected->str);
}

static void many_marks_take_no_more_than_their_time(void **state)
{
    g_autoptr(GString) text = g_string_new("a");
    g_autoptr(IngestWordSplitter) splitter = ingest_word_splitter_new();
    g_auto(Row) row = {NULL, NULL, NULL};

    for (int i = 0; i < 100000; i++)
        g_string_append(text, i % 2 ? "\u0301" : "\u0323");
    row = row_of(splitter, text->str, text->len);
    assert_int_equal(row.words->len, 1);
    assert_int_equal(g_array_index(row.words, IngestWord, 0).end, text->len);
}

static void words_say_where_they_are(void **state)
{
    static const char text[] = "ab, R\u00e9s.\u65e5\u672c";
    static const gsize places[][2] = {{0, 2}, {4, 8}, {9, 15}, {12, 15}};
    g_autoptr(IngestWordSplitter) splitter = ingest_word_splitter_new();
    g_auto(Row) row = row_of(splitter, text, strlen(text));

    assert_int_equal(row.words->len, G_N_ELEMENTS(places));
    for (guint i = 0; i < row.words->len; i++) {
        assert_int_equal(g_array_index(row.words, IngestWord, i).offset, places[i][0]);
        assert_int_equal(g_array_index(row.words, IngestWord, i).end, places[i][1]);
    }
}

/* Words of UAX #29 as ICU gives them, cut again at what is neither letter nor digit. */
static void assert_as_icu_cuts(UBreakIterator *iterator, const char *text, gsize len,
                               const GArray *words)
{
    UErrorCode status = U_ZERO_ERROR;
    UText utext = UTEXT_INITIALIZER;
    guint count = 0;

    utext_openUTF8(&utext, text, (int64_t)len, &status);
    ubrk_setUText(iterator, &utext, &status);
    assert_true(U_SUCCESS(status));
    for (int32_t at = ubrk_first(iterator), end; (end = ubrk_next(iterator)) != UBRK_DONE;
         at = end) {
        for (int32_t next = at; next < end;) {
            int32_t begin = next;

            while (next < end && g_ascii_isalnum(text[next]))
                next++;
            if (next > begin) {
                assert_true(count < words->len);
                assert_int_equal(g_array_index(words, IngestWord, count).offset, begin);
                assert_int_equal(g_array_index(words, IngestWord, count).end, next);
                count++;
            }
            next = next > begin ? next : next + 1;
        }
    }
    assert_int_equal(count, words->len);
    utext_close(&utext);
}

static void random_ascii_is_split_as_icu_does_on_both_paths(void **state)
{
    static const char common[] = "aZ09.,:;'_-@/\" \n";
    UErrorCode status = U_ZERO_ERROR;
    UBreakIterator *iterator = ubrk_open(UBRK_WORD, "", NULL, 0, &status);
    g_autoptr(IngestWordSplitter) fast = ingest_word_splitter_new();
    g_autoptr(IngestWordSplitter) slow = ingest_word_splitter_new();
    guint64 random = 5;

    assert_true(U_SUCCESS(status));
    slow->is_fast = FALSE;
    for (int round = 0; round < 3000; round++) {
        char text[48];
        gsize len = next_random(&random) % sizeof text;
        g_auto(Row) row = {NULL, NULL, NULL}, other = {NULL, NULL, NULL};

        for (gsize i = 0; i < len; i++)
            text[i] = (char)(round % 2 ? next_random(&random) % 128
                                       : (guint64)common[next_random(&random) % 16]);
        row = row_of(fast, text, len);
        other = row_of(slow, text, len);
        assert_string_equal(row.row->str, other.row->str);
        for (guint i = 0; i < row.words->len; i++) {
            assert_int_equal(g_array_index(row.words, IngestWord, i).offset,
                             g_array_index(other.words, IngestWord, i).offset);
            assert_int_equal(g_array_index(row.words, IngestWord, i).end,
                             g_array_index(other.words, IngestWord, i).end);
        }
        assert_as_icu_cuts(iterator, text, len, row.words);
    }
    ubrk_close(iterator);
}

static void text_may_be_cut_where_it_says(void **state)
{
    assert_int_equal(ingest_words_cut("ab cd", 5), 3);
    assert_int_equal(ingest_words_cut("ab cd.", 6), 6);
    assert_int_equal(ingest_words_cut("abcd", 4), 0);
    assert_int_equal(ingest_words_cut(" \xc3", 2), 1);
    assert_int_equal(ingest_words_cut("", 0), 0);
}

static void folded_forms_come_first(void **state)
{
    assert_int_equal(ingest_term_folded_len("abc", 3), 3);
    assert_int_equal(ingest_term_folded_len("abc\0\xc3\xa4", 6), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ascii_is_cut_at_all_that_is_no_letter_or_digit),
        cmocka_unit_test(both_spellings_of_a_letter_with_marks_are_one),
        cmocka_unit_test(compatible_characters_are_those_that_they_stand_for),
        cmocka_unit_test(marks_that_are_vowels_stay),
        cmocka_unit_test(scripts_without_blanks_give_pairs),
        cmocka_unit_test(what_is_no_utf_8_separates),
        cmocka_unit_test(a_long_word_counts_by_its_beginning),
        cmocka_unit_test(many_marks_take_no_more_than_their_time),
        cmocka_unit_test(words_say_where_they_are),
        cmocka_unit_test(random_ascii_is_split_as_icu_does_on_both_paths),
        cmocka_unit_test(text_may_be_cut_where_it_says),
        cmocka_unit_test(folded_forms_come_first),
    };

    return run_crypto_tests(tests);
}
