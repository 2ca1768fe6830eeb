/* The whole verifier on bare quotes of a simulated vendor's: every verdict that genuine evidence
 * cannot show, because nobody publishes a revoked platform or a forged root. */
#include "verify_scene.h"

static const enum attest_tee both_tees[] = {ATTEST_TEE_SGX, ATTEST_TEE_TDX};

/* One change, tried on both TEEs; sound evidence is trusted first, so that the change is the cause.
 */
static void expect_change(void (*change)(struct scene *), enum attest_reason reason)
{
    for (size_t i = 0; i < 2; ++i) {
        struct scene scene;
        set_scene(&scene, both_tees[i]);
        change(&scene);
        judge(&scene);
        ck_assert_msg(scene.verdict.reason == reason, "%s: %s (%s), not %s",
                      attest_tee_word(both_tees[i]), attest_reason_word(scene.verdict.reason),
                      scene.verdict.detail, attest_reason_word(reason));
    }
}

static void change_nothing(struct scene *scene)
{
}

START_TEST(a_sound_worker_is_trusted_until_the_first_end)
{
    expect_change(change_nothing, ATTEST_TRUSTED);
    struct scene scene;
    set_scene(&scene, ATTEST_TEE_TDX);
    judge(&scene);
    ck_assert_int_eq(scene.verdict.expires, NOW + 29 * DAY);
    ck_assert_str_eq(scene.verdict.tcb_status, "UpToDate");
}
END_TEST

static void trust_other_root(struct scene *scene)
{
    scene->foreign_roots = true;
}

static void take_foreign_collateral(struct scene *scene)
{
    scene->foreign_crl_vendor = true;
}

static void take_foreign_pck(struct scene *scene)
{
    scene->foreign_pck = true;
}

START_TEST(a_root_with_the_right_name_and_another_key_is_unknown)
{
    expect_change(trust_other_root, ATTEST_ROOT_UNKNOWN);
    expect_change(take_foreign_collateral, ATTEST_ROOT_UNKNOWN);
    /* The platform's certificate is signed by a stranger of the CA's name. */
    expect_change(take_foreign_pck, ATTEST_CHAIN_UNTRUSTED);
}
END_TEST

static void revoke_pck(struct scene *scene)
{
    scene->pck_revoked = true;
}

static void revoke_ca(struct scene *scene)
{
    scene->collateral.ca_revoked = true;
}

static void revoke_signer(struct scene *scene)
{
    scene->collateral.signer_revoked = true;
}

START_TEST(what_is_revoked_is_refused_at_every_place_of_the_chains)
{
    expect_change(revoke_pck, ATTEST_REVOKED);
    expect_change(revoke_ca, ATTEST_REVOKED);
    expect_change(revoke_signer, ATTEST_REVOKED);
}
END_TEST

static void end_signer(struct scene *scene)
{
    scene->vendor.signer_not_after = NOW - 1;
}

static void end_ca(struct scene *scene)
{
    scene->vendor.ca_not_after = NOW - 1;
}

static void end_pck(struct scene *scene)
{
    scene->platform.not_after = NOW - 1;
}

static void begin_pck_later(struct scene *scene)
{
    scene->platform.not_before = NOW + 1;
}

static void end_pck_now(struct scene *scene)
{
    scene->platform.not_after = NOW;
}

static void begin_pck_now(struct scene *scene)
{
    scene->platform.not_before = NOW;
}

START_TEST(every_vendors_certificate_is_held_to_both_its_dates)
{
    expect_change(end_signer, ATTEST_CHAIN_EXPIRED);
    expect_change(end_ca, ATTEST_CHAIN_EXPIRED);
    expect_change(end_pck, ATTEST_CHAIN_EXPIRED);
    expect_change(begin_pck_later, ATTEST_CHAIN_EXPIRED);
    expect_change(end_pck_now, ATTEST_TRUSTED);
    expect_change(begin_pck_now, ATTEST_TRUSTED);
}
END_TEST

static void make_ca_none(struct scene *scene)
{
    scene->vendor.ca_is_no_ca = true;
}

static void leave_extension_out(struct scene *scene)
{
    scene->platform.without_sgx_extension = true;
}

static void double_extension(struct scene *scene)
{
    scene->platform.sgx_extension_twice = true;
}

static void use_processor_ca(struct scene *scene)
{
    scene->vendor.processor_ca = true;
}

START_TEST(chains_have_the_shape_intel_gives_them)
{
    expect_change(make_ca_none, ATTEST_CHAIN_UNTRUSTED);
    expect_change(leave_extension_out, ATTEST_PCK_MALFORMED);
    expect_change(double_extension, ATTEST_PCK_MALFORMED);
    expect_change(use_processor_ca, ATTEST_TRUSTED);
}
END_TEST

