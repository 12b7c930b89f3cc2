#include "vault/keep/custody.h"

#include "vault/base/file.h"
#include "vault/keep/custody_pair.h"
#include "vault/keep/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK_LEN 65536
#define SEEN_EVERY_S 86400

static const char *const outcome_names[] = {
    [VAULT_CUSTODY_DONE] = "done",
    [VAULT_CUSTODY_AWAY] = "away",
    [VAULT_CUSTODY_FAILED] = "failed",
    [VAULT_CUSTODY_WAITS] = "waits",
};

const char *vault_custody_outcome_name(VaultCustodyOutcome outcome)
{
    return outcome_names[outcome];
}

static void result_free(gpointer item)
{
    VaultCustodyResult *result = item;

    g_free(result->reason);
    g_free(result);
}

GPtrArray *vault_custody_results_new(void)
{
    return g_ptr_array_new_with_free_func(result_free);
}

static void add_result(GPtrArray *results, VaultCustodySort sort, const char *name,
                       VaultCustodyOutcome outcome, const char *reason)
{
    VaultCustodyResult *result = g_new0(VaultCustodyResult, 1);

    result->sort = sort;
    g_strlcpy(result->name, name, sizeof result->name);
    result->outcome = outcome;
    result->reason = g_strdup(reason);
    g_ptr_array_add(results, result);
}

/* What befell one place: away is told apart from what went wrong there. */
static void add_failure(GPtrArray *results, VaultCustodySort sort, const char *name,
                        const GError *failure)
{
    gboolean is_away = g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NOT_FOUND);

    add_result(results, sort, name, is_away ? VAULT_CUSTODY_AWAY : VAULT_CUSTODY_FAILED,
               failure->message);
}

/* ---- installing ----------------------------------------------------------------------------- */

static gboolean is_as_known(const VaultHolderValue *value, const VaultHolderValue *known)
{
    return value->count == known->count && value->disk == known->disk &&
           memcmp(value->keys, known->keys, sizeof value->keys) == 0 &&
           value->seen_s < known->seen_s + SEEN_EVERY_S;
}

/* What a holder says of itself counts, not what was meant to be there. `known` is in the keyring:
 * that a holder was seen once more is not written down each time. */
static gboolean note_holder(VaultKeep *keep, VaultHolderValue *value, const VaultHolderValue *known,
                            GError **error)
{
    VaultHolder holder = vault_custody_holder(keep, value);
    g_auto(VaultHolderState) state = {.reason = NULL};

    vault_holder_look(&holder, &state);
    vault_custody_note_holder(keep, value, &state);
    return is_as_known(value, known) || vault_custody_put_holder(keep, value, error);
}

static gboolean install_at(VaultKeep *keep, VaultHolderValue *value, const VaultKey *key,
                           GPtrArray *results, GError **error)
{
    VaultHolder holder = vault_custody_holder(keep, value);
    VaultHolderValue known = *value;
    g_autoptr(GError) failure = NULL;

    if (vault_holder_install(&holder, key, &failure))
        add_result(results, VAULT_CUSTODY_HOLDER, value->name, VAULT_CUSTODY_DONE, NULL);
    else if (!g_str_equal(value->name, VAULT_CUSTODY_HOST))
        add_failure(results, VAULT_CUSTODY_HOLDER, value->name, failure);
    else {
        g_propagate_prefixed_error(error, g_steal_pointer(&failure),
                                   "the host's own vault key could not be replaced: ");
        return FALSE;
    }
    return note_holder(keep, value, &known, error);
}

static gboolean install_everywhere(VaultKeep *keep, const VaultKey *key, GPtrArray *results,
                                   GError **error)
{
    g_autoptr(VaultCustodyRegistry) registry = vault_custody_registry_read(keep, error);

    if (registry == NULL)
        return FALSE;
    for (guint i = 0; i < registry->holders->len; i++) {
        if (!install_at(keep, g_ptr_array_index(registry->holders, i), key, results, error))
            return FALSE;
    }
    return TRUE;
}

