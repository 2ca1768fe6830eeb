/* SEV-SNP reports under a made-up AMD: certificates, list, chip, TCB. */
#include "snp_scene.h"

START_TEST(a_sound_report_of_each_kind_is_trusted)
{
    struct snp_scene scene;
    snp_scene_set(&scene);
    snp_expect(&scene, ATTEST_TRUSTED);
    ck_assert_int_eq(scene.verdict.tee, ATTEST_TEE_SNP);
    ck_assert_mem_eq(scene.verdict.report_data, scene.report + 0x50, 64);
    ck_assert_str_eq(scene.verdict.measurements[0].name, "measurement");
    ck_assert_mem_eq(scene.verdict.measurements[0].bytes, scene.report + 0x90, 48);
    ck_assert_int_eq(scene.verdict.expires, scene.list_to);
    snp_scene_set_vlek(&scene);
    snp_expect(&scene, ATTEST_TRUSTED);
    snp_scene_set_turin(&scene);
    snp_expect(&scene, ATTEST_TRUSTED);
    snp_scene_set_genoa(&scene);
    snp_expect(&scene, ATTEST_TRUSTED);
}
END_TEST

/* ra-tls g.6, ms-tav #146 */
START_TEST(versions_outside_two_to_five_are_refused)
{
    struct snp_scene scene;
    for (unsigned version = 0; version <= 7; ++version) {
        snp_scene_set(&scene);
        scene.report[0] = (uint8_t)version;
        if (version == 2)
            memset(scene.report + 0x188, 0, 3);
        snp_expect(&scene,
                   version >= 2 && version <= 5 ? ATTEST_TRUSTED : ATTEST_REPORT_UNSUPPORTED);
    }
    snp_scene_set(&scene);
    scene.report[1] = 1; /* 0x103 */
    snp_expect(&scene, ATTEST_REPORT_UNSUPPORTED);
}
END_TEST

/* ra-tls g.5, ms-tav #141: these bytes are not signed */
START_TEST(no_byte_behind_the_signature_may_be_set)
{
    struct snp_scene scene;
    static const size_t places[] = {0x330, 0x331, 0x3ff, 0x49e, 0x49f};
    for (size_t i = 0; i < sizeof places / sizeof *places; ++i) {
        snp_scene_set(&scene);
        scene.report[places[i]] = 0x80;
        snp_expect(&scene, ATTEST_REPORT_MALFORMED);
    }
}
END_TEST

/* ra-tls g.6, ms-tav #142 */
START_TEST(the_report_and_the_certificate_name_the_same_kind_of_key)
{
    struct snp_scene scene;
    snp_scene_set(&scene);
    scene.report[0x48] = 1 << 2; /* VLEK, it says */
    snp_expect(&scene, ATTEST_LEAF_MISMATCH);
    snp_scene_set_vlek(&scene);
    scene.report[0x48] = 0;
    snp_expect(&scene, ATTEST_LEAF_MISMATCH);
    for (unsigned key = 2; key <= 7; ++key) {
        snp_scene_set(&scene);
        scene.report[0x48] = (uint8_t)(key << 2);
        snp_expect(&scene, ATTEST_REPORT_UNSUPPORTED);
    }
}
END_TEST

START_TEST(a_vcek_under_an_asvk_and_a_vlek_under_an_ask_are_refused)
{
    struct snp_scene scene;
    snp_scene_set(&scene);
    scene.ica_name = "SEV-VLEK-Milan";
    snp_expect(&scene, ATTEST_CHAIN_UNTRUSTED);
    snp_scene_set_vlek(&scene);
    scene.ica_name = "SEV-Milan";
    snp_expect(&scene, ATTEST_CHAIN_UNTRUSTED);
}
END_TEST

