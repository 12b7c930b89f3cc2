#include "restore/message_id.h"

gboolean restore_message_id_parse(const char *text, RecordId *ret_id, GError **error)
{
    if (vault_id_parse(text, ret_id->bytes, NULL))
        return TRUE;
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                "\"%s\" is no archive id: it is the %d hexadecimal digits that a receipt, a "
                "manifest or a file name of a restore shows",
                text, VAULT_ID_HEX_LEN);
    return FALSE;
}
