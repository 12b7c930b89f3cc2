#include "restore/request_scope.h"

#include "ingest/owners.h"
#include "restore/message_id.h"
#include "vault/act/result_file.h"
#include "vault/base/file.h"
#include "vault/erasure.h"

#define LIST_FILE_LEN_MAX VAULT_RESULT_LEN_MAX

void restore_request_scope_init(RestoreRequestScope *scope)
{
    *scope = (RestoreRequestScope){
        .mailboxes = g_ptr_array_new_with_free_func(g_free),
        .domains = g_ptr_array_new_with_free_func(g_free),
        .messages = g_array_new(FALSE, FALSE, sizeof(RecordId)),
        .known = g_hash_table_new_full(vault_id_hash, vault_id_equal, g_free, NULL),
    };
}

void restore_request_scope_clear(RestoreRequestScope *scope)
{
    g_clear_pointer(&scope->mailboxes, g_ptr_array_unref);
    g_clear_pointer(&scope->domains, g_ptr_array_unref);
    g_clear_pointer(&scope->messages, g_array_unref);
    g_clear_pointer(&scope->known, g_hash_table_unref);
}

/* Lines without their ends; NULL-terminated. */
static char **read_lines(const char *path, GError **error)
{
    g_autoptr(GBytes) bytes = vault_file_read(path, LIST_FILE_LEN_MAX, error);
    g_auto(GStrv) lines = NULL;

    if (bytes == NULL)
        return NULL;
    if (!g_utf8_validate_len(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), NULL)) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED, "%s is not UTF-8 text", path);
        return NULL;
    }
    lines = g_strsplit(g_bytes_get_data(bytes, NULL), "\n", -1);
    for (char **line = lines; *line != NULL; line++)
        g_strstrip(*line);
    return g_steal_pointer(&lines);
}

gboolean restore_request_scope_add_mailbox_file(RestoreRequestScope *scope, const char *path,
                                                GError **error)
{
    g_auto(GStrv) lines = read_lines(path, error);

    if (lines == NULL)
        return FALSE;
    for (char **line = lines; *line != NULL; line++) {
        if (**line != '\0' && **line != '#')
            g_ptr_array_add(scope->mailboxes, g_strdup(*line));
    }
    if (scope->mailboxes->len > 0)
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED, "%s names no mailbox", path);
    return FALSE;
}

static void add_message(RestoreRequestScope *scope, const RecordId *message)
{
    if (g_hash_table_add(scope->known, g_memdup2(message, sizeof *message)))
        g_array_append_vals(scope->messages, message, 1);
}

gboolean restore_request_scope_add_message(RestoreRequestScope *scope, const char *id,
                                           GError **error)
{
    RecordId message;

    if (!restore_message_id_parse(id, &message, error))
        return FALSE;
    add_message(scope, &message);
    return TRUE;
}

static gboolean add_result(RestoreRequestScope *scope, const char *path, GBytes *bytes,
                           GError **error)
{
    g_autoptr(VaultResultFile) result =
        vault_result_file_parse(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), error);

    if (result == NULL) {
        g_prefix_error(error, "%s: ", path);
        return FALSE;
    }
    scope->has_result = TRUE;
    scope->result_vault = result->vault_id;
    for (guint i = 0; i < result->messages->len; i++)
        add_message(scope, &g_array_index(result->messages, RecordId, i));
    return TRUE;
}

gboolean restore_request_scope_add_result_file(RestoreRequestScope *scope, const char *path,
                                               GError **error)
{
    g_autoptr(GBytes) bytes = vault_file_read(path, LIST_FILE_LEN_MAX, error);
    g_auto(GStrv) lines = NULL;

    if (bytes != NULL && g_str_has_prefix(g_bytes_get_data(bytes, NULL), "muniment-result/"))
        return add_result(scope, path, bytes, error);
    lines = bytes == NULL ? NULL : read_lines(path, error);
    if (lines == NULL)
        return FALSE;
    for (char **line = lines; *line != NULL; line++) {
        g_auto(GStrv) words = g_strsplit_set(*line, " \t", 2);
        RecordId message;

        if (**line == '\0')
            continue;
        if (!vault_id_parse(words[0], message.bytes, error)) {
            g_prefix_error(error, "%s, line %u: ", path, (guint)(line - lines) + 1);
            return FALSE;
        }
        add_message(scope, &message);
    }
    if (scope->messages->len > 0)
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED, "%s names no message", path);
    return FALSE;
}

void restore_request_scope_extend(RestoreRequestScope *scope, const VaultGrantFile *grant)
{
    const VaultRequestFile *request = grant->request;

    for (guint i = 0; i < request->mailboxes->len; i++) {
        const VaultRequestMailbox *mailbox = g_ptr_array_index(request->mailboxes, i);

        g_ptr_array_add(scope->mailboxes, g_strdup(VAULT_ID_TEXT(mailbox->id)));
    }
    for (guint i = 0; i < request->messages->len; i++)
        add_message(scope, &g_array_index(request->messages, RecordId, i));
    scope->from_s = request->from_s;
    scope->to_s = request->to_s;
    scope->since = grant;
}

