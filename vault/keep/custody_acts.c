#include "vault/keep/custody_acts.h"

#include "vault/act/text_file.h"
#include "vault/keep/custody_pair.h"
#include "vault/keep/internal.h"

/* What a lost holder or copy leaves behind is nobody's to destroy any more: it counts for ever. */
#define LOST_KEEP_DAYS VAULT_CUSTODY_KEEP_DAYS_MAX

static void answer_results(const GPtrArray *results, GString *answer)
{
    for (guint i = 0; i < results->len; i++) {
        const VaultCustodyResult *result = g_ptr_array_index(results, i);
        g_autofree char *value = g_strdup_printf(
            "%s %s%s%s", result->name, vault_custody_outcome_name(result->outcome),
            result->reason == NULL ? "" : " ", result->reason == NULL ? "" : result->reason);

        g_strdelimit(value, "\n\r\t", ' ');
        g_strchomp(value);
        vault_text_append(answer, result->sort == VAULT_CUSTODY_HOLDER ? "holder" : "copy", value);
    }
}

static gboolean refuse(GError **error, VaultErrorCode code, char *message)
{
    g_autofree char *owned = message;

    g_set_error_literal(error, VAULT_ERROR, (gint)code, owned);
    return FALSE;
}

/* ---- what is asked -------------------------------------------------------------------------- */

typedef struct {
    VaultTextFile file;
    char *name, *place;
    gboolean is_lost;
} Ask;

static void ask_clear(Ask *ask)
{
    g_free(ask->name);
    g_free(ask->place);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Ask, ask_clear)

static gboolean ask_begin(Ask *ask, const char *text, gsize len, const char *type, GError **error)
{
    return vault_text_file_begin(&ask->file, text, len, type, error);
}

static gboolean ask_name(Ask *ask, GError **error)
{
    ask->name = vault_text_file_take_text(&ask->file, "name", VAULT_CUSTODY_NAME_LEN_MAX, error);
    if (ask->name == NULL || vault_custody_name_is_valid(ask->name))
        return ask->name != NULL;
    return refuse(
        error, VAULT_ERROR_MALFORMED,
        g_strdup_printf("\"%s\" is no name: letters, digits, \".\", \"_\" and \"-\"", ask->name));
}

static gboolean ask_place(Ask *ask, GError **error)
{
    ask->place = vault_text_file_take_text(&ask->file, "place", VAULT_CUSTODY_PLACE_LEN_MAX, error);
    return ask->place != NULL;
}

/* A value that is one of two words. */
static gboolean ask_either(Ask *ask, const char *line, const char *yes, const char *no,
                           gboolean *ret_is_yes, GError **error)
{
    g_autofree char *value = vault_text_file_take_text(&ask->file, line, 16, error);

    if (value == NULL)
        return FALSE;
    *ret_is_yes = g_str_equal(value, yes);
    return *ret_is_yes || g_str_equal(value, no) ||
           vault_text_file_refuse(&ask->file, error, "neither \"%s\" nor \"%s\"", yes, no);
}

static gboolean ask_end(Ask *ask, GError **error)
{
    return vault_text_file_finish(&ask->file, error);
}

static gboolean log_act(VaultKeep *keep, VaultLoggedAct act, const char *name, const char *place,
                        GError **error)
{
    g_autoptr(GString) payload = g_string_new(NULL);

    vault_text_append(payload, "act", vault_logged_act_name(act));
    vault_text_append(payload, "name", name);
    if (place != NULL)
        vault_text_append(payload, "place", place);
    return vault_keep_log_act(keep, act, payload->str, payload->len, error);
}

/* Whoever copied the vault would have the key, or two of the keyring, with it. */
static gboolean check_place(VaultKeep *keep, const char *file, GError **error)
{
    if (!g_path_is_absolute(file))
        return refuse(error, VAULT_ERROR_MALFORMED,
                      g_strdup_printf("%s: give the whole path, from /", file));
    return vault_key_path_check(keep->path, file, error);
}

static gboolean name_is_taken(const char *name, GError **error)
{
    return refuse(error, VAULT_ERROR_BUSY,
                  g_strdup_printf("%s is registered already: choose another name", name));
}

static gboolean name_is_unknown(const char *name, GError **error)
{
    return refuse(
        error, VAULT_ERROR_NOT_FOUND,
        g_strdup_printf("%s is not registered: the lists of muniment vaultkey say what is", name));
}

/* ---- holders -------------------------------------------------------------------------------- */

