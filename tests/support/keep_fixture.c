#include "tests/support/keep_fixture.h"

#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static guint64 now_s = KEEP_FIXTURE_NOW_S;
static gint is_clock_synchronised = TRUE;
static gboolean has_terms = TRUE;

void keep_fixture_set_now(guint64 value)
{
    __atomic_store_n(&now_s, value, __ATOMIC_SEQ_CST);
}

guint64 keep_fixture_now(void)
{
    return __atomic_load_n(&now_s, __ATOMIC_SEQ_CST);
}

void keep_fixture_set_synchronised(gboolean is_synchronised)
{
    g_atomic_int_set(&is_clock_synchronised, is_synchronised);
}

void keep_fixture_set_terms(gboolean are_made)
{
    has_terms = are_made;
}

static gboolean is_synchronised(void)
{
    return g_atomic_int_get(&is_clock_synchronised);
}

void keep_fixture_open(KeepFixture *fixture)
{
    g_autoptr(GError) error = NULL;

    assert_null(fixture->keep);
    fixture->keep = vault_keep_open(fixture->path, &fixture->options, &error);
    if (error != NULL)
        fail_msg("%s", error->message);
}

VaultKeep *keep_fixture_reader(KeepFixture *fixture)
{
    VaultKeepOptions options = fixture->options;
    g_autoptr(GError) error = NULL;
    VaultKeep *reader;

    options.mode = VAULT_KEEP_READER;
    reader = vault_keep_open(fixture->path, &options, &error);
    if (reader == NULL)
        fail_msg("%s", error->message);
    return reader;
}

VaultErrorCode keep_fixture_open_error(KeepFixture *fixture)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VaultKeep) keep = vault_keep_open(fixture->path, &fixture->options, &error);

    assert_null(keep);
    assert_non_null(error);
    assert_int_equal(error->domain, VAULT_ERROR);
    return (VaultErrorCode)error->code;
}

void keep_fixture_crash(KeepFixture *fixture)
{
    g_clear_pointer(&fixture->keep, vault_keep_free);
}

void keep_fixture_close(KeepFixture *fixture)
{
    g_autoptr(GError) error = NULL;

    if (!vault_keep_close(fixture->keep, &error))
        fail_msg("%s", error->message);
    keep_fixture_crash(fixture);
}

KeepFixture *keep_fixture_new(void)
{
    g_autoptr(GError) error = NULL;
    KeepFixture *fixture = g_new0(KeepFixture, 1);
    VaultCreateOptions create = {.master_count = 1, .now_s = keep_fixture_now};

    vault_crypto_init();
    keep_fixture_set_now(KEEP_FIXTURE_NOW_S);
    keep_fixture_set_synchronised(TRUE);
    fixture->folder = g_dir_make_tmp("muniment-keep-XXXXXX", &error);
    assert_non_null(fixture->folder);
    fixture->path = g_build_filename(fixture->folder, "vault", NULL);
    fixture->vault_key_path = g_strconcat(fixture->path, ".vaultkey", NULL);
    vault_master_create(&fixture->master);
    create.masters = &fixture->master.public;
    if (!vault_keep_create(fixture->path, &create, &error))
        fail_msg("%s", error->message);
    fixture->options = (VaultKeepOptions){
        .mode = VAULT_KEEP_WRITER, .now_s = keep_fixture_now, .is_synchronised = is_synchronised};
    keep_fixture_open(fixture);
    return fixture;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    return remove(path);
}

