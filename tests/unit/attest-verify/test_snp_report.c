/* The shape of a SEV-SNP report: every reserved bit, every limit, before any certificate is read.
 */
#include "snp_scene.h"

struct parsed {
    struct quote quote;
    struct snp_report report;
    struct attest_verdict verdict;
};

static enum attest_reason parse(struct parsed *parsed, const struct snp_scene *scene, size_t len,
                                bool padded)
{
    struct attest_bytes bytes = {.ptr = scene->report, .len = len};
    av_verdict_init(&parsed->verdict);
    if (av_snp_report_parse(bytes, padded, &parsed->quote, &parsed->report, &parsed->verdict))
        return ATTEST_TRUSTED; /* of its shape alone */
    ck_assert_int_ne(parsed->verdict.reason, ATTEST_TRUSTED);
    return parsed->verdict.reason;
}

START_TEST(every_byte_that_is_reserved_must_be_zero)
{
    static const struct {
        size_t from, to;
    } ranges[] = {{0x4c, 0x50},   {0x18b, 0x1a0}, {0x1eb, 0x1ec}, {0x1ef, 0x1f0},
                  {0x208, 0x2a0}, {0x2d0, 0x2e8}, {0x318, 0x4a0}};
    struct snp_scene scene;
    struct parsed parsed;
    snp_scene_set(&scene);
    ck_assert_int_eq(parse(&parsed, &scene, SNP_REPORT_BYTES, false), ATTEST_TRUSTED);
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; ++i)
        for (size_t at = ranges[i].from; at < ranges[i].to; ++at) {
            scene.report[at] = 1;
            ck_assert_int_eq(parse(&parsed, &scene, SNP_REPORT_BYTES, false),
                             ATTEST_REPORT_MALFORMED);
            scene.report[at] = 0;
        }
}
END_TEST

