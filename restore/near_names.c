#include "restore/near_names.h"

#include <stdlib.h>
#include <string.h>

#define EDITS_MAX 2
#define NAME_CHARS_MAX 512

typedef struct {
    gunichar *chars;
    glong count;
} Word;

static void word_clear(Word *word)
{
    g_free(word->chars);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Word, word_clear)

static guint smallest(guint a, guint b, guint c)
{
    return MIN(a, MIN(b, c));
}

/* Optimal string alignment distance: three rows of the usual table. */
static guint edits_between(const Word *a, const Word *b)
{
    g_autofree guint *rows = g_new0(guint, 3 * (gsize)(b->count + 1));
    guint *before = rows, *last = rows + b->count + 1, *row = last + b->count + 1;

    for (glong j = 0; j <= b->count; j++)
        last[j] = (guint)j;
    for (glong i = 1; i <= a->count; i++) {
        guint *spare = before;

        row[0] = (guint)i;
        for (glong j = 1; j <= b->count; j++) {
            guint cost = a->chars[i - 1] != b->chars[j - 1];

            row[j] = smallest(last[j] + 1, row[j - 1] + 1, last[j - 1] + cost);
            if (i > 1 && j > 1 && a->chars[i - 1] == b->chars[j - 2] &&
                a->chars[i - 2] == b->chars[j - 1])
                row[j] = MIN(row[j], before[j - 2] + 1);
        }
        before = last;
        last = row;
        row = spare;
    }
    return last[b->count];
}

typedef struct {
    const char *name;
    guint edits;
} Near;

static gint compare_near(gconstpointer a, gconstpointer b)
{
    const Near *left = a, *right = b;

    return left->edits != right->edits ? (gint)left->edits - (gint)right->edits
                                       : strcmp(left->name, right->name);
}

GPtrArray *restore_near_names(const char *name, const GPtrArray *names, guint max)
{
    g_autoptr(GArray) found = g_array_new(FALSE, FALSE, sizeof(Near));
    GPtrArray *nearest = g_ptr_array_new();
    g_auto(Word) typed = {.count = 0};

    typed.chars = g_utf8_to_ucs4_fast(name, -1, &typed.count);
    for (guint i = 0; i < names->len && typed.count <= NAME_CHARS_MAX; i++) {
        Near near = {.name = g_ptr_array_index(names, i)};
        g_auto(Word) word = {.count = 0};

        word.chars = g_utf8_to_ucs4_fast(near.name, -1, &word.count);
        if (labs(word.count - typed.count) > EDITS_MAX)
            continue;
        near.edits = edits_between(&typed, &word);
        if (near.edits <= EDITS_MAX)
            g_array_append_val(found, near);
    }
    g_array_sort(found, compare_near);
    for (guint i = 0; i < MIN(found->len, max); i++)
        g_ptr_array_add(nearest, (gpointer)g_array_index(found, Near, i).name);
    return nearest;
}
