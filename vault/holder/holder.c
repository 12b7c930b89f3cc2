#include "vault/holder/holder.h"

#include "vault/base/file.h"
#include "vault/holder/held_file.h"
#include "vault/holder/held_tpm.h"

#include <errno.h>
#include <sys/stat.h>

static const char *const kind_names[VAULT_HOLDER_KIND_END] = {
    [VAULT_HOLDER_FILE] = "file",
    [VAULT_HOLDER_ESCROW] = "escrow",
    [VAULT_HOLDER_TPM] = "tpm",
};

const char *vault_holder_kind_name(VaultHolderKind kind)
{
    return kind > 0 && kind < VAULT_HOLDER_KIND_END ? kind_names[kind] : NULL;
}

gboolean vault_holder_kind_parse(const char *name, VaultHolderKind *ret_kind)
{
    for (guint kind = 1; kind < VAULT_HOLDER_KIND_END; kind++) {
        if (g_str_equal(kind_names[kind], name)) {
            *ret_kind = (VaultHolderKind)kind;
            return TRUE;
        }
    }
    return FALSE;
}

gboolean vault_holder_place_is_tpm(const char *place)
{
    return g_str_has_prefix(place, "tpm:");
}

gboolean vault_holder_place_check(VaultHolderKind kind, const char *place, GError **error)
{
    if (kind == VAULT_HOLDER_TPM)
        return held_tpm_place_check(place, error);
    if (g_path_is_absolute(place))
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED, "%s: give the whole path, from /",
                place);
    return FALSE;
}

void vault_holder_state_clear(VaultHolderState *state)
{
    g_clear_pointer(&state->reason, g_free);
    state->count = 0;
}

/* ---- what a holder's file says -------------------------------------------------------------- */

/* Of a plain file and of a TPM the keys, of an escrow file what is sealed. */
typedef struct {
    VaultKey keys[VAULT_KEY_GENERATIONS_MAX];
    VaultEscrowFile escrow;
    gsize count;
} Content;
VAULT_DECLARE_WIPE(Content, content)

static gboolean corrupt(const VaultHolder *holder, const char *what, GError **error)
{
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT, "%s %s", holder->place, what);
    return FALSE;
}

static gboolean parse(const VaultHolder *holder, const char *text, Content *content, GError **error)
{
    VaultId vault_id;

    if (holder->kind == VAULT_HOLDER_FILE) {
        if (!vault_key_file_parse(text, &vault_id, content->keys, &content->count, error))
            return FALSE;
    } else {
        if (!vault_escrow_file_parse(text, &content->escrow, error))
            return FALSE;
        vault_id = content->escrow.vault_id;
        content->count = content->escrow.count;
    }
    if (!VAULT_ID_EQUAL(vault_id, holder->vault_id))
        return corrupt(holder, "holds keys of another vault", error);
    if (holder->kind == VAULT_HOLDER_ESCROW &&
        memcmp(&content->escrow.escrow_key, &holder->escrow_key, VAULT_KEY_LEN) != 0)
        return corrupt(holder, "is sealed to another escrow key", error);
    return TRUE;
}

static guint32 generation_at(const VaultHolder *holder, const Content *content, gsize i)
{
    return holder->kind == VAULT_HOLDER_ESCROW ? content->escrow.keys[i].key.generation
                                               : content->keys[i].generation;
}

static VaultKeyDigest digest_at(const VaultHolder *holder, const Content *content, gsize i)
{
    return holder->kind == VAULT_HOLDER_ESCROW
               ? content->escrow.keys[i].key
               : vault_key_digest(&holder->vault_id, &content->keys[i]);
}

static char *format(const VaultHolder *holder, Content *content)
{
    if (holder->kind == VAULT_HOLDER_FILE)
        return vault_key_file_format(&holder->vault_id, content->keys, content->count);
    content->escrow.vault_id = holder->vault_id;
    content->escrow.escrow_key = holder->escrow_key;
    content->escrow.count = content->count;
    return vault_escrow_file_format(&content->escrow);
}

