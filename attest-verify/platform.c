/* What must be known before collateral is there: the platform that evidence names, and whether a
 * document that came for it holds. */
#include "attest_verify.h"

#include "bytes/crypto.h"
#include "bytes/cursor.h"
#include "collateral/collateral.h"
#include "evidence/evidence.h"
#include "evidence/evidence_convention.h"
#include "formats/quote.h"
#include "verify_report.h"

#include <openssl/err.h>
#include <string.h>

static bool read_chain(const struct attest_request *request, const struct chain *chain,
                       struct attest_platform *platform, struct attest_verdict *verdict)
{
    struct chain_trust trust = {
        .roots = request->roots, .now = request->now, .without_lists = true};
    struct pck pck;
    if (!av_chain_verify(chain, CHAIN_PCK, &trust, verdict))
        return false;
    if (!av_pck_from_certificate(chain->certificates[0], &pck))
        return av_refuse(verdict, ATTEST_PCK_MALFORMED,
                         "the SGX extension of the PCK certificate is missing, doubled or broken");
    memcpy(platform->fmspc, pck.fmspc, sizeof platform->fmspc);
    platform->processor_ca = av_is_processor_ca(chain->certificates[1]);
    platform->tee = verdict->tee;
    return true;
}

static bool read_quote(const struct attest_request *request, struct attest_bytes bytes,
                       struct attest_platform *platform, struct attest_verdict *verdict)
{
    struct quote quote;
    struct chain chain;
    memset(platform, 0, sizeof *platform);
    if (!av_quote_parse(bytes, request->padded, &quote, verdict))
        return false;
    if (!av_chain_parse(quote.pck_pem, CHAIN_PCK, av_roots_decoder(request->roots), NULL, 0,
                        &chain))
        return av_refuse(verdict, ATTEST_PCK_MALFORMED,
                         "the quote does not hold exactly three PEM certificates");
    bool ok = read_chain(request, &chain, platform, verdict);
    av_chain_fini(&chain);
    return ok;
}

bool attest_platform_of_quote(const struct attest_request *request, struct attest_bytes quote,
                              struct attest_platform *platform, struct attest_verdict *verdict)
{
    ERR_set_mark();
    av_verdict_init(verdict);
    bool ok = read_quote(request, quote, platform, verdict);
    ERR_pop_to_mark();
    return ok;
}

/* The product is the processor's, or in a report of version 2, which names none, the leaf's. */
static bool read_product(const struct snp_report *report, X509 *leaf,
                         struct attest_platform *platform, struct attest_verdict *verdict)
{
    struct snp_leaf read = {.product = report->product};
    if (leaf != NULL && !av_report_read_leaf(report, leaf, &read, verdict))
        return false;
    if (leaf == NULL && !report->has_product)
        return av_refuse(
            verdict, ATTEST_COLLATERAL_MISSING,
            "a report of version 2 does not say of which product it is: give its VCEK");
    if (report->has_product && read.product != report->product)
        return av_refuse(verdict, ATTEST_LEAF_MISMATCH,
                         "the processor is a %s, the certificate is of a %s",
                         av_snp_product_name(report->product), av_snp_product_name(read.product));
    const char *name = av_snp_product_name(read.product);
    memcpy(platform->product, name, strlen(name));
    return true;
}

/* What AMD's service is asked for a VCEK by; VLEKs it gives to their clouds only. */
static bool read_chip(const struct quote *quote, const struct snp_report *report,
                      struct attest_platform *platform, struct attest_verdict *verdict)
{
    struct attest_bytes chip = av_quote_part(quote, "chip_id");
    struct attest_bytes tcb = av_quote_part(quote, "reported_tcb");
    struct snp_tcb unused;
    if (report->is_vlek)
        return av_refuse(verdict, ATTEST_COLLATERAL_MISSING,
                         "its VLEK is given to its cloud only: it must come with the evidence");
    if (av_bytes_are_zero(chip))
        return av_refuse(verdict, ATTEST_CHIP_MASKED,
                         "its chip id is zero, so its VCEK cannot be asked for");
    if (!av_snp_tcb_read(report->product, tcb, &unused))
        return av_refuse(verdict, ATTEST_REPORT_MALFORMED, "reserved bytes of a TCB version");
    if (chip.len != sizeof platform->chip_id || tcb.len != sizeof platform->tcb)
        return av_refuse(verdict, ATTEST_INTERNAL, "fields of another length");
    memcpy(platform->chip_id, chip.ptr, sizeof platform->chip_id);
    memcpy(platform->tcb, tcb.ptr, sizeof platform->tcb);
    return true;
}