/* ---- mailboxes ------------------------------------------------------------------------------ */

static gboolean is_named(const VaultMailbox *mailbox, const char *name,
                         const IngestOwnerRules *rules)
{
    g_autofree char *normalised = NULL;

    if (g_ascii_strcasecmp(name, VAULT_ID_TEXT(mailbox->id)) == 0)
        return TRUE;
    if (mailbox->address == NULL)
        return g_str_equal(name, "unassigned");
    if (g_str_equal(name, mailbox->address))
        return TRUE;
    normalised = ingest_owner_normalise(rules, name);
    return normalised != NULL && g_str_equal(normalised, mailbox->address);
}

static gboolean is_in_domain(const VaultMailbox *mailbox, const char *domain,
                             const IngestOwnerRules *rules)
{
    g_autofree char *typed = g_strconcat("x@", domain, NULL);
    g_autofree char *normalised = ingest_owner_normalise(rules, typed);
    const char *at = mailbox->address != NULL ? strrchr(mailbox->address, '@') : NULL;

    return at != NULL && normalised != NULL && g_str_equal(at, strchr(normalised, '@'));
}

typedef gboolean (*MailboxTest)(const VaultMailbox *mailbox, const char *name,
                                const IngestOwnerRules *rules);

/* Adds the ids of the mailboxes that pass, for each name; a name that none passes is an error. */
static gboolean add_matching(const GPtrArray *names, MailboxTest test, const char *what,
                             const GPtrArray *mailboxes, const IngestOwnerRules *rules,
                             GHashTable *ids, GError **error)
{
    for (guint n = 0; n < names->len; n++) {
        const char *name = g_ptr_array_index(names, n);
        gboolean is_found = FALSE;

        for (guint i = 0; i < mailboxes->len; i++) {
            VaultMailbox *mailbox = g_ptr_array_index(mailboxes, i);

            if (test(mailbox, name, rules)) {
                g_hash_table_add(ids, &mailbox->id);
                is_found = TRUE;
            }
        }
        if (!is_found) {
            g_set_error(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND,
                        "%s \"%s\" is not in this vault; \"muniment mailbox list VAULT\" shows "
                        "what is",
                        what, name);
            return FALSE;
        }
    }
    return TRUE;
}

static void add_all(const GPtrArray *mailboxes, GHashTable *ids)
{
    for (guint i = 0; i < mailboxes->len; i++) {
        VaultMailbox *mailbox = g_ptr_array_index(mailboxes, i);

        g_hash_table_add(ids, &mailbox->id);
    }
}

/* MailboxId each; NULL on error. */
static GArray *find_mailboxes(const RestoreRequestScope *scope, VaultKeep *keep, GError **error)
{
    g_autoptr(GPtrArray) mailboxes = vault_keep_mailboxes(keep, VAULT_MAILBOX_NAMES, error);
    IngestOwnerSettings settings = {.delimiter = ""};
    g_autoptr(IngestOwnerRules) rules = ingest_owner_rules_new(&settings, error);
    g_autoptr(GHashTable) ids = g_hash_table_new(vault_id_hash, vault_id_equal);
    g_autoptr(GArray) found = g_array_new(FALSE, FALSE, sizeof(MailboxId));
    GHashTableIter iter;
    gpointer id;

    if (mailboxes == NULL || rules == NULL)
        return NULL;
    if (scope->is_all)
        add_all(mailboxes, ids);
    if (!add_matching(scope->mailboxes, is_named, "mailbox", mailboxes, rules, ids, error) ||
        !add_matching(scope->domains, is_in_domain, "domain", mailboxes, rules, ids, error))
        return NULL;
    g_hash_table_iter_init(&iter, ids);
    while (g_hash_table_iter_next(&iter, &id, NULL))
        g_array_append_vals(found, id, 1);
    return g_steal_pointer(&found);
}

/* ---- months --------------------------------------------------------------------------------- */

static gboolean note_month(const VaultCopyEntry *entry, gpointer user, GError **error)
{
    g_hash_table_add(user, g_memdup2(&entry->month_key_id, sizeof entry->month_key_id));
    return TRUE;
}

static gboolean check_result(const RestoreRequestScope *scope, VaultKeep *keep, GError **error)
{
    if (!scope->has_result || VAULT_ID_EQUAL(scope->result_vault, *vault_keep_id(keep)))
        return TRUE;
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                        "the result file is of another vault");
    return FALSE;
}

