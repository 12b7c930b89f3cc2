/* A vault with mail, readers, and grants made for its own months, for tests of releases and of what
 * is logged of them. */
#pragma once

#include "tests/support/keep_damage.h"
#include "tests/unit/approval_world.h"

#include "restore/sources.h"
#include "vault/crypto/value.h"

typedef struct {
    KeepFixture *fixture;
    VaultIdentity anna, bert;
} ReleaseWorld;

static inline ReleaseWorld *release_world_new(void)
{
    ReleaseWorld *world = g_new0(ReleaseWorld, 1);

    world->fixture = keep_fixture_new();
    assert_true(vault_identity_create("Anna", &world->anna, NULL));
    assert_true(vault_identity_create("Bert", &world->bert, NULL));
    keep_fixture_close(world->fixture);
    world->fixture->options.verify_approval = fake_verify;
    keep_fixture_open(world->fixture);
    return world;
}

static inline void release_world_free(ReleaseWorld *world)
{
    keep_fixture_free(world->fixture);
    vault_identity_wipe(&world->anna);
    vault_identity_wipe(&world->bert);
    g_free(world);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ReleaseWorld, release_world_free)

/* A copy in the vault, as the catalog has it: the only one of this message. */
static inline gboolean release_world_take_copy(const VaultCopyEntry *entry, gpointer user,
                                               GError **error)
{
    *(VaultCopyEntry *)user = *entry;
    return TRUE;
}

static inline VaultCopyEntry release_world_copy(ReleaseWorld *world, const RecordId *archive_id)
{
    VaultCopyFilter filter = {.messages = archive_id, .message_count = 1};
    VaultCopyEntry entry = {0};

    assert_true(
        vault_keep_copies(world->fixture->keep, &filter, release_world_take_copy, &entry, NULL));
    assert_true(VAULT_ID_EQUAL(entry.body_id, *archive_id));
    return entry;
}

static inline VaultCopyEntry release_world_deliver(ReleaseWorld *world, const char *text,
                                                   const char *address)
{
    KeepDelivery delivery = keep_fixture_deliver(world->fixture, text, address);

    return release_world_copy(world, &delivery.archive_id);
}

/* ---- grants ---------------------------------------------------------------------------------- */

static inline void release_world_add_mailbox(VaultKeep *keep, VaultRequestFile *request,
                                             const MailboxId *id)
{
    g_autoptr(GPtrArray) months =
        vault_keep_months(keep, id, 1, request->from_s, request->to_s, NULL);
    VaultRequestMailbox *mailbox = vault_request_mailbox_new(id);

    for (guint i = 0; i < months->len; i++) {
        const VaultMonthKeys *month = g_ptr_array_index(months, i);

        g_ptr_array_add(mailbox->months, vault_request_month_new(
                                             month->month, month->address, &month->keys,
                                             (const VaultWrap *)(gconstpointer)month->wraps->data,
                                             month->wraps->len));
    }
    if (months->len > 0)
        g_ptr_array_add(request->mailboxes, mailbox);
    else
        vault_request_mailbox_free(mailbox);
}

/* To read all of the vault, an hour either way of now, for a day, under the policy in force. */
static inline VaultRequestFile *release_world_request(ReleaseWorld *world,
                                                      const VaultIdentity *reader)
{
    VaultKeep *keep = world->fixture->keep;
    g_autoptr(GPtrArray) mailboxes = vault_keep_mailboxes(keep, VAULT_MAILBOX_NAMES, NULL);
    VaultRequestFile *request = vault_request_file_new();

    request->act = VAULT_ACT_READ;
    request->vault_id = *vault_keep_id(keep);
    request->case_id = g_strdup("2026-017");
    request->reason = g_strdup("audit");
    request->created_s = keep_fixture_now();
    request->expires_s = keep_fixture_now() + KEEP_FIXTURE_DAY_S;
    request->from_s = keep_fixture_now() - 3600;
    request->to_s = keep_fixture_now() + 3600;
    request->reader_name = g_strdup(reader->name);
    request->reader_key = reader->public_key;
    request->policy = vault_keep_policy(keep, NULL);
    assert_true(vault_policy_serial(request->policy, strlen(request->policy),
                                    &request->policy_serial, NULL));
    for (guint i = 0; i < mailboxes->len; i++) {
        const VaultMailbox *mailbox = g_ptr_array_index(mailboxes, i);

        release_world_add_mailbox(keep, request, &mailbox->id);
    }
    return request;
}

/* Takes over the request. */
static inline char *release_world_grant_by(ReleaseWorld *world, VaultRequestFile *taken,
                                           const VaultMaster *master)
{
    g_autoptr(VaultRequestFile) request = taken;
    g_autoptr(GError) error = NULL;
    g_autofree char *text = vault_request_file_format(request, &error);
    VaultGrantMaking making = {.request_text = text,
                               .request_len = text == NULL ? 0 : strlen(text),
                               .now_s = request->created_s};
    g_autoptr(VaultGrantFile) grant =
        text == NULL ? NULL : vault_grant_make(&making, master, &error);

    if (grant == NULL)
        fail_msg("%s", error->message);
    return vault_grant_file_format(grant);
}