static void change_fmspc(struct scene *scene)
{
    scene->platform.fmspc[5] ^= 1;
}

static void change_pceid(struct scene *scene)
{
    scene->platform.pceid[1] ^= 1;
}

START_TEST(collateral_is_of_the_very_platform)
{
    expect_change(change_fmspc, ATTEST_COLLATERAL_MISSING);
    expect_change(change_pceid, ATTEST_COLLATERAL_MISMATCH);
}
END_TEST

static void end_collateral(struct scene *scene)
{
    scene->now = NOW + 29 * DAY + 1;
}

static void end_collateral_now(struct scene *scene)
{
    scene->now = NOW + 29 * DAY;
}

static void begin_collateral_later(struct scene *scene)
{
    scene->now = NOW - DAY - 1;
}

static void begin_collateral_now(struct scene *scene)
{
    scene->now = NOW - DAY;
}

START_TEST(collateral_is_held_to_both_its_dates)
{
    expect_change(end_collateral, ATTEST_COLLATERAL_EXPIRED);
    expect_change(end_collateral_now, ATTEST_TRUSTED);
    expect_change(begin_collateral_later, ATTEST_COLLATERAL_EARLY);
    expect_change(begin_collateral_now, ATTEST_TRUSTED);
}
END_TEST

static void break_quote_signature(struct scene *scene)
{
    scene->quote.damage = SIMULATE_BAD_QUOTE_SIGNATURE;
}

static void break_qe_signature(struct scene *scene)
{
    scene->quote.damage = SIMULATE_BAD_QE_SIGNATURE;
}

static void unbind_key(struct scene *scene)
{
    scene->quote.damage = SIMULATE_UNBOUND_ATTESTATION_KEY;
}

START_TEST(each_signature_of_a_quote_is_checked)
{
    expect_change(break_quote_signature, ATTEST_QUOTE_SIGNATURE);
    expect_change(break_qe_signature, ATTEST_QE_SIGNATURE);
    expect_change(unbind_key, ATTEST_QE_BINDING);
}
END_TEST

static void change_qe_signer(struct scene *scene)
{
    scene->quote.qe.mrsigner[0] ^= 1;
}

static void change_qe_product(struct scene *scene)
{
    scene->quote.qe.isvprodid += 1;
}

static void debug_qe(struct scene *scene)
{
    scene->quote.qe.attributes |= 2;
}

/* REPORTDATA of the QE report: its second half must be zero (ra-tls a.3). */
static void fill_qe_tail(struct scene *scene)
{
    scene->quote.qe_patch = (struct simulate_patch){.offset = 383, .flip = 1};
}

START_TEST(an_enclave_of_a_strangers_cannot_quote_on_a_genuine_platform)
{
    expect_change(change_qe_signer, ATTEST_QE_IDENTITY);
    expect_change(change_qe_product, ATTEST_QE_IDENTITY);
    expect_change(debug_qe, ATTEST_QE_IDENTITY);
    expect_change(fill_qe_tail, ATTEST_QE_BINDING);
}
END_TEST

static void age_qe(struct scene *scene)
{
    scene->quote.qe.isvsvn = 0;
    for (size_t i = 0; i < scene->collateral.qe_count; ++i)
        if (scene->collateral.qe[i].svn == 0)
            scene->collateral.qe[i].svn = 1;
}

static void age_platform(struct scene *scene)
{
    memset(scene->platform.components, 0, sizeof scene->platform.components);
    for (size_t i = 0; i < scene->collateral.platform_count; ++i)
        scene->collateral.platform[i].sgx[0] = 1;
}

START_TEST(below_every_level_nothing_is_trusted)
{
    expect_change(age_qe, ATTEST_TCB_UNMATCHED);
    expect_change(age_platform, ATTEST_TCB_UNMATCHED);
}
END_TEST

static void set_debug(struct scene *scene)
{
    simulate_quote_set_debug(&scene->quote);
}

static void set_unlisted(struct scene *scene)
{
    simulate_quote_set_unlisted(&scene->quote);
}

static void set_empty_policy(struct scene *scene)
{
    scene->policy = "{}";
}

START_TEST(the_policy_has_the_last_word)
{
    expect_change(set_debug, ATTEST_DEBUG);
    expect_change(set_unlisted, ATTEST_MEASUREMENT_NOT_LISTED);
    expect_change(set_empty_policy, ATTEST_MEASUREMENT_NOT_LISTED);
}
END_TEST

