/* SEV-SNP reports in certificates: interoperable RA-TLS and dstack, by every product and key. */
#include "amd_scene.h"

static const enum simulate_convention conventions[] = {SIMULATE_DICE, SIMULATE_DSTACK8,
                                                       SIMULATE_DSTACK8_V0};
enum { CONVENTIONS = sizeof conventions / sizeof *conventions };

START_TEST(every_product_key_and_convention_is_trusted_with_its_document)
{
    struct amd_scene scene;
    for (int product = 0; product < SIMULATE_PRODUCTS; ++product)
        for (int vlek = 0; vlek < 2; ++vlek)
            for (size_t i = 0; i < CONVENTIONS; ++i) {
                amd_scene_set(&scene, product, vlek == 1);
                scene.convention = conventions[i];
                amd_expect(&scene, ATTEST_TRUSTED);
                ck_assert_int_eq(scene.verdict.tee, ATTEST_TEE_SNP);
                ck_assert_int_eq(scene.verdict.expires, scene.documents[0].list.next_update);
            }
}
END_TEST

START_TEST(versions_2_to_5_are_trusted_and_others_are_not)
{
    struct amd_scene scene;
    for (uint32_t version = 0; version < 8; ++version) {
        amd_scene_set(&scene, SIMULATE_GENOA, false);
        scene.report.version = version;
        amd_expect(&scene,
                   version >= 2 && version <= 5 ? ATTEST_TRUSTED : ATTEST_REPORT_UNSUPPORTED);
    }
}
END_TEST

START_TEST(what_an_envelope_brings_is_used_and_its_list_comes_from_a_document)
{
    static const enum simulate_certs certs[] = {SIMULATE_CERTS_DER, SIMULATE_CERTS_PEM,
                                                SIMULATE_CERTS_TABLE};
    struct amd_scene scene;
    for (size_t i = 0; i < sizeof certs / sizeof *certs; ++i)
        for (int vlek = 0; vlek < 2; ++vlek)
            for (int v0 = 0; v0 < 2; ++v0) {
                amd_scene_set(&scene, SIMULATE_MILAN, vlek == 1);
                scene.convention = v0 == 1 ? SIMULATE_DSTACK8_V0 : SIMULATE_DSTACK8;
                scene.certs = certs[i];
                scene.documents[0].with_leaf = false;
                amd_expect(&scene, ATTEST_TRUSTED);
                scene.documents[0].is_there = false;
                amd_expect(&scene, certs[i] == SIMULATE_CERTS_TABLE ? ATTEST_CRL_MISSING
                                                                    : ATTEST_COLLATERAL_MISSING);
            }
}
END_TEST

START_TEST(what_an_envelope_brings_of_another_root_is_refused)
{
    struct amd_scene scene;
    amd_scene_set(&scene, SIMULATE_MILAN, false);
    scene.convention = SIMULATE_DSTACK8;
    scene.certs = SIMULATE_CERTS_TABLE;
    scene.bring_other_vendor = true;
    scene.documents[0].with_leaf = false;
    amd_expect(&scene, ATTEST_ROOT_UNKNOWN);
    scene.certs = SIMULATE_CERTS_DER; /* its ASK under the genuine ARK of the document */
    amd_expect(&scene, ATTEST_CHAIN_UNTRUSTED);
    scene.documents[0].other_vendor = true; /* both wrong together */
    amd_expect(&scene, ATTEST_ROOT_UNKNOWN);
}
END_TEST

START_TEST(a_document_of_another_root_is_refused)
{
    struct amd_scene scene;
    amd_scene_set(&scene, SIMULATE_MILAN, false);
    scene.documents[0].other_vendor = true;
    amd_expect(&scene, ATTEST_ROOT_UNKNOWN);
}
END_TEST

START_TEST(a_key_that_the_report_does_not_name_is_refused_by_every_convention)
{
    struct amd_scene scene;
    for (size_t i = 0; i < CONVENTIONS; ++i) {
        amd_scene_set(&scene, SIMULATE_MILAN, false);
        scene.convention = conventions[i];
        scene.bind_other_key = true;
        amd_expect(&scene, ATTEST_KEY_NOT_BOUND);
    }
}
END_TEST

