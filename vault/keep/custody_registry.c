#include "vault/keep/custody_registry.h"

#include "vault/crypto/value.h"
#include "vault/keep/internal.h"

#include <sys/stat.h>

void vault_custody_registry_free(VaultCustodyRegistry *registry)
{
    if (registry == NULL)
        return;
    g_ptr_array_unref(registry->holders);
    g_ptr_array_unref(registry->copies);
    g_array_unref(registry->declarations);
    g_free(registry);
}

/* ---- reading -------------------------------------------------------------------------------- */

static gboolean add_holder(const RowId *row_id, const GByteArray *bytes, gpointer user,
                           GError **error)
{
    VaultCustodyRegistry *registry = user;
    VaultHolderValue *value = vault_holder_value_parse(bytes->data, bytes->len, error);
    gboolean is_host;

    if (value == NULL)
        return FALSE;
    value->row_id = *row_id;
    is_host = g_str_equal(value->name, VAULT_CUSTODY_HOST);
    g_ptr_array_insert(registry->holders, is_host ? 0 : -1, value);
    return TRUE;
}

static gboolean add_copy(const RowId *row_id, const GByteArray *bytes, gpointer user,
                         GError **error)
{
    VaultCustodyRegistry *registry = user;
    VaultCopyValue *value = vault_copy_value_parse(bytes->data, bytes->len, error);

    if (value == NULL)
        return FALSE;
    value->row_id = *row_id;
    g_ptr_array_add(registry->copies, value);
    return TRUE;
}

static gboolean add_declaration(const RowId *row_id, const GByteArray *bytes, gpointer user,
                                GError **error)
{
    VaultCustodyRegistry *registry = user;
    VaultDeclarationValue value;

    if (!vault_declaration_value_parse(bytes->data, bytes->len, &value, error))
        return FALSE;
    value.row_id = *row_id;
    g_array_append_val(registry->declarations, value);
    return TRUE;
}

VaultHolderValue *vault_custody_registry_holder(const VaultCustodyRegistry *registry,
                                                const char *name)
{
    for (guint i = 0; i < registry->holders->len; i++) {
        VaultHolderValue *value = g_ptr_array_index(registry->holders, i);

        if (g_str_equal(value->name, name))
            return value;
    }
    return NULL;
}

VaultCopyValue *vault_custody_registry_copy(const VaultCustodyRegistry *registry, const char *name)
{
    for (guint i = 0; i < registry->copies->len; i++) {
        VaultCopyValue *value = g_ptr_array_index(registry->copies, i);

        if (g_str_equal(value->name, name))
            return value;
    }
    return NULL;
}

VaultDeclarationValue *vault_custody_registry_declaration(const VaultCustodyRegistry *registry,
                                                          const char *name)
{
    for (guint i = 0; i < registry->declarations->len; i++) {
        VaultDeclarationValue *value =
            &g_array_index(registry->declarations, VaultDeclarationValue, i);

        if (g_str_equal(value->name, name))
            return value;
    }
    return NULL;
}

static VaultDisk disk_of(const char *vault_path, guint64 device)
{
    struct stat status;

    return stat(vault_path, &status) == 0 && (guint64)status.st_dev != device ? VAULT_DISK_OTHER
                                                                              : VAULT_DISK_OF_VAULT;
}

/* A TPM survives the disk, and dies with the machine. */
static VaultDisk disk_of_holder(const char *vault_path, const VaultHolderState *state)
{
    return state->is_on_file_system ? disk_of(vault_path, state->device) : VAULT_DISK_OTHER;
}

static VaultHolderValue *host_value_new(guint64 now_s)
{
    VaultHolderValue *value = g_new0(VaultHolderValue, 1);

    vault_random(value->row_id.bytes, VAULT_ID_LEN);
    g_strlcpy(value->name, VAULT_CUSTODY_HOST, sizeof value->name);
    value->kind = VAULT_HOLDER_FILE;
    value->place = g_strdup("");
    value->added_s = now_s;
    return value;
}

GByteArray *vault_custody_host_value(const char *vault_path, const char *key_path,
                                     const VaultId *vault_id, const VaultKey *key, guint64 now_s)
{
    g_autoptr(VaultHolderValue) value = host_value_new(now_s);
    VaultHolder holder = vault_key_holder(key_path, vault_id);
    g_auto(VaultHolderState) state = {.reason = NULL};

    vault_holder_look(&holder, &state);
    if (state.presence == VAULT_HOLDER_HERE)
        value->disk = disk_of_holder(vault_path, &state);
    value->seen_s = now_s;
    value->keys[0] = vault_key_digest(vault_id, key);
    value->count = 1;
    return vault_holder_value_format(value);
}

/* A vault made before there were registries has no row of it. */
static void ensure_host(VaultKeep *keep, VaultCustodyRegistry *registry)
{
    g_auto(VaultHolderState) state = {.reason = NULL};
    VaultHolderValue *value;
    VaultHolder holder;

    if (vault_custody_registry_holder(registry, VAULT_CUSTODY_HOST) != NULL)
        return;
    value = host_value_new(vault_clock_now_s(&keep->clock));
    g_ptr_array_insert(registry->holders, 0, value);
    holder = vault_custody_holder(keep, value);
    vault_holder_look(&holder, &state);
    vault_custody_note_holder(keep, value, &state);
}

