#include "restore/rotation_report.h"

#include "restore/json_text.h"
#include "restore/output.h"
#include "vault/base/error.h"

#include <stdio.h>
#include <string.h>

/* One master and its successor. */
typedef struct {
    char *state, *from, *to;
    guint64 lacking, removed;
    GPtrArray *months; /* char *: "<mailbox> <month>", the first that lack a wrap */
} Rotation;

static void rotation_free(gpointer item)
{
    Rotation *rotation = item;

    g_free(rotation->state);
    g_free(rotation->from);
    g_free(rotation->to);
    g_ptr_array_unref(rotation->months);
    g_free(rotation);
}

static Rotation *rotation_new(const char *state)
{
    Rotation *rotation = g_new0(Rotation, 1);

    rotation->state = g_strdup(state);
    rotation->months = g_ptr_array_new_with_free_func(g_free);
    return rotation;
}

/* ---- lines ----------------------------------------------------------------------------------- */

/* The value of a "name: value" line; NULL for another name. */
static const char *value_of(const char *line, const char *name)
{
    gsize len = strlen(name);

    return strncmp(line, name, len) == 0 && strncmp(line + len, ": ", 2) == 0 ? line + len + 2
                                                                              : NULL;
}

static void add_number(guint64 *number, const char *line, const char *name)
{
    const char *value = value_of(line, name);

    if (value != NULL)
        *number += g_ascii_strtoull(value, NULL, 10);
}

void rotation_counts_add(RotationCounts *counts, const char *answer)
{
    g_auto(GStrv) lines = g_strsplit(answer, "\n", -1);

    for (char **line = lines; *line != NULL; line++) {
        add_number(&counts->taken, *line, "taken");
        add_number(&counts->known, *line, "known");
        add_number(&counts->gone, *line, "gone");
        add_number(&counts->full, *line, "full");
    }
}

static void take_text(char **text, const char *line, const char *name)
{
    const char *value = value_of(line, name);

    if (value != NULL) {
        g_free(*text);
        *text = g_strdup(value);
    }
}

static void take_line(Rotation *rotation, const char *line)
{
    const char *month = value_of(line, "month");

    take_text(&rotation->from, line, "from");
    take_text(&rotation->to, line, "to");
    add_number(&rotation->lacking, line, "lacking");
    add_number(&rotation->removed, line, "removed");
    if (month != NULL)
        g_ptr_array_add(rotation->months, g_strdup(month));
}

/* "state" begins each. */
static GPtrArray *parse(const char *answer, GError **error)
{
    g_autoptr(GPtrArray) rotations = g_ptr_array_new_with_free_func(rotation_free);
    g_auto(GStrv) lines = g_strsplit(answer, "\n", -1);

    for (char **line = lines; *line != NULL && **line != '\0'; line++) {
        const char *state = value_of(*line, "state");

        if (state != NULL)
            g_ptr_array_add(rotations, rotation_new(state));
        else if (rotations->len > 0)
            take_line(g_ptr_array_index(rotations, rotations->len - 1), *line);
    }
    for (guint i = 0; i < rotations->len; i++) {
        const Rotation *rotation = g_ptr_array_index(rotations, i);

        if (rotation->from != NULL && rotation->to != NULL)
            continue;
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                            "archived gave an answer that is not understood: is it of another "
                            "version?");
        return NULL;
    }
    return g_steal_pointer(&rotations);
}

/* ---- words ----------------------------------------------------------------------------------- */

static void tell_counts(const RotationCounts *counts)
{
    printf("Months:  %" G_GUINT64_FORMAT " are wrapped to the new master now", counts->taken);
    if (counts->known > 0)
        printf(", %" G_GUINT64_FORMAT " were before", counts->known);
    if (counts->gone > 0)
        printf(", %" G_GUINT64_FORMAT " were erased meanwhile and stay so", counts->gone);
    if (counts->full > 0)
        printf(", %" G_GUINT64_FORMAT " have no room for one more recipient", counts->full);
    puts("");
}

