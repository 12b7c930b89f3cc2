/* Writes what outside tools are to verify: a log, notes, proofs, keys. write_log FOLDER
 *
 *     log/                          66,000 entries: tiles of three levels
 *     log.vkey, witness.vkey        keys that verify its checkpoints and cosignatures
 *     earlier                       the checkpoint at 777 entries
 *     consistency                   the proof from there, a base64 line each
 *     <index>.tlog-proof            with a cosigned checkpoint
 *     note                          signed by log.vkey and by second.vkey
 */
#include "vault/crypto/key_files.h"
#include "vault/log/log.h"
#include "vault/log/tlog_proof.h"

#define ORIGIN "muniment/00112233445566778899aabbccddeeff/archive/1"
#define WITNESS "witness.example/w1"
#define EARLIER_SIZE 777
#define SIZE 66000

typedef struct {
    const char *folder;
    LogSigningKey key;
    WitnessSigningKey witness_key;
    VaultLog *log;
} Sample;

static void check(gboolean is_done, GError *error)
{
    if (!is_done)
        g_error("%s", error != NULL ? error->message : "failed");
}

static void write_text(const Sample *sample, const char *name, const char *text)
{
    g_autofree char *path = g_build_filename(sample->folder, name, NULL);
    GError *error = NULL;

    check(g_file_set_contents(path, text, -1, &error), error);
}

static void write_vkey(const Sample *sample, const char *name, VaultNoteKey *key)
{
    g_autofree char *vkey = vault_note_key_format(key);

    write_text(sample, name, vkey);
    vault_note_key_free(key);
}

static void append(Sample *sample, guint64 from, guint64 to)
{
    g_autofree VaultLogEntry *entries = g_new0(VaultLogEntry, to - from);
    GError *error = NULL;

    for (guint64 i = from; i < to; i++) {
        char *payload = g_strdup_printf("entry %" G_GUINT64_FORMAT "%*s", i, (int)(i % 50), "");

        entries[i - from].payload = g_bytes_new_take(payload, strlen(payload));
    }
    check(vault_log_append(sample->log, entries, to - from, NULL, &error), error);
    for (guint64 i = from; i < to; i++)
        g_bytes_unref(entries[i - from].payload);
}

static void write_log(Sample *sample)
{
    g_autofree char *directory = g_build_filename(sample->folder, "log", NULL);
    VaultLogOptions options = {.directory = directory, .origin = ORIGIN, .key = &sample->key};
    GError *error = NULL;

    check(vault_log_create(&options, &error), error);
    sample->log = vault_log_open(&options, &error);
    check(sample->log != NULL, error);
    append(sample, 0, 1);
    append(sample, 1, EARLIER_SIZE);
    write_text(sample, "earlier", vault_log_reader_note(vault_log_reader(sample->log)));
    append(sample, EARLIER_SIZE, SIZE - 300);
    append(sample, SIZE - 300, SIZE);
}

static char *cosigned_note(const Sample *sample)
{
    const char *bytes = vault_log_reader_note(vault_log_reader(sample->log));
    g_autoptr(VaultNote) note = vault_note_parse(bytes, strlen(bytes), NULL);

    vault_note_cosign(note, WITNESS, &sample->witness_key, 1679315147);
    return vault_note_format(note);
}

static void write_proofs(const Sample *sample)
{
    static const guint64 indexes[] = {0, 1, 255, 256, 65535, 65536, SIZE - 1};
    g_autofree char *note = cosigned_note(sample);

    for (gsize i = 0; i < G_N_ELEMENTS(indexes); i++) {
        g_autofree char *name = g_strdup_printf("%" G_GUINT64_FORMAT ".tlog-proof", indexes[i]);
        g_autofree char *text = NULL;
        g_autoptr(VaultTlogProof) proof = NULL;
        VaultMerkleProof path;
        GError *error = NULL;

        check(vault_log_reader_prove_inclusion(vault_log_reader(sample->log), indexes[i], &path,
                                               &error),
              error);
        proof = vault_tlog_proof_new(indexes[i], &path, note, strlen(note), &error);
        check(proof != NULL, error);
        text = vault_tlog_proof_format(proof);
        write_text(sample, name, text);
    }
}

static void write_consistency(const Sample *sample)
{
    GString *text = g_string_new(NULL);
    VaultMerkleProof proof;
    VaultHash old_root;
    GError *error = NULL;

    check(vault_log_reader_prove_consistency(vault_log_reader(sample->log), EARLIER_SIZE, &old_root,
                                             &proof, &error),
          error);
    for (gsize i = 0; i < proof.count; i++) {
        g_autofree char *line = g_base64_encode(proof.hashes[i].bytes, VAULT_HASH_LEN);

        g_string_append_printf(text, "%s\n", line);
    }
    write_text(sample, "consistency", text->str);
    g_string_free(text, TRUE);
}

static void write_note(const Sample *sample)
{
    g_autoptr(VaultNote) note = vault_note_new("A text with\n\na blank line and \xc3\xbc.\n");
    g_autofree char *bytes = NULL;
    LogSigningKey second;
    LogVerifyKey verify;

    vault_log_key_create(&second, &verify);
    write_vkey(sample, "second.vkey", vault_note_key_new_log("example.com/second", &verify, NULL));
    vault_note_sign(note, ORIGIN, &sample->key);
    vault_note_sign(note, "example.com/second", &second);
    bytes = vault_note_format(note);
    write_text(sample, "note", bytes);
}

int main(int argc, char **argv)
{
    Sample sample = {.folder = argv[argc - 1]};
    LogVerifyKey verify;
    WitnessVerifyKey witness;

    vault_crypto_init();
    vault_log_key_create(&sample.key, &verify);
    vault_witness_key_create(&sample.witness_key, &witness);
    write_vkey(&sample, "log.vkey", vault_note_key_new_log(ORIGIN, &verify, NULL));
    write_vkey(&sample, "witness.vkey", vault_note_key_new_witness(WITNESS, &witness, NULL));
    write_log(&sample);
    write_proofs(&sample);
    write_consistency(&sample);
    write_note(&sample);
    vault_log_close(sample.log);
    return 0;
}
