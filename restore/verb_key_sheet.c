/* muniment master check-share and sheet, vaultkey escrow check-share and sheet: what the keeper of
 * one share does with it, alone. */
#include "restore/output.h"
#include "restore/share_files.h"
#include "restore/share_prompt.h"
#include "restore/verb.h"
#include "restore/verb_key.h"

#include <stdio.h>

typedef struct {
    VaultShareRole role;
    char *verb;
    char *share, *out;
    gboolean as_json;
} SheetOptions;

static void sheet_options_clear(SheetOptions *options)
{
    g_free(options->verb);
    g_free(options->share);
    g_free(options->out);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SheetOptions, sheet_options_clear)

static gboolean read_share(const SheetOptions *options, VaultShareSheet *ret_sheet, GError **error)
{
    gboolean is_read = options->share != NULL
                           ? restore_share_file_read(options->share, ret_sheet, error)
                           : restore_share_prompt_one(ret_sheet, error);

    return is_read && restore_share_take(options->role, ret_sheet, error);
}

static void print_share(const VaultShareSheet *sheet)
{
    const VaultSlip39Share *share = &sheet->share;
    g_autofree char *fingerprint = NULL;

    printf("The words are right.\n"
           "Share:        %u\nSet:          %u\nThreshold:    %u shares of the set give the key\n",
           share->member_index + 1u, share->identifier, share->member_threshold);
    if (!sheet->is_signed) {
        printf("Compare share, set and threshold with your sheet. The words alone do not say "
               "which key they are of.\n");
        return;
    }
    fingerprint = vault_share_fingerprint(sheet->set.role, &sheet->set.pair);
    printf("Shares:       %u\nMade:         %s\nFingerprint:  %s\n"
           "The sheet is as that key signed it.\n",
           sheet->set.count, sheet->set.made, fingerprint);
}

static void add_signed(JsonBuilder *builder, const VaultShareSet *set)
{
    g_autofree char *fingerprint = vault_share_fingerprint(set->role, &set->pair);

    json_builder_set_member_name(builder, "shares");
    json_builder_add_int_value(builder, set->count);
    json_builder_set_member_name(builder, "made");
    json_builder_add_string_value(builder, set->made);
    json_builder_set_member_name(builder, "fingerprint");
    json_builder_add_string_value(builder, fingerprint);
}

static gboolean report(const VaultShareSheet *sheet, gboolean as_json, GError **error)
{
    g_autoptr(JsonBuilder) builder = NULL;

    if (!as_json) {
        print_share(sheet);
        return TRUE;
    }
    builder = json_builder_new();
    json_builder_begin_object(builder);
    json_builder_set_member_name(builder, "role");
    json_builder_add_string_value(builder, restore_key_role(sheet->set.role)->name);
    json_builder_set_member_name(builder, "share");
    json_builder_add_int_value(builder, sheet->share.member_index + 1);
    json_builder_set_member_name(builder, "set");
    json_builder_add_int_value(builder, sheet->share.identifier);
    json_builder_set_member_name(builder, "threshold");
    json_builder_add_int_value(builder, sheet->share.member_threshold);
    json_builder_set_member_name(builder, "signed");
    json_builder_add_boolean_value(builder, sheet->is_signed);
    if (sheet->is_signed)
        add_signed(builder, &sheet->set);
    json_builder_end_object(builder);
    return restore_output_json(builder, error);
}

static gboolean check_share(const SheetOptions *options, GError **error)
{
    g_auto(VaultShareSheet) sheet = {.is_signed = FALSE};

    return read_share(options, &sheet, error) && report(&sheet, options->as_json, error);
}

static gboolean write_sheet(const SheetOptions *options, GError **error)
{
    g_auto(VaultShareSheet) sheet = {.is_signed = FALSE};
    gboolean has_qr;

    if (!read_share(options, &sheet, error) ||
        !restore_share_file_write(options->out, &sheet, NULL, &has_qr, error))
        return FALSE;
    printf("%s is the sheet of share %u of set %u%s. Print it, and destroy the file.\n",
           options->out, sheet.share.member_index + 1u, sheet.share.identifier,
           has_qr ? "" : " (without a QR code: qrencode is not installed)");
    return TRUE;
}

int restore_verb_key_check_share(VaultShareRole role, int argc, char **argv)
{
    g_auto(SheetOptions) options = {.role = role, .verb = restore_key_verb(role, "check-share")};
    const GOptionEntry entries[] = {
        {"share", 0, 0, G_OPTION_ARG_FILENAME, &options.share,
         "read the share from F (default: type it in)", "F"},
        {"json", 0, 0, G_OPTION_ARG_NONE, &options.as_json, "print the result as JSON", NULL},
        G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {
        .verb = options.verb,
        .summary = "Checks one share, alone: its words and, for a sheet, that it is as its key "
                   "signed it.",
        .entries = entries};
    g_autoptr(GError) error = NULL;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(options.verb, error);
    if (argc != 1)
        return restore_verb_usage(options.verb, "give --share F, or nothing to type the share in");
    return check_share(&options, &error) ? RESTORE_EXIT_DONE
                                         : restore_verb_fail(options.verb, error);
}

int restore_verb_key_sheet(VaultShareRole role, int argc, char **argv)
{
    g_auto(SheetOptions) options = {.role = role, .verb = restore_key_verb(role, "sheet")};
    const GOptionEntry entries[] = {
        {"out", 0, 0, G_OPTION_ARG_FILENAME, &options.out, "the file to write", "FILE"},
        {"share", 0, 0, G_OPTION_ARG_FILENAME, &options.share,
         "read the share from F (default: type it in)", "F"},
        G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {
        .verb = options.verb,
        .arguments = "--out FILE",
        .summary = "Writes the sheet of one share anew, for printing.",
        .description = "From words that are typed in the sheet holds the words and what they say; "
                       "the signature of a sheet is kept only from its file.",
        .entries = entries};
    g_autoptr(GError) error = NULL;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(options.verb, error);
    if (argc != 1 || options.out == NULL)
        return restore_verb_usage(options.verb, "give --out FILE, and --share F or nothing");
    return write_sheet(&options, &error) ? RESTORE_EXIT_DONE
                                         : restore_verb_fail(options.verb, error);
}