void keep_fixture_free(KeepFixture *fixture)
{
    if (fixture == NULL)
        return;
    keep_fixture_crash(fixture);
    nftw(fixture->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    vault_master_wipe(&fixture->master);
    g_free(fixture->folder);
    g_free(fixture->path);
    g_free(fixture->vault_key_path);
    g_free(fixture);
}

MailboxId keep_fixture_mailbox(KeepFixture *fixture, const char *address)
{
    VaultDepository *depository = vault_keep_depository(fixture->keep);
    VaultResolution resolution;
    MailboxId mailbox;

    assert_true(depository->resolve(depository, address, &mailbox, &resolution, NULL));
    return mailbox;
}

/* ---- deliveries ----------------------------------------------------------------------------- */

static VaultSealedBody *seal_streamed(VaultDepository *depository, const char *text,
                                      const VaultLocator *locator, GError **error)
{
    g_autoptr(VaultBodyStream) stream = NULL;
    VaultBodySink sink;

    if (!depository->stream(depository, &sink, error))
        return NULL;
    stream = vault_body_stream_begin(depository->sealer, sink, error);
    if (stream == NULL || !vault_body_stream_write(stream, text, strlen(text), error))
        return NULL;
    return vault_body_stream_finish(stream, locator, error);
}

/* What a delivery's terms are for a test: bytes of no meaning, of the message's own length. */
static gboolean add_terms(VaultDepository *depository, const VaultSealedBody *body,
                          VaultAllotment *allotments, guint count, const char *text,
                          GPtrArray *records, GError **error)
{
    g_autofree char *terms = g_strdup_printf("terms of %s", text);
    g_autoptr(VaultSealedTerms) sealed =
        vault_seal_terms(depository->sealer, vault_sealed_body_id(body), terms,
                         MIN(strlen(terms), 4096), count, error);
    VaultRecord *terms_body = sealed == NULL ? NULL : vault_sealed_terms_take_record(sealed);

    if (sealed == NULL)
        return FALSE;
    if (terms_body != NULL)
        g_ptr_array_add(records, terms_body);
    for (guint i = 0; i < count; i++)
        g_ptr_array_add(records,
                        vault_seal_terms_copy(depository->sealer, sealed, &allotments[i], error));
    return TRUE;
}

static gboolean store(VaultDepository *depository, const char *text, const MailboxId *owners,
                      guint64 received_s, const VaultEarlier *earlier, KeepDelivery *delivery,
                      GError **error)
{
    g_autoptr(GPtrArray) records =
        g_ptr_array_new_with_free_func((GDestroyNotify)vault_record_free);
    g_autoptr(GByteArray) facts = g_byte_array_new();
    g_autoptr(VaultSealedBody) body = NULL;
    VaultAllotment allotments[8];
    VaultLocator locator = {.archived_s = keep_fixture_now(),
                            .retry_tag = earlier->retry_tag,
                            .repeat_tag = earlier->repeat_tag,
                            .repeats = earlier->repeats};

    if (!depository->allot(depository, owners, delivery->count, &received_s, allotments,
                           &delivery->flags, error))
        return FALSE;
    locator.received_s = received_s;
    locator.flags = delivery->flags;
    body = strlen(text) > VAULT_BODY_WHOLE_MAX
               ? seal_streamed(depository, text, &locator, error)
               : vault_seal_body(depository->sealer, text, strlen(text), &locator, error);
    if (body == NULL)
        return FALSE;
    delivery->archive_id = *vault_sealed_body_id(body);
    g_ptr_array_add(records, vault_sealed_body_take_record(body));
    vault_fact_append(facts, VAULT_FACT_SENDER, "a@b", 3);
    for (guint i = 0; i < delivery->count; i++) {
        delivery->leaves[i] = allotments[i].leaf;
        delivery->months[i] = allotments[i].month_key_id;
        g_ptr_array_add(records, vault_seal_copy(depository->sealer, body, &allotments[i],
                                                 received_s, delivery->flags, facts, error));
    }
    return (!has_terms ||
            add_terms(depository, body, allotments, delivery->count, text, records, error)) &&
           depository->commit(depository, records, error);
}

gboolean keep_fixture_deliver_at(VaultKeep *keep, const char *text, const char *const *addresses,
                                 guint64 received_s, const DayKey *import_key,
                                 KeepDelivery *ret_delivery, GError **error)
{
    VaultDepository *depository = vault_keep_depository(keep);
    MailboxId owners[8];
    VaultResolution resolution;
    VaultEarlier earlier;
    VaultHash hash;
    gboolean is_stored;

    memset(ret_delivery, 0, sizeof *ret_delivery);
    for (; addresses[ret_delivery->count] != NULL; ret_delivery->count++)
        if (!depository->resolve(depository, addresses[ret_delivery->count],
                                 &owners[ret_delivery->count], &resolution, error))
            return FALSE;
    vault_hash(text, strlen(text), &hash);
    if (!depository->find_earlier(depository, "a@b", &hash, &hash, owners, ret_delivery->count,
                                  import_key, &earlier, error))
        return FALSE;
    ret_delivery->is_retry = earlier.is_retry;
    ret_delivery->archive_id = earlier.archive_id;
    ret_delivery->repeats = earlier.repeats;
    is_stored = earlier.is_retry ||
                store(depository, text, owners, received_s, &earlier, ret_delivery, error);
    depository->settle(depository, &earlier.retry_tag);
    return is_stored;
}

KeepDelivery keep_fixture_deliver(KeepFixture *fixture, const char *text, const char *address)
{
    const char *addresses[] = {address, NULL};
    g_autoptr(GError) error = NULL;
    KeepDelivery delivery;

    if (!keep_fixture_deliver_at(fixture->keep, text, addresses, keep_fixture_now(), NULL,
                                 &delivery, &error))
        fail_msg("%s", error->message);
    return delivery;
}

KeepDelivery keep_fixture_deliver_large(KeepFixture *fixture, gsize len, const char *address)
{
    g_autofree char *text = g_malloc(len + 1);

    g_assert(len > VAULT_BODY_WHOLE_MAX);
    for (gsize i = 0; i < len; i++)
        text[i] = (char)g_random_int_range(' ', 127);
    text[len] = '\0';
    return keep_fixture_deliver(fixture, text, address);
}

/* ---- looking -------------------------------------------------------------------------------- */

static gboolean count_copy(const VaultCopyEntry *entry, gpointer user, GError **error)
{
    (*(guint *)user)++;
    return TRUE;
}

guint keep_fixture_copy_count(VaultKeep *keep)
{
    VaultCopyFilter filter = {.months = NULL};
    guint count = 0;

    assert_true(vault_keep_copies(keep, &filter, count_copy, &count, NULL));
    return count;
}

static void print_finding(const char *text, gpointer user)
{
    print_message("finding: %s\n", text);
}

VaultVerifyResult keep_fixture_verify(VaultKeep *keep, VaultVerifyDepth depth)
{
    VaultVerifyCallbacks callbacks = {.finding = print_finding};
    g_autoptr(GError) error = NULL;
    VaultVerifyResult result;

    if (!vault_keep_verify(keep, depth, &callbacks, &result, &error))
        fail_msg("%s", error->message);
    return result;
}

static gint compare_paths(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

GPtrArray *keep_fixture_packs(const KeepFixture *fixture, const char *suffix)
{
    g_autofree char *packs = g_build_filename(fixture->path, "packs", NULL);
    g_autoptr(GDir) dir = g_dir_open(packs, 0, NULL);
    GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);
    const char *name;

    assert_non_null(dir);
    while ((name = g_dir_read_name(dir)) != NULL)
        if (g_str_has_suffix(name, suffix))
            g_ptr_array_add(paths, g_build_filename(packs, name, NULL));
    g_ptr_array_sort(paths, compare_paths);
    return paths;
}