static gboolean load_file(const VaultHolder *holder, Content *content, GError **error)
{
    g_autoptr(GError) failure = NULL;
    g_autoptr(GBytes) bytes = vault_file_read(holder->place, VAULT_KEY_FILE_LEN_MAX, &failure);
    gboolean is_parsed;

    if (bytes == NULL && g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NOT_FOUND)) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND,
                    "there is no %s: is its disk mounted?", holder->place);
        return FALSE;
    }
    if (bytes == NULL) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return FALSE;
    }
    is_parsed = parse(holder, g_bytes_get_data(bytes, NULL), content, &failure);
    vault_wipe((void *)g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
    if (is_parsed)
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT, "%s: %s", holder->place, failure->message);
    return FALSE;
}

/* NOT_FOUND: away. */
static gboolean load(const VaultHolder *holder, Content *content, GError **error)
{
    if (holder->kind == VAULT_HOLDER_TPM)
        return held_tpm_load(holder->place, &holder->vault_id, content->keys, &content->count,
                             error);
    return load_file(holder, content, error);
}

gboolean vault_holder_read(const VaultHolder *holder, VaultKey ret_keys[VAULT_KEY_GENERATIONS_MAX],
                           gsize *ret_count, GError **error)
{
    g_auto(Content) content = {.count = 0};

    if (holder->kind == VAULT_HOLDER_ESCROW) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                    "%s is in escrow: muniment vaultkey open opens it, offline", holder->place);
        return FALSE;
    }
    if (!load(holder, &content, error))
        return FALSE;
    memcpy(ret_keys, content.keys, sizeof content.keys);
    *ret_count = content.count;
    return TRUE;
}

void vault_holder_look(const VaultHolder *holder, VaultHolderState *ret_state)
{
    g_auto(Content) content = {.count = 0};
    g_autoptr(GError) failure = NULL;
    struct stat status = {.st_dev = 0};

    *ret_state = (VaultHolderState){.presence = VAULT_HOLDER_HERE};
    if (!load(holder, &content, &failure)) {
        ret_state->presence = g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_CORRUPT)
                                  ? VAULT_HOLDER_DAMAGED
                                  : VAULT_HOLDER_AWAY;
        ret_state->reason = g_strdup(failure->message);
        return;
    }
    ret_state->is_on_file_system =
        holder->kind != VAULT_HOLDER_TPM && stat(holder->place, &status) == 0;
    ret_state->device = (guint64)status.st_dev;
    ret_state->count = content.count;
    for (gsize i = 0; i < content.count; i++)
        ret_state->keys[i] = digest_at(holder, &content, i);
}

/* ---- changing it ---------------------------------------------------------------------------- */

static gboolean seal_at(const VaultHolder *holder, const VaultKey *key, Content *content, gsize at,
                        GError **error)
{
    if (holder->kind == VAULT_HOLDER_ESCROW)
        return vault_escrow_seal(&holder->escrow_key, &holder->vault_id, key,
                                 &content->escrow.keys[at], error);
    content->keys[at] = *key;
    return TRUE;
}

/* In its place among the others. */
static gboolean add(const VaultHolder *holder, const VaultKey *key, Content *content,
                    GError **error)
{
    gsize at = content->count;

    if (content->count == VAULT_KEY_GENERATIONS_MAX) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE,
                    "%s holds %d vault keys already: the oldest waits for keyring copies that are "
                    "behind; connect them and run muniment vaultkey copies update",
                    holder->place, VAULT_KEY_GENERATIONS_MAX);
        return FALSE;
    }
    for (; at > 0 && generation_at(holder, content, at - 1) > key->generation; at--) {
        content->keys[at] = content->keys[at - 1];
        content->escrow.keys[at] = content->escrow.keys[at - 1];
    }
    content->count++;
    return seal_at(holder, key, content, at, error);
}

static void drop(Content *content, gsize at)
{
    for (gsize i = at; i + 1 < content->count; i++) {
        content->keys[i] = content->keys[i + 1];
        content->escrow.keys[i] = content->escrow.keys[i + 1];
    }
    content->count--;
}

