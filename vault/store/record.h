/* Records: the header every stored record begins with, and the locator inside it.
 *
 *   magic "MNRC" | version u8 | kind u8 | suite u16 | record id 16 | ciphertext length u64 |
 *   by kind 32 | sealed locator (fixed per kind) | CRC32C of ciphertext u32 | CRC32C of header u32
 *
 * by kind: body, wrapper = commitment | copy, addendum = enc |
 * terms = salt | event, commit = zeros.
 * record hash = SHA-256(header || SHA-256(ciphertext)), used by copies, commit records, trailers,
 * log. Records never change. Pure functions. Source: docs/formats/record.md. Errors: CORRUPT (a
 * check fails), UNSUPPORTED (version, kind or suite unknown), NO_KEY (a locator that does not
 * open).
 */
#pragma once

#include "vault/crypto/hash.h"

#define VAULT_RECORD_VERSION 1
#define VAULT_RECORD_FIXED_LEN 64 /* up to the locator */
#define VAULT_RECORD_CRC_LEN 8    /* after the locator */
#define VAULT_RECORD_BY_KIND_LEN 32
#define VAULT_RECORD_HEADER_LEN_MAX 192
/* No sum of a few of these overflows; a body ends long before (2^32 chunks of 64 KiB). */
#define VAULT_RECORD_CIPHERTEXT_LEN_MAX (G_GUINT64_CONSTANT(1) << 49)

typedef enum {
    VAULT_RECORD_BODY = 1,
    VAULT_RECORD_COPY = 2,
    VAULT_RECORD_TERMS_BODY = 3,
    VAULT_RECORD_TERMS_COPY = 4,
    VAULT_RECORD_WRAPPER = 5,
    VAULT_RECORD_ADDENDUM = 6,
    VAULT_RECORD_EVENT = 7,
    VAULT_RECORD_COMMIT = 8,
} VaultRecordKind;

/* Flags of a body or copy. */
enum {
    VAULT_FLAG_CLOCK_UNSURE = 1 << 0, /* taken while the clock was not to be trusted */
    VAULT_FLAG_DATE_UNCERTAIN = 1 << 1,
    VAULT_FLAG_IMPORTED = 1 << 2,
    VAULT_FLAG_UNASSIGNED = 1 << 3,
};

/* What the host may know of a record; which fields count depends on the kind. */
typedef struct {
    RecordId body_id;        /* copy, addendum, terms-*, wrapper */
    MonthKeyId month_key_id; /* copy, addendum, terms-copy */
    guint32 leaf;            /* copy, addendum, terms-copy */
    guint64 received_s;      /* body, copy, addendum; seconds since 1970 */
    guint64 archived_s;      /* body */
    guint32 flags;           /* body, copy, addendum */
    DeliveryTag retry_tag;   /* body; zeros = none */
    DeliveryTag repeat_tag;  /* body; zeros = none */
    RecordId repeats;        /* body; zeros = none */
    guint8 enc[32];          /* terms-copy */
    guint32 step;            /* terms-copy */
    RowId row_id;            /* event */
} VaultLocator;

typedef struct {
    VaultRecordKind kind;
    guint16 suite;
    RecordId record_id;
    guint64 ciphertext_len;
    guint8 by_kind[VAULT_RECORD_BY_KIND_LEN];
    guint32 ciphertext_crc;
    gsize header_len; /* set by parse */
} VaultRecordHeader;

/* Length of the sealed locator (tag included) and of the whole header; 0 for an unknown kind. */
gsize vault_record_locator_len(VaultRecordKind kind);
gsize vault_record_header_len(VaultRecordKind kind);

/* Writes the header up to the sealed locator's end: the AAD of the content. `locator_key` and
 * `locator` are NULL exactly for kind commit. Returns its length (header length - 8). */
gsize vault_record_format_clear(const VaultRecordHeader *header, const LocatorKey *locator_key,
                                const VaultLocator *locator,
                                guint8 ret_header[VAULT_RECORD_HEADER_LEN_MAX]);
/* Adds the two CRCs; returns the header length. */
gsize vault_record_format_crcs(guint8 header[VAULT_RECORD_HEADER_LEN_MAX], gsize clear_len,
                               guint32 ciphertext_crc);

/* Parses a header and checks its CRC. `len` may be more than the header. */
gboolean vault_record_header_parse(const guint8 *bytes, gsize len, VaultRecordHeader *ret_header,
                                   GError **error);
/* Opens the sealed locator of a parsed header; `bytes` as given to the parser. */
gboolean vault_record_locator_open(const guint8 *bytes, const VaultRecordHeader *header,
                                   const LocatorKey *key, VaultLocator *ret_locator,
                                   GError **error);
/* Copies, addenda and terms copies: one owner's, under a leaf of a month. */
gboolean vault_record_kind_has_leaf(VaultRecordKind kind);
/* SHA-256(header || SHA-256(ciphertext)). */
void vault_record_hash(const guint8 *header, gsize header_len, const VaultHash *ciphertext_hash,
                       VaultHash *ret_hash);
