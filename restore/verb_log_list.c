/* muniment log list: both logs in one row, as people read them. */
#include "restore/dates.h"
#include "restore/json_text.h"
#include "restore/output.h"
#include "restore/verb.h"
#include "restore/verb_log.h"
#include "vault/base/bytes.h"
#include "vault/crypto/value.h"

#include <stdio.h>
#include <string.h>

static const char verb[] = "log list";

#define SHOWN_LINES_MAX 20 /* of an act's text; JSON has all */

typedef struct {
    char *from, *to, *kind, *log;
    gboolean as_json;
} ListOptions;

static void list_options_clear(ListOptions *options)
{
    g_free(options->from);
    g_free(options->to);
    g_free(options->kind);
    g_free(options->log);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ListOptions, list_options_clear)

/* One log, at its next entry. */
typedef struct {
    VaultLogKind kind;
    VaultLogReader *reader; /* NULL: not wanted */
    guint64 next, size;
    gboolean has_entry;
    VaultEntry entry;
} Cursor;

static void cursor_clear(Cursor *cursor)
{
    g_clear_pointer(&cursor->reader, vault_log_reader_close);
}

typedef struct {
    VaultKeep *keep;
    const ListOptions *options;
    guint64 from_s, to_s;
    guint32 epoch; /* under way */
    Cursor cursors[VERB_LOG_KINDS];
    guint64 count;
} Listing;

static void listing_clear(Listing *listing)
{
    for (gsize i = 0; i < VERB_LOG_KINDS; i++)
        cursor_clear(&listing->cursors[i]);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Listing, listing_clear)

/* ---- one entry ------------------------------------------------------------------------------- */

static const char *kind_name(const VaultEntry *entry)
{
    switch (entry->kind) {
    case VAULT_ENTRY_EPOCH_START:
        return "epoch-start";
    case VAULT_ENTRY_BATCH:
        return "batch";
    case VAULT_ENTRY_KEY_ROTATED:
        return "key-rotated";
    case VAULT_ENTRY_ACT:
        return vault_logged_act_name(entry->act);
    }
    g_assert_not_reached();
}

/* The text of an act; NULL when it is gone, and why. */
static char *read_text(const Listing *listing, const VaultEntry *entry, char **ret_why)
{
    g_autoptr(GError) error = NULL;
    GByteArray *event = vault_keep_event(listing->keep, entry, &error);
    char *text;

    if (event == NULL) {
        *ret_why = g_strdup(error->message);
        return NULL;
    }
    text = g_strndup((const char *)event->data + VAULT_ENTRY_SALT_LEN,
                     event->len - VAULT_ENTRY_SALT_LEN);
    vault_value_free(event);
    return text;
}

static void print_text(const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    guint count = g_strv_length(lines);

    for (guint i = 0; i < count && *lines[i] != '\0'; i++) {
        g_autofree char *shown = restore_output_printable(lines[i]);

        if (i == SHOWN_LINES_MAX) {
            printf("    (%u more lines: --json has them)\n", count - 1 - i);
            return;
        }
        printf("    %s\n", shown);
    }
}

static void print_start(const VaultEntry *entry)
{
    printf(" %u", entry->epoch);
    if (entry->epoch > 1)
        printf(", after %" G_GUINT64_FORMAT " entries of the one before", entry->earlier_size);
}

static void print_entry(const Listing *listing, const Cursor *cursor)
{
    const VaultEntry *entry = &cursor->entry;
    g_autofree char *time = restore_date_text(entry->time_s);
    g_autofree char *why = NULL;
    g_autofree char *text = NULL;

    printf("%s  %s %" G_GUINT64_FORMAT "  %s", time, verb_log_name(cursor->kind), cursor->next,
           kind_name(entry));
    if (entry->kind == VAULT_ENTRY_EPOCH_START)
        print_start(entry);
    else if (entry->kind == VAULT_ENTRY_BATCH)
        printf(" of %" G_GUINT64_FORMAT " records", entry->count);
    else if (entry->kind == VAULT_ENTRY_ACT && entry->act == VAULT_LOGGED_RELEASE)
        printf(" of %" G_GUINT64_FORMAT " messages", entry->count);
    else if (entry->kind == VAULT_ENTRY_ACT && entry->act == VAULT_LOGGED_SEARCH)
        printf(" of the words of %" G_GUINT64_FORMAT " messages", entry->count);
    putchar('\n');
    if (entry->kind != VAULT_ENTRY_ACT)
        return;
    text = read_text(listing, entry, &why);
    if (text != NULL)
        print_text(text);
    else
        printf("    (%s)\n", why);
}

