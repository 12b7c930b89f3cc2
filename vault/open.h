/* The library "open": the reader's side. Opens records with granted keys and released slots;
 * touches neither keyring nor packs, but is given a record source and a release source.
 *
 * The hints of a source (which copy, which month, which leaf) need no trust: a false one only fails
 * to open. A body counts only when its record hash is the one in the copy, every chunk opens, the
 * zstd frame has exactly the authenticated length and the message commitment holds. Errors: REFUSED
 * (outside the reader's scope), NO_KEY (key and slot do not open the copy: altered, or listed in a
 * wrong place), CORRUPT, UNSUPPORTED, and what the sources return (NOT_FOUND, ERASED, IO). Threads:
 * a reader is shared by threads once it is made. Source: docs/formats/record.md,
 * docs/formats/grant.md.
 */
#pragma once

#include "vault/act/case_key.h"
#include "vault/act/release.h"
#include "vault/crypto/content.h"
#include "vault/crypto/copy_content.h"
#include "vault/crypto/key_files.h"
#include "vault/crypto/month.h"
#include "vault/store/record.h"

/* One copy to be opened, as a source lists it. */
typedef struct {
    RecordId record_id;
    RecordId body_id;
    MailboxId mailbox_id;
    MonthKeyId month_key_id;
    guint32 leaf;
    guint64 received_s;
    guint32 flags;
} VaultOpenEntry;

/* One terms copy to be opened, as a source lists it. */
typedef struct {
    RecordId terms_id; /* of the terms copy */
    RecordId body_id;  /* archive id */
    MailboxId mailbox_id;
    MonthKeyId month_key_id;
    guint32 leaf;
    guint64 received_s;
    guint32 flags;
} VaultOpenTermsEntry;

typedef struct {
    /* Header and ciphertext of a record. */
    GBytes *(*fetch)(gpointer user, const RecordId *record_id, gsize len_max, GError **error);
    /* Length of a record, then parts of it: bodies are opened chunk by chunk. */
    gboolean (*length)(gpointer user, const RecordId *record_id, guint64 *ret_len, GError **error);
    gboolean (*read)(gpointer user, const RecordId *record_id, guint64 offset, gsize len,
                     guint8 *ret_bytes, GError **error);
    gpointer user;
} VaultRecordSource;

typedef struct {
    /* One slot per entry, or its state why there is none; logged durably before it returns. Fails
     * as a whole only where it cannot go on: REFUSED, IO, CORRUPT. At most VAULT_RELEASE_COUNT_MAX.
     */
    gboolean (*release)(gpointer user, const VaultOpenEntry *entries, gsize count,
                        VaultReleasedSlot *ret_slots, GError **error);
    gpointer user;
} VaultReleaseSource;

/* A sealed release, as vault_keep_release_by_grant() gave it to whoever asked. */
typedef struct {
    guint64 log_index; /* VAULT_RELEASE_NOT_LOGGED: nothing was given */
    GArray *slots;     /* VaultReleasedSlot, or VaultReleasedTerms, in the order asked for */
} VaultOpenedRelease;
void vault_opened_release_free(VaultOpenedRelease *release); /* wipes */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultOpenedRelease, vault_opened_release_free)
/* `grant_hash`: SHA-256 of the grant's text. MALFORMED: no release of this vault and grant;
 * NO_KEY: it was sealed to somebody else, or changed. */
VaultOpenedRelease *vault_release_open(const VaultIdentity *identity, const VaultId *vault_id,
                                       const VaultHash *grant_hash, const void *sealed, gsize len,
                                       GError **error);
/* The same of vault_keep_release_terms_by_grant(). */
VaultOpenedRelease *vault_release_open_terms(const VaultIdentity *identity, const VaultId *vault_id,
                                             const VaultHash *grant_hash, const void *sealed,
                                             gsize len, GError **error);

typedef struct {
    MonthKeyId month_key_id;
    MailboxId mailbox_id;
    VaultMonth month;
    gboolean has_content, has_index;
    ContentSecretKey content;
    IndexSecretKey index;
} VaultGrantedKey;
VAULT_DECLARE_WIPE(VaultGrantedKey, vault_granted_key)

typedef struct {
    const VaultId *vault_id;
    const VaultGrantedKey *keys;
    gsize key_count;
    guint64 from_s, to_s;     /* scope, [from, to) */
    const RecordId *messages; /* scope; 0 = all */
    gsize message_count;
} VaultReaderScope;