static inline char *release_world_grant_of(ReleaseWorld *world, VaultRequestFile *taken)
{
    return release_world_grant_by(world, taken, &world->fixture->master);
}

static inline char *release_world_grant(ReleaseWorld *world, const VaultIdentity *reader)
{
    return release_world_grant_of(world, release_world_request(world, reader));
}

static inline VaultReader *release_world_reader(const char *grant_text,
                                                const VaultIdentity *identity, guint64 now_s)
{
    g_autoptr(VaultGrantFile) grant = vault_grant_file_parse(grant_text, strlen(grant_text), NULL);
    VaultReader *reader = vault_grant_reader(grant, identity, now_s, NULL);

    assert_non_null(reader);
    return reader;
}

/* ---- policies and approvals ------------------------------------------------------------------ */

/* A policy that wants two approvals for reading, signed by the vault's master; Cora approves of the
 * change. */
static inline void release_world_set_policy(ReleaseWorld *world, guint32 serial)
{
    g_autoptr(GrantWorld) makeshift = grant_world_new();
    g_autoptr(VaultPolicy) policy = NULL;
    g_autoptr(GBytes) signature = NULL;
    g_autofree char *draft = NULL;
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;
    const VaultMaster *master = &world->fixture->master;

    makeshift->request->vault_id = *vault_keep_id(world->fixture->keep);
    policy = world_policy(makeshift, serial);
    draft = policy_text(policy);
    signature = fake_signature(3, VAULT_APPROVAL_OF_POLICY, draft,
                               vault_approvals_offset(draft, strlen(draft)));
    if (serial > 1)
        vault_approvals_add(policy->approvals, "Cora", signature);
    vault_policy_sign(policy, &master->signing_key, &master->public.verify_key);
    text = policy_text(policy);
    if (!vault_keep_set_policy(world->fixture->keep, text, strlen(text), fake_verify, NULL, &error))
        fail_msg("%s", error->message);
}

static inline void release_world_approve(VaultRequestFile *request, const char *name, guint8 number)
{
    g_autofree char *text = vault_request_file_format(request, NULL);
    g_autoptr(GBytes) signature = fake_signature(number, VAULT_APPROVAL_OF_REQUEST, text,
                                                 vault_approvals_offset(text, strlen(text)));

    vault_approvals_add(request->approvals, name, signature);
}

/* ---- releases -------------------------------------------------------------------------------- */

static inline GBytes *release_world_ask(ReleaseWorld *world, const char *grant,
                                        const RecordId *copies, gsize count, GError **error)
{
    GBytes *sealed = NULL;

    assert_true(vault_keep_release_by_grant(world->fixture->keep, grant, strlen(grant), copies,
                                            count, &sealed, error) == (sealed != NULL));
    return sealed;
}

static inline VaultOpenedRelease *release_world_open(ReleaseWorld *world, const char *grant,
                                                     const VaultIdentity *identity, GBytes *sealed,
                                                     GError **error)
{
    VaultHash hash;

    vault_hash(grant, strlen(grant), &hash);
    return vault_release_open(identity, vault_keep_id(world->fixture->keep), &hash,
                              g_bytes_get_data(sealed, NULL), g_bytes_get_size(sealed), error);
}

static inline VaultErrorCode release_world_refusal(ReleaseWorld *world, const char *grant,
                                                   const RecordId *copy)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) sealed = release_world_ask(world, grant, copy, 1, &error);

    assert_null(sealed);
    assert_int_equal(error->domain, VAULT_ERROR);
    return (VaultErrorCode)error->code;
}

/* ---- the log --------------------------------------------------------------------------------- */

static inline VaultLogReader *release_world_log(ReleaseWorld *world, VaultLogKind log)
{
    g_autoptr(GError) error = NULL;
    VaultLogReader *reader =
        vault_keep_log_reader(world->fixture->keep, log, VAULT_KEEP_EPOCH_NOW, &error);

    if (reader == NULL)
        fail_msg("%s", error->message);
    return reader;
}

static inline guint64 release_world_log_size(ReleaseWorld *world, VaultLogKind log)
{
    g_autoptr(VaultLogReader) reader = release_world_log(world, log);

    return vault_log_reader_checkpoint(reader)->size;
}

static inline VaultEntry release_world_entry(VaultLogReader *reader, guint64 index)
{
    g_autoptr(GBytes) bytes = vault_log_reader_entry(reader, index, NULL);
    VaultEntry entry;

    assert_non_null(bytes);
    assert_true(
        vault_entry_parse(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), &entry, NULL));
    return entry;
}

/* The payload of an act, a string. */
static inline char *release_world_payload(ReleaseWorld *world, const VaultEntry *entry)
{
    g_autoptr(GError) error = NULL;
    GByteArray *event = vault_keep_event(world->fixture->keep, entry, &error);
    char *text;

    if (event == NULL)
        fail_msg("%s", error->message);
    text = g_strndup((const char *)event->data + VAULT_ENTRY_SALT_LEN,
                     event->len - VAULT_ENTRY_SALT_LEN);
    vault_value_free(event);
    return text;
}
