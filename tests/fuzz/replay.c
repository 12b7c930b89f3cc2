/* A main() for fuzz targets where there is no libFuzzer: replays every file of the folders given,
 * and for each also its prefixes and copies with one byte changed, always the same ones. */
#include <gio/gio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIXES_MAX 256
#define FLIPS_MAX 512

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

/* Each input in memory of exactly its size, so that ASan sees the first byte read past it. */
static void try_input(const guint8 *bytes, gsize len)
{
    g_autofree guint8 *copy = g_memdup2(bytes, len);
    LLVMFuzzerTestOneInput(copy, len);
}

static void try_prefixes(const guint8 *bytes, gsize len)
{
    gsize step = len / PREFIXES_MAX + 1;
    for (gsize prefix = 0; prefix < len; prefix += step)
        try_input(bytes, prefix);
}

static void try_flips(const guint8 *bytes, gsize len)
{
    if (len == 0)
        return;
    g_autofree guint8 *changed = g_memdup2(bytes, len);
    gsize step = len / FLIPS_MAX + 1;
    guint8 mask = 1;
    for (gsize at = 0; at < len; at += step) {
        changed[at] ^= mask;
        try_input(changed, len);
        changed[at] = bytes[at];
        mask = mask == 0x80 ? 1 : (guint8)(mask << 1);
    }
}

static void replay_file(const char *path)
{
    g_autofree char *bytes = NULL;
    gsize len = 0;
    g_autoptr(GError) error = NULL;
    if (!g_file_get_contents(path, &bytes, &len, &error))
        g_error("%s", error->message);
    try_input((const guint8 *)bytes, len);
    try_prefixes((const guint8 *)bytes, len);
    try_flips((const guint8 *)bytes, len);
}

static guint replay_folder(const char *path)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GDir) folder = g_dir_open(path, 0, &error);
    if (folder == NULL)
        g_error("%s", error->message);
    guint count = 0;
    for (const char *name; (name = g_dir_read_name(folder)) != NULL; count++) {
        g_autofree char *file = g_build_filename(path, name, NULL);
        replay_file(file);
    }
    return count;
}

int main(int argc, char **argv)
{
    guint count = 0;
    for (int i = 1; i < argc; i++)
        count += replay_folder(argv[i]);
    g_print("%u seeds replayed\n", count);
    return count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
