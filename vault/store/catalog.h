/* The catalog: where is which record. A cache with opaque ids only, rebuildable from packs.
 *
 * Written in transactions by one connection (the writer's), read by any number of others, in this
 * and in other processes. A transaction survives a crash whole or not at all, but the last ones
 * may be lost with the power: each pack's row says, in the same transaction as the records, up to
 * which offset it is catalogued, so that start-up adds the rest. Adding a record again changes
 * nothing. Not promised: anything the packs do not say.
 * Threads: all functions are safe, a transaction has one user (begin and end on one thread).
 * Errors: NOT_FOUND, CORRUPT (not a catalog, damaged, of another vault), UNSUPPORTED (another
 * version: rebuild), NO_SPACE, BUSY, IO. Source: docs/formats/catalog.md.
 */
#pragma once

#include "vault/store/pack_writer.h"

typedef struct VaultCatalog VaultCatalog;
typedef enum {
    VAULT_CATALOG_READ,
    VAULT_CATALOG_WRITE, /* made when it is not there */
    VAULT_CATALOG_BUILD  /* a new file, fast and unsafe until vault_catalog_finish_build() */
} VaultCatalogMode;

VaultCatalog *vault_catalog_open(const char *path, VaultCatalogMode mode, const VaultId *vault_id,
                                 GError **error);
void vault_catalog_close(VaultCatalog *catalog);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultCatalog, vault_catalog_close)

/* ---- writing -------------------------------------------------------------------------------- */

gboolean vault_catalog_begin(VaultCatalog *catalog, GError **error);
/* A failed end is an abandoned one. */
gboolean vault_catalog_end(VaultCatalog *catalog, GError **error);
void vault_catalog_abandon(VaultCatalog *catalog);

typedef struct {
    VaultRecordKind kind;
    RecordId record_id;
    VaultPlace place;
    VaultLocator locator;
} VaultCatalogRow;

/* Inside a transaction. Tags of bodies archived before `tags_since_s` are left out: the key that
 * made them is gone. Those of bodies taken by a clock not to be trusted stay until that moves on.
 * Records of kind commit are none of the catalog's. */
gboolean vault_catalog_add(VaultCatalog *catalog, const VaultCatalogRow *row, guint64 tags_since_s,
                           GError **error);

typedef enum {
    VAULT_PACK_OPEN = 0,     /* catalogued up to `end` */
    VAULT_PACK_COMPLETE = 1, /* all that was acknowledged in it is catalogued */
    VAULT_PACK_SEALED = 2    /* and it was seen with its trailer, or is a stream pack */
} VaultPackState;
typedef struct {
    PackId pack_id;
    guint64 end;
    VaultPackState state;
} VaultCatalogPack;

/* Inside a transaction. Neither end nor state ever goes back. */
gboolean vault_catalog_advance_pack(VaultCatalog *catalog, const VaultCatalogPack *pack,
                                    GError **error);
/* Inside a transaction. A copy that was erased, with what else lay under its leaf; a month that was
 * dropped, with all that lay under it. The body stays: whoever compacts has to know it. The highest
 * leaf stays known, too. */
typedef struct VaultCatalogCopy VaultCatalogCopy;
gboolean vault_catalog_remove_copy(VaultCatalog *catalog, const VaultCatalogCopy *copy,
                                   GError **error);
gboolean vault_catalog_remove_month(VaultCatalog *catalog, const MonthKeyId *month_key_id,
                                    GError **error);
/* After such a transaction: on stable storage, and the log emptied where nobody reads, so that dead
 * rows do not linger. */
gboolean vault_catalog_settle(VaultCatalog *catalog, GError **error);
gboolean vault_catalog_prune_tags(VaultCatalog *catalog, guint64 tags_since_s, GError **error);
/* Indexes, then everything on stable storage; afterwards the file may be renamed. */
gboolean vault_catalog_finish_build(VaultCatalog *catalog, GError **error);

/* ---- reading -------------------------------------------------------------------------------- */

/* GArray of VaultCatalogPack. */
GArray *vault_catalog_packs(VaultCatalog *catalog, GError **error);

typedef struct {
    guint64 message_count, copy_count, other_count;
    guint64 last_archived_s; /* of bodies taken while the clock was to be trusted */
} VaultCatalogTotals;
gboolean vault_catalog_totals(VaultCatalog *catalog, VaultCatalogTotals *ret_totals,
                              GError **error);

/* The counts as the rows have them, which the totals only remember: reads all of an index each. */
gboolean vault_catalog_count_rows(VaultCatalog *catalog, VaultCatalogTotals *ret_totals,
                                  GError **error);

/* Of any kind. NOT_FOUND. */
gboolean vault_catalog_find(VaultCatalog *catalog, const RecordId *record_id,
                            VaultRecordKind *ret_kind, VaultPlace *ret_place, GError **error);

typedef struct {
    VaultRecordKind kind;
    RecordId record_id;
    VaultPlace place;
} VaultCatalogPart;
/* Body, copies, others of a message, in this order: GArray of VaultCatalogPart, may be empty. */
GArray *vault_catalog_parts(VaultCatalog *catalog, const RecordId *body_id, GError **error);

/* Bodies of the same stored message: one query for all repeat tags that it may bear, since it is
 * asked for every delivery. The retry tag says whether sender and bytes received were the same,
 * too; what is not the same message cannot be a retry. */
#define VAULT_CATALOG_TAGS_MAX 16
typedef struct {
    RecordId body_id;
    DeliveryTag retry_tag;
} VaultTaggedBody;
/* Appends VaultTaggedBody to ret_bodies. At most VAULT_CATALOG_TAGS_MAX tags (asserted). */
gboolean vault_catalog_find_repeats(VaultCatalog *catalog, const DeliveryTag *repeat_tags,
                                    gsize count, GArray *ret_bodies, GError **error);

