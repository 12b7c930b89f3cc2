/* What the tests of exports with proofs share: a small archive log of two epochs, an export of
 * messages that are in it, and a check of that export. */
#pragma once

#include "log_world.h"
#include "restore/check.h"
#include "restore/export.h"
#include "restore/manifest_reader.h"
#include "restore/proof_logs.h"

#include <string.h>

/* Four messages in two batches, of one index in two epochs; one that came after the last batch;
 * others around them. */
#define MESSAGES 5
#define EPOCHS 2

typedef struct {
    char *folder, *out, *manifest;
    VaultId vault_id;
    VaultLogKind kind;
    char *origins[EPOCHS], *vkeys[EPOCHS];
    VaultTlogPolicy *policy;
    ProofLogs *logs;
    char *texts[MESSAGES];
    BodySalt salts[MESSAGES];
    VaultOpenedBody bodies[MESSAGES];
    GPtrArray *findings;
    CheckResult result;
} CheckWorld;

/* ---- a log with batches ---------------------------------------------------------------------- */

static inline void make_message(CheckWorld *w, gsize i)
{
    VaultOpenedBody *body = &w->bodies[i];
    VaultRecordHeader header = {
        .kind = VAULT_RECORD_BODY, .suite = 1, .record_id = {{(guint8)(i + 1)}}};
    LocatorKey locator_key = {{9}};
    VaultLocator locator = {.received_s = 1790000000};

    w->texts[i] = g_strdup_printf("Subject: %" G_GSIZE_FORMAT "\r\n\r\nbody\r\n", i);
    w->salts[i].bytes[0] = (guint8)i;
    vault_hash(w->texts[i], strlen(w->texts[i]), &body->message_hash);
    vault_message_commitment(&w->salts[i], &body->message_hash, header.by_kind);
    vault_hash("ciphertext", 10, &body->ciphertext_hash);
    body->header_len = vault_record_format_crcs(
        body->header, vault_record_format_clear(&header, &locator_key, &locator, body->header), 7);
}

static inline void record_hash(const VaultOpenedBody *body, VaultHash *ret_hash)
{
    vault_record_hash(body->header, body->header_len, &body->ciphertext_hash, ret_hash);
}

static inline void append_entry(VaultLog *log, const VaultEntry *entry, GBytes *list)
{
    g_autoptr(GBytes) payload = vault_entry_format(entry);
    VaultLogEntry logged = {.payload = payload, .sidecar = list};

    assert_true(vault_log_append(log, &logged, 1, NULL, NULL));
}

static inline void append_batch(VaultLog *log, const VaultHash *hashes, gsize count)
{
    g_autoptr(GBytes) list = g_bytes_new(hashes, count * VAULT_HASH_LEN);
    VaultEntry entry = {.kind = VAULT_ENTRY_BATCH, .time_s = 1790000000, .count = count};

    vault_entry_records_root(hashes, count, &entry.root);
    vault_hash(hashes, count * VAULT_HASH_LEN, &entry.list_hash);
    append_entry(log, &entry, count == 0 ? NULL : list);
}

static inline void fill_log(const CheckWorld *w, VaultLog *log, gsize epoch)
{
    VaultEntry start = {.kind = VAULT_ENTRY_EPOCH_START,
                        .time_s = 1790000000,
                        .vault_id = w->vault_id,
                        .log = w->kind,
                        .epoch = (guint32)epoch + 1};
    VaultHash first[3], last[301];

    append_entry(log, &start, NULL);
    for (gsize i = 0; i < 3; i++)
        record_hash(&w->bodies[i], &first[i]);
    for (gsize i = 0; i < 301; i++)
        vault_hash(&i, sizeof i, &last[i]);
    record_hash(&w->bodies[3], &last[257]);
    if (epoch == 0)
        append_batch(log, first, 3);
    else
        append_batch(log, last, 301);
    append_batch(log, NULL, 0);
}

