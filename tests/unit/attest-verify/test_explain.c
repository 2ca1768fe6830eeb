/* The explanation of a verification: everything before the failure passed, nothing after it was
 * reached, and the failure has the verdict's own words. */
#include "verify_scene.h"

static struct attest_explanation explanation;

static void judge_explained(struct scene *scene, const struct attest_request *request,
                            const struct simulate_vendor *vendor,
                            const struct simulate_identity *pck)
{
    struct attest_request explained = *request;
    explained.explanation = &explanation;
    judge_bare_quote(scene, &explained, vendor, pck);
}

static bool is_of_certificates(int check)
{
    return check == ATTEST_CHECK_CERTIFICATE || check == ATTEST_CHECK_EVIDENCE ||
           check == ATTEST_CHECK_BINDING || check == ATTEST_CHECK_AGREEMENT ||
           check == ATTEST_CHECK_VALIDITY;
}

/* `failed` is ATTEST_CHECK_COUNT when nothing fails. */
static void expect_failure(struct scene *scene, int failed)
{
    judge_with(scene, judge_explained);
    for (int i = 0; i < ATTEST_CHECK_COUNT; ++i) {
        const struct attest_check_result *row = &explanation.checks[i];
        enum attest_check_outcome expected = is_of_certificates(i) ? ATTEST_CHECK_NOT_APPLICABLE
                                             : i < failed          ? ATTEST_CHECK_PASSED
                                             : i == failed         ? ATTEST_CHECK_FAILED
                                                                   : ATTEST_CHECK_NOT_REACHED;
        ck_assert_msg(row->result == expected, "%s: %s, not %s", attest_check_word(i),
                      attest_check_outcome_word(row->result), attest_check_outcome_word(expected));
        ck_assert_int_eq(row->detail[0] != '\0',
                         row->result == ATTEST_CHECK_PASSED || row->result == ATTEST_CHECK_FAILED);
    }
    if (failed < ATTEST_CHECK_COUNT) {
        const char *detail = explanation.checks[failed].detail;
        const char *word = attest_reason_word(scene->verdict.reason);
        ck_assert_msg(strncmp(detail, word, strlen(word)) == 0, "%s", detail);
        ck_assert_ptr_nonnull(strstr(detail, scene->verdict.detail));
    }
}

START_TEST(all_checks_of_a_trusted_quote_passed)
{
    struct scene scene;
    set_scene(&scene, ATTEST_TEE_TDX);
    expect_failure(&scene, ATTEST_CHECK_COUNT);
}
END_TEST

START_TEST(nothing_is_reached_after_the_check_that_failed)
{
    struct scene scene;
    set_scene(&scene, ATTEST_TEE_SGX);
    scene.platform.fmspc[0] ^= 1;
    expect_failure(&scene, ATTEST_CHECK_CHOICE);
    set_scene(&scene, ATTEST_TEE_SGX);
    scene.now = NOW + 29 * DAY + 1;
    expect_failure(&scene, ATTEST_CHECK_COLLATERAL);
    set_scene(&scene, ATTEST_TEE_TDX);
    scene.pck_revoked = true;
    expect_failure(&scene, ATTEST_CHECK_PCK_CHAIN);
    set_scene(&scene, ATTEST_TEE_TDX);
    scene.quote.damage = SIMULATE_BAD_QE_SIGNATURE;
    expect_failure(&scene, ATTEST_CHECK_QE_REPORT);
    set_scene(&scene, ATTEST_TEE_TDX);
    scene.quote.damage = SIMULATE_BAD_QUOTE_SIGNATURE;
    expect_failure(&scene, ATTEST_CHECK_QUOTE_SIGNATURE);
    set_scene(&scene, ATTEST_TEE_TDX);
    scene.policy = "{}";
    expect_failure(&scene, ATTEST_CHECK_POLICY);
}
END_TEST

static void judge_garbage(struct scene *scene, const struct attest_request *request,
                          const struct simulate_vendor *vendor, const struct simulate_identity *pck)
{
    struct attest_request explained = *request;
    explained.explanation = &explanation;
    attest_verify_certificate(&explained, (struct attest_bytes){(const uint8_t *)"?", 1},
                              &scene->verdict);
}

START_TEST(an_explanation_used_again_forgets_the_one_before)
{
    struct scene scene;
    set_scene(&scene, ATTEST_TEE_TDX);
    expect_failure(&scene, ATTEST_CHECK_COUNT);
    judge_with(&scene, judge_garbage);
    ck_assert_int_eq(explanation.checks[ATTEST_CHECK_CERTIFICATE].result, ATTEST_CHECK_FAILED);
    for (int i = ATTEST_CHECK_CERTIFICATE + 1; i < ATTEST_CHECK_COUNT; ++i)
        ck_assert_int_eq(explanation.checks[i].result, ATTEST_CHECK_NOT_REACHED);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {all_checks_of_a_trusted_quote_passed,
                                  nothing_is_reached_after_the_check_that_failed,
                                  an_explanation_used_again_forgets_the_one_before, NULL};
    return checks_run("explain", tests);
}