static void tell_retired(const Rotation *rotation)
{
    printf("Master %s is retired: %" G_GUINT64_FORMAT " wraps to it were removed, and grants that "
           "it signed are refused. Master %s is in its place.\n"
           "This erases nothing: whoever holds the old master and has an older copy of keyring and "
           "vault key can still open what was stored until then. Destroy the old master's file, "
           "passphrase and shares, and old keyring copies as their time comes.\n",
           rotation->from, rotation->removed, rotation->to);
}

static void tell_lacking(const Rotation *rotation)
{
    printf("Master %s stays: %" G_GUINT64_FORMAT " months have no wrap for master %s, as those "
           "made between begin and take. The first of them:\n",
           rotation->from, rotation->lacking, rotation->to);
    for (guint i = 0; i < rotation->months->len; i++)
        printf("  mailbox and month %s\n", (const char *)g_ptr_array_index(rotation->months, i));
    printf("New months have one. Next: muniment rotation begin VAULT --master OLD.pub --out "
           "FILE.rotation, which asks for these alone.\n");
}

static void tell(const Rotation *rotation)
{
    if (g_str_equal(rotation->state, "retired"))
        tell_retired(rotation);
    else if (g_str_equal(rotation->state, "lacking"))
        tell_lacking(rotation);
    else if (g_str_equal(rotation->state, "unproved"))
        printf("Master %s stays until master %s has proved that it can be used.\n"
               "Next: muniment drill challenge VAULT --out FILE.challenge, muniment master drill, "
               "muniment drill take; then muniment rotation finish VAULT.\n",
               rotation->from, rotation->to);
    else
        printf("Master %s stays: master %s, which was to take its place, was retired itself.\n"
               "Next: muniment rotation begin VAULT --master OLD.pub, for another new master.\n",
               rotation->from, rotation->to);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static void add_rotation(JsonBuilder *builder, const Rotation *rotation)
{
    json_builder_begin_object(builder);
    json_text_add(builder, "state", rotation->state);
    json_text_add(builder, "from", rotation->from);
    json_text_add(builder, "to", rotation->to);
    json_text_add_number(builder, "lacking", rotation->lacking);
    json_builder_set_member_name(builder, "months");
    json_builder_begin_array(builder);
    for (guint i = 0; i < rotation->months->len; i++)
        json_builder_add_string_value(builder, g_ptr_array_index(rotation->months, i));
    json_builder_end_array(builder);
    json_text_add_number(builder, "removed", rotation->removed);
    json_builder_end_object(builder);
}

static gboolean print_json(const GPtrArray *rotations, const RotationCounts *counts, GError **error)
{
    g_autoptr(JsonBuilder) builder = json_builder_new();

    json_builder_begin_object(builder);
    if (counts != NULL) {
        json_text_add_number(builder, "taken", counts->taken);
        json_text_add_number(builder, "known", counts->known);
        json_text_add_number(builder, "gone", counts->gone);
        json_text_add_number(builder, "full", counts->full);
    }
    json_builder_set_member_name(builder, "rotations");
    json_builder_begin_array(builder);
    for (guint i = 0; i < rotations->len; i++)
        add_rotation(builder, g_ptr_array_index(rotations, i));
    json_builder_end_array(builder);
    json_builder_end_object(builder);
    return restore_output_json(builder, error);
}

static RestoreExit exit_of(const GPtrArray *rotations)
{
    for (guint i = 0; i < rotations->len; i++) {
        const Rotation *rotation = g_ptr_array_index(rotations, i);

        if (!g_str_equal(rotation->state, "retired"))
            return RESTORE_EXIT_PARTLY;
    }
    return rotations->len == 0 ? RESTORE_EXIT_NOTHING_MATCHED : RESTORE_EXIT_DONE;
}

gboolean rotation_report(const char *answer, const RotationCounts *counts, gboolean as_json,
                         RestoreExit *ret_exit, GError **error)
{
    g_autoptr(GPtrArray) rotations = parse(answer, error);

    if (rotations == NULL)
        return FALSE;
    *ret_exit = exit_of(rotations);
    if (as_json)
        return print_json(rotations, counts, error);
    if (counts != NULL)
        tell_counts(counts);
    for (guint i = 0; i < rotations->len; i++)
        tell(g_ptr_array_index(rotations, i));
    if (rotations->len == 0)
        puts("No master of the vault is to be retired.");
    return restore_output_flush(error);
}
