#include "tests/support/vault_world.h"

#include "vault/base/file.h"
#include "vault/keep/release.h"

#include <glib/gstdio.h>

static guint64 now_s(void)
{
    return VAULT_WORLD_RECEIVED_S;
}

/* Fails the test with the error's text. */
static void check(gboolean is_good, const char *what, const GError *error)
{
    if (!is_good)
        fail_msg("%s: %s", what, error == NULL ? "no error was set" : error->message);
}

void vault_world_open(VaultWorld *world)
{
    VaultKeepOptions options = {.mode = VAULT_KEEP_WRITER, .now_s = now_s};
    g_autoptr(GError) error = NULL;

    world->keep = vault_keep_open(world->path, &options, &error);
    check(world->keep != NULL, "open the vault", error);
    world->records = sources_local_records(world->keep);
}

void vault_world_close(VaultWorld *world)
{
    g_autoptr(GError) error = NULL;

    check(vault_keep_close(world->keep, &error), "close the vault", error);
    g_clear_pointer(&world->keep, vault_keep_free);
}

VaultWorld *vault_world_new(void)
{
    VaultWorld *world = g_new0(VaultWorld, 1);
    g_autoptr(GError) error = NULL;

    vault_crypto_init();
    world->folder = g_dir_make_tmp("muniment-test-XXXXXX", &error);
    check(world->folder != NULL, "make a folder", error);
    world->path = g_build_filename(world->folder, "vault", NULL);
    world->key_path = g_build_filename(world->folder, "vault.vaultkey", NULL);
    vault_master_create(&world->master);

    VaultCreateOptions options = {
        .masters = &world->master.public, .master_count = 1, .now_s = now_s};
    check(vault_keep_create(world->path, &options, &error), "make a vault", error);
    vault_world_open(world);
    return world;
}

static void remove_tree(const char *path)
{
    g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);

    for (const char *name; folder != NULL && (name = g_dir_read_name(folder)) != NULL;) {
        g_autofree char *child = g_build_filename(path, name, NULL);
        remove_tree(child);
    }
    g_remove(path);
}

void vault_world_free(VaultWorld *world)
{
    vault_keep_free(world->keep);
    vault_master_wipe(&world->master);
    remove_tree(world->folder);
    g_free(world->folder);
    g_free(world->path);
    g_free(world->key_path);
    g_free(world);
}

RecordId vault_world_deliver(VaultWorld *world, const char *owner, const void *message, gsize len)
{
    IngestOwner *only = g_new0(IngestOwner, 1);
    g_autoptr(GError) error = NULL;
    IngestDeliveryResult result;

    only->address = g_strdup(owner);
    only->role = VAULT_OWNER_RECIPIENT;
    only->recipients = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(only->recipients, g_strdup(owner));
    IngestDeliveryOptions options = {
        .sender = "sender@example.net",
        .owners = g_ptr_array_new_with_free_func((GDestroyNotify)ingest_owner_free),
        .received_s = VAULT_WORLD_RECEIVED_S,
        .archived_s = VAULT_WORLD_RECEIVED_S,
        .source = "lmtp"};
    g_ptr_array_add(options.owners, only);

    g_autoptr(IngestDelivery) delivery =
        ingest_delivery_begin(vault_keep_depository(world->keep), &options, &error);
    check(delivery != NULL, "begin a delivery", error);
    check(ingest_delivery_write(delivery, message, len, &error), "write a message", error);
    check(ingest_delivery_commit(delivery, &result, &error), "commit a delivery", error);
    return result.archive_id;
}

static gboolean add_copy(const VaultCopyEntry *entry, gpointer user, GError **error)
{
    g_array_append_vals(user, entry, 1);
    return TRUE;
}

GArray *vault_world_copies(VaultWorld *world)
{
    VaultCopyFilter filter = {0};
    GArray *copies = g_array_new(FALSE, FALSE, sizeof(VaultCopyEntry));
    g_autoptr(GError) error = NULL;

    check(vault_keep_flush_catalog(world->keep, &error) &&
              vault_keep_copies(world->keep, &filter, add_copy, copies, &error),
          "list the copies", error);
    return copies;
}

