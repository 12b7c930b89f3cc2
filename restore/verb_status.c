/* muniment status: how the vault is. Asks the daemon, and reads for itself where none runs. */
#include "archived/control_client.h"
#include "restore/dates.h"
#include "restore/json_text.h"
#include "restore/output.h"
#include "restore/owner.h"
#include "restore/progress.h"
#include "restore/status_problems.h"
#include "restore/vault_access.h"
#include "restore/verb.h"
#include "restore/verbs.h"
#include "vault/crypto/key_files.h"

#include <stdio.h>

static const char verb[] = "status";

typedef struct {
    gboolean as_json, is_check;
} StatusOptions;

static gboolean add_masters(VaultKeep *keep, JsonBuilder *builder, GError **error)
{
    g_autoptr(GArray) masters = vault_keep_master_rows(keep, error);

    if (masters == NULL)
        return FALSE;
    json_builder_set_member_name(builder, "masters");
    json_builder_begin_array(builder);
    for (guint i = 0; i < masters->len; i++) {
        const VaultMasterValue *master = &g_array_index(masters, VaultMasterValue, i);
        g_autofree char *fingerprint = vault_master_fingerprint(&master->master);
        KeyId key_id = vault_master_key_id(&master->master);

        json_builder_begin_object(builder);
        json_text_add(builder, "key", VAULT_ID_TEXT(key_id));
        json_text_add(builder, "fingerprint", fingerprint);
        json_text_add(builder, "state", vault_master_state_name(master->state));
        json_text_add_number(builder, "added", master->added_s);
        json_text_add_number(builder, "drilled", master->drilled_s);
        json_text_add(builder, "successor",
                      vault_id_is_zero(master->successor.bytes) ? NULL
                                                                : VAULT_ID_TEXT(master->successor));
        json_builder_end_object(builder);
    }
    json_builder_end_array(builder);
    return TRUE;
}

/* What is read of the vault here has the daemon's names, so that a script sees one form. */
static gboolean add_vault(VaultKeep *keep, JsonBuilder *builder, GError **error)
{
    VaultKeepStatus status = {0};

    if (!vault_keep_status(keep, &status, error))
        return FALSE;
    json_builder_set_member_name(builder, "vault");
    json_builder_begin_object(builder);
    json_text_add(builder, "id", VAULT_ID_TEXT(*vault_keep_id(keep)));
    json_text_add_number(builder, "messages", status.message_count);
    json_text_add_number(builder, "copies", status.copy_count);
    json_text_add_number(builder, "mailboxes", status.mailbox_count);
    json_text_add_number(builder, "months", status.month_count);
    json_text_add_number(builder, "packs", status.pack_count);
    json_text_add_number(builder, "stored_bytes", status.stored_bytes);
    json_text_add_number(builder, "free_bytes", status.free_bytes);
    json_text_add_number(builder, "disk_reserve", status.disk_reserve);
    json_text_add_number(builder, "vault_key_generation", status.vault_key_generation);
    json_text_add_number(builder, "uncatalogued", status.uncatalogued_count);
    json_text_add_number(builder, "last_archived", status.last_archived_s);
    json_text_add_boolean(builder, "pair_exists", status.pair_exists);
    json_text_add_number(builder, "policy_serial", status.policy_serial);
    json_text_add_number(builder, "last_drill", status.last_drill_s);
    json_text_add_number(builder, "drill_due", status.drill_due_s);
    json_text_add_number(builder, "last_backup", status.last_backup_s);
    json_text_add_number(builder, "not_backed_up", status.not_backed_up_count);
    json_text_add_number(builder, "last_recovery_drill", status.last_recovery_drill_s);
    json_text_add_number(builder, "last_expiry", status.expiry.ran_s);
    json_text_add_number(builder, "expired_months", status.expiry.month_count);
    json_text_add_number(builder, "expired_copies", status.expiry.copy_count);
    json_text_add_number(builder, "expiry_passed_over", status.expiry.passed_over_count);
    if (!add_masters(keep, builder, error))
        return FALSE;
    json_builder_end_object(builder);
    return TRUE;
}

