/* The file of a rotation, read part by part: it may be far larger than memory.
 *
 *   open -> next* -> close
 *
 * Errors: NOT_FOUND, IO, TOO_LARGE (a part over VAULT_ROTATION_PART_LEN_MAX). Threads: one user per
 * object. Source: docs/formats/rotation.md.
 */
#pragma once

#include "vault/act/rotation_file.h"

typedef struct RotationParts RotationParts;
/* `type`: vault_rotation_asked_type or vault_rotation_answered_type. */
RotationParts *rotation_parts_open(const char *path, const char *type, GError **error);
void rotation_parts_close(RotationParts *parts);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RotationParts, rotation_parts_close)

/* The next part, borrowed until the next call; NULL without an error at the end. An empty file has
 * one part, which is empty. */
const char *rotation_parts_next(RotationParts *parts, gsize *ret_len, GError **error);
