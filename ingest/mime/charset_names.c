#include "ingest/mime/charset_names.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *label; /* lower case, without "-", "_", ":" and blanks */
    IngestCharsetKind kind;
    const char *name;
} Label;

/* The larger set where one is widely mistaken for it; sorted by label. */
static const Label labels[] = {
    {"8bit", INGEST_CHARSET_GUESS, ""},
    {"ansix3.41968", INGEST_CHARSET_GUESS, ""},
    {"ascii", INGEST_CHARSET_GUESS, ""},
    {"big5", INGEST_CHARSET_CJK, "Big5-HKSCS"},
    {"big5hkscs", INGEST_CHARSET_CJK, "Big5-HKSCS"},
    {"chinesebig5", INGEST_CHARSET_CJK, "Big5-HKSCS"},
    {"cnbig5", INGEST_CHARSET_CJK, "Big5-HKSCS"},
    {"cngb", INGEST_CHARSET_CJK, "gb18030"},
    {"cp1252", INGEST_CHARSET_SINGLE, "windows-1252"},
    {"cp932", INGEST_CHARSET_CJK, "windows-31j"},
    {"cp936", INGEST_CHARSET_CJK, "gb18030"},
    {"cp949", INGEST_CHARSET_CJK, "windows-949"},
    {"cp950", INGEST_CHARSET_CJK, "Big5-HKSCS"},
    {"cseuckr", INGEST_CHARSET_CJK, "windows-949"},
    {"csisolatin1", INGEST_CHARSET_SINGLE, "windows-1252"},
    {"euccn", INGEST_CHARSET_CJK, "gb18030"},
    {"eucjp", INGEST_CHARSET_CJK, "EUC-JP"},
    {"euckr", INGEST_CHARSET_CJK, "windows-949"},
    {"euctw", INGEST_CHARSET_CJK, "EUC-TW"},
    {"gb18030", INGEST_CHARSET_CJK, "gb18030"},
    {"gb2312", INGEST_CHARSET_CJK, "gb18030"},
    {"gb231280", INGEST_CHARSET_CJK, "gb18030"},
    {"gbk", INGEST_CHARSET_CJK, "gb18030"},
    {"hz", INGEST_CHARSET_STATEFUL, "HZ-GB-2312"},
    {"hzgb2312", INGEST_CHARSET_STATEFUL, "HZ-GB-2312"},
    {"iso646us", INGEST_CHARSET_GUESS, ""},
    {"iso88591", INGEST_CHARSET_SINGLE, "windows-1252"},
    {"iso885911", INGEST_CHARSET_SINGLE, "windows-874"},
    {"iso88596e", INGEST_CHARSET_SINGLE, "ISO-8859-6"},
    {"iso88596i", INGEST_CHARSET_SINGLE, "ISO-8859-6"},
    {"iso88598", INGEST_CHARSET_SINGLE, "windows-1255"},
    {"iso88598e", INGEST_CHARSET_SINGLE, "windows-1255"},
    {"iso88598i", INGEST_CHARSET_SINGLE, "windows-1255"},
    {"iso88599", INGEST_CHARSET_SINGLE, "windows-1254"},
    {"ksc5601", INGEST_CHARSET_CJK, "windows-949"},
    {"ksc56011987", INGEST_CHARSET_CJK, "windows-949"},
    {"ksc56011989", INGEST_CHARSET_CJK, "windows-949"},
    {"l1", INGEST_CHARSET_SINGLE, "windows-1252"},
    {"latin1", INGEST_CHARSET_SINGLE, "windows-1252"},
    {"mskanji", INGEST_CHARSET_CJK, "windows-31j"},
    {"shiftjis", INGEST_CHARSET_CJK, "windows-31j"},
    {"sjis", INGEST_CHARSET_CJK, "windows-31j"},
    {"tis620", INGEST_CHARSET_SINGLE, "windows-874"},
    {"unicode11utf7", INGEST_CHARSET_STATEFUL, "UTF-7"},
    {"unicode20utf7", INGEST_CHARSET_STATEFUL, "UTF-7"},
    {"usascii", INGEST_CHARSET_GUESS, ""},
    {"utf7", INGEST_CHARSET_STATEFUL, "UTF-7"},
    {"utf8", INGEST_CHARSET_UTF8, ""},
    {"windows31j", INGEST_CHARSET_CJK, "windows-31j"},
    {"windows949", INGEST_CHARSET_CJK, "windows-949"},
    {"xeuctw", INGEST_CHARSET_CJK, "EUC-TW"},
    {"xgbk", INGEST_CHARSET_CJK, "gb18030"},
    {"xmaccyrillic", INGEST_CHARSET_SINGLE, "x-mac-cyrillic"},
    {"xsjis", INGEST_CHARSET_CJK, "windows-31j"},
    {"xxbig5", INGEST_CHARSET_CJK, "Big5-HKSCS"},
};

