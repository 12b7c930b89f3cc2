/* Who owns a message: envelope recipients -> normalised owner addresses.
 *
 * Rules, in order, for each recipient:
 *   1. template archive+LOCAL=DOMAIN@A (A an archive domain; the word before the first '+' is free,
 *      the last '=' parts LOCAL and DOMAIN): owner LOCAL@DOMAIN, role recipient
 *   2. template archive+from+LOCAL=DOMAIN@A: owner LOCAL@DOMAIN, role sender
 *      anything else at A, such as archive@A, names nobody: unassigned
 *   3. alias, of the exact address or else of the normalised one, as long as there is one; domain
 *      alias; subaddress removed (LOCAL+detail); case rule
 *   4. domain configured -> that address; else -> unassigned
 * A mailbox never bears an archive domain. Owners of one message are unique, in order of first
 * naming, with the role of that. Domains are compared in lower-case A-label form (IDNA2008,
 * libidn2); local parts in lower case unless `local_case` is exact; local parts in quotes are
 * unquoted, unless the name itself has quotes around it. Pure; time is linear in what is given.
 * Source: docs/ARCHITECTURE.md, section "Owners".
 */
#pragma once

#include "vault/base/error.h"
#include "vault/crypto/copy_content.h"

typedef struct IngestOwnerRules IngestOwnerRules;

typedef struct {
    const char *const *domains; /* NULL-terminated lists; may be NULL */
    const char *const *archive_domains;
    const char *const *aliases;        /* "from@x=to@y" */
    const char *const *domain_aliases; /* "old.example=new.example" */
    const char *delimiter;             /* "+"; "" = no subaddresses */
    gboolean is_local_case_exact;
} IngestOwnerSettings;

/* MALFORMED names the entry that is wrong: no domain, no pair, or aliases in a circle. */
IngestOwnerRules *ingest_owner_rules_new(const IngestOwnerSettings *settings, GError **error);
void ingest_owner_rules_free(IngestOwnerRules *rules);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(IngestOwnerRules, ingest_owner_rules_free)

/* LOCAL@DOMAIN normalised by the rules above (step 3 without alias); NULL when it is no address.
 * What is normalised stays as it is when normalised again. */
char *ingest_owner_normalise(const IngestOwnerRules *rules, const char *address);

typedef struct {
    char *address; /* normalised; NULL = unassigned */
    VaultOwnerRole role;
    GPtrArray *recipients; /* char *: the envelope recipients that named it, unique */
} IngestOwner;
void ingest_owner_free(IngestOwner *owner);

/* Never fails: what no rule knows belongs to unassigned. GPtrArray of IngestOwner. */
GPtrArray *ingest_owners(const IngestOwnerRules *rules, GPtrArray *recipients);

/* The owners that an import names, role VAULT_OWNER_IMPORT; unique. NULL-terminated addresses, of
 * any domain; what is none, or no address at all, is unassigned. */
GPtrArray *ingest_owners_named(const IngestOwnerRules *rules, const char *const *addresses);
