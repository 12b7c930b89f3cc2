/* Requests to erase, shred and roll for the vault of a KeepFixture, and doing them. */
#pragma once

#include "tests/support/keep_fixture.h"

#include "vault/act/erasure_detail.h"
#include "vault/act/policy.h"
#include "vault/act/request_file.h"
#include "vault/act/text_file.h"
#include "vault/erasure.h"

static inline gboolean has_code(const GError *error, VaultErrorCode code)
{
    return g_error_matches(error, VAULT_ERROR, (int)code);
}

static inline VaultRequestFile *erasure_request(KeepFixture *fixture, VaultAct act,
                                                const char *detail)
{
    VaultRequestFile *request = vault_request_file_new();

    request->act = act;
    request->vault_id = *vault_keep_id(fixture->keep);
    vault_request_file_set_nonce(request);
    request->case_id = g_strdup("2026-1");
    request->reason = g_strdup("it was asked for");
    request->created_s = keep_fixture_now();
    request->expires_s = keep_fixture_now() + 30 * KEEP_FIXTURE_DAY_S;
    request->to_s = VAULT_TEXT_TIME_END_S - 1;
    request->detail = g_strdup(detail);
    request->policy = vault_keep_policy(fixture->keep, NULL);
    assert_true(vault_policy_serial(request->policy, strlen(request->policy),
                                    &request->policy_serial, NULL));
    return request;
}

static inline void erasure_add_mailbox(KeepFixture *fixture, VaultRequestFile *request,
                                       const char *address)
{
    MailboxId id = keep_fixture_mailbox(fixture, address);
    VaultRequestMailbox *mailbox = vault_request_mailbox_new(&id);

    g_free(mailbox->address);
    mailbox->address = g_strdup(address);
    g_ptr_array_add(request->mailboxes, mailbox);
}

/* Takes the request over. `answer` may be NULL. */
static inline gboolean erasure_do(KeepFixture *fixture, const char *operation,
                                  VaultRequestFile *request, char **answer, GError **error)
{
    g_autoptr(VaultRequestFile) owned = request;
    g_autofree char *text = vault_request_file_format(owned, error);

    return text != NULL &&
           vault_keep_operate(fixture->keep, operation, text, strlen(text), answer, error);
}

static inline VaultRequestFile *erasure_of_message(KeepFixture *fixture, const RecordId *id,
                                                   const char *address, const char *detail)
{
    VaultRequestFile *request = erasure_request(fixture, VAULT_ACT_ERASE, detail);

    g_array_append_val(request->messages, *id);
    erasure_add_mailbox(fixture, request, address);
    return request;
}

static inline void erase_message(KeepFixture *fixture, const RecordId *id, const char *address)
{
    g_autoptr(GError) error = NULL;

    if (!erasure_do(fixture, "erasure", erasure_of_message(fixture, id, address, "everywhere"),
                    NULL, &error))
        fail_msg("%s", error->message);
}

static inline VaultRequestFile *erasure_of_mailbox(KeepFixture *fixture, const char *address)
{
    VaultRequestFile *request = erasure_request(fixture, VAULT_ACT_SHRED, "mailbox");

    erasure_add_mailbox(fixture, request, address);
    return request;
}

static inline void shred_mailbox(KeepFixture *fixture, const char *address)
{
    g_autoptr(GError) error = NULL;

    if (!erasure_do(fixture, "erasure", erasure_of_mailbox(fixture, address), NULL, &error))
        fail_msg("%s", error->message);
}

/* The last that there is. */
static inline VaultErasureState erasure_state(KeepFixture *fixture)
{
    g_autoptr(GPtrArray) erasures = vault_keep_erasures(fixture->keep, NULL);

    assert_non_null(erasures);
    assert_true(erasures->len > 0);
    return ((VaultErasureValue *)erasures->pdata[erasures->len - 1])->state;
}

static inline guint erasure_count(KeepFixture *fixture)
{
    g_autoptr(GPtrArray) erasures = vault_keep_erasures(fixture->keep, NULL);

    assert_non_null(erasures);
    return erasures->len;
}

static inline guint32 erasure_generation(KeepFixture *fixture)
{
    VaultKeepStatus status;

    assert_true(vault_keep_status(fixture->keep, &status, NULL));
    return status.vault_key_generation;
}
