#include "vault/act/request_file.h"

#include "vault/act/policy.h"
#include "vault/act/wrap_text.h"

#include <stdlib.h>

static const char first_type[] = "muniment-request/1";
static const char request_type[] = "muniment-request/2";

VaultRequestMonth *vault_request_month_new(VaultMonth month, const char *address,
                                           const MonthPublicKeys *keys, const VaultWrap *wraps,
                                           gsize wrap_count)
{
    VaultRequestMonth *self = g_new0(VaultRequestMonth, 1);

    self->month = month;
    self->address = g_strdup(address);
    self->keys = *keys;
    self->wraps = g_array_new(FALSE, FALSE, sizeof(VaultWrap));
    if (wrap_count > 0)
        g_array_append_vals(self->wraps, wraps, (guint)wrap_count);
    return self;
}

void vault_request_month_free(VaultRequestMonth *month)
{
    if (month == NULL)
        return;
    g_free(month->address);
    g_array_unref(month->wraps);
    g_free(month);
}

VaultRequestMailbox *vault_request_mailbox_new(const MailboxId *id)
{
    VaultRequestMailbox *mailbox = g_new0(VaultRequestMailbox, 1);

    mailbox->id = *id;
    mailbox->months = g_ptr_array_new_with_free_func((GDestroyNotify)vault_request_month_free);
    return mailbox;
}

void vault_request_mailbox_free(VaultRequestMailbox *mailbox)
{
    if (mailbox == NULL)
        return;
    g_free(mailbox->address);
    g_ptr_array_unref(mailbox->months);
    g_free(mailbox);
}

const char *vault_request_mailbox_address(const VaultRequestMailbox *mailbox)
{
    const VaultRequestMonth *newest;

    if (mailbox->months->len == 0)
        return mailbox->address;
    newest = g_ptr_array_index(mailbox->months, mailbox->months->len - 1);
    return newest->address;
}

VaultRequestFile *vault_request_file_new(void)
{
    VaultRequestFile *request = g_new0(VaultRequestFile, 1);

    request->messages = g_array_new(FALSE, FALSE, sizeof(RecordId));
    request->mailboxes = g_ptr_array_new_with_free_func((GDestroyNotify)vault_request_mailbox_free);
    request->approvals = vault_approvals_new();
    return request;
}

void vault_request_file_set_nonce(VaultRequestFile *request)
{
    vault_random(request->nonce, sizeof request->nonce);
}

gboolean vault_request_file_has_nonce(const VaultRequestFile *request)
{
    static const guint8 none[VAULT_REQUEST_NONCE_LEN];

    return memcmp(request->nonce, none, sizeof none) != 0;
}

void vault_request_file_free(VaultRequestFile *request)
{
    if (request == NULL)
        return;
    g_free(request->case_id);
    g_free(request->reason);
    g_free(request->reader_name);
    g_free(request->detail);
    g_free(request->policy);
    g_array_unref(request->messages);
    g_ptr_array_unref(request->mailboxes);
    g_ptr_array_unref(request->approvals);
    g_free(request);
}

void vault_request_file_hash(const char *text, gsize len, VaultHash *ret_hash)
{
    vault_hash(text, vault_approvals_offset(text, len), ret_hash);
}

gboolean vault_request_month_overlaps(const VaultRequestFile *request, VaultMonth month)
{
    return vault_month_overlaps(month, request->from_s, request->to_s);
}

static int compare_mailbox_id(const void *id, const void *element)
{
    const VaultRequestMailbox *const *mailbox = element;

    return memcmp(id, (*mailbox)->id.bytes, VAULT_ID_LEN);
}

gboolean vault_request_names_mailbox(const VaultRequestFile *request, const MailboxId *id)
{
    return request->mailboxes->len > 0 &&
           bsearch(id->bytes, request->mailboxes->pdata, request->mailboxes->len, sizeof(gpointer),
                   compare_mailbox_id) != NULL;
}

/* ---- parsing -------------------------------------------------------------------------------- */

