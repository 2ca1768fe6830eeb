#include "fakes/fake_attest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

struct attest_roots {
    char unused;
};
struct attest_collateral {
    struct attest_evaluation evaluation;
};
struct attest_policy {
    char unused;
};

static struct fake_attest the_fake;

struct fake_attest *fake_attest(void)
{
    return &the_fake;
}

void fake_attest_trust(int64_t expires)
{
    struct attest_verdict *verdict = &the_fake.verdict;
    *verdict = (struct attest_verdict){.reason = ATTEST_TRUSTED,
                                       .tee = ATTEST_TEE_TDX,
                                       .tcb_status = "UpToDate",
                                       .expires = expires,
                                       .measurement_count = 2};
    verdict->measurements[0] =
        (struct attest_measurement){.name = "mrseam", .bytes = {9}, .len = 48};
    verdict->measurements[1] =
        (struct attest_measurement){.name = "mrtd", .bytes = {0xab, 0xcd}, .len = 48};
    verdict->evidence_sha256[0] = 0x5e;
}

void fake_attest_refuse(const char *detail)
{
    the_fake.verdict = (struct attest_verdict){.reason = ATTEST_NO_EVIDENCE};
    snprintf(the_fake.verdict.detail, sizeof(the_fake.verdict.detail), "%s", detail);
}

const char *attest_reason_word(enum attest_reason reason)
{
    if (reason == ATTEST_COLLATERAL_MISSING)
        return "collateral-missing";
    if (reason == ATTEST_COLLATERAL_EXPIRED)
        return "collateral-expired";
    if (reason == ATTEST_CRL_MISSING)
        return "crl-missing";
    if (reason == ATTEST_COLLATERAL_TOO_OLD)
        return "collateral-too-old";
    return reason == ATTEST_TRUSTED ? "trusted" : "no-evidence";
}

const char *attest_reason_sentence(enum attest_reason reason)
{
    return attest_reason_word(reason);
}

const char *attest_tee_word(enum attest_tee tee)
{
    static const char *const words[] = {"none", "sgx", "tdx", "snp"};
    return words[tee];
}

static void *parse(struct attest_bytes bytes, const char *start, char *error, size_t error_size)
{
    size_t len = strlen(start);
    if (bytes.len < len || memcmp(bytes.ptr, start, len) != 0) {
        snprintf(error, error_size, "does not begin with %s", start);
        return NULL;
    }
    ++the_fake.alive;
    return alloc_zeroed(sizeof(struct attest_collateral));
}

static void release(void *object)
{
    --the_fake.alive;
    free(object);
}

struct attest_roots *attest_roots_builtin(void)
{
    ++the_fake.alive;
    return alloc_zeroed(1);
}

struct attest_roots *attest_roots_from_pem(struct attest_bytes pem, char *error, size_t error_size)
{
    return parse(pem, "-----BEGIN", error, error_size);
}

void attest_roots_free(struct attest_roots *roots)
{
    release(roots);
}

struct attest_collateral *attest_collateral_parse_with(const struct attest_roots *roots,
                                                       struct attest_bytes json, char *error,
                                                       size_t error_size)
{
    struct attest_collateral *collateral = parse(json, "{", error, error_size);
    /* "{N" has the evaluation numbers N. */
    if (collateral != NULL)
        for (size_t i = 1; i < json.len && json.ptr[i] >= '0' && json.ptr[i] <= '9'; ++i) {
            collateral->evaluation.tcb = 10 * collateral->evaluation.tcb + json.ptr[i] - '0';
            collateral->evaluation.qe = collateral->evaluation.tcb;
        }
    return collateral;
}

bool attest_collateral_prove(struct attest_collateral *collateral)
{
    return true;
}

void attest_collateral_free(struct attest_collateral *collateral)
{
    release(collateral);
}

struct attest_policy *attest_policy_parse(struct attest_bytes json, char *error, size_t error_size)
{
    return parse(json, "{", error, error_size);
}

void attest_policy_free(struct attest_policy *policy)
{
    release(policy);
}

static void answer(const struct attest_request *request, struct attest_bytes bytes,
                   struct attest_verdict *verdict)
{
    void (*pause)(void) = the_fake.pause;
    if (pause != NULL)
        pause();
    ++the_fake.asked;
    the_fake.now = request->now;
    the_fake.collateral_count = request->collateral_count;
    the_fake.der_len = bytes.len;
    *verdict = the_fake.verdict;
    if (the_fake.needs_collateral && request->collateral_count == 0)
        *verdict = (struct attest_verdict){.reason = ATTEST_COLLATERAL_MISSING};
}

void attest_verify_quote(const struct attest_request *request, struct attest_bytes quote,
                         struct attest_verdict *verdict)
{
    answer(request, quote, verdict);
}

void attest_verify_answer(const struct attest_request *request, struct attest_bytes der,
                          const struct attest_challenge *challenge, struct attest_bytes json,
                          struct attest_verdict *verdict)
{
    the_fake.challenge = *challenge;
    the_fake.answer_len = json.len;
    answer(request, der, verdict);
}

void attest_verify_certificate(const struct attest_request *request, struct attest_bytes der,
                               struct attest_verdict *verdict)
{
    answer(request, der, verdict);
}

bool attest_platform_of_certificate(const struct attest_request *request, struct attest_bytes der,
                                    struct attest_platform *platform,
                                    struct attest_verdict *verdict)
{
    memcpy(platform, &the_fake.platform, sizeof(*platform));
    if (the_fake.chain_is_foreign) {
        *verdict = (struct attest_verdict){.reason = ATTEST_NO_EVIDENCE};
        snprintf(verdict->detail, sizeof(verdict->detail), "a chain of nobody");
    }
    return !the_fake.chain_is_foreign;
}

struct attest_platform attest_collateral_platform(const struct attest_collateral *collateral)
{
    return the_fake.platform;
}

struct attest_evaluation attest_collateral_evaluation(const struct attest_collateral *collateral)
{
    return collateral->evaluation;
}

bool attest_collateral_holds(const struct attest_collateral *collateral,
                             const struct attest_request *request,
                             const struct attest_platform *platform, struct attest_verdict *verdict)
{
    *verdict = (struct attest_verdict){.reason = ATTEST_TRUSTED, .expires = the_fake.ends};
    return !the_fake.nothing_holds;
}

bool attest_evidence_visit(struct attest_bytes der,
                           void (*visit)(void *arg, const char *convention,
                                         struct attest_bytes quote),
                           void *arg)
{
    static const uint8_t quote[] = "quote";
    visit(arg, "fake", (struct attest_bytes){quote, sizeof(quote) - 1});
    return true;
}
