/* Two masters and an asked part of a rotation from the one to the other, with months that are
 * really wrapped. */
#pragma once

#include "tests/unit/grant_world.h"
#include "vault/open/rotation.h"

#include <string.h>

typedef struct {
    VaultMaster from, to;
    VaultRotationAsked *asked;
} RotationWorld;

static inline void rotation_world_add_month(RotationWorld *world, const char *address,
                                            VaultMonth number)
{
    VaultRotationMonth month = {.month = number, .address = g_strdup(address)};
    VaultMonthIdentity identity = {
        .vault_id = world->asked->name.vault_id, .address = address, .month = number};
    VaultWrapRecipient recipient = world_recipient(&world->from);

    vault_random(month.mailbox_id.bytes, VAULT_ID_LEN);
    identity.mailbox_id = month.mailbox_id;
    assert_true(vault_month_create(&identity, &recipient, 1, &month.keys, &month.wrap, NULL));
    g_array_append_val(world->asked->months, month);
}

static inline RotationWorld *rotation_world_new(void)
{
    RotationWorld *world = g_new0(RotationWorld, 1);
    VaultRotationName name = {.created_s = WORLD_CREATED_S, .part = 1, .is_last = TRUE};

    vault_master_create(&world->from);
    vault_master_create(&world->to);
    vault_random(name.vault_id.bytes, VAULT_ID_LEN);
    name.from = world->from.public;
    world->asked = vault_rotation_asked_new(&name);
    rotation_world_add_month(world, "alice@example.org", 202610);
    rotation_world_add_month(world, "b\xc3\xbc@example.org", 202611);
    rotation_world_add_month(world, "", 202611);
    return world;
}

static inline void rotation_world_free(RotationWorld *world)
{
    vault_rotation_asked_free(world->asked);
    vault_master_wipe(&world->from);
    vault_master_wipe(&world->to);
    g_free(world);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RotationWorld, rotation_world_free)

static inline VaultRotationMonth *rotation_world_month(RotationWorld *world, guint i)
{
    return &g_array_index(world->asked->months, VaultRotationMonth, i);
}

static inline VaultRotationAnswered *rotation_world_answer(RotationWorld *world)
{
    g_autoptr(GError) error = NULL;
    VaultRotationAnswered *answered =
        vault_rotation_answer(world->asked, &world->from, &world->to.public, &world->to, &error);

    if (answered == NULL)
        fail_msg("%s", error->message);
    return answered;
}

static inline char *rotation_world_answer_text(RotationWorld *world)
{
    g_autoptr(VaultRotationAnswered) answered = rotation_world_answer(world);

    return vault_rotation_answered_format(answered);
}
