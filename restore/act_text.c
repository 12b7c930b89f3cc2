#include "restore/act_text.h"

#include "restore/dates.h"
#include "vault/act/text_file.h"
#include "vault/base/bytes.h"
#include "vault/crypto/key_files.h"

#include <stdio.h>

/* Mailboxes shown before "and n more". */
#define SHOWN_MAX 100

static void show_mailbox(const VaultRequestMailbox *mailbox)
{
    const char *address = vault_request_mailbox_address(mailbox);
    const char *shown = NULL;

    fprintf(stderr, "  %s  %s", VAULT_ID_TEXT(mailbox->id), vault_text_of_address(address));
    if (mailbox->months->len > 0) {
        const VaultRequestMonth *first = g_ptr_array_index(mailbox->months, 0);
        const VaultRequestMonth *last =
            g_ptr_array_index(mailbox->months, mailbox->months->len - 1);

        fprintf(stderr, "  %u month%s, %06u to %06u", mailbox->months->len,
                mailbox->months->len == 1 ? "" : "s", first->month, last->month);
    }
    for (guint i = 0; i < mailbox->months->len; i++) {
        const VaultRequestMonth *month = g_ptr_array_index(mailbox->months, i);

        if (!g_str_equal(month->address, address) &&
            (shown == NULL || !g_str_equal(shown, month->address)))
            fprintf(stderr, "; earlier %s", vault_text_of_address(month->address));
        shown = month->address;
    }
    fputc('\n', stderr);
}

static void show_mailboxes(const VaultRequestFile *request)
{
    guint count = request->mailboxes->len, shown = MIN(count, SHOWN_MAX);

    if (count == 0 && request->act == VAULT_ACT_STANDING_READ) {
        fputs("Mailboxes:  all, those yet to come included\n", stderr);
        return;
    }
    fprintf(stderr, "Mailboxes:  %u\n", count);
    for (guint i = 0; i < shown; i++)
        show_mailbox(g_ptr_array_index(request->mailboxes, i));
    if (shown < count)
        fprintf(stderr, "  and %u more: read all of them in the request file\n", count - shown);
}

static const char *what_it_does(VaultAct act)
{
    switch (act) {
    case VAULT_ACT_SEARCH:
        return " (may read the words of)";
    case VAULT_ACT_READ:
        return " (may read all of)";
    case VAULT_ACT_STANDING_READ:
        return " (may read all that comes, without asking again)";
    case VAULT_ACT_RETENTION_OVERRIDE:
        return " (erase before the retention minimum has passed)";
    default:
        return "";
    }
}

void restore_show_request(const VaultRequestFile *request)
{
    g_autofree char *created = restore_date_text(request->created_s);
    g_autofree char *expires = restore_end_text(request->expires_s, "never");
    g_autofree char *from = restore_date_text(request->from_s);
    g_autofree char *to = restore_end_text(request->to_s, "any time to come");

    fprintf(stderr, "Act:        %s%s\n", vault_act_name(request->act), what_it_does(request->act));
    fprintf(stderr, "Vault:      %s\n", VAULT_ID_TEXT(request->vault_id));
    fprintf(stderr, "Case:       %s\nReason:     %s\n", request->case_id, request->reason);
    if (request->reader_name != NULL) {
        KeyId reader_id = vault_reader_key_id(&request->reader_key);

        fprintf(stderr, "Reader:     %s (key %s)\n", request->reader_name,
                VAULT_ID_TEXT(reader_id));
    } else {
        fprintf(stderr, "Detail:     %s\n", request->detail);
    }
    fprintf(stderr, "Received:   from %s to before %s\n", from, to);
    fprintf(stderr, "Made:       %s\nExpires:    %s\n", created, expires);
    show_mailboxes(request);
    if (request->messages->len > 0)
        fprintf(stderr, "Messages:   only the %u named in the request\n", request->messages->len);
}

static void show_names(const char *before, const GPtrArray *names, const char *none)
{
    fputs(before, stderr);
    for (guint i = 0; i < names->len; i++)
        fprintf(stderr, "%s%s", i == 0 ? "" : ", ", (const char *)g_ptr_array_index(names, i));
    fprintf(stderr, "%s\n", names->len == 0 ? none : "");
}

void restore_show_approvals(const VaultPolicy *policy, const VaultApprovalTally *tally)
{
    fprintf(stderr, "Policy:     serial %u%s\n", policy->serial,
            policy->serial == 0 ? " (the initial policy, unsigned)" : "");
    if (policy->is_signed) {
        g_autofree char *key = vault_bytes_to_hex(policy->verify_key.bytes, VAULT_KEY_LEN);

        fprintf(stderr, "Signed by:  master with the signing key %s\n", key);
    }
    fprintf(stderr, "Approvals:  %u needed, of %u approvers\n", tally->needed,
            policy->approvers->len);
    show_names("  approved: ", tally->names, "nobody");
    if (tally->missing->len > 0)
        show_names("  has not:  ", tally->missing, "");
    for (guint i = 0; i < tally->mistakes->len; i++)
        fprintf(stderr, "  does not count: %s\n",
                (const char *)g_ptr_array_index(tally->mistakes, i));
}

void restore_show_policy(const VaultPolicy *policy)
{
    g_autofree char *created = restore_date_text(policy->created_s);

    fprintf(stderr, "Policy:     serial %u of %s\nVault:      %s\n", policy->serial, created,
            VAULT_ID_TEXT(policy->vault_id));
    for (VaultAct act = VAULT_ACT_SEARCH; act < VAULT_ACT_COUNTED_END; act++)
        fprintf(stderr, "  %-20s %u approval%s\n", vault_act_name(act), policy->needed[act],
                policy->needed[act] == 1 ? "" : "s");
    fprintf(stderr, "Roll of the vault key: %s\n", vault_policy_roll_name(policy->roll));
    fprintf(stderr, "Physical removal:      after %u days\n", policy->physical_removal_days);
    fprintf(stderr, "Mail to closed ones:   %s\n",
            vault_policy_closed_mail_name(policy->closed_mail));
    fprintf(stderr, "Approvers:  %u\n", policy->approvers->len);
    for (guint i = 0; i < policy->approvers->len; i++) {
        const VaultApprover *approver = g_ptr_array_index(policy->approvers, i);

        fprintf(stderr, "  %s  %s\n", approver->name, approver->ssh_key);
    }
}
