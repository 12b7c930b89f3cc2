/* Signed notes: whatever parses is formatted again to the very same bytes, and only the sample's
 * own text is signed by its key. */
#include "vault/log/note.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    static const char vkey[] =
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    g_autoptr(GError) error = NULL;
    g_autoptr(VaultNote) note = NULL;
    g_autoptr(VaultNoteKey) key = NULL;
    g_autofree char *again = NULL;

    vault_crypto_init();
    note = vault_note_parse((const char *)data, size, &error);
    g_assert((note == NULL) == (error != NULL));
    if (note == NULL)
        return 0;
    again = vault_note_format(note);
    g_assert(strlen(again) == size && memcmp(again, data, size) == 0);
    key = vault_note_key_parse(vkey, NULL);
    if (vault_note_verify(note, key, NULL, NULL))
        g_assert_cmpstr(note->text, ==, "This is an example message.\n");
    return 0;
}