START_TEST(one_bit_of_report_data_is_enough_to_bind_no_key)
{
    struct amd_scene scene;
    for (size_t i = 0; i < CONVENTIONS; ++i) {
        amd_scene_set(&scene, SIMULATE_MILAN, false);
        scene.convention = conventions[i];
        scene.flip_report_data = 1;
        amd_expect(&scene, ATTEST_KEY_NOT_BOUND);
        scene.flip_report_data = 0;
        scene.flip_signed = 0x50 + 63; /* the last byte, after the signature */
        amd_expect(&scene, ATTEST_KEY_NOT_BOUND);
    }
}
END_TEST

START_TEST(a_report_that_its_chip_did_not_sign_is_refused)
{
    struct amd_scene scene;
    static const size_t places[] = {0x04, 0x10, 0x90, 0xbf, 0x2a0, 0x2e8};
    for (size_t i = 0; i < sizeof places / sizeof *places; ++i) {
        amd_scene_set(&scene, SIMULATE_TURIN, false);
        scene.flip_signed = places[i];
        amd_expect(&scene, ATTEST_REPORT_SIGNATURE);
    }
    amd_scene_set(&scene, SIMULATE_TURIN, false);
    scene.flip_signed = 0x330; /* behind the signature, which nothing signs */
    amd_expect(&scene, ATTEST_REPORT_MALFORMED);
}
END_TEST

START_TEST(a_key_issued_by_what_issues_the_other_kind_is_refused)
{
    struct amd_scene scene;
    for (int vlek = 0; vlek < 2; ++vlek) {
        amd_scene_set(&scene, SIMULATE_GENOA, vlek == 1);
        scene.chip.under_other = true;
        amd_expect(&scene, ATTEST_CHAIN_UNTRUSTED);
        scene.convention = SIMULATE_DSTACK8;
        scene.certs = SIMULATE_CERTS_TABLE; /* its issuer comes with it */
        amd_expect(&scene, ATTEST_CHAIN_UNTRUSTED);
    }
}
END_TEST

START_TEST(a_report_that_names_the_other_kind_of_key_is_refused)
{
    struct amd_scene scene;
    amd_scene_set(&scene, SIMULATE_MILAN, false);
    scene.convention = SIMULATE_DSTACK8;
    scene.certs = SIMULATE_CERTS_TABLE;
    scene.documents[0].is_there = false;
    scene.report.vlek = true;
    amd_expect(&scene, ATTEST_LEAF_MISMATCH);
    amd_scene_set(&scene, SIMULATE_MILAN, true);
    scene.convention = SIMULATE_DSTACK8;
    scene.certs = SIMULATE_CERTS_TABLE;
    scene.documents[0].is_there = false;
    scene.report.vlek = false;
    amd_expect(&scene, ATTEST_LEAF_MISMATCH);
}
END_TEST

START_TEST(a_processor_of_another_product_than_its_certificate_is_refused)
{
    struct amd_scene scene;
    static const uint8_t genoa[3] = {0x19, 0x11, 1}, unknown[3] = {0x1a, 0x50, 1};
    amd_scene_set(&scene, SIMULATE_MILAN, false);
    memcpy(scene.report.cpuid, genoa, sizeof genoa);
    amd_expect(&scene, ATTEST_COLLATERAL_MISSING); /* no document of Genoa is there */
    scene.convention = SIMULATE_DSTACK8;
    scene.certs = SIMULATE_CERTS_TABLE;
    amd_expect(&scene, ATTEST_LEAF_MISMATCH);
    memcpy(scene.report.cpuid, unknown, sizeof unknown);
    amd_expect(&scene, ATTEST_REPORT_UNSUPPORTED);
}
END_TEST

START_TEST(another_chip_or_another_tcb_is_refused)
{
    struct amd_scene scene;
    amd_scene_set(&scene, SIMULATE_MILAN, false);
    scene.report.chip_id[63] ^= 1;
    amd_expect(&scene, ATTEST_COLLATERAL_MISSING);
    scene.convention = SIMULATE_DSTACK8;
    scene.certs = SIMULATE_CERTS_DER;
    amd_expect(&scene, ATTEST_LEAF_MISMATCH);
    amd_scene_set(&scene, SIMULATE_MILAN, false);
    scene.report.reported.microcode -= 1;
    amd_expect(&scene, ATTEST_COLLATERAL_MISSING);
    scene.convention = SIMULATE_DSTACK8;
    scene.certs = SIMULATE_CERTS_DER;
    amd_expect(&scene, ATTEST_LEAF_MISMATCH);
}
END_TEST

