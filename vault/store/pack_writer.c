#include "vault/store/pack_file.h"
#include "vault/store/pack_stream.h"

#include "vault/base/file.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <unistd.h>

/* What one group may gather beyond its first delivery: bounds the time of one sync. */
#define GROUP_LEN_MAX (32u << 20)

/* A thread in vault_pack_writer_commit(), on its own stack. */
typedef struct Waiter Waiter;
struct Waiter {
    GPtrArray *delivery; /* all its records */
    GPtrArray *records;  /* those that go into the pack: bytes != NULL */
    guint64 len;
    gboolean leads; /* its thread is to write a group, which its delivery is in */
    GError *error;
    sem_t wake; /* its turn to lead, or its delivery's group is written: then error says how */
    Waiter *next;
};

/* One thread leads at a time: `is_led`. The leader alone, and without the lock, uses the fields
 * below "leader's"; the lock orders one leader's use after the other's. */
struct VaultPackWriter {
    pthread_mutex_t lock;
    pthread_cond_t idle; /* nobody leads and nobody waits */
    Waiter *first, **last_next;
    gboolean is_led;
    gboolean is_closed;
    GPtrArray *orphans; /* paths of stream packs whose delivery failed */

    char *directory;
    VaultId vault_id;
    guint64 pack_size;
    VaultGroupCommitted committed;
    gpointer user;

    /* leader's */
    guint64 next_sequence;
    PackId predecessor;
    guint64 predecessor_end;
    VaultPackFile *active;
};

void vault_record_free(VaultRecord *record)
{
    if (record == NULL)
        return;
    g_clear_pointer(&record->bytes, g_bytes_unref);
    g_free(record);
}

/* What a crash left of files that never got their name; nothing in them was acknowledged. The
 * caller is the vault's one writer, so they are nobody's now. Best effort: they do no harm. */
static void remove_drafts(const char *directory)
{
    g_autoptr(GDir) dir = g_dir_open(directory, 0, NULL);
    const char *name;

    while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *path = g_build_filename(directory, name, NULL);

        if (g_str_has_suffix(name, VAULT_PACK_DRAFT_SUFFIX))
            unlink(path);
    }
}

VaultPackWriter *vault_pack_writer_new(const VaultPackWriterOptions *options)
{
    VaultPackWriter *writer = g_new0(VaultPackWriter, 1);

    pthread_mutex_init(&writer->lock, NULL);
    pthread_cond_init(&writer->idle, NULL);
    writer->last_next = &writer->first;
    writer->orphans = g_ptr_array_new_with_free_func(g_free);
    writer->directory = g_strdup(options->directory);
    writer->vault_id = options->vault_id;
    writer->pack_size = options->pack_size == 0 ? VAULT_PACK_SIZE_DEFAULT : options->pack_size;
    writer->pack_size = MIN(writer->pack_size, VAULT_PACK_SIZE_MAX);
    writer->committed = options->committed;
    writer->user = options->user;
    writer->next_sequence = options->next_sequence;
    writer->predecessor = options->predecessor;
    writer->predecessor_end = options->predecessor_end;
    remove_drafts(writer->directory);
    return writer;
}

void vault_pack_writer_free(VaultPackWriter *writer)
{
    if (writer == NULL)
        return;
    g_assert(!writer->is_led && writer->first == NULL);
    vault_pack_file_free(writer->active);
    g_ptr_array_unref(writer->orphans);
    g_free(writer->directory);
    pthread_cond_destroy(&writer->idle);
    pthread_mutex_destroy(&writer->lock);
    g_free(writer);
}

const char *vault_pack_writer_directory(const VaultPackWriter *writer)
{
    return writer->directory;
}

const VaultId *vault_pack_writer_vault_id(const VaultPackWriter *writer)
{
    return &writer->vault_id;
}

/* ---- the leader ----------------------------------------------------------------------------- */

/* The active pack takes nothing more; the next one will name it and its end. */
static void leave_active_pack(VaultPackWriter *writer)
{
    writer->predecessor = *vault_pack_file_id(writer->active);
    writer->predecessor_end = vault_pack_file_acknowledged_end(writer->active);
    g_clear_pointer(&writer->active, vault_pack_file_free);
}

/* Their copies are beyond every acknowledged end now: no start will ever find them. */
static void remove_orphans(VaultPackWriter *writer)
{
    g_autoptr(GPtrArray) orphans = NULL;

    pthread_mutex_lock(&writer->lock);
    orphans = writer->orphans;
    writer->orphans = g_ptr_array_new_with_free_func(g_free);
    pthread_mutex_unlock(&writer->lock);
    for (guint i = 0; i < orphans->len; i++)
        unlink(g_ptr_array_index(orphans, i));
}

