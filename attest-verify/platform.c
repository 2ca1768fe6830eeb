/* What must be known before collateral is there: the platform that evidence names, and whether a
 * document that came for it holds. */
#include "attest_verify.h"

#include "collateral/collateral.h"
#include "evidence/evidence.h"
#include "evidence/evidence_convention.h"
#include "formats/quote.h"

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
    *platform = (struct attest_platform){0};
    if (!av_quote_parse(bytes, request->padded, &quote, verdict))
        return false;
    if (!av_chain_parse(quote.pck_pem, CHAIN_PCK, &chain))
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

/* One whole certificate and what is in it; `set` begins all zero. Free both either way. */
static bool open_certificate(struct attest_bytes der, X509 **certificate, struct evidence_set *set,
                             struct attest_verdict *verdict)
{
    const unsigned char *end = der.ptr;
    av_verdict_init(verdict);
    *certificate = der.len <= CERTIFICATE_BYTES_MAX ? d2i_X509(NULL, &end, (long)der.len) : NULL;
    if (*certificate == NULL || end != der.ptr + der.len)
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
    bool ok = open_certificate(der, &certificate, &set, verdict) &&
              read_quote(request, set.items[0].quote, platform, verdict);
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
    bool ok = open_certificate(der, &certificate, &set, &verdict);
    for (size_t i = 0; ok && i < set.count; ++i)
        visit(arg, set.items[i].convention->name, set.items[i].quote);
    av_evidence_fini(&set);
    X509_free(certificate);
    ERR_pop_to_mark();
    return ok;
}

struct attest_platform attest_collateral_platform(const struct attest_collateral *collateral)
{
    struct attest_platform platform = {
        .tee = collateral->tcb.head.tee,
        .processor_ca = av_is_processor_ca(collateral->crl_issuer.certificates[0])};
    memcpy(platform.fmspc, collateral->tcb.fmspc, sizeof platform.fmspc);
    return platform;
}

static bool check_platform(const struct attest_collateral *collateral,
                           const struct attest_platform *platform, struct attest_verdict *verdict)
{
    const uint8_t *fmspc = collateral->tcb.fmspc;
    if (collateral->tcb.head.tee != platform->tee)
        return av_refuse(verdict, ATTEST_COLLATERAL_MISMATCH, "the document is of %s, not of %s",
                         attest_tee_word(collateral->tcb.head.tee), attest_tee_word(platform->tee));
    if (memcmp(fmspc, platform->fmspc, sizeof platform->fmspc) != 0)
        return av_refuse(verdict, ATTEST_COLLATERAL_MISMATCH,
                         "the document is of FMSPC %02x%02x%02x%02x%02x%02x", fmspc[0], fmspc[1],
                         fmspc[2], fmspc[3], fmspc[4], fmspc[5]);
    return av_is_processor_ca(collateral->crl_issuer.certificates[0]) == platform->processor_ca ||
           av_refuse(verdict, ATTEST_COLLATERAL_MISMATCH,
                     "the PCK CRL is not of the CA that issued the platform's certificate");
}

/* A verification checks this signature with the platform's own chain; here there is none. */
static bool check_pck_list(const struct attest_collateral *collateral,
                           struct attest_verdict *verdict)
{
    EVP_PKEY *key = X509_get0_pubkey(collateral->crl_issuer.certificates[0]);
    return (key != NULL && X509_CRL_verify(collateral->pck_crl, key) == 1) ||
           av_refuse(verdict, ATTEST_CRL_UNTRUSTED, "the PCK CRL is not signed by its issuer");
}

bool attest_collateral_holds(const struct attest_collateral *collateral,
                             const struct attest_request *request,
                             const struct attest_platform *platform, struct attest_verdict *verdict)
{
    struct proven proven = {0}; /* nothing is remembered: this is asked once of a document */
    ERR_set_mark();
    av_verdict_init(verdict);
    bool ok = check_platform(collateral, platform, verdict) &&
              av_collateral_verify(collateral, request, &proven, verdict) &&
              check_pck_list(collateral, verdict);
    ERR_pop_to_mark();
    return ok;
}

struct attest_evaluation attest_collateral_evaluation(const struct attest_collateral *collateral)
{
    return (struct attest_evaluation){.tcb = collateral->tcb.head.evaluation,
                                      .qe = collateral->qe.head.evaluation};
}