static JsonObject *read_vault(const char *path, GError **error)
{
    g_autoptr(VaultKeep) keep = vault_access_open(path, VAULT_ACCESS_AS_IT_IS, NULL, error);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    g_autoptr(JsonNode) root = NULL;

    if (keep == NULL)
        return NULL;
    json_builder_begin_object(builder);
    json_text_add_boolean(builder, "running", FALSE);
    if (!add_vault(keep, builder, error))
        return NULL;
    json_builder_end_object(builder);
    root = json_builder_get_root(builder);
    return json_node_dup_object(root);
}

/* NULL without an error: no daemon answers. */
static JsonObject *ask_daemon(const char *path, GError **error)
{
    g_autofree char *answer = NULL;
    g_autoptr(GError) failure = NULL;
    g_autoptr(JsonNode) root = NULL;
    JsonObject *status;

    if (!archived_control_call(path, ARCHIVED_DUTY_STATUS, "status", &answer, &failure)) {
        if (!g_error_matches(failure, VAULT_ERROR, VAULT_ERROR_NOT_FOUND))
            g_propagate_error(error, g_steal_pointer(&failure));
        return NULL;
    }
    root = json_from_string(answer, NULL);
    if (root == NULL || !JSON_NODE_HOLDS_OBJECT(root)) {
        g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_MALFORMED,
                            "the daemon answered something that is no status");
        return NULL;
    }
    status = json_node_dup_object(root);
    json_object_remove_member(status, "ok");
    json_object_set_boolean_member(status, "running", TRUE);
    return status;
}

/* ---- text ------------------------------------------------------------------------------------ */

/* The reserve is the daemon's: without one nothing is deferred for it. */
static char *format_disk(JsonObject *status, JsonObject *vault)
{
    g_autofree char *space = progress_format_len(status_number(vault, "free_bytes"));
    g_autofree char *reserve = progress_format_len(status_number(vault, "disk_reserve"));

    return status_truth(status, "running")
               ? g_strdup_printf("%s free, %s in reserve", space, reserve)
               : g_strdup_printf("%s free", space);
}

static void print_vault(JsonObject *status, JsonObject *vault)
{
    g_autofree char *stored = progress_format_len(status_number(vault, "stored_bytes"));
    g_autofree char *disk = format_disk(status, vault);
    guint64 last_s = status_number(vault, "last_archived");
    g_autofree char *last = last_s == 0 ? g_strdup("never") : restore_date_text(last_s);

    printf(
        "Messages:       %" G_GUINT64_FORMAT " (%" G_GUINT64_FORMAT " copies), last archived %s\n"
        "Mailboxes:      %" G_GUINT64_FORMAT ", with %" G_GUINT64_FORMAT " months of keys\n"
        "Stored:         %s in %" G_GUINT64_FORMAT " packs\n"
        "Disk:           %s\n"
        "Vault key:      generation %" G_GUINT64_FORMAT "\n"
        "Policy:         serial %" G_GUINT64_FORMAT "%s\n",
        status_number(vault, "messages"), status_number(vault, "copies"), last,
        status_number(vault, "mailboxes"), status_number(vault, "months"), stored,
        status_number(vault, "packs"), disk, status_number(vault, "vault_key_generation"),
        status_number(vault, "policy_serial"),
        status_number(vault, "policy_serial") == 0 ? " (the initial policy: unsigned, no approvals)"
                                                   : "");
    if (status_number(vault, "uncatalogued") > 0)
        printf("Catalog:        %" G_GUINT64_FORMAT
               " records behind: they are counted in a moment\n",
               status_number(vault, "uncatalogued"));
}

/* Of a master whose place another takes: how far that is. */
static void print_master(JsonObject *master)
{
    const char *state = status_text(master, "state");
    const char *step = "";

    if (g_strcmp0(state, "retiring") == 0)
        step = ": run muniment rotation finish";
    else if (g_strcmp0(state, "active") == 0 && status_text(master, "successor") != NULL)
        step = ", to be retired: see muniment rotation";
    if (state != NULL && status_text(master, "fingerprint") != NULL)
        printf("Master:         %s, %s%s\n", status_text(master, "fingerprint"), state, step);
}

static void print_masters(JsonObject *vault)
{
    g_autoptr(GPtrArray) masters = status_objects(vault, "masters");

    for (guint i = 0; i < masters->len; i++)
        print_master(masters->pdata[i]);
}

