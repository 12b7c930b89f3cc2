/* Approvers with made-up keys and signatures, and a verifier that knows which of them are good: the
 * tests of counting need no ssh-keygen. */
#pragma once

#include "grant_world.h"

#include "vault/act/approval_tally.h"
#include "vault/base/bytes.h"

static inline void append_ssh_string(GByteArray *array, const void *bytes, gsize len)
{
    vault_bytes_append_u32(array, (guint32)len);
    g_byte_array_append(array, bytes, (guint)len);
}

static inline GByteArray *fake_key_blob(guint8 number)
{
    GByteArray *blob = g_byte_array_new();
    guint8 key[32];

    memset(key, number, sizeof key);
    append_ssh_string(blob, "ssh-ed25519", 11);
    append_ssh_string(blob, key, sizeof key);
    return blob;
}

/* "ssh-ed25519 BASE64" */
static inline char *fake_key(guint8 number)
{
    g_autoptr(GByteArray) blob = fake_key_blob(number);
    g_autofree char *base64 = g_base64_encode(blob->data, blob->len);

    return g_strconcat("ssh-ed25519 ", base64, NULL);
}

/* An SSHSIG whose signature is the hash of what is signed: fake_verify() takes no other. */
static inline GBytes *fake_signature(guint8 number, const char *ssh_namespace, const char *text,
                                     gsize len)
{
    g_autoptr(GByteArray) blob = fake_key_blob(number);
    GByteArray *signature = g_byte_array_new();
    VaultHash hash;

    vault_hash(text, len, &hash);
    g_byte_array_append(signature, (const guint8 *)"SSHSIG", 6);
    vault_bytes_append_u32(signature, 1);
    append_ssh_string(signature, blob->data, blob->len);
    append_ssh_string(signature, ssh_namespace, strlen(ssh_namespace));
    append_ssh_string(signature, "", 0);
    append_ssh_string(signature, "sha512", 6);
    append_ssh_string(signature, hash.bytes, VAULT_HASH_LEN);
    return g_byte_array_free_to_bytes(signature);
}

static inline gboolean fake_verify(const VaultSshClaim *claim, gboolean *ret_is_good, gpointer user,
                                   GError **error)
{
    gsize len = 0;
    const guint8 *bytes = g_bytes_get_data(claim->signature, &len);
    VaultHash hash;

    vault_hash(claim->text, claim->len, &hash);
    *ret_is_good = memcmp(bytes + len - VAULT_HASH_LEN, hash.bytes, VAULT_HASH_LEN) == 0;
    return TRUE;
}

static inline void add_approver(VaultPolicy *policy, const char *name, guint8 number)
{
    VaultApprover *approver = g_new0(VaultApprover, 1);

    approver->name = g_strdup(name);
    approver->ssh_key = fake_key(number);
    g_ptr_array_add(policy->approvers, approver);
}

/* Three approvers; reading needs two, a change of policy one. */
static inline VaultPolicy *world_policy(const GrantWorld *world, guint32 serial)
{
    VaultPolicy *policy = vault_policy_new();

    policy->serial = serial;
    policy->vault_id = world->request->vault_id;
    policy->created_s = WORLD_CREATED_S;
    add_approver(policy, "Anna Beispiel", 1);
    add_approver(policy, "Bert", 2);
    add_approver(policy, "Cora", 3);
    policy->needed[VAULT_ACT_READ] = 2;
    policy->needed[VAULT_ACT_POLICY] = 1;
    return policy;
}

static inline char *policy_text(VaultPolicy *policy)
{
    g_autoptr(GError) error = NULL;
    char *text = vault_policy_format(policy, &error);

    if (text == NULL)
        fail_msg("%s", error->message);
    return text;
}

static inline char *signed_policy_text(GrantWorld *world, guint32 serial)
{
    g_autoptr(VaultPolicy) policy = world_policy(world, serial);

    vault_policy_sign(policy, &world->master.signing_key, &world->master.public.verify_key);
    return policy_text(policy);
}

/* The world's request goes by this policy from now on. */
static inline void world_use_policy(GrantWorld *world, guint32 serial)
{
    g_free(world->request->policy);
    world->request->policy = signed_policy_text(world, serial);
    world->request->policy_serial = serial;
}

static inline void approve_request(GrantWorld *world, const char *name, guint8 number)
{
    g_autofree char *text = world_request_text(world);
    g_autoptr(GBytes) signature = fake_signature(number, VAULT_APPROVAL_OF_REQUEST, text,
                                                 vault_approvals_offset(text, strlen(text)));

    vault_approvals_add(world->request->approvals, name, signature);
}
