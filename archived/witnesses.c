#include "archived/witnesses.h"

#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "archived/log.h"
#include "vault/witness/witness_round.h"

struct ArchivedWitnesses {
    ArchivedDaemon *daemon;
    GThread *thread;
    int stop_fd; /* eventfd */
    GMutex lock;
    GCond changed;
    gboolean is_due, is_stopping; /* under lock */
    GPtrArray *states;            /* under lock */
};

static void state_free(gpointer item)
{
    ArchivedWitnessState *state = item;

    g_free(state->name);
    g_free(state->failure);
    g_free(state);
}

static gpointer state_copy(gconstpointer item, gpointer user)
{
    const ArchivedWitnessState *state = item;
    ArchivedWitnessState *copy = g_memdup2(state, sizeof *state);

    copy->name = g_strdup(state->name);
    copy->failure = g_strdup(state->failure);
    return copy;
}

static ArchivedWitnessState *find_state(const GPtrArray *states, const char *name)
{
    for (guint i = 0; i < states->len; i++) {
        ArchivedWitnessState *state = states->pdata[i];

        if (strcmp(state->name, name) == 0)
            return state;
    }
    return NULL;
}

static char *kept_note(VaultKeep *keep, VaultLogKind log)
{
    g_autoptr(VaultLogReader) kept =
        vault_keep_log_reader_cosigned(keep, log, VAULT_KEEP_EPOCH_NOW, NULL);

    return kept == NULL ? NULL : g_strdup(vault_log_reader_note(kept));
}

/* Who is asked in this round: what was known of each goes on, failures do not. */
static GPtrArray *states_of(ArchivedWitnesses *witnesses, const VaultTlogPolicy *policy)
{
    g_autoptr(GArray) asked = vault_tlog_policy_witnesses(policy);
    GPtrArray *states = g_ptr_array_new_with_free_func(state_free);

    for (guint i = 0; i < asked->len; i++) {
        const VaultTlogWitness *witness = &g_array_index(asked, VaultTlogWitness, i);
        ArchivedWitnessState *state = g_new0(ArchivedWitnessState, 1);
        const ArchivedWitnessState *before = find_state(witnesses->states, witness->name);

        if (witness->url == NULL) {
            g_free(state);
            continue;
        }
        state->name = g_strdup(witness->name);
        for (guint log = 0; log < VAULT_LOGS_COUNT; log++) {
            g_autofree char *note = kept_note(witnesses->daemon->keep, (VaultLogKind)log);

            state->cosigned_s[log] = MAX(witness_round_time(witness, note),
                                         before == NULL ? 0 : before->cosigned_s[log]);
        }
        g_ptr_array_add(states, state);
    }
    return states;
}

/* ---- a round --------------------------------------------------------------------------------- */

static void take_answers(GPtrArray *states, VaultLogKind log, const GPtrArray *answers)
{
    for (guint i = 0; i < answers->len; i++) {
        const WitnessAnswer *answer = answers->pdata[i];
        ArchivedWitnessState *state = find_state(states, answer->name);

        if (answer->failure == NULL) {
            state->cosigned_s[log] = answer->time_s;
            continue;
        }
        g_free(state->failure);
        state->failure = g_strdup(answer->failure->message);
        archived_log_error(ARCHIVED_LOG_WARNING, "witness", answer->failure, 0);
    }
}

static gboolean ask_about(ArchivedWitnesses *witnesses, const VaultTlogPolicy *policy,
                          VaultLogKind log, GPtrArray *states, GError **error)
{
    VaultKeep *keep = witnesses->daemon->keep;
    g_autoptr(VaultLogReader) reader =
        vault_keep_log_reader(keep, log, VAULT_KEEP_EPOCH_NOW, error);
    g_autofree char *kept = NULL;
    g_autofree char *note = NULL;
    g_autoptr(GPtrArray) answers = NULL;

    if (reader == NULL)
        return FALSE;
    answers = witness_round_ask(policy, reader, witnesses->stop_fd, &note);
    take_answers(states, log, answers);
    kept = kept_note(keep, log);
    return note == NULL || !witness_round_may_replace(policy, kept, note) ||
           vault_keep_put_cosigned(keep, note, strlen(note), error);
}

