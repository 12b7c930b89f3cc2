#include "vault/act/text_file.h"
#include "vault/base/bytes.h"
#include "vault/keep/erasure.h"
#include "vault/keep/internal.h"

/* ---- when ----------------------------------------------------------------------------------- */

guint64 vault_erasure_final_s(const VaultErasureValue *value, const VaultCustodyState *custody,
                              guint64 now_s)
{
    guint64 destroyed_s = value->dates_s[VAULT_ERASURE_ESCROW];

    if (value->state == VAULT_ERASURE_FINAL)
        return value->dates_s[VAULT_ERASURE_FINAL];
    if (value->state == VAULT_ERASURE_CANCELLED || custody->key.generation < value->generation ||
        vault_custody_count_behind(custody, VAULT_CUSTODY_COPY, value->generation) > 0 ||
        vault_custody_count_behind(custody, VAULT_CUSTODY_HOLDER, value->generation) > 0)
        return G_MAXUINT64;
    if (destroyed_s == 0)
        destroyed_s = now_s;
    return MAX(now_s, vault_custody_declared_until(custody, destroyed_s));
}

static void append_dates(GString *text, const VaultErasureValue *value,
                         const VaultCustodyState *custody, guint64 now_s)
{
    guint64 final_s = vault_erasure_final_s(value, custody, now_s);

    vault_text_append(text, "state", vault_erasure_state_name(value->state));
    for (guint state = VAULT_ERASURE_REQUESTED; state < VAULT_ERASURE_STATE_END; state++)
        if (value->dates_s[state] != 0)
            vault_text_append_time(text, vault_erasure_state_name(state), value->dates_s[state]);
    if (final_s < VAULT_TEXT_TIME_END_S)
        vault_text_append_time(text, "final-not-before", final_s);
    else
        vault_text_append(text, "final-not-before", "unknown");
}

/* ---- what ----------------------------------------------------------------------------------- */

static void append_read(GString *text, const char *name, guint32 count, const char *what,
                        const VaultErasureRead *read)
{
    g_autofree char *grant = vault_bytes_to_hex(read->grant_hash.bytes, VAULT_HASH_LEN);
    g_autofree char *line = g_strdup_printf("%u %s, grant %s, case %s, by %s", count, what, grant,
                                            read->case_id, read->reader);

    if (count > 0)
        vault_text_append(text, name, line);
}

static void append_reads(GString *text, const VaultErasureValue *value)
{
    for (guint i = 0; i < value->reads->len; i++) {
        const VaultErasureRead *read = g_ptr_array_index(value->reads, i);

        append_read(text, "read-before", read->copy_count, "copies", read);
    }
    for (guint i = 0; i < value->reads->len; i++) {
        const VaultErasureRead *read = g_ptr_array_index(value->reads, i);

        append_read(text, "searched-before", read->words_count, "messages", read);
    }
    for (guint i = 0; i < value->cases->len; i++) {
        const VaultErasureCase *index = g_ptr_array_index(value->cases, i);
        g_autofree char *line =
            g_strdup_printf("case %s, of %s, key dropped", index->case_id, index->reader);

        vault_text_append(text, "case-index", line);
    }
}

static void append_scope(GString *text, const VaultErasureValue *value)
{
    vault_text_append(text, "kind", vault_erasure_kind_name(value->kind));
    vault_text_append(text, "reason", value->reason);
    vault_text_append_hex_line(text, "request", value->request_hash.bytes, VAULT_HASH_LEN);
    for (guint i = 0; i < value->approvers->len; i++)
        vault_text_append(text, "approver", g_ptr_array_index(value->approvers, i));
    if (vault_id_is_zero(value->mailbox_id.bytes)) {
        vault_text_append(text, "mailbox", "all");
    } else {
        vault_text_append(text, "mailbox", VAULT_ID_TEXT(value->mailbox_id));
        vault_text_append(text, "address", vault_text_of_address(value->address));
    }
    vault_text_append_time(text, "from", value->from_s);
    vault_text_append_time(text, "to", value->to_s);
    for (guint i = 0; i < value->messages->len; i++)
        vault_text_append(text, "message",
                          VAULT_ID_TEXT(g_array_index(value->messages, RecordId, i)));
    vault_text_append_number(text, "destroyed-copies", value->copy_count);
    vault_text_append_number(text, "destroyed-months", value->month_count);
    vault_text_append_number(text, "passed-over", value->held_count);
    vault_text_append_number(text, "generation", value->generation);
    for (guint i = 0; i < value->owners->len; i++)
        vault_text_append(text, "also-owned-by",
                          VAULT_ID_TEXT(g_array_index(value->owners, MailboxId, i)));
    append_reads(text, value);
}

