#include "vault/store/catalog.h"

#include "vault/base/file.h"
#include "vault/store/catalog_sql.h"

#include <fcntl.h>

/* PRAGMA application_id "MNCT". */
#define APPLICATION_ID 0x4d4e4354
#define SCHEMA_VERSION 4
#define BUILD_CACHE_KIB 131072

/* Copies lie in order of time: new mail is appended, a restore of everything reads straight on. */
static const char tables[] =
    "CREATE TABLE totals (vault_id BLOB NOT NULL, message_count INTEGER NOT NULL, "
    "copy_count INTEGER NOT NULL, other_count INTEGER NOT NULL, last_archived_s INTEGER NOT NULL, "
    "mark INTEGER NOT NULL, sequence INTEGER NOT NULL);"
    "CREATE TABLE packs (pack_no INTEGER PRIMARY KEY, pack_id BLOB NOT NULL UNIQUE, "
    "end INTEGER NOT NULL, state INTEGER NOT NULL);"
    "CREATE TABLE bodies (body_id BLOB NOT NULL PRIMARY KEY, pack_no INTEGER NOT NULL, "
    "offset INTEGER NOT NULL, len INTEGER NOT NULL, received_s INTEGER NOT NULL, "
    "archived_s INTEGER NOT NULL, flags INTEGER NOT NULL, repeats BLOB) WITHOUT ROWID;"
    "CREATE TABLE copies (received_s INTEGER NOT NULL, record_id BLOB NOT NULL, "
    "body_id BLOB NOT NULL, month_key_id BLOB NOT NULL, leaf INTEGER NOT NULL, "
    "flags INTEGER NOT NULL, pack_no INTEGER NOT NULL, offset INTEGER NOT NULL, "
    "len INTEGER NOT NULL, sequence INTEGER NOT NULL, terms_id BLOB, "
    "PRIMARY KEY (received_s, record_id)) WITHOUT ROWID;"
    "CREATE TABLE others (record_id BLOB NOT NULL PRIMARY KEY, kind INTEGER NOT NULL, "
    "body_id BLOB NOT NULL, month_key_id BLOB NOT NULL, leaf INTEGER NOT NULL, "
    "pack_no INTEGER NOT NULL, offset INTEGER NOT NULL, len INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE tags (repeat_tag BLOB NOT NULL, body_id BLOB NOT NULL, retry_tag BLOB NOT NULL, "
    "archived_s INTEGER NOT NULL, PRIMARY KEY (repeat_tag, body_id)) WITHOUT ROWID;"
    "CREATE TABLE leaves (month_key_id BLOB NOT NULL PRIMARY KEY, end INTEGER NOT NULL) "
    "WITHOUT ROWID;";

static const char indexes[] =
    "CREATE UNIQUE INDEX copies_record ON copies (record_id);"
    "CREATE INDEX copies_body ON copies (body_id);"
    "CREATE INDEX copies_month ON copies (month_key_id, received_s, record_id);"
    "CREATE INDEX copies_sequence ON copies (sequence);"
    "CREATE INDEX others_body ON others (body_id, month_key_id, leaf, kind);";

/* Kind 4: the terms copy under the leaf of a copy. There is one; of several the first by its id. */
#define TERMS_OF(body, month, leaf)                                                                \
    "(SELECT min(record_id) FROM others INDEXED BY others_body WHERE body_id = " body              \
    " AND month_key_id = " month " AND leaf = " leaf " AND kind = 4)"
#define TERMS_OF_COPY TERMS_OF("copies.body_id", "copies.month_key_id", "copies.leaf")
#define ADD_COPY                                                                                   \
    "INSERT OR IGNORE INTO copies (record_id, pack_no, offset, len, received_s, flags, "           \
    "body_id, month_key_id, leaf, sequence, terms_id) VALUES "                                     \
    "(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, "
#define LINK_COPY "WHERE body_id = ?1 AND month_key_id = ?2 AND leaf = ?3"

/* Only when it is used: a full read of the table. */
#define IN_REPLACED "WHERE pack_no IN (SELECT pack_no FROM packs WHERE state = 3)"
#define TAGGED_BODIES "SELECT body_id, retry_tag FROM tags WHERE repeat_tag IN "