static inline ProofLog *make_log(CheckWorld *w, gsize epoch)
{
    g_autofree char *name = g_strdup_printf("log-%" G_GSIZE_FORMAT, epoch);
    g_autofree char *directory = g_build_filename(w->folder, name, NULL);
    LogSigningKey key;
    VaultLogOptions options = {.directory = directory, .key = &key};
    g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func((GDestroyNotify)vault_note_key_free);
    g_autoptr(VaultLog) log = NULL;
    LogVerifyKey verify;

    vault_log_key_create(&key, &verify);
    options.origin = w->origins[epoch] =
        vault_log_origin(&w->vault_id, w->kind, (guint32)epoch + 1);
    g_ptr_array_add(keys, vault_note_key_new_log(options.origin, &verify, NULL));
    w->vkeys[epoch] = vault_note_key_format(keys->pdata[0]);
    assert_true(vault_log_create(&options, NULL));
    log = vault_log_open(&options, NULL);
    fill_log(w, log, epoch);
    return proof_log_open(vault_log_reader_open(directory, options.origin, keys, NULL), NULL);
}

static inline void set_policy(CheckWorld *w, const char *text)
{
    g_clear_pointer(&w->policy, vault_tlog_policy_free);
    w->policy = vault_tlog_policy_parse(text, strlen(text), NULL);
    assert_non_null(w->policy);
}

static inline void make_logs(CheckWorld *w)
{
    g_autoptr(GPtrArray) logs = g_ptr_array_new_with_free_func((GDestroyNotify)proof_log_close);
    g_autofree char *policy = NULL;

    for (gsize epoch = 0; epoch < EPOCHS; epoch++) {
        g_ptr_array_add(logs, make_log(w, epoch));
        assert_non_null(logs->pdata[epoch]);
    }
    w->logs = proof_logs_new(g_steal_pointer(&logs));
    policy = g_strdup_printf("log %s\nlog %s\nquorum none\n", w->vkeys[0], w->vkeys[1]);
    set_policy(w, policy);
}

/* ---- an export ------------------------------------------------------------------------------- */

static inline void write_message(CheckWorld *w, Export *export, gsize i)
{
    g_autofree char *id = vault_bytes_to_hex((const guint8[16]){(guint8)(i + 1)}, 16);
    ExportMessage message = {.id = id,
                             .mailbox = "alice@example.com",
                             .received_s = 1790000000,
                             .len = strlen(w->texts[i])};

    assert_true(export_begin(export, &message, NULL));
    assert_true(export_write(export, (const guint8 *)w->texts[i], message.len, NULL));
    assert_true(export_prove(export, &w->bodies[i], &w->salts[i], NULL));
    assert_true(export_end(export, &w->bodies[i].message_hash, NULL));
}

static inline void write_export(CheckWorld *w, ExportFormat format, ExportLineEnds line_ends)
{
    ProofSource source = proof_logs_source(w->logs);
    ExportOptions options = {.format = format,
                             .path = w->out,
                             .line_ends = line_ends,
                             .vault_id = &w->vault_id,
                             .now_s = 1790000000,
                             .proofs = &source};
    g_autoptr(Export) export = export_open(&options, NULL);
    ManifestCounts counts;

    assert_non_null(export);
    for (gsize i = 0; i < MESSAGES; i++)
        write_message(w, export, i);
    assert_true(export_finish(export, &counts, NULL));
}

static inline int set_up_log(void **state, VaultLogKind kind)
{
    CheckWorld *w = g_new0(CheckWorld, 1);

    vault_crypto_init();
    w->folder = g_dir_make_tmp("muniment-check-XXXXXX", NULL);
    w->out = g_build_filename(w->folder, "out", NULL);
    w->manifest = g_build_filename(w->out, MANIFEST_NAME, NULL);
    w->vault_id.bytes[0] = 0xab;
    w->kind = kind;
    w->findings = g_ptr_array_new_with_free_func(g_free);
    for (gsize i = 0; i < MESSAGES; i++)
        make_message(w, i);
    make_logs(w);
    *state = w;
    return 0;
}

static inline int set_up(void **state)
{
    return set_up_log(state, VAULT_LOG_ARCHIVE);
}

