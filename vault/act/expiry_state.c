#include "vault/act/expiry_state.h"

#define STATE_TYPE "muniment-expiry/1"

char *vault_expiry_state_format(const VaultExpiryState *state)
{
    GString *text = g_string_new(STATE_TYPE "\n");

    vault_text_append_time(text, "ran", state->ran_s);
    vault_text_append_number(text, "months", state->month_count);
    vault_text_append_number(text, "copies", state->copy_count);
    vault_text_append_number(text, "passed-over", state->passed_over_count);
    return g_string_free(text, FALSE);
}

gboolean vault_expiry_state_parse(const char *text, gsize len, VaultExpiryState *ret_state,
                                  GError **error)
{
    VaultTextFile file;

    return vault_text_file_begin(&file, text, len, STATE_TYPE, error) &&
           vault_text_file_take_time(&file, "ran", &ret_state->ran_s, error) &&
           vault_text_file_take_number(&file, "months", G_MAXUINT32, &ret_state->month_count,
                                       error) &&
           vault_text_file_take_number(&file, "copies", G_MAXUINT32, &ret_state->copy_count,
                                       error) &&
           vault_text_file_take_number(&file, "passed-over", G_MAXUINT32,
                                       &ret_state->passed_over_count, error) &&
           vault_text_file_finish(&file, error);
}