static const char *const texts[CATALOG_STATEMENT_COUNT] = {
    [CATALOG_BEGIN] = "BEGIN IMMEDIATE",
    [CATALOG_COMMIT] = "COMMIT",
    [CATALOG_ROLLBACK] = "ROLLBACK",
    [CATALOG_PACK_NO] = "SELECT pack_no FROM packs WHERE pack_id = ?1",
    [CATALOG_ADD_PACK] = "INSERT INTO packs (pack_id, end, state) VALUES (?1, 0, 0) "
                         "RETURNING pack_no",
    [CATALOG_ADVANCE_PACK] =
        "UPDATE packs SET end = max(end, ?2), state = max(state, ?3) WHERE pack_no = ?1",
    [CATALOG_ADD_BODY] = "INSERT OR IGNORE INTO bodies (body_id, pack_no, offset, len, received_s, "
                         "archived_s, flags, repeats) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    [CATALOG_ADD_COPY] = ADD_COPY TERMS_OF("?7", "?8", "?9") ")",
    [CATALOG_BUILD_COPY] = ADD_COPY "NULL)",
    [CATALOG_LINK_NEW_COPY] = "UPDATE copies INDEXED BY copies_body SET terms_id = ?4 " LINK_COPY
                              " AND sequence > ?5 AND terms_id IS NULL",
    [CATALOG_LINK_COPY] = "UPDATE copies INDEXED BY copies_body SET sequence = ?5, "
                          "terms_id = min(coalesce(terms_id, ?4), ?4) " LINK_COPY,
    [CATALOG_ADD_OTHER] = "INSERT OR IGNORE INTO others (record_id, pack_no, offset, len, kind, "
                          "body_id, month_key_id, leaf) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    [CATALOG_ADD_TAG] = "INSERT OR IGNORE INTO tags (repeat_tag, body_id, retry_tag, archived_s) "
                        "VALUES (?1, ?2, ?3, ?4)",
    [CATALOG_ADD_LEAF] = "INSERT INTO leaves (month_key_id, end) VALUES (?1, ?2) ON CONFLICT DO "
                         "UPDATE SET end = max(end, excluded.end)",
    [CATALOG_ADD_TOTALS] =
        "UPDATE totals SET message_count = message_count + ?1 - ?5, "
        "copy_count = copy_count + ?2 - ?6, other_count = other_count + ?3 - ?7, "
        "last_archived_s = max(last_archived_s, ?4), sequence = ?8",
    [CATALOG_SEQUENCE] = "SELECT sequence, mark FROM totals",
    [CATALOG_COPIES_SINCE] =
        "SELECT sequence, terms_id, record_id, body_id, month_key_id, leaf, received_s, flags "
        "FROM copies INDEXED BY copies_sequence WHERE sequence > ?1 ORDER BY sequence",
    [CATALOG_TERMS_OF] = "SELECT month_key_id, leaf FROM others INDEXED BY others_body "
                         "WHERE body_id = ?1 AND kind = 4",
    [CATALOG_MISLINKED] = "SELECT count(*) FROM copies WHERE terms_id IS NOT " TERMS_OF_COPY,
    [CATALOG_PRUNE_TAGS] = "DELETE FROM tags WHERE archived_s < ?1",
    [CATALOG_PACKS] = "SELECT pack_id, end, state FROM packs ORDER BY pack_no",
    [CATALOG_TOTALS] = "SELECT message_count, copy_count, other_count, last_archived_s FROM totals",
    [CATALOG_FIND_BODY] = "SELECT p.pack_id, b.offset, b.len FROM bodies b LEFT JOIN packs p ON "
                          "p.pack_no = b.pack_no WHERE b.body_id = ?1",
    [CATALOG_FIND_OTHER] = "SELECT p.pack_id, o.offset, o.len, o.kind FROM others o LEFT JOIN "
                           "packs p ON p.pack_no = o.pack_no WHERE o.record_id = ?1",
    [CATALOG_FIND_COPY] =
        "SELECT " CATALOG_COPY_COLUMNS " FROM copies c INDEXED BY copies_record" CATALOG_COPY_JOINS
        "WHERE c.record_id = ?1",
    /* Kind 4: a terms copy. It is of the copy under the same leaf. */
    [CATALOG_FIND_TERMS] =
        "SELECT o.body_id, o.month_key_id, o.leaf, c.received_s, p.pack_id, o.offset, o.len "
        "FROM others o JOIN copies c INDEXED BY copies_body ON c.body_id = o.body_id AND "
        "c.month_key_id = o.month_key_id AND c.leaf = o.leaf LEFT JOIN packs p ON "
        "p.pack_no = o.pack_no WHERE o.record_id = ?1 AND o.kind = 4",
    [CATALOG_FIND_TERMS_BODY] = "SELECT body_id FROM others WHERE record_id = ?1 AND kind = 3",
    [CATALOG_PARTS] = "SELECT o.record_id, o.kind, p.pack_id, o.offset, o.len FROM others o "
                      "LEFT JOIN packs p ON p.pack_no = o.pack_no WHERE o.body_id = ?1 "
                      "ORDER BY o.kind, o.record_id",
    [CATALOG_FIND_1_TAG] = TAGGED_BODIES "(?1)",
    [CATALOG_FIND_4_TAGS] = TAGGED_BODIES "(?1, ?2, ?3, ?4)",
    [CATALOG_FIND_16_TAGS] = TAGGED_BODIES "(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, "
                                           "?13, ?14, ?15, ?16)",
    [CATALOG_COPIES_OF] =
        "SELECT " CATALOG_COPY_COLUMNS " FROM copies c INDEXED BY copies_body" CATALOG_COPY_JOINS
        "WHERE c.body_id = ?1 ORDER BY c.received_s, c.record_id",
    [CATALOG_MONTH_TOTALS] = "SELECT count(*), coalesce(max(received_s), 0) FROM copies INDEXED BY "
                             "copies_month WHERE month_key_id = ?1",
    [CATALOG_LEAF_END] = "SELECT end FROM leaves WHERE month_key_id = ?1",
    [CATALOG_ITEM_COPIES] =
        "SELECT c.body_id, p.pack_id, c.len, c.month_key_id, c.leaf FROM copies c INDEXED BY "
        "copies_body JOIN packs p USING (pack_no) WHERE c.body_id >= ?1 AND c.body_id < ?2",
    [CATALOG_ITEM_BODIES] = "SELECT b.body_id, p.pack_id, b.len FROM bodies b JOIN packs p USING "
                            "(pack_no) WHERE b.body_id >= ?1 AND b.body_id < ?2",
    [CATALOG_ITEM_OTHERS] =
        "SELECT o.body_id, p.pack_id, o.len, o.month_key_id, o.leaf, o.kind FROM others o JOIN "
        "packs p USING (pack_no) WHERE o.body_id >= ?1 AND o.body_id < ?2",
    [CATALOG_MOVE_BODY] =
        "UPDATE bodies SET pack_no = ?2, offset = ?3, len = ?4 WHERE body_id = ?1",
    [CATALOG_MOVE_COPY] =
        "UPDATE copies SET pack_no = ?2, offset = ?3, len = ?4 WHERE record_id = ?1",
    [CATALOG_MOVE_OTHER] =
        "UPDATE others SET pack_no = ?2, offset = ?3, len = ?4 WHERE record_id = ?1",
    [CATALOG_DROP_BODY] = "DELETE FROM bodies WHERE body_id = ?1",
    [CATALOG_DROP_COPY] = "DELETE FROM copies WHERE record_id = ?1",
    [CATALOG_DROP_OTHER] = "DELETE FROM others WHERE record_id = ?1",
    [CATALOG_DROP_TAG] = "DELETE FROM tags WHERE repeat_tag = ?1 AND body_id = ?2",
    [CATALOG_REPLACE_PACK] = "UPDATE packs SET state = 3 WHERE pack_id = ?1",
    [CATALOG_PURGE_TAGS] =
        "DELETE FROM tags WHERE body_id IN (SELECT body_id FROM bodies " IN_REPLACED ")",
    [CATALOG_PURGE_BODIES] = "DELETE FROM bodies " IN_REPLACED,
    [CATALOG_PURGE_COPIES] = "DELETE FROM copies " IN_REPLACED,
    [CATALOG_PURGE_OTHERS] = "DELETE FROM others " IN_REPLACED,
    [CATALOG_FORGET_REPLACED] = "DELETE FROM packs WHERE state = 3",
    [CATALOG_REMOVE_COPY] = "DELETE FROM copies WHERE month_key_id = ?1 AND record_id = ?2",
    [CATALOG_REMOVE_OTHERS] =
        "DELETE FROM others WHERE body_id = ?2 AND month_key_id = ?1 AND leaf = ?3",
    [CATALOG_REMOVE_MONTH] = "DELETE FROM copies WHERE month_key_id = ?1",
    [CATALOG_REMOVE_OTHERS_OF_MONTH] =
        "DELETE FROM others WHERE body_id IN (SELECT body_id FROM copies INDEXED BY copies_month "
        "WHERE month_key_id = ?1) AND month_key_id = ?1",
    [CATALOG_TAKE_TOTALS] =
        "UPDATE totals SET copy_count = copy_count - ?1, other_count = other_count - ?2",
    [CATALOG_REPEATS] = "SELECT body_id, repeats FROM bodies WHERE repeats IS NOT NULL",
};

