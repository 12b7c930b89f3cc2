#include "ingest/extract/helper/members.h"

#include "ingest/extract/helper/charset.h"

#include <archive.h>
#include <archive_entry.h>
#include <string.h>

#define BLOCK_LEN (32u << 10)

struct ExtractMembers {
    ExtractRun *run;
    struct archive *archive;
    struct archive_entry *entry;
    GByteArray *path; /* of the entry; UTF-8 and its NUL */
    IngestExtractOutcome outcome;
    gboolean is_over;
};

static void note(ExtractMembers *members, IngestExtractOutcome outcome)
{
    members->outcome = extract_outcome_join(members->outcome, outcome);
}

/* Only filters that run in this process. */
static void support(struct archive *archive, ExtractMembersKind kind)
{
    if (kind == EXTRACT_MEMBERS_ZIP) {
        archive_read_support_format_zip(archive);
        return;
    }
    archive_read_support_format_tar(archive);
    archive_read_support_format_7zip(archive);
    if (kind != EXTRACT_MEMBERS_COMPRESSED)
        return;
    archive_read_support_format_raw(archive);
    archive_read_support_filter_gzip(archive);
    archive_read_support_filter_bzip2(archive);
    archive_read_support_filter_xz(archive);
    archive_read_support_filter_zstd(archive);
}

ExtractMembers *extract_members_open(ExtractRun *run, const ExtractDocument *document,
                                     ExtractMembersKind kind)
{
    ExtractMembers *members = g_new0(ExtractMembers, 1);

    members->run = run;
    members->outcome = INGEST_EXTRACT_TEXT;
    members->archive = archive_read_new();
    g_assert(members->archive != NULL);
    support(members->archive, kind);
    if (archive_read_open_memory(members->archive, document->bytes, document->len) != ARCHIVE_OK) {
        note(members, INGEST_EXTRACT_MALFORMED);
        members->is_over = TRUE;
    }
    return members;
}

void extract_members_close(ExtractMembers *members)
{
    if (members == NULL)
        return;
    archive_read_free(members->archive);
    extract_charset_free(members->path);
    g_free(members);
}

/* FALSE at the end. A member that is damaged leaves the rest of the archive readable. */
static gboolean step(ExtractMembers *members)
{
    int status = archive_read_next_header(members->archive, &members->entry);

    if (status == ARCHIVE_EOF)
        return FALSE;
    if (status == ARCHIVE_FATAL) {
        note(members, archive_read_has_encrypted_entries(members->archive) > 0
                          ? INGEST_EXTRACT_ENCRYPTED
                          : INGEST_EXTRACT_MALFORMED);
        return FALSE;
    }
    if (status < ARCHIVE_WARN)
        note(members, INGEST_EXTRACT_MALFORMED);
    if (members->run->members_left == 0) {
        note(members, INGEST_EXTRACT_CUT);
        return FALSE;
    }
    members->run->members_left--;
    return TRUE;
}

static gboolean has_content(ExtractMembers *members)
{
    mode_t type = archive_entry_filetype(members->entry);

    if (type != AE_IFREG && type != 0)
        return FALSE;
    if (!archive_entry_is_data_encrypted(members->entry))
        return TRUE;
    note(members, INGEST_EXTRACT_ENCRYPTED);
    return FALSE;
}

/* What lies under a mere filter has no name; libarchive calls it "data". */
static void keep_path(ExtractMembers *members)
{
    const char *path = archive_entry_pathname_utf8(members->entry);
    gsize skip = 0;

    if (path == NULL)
        path = archive_entry_pathname(members->entry);
    if (path == NULL || archive_format(members->archive) == ARCHIVE_FORMAT_RAW)
        path = "";
    extract_charset_free(members->path);
    members->path = extract_charset_convert(
        extract_charset_guess((const guint8 *)path, strlen(path), &skip), path, strlen(path));
    g_byte_array_append(members->path, (const guint8 *)"", 1);
}

const char *extract_members_next(ExtractMembers *members)
{
    while (!members->is_over && !extract_text_out_is_full(members->run->out)) {
        members->is_over = !step(members);
        if (members->is_over || !has_content(members))
            continue;
        keep_path(members);
        return (const char *)members->path->data;
    }
    return NULL;
}

gsize extract_members_read(ExtractMembers *members, void *bytes, gsize len)
{
    gsize part = MIN(len, members->run->unpacked_left);
    la_ssize_t got;

    if (members->is_over)
        return 0;
    if (part == 0) {
        note(members, INGEST_EXTRACT_CUT);
        members->is_over = TRUE;
        return 0;
    }
    got = archive_read_data(members->archive, bytes, part);
    if (got < 0) {
        note(members, INGEST_EXTRACT_MALFORMED);
        members->is_over = got == ARCHIVE_FATAL;
        return 0;
    }
    members->run->unpacked_left -= (guint64)got;
    return (gsize)got;
}

GByteArray *extract_members_read_all(ExtractMembers *members)
{
    GByteArray *all = g_byte_array_new();
    gsize got;

    do {
        gsize room = MIN(BLOCK_LEN, EXTRACT_MEMBER_LEN_MAX - all->len);
        guint len = all->len;

        if (room == 0) {
            note(members, INGEST_EXTRACT_CUT);
            return all;
        }
        g_byte_array_set_size(all, len + (guint)room);
        got = extract_members_read(members, all->data + len, room);
        g_byte_array_set_size(all, len + (guint)got);
    } while (got > 0);
    return all;
}

IngestExtractOutcome extract_members_outcome(const ExtractMembers *members)
{
    return members->outcome;
}
