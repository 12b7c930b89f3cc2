#include "restore/custody_text.h"

#include "restore/dates.h"
#include "restore/json_text.h"
#include "restore/output.h"
#include "restore/vault_access.h"

#include <stdio.h>

char *custody_text_ask(const char *vault, const char *act, const GString *lines, GError **error)
{
    g_autoptr(GString) text = g_string_new(NULL);
    char *answer = NULL;

    g_string_append_printf(text, "%s/1\n", act);
    if (lines != NULL)
        g_string_append(text, lines->str);
    return vault_access_operate(vault, act, text->str, text->len, &answer, error) ? answer : NULL;
}

/* ---- answers -------------------------------------------------------------------------------- */

/* "holder: NAME OUTCOME REASON" */
typedef struct {
    char *sort, *name, *outcome, *reason;
} Result;

static void result_clear(Result *result)
{
    g_free(result->sort);
    g_free(result->name);
    g_free(result->outcome);
    g_free(result->reason);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Result, result_clear)

static gboolean result_parse(const char *line, Result *result)
{
    g_auto(GStrv) halves = g_strsplit(line, ": ", 2);
    g_auto(GStrv) words = NULL;

    if (g_strv_length(halves) != 2)
        return FALSE;
    words = g_strsplit(halves[1], " ", 3);
    if (g_strv_length(words) < 2)
        return FALSE;
    *result = (Result){.sort = g_strdup(halves[0]),
                       .name = g_strdup(words[0]),
                       .outcome = g_strdup(words[1]),
                       .reason = g_strdup(words[2])};
    return TRUE;
}

static void print_result(const Result *result, JsonBuilder *builder)
{
    if (builder == NULL) {
        g_autofree char *reason =
            restore_output_printable(result->reason == NULL ? "" : result->reason);

        printf("%-7s %-20s %s%s%s\n", result->sort, result->name, result->outcome,
               *reason == '\0' ? "" : ": ", reason);
        return;
    }
    json_builder_begin_object(builder);
    json_text_add(builder, "sort", result->sort);
    json_text_add(builder, "name", result->name);
    json_text_add(builder, "outcome", result->outcome);
    json_text_add(builder, "reason", result->reason);
    json_builder_end_object(builder);
}

gboolean custody_text_answer(const char *answer, gboolean as_json, gboolean *ret_is_all,
                             GError **error)
{
    g_autoptr(JsonBuilder) builder = as_json ? json_builder_new() : NULL;
    g_auto(GStrv) lines = g_strsplit(answer, "\n", -1);

    *ret_is_all = TRUE;
    if (as_json)
        json_builder_begin_array(builder);
    for (char **line = lines; *line != NULL; line++) {
        g_auto(Result) result = {.sort = NULL};

        if (!result_parse(*line, &result))
            continue;
        *ret_is_all &= g_str_equal(result.outcome, "done");
        print_result(&result, builder);
    }
    if (!as_json)
        return TRUE;
    json_builder_end_array(builder);
    return restore_output_json(builder, error);
}

/* ---- lists ---------------------------------------------------------------------------------- */

static VaultCustodyState *read_state(const char *vault, GError **error)
{
    g_autoptr(VaultKeep) keep = vault_access_open(vault, VAULT_ACCESS_AS_IT_IS, NULL, error);

    return keep == NULL ? NULL : vault_custody_state(keep, VAULT_CUSTODY_LOOK, error);
}

static char *generations_of(const VaultCustodyEntry *entry)
{
    GString *text = g_string_new(entry->count == 0 ? "none" : NULL);

    for (guint i = 0; i < entry->count; i++)
        g_string_append_printf(text, "%s%u", i > 0 ? "," : "", entry->keys[i].generation);
    return g_string_free(text, FALSE);
}

static void print_entry(const VaultCustodyEntry *entry)
{
    g_autofree char *generations = generations_of(entry);
    g_autofree char *place = restore_output_printable(entry->place);
    g_autofree char *away = restore_output_printable(entry->away == NULL ? "" : entry->away);
    g_autofree char *seen =
        entry->seen_s == 0 ? g_strdup("never") : restore_date_text(entry->seen_s);

    printf("%-20s %-7s key %-8s %s%s\n", entry->name, entry->kind, generations, place,
           entry->is_off_disk ? "" : "   (on the vault's disk)");
    if (entry->away != NULL)
        printf("%-20s away: %s (last seen %s)\n", "", away, seen);
}

