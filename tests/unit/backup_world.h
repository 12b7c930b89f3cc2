/* Backups of a fixture's vault, and vaults made of them. */
#pragma once

#include "tests/unit/batch_check.h"

#include "restore/recover.h"
#include "vault/base/file.h"

#define ANNA "anna@example.org"

static inline void note_finding(const char *text, gpointer user)
{
    g_ptr_array_add(user, g_strdup(text));
}

static inline char *place_of(const KeepFixture *fixture)
{
    return g_build_filename(fixture->folder, "backup", NULL);
}

static inline gboolean try_backup(KeepFixture *fixture, GPtrArray *findings,
                                  BackupResult *ret_result, GError **error)
{
    g_autofree char *place = place_of(fixture);
    const BackupCallbacks callbacks = {.found = note_finding, .user = findings};
    const BackupOptions options = {
        .destination = place, .made_s = keep_fixture_now(), .callbacks = &callbacks};

    return vault_keep_operate(fixture->keep, "backup-begin", "", 0, NULL, error) &&
           backup_make(fixture->keep, &options, ret_result, error);
}

static inline BackupResult back_up(KeepFixture *fixture)
{
    g_autoptr(GPtrArray) findings = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) error = NULL;
    BackupResult result;

    if (!try_backup(fixture, findings, &result, &error))
        fail_msg("%s", error->message);
    assert_int_equal(findings->len, result.finding_count);
    return result;
}

/* All that the manifest names is there. */
static inline guint32 whole_backup(const KeepFixture *fixture)
{
    g_autofree char *place = place_of(fixture);
    g_autoptr(GPtrArray) findings = g_ptr_array_new_with_free_func(g_free);
    const BackupCallbacks callbacks = {.found = note_finding, .user = findings};
    g_autoptr(GError) error = NULL;
    BackupResult result;

    if (!backup_check(place, &callbacks, &result, &error))
        fail_msg("%s", error->message);
    if (findings->len > 0)
        fail_msg("%s", (char *)findings->pdata[0]);
    return result.number;
}

static inline void deliver(KeepFixture *fixture, guint count)
{
    for (guint i = 0; i < count; i++) {
        g_autofree char *text = g_strdup_printf("message %u", g_random_int());

        keep_fixture_deliver(fixture, text, ANNA);
    }
}

/* The vault that comes of the backup takes the place of the fixture's. */
static inline void recover_into(KeepFixture *fixture, const char *name)
{
    g_autofree char *place = place_of(fixture);
    g_autoptr(GPtrArray) findings = g_ptr_array_new_with_free_func(g_free);
    const BackupCallbacks callbacks = {.found = note_finding, .user = findings};
    char *path = g_build_filename(fixture->folder, name, NULL);
    const RecoverOptions options = {.backup = place,
                                    .path = path,
                                    .vault_key_path = fixture->vault_key_path,
                                    .why = VAULT_GO_ON_RECOVERED,
                                    .callbacks = &callbacks};
    g_autoptr(GError) error = NULL;
    RecoverResult result;

    keep_fixture_close(fixture);
    if (!recover_vault(&options, &result, &error))
        fail_msg("%s", error->message);
    assert_int_equal(findings->len, 0);
    g_free(fixture->path);
    fixture->path = path;
    keep_fixture_open(fixture);
}
