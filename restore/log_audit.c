#include "restore/log_audit.h"

#include <string.h>

typedef struct {
    VaultLogReader *reader;
    const LogAuditOptions *options;
} Audit;

static gboolean set_corrupt(const char *what, GError **error)
{
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_CORRUPT, what);
    return FALSE;
}

static gboolean check_start(const Audit *audit, const VaultEntry *entry, GError **error)
{
    g_autofree char *origin = vault_log_origin(&entry->vault_id, entry->log, entry->epoch);

    return strcmp(origin, vault_log_reader_checkpoint(audit->reader)->origin) == 0 ||
           set_corrupt("it begins another log than this", error);
}

static gboolean check_list(const VaultEntry *entry, GBytes *list, GError **error)
{
    const VaultHash *hashes = NULL;
    gsize count = 0;
    VaultHash root;

    if (list != NULL && !vault_entry_list_parse(list, &hashes, &count, error))
        return FALSE;
    vault_entry_records_root(hashes, count, &root);
    return (count == entry->count && vault_merkle_hash_equal(&root, &entry->root)) ||
           set_corrupt("its list has another number or root than it says", error);
}

static gboolean check_batch(const Audit *audit, guint64 index, const VaultEntry *entry,
                            GError **error)
{
    g_autoptr(GBytes) list = NULL;

    if (audit->options->kind != VAULT_LOG_ARCHIVE)
        return set_corrupt("a batch, which belongs into the archive log", error);
    if (entry->count == 0)
        return check_list(entry, NULL, error);
    list = vault_log_reader_sidecar(audit->reader, index, &entry->list_hash, error);
    return list != NULL && check_list(entry, list, error);
}

static gboolean check_act(const Audit *audit, const VaultEntry *entry, GError **error)
{
    if (audit->options->kind != VAULT_LOG_CONTROL)
        return set_corrupt("an act, which belongs into the control log", error);
    return audit->options->check_act == NULL ||
           audit->options->check_act(entry, audit->options->user, error);
}

static gboolean check_entry(guint64 index, const guint8 *bytes, gsize len, gpointer user,
                            GError **error)
{
    const Audit *audit = user;
    VaultEntry entry;

    if (!vault_entry_parse(bytes, len, &entry, error))
        return FALSE;
    if ((index == 0) != (entry.kind == VAULT_ENTRY_EPOCH_START))
        return set_corrupt(index == 0 ? "the first entry is not the beginning of an epoch"
                                      : "the beginning of an epoch in the midst of one",
                           error);
    switch (entry.kind) {
    case VAULT_ENTRY_EPOCH_START:
        return check_start(audit, &entry, error);
    case VAULT_ENTRY_BATCH:
        return check_batch(audit, index, &entry, error);
    case VAULT_ENTRY_KEY_ROTATED:
        if (audit->options->announced != NULL)
            audit->options->announced(&entry.key, audit->options->user);
        return TRUE;
    case VAULT_ENTRY_ACT:
        return check_act(audit, &entry, error);
    }
    g_assert_not_reached();
}

static void pass_on(const char *finding, gpointer user)
{
    const Audit *audit = user;

    if (audit->options->found != NULL)
        audit->options->found(finding, audit->options->user);
}

gboolean log_audit(VaultLogReader *reader, const LogAuditOptions *options, GError **error)
{
    Audit audit = {.reader = reader, .options = options};
    VaultLogVerifyOptions verify = {
        .older = options->older, .check_entry = check_entry, .found = pass_on, .user = &audit};

    return vault_log_verify_all(reader, &verify, error);
}
