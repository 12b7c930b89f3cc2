/* Inside vault/store only: what catalog.c and catalog_*.c share. */
#pragma once

#include "vault/store/catalog.h"
#include "vault/store/sql.h"

enum {
    CATALOG_BEGIN,
    CATALOG_COMMIT,
    CATALOG_ROLLBACK,
    CATALOG_PACK_NO,
    CATALOG_ADD_PACK,
    CATALOG_ADVANCE_PACK,
    CATALOG_ADD_BODY,
    CATALOG_ADD_COPY,
    CATALOG_BUILD_COPY,
    CATALOG_LINK_NEW_COPY,
    CATALOG_LINK_COPY,
    CATALOG_ADD_OTHER,
    CATALOG_ADD_TAG,
    CATALOG_ADD_LEAF,
    CATALOG_ADD_TOTALS,
    CATALOG_SEQUENCE,
    CATALOG_COPIES_SINCE,
    CATALOG_TERMS_OF,
    CATALOG_MISLINKED,
    CATALOG_PRUNE_TAGS,
    CATALOG_PACKS,
    CATALOG_TOTALS,
    CATALOG_FIND_BODY,
    CATALOG_FIND_OTHER,
    CATALOG_FIND_COPY,
    CATALOG_FIND_TERMS,
    CATALOG_FIND_TERMS_BODY,
    CATALOG_PARTS,
    CATALOG_FIND_1_TAG,
    CATALOG_FIND_4_TAGS,
    CATALOG_FIND_16_TAGS,
    CATALOG_COPIES_OF,
    CATALOG_MONTH_TOTALS,
    CATALOG_LEAF_END,
    CATALOG_ITEM_COPIES,
    CATALOG_ITEM_BODIES,
    CATALOG_ITEM_OTHERS,
    CATALOG_MOVE_BODY,
    CATALOG_MOVE_COPY,
    CATALOG_MOVE_OTHER,
    CATALOG_DROP_BODY,
    CATALOG_DROP_COPY,
    CATALOG_DROP_OTHER,
    CATALOG_DROP_TAG,
    CATALOG_REPLACE_PACK,
    CATALOG_PURGE_TAGS,
    CATALOG_PURGE_BODIES,
    CATALOG_PURGE_COPIES,
    CATALOG_PURGE_OTHERS,
    CATALOG_FORGET_REPLACED,
    CATALOG_REMOVE_COPY,
    CATALOG_REMOVE_OTHERS,
    CATALOG_REMOVE_MONTH,
    CATALOG_REMOVE_OTHERS_OF_MONTH,
    CATALOG_TAKE_TOTALS,
    CATALOG_REPEATS,
    CATALOG_STATEMENT_COUNT
};

struct VaultCatalog {
    GMutex lock;
    VaultSql *sql;
    char *path;
    VaultCatalogMode mode;
    VaultCatalogTotals added, removed; /* of the open transaction */
    guint64 sequence, sequence_before; /* the last one given; when the transaction began */
    PackId known_pack;                 /* the last pack asked for, and its number; 0 = none */
    guint64 known_pack_no;
};

/* Before any statement among the declarations: what is declared later is cleaned up first, so that
 * the statement is reset before another thread may have it. */
#define CATALOG_LOCK(catalog)                                                                      \
    G_GNUC_UNUSED g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&(catalog)->lock)

/* The columns of a copy, in the order that catalog_read_copy() expects. */
#define CATALOG_COPY_COLUMNS                                                                       \
    "c.record_id, c.body_id, c.month_key_id, c.leaf, c.received_s, c.flags, p.pack_id, "           \
    "c.offset, c.len, b.len"
#define CATALOG_COPY_JOINS                                                                         \
    " LEFT JOIN packs p ON p.pack_no = c.pack_no LEFT JOIN bodies b ON b.body_id = c.body_id "

/* A statement whose parameters 1 to 4 are the row's record id, pack number, offset and length. */
VaultStatement *catalog_begin_row(VaultCatalog *catalog, gsize statement,
                                  const VaultCatalogRow *row, GError **error);

/* The last number given, and which file this is. */
gboolean catalog_read_sequence(VaultCatalog *catalog, guint64 *ret_sequence, guint64 *ret_mark,
                               GError **error);
gboolean catalog_read_copy(VaultCatalog *catalog, VaultStatement *row, VaultCatalogCopy *ret_copy,
                           GError **error);
/* Columns pack_id, offset, len from `column` on. */
gboolean catalog_read_place(VaultCatalog *catalog, VaultStatement *row, int column,
                            VaultPlace *ret_place, GError **error);
