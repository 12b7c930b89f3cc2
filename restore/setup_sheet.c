#include "restore/setup_sheet.h"

#include "restore/output.h"
#include "restore/share_files.h"

#include <string.h>

static char *absolute(const char *path)
{
    g_autofree char *canonical = g_canonicalize_filename(path, NULL);

    return restore_output_printable(canonical);
}

static char *format_notes(const RestoreNewVault *vault, const MasterPublic *master)
{
    g_autofree char *fingerprint = vault_master_fingerprint(master);
    g_autofree char *path = absolute(vault->path);
    g_autofree char *vault_key = absolute(vault->vault_key);

    return g_strdup_printf("# RECOVERY SHEET of the mail archive\n"
                           "#     vault           %s\n"
                           "#     on host         %s\n"
                           "#     in folder       %s\n"
                           "#     vault key       %s\n"
                           "#     master key      %s\n"
                           "#\n"
                           "# To get the mail back there must be three things:\n"
                           "#   1. a copy of the folder, above all its packs and its keyring;\n"
                           "#   2. a copy of the vault key: it is not on this sheet. Keep it on\n"
                           "#      another machine, away from copies of the folder; or the\n"
                           "#      file vaultkey.escrow and the escrow sheet that opens it;\n"
                           "#   3. the master key: its file with the passphrase, or the words\n"
                           "#      of this sheet, WHICH NEED NO PASSPHRASE.\n"
                           "# Whoever has all three reads all mail; two of them open no message.\n",
                           VAULT_ID_TEXT(vault->id), g_get_host_name(), path, vault_key,
                           fingerprint);
}

static void set_today(VaultShareSet *set)
{
    g_autoptr(GDateTime) now = g_date_time_new_now_utc();
    g_autofree char *today = g_date_time_format(now, "%Y-%m-%d");

    g_strlcpy(set->made, today, sizeof set->made);
}

static char *format_escrow_notes(const RestoreNewVault *vault, const VaultEscrowPublic *escrow)
{
    g_autofree char *fingerprint = vault_escrow_fingerprint(escrow);
    g_autofree char *path = absolute(vault->path);

    return g_strdup_printf("# ESCROW SHEET of the mail archive\n"
                           "#     vault           %s\n"
                           "#     on host         %s\n"
                           "#     in folder       %s\n"
                           "#     escrow key      %s\n"
                           "#\n"
                           "# The words of this sheet open the vault key in the file\n"
                           "# vaultkey.escrow, where no other copy of it is left:\n"
                           "#     muniment vaultkey open vaultkey.escrow --shares\n"
                           "# THEY NEED NO PASSPHRASE. They open no mail: that takes the\n"
                           "# master key, too. So this sheet is for another person than the\n"
                           "# recovery sheet; where there is none, for an envelope of its own\n"
                           "# in another place. Whoever has both sheets and an old backup\n"
                           "# reads also what was erased since, and leaves no trace.\n",
                           VAULT_ID_TEXT(vault->id), g_get_host_name(), path, fingerprint);
}

/* The key as the only share of its set. */
static gboolean write_only_share(const char *path, VaultShareRole role, const VaultMaster *pair,
                                 const char *notes, gboolean *ret_has_qr, GError **error)
{
    g_auto(VaultShareSheet) sheet = {.is_signed = FALSE};
    VaultShareSet set = {.role = role, .count = 1, .threshold = 1};

    if (strlen(notes) > RESTORE_SHARE_NOTES_LEN_MAX) {
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE,
                            "the paths of vault and vault key are too long for a sheet");
        return FALSE;
    }
    set_today(&set);
    return vault_shares_split(pair, -1, &set, &sheet, error) &&
           restore_share_file_write(path, &sheet, notes, ret_has_qr, error);
}

gboolean setup_sheet_write(const char *path, const RestoreNewVault *vault,
                           const VaultMaster *master, gboolean *ret_has_qr, GError **error)
{
    g_autofree char *notes = format_notes(vault, &master->public);

    return write_only_share(path, VAULT_SHARE_MASTER, master, notes, ret_has_qr, error);
}

gboolean setup_sheet_write_escrow(const char *path, const RestoreNewVault *vault,
                                  const VaultEscrow *escrow, GError **error)
{
    VaultEscrowPublic public = vault_escrow_public(escrow);
    g_autofree char *notes = format_escrow_notes(vault, &public);

    return write_only_share(path, VAULT_SHARE_ESCROW, &escrow->pair, notes, NULL, error);
}