struct VaultCatalogCopy {
    RecordId record_id;
    RecordId body_id;
    MonthKeyId month_key_id;
    guint32 leaf;
    guint64 received_s;
    guint32 flags;
    VaultPlace place;
    guint64 body_len; /* stored bytes; 0 when its body is not known */
};

/* All copies of a body: GArray of VaultCatalogCopy. */
GArray *vault_catalog_copies_of(VaultCatalog *catalog, const RecordId *body_id, GError **error);
/* Appends to `bodies` (GArray of RecordId) those that repeat one of them or are repeated by one,
 * and so on: deliveries of the same stored message. Reads all bodies that repeat another. */
gboolean vault_catalog_add_repeats(VaultCatalog *catalog, GArray *bodies, GError **error);
/* NOT_FOUND. */
gboolean vault_catalog_find_copy(VaultCatalog *catalog, const RecordId *record_id,
                                 VaultCatalogCopy *ret_copy, GError **error);
/* A terms copy, and of the copy whose words it holds when that was received. */
typedef struct {
    RecordId record_id;
    RecordId body_id;
    MonthKeyId month_key_id;
    guint32 leaf;
    guint64 received_s;
    VaultPlace place;
} VaultCatalogTerms;
/* NOT_FOUND: no such terms copy, or its copy is gone. */
gboolean vault_catalog_find_terms(VaultCatalog *catalog, const RecordId *record_id,
                                  VaultCatalogTerms *ret_terms, GError **error);
/* Where records of other kinds than bodies and copies lie, many at once. Of one that is not there
 * the length is 0. */
gboolean vault_catalog_find_others(VaultCatalog *catalog, const RecordId *record_ids, gsize count,
                                   VaultPlace *ret_places, GError **error);
/* The message whose terms body that is. NOT_FOUND: it is none. */
gboolean vault_catalog_find_terms_body(VaultCatalog *catalog, const RecordId *record_id,
                                       RecordId *ret_body_id, GError **error);
gboolean vault_catalog_month_totals(VaultCatalog *catalog, const MonthKeyId *month_key_id,
                                    guint64 *ret_count, guint64 *ret_last_received_s,
                                    GError **error);

/* The highest leaf of the month that any copy ever added bore, plus 1; 0 for none. A keyring that
 * was restored from an older copy knows of fewer. */
gboolean vault_catalog_leaf_end(VaultCatalog *catalog, const MonthKeyId *month_key_id,
                                guint64 *ret_end, GError **error);

/* Which copies. A list that is NULL does not narrow; an empty one (count 0, not NULL) selects
 * nothing. Borrowed until the cursor is freed. */
typedef struct {
    const MonthKeyId *months;
    gsize month_count;
    const RecordId *messages;
    gsize message_count;
    guint64 from_s, to_s; /* received, [from, to); to 0 = no end */
} VaultCatalogFilter;

/* Copies in order of received time, then record id, page by page: between pages no lock and no
 * transaction is held, so what was added meanwhile may show. Memory is bounded, except that with
 * `messages` all of their copies are held. One user; the catalog must outlive it. */
typedef struct VaultCatalogCursor VaultCatalogCursor;
VaultCatalogCursor *vault_catalog_cursor_new(VaultCatalog *catalog,
                                             const VaultCatalogFilter *filter, GError **error);
void vault_catalog_cursor_free(VaultCatalogCursor *cursor);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultCatalogCursor, vault_catalog_cursor_free)
/* Replaces the content of `page` (GArray of VaultCatalogCopy); an empty one is the end. */
gboolean vault_catalog_cursor_next(VaultCatalogCursor *cursor, GArray *page, GError **error);

/* A copy and its terms copy, in order of cataloguing. */
typedef struct {
    RecordId terms_id; /* zeros: it has none, as far as is known */
    RecordId copy_id;
    RecordId body_id;
    MonthKeyId month_key_id;
    guint32 leaf;
    guint64 received_s;
    guint32 flags;
} VaultCatalogArrival;
typedef struct {
    guint64 mark;     /* random, of the catalog's file; 0 to begin */
    guint64 sequence; /* of the last copy that was read */
    gboolean is_anew; /* set by each call: this is another file, and the list of it begins here */
} VaultCatalogPosition;
/* Appends to `page` (GArray of VaultCatalogArrival) the next copies that the filter selects, at
 * most `max`, and moves the position behind what was read. FALSE in *ret_is_more: that was all. A
 * copy to which terms come later is listed once more, with them. Costs what lies behind the
 * position. */
gboolean vault_catalog_arrivals(VaultCatalog *catalog, const VaultCatalogFilter *filter,
                                VaultCatalogPosition *position, gsize max, GArray *page,
                                gboolean *ret_is_more, GError **error);
/* Under which leaves a message has terms copies: GArray of VaultCatalogLeaf. */
typedef struct {
    MonthKeyId month_key_id;
    guint32 leaf;
} VaultCatalogLeaf;
GArray *vault_catalog_terms_of(VaultCatalog *catalog, const RecordId *body_id, GError **error);
/* How many copies have other terms than the rows of terms copies say; reads both tables. */
gboolean vault_catalog_count_mislinked(VaultCatalog *catalog, guint64 *ret_count, GError **error);

/* SHA-256 over all records in a fixed order, without tags, pack states and what the order of
 * cataloguing is: two catalogs of the same packs have the same. */
gboolean vault_catalog_digest(VaultCatalog *catalog, VaultHash *ret_hash, GError **error);
/* SQLite's own check of the file. */
gboolean vault_catalog_check(VaultCatalog *catalog, GError **error);
