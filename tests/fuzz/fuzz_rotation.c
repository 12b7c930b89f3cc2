/* The parts of a rotation: whatever is taken is written again to the same bytes, no answered part
 * is taken whose signatures are not of all that stands before them, and parts that were split join
 * to what they were split from. */
#include "vault/act/rotation_file.h"

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

static void check_same(char *again, const guint8 *data, gsize size)
{
    g_assert(strlen(again) == size && memcmp(again, data, size) == 0);
    g_free(again);
}

static void check_split(const char *text, gsize size, const char *type)
{
    gsize at = 0;

    while (at < size) {
        gsize len = vault_rotation_part_len(text + at, size - at, type);

        g_assert(len > 0 && len <= size - at);
        at += len;
        g_assert(at == size || memcmp(text + at, type, strlen(type)) == 0);
    }
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    const char *text = size > 0 ? (const char *)data : "";
    g_autoptr(VaultRotationAsked) asked = NULL;
    g_autoptr(VaultRotationAnswered) answered = NULL;

    vault_crypto_init();
    check_split(text, size, vault_rotation_asked_type);
    check_split(text, size, vault_rotation_answered_type);
    asked = vault_rotation_asked_parse(text, size, NULL);
    if (asked != NULL)
        check_same(vault_rotation_asked_format(asked), data, size);
    answered = vault_rotation_answered_parse(text, size, NULL);
    if (answered != NULL) {
        g_autofree char *changed = vault_rotation_answered_format(answered);
        g_autoptr(VaultRotationAnswered) other = NULL;

        check_same(g_strdup(changed), data, size);
        changed[size / 2] ^= 1;
        other = vault_rotation_answered_parse(changed, size, NULL);
        g_assert(other == NULL);
    }
    return 0;
}
