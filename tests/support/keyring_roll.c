#include "tests/support/keyring_roll.h"

#include "vault/keep/internal.h"
#include "vault/store/keyring_rows.h"

typedef struct {
    guint8 row_id[VAULT_ID_LEN];
    GByteArray *value;
} Row;

static GArray *read_rows(VaultKeyring *keyring, guint table)
{
    GArray *rows = g_array_new(FALSE, FALSE, sizeof(Row));
    g_autoptr(VaultStatement) each =
        vault_sql_use(keyring->sql, table * ROW_OP_COUNT + ROW_EACH, NULL);
    gboolean has_row;

    while (vault_sql_step(keyring->sql, each, &has_row, NULL) && has_row) {
        Row row;

        row.value = vault_keyring_row_open(keyring, table, each, NULL, row.row_id, NULL);
        assert_non_null(row.value);
        g_array_append_val(rows, row);
    }
    return rows;
}

static void seal_rows(VaultKeyring *keyring, guint table, GArray *rows)
{
    for (guint i = 0; i < rows->len; i++) {
        const Row *row = &g_array_index(rows, Row, i);

        assert_true(vault_keyring_row_put(keyring, table, row->row_id, NULL, row->value, NULL));
        vault_value_free(row->value);
    }
    g_array_unref(rows);
}

void keyring_roll(KeepFixture *fixture, const VaultKey *next)
{
    VaultKeyring *keyring = fixture->keep->keyring;
    VaultKeyringChange *change = vault_keyring_begin(keyring, NULL);
    GArray *row_keys = read_rows(keyring, TABLE_ROW_KEYS);
    GArray *generations = read_rows(keyring, TABLE_GENERATION);
    Row *row = &g_array_index(generations, Row, 0);
    VaultGenerationValue generation;

    assert_true(vault_generation_value_parse(row->value->data, row->value->len, &generation, NULL));
    vault_value_free(row->value);
    generation.generation = next->generation;
    row->value = vault_generation_value_format(&generation);
    *keyring->vault_key = *next;
    seal_rows(keyring, TABLE_ROW_KEYS, row_keys);
    seal_rows(keyring, TABLE_GENERATION, generations);
    assert_true(vault_keyring_commit(change, NULL));
}
