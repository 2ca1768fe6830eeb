/* What the whole verifier does with a policy's graces and its word on the platform's configuration,
 * and with the evaluation numbers that were seen before. */
#include "verify_scene.h"

#define ACCEPT "\"accept\":[{\"tee\":\"tdx\",\"any_code\":true}]"

enum { END = NOW + 29 * DAY, GRACE = 3600 };

static enum attest_reason judge_at(int64_t now, const char *policy, struct attest_verdict *verdict)
{
    struct scene scene;
    set_scene(&scene, ATTEST_TEE_TDX);
    scene.now = now;
    scene.policy = policy;
    enum attest_reason reason = judge(&scene);
    if (verdict != NULL)
        *verdict = scene.verdict;
    return reason;
}

START_TEST(documents_count_until_their_end_and_with_a_grace_until_the_end_of_that)
{
    static const char without[] = "{" ACCEPT "}";
    static const char with[] = "{" ACCEPT ",\"tcb\":{\"collateral_grace_s\":3600}}";
    struct attest_verdict verdict;
    ck_assert_int_eq(judge_at(END, without, NULL), ATTEST_TRUSTED);
    ck_assert_int_eq(judge_at(END + 1, without, NULL), ATTEST_COLLATERAL_EXPIRED);
    ck_assert_int_eq(judge_at(END + GRACE - 1, with, NULL), ATTEST_TRUSTED);
    ck_assert_int_eq(judge_at(END + GRACE, with, &verdict), ATTEST_TRUSTED);
    ck_assert_int_eq(verdict.expires, END + GRACE);
    ck_assert_int_eq(judge_at(END + GRACE + 1, with, NULL), ATTEST_COLLATERAL_EXPIRED);
    ck_assert_int_eq(judge_at(NOW - DAY - 1, with, NULL), ATTEST_COLLATERAL_EARLY);
}
END_TEST

START_TEST(certificates_have_no_grace)
{
    struct scene scene;
    set_scene(&scene, ATTEST_TEE_TDX);
    scene.vendor.signer_not_after = NOW - 1;
    scene.policy = "{" ACCEPT ",\"tcb\":{\"collateral_grace_s\":86400}}";
    ck_assert_int_eq(judge(&scene), ATTEST_CHAIN_EXPIRED);
}
END_TEST

START_TEST(an_out_of_date_platform_is_accepted_until_its_grace_is_over)
{
    static const char unlimited[] =
        "{" ACCEPT ",\"tcb\":{\"accepted_status\":[\"UpToDate\",\"OutOfDate\"]}}";
    char limited[256];
    struct scene scene;
    set_scene(&scene, ATTEST_TEE_TDX);
    scene.platform.components[0] = scene.platform.components[1] = 3;
    scene.policy = "{" ACCEPT "}";
    ck_assert_int_eq(judge(&scene), ATTEST_TCB_NOT_ACCEPTED);
    scene.policy = unlimited;
    ck_assert_int_eq(judge(&scene), ATTEST_TRUSTED);
    ck_assert_str_eq(scene.verdict.tcb_status, "OutOfDate");
    long long age = NOW - scene.verdict.tcb_date;
    ck_assert_int_gt(age, 0);
    for (int late = -1; late <= 1; ++late) {
        snprintf(limited, sizeof limited,
                 "{" ACCEPT ",\"tcb\":{\"accepted_status\":[\"UpToDate\",\"OutOfDate\"],"
                 "\"platform_grace_s\":%lld}}",
                 age - late);
        scene.policy = limited;
        ck_assert_int_eq(judge(&scene), late > 0 ? ATTEST_TCB_NOT_ACCEPTED : ATTEST_TRUSTED);
        if (late <= 0)
            ck_assert_int_eq(scene.verdict.expires, NOW - late);
    }
    set_scene(&scene, ATTEST_TEE_TDX); /* an up-to-date one needs no grace */
    scene.policy = "{" ACCEPT ",\"tcb\":{\"accepted_status\":[\"UpToDate\",\"OutOfDate\"],"
                   "\"platform_grace_s\":0}}";
    ck_assert_int_eq(judge(&scene), ATTEST_TRUSTED);
}
END_TEST