START_TEST(every_bit_that_is_reserved_must_be_as_it_is)
{
    struct snp_scene scene;
    struct parsed parsed;
    snp_scene_set(&scene);
    for (unsigned bit = 0; bit < 64; ++bit) { /* guest policy: 17 is set, 26 and up are not */
        scene.report[0x08 + bit / 8] ^= (uint8_t)(1u << bit % 8);
        ck_assert_int_eq(parse(&parsed, &scene, SNP_REPORT_BYTES, false),
                         bit == 17 || bit >= 26 ? ATTEST_REPORT_MALFORMED : ATTEST_TRUSTED);
        scene.report[0x08 + bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (unsigned bit = 0; bit < 64; ++bit) { /* platform info */
        scene.report[0x40 + bit / 8] ^= (uint8_t)(1u << bit % 8);
        ck_assert_int_eq(parse(&parsed, &scene, SNP_REPORT_BYTES, false),
                         bit >= 8 ? ATTEST_REPORT_MALFORMED : ATTEST_TRUSTED);
        scene.report[0x40 + bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (unsigned bit = 5; bit < 32; ++bit) { /* signer info */
        scene.report[0x48 + bit / 8] = (uint8_t)(1u << bit % 8);
        ck_assert_int_eq(parse(&parsed, &scene, SNP_REPORT_BYTES, false), ATTEST_REPORT_MALFORMED);
        scene.report[0x48 + bit / 8] = 0;
    }
}
END_TEST

START_TEST(what_a_version_does_not_have_is_zero)
{
    struct snp_scene scene;
    struct parsed parsed;
    for (uint8_t version = 2; version <= 5; ++version) {
        snp_scene_set(&scene);
        scene.report[0] = version;
        ck_assert_int_eq(parse(&parsed, &scene, SNP_REPORT_BYTES, false),
                         version == 2 ? ATTEST_REPORT_MALFORMED : ATTEST_TRUSTED); /* CPUID */
        ck_assert_int_eq(parsed.report.has_product, version > 2);
        if (version == 2)
            memset(scene.report + 0x188, 0, 3);
        scene.report[0x1f8] = 1; /* mitigation vectors */
        ck_assert_int_eq(parse(&parsed, &scene, SNP_REPORT_BYTES, false),
                         version < 5 ? ATTEST_REPORT_MALFORMED : ATTEST_TRUSTED);
        scene.report[0x1f8] = 0;
        scene.report[0x207] = 1;
        ck_assert_int_eq(parse(&parsed, &scene, SNP_REPORT_BYTES, false),
                         version < 5 ? ATTEST_REPORT_MALFORMED : ATTEST_TRUSTED);
    }
}
END_TEST

START_TEST(a_vmpl_is_a_guests)
{
    struct snp_scene scene;
    struct parsed parsed;
    snp_scene_set(&scene);
    for (uint8_t vmpl = 0; vmpl <= 5; ++vmpl) {
        scene.report[0x30] = vmpl;
        ck_assert_int_eq(parse(&parsed, &scene, SNP_REPORT_BYTES, false),
                         vmpl <= 3 ? ATTEST_TRUSTED : ATTEST_REPORT_MALFORMED);
    }
    memset(scene.report + 0x30, 0xff, 4); /* the host's */
    ck_assert_int_eq(parse(&parsed, &scene, SNP_REPORT_BYTES, false), ATTEST_REPORT_UNSUPPORTED);
}
END_TEST

START_TEST(other_algorithms_are_not_supported)
{
    struct snp_scene scene;
    struct parsed parsed;
    snp_scene_set(&scene);
    for (uint8_t algorithm = 0; algorithm < 4; ++algorithm) {
        scene.report[0x34] = algorithm;
        ck_assert_int_eq(parse(&parsed, &scene, SNP_REPORT_BYTES, false),
                         algorithm == 1 ? ATTEST_TRUSTED : ATTEST_REPORT_UNSUPPORTED);
    }
}
END_TEST

START_TEST(an_author_keys_digest_needs_an_author_key)
{
    struct snp_scene scene;
    struct parsed parsed;
    snp_scene_set(&scene);
    scene.report[0x13f] = 1;
    ck_assert_int_eq(parse(&parsed, &scene, SNP_REPORT_BYTES, false), ATTEST_REPORT_MALFORMED);
    scene.report[0x48] = 1;
    ck_assert_int_eq(parse(&parsed, &scene, SNP_REPORT_BYTES, false), ATTEST_TRUSTED);
}
END_TEST

START_TEST(a_report_is_of_one_length_and_only_padding_may_follow)
{
    struct snp_scene scene;
    struct parsed parsed;
    snp_scene_set(&scene);
    for (size_t len = 0; len < SNP_REPORT_BYTES; ++len)
        ck_assert_int_eq(parse(&parsed, &scene, len, true), ATTEST_REPORT_MALFORMED);
    uint8_t bytes[SNP_REPORT_BYTES + 1];
    memcpy(bytes, scene.report, SNP_REPORT_BYTES);
    bytes[SNP_REPORT_BYTES] = 0;
    struct attest_bytes longer = {.ptr = bytes, .len = sizeof bytes};
    ck_assert(!av_snp_report_parse(longer, false, &parsed.quote, &parsed.report, &parsed.verdict));
    ck_assert(av_snp_report_parse(longer, true, &parsed.quote, &parsed.report, &parsed.verdict));
    ck_assert_uint_eq(parsed.quote.whole.len, SNP_REPORT_BYTES);
    bytes[SNP_REPORT_BYTES] = 1;
    ck_assert(!av_snp_report_parse(longer, true, &parsed.quote, &parsed.report, &parsed.verdict));
}
END_TEST

START_TEST(a_signature_is_little_endian)
{
    struct snp_scene scene;
    struct parsed parsed;
    snp_scene_set(&scene);
    for (size_t i = 0; i < SNP_SCALAR_BYTES; ++i) {
        scene.report[0x2a0 + i] = (uint8_t)(1 + i);
        scene.report[0x2e8 + i] = (uint8_t)(101 + i);
    }
    ck_assert_int_eq(parse(&parsed, &scene, SNP_REPORT_BYTES, false), ATTEST_TRUSTED);
    for (size_t i = 0; i < SNP_SCALAR_BYTES; ++i) {
        ck_assert_uint_eq(parsed.report.signature[i], SNP_SCALAR_BYTES - i);
        ck_assert_uint_eq(parsed.report.signature[SNP_SCALAR_BYTES + i],
                          100 + SNP_SCALAR_BYTES - i);
    }
}
END_TEST

START_TEST(reserved_bytes_of_a_tcb_depend_on_the_product)
{
    uint8_t bytes[8] = {1, 2, 0, 0, 0, 0, 3, 4};
    struct attest_bytes tcb = {.ptr = bytes, .len = sizeof bytes};
    struct snp_tcb out;
    ck_assert(av_snp_tcb_read(SNP_MILAN, tcb, &out));
    ck_assert_uint_eq(out.svn[SNP_BOOT_LOADER], 1);
    ck_assert_uint_eq(out.svn[SNP_TEE], 2);
    ck_assert_uint_eq(out.svn[SNP_FIRMWARE], 3);
    ck_assert_uint_eq(out.svn[SNP_MICROCODE], 4);
    ck_assert_uint_eq(out.svn[SNP_FMC], 0);
    ck_assert(av_snp_tcb_read(SNP_GENOA, tcb, &out));
    ck_assert(!av_snp_tcb_read(SNP_TURIN, tcb, &out));
    for (size_t i = 2; i < 6; ++i) {
        bytes[i] = 9;
        ck_assert(!av_snp_tcb_read(SNP_MILAN, tcb, &out));
        bytes[i] = 0;
    }
    memcpy(bytes, (uint8_t[]){1, 2, 3, 4, 0, 0, 0, 5}, sizeof bytes);
    ck_assert(av_snp_tcb_read(SNP_TURIN, tcb, &out));
    ck_assert_uint_eq(out.svn[SNP_FMC], 1);
    ck_assert_uint_eq(out.svn[SNP_BOOT_LOADER], 2);
    ck_assert_uint_eq(out.svn[SNP_TEE], 3);
    ck_assert_uint_eq(out.svn[SNP_FIRMWARE], 4);
    ck_assert_uint_eq(out.svn[SNP_MICROCODE], 5);
    for (size_t i = 4; i < 7; ++i) {
        bytes[i] = 9;
        ck_assert(!av_snp_tcb_read(SNP_TURIN, tcb, &out));
        bytes[i] = 0;
    }
    tcb.len = 7;
    ck_assert(!av_snp_tcb_read(SNP_TURIN, tcb, &out));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {every_byte_that_is_reserved_must_be_zero,
                                  every_bit_that_is_reserved_must_be_as_it_is,
                                  what_a_version_does_not_have_is_zero,
                                  a_vmpl_is_a_guests,
                                  other_algorithms_are_not_supported,
                                  an_author_keys_digest_needs_an_author_key,
                                  a_report_is_of_one_length_and_only_padding_may_follow,
                                  a_signature_is_little_endian,
                                  reserved_bytes_of_a_tcb_depend_on_the_product,
                                  NULL};
    return checks_run("snp_report", tests);
}
