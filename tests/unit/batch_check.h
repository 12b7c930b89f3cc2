/* That each record in the packs is in just one batch of the archive log. */
#pragma once

#include "tests/unit/release_world.h"
#include "vault/log/log_verify.h"

static inline char *hex_of(const VaultHash *hash)
{
    return vault_bytes_to_hex(hash->bytes, VAULT_HASH_LEN);
}

/* Of all records in the packs, by reading all of their bytes. The vault is closed. */
static inline GHashTable *stored_hashes(ReleaseWorld *world)
{
    GHashTable *hashes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GPtrArray) packs = keep_fixture_packs(world->fixture, "");

    for (guint i = 0; i < packs->len; i++) {
        g_autoptr(VaultPackScan) scan = vault_pack_scan_open(g_ptr_array_index(packs, i), NULL,
                                                             VAULT_SCAN_CIPHERTEXTS, NULL, NULL);
        VaultScanEvent event = VAULT_SCAN_GROUP;

        while (event != VAULT_SCAN_END) {
            GArray *records = NULL;
            guint64 offset, len;

            assert_true(vault_pack_scan_next(scan, &event, &records, &offset, &len, NULL));
            for (guint r = 0; event == VAULT_SCAN_GROUP && r < records->len; r++)
                g_hash_table_add(hashes,
                                 hex_of(&g_array_index(records, VaultScannedRecord, r).hash));
        }
    }
    return hashes;
}

/* Each hash that a batch lists leaves `hashes`: one that is not there any more is listed twice. */
static inline void take_batch(VaultLogReader *log, guint64 index, GHashTable *hashes)
{
    VaultEntry entry = release_world_entry(log, index);
    g_autoptr(GBytes) list = NULL;
    const VaultHash *listed;
    VaultHash root;
    gsize count;

    if (entry.kind != VAULT_ENTRY_BATCH || entry.count == 0)
        return;
    list = vault_log_reader_sidecar(log, index, &entry.list_hash, NULL);
    assert_non_null(list);
    assert_true(vault_entry_list_parse(list, &listed, &count, NULL));
    assert_int_equal(count, entry.count);
    vault_entry_records_root(listed, count, &root);
    assert_memory_equal(&root, &entry.root, sizeof root);
    for (gsize i = 0; i < count; i++) {
        g_autofree char *hex = hex_of(&listed[i]);

        assert_true(g_hash_table_remove(hashes, hex));
    }
}

/* Closes the vault and opens it again. */
static inline void assert_each_record_is_in_one_batch(ReleaseWorld *world)
{
    g_autoptr(GHashTable) hashes = NULL;
    g_autoptr(VaultLogReader) log = NULL;

    keep_fixture_close(world->fixture);
    hashes = stored_hashes(world);
    keep_fixture_open(world->fixture);
    log = release_world_log(world, VAULT_LOG_ARCHIVE);
    assert_true(vault_log_verify_all(log, &(VaultLogVerifyOptions){0}, NULL));
    assert_true(g_hash_table_size(hashes) > 0);
    for (guint64 i = 0; i < vault_log_reader_checkpoint(log)->size; i++)
        take_batch(log, i, hashes);
    assert_int_equal(g_hash_table_size(hashes), 0);
}