static gboolean has_message(const GArray *messages, const RecordId *id)
{
    for (guint i = 0; i < messages->len; i++) {
        if (VAULT_ID_EQUAL(g_array_index(messages, RecordId, i), *id))
            return TRUE;
    }
    return FALSE;
}

/* Who asks for a message that was erased is told by what: asking twice is no riddle. */
static gboolean set_erased(VaultKeep *keep, const RecordId *id, GError **error)
{
    g_autoptr(GPtrArray) erasures = vault_keep_erasures(keep, NULL);

    for (guint i = 0; erasures != NULL && i < erasures->len; i++) {
        const VaultErasureValue *erasure = g_ptr_array_index(erasures, i);

        if (erasure->state == VAULT_ERASURE_CANCELLED || !has_message(erasure->messages, id))
            continue;
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND,
                    "message %s was destroyed by erasure %s; \"muniment erasure status\" shows it",
                    VAULT_ID_TEXT(*id), VAULT_ID_TEXT(erasure->id));
        return TRUE;
    }
    return FALSE;
}

/* Nobody has a copy of any message asked for. */
static void set_no_copy(const RestoreRequestScope *scope, VaultKeep *keep, GError **error)
{
    for (guint i = 0; i < scope->messages->len; i++) {
        if (set_erased(keep, &g_array_index(scope->messages, RecordId, i), error))
            return;
    }
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND,
                        "no mailbox has a copy of the messages; nothing to ask for");
}

static gboolean check_messages(const RestoreRequestScope *scope, VaultKeep *keep, GError **error)
{
    for (guint i = 0; i < scope->messages->len; i++) {
        const RecordId *id = &g_array_index(scope->messages, RecordId, i);
        g_autoptr(GError) failure = NULL;
        g_autoptr(GArray) parts = vault_keep_message(keep, id, &failure);

        if (parts != NULL)
            continue;
        if (!g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NOT_FOUND))
            g_propagate_error(error, g_steal_pointer(&failure));
        else if (!set_erased(keep, id, error))
            g_set_error(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND,
                        "message %s is not in this vault", VAULT_ID_TEXT(*id));
        return FALSE;
    }
    return TRUE;
}

/* The months in which copies of the named messages lie: a grant needs no key of any other. NULL:
 * all months count. */
static gboolean months_of_messages(const RestoreRequestScope *scope, VaultKeep *keep,
                                   GHashTable **ret_months, GError **error)
{
    VaultCopyFilter filter = {.messages = (const RecordId *)(gpointer)scope->messages->data,
                              .message_count = scope->messages->len,
                              .from_s = scope->from_s,
                              .to_s = scope->to_s};

    *ret_months = NULL;
    if (scope->messages->len == 0)
        return TRUE;
    *ret_months = g_hash_table_new_full(vault_id_hash, vault_id_equal, g_free, NULL);
    return vault_keep_copies(keep, &filter, note_month, *ret_months, error);
}

static int compare_month_keys(gconstpointer a, gconstpointer b)
{
    const VaultMonthKeys *const *left = a, *const *right = b;

    return memcmp((*left)->mailbox_id.bytes, (*right)->mailbox_id.bytes, VAULT_ID_LEN);
}

/* Is it new since the grant: a month that had no key then, or one that its period did not reach to
 * the end of? */
static gboolean is_wanted(const RestoreRequestScope *scope, const VaultMonthKeys *keys)
{
    if (scope->since == NULL ||
        vault_month_start(vault_month_next(keys->month)) > scope->since->request->to_s)
        return TRUE;
    for (guint i = 0; i < scope->since->keys->len; i++) {
        const VaultGrantKey *held = &g_array_index(scope->since->keys, VaultGrantKey, i);

        if (VAULT_ID_EQUAL(held->month_key_id, keys->month_key_id))
            return FALSE;
    }
    return TRUE;
}

/* Sorted by mailbox first, so that each one's months stand together. */
static void add_months(const RestoreRequestScope *scope, VaultRequestFile *request,
                       GPtrArray *months, GHashTable *only)
{
    VaultRequestMailbox *mailbox = NULL;

    g_ptr_array_sort(months, compare_month_keys);
    for (guint i = 0; i < months->len; i++) {
        const VaultMonthKeys *keys = g_ptr_array_index(months, i);

        if ((only != NULL && !g_hash_table_contains(only, &keys->month_key_id)) ||
            !is_wanted(scope, keys))
            continue;
        if (mailbox == NULL || !VAULT_ID_EQUAL(mailbox->id, keys->mailbox_id)) {
            mailbox = vault_request_mailbox_new(&keys->mailbox_id);
            g_ptr_array_add(request->mailboxes, mailbox);
        }
        g_ptr_array_add(mailbox->months,
                        vault_request_month_new(keys->month, keys->address, &keys->keys,
                                                (const VaultWrap *)(gpointer)keys->wraps->data,
                                                keys->wraps->len));
    }
}

