/* A folder of packs for tests: records made for it, and what a start-up would find in it.
 *
 * Records carry real sealed locators and random ciphertexts. pack_fixture_recover() reads the
 * folder as a start-up does: whole groups, up to the end that a successor's header names. Threads:
 * pack_fixture_delivery() is safe.
 */
#pragma once

#include "vault/store/pack_reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

typedef struct {
    char *directory;
    VaultId vault_id;
    LocatorKey locator_key;
} PackFixture;

PackFixture *pack_fixture_new(void);
void pack_fixture_free(PackFixture *fixture); /* removes the folder */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PackFixture, pack_fixture_free)

VaultPackWriterOptions pack_fixture_options(PackFixture *fixture);

VaultRecord *pack_fixture_record(const PackFixture *fixture, VaultRecordKind kind, gsize len);
/* A body of `len` ciphertext bytes and `copy_count` copies: GPtrArray that frees its records. */
GPtrArray *pack_fixture_delivery(const PackFixture *fixture, gsize len, guint copy_count);

/* Full paths in the order of their names, those that end in `suffix`. */
GPtrArray *pack_fixture_files(const PackFixture *fixture, const char *suffix);
GByteArray *pack_fixture_read(const char *path);
void pack_fixture_write(const char *path, const guint8 *bytes, gsize len);

/* Seals off what is open, as a start-up does: the last pack first, since it names the others' ends.
 */
void pack_fixture_seal_off(const PackFixture *fixture);

/* What a start-up finds. */
typedef struct {
    GHashTable *ids; /* RecordId* of every record in a group */
    guint group_count, corrupt_count, torn_count, trailer_count, damaged_count;
} PackFindings;
PackFindings *pack_fixture_recover(const PackFixture *fixture, VaultScanDepth depth);
/* One file, scanned to its end. */
PackFindings *pack_fixture_scan(const PackFixture *fixture, const char *path, VaultScanDepth depth);
void pack_findings_free(PackFindings *findings);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PackFindings, pack_findings_free)

typedef enum { PACK_ALL, PACK_NONE, PACK_HALF } PackPresence;
PackPresence pack_findings_presence(const PackFindings *findings, const GPtrArray *delivery);
