/* A keeper made of memory, for tests of the delivery pipeline: it notes what it is asked, fails
 * where it is told to, and opens what was committed.
 *
 * A mailbox is what stands before the first '.' or '@' of an address: anna.1@x and anna.2@x are of
 * one. Addresses that begin with "capped" go to unassigned, as NULL does.
 */
#pragma once

#include "vault/depository.h"
#include "vault/open.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

typedef enum {
    FAKE_RESOLVE,
    FAKE_FIND_EARLIER,
    FAKE_ALLOT,
    FAKE_STREAM,
    FAKE_APPEND,
    FAKE_FINISH,
    FAKE_READ_BACK,
    FAKE_COMMIT,
    FAKE_NOTHING, /* fails; also the number of those above */
} FakeStep;

typedef struct {
    VaultDepository depository; /* first: what the pipeline is given */
    FakeStep failing;
    guint calls_before_failure;
    VaultEarlier earlier;  /* what find_earlier() answers */
    guint32 clock_flags;   /* what allot() answers */
    gboolean has_no_index; /* no allotment has a place for terms */

    guint calls[FAKE_NOTHING], settle_count, abandon_count, close_count;
    char *retry_sender;
    VaultHash received_hash, stored_hash;
    gboolean has_import_key;
    DayKey import_key;
    GPtrArray *allotted; /* names of mailboxes */
    GPtrArray *committed;
    GByteArray *stream;   /* of the sink; its header goes in front at finish */
    GHashTable *sessions; /* MailboxId -> VaultIndexSession, each of one owner */

    VaultId vault_id;
    LocatorKey locator_key;
    GHashTable *names; /* MailboxId -> name */
} FakeDepository;

FakeDepository *fake_depository_new(void);
void fake_depository_free(FakeDepository *fake);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FakeDepository, fake_depository_free)

typedef struct {
    RecordId record_id;
    VaultRecordKind kind;
    VaultLocator locator;
    GBytes *bytes;
    char *mailbox; /* name; NULL for bodies and terms bodies */
} FakeRecord;
/* Of all commits, in order. */
const FakeRecord *fake_depository_record(FakeDepository *fake, guint number);

/* Opens a committed copy and its body: the facts as text, "sender=s recipient=r ... role=1" in
 * stored order, and the message. */
char *fake_depository_facts(FakeDepository *fake, guint number);
GByteArray *fake_depository_message(FakeDepository *fake, guint number);
/* Opens a committed terms copy, and the terms body that it names: the terms as they were sealed. */
GByteArray *fake_depository_terms(FakeDepository *fake, guint number);
