#include "restore/setup_report.h"

#include "restore/json_text.h"
#include "restore/output.h"

#include <stdio.h>

static void print_made(const SetupFiles *files, const RestoreNewVault *vault,
                       const MasterPublic *master)
{
    g_autofree char *fingerprint = vault_master_fingerprint(master);

    printf("Vault:        %s\nVault id:     %s\nVault key:    %s\nMaster:       %s\n\n"
           "Carry off this host, all of it: %s\n"
           "  master, master.pub      the master key, under your passphrase\n",
           vault->path, VAULT_ID_TEXT(vault->id), vault->vault_key, fingerprint, files->directory);
    if (files->reader.secret != NULL)
        puts("  reader.key, reader.pub  your identity as a reader: for the machine you read on");
    printf(
        "  vaultkey                a copy of the vault key\n"
        "  vaultkey.escrow         another, sealed: only the escrow sheet opens it\n"
        "  escrow-sheet.txt        the escrow key in words: for another person, or another place\n"
        "  escrow.pub              its public half, for further holders\n"
        "  recovery-sheet.txt      the master key in words%s\n",
        files->has_qr ? " and as a QR code" : " (no QR code: qrencode is not installed)");
}

static void print_next(const SetupFiles *files, const RestoreNewVault *vault,
                       const char *reader_public)
{
    printf(
        "\nNext:\n"
        "  1. Print %s and check the paper (muniment master check-share), then\n"
        "     %s (muniment vaultkey escrow check-share). Put them into two\n"
        "     envelopes, for two people or two places, and destroy the files: their words need no\n"
        "     passphrase.\n"
        "  2. Move %s to storage that is not on this machine, twice, and never beside a\n"
        "     backup of %s: the archive must not be able to read itself. The copy of the vault "
        "key\n"
        "     is the holder \"carry-off\", the one in escrow the holder \"escrow\": "
        "muniment-vaultkey(1)\n"
        "     says what keeps them in use.\n"
        "  3. Look through %s/archived.conf, check and start:\n"
        "     archived --config %s/archived.conf --check\n"
        "     archived --config %s/archived.conf\n"
        "  4. To read: \"muniment request %s ... --for %s\", \"muniment grant\" where\n"
        "     the master key is, and \"muniment restore\".\n",
        files->sheet, files->escrow_sheet, files->directory, vault->path, vault->path, vault->path,
        vault->path, vault->path, reader_public);
}

gboolean setup_report(const SetupFiles *files, const RestoreNewVault *vault,
                      const MasterPublic *master, const char *reader_public, GError **error)
{
    print_made(files, vault, master);
    print_next(files, vault, reader_public);
    return restore_output_flush(error);
}

gboolean setup_report_json(const SetupFiles *files, const RestoreNewVault *vault,
                           const MasterPublic *master, const char *reader_public, GError **error)
{
    g_autofree char *fingerprint = vault_master_fingerprint(master);
    g_autoptr(JsonBuilder) builder = json_builder_new();

    json_builder_begin_object(builder);
    json_text_add(builder, "vault", vault->path);
    json_text_add(builder, "vault_id", VAULT_ID_TEXT(vault->id));
    json_text_add(builder, "vault_key", vault->vault_key);
    json_text_add(builder, "fingerprint", fingerprint);
    json_text_add(builder, "carry_off", files->directory);
    json_text_add(builder, "master", files->master.secret);
    json_text_add(builder, "public", files->master.public);
    json_text_add(builder, "vault_key_copy", files->vault_key);
    json_text_add(builder, "sheet", files->sheet);
    json_text_add(builder, "vault_key_escrow", files->vault_key_escrow);
    json_text_add(builder, "escrow_sheet", files->escrow_sheet);
    json_text_add(builder, "escrow_public", files->escrow_public);
    json_text_add_boolean(builder, "has_qr", files->has_qr);
    json_text_add(builder, "reader_public", reader_public);
    if (files->reader.secret != NULL)
        json_text_add(builder, "reader_secret", files->reader.secret);
    json_builder_end_object(builder);
    return restore_output_json(builder, error);
}