gboolean vault_custody_install(VaultKeep *keep, const VaultKey *next, GPtrArray *results,
                               GError **error)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&keep->custody_lock);
    guint32 present = vault_keyring_generation(keep->keyring);

    g_assert(keep->mode == VAULT_KEEP_WRITER && locker != NULL);
    if (next->generation == present + 1)
        return install_everywhere(keep, next, results, error);
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                "vault key %u does not follow %u, which the keyring is sealed under",
                next->generation, present);
    return FALSE;
}

/* ---- copying -------------------------------------------------------------------------------- */

/* The keyring as a file of its own, gone when it was copied. */
typedef struct {
    char *path;
    VaultKeyringCopy copy;
} Snapshot;

static void snapshot_clear(Snapshot *snapshot)
{
    if (snapshot->path != NULL)
        unlink(snapshot->path);
    g_clear_pointer(&snapshot->path, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Snapshot, snapshot_clear)

static gboolean hash_file(const char *path, guint64 *ret_len, VaultHash *ret_hash, GError **error)
{
    g_auto(VaultFd) fd = open(path, O_RDONLY | O_CLOEXEC);
    g_autoptr(VaultHasher) hasher = vault_hasher_new();
    g_autofree guint8 *block = g_malloc(BLOCK_LEN);
    struct stat status;

    if (fd < 0 || fstat(fd, &status) != 0)
        return vault_error_set_errno(error, errno, "cannot open", path);
    *ret_len = (guint64)status.st_size;
    for (guint64 at = 0; at < *ret_len; at += BLOCK_LEN) {
        gsize len = (gsize)MIN((guint64)BLOCK_LEN, *ret_len - at);

        if (!vault_file_pread_exact(fd, block, len, at, path, error))
            return FALSE;
        vault_hasher_update(hasher, block, len);
    }
    vault_hasher_finish(hasher, ret_hash);
    return TRUE;
}

/* That it opens, with just this key, is part of what a copy is good for. */
static gboolean check_snapshot(VaultKeep *keep, const Snapshot *snapshot, const VaultKey *key,
                               GError **error)
{
    g_autoptr(VaultKeyring) keyring =
        vault_keyring_open(snapshot->path, VAULT_KEYRING_READ, &keep->id, key, 1, error);

    return keyring != NULL;
}

static gboolean snapshot_make(VaultKeep *keep, Snapshot *snapshot, GError **error)
{
    g_auto(VaultKey) key = {.generation = 0};

    snapshot->path = g_build_filename(keep->path, "keyring.copy", NULL);
    /* What a crash left. */
    if (unlink(snapshot->path) != 0 && errno != ENOENT)
        return vault_error_set_errno(error, errno, "cannot remove", snapshot->path);
    vault_keyring_vault_key(keep->keyring, &key);
    snapshot->copy.key = vault_key_digest(&keep->id, &key);
    snapshot->copy.time_s = vault_clock_now_s(&keep->clock);
    return vault_keyring_snapshot(keep->keyring, snapshot->path, error) &&
           check_snapshot(keep, snapshot, &key, error) &&
           hash_file(snapshot->path, &snapshot->copy.keyring_len, &snapshot->copy.hash, error);
}

/* By the place's own word, whatever came of the copy. */
static gboolean note_copy(VaultKeep *keep, VaultCopyValue *value, const VaultCopyPlace *place,
                          GError **error)
{
    g_auto(VaultCopyPlaceState) state = {.reason = NULL};

    vault_copy_place_look(place, &state);
    vault_custody_note_copy(keep, value, &state);
    return vault_custody_put_copy(keep, value, error);
}

static gboolean copy_to(VaultKeep *keep, VaultCopyValue *value, const Snapshot *snapshot,
                        GPtrArray *results, GError **error)
{
    VaultCopyPlace place = vault_custody_copy_place(keep, value);
    VaultCopyTurn turn = value->copied_s == 0 ? VAULT_COPY_FIRST : VAULT_COPY_NEXT;
    g_autoptr(GError) failure = NULL;

    if (vault_copy_place_put(&place, turn, snapshot->path, &snapshot->copy, &failure))
        add_result(results, VAULT_CUSTODY_COPY, value->name, VAULT_CUSTODY_DONE, NULL);
    else
        add_failure(results, VAULT_CUSTODY_COPY, value->name, failure);
    return note_copy(keep, value, &place, error);
}

/* Unless it is of the last pair, and would be of none. */
static gboolean replace_at(VaultKeep *keep, const VaultCustodyRegistry *registry,
                           VaultCopyValue *value, const Snapshot *snapshot, GPtrArray *results,
                           GError **error)
{
    g_autofree char *reason = vault_custody_keep_copy(registry, &snapshot->copy.key, value);

    if (reason == NULL)
        return copy_to(keep, value, snapshot, results, error);
    add_result(results, VAULT_CUSTODY_COPY, value->name, VAULT_CUSTODY_WAITS, reason);
    return TRUE;
}

gboolean vault_custody_copy_to_one(VaultKeep *keep, VaultCopyValue *value, GPtrArray *results,
                                   GError **error)
{
    g_auto(Snapshot) snapshot = {.path = NULL};

    return snapshot_make(keep, &snapshot, error) && copy_to(keep, value, &snapshot, results, error);
}

static gboolean copy_everywhere(VaultKeep *keep, GPtrArray *results, GError **error)
{
    g_autoptr(VaultCustodyRegistry) registry = vault_custody_registry_read(keep, error);
    g_auto(Snapshot) snapshot = {.path = NULL};

    if (registry == NULL)
        return FALSE;
    if (registry->copies->len == 0)
        return TRUE;
    if (!snapshot_make(keep, &snapshot, error))
        return FALSE;
    for (guint i = 0; i < registry->copies->len; i++) {
        if (!replace_at(keep, registry, g_ptr_array_index(registry->copies, i), &snapshot, results,
                        error))
            return FALSE;
    }
    return TRUE;
}

gboolean vault_custody_copy_keyring(VaultKeep *keep, GPtrArray *results, GError **error)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&keep->custody_lock);

    g_assert(keep->mode == VAULT_KEEP_WRITER && locker != NULL);
    return copy_everywhere(keep, results, error);
}

