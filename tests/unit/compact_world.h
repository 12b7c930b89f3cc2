/* A vault whose packs hold mail of two, for the tests of compaction. Functions assert success. */
#pragma once

#include "tests/support/keep_damage.h"

#include "vault/keep/compact_plan.h"
#include "vault/keep/internal.h"

#include <string.h>

#define ANNA "anna@example.org"
#define BERT "bert@example.org"
#define PACK_SIZE 8192
#define COMPACT_COUNT 24
#define LARGE_LEN (VAULT_BODY_WHOLE_MAX + 4096)
#define MIB (G_GUINT64_CONSTANT(1) << 20)

/* Mail of both in every pack, all of it logged and in closed packs. */
typedef struct {
    KeepFixture *fixture;
    KeepDelivery anna[COMPACT_COUNT], bert[COMPACT_COUNT];
} CompactWorld;

static inline CompactWorld *compact_world_new(void)
{
    CompactWorld *world = g_new0(CompactWorld, 1);

    world->fixture = keep_fixture_new();
    keep_fixture_close(world->fixture);
    world->fixture->options.pack_size = PACK_SIZE;
    keep_fixture_open(world->fixture);
    for (guint i = 0; i < COMPACT_COUNT; i++) {
        g_autofree char *text = g_strdup_printf("message %u", i);

        world->anna[i] = keep_fixture_deliver(world->fixture, text, ANNA);
        world->bert[i] = keep_fixture_deliver(world->fixture, text, BERT);
    }
    keep_fixture_close(world->fixture);
    keep_fixture_open(world->fixture);
    return world;
}

static inline void compact_world_free(CompactWorld *world)
{
    keep_fixture_free(world->fixture);
    g_free(world);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CompactWorld, compact_world_free)

static inline VaultCompactResult compact(KeepFixture *fixture)
{
    VaultCompactOptions options = {.seconds_max = 0};
    g_autoptr(GError) error = NULL;
    VaultCompactResult result;

    if (!vault_keep_compact(fixture->keep, &options, &result, &error))
        fail_msg("%s", error->message);
    return result;
}

static inline guint pack_count(const KeepFixture *fixture, const char *suffix)
{
    g_autoptr(GPtrArray) packs = keep_fixture_packs(fixture, suffix);

    return packs->len;
}

static inline void tell(const char *text, gpointer user)
{
    print_message("%s\n", text);
}

static inline void assert_well(VaultKeep *keep)
{
    VaultVerifyCallbacks callbacks = {.finding = tell};
    VaultVerifyResult result;

    assert_true(vault_keep_verify(keep, VAULT_VERIFY_DEEP, &callbacks, &result, NULL));
    assert_int_equal(result.finding_count, 0);
}

static inline GBytes *record(KeepFixture *fixture, const RecordId *id)
{
    return vault_keep_record(fixture->keep, id, G_MAXSIZE, NULL);
}

static inline void assert_gone(KeepFixture *fixture, const RecordId *id)
{
    g_autoptr(GError) error = NULL;

    assert_null(vault_keep_record(fixture->keep, id, G_MAXSIZE, &error));
    assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND));
}

/* The open vault: a catalog made anew says the same. */
static inline void assert_rebuilt_alike(KeepFixture *fixture)
{
    static const char forget[] = "DELETE FROM leaves; UPDATE totals SET last_archived_s = 0";
    g_autofree char *running = NULL, *rebuilt = NULL;
    VaultRebuildResult result;

    keep_fixture_close(fixture);
    keep_fixture_open(fixture);
    keep_fixture_close(fixture);
    /* Only the one that ran along remembers leaves and times of what is gone. */
    keep_damage_sql(fixture, "catalog.sqlite", forget);
    running = keep_damage_catalog(fixture);
    assert_true(vault_keep_rebuild(fixture->path, &fixture->options, NULL, &result, NULL));
    keep_damage_sql(fixture, "catalog.sqlite", forget);
    rebuilt = keep_damage_catalog(fixture);
    assert_string_equal(running, rebuilt);
    keep_fixture_open(fixture);
}