START_TEST(a_platforms_configuration_is_asked_for_flag_by_flag)
{
    static const char *const names[] = {"allow_dynamic_platform", "allow_cached_keys", "allow_smt"};
    char policy[256];
    for (size_t denied = 0; denied < 3; ++denied)
        for (size_t set = 0; set < 4; ++set) {
            struct scene scene;
            set_scene(&scene, ATTEST_TEE_TDX);
            scene.platform.dynamic_platform = set == 0;
            scene.platform.cached_keys = set == 1;
            scene.platform.smt_enabled = set == 2;
            snprintf(policy, sizeof policy, "{" ACCEPT ",\"platform\":{\"%s\":false}}",
                     names[denied]);
            scene.policy = policy;
            ck_assert_int_eq(judge(&scene),
                             set == denied ? ATTEST_PLATFORM_CONFIGURATION : ATTEST_TRUSTED);
            snprintf(policy, sizeof policy, "{" ACCEPT ",\"platform\":{\"%s\":true}}",
                     names[denied]);
            ck_assert_int_eq(judge(&scene), ATTEST_TRUSTED);
        }
}
END_TEST

START_TEST(a_certificate_that_says_nothing_of_its_configuration_does_not_say_no)
{
    struct scene scene;
    set_scene(&scene, ATTEST_TEE_TDX);
    scene.vendor.processor_ca = true;
    scene.policy = "{" ACCEPT "}";
    ck_assert_int_eq(judge(&scene), ATTEST_TRUSTED);
    scene.policy = "{" ACCEPT ",\"platform\":{\"allow_smt\":false}}";
    ck_assert_int_eq(judge(&scene), ATTEST_PLATFORM_CONFIGURATION);
    ck_assert_ptr_nonnull(strstr(scene.verdict.detail, "does not say"));
}
END_TEST

START_TEST(an_sgx_type_is_one_of_the_listed)
{
    static const char *const words[] = {"standard", "scalable", "scalable_with_integrity"};
    char policy[256];
    for (size_t listed = 0; listed < 3; ++listed)
        for (uint8_t type = 0; type < 3; ++type) {
            struct scene scene;
            set_scene(&scene, ATTEST_TEE_TDX);
            scene.platform.sgx_type = type;
            snprintf(policy, sizeof policy, "{" ACCEPT ",\"platform\":{\"sgx_type\":[\"%s\"]}}",
                     words[listed]);
            scene.policy = policy;
            ck_assert_int_eq(judge(&scene),
                             type == listed ? ATTEST_TRUSTED : ATTEST_PLATFORM_CONFIGURATION);
        }
}
END_TEST

static struct attest_seen seen;

static void judge_seen(struct scene *scene, const struct attest_request *request,
                       const struct simulate_vendor *vendor, const struct simulate_identity *pck)
{
    struct attest_request with = *request;
    with.seen = &seen;
    with.seen_count = 1;
    judge_bare_quote(scene, &with, vendor, pck);
}

static enum attest_reason judge_after(uint32_t tcb_off, uint32_t qe_off, uint8_t fmspc_flip,
                                      enum attest_tee tee)
{
    struct scene scene;
    set_scene(&scene, ATTEST_TEE_TDX);
    seen = (struct attest_seen){
        .tee = tee,
        .evaluation = {.tcb = scene.collateral.evaluation_number + tcb_off - 1,
                       .qe = scene.collateral.qe_evaluation_number + qe_off - 1}};
    memcpy(seen.fmspc, scene.platform.fmspc, sizeof seen.fmspc);
    seen.fmspc[5] ^= fmspc_flip;
    return judge_with(&scene, judge_seen);
}

/* ra-tls d.6 */
START_TEST(collateral_older_than_what_was_seen_is_refused_by_name)
{
    ck_assert_int_eq(judge_after(0, 0, 0, ATTEST_TEE_TDX), ATTEST_TRUSTED); /* newer */
    ck_assert_int_eq(judge_after(1, 1, 0, ATTEST_TEE_TDX), ATTEST_TRUSTED); /* the same */
    ck_assert_int_eq(judge_after(2, 1, 0, ATTEST_TEE_TDX), ATTEST_COLLATERAL_ROLLED_BACK);
    ck_assert_int_eq(judge_after(1, 2, 0, ATTEST_TEE_TDX), ATTEST_COLLATERAL_ROLLED_BACK);
    ck_assert_int_eq(judge_after(2, 2, 1, ATTEST_TEE_TDX), ATTEST_TRUSTED); /* another model */
    ck_assert_int_eq(judge_after(2, 2, 0, ATTEST_TEE_SGX), ATTEST_TRUSTED); /* another TEE */
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        documents_count_until_their_end_and_with_a_grace_until_the_end_of_that,
        certificates_have_no_grace,
        an_out_of_date_platform_is_accepted_until_its_grace_is_over,
        a_platforms_configuration_is_asked_for_flag_by_flag,
        a_certificate_that_says_nothing_of_its_configuration_does_not_say_no,
        an_sgx_type_is_one_of_the_listed,
        collateral_older_than_what_was_seen_is_refused_by_name,
        NULL};
    return checks_run("grace", tests);
}