START_TEST(a_certificate_without_what_its_kind_must_have_is_refused)
{
    static const char *const oids[] = {AMD_ARC "1",   AMD_ARC "2",   AMD_ARC "3.1", AMD_ARC "3.2",
                                       AMD_ARC "3.3", AMD_ARC "3.8", AMD_ARC "4"};
    struct snp_scene scene;
    for (size_t i = 0; i < sizeof oids / sizeof *oids; ++i) {
        snp_scene_set(&scene);
        snp_drop_extension(&scene, oids[i]);
        snp_expect(&scene, ATTEST_LEAF_MALFORMED);
        snp_scene_set(&scene);
        struct snp_extension *twin = snp_extension(&scene, oids[i]);
        snp_add_extension(&scene, oids[i], twin->bytes, twin->len);
        snp_expect(&scene, ATTEST_LEAF_MALFORMED);
    }
    snp_scene_set_vlek(&scene);
    snp_drop_extension(&scene, AMD_ARC "5");
    snp_expect(&scene, ATTEST_LEAF_MALFORMED);
    snp_scene_set_vlek(&scene);
    snp_add_extension(&scene, AMD_ARC "4", scene.report + 0x1a0, 64);
    snp_expect(&scene, ATTEST_LEAF_MALFORMED);
    snp_scene_set_turin(&scene);
    snp_drop_extension(&scene, AMD_ARC "3.9");
    snp_expect(&scene, ATTEST_LEAF_MALFORMED);
    snp_scene_set(&scene);
    snp_add_integer(&scene, AMD_ARC "3.9", 0);
    snp_expect(&scene, ATTEST_LEAF_MALFORMED);
    snp_scene_set(&scene);
    snp_add_integer(&scene, AMD_ARC "6", 0);
    snp_expect(&scene, ATTEST_LEAF_MALFORMED);
}
END_TEST

/* ra-tls g.6, ms-tav #147 */
START_TEST(extensions_in_another_encoding_are_refused)
{
    static const struct {
        const char *oid;
        const char *bytes;
        size_t len;
    } rows[] = {
        {AMD_ARC "3.3", "\x02\x02\x00\x18", 4}, /* not the shortest */
        {AMD_ARC "3.3", "\x02\x02\x18", 3},     /* longer than it is */
        {AMD_ARC "3.3", "\x02\x01\x18\x00", 4}, /* followed by a byte */
        {AMD_ARC "3.3", "\x03\x01\x18", 3},     /* BIT STRING */
        {AMD_ARC "3.3", "\x0a\x01\x18", 3},     /* ENUMERATED */
        {AMD_ARC "3.3", "\x02\x01\x98", 3},     /* negative */
        {AMD_ARC "3.3", "\x02\x02\x01\x18", 4}, /* 280 */
        {AMD_ARC "3.3", "\x02\x81\x01\x18", 4}, /* long form of a short length */
        {AMD_ARC "3.3", "\x02\x00", 2},         /* of no byte */
        {AMD_ARC "3.3", "", 0},                 /* nothing */
        {AMD_ARC "3.4", "\x02\x01\x01", 3},     /* reserved and not zero */
        {AMD_ARC "1", "\x02\x01\x02", 3},       /* unknown structure */
        {AMD_ARC "2", "\x0c\x08Milan-B0", 10},  /* UTF8String */
        {AMD_ARC "2", "\x16\x06Milan-", 8},     /* no stepping */
        {AMD_ARC "2", "\x16\x06Milano", 8},     /* another product */
        {AMD_ARC "2", "\x16\x04Mila", 6},
        {AMD_ARC "4", "\x04\x40", 2},
    };
    struct snp_scene scene;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
        snp_scene_set(&scene);
        struct snp_extension *extension = snp_extension(&scene, rows[i].oid);
        memcpy(extension->bytes, rows[i].bytes, rows[i].len);
        extension->len = rows[i].len;
        snp_expect(&scene, ATTEST_LEAF_MALFORMED);
    }
    snp_scene_set(&scene); /* HWID wrapped in an OCTET STRING */
    struct snp_extension *hwid = snp_extension(&scene, AMD_ARC "4");
    memmove(hwid->bytes + 2, hwid->bytes, 64);
    memcpy(hwid->bytes, "\x04\x40", 2);
    hwid->len = 66;
    snp_expect(&scene, ATTEST_LEAF_MALFORMED);
}
END_TEST

START_TEST(a_leaf_of_version_one_or_with_a_critical_extension_is_refused)
{
    struct snp_scene scene;
    snp_scene_set(&scene);
    scene.leaf_is_v1 = true;
    snp_expect(&scene, ATTEST_LEAF_MALFORMED);
    snp_scene_set(&scene);
    snp_add_extension(&scene, "1.2.3.4", "\x05\x00", 2);
    snp_expect(&scene, ATTEST_TRUSTED);
    snp_extension(&scene, "1.2.3.4")->is_critical = true;
    snp_expect(&scene, ATTEST_CHAIN_UNTRUSTED);
}
END_TEST

/* ra-tls g.7, ms-tav PR #152; and g.10: a self-made chain */
START_TEST(an_ark_with_the_right_name_and_another_key_is_no_root)
{
    struct snp_scene scene;
    snp_scene_set(&scene);
    scene.ark_key = keys.other_ark;
    snp_expect(&scene, ATTEST_ROOT_UNKNOWN);
}
END_TEST