static gboolean cut_period(VaultRequestFile *request)
{
    VaultMonth newest = 0;
    guint64 end_s;

    for (guint i = 0; i < request->mailboxes->len; i++) {
        const VaultRequestMailbox *mailbox = g_ptr_array_index(request->mailboxes, i);

        for (guint j = 0; j < mailbox->months->len; j++) {
            const VaultRequestMonth *month = g_ptr_array_index(mailbox->months, j);

            newest = MAX(newest, month->month);
        }
    }
    end_s = vault_month_start(vault_month_next(newest));
    if (end_s >= request->to_s)
        return FALSE;
    request->to_s = end_s;
    return TRUE;
}

static gboolean add_keys(const RestoreRequestScope *scope, VaultKeep *keep, const GArray *ids,
                         VaultRequestFile *request, GError **error)
{
    g_autoptr(GHashTable) only = NULL;
    g_autoptr(GPtrArray) months = NULL;

    if (!months_of_messages(scope, keep, &only, error))
        return FALSE;
    months = vault_keep_months(keep, (const MailboxId *)(gpointer)ids->data, ids->len,
                               scope->from_s, scope->to_s, error);
    if (months == NULL)
        return FALSE;
    add_months(scope, request, months, only);
    if (request->mailboxes->len > 0)
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND,
                scope->since != NULL
                    ? "no %s has come since that grant was made; nothing to ask for"
                    : "the mailboxes have no %s in that period; nothing to ask for",
                scope->messages->len > 0 ? "copy of the messages" : "mail");
    return FALSE;
}

/* ---- acts without keys ---------------------------------------------------------------------- */

static gboolean note_mailbox(const VaultCopyEntry *entry, gpointer user, GError **error)
{
    g_hash_table_add(user, g_memdup2(&entry->mailbox_id, sizeof entry->mailbox_id));
    return TRUE;
}

/* The mailboxes by name; where messages are named, those that have a copy of one. */
static gboolean add_names(const RestoreRequestScope *scope, VaultKeep *keep, const GArray *ids,
                          VaultRequestFile *request, GError **error)
{
    VaultCopyFilter filter = {.messages = (const RecordId *)(gpointer)scope->messages->data,
                              .message_count = scope->messages->len,
                              .from_s = scope->from_s,
                              .to_s = scope->to_s};
    g_autoptr(GHashTable) owners =
        g_hash_table_new_full(vault_id_hash, vault_id_equal, g_free, NULL);
    g_autoptr(GPtrArray) mailboxes = vault_keep_mailboxes(keep, VAULT_MAILBOX_NAMES, error);
    g_autoptr(GHashTable) wanted = g_hash_table_new(vault_id_hash, vault_id_equal);

    if (mailboxes == NULL || (scope->messages->len > 0 &&
                              !vault_keep_copies(keep, &filter, note_mailbox, owners, error)))
        return FALSE;
    for (guint i = 0; i < ids->len; i++)
        g_hash_table_add(wanted, &g_array_index(ids, MailboxId, i));
    for (guint i = 0; i < mailboxes->len; i++) {
        const VaultMailbox *known = g_ptr_array_index(mailboxes, i);
        VaultRequestMailbox *mailbox;

        if (!g_hash_table_contains(wanted, &known->id) ||
            (scope->messages->len > 0 && !g_hash_table_contains(owners, &known->id)))
            continue;
        mailbox = vault_request_mailbox_new(&known->id);
        mailbox->address = g_strdup(known->address != NULL ? known->address : "");
        g_ptr_array_add(request->mailboxes, mailbox);
    }
    if (request->mailboxes->len > 0 || !vault_act_needs_mailbox(request->act))
        return TRUE;
    set_no_copy(scope, keep, error);
    return FALSE;
}

gboolean restore_request_scope_find(const RestoreRequestScope *scope, VaultKeep *keep,
                                    VaultRequestFile *request, gboolean *ret_is_cut, GError **error)
{
    g_autoptr(GArray) ids = find_mailboxes(scope, keep, error);

    *ret_is_cut = FALSE;
    if (ids == NULL || !check_result(scope, keep, error) || !check_messages(scope, keep, error))
        return FALSE;
    request->vault_id = *vault_keep_id(keep);
    request->from_s = scope->from_s;
    request->to_s = scope->to_s;
    if (scope->messages->len > 0)
        g_array_append_vals(request->messages, scope->messages->data, scope->messages->len);
    /* All of a standing reader are also those yet to come: none is named. */
    if (scope->is_all && request->act == VAULT_ACT_STANDING_READ)
        return TRUE;
    if (!vault_act_has_keys(request->act))
        return add_names(scope, keep, ids, request, error);
    if (!add_keys(scope, keep, ids, request, error))
        return FALSE;
    *ret_is_cut = cut_period(request);
    return TRUE;
}
