/* Reading packs: scanning one from its start, group by group, and fetching single records.
 *
 * A scan gives whole groups: records that a valid commit record covers. Anything else is named: a
 * torn tail (nothing after it shows that it was ever acknowledged) or a CORRUPT stretch (a later
 * commit record or the trailer shows that it was), which is reported, kept and passed over. What
 * still has an unharmed header inside a CORRUPT stretch was acknowledged too: it follows as a group
 * of its own, so that damage to one record never hides the others.
 * Only VAULT_SCAN_CIPHERTEXTS tells a torn last group: after a crash use it on every open pack.
 * Stream packs hold one record; whether a committed copy names it is the caller's question. A
 * compacted pack was whole when it got its name: what fails in it is CORRUPT, never a torn tail.
 * Errors: CORRUPT (not a pack, another vault's, header fails), UNSUPPORTED (a later version),
 * IO, NOT_FOUND. Threads: one user per object. Source: docs/formats/pack.md.
 */
#pragma once

#include "vault/store/pack_writer.h"

#define VAULT_PACK_HEADER_LEN 128

typedef enum {
    VAULT_PACK_GROUPED = 1,
    VAULT_PACK_STREAM = 2,
    VAULT_PACK_COMPACTED = 3 /* what is left of packs that it replaces (pack_compacted.h) */
} VaultPackType;

typedef struct {
    VaultPackType type;
    VaultId vault_id;
    PackId pack_id;
    guint64 sequence;
    guint64 created_s;
    PackId predecessor;
    guint64 predecessor_end;
    /* COMPACTED: where its groups end and its list begins, and how long that is. */
    guint64 groups_end;
    guint32 replaced_count;
    guint32 dropped_count;
} VaultPackHeader;

void vault_pack_header_format(const VaultPackHeader *header, guint8 ret[VAULT_PACK_HEADER_LEN]);
gboolean vault_pack_header_parse(const guint8 *bytes, gsize len, VaultPackHeader *ret_header,
                                 GError **error);
/* "<sequence, 16 hex>-<pack id>.pack", "<pack id>.stream" or "<pack id>.compacted", new string. */
char *vault_pack_file_name(const VaultPackHeader *header);

typedef enum {
    VAULT_SCAN_GROUP,     /* `records` is a committed group, or what is left of one */
    VAULT_SCAN_CORRUPT,   /* [offset, offset + len) was acknowledged and fails its checks */
    VAULT_SCAN_TORN_TAIL, /* [offset, end) was never committed */
    VAULT_SCAN_TRAILER,   /* the pack is closed here */
    VAULT_SCAN_END,
} VaultScanEvent;

typedef enum {
    VAULT_SCAN_HEADERS, /* check header CRCs, commit records' hashes from stored trailer if any */
    VAULT_SCAN_CIPHERTEXTS /* also read, CRC and hash every ciphertext */
} VaultScanDepth;

typedef struct {
    VaultRecordHeader header;
    guint64 offset;
    guint64 len;
    gboolean is_intact; /* FALSE: it is not what the index says, or, with VAULT_SCAN_CIPHERTEXTS,
                         * the ciphertext fails its CRC; else TRUE, also where nothing was read */
    VaultHash hash;     /* record hash, from the bytes or from the index; zeros when neither is */
    guint8 header_bytes[VAULT_RECORD_HEADER_LEN_MAX];
} VaultScannedRecord;

typedef struct VaultPackScan VaultPackScan;
VaultPackScan *vault_pack_scan_open(const char *path, const VaultId *vault_id, VaultScanDepth depth,
                                    VaultPackHeader *ret_header, GError **error);
/* Reads no further than `end`, which a successor's header names: all before it was acknowledged, so
 * what fails there is CORRUPT, never a torn tail. Before the first event; no effect on a closed
 * pack.
 */
void vault_pack_scan_stop_at(VaultPackScan *scan, guint64 end);
/* The next event. ret_records (borrowed GArray of VaultScannedRecord, commit record left out) is
 * set for GROUP; ret_offset and ret_len for all. FALSE only when reading fails (IO). */
gboolean vault_pack_scan_next(VaultPackScan *scan, VaultScanEvent *ret_event, GArray **ret_records,
                              guint64 *ret_offset, guint64 *ret_len, GError **error);
/* Whether it has its trailer; of a grouped or compacted pack. */
gboolean vault_pack_scan_is_closed(const VaultPackScan *scan);
typedef struct {
    VaultRecordKind kind;
    guint64 offset, len;
} VaultIndexedRecord;
/* Appends what the trailer's index has to `records` (GArray of VaultIndexedRecord). */
void vault_pack_scan_add_indexed(const VaultPackScan *scan, GArray *records);
void vault_pack_scan_free(VaultPackScan *scan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultPackScan, vault_pack_scan_free)

/* Ends a pack that was left open (crash, failed sync): cuts at `end`, writes the last group once
 * more (after a failed sync the page cache may hold what the disk does not, and a second sync would
 * not tell), writes trailer, syncs file and directory. Idempotent; a closed pack, a stream pack and
 * a compacted one are left as they are. CORRUPT when the file ends before `end`: acknowledged bytes
 * are missing. */
gboolean vault_pack_seal_off(const char *path, guint64 end, GError **error);

/* Fetching. A reader keeps up to 64 packs open; each fetch checks the header and the CRCs. A pack
 * that is not known yet is looked for in the directory. NOT_FOUND: no such pack, or none any more.
 */
typedef struct VaultPackSet VaultPackSet;
VaultPackSet *vault_pack_set_open(const char *directory, const VaultId *vault_id, GError **error);
/* Whole record. len over `len_max`: TOO_LARGE (use the stream functions). Thread-safe. */
GBytes *vault_pack_set_fetch(VaultPackSet *set, const VaultPlace *place, gsize len_max,
                             GError **error);
/* Part of a record, unchecked: for bodies that are opened chunk by chunk. Thread-safe. */
gboolean vault_pack_set_read(VaultPackSet *set, const VaultPlace *place, guint64 offset, gsize len,
                             guint8 *ret_bytes, GError **error);
/* Closes a pack that was removed, so that its bytes are given back once nobody reads it. */
void vault_pack_set_forget(VaultPackSet *set, const PackId *pack_id);
void vault_pack_set_free(VaultPackSet *set);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultPackSet, vault_pack_set_free)
