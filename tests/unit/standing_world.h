/* Standing grants for a vault's own mailboxes, and reading with them, for tests of standing
 * readers.
 */
#pragma once

#include "tests/unit/release_world.h"

#define DAY_S KEEP_FIXTURE_DAY_S
#define DECEMBER_S (KEEP_FIXTURE_NOW_S + 20 * DAY_S)
#define JANUARY_S (KEEP_FIXTURE_NOW_S + 50 * DAY_S)

/* ---- standing grants ------------------------------------------------------------------------- */

/* Of the whole vault, from an hour ago on, without an end. */
static inline VaultRequestFile *standing_request(ReleaseWorld *world, const VaultIdentity *reader)
{
    VaultRequestFile *request = release_world_request(world, reader);

    request->act = VAULT_ACT_STANDING_READ;
    request->to_s = request->expires_s = VAULT_REQUEST_NO_END_S;
    g_ptr_array_set_size(request->mailboxes, 0);
    return request;
}

static inline void name_mailbox(VaultRequestFile *request, const MailboxId *id, const char *address)
{
    VaultRequestMailbox *mailbox = vault_request_mailbox_new(id);

    mailbox->address = g_strdup(address);
    g_ptr_array_add(request->mailboxes, mailbox);
}

/* `address` NULL: of the whole vault. */
static inline char *standing_grant(ReleaseWorld *world, const VaultIdentity *reader,
                                   const char *address)
{
    VaultRequestFile *request = standing_request(world, reader);

    if (address != NULL) {
        MailboxId id = keep_fixture_mailbox(world->fixture, address);

        name_mailbox(request, &id, address);
    }
    return release_world_grant_of(world, request);
}

static inline RowId must_add(ReleaseWorld *world, const char *grant)
{
    g_autoptr(GError) error = NULL;
    RowId id;

    if (!vault_keep_add_reader(world->fixture->keep, grant, strlen(grant), &id, &error))
        fail_msg("%s", error->message);
    return id;
}

static inline void assert_not_added(ReleaseWorld *world, const char *grant, VaultErrorCode code)
{
    g_autoptr(GPtrArray) readers = NULL;
    g_autoptr(GError) error = NULL;
    RowId id;

    assert_false(vault_keep_add_reader(world->fixture->keep, grant, strlen(grant), &id, &error));
    assert_vault_error(error, code);
    readers = vault_keep_readers(world->fixture->keep, NULL);
    assert_int_equal(readers->len, 0);
}

static inline GPtrArray *months_of(ReleaseWorld *world, const char *grant_text)
{
    g_autoptr(VaultGrantFile) grant = vault_grant_file_parse(grant_text, strlen(grant_text), NULL);
    GPtrArray *months = g_ptr_array_new_with_free_func((GDestroyNotify)vault_month_keys_free);
    VaultReaderPosition position = {.is_set = FALSE};

    assert_true(
        vault_keep_reader_months(world->fixture->keep, grant, &position, 100, months, NULL));
    return months;
}

static inline guint month_count(ReleaseWorld *world, const char *grant)
{
    g_autoptr(GPtrArray) months = months_of(world, grant);

    return months->len;
}

static inline gboolean collect(gpointer user, const guint8 *bytes, gsize len, GError **error)
{
    g_string_append_len(user, (const char *)bytes, (gssize)len);
    return TRUE;
}

static inline VaultReader *reader_of(ReleaseWorld *world, const char *grant_text,
                                     const VaultIdentity *identity)
{
    g_autoptr(VaultGrantFile) grant = vault_grant_file_parse(grant_text, strlen(grant_text), NULL);
    g_autoptr(GPtrArray) months = months_of(world, grant_text);
    g_autoptr(GArray) standing = g_array_new(FALSE, FALSE, sizeof(VaultStandingMonth));
    g_autoptr(GError) error = NULL;
    VaultReader *reader;

    for (guint i = 0; i < months->len; i++) {
        const VaultMonthKeys *keys = g_ptr_array_index(months, i);
        VaultStandingMonth month = {.mailbox_id = keys->mailbox_id,
                                    .address = keys->address,
                                    .month = keys->month,
                                    .keys = keys->keys,
                                    .wrap = g_array_index(keys->wraps, VaultWrap, 0)};

        assert_int_equal(keys->wraps->len, 1);
        g_array_append_val(standing, month);
    }
    reader = vault_grant_standing_reader(grant, identity,
                                         (const VaultStandingMonth *)(gconstpointer)standing->data,
                                         standing->len, keep_fixture_now(), &error);
    if (reader == NULL)
        fail_msg("%s", error->message);
    return reader;
}

/* Wraps to standing readers, in all months of the mailbox. */
static inline guint wrap_count(ReleaseWorld *world, const char *address)
{
    MailboxId id = keep_fixture_mailbox(world->fixture, address);
    g_autoptr(GPtrArray) months =
        vault_keep_months(world->fixture->keep, &id, 1, 0, VAULT_REQUEST_NO_END_S, NULL);
    guint count = 0;

    for (guint i = 0; i < months->len; i++) {
        const VaultMonthKeys *month = g_ptr_array_index(months, i);

        for (guint j = 0; j < month->wraps->len; j++)
            count += g_array_index(month->wraps, VaultWrap, j).kind == VAULT_WRAP_STANDING_READER;
    }
    return count;
}

/* Opened with his identity and a release, as he would: the text. */
static inline char *read_message(ReleaseWorld *world, const char *grant_text,
                                 const VaultIdentity *identity, const VaultCopyEntry *entry)
{
    VaultRecordSource records = sources_local_records(world->fixture->keep);
    VaultOpenEntry open = sources_open_entry(entry);
    g_autoptr(GBytes) sealed = release_world_ask(world, grant_text, &entry->record_id, 1, NULL);
    g_autoptr(VaultOpenedRelease) release =
        release_world_open(world, grant_text, identity, sealed, NULL);
    g_autoptr(VaultReader) reader = reader_of(world, grant_text, identity);
    g_autoptr(VaultOpenedCopy) copy = NULL;
    GString *text = g_string_new(NULL);
    VaultHash hash;

    copy = vault_reader_open_copy(
        reader, &open, &g_array_index(release->slots, VaultReleasedSlot, 0).slot, &records, NULL);
    assert_non_null(copy);
    assert_true(vault_reader_open_body(reader, copy, &records, collect, text, &hash, NULL));
    return g_string_free(text, FALSE);
}

/* Number of entries of an act in the control log. */
static inline guint logged(ReleaseWorld *world, VaultLoggedAct act, char **ret_payload)
{
    g_autoptr(VaultLogReader) reader = release_world_log(world, VAULT_LOG_CONTROL);
    guint count = 0;

    for (guint64 i = 0; i < vault_log_reader_checkpoint(reader)->size; i++) {
        VaultEntry entry = release_world_entry(reader, i);

        if (entry.kind != VAULT_ENTRY_ACT || entry.act != act)
            continue;
        count++;
        if (ret_payload != NULL) {
            g_free(*ret_payload);
            *ret_payload = release_world_payload(world, &entry);
        }
    }
    return count;
}

/* Before each test: the time is the world's, and the last one may have moved it. */
static inline int at_the_beginning(void **state)
{
    keep_fixture_set_now(KEEP_FIXTURE_NOW_S);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup(name, at_the_beginning)
