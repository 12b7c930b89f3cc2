#include "search/index/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#define SUFFIX ".segment"
#define DRAFT_PREFIX "draft-"
/* A reader that lists files while a writer merges them looks again. */
#define ATTEMPTS_MAX 8

static char *path_of(const char *folder, guint64 number)
{
    return g_strdup_printf("%s/%" G_GUINT64_FORMAT SUFFIX, folder, number);
}

/* Only names as path_of() makes them. */
static gboolean parse_name(const char *name, guint64 *ret_number)
{
    g_autofree char *made = NULL;
    char *end;

    *ret_number = g_ascii_strtoull(name, &end, 10);
    made = g_strdup_printf("%" G_GUINT64_FORMAT SUFFIX, *ret_number);
    return strcmp(made, name) == 0;
}

static gint compare_numbers(gconstpointer a, gconstpointer b)
{
    guint64 left = *(const guint64 *)a, right = *(const guint64 *)b;

    return (left < right) - (left > right); /* the highest first */
}

static GDir *open_folder(const char *folder, GError **error)
{
    GDir *opened = g_dir_open(folder, 0, NULL);

    if (opened == NULL)
        vault_error_set_errno(error, errno, "cannot list", folder);
    return opened;
}

static GArray *list_numbers(const char *folder, GError **error)
{
    g_autoptr(GArray) numbers = g_array_new(FALSE, FALSE, sizeof(guint64));
    g_autoptr(GDir) opened = NULL;
    guint64 number;

    if (!g_file_test(folder, G_FILE_TEST_EXISTS))
        return g_steal_pointer(&numbers);
    opened = open_folder(folder, error);
    if (opened == NULL)
        return NULL;
    for (const char *name; (name = g_dir_read_name(opened)) != NULL;)
        if (parse_name(name, &number))
            g_array_append_val(numbers, number);
    g_array_sort(numbers, compare_numbers);
    return g_steal_pointer(&numbers);
}

static SearchSegment *open_segment(const char *folder, guint64 number, const SearchIndexKey *key,
                                   GError **error)
{
    g_autofree char *path = path_of(folder, number);
    g_autoptr(SearchSegment) segment = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        vault_error_set_errno(error, errno, "cannot open", path);
        return NULL;
    }
    segment = search_segment_open(fd, path, key, error);
    if (segment == NULL)
        return NULL;
    if (segment->facts.number == number)
        return g_steal_pointer(&segment);
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT, "the case index %s was another one", path);
    return NULL;
}

/* Whether `older` (NULL: there is none) is the segment that `segment` was made after. */
static gboolean check_predecessor(const SearchSegment *segment, const SearchSegment *older,
                                  GError **error)
{
    const guint8 *wanted = segment->facts.predecessor.bytes;

    if (older == NULL
            ? vault_id_is_zero(wanted)
            : memcmp(wanted, search_blocks_file_id(older->blocks)->bytes, VAULT_ID_LEN) == 0)
        return TRUE;
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
                "the case index %s is not whole: the file before it is missing",
                search_blocks_name(segment->blocks));
    return FALSE;
}

/* Oldest first, checked against each other. */
static GPtrArray *open_living(const char *folder, const GArray *numbers, const SearchIndexKey *key,
                              GError **error)
{
    g_autoptr(GPtrArray) segments =
        g_ptr_array_new_with_free_func((GDestroyNotify)search_segment_free);
    guint64 living_before = G_MAXUINT64;

    for (guint i = 0; i < numbers->len; i++) {
        guint64 number = g_array_index(numbers, guint64, i);
        SearchSegment *segment;

        if (number >= living_before)
            continue;
        segment = open_segment(folder, number, key, error);
        if (segment == NULL)
            return NULL;
        g_ptr_array_insert(segments, 0, segment);
        living_before = segment->facts.replaces_from;
    }
    for (guint i = 0; i < segments->len; i++) {
        SearchSegment *older = i > 0 ? g_ptr_array_index(segments, i - 1) : NULL;
        SearchSegment *segment = g_ptr_array_index(segments, i);

        if (!check_predecessor(segment, older, error))
            return NULL;
        segment->base = older != NULL ? older->base + older->facts.document_count : 0;
    }
    return g_steal_pointer(&segments);
}

GPtrArray *search_folder_open(const char *folder, const SearchIndexKey *key, GError **error)
{
    for (guint attempt = 1;; attempt++) {
        g_autoptr(GError) failed = NULL;
        g_autoptr(GArray) numbers = list_numbers(folder, error);
        GPtrArray *segments;

        if (numbers == NULL)
            return NULL;
        segments = open_living(folder, numbers, key, &failed);
        if (segments != NULL)
            return segments;
        if (attempt < ATTEMPTS_MAX && g_error_matches(failed, VAULT_ERROR, VAULT_ERROR_NOT_FOUND))
            continue;
        g_propagate_error(error, g_steal_pointer(&failed));
        return NULL;
    }
}

static gboolean remove_drafts(const char *folder, GError **error)
{
    g_autoptr(GDir) opened = open_folder(folder, error);

    if (opened == NULL)
        return FALSE;
    for (const char *name; (name = g_dir_read_name(opened)) != NULL;) {
        g_autofree char *path = g_build_filename(folder, name, NULL);

        if (g_str_has_prefix(name, DRAFT_PREFIX) && g_unlink(path) != 0)
            return vault_error_set_errno(error, errno, "cannot remove", path);
    }
    return TRUE;
}

VaultFd search_folder_lock(const char *folder, GError **error)
{
    g_autofree char *path = g_build_filename(folder, "lock", NULL);
    g_auto(VaultFd) fd = -1;
    VaultFd locked;

    if (g_mkdir_with_parents(folder, 0700) != 0) {
        vault_error_set_errno(error, errno, "cannot make", folder);
        return -1;
    }
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        vault_error_set_errno(error, errno, "cannot open", path);
        return -1;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        g_set_error(error, VAULT_ERROR, VAULT_ERROR_BUSY,
                    "%s: another search of this case is bringing its index up to date: wait for it",
                    folder);
        return -1;
    }
    if (!remove_drafts(folder, error))
        return -1;
    locked = fd;
    fd = -1;
    return locked;
}

VaultFd search_folder_draft(const char *folder, char **ret_path, GError **error)
{
    int fd;

    if (folder == NULL) {
        *ret_path = g_strdup("in memory");
        fd = memfd_create("muniment-case-index", MFD_CLOEXEC);
    } else {
        *ret_path = g_strdup_printf("%s/" DRAFT_PREFIX "XXXXXX", folder);
        fd = g_mkstemp_full(*ret_path, O_RDWR | O_CLOEXEC, 0600);
    }
    if (fd < 0)
        vault_error_set_errno(error, errno, "cannot make", *ret_path);
    return fd;
}

gboolean search_folder_name(const char *folder, const char *draft, guint64 number, GError **error)
{
    g_autofree char *path = path_of(folder, number);

    if (g_rename(draft, path) != 0)
        return vault_error_set_errno(error, errno, "cannot rename", draft);
    return vault_file_sync_directory(folder, error);
}

gboolean search_folder_remove(const char *folder, guint64 from, guint64 number, GError **error)
{
    g_autoptr(GArray) numbers = list_numbers(folder, error);

    if (numbers == NULL)
        return FALSE;
    for (guint i = 0; i < numbers->len; i++) {
        guint64 old = g_array_index(numbers, guint64, i);
        g_autofree char *path = path_of(folder, old);

        if (old >= from && old < number && g_unlink(path) != 0)
            return vault_error_set_errno(error, errno, "cannot remove", path);
    }
    return TRUE;
}
