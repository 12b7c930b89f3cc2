/* Inside vault/keep: what an operator asks of the registry, for the table in operate.c. Each takes
 * a text whose first line is its type, and logs itself before it takes effect. Answers: one line
 * "holder: NAME OUTCOME REASON" or "copy: ..." for each place.
 *
 *   holder-add/1      name, kind, place, escrow-key (of escrow only)
 *   holder-remove/1   name, lost (yes: it is away for good)
 *   copy-add/1        name, place
 *   copy-remove/1     name, lost
 *   custody-update/1
 *   copy-declare/1    name, keep-days, made (again: made again and again; once: now, the last)
 */
#pragma once

#include "vault/keep/custody.h"

#define VAULT_CUSTODY_ACT_LEN_MAX 8192

gboolean vault_custody_act_holder_add(VaultKeep *keep, const char *text, gsize len, GString *answer,
                                      GError **error);
gboolean vault_custody_act_holder_remove(VaultKeep *keep, const char *text, gsize len,
                                         GString *answer, GError **error);
gboolean vault_custody_act_copy_add(VaultKeep *keep, const char *text, gsize len, GString *answer,
                                    GError **error);
gboolean vault_custody_act_copy_remove(VaultKeep *keep, const char *text, gsize len,
                                       GString *answer, GError **error);
gboolean vault_custody_act_update(VaultKeep *keep, const char *text, gsize len, GString *answer,
                                  GError **error);
gboolean vault_custody_act_declare(VaultKeep *keep, const char *text, gsize len, GString *answer,
                                   GError **error);
