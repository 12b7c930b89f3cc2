/* muniment reader: standing readers of a vault, added, listed and removed. */
#include "restore/dates.h"
#include "restore/json_text.h"
#include "restore/output.h"
#include "restore/vault_access.h"
#include "restore/verb.h"
#include "restore/verbs.h"
#include "vault/base/bytes.h"
#include "vault/base/file.h"

#include <stdio.h>

/* Mailboxes shown before "and n more". */
#define SHOWN_MAX 100

/* ---- what there is -------------------------------------------------------------------------- */

static const VaultReaderValue *find_by_id(const GPtrArray *readers, const RowId *id)
{
    for (guint i = 0; i < readers->len; i++) {
        RowId other = vault_keep_reader_id(g_ptr_array_index(readers, i));

        if (VAULT_ID_EQUAL(other, *id))
            return g_ptr_array_index(readers, i);
    }
    return NULL;
}

static char *month_text(VaultMonth month)
{
    return g_strdup_printf("%04u-%02u", month / 100, month % 100);
}

static const char *name_of(const VaultReaderCoverage *coverage)
{
    return coverage->address == NULL ? "unassigned" : coverage->address;
}

/* ---- add ------------------------------------------------------------------------------------ */

static void show_coverage(const VaultReaderValue *reader, const GPtrArray *coverages)
{
    guint shown = MIN(coverages->len, SHOWN_MAX);

    if (reader->mailboxes->len == 0)
        puts("Mailboxes that are made from now on: from their first mail on. The others:");
    puts("Months whose keys were made before stay closed to him; he reads mail received");
    for (guint i = 0; i < shown; i++) {
        const VaultReaderCoverage *coverage = g_ptr_array_index(coverages, i);
        g_autofree char *month = month_text(coverage->from);

        printf("  from %s on: %s\n", month, name_of(coverage));
    }
    if (shown < coverages->len)
        printf("  and of %u mailboxes more: --json lists them\n", coverages->len - shown);
}

static void add_coverage_json(JsonBuilder *builder, const GPtrArray *coverages)
{
    json_builder_set_member_name(builder, "mailboxes");
    json_builder_begin_array(builder);
    for (guint i = 0; i < coverages->len; i++) {
        const VaultReaderCoverage *coverage = g_ptr_array_index(coverages, i);
        g_autofree char *month = month_text(coverage->from);

        json_builder_begin_object(builder);
        json_text_add(builder, "mailbox", VAULT_ID_TEXT(coverage->mailbox_id));
        json_text_add(builder, "address", coverage->address);
        json_text_add(builder, "from_month", month);
        json_builder_end_object(builder);
    }
    json_builder_end_array(builder);
}

/* Why he gets neither keys nor releases, though he was not removed; "active" when he does. */
static const char *state_of(const VaultReaderValue *reader, const GArray *masters)
{
    if ((guint64)(g_get_real_time() / G_USEC_PER_SEC) >= reader->expires_s)
        return "expired";
    for (guint i = 0; i < masters->len; i++) {
        const MasterPublic *master = &g_array_index(masters, MasterPublic, i);

        if (memcmp(master->verify_key.bytes, reader->signer.bytes, VAULT_KEY_LEN) == 0)
            return "active";
    }
    return "master-retired";
}

static void add_reader_json(JsonBuilder *builder, const VaultReaderValue *reader,
                            const GArray *masters)
{
    g_autofree char *request = vault_bytes_to_hex(reader->request_hash.bytes, VAULT_HASH_LEN);
    RowId id = vault_keep_reader_id(reader);
    KeyId key_id = vault_reader_key_id(&reader->key);

    json_text_add(builder, "id", VAULT_ID_TEXT(id));
    json_text_add(builder, "name", reader->name);
    json_text_add(builder, "state", state_of(reader, masters));
    json_text_add(builder, "key", VAULT_ID_TEXT(key_id));
    json_text_add(builder, "case", reader->case_id);
    json_text_add(builder, "request", request);
    json_text_add_boolean(builder, "whole_vault", reader->mailboxes->len == 0);
    json_text_add_time(builder, "added", reader->added_s);
    json_text_add_time(builder, "from", reader->from_s);
    json_text_add_time(builder, "to", restore_end_or_zero(reader->to_s));
    json_text_add_time(builder, "expires", restore_end_or_zero(reader->expires_s));
}

static gboolean add_whole_json(JsonBuilder *builder, VaultKeep *keep,
                               const VaultReaderValue *reader, GError **error)
{
    g_autoptr(GArray) masters = vault_keep_masters(keep, error);
    g_autoptr(GPtrArray) coverages =
        masters == NULL ? NULL : vault_keep_reader_coverage(keep, reader, error);

    if (coverages == NULL)
        return FALSE;
    json_builder_begin_object(builder);
    add_reader_json(builder, reader, masters);
    add_coverage_json(builder, coverages);
    json_builder_end_object(builder);
    return TRUE;
}