static gboolean begin_pack(VaultPackWriter *writer, GError **error)
{
    VaultPackHeader header = {.type = VAULT_PACK_GROUPED,
                              .vault_id = writer->vault_id,
                              .sequence = writer->next_sequence++,
                              .created_s = (guint64)(g_get_real_time() / G_USEC_PER_SEC),
                              .predecessor = writer->predecessor,
                              .predecessor_end = writer->predecessor_end};

    vault_random(header.pack_id.bytes, VAULT_ID_LEN);
    writer->active = vault_pack_file_create(writer->directory, &header, error);
    if (writer->active == NULL)
        return FALSE;
    remove_orphans(writer);
    return TRUE;
}

static gboolean has_room(const VaultPackWriter *writer, guint64 len, guint count)
{
    gsize record_count = vault_pack_file_record_count(writer->active);

    if (record_count == 0)
        return TRUE;
    return vault_pack_file_acknowledged_end(writer->active) + len <= writer->pack_size &&
           record_count + count <= VAULT_PACK_RECORDS_MAX;
}

static gboolean write_group(VaultPackWriter *writer, GPtrArray *records, guint64 len,
                            GError **error)
{
    if (writer->active != NULL && !has_room(writer, len, records->len)) {
        /* A trailer that fails loses nothing: what it lists is durable and start-up writes it. */
        vault_pack_file_end(writer->active, NULL);
        leave_active_pack(writer);
    }
    if (writer->active == NULL && !begin_pack(writer, error))
        return FALSE;
    if (!vault_pack_file_append_group(writer->active, records, error)) {
        leave_active_pack(writer);
        return FALSE;
    }
    return TRUE;
}

/* Callers are promised IO or NO_SPACE, whatever errno it was. */
static GError *as_commit_error(const GError *error)
{
    GError *copy = g_error_copy(error);

    if (copy->code != VAULT_ERROR_NO_SPACE)
        copy->code = VAULT_ERROR_IO;
    return copy;
}

static void append_all(GPtrArray *array, const GPtrArray *records)
{
    for (guint i = 0; i < records->len; i++)
        g_ptr_array_add(array, g_ptr_array_index(records, i));
}

/* Takes waiters off the queue, in order, as long as they fit into one group; at least one. */
static Waiter *take_group(VaultPackWriter *writer, GPtrArray *records, guint64 *ret_len)
{
    Waiter *group = writer->first;
    Waiter **end = &writer->first;
    guint64 len = 0;

    while (*end != NULL) {
        Waiter *waiter = *end;

        if (waiter != group && (len + waiter->len > MIN(GROUP_LEN_MAX, writer->pack_size) ||
                                records->len + waiter->records->len > VAULT_GROUP_RECORDS_MAX))
            break;
        len += waiter->len;
        append_all(records, waiter->records);
        end = &waiter->next;
    }
    writer->first = *end;
    if (writer->first == NULL)
        writer->last_next = &writer->first;
    *end = NULL;
    *ret_len = len + VAULT_PACK_COMMIT_LEN;
    return group;
}

/* The catalog is told of all records, also of those in stream packs. */
static void tell_committed(VaultPackWriter *writer, const Waiter *group)
{
    g_autoptr(GPtrArray) records = g_ptr_array_new();

    if (writer->committed == NULL)
        return;
    for (; group != NULL; group = group->next)
        append_all(records, group->delivery);
    writer->committed(records, writer->user);
}

/* One group each: the leader's own delivery is in it, and who came meanwhile leads the next. */
static void pass_the_lead(VaultPackWriter *writer)
{
    pthread_mutex_lock(&writer->lock);
    if (writer->first != NULL) {
        writer->first->leads = TRUE;
        sem_post(&writer->first->wake);
    } else {
        writer->is_led = FALSE;
        pthread_cond_broadcast(&writer->idle);
    }
    pthread_mutex_unlock(&writer->lock);
}

/* Woken without the lock: they would all queue for it. The leader, first of its group, is awake. */
static void wake_group(Waiter *group, const GError *error)
{
    Waiter *leader = group;

    while (group != NULL) {
        Waiter *waiter = group;

        /* Its stack frame may be gone as soon as it is woken. */
        group = waiter->next;
        waiter->error = error == NULL ? NULL : as_commit_error(error);
        if (waiter != leader)
            sem_post(&waiter->wake);
    }
}

