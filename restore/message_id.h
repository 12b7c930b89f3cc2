/* Archive ids as they are typed. Pure. Errors: G_OPTION_ERROR_BAD_VALUE (exit status "usage"). */
#pragma once

#include "vault/base/id.h"

gboolean restore_message_id_parse(const char *text, RecordId *ret_id, GError **error);
