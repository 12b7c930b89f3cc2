/* What tests do to a vault behind its keeper's back: files cut, swapped and put back, rows changed,
 * months dropped. The vault is closed meanwhile, except where it is said. Functions assert success.
 */
#pragma once

#include "tests/support/keep_fixture.h"

/* Of a file below the vault; "" is the vault itself. A new string. */
char *keep_damage_path(const KeepFixture *fixture, const char *name);
GByteArray *keep_damage_read(const char *path);
void keep_damage_write(const char *path, const void *bytes, gsize len);
/* Turns over the bits of one byte. */
void keep_damage_flip(const char *path, gsize offset);
void keep_damage_remove(const KeepFixture *fixture, const char *name);

/* One of the vault's databases, with its write-ahead log: NULL fields are files that are not there.
 */
typedef struct {
    GByteArray *file, *log;
} KeepDatabase;
KeepDatabase keep_damage_save_database(const KeepFixture *fixture, const char *name);
void keep_damage_restore_database(const KeepFixture *fixture, const char *name,
                                  const KeepDatabase *database);
void keep_database_clear(KeepDatabase *database);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(KeepDatabase, keep_database_clear)

/* Runs a script; the vault may be open. */
void keep_damage_sql(const KeepFixture *fixture, const char *name, const char *script);
/* All rows that a query gives, one a line, blobs in hexadecimal; the vault may be open. */
char *keep_damage_rows(const KeepFixture *fixture, const char *name, const char *query);
/* Everything that a catalog says, packs by their ids. */
char *keep_damage_catalog(const KeepFixture *fixture);

/* The open writer's keyring: the month's row becomes a tombstone, or one of its leaves is gone. */
void keep_damage_drop_month(KeepFixture *fixture, const MonthKeyId *month_key_id);
void keep_damage_puncture(KeepFixture *fixture, const MonthKeyId *month_key_id, guint32 leaf);
/* The month's row is gone without a trace: its records become unknown. */
void keep_damage_forget_month(KeepFixture *fixture, const MonthKeyId *month_key_id);
