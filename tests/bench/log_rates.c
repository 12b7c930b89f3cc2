/* What the log costs: bench_log [ENTRIES] [FOLDER]
 *
 * Appends that many entries (1 million) as an archive log has them, batches without records, many
 * at a time, then one by one, as acts are; verifies the whole log, each entry as "muniment log
 * verify" does, and times inclusion proofs. Prints; judges nothing. */
#include "restore/log_audit.h"
#include "vault/crypto/key_files.h"

#include <stdio.h>
#include <stdlib.h>

#define BATCH 10000
#define SINGLES 200
#define PROOFS 2000

static const VaultId vault_id = {{0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa,
                                  0xbb, 0xcc, 0xdd, 0xee, 0xff}};

static void check(gboolean is_done, GError *error)
{
    if (!is_done)
        g_error("%s", error != NULL ? error->message : "failed");
}

static GBytes *make_entry(guint64 index)
{
    VaultEntry entry = {.kind = VAULT_ENTRY_BATCH, .time_s = 1790000000 + index * 600};

    if (index == 0) {
        entry.kind = VAULT_ENTRY_EPOCH_START;
        entry.vault_id = vault_id;
        entry.epoch = 1;
    }
    vault_entry_records_root(NULL, 0, &entry.root);
    return vault_entry_format(&entry);
}

static void append(VaultLog *log, guint64 first, gsize count)
{
    g_autofree VaultLogEntry *entries = g_new0(VaultLogEntry, count);
    GError *error = NULL;

    for (gsize i = 0; i < count; i++)
        entries[i].payload = make_entry(first + i);
    check(vault_log_append(log, entries, count, NULL, &error), error);
    for (gsize i = 0; i < count; i++)
        g_bytes_unref(entries[i].payload);
}

static gdouble seconds_since(gint64 begin_us)
{
    return (gdouble)(g_get_monotonic_time() - begin_us) / 1e6;
}

static void measure_appends(VaultLog *log, guint64 count)
{
    gint64 begin_us = g_get_monotonic_time();
    gdouble s;

    for (guint64 i = 0; i < count; i += BATCH)
        append(log, i, MIN(BATCH, count - i));
    s = seconds_since(begin_us);
    printf("append, batches of %d: %.1f s, %.0f entries a second\n", BATCH, s, (gdouble)count / s);
    begin_us = g_get_monotonic_time();
    for (guint64 i = 0; i < SINGLES; i++)
        append(log, count + i, 1);
    s = seconds_since(begin_us);
    printf("append, one by one: %.2f ms each\n", s * 1e3 / SINGLES);
}

static void measure_reading(VaultLog *log, const char *directory, const char *origin,
                            GPtrArray *keys)
{
    LogAuditOptions options = {.kind = VAULT_LOG_ARCHIVE};
    GError *error = NULL;
    g_autoptr(VaultLogReader) reader = vault_log_reader_open(directory, origin, keys, &error);
    guint64 size;
    gint64 begin_us = g_get_monotonic_time();

    check(reader != NULL, error);
    size = vault_log_reader_checkpoint(reader)->size;
    check(log_audit(reader, &options, &error), error);
    printf("verify of %" G_GUINT64_FORMAT " entries: %.2f s\n", size, seconds_since(begin_us));
    begin_us = g_get_monotonic_time();
    for (guint64 i = 0; i < PROOFS; i++) {
        VaultMerkleProof proof;

        check(vault_log_reader_prove_inclusion(reader, i * 7919 % size, &proof, &error), error);
    }
    printf("inclusion proof: %.3f ms each\n", seconds_since(begin_us) * 1e3 / PROOFS);
}

int main(int argc, char **argv)
{
    g_autofree char *origin = vault_log_origin(&vault_id, VAULT_LOG_ARCHIVE, 1);
    guint64 count = argc > 1 ? g_ascii_strtoull(argv[1], NULL, 10) : 1000000;
    g_autofree char *folder =
        argc > 2 ? g_strdup(argv[2]) : g_dir_make_tmp("muniment-bench-log-XXXXXX", NULL);
    g_autofree char *directory = g_build_filename(folder, "log", NULL);
    g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func((GDestroyNotify)vault_note_key_free);
    g_auto(LogSigningKey) key;
    LogVerifyKey verify;
    GError *error = NULL;
    VaultLogOptions options = {.directory = directory, .origin = origin, .key = &key};
    g_autoptr(VaultLog) log = NULL;

    vault_crypto_init();
    vault_log_key_create(&key, &verify);
    g_ptr_array_add(keys, vault_note_key_new_log(origin, &verify, NULL));
    check(vault_log_create(&options, &error), error);
    log = vault_log_open(&options, &error);
    check(log != NULL, error);
    measure_appends(log, count);
    measure_reading(log, directory, origin, keys);
    printf("the log is in %s\n", directory);
    return EXIT_SUCCESS;
}
