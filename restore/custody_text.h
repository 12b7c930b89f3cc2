/* What the verbs about holders and copies print, and how they ask for an act. Results go to
 * standard output. Threads: the main thread only.
 */
#pragma once

#include "vault/custody.h"

#include <glib.h>

/* Asks for an act (vault_access_operate()) with `lines` below its type. NULL on failure; the answer
 * else. */
char *custody_text_ask(const char *vault, const char *act, const GString *lines, GError **error);

/* Prints what an act says of each place; ret_is_all tells whether every one is done. */
gboolean custody_text_answer(const char *answer, gboolean as_json, gboolean *ret_is_all,
                             GError **error);

/* Looks at all places, and prints those of one sort. */
gboolean custody_text_list(const char *vault, VaultCustodySort sort, gboolean as_json,
                           GError **error);
gboolean custody_text_declarations(const char *vault, gboolean as_json, GError **error);
