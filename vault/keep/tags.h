/* Inside vault/keep: how a delivery is known again: day keys, tags, deliveries in flight.
 *
 * A retry tag is a MAC over sender and the SHA-256 of the bytes received, a repeat tag one over
 * the SHA-256 of the stored message, both under the key of the day, which is dropped after
 * VAULT_DAY_KEY_DAYS days (never while the clock is not to be trusted). An import has a key of its
 * own. Threads: safe. Errors: NO_SPACE, IO, CORRUPT of the keyring.
 */
#pragma once

#include "vault/keep/clock.h"
#include "vault/keep/keyring_batch.h"

#define VAULT_DAY_KEY_DAYS 9
/* Keys that live at once: those of the past days, today's, and room for a clock that jumped. */
#define VAULT_DAY_KEYS_MAX 16

typedef struct VaultTags VaultTags;
VaultTags *vault_tags_new(VaultKeyring *keyring, VaultKeyringBatch *batch, VaultClock *clock,
                          GError **error);
void vault_tags_free(VaultTags *tags);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VaultTags, vault_tags_free)

/* Today's key is there and old ones are gone. ret_since_s: bodies archived earlier bear tags that
 * nothing can make any more; ret_changed whether that is new. */
gboolean vault_tags_renew(VaultTags *tags, guint64 *ret_since_s, gboolean *ret_changed,
                          GError **error);

/* As vault_tags_renew() says it, of the keys as they are. */
guint64 vault_tags_since_s(VaultTags *tags);

/* A delivery's tags under every key that lives; the first is the one it will bear. */
typedef struct {
    gsize count;
    DeliveryTag retry[VAULT_DAY_KEYS_MAX];
    DeliveryTag repeat[VAULT_DAY_KEYS_MAX];
} VaultTagList;
void vault_tags_make(VaultTags *tags, const char *sender, const VaultHash *received_hash,
                     const VaultHash *stored_hash, const DayKey *import_key,
                     VaultTagList *ret_list);

/* Waits while a delivery that bears one of the retry tags is in flight, then this one is. */
void vault_tags_enter(VaultTags *tags, const VaultTagList *list);
void vault_tags_leave(VaultTags *tags, const DeliveryTag *retry_tag);
