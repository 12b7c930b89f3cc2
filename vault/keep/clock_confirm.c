#include "vault/keep/clock_confirm.h"

#include "vault/act/text_file.h"
#include "vault/crypto/value.h"
#include "vault/keep/internal.h"

static const char type[] = "muniment-clock/1";

static gboolean parse(const char *text, gsize len, guint64 *ret_now_s, GError **error)
{
    VaultTextFile file;

    return vault_text_file_begin(&file, text, len, type, error) &&
           vault_text_file_take_time(&file, "now", ret_now_s, error) &&
           vault_text_file_finish(&file, error);
}

static gboolean log_confirmation(VaultKeep *keep, guint64 now_s, GError **error)
{
    g_autoptr(GString) payload = g_string_new(NULL);
    guint64 last_s = MIN(vault_clock_last_archived_s(&keep->clock), VAULT_TEXT_TIME_END_S - 1);

    vault_text_append(payload, "act", vault_logged_act_name(VAULT_LOGGED_CLOCK_CONFIRMED));
    vault_text_append_time(payload, "now", now_s);
    vault_text_append_time(payload, "last-archived", last_s);
    return vault_keep_log_act(keep, VAULT_LOGGED_CLOCK_CONFIRMED, payload->str, payload->len,
                              error);
}

gboolean vault_clock_confirm(VaultKeep *keep, const char *text, gsize len, GString *answer,
                             GError **error)
{
    guint64 now_s = vault_clock_now_s(&keep->clock), confirmed_s;

    g_assert(keep->mode == VAULT_KEEP_WRITER);
    if (!parse(text, len, &confirmed_s, error))
        return FALSE;
    if (MAX(now_s, confirmed_s) - MIN(now_s, confirmed_s) > VAULT_CLOCK_BEHIND_S ||
        now_s >= VAULT_TEXT_TIME_END_S) {
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                            "the time confirmed is not the one that the archive goes by: look at "
                            "the clock, and confirm it again");
        return FALSE;
    }
    if (!log_confirmation(keep, now_s, error))
        return FALSE;
    vault_clock_set_archived(&keep->clock, now_s);
    return TRUE;
}

/* ---- from the log --------------------------------------------------------------------------- */

/* The event says by then which message was the last; what came later vouches for the clock itself.
 */
static void take_up(VaultKeep *keep, const VaultEntry *entry)
{
    GByteArray *event = vault_keep_event(keep, entry, NULL);
    g_autoptr(GString) text = g_string_new(type);
    VaultTextFile file;
    guint64 now_s, last_s;
    g_autofree char *act = NULL;

    if (event == NULL || event->len < VAULT_ENTRY_SALT_LEN) {
        vault_value_free(event);
        return;
    }
    g_string_append_c(text, '\n');
    g_string_append_len(text, (const char *)event->data + VAULT_ENTRY_SALT_LEN,
                        (gssize)event->len - VAULT_ENTRY_SALT_LEN);
    vault_value_free(event);
    if (!vault_text_file_begin(&file, text->str, text->len, type, NULL))
        return;
    act = vault_text_file_take(&file, "act", VAULT_ADDRESS_LEN_MAX, NULL);
    if (act != NULL && vault_text_file_take_time(&file, "now", &now_s, NULL) &&
        vault_text_file_take_time(&file, "last-archived", &last_s, NULL) &&
        vault_clock_last_archived_s(&keep->clock) <= MAX(last_s, now_s))
        vault_clock_set_archived(&keep->clock, now_s);
}

void vault_clock_recall(VaultKeep *keep)
{
    g_autoptr(VaultLogReader) reader =
        vault_keep_log_reader(keep, VAULT_LOG_CONTROL, VAULT_KEEP_EPOCH_NOW, NULL);
    guint64 size = reader != NULL ? vault_log_reader_checkpoint(reader)->size : 0;
    guint64 first = size > VAULT_CLOCK_ACTS_MAX ? size - VAULT_CLOCK_ACTS_MAX : 0;

    for (guint64 i = size; i > first; i--) {
        g_autoptr(GBytes) bytes = vault_log_reader_entry(reader, i - 1, NULL);
        gsize len = 0;
        const guint8 *data = bytes != NULL ? g_bytes_get_data(bytes, &len) : NULL;
        VaultEntry entry;

        if (data == NULL || !vault_entry_parse(data, len, &entry, NULL))
            continue;
        if (entry.kind == VAULT_ENTRY_ACT && entry.act == VAULT_LOGGED_CLOCK_CONFIRMED) {
            take_up(keep, &entry);
            return;
        }
    }
}
