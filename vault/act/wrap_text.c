#include "vault/act/wrap_text.h"

static const char *const wrap_kind_names[] = {
    [VAULT_WRAP_MASTER] = "master", [VAULT_WRAP_STANDING_READER] = "standing-reader"};

const char *vault_wrap_kind_name(guint8 kind)
{
    g_assert(kind < G_N_ELEMENTS(wrap_kind_names) && wrap_kind_names[kind] != NULL);
    return wrap_kind_names[kind];
}

gboolean vault_wrap_take(VaultTextFile *file, GArray *wraps, GError **error)
{
    g_autofree char *value = vault_text_file_take(file, "wrap", 512, error);
    g_auto(GStrv) parts = NULL;
    VaultWrap wrap = {0};

    if (value == NULL || (parts = vault_text_file_split(file, value, 4, error)) == NULL)
        return FALSE;
    for (guint8 kind = VAULT_WRAP_MASTER; kind < G_N_ELEMENTS(wrap_kind_names); kind++) {
        if (g_str_equal(parts[0], wrap_kind_names[kind]))
            wrap.kind = kind;
    }
    if (wrap.kind == 0)
        return vault_text_file_refuse(file, error, "a wrap is for a master or a standing-reader");
    if (!vault_text_file_hex(file, "wrap", parts[1], wrap.key_id.bytes, VAULT_ID_LEN, error) ||
        !vault_text_file_hex(file, "wrap", parts[2], wrap.enc, sizeof wrap.enc, error) ||
        !vault_text_file_hex(file, "wrap", parts[3], wrap.ciphertext, sizeof wrap.ciphertext,
                             error))
        return FALSE;
    g_array_append_val(wraps, wrap);
    return TRUE;
}

void vault_wrap_append(GString *text, const VaultWrap *wrap)
{
    g_string_append_printf(text, "wrap: %s %s ", vault_wrap_kind_name(wrap->kind),
                           VAULT_ID_TEXT(wrap->key_id));
    vault_text_append_hex(text, wrap->enc, sizeof wrap->enc);
    g_string_append_c(text, ' ');
    vault_text_append_hex(text, wrap->ciphertext, sizeof wrap->ciphertext);
    g_string_append_c(text, '\n');
}
