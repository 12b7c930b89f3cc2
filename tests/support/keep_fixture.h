/* A vault in a folder of its own for tests, with one master, and deliveries into it through the
 * depository as ingest makes them. Functions assert success unless they return it. */
#pragma once

#include "vault/crypto/key_files.h"
#include "vault/keep.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

typedef struct {
    char *folder; /* temporary, holds all below */
    char *path;   /* of the vault */
    char *vault_key_path;
    VaultMaster master;
    VaultKeepOptions options;
    VaultKeep *keep; /* open writer, or NULL */
} KeepFixture;

KeepFixture *keep_fixture_new(void); /* created and opened as writer */
void keep_fixture_free(KeepFixture *fixture);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KeepFixture, keep_fixture_free)

void keep_fixture_open(KeepFixture *fixture);
void keep_fixture_close(KeepFixture *fixture); /* as a daemon that ends */
void keep_fixture_crash(KeepFixture *fixture); /* as a process that is killed */

/* Fails the test when it cannot be opened. Closed with vault_keep_free(). */
VaultKeep *keep_fixture_reader(KeepFixture *fixture);
/* The code that opening fails with; fails the test when it succeeds. */
VaultErrorCode keep_fixture_open_error(KeepFixture *fixture);

/* The clock of the vault under test; starts at KEEP_FIXTURE_NOW_S, synchronised. */
#define KEEP_FIXTURE_NOW_S G_GUINT64_CONSTANT(1795000000) /* 2026-11-18 */
void keep_fixture_set_now(guint64 now_s);
guint64 keep_fixture_now(void);
void keep_fixture_set_synchronised(gboolean is_synchronised);
#define KEEP_FIXTURE_DAY_S 86400

MailboxId keep_fixture_mailbox(KeepFixture *fixture, const char *address);

typedef struct {
    RecordId archive_id;
    gboolean is_retry;
    RecordId repeats;
    guint32 flags;
    guint count;
    guint32 leaves[8];
    MonthKeyId months[8];
} KeepDelivery;
/* Addresses end with NULL. FALSE when a step fails. */
gboolean keep_fixture_deliver_at(VaultKeep *keep, const char *text, const char *const *addresses,
                                 guint64 received_s, const DayKey *import_key,
                                 KeepDelivery *ret_delivery, GError **error);
KeepDelivery keep_fixture_deliver(KeepFixture *fixture, const char *text, const char *address);
/* Whether deliveries have terms, as they have at first: inline for one owner, in a terms body for
 * several. Before the first thread. */
void keep_fixture_set_terms(gboolean are_made);
/* Of more than VAULT_BODY_WHOLE_MAX bytes, into a stream pack. */
KeepDelivery keep_fixture_deliver_large(KeepFixture *fixture, gsize len, const char *address);

/* Count of copies that vault_keep_copies() shows, with nothing narrowed. */
guint keep_fixture_copy_count(VaultKeep *keep);
VaultVerifyResult keep_fixture_verify(VaultKeep *keep, VaultVerifyDepth depth);
/* Paths in packs/ that end in `suffix`, sorted. */
GPtrArray *keep_fixture_packs(const KeepFixture *fixture, const char *suffix);
