/* Flaws of other verifiers of SEV-SNP reports, each by the number of docs/known-flaws.md, under an
 * AMD made up in memory. */
#include "snp_scene.h"

static struct snp_scene fresh(void)
{
    struct snp_scene scene;
    snp_scene_set(&scene);
    return scene;
}

/* TEE-Attestation-Verification #141: 368 bytes behind the signature are not signed, and carried
 * whatever one liked. */
START_TEST(flaw_05_a_byte_behind_the_signature_is_refused)
{
    for (size_t at = 0x330; at < SNP_REPORT_BYTES; ++at) {
        struct snp_scene scene = fresh();
        struct quote quote;
        struct snp_report report;
        struct attest_verdict verdict;
        struct attest_bytes bytes = {.ptr = scene.report, .len = SNP_REPORT_BYTES};
        scene.report[at] = (uint8_t)(1u << at % 8);
        ck_assert(!av_snp_report_parse(bytes, false, &quote, &report, &verdict));
        if (at % 61 == 0)
            snp_expect(&scene, ATTEST_REPORT_MALFORMED);
    }
}
END_TEST

/* The same project, #142, #146 and #147: the kind of key was not compared with the certificate,
 * HWID could be missing, any version passed, and extensions in any encoding. */
START_TEST(flaw_06_kind_of_key_chain_version_and_encodings_are_held_to)
{
    struct snp_scene scene;
    for (unsigned kind = 1; kind < 8; ++kind) {
        scene = fresh();
        scene.report[0x48] = (uint8_t)(kind << 2);
        snp_expect(&scene, kind == 1 ? ATTEST_LEAF_MISMATCH : ATTEST_REPORT_UNSUPPORTED);
    }
    snp_scene_set_vlek(&scene);
    snp_expect(&scene, ATTEST_TRUSTED);
    scene.report[0x48] = 0;
    snp_expect(&scene, ATTEST_LEAF_MISMATCH); /* says VCEK, the certificate is a VLEK */
    snp_scene_set_vlek(&scene);
    scene.ica_name = "SEV-Milan";
    snp_expect(&scene, ATTEST_CHAIN_UNTRUSTED);
    scene = fresh();
    scene.ica_name = "SEV-VLEK-Milan";
    snp_expect(&scene, ATTEST_CHAIN_UNTRUSTED);
    scene = fresh();
    snp_drop_extension(&scene, AMD_ARC "4");
    snp_expect(&scene, ATTEST_LEAF_MALFORMED);
    for (unsigned version = 0; version < 256; version += version < 8 ? 1 : 31) {
        scene = fresh();
        scene.report[0] = (uint8_t)version;
        if (version == 2)
            memset(scene.report + 0x188, 0, 3);
        snp_expect(&scene,
                   version >= 2 && version <= 5 ? ATTEST_TRUSTED : ATTEST_REPORT_UNSUPPORTED);
    }
    static const struct {
        const char *bytes;
        size_t len;
    } encodings[] = {{"\x02\x02\x00\x18", 4}, {"\x02\x01\x18\x00", 4}, {"\x03\x02\x00\x18", 4},
                     {"\x02\x02\x18", 3},     {"\x02\x00", 2},         {"\x04\x01\x18", 3}};
    for (size_t i = 0; i < sizeof encodings / sizeof *encodings; ++i) {
        scene = fresh();
        struct snp_extension *firmware = snp_extension(&scene, AMD_ARC "3.3");
        memcpy(firmware->bytes, encodings[i].bytes, encodings[i].len);
        firmware->len = encodings[i].len;
        snp_expect(&scene, ATTEST_LEAF_MALFORMED);
    }
    scene = fresh();
    struct snp_extension *hwid = snp_extension(&scene, AMD_ARC "4");
    memmove(hwid->bytes + 2, hwid->bytes, 64);
    memcpy(hwid->bytes, "\x04\x40", 2);
    hwid->len = 66;
    snp_expect(&scene, ATTEST_LEAF_MALFORMED);
}
END_TEST

/* The same project, PR #152: the ARK that KDS served was trusted. */
START_TEST(flaw_07_a_root_with_amds_names_and_another_key_is_no_root)
{
    struct snp_scene scene = fresh();
    scene.ark_key = keys.other_ark;
    snp_expect(&scene, ATTEST_ROOT_UNKNOWN);
}
END_TEST

/* CCF #6812, AMD-SB-3019 (microcode signatures) and AMD-SB-3015 (BadRAM). */
START_TEST(flaw_08_firmware_with_known_holes_and_unchecked_memory_are_refused)
{
    struct snp_scene scene = fresh();
    snp_put_tcb(&scene, "\x04\x00\x00\x00\x00\x00\x17\xdb");
    snp_extension(&scene, AMD_ARC "3.3")->bytes[2] = 0x17;
    snp_expect(&scene, ATTEST_TCB_TOO_OLD);
    snp_scene_set_genoa(&scene);
    snp_put_tcb(&scene, "\x04\x00\x00\x00\x00\x00\x16\xdb");
    snp_extension(&scene, AMD_ARC "3.3")->bytes[2] = 0x16;
    snp_expect(&scene, ATTEST_TCB_TOO_OLD);
    scene = fresh();
    scene.report[0x40] &= (uint8_t) ~(1u << 5);
    snp_expect(&scene, ATTEST_ALIAS_CHECK);
}
END_TEST

