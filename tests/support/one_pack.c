#include "tests/support/one_pack.h"

#include "vault/store/pack_format.h"

OnePack *one_pack_new(OnePackEnd end)
{
    OnePack *pack = g_new0(OnePack, 1);
    VaultPackWriterOptions options;
    g_autoptr(VaultPackWriter) writer = NULL;
    g_autoptr(GPtrArray) paths = NULL;

    pack->fixture = pack_fixture_new();
    options = pack_fixture_options(pack->fixture);
    writer = vault_pack_writer_new(&options);
    for (int i = 0; i < ONE_PACK_GROUPS; i++) {
        const VaultRecord *first;

        pack->deliveries[i] = pack_fixture_delivery(pack->fixture, (gsize)(50 + i), 2);
        g_assert_true(vault_pack_writer_commit(writer, pack->deliveries[i], NULL));
        first = g_ptr_array_index(pack->deliveries[i], 0);
        pack->starts[i] = first->place.offset;
        pack->starts[i + 1] = first->place.offset + first->place.len + 2 * (guint64)(136 + 272) +
                              VAULT_PACK_COMMIT_LEN;
    }
    if (end == ONE_PACK_CLOSED)
        g_assert_true(vault_pack_writer_close(writer, NULL));
    paths = pack_fixture_files(pack->fixture, ".pack");
    pack->path = g_strdup(g_ptr_array_index(paths, 0));
    pack->bytes = pack_fixture_read(pack->path);
    return pack;
}

void one_pack_free(OnePack *pack)
{
    for (int i = 0; i < ONE_PACK_GROUPS; i++)
        g_ptr_array_unref(pack->deliveries[i]);
    g_byte_array_unref(pack->bytes);
    g_free(pack->path);
    pack_fixture_free(pack->fixture);
    g_free(pack);
}
PackFindings *one_pack_scan(const OnePack *pack, VaultScanDepth depth)
{
    return pack_fixture_scan(pack->fixture, pack->path, depth);
}

void one_pack_rewrite(const OnePack *pack)
{
    pack_fixture_write(pack->path, pack->bytes->data, pack->bytes->len);
}

void one_pack_assert_whole(const OnePack *pack, const PackFindings *findings, int but)
{
    for (int i = 0; i < ONE_PACK_GROUPS; i++)
        if (i != but)
            assert_int_equal(pack_findings_presence(findings, pack->deliveries[i]), PACK_ALL);
}