START_TEST(tcb_versions_out_of_order_are_refused)
{
    struct amd_scene scene;
    amd_scene_set(&scene, SIMULATE_TURIN, false);
    scene.report.committed.fmc -= 1;
    amd_expect(&scene, ATTEST_TCB_ORDER); /* reported above committed */
    amd_scene_set(&scene, SIMULATE_TURIN, false);
    scene.report.current.snp -= 1;
    amd_expect(&scene, ATTEST_TCB_ORDER); /* committed above current */
    amd_scene_set(&scene, SIMULATE_TURIN, false);
    scene.report.launch.microcode += 1;
    amd_expect(&scene, ATTEST_TCB_ORDER); /* launch above current */
    amd_scene_set(&scene, SIMULATE_TURIN, false);
    scene.report.current.snp += 1;
    amd_expect(&scene, ATTEST_TRUSTED);
}
END_TEST

START_TEST(what_the_policy_does_not_accept_is_refused_for_its_own_reason)
{
    struct amd_scene scene;
    amd_scene_set(&scene, SIMULATE_MILAN, false);
    scene.report.policy |= UINT64_C(1) << 19;
    amd_expect(&scene, ATTEST_DEBUG);
    amd_scene_set(&scene, SIMULATE_MILAN, false);
    scene.report.policy |= UINT64_C(1) << 18;
    amd_expect(&scene, ATTEST_MIGRATION);
    amd_scene_set(&scene, SIMULATE_MILAN, false);
    scene.report.chip_masked = true;
    amd_expect(&scene, ATTEST_CHIP_MASKED);
    amd_scene_set(&scene, SIMULATE_MILAN, false);
    scene.report.platform_info &= ~UINT64_C(0x20);
    amd_expect(&scene, ATTEST_ALIAS_CHECK);
    amd_scene_set(&scene, SIMULATE_MILAN, false);
    scene.report.measurement[0] ^= 1;
    amd_expect(&scene, ATTEST_MEASUREMENT_NOT_LISTED);
    amd_scene_set(&scene, SIMULATE_MILAN, false);
    scene.report.vmpl = 1;
    amd_expect(&scene, ATTEST_ATTRIBUTES);
    amd_scene_set(&scene, SIMULATE_MILAN, false);
    scene.chip.tcb.snp = scene.report.reported.snp = 23; /* AMD-SB-3019 */
    amd_expect(&scene, ATTEST_TCB_TOO_OLD);
}
END_TEST

START_TEST(the_revoked_issuer_of_a_kind_refuses_its_keys_and_no_others)
{
    struct amd_scene scene;
    for (int vlek = 0; vlek < 2; ++vlek)
        for (int asvk = 0; asvk < 2; ++asvk) {
            amd_scene_set(&scene, SIMULATE_GENOA, vlek == 1);
            scene.documents[0].list.ask_revoked = asvk == 0;
            scene.documents[0].list.asvk_revoked = asvk == 1;
            amd_expect(&scene, vlek == asvk ? ATTEST_REVOKED : ATTEST_TRUSTED);
        }
}
END_TEST

START_TEST(the_newest_list_counts_whichever_document_has_it)
{
    struct amd_scene scene;
    amd_scene_set(&scene, SIMULATE_MILAN, false);
    scene.documents[1] = (struct amd_document){
        .is_there = true, .list = {NOW - 10, NOW + 9 * DAY, .ask_revoked = true}};
    amd_expect(&scene, ATTEST_REVOKED);
    scene.documents[1].list.this_update = NOW - 2 * DAY; /* older than that of the leaf */
    amd_expect(&scene, ATTEST_TRUSTED);
    scene.documents[0].list.next_update = NOW - 1; /* an ended list, and a newer one beside it */
    scene.documents[1].list = (struct simulate_list_options){NOW - 10, NOW + 9 * DAY, false, false};
    amd_expect(&scene, ATTEST_TRUSTED);
    ck_assert_int_eq(scene.verdict.expires, NOW + 9 * DAY);
    scene.documents[1].other_vendor = true; /* a newer list that nobody pinned */
    amd_expect(&scene, ATTEST_CRL_UNTRUSTED);
}
END_TEST