typedef struct VaultReader VaultReader;
/* Copies the keys to guarded memory. NO_KEY when a key is not the one that its id names. */
VaultReader *vault_reader_new(const VaultReaderScope *scope, GError **error);
void vault_reader_free(VaultReader *reader);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultReader, vault_reader_free)
/* REFUSED when the reader's scope does not cover the entry: to be asked before a release. */
gboolean vault_reader_covers(VaultReader *reader, const VaultOpenEntry *entry, GError **error);

/* An opened copy: facts and the reference to its body. */
typedef struct {
    VaultBodyReference body;
    GByteArray *facts;
    guint64 received_s; /* the entry's: a hint, as the locator is opaque to the reader */
} VaultOpenedCopy;
void vault_opened_copy_free(VaultOpenedCopy *copy);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultOpenedCopy, vault_opened_copy_free)
VaultOpenedCopy *vault_reader_open_copy(VaultReader *reader, const VaultOpenEntry *entry,
                                        const ContentSlot *slot, const VaultRecordSource *records,
                                        GError **error);

/* Called with each piece of the message, in order. Until vault_reader_open_body() has returned TRUE
 * nothing that it was given is proved whole: exporters write to a draft. */
typedef gboolean (*VaultMessageSink)(gpointer user, const guint8 *bytes, gsize len, GError **error);
/* ret_hash: SHA-256 of the message, checked against the commitment. */
gboolean vault_reader_open_body(VaultReader *reader, const VaultOpenedCopy *copy,
                                const VaultRecordSource *records, VaultMessageSink sink,
                                gpointer user, VaultHash *ret_hash, GError **error);

/* What ties a message to the log without any key: SHA-256(header || ciphertext_hash) is the record
 * hash, and the header holds the message's commitment. */
typedef struct {
    VaultHash message_hash;
    guint8 header[VAULT_RECORD_HEADER_LEN_MAX];
    gsize header_len;
    VaultHash ciphertext_hash;
} VaultOpenedBody;
/* The same, and what was hashed on the way. */
gboolean vault_reader_open_body_proved(VaultReader *reader, const VaultOpenedCopy *copy,
                                       const VaultRecordSource *records, VaultMessageSink sink,
                                       gpointer user, VaultOpenedBody *ret_body, GError **error);

/* ---- terms ----------------------------------------------------------------------------------- */

/* Opens terms copies, and the terms bodies that they name. Keeps the sessions it has opened, which
 * cost a key exchange each and are cheapest in rising order of their steps: one opener for each
 * thread, neighbouring entries to the same. Borrows the reader. */
#define VAULT_TERMS_SESSIONS_MAX 4096 /* kept; more begin anew */
typedef struct VaultTermsOpener VaultTermsOpener;
VaultTermsOpener *vault_terms_opener_new(VaultReader *reader);
void vault_terms_opener_free(VaultTermsOpener *opener); /* wipes */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultTermsOpener, vault_terms_opener_free)
/* The terms of a message, as they were sealed; valid until the next call. Needs the index key of
 * the month. Which message they are of is proved where they lie in the terms copy itself; a terms
 * body shared by owners says so by its content alone. ERASED, NOT_FOUND: as the release says;
 * REFUSED, NO_KEY, CORRUPT, UNSUPPORTED, TOO_LARGE (a step past the last), and those of the source.
 */
gboolean vault_terms_opener_open(VaultTermsOpener *opener, const VaultOpenTermsEntry *entry,
                                 const VaultReleasedTerms *released,
                                 const VaultRecordSource *records, const guint8 **ret_terms,
                                 gsize *ret_len, GError **error);

/* ---- case indexes ---------------------------------------------------------------------------- */

/* A case key, as vault_keep_case_key() gave it. */
typedef struct {
    CaseKey key;
    RowId case_row_id; /* the same for the same case, reader and scope: may name the index */
    guint64 log_index;
} VaultOpenedCaseKey;
VAULT_DECLARE_WIPE(VaultOpenedCaseKey, vault_opened_case_key)
/* MALFORMED: no case key of this vault and grant; UNSUPPORTED; NO_KEY: it was sealed to somebody
 * else, or changed. */
gboolean vault_case_key_open(const VaultIdentity *identity, const VaultId *vault_id,
                             const VaultHash *grant_hash, GBytes *sealed,
                             VaultOpenedCaseKey *ret_key, GError **error);
/* What the index on the reader's disk is sealed under: HKDF-SHA256 of the identity's secret key and
 * the case key. Neither alone gives it. */
void vault_case_index_key(const VaultIdentity *identity, const CaseKey *key,
                          guint8 ret_key[VAULT_KEY_LEN]);