static void lead_one_group(VaultPackWriter *writer)
{
    g_autoptr(GPtrArray) records = g_ptr_array_new();
    g_autoptr(GError) error = NULL;
    Waiter *group;
    guint64 len;

    pthread_mutex_lock(&writer->lock);
    group = take_group(writer, records, &len);
    pthread_mutex_unlock(&writer->lock);
    if (write_group(writer, records, len, &error))
        tell_committed(writer, group);
    /* The next sync begins before the answers of this one go out. */
    pass_the_lead(writer);
    wake_group(group, error);
}

/* ---- committing ----------------------------------------------------------------------------- */

/* TRUE: nobody leads, so it does, at once. */
static gboolean join_queue(VaultPackWriter *writer, Waiter *waiter)
{
    *writer->last_next = waiter;
    writer->last_next = &waiter->next;
    if (writer->is_led)
        return FALSE;
    writer->is_led = TRUE;
    waiter->leads = TRUE;
    return TRUE;
}

static gboolean wait_for_commit(VaultPackWriter *writer, Waiter *waiter, GError **error)
{
    gboolean must_wait;

    pthread_mutex_lock(&writer->lock);
    if (writer->is_closed) {
        pthread_mutex_unlock(&writer->lock);
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_BUSY, "the vault is being closed");
        return FALSE;
    }
    must_wait = !join_queue(writer, waiter);
    pthread_mutex_unlock(&writer->lock);
    while (must_wait && sem_wait(&waiter->wake) != 0)
        g_assert(errno == EINTR);
    if (waiter->leads)
        lead_one_group(writer);
    if (waiter->error == NULL)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&waiter->error));
    return FALSE;
}

/* A record that is not what it says would spoil the whole group, other threads' deliveries with
 * it: the header is parsed again here, before it joins one. */
static gboolean add_record(Waiter *waiter, VaultRecord *record, GError **error)
{
    VaultRecordHeader header;
    gsize len;
    const guint8 *bytes = g_bytes_get_data(record->bytes, &len);

    if (!vault_record_header_parse(bytes, len, &header, error))
        return FALSE;
    if (header.kind == VAULT_RECORD_COMMIT || header.kind != record->kind ||
        !VAULT_ID_EQUAL(header.record_id, record->record_id) ||
        header.ciphertext_len != len - header.header_len) {
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
                            "a record to be stored differs from its header");
        return FALSE;
    }
    g_ptr_array_add(waiter->records, record);
    waiter->len += len;
    if (waiter->len <= VAULT_DELIVERY_LEN_MAX && waiter->records->len <= VAULT_GROUP_RECORDS_MAX)
        return TRUE;
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE,
                        "one delivery has more records, or longer ones, than a group takes");
    return FALSE;
}

static gboolean commit_in_pack(VaultPackWriter *writer, GPtrArray *records, GError **error)
{
    g_autoptr(GPtrArray) in_pack = g_ptr_array_sized_new(records->len);
    Waiter waiter = {.delivery = records, .records = in_pack};
    gboolean is_committed;

    for (guint i = 0; i < records->len; i++) {
        VaultRecord *record = g_ptr_array_index(records, i);

        if (record->bytes != NULL && !add_record(&waiter, record, error))
            return FALSE;
    }
    g_assert(in_pack->len > 0);
    sem_init(&waiter.wake, 0, 0);
    is_committed = wait_for_commit(writer, &waiter, error);
    sem_destroy(&waiter.wake);
    return is_committed;
}

/* The stream packs of a failed delivery stay until a successor's header has put the failed group
 * beyond doubt: were the process killed before, start-up might still find the group whole. */
static void keep_orphans(VaultPackWriter *writer, GPtrArray *records)
{
    for (guint i = 0; i < records->len; i++) {
        const VaultRecord *record = g_ptr_array_index(records, i);

        if (record->bytes != NULL)
            continue;
        pthread_mutex_lock(&writer->lock);
        g_ptr_array_add(writer->orphans, vault_stream_pack_path(writer, &record->place.pack_id));
        pthread_mutex_unlock(&writer->lock);
    }
}

gboolean vault_pack_writer_commit(VaultPackWriter *writer, GPtrArray *records, GError **error)
{
    if (commit_in_pack(writer, records, error))
        return TRUE;
    keep_orphans(writer, records);
    return FALSE;
}

gboolean vault_pack_writer_close(VaultPackWriter *writer, GError **error)
{
    gboolean is_ended;

    pthread_mutex_lock(&writer->lock);
    while (writer->is_led)
        pthread_cond_wait(&writer->idle, &writer->lock);
    writer->is_closed = TRUE;
    pthread_mutex_unlock(&writer->lock);
    if (writer->active == NULL)
        return TRUE;
    is_ended = vault_pack_file_end(writer->active, error);
    leave_active_pack(writer);
    return is_ended;
}