START_TEST(a_list_older_than_one_seen_of_its_product_and_kind_is_refused)
{
    struct amd_scene scene;
    amd_scene_set(&scene, SIMULATE_MILAN, false);
    scene.seen = (struct attest_seen){
        .tee = ATTEST_TEE_SNP, .product = "Milan", .evaluation = {.tcb = NOW - DAY}};
    amd_expect(&scene, ATTEST_TRUSTED);
    scene.seen.evaluation.tcb = NOW - DAY + 1;
    amd_expect(&scene, ATTEST_COLLATERAL_ROLLED_BACK);
    scene.seen.vlek = true;
    amd_expect(&scene, ATTEST_TRUSTED);
    scene.seen.vlek = false;
    memcpy(scene.seen.product, "Genoa", 6);
    amd_expect(&scene, ATTEST_TRUSTED);
}
END_TEST

START_TEST(without_a_list_the_policy_decides)
{
    struct amd_scene scene;
    amd_scene_set(&scene, SIMULATE_MILAN, false);
    scene.documents[0].no_list = true;
    amd_expect(&scene, ATTEST_CRL_MISSING);
    scene.policy =
        "{\"accept\":[{\"tee\":\"snp\",\"any_code\":true}],\"snp\":{\"crl\":\"optional\"}}";
    amd_expect(&scene, ATTEST_TRUSTED);
}
END_TEST

/* Trusted from `first` to `last`, refused for these reasons a second outside. */
static void check_edges(struct amd_scene *scene, int64_t first, enum attest_reason early,
                        int64_t last, enum attest_reason late)
{
    const struct {
        int64_t at;
        enum attest_reason reason;
    } edges[] = {{first - 1, early},         {first, ATTEST_TRUSTED}, {first + 1, ATTEST_TRUSTED},
                 {last - 1, ATTEST_TRUSTED}, {last, ATTEST_TRUSTED},  {last + 1, late}};
    for (size_t i = 0; i < sizeof edges / sizeof *edges; ++i) {
        scene->now = edges[i].at;
        amd_expect(scene, edges[i].reason);
    }
}

START_TEST(a_second_outside_the_dates_of_list_leaf_or_issuer_is_refused)
{
    struct amd_scene scene;
    for (int vlek = 0; vlek < 2; ++vlek) {
        amd_scene_set(&scene, SIMULATE_MILAN, vlek == 1);
        check_edges(&scene, NOW - DAY, ATTEST_COLLATERAL_EARLY, NOW + 29 * DAY,
                    ATTEST_COLLATERAL_EXPIRED);
        amd_scene_set(&scene, SIMULATE_MILAN, vlek == 1);
        scene.chip.not_before = NOW - 100;
        scene.chip.not_after = NOW + 100;
        check_edges(&scene, NOW - 100, ATTEST_CHAIN_EXPIRED, NOW + 100, ATTEST_CHAIN_EXPIRED);
        amd_scene_set(&scene, SIMULATE_MILAN, vlek == 1);
        scene.documents[0].list.next_update = NOW + 800 * DAY;
        check_edges(&scene, NOW - DAY, ATTEST_COLLATERAL_EARLY, ASK_END, ATTEST_CHAIN_EXPIRED);
    }
}
END_TEST

START_TEST(dstacks_configuration_must_be_the_host_datas_and_names_the_app)
{
    struct amd_scene scene;
    for (size_t i = 1; i < CONVENTIONS; ++i) {
        amd_scene_set(&scene, SIMULATE_MILAN, false);
        scene.convention = conventions[i];
        scene.policy = "{\"accept\":[{\"tee\":\"snp\",\"any_code\":true,\"app_id\":"
                       "[\"a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1\"]}]}";
        amd_expect(&scene, ATTEST_TRUSTED);
        scene.policy = "{\"accept\":[{\"tee\":\"snp\",\"any_code\":true,\"app_id\":"
                       "[\"b1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1\"]}]}";
        amd_expect(&scene, ATTEST_MEASUREMENT_NOT_LISTED);
        scene.flip_host_data = 1;
        amd_expect(&scene, ATTEST_EVIDENCE_DISAGREES);
    }
}
END_TEST