START_TEST(missing_endorsements_are_refused)
{
    struct snp_scene scene;
    snp_scene_set(&scene);
    scene.no_leaf = true;
    snp_expect(&scene, ATTEST_COLLATERAL_MISSING);
    snp_scene_set(&scene);
    scene.no_ica = true;
    snp_expect(&scene, ATTEST_COLLATERAL_MISSING);
    snp_scene_set(&scene);
    scene.no_ark = true;
    snp_expect(&scene, ATTEST_COLLATERAL_MISSING);
}
END_TEST

START_TEST(signatures_of_certificates_are_pss_with_sha384_and_its_salt)
{
    static const int salts[] = {-1, 0, 20, 47, 49};
    struct snp_scene scene;
    for (size_t i = 0; i < sizeof salts / sizeof *salts; ++i) {
        snp_scene_set(&scene);
        scene.salt = salts[i];
        snp_expect(&scene, ATTEST_CHAIN_UNTRUSTED);
    }
}
END_TEST

START_TEST(keys_of_other_kinds_are_refused)
{
    struct snp_scene scene;
    snp_scene_set(&scene);
    scene.leaf_key = scene.report_key = keys.p256;
    snp_expect(&scene, ATTEST_CHAIN_UNTRUSTED);
    snp_scene_set(&scene);
    scene.ica_key = keys.weak;
    snp_expect(&scene, ATTEST_CHAIN_UNTRUSTED);
}
END_TEST

START_TEST(certificates_hold_within_their_dates_and_no_second_longer)
{
    struct snp_scene scene;
    const struct {
        int64_t leaf_from, leaf_to, ica_from, ica_to;
        enum attest_reason reason;
    } rows[] = {
        {NOW, NOW + 1, NOW - 1, NOW + 1, ATTEST_TRUSTED},
        {NOW - 1, NOW, NOW - 1, NOW, ATTEST_TRUSTED},
        {NOW + 1, NOW + 2, NOW - 1, NOW + 2, ATTEST_CHAIN_EXPIRED},
        {NOW - 2, NOW - 1, NOW - 1, NOW + 2, ATTEST_CHAIN_EXPIRED},
        {NOW - 1, NOW + 1, NOW + 1, NOW + 2, ATTEST_CHAIN_EXPIRED},
        {NOW - 1, NOW + 1, NOW - 2, NOW - 1, ATTEST_CHAIN_EXPIRED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
        snp_scene_set(&scene);
        scene.leaf_from = rows[i].leaf_from;
        scene.leaf_to = rows[i].leaf_to;
        scene.ica_from = rows[i].ica_from;
        scene.ica_to = rows[i].ica_to;
        snp_expect(&scene, rows[i].reason);
    }
}
END_TEST

START_TEST(a_root_holds_within_its_dates_and_no_second_longer)
{
    static const struct {
        int64_t from, to;
        enum attest_reason reason;
    } rows[] = {
        {NOW, NOW + 1, ATTEST_TRUSTED},           {NOW - 1, NOW, ATTEST_TRUSTED},
        {NOW - 1, NOW + 1, ATTEST_TRUSTED},       {NOW + 1, NOW + 2, ATTEST_CHAIN_EXPIRED},
        {NOW - 2, NOW - 1, ATTEST_CHAIN_EXPIRED},
    };
    struct snp_scene scene;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
        snp_scene_set(&scene);
        scene.ark_from = rows[i].from;
        scene.ark_to = rows[i].to;
        snp_expect(&scene, rows[i].reason);
        if (rows[i].reason == ATTEST_TRUSTED) {
            ck_assert_int_eq(scene.verdict.expires, rows[i].to);
            ck_assert_int_eq(scene.verdict.collateral_expires, rows[i].to);
        }
    }
}
END_TEST

START_TEST(without_a_list_only_a_policy_that_says_so_trusts)
{
    struct snp_scene scene;
    snp_scene_set(&scene);
    scene.list = LIST_NONE;
    snp_expect(&scene, ATTEST_CRL_MISSING);
    scene.policy = "{" SNP_ACCEPT ",\"snp\":{\"crl\":\"required\"}}";
    snp_expect(&scene, ATTEST_CRL_MISSING);
    scene.policy = "{" SNP_ACCEPT ",\"snp\":{\"crl\":\"optional\"}}";
    snp_expect(&scene, ATTEST_TRUSTED);
}
END_TEST

