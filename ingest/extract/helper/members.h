/* The members of an archive in memory, one after the other, through libarchive.
 *
 *   open -> (next -> read*)* -> close
 *
 * Each member costs one of run->members_left and each byte one of run->unpacked_left; what is past
 * them is CUT. What goes wrong is kept in `outcome`. Threads: one user.
 */
#pragma once

#include "ingest/extract/helper/document.h"

typedef enum {
    EXTRACT_MEMBERS_ZIP,
    EXTRACT_MEMBERS_ARCHIVE,    /* tar or 7z */
    EXTRACT_MEMBERS_COMPRESSED, /* tar, else one member, under a filter */
} ExtractMembersKind;

typedef struct ExtractMembers ExtractMembers;
ExtractMembers *extract_members_open(ExtractRun *run, const ExtractDocument *document,
                                     ExtractMembersKind kind);
void extract_members_close(ExtractMembers *members);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ExtractMembers, extract_members_close)

/* The path of the next member that has content, UTF-8, "" when it has none; NULL at the end.
 * Encrypted members are passed over. Valid until the next call. */
const char *extract_members_next(ExtractMembers *members);
/* 0 at the end of the member, or when nothing more may be read. */
gsize extract_members_read(ExtractMembers *members, void *bytes, gsize len);
/* The member, or its first EXTRACT_MEMBER_LEN_MAX bytes; wiped by extract_charset_free(). */
GByteArray *extract_members_read_all(ExtractMembers *members);
/* TEXT while all is well. */
IngestExtractOutcome extract_members_outcome(const ExtractMembers *members);

/* All that is left as documents within one, and their names (archive.c). */
IngestExtractOutcome extract_all_members(ExtractRun *run, ExtractMembers *members);
