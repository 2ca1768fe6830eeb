/* A worker's answer to a challenge: fresh evidence that is of this very connection, and of the same
 * code and machine as the certificate's (DESIGN 3, Freshness; ra-tls (d) 9). */
#include "evidence/answer.h"
#include "verify.h"
#include "verify_report.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

/* The direction is part of it, so that evidence a verifier made of itself is none (ra-tls (g) 28).
 */
static const char label[] = "teegate-challenge-worker-v1"; /* with its NUL */

bool attest_challenge_report_data(const struct attest_challenge *challenge,
                                  struct attest_bytes spki, uint8_t report_data[64])
{
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    bool made = digest != NULL && EVP_DigestInit_ex(digest, EVP_sha512(), NULL) == 1 &&
                EVP_DigestUpdate(digest, label, sizeof label) == 1 &&
                EVP_DigestUpdate(digest, spki.ptr, spki.len) == 1 &&
                EVP_DigestUpdate(digest, challenge->exporter, sizeof challenge->exporter) == 1 &&
                EVP_DigestUpdate(digest, challenge->nonce, sizeof challenge->nonce) == 1 &&
                EVP_DigestFinal_ex(digest, report_data, NULL) == 1;
    EVP_MD_CTX_free(digest);
    return made;
}

/* One answer on trial. */
struct trial {
    struct attest_request request;
    const struct attest_challenge *challenge;
    struct answer answer;
    struct attest_verdict own; /* on the certificate */
    X509 *certificate;
    struct evidence_set set;
    struct attest_verdict *verdict;
};

/* Trusted just now, so it can be read. */
static bool read_certificate(struct trial *trial, struct attest_bytes der)
{
    const unsigned char *end = der.ptr;
    attest_verify_certificate(&trial->request, der, &trial->own);
    if (!attest_is_trusted(&trial->own)) {
        *trial->verdict = trial->own;
        return false;
    }
    trial->certificate = d2i_X509(NULL, &end, (long)der.len);
    return (trial->certificate != NULL &&
            av_evidence_find(trial->certificate, &trial->set, trial->verdict)) ||
           av_refuse(trial->verdict, ATTEST_INTERNAL, "out of memory");
}

/* What the certificate's event log, or dstack's configuration, proved of its evidence, it must
 * prove of the answer's. */
static struct evidence held_log(const struct evidence_set *set)
{
    struct evidence held = {.has_log = false};
    for (size_t i = 0; i < set->count && !held.has_log && held.mr_config.len == 0; ++i) {
        held.log = set->items[i].log;
        held.has_log = set->items[i].has_log;
        held.mr_config = set->items[i].mr_config;
        held.endorsements = set->items[i].endorsements;
    }
    return held;
}

/* The chip's certificates may come with the answer, or have come with the certificate. A revocation
 * list never does: who is judged must not choose it. */
static void judge_report(struct trial *trial, const struct evidence *held)
{
    struct attest_snp_endorsements brought = trial->answer.endorsements;
    if (brought.leaf.len == 0)
        brought.leaf = held->endorsements.leaf;
    if (brought.ica.len == 0)
        brought.ica = held->endorsements.ica;
    if (brought.ark.len == 0)
        brought.ark = held->endorsements.ark;
    struct report_case one = {
        .bytes = trial->answer.evidence, .brought = &brought, .evidence = held};
    brought.crl = (struct attest_bytes){NULL, 0};
    av_judge_report(&trial->request, &one, trial->verdict);
}

static bool judge_evidence(struct trial *trial)
{
    struct attest_verdict *verdict = trial->verdict;
    struct answer *answer = &trial->answer;
    struct evidence held = held_log(&trial->set);
    if (answer->tee == ATTEST_TEE_SNP)
        judge_report(trial, &held);
    else
        av_judge_quote(&trial->request, answer->evidence, &held, NULL, verdict);
    if (attest_is_trusted(verdict))
        return true;
    char why[sizeof verdict->detail];
    memcpy(why, verdict->detail, sizeof why);
    return av_refuse(verdict, verdict->reason, "in the answer to the challenge: %.220s", why);
}

static bool check_bound(struct trial *trial)
{
    uint8_t expected[64];
    unsigned char *spki = NULL;
    int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(trial->certificate), &spki);
    struct attest_bytes key = {.ptr = spki, .len = len > 0 ? (size_t)len : 0};
    bool made = len > 0 && attest_challenge_report_data(trial->challenge, key, expected);
    OPENSSL_free(spki);
    if (!made)
        return av_refuse(trial->verdict, ATTEST_INTERNAL, "out of memory");
    return memcmp(trial->verdict->report_data, expected, sizeof expected) == 0 ||
           av_refuse(trial->verdict, ATTEST_ANSWER_NOT_BOUND,
                     "its report data is not made of this connection's label, key, exporter and "
                     "nonce");
}

static bool check_same(struct trial *trial)
{
    struct attest_verdict *verdict = trial->verdict;
    if (!av_is_same_code(&trial->own, verdict))
        return av_refuse(verdict, ATTEST_ANSWER_OTHER_CODE,
                         "the policy accepts both, but the measurements of the answer are not the "
                         "certificate's");
    if (!trial->own.has_instance || !verdict->has_instance)
        return av_refuse(verdict, ATTEST_ANSWER_OTHER_INSTANCE,
                         "the evidence does not say which machine made it");
    return memcmp(trial->own.instance_sha256, verdict->instance_sha256,
                  sizeof verdict->instance_sha256) == 0 ||
           av_refuse(verdict, ATTEST_ANSWER_OTHER_INSTANCE,
                     "the machine of the answer is not the certificate's");
}

/* The TEE as stated decides how the evidence is read, so it is looked at first. */
static bool check_tee(struct trial *trial)
{
    return trial->answer.tee == trial->own.tee ||
           av_refuse(trial->verdict, ATTEST_ANSWER_OTHER_CODE,
                     "the answer is of %s, the certificate of %s",
                     attest_tee_word(trial->answer.tee), attest_tee_word(trial->own.tee));
}

void attest_verify_answer(const struct attest_request *request, struct attest_bytes der,
                          const struct attest_challenge *challenge, struct attest_bytes json,
                          struct attest_verdict *verdict)
{
    struct trial trial = {.request = *request, .challenge = challenge, .verdict = verdict};
    trial.request.explanation = NULL;
    trial.request.padded = false;
    ERR_set_mark(); /* as attest_verify_quote() does */
    av_verdict_init(verdict);
    if (read_certificate(&trial, der) && av_answer_parse(json, &trial.answer, verdict) &&
        check_tee(&trial) && judge_evidence(&trial)) {
        av_verdict_note_end(verdict, trial.own.expires);
        if (check_bound(&trial) && check_same(&trial))
            av_verdict_trust(verdict);
    }
    av_answer_fini(&trial.answer);
    av_evidence_fini(&trial.set);
    X509_free(trial.certificate);
    ERR_pop_to_mark();
}