static gboolean ask_holder(Ask *ask, VaultHolderValue *value, GError **error)
{
    g_autofree char *kind_name = NULL;
    VaultHolderKind kind;

    if (!ask_name(ask, error))
        return FALSE;
    kind_name = vault_text_file_take_text(&ask->file, "kind", 16, error);
    if (kind_name == NULL)
        return FALSE;
    if (!vault_holder_kind_parse(kind_name, &kind))
        return vault_text_file_refuse(&ask->file, error, "no kind of holder");
    if (!ask_place(ask, error) ||
        (kind == VAULT_HOLDER_ESCROW &&
         !vault_text_file_take_hex(&ask->file, "escrow-key", value->escrow_key, VAULT_KEY_LEN,
                                   error)))
        return FALSE;
    value->kind = (guint8)kind;
    g_strlcpy(value->name, ask->name, sizeof value->name);
    value->place = g_strdup(ask->place);
    return ask_end(ask, error);
}

static gboolean check_new_holder(VaultKeep *keep, const VaultCustodyRegistry *registry,
                                 const VaultHolderValue *value, GError **error)
{
    if (vault_custody_registry_holder(registry, value->name) != NULL)
        return name_is_taken(value->name, error);
    for (guint i = 0; i < registry->holders->len; i++) {
        const VaultHolderValue *other = g_ptr_array_index(registry->holders, i);
        VaultHolder holder = vault_custody_holder(keep, other);

        if (g_str_equal(holder.place, value->place))
            return refuse(
                error, VAULT_ERROR_BUSY,
                g_strdup_printf("%s is the holder %s already", value->place, other->name));
    }
    if (value->kind == VAULT_HOLDER_TPM)
        return vault_holder_place_check(VAULT_HOLDER_TPM, value->place, error);
    return check_place(keep, value->place, error);
}

/* A file that somebody put there already, with just this key, is taken up as it is: better that it
 * is known. */
static gboolean create_or_take_up(VaultKeep *keep, VaultHolderValue *value, const VaultKey *key,
                                  GError **error)
{
    VaultHolder holder = vault_custody_holder(keep, value);
    VaultKeyDigest digest = vault_key_digest(&keep->id, key);
    g_auto(VaultHolderState) found = {.reason = NULL}, state = {.reason = NULL};

    vault_holder_look(&holder, &found);
    vault_custody_note_holder(keep, value, &found);
    if (vault_custody_holder_has(value, &digest))
        return TRUE;
    if (!vault_holder_create(&holder, key, error))
        return FALSE;
    vault_holder_look(&holder, &state);
    vault_custody_note_holder(keep, value, &state);
    return TRUE;
}

/* The row is there before the key is: no key lies anywhere that the registry does not know of. */
static gboolean create_holder(VaultKeep *keep, VaultHolderValue *value, GError **error)
{
    g_auto(VaultKey) key = {.generation = 0};

    vault_keyring_vault_key(keep->keyring, &key);
    if (!vault_custody_put_holder(keep, value, error))
        return FALSE;
    if (create_or_take_up(keep, value, &key, error))
        return vault_custody_put_holder(keep, value, error);
    vault_custody_drop(keep, VAULT_KEYRING_HOLDERS, &value->row_id, NULL);
    return FALSE;
}

gboolean vault_custody_act_holder_add(VaultKeep *keep, const char *text, gsize len, GString *answer,
                                      GError **error)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&keep->custody_lock);
    g_autoptr(VaultHolderValue) value = g_new0(VaultHolderValue, 1);
    g_autoptr(VaultCustodyRegistry) registry = NULL;
    g_auto(Ask) ask = {.name = NULL};

    g_assert(locker != NULL);
    if (!ask_begin(&ask, text, len, "holder-add/1", error) || !ask_holder(&ask, value, error))
        return FALSE;
    registry = vault_custody_registry_read(keep, error);
    vault_random(value->row_id.bytes, VAULT_ID_LEN);
    value->added_s = vault_clock_now_s(&keep->clock);
    return registry != NULL && check_new_holder(keep, registry, value, error) &&
           log_act(keep, VAULT_LOGGED_HOLDER_ADDED, value->name, value->place, error) &&
           create_holder(keep, value, error);
}

/* Nobody can destroy what it holds any more: so long it counts as a copy of the vault key. */
static gboolean declare_lost(VaultKeep *keep, const VaultHolderValue *value, GError **error)
{
    guint64 now_s = vault_clock_now_s(&keep->clock);
    VaultDeclarationValue declaration = {
        .keep_days = LOST_KEEP_DAYS, .declared_s = now_s, .ended_s = now_s};

    vault_random(declaration.row_id.bytes, VAULT_ID_LEN);
    g_snprintf(declaration.name, sizeof declaration.name, "lost-%.58s", value->name);
    return vault_custody_put_declaration(keep, &declaration, error);
}