/* ---- open and close ------------------------------------------------------------------------- */

void vault_catalog_close(VaultCatalog *catalog)
{
    if (catalog == NULL)
        return;
    vault_sql_close(catalog->sql);
    g_mutex_clear(&catalog->lock);
    g_free(catalog->path);
    g_free(catalog);
}

static const char *pragmas(VaultCatalogMode mode)
{
    switch (mode) {
    case VAULT_CATALOG_READ:
        return "PRAGMA query_only=ON; PRAGMA cache_size=-8192;";
    case VAULT_CATALOG_WRITE:
        /* NORMAL syncs at checkpoints only: a power cut may take the last transactions, never a
         * part of one, and start-up reads them from the packs again. */
        return "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-16384; "
               "PRAGMA wal_autocheckpoint=2000; PRAGMA journal_size_limit=33554432;";
    case VAULT_CATALOG_BUILD:
        return "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA locking_mode=EXCLUSIVE; "
               "PRAGMA cache_size=-" G_STRINGIFY(BUILD_CACHE_KIB) ";";
    }
    g_assert_not_reached();
}

/* Of this file: whoever read a list of another one begins anew. */
static gint64 random_mark(void)
{
    guint64 mark;

    vault_random(&mark, sizeof mark);
    return (gint64)(mark >> 1 | 1);
}