START_TEST(a_relaunch_is_advised_to_a_td_under_an_updated_module)
{
    struct scene scene;
    set_scene(&scene, ATTEST_TEE_TDX);
    scene.quote.version = 5;
    scene.quote.td_1_5 = true;
    memcpy(scene.quote.tdx.tee_tcb_svn_2, scene.quote.tdx.tee_tcb_svn, 16);
    ck_assert_int_eq(judge(&scene), ATTEST_TRUSTED);
    scene.quote.tdx.tee_tcb_svn[0] = (uint8_t)scene.collateral.module[1].svn;
    ck_assert_int_eq(judge(&scene), ATTEST_TCB_NOT_ACCEPTED);
    ck_assert_str_eq(scene.verdict.tcb_status, "TDRelaunchAdvised");
}
END_TEST

START_TEST(collateral_with_the_other_enclaves_identity_is_refused)
{
    struct simulate_vendor vendor;
    struct simulate_vendor_options sound = {.now = NOW};
    simulate_vendor_init(&vendor, &sound);
    struct scene scene;
    set_scene(&scene, ATTEST_TEE_SGX);
    struct simulate_identity pck = simulate_pck(&vendor, &scene.platform);
    scene.collateral.qe_identity =
        "{\"id\":\"TD_QE\",\"version\":2,\"issueDate\":\"2025-06-14T00:00:00Z\","
        "\"nextUpdate\":\"2025-07-14T00:00:00Z\",\"tcbEvaluationDataNumber\":1,"
        "\"miscselect\":\"00000000\",\"miscselectMask\":\"FFFFFFFF\","
        "\"attributes\":\"11000000000000000000000000000000\","
        "\"attributesMask\":\"FBFFFFFFFFFFFFFF0000000000000000\",\"mrsigner\":"
        "\"0000000000000000000000000000000000000000000000000000000000000000\",\"isvprodid\":1,"
        "\"tcbLevels\":[{\"tcb\":{\"isvsvn\":1},\"tcbDate\":\"2024-01-01T00:00:00Z\","
        "\"tcbStatus\":\"UpToDate\"}]}";
    ck_assert_ptr_null(collateral_of(&scene, &vendor, &pck));
    simulate_identity_fini(&pck);
    simulate_vendor_fini(&vendor);
}
END_TEST

/* Adds a document issued an hour later, in which good platforms are out of date. */
static void judge_with_two_documents(struct scene *scene, const struct attest_request *request,
                                     const struct simulate_vendor *vendor,
                                     const struct simulate_identity *pck)
{
    struct scene later = *scene;
    later.collateral.issued += 3600;
    later.collateral.platform[0].status = "OutOfDate";
    struct attest_collateral *newer = collateral_of(&later, vendor, pck);
    const struct attest_collateral *orders[2][2] = {{request->collateral[0], newer},
                                                    {newer, request->collateral[0]}};
    for (size_t i = 0; i < 2; ++i) {
        struct attest_request both = *request;
        both.collateral = orders[i];
        both.collateral_count = 2;
        judge_bare_quote(scene, &both, vendor, pck);
        ck_assert_int_eq(scene->verdict.reason, ATTEST_TCB_NOT_ACCEPTED);
        ck_assert_str_eq(scene->verdict.tcb_status, "OutOfDate");
    }
    attest_collateral_free(newer);
}

START_TEST(the_newest_document_counts_in_whatever_order_they_come)
{
    struct scene scene;
    set_scene(&scene, ATTEST_TEE_TDX);
    ck_assert_int_eq(judge(&scene), ATTEST_TRUSTED);
    ck_assert_int_eq(judge_with(&scene, judge_with_two_documents), ATTEST_TCB_NOT_ACCEPTED);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_sound_worker_is_trusted_until_the_first_end,
                                  a_root_with_the_right_name_and_another_key_is_unknown,
                                  what_is_revoked_is_refused_at_every_place_of_the_chains,
                                  every_vendors_certificate_is_held_to_both_its_dates,
                                  chains_have_the_shape_intel_gives_them,
                                  collateral_is_of_the_very_platform,
                                  collateral_is_held_to_both_its_dates,
                                  each_signature_of_a_quote_is_checked,
                                  an_enclave_of_a_strangers_cannot_quote_on_a_genuine_platform,
                                  below_every_level_nothing_is_trusted,
                                  the_policy_has_the_last_word,
                                  a_relaunch_is_advised_to_a_td_under_an_updated_module,
                                  collateral_with_the_other_enclaves_identity_is_refused,
                                  the_newest_document_counts_in_whatever_order_they_come,
                                  NULL};
    return checks_run("verify", tests);
}
