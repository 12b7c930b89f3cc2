#include "vault/witness/witness_round.h"

#include "vault/witness/witness_client.h"

#include <string.h>

static void answer_free(gpointer item)
{
    WitnessAnswer *answer = item;

    g_free(answer->name);
    g_clear_error(&answer->failure);
    g_free(answer);
}

GPtrArray *witness_round_ask(const VaultTlogPolicy *policy, VaultLogReader *reader, int stop_fd,
                             char **ret_note)
{
    g_autoptr(GArray) witnesses = vault_tlog_policy_witnesses(policy);
    g_autoptr(GString) note = g_string_new(vault_log_reader_note(reader));
    GPtrArray *answers = g_ptr_array_new_with_free_func(answer_free);
    gboolean is_cosigned = FALSE;

    for (guint i = 0; i < witnesses->len; i++) {
        const VaultTlogWitness *witness = &g_array_index(witnesses, VaultTlogWitness, i);
        g_autofree char *lines = NULL;
        WitnessAnswer *answer;

        if (witness->url == NULL)
            continue;
        answer = g_new0(WitnessAnswer, 1);
        answer->name = g_strdup(witness->name);
        g_ptr_array_add(answers, answer);
        lines = witness_client_cosign(witness, reader, stop_fd, &answer->time_s, &answer->failure);
        if (lines != NULL)
            g_string_append(note, lines);
        is_cosigned = is_cosigned || lines != NULL;
    }
    *ret_note = is_cosigned ? g_string_free(g_steal_pointer(&note), FALSE) : NULL;
    return answers;
}

static gboolean meets_quorum(const VaultTlogPolicy *policy, const char *text)
{
    g_autoptr(VaultNote) note = text == NULL ? NULL : vault_note_parse(text, strlen(text), NULL);

    return note != NULL && vault_tlog_policy_meets_quorum(policy, note, NULL);
}

gboolean witness_round_may_replace(const VaultTlogPolicy *policy, const char *kept,
                                   const char *note)
{
    return meets_quorum(policy, note) || !meets_quorum(policy, kept);
}

guint64 witness_round_time(const VaultTlogWitness *witness, const char *note)
{
    g_autoptr(VaultNote) parsed = note == NULL ? NULL : vault_note_parse(note, strlen(note), NULL);
    guint64 time_s = 0;

    if (parsed == NULL || !vault_note_verify(parsed, witness->key, &time_s, NULL))
        return 0;
    return time_s;
}
