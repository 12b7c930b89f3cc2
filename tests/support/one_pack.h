/* A folder with one pack of four groups, each a body and two copies, and the pack's bytes: to be
 * changed, written back and scanned. */
#pragma once

#include "tests/support/pack_fixture.h"

#define ONE_PACK_GROUPS 4

typedef struct {
    PackFixture *fixture;
    GPtrArray *deliveries[ONE_PACK_GROUPS];
    guint64 starts[ONE_PACK_GROUPS + 1]; /* of the groups; the last is their end */
    char *path;
    GByteArray *bytes;
} OnePack;

typedef enum { ONE_PACK_OPEN, ONE_PACK_CLOSED } OnePackEnd;

OnePack *one_pack_new(OnePackEnd end);
void one_pack_free(OnePack *pack);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(OnePack, one_pack_free)

void one_pack_rewrite(const OnePack *pack);
PackFindings *one_pack_scan(const OnePack *pack, VaultScanDepth depth);
/* Asserts that all groups are found whole, `but` perhaps (-1: none). */
void one_pack_assert_whole(const OnePack *pack, const PackFindings *findings, int but);