/* ra-tls g.12, Automata TOB-ID-5 */
START_TEST(a_list_that_is_expired_early_foreign_or_unsigned_is_refused)
{
    struct snp_scene scene;
    const struct {
        enum snp_list list;
        int64_t from, to;
        enum attest_reason reason;
    } rows[] = {
        {LIST_SOUND, NOW, NOW + 1, ATTEST_TRUSTED},
        {LIST_SOUND, NOW - 1, NOW, ATTEST_TRUSTED},
        {LIST_SOUND, NOW + 1, NOW + 2, ATTEST_COLLATERAL_EARLY},
        {LIST_SOUND, NOW - 2, NOW - 1, ATTEST_COLLATERAL_EXPIRED},
        {LIST_REVOKES, NOW, NOW + 1, ATTEST_REVOKED},
        {LIST_OTHER_KEY, NOW, NOW + 1, ATTEST_CRL_UNTRUSTED},
        {LIST_OTHER_NAME, NOW, NOW + 1, ATTEST_CRL_UNTRUSTED},
        {LIST_BROKEN, NOW, NOW + 1, ATTEST_CRL_UNTRUSTED},
        {LIST_PKCS1, NOW, NOW + 1, ATTEST_CRL_UNTRUSTED},
        {LIST_BARE, NOW, NOW + 1, ATTEST_TRUSTED},
        {LIST_OTHER_ID, NOW, NOW + 1, ATTEST_CRL_UNTRUSTED},
        {LIST_CRITICAL, NOW, NOW + 1, ATTEST_CRL_UNTRUSTED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
        snp_scene_set(&scene); /* an optional list is still checked when it is there */
        scene.policy = "{" SNP_ACCEPT ",\"snp\":{\"crl\":\"optional\"}}";
        scene.list = rows[i].list;
        scene.list_from = rows[i].from;
        scene.list_to = rows[i].to;
        snp_expect(&scene, rows[i].reason);
    }
}
END_TEST

START_TEST(certificates_of_two_products_are_no_chain)
{
    struct snp_scene scene;
    snp_scene_set(&scene);
    scene.ica_name = "SEV-Genoa";
    snp_expect(&scene, ATTEST_LEAF_MISMATCH);
    snp_scene_set(&scene);
    scene.ark_name = "ARK-Genoa";
    snp_expect(&scene, ATTEST_LEAF_MISMATCH);
    snp_scene_set(&scene);
    scene.ark_name = "ARK-Genoa";
    scene.ica_name = "SEV-Genoa";
    snp_expect(&scene, ATTEST_LEAF_MISMATCH);
}
END_TEST

/* ra-tls g.21: go-sev panics on a changed family byte */
START_TEST(the_processor_is_of_the_certificates_product)
{
    const struct {
        const char *cpuid;
        enum attest_reason reason;
    } rows[] = {
        {"\x19\x00\x00", ATTEST_TRUSTED},
        {"\x19\x0f\x00", ATTEST_TRUSTED},
        {"\x19\x10\x00", ATTEST_LEAF_MISMATCH},
        {"\x19\xa0\x00", ATTEST_LEAF_MISMATCH},
        {"\x19\x20\x00", ATTEST_REPORT_UNSUPPORTED},
        {"\x19\xb0\x00", ATTEST_REPORT_UNSUPPORTED},
        {"\x1a\x11\x00", ATTEST_LEAF_MISMATCH},
        {"\x1a\x12\x00", ATTEST_REPORT_UNSUPPORTED},
        {"\x1a\x50\x00", ATTEST_REPORT_UNSUPPORTED},
        {"\x17\x01\x00", ATTEST_REPORT_UNSUPPORTED},
        {"\x00\x00\x00", ATTEST_REPORT_UNSUPPORTED},
        {"\xff\xff\xff", ATTEST_REPORT_UNSUPPORTED},
    };
    struct snp_scene scene;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
        snp_scene_set(&scene);
        memcpy(scene.report + 0x188, rows[i].cpuid, 3);
        snp_expect(&scene, rows[i].reason);
    }
}
END_TEST

START_TEST(each_part_of_the_reported_tcb_is_the_certificates)
{
    static const size_t parts[] = {0, 1, 6, 7};
    struct snp_scene scene;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; ++i) {
        snp_scene_set(&scene);
        for (size_t place = 0; place < 4; ++place)
            ++scene.report[(const size_t[]){0x38, 0x180, 0x1e0, 0x1f0}[place] + parts[i]];
        snp_expect(&scene, ATTEST_LEAF_MISMATCH);
    }
    snp_scene_set_turin(&scene);
    for (size_t place = 0; place < 4; ++place)
        ++scene.report[(const size_t[]){0x38, 0x180, 0x1e0, 0x1f0}[place]]; /* FMC */
    snp_expect(&scene, ATTEST_LEAF_MISMATCH);
}
END_TEST