static gboolean remove_holder(VaultKeep *keep, const VaultHolderValue *value, gboolean is_lost,
                              GError **error)
{
    VaultHolder holder = vault_custody_holder(keep, value);
    g_autoptr(GError) failure = NULL;

    if (is_lost)
        return declare_lost(keep, value, error);
    if (vault_holder_remove(&holder, &failure))
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&failure));
    g_prefix_error(error,
                   "the vault key cannot be destroyed there (--lost: it never can be again): ");
    return FALSE;
}

static gboolean check_not_last(VaultKeep *keep, const VaultCustodyRegistry *registry,
                               VaultHolderValue *value, GError **error)
{
    VaultKeyDigest present = vault_custody_present_key(keep);
    char *reason = vault_custody_keep_holder(registry, &present, value);

    return reason == NULL || refuse(error, VAULT_ERROR_REFUSED, reason);
}

gboolean vault_custody_act_holder_remove(VaultKeep *keep, const char *text, gsize len,
                                         GString *answer, GError **error)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&keep->custody_lock);
    g_autoptr(VaultCustodyRegistry) registry = NULL;
    VaultHolderValue *value;
    g_auto(Ask) ask = {.name = NULL};

    g_assert(locker != NULL);
    if (!ask_begin(&ask, text, len, "holder-remove/1", error) || !ask_name(&ask, error) ||
        !ask_either(&ask, "lost", "yes", "no", &ask.is_lost, error) || !ask_end(&ask, error))
        return FALSE;
    registry = vault_custody_registry_read(keep, error);
    if (registry == NULL)
        return FALSE;
    value = vault_custody_registry_holder(registry, ask.name);
    if (value == NULL)
        return name_is_unknown(ask.name, error);
    if (g_str_equal(ask.name, VAULT_CUSTODY_HOST))
        return refuse(error, VAULT_ERROR_REFUSED,
                      g_strdup("the host starts from its own holder: it stays"));
    return (ask.is_lost || check_not_last(keep, registry, value, error)) &&
           log_act(keep, VAULT_LOGGED_HOLDER_REMOVED, value->name, value->place, error) &&
           remove_holder(keep, value, ask.is_lost, error) &&
           vault_custody_drop(keep, VAULT_KEYRING_HOLDERS, &value->row_id, error);
}

/* ---- copies --------------------------------------------------------------------------------- */

static gboolean check_new_copy(VaultKeep *keep, const VaultCustodyRegistry *registry,
                               const VaultCopyValue *value, GError **error)
{
    g_autofree char *file = g_build_filename(value->place, "copy", NULL);

    if (vault_custody_registry_copy(registry, value->name) != NULL)
        return name_is_taken(value->name, error);
    return value->kind == VAULT_COPY_SSH || check_place(keep, file, error);
}

static gboolean create_copy(VaultKeep *keep, VaultCopyValue *value, GString *answer, GError **error)
{
    g_autoptr(GPtrArray) results = vault_custody_results_new();
    g_autoptr(GError) failure = NULL;
    const VaultCustodyResult *result;

    if (!vault_custody_put_copy(keep, value, error))
        return FALSE;
    if (vault_custody_copy_to_one(keep, value, results, &failure)) {
        result = g_ptr_array_index(results, 0);
        answer_results(results, answer);
        if (result->outcome == VAULT_CUSTODY_DONE)
            return TRUE;
        refuse(&failure, VAULT_ERROR_IO, g_strdup(result->reason));
    }
    vault_custody_drop(keep, VAULT_KEYRING_COPIES, &value->row_id, NULL);
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
}

gboolean vault_custody_act_copy_add(VaultKeep *keep, const char *text, gsize len, GString *answer,
                                    GError **error)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&keep->custody_lock);
    g_autoptr(VaultCopyValue) value = g_new0(VaultCopyValue, 1);
    g_autoptr(VaultCustodyRegistry) registry = NULL;
    g_auto(Ask) ask = {.name = NULL};
    VaultCopyKind kind;

    g_assert(locker != NULL);
    if (!ask_begin(&ask, text, len, "copy-add/1", error) || !ask_name(&ask, error) ||
        !ask_place(&ask, error) || !ask_end(&ask, error) ||
        !vault_copy_place_kind(ask.place, &kind, error))
        return FALSE;
    registry = vault_custody_registry_read(keep, error);
    g_strlcpy(value->name, ask.name, sizeof value->name);
    value->kind = (guint8)kind;
    value->place = g_steal_pointer(&ask.place);
    value->added_s = vault_clock_now_s(&keep->clock);
    vault_random(value->row_id.bytes, VAULT_ID_LEN);
    vault_random(value->place_id.bytes, VAULT_ID_LEN);
    return registry != NULL && check_new_copy(keep, registry, value, error) &&
           log_act(keep, VAULT_LOGGED_COPY_ADDED, value->name, value->place, error) &&
           create_copy(keep, value, answer, error);
}