static void add_entry(const VaultCustodyEntry *entry, JsonBuilder *builder)
{
    json_builder_begin_object(builder);
    json_text_add(builder, "name", entry->name);
    json_text_add(builder, "kind", entry->kind);
    json_text_add(builder, "place", entry->place);
    json_text_add_boolean(builder, "off_disk", entry->is_off_disk);
    json_builder_set_member_name(builder, "generations");
    json_builder_begin_array(builder);
    for (guint i = 0; i < entry->count; i++)
        json_builder_add_int_value(builder, entry->keys[i].generation);
    json_builder_end_array(builder);
    json_text_add_time(builder, entry->sort == VAULT_CUSTODY_COPY ? "copied" : "seen",
                       entry->seen_s);
    json_text_add(builder, "away", entry->away);
    json_builder_end_object(builder);
}

static gboolean list_as_json(const VaultCustodyState *state, VaultCustodySort sort, GError **error)
{
    g_autoptr(JsonBuilder) builder = json_builder_new();

    json_builder_begin_object(builder);
    json_text_add_number(builder, "generation", state->key.generation);
    json_text_add_boolean(builder, "pair_exists", state->pair_exists);
    json_text_add_number(builder, "pair_generation", state->pair_generation);
    json_builder_set_member_name(builder, sort == VAULT_CUSTODY_COPY ? "copies" : "holders");
    json_builder_begin_array(builder);
    for (guint i = 0; i < state->entries->len; i++) {
        const VaultCustodyEntry *entry = g_ptr_array_index(state->entries, i);

        if (entry->sort == sort)
            add_entry(entry, builder);
    }
    json_builder_end_array(builder);
    json_builder_end_object(builder);
    return restore_output_json(builder, error);
}

static void print_pair(const VaultCustodyState *state)
{
    if (state->pair_exists)
        puts("A pair exists: keyring copy and vault key are off the vault's disk.");
    else if (state->pair_generation != 0)
        printf("The newest pair off the vault's disk is of vault key %u, the keyring is under %u: "
               "connect what is away\nand run \"muniment vaultkey copies update\".\n",
               state->pair_generation, state->key.generation);
    else
        puts("No pair exists: one dead disk loses everything. Add a holder and a copy off the "
             "vault's disk.");
}

gboolean custody_text_list(const char *vault, VaultCustodySort sort, gboolean as_json,
                           GError **error)
{
    g_autoptr(VaultCustodyState) state = read_state(vault, error);

    if (state == NULL)
        return FALSE;
    if (as_json)
        return list_as_json(state, sort, error);
    for (guint i = 0; i < state->entries->len; i++) {
        const VaultCustodyEntry *entry = g_ptr_array_index(state->entries, i);

        if (entry->sort == sort)
            print_entry(entry);
    }
    print_pair(state);
    return TRUE;
}

/* ---- declarations --------------------------------------------------------------------------- */

static void add_declaration(const VaultDeclarationValue *value, JsonBuilder *builder)
{
    json_builder_begin_object(builder);
    json_text_add(builder, "name", value->name);
    json_text_add_number(builder, "keep_days", value->keep_days);
    json_text_add_time(builder, "declared", value->declared_s);
    json_text_add_time(builder, "last_made", value->ended_s);
    json_builder_end_object(builder);
}

static void print_declaration(const VaultDeclarationValue *value)
{
    g_autofree char *ended = value->ended_s == 0 ? NULL : restore_date_text(value->ended_s);

    printf("%-20s kept %u days, %s%s\n", value->name, value->keep_days,
           ended == NULL ? "made again and again" : "last made ", ended == NULL ? "" : ended);
}

gboolean custody_text_declarations(const char *vault, gboolean as_json, GError **error)
{
    g_autoptr(VaultCustodyState) state = read_state(vault, error);
    g_autoptr(JsonBuilder) builder = NULL;

    if (state == NULL)
        return FALSE;
    builder = as_json ? json_builder_begin_array(json_builder_new()) : NULL;
    for (guint i = 0; i < state->declarations->len; i++) {
        const VaultDeclarationValue *value =
            &g_array_index(state->declarations, VaultDeclarationValue, i);

        if (as_json)
            add_declaration(value, builder);
        else
            print_declaration(value);
    }
    return !as_json || restore_output_json(json_builder_end_array(builder), error);
}