static gboolean create_schema(VaultCatalog *catalog, const VaultId *vault_id, GError **error)
{
    g_autofree char *script = g_strdup_printf(
        "BEGIN IMMEDIATE; PRAGMA application_id=%d; PRAGMA user_version=%d; %s %s "
        "INSERT INTO totals VALUES (x'%s', 0, 0, 0, 0, %" G_GINT64_FORMAT ", 0); COMMIT;",
        APPLICATION_ID, SCHEMA_VERSION, tables, catalog->mode == VAULT_CATALOG_BUILD ? "" : indexes,
        VAULT_ID_TEXT(*vault_id), random_mark());

    return vault_sql_exec(catalog->sql, script, error);
}

static gboolean check_vault(VaultCatalog *catalog, const VaultId *vault_id, GError **error)
{
    VaultStatement *get = vault_sql_prepare(catalog->sql, "SELECT vault_id FROM totals", error);
    VaultId stored = {{0}};
    gboolean has_row = FALSE, is_read;

    if (get == NULL)
        return FALSE;
    is_read = vault_sql_step(catalog->sql, get, &has_row, error) &&
              (!has_row || vault_sql_column_id(catalog->sql, get, 0, stored.bytes, error));
    vault_statement_free(get);
    if (!is_read || (has_row && VAULT_ID_EQUAL(stored, *vault_id)))
        return is_read;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT, "%s is the catalog of another vault",
                catalog->path);
    return FALSE;
}

static gboolean check_schema(VaultCatalog *catalog, const VaultId *vault_id, GError **error)
{
    gint64 application_id = 0, version = 0;

    if (!vault_sql_exec_int(catalog->sql, "PRAGMA application_id", &application_id, error) ||
        !vault_sql_exec_int(catalog->sql, "PRAGMA user_version", &version, error))
        return FALSE;
    if (application_id == 0 && version == 0 && catalog->mode != VAULT_CATALOG_READ)
        return create_schema(catalog, vault_id, error);
    if (application_id != APPLICATION_ID) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT, "%s is not a catalog", catalog->path);
        return FALSE;
    }
    if (version != SCHEMA_VERSION) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_UNSUPPORTED,
                    "%s has schema version %" G_GINT64_FORMAT
                    ", this program knows %d: run muniment rebuild",
                    catalog->path, version, SCHEMA_VERSION);
        return FALSE;
    }
    return check_vault(catalog, vault_id, error);
}

