#include "restore/share_set.h"

#include "restore/output.h"
#include "restore/share_files.h"
#include "vault/base/file.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

void restore_share_set_clear(RestoreShareSet *set)
{
    g_free(set->unconfirmed);
    g_clear_pointer(&set->sheets, g_ptr_array_unref);
}

const char *restore_share_set_problem(gint count, gint threshold)
{
    if (count < 1 || count > VAULT_SLIP39_SHARES_MAX)
        return "--shares is 1 to 16";
    if (threshold < 1 || threshold > count)
        return "--threshold is 1 to the number of shares";
    if (threshold == 1 && count > 1)
        return "a threshold of 1 would make each share the whole key: give --threshold 2 or more";
    return NULL;
}

char *restore_share_set_unconfirmed_path(VaultShareRole role, const char *directory)
{
    g_autofree char *name = g_strconcat(restore_key_role(role)->name, ".pub.unconfirmed", NULL);

    return g_build_filename(directory, name, NULL);
}

/* ---- writing -------------------------------------------------------------------------------- */

/* The files of a set that is being made: removed again unless all of them are there. */
typedef struct {
    GPtrArray *paths;
    gboolean is_complete;
} Draft;

static void draft_clear(Draft *draft)
{
    for (guint i = 0; !draft->is_complete && i < draft->paths->len; i++)
        (void)unlink(g_ptr_array_index(draft->paths, i));
    g_ptr_array_unref(draft->paths);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Draft, draft_clear)

static gboolean write_sheets(const char *directory, const VaultShareSheet *sheets, Draft *draft,
                             RestoreShareSet *set, GError **error)
{
    for (guint i = 0; i < set->set.count; i++) {
        g_autofree char *path = restore_share_file_path(directory, i + 1, set->set.count);

        if (!restore_share_file_write(path, &sheets[i], NULL, &set->has_qr, error))
            return FALSE;
        g_ptr_array_add(draft->paths, g_strdup(path));
        g_ptr_array_add(set->sheets, g_steal_pointer(&path));
    }
    return TRUE;
}

/* Last, so that a set without it is known to be unfinished. */
static gboolean write_unconfirmed(const RestoreShareSet *set, GError **error)
{
    g_autofree char *text = vault_share_set_format(&set->set);

    return restore_output_write(set->unconfirmed, text, RESTORE_OUTPUT_PUBLIC, error);
}

static gboolean refuse_existing(const RestoreShareSet *set, GError **error)
{
    if (!g_file_test(set->unconfirmed, G_FILE_TEST_EXISTS))
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_BUSY,
                "%s exists: a set of shares there waits for \"muniment %s confirm\"; choose "
                "another --out",
                set->unconfirmed, restore_key_role(set->set.role)->command);
    return FALSE;
}

static void begin(const char *directory, RestoreShareSet *set)
{
    g_autoptr(GDateTime) now = g_date_time_new_now_utc();
    g_autofree char *made = g_date_time_format(now, "%Y-%m-%d");

    set->unconfirmed = restore_share_set_unconfirmed_path(set->set.role, directory);
    set->sheets = g_ptr_array_new_with_free_func(g_free);
    g_strlcpy(set->set.made, made, sizeof set->set.made);
}

gboolean restore_share_set_write(const char *directory, const VaultMaster *pair,
                                 gint not_identifier, RestoreShareSet *set, GError **error)
{
    g_auto(Draft) draft = {.paths = g_ptr_array_new_with_free_func(g_free)};
    VaultShareSheet *sheets;

    begin(directory, set);
    if (g_mkdir_with_parents(directory, 0700) != 0)
        return vault_error_set_errno(error, errno, "cannot make the folder", directory);
    if (!refuse_existing(set, error))
        return FALSE;
    sheets = vault_secret_new(VAULT_SLIP39_SHARES_MAX * sizeof *sheets);
    draft.is_complete = vault_shares_split(pair, not_identifier, &set->set, sheets, error) &&
                        write_sheets(directory, sheets, &draft, set, error) &&
                        write_unconfirmed(set, error);
    vault_secret_free(sheets);
    return draft.is_complete;
}

/* ---- reporting ------------------------------------------------------------------------------ */

static gboolean report_json(const RestoreShareSet *set, const char *fingerprint, GError **error)
{
    g_autoptr(JsonBuilder) builder = json_builder_new();

    json_builder_begin_object(builder);
    json_builder_set_member_name(builder, "unconfirmed");
    json_builder_add_string_value(builder, set->unconfirmed);
    json_builder_set_member_name(builder, "fingerprint");
    json_builder_add_string_value(builder, fingerprint);
    json_builder_set_member_name(builder, "set");
    json_builder_add_int_value(builder, set->set.identifier);
    json_builder_set_member_name(builder, "threshold");
    json_builder_add_int_value(builder, set->set.threshold);
    json_builder_set_member_name(builder, "sheets");
    json_builder_begin_array(builder);
    for (guint i = 0; i < set->sheets->len; i++)
        json_builder_add_string_value(builder, g_ptr_array_index(set->sheets, i));
    json_builder_end_array(builder);
    json_builder_end_object(builder);
    return restore_output_json(builder, error);
}

gboolean restore_share_set_report(const RestoreShareSet *set, const char *directory,
                                  gboolean as_json, GError **error)
{
    const RestoreKeyRole *role = restore_key_role(set->set.role);
    g_autofree char *fingerprint = vault_share_fingerprint(set->set.role, &set->set.pair);

    if (as_json)
        return report_json(set, fingerprint, error);
    printf("Set %u of %s %s: any %u of %u shares give the key.\n", set->set.identifier,
           role->the_key, fingerprint, set->set.threshold, set->set.count);
    for (guint i = 0; i < set->sheets->len; i++)
        printf("  %s\n", (const char *)g_ptr_array_index(set->sheets, i));
    printf("%s\n"
           "Next:\n"
           "  1. Print each sheet, and give it to its keeper.\n"
           "  2. muniment %s confirm %s\n"
           "     Every keeper types in his share; only then there is a public half.\n"
           "  3. Destroy the files: who has %u of them has the key.\n",
           set->has_qr ? "" : "(Without QR codes: qrencode is not installed.)\n", role->command,
           directory, set->set.threshold);
    return TRUE;
}

/* ---- reading -------------------------------------------------------------------------------- */

static gboolean check_role(VaultShareRole role, const VaultShareSet *set, GError **error)
{
    if (set->role == role)
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_NO_KEY, "this set is of %s, not of %s",
                restore_key_role(set->role)->a_key, restore_key_role(role)->a_key);
    return FALSE;
}

gboolean restore_share_set_read(VaultShareRole role, const char *directory, VaultShareSet *ret_set,
                                GError **error)
{
    g_autofree char *path = restore_share_set_unconfirmed_path(role, directory);
    g_autoptr(GBytes) text = vault_file_read(path, VAULT_KEY_FILE_LEN_MAX, error);

    if (text == NULL)
        return FALSE;
    if (vault_share_set_parse(g_bytes_get_data(text, NULL), ret_set, error) &&
        check_role(role, ret_set, error))
        return TRUE;
    g_prefix_error(error, "%s: ", path);
    return FALSE;
}