static void print_witness(JsonObject *witness)
{
    guint64 last_s = MIN(status_number(witness, "archive"), status_number(witness, "control"));
    g_autofree char *last = last_s == 0 ? NULL : restore_date_text(last_s);
    const char *failure = status_text(witness, "failure");

    printf("Witness:        %s, %s%s%s%s\n",
           status_text(witness, "name") == NULL ? "?" : status_text(witness, "name"),
           last == NULL ? "has not cosigned yet" : "cosigned both logs ", last == NULL ? "" : last,
           failure == NULL ? "" : "; now ", failure == NULL ? "" : failure);
}

static void print_witnesses(JsonObject *status)
{
    g_autoptr(GPtrArray) witnesses = status_objects(status, "witnesses");

    for (guint i = 0; i < witnesses->len; i++)
        print_witness(witnesses->pdata[i]);
}

static void print_drill(JsonObject *vault)
{
    guint64 last_s = status_number(vault, "last_drill");

    if (last_s == 0)
        puts("Master drill:   never");
    else
        printf("Master drill:   %" G_GUINT64_FORMAT " days ago\n",
               status_seconds_since(last_s) / 86400);
}

static void print_backups(JsonObject *vault)
{
    guint64 last_s = status_number(vault, "last_backup");
    guint64 drilled_s = status_number(vault, "last_recovery_drill");
    g_autofree char *last = last_s == 0 ? g_strdup("never") : restore_date_text(last_s);

    printf("Backup:         %s; %" G_GUINT64_FORMAT " messages lie on this disk alone\n", last,
           status_number(vault, "not_backed_up"));
    if (drilled_s == 0)
        puts("Recovery drill: never");
    else
        printf("Recovery drill: %" G_GUINT64_FORMAT " days ago\n",
               status_seconds_since(drilled_s) / 86400);
}

static void print_expiry(JsonObject *vault)
{
    guint64 last_s = status_number(vault, "last_expiry");
    g_autofree char *last = last_s == 0 ? NULL : restore_date_text(last_s);

    if (last == NULL)
        puts("Retention:      never run");
    else
        printf("Retention:      run %s: %" G_GUINT64_FORMAT " copies destroyed, %" G_GUINT64_FORMAT
               " passed over\n",
               last, status_number(vault, "expired_copies"),
               status_number(vault, "expiry_passed_over"));
}

static void print_documents(JsonObject *extraction)
{
    if (!status_truth(extraction, "enabled"))
        puts("Documents:      are not read ([search] extract=no)");
    else
        printf("Documents:      %" G_GUINT64_FORMAT " attached, %" G_GUINT64_FORMAT
               " cut, %" G_GUINT64_FORMAT " encrypted, %" G_GUINT64_FORMAT
               " not read, %" G_GUINT64_FORMAT " damaged, %" G_GUINT64_FORMAT
               " failed, %" G_GUINT64_FORMAT " timed out\n",
               status_number(extraction, "documents"), status_number(extraction, "cut"),
               status_number(extraction, "encrypted"), status_number(extraction, "unread"),
               status_number(extraction, "malformed"), status_number(extraction, "failed"),
               status_number(extraction, "timed_out"));
}

static void print_daemon(JsonObject *status)
{
    JsonObject *connections = status_object(status, "connections");
    JsonObject *counters = status_object(status, "since_start");
    JsonObject *memory = status_object(status, "memory");
    guint64 uptime_s = status_number(status, "uptime");

    if (!status_truth(status, "running")) {
        puts("archived:       does not run: mail is not being archived");
        return;
    }
    printf("archived:       %s, version %s, for %" G_GUINT64_FORMAT "d %02u:%02u:%02u\n"
           "Connections:    %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT "\n"
           "Since start:    %" G_GUINT64_FORMAT " messages, %" G_GUINT64_FORMAT
           " known already, %" G_GUINT64_FORMAT " failed\n"
           "Memory:         %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " MB for deliveries%s\n",
           status_truth(status, "stopping") ? "stopping" : "runs",
           status_text(status, "version") == NULL ? "?" : status_text(status, "version"),
           uptime_s / 86400, (guint)(uptime_s / 3600 % 24), (guint)(uptime_s / 60 % 60),
           (guint)(uptime_s % 60), status_number(connections, "lmtp"),
           status_number(connections, "max"), status_number(counters, "messages"),
           status_number(counters, "already_archived"), status_number(counters, "failed"),
           status_number(memory, "deliveries_used") >> 20,
           status_number(memory, "deliveries_max") >> 20,
           status_truth(memory, "locked") ? ", locked" : "");
    print_documents(status_object(status, "extraction"));
}

