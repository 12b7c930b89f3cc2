#include "ingest/extract/helper/warm_up.h"

#include "ingest/extract/helper/charset.h"
#include "ingest/extract/helper/document.h"

#include <libxml/parser.h>
#include <locale.h>
#include <poppler.h>
#include <string.h>
#include <unicode/uclean.h>

static const char pdf[] =
    "%PDF-1.4\n"
    "1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
    "2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    "3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]/Contents 4 0 R/Resources<</Font<</F "
    "5 0 R>>>>>>endobj\n"
    "4 0 obj<</Length 30>>stream\n"
    "BT /F 9 Tf 9 9 Td (warm) Tj ET\n"
    "endstream endobj\n"
    "5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj\n"
    "trailer<</Root 1 0 R/Size 6>>\n";

static const struct {
    const char *text, *type;
} samples[] = {
    {pdf, "application/pdf"},
    {"<html><body>warm", "text/html"},
    {"<?xml version=\"1.0\"?><a>warm</a>", "application/xml"},
    {"{\\rtf1 warm}", "application/rtf"},
    {"w\xe4rm", "text/plain"},
};

static void drop(gpointer user, const char *text, gsize len)
{
}

/* poppler converts titles and comments from UTF-16 through iconv, whose module is a file, and makes
 * its tables anew for each document unless another is open: these stay open for good. */
static void keep_open(void)
{
    g_autoptr(GBytes) bytes = g_bytes_new_static(pdf, strlen(pdf));

    g_iconv_open("UTF-8", "UTF-16BE");
    g_iconv_open("UTF-8", "UTF-16");
    poppler_document_new_from_bytes(bytes, NULL, NULL);
}

void extract_warm_up(void)
{
    UErrorCode status = U_ZERO_ERROR;

    setlocale(LC_CTYPE, "C.UTF-8"); /* names in archives: libarchive goes by the locale */
    u_init(&status);
    xmlInitParser();
    keep_open();
    for (gsize i = 0; i < G_N_ELEMENTS(samples); i++) {
        g_autoptr(ExtractTextOut) out = extract_text_out_new(1024, drop, NULL);
        ExtractRun run;

        extract_run_init(&run, out);
        extract_document(&run, &(ExtractDocument){.bytes = samples[i].text,
                                                  .len = strlen(samples[i].text),
                                                  .type = samples[i].type,
                                                  .name = ""});
    }
}
