/* Any bytes as an SEV-SNP report whose signature holds and whose certificate fits it: what is
 * accepted is what the policy lists, and nothing that is open to debugging or migration. */
#include "policy/appraise_snp.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MEASUREMENT "4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d"

static struct attest_policy *the_policy(void)
{
    static const char text[] =
        "{\"accept\":[{\"tee\":\"snp\",\"measurement\":[\"" MEASUREMENT MEASUREMENT "\"]}]}";
    char error[256];
    struct attest_policy *policy = attest_policy_parse(
        (struct attest_bytes){.ptr = (const uint8_t *)text, .len = strlen(text)}, error,
        sizeof error);
    if (policy == NULL)
        abort();
    return policy;
}

/* Offsets of ra-tls a.7, written down once more. */
static void check_accepted(const uint8_t *report)
{
    static const uint8_t zeros[4];
    for (size_t i = 0; i < 48; ++i)
        if (report[0x90 + i] != 0x4d)
            abort();
    if ((report[0x0a] & (1 << 2 | 1 << 3)) || !(report[0x40] & 1 << 5) ||
        memcmp(report + 0x30, zeros, sizeof zeros) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct attest_bytes bytes = {.ptr = data, .len = size};
    for (enum snp_product product = SNP_MILAN; product < SNP_PRODUCTS; ++product) {
        struct snp_findings found = {.has_crl = true};
        struct attest_verdict verdict;
        av_verdict_init(&verdict);
        if (!av_snp_report_parse(bytes, size % 2, &found.quote, &found.report, &verdict) ||
            !av_snp_report_tcbs(&found.quote, product, &found.tcbs, &verdict))
            continue;
        found.leaf = (struct snp_leaf){.product = product, .tcb = found.tcbs.reported};
        found.leaf.is_vlek = found.report.is_vlek;
        if (found.leaf.is_vlek)
            memcpy(found.leaf.csp_id, "cloud", sizeof "cloud");
        struct attest_policy *policy = the_policy();
        if (av_appraise_snp(&found, policy, &verdict))
            check_accepted(data);
        attest_policy_free(policy);
    }
    return 0;
}
