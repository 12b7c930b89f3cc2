#include "restore/host_request.h"

#include "restore/output.h"
#include "vault/act/policy.h"
#include "vault/base/file.h"

#include <stdio.h>

#define EXPIRES_S (30 * 86400)

static char *make(VaultKeep *keep, const RestoreHostAct *act, guint *ret_needed, GError **error)
{
    g_autoptr(VaultRequestFile) request = vault_request_file_new();
    g_autoptr(VaultPolicy) policy = NULL;

    request->act = act->act;
    vault_request_file_set_nonce(request);
    request->vault_id = *vault_keep_id(keep);
    request->case_id = g_strdup(act->case_id);
    request->reason = g_strdup(act->reason);
    request->detail = g_strdup(act->detail);
    request->created_s = (guint64)(g_get_real_time() / G_USEC_PER_SEC);
    request->expires_s = request->created_s + EXPIRES_S;
    request->to_s = VAULT_TEXT_TIME_END_S - 1;
    request->policy = vault_keep_policy(keep, error);
    if (request->policy == NULL)
        return NULL;
    policy = vault_policy_parse(request->policy, strlen(request->policy), error);
    if (policy == NULL)
        return NULL;
    request->policy_serial = policy->serial;
    *ret_needed = policy->needed[act->act];
    return vault_request_file_format(request, error);
}

char *restore_host_request_make(VaultKeep *keep, const RestoreHostAct *act, GError **error)
{
    guint needed;

    return make(keep, act, &needed, error);
}

gboolean restore_host_request_propose(VaultKeep *keep, const RestoreHostAct *act, const char *path,
                                      GError **error)
{
    guint needed = 0;
    g_autofree char *text = make(keep, act, &needed, error);

    if (text == NULL || !restore_output_write(path, text, RESTORE_OUTPUT_PRIVATE, error))
        return FALSE;
    printf("%s asks for: %s, %s\n", path, vault_act_name(act->act), act->detail);
    if (needed > 0)
        printf("Next: it needs %u approval%s. Approvers run\n"
               "  muniment approve %s --key SSH_KEY --as NAME\n",
               needed, needed == 1 ? "" : "s", path);
    printf("%s: give the same command with --approved %s in place of --propose\n",
           needed > 0 ? "Then" : "Next", path);
    return TRUE;
}

char *restore_host_request_read(const char *path, const RestoreHostAct *act, GError **error)
{
    g_autoptr(GBytes) bytes = vault_file_read(path, VAULT_REQUEST_LEN_MAX, error);
    g_autoptr(VaultRequestFile) request = NULL;
    gsize len = 0;
    const char *text = bytes != NULL ? g_bytes_get_data(bytes, &len) : NULL;

    if (bytes == NULL)
        return NULL;
    request = vault_request_file_parse(text, len, error);
    if (request == NULL) {
        g_prefix_error(error, "%s: ", path);
        return NULL;
    }
    if (request->act == act->act && g_strcmp0(request->detail, act->detail) == 0)
        return g_strndup(text, len);
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_REFUSED,
                "%s asks for something else (%s, %s) than this command line", path,
                vault_act_name(request->act), request->detail != NULL ? request->detail : "keys");
    return NULL;
}