static inline int tear_down(void **state)
{
    CheckWorld *w = *state;

    log_world_remove(w->folder);
    proof_logs_free(w->logs);
    vault_tlog_policy_free(w->policy);
    for (gsize i = 0; i < MESSAGES; i++)
        g_free(w->texts[i]);
    g_ptr_array_unref(w->findings);
    g_free(w->folder);
    g_free(w->out);
    g_free(w->manifest);
    for (gsize epoch = 0; epoch < EPOCHS; epoch++) {
        g_free(w->origins[epoch]);
        g_free(w->vkeys[epoch]);
    }
    g_free(w);
    return 0;
}

static inline int set_up_export(void **state)
{
    set_up(state);
    write_export(*state, EXPORT_EML, EXPORT_AS_ARCHIVED);
    return 0;
}

/* ---- checking -------------------------------------------------------------------------------- */

static inline void take_finding(const char *finding, gpointer user)
{
    g_ptr_array_add(((CheckWorld *)user)->findings, g_strdup(finding));
}

static inline gboolean run_check(CheckWorld *w, GError **error)
{
    CheckCallbacks callbacks = {.found = take_finding, .user = w};

    g_ptr_array_set_size(w->findings, 0);
    return check_export(w->out, w->policy, &callbacks, &w->result, error);
}

static inline void assert_only_finding(CheckWorld *w, const char *expected)
{
    g_autoptr(GError) error = NULL;

    if (!run_check(w, &error))
        fail_msg("%s", error->message);
    if (w->findings->len != 1 || strstr(w->findings->pdata[0], expected) == NULL)
        fail_msg("%u findings, the first: %s; expected: %s", w->findings->len,
                 w->findings->len == 0 ? "-" : (char *)w->findings->pdata[0], expected);
    assert_int_equal(w->result.finding_count, 1);
}

static inline void assert_first_finding(CheckWorld *w, const char *expected)
{
    assert_true(run_check(w, NULL));
    assert_true(w->findings->len > 0);
    if (strstr(w->findings->pdata[0], expected) == NULL)
        fail_msg("%s; expected: %s", (char *)w->findings->pdata[0], expected);
}

static inline void assert_refused(CheckWorld *w, VaultErrorCode code)
{
    g_autoptr(GError) error = NULL;

    assert_false(run_check(w, &error));
    log_world_assert_code(error, code);
}

static inline char *file_of(const CheckWorld *w, gsize i)
{
    g_autofree char *id = vault_bytes_to_hex((const guint8[16]){(guint8)(i + 1)}, 16);

    return g_strdup_printf("%s/alice@example.com/2026-09/%s.eml", w->out, id);
}

static inline char *read_manifest(const CheckWorld *w)
{
    g_autoptr(GBytes) bytes = vault_file_read(w->manifest, MANIFEST_LINE_LEN_MAX, NULL);

    assert_non_null(bytes);
    return g_strdup(g_bytes_get_data(bytes, NULL));
}

static inline void write_manifest(const CheckWorld *w, const char *text)
{
    assert_true(g_file_set_contents(w->manifest, text, -1, NULL));
}

/* Changes the hexadecimal or base64 digit `skip` behind the first `mark` at or behind `from`. */
static inline void change_digit(const CheckWorld *w, const char *from, const char *mark, gsize skip)
{
    g_autofree char *text = read_manifest(w);
    char *at = strstr(text, from);

    assert_non_null(at);
    at = strstr(at, mark);
    assert_non_null(at);
    at += strlen(mark) + skip;
    *at = *at == '1' ? '2' : '1';
    write_manifest(w, text);
}

static inline void replace(const CheckWorld *w, const char *old, const char *new)
{
    g_autofree char *text = read_manifest(w);
    char *at = strstr(text, old);
    g_autofree char *head = NULL;
    g_autofree char *changed = NULL;

    assert_non_null(at);
    head = g_strndup(text, (gsize)(at - text));
    changed = g_strconcat(head, new, at + strlen(old), NULL);
    write_manifest(w, changed);
}
