#include "vault/holder/copy_backend.h"

static const VaultCopyBackend *backend_of(const VaultCopyPlace *place)
{
    return place->kind == VAULT_COPY_SSH ? &vault_copy_ssh : &vault_copy_folder;
}

gboolean vault_copy_place_kind(const char *place, VaultCopyKind *ret_kind, GError **error)
{
    *ret_kind = g_str_has_prefix(place, "ssh://") ? VAULT_COPY_SSH : VAULT_COPY_FOLDER;
    if (strlen(place) <= VAULT_COPY_PLACE_LEN_MAX && *ret_kind == VAULT_COPY_SSH)
        return vault_copy_ssh_check(place, error);
    if (strlen(place) <= VAULT_COPY_PLACE_LEN_MAX && g_path_is_absolute(place))
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                "\"%.100s\" is no place for a copy: give the whole path of a folder, or "
                "ssh://[user@]host[:port]/folder",
                place);
    return FALSE;
}

char *vault_copy_file_name(const VaultId *vault_id)
{
    return g_strconcat(VAULT_ID_TEXT(*vault_id), ".keyring", NULL);
}

void vault_copy_place_state_clear(VaultCopyPlaceState *state)
{
    g_clear_pointer(&state->reason, g_free);
}

static gboolean is_own(const VaultCopyPlace *place, const VaultKeyringCopy *copy)
{
    return VAULT_ID_EQUAL(copy->vault_id, place->vault_id) &&
           VAULT_ID_EQUAL(copy->place_id, place->place_id);
}

static gboolean look(const VaultCopyPlace *place, VaultCopyPlaceState *state, GError **error)
{
    guint8 trailer[VAULT_KEYRING_COPY_TRAILER_LEN];

    if (!backend_of(place)->read_trailer(place, trailer, &state->device, error))
        return FALSE;
    if (!vault_keyring_copy_parse(trailer, sizeof trailer, &state->copy, error)) {
        g_prefix_error(error, "%s: ", place->place);
        return FALSE;
    }
    if (is_own(place, &state->copy))
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND,
                "another place's copy lies in %s: is the right disk mounted?", place->place);
    return FALSE;
}

void vault_copy_place_look(const VaultCopyPlace *place, VaultCopyPlaceState *ret_state)
{
    g_autoptr(GError) failure = NULL;

    *ret_state = (VaultCopyPlaceState){.is_here = TRUE};
    if (look(place, ret_state, &failure))
        return;
    *ret_state = (VaultCopyPlaceState){.reason = g_strdup(failure->message)};
}

/* For a first copy there must be none but what an earlier try left; a damaged one is somebody's,
 * too.
 */
static gboolean check_free(const VaultCopyPlace *place, GError **error)
{
    guint8 trailer[VAULT_KEYRING_COPY_TRAILER_LEN];
    g_autoptr(GError) failure = NULL;
    VaultKeyringCopy copy;
    guint64 device;

    if (!backend_of(place)->read_trailer(place, trailer, &device, &failure) &&
        g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NOT_FOUND))
        return TRUE;
    if (failure != NULL) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return FALSE;
    }
    if (vault_keyring_copy_parse(trailer, sizeof trailer, &copy, NULL) && is_own(place, &copy))
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_BUSY,
                "%s has a copy of this vault's keyring already: remove it there, or choose another "
                "place",
                place->place);
    return FALSE;
}

gboolean vault_copy_place_put(const VaultCopyPlace *place, VaultCopyTurn turn, const char *path,
                              const VaultKeyringCopy *copy, GError **error)
{
    g_auto(VaultCopyPlaceState) state = {.is_here = FALSE};
    VaultKeyringCopy placed = *copy;

    placed.vault_id = place->vault_id;
    placed.place_id = place->place_id;
    if (turn == VAULT_COPY_FIRST ? !check_free(place, error) : !look(place, &state, error))
        return FALSE;
    return backend_of(place)->put(place, path, &placed, error);
}

gboolean vault_copy_place_remove(const VaultCopyPlace *place, GError **error)
{
    g_auto(VaultCopyPlaceState) state = {.is_here = FALSE};

    return look(place, &state, error) && backend_of(place)->remove(place, error);
}