static bool read_report(const struct attest_request *request, const struct report_case *one,
                        struct attest_platform *platform, struct attest_verdict *verdict)
{
    struct quote quote;
    struct snp_report report;
    struct snp_chain chain;
    memset(platform, 0, sizeof *platform);
    if (!av_snp_report_parse(one->bytes, request->padded, &quote, &report, verdict) ||
        (one->certificate != NULL &&
         !av_evidence_binds_key(one->evidence, one->certificate, verdict->report_data, verdict)))
        return false;
    bool ok = av_snp_chain_parse(one->brought, av_roots_decoder(request->roots), &chain, verdict) &&
              read_product(&report, chain.leaf, platform, verdict);
    platform->tee = ATTEST_TEE_SNP;
    platform->vlek = report.is_vlek;
    platform->brings_leaf = chain.leaf != NULL;
    ok = ok && (platform->brings_leaf || read_chip(&quote, &report, platform, verdict));
    av_snp_chain_fini(&chain);
    return ok;
}

bool attest_platform_of_report(const struct attest_request *request, struct attest_bytes report,
                               const struct attest_snp_endorsements *endorsements,
                               struct attest_platform *platform, struct attest_verdict *verdict)
{
    static const struct attest_snp_endorsements none;
    struct report_case one = {.bytes = report,
                              .brought = endorsements != NULL ? endorsements : &none};
    ERR_set_mark();
    av_verdict_init(verdict);
    bool ok = read_report(request, &one, platform, verdict);
    ERR_pop_to_mark();
    return ok;
}

static bool read_item(const struct attest_request *request, const struct evidence *item,
                      X509 *certificate, struct attest_platform *platform,
                      struct attest_verdict *verdict)
{
    struct report_case report = {.bytes = item->quote,
                                 .brought = &item->endorsements,
                                 .evidence = item,
                                 .certificate = certificate};
    return item->is_report ? read_report(request, &report, platform, verdict)
                           : read_quote(request, item->quote, platform, verdict);
}

/* One whole certificate and what is in it; `set` begins all zero. Free both either way. */
static bool open_certificate(const struct decoder *decoder, struct attest_bytes der,
                             X509 **certificate, struct evidence_set *set,
                             struct attest_verdict *verdict)
{
    av_verdict_init(verdict);
    *certificate = der.len <= CERTIFICATE_BYTES_MAX ? av_decode_certificate(decoder, der) : NULL;
    if (*certificate == NULL)
        return av_refuse(verdict, ATTEST_CERTIFICATE_MALFORMED,
                         "not one whole DER certificate of at most %d bytes",
                         CERTIFICATE_BYTES_MAX);
    return av_evidence_find(*certificate, set, verdict);
}

/* All pieces of evidence in a certificate must name one platform: the first one speaks for all. */
bool attest_platform_of_certificate(const struct attest_request *request, struct attest_bytes der,
                                    struct attest_platform *platform,
                                    struct attest_verdict *verdict)
{
    struct evidence_set set = {0};
    X509 *certificate;
    ERR_set_mark();
    bool ok =
        open_certificate(av_roots_decoder(request->roots), der, &certificate, &set, verdict) &&
        read_item(request, &set.items[0], certificate, platform, verdict);
    av_evidence_fini(&set);
    X509_free(certificate);
    ERR_pop_to_mark();
    return ok;
}

bool attest_evidence_visit(struct attest_bytes der,
                           void (*visit)(void *arg, const char *convention,
                                         struct attest_bytes quote),
                           void *arg)
{
    struct evidence_set set = {0};
    struct attest_verdict verdict;
    X509 *certificate;
    ERR_set_mark();
    bool ok = open_certificate(NULL, der, &certificate, &set, &verdict);
    for (size_t i = 0; ok && i < set.count; ++i)
        visit(arg, set.items[i].convention->name, set.items[i].quote);
    av_evidence_fini(&set);
    X509_free(certificate);
    ERR_pop_to_mark();
    return ok;
}

/* By the name it bears: the issuer's certificate is not read for this. */
static bool is_of_processor_ca(const X509_CRL *list)
{
    char name[64] = "";
    X509_NAME_get_text_by_NID(X509_CRL_get_issuer(list), NID_commonName, name, sizeof name);
    return strcmp(name, "Intel SGX PCK Processor CA") == 0;
}

struct attest_platform attest_collateral_platform(const struct attest_collateral *collateral)
{
    struct attest_platform platform;
    memset(&platform, 0, sizeof platform);
    platform.tee = collateral->tcb.head.tee;
    if (collateral->is_amd) {
        const char *product = av_snp_product_name(collateral->snp.product);
        memcpy(platform.product, product, strlen(product));
        platform.vlek = collateral->snp.is_vlek;
        return platform;
    }
    platform.processor_ca = is_of_processor_ca(collateral->pck_crl);
    memcpy(platform.fmspc, collateral->tcb.fmspc, sizeof platform.fmspc);
    return platform;
}