static void ask_all(ArchivedWitnesses *witnesses, const char *policy_path)
{
    g_autoptr(GError) failure = NULL;
    g_autoptr(VaultTlogPolicy) policy = vault_tlog_policy_load(policy_path, &failure);
    g_autoptr(GPtrArray) states = NULL;

    if (policy == NULL) {
        archived_log_error(ARCHIVED_LOG_WARNING, "witness", failure, 0);
        return;
    }
    states = states_of(witnesses, policy);
    for (guint log = 0; log < VAULT_LOGS_COUNT; log++) {
        g_clear_error(&failure);
        if (!ask_about(witnesses, policy, (VaultLogKind)log, states, &failure))
            archived_log_error(ARCHIVED_LOG_WARNING, "witness", failure, 0);
    }
    g_mutex_lock(&witnesses->lock);
    g_ptr_array_unref(witnesses->states);
    witnesses->states = g_steal_pointer(&states);
    g_mutex_unlock(&witnesses->lock);
}

static void forget_all(ArchivedWitnesses *witnesses)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&witnesses->lock);

    g_ptr_array_set_size(witnesses->states, 0);
}

static gpointer keep_asking(gpointer user)
{
    ArchivedWitnesses *witnesses = user;

    g_mutex_lock(&witnesses->lock);
    while (!witnesses->is_stopping) {
        if (witnesses->is_due) {
            g_autoptr(ArchivedConfig) config = archived_daemon_config(witnesses->daemon);

            witnesses->is_due = FALSE;
            g_mutex_unlock(&witnesses->lock);
            if (config->witness_policy == NULL)
                forget_all(witnesses);
            else
                ask_all(witnesses, config->witness_policy);
            g_mutex_lock(&witnesses->lock);
        } else {
            g_cond_wait(&witnesses->changed, &witnesses->lock);
        }
    }
    g_mutex_unlock(&witnesses->lock);
    return NULL;
}

/* ---- from outside ---------------------------------------------------------------------------- */

ArchivedWitnesses *archived_witnesses_start(ArchivedDaemon *daemon)
{
    ArchivedWitnesses *witnesses = g_new0(ArchivedWitnesses, 1);

    witnesses->daemon = daemon;
    witnesses->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    witnesses->states = g_ptr_array_new_with_free_func(state_free);
    g_mutex_init(&witnesses->lock);
    g_cond_init(&witnesses->changed);
    witnesses->thread = g_thread_new("witnesses", keep_asking, witnesses);
    return witnesses;
}

void archived_witnesses_stop(ArchivedWitnesses *witnesses)
{
    const guint64 one = 1;
    ssize_t written;

    if (witnesses == NULL)
        return;
    g_mutex_lock(&witnesses->lock);
    witnesses->is_stopping = TRUE;
    g_cond_signal(&witnesses->changed);
    g_mutex_unlock(&witnesses->lock);
    written = write(witnesses->stop_fd, &one, sizeof one);
    g_assert(written == sizeof one);
    g_thread_join(witnesses->thread);
    close(witnesses->stop_fd);
    g_ptr_array_unref(witnesses->states);
    g_mutex_clear(&witnesses->lock);
    g_cond_clear(&witnesses->changed);
    g_free(witnesses);
}

void archived_witnesses_ask(ArchivedWitnesses *witnesses)
{
    if (witnesses == NULL)
        return;
    g_mutex_lock(&witnesses->lock);
    witnesses->is_due = TRUE;
    g_cond_signal(&witnesses->changed);
    g_mutex_unlock(&witnesses->lock);
}

GPtrArray *archived_witnesses_state(ArchivedWitnesses *witnesses)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&witnesses->lock);

    return g_ptr_array_copy(witnesses->states, state_copy, NULL);
}