static gboolean remove_copy(VaultKeep *keep, const VaultCopyValue *value, GError **error)
{
    VaultCopyPlace place = vault_custody_copy_place(keep, value);

    if (vault_copy_place_remove(&place, error))
        return TRUE;
    g_prefix_error(error, "the copy cannot be removed there (--lost: it stays where it is): ");
    return FALSE;
}

gboolean vault_custody_act_copy_remove(VaultKeep *keep, const char *text, gsize len,
                                       GString *answer, GError **error)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&keep->custody_lock);
    g_autoptr(VaultCustodyRegistry) registry = NULL;
    VaultKeyDigest present = vault_custody_present_key(keep);
    VaultCopyValue *value;
    char *reason;
    g_auto(Ask) ask = {.name = NULL};

    g_assert(locker != NULL);
    if (!ask_begin(&ask, text, len, "copy-remove/1", error) || !ask_name(&ask, error) ||
        !ask_either(&ask, "lost", "yes", "no", &ask.is_lost, error) || !ask_end(&ask, error))
        return FALSE;
    registry = vault_custody_registry_read(keep, error);
    if (registry == NULL)
        return FALSE;
    value = vault_custody_registry_copy(registry, ask.name);
    if (value == NULL)
        return name_is_unknown(ask.name, error);
    reason = ask.is_lost ? NULL : vault_custody_keep_copy_place(registry, &present, value);
    if (reason != NULL)
        return refuse(error, VAULT_ERROR_REFUSED, reason);
    /* One that is lost opens nothing once the vault key of its generation is gone everywhere. */
    return log_act(keep, VAULT_LOGGED_COPY_REMOVED, value->name, value->place, error) &&
           (ask.is_lost || remove_copy(keep, value, error)) &&
           vault_custody_drop(keep, VAULT_KEYRING_COPIES, &value->row_id, error);
}

gboolean vault_custody_act_update(VaultKeep *keep, const char *text, gsize len, GString *answer,
                                  GError **error)
{
    g_autoptr(GPtrArray) results = vault_custody_results_new();
    g_auto(Ask) ask = {.name = NULL};

    if (!ask_begin(&ask, text, len, "custody-update/1", error) || !ask_end(&ask, error) ||
        !vault_custody_update_all(keep, results, error))
        return FALSE;
    answer_results(results, answer);
    return TRUE;
}

/* ---- declarations --------------------------------------------------------------------------- */

static gboolean ask_declaration(Ask *ask, VaultDeclarationValue *value, gboolean *ret_is_again,
                                GError **error)
{
    if (!ask_name(ask, error) ||
        !vault_text_file_take_number(&ask->file, "keep-days", VAULT_CUSTODY_KEEP_DAYS_MAX,
                                     &value->keep_days, error) ||
        !ask_either(ask, "made", "again", "once", ret_is_again, error))
        return FALSE;
    g_strlcpy(value->name, ask->name, sizeof value->name);
    return ask_end(ask, error);
}

gboolean vault_custody_act_declare(VaultKeep *keep, const char *text, gsize len, GString *answer,
                                   GError **error)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&keep->custody_lock);
    g_autoptr(VaultCustodyRegistry) registry = NULL;
    VaultDeclarationValue value = {.keep_days = 0};
    const VaultDeclarationValue *before;
    gboolean is_again;
    g_auto(Ask) ask = {.name = NULL};

    g_assert(locker != NULL);
    if (!ask_begin(&ask, text, len, "copy-declare/1", error) ||
        !ask_declaration(&ask, &value, &is_again, error))
        return FALSE;
    registry = vault_custody_registry_read(keep, error);
    if (registry == NULL)
        return FALSE;
    before = vault_custody_registry_declaration(registry, value.name);
    value.declared_s = vault_clock_now_s(&keep->clock);
    value.ended_s = is_again ? 0 : value.declared_s;
    vault_random(value.row_id.bytes, VAULT_ID_LEN);
    if (before != NULL)
        value.row_id = before->row_id;
    /* Those that were made before are kept as long as was said of them. */
    if (before != NULL && before->keep_days > value.keep_days)
        return refuse(error, VAULT_ERROR_REFUSED,
                      g_strdup_printf("%s was declared with %u days, and some may be kept so long: "
                                      "end it with those, and declare another",
                                      value.name, before->keep_days));
    return log_act(keep, VAULT_LOGGED_COPY_DECLARED, value.name, NULL, error) &&
           vault_custody_put_declaration(keep, &value, error);
}