ContentSlot vault_world_release(VaultWorld *world, const VaultCopyEntry *entry)
{
    g_auto(VaultRelease) release = {0};
    g_autoptr(GError) error = NULL;

    check(vault_keep_release(world->keep, entry, 1, &release, &error), "release a slot", error);
    return release.slot;
}

static void unwrap(VaultWorld *world, const VaultMonthKeys *month, VaultGrantedKey *ret_granted)
{
    VaultMonthIdentity identity = {.vault_id = *vault_keep_id(world->keep),
                                   .mailbox_id = month->mailbox_id,
                                   .address = month->address,
                                   .month = month->month};
    const VaultWrap *wrap = &g_array_index(month->wraps, VaultWrap, 0);
    g_autoptr(GError) error = NULL;

    *ret_granted = (VaultGrantedKey){.month_key_id = month->month_key_id,
                                     .mailbox_id = month->mailbox_id,
                                     .month = month->month,
                                     .has_content = TRUE};
    check(vault_month_unwrap(&identity, &month->keys, wrap, world->master.secret_key.bytes,
                             world->master.public.public_key.bytes, &ret_granted->content,
                             &ret_granted->index, &error),
          "unwrap a month", error);
}

GArray *vault_world_grant(VaultWorld *world)
{
    GArray *granted = g_array_new(FALSE, FALSE, sizeof(VaultGrantedKey));
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) mailboxes = vault_keep_mailboxes(world->keep, VAULT_MAILBOX_NAMES, &error);

    g_array_set_clear_func(granted, (GDestroyNotify)vault_granted_key_wipe);
    check(mailboxes != NULL, "list the mailboxes", error);
    for (guint i = 0; i < mailboxes->len; i++) {
        const VaultMailbox *mailbox = g_ptr_array_index(mailboxes, i);
        g_autoptr(GPtrArray) months =
            vault_keep_months(world->keep, &mailbox->id, 1, VAULT_WORLD_RECEIVED_S,
                              VAULT_WORLD_RECEIVED_S + 1, &error);
        check(months != NULL, "list the months", error);
        for (guint m = 0; m < months->len; m++) {
            VaultGrantedKey key;
            unwrap(world, g_ptr_array_index(months, m), &key);
            g_array_append_val(granted, key);
        }
    }
    return granted;
}

VaultReader *vault_world_reader(VaultWorld *world, const GArray *granted)
{
    VaultReaderScope scope = {.vault_id = vault_keep_id(world->keep),
                              .keys = (const VaultGrantedKey *)(gpointer)granted->data,
                              .key_count = granted->len,
                              .from_s = VAULT_WORLD_RECEIVED_S,
                              .to_s = VAULT_WORLD_RECEIVED_S + 1};
    g_autoptr(GError) error = NULL;
    VaultReader *reader = vault_reader_new(&scope, &error);

    check(reader != NULL || g_error_matches(error, VAULT_ERROR, VAULT_ERROR_NO_KEY),
          "make a reader", error);
    return reader;
}

VaultOpenedCopy *vault_world_open_copy(VaultWorld *world, VaultReader *reader,
                                       const VaultCopyEntry *entry, const ContentSlot *slot,
                                       GError **error)
{
    VaultOpenEntry open = sources_open_entry(entry);

    return vault_reader_open_copy(reader, &open, slot, &world->records, error);
}

static gboolean collect(gpointer user, const guint8 *bytes, gsize len, GError **error)
{
    g_byte_array_append(user, bytes, (guint)len);
    return TRUE;
}

GByteArray *vault_world_open_body(VaultWorld *world, VaultReader *reader,
                                  const VaultOpenedCopy *copy, GError **error)
{
    g_autoptr(GByteArray) message = g_byte_array_new();
    VaultHash hash;

    if (!vault_reader_open_body(reader, copy, &world->records, collect, message, &hash, error))
        return NULL;
    return g_steal_pointer(&message);
}