/* The rest is ICU's to know; these of it are none that hold ASCII bytes as they are. */
static const char *const stateful_prefixes[] = {"iso2022", "utf16",    "utf32", "ucs2",
                                                "ucs4",    "iso10646", "scsu",  "bocu"};
/* EBCDIC and the like: nobody sends them, and taken at its word a false claim hides the text. */
static const char *const refused_prefixes[] = {"ibm", "ebcdic", "csibm", "cp0", "imap"};

static gboolean begins_with_one(const char *label, const char *const *prefixes, gsize count)
{
    for (gsize i = 0; i < count; i++)
        if (g_str_has_prefix(label, prefixes[i]))
            return TRUE;
    return FALSE;
}

static int compare_label(const void *key, const void *entry)
{
    return strcmp(key, ((const Label *)entry)->label);
}

/* FALSE: too long or too strange to be one. */
static gboolean normalise(const char *claimed, char label[INGEST_CHARSET_NAME_MAX])
{
    gsize len = 0;

    for (const char *at = claimed; *at != '\0'; at++) {
        if (strchr("-_: \t\"'", *at) != NULL)
            continue;
        if (!g_ascii_isgraph(*at) || len + 1 >= INGEST_CHARSET_NAME_MAX)
            return FALSE;
        label[len++] = g_ascii_tolower(*at);
    }
    label[len] = '\0';
    return len > 0;
}

static const char *const ibm_pages[] = {"ibm437", "ibm850", "ibm852", "ibm855",
                                        "ibm862", "ibm864", "ibm866"};

IngestCharsetKind ingest_charset_lookup(const char *claimed, char ret_name[INGEST_CHARSET_NAME_MAX])
{
    char label[INGEST_CHARSET_NAME_MAX];
    const Label *known;

    *ret_name = '\0';
    if (claimed == NULL || !normalise(claimed, label))
        return INGEST_CHARSET_GUESS;
    known = bsearch(label, labels, G_N_ELEMENTS(labels), sizeof *labels, compare_label);
    if (known != NULL) {
        g_strlcpy(ret_name, known->name, INGEST_CHARSET_NAME_MAX);
        return known->kind;
    }
    if (begins_with_one(label, refused_prefixes, G_N_ELEMENTS(refused_prefixes)) &&
        !begins_with_one(label, ibm_pages, G_N_ELEMENTS(ibm_pages)))
        return INGEST_CHARSET_GUESS;
    if (strlen(claimed) < INGEST_CHARSET_NAME_MAX)
        g_strlcpy(ret_name, claimed, INGEST_CHARSET_NAME_MAX);
    g_strstrip(g_strdelimit(ret_name, "\"'", ' '));
    return begins_with_one(label, stateful_prefixes, G_N_ELEMENTS(stateful_prefixes))
               ? INGEST_CHARSET_STATEFUL
               : INGEST_CHARSET_SINGLE;
}