/* enarx steward #154: the order of the TCB versions was not looked at. */
START_TEST(flaw_09_tcb_versions_out_of_order_are_refused)
{
    enum { CURRENT = 0x38, REPORTED = 0x180, COMMITTED = 0x1e0, LAUNCH = 0x1f0 };
    static const size_t components[] = {0, 1, 6, 7};
    for (size_t i = 0; i < 4; ++i) {
        struct snp_scene scene = fresh();
        ++scene.report[REPORTED + components[i]];
        ++scene.report[CURRENT + components[i]];
        snp_expect(&scene, ATTEST_TCB_ORDER); /* reported above committed */
        scene = fresh();
        ++scene.report[COMMITTED + components[i]];
        snp_expect(&scene, ATTEST_TCB_ORDER); /* committed above current */
        scene = fresh();
        ++scene.report[LAUNCH + components[i]];
        snp_expect(&scene, ATTEST_TCB_ORDER); /* launch above current */
        scene = fresh();
        ++scene.report[CURRENT + components[i]];
        snp_expect(&scene, ATTEST_TRUSTED); /* current above all */
    }
}
END_TEST

/* cmcp #371, #384, #390: other report data was no failure, the signature was not checked, the root
 * came with the claim, and without a chain nothing said so. */
START_TEST(flaw_10_report_data_signature_and_root_decide)
{
    struct snp_scene scene = fresh();
    snp_sign_report(&scene);
    scene.is_unsigned = true;
    for (size_t at = 0x50; at < 0x90; ++at) {
        scene.report[at] ^= 1;
        snp_expect(&scene, ATTEST_REPORT_SIGNATURE);
        scene.report[at] ^= 1;
    }
    snp_expect(&scene, ATTEST_TRUSTED);
    scene = fresh();
    scene.report_key = keys.other_chip;
    snp_expect(&scene, ATTEST_REPORT_SIGNATURE);
    scene = fresh(); /* a whole chain of one's own, sound in itself */
    scene.ark_key = keys.other_ark;
    scene.leaf_key = scene.report_key = keys.other_chip;
    snp_expect(&scene, ATTEST_ROOT_UNKNOWN);
    scene = fresh();
    scene.no_leaf = scene.no_ica = scene.no_ark = true;
    snp_expect(&scene, ATTEST_COLLATERAL_MISSING);
}
END_TEST

/* agent-manifest HW-008: a report as the ioctl gave it was believed by its measurement. */
START_TEST(flaw_11_a_report_with_the_right_measurement_and_no_signature_is_refused)
{
    struct snp_scene scene = fresh();
    scene.is_unsigned = true;
    snp_expect(&scene, ATTEST_REPORT_SIGNATURE);
    memset(scene.report + 0x2a0, 0x5a, 48);
    memset(scene.report + 0x2e8, 0x5a, 48);
    snp_expect(&scene, ATTEST_REPORT_SIGNATURE);
    scene.report[0x2a0 + 48] = 1;
    snp_expect(&scene, ATTEST_REPORT_MALFORMED);
}
END_TEST

/* go-sev-guest panics when the family byte of a version 3 report is changed. */
START_TEST(flaw_21_a_processor_nobody_knows_is_refused_by_name)
{
    for (unsigned family = 0; family < 256; ++family) {
        struct snp_scene scene = fresh();
        scene.report[0x188] = (uint8_t)family;
        snp_expect(&scene, family == 0x19   ? ATTEST_TRUSTED
                           : family == 0x1a ? ATTEST_LEAF_MISMATCH
                                            : ATTEST_REPORT_UNSUPPORTED);
        if (family % 32 == 31)
            family += 16; /* enough of them */
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        flaw_05_a_byte_behind_the_signature_is_refused,
        flaw_06_kind_of_key_chain_version_and_encodings_are_held_to,
        flaw_07_a_root_with_amds_names_and_another_key_is_no_root,
        flaw_08_firmware_with_known_holes_and_unchecked_memory_are_refused,
        flaw_09_tcb_versions_out_of_order_are_refused,
        flaw_10_report_data_signature_and_root_decide,
        flaw_11_a_report_with_the_right_measurement_and_no_signature_is_refused,
        flaw_21_a_processor_nobody_knows_is_refused_by_name,
        NULL};
    snp_keys_init();
    int status = checks_run("known flaws of SEV-SNP verifiers", tests);
    snp_keys_fini();
    return status;
}
