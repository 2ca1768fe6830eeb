/* What must be known before collateral is there: the platform that evidence names, and whether a
 * document that came for it holds. */
#include "attest_verify.h"

#include "bytes/crypto.h"
#include "collateral/collateral.h"
#include "evidence/evidence.h"
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

/* All pieces of evidence in a certificate must name one platform: the first one speaks for all. */
bool attest_platform_of_certificate(const struct attest_request *request, struct attest_bytes der,
                                    struct attest_platform *platform,
                                    struct attest_verdict *verdict)
{
    struct evidence_set set = {0};
    ERR_set_mark();
    av_verdict_init(verdict);
    X509 *certificate = der.len <= CERTIFICATE_BYTES_MAX
                            ? av_decode_certificate(av_roots_decoder(request->roots), der)
                            : NULL;
    bool ok = certificate != NULL;
    if (!ok)
        av_refuse(verdict, ATTEST_CERTIFICATE_MALFORMED,
                  "not one whole DER certificate of at most %d bytes", CERTIFICATE_BYTES_MAX);
    ok = ok && av_evidence_find(certificate, &set, verdict) &&
         read_quote(request, set.items[0].quote, platform, verdict);
    av_evidence_fini(&set);
    X509_free(certificate);
    ERR_pop_to_mark();
    return ok;
}

static bool check_platform(const struct attest_collateral *collateral,
                           const struct collateral_chains *chains,
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
              av_collateral_verify(collateral, chains, request, &proven, verdict) &&
              check_pck_list(collateral, chains, verdict);
    av_collateral_chains_fini(&own);
    ERR_pop_to_mark();
    return ok;
}

struct attest_evaluation attest_collateral_evaluation(const struct attest_collateral *collateral)
{
    return (struct attest_evaluation){.tcb = collateral->tcb.head.evaluation,
                                      .qe = collateral->qe.head.evaluation};
}