static gboolean print_json(JsonObject *status, GError **error)
{
    g_autoptr(JsonNode) node = json_node_init_object(json_node_alloc(), status);
    g_autofree char *line = json_to_string(node, TRUE);

    puts(line);
    return restore_output_flush(error);
}

static void add_problems(JsonObject *status, const GPtrArray *problems)
{
    JsonArray *array = json_array_new();

    for (guint i = 0; i < problems->len; i++)
        json_array_add_string_element(array, problems->pdata[i]);
    json_object_set_array_member(status, "problems", array);
}

static void print_problems(const GPtrArray *problems, const char *before)
{
    for (guint i = 0; i < problems->len; i++)
        printf("%s%s\n", before, (const char *)problems->pdata[i]);
}

static gboolean print_check(const GPtrArray *problems, GError **error)
{
    if (problems->len == 0)
        puts("all well");
    print_problems(problems, "");
    return restore_output_flush(error);
}

static gboolean print_status(const char *path, JsonObject *status, const GPtrArray *problems,
                             GError **error)
{
    JsonObject *vault = status_object(status, "vault");

    printf("Vault:          %s\n", path);
    print_daemon(status);
    print_vault(status, vault);
    print_masters(vault);
    print_drill(vault);
    print_backups(vault);
    print_expiry(vault);
    print_witnesses(status);
    print_problems(problems, "WARNING:        ");
    return restore_output_flush(error);
}

/* What a check looks at beyond what the vault is asked for anyway. */
static GPtrArray *find_problems(const char *path, JsonObject *status, const StatusOptions *options,
                                GError **error)
{
    g_autoptr(GPtrArray) problems = status_problems(status);

    if (options->is_check && !status_problems_look(path, status, problems, error))
        return NULL;
    return g_steal_pointer(&problems);
}

static gboolean show(const char *path, JsonObject *status, const StatusOptions *options,
                     guint *ret_problem_count, GError **error)
{
    g_autoptr(GPtrArray) problems = find_problems(path, status, options, error);

    if (problems == NULL)
        return FALSE;
    *ret_problem_count = problems->len;
    json_object_set_string_member(status, "path", path);
    if (options->is_check)
        add_problems(status, problems);
    if (options->as_json)
        return print_json(status, error);
    return options->is_check ? print_check(problems, error)
                             : print_status(path, status, problems, error);
}

int restore_verb_status(int argc, char **argv)
{
    StatusOptions options = {.is_check = FALSE};
    const GOptionEntry entries[] = {
        {"check", 0, 0, G_OPTION_ARG_NONE, &options.is_check,
         "print what is not as it should be, a line each; verifies the logs, too", NULL},
        {"json", 0, 0, G_OPTION_ARG_NONE, &options.as_json, "print as JSON", NULL},
        G_OPTION_ENTRY_NULL};
    const RestoreVerbUsage usage = {
        .verb = verb,
        .arguments = "VAULT",
        .summary = "Tells how the vault is: daemon, mail, disk, and what is missing for recovery.",
        .description =
            "Exit status: 0 the vault was asked; with --check 0 all is well, 1 something "
            "is not.",
        .entries = entries};
    g_autoptr(GError) error = NULL;
    g_autoptr(JsonObject) status = NULL;
    guint problem_count = 0;

    if (!restore_verb_parse(&usage, &argc, &argv, &error))
        return restore_verb_fail(verb, error);
    if (argc != 2)
        return restore_verb_usage(verb, "give one VAULT");
    if (restore_owner_check(argv[1], &error))
        status = ask_daemon(argv[1], &error);
    if (status == NULL && error == NULL)
        status = read_vault(argv[1], &error);
    if (status == NULL || !show(argv[1], status, &options, &problem_count, &error))
        return restore_verb_fail(verb, error);
    return options.is_check && problem_count > 0 ? RESTORE_EXIT_FAILED : RESTORE_EXIT_DONE;
}
