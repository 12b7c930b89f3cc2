/* Opaque identifiers, a struct type each, so that the wrong one does not compile.
 *
 * All are 16 random bytes but the key ids, which are the first 16 bytes of a SHA-256
 * (docs/formats/keys.md). Outside they are written as 32 lower-case hexadecimal digits.
 */
#pragma once

#include <glib.h>
#include <string.h>

#define VAULT_ID_LEN 16
#define VAULT_ID_HEX_LEN (2 * VAULT_ID_LEN)

typedef struct {
    guint8 bytes[VAULT_ID_LEN];
} VaultId;
typedef struct {
    guint8 bytes[VAULT_ID_LEN];
} MailboxId;
typedef struct {
    guint8 bytes[VAULT_ID_LEN];
} RecordId; /* of a body: the archive id */
typedef struct {
    guint8 bytes[VAULT_ID_LEN];
} PackId;
typedef struct {
    guint8 bytes[VAULT_ID_LEN];
} RowId;
typedef struct {
    guint8 bytes[VAULT_ID_LEN];
} MonthKeyId; /* key id of a month's content key */
typedef struct {
    guint8 bytes[VAULT_ID_LEN];
} KeyId; /* key id of any other public key */

typedef struct {
    char text[VAULT_ID_HEX_LEN + 1];
} VaultIdHex;

/* For any of the types above: VAULT_ID_TEXT(id) lives until the end of the full expression's block.
 */
VaultIdHex vault_id_hex(const guint8 bytes[VAULT_ID_LEN]);
#define VAULT_ID_TEXT(id) (vault_id_hex((id).bytes).text)

/* Exactly 32 hexadecimal digits, either case; else MALFORMED. */
gboolean vault_id_parse(const char *text, guint8 ret_bytes[VAULT_ID_LEN], GError **error);

/* GHashTable functions for keys that point to one of the types above. */
guint vault_id_hash(gconstpointer id);
gboolean vault_id_equal(gconstpointer a, gconstpointer b);

#define VAULT_ID_EQUAL(a, b) (memcmp((a).bytes, (b).bytes, VAULT_ID_LEN) == 0)

gboolean vault_id_is_zero(const guint8 bytes[VAULT_ID_LEN]);