/* ra-tls g.9, enarx steward #154 */
START_TEST(tcb_versions_out_of_order_are_refused)
{
    enum { CURRENT = 0x38, REPORTED = 0x180, COMMITTED = 0x1e0, LAUNCH = 0x1f0 };
    static const size_t parts[] = {0, 1, 6, 7};
    struct snp_scene scene;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; ++i) {
        snp_scene_set(&scene); /* committed above current */
        ++scene.report[COMMITTED + parts[i]];
        snp_expect(&scene, ATTEST_TCB_ORDER);
        snp_scene_set(&scene); /* launch above current */
        ++scene.report[LAUNCH + parts[i]];
        snp_expect(&scene, ATTEST_TCB_ORDER);
        snp_scene_set(&scene); /* reported above committed, not above current */
        ++scene.report[CURRENT + parts[i]];
        ++scene.report[REPORTED + parts[i]];
        snp_expect(&scene, ATTEST_TCB_ORDER);
        snp_scene_set(&scene); /* the right way round */
        ++scene.report[CURRENT + parts[i]];
        snp_expect(&scene, ATTEST_TRUSTED);
    }
    snp_scene_set(&scene);
    scene.report[0x1ec] = 0x38; /* committed build */
    snp_expect(&scene, ATTEST_TCB_ORDER);
}
END_TEST

START_TEST(a_chip_id_that_is_not_the_hwid_is_refused)
{
    struct snp_scene scene;
    snp_scene_set(&scene);
    scene.report[0x1df] ^= 1;
    snp_expect(&scene, ATTEST_LEAF_MISMATCH);
    snp_scene_set_turin(&scene);
    scene.report[0x1a8] = 1; /* behind Turin's eight bytes */
    snp_expect(&scene, ATTEST_LEAF_MISMATCH);
}
END_TEST

/* ra-tls g.10 and g.11 */
START_TEST(a_report_that_the_chip_did_not_sign_is_refused)
{
    struct snp_scene scene;
    snp_scene_set(&scene);
    scene.report_key = keys.other_chip;
    snp_expect(&scene, ATTEST_REPORT_SIGNATURE);
    snp_scene_set(&scene); /* one bit of report data */
    snp_sign_report(&scene);
    scene.is_unsigned = true;
    scene.report[0x8f] ^= 0x80;
    snp_expect(&scene, ATTEST_REPORT_SIGNATURE);
    snp_scene_set(&scene); /* no signature at all */
    scene.is_unsigned = true;
    snp_expect(&scene, ATTEST_REPORT_SIGNATURE);
    snp_scene_set(&scene); /* scalars of more than 48 bytes */
    snp_sign_report(&scene);
    scene.is_unsigned = true;
    scene.report[0x2a0 + 48] = 1;
    snp_expect(&scene, ATTEST_REPORT_MALFORMED);
    scene.report[0x2a0 + 48] = 0;
    snp_expect(&scene, ATTEST_TRUSTED);
    scene.report[0x2e8 + 71] = 1;
    snp_expect(&scene, ATTEST_REPORT_MALFORMED);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_sound_report_of_each_kind_is_trusted,
                                  versions_outside_two_to_five_are_refused,
                                  no_byte_behind_the_signature_may_be_set,
                                  the_report_and_the_certificate_name_the_same_kind_of_key,
                                  a_vcek_under_an_asvk_and_a_vlek_under_an_ask_are_refused,
                                  a_certificate_without_what_its_kind_must_have_is_refused,
                                  extensions_in_another_encoding_are_refused,
                                  a_leaf_of_version_one_or_with_a_critical_extension_is_refused,
                                  an_ark_with_the_right_name_and_another_key_is_no_root,
                                  missing_endorsements_are_refused,
                                  signatures_of_certificates_are_pss_with_sha384_and_its_salt,
                                  keys_of_other_kinds_are_refused,
                                  a_root_holds_within_its_dates_and_no_second_longer,
                                  certificates_hold_within_their_dates_and_no_second_longer,
                                  without_a_list_only_a_policy_that_says_so_trusts,
                                  a_list_that_is_expired_early_foreign_or_unsigned_is_refused,
                                  certificates_of_two_products_are_no_chain,
                                  the_processor_is_of_the_certificates_product,
                                  each_part_of_the_reported_tcb_is_the_certificates,
                                  tcb_versions_out_of_order_are_refused,
                                  a_chip_id_that_is_not_the_hwid_is_refused,
                                  a_report_that_the_chip_did_not_sign_is_refused,
                                  NULL};
    snp_keys_init();
    int status = checks_run("snp", tests);
    snp_keys_fini();
    return status;
}