/* "key: MONTH CONTENT INDEX WRAPS ADDRESS", then the wraps. */
static VaultRequestMonth *parse_month(VaultTextFile *file, GError **error)
{
    g_autofree char *value = vault_text_file_take(file, "key", VAULT_ADDRESS_LEN_MAX + 256, error);
    g_auto(GStrv) parts = NULL;
    g_autofree char *address = NULL;
    g_autoptr(VaultRequestMonth) month = NULL;
    MonthPublicKeys keys;
    VaultMonth number;
    guint64 wrap_count;

    if (value == NULL || (parts = vault_text_file_split(file, value, 5, error)) == NULL ||
        !vault_text_file_month(file, parts[0], &number, error) ||
        !vault_text_file_hex(file, "key", parts[1], keys.content.bytes, VAULT_KEY_LEN, error) ||
        !vault_text_file_hex(file, "key", parts[2], keys.index.bytes, VAULT_KEY_LEN, error) ||
        (address = vault_text_file_address(file, parts[4], error)) == NULL)
        return NULL;
    /* The first character is a digit: white space would be passed over, and written back without.
     */
    if (!g_ascii_isdigit(*parts[3]) || *parts[3] == '0' ||
        !g_ascii_string_to_unsigned(parts[3], 10, 1, VAULT_WRAPS_MAX, &wrap_count, NULL)) {
        vault_text_file_refuse(file, error, "a key has 1 to %d wraps", VAULT_WRAPS_MAX);
        return NULL;
    }
    month = vault_request_month_new(number, address, &keys, NULL, 0);
    for (guint64 i = 0; i < wrap_count; i++) {
        if (!vault_wrap_take(file, month->wraps, error))
            return NULL;
    }
    return g_steal_pointer(&month);
}

/* Only an act that is granted by keys carries them: any other should hand out none. */
static gboolean parse_months(VaultTextFile *file, VaultAct act, VaultRequestMailbox *mailbox,
                             GError **error)
{
    VaultMonth previous = 0;
    guint32 count;

    if (!vault_text_file_take_number(file, "keys", VAULT_REQUEST_MONTHS_MAX, &count, error))
        return FALSE;
    if (count == 0 && vault_act_has_keys(act))
        return vault_text_file_refuse(file, error, "a mailbox has at least one key");
    if (count > 0 && !vault_act_has_keys(act))
        return vault_text_file_refuse(file, error, "there are no keys for this act");
    for (guint32 i = 0; i < count; i++) {
        VaultRequestMonth *month = parse_month(file, error);

        if (month == NULL)
            return FALSE;
        g_ptr_array_add(mailbox->months, month);
        if (month->month <= previous)
            return vault_text_file_refuse(file, error, "the keys are not in order of month");
        previous = month->month;
    }
    return TRUE;
}

/* "mailbox: ID ADDRESS", then its keys; the address must be that of the newest, which a wrap binds.
 */
static VaultRequestMailbox *parse_mailbox(VaultTextFile *file, VaultAct act, GError **error)
{
    g_autofree char *value =
        vault_text_file_take(file, "mailbox", VAULT_ID_HEX_LEN + 1 + VAULT_ADDRESS_LEN_MAX, error);
    g_auto(GStrv) parts = NULL;
    g_autofree char *address = NULL;
    g_autoptr(VaultRequestMailbox) mailbox = NULL;
    MailboxId id;

    if (value == NULL || (parts = vault_text_file_split(file, value, 2, error)) == NULL ||
        !vault_text_file_hex(file, "mailbox", parts[0], id.bytes, VAULT_ID_LEN, error) ||
        (address = vault_text_file_address(file, parts[1], error)) == NULL)
        return NULL;
    mailbox = vault_request_mailbox_new(&id);
    mailbox->address = g_strdup(address);
    if (!parse_months(file, act, mailbox, error))
        return NULL;
    if (!g_str_equal(address, vault_request_mailbox_address(mailbox))) {
        vault_text_file_refuse(file, error,
                               "the address shown for the mailbox is not that of its newest key");
        return NULL;
    }
    return g_steal_pointer(&mailbox);
}

static guint32 mailboxes_max(VaultAct act)
{
    return act == VAULT_ACT_STANDING_READ ? VAULT_REQUEST_STANDING_MAILBOXES_MAX
                                          : VAULT_REQUEST_MAILBOXES_MAX;
}

static gboolean parse_mailboxes(VaultTextFile *file, VaultRequestFile *request, GError **error)
{
    MailboxId previous = {{0}};
    guint32 count;

    if (!vault_text_file_take_number(file, "mailboxes", mailboxes_max(request->act), &count, error))
        return FALSE;
    if (count == 0 && vault_act_needs_mailbox(request->act))
        return vault_text_file_refuse(file, error, "a request names at least one mailbox");
    if (count > 0 && !vault_act_may_name_mailbox(request->act))
        return vault_text_file_refuse(file, error, "the act is on the vault, not on mailboxes");
    for (guint32 i = 0; i < count; i++) {
        VaultRequestMailbox *mailbox = parse_mailbox(file, request->act, error);

        if (mailbox == NULL)
            return FALSE;
        g_ptr_array_add(request->mailboxes, mailbox);
        if (i > 0 && memcmp(mailbox->id.bytes, previous.bytes, VAULT_ID_LEN) <= 0)
            return vault_text_file_refuse(file, error, "the mailboxes are not in order of id");
        previous = mailbox->id;
    }
    return TRUE;
}