START_TEST(the_machine_is_its_chip_whoever_signs_for_it)
{
    struct amd_scene scene;
    uint8_t own[32];
    amd_scene_set(&scene, SIMULATE_MILAN, false);
    amd_expect(&scene, ATTEST_TRUSTED);
    ck_assert(scene.verdict.has_instance);
    memcpy(own, scene.verdict.instance_sha256, sizeof own);
    amd_scene_set(&scene, SIMULATE_MILAN, true);
    amd_expect(&scene, ATTEST_TRUSTED);
    ck_assert_mem_eq(scene.verdict.instance_sha256, own, sizeof own);
    amd_scene_set(&scene, SIMULATE_MILAN, false);
    scene.chip = simulate_chip_default(SIMULATE_MILAN, "another", NOW);
    scene.report = simulate_report_default(&scene.chip);
    amd_expect(&scene, ATTEST_TRUSTED);
    ck_assert_mem_ne(scene.verdict.instance_sha256, own, sizeof own);
    scene.report.chip_masked = true;
    amd_expect(&scene, ATTEST_CHIP_MASKED);
    ck_assert(!scene.verdict.has_instance);
}
END_TEST

START_TEST(the_explanation_names_each_check_of_a_report)
{
    struct amd_scene scene;
    amd_scene_set(&scene, SIMULATE_MILAN, false);
    amd_expect(&scene, ATTEST_TRUSTED);
    for (int i = 0; i < ATTEST_CHECK_COUNT; ++i)
        ck_assert_msg(scene.explanation.checks[i].result == ATTEST_CHECK_PASSED ||
                          scene.explanation.checks[i].result == ATTEST_CHECK_NOT_APPLICABLE,
                      "%s", attest_check_word(i));
    ck_assert_str_eq(scene.explanation.checks[ATTEST_CHECK_QUOTE].detail,
                     "snp report, version 3, signed by a VCEK");
    ck_assert_int_eq(scene.explanation.checks[ATTEST_CHECK_QE_REPORT].result,
                     ATTEST_CHECK_NOT_APPLICABLE);
    scene.flip_signed = 0x90;
    amd_expect(&scene, ATTEST_REPORT_SIGNATURE);
    ck_assert_int_eq(scene.explanation.checks[ATTEST_CHECK_QUOTE_SIGNATURE].result,
                     ATTEST_CHECK_FAILED);
    ck_assert_int_eq(scene.explanation.checks[ATTEST_CHECK_POLICY].result,
                     ATTEST_CHECK_NOT_REACHED);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        every_product_key_and_convention_is_trusted_with_its_document,
        versions_2_to_5_are_trusted_and_others_are_not,
        what_an_envelope_brings_is_used_and_its_list_comes_from_a_document,
        what_an_envelope_brings_of_another_root_is_refused,
        a_document_of_another_root_is_refused,
        a_key_that_the_report_does_not_name_is_refused_by_every_convention,
        one_bit_of_report_data_is_enough_to_bind_no_key,
        a_report_that_its_chip_did_not_sign_is_refused,
        a_key_issued_by_what_issues_the_other_kind_is_refused,
        a_report_that_names_the_other_kind_of_key_is_refused,
        a_processor_of_another_product_than_its_certificate_is_refused,
        another_chip_or_another_tcb_is_refused,
        tcb_versions_out_of_order_are_refused,
        what_the_policy_does_not_accept_is_refused_for_its_own_reason,
        the_revoked_issuer_of_a_kind_refuses_its_keys_and_no_others,
        the_newest_list_counts_whichever_document_has_it,
        a_list_older_than_one_seen_of_its_product_and_kind_is_refused,
        without_a_list_the_policy_decides,
        a_second_outside_the_dates_of_list_leaf_or_issuer_is_refused,
        dstacks_configuration_must_be_the_host_datas_and_names_the_app,
        the_machine_is_its_chip_whoever_signs_for_it,
        the_explanation_names_each_check_of_a_report,
        NULL};
    amd_vendors_init();
    int status = checks_run("snp_certificate", tests);
    amd_vendors_fini();
    return status;
}
