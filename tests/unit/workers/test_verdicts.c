#include "workers/verdicts.h"

#include <stdio.h>

#include "fakes/fake_attest.h"
#include "unit/checks.h"
#include "unit/workers/parts.h"

enum { NOW = 1800000000 };

static struct verdicts verdicts;
static struct trust *trust;
static struct span certificate;
static uint8_t key_sha256[32];
static struct proof proof;

static void set_up(void)
{
    verdicts_init(&verdicts, 1);
    trust = parts_trust("{}");
    certificate = parts_certificate(key_sha256);
    fake_attest()->asked = 0;
}

static void tear_down(void)
{
    verdicts_fini(&verdicts);
    trust_give(trust);
    free((void *)certificate.ptr);
    ck_assert_uint_eq(fake_attest()->alive, 0);
}

/* Without any collateral. */
static bool judge(const struct trust *by, struct span der, int64_t now_ms, struct proof *out)
{
    const struct grounds grounds = {.trust = by};
    return verdicts_judge(&verdicts, &grounds, der, now_ms, out);
}

static bool judge_at(int64_t seconds)
{
    return judge(trust, certificate, seconds * 1000, &proof);
}

START_TEST(a_proof_has_what_a_lane_needs_of_a_verdict)
{
    fake_attest_trust(NOW + 100);
    ck_assert(judge(trust, certificate, NOW * 1000LL + 250, &proof));
    ck_assert(proof.trusted);
    ck_assert_str_eq(proof.reason, "trusted");
    ck_assert_str_eq(proof.tee, "tdx");
    ck_assert_str_eq(proof.tcb_status, "UpToDate");
    ck_assert_uint_eq(strlen(proof.measurement), 96);
    ck_assert_int_eq(strncmp(proof.measurement, "abcd00", 6), 0);
    ck_assert_uint_eq(proof.evidence_sha256[0], 0x5e);
    ck_assert_mem_eq(proof.key_sha256, key_sha256, 32);
    ck_assert_int_eq(proof.expires, NOW + 100);
    ck_assert_uint_eq(proof.lasts_ms, 99750);
    ck_assert_int_eq(fake_attest()->now, NOW);
}
END_TEST

START_TEST(a_refusal_names_the_check_and_lasts_no_time)
{
    fake_attest_refuse("no extension of a known kind");
    ck_assert(judge_at(NOW));
    ck_assert(!proof.trusted);
    ck_assert_str_eq(proof.reason, "no-evidence");
    ck_assert_str_eq(proof.detail, "no extension of a known kind");
    ck_assert_uint_eq(proof.lasts_ms, 0);
}
END_TEST

START_TEST(a_trusted_verdict_is_kept_until_it_expires_and_then_judged_anew)
{
    fake_attest_trust(NOW + 100);
    ck_assert(judge_at(NOW));
    ck_assert(!judge_at(NOW + 99));
    ck_assert(proof.trusted);
    ck_assert_uint_eq(proof.lasts_ms, 1000);
    fake_attest_refuse("expired");
    ck_assert(judge_at(NOW + 100));
    ck_assert(!proof.trusted);
    ck_assert_uint_eq(fake_attest()->asked, 2);
}
END_TEST

START_TEST(a_trusted_verdict_is_kept_for_an_hour_at_most)
{
    fake_attest_trust(NOW + 1000000);
    ck_assert(judge_at(NOW));
    ck_assert(!judge_at(NOW + 3599));
    ck_assert(judge_at(NOW + 3600));
}
END_TEST

START_TEST(a_refusal_is_kept_for_five_seconds)
{
    fake_attest_refuse("not yet");
    ck_assert(judge_at(NOW));
    ck_assert(!judge_at(NOW + 4));
    fake_attest_trust(NOW + 1000);
    ck_assert(judge_at(NOW + 5));
    ck_assert(proof.trusted);
}
END_TEST