static gboolean show_added(VaultKeep *keep, const VaultReaderValue *reader, gboolean as_json,
                           GError **error)
{
    g_autoptr(JsonBuilder) builder = json_builder_new();
    g_autoptr(GPtrArray) coverages = NULL;
    RowId id = vault_keep_reader_id(reader);

    if (as_json)
        return add_whole_json(builder, keep, reader, error) && restore_output_json(builder, error);
    coverages = vault_keep_reader_coverage(keep, reader, error);
    if (coverages == NULL)
        return FALSE;
    printf("%s is a standing reader now, %s.\n", reader->name, VAULT_ID_TEXT(id));
    show_coverage(reader, coverages);
    return TRUE;
}

/* What he has is read from the keyring after he was added: keys made meanwhile count. */
static gboolean report_added(const char *vault, const RowId *id, gboolean as_json, GError **error)
{
    g_autoptr(VaultKeep) keep = vault_access_open(vault, VAULT_ACCESS_AS_IT_IS, NULL, error);
    g_autoptr(GPtrArray) readers = keep == NULL ? NULL : vault_keep_readers(keep, error);
    const VaultReaderValue *reader;

    if (readers == NULL)
        return FALSE;
    reader = find_by_id(readers, id);
    if (reader == NULL) {
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_NOT_FOUND,
                            "the reader was added, and removed again meanwhile");
        return FALSE;
    }
    return show_added(keep, reader, as_json, error);
}

static gboolean add_reader(const char *vault, const char *path, gboolean as_json, GError **error)
{
    g_autoptr(GBytes) text = vault_file_read(path, VAULT_GRANT_LEN_MAX, error);
    g_autofree char *answer = NULL;
    RowId id;

    if (text == NULL)
        return FALSE;
    if (!vault_access_operate(vault, "reader-add", g_bytes_get_data(text, NULL),
                              g_bytes_get_size(text), &answer, error)) {
        g_prefix_error(error, "%s: ", path);
        return FALSE;
    }
    g_strchomp(answer);
    if (g_str_has_prefix(answer, "reader: ") &&
        vault_id_parse(answer + strlen("reader: "), id.bytes, NULL))
        return report_added(vault, &id, as_json, error);
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                        "the reader was added, but the daemon does not say so in words known here");
    return FALSE;
}