static bool check_chip(const struct snp_document *document, const struct attest_platform *platform,
                       struct attest_verdict *verdict)
{
    const char *product = av_snp_product_name(document->product);
    struct attest_bytes bytes = {.ptr = platform->tcb, .len = sizeof platform->tcb};
    struct snp_tcb tcb;
    if (strncmp(product, platform->product, sizeof platform->product) != 0 ||
        document->is_vlek != platform->vlek)
        return av_refuse(verdict, ATTEST_COLLATERAL_MISMATCH, "the document is of a %s of %s",
                         document->is_vlek ? "VLEK" : "VCEK", product);
    if (document->chain.crl == NULL)
        return av_refuse(verdict, ATTEST_CRL_MISSING, "the document has no revocation list");
    return platform->brings_leaf ||
           (av_snp_tcb_read(document->product, bytes, &tcb) &&
            av_snp_document_has_leaf(document, &tcb, platform->chip_id)) ||
           av_refuse(verdict, ATTEST_COLLATERAL_MISMATCH,
                     "the document is of another chip or another TCB");
}

static bool check_platform(const struct attest_collateral *collateral,
                           const struct collateral_chains *chains,
                           const struct attest_platform *platform, struct attest_verdict *verdict)
{
    const uint8_t *fmspc = collateral->tcb.fmspc;
    if (collateral->tcb.head.tee != platform->tee)
        return av_refuse(verdict, ATTEST_COLLATERAL_MISMATCH, "the document is of %s, not of %s",
                         attest_tee_word(collateral->tcb.head.tee), attest_tee_word(platform->tee));
    if (collateral->is_amd)
        return check_chip(&collateral->snp, platform, verdict);
    if (memcmp(fmspc, platform->fmspc, sizeof platform->fmspc) != 0)
        return av_refuse(verdict, ATTEST_COLLATERAL_MISMATCH,
                         "the document is of FMSPC %02x%02x%02x%02x%02x%02x", fmspc[0], fmspc[1],
                         fmspc[2], fmspc[3], fmspc[4], fmspc[5]);
    if (chains == NULL)
        return true; /* refused next */
    return av_is_processor_ca(chains->chains[COLLATERAL_CRL_ISSUER].certificates[0]) ==
               platform->processor_ca ||
           av_refuse(verdict, ATTEST_COLLATERAL_MISMATCH,
                     "the PCK CRL is not of the CA that issued the platform's certificate");
}

/* A verification checks this signature with the platform's own chain; here there is none. */
static bool check_pck_list(const struct attest_collateral *collateral,
                           const struct collateral_chains *chains, struct attest_verdict *verdict)
{
    EVP_PKEY *key = X509_get0_pubkey(chains->chains[COLLATERAL_CRL_ISSUER].certificates[0]);
    return (key != NULL && av_list_is_signed(collateral->pck_crl, key)) ||
           av_refuse(verdict, ATTEST_CRL_UNTRUSTED, "the PCK CRL is not signed by its issuer");
}

bool attest_collateral_holds(const struct attest_collateral *collateral,
                             const struct attest_request *request,
                             const struct attest_platform *platform, struct attest_verdict *verdict)
{
    struct proven proven = {0}; /* nothing is remembered: this is asked once of a document */
    const struct chain none = {0};
    struct collateral_chains own;
    ERR_set_mark();
    av_verdict_init(verdict);
    const struct collateral_chains *chains =
        av_collateral_chains(collateral, av_roots_decoder(request->roots), &none, &own);
    bool ok = check_platform(collateral, chains, platform, verdict) &&
              (collateral->is_amd
                   ? av_snp_document_verify(&collateral->snp, request, verdict)
                   : av_collateral_verify(collateral, chains, request, 0, &proven, verdict) &&
                         check_pck_list(collateral, chains, verdict));
    av_collateral_chains_fini(&own);
    ERR_pop_to_mark();
    return ok;
}

struct attest_evaluation attest_collateral_evaluation(const struct attest_collateral *collateral)
{
    if (collateral->is_amd)
        return (struct attest_evaluation){
            .tcb = collateral->snp.list_issued > 0 ? (uint64_t)collateral->snp.list_issued : 0};
    return (struct attest_evaluation){.tcb = collateral->tcb.head.evaluation,
                                      .qe = collateral->qe.head.evaluation};
}
