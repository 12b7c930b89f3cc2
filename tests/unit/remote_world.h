/* A vault that is not there, served by a thread, and the view of it at the other end. */
#pragma once

#include "restore/serve.h"
#include "tests/support/fake_view.h"
#include "vault/base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct {
    FakeVault vault;
    VaultView *host_view, *view;
    GThread *thread;
    int host_fd;
    gboolean ended_well;
} World;

static inline gpointer serve(gpointer user)
{
    World *world = user;

    world->ended_well =
        serve_run(world->host_view, "take care", world->host_fd, world->host_fd, NULL);
    close(world->host_fd);
    return NULL;
}

static inline World *world_new(guint copy_count)
{
    World *world = g_new0(World, 1);
    g_autofree char *warning = NULL;
    g_autoptr(GError) error = NULL;
    int fds[2];

    world->vault.copy_count = copy_count;
    world->host_view = fake_view_new(&world->vault);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    world->host_fd = fds[1];
    world->thread = g_thread_new("host", serve, world);
    world->view = remote_view_of_link(remote_link_new(fds[0]), &warning, &error);
    assert_non_null(world->view);
    assert_string_equal(warning, "take care");
    return world;
}

static inline void world_free(World *world)
{
    vault_view_free(world->view);
    g_thread_join(world->thread);
    vault_view_free(world->host_view);
    fake_vault_clear(&world->vault);
    g_free(world);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(World, world_free)

/* The grant is parsed at the reader's end too, so the unit tests send their own. */
static inline void present(World *world)
{
    world->vault.has_grant = TRUE;
}

/* A session that has its grant: the reader's end would parse one. */
static inline RemoteLink *granted_link(World *world, int fd)
{
    RemoteLink *link = remote_link_new(fd);
    g_autoptr(GByteArray) payload = g_byte_array_new();
    g_autoptr(GBytes) hello = NULL, grant = NULL;

    serve_hello_append(payload, SERVE_VERSION);
    hello = remote_link_call(link, SERVE_HELLO, payload, NULL);
    assert_non_null(hello);
    g_byte_array_set_size(payload, 0);
    serve_grant_append(payload, SERVE_GRANT_LAST, (const guint8 *)"good", 4);
    grant = remote_link_call(link, SERVE_GRANT, payload, NULL);
    assert_non_null(grant);
    return link;
}

static inline World *granted_world_new(guint copy_count)
{
    World *world = g_new0(World, 1);
    int fds[2];

    world->vault.copy_count = copy_count;
    world->host_view = fake_view_new(&world->vault);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    world->host_fd = fds[1];
    world->thread = g_thread_new("host", serve, world);
    /* The view greets once more, which a session answers at any time. */
    world->view = remote_view_of_link(granted_link(world, fds[0]), NULL, NULL);
    assert_non_null(world->view);
    present(world);
    return world;
}
