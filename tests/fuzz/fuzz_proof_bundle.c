/* Manifests with proofs, as `check` reads them: whatever is read as a proof is written again to the
 * same members; no proof holds for a message that nobody archived, none leads to a log that did not
 * sign it. */
#include "restore/manifest_reader.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

static VaultTlogPolicy *nobodys_policy(void)
{
    LogVerifyKey nobodys = {{1}};
    g_autoptr(VaultNoteKey) key = vault_note_key_new_log("log", &nobodys, NULL);
    g_autofree char *vkey = vault_note_key_format(key);
    g_autofree char *text = g_strdup_printf("log %s\nquorum none\n", vkey);

    return vault_tlog_policy_parse(text, strlen(text), NULL);
}

static void try_message(JsonObject *object)
{
    static const VaultEntry batch = {.kind = VAULT_ENTRY_BATCH, .count = 3};
    g_autoptr(GString) line = g_string_new("{\"id\":\"\"");
    g_autoptr(JsonNode) node = NULL;
    ProofMessage message, again;
    RecordId id = {{7}};
    VaultHash hash = {{7}};

    if (!proof_message_read(object, &message, NULL))
        return;
    proof_message_append(&message, line);
    g_string_append_c(line, '}');
    node = json_from_string(line->str, NULL);
    g_assert(node != NULL);
    g_assert(proof_message_read(json_node_get_object(node), &again, NULL));
    g_assert(memcmp(&message, &again, sizeof again) == 0);
    g_assert(!proof_message_check(&message, &id, &hash, &batch, NULL));
}

static void try_batch(JsonObject *object, const VaultTlogPolicy *policy)
{
    g_autoptr(ProofBatch) batch = proof_batch_read(object, NULL);
    g_autoptr(JsonNode) node = NULL;
    g_autoptr(ProofBatch) again = NULL;
    g_autofree char *line = NULL;
    VaultEntry entry;

    if (batch == NULL)
        return;
    line = proof_batch_format(batch);
    node = json_from_string(line, NULL);
    again = proof_batch_read(json_node_get_object(node), NULL);
    g_assert(again != NULL && g_bytes_equal(again->entry, batch->entry));
    g_assert(proof_batch_id_equal(&again->id, &batch->id));
    g_assert(batch->id.epoch == 0 || g_str_has_prefix(batch->proof->note->text, "muniment/"));
    g_assert(!proof_batch_check(batch, policy, &entry, NULL));
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_auto(VaultFd) fd = memfd_create("manifest", MFD_CLOEXEC);
    g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", fd);
    g_autoptr(VaultTlogPolicy) policy = NULL;
    g_autoptr(ManifestReader) reader = NULL;
    g_autoptr(GError) error = NULL;
    ManifestPart part, before = MANIFEST_PART_HEAD;
    JsonObject *object;

    vault_crypto_init();
    policy = nobodys_policy();
    g_assert(fd >= 0 && vault_file_write_all(fd, data, size, path, NULL));
    reader = manifest_reader_open(path, NULL);
    g_assert(reader != NULL);
    while (manifest_reader_next(reader, &part, &object, &error)) {
        g_assert(part >= before);
        before = part;
        try_message(object);
        try_batch(object, policy);
    }
    g_assert((error == NULL) == (before == MANIFEST_PART_COUNTS));
    return 0;
}
