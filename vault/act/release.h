/* Releases: the slots of messages, sealed by the vault's host to the reader of a grant. What both
 * ends share; opening one is vault/open.h's.
 *
 *   release   = header || HPKE(reader key, purpose by plane, AAD = header) of the rows
 *   header    = plane u8 | vault id 16 | grant hash 32 | log index u64
 *   plaintext = count u32 | (state u8 | record id 16 | month key id 16 | leaf u32 | slot 32
 *                            [| enc 32 | step u32])*
 *
 * A release is of one plane: content slots open messages, index slots (with the places in their
 * sessions) the words of messages. The plane decides the purpose it is sealed for, so that one
 * never opens as the other.
 *
 * Pure functions. Errors: MALFORMED (not a release, or of another vault, grant or plane),
 * UNSUPPORTED (a plane that is not known here), TOO_LARGE. Source: docs/formats/release.md.
 */
#pragma once

#include "vault/crypto/index_session.h"
#include "vault/crypto/key_files.h"

/* What reader_seal() binds a release of that plane to. */
#define VAULT_RELEASE_PURPOSE "release"
#define VAULT_TERMS_RELEASE_PURPOSE "terms release"
/* Copies asked for at once. */
#define VAULT_RELEASE_COUNT_MAX 16384
#define VAULT_RELEASE_HEADER_LEN (1 + VAULT_ID_LEN + VAULT_HASH_LEN + 8)
#define VAULT_RELEASE_LEN_MAX                                                                      \
    (VAULT_RELEASE_HEADER_LEN + 48 + 4 + VAULT_RELEASE_COUNT_MAX * (1 + 2 * VAULT_ID_LEN + 4 + 32))
#define VAULT_TERMS_RELEASE_LEN_MAX                                                                \
    (VAULT_RELEASE_LEN_MAX + VAULT_RELEASE_COUNT_MAX * (VAULT_HPKE_ENC_LEN + 4))
/* Nothing was given, so nothing was logged. */
#define VAULT_RELEASE_NOT_LOGGED G_MAXUINT64

typedef enum {
    VAULT_RELEASE_GIVEN = 0,
    VAULT_RELEASE_ERASED = 1,
    VAULT_RELEASE_NOT_FOUND = 2,
} VaultReleaseState;

/* Zeros behind the record id in any state but GIVEN. */
typedef struct {
    VaultReleaseState state;
    RecordId record_id; /* of the copy */
    MonthKeyId month_key_id;
    guint32 leaf;
    ContentSlot slot;
} VaultReleasedSlot;
VAULT_DECLARE_WIPE(VaultReleasedSlot, vault_released_slot)

/* The same for terms: their copies are opened by the index slot of the leaf, at a step of a
 * session. */
typedef struct {
    VaultReleaseState state;
    RecordId record_id; /* of the terms copy */
    MonthKeyId month_key_id;
    guint32 leaf;
    IndexSlot slot;
    guint8 enc[VAULT_HPKE_ENC_LEN];
    guint32 step;
} VaultReleasedTerms;
VAULT_DECLARE_WIPE(VaultReleasedTerms, vault_released_terms)

typedef enum { VAULT_RELEASE_CONTENT = 1, VAULT_RELEASE_TERMS = 2 } VaultReleasePlane;

typedef struct {
    VaultReleasePlane plane; /* set by who seals, and by the parser */
    VaultId vault_id;
    VaultHash grant_hash; /* SHA-256 of the grant's text */
    guint64 log_index;    /* of the entry in the control log */
} VaultReleaseHeader;

/* At most VAULT_RELEASE_COUNT_MAX rows (asserted); the header's plane is not looked at. REFUSED: a
 * key of small order. */
GBytes *vault_release_seal(const VaultReleaseHeader *header, const VaultReleasedSlot *slots,
                           gsize count, const ReaderPublicKey *key, GError **error);
GBytes *vault_release_seal_terms(const VaultReleaseHeader *header, const VaultReleasedTerms *terms,
                                 gsize count, const ReaderPublicKey *key, GError **error);
gboolean vault_release_header_parse(const void *release, gsize len, VaultReleaseHeader *ret_header,
                                    GError **error);
/* What was sealed: GArray of VaultReleasedSlot, or of VaultReleasedTerms, wiped on unref. */
GArray *vault_release_slots_parse(const guint8 *bytes, gsize len, GError **error);
GArray *vault_release_terms_parse(const guint8 *bytes, gsize len, GError **error);