VaultCatalog *vault_catalog_open(const char *path, VaultCatalogMode mode, const VaultId *vault_id,
                                 GError **error)
{
    g_autoptr(VaultCatalog) catalog = g_new0(VaultCatalog, 1);

    g_mutex_init(&catalog->lock);
    catalog->path = g_strdup(path);
    catalog->mode = mode;
    catalog->sql =
        vault_sql_open(path, mode == VAULT_CATALOG_READ ? VAULT_SQL_READ : VAULT_SQL_CREATE, texts,
                       CATALOG_STATEMENT_COUNT, error);
    if (catalog->sql == NULL || !vault_sql_exec(catalog->sql, pragmas(mode), error) ||
        !check_schema(catalog, vault_id, error))
        return NULL;
    return g_steal_pointer(&catalog);
}

/* ---- transactions --------------------------------------------------------------------------- */

static gboolean run_statement(VaultCatalog *catalog, gsize statement, GError **error)
{
    g_autoptr(VaultStatement) run = vault_sql_use(catalog->sql, statement, error);

    return run != NULL && vault_sql_run(catalog->sql, run, error);
}

gboolean vault_catalog_begin(VaultCatalog *catalog, GError **error)
{
    g_mutex_lock(&catalog->lock);
    catalog->added = catalog->removed = (VaultCatalogTotals){0};
    /* A pack added by an abandoned transaction has no number any more. */
    catalog->known_pack_no = 0;
    if (run_statement(catalog, CATALOG_BEGIN, error)) {
        if (catalog_read_sequence(catalog, &catalog->sequence, NULL, error)) {
            catalog->sequence_before = catalog->sequence;
            return TRUE;
        }
        run_statement(catalog, CATALOG_ROLLBACK, NULL);
    }
    g_mutex_unlock(&catalog->lock);
    return FALSE;
}

void vault_catalog_abandon(VaultCatalog *catalog)
{
    /* After a full disk SQLite may have rolled back by itself. */
    run_statement(catalog, CATALOG_ROLLBACK, NULL);
    g_mutex_unlock(&catalog->lock);
}

static gboolean add_totals(VaultCatalog *catalog, GError **error)
{
    g_autoptr(VaultStatement) add = vault_sql_use(catalog->sql, CATALOG_ADD_TOTALS, error);

    if (add == NULL)
        return FALSE;
    vault_sql_bind_u64(add, 1, catalog->added.message_count);
    vault_sql_bind_u64(add, 2, catalog->added.copy_count);
    vault_sql_bind_u64(add, 3, catalog->added.other_count);
    vault_sql_bind_u64(add, 4, catalog->added.last_archived_s);
    vault_sql_bind_u64(add, 5, catalog->removed.message_count);
    vault_sql_bind_u64(add, 6, catalog->removed.copy_count);
    vault_sql_bind_u64(add, 7, catalog->removed.other_count);
    vault_sql_bind_u64(add, 8, catalog->sequence);
    return vault_sql_run(catalog->sql, add, error);
}

gboolean vault_catalog_end(VaultCatalog *catalog, GError **error)
{
    if (add_totals(catalog, error) && run_statement(catalog, CATALOG_COMMIT, error)) {
        g_mutex_unlock(&catalog->lock);
        return TRUE;
    }
    vault_catalog_abandon(catalog);
    return FALSE;
}

/* ---- building ------------------------------------------------------------------------------- */

gboolean vault_catalog_finish_build(VaultCatalog *catalog, GError **error)
{
    CATALOG_LOCK(catalog);
    g_auto(VaultFd) fd = -1;

    g_assert(catalog->mode == VAULT_CATALOG_BUILD);
    if (!vault_sql_exec(catalog->sql, indexes, error) ||
        !vault_sql_exec(catalog->sql, "UPDATE copies SET terms_id = " TERMS_OF_COPY, error) ||
        !vault_sql_exec(catalog->sql, "PRAGMA locking_mode=NORMAL; SELECT count(*) FROM totals;",
                        error))
        return FALSE;
    fd = open(catalog->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return vault_error_set_errno(error, errno, "cannot open", catalog->path);
    return vault_file_sync(fd, catalog->path, error);
}
