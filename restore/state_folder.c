#include "restore/state_folder.h"

#include "vault/act/grant_file.h"
#include "vault/base/file.h"
#include "vault/open/grant.h"

#include <string.h>
#include <sys/stat.h>

char *state_folder_path(void)
{
    return g_build_filename(g_get_user_state_dir(), "muniment", NULL);
}

void state_folder_choice_clear(StateFolderChoice *choice)
{
    g_clear_pointer(&choice->grant_path, g_free);
    g_clear_pointer(&choice->identity_path, g_free);
}

/* ---- the folder ------------------------------------------------------------------------------ */

static gboolean set_missing(const char *folder, const char *what, GError **error)
{
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND,
                "%s in %s: give --grant G and --identity NAME.key; \"muniment request\" begins the "
                "way to a grant",
                what, folder);
    return FALSE;
}

static gboolean check_folder(const char *folder, GError **error)
{
    struct stat status;

    if (stat(folder, &status) != 0 || !S_ISDIR(status.st_mode))
        return set_missing(folder, "no grants are kept", error);
    if ((status.st_mode & 077) == 0)
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                "%s is open to others: make it private with \"chmod 700\"", folder);
    return FALSE;
}

static int compare_paths(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Paths of its files that end so, sorted. */
static GPtrArray *files_of(const char *folder, const char *suffix, GError **error)
{
    g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *name;

    if (dir == NULL) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_IO, "cannot read folder %s", folder);
        return NULL;
    }
    while ((name = g_dir_read_name(dir)) != NULL && paths->len < STATE_FOLDER_FILES_MAX) {
        if (g_str_has_suffix(name, suffix))
            g_ptr_array_add(paths, g_build_filename(folder, name, NULL));
    }
    g_ptr_array_sort(paths, compare_paths);
    return g_steal_pointer(&paths);
}

/* The given one alone, else those of the folder. */
static GPtrArray *candidates(const char *folder, const char *given, const char *suffix,
                             GError **error)
{
    GPtrArray *paths;

    if (given == NULL)
        return files_of(folder, suffix, error);
    paths = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(paths, g_strdup(given));
    return paths;
}

/* ---- what fits ------------------------------------------------------------------------------- */

static gboolean names_mailbox(const VaultRequestFile *request, const char *name)
{
    g_autofree char *wanted = g_utf8_strdown(name, -1);

    /* A standing reader of the whole vault. */
    if (request->mailboxes->len == 0)
        return TRUE;
    for (guint i = 0; i < request->mailboxes->len; i++) {
        const VaultRequestMailbox *mailbox = g_ptr_array_index(request->mailboxes, i);
        const char *address = vault_request_mailbox_address(mailbox);
        g_autofree char *given = g_utf8_strdown(*address == '\0' ? "unassigned" : address, -1);

        if (g_str_equal(wanted, given) || g_str_equal(wanted, VAULT_ID_TEXT(mailbox->id)))
            return TRUE;
    }
    return FALSE;
}

static gboolean names_message(const VaultRequestFile *request, const char *text)
{
    RecordId id;

    if (request->messages->len == 0 || !vault_id_parse(text, id.bytes, NULL))
        return request->messages->len == 0;
    for (guint i = 0; i < request->messages->len; i++) {
        if (VAULT_ID_EQUAL(g_array_index(request->messages, RecordId, i), id))
            return TRUE;
    }
    return FALSE;
}

static gboolean covers(const VaultGrantFile *grant, const StateFolderWanted *wanted)
{
    const VaultRequestFile *request = grant->request;

    if (!VAULT_ID_EQUAL(request->vault_id, *wanted->vault_id) ||
        (vault_grant_halves(request->act) & wanted->half) == 0)
        return FALSE;
    for (char **name = wanted->mailboxes; name != NULL && *name != NULL; name++) {
        if (!names_mailbox(request, *name))
            return FALSE;
    }
    for (char **id = wanted->messages; id != NULL && *id != NULL; id++) {
        if (!names_message(request, *id))
            return FALSE;
    }
    return TRUE;
}

/* NULL: not a grant. */
static VaultGrantFile *read_grant(const char *path)
{
    g_autoptr(GBytes) text = vault_file_read(path, VAULT_GRANT_LEN_MAX, NULL);

    return text == NULL
               ? NULL
               : vault_grant_file_parse(g_bytes_get_data(text, NULL), g_bytes_get_size(text), NULL);
}

/* FALSE also when the grant has expired. */
static gboolean is_for(const VaultGrantFile *grant, const char *identity_path, guint64 now_s)
{
    g_autoptr(GBytes) text = vault_file_read(identity_path, VAULT_KEY_FILE_LEN_MAX, NULL);
    g_auto(VaultIdentity) identity = {0};

    return text != NULL && vault_identity_parse(g_bytes_get_data(text, NULL), &identity, NULL) &&
           vault_grant_is_for(grant, &identity, now_s, NULL);
}

/* Borrowed from `identities`; NULL when none is the reader's. */
static const char *identity_of(const VaultGrantFile *grant, const GPtrArray *identities,
                               guint64 now_s)
{
    for (guint i = 0; i < identities->len; i++) {
        if (is_for(grant, g_ptr_array_index(identities, i), now_s))
            return g_ptr_array_index(identities, i);
    }
    return NULL;
}

static gboolean set_several(const StateFolderChoice *first, const char *second, GError **error)
{
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_BUSY,
                "more than one grant fits: name one with --grant, such as %s or %s",
                first->grant_path, second);
    return FALSE;
}

static gboolean choose(const char *folder, const GPtrArray *grants, const GPtrArray *identities,
                       const StateFolderWanted *wanted, StateFolderChoice *ret_choice,
                       GError **error)
{
    for (guint i = 0; i < grants->len; i++) {
        const char *path = g_ptr_array_index(grants, i);
        g_autoptr(VaultGrantFile) grant = read_grant(path);
        const char *identity;

        if (grant == NULL || !covers(grant, wanted))
            continue;
        identity = identity_of(grant, identities, wanted->now_s);
        if (identity == NULL)
            continue;
        if (ret_choice->grant_path != NULL)
            return set_several(ret_choice, path, error);
        ret_choice->grant_path = g_strdup(path);
        ret_choice->identity_path = g_strdup(identity);
    }
    return ret_choice->grant_path != NULL ||
           set_missing(folder, "no grant and identity that fit are", error);
}

gboolean state_folder_choose(const char *folder, const StateFolderWanted *wanted,
                             StateFolderChoice *ret_choice, GError **error)
{
    g_autoptr(GPtrArray) grants = NULL, identities = NULL;

    *ret_choice = (StateFolderChoice){0};
    if (!check_folder(folder, error))
        return FALSE;
    grants = candidates(folder, wanted->grant_path, ".grant", error);
    identities = grants == NULL ? NULL : candidates(folder, wanted->identity_path, ".key", error);
    if (identities != NULL && choose(folder, grants, identities, wanted, ret_choice, error))
        return TRUE;
    state_folder_choice_clear(ret_choice);
    return FALSE;
}
