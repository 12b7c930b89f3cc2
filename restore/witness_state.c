#include "restore/witness_state.h"

#include "vault/base/file.h"
#include "vault/log/text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

#define TYPE "muniment-witness-state/1"
#define CHECKPOINT "checkpoint "

struct WitnessState {
    char *path;
    VaultFd lock_fd;
    GHashTable *seen; /* origin, borrowed from its checkpoint -> WitnessSeen */
};

static void seen_free(WitnessSeen *seen)
{
    if (seen == NULL)
        return;
    vault_checkpoint_free(seen->checkpoint);
    g_free(seen->note);
    g_free(seen);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WitnessSeen, seen_free)

void witness_state_close(WitnessState *state)
{
    if (state == NULL)
        return;
    g_hash_table_unref(state->seen);
    vault_fd_close(&state->lock_fd);
    g_free(state->path);
    g_free(state);
}

static gboolean set_corrupt(const char *path, const char *why, GError **error)
{
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
                "%s: %s. A witness that forgets can be lied to: take a copy of the file, or ask "
                "the logs for checkpoints kept elsewhere",
                path, why);
    return FALSE;
}

static WitnessSeen *seen_new(const char *text, gsize len, const VaultNoteKey *witness,
                             GError **error)
{
    g_autoptr(VaultNote) note = vault_note_parse(text, len, error);
    g_autoptr(WitnessSeen) seen = NULL;

    if (note == NULL || (witness != NULL && !vault_note_verify(note, witness, NULL, error)))
        return NULL;
    seen = g_new0(WitnessSeen, 1);
    seen->note = g_strndup(text, len);
    seen->checkpoint = vault_checkpoint_parse(note->text, strlen(note->text), error);
    return seen->checkpoint == NULL ? NULL : g_steal_pointer(&seen);
}

static void remember(WitnessState *state, WitnessSeen *seen)
{
    g_hash_table_replace(state->seen, seen->checkpoint->origin, seen);
}

static gboolean parse_one(WitnessState *state, LogText *text, const VaultNoteKey *witness,
                          GError **error)
{
    const char *line = NULL;
    gsize line_len = 0;
    guint64 len = 0;
    g_autoptr(WitnessSeen) seen = NULL;
    g_autoptr(GError) why = NULL;

    if (!log_text_line(text, &line, &line_len) || line_len <= strlen(CHECKPOINT) ||
        memcmp(line, CHECKPOINT, strlen(CHECKPOINT)) != 0 ||
        !log_text_decimal(line + strlen(CHECKPOINT), line_len - strlen(CHECKPOINT), &len) ||
        len > text->left)
        return set_corrupt(state->path, "it is damaged", error);
    seen = seen_new(text->next, (gsize)len, witness, &why);
    if (seen == NULL)
        return set_corrupt(state->path, why->message, error);
    if (witness_state_find(state, seen->checkpoint->origin) != NULL)
        return set_corrupt(state->path, "it names a log twice", error);
    text->next += len;
    text->left -= (gsize)len;
    remember(state, g_steal_pointer(&seen));
    return TRUE;
}

static gboolean read_file(WitnessState *state, const VaultNoteKey *witness, GError **error)
{
    g_autoptr(GError) why = NULL;
    g_autoptr(GBytes) bytes = vault_file_read(state->path, WITNESS_STATE_LEN_MAX, &why);
    const char *line = NULL;
    gsize len = 0;
    LogText text;

    if (g_error_matches(why, VAULT_ERROR, VAULT_ERROR_NOT_FOUND))
        return TRUE;
    if (bytes == NULL) {
        g_propagate_error(error, g_steal_pointer(&why));
        return FALSE;
    }
    text.next = g_bytes_get_data(bytes, &text.left);
    if (!log_text_line(&text, &line, &len) || !log_text_is(line, len, TYPE))
        return set_corrupt(state->path, "it is no file of type " TYPE, error);
    while (text.left > 0) {
        if (!parse_one(state, &text, witness, error))
            return FALSE;
    }
    return TRUE;
}

/* A file of its own, which is never replaced: a lock on the state would end with its next rename.
 */
static gboolean take_lock(WitnessState *state, GError **error)
{
    g_autofree char *path = g_strconcat(state->path, ".lock", NULL);

    state->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (state->lock_fd < 0)
        return vault_error_set_errno(error, errno, "cannot make", path);
    if (flock(state->lock_fd, LOCK_EX | LOCK_NB) == 0)
        return TRUE;
    if (errno != EWOULDBLOCK)
        return vault_error_set_errno(error, errno, "cannot lock", path);
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_BUSY, "another witness is using %s", state->path);
    return FALSE;
}

WitnessState *witness_state_open(const char *path, const VaultNoteKey *witness, GError **error)
{
    g_autoptr(WitnessState) state = g_new0(WitnessState, 1);

    state->path = g_strdup(path);
    state->lock_fd = -1;
    state->seen = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)seen_free);
    if (!take_lock(state, error) || !read_file(state, witness, error))
        return NULL;
    return g_steal_pointer(&state);
}

guint witness_state_count(const WitnessState *state)
{
    return g_hash_table_size(state->seen);
}

const WitnessSeen *witness_state_find(const WitnessState *state, const char *origin)
{
    return g_hash_table_lookup(state->seen, origin);
}

static void append_one(GString *text, const char *note)
{
    g_string_append_printf(text, CHECKPOINT "%" G_GSIZE_FORMAT "\n%s", strlen(note), note);
}

/* The file as it would be with this one in the place of what was seen of its log. */
static GString *format_with(const WitnessState *state, const WitnessSeen *next)
{
    GString *text = g_string_new(TYPE "\n");
    g_autoptr(GList) origins =
        g_list_sort(g_hash_table_get_keys(state->seen), (GCompareFunc)strcmp);

    for (GList *at = origins; at != NULL; at = at->next) {
        const WitnessSeen *seen = g_hash_table_lookup(state->seen, at->data);

        if (strcmp(at->data, next->checkpoint->origin) != 0)
            append_one(text, seen->note);
    }
    append_one(text, next->note);
    return text;
}

gboolean witness_state_put(WitnessState *state, const char *note, GError **error)
{
    g_autoptr(WitnessSeen) next = seen_new(note, strlen(note), NULL, error);
    g_autoptr(GString) text = NULL;

    if (next == NULL)
        return FALSE;
    if (witness_state_find(state, next->checkpoint->origin) == NULL &&
        g_hash_table_size(state->seen) >= WITNESS_LOGS_MAX) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE, "%s: a witness has at most %d logs",
                    state->path, WITNESS_LOGS_MAX);
        return FALSE;
    }
    text = format_with(state, next);
    if (!vault_file_write(state->path, text->str, text->len, 0600, VAULT_FILE_REPLACE, error))
        return FALSE;
    remember(state, g_steal_pointer(&next));
    return TRUE;
}
