#include "fakes/fake_attest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

struct attest_roots {
    char unused;
};
struct attest_collateral {
    char unused;
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
    return alloc_zeroed(1);
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

struct attest_collateral *attest_collateral_parse(struct attest_bytes json, char *error,
                                                  size_t error_size)
{
    return parse(json, "{", error, error_size);
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
    ++the_fake.asked;
    the_fake.now = request->now;
    the_fake.collateral_count = request->collateral_count;
    the_fake.der_len = bytes.len;
    *verdict = the_fake.verdict;
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
