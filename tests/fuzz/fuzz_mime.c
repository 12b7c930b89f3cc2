/* Parts of reading a message on their own. The first byte says which: 's' bytes in a charset, named
 * up to the first line end, 'h' the value of a header field, likewise, 'w' HTML, 'p' S/MIME. What
 * comes out is UTF-8, and the same however the input is cut. */
#include "ingest/mime/charset.h"
#include "ingest/mime/cms.h"
#include "ingest/mime/header_fields.h"
#include "ingest/mime/html_text.h"
#include "vault/crypto/keys.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

static void keep(gpointer user, const char *text, gsize len)
{
    if (text != NULL)
        g_string_append_len(user, text, (gssize)len);
    else
        g_string_append_c(user, '\n');
}

/* The name in front; the bytes behind it are left. */
static char *take_name(const guint8 **data, gsize *size)
{
    const guint8 *end = *size > 0 ? memchr(*data, '\n', *size) : NULL;
    gsize len = end == NULL ? 0 : (gsize)(end - *data);
    char *name = g_strndup((const char *)*data, len);

    if (end != NULL)
        *data += len + 1, *size -= len + 1;
    return name;
}

static GString *convert(const char *claimed, const guint8 *data, gsize size, gsize step)
{
    GString *text = g_string_new(NULL);
    g_autoptr(IngestCharset) charset = ingest_charset_new(claimed, keep, text);

    for (gsize at = 0; at < size; at += MIN(step, size - at))
        ingest_charset_add(charset, data + at, MIN(step, size - at));
    ingest_charset_end(charset);
    return text;
}

static void try_charset(const guint8 *data, gsize size)
{
    g_autofree char *claimed = take_name(&data, &size);
    g_autoptr(GString) whole = convert(claimed, data, size, size + 1);
    g_autoptr(GString) in_pieces = convert(claimed, data, size, size % 13 + 1);

    g_assert_cmpmem(whole->str, whole->len, in_pieces->str, in_pieces->len);
    g_assert_true(g_utf8_validate_len(whole->str, whole->len, NULL));
}

static void try_header(const guint8 *data, gsize size)
{
    g_autofree char *charset = take_name(&data, &size);
    g_autoptr(GString) text = g_string_new("before");
    IngestHeaderFields fields;
    gsize total = 0;

    ingest_header_decode(text, (const char *)data, size, charset);
    g_assert_true(g_utf8_validate_len(text->str, text->len, NULL));
    g_assert_null(strchr(text->str, '\n'));
    ingest_header_fields_init(&fields, data, size);
    while (ingest_header_fields_next(&fields))
        total += fields.name_len + fields.value_len;
    g_assert_cmpuint(total, <=, size);
}

static GString *read_html(const char *valid, gsize len, gsize step)
{
    GString *text = g_string_new(NULL);
    g_autoptr(IngestHtmlText) html = ingest_html_text_new(keep, text);

    for (gsize at = 0; at < len; at += MIN(step, len - at))
        ingest_html_text_add(html, valid + at, MIN(step, len - at));
    (void)ingest_html_text_end(html);
    return text;
}

static void try_html(const guint8 *data, gsize size)
{
    g_autofree char *valid = g_utf8_make_valid((const char *)data, (gssize)size);
    g_autofree char *declared = ingest_html_declared_charset(data, size);
    gsize len = strlen(valid);
    g_autoptr(GString) whole = read_html(valid, len, len + 1);
    g_autoptr(GString) in_pieces = read_html(valid, len, len % 17 + 1);

    g_assert_cmpmem(whole->str, whole->len, in_pieces->str, in_pieces->len);
    g_assert_true(g_utf8_validate_len(whole->str, whole->len, NULL));
    g_assert(declared == NULL || *declared != '\0');
}

static void try_cms(const guint8 *data, gsize size)
{
    g_autoptr(GByteArray) content = NULL;
    IngestCmsKind kind = ingest_cms_open(data, size, &content);

    g_assert((kind == INGEST_CMS_SIGNED) == (content != NULL));
    g_assert(content == NULL || content->len <= size);
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    static const struct {
        char letter;
        void (*run)(const guint8 *data, gsize size);
    } trials[] = {{'s', try_charset}, {'h', try_header}, {'w', try_html}, {'p', try_cms}};

    vault_crypto_init();
    for (gsize i = 0; size > 0 && i < G_N_ELEMENTS(trials); i++)
        if (data[0] == (guint8)trials[i].letter)
            trials[i].run(data + 1, size - 1);
    return 0;
}
