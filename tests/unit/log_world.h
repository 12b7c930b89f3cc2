/* What the tests of vault/log share: a log in a folder of its own, entries, hexadecimal. */
#pragma once

#include "vault/base/bytes.h"
#include "vault/crypto/key_files.h"
#include "vault/log/log.h"
#include "vault/log/log_verify.h"

#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define LOG_ORIGIN "muniment/00112233445566778899aabbccddeeff/control/1"

typedef struct {
    char *folder;
    char *directory; /* of the log, within the folder */
    LogSigningKey key;
    LogVerifyKey verify_key;
    GPtrArray *keys;
} LogWorld;

static inline void log_world_remove(const char *path)
{
    g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
    const char *name;

    while (folder != NULL && (name = g_dir_read_name(folder)) != NULL) {
        g_autofree char *child = g_build_filename(path, name, NULL);

        log_world_remove(child);
    }
    g_remove(path);
}

static inline LogWorld *log_world_new(void)
{
    LogWorld *world = g_new0(LogWorld, 1);

    vault_crypto_init();
    world->folder = g_dir_make_tmp("muniment-log-XXXXXX", NULL);
    world->directory = g_build_filename(world->folder, "control", NULL);
    vault_log_key_create(&world->key, &world->verify_key);
    world->keys = g_ptr_array_new_with_free_func((GDestroyNotify)vault_note_key_free);
    g_ptr_array_add(world->keys, vault_note_key_new_log(LOG_ORIGIN, &world->verify_key, NULL));
    return world;
}

static inline void log_world_free(LogWorld *world)
{
    if (world == NULL)
        return;
    log_world_remove(world->folder);
    g_free(world->folder);
    g_free(world->directory);
    g_ptr_array_unref(world->keys);
    g_free(world);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LogWorld, log_world_free)

static inline VaultLogOptions log_world_options(const LogWorld *world)
{
    return (VaultLogOptions){
        .directory = world->directory, .origin = LOG_ORIGIN, .key = &world->key};
}

static inline VaultLog *log_world_create(const LogWorld *world)
{
    VaultLogOptions options = log_world_options(world);
    VaultLog *log;

    assert_true(vault_log_create(&options, NULL));
    log = vault_log_open(&options, NULL);
    assert_non_null(log);
    return log;
}

static inline VaultLog *log_world_open(const LogWorld *world, GError **error)
{
    VaultLogOptions options = log_world_options(world);

    return vault_log_open(&options, error);
}

static inline VaultLogReader *log_world_read(const LogWorld *world)
{
    VaultLogReader *reader = vault_log_reader_open(world->directory, LOG_ORIGIN, world->keys, NULL);

    assert_non_null(reader);
    return reader;
}

/* Payloads that tell themselves apart, of lengths from 6 to about 100 bytes. */
static inline char *log_world_payload(guint64 serial)
{
    return g_strdup_printf("entry %" G_GUINT64_FORMAT "%.*s", serial, (int)(serial * 7 % 90),
                           "..............................................................."
                           "...................................");
}

static inline gboolean log_world_append(VaultLog *log, guint64 first_serial, gsize count,
                                        GError **error)
{
    g_autoptr(GPtrArray) payloads = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    g_autofree VaultLogEntry *entries = g_new0(VaultLogEntry, count);

    for (gsize i = 0; i < count; i++) {
        char *payload = log_world_payload(first_serial + i);

        entries[i].payload = g_bytes_new_take(payload, strlen(payload));
        g_ptr_array_add(payloads, entries[i].payload);
    }
    return vault_log_append(log, entries, count, NULL, error);
}

static inline void log_world_assert_entry(VaultLogReader *reader, guint64 index, guint64 serial)
{
    g_autoptr(GBytes) entry = vault_log_reader_entry(reader, index, NULL);
    g_autofree char *expected = log_world_payload(serial);

    assert_non_null(entry);
    assert_int_equal(g_bytes_get_size(entry), strlen(expected));
    assert_memory_equal(g_bytes_get_data(entry, NULL), expected, strlen(expected));
}

static inline VaultHash log_world_hash(const char *hex)
{
    VaultHash hash;

    assert_true(vault_bytes_from_hex(hex, hash.bytes, sizeof hash.bytes));
    return hash;
}

static inline void log_world_assert_code(const GError *error, VaultErrorCode code)
{
    assert_non_null(error);
    assert_int_equal(error->domain, VAULT_ERROR);
    assert_int_equal(error->code, code);
}