VaultCustodyRegistry *vault_custody_registry_read(VaultKeep *keep, GError **error)
{
    g_autoptr(VaultCustodyRegistry) registry = g_new0(VaultCustodyRegistry, 1);

    registry->holders = g_ptr_array_new_with_free_func((GDestroyNotify)vault_holder_value_free);
    registry->copies = g_ptr_array_new_with_free_func((GDestroyNotify)vault_copy_value_free);
    registry->declarations = g_array_new(FALSE, TRUE, sizeof(VaultDeclarationValue));
    if (!vault_keyring_each(keep->keyring, VAULT_KEYRING_HOLDERS, add_holder, registry, error) ||
        !vault_keyring_each(keep->keyring, VAULT_KEYRING_COPIES, add_copy, registry, error) ||
        !vault_keyring_each(keep->keyring, VAULT_KEYRING_DECLARATIONS, add_declaration, registry,
                            error))
        return NULL;
    ensure_host(keep, registry);
    return g_steal_pointer(&registry);
}

/* ---- writing -------------------------------------------------------------------------------- */

typedef struct {
    VaultKeyringTable table;
    RowId row_id;
    GByteArray *value; /* NULL: the row goes */
} RowJob;

static gboolean put_row(VaultKeyring *keyring, gpointer user, GError **error)
{
    const RowJob *job = user;

    return job->value != NULL
               ? vault_keyring_put(keyring, job->table, &job->row_id, job->value, error)
               : vault_keyring_remove(keyring, job->table, &job->row_id, error);
}

static gboolean put(VaultKeep *keep, VaultKeyringTable table, const RowId *row_id,
                    GByteArray *value, GError **error)
{
    RowJob job = {.table = table, .row_id = *row_id, .value = value};
    gboolean is_put = vault_keyring_batch_run(keep->batch, put_row, &job, error);

    if (value != NULL)
        g_byte_array_unref(value);
    return is_put;
}

gboolean vault_custody_put_holder(VaultKeep *keep, const VaultHolderValue *value, GError **error)
{
    return put(keep, VAULT_KEYRING_HOLDERS, &value->row_id, vault_holder_value_format(value),
               error);
}

gboolean vault_custody_put_copy(VaultKeep *keep, const VaultCopyValue *value, GError **error)
{
    return put(keep, VAULT_KEYRING_COPIES, &value->row_id, vault_copy_value_format(value), error);
}

gboolean vault_custody_put_declaration(VaultKeep *keep, const VaultDeclarationValue *value,
                                       GError **error)
{
    return put(keep, VAULT_KEYRING_DECLARATIONS, &value->row_id,
               vault_declaration_value_format(value), error);
}

gboolean vault_custody_drop(VaultKeep *keep, VaultKeyringTable table, const RowId *row_id,
                            GError **error)
{
    return put(keep, table, row_id, NULL, error);
}

/* ---- rows as places ------------------------------------------------------------------------- */

VaultHolder vault_custody_holder(VaultKeep *keep, const VaultHolderValue *value)
{
    VaultHolder holder = {
        .kind = (VaultHolderKind)value->kind, .place = value->place, .vault_id = keep->id};

    if (value->place[0] == '\0')
        holder = vault_key_holder(keep->vault_key_path, &keep->id);

    memcpy(holder.escrow_key.bytes, value->escrow_key, VAULT_KEY_LEN);
    return holder;
}

VaultCopyPlace vault_custody_copy_place(VaultKeep *keep, const VaultCopyValue *value)
{
    return (VaultCopyPlace){.kind = (VaultCopyKind)value->kind,
                            .place = value->place,
                            .vault_id = keep->id,
                            .place_id = value->place_id};
}

void vault_custody_note_holder(VaultKeep *keep, VaultHolderValue *value,
                               const VaultHolderState *state)
{
    if (state->presence == VAULT_HOLDER_AWAY)
        return;
    value->count = (guint)state->count;
    memcpy(value->keys, state->keys, sizeof value->keys);
    value->seen_s = vault_clock_now_s(&keep->clock);
    if (state->presence == VAULT_HOLDER_HERE)
        value->disk = disk_of_holder(keep->path, state);
}

void vault_custody_note_copy(VaultKeep *keep, VaultCopyValue *value,
                             const VaultCopyPlaceState *state)
{
    if (!state->is_here)
        return;
    value->key = state->copy.key;
    value->copied_s = MAX(state->copy.time_s, 1);
    value->disk =
        value->kind == VAULT_COPY_SSH ? VAULT_DISK_OTHER : disk_of(keep->path, state->device);
}

/* ---- keys ----------------------------------------------------------------------------------- */

gboolean vault_custody_holder_has(const VaultHolderValue *value, const VaultKeyDigest *key)
{
    for (guint i = 0; i < value->count; i++) {
        if (vault_key_digest_equal(&value->keys[i], key))
            return TRUE;
    }
    return FALSE;
}

VaultKeyDigest vault_custody_present_key(VaultKeep *keep)
{
    g_auto(VaultKey) key = {.generation = 0};

    vault_keyring_vault_key(keep->keyring, &key);
    return vault_key_digest(&keep->id, &key);
}
