/* The result file: which messages a search, or a person, found. What `--result` reads.
 *
 *   muniment-result/1
 *   vault: 32 hexadecimal digits
 *   scope: what was asked, for people
 *   created: time
 *   messages: 2
 *   message: archive id       ascending, each once
 *
 * One form: parsing and formatting gives the same bytes. Pure functions. Errors: MALFORMED (also an
 * empty list), UNSUPPORTED (later version), TOO_LARGE. Source: docs/formats/result.md.
 */
#pragma once

#include "vault/base/error.h"
#include "vault/base/id.h"

#define VAULT_RESULT_LEN_MAX (64u << 20)
#define VAULT_RESULT_SCOPE_LEN_MAX 2048
#define VAULT_RESULT_MESSAGES_MAX 1000000
#define VAULT_RESULT_TYPE "muniment-result/1"

typedef struct {
    VaultId vault_id;
    char *scope;
    guint64 created_s;
    GArray *messages; /* RecordId */
} VaultResultFile;
VaultResultFile *vault_result_file_new(void);
void vault_result_file_free(VaultResultFile *result);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultResultFile, vault_result_file_free)

VaultResultFile *vault_result_file_parse(const char *text, gsize len, GError **error);
/* Sorts the ids and drops repeated ones; fails as the parser would for what it would refuse. */
char *vault_result_file_format(VaultResultFile *result, GError **error);
