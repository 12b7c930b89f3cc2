#include "vault/act/retention_detail.h"

#include "vault/act/text_file.h"

static const char *const of_names[] = {[VAULT_RETENTION_OF_DEFAULT] = "default",
                                       [VAULT_RETENTION_OF_DOMAIN] = "domain",
                                       [VAULT_RETENTION_OF_MAILBOX] = "mailbox"};

/* "min" N "max" N "from" BASIS "for" OF [NAME] */
enum { MIN_DAYS = 1, MAX_DAYS = 3, BASIS = 5, OF = 7, NAME = 8, PARTS = 9 };

void vault_retention_detail_clear(VaultRetentionDetail *detail)
{
    g_clear_pointer(&detail->name, g_free);
}

char *vault_retention_detail_format(const VaultRetentionDetail *detail)
{
    return g_strdup_printf("min %u max %u from %s for %s%s%s", detail->min_days, detail->max_days,
                           detail->is_from_closing ? "closing" : "receipt", of_names[detail->of],
                           *detail->name != '\0' ? " " : "", detail->name);
}

static gboolean take_days(const char *text, guint32 *ret_days)
{
    guint64 days = 0;

    if (!g_ascii_string_to_unsigned(text, 10, 0, VAULT_RETENTION_DETAIL_DAYS_MAX, &days, NULL))
        return FALSE;
    *ret_days = (guint32)days;
    return TRUE;
}

static gboolean take_parts(char **parts, VaultRetentionDetail *detail)
{
    guint count = g_strv_length(parts);

    if (count < NAME || !take_days(parts[MIN_DAYS], &detail->min_days) ||
        !take_days(parts[MAX_DAYS], &detail->max_days))
        return FALSE;
    detail->is_from_closing = g_str_equal(parts[BASIS], "closing");
    for (guint of = VAULT_RETENTION_OF_DEFAULT; of <= VAULT_RETENTION_OF_MAILBOX; of++) {
        if (g_str_equal(parts[OF], of_names[of]))
            detail->of = (VaultRetentionOf)of;
    }
    detail->name = g_strdup(count > NAME ? parts[NAME] : "");
    return detail->of != 0 &&
           (detail->of == VAULT_RETENTION_OF_DEFAULT) == (*detail->name == '\0') &&
           strlen(detail->name) <= VAULT_ADDRESS_LEN_MAX &&
           (detail->max_days == 0 || detail->max_days >= detail->min_days);
}

gboolean vault_retention_detail_parse(const char *text, VaultRetentionDetail *ret_detail,
                                      GError **error)
{
    g_auto(GStrv) parts = g_strsplit(text, " ", PARTS);
    g_auto(VaultRetentionDetail) detail = {.name = NULL};
    g_autofree char *again = NULL;

    if (take_parts(parts, &detail))
        again = vault_retention_detail_format(&detail);
    /* Words in their places and one way to write a number: what is formatted again is the same. */
    if (again != NULL && g_str_equal(again, text)) {
        *ret_detail = detail;
        detail.name = NULL;
        return TRUE;
    }
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                "the detail is not \"min DAYS max DAYS from receipt|closing for default|domain "
                "NAME|mailbox NAME\", with a maximum of 0 or not below the minimum, and at most %d",
                VAULT_RETENTION_DETAIL_DAYS_MAX);
    return FALSE;
}