/* ---- whether a key may go ------------------------------------------------------------------- */

gboolean vault_custody_may_destroy(VaultKeep *keep, guint32 generation, gboolean *ret_may,
                                   GError **error)
{
    g_autoptr(VaultCustodyRegistry) registry = vault_custody_registry_read(keep, error);
    VaultKeyDigest present = vault_custody_present_key(keep);
    g_autofree char *reason = NULL;

    if (registry == NULL)
        return FALSE;
    reason = vault_custody_keep_key(registry, &present, generation);
    *ret_may = generation < present.generation && reason == NULL;
    return TRUE;
}

gboolean vault_custody_pair(VaultKeep *keep, guint32 generation, gboolean *ret_exists,
                            GError **error)
{
    g_autoptr(VaultCustodyRegistry) registry = vault_custody_registry_read(keep, error);

    if (registry == NULL)
        return FALSE;
    *ret_exists = vault_custody_newest_pair(registry, generation, generation) != 0;
    return TRUE;
}

/* ---- destroying ----------------------------------------------------------------------------- */

static gboolean destroy_at(VaultKeep *keep, VaultHolderValue *value, guint32 generation,
                           GPtrArray *results, GError **error)
{
    VaultHolder holder = vault_custody_holder(keep, value);
    VaultHolderValue known = *value;
    VaultKeyDigest present = vault_custody_present_key(keep);
    g_auto(VaultHolderState) state = {.reason = NULL};
    g_autoptr(GError) failure = NULL;

    vault_holder_look(&holder, &state);
    vault_custody_note_holder(keep, value, &state);
    if (state.presence != VAULT_HOLDER_HERE)
        add_result(results, VAULT_CUSTODY_HOLDER, value->name,
                   state.presence == VAULT_HOLDER_AWAY ? VAULT_CUSTODY_AWAY : VAULT_CUSTODY_FAILED,
                   state.reason);
    else if (!vault_custody_holder_has(value, &present))
        add_result(results, VAULT_CUSTODY_HOLDER, value->name, VAULT_CUSTODY_WAITS,
                   "it has not the present vault key yet");
    else if (vault_holder_destroy(&holder, generation, &failure))
        add_result(results, VAULT_CUSTODY_HOLDER, value->name, VAULT_CUSTODY_DONE, NULL);
    else
        add_failure(results, VAULT_CUSTODY_HOLDER, value->name, failure);
    return note_holder(keep, value, &known, error);
}