static void add_hex(JsonBuilder *builder, const char *name, const guint8 *bytes, gsize len)
{
    g_autofree char *hex = vault_bytes_to_hex(bytes, len);

    json_text_add(builder, name, hex);
}

static void add_act(const Listing *listing, const VaultEntry *entry, JsonBuilder *builder)
{
    g_autofree char *why = NULL;
    g_autofree char *text = read_text(listing, entry, &why);
    g_autofree char *valid = text == NULL ? NULL : g_utf8_make_valid(text, -1);

    add_hex(builder, "commitment", entry->commitment.bytes, VAULT_HASH_LEN);
    json_text_add(builder, "event", VAULT_ID_TEXT(entry->event_id));
    json_text_add(builder, "text", valid);
    if (why != NULL)
        json_text_add(builder, "text_missing", why);
    if (!vault_logged_act_is_release(entry->act))
        return;
    json_text_add_number(builder, "count", entry->count);
    add_hex(builder, "root", entry->root.bytes, VAULT_HASH_LEN);
}

static void add_entry(const Listing *listing, const VaultEntry *entry, JsonBuilder *builder)
{
    switch (entry->kind) {
    case VAULT_ENTRY_EPOCH_START:
        json_text_add(builder, "vault", VAULT_ID_TEXT(entry->vault_id));
        if (entry->epoch == 1)
            return;
        json_text_add_number(builder, "earlier_size", entry->earlier_size);
        add_hex(builder, "earlier_root", entry->earlier_root.bytes, VAULT_HASH_LEN);
        return;
    case VAULT_ENTRY_BATCH:
        json_text_add_number(builder, "count", entry->count);
        add_hex(builder, "root", entry->root.bytes, VAULT_HASH_LEN);
        return;
    case VAULT_ENTRY_KEY_ROTATED:
        add_hex(builder, "key", entry->key.bytes, sizeof entry->key.bytes);
        return;
    case VAULT_ENTRY_ACT:
        add_act(listing, entry, builder);
        return;
    }
    g_assert_not_reached();
}

/* A log may be long: its JSON is not held whole. */
static void print_json_entry(const Listing *listing, const Cursor *cursor)
{
    g_autoptr(JsonBuilder) builder = json_builder_new();
    g_autoptr(JsonNode) root = NULL;
    g_autofree char *line = NULL;

    json_builder_begin_object(builder);
    json_text_add(builder, "log", verb_log_name(cursor->kind));
    json_text_add_number(builder, "epoch", listing->epoch);
    json_text_add_number(builder, "index", cursor->next);
    json_text_add_time(builder, "time", cursor->entry.time_s);
    json_text_add(builder, "kind", kind_name(&cursor->entry));
    add_entry(listing, &cursor->entry, builder);
    json_builder_end_object(builder);
    root = json_builder_get_root(builder);
    line = json_to_string(root, FALSE);
    printf("%s\n%s", listing->count == 0 ? "" : ",", line);
}

/* ---- both logs ------------------------------------------------------------------------------- */

static gboolean load(Cursor *cursor, GError **error)
{
    g_autoptr(GBytes) bytes = NULL;

    if (cursor->reader == NULL || cursor->has_entry || cursor->next == cursor->size)
        return TRUE;
    bytes = vault_log_reader_entry(cursor->reader, cursor->next, error);
    if (bytes == NULL || !vault_entry_parse(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes),
                                            &cursor->entry, error)) {
        g_prefix_error(error, "%s log, entry %" G_GUINT64_FORMAT ": ", verb_log_name(cursor->kind),
                       cursor->next);
        return FALSE;
    }
    cursor->has_entry = TRUE;
    return TRUE;
}

/* By time; at the same second what was stored comes before what was done. NULL: the end. */
static Cursor *earliest(Listing *listing)
{
    Cursor *found = NULL;

    for (gsize i = 0; i < VERB_LOG_KINDS; i++) {
        Cursor *cursor = &listing->cursors[i];

        if (cursor->has_entry && (found == NULL || cursor->entry.time_s < found->entry.time_s))
            found = cursor;
    }
    return found;
}

