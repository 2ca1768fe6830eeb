/* What is asked for, and whether what came for it holds: the platform that evidence names, and a
 * document by itself. */
#include "verify_scene.h"

static struct attest_platform found;

static void name_platform(struct scene *scene, const struct attest_request *request,
                          const struct simulate_vendor *vendor, const struct simulate_identity *pck)
{
    struct simulate_bytes quote = simulate_quote(vendor, pck, &scene->quote);
    bool named = attest_platform_of_quote(request, bytes_of(&quote), &found, &scene->verdict);
    if (named)
        scene->verdict.reason = ATTEST_TRUSTED; /* which a platform's name alone never is */
    else
        ck_assert_int_ne(scene->verdict.reason, ATTEST_TRUSTED);
    simulate_bytes_fini(&quote);
}

static void judge_document(struct scene *scene, const struct attest_request *request,
                           const struct simulate_vendor *vendor,
                           const struct simulate_identity *pck)
{
    ck_assert_uint_eq(request->collateral_count, 1);
    bool holds = attest_collateral_holds(request->collateral[0], request, &found, &scene->verdict);
    if (holds)
        scene->verdict.reason = ATTEST_TRUSTED;
    else
        ck_assert_int_ne(scene->verdict.reason, ATTEST_TRUSTED);
}

static void expect_name(struct scene *scene, enum attest_reason reason)
{
    enum attest_reason got = judge_with(scene, name_platform);
    ck_assert_msg(got == reason, "%s, not %s: %s", attest_reason_word(got),
                  attest_reason_word(reason), scene->verdict.detail);
}

/* The platform is what the quote of a sound scene names. */
static void expect_document(struct scene *scene, enum attest_reason reason)
{
    struct scene sound;
    set_scene(&sound, scene->collateral.tee);
    expect_name(&sound, ATTEST_TRUSTED);
    enum attest_reason got = judge_with(scene, judge_document);
    ck_assert_msg(got == reason, "%s, not %s: %s", attest_reason_word(got),
                  attest_reason_word(reason), scene->verdict.detail);
}

START_TEST(a_quote_names_its_tee_its_fmspc_and_its_ca)
{
    static const enum attest_tee tees[] = {ATTEST_TEE_SGX, ATTEST_TEE_TDX};
    for (int i = 0; i < 4; ++i) {
        struct scene scene;
        set_scene(&scene, tees[i % 2]);
        scene.vendor.processor_ca = i / 2;
        scene.platform.fmspc[3] = (uint8_t)(0xa0 + i);
        expect_name(&scene, ATTEST_TRUSTED);
        ck_assert_int_eq(found.tee, tees[i % 2]);
        ck_assert_int_eq(found.processor_ca, i / 2);
        ck_assert_mem_eq(found.fmspc, scene.platform.fmspc, sizeof found.fmspc);
    }
}
END_TEST

START_TEST(a_chain_that_does_not_hold_names_no_platform)
{
    struct scene scene;
    set_scene(&scene, ATTEST_TEE_TDX);
    scene.foreign_roots = true;
    expect_name(&scene, ATTEST_ROOT_UNKNOWN);
    set_scene(&scene, ATTEST_TEE_TDX);
    scene.foreign_pck = true; /* another vendor's platform below this vendor's CA */
    expect_name(&scene, ATTEST_CHAIN_UNTRUSTED);
    set_scene(&scene, ATTEST_TEE_TDX);
    scene.now = scene.platform.not_after;
    expect_name(&scene, ATTEST_TRUSTED);
    ++scene.now;
    expect_name(&scene, ATTEST_CHAIN_EXPIRED);
    set_scene(&scene, ATTEST_TEE_TDX);
    scene.platform.without_sgx_extension = true;
    expect_name(&scene, ATTEST_PCK_MALFORMED);
    set_scene(&scene, ATTEST_TEE_TDX);
    scene.vendor.ca_is_no_ca = true;
    expect_name(&scene, ATTEST_CHAIN_UNTRUSTED);
}
END_TEST

START_TEST(revocation_is_not_asked_when_a_platform_is_named_but_refuses_its_evidence)
{
    struct scene scene;
    set_scene(&scene, ATTEST_TEE_TDX);
    scene.pck_revoked = true;
    expect_name(&scene, ATTEST_TRUSTED);
    ck_assert_int_eq(judge(&scene), ATTEST_REVOKED);
}
END_TEST

START_TEST(a_document_holds_for_its_platform_alone)
{
    struct scene scene;
    set_scene(&scene, ATTEST_TEE_TDX);
    expect_document(&scene, ATTEST_TRUSTED);
    ck_assert_int_eq(scene.verdict.expires, NOW + 29 * DAY);
    set_scene(&scene, ATTEST_TEE_TDX);
    scene.collateral.fmspc[5] ^= 1;
    expect_document(&scene, ATTEST_COLLATERAL_MISMATCH);
    set_scene(&scene, ATTEST_TEE_TDX);
    scene.vendor.processor_ca = true; /* so the list is of the other CA than the platform's */
    expect_document(&scene, ATTEST_COLLATERAL_MISMATCH);
    set_scene(&scene, ATTEST_TEE_TDX);
    expect_document(&scene, ATTEST_TRUSTED);
    found.tee = ATTEST_TEE_SGX;
    ck_assert_int_eq(judge_with(&scene, judge_document), ATTEST_COLLATERAL_MISMATCH);
}
END_TEST

START_TEST(a_document_holds_from_its_issue_to_its_next_update)
{
    static const struct {
        int64_t now;
        enum attest_reason reason;
    } times[] = {{NOW - DAY - 1, ATTEST_COLLATERAL_EARLY},
                 {NOW - DAY, ATTEST_TRUSTED},
                 {NOW + 29 * DAY, ATTEST_TRUSTED},
                 {NOW + 29 * DAY + 1, ATTEST_COLLATERAL_EXPIRED}};
    for (size_t i = 0; i < sizeof times / sizeof *times; ++i) {
        struct scene scene;
        set_scene(&scene, ATTEST_TEE_SGX);
        scene.vendor.now = NOW - 2 * DAY;
        scene.now = times[i].now;
        expect_document(&scene, times[i].reason);
    }
}
END_TEST

START_TEST(a_document_of_another_vendor_or_a_revoked_signer_does_not_hold)
{
    struct scene scene;
    set_scene(&scene, ATTEST_TEE_TDX);
    scene.foreign_roots = true;
    expect_document(&scene, ATTEST_ROOT_UNKNOWN);
    set_scene(&scene, ATTEST_TEE_TDX);
    scene.collateral.signer_revoked = true;
    expect_document(&scene, ATTEST_REVOKED);
    set_scene(&scene, ATTEST_TEE_TDX);
    scene.collateral.ca_revoked = true;
    expect_document(&scene, ATTEST_REVOKED);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_quote_names_its_tee_its_fmspc_and_its_ca,
        a_chain_that_does_not_hold_names_no_platform,
        revocation_is_not_asked_when_a_platform_is_named_but_refuses_its_evidence,
        a_document_holds_for_its_platform_alone,
        a_document_holds_from_its_issue_to_its_next_update,
        a_document_of_another_vendor_or_a_revoked_signer_does_not_hold,
        NULL};
    return checks_run("platform", tests);
}
