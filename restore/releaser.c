#include "restore/releaser.h"

#include <string.h>
#include <unistd.h>

#include "restore/owner.h"

struct RestoreReleaser {
    char *vault_path;
    char *grant;
    gsize len;
    ArchivedTerms *terms;    /* NULL until some are added through the daemon */
    ArchivedRelease *daemon; /* one of the two */
    VaultKeep *keep;
};

static gboolean open_writer(RestoreReleaser *releaser, GError **error)
{
    VaultKeepOptions options = {.mode = VAULT_KEEP_WRITER};
    g_autoptr(GBytes) nothing = NULL;

    releaser->keep = vault_keep_open(releaser->vault_path, &options, error);
    return releaser->keep != NULL &&
           vault_keep_release_by_grant(releaser->keep, releaser->grant, releaser->len, NULL, 0,
                                       &nothing, error);
}

static gboolean open_either(RestoreReleaser *releaser, GError **error)
{
    g_autoptr(GError) failure = NULL;

    releaser->daemon = archived_control_release_begin(releaser->vault_path, releaser->grant,
                                                      releaser->len, &failure);
    if (releaser->daemon != NULL)
        return TRUE;
    if (g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NOT_FOUND))
        return open_writer(releaser, error);
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
}

RestoreReleaser *restore_releaser_open(const char *vault_path, const char *grant, gsize len,
                                       GError **error)
{
    g_autoptr(RestoreReleaser) releaser = g_new0(RestoreReleaser, 1);
    gboolean is_open;

    releaser->vault_path = g_strdup(vault_path);
    releaser->grant = g_strndup(grant, len);
    releaser->len = len;
    if (!restore_owner_enter(vault_path, error))
        return NULL;
    is_open = open_either(releaser, error);
    restore_owner_leave();
    return is_open ? g_steal_pointer(&releaser) : NULL;
}

gboolean restore_releaser_close(RestoreReleaser *releaser, GError **error)
{
    gboolean is_closed;

    if (releaser->keep == NULL)
        return TRUE;
    if (!restore_owner_enter(releaser->vault_path, error))
        return FALSE;
    is_closed = vault_keep_close(releaser->keep, error);
    g_clear_pointer(&releaser->keep, vault_keep_free);
    restore_owner_leave();
    return is_closed;
}

void restore_releaser_free(RestoreReleaser *releaser)
{
    if (releaser == NULL)
        return;
    archived_control_terms_free(releaser->terms);
    archived_control_release_free(releaser->daemon);
    vault_keep_free(releaser->keep);
    g_free(releaser->vault_path);
    g_free(releaser->grant);
    g_free(releaser);
}

/* As the writer itself. */
static void ask_keep(const RestoreReleaser *releaser, ArchivedReleaseKind kind, const RecordId *ids,
                     gsize count, GBytes **ret_sealed, GError **error)
{
    switch (kind) {
    case ARCHIVED_RELEASE_COPIES:
        vault_keep_release_by_grant(releaser->keep, releaser->grant, releaser->len, ids, count,
                                    ret_sealed, error);
        return;
    case ARCHIVED_RELEASE_TERMS:
        vault_keep_release_terms_by_grant(releaser->keep, releaser->grant, releaser->len, ids,
                                          count, ret_sealed, error);
        return;
    case ARCHIVED_RELEASE_CASE_KEY:
        vault_keep_case_key(releaser->keep, releaser->grant, releaser->len, ret_sealed, error);
        return;
    }
    g_assert_not_reached();
}

GBytes *restore_releaser_ask(RestoreReleaser *releaser, ArchivedReleaseKind kind,
                             const RecordId *ids, gsize count, GError **error)
{
    GBytes *sealed = NULL;

    if (releaser->daemon != NULL)
        return archived_control_release(releaser->daemon, kind, ids, count, error);
    if (!restore_owner_enter(releaser->vault_path, error))
        return NULL;
    ask_keep(releaser, kind, ids, count, &sealed, error);
    restore_owner_leave();
    return sealed;
}

gboolean restore_releaser_log(RestoreReleaser *releaser, VaultLoggedAct act, const char *text,
                              GError **error)
{
    ArchivedRestoreStep step =
        act == VAULT_LOGGED_RESTORE_BEGUN ? ARCHIVED_RESTORE_BEGUN : ARCHIVED_RESTORE_DONE;
    g_autofree char *payload = NULL;
    gboolean is_logged;

    if (releaser->daemon != NULL)
        return archived_control_log_restore(releaser->vault_path, step, text, strlen(text), error);
    if (!restore_owner_enter(releaser->vault_path, error))
        return FALSE;
    payload =
        g_strdup_printf("act: %s\nuid: %u\n%s", vault_logged_act_name(act), (guint)getuid(), text);
    is_logged = vault_keep_log_act(releaser->keep, act, payload, strlen(payload), error);
    restore_owner_leave();
    return is_logged;
}

/* ---- terms ----------------------------------------------------------------------------------- */

static gboolean begin_terms(RestoreReleaser *releaser, GError **error)
{
    if (releaser->terms != NULL)
        return TRUE;
    if (!restore_owner_enter(releaser->vault_path, error))
        return FALSE;
    releaser->terms =
        archived_control_terms_begin(releaser->vault_path, releaser->grant, releaser->len, error);
    restore_owner_leave();
    return releaser->terms != NULL;
}

static gboolean add_by_daemon(RestoreReleaser *releaser, const void *batch, gsize len,
                              VaultTermsAdded *ret_added, GError **error)
{
    ArchivedTermsAdded added;

    if (!begin_terms(releaser, error) ||
        !archived_control_terms_add(releaser->terms, batch, len, &added, error))
        return FALSE;
    *ret_added = (VaultTermsAdded){.added_count = added.added_count,
                                   .known_count = added.known_count,
                                   .gone_count = added.gone_count};
    return TRUE;
}

gboolean restore_releaser_add_terms(RestoreReleaser *releaser, const void *batch, gsize len,
                                    VaultTermsAdded *ret_added, GError **error)
{
    gboolean is_added;

    if (releaser->daemon != NULL)
        return add_by_daemon(releaser, batch, len, ret_added, error);
    if (!restore_owner_enter(releaser->vault_path, error))
        return FALSE;
    is_added = vault_keep_add_terms(releaser->keep, releaser->grant, releaser->len, batch, len,
                                    ret_added, error);
    restore_owner_leave();
    return is_added;
}