static gboolean destroy_everywhere(VaultKeep *keep, const VaultCustodyRegistry *registry,
                                   guint32 generation, GPtrArray *results, GError **error)
{
    VaultKeyDigest present = vault_custody_present_key(keep);
    g_autofree char *reason = vault_custody_keep_key(registry, &present, generation);

    for (guint i = 0; i < registry->holders->len; i++) {
        VaultHolderValue *value = g_ptr_array_index(registry->holders, i);

        if (reason != NULL)
            add_result(results, VAULT_CUSTODY_HOLDER, value->name, VAULT_CUSTODY_WAITS, reason);
        else if (!destroy_at(keep, value, generation, results, error))
            return FALSE;
    }
    return TRUE;
}

gboolean vault_custody_destroy(VaultKeep *keep, guint32 generation, GPtrArray *results,
                               GError **error)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&keep->custody_lock);
    g_autoptr(VaultCustodyRegistry) registry = NULL;

    g_assert(keep->mode == VAULT_KEEP_WRITER && locker != NULL);
    if (generation >= vault_keyring_generation(keep->keyring)) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                    "vault key %u opens the keyring: it is replaced before it is destroyed",
                    generation);
        return FALSE;
    }
    registry = vault_custody_registry_read(keep, error);
    return registry != NULL && destroy_everywhere(keep, registry, generation, results, error);
}

/* ---- bringing what was away up to date ------------------------------------------------------ */

/* Any holder may have some generation that others have no longer. */
static GArray *older_generations(const VaultCustodyRegistry *registry, guint32 present)
{
    GArray *found = g_array_new(FALSE, FALSE, sizeof(guint32));

    for (guint i = 0; i < registry->holders->len; i++) {
        const VaultHolderValue *holder = g_ptr_array_index(registry->holders, i);

        for (guint j = 0; j < holder->count; j++) {
            guint32 generation = holder->keys[j].generation;
            gboolean is_known = generation >= present;

            for (guint k = 0; k < found->len; k++)
                is_known |= g_array_index(found, guint32, k) == generation;
            if (!is_known)
                g_array_append_val(found, generation);
        }
    }
    return found;
}

static gboolean destroy_older(VaultKeep *keep, GPtrArray *results, GError **error)
{
    g_autoptr(VaultCustodyRegistry) registry = vault_custody_registry_read(keep, error);
    g_autoptr(GArray) older = NULL;

    if (registry == NULL)
        return FALSE;
    older = older_generations(registry, vault_keyring_generation(keep->keyring));
    for (guint i = 0; i < older->len; i++) {
        if (!destroy_everywhere(keep, registry, g_array_index(older, guint32, i), results, error))
            return FALSE;
    }
    return TRUE;
}

gboolean vault_custody_update_all(VaultKeep *keep, GPtrArray *results, GError **error)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&keep->custody_lock);
    g_autoptr(GPtrArray) older = vault_custody_results_new();
    g_auto(VaultKey) key = {.generation = 0};

    g_assert(keep->mode == VAULT_KEEP_WRITER && locker != NULL);
    vault_keyring_vault_key(keep->keyring, &key);
    if (!install_everywhere(keep, &key, results, error) || !copy_everywhere(keep, results, error) ||
        !destroy_older(keep, older, error))
        return FALSE;
    for (guint i = 0; i < older->len; i++) {
        const VaultCustodyResult *result = g_ptr_array_index(older, i);

        /* What is away was said above. */
        if (result->outcome == VAULT_CUSTODY_WAITS || result->outcome == VAULT_CUSTODY_FAILED)
            add_result(results, result->sort, result->name, result->outcome, result->reason);
    }
    return TRUE;
}

gboolean vault_custody_update(VaultKeep *keep, GError **error)
{
    g_autoptr(GPtrArray) results = vault_custody_results_new();

    if (!vault_custody_update_all(keep, results, error))
        return FALSE;
    for (guint i = 0; i < results->len; i++) {
        const VaultCustodyResult *result = g_ptr_array_index(results, i);

        if (result->outcome == VAULT_CUSTODY_FAILED)
            g_warning("%s: %s", result->name, result->reason);
    }
    return TRUE;
}