static gboolean is_wanted(const Listing *listing, const VaultEntry *entry)
{
    return entry->time_s >= listing->from_s && entry->time_s < listing->to_s &&
           (listing->options->kind == NULL ||
            strcmp(listing->options->kind, kind_name(entry)) == 0);
}

static gboolean walk(Listing *listing, GError **error)
{
    Cursor *cursor;

    for (;;) {
        for (gsize i = 0; i < VERB_LOG_KINDS; i++) {
            if (!load(&listing->cursors[i], error))
                return FALSE;
        }
        cursor = earliest(listing);
        if (cursor == NULL)
            return TRUE;
        if (is_wanted(listing, &cursor->entry)) {
            (listing->options->as_json ? print_json_entry : print_entry)(listing, cursor);
            listing->count++;
        }
        cursor->has_entry = FALSE;
        cursor->next++;
    }
}

static gboolean open_cursors(Listing *listing, GError **error)
{
    VaultLogKind only = VAULT_LOG_ARCHIVE;

    if (!verb_log_kind_parse(listing->options->log, only, &only, error))
        return FALSE;
    for (gsize i = 0; i < VERB_LOG_KINDS; i++) {
        Cursor *cursor = &listing->cursors[i];

        cursor_clear(cursor);
        *cursor = (Cursor){.kind = (VaultLogKind)i};
        if (listing->options->log != NULL && cursor->kind != only)
            continue;
        cursor->reader = vault_keep_log_reader(listing->keep, cursor->kind, listing->epoch, error);
        if (cursor->reader == NULL)
            return FALSE;
        cursor->size = vault_log_reader_checkpoint(cursor->reader)->size;
    }
    return TRUE;
}

/* One after another: what a later epoch logged came later. */
static gboolean walk_epochs(Listing *listing, GError **error)
{
    guint32 last = 0;

    if (!vault_keep_log_epoch(listing->keep, &last, error))
        return FALSE;
    for (listing->epoch = 1; listing->epoch <= last && listing->epoch > 0; listing->epoch++) {
        if (!open_cursors(listing, error) || !walk(listing, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean list(const char *path, const ListOptions *options, guint64 *ret_count,
                     GError **error)
{
    g_autoptr(VaultKeep) keep = NULL;
    g_auto(Listing) listing = {.options = options};
    gboolean is_whole;

    if (!restore_period_parse(options->from, options->to, &listing.from_s, &listing.to_s, error))
        return FALSE;
    keep = verb_log_open(verb, path, error);
    listing.keep = keep;
    listing.epoch = 1;
    if (keep == NULL || !open_cursors(&listing, error))
        return FALSE;
    if (options->as_json)
        putchar('[');
    is_whole = walk_epochs(&listing, error);
    if (options->as_json)
        puts(listing.count == 0 ? "]" : "\n]");
    *ret_count = listing.count;
    return restore_output_flush(is_whole ? error : NULL) && is_whole;
}

int restore_verb_log_list(int argc, char **argv)
{
    g_auto(ListOptions) options = {0};
    const GOptionEntry entries[] = {
        {"from", 0, 0, G_OPTION_ARG_STRING, &options.from, "logged from then on", "DATE"},
        {"to", 0, 0, G_OPTION_ARG_STRING, &options.to, "logged until then", "DATE"},
        {"kind", 0, 0, G_OPTION_ARG_STRING, &options.kind,
         "only these: batch, release, restore-done, policy-set, ...", "KIND"},
        {"log", 0, 0, G_OPTION_ARG_STRING, &options.log, "only this: archive or control", "LOG"},
        {"json", 0, 0, G_OPTION_ARG_NONE, &options.as_json, "print as JSON", NULL},
        G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {
        .verb = verb,
        .arguments = "VAULT",
        .summary = "Shows what was logged: batches of records that were stored, and acts.",
        .description = "Exit status: 0 done, 1 failed, 3 nothing matched.",
        .entries = entries};
    g_autoptr(GError) error = NULL;
    guint64 count = 0;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(verb, error);
    if (argc != 2)
        return restore_verb_usage(verb, "give one VAULT");
    if (!list(argv[1], &options, &count, &error))
        return restore_verb_fail(verb, error);
    return count > 0 ? RESTORE_EXIT_DONE : RESTORE_EXIT_NOTHING_MATCHED;
}
