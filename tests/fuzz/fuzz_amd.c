/* Any bytes as what is foreign around a SEV-SNP report: AMD's document, the table of certificates
 * that a host hands its guest, dstack's configuration, and what a KDS answers. */
#include "evidence/dstack_mr_config.h"
#include "fetch/kds.h"
#include "formats/snp_table.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_document(struct attest_bytes json)
{
    char error[256] = "";
    struct attest_platform platform = {.tee = ATTEST_TEE_SNP, .product = "Milan"};
    struct attest_request request = {.now = 1}; /* no trust anchor: nothing holds */
    struct attest_verdict verdict;
    struct attest_collateral *document = attest_collateral_parse(json, error, sizeof error);
    if (document == NULL && error[0] == '\0')
        abort();
    if (document == NULL)
        return;
    attest_collateral_prove(document);
    if (attest_collateral_holds(document, &request, &platform, &verdict))
        abort();
    attest_collateral_free(document);
}

static bool is_within(struct attest_bytes part, struct attest_bytes whole)
{
    return part.len == 0 || (part.ptr >= whole.ptr && part.len <= whole.len &&
                             part.ptr + part.len <= whole.ptr + whole.len);
}

static void check_table(struct attest_bytes table)
{
    struct attest_snp_endorsements found;
    if (av_snp_table_parse(table, &found) &&
        (!is_within(found.leaf, table) || !is_within(found.ica, table) ||
         !is_within(found.ark, table) || found.crl.len != 0))
        abort();
}

/* What is put together is a document: whatever else is wrong with it. */
static void check_answers(uint8_t *body, size_t len)
{
    char error[256] = "";
    struct attest_platform platform = {.tee = ATTEST_TEE_SNP, .product = "Turin"};
    struct reply reply = {.body = body, .len = len};
    struct reply replies[KDS_PARTS] = {reply, reply, reply};
    for (int brings_leaf = 0; brings_leaf < 2; ++brings_leaf) {
        platform.brings_leaf = brings_leaf == 1;
        char *json = kds_document(&platform, replies, error, sizeof error);
        if (json == NULL && error[0] == '\0')
            abort();
        free(json);
    }
    free(kds_renewed((const char *)body, len, &reply));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct attest_bytes bytes = {.ptr = data, .len = size};
    struct event_log ids = {0};
    uint8_t *copy = malloc(size + 1);
    if (copy == NULL)
        return 0;
    memcpy(copy, size > 0 ? data : (const uint8_t *)"", size);
    check_document(bytes);
    check_table(bytes);
    check_answers(copy, size);
    if (av_dstack_mr_config_parse(bytes, &ids) && ids.events != 0)
        abort();
    free(copy);
    return 0;
}
