/* Requests for acts that destroy keys, made from what was typed. Errors: NOT_FOUND (nothing
 * matched), G_OPTION_ERROR, and those of vault/keep.h. */
#pragma once

#include "restore/erasure_command.h"
#include "vault/act/request_file.h"
#include "vault/keep.h"

/* The text of the request; new string. */
char *restore_erasure_request(VaultKeep *keep, VaultAct act, const ErasureOptions *options,
                              GError **error);
