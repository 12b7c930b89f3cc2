/* Manifests and journals that --resume reads: what is taken of one is written into a new manifest
 * as it stands, and must be the same when that is read; no file that it names lies outside. */
#include "restore/manifest.h"
#include "vault/crypto/keys.h"

#include <json-glib/json-glib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

static int file_of(const guint8 *bytes, gsize len, char **ret_path)
{
    int fd = memfd_create("manifest", MFD_CLOEXEC);

    g_assert(fd >= 0);
    *ret_path = g_strdup_printf("/proc/self/fd/%d", fd);
    g_assert(vault_file_write_all(fd, bytes, len, *ret_path, NULL));
    return fd;
}

static void assert_inside(const char *file)
{
    g_auto(GStrv) parts = g_strsplit(file, "/", -1);

    g_assert_true(*file != '\0');
    for (char **part = parts; *part != NULL; part++) {
        g_assert_false(g_str_equal(*part, ""));
        g_assert_false(g_str_equal(*part, ".."));
    }
}

static void rewrite(GHashTable *known, int fd, const char *path)
{
    g_autoptr(Manifest) manifest = manifest_begin(fd, path, NULL, "eml", 5, NULL);
    GHashTableIter at;
    gpointer entry;

    g_hash_table_iter_init(&at, known);
    while (g_hash_table_iter_next(&at, NULL, &entry)) {
        const ManifestKnown *one = entry;

        g_assert_true(strchr(one->line, '\n') == NULL);
        assert_inside(one->file);
        g_assert(manifest_add(manifest, one->line, one->size, NULL));
    }
    g_assert(manifest_finish(manifest, NULL));
}

static void assert_is_json(const char *path)
{
    g_autoptr(JsonParser) parser = json_parser_new();

    g_assert(json_parser_load_from_file(parser, path, NULL));
}

static void assert_same(GHashTable *known, GHashTable *again)
{
    GHashTableIter at;
    gpointer key, entry;

    g_assert_cmpuint(g_hash_table_size(known), ==, g_hash_table_size(again));
    g_hash_table_iter_init(&at, known);
    while (g_hash_table_iter_next(&at, &key, &entry)) {
        const ManifestKnown *one = entry, *other = g_hash_table_lookup(again, key);

        g_assert(other != NULL);
        g_assert_cmpstr(one->line, ==, other->line);
        g_assert_cmpstr(one->file, ==, other->file);
        g_assert(one->size == other->size && one->file_size == other->file_size);
        g_assert(memcmp(&one->file_hash, &other->file_hash, sizeof one->file_hash) == 0);
    }
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_autofree char *path = NULL;
    g_autofree char *new_path = NULL;
    g_auto(VaultFd) fd = file_of(data, size, &path);
    g_auto(VaultFd) new_fd = file_of(NULL, 0, &new_path);
    g_autoptr(GHashTable) known = manifest_known_new();
    g_autoptr(GHashTable) again = manifest_known_new();

    vault_crypto_init();
    g_assert(manifest_read_known(path, known, NULL));
    rewrite(known, new_fd, new_path);
    g_assert(manifest_read_known(new_path, again, NULL));
    assert_is_json(new_path);
    assert_same(known, again);
    return 0;
}