static int reader_add(int argc, char **argv)
{
    static const char verb[] = "reader add";
    gboolean as_json = FALSE;
    const GOptionEntry entries[] = {
        {"json", 0, 0, G_OPTION_ARG_NONE, &as_json, "print the result as JSON", NULL},
        G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {
        .verb = verb,
        .arguments = "VAULT FILE.grant",
        .summary = "Takes a standing grant up, and logs that: keys of new months are wrapped to "
                   "its reader.",
        .description = "\"muniment request --standing\" begins the way to a standing grant. Keys "
                       "are made by the month, and up to three days ahead: what is shown says from "
                       "which month on each mailbox can be read. Exit status 4: the grant is not "
                       "good, or not for this vault.",
        .entries = entries};
    g_autoptr(GError) error = NULL;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(verb, error);
    if (argc != 3)
        return restore_verb_usage(verb, "give one VAULT and one FILE.grant");
    return add_reader(argv[1], argv[2], as_json, &error) ? RESTORE_EXIT_DONE
                                                         : restore_verb_fail(verb, error);
}

/* ---- list ----------------------------------------------------------------------------------- */

static gboolean list_json(VaultKeep *keep, const GPtrArray *readers, GError **error)
{
    g_autoptr(JsonBuilder) builder = json_builder_new();

    json_builder_begin_array(builder);
    for (guint i = 0; i < readers->len; i++) {
        if (!add_whole_json(builder, keep, g_ptr_array_index(readers, i), error))
            return FALSE;
    }
    json_builder_end_array(builder);
    return restore_output_json(builder, error);
}

static gboolean list_text(VaultKeep *keep, const GPtrArray *readers, GError **error)
{
    g_autoptr(GArray) masters = vault_keep_masters(keep, error);

    if (masters == NULL)
        return FALSE;
    for (guint i = 0; i < readers->len; i++) {
        const VaultReaderValue *reader = g_ptr_array_index(readers, i);
        g_autofree char *added = restore_date_text(reader->added_s);
        g_autofree char *expires = restore_end_text(reader->expires_s, "no end");
        RowId id = vault_keep_reader_id(reader);

        printf("%s  %s  %s  case %s  added %s  until %s  ", VAULT_ID_TEXT(id), reader->name,
               state_of(reader, masters), reader->case_id, added, expires);
        if (reader->mailboxes->len == 0)
            puts("all mailboxes");
        else
            printf("%u mailbox%s\n", reader->mailboxes->len,
                   reader->mailboxes->len == 1 ? "" : "es");
    }
    return TRUE;
}

static gboolean list_readers(const char *vault, gboolean as_json, GError **error)
{
    g_autoptr(VaultKeep) keep = vault_access_open(vault, VAULT_ACCESS_AS_IT_IS, NULL, error);
    g_autoptr(GPtrArray) readers = keep == NULL ? NULL : vault_keep_readers(keep, error);

    if (readers == NULL)
        return FALSE;
    return as_json ? list_json(keep, readers, error) : list_text(keep, readers, error);
}

static int reader_list(int argc, char **argv)
{
    static const char verb[] = "reader list";
    gboolean as_json = FALSE;
    const GOptionEntry entries[] = {
        {"json", 0, 0, G_OPTION_ARG_NONE, &as_json, "print it as JSON, with each mailbox", NULL},
        G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {.verb = verb,
                                    .arguments = "VAULT",
                                    .summary = "Lists the standing readers.",
                                    .entries = entries};
    g_autoptr(GError) error = NULL;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(verb, error);
    if (argc != 2)
        return restore_verb_usage(verb, "give one VAULT");
    return list_readers(argv[1], as_json, &error) ? RESTORE_EXIT_DONE
                                                  : restore_verb_fail(verb, error);
}

/* ---- remove --------------------------------------------------------------------------------- */

/* By id, or by name where there is one of that name. */
static gboolean find_reader(const char *vault, const char *name, RowId *ret_id,
                            gboolean *ret_is_nothing, GError **error)
{
    g_autoptr(VaultKeep) keep = vault_access_open(vault, VAULT_ACCESS_AS_IT_IS, NULL, error);
    g_autoptr(GPtrArray) readers = keep == NULL ? NULL : vault_keep_readers(keep, error);
    guint count = 0;

    if (readers == NULL)
        return FALSE;
    if (vault_id_parse(name, ret_id->bytes, NULL) && find_by_id(readers, ret_id) != NULL)
        return TRUE;
    for (guint i = 0; i < readers->len; i++) {
        const VaultReaderValue *reader = g_ptr_array_index(readers, i);

        if (!g_str_equal(reader->name, name))
            continue;
        *ret_id = vault_keep_reader_id(reader);
        count++;
    }
    if (count == 1)
        return TRUE;
    *ret_is_nothing = count == 0;
    g_set_error(error, VAULT_ERROR, count == 0 ? VAULT_ERROR_NOT_FOUND : VAULT_ERROR_BUSY,
                count == 0
                    ? "there is no standing reader \"%s\": \"muniment reader list\" shows all"
                    : "\"%s\" is the name of several: give the id that \"muniment reader "
                      "list\" shows",
                name);
    return FALSE;
}

static gboolean remove_reader(const char *vault, const char *name, gboolean *ret_is_nothing,
                              GError **error)
{
    g_autofree char *text = NULL;
    RowId id;

    if (!find_reader(vault, name, &id, ret_is_nothing, error))
        return FALSE;
    text = g_strdup_printf("reader: %s\n", VAULT_ID_TEXT(id));
    if (!vault_access_operate(vault, "reader-remove", text, strlen(text), NULL, error))
        return FALSE;
    printf("%s is no standing reader any more: no new key and no release. Keys of months that he "
           "has stay his.\n",
           name);
    return TRUE;
}

static int reader_remove(int argc, char **argv)
{
    static const char verb[] = "reader remove";
    const GOptionEntry entries[] = {G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {
        .verb = verb,
        .arguments = "VAULT READER",
        .summary = "Removes a standing reader, and logs that. READER is an id or a name.",
        .description = "His standing grant is revoked with it: to add him again takes a new "
                       "request. What he opened before stays known to him. Exit status 3: there "
                       "is no such reader.",
        .entries = entries};
    g_autoptr(GError) error = NULL;
    gboolean is_nothing = FALSE;
    int status;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(verb, error);
    if (argc != 3)
        return restore_verb_usage(verb, "give one VAULT and one READER");
    if (remove_reader(argv[1], argv[2], &is_nothing, &error))
        return RESTORE_EXIT_DONE;
    status = restore_verb_fail(verb, error);
    return is_nothing ? RESTORE_EXIT_NOTHING_MATCHED : status;
}

int restore_verb_reader(int argc, char **argv)
{
    static const RestoreVerb verbs[] = {
        {"add", "take a standing grant up", reader_add},
        {"list", "list the standing readers", reader_list},
        {"remove", "remove one", reader_remove},
    };

    return restore_verb_dispatch("muniment reader", verbs, G_N_ELEMENTS(verbs), argc, argv);
}
