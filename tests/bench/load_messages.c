#include "tests/bench/load_messages.h"

#include <string.h>

static int compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static GPtrArray *file_names(const char *folder)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GDir) dir = g_dir_open(folder, 0, &error);
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    const char *name;

    if (dir == NULL)
        g_error("cannot read the messages: %s", error->message);
    while ((name = g_dir_read_name(dir)) != NULL)
        g_ptr_array_add(names, g_build_filename(folder, name, NULL));
    g_ptr_array_sort(names, compare_names);
    return names;
}

static GBytes *to_wire(const char *text, gsize len, BenchForm form)
{
    GByteArray *wire = g_byte_array_sized_new((guint)(len + len / 16 + 16));
    gboolean at_line_start = TRUE;

    for (gsize i = 0; i < len; i++) {
        if (form == BENCH_STUFFED && at_line_start && text[i] == '.')
            g_byte_array_append(wire, (const guint8 *)".", 1);
        at_line_start = text[i] == '\n';
        if (at_line_start && (i == 0 || text[i - 1] != '\r'))
            g_byte_array_append(wire, (const guint8 *)"\r", 1);
        g_byte_array_append(wire, (const guint8 *)&text[i], 1);
    }
    if (!at_line_start)
        g_byte_array_append(wire, (const guint8 *)"\r\n", 2);
    if (form == BENCH_STUFFED)
        g_byte_array_append(wire, (const guint8 *)".\r\n", 3);
    return g_byte_array_free_to_bytes(wire);
}

GPtrArray *bench_messages_load(const char *folder, guint count_max, BenchForm form)
{
    g_autoptr(GPtrArray) names = file_names(folder);
    GPtrArray *messages = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);

    for (guint i = 0; i < names->len && messages->len < count_max; i++) {
        g_autofree char *text = NULL;
        gsize len;

        if (!g_file_get_contents(names->pdata[i], &text, &len, NULL))
            g_error("cannot read %s", (const char *)names->pdata[i]);
        g_ptr_array_add(messages, to_wire(text, len, form));
    }
    if (messages->len == 0)
        g_error("%s holds no messages", folder);
    return messages;
}