static gboolean parse_policy(VaultTextFile *file, VaultRequestFile *request, GError **error)
{
    g_autoptr(GString) policy = g_string_new(NULL);
    guint32 count, serial;

    if (!vault_text_file_take_number(file, "policy-serial", G_MAXUINT32, &request->policy_serial,
                                     error) ||
        !vault_text_file_take_number(file, "policy-lines", VAULT_REQUEST_POLICY_LINES_MAX, &count,
                                     error))
        return FALSE;
    for (guint32 i = 0; i < count; i++) {
        g_autofree char *line =
            vault_text_file_take_text(file, "policy", VAULT_REQUEST_POLICY_LINE_LEN_MAX, error);

        if (line == NULL)
            return FALSE;
        g_string_append_printf(policy, "%s\n", line);
    }
    if (!vault_policy_serial(policy->str, policy->len, &serial, error))
        return FALSE;
    if (serial != request->policy_serial)
        return vault_text_file_refuse(file, error, "the policy has another serial than is said");
    request->policy = g_string_free(g_steal_pointer(&policy), FALSE);
    return TRUE;
}

/* Messages of a standing read are yet to come: none can be named. */
static gboolean parse_messages(VaultTextFile *file, VaultRequestFile *request, GError **error)
{
    if (!vault_text_file_take_messages(file, VAULT_REQUEST_MESSAGES_MAX, request->messages, error))
        return FALSE;
    if (request->messages->len > 0 && request->act == VAULT_ACT_STANDING_READ)
        return vault_text_file_refuse(file, error, "a standing reader has no list of messages");
    return TRUE;
}

/* Whom keys are for; or, for an act that needs none, what exactly is to be done. */
static gboolean parse_purpose(VaultTextFile *file, VaultRequestFile *request, GError **error)
{
    if (!vault_act_is_granted(request->act)) {
        request->detail =
            vault_text_file_take_text(file, "detail", VAULT_REQUEST_DETAIL_LEN_MAX, error);
        return request->detail != NULL;
    }
    request->reader_name =
        vault_text_file_take_text(file, "reader", VAULT_REQUEST_READER_LEN_MAX, error);
    return request->reader_name != NULL &&
           vault_text_file_take_hex(file, "reader-key", request->reader_key.bytes, VAULT_KEY_LEN,
                                    error);
}

static gboolean parse_nonce(VaultTextFile *file, VaultRequestFile *request, GError **error)
{
    if (file->type == first_type)
        return TRUE;
    if (!vault_text_file_take_hex(file, "nonce", request->nonce, VAULT_REQUEST_NONCE_LEN, error))
        return FALSE;
    return vault_request_file_has_nonce(request) ||
           vault_text_file_refuse(file, error, "the nonce is zero");
}

static gboolean parse_head(VaultTextFile *file, VaultRequestFile *request, GError **error)
{
    g_autofree char *act = vault_text_file_take(file, "act", 32, error);

    if (act == NULL)
        return FALSE;
    if (!vault_act_parse(act, &request->act))
        return vault_text_file_refuse(file, error, "there is no such act");
    return vault_text_file_take_hex(file, "vault", request->vault_id.bytes, VAULT_ID_LEN, error) &&
           parse_nonce(file, request, error) &&
           (request->case_id = vault_text_file_take_text(file, "case", VAULT_REQUEST_CASE_LEN_MAX,
                                                         error)) != NULL &&
           (request->reason = vault_text_file_take_text(
                file, "reason", VAULT_REQUEST_REASON_LEN_MAX, error)) != NULL &&
           vault_text_file_take_time(file, "created", &request->created_s, error) &&
           vault_text_file_take_time(file, "expires", &request->expires_s, error) &&
           vault_text_file_take_period(file, &request->from_s, &request->to_s, error) &&
           parse_purpose(file, request, error);
}

static const char *type_of(const char *text, gsize len)
{
    gsize type_len = strlen(first_type);

    return len > type_len && memcmp(text, first_type, type_len) == 0 && text[type_len] == '\n'
               ? first_type
               : request_type;
}

VaultRequestFile *vault_request_file_parse(const char *text, gsize len, GError **error)
{
    g_autoptr(VaultRequestFile) request = vault_request_file_new();
    VaultTextFile file;

    if (len > VAULT_REQUEST_LEN_MAX) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_TOO_LARGE,
                    "a request has at most %u bytes: ask for fewer mailboxes or months at a time",
                    VAULT_REQUEST_LEN_MAX);
        return NULL;
    }
    if (!vault_text_file_begin(&file, text, len, type_of(text, len), error) ||
        !parse_head(&file, request, error) || !parse_messages(&file, request, error) ||
        !parse_mailboxes(&file, request, error) || !parse_policy(&file, request, error) ||
        !vault_approvals_take(&file, request->approvals, error) ||
        !vault_text_file_finish(&file, error))
        return NULL;
    return g_steal_pointer(&request);
}
