/* Any bytes as a SEV-SNP report, followed by any bytes as AMD's certificate or revocation list:
 * taken apart, and judged with nothing to trust. */
#include "formats/snp_leaf.h"
#include "formats/snp_report.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* As either kind of leaf; what is read of it must be what its product can have. */
static void read_leaf(struct attest_bytes der)
{
    const unsigned char *end = der.ptr;
    X509 *certificate = d2i_X509(NULL, &end, (long)der.len);
    for (int is_vlek = 0; certificate != NULL && is_vlek < 2; ++is_vlek) {
        struct snp_leaf leaf;
        const char *wrong;
        if (av_snp_leaf_parse(certificate, is_vlek, &leaf, &wrong) &&
            (leaf.product >= SNP_PRODUCTS || (leaf.csp_id[0] != '\0') != is_vlek))
            abort();
    }
    X509_free(certificate);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t report_len = size < SNP_REPORT_BYTES ? size : SNP_REPORT_BYTES;
    struct attest_bytes whole = {.ptr = data, .len = size};
    struct attest_bytes report = {.ptr = data, .len = report_len};
    struct attest_bytes der = {.ptr = data + report_len, .len = size - report_len};
    struct attest_snp_endorsements none = {.leaf = {NULL, 0}};
    struct attest_snp_endorsements same = {.leaf = der, .ica = der, .ark = der};
    struct attest_snp_endorsements list = {.leaf = der, .ica = der, .ark = der, .crl = der};
    struct attest_request request = {.padded = size % 2};
    struct attest_verdict verdict;
    attest_verify_report(&request, whole, &none, &verdict);
    if (attest_is_trusted(&verdict))
        abort();
    attest_verify_report(&request, report, &same, &verdict);
    if (attest_is_trusted(&verdict))
        abort();
    attest_verify_report(&request, report, &list, &verdict);
    if (attest_is_trusted(&verdict))
        abort();
    if (der.len > 0)
        read_leaf(der);
    return 0;
}
