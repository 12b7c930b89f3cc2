/* A master, a reader and a request for two mailboxes, for the tests of requests and grants. */
#pragma once

#include "vault/act/policy.h"
#include "vault/open/grant.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define WORLD_CREATED_S G_GUINT64_CONSTANT(1795512600) /* 2026-11-24 09:30:00 */
#define WORLD_EXPIRES_S (WORLD_CREATED_S + 30 * 86400)

typedef struct {
    VaultMaster master;
    VaultIdentity reader;
    VaultRequestFile *request;
    MailboxId alice, bob;
} GrantWorld;

static inline VaultWrapRecipient world_recipient(const VaultMaster *master)
{
    VaultWrapRecipient recipient = {.kind = VAULT_WRAP_MASTER,
                                    .key_id = vault_master_key_id(&master->public)};

    memcpy(recipient.public_key, master->public.public_key.bytes, VAULT_KEY_LEN);
    return recipient;
}

/* A month with real keys, wrapped to the world's master. */
static inline VaultRequestMonth *world_month(const GrantWorld *world, const MailboxId *mailbox,
                                             const char *address, VaultMonth number)
{
    VaultMonthIdentity identity = {.vault_id = world->request->vault_id,
                                   .mailbox_id = *mailbox,
                                   .address = address,
                                   .month = number};
    VaultWrapRecipient recipient = world_recipient(&world->master);
    MonthPublicKeys keys;
    VaultWrap wrap;

    assert_true(vault_month_create(&identity, &recipient, 1, &keys, &wrap, NULL));
    return vault_request_month_new(number, address, &keys, &wrap, 1);
}

static inline void world_add_mailbox(GrantWorld *world, const MailboxId *id, const char *address,
                                     VaultMonth first, guint count)
{
    VaultRequestMailbox *mailbox = vault_request_mailbox_new(id);

    for (VaultMonth month = first; count > 0; month = vault_month_next(month), count--)
        g_ptr_array_add(mailbox->months, world_month(world, id, address, month));
    g_ptr_array_add(world->request->mailboxes, mailbox);
}

static inline GrantWorld *grant_world_new(void)
{
    GrantWorld *world = g_new0(GrantWorld, 1);

    vault_crypto_init();
    vault_master_create(&world->master);
    assert_true(vault_identity_create("Erika Prüferin", &world->reader, NULL));
    memset(world->alice.bytes, 0x11, VAULT_ID_LEN);
    memset(world->bob.bytes, 0x99, VAULT_ID_LEN);
    world->request = vault_request_file_new();
    world->request->act = VAULT_ACT_READ;
    vault_random(world->request->vault_id.bytes, VAULT_ID_LEN);
    world->request->case_id = g_strdup("2026-017");
    world->request->reason = g_strdup("audit of the year’s invoices");
    world->request->created_s = WORLD_CREATED_S;
    world->request->expires_s = WORLD_EXPIRES_S;
    world->request->from_s = vault_month_start(202609) + 3600;
    world->request->to_s = vault_month_start(202611) + 7200;
    world->request->reader_name = g_strdup("Erika Prüferin");
    world->request->reader_key = world->reader.public_key;
    world->request->policy = g_strdup(vault_policy_initial_text());
    /* August and December lie outside the period. */
    world_add_mailbox(world, &world->bob, "", 202611, 1);
    world_add_mailbox(world, &world->alice, "alice@example.org", 202608, 5);
    return world;
}

static inline void grant_world_free(GrantWorld *world)
{
    vault_request_file_free(world->request);
    vault_master_wipe(&world->master);
    vault_identity_wipe(&world->reader);
    g_free(world);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GrantWorld, grant_world_free)

static inline char *world_request_text(GrantWorld *world)
{
    g_autoptr(GError) error = NULL;
    char *text = vault_request_file_format(world->request, &error);

    if (text == NULL)
        fail_msg("%s", error->message);
    return text;
}

static inline VaultGrantFile *world_grant(GrantWorld *world, GError **error)
{
    g_autofree char *text = world_request_text(world);
    VaultGrantMaking making = {
        .request_text = text, .request_len = strlen(text), .now_s = WORLD_CREATED_S};

    return vault_grant_make(&making, &world->master, error);
}

#define assert_vault_error(error, expected)                                                        \
    do {                                                                                           \
        assert_non_null(error);                                                                    \
        if (!g_error_matches(error, VAULT_ERROR, expected))                                        \
            fail_msg("code %d, not " #expected ": %s", (error)->code, (error)->message);           \
    } while (0)