/* ---- where it still is ---------------------------------------------------------------------- */

static gboolean has_plain_holder(const VaultCustodyState *custody)
{
    for (guint i = 0; i < custody->entries->len; i++) {
        const VaultCustodyEntry *entry = g_ptr_array_index(custody->entries, i);

        if (entry->sort == VAULT_CUSTODY_HOLDER && strcmp(entry->kind, "file") == 0)
            return TRUE;
    }
    return FALSE;
}

/* A place's name and kind; its path is the host's business. */
static void append_custody(GString *text, const VaultErasureValue *value,
                           const VaultCustodyState *custody, guint64 now_s)
{
    for (guint i = 0; i < custody->entries->len; i++) {
        const VaultCustodyEntry *entry = g_ptr_array_index(custody->entries, i);
        g_autofree char *named = g_strconcat(entry->kind, " ", entry->name, NULL);

        if (vault_custody_entry_is_behind(entry, value->generation))
            vault_text_append(
                text, entry->sort == VAULT_CUSTODY_HOLDER ? "holder-behind" : "copy-behind", named);
    }
    for (guint i = 0; i < custody->declarations->len; i++) {
        const VaultDeclarationValue *declared =
            &g_array_index(custody->declarations, VaultDeclarationValue, i);
        guint64 until_s = vault_declaration_counts_until(declared, now_s);

        if (until_s != 0 && value->state < VAULT_ERASURE_BACKUPS_EXPIRED) {
            vault_text_append(text, "declared-copy", declared->name);
            vault_text_append_time(text, "declared-until", MIN(until_s, VAULT_TEXT_TIME_END_S - 1));
        }
    }
    vault_text_append(text, "vault-key",
                      has_plain_holder(custody) ? "plain-file-best-effort" : "no-plain-file");
    vault_text_append(text, "pair", custody->pair_exists ? "yes" : "no");
}

/* ---- all of it ------------------------------------------------------------------------------ */

char *vault_erasure_statement(const VaultErasureValue *value, const VaultCustodyState *custody,
                              VaultLoggedAct act, guint64 now_s)
{
    GString *text = g_string_new(NULL);

    vault_text_append(text, "act", vault_logged_act_name(act));
    vault_text_append(text, "erasure", VAULT_ID_TEXT(value->id));
    append_dates(text, value, custody, now_s);
    append_scope(text, value);
    append_custody(text, value, custody, now_s);
    vault_text_append(text, "note",
                      "the same mail can be delivered or imported again; what was read, restored "
                      "or exported before is where it was taken");
    return g_string_free(text, FALSE);
}

char *vault_keep_erasure_statement(VaultKeep *keep, const VaultErasureValue *value, GError **error)
{
    g_autoptr(VaultCustodyState) custody = vault_custody_state(keep, VAULT_CUSTODY_KNOWN, error);

    if (custody == NULL)
        return NULL;
    return vault_erasure_statement(value, custody, VAULT_LOGGED_ERASURE_DONE,
                                   vault_clock_now_s(&keep->clock));
}

static gboolean append_erasure(const RowId *row_id, const GByteArray *bytes, gpointer user,
                               GError **error)
{
    VaultErasureValue *value = vault_erasure_value_parse(row_id, bytes->data, bytes->len, error);

    if (value != NULL)
        g_ptr_array_add(user, value);
    return value != NULL;
}

GPtrArray *vault_keep_erasures(VaultKeep *keep, GError **error)
{
    g_autoptr(GPtrArray) erasures =
        g_ptr_array_new_with_free_func((GDestroyNotify)vault_erasure_value_free);

    if (!vault_keyring_each(keep->keyring, VAULT_KEYRING_ERASURES, append_erasure, erasures, error))
        return NULL;
    return g_steal_pointer(&erasures);
}