START_TEST(a_verdict_under_one_policy_says_nothing_under_another)
{
    struct trust *other = parts_trust("{ }");
    fake_attest_trust(NOW + 100);
    ck_assert(judge_at(NOW));
    ck_assert(judge(other, certificate, NOW * 1000LL, &proof));
    struct trust *same = parts_trust("{}");
    ck_assert(!judge(same, certificate, NOW * 1000LL, &proof));
    trust_give(same);
    trust_give(other);
}
END_TEST

START_TEST(trust_without_time_left_is_a_refusal)
{
    fake_attest_trust(NOW);
    judge_at(NOW);
    ck_assert(!proof.trusted);
    ck_assert_str_eq(proof.reason, "expired");
    fake_attest_trust(0);
    judge_at(NOW + 10);
    ck_assert(!proof.trusted);
}
END_TEST

START_TEST(a_trusted_verdict_without_a_readable_key_is_a_refusal)
{
    fake_attest_trust(NOW + 100);
    judge(trust, SPAN_OF("junk"), NOW * 1000LL, &proof);
    ck_assert(!proof.trusted);
    ck_assert_str_eq(proof.reason, "malformed");
}
END_TEST

START_TEST(no_policy_trusts_nobody)
{
    fake_attest_trust(NOW + 100);
    judge(NULL, certificate, NOW * 1000LL, &proof);
    ck_assert(!proof.trusted);
    ck_assert_str_eq(proof.reason, "no-policy");
    ck_assert_uint_eq(fake_attest()->asked, 0);
}
END_TEST

START_TEST(a_certificate_has_1_byte_to_256_kib)
{
    char *large = calloc(1, ATTESTER_CERTIFICATE_BYTES_MAX + 1);
    ck_assert_ptr_nonnull(large);
    fake_attest_refuse("as a verifier would");
    judge(trust, SPAN_NONE, NOW * 1000LL, &proof);
    ck_assert_str_eq(proof.reason, "no-certificate");
    judge(trust, span_of(large, ATTESTER_CERTIFICATE_BYTES_MAX + 1), NOW * 1000LL, &proof);
    ck_assert_str_eq(proof.reason, "certificate-too-large");
    ck_assert_uint_eq(fake_attest()->asked, 0);
    judge(trust, span_of(large, ATTESTER_CERTIFICATE_BYTES_MAX), NOW * 1000LL, &proof);
    ck_assert_str_eq(proof.reason, "no-evidence");
    judge(trust, span_of(large, 1), NOW * 1000LL, &proof);
    ck_assert_uint_eq(fake_attest()->asked, 2);
    free(large);
}
END_TEST

START_TEST(the_oldest_of_4096_verdicts_makes_room)
{
    char junk[16];
    fake_attest_refuse("junk");
    for (int i = 0; i <= VERDICTS_MAX; ++i) {
        snprintf(junk, sizeof(junk), "junk %d", i);
        ck_assert(judge(trust, span_text(junk), NOW * 1000LL, &proof));
    }
    ck_assert_uint_eq(verdicts.by_key.count, VERDICTS_MAX);
    ck_assert(!judge(trust, SPAN_OF("junk 1"), NOW * 1000LL, &proof));
    ck_assert(judge(trust, SPAN_OF("junk 0"), NOW * 1000LL, &proof));
    ck_assert_uint_eq(verdicts.by_key.count, VERDICTS_MAX);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_proof_has_what_a_lane_needs_of_a_verdict,
                                  a_refusal_names_the_check_and_lasts_no_time,
                                  a_trusted_verdict_is_kept_until_it_expires_and_then_judged_anew,
                                  a_trusted_verdict_is_kept_for_an_hour_at_most,
                                  a_refusal_is_kept_for_five_seconds,
                                  a_verdict_under_one_policy_says_nothing_under_another,
                                  trust_without_time_left_is_a_refusal,
                                  a_trusted_verdict_without_a_readable_key_is_a_refusal,
                                  no_policy_trusts_nobody,
                                  a_certificate_has_1_byte_to_256_kib,
                                  the_oldest_of_4096_verdicts_makes_room,
                                  NULL};
    return parts_run("workers/verdicts", tests, set_up, tear_down);
}
