#include "restore/witness.h"

#include "vault/witness/witness_request.h"
#include "vault/base/bytes.h"

#include <string.h>

#define PLAIN "text/plain; charset=utf-8"
#define SIZE "text/x.tlog.size"
#define ADD "/add-checkpoint"
#define READ "checkpoint"

struct Witness {
    VaultNoteKey *note_key;
    const WitnessSigningKey *key;
    GPtrArray *logs;
    WitnessState *state;
};

void witness_close(Witness *witness)
{
    if (witness == NULL)
        return;
    vault_note_key_free(witness->note_key);
    witness_state_close(witness->state);
    g_free(witness);
}

Witness *witness_open(const WitnessOptions *options, GError **error)
{
    g_autoptr(Witness) witness = g_new0(Witness, 1);
    WitnessVerifyKey verify;

    vault_witness_verify_key(options->key, &verify);
    witness->key = options->key;
    witness->logs = options->logs;
    witness->note_key = vault_note_key_new_witness(options->name, &verify, error);
    if (witness->note_key == NULL)
        return NULL;
    witness->state = witness_state_open(options->state_path, witness->note_key, error);
    return witness->state == NULL ? NULL : g_steal_pointer(&witness);
}

const VaultNoteKey *witness_key(const Witness *witness)
{
    return witness->note_key;
}

guint witness_log_count(const Witness *witness)
{
    return witness_state_count(witness->state);
}

static void answer_text(WitnessAnswer *answer, guint status, const char *text)
{
    answer->status = status;
    answer->content_type = PLAIN;
    answer->body = g_strconcat(text, "\n", NULL);
}

static void answer_size(WitnessAnswer *answer, guint64 size)
{
    answer->status = 409;
    answer->content_type = SIZE;
    answer->body = g_strdup_printf("%" G_GUINT64_FORMAT "\n", size);
}

static GPtrArray *keys_of(const Witness *witness, const char *origin)
{
    GPtrArray *keys = g_ptr_array_new();

    for (guint i = 0; i < witness->logs->len; i++) {
        const VaultNoteKey *key = witness->logs->pdata[i];

        if (strcmp(key->name, origin) == 0)
            g_ptr_array_add(keys, (gpointer)key);
    }
    return keys;
}

/* Whose signature this witness can tell: others would be kept, and shown, unchecked. */
static void drop_strangers(VaultNote *note, GPtrArray *keys)
{
    for (guint i = note->signatures->len; i > 0; i--) {
        const VaultNoteSignature *signature = note->signatures->pdata[i - 1];
        gboolean is_known = FALSE;

        for (guint k = 0; k < keys->len; k++) {
            const VaultNoteKey *key = keys->pdata[k];

            is_known |= strcmp(signature->name, key->name) == 0 &&
                        memcmp(signature->key_id, key->id, sizeof key->id) == 0;
        }
        if (!is_known)
            g_ptr_array_remove_index(note->signatures, i - 1);
    }
}

static char *only_last_signature(const char *note)
{
    const char *end = note + strlen(note) - 1;
    const char *line = memrchr(note, '\n', (gsize)(end - note));

    return g_strdup(line + 1);
}

static void cosign(Witness *witness, WitnessRequest *request, GPtrArray *keys, guint64 now_s,
                   WitnessAnswer *answer)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *note = NULL;

    drop_strangers(request->note, keys);
    vault_note_cosign(request->note, witness->note_key->name, witness->key, now_s);
    note = vault_note_format(request->note);
    if (!witness_state_put(witness->state, note, &error)) {
        g_warning("%s", error->message);
        answer_text(answer, 500, "the witness cannot remember this checkpoint: nothing is signed");
        return;
    }
    answer->status = 200;
    answer->content_type = PLAIN;
    answer->body = only_last_signature(note);
}

/* The rule of a witness: what was seen, and nothing but what continues it. TRUE when it does. */
static gboolean judge(const Witness *witness, const WitnessRequest *request, WitnessAnswer *answer)
{
    const VaultCheckpoint *next = request->checkpoint;
    const WitnessSeen *seen = witness_state_find(witness->state, next->origin);
    guint64 seen_size = seen == NULL ? 0 : seen->checkpoint->size;
    VaultHash old_root;

    if (request->old_size > next->size) {
        answer_text(answer, 400, "the old size is above the checkpoint's: a log never shrinks");
        return FALSE;
    }
    if (request->old_size != seen_size) {
        answer_size(answer, seen_size);
        return FALSE;
    }
    if (seen != NULL)
        old_root = seen->checkpoint->root;
    else
        vault_hash(NULL, 0, &old_root);
    if (next->size == seen_size && !vault_merkle_hash_equal(&next->root, &old_root)) {
        answer_size(answer, seen_size);
        return FALSE;
    }
    if (!vault_merkle_verify_consistency(&request->proof, seen_size, &old_root, next->size,
                                         &next->root)) {
        answer_text(answer, 422, "the checkpoint does not continue the one seen before");
        return FALSE;
    }
    return TRUE;
}

static void add_checkpoint(Witness *witness, const char *body, gsize len, guint64 now_s,
                           WitnessAnswer *answer)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(WitnessRequest) request = witness_request_parse(body, len, &error);
    g_autoptr(GPtrArray) keys = NULL;
    g_autoptr(VaultCheckpoint) checkpoint = NULL;
    g_autofree char *note = NULL;

    if (request == NULL) {
        answer_text(answer, 400, error->message);
        return;
    }
    keys = keys_of(witness, request->checkpoint->origin);
    if (keys->len == 0) {
        answer_text(answer, 404, "this witness was not told of the log");
        return;
    }
    note = vault_note_format(request->note);
    checkpoint =
        vault_checkpoint_open(note, strlen(note), request->checkpoint->origin, keys, &error);
    if (checkpoint == NULL)
        answer_text(answer, 403, error->message);
    else if (judge(witness, request, answer))
        cosign(witness, request, keys, now_s, answer);
}

/* GET /<hexadecimal SHA-256 of the origin>/checkpoint */
static void read_checkpoint(const Witness *witness, const char *target, WitnessAnswer *answer)
{
    g_auto(GStrv) parts = g_strsplit(target, "/", 4);
    const WitnessSeen *seen = NULL;

    for (guint i = 0; i < witness->logs->len && g_strv_length(parts) == 3; i++) {
        const char *origin = ((const VaultNoteKey *)witness->logs->pdata[i])->name;
        VaultHash hash;
        g_autofree char *hex = NULL;

        vault_hash(origin, strlen(origin), &hash);
        hex = vault_bytes_to_hex(hash.bytes, sizeof hash.bytes);
        if (strcmp(hex, parts[1]) == 0)
            seen = witness_state_find(witness->state, origin);
    }
    if (seen == NULL || strcmp(parts[2], READ) != 0) {
        answer_text(answer, 404, "no such checkpoint");
        return;
    }
    answer->status = 200;
    answer->content_type = PLAIN;
    answer->body = g_strdup(seen->note);
}

void witness_answer(Witness *witness, const WitnessHttpRequest *request, const char *body,
                    guint64 now_s, WitnessAnswer *ret_answer)
{
    gboolean is_add = strcmp(request->target, ADD) == 0;

    if (is_add && request->method == WITNESS_HTTP_POST)
        add_checkpoint(witness, body, request->body_len, now_s, ret_answer);
    else if (!is_add && request->method == WITNESS_HTTP_GET)
        read_checkpoint(witness, request->target, ret_answer);
    else
        answer_text(ret_answer, 405, "POST " ADD ", or GET of a checkpoint");
}