/* -1: it is not there. */
static gssize find(const VaultHolder *holder, const Content *content, guint32 generation)
{
    for (gsize i = 0; i < content->count; i++) {
        if (generation_at(holder, content, i) == generation)
            return (gssize)i;
    }
    return -1;
}

/* From the disk's cache, as far as a reader can tell: what is compared is every byte. */
static gboolean read_back(const VaultHolder *holder, const char *text, GError **error)
{
    g_autoptr(GBytes) bytes = vault_file_read(holder->place, VAULT_KEY_FILE_LEN_MAX, error);
    gboolean is_same;

    if (bytes == NULL)
        return FALSE;
    is_same = g_bytes_get_size(bytes) == strlen(text) &&
              memcmp(g_bytes_get_data(bytes, NULL), text, strlen(text)) == 0;
    vault_wipe((void *)g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
    return is_same || corrupt(holder, "is not what was written to it: see to its disk", error);
}

static gboolean store_in_tpm(const VaultHolder *holder, const Content *content,
                             HeldFileExisting existing, GError **error)
{
    return held_tpm_store(holder->place, &holder->vault_id, content->keys, content->count,
                          existing == HELD_FILE_NEW ? HELD_TPM_NEW : HELD_TPM_REPLACE, error);
}

static gboolean store_in_file(const VaultHolder *holder, Content *content,
                              HeldFileExisting existing, GError **error)
{
    char *text = format(holder, content);
    gboolean is_stored =
        held_file_write(holder->place, text, existing, error) && read_back(holder, text, error);

    vault_key_text_free(text);
    return is_stored;
}

static gboolean store(const VaultHolder *holder, Content *content, HeldFileExisting existing,
                      GError **error)
{
    return holder->kind == VAULT_HOLDER_TPM ? store_in_tpm(holder, content, existing, error)
                                            : store_in_file(holder, content, existing, error);
}

/* What a crash left beside the file. */
static gboolean remove_draft(const VaultHolder *holder, GError **error)
{
    return holder->kind == VAULT_HOLDER_TPM || held_file_remove_draft(holder->place, error);
}

gboolean vault_holder_create(const VaultHolder *holder, const VaultKey *key, GError **error)
{
    g_auto(Content) content = {.count = 0};

    return add(holder, key, &content, error) && store(holder, &content, HELD_FILE_NEW, error);
}

gboolean vault_holder_install(const VaultHolder *holder, const VaultKey *key, GError **error)
{
    g_auto(Content) content = {.count = 0};
    VaultKeyDigest wanted = vault_key_digest(&holder->vault_id, key), found;
    gssize at;

    if (!load(holder, &content, error))
        return FALSE;
    at = find(holder, &content, key->generation);
    if (at >= 0) {
        found = digest_at(holder, &content, (gsize)at);
        if (vault_key_digest_equal(&wanted, &found))
            return TRUE;
        drop(&content, (gsize)at);
    }
    return add(holder, key, &content, error) && store(holder, &content, HELD_FILE_REPLACE, error);
}

gboolean vault_holder_destroy(const VaultHolder *holder, guint32 generation, GError **error)
{
    g_auto(Content) content = {.count = 0};
    gssize at;

    if (!load(holder, &content, error) || !remove_draft(holder, error))
        return FALSE;
    at = find(holder, &content, generation);
    if (at < 0)
        return TRUE;
    if (content.count == 1) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                    "%s holds vault key %u alone: its successor is installed first", holder->place,
                    generation);
        return FALSE;
    }
    drop(&content, (gsize)at);
    return store(holder, &content, HELD_FILE_REPLACE, error);
}

gboolean vault_holder_remove(const VaultHolder *holder, GError **error)
{
    g_auto(Content) content = {.count = 0};

    /* Only what is this holder's is removed. */
    if (!load(holder, &content, error))
        return FALSE;
    return holder->kind == VAULT_HOLDER_TPM
               ? held_tpm_store(holder->place, &holder->vault_id, NULL, 0, HELD_TPM_REPLACE, error)
               : held_file_remove(holder->place, error);
}
