/* The result file: which messages a search, or a person, found. What `--result` reads.
 *
 *   muniment-result/2
 *   vault: 32 hexadecimal digits
 *   query: what was looked for
 *   created: time
 *   log: where in the control log the search stands
 *   messages: 2
 *   message: archive id, SHA-256 of the message      ascending by id, each once
 *
 * Version 1 has no log and no hashes, and calls its query `scope`: lists that are no search's. One
 * form: parsing and formatting gives the same bytes. Pure functions. Errors: MALFORMED (also an
 * empty list), UNSUPPORTED (later version), TOO_LARGE. Source: docs/formats/result.md.
 */
#pragma once

#include "vault/base/error.h"
#include "vault/base/id.h"
#include "vault/crypto/hash.h"

#define VAULT_RESULT_LEN_MAX (128u << 20)
#define VAULT_RESULT_SCOPE_LEN_MAX 2048
#define VAULT_RESULT_QUERY_LEN_MAX 65536
#define VAULT_RESULT_MESSAGES_MAX 1000000
#define VAULT_RESULT_TYPE "muniment-result/1"
#define VAULT_RESULT_SEARCH_TYPE "muniment-result/2"

typedef struct {
    VaultId vault_id;
    char *scope; /* what was asked for: of a search, its query */
    guint64 created_s;
    guint64 log_index; /* of the search's entry in the control log */
    GArray *messages;  /* RecordId */
    GArray *hashes;    /* VaultHash of each, of a search; NULL: no search made this */
} VaultResultFile;
VaultResultFile *vault_result_file_new(void);
/* Of a search. */
void vault_result_file_add(VaultResultFile *result, const RecordId *id, const VaultHash *hash);
void vault_result_file_free(VaultResultFile *result);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultResultFile, vault_result_file_free)

VaultResultFile *vault_result_file_parse(const char *text, gsize len, GError **error);
/* Sorts the ids and drops repeated ones; fails as the parser would for what it would refuse. */
char *vault_result_file_format(VaultResultFile *result, GError **error);
