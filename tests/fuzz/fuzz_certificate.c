/* Certificates: what is taken is written again to the same bytes, and checked without harm. */
#include "restore/certificate.h"

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    const char *text = size > 0 ? (const char *)data : "";
    g_autoptr(GError) error = NULL;
    g_autoptr(Certificate) certificate = NULL;
    g_autofree char *again = NULL;
    g_autofree char *page = NULL;

    vault_crypto_init();
    certificate = certificate_parse(text, size, &error);
    g_assert((certificate == NULL) == (error != NULL));
    if (certificate == NULL)
        return 0;
    again = certificate_format(certificate);
    g_assert(strlen(again) == size && memcmp(again, data, size) == 0);
    page = certificate_page(certificate->statement);
    g_clear_error(&error);
    g_assert(certificate_check(certificate, NULL, &error) == (error == NULL));
    return 0;
}
