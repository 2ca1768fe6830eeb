/* What an operator may ask of SEV-SNP, and what is asked when they say nothing. */
#include "snp_scene.h"

#define WITH(members)  "{" SNP_ACCEPT ",\"snp\":{" members "}}"
#define ENTRY(members) "{\"accept\":[{\"tee\":\"snp\"," members "}]}"
#define CODE           "\"measurement\":[\"" SNP_MEASUREMENT "\"]"
#define ZEROS48 \
    "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
#define ZEROS32 "0000000000000000000000000000000000000000000000000000000000000000"
#define C1X16   "c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1"
#define C1X64   C1X16 C1X16 C1X16 C1X16

static enum attest_reason judge_with(struct snp_scene *scene, const char *policy)
{
    scene->policy = policy;
    return snp_judge(scene);
}

static enum attest_reason sound_with(const char *policy)
{
    struct snp_scene scene;
    snp_scene_set(&scene);
    return judge_with(&scene, policy);
}

static void refuses(const char *text, const char *naming)
{
    char error[256] = "";
    struct attest_bytes json = {.ptr = (const uint8_t *)text, .len = strlen(text)};
    struct attest_policy *policy = attest_policy_parse(json, error, sizeof error);
    ck_assert_msg(policy == NULL, "accepted: %s", text);
    ck_assert_msg(strstr(error, naming) != NULL, "%s: %s", text, error);
}

START_TEST(without_a_policy_or_an_entry_nobody_is_trusted)
{
    ck_assert_int_eq(sound_with(NULL), ATTEST_POLICY_MISSING);
    ck_assert_int_eq(sound_with("{}"), ATTEST_MEASUREMENT_NOT_LISTED);
    ck_assert_int_eq(sound_with("{\"accept\":[{\"tee\":\"tdx\",\"any_code\":true}]}"),
                     ATTEST_MEASUREMENT_NOT_LISTED);
    ck_assert_int_eq(sound_with(ENTRY("\"any_code\":true")), ATTEST_TRUSTED);
}
END_TEST

START_TEST(each_field_of_a_report_can_be_asked_for)
{
    static const struct {
        const char *fits, *differs;
        enum attest_reason reason;
    } rows[] = {
        {ENTRY(CODE),
         ENTRY("\"measurement\":[\"5"
               "d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d"
               "4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d\"]"),
         ATTEST_MEASUREMENT_NOT_LISTED},
        {ENTRY(CODE ",\"host_data\":[\"" ZEROS32 "\"]"),
         ENTRY(CODE ",\"host_data\":[\"" C1X16 C1X16 "\"]"), ATTEST_MEASUREMENT_NOT_LISTED},
        {ENTRY(CODE ",\"author_key_digest\":[\"" ZEROS48 "\"]"),
         ENTRY(CODE ",\"author_key_digest\":[\"" C1X16 C1X16 C1X16 "\"]"),
         ATTEST_MEASUREMENT_NOT_LISTED},
        {ENTRY(CODE ",\"family_id\":[\"00000000000000000000000000000000\"]"),
         ENTRY(CODE ",\"family_id\":[\"" C1X16 "\"]"), ATTEST_MEASUREMENT_NOT_LISTED},
        {ENTRY(CODE ",\"image_id\":[\"00000000000000000000000000000000\"]"),
         ENTRY(CODE ",\"image_id\":[\"" C1X16 "\"]"), ATTEST_MEASUREMENT_NOT_LISTED},
        {ENTRY(CODE ",\"chip_id\":[\"" C1X64 "\"]"),
         ENTRY(CODE ",\"chip_id\":[\"" C1X16 C1X16 ZEROS32 "\"]"), ATTEST_MEASUREMENT_NOT_LISTED},
        {ENTRY(CODE ",\"guest_svn\":[7,0]"), ENTRY(CODE ",\"guest_svn\":[1,4294967295]"),
         ATTEST_MEASUREMENT_NOT_LISTED},
        {ENTRY(CODE ",\"vmpl\":[0]"), ENTRY(CODE ",\"vmpl\":[1,2,3]"), ATTEST_ATTRIBUTES},
        {ENTRY(CODE ",\"guest_policy\":[\"0000030000000000\"]"),
         ENTRY(CODE ",\"guest_policy\":[\"0000020000000000\"]"), ATTEST_ATTRIBUTES},
        {ENTRY(CODE ",\"guest_policy\":[\"0000010000000000\"],"
                    "\"guest_policy_mask\":\"0000010000000000\""),
         ENTRY(CODE ",\"guest_policy\":[\"0000000000000000\"],"
                    "\"guest_policy_mask\":\"0000010000000000\""),
         ATTEST_ATTRIBUTES},
        {ENTRY(CODE ",\"platform_info\":[\"0400000000000000\"],"
                    "\"platform_info_mask\":\"0400000000000000\""),
         ENTRY(CODE ",\"platform_info\":[\"0000000000000000\"],"
                    "\"platform_info_mask\":\"0400000000000000\""),
         ATTEST_ATTRIBUTES},
        {ENTRY(CODE ",\"guest_svn_min\":0"), ENTRY(CODE ",\"guest_svn_min\":1"),
         ATTEST_MEASUREMENT_NOT_LISTED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
        ck_assert_msg(sound_with(rows[i].fits) == ATTEST_TRUSTED, "%s", rows[i].fits);
        ck_assert_msg(sound_with(rows[i].differs) == rows[i].reason, "%s", rows[i].differs);
    }
}
END_TEST

START_TEST(a_guest_svn_is_held_below_at_and_above_its_minimum)
{
    struct snp_scene scene;
    for (uint8_t svn = 4; svn <= 6; ++svn) {
        snp_scene_set(&scene);
        scene.report[0x04] = svn;
        ck_assert_int_eq(judge_with(&scene, ENTRY(CODE ",\"guest_svn_min\":5")),
                         svn < 5 ? ATTEST_MEASUREMENT_NOT_LISTED : ATTEST_TRUSTED);
    }
}
END_TEST

START_TEST(an_id_keys_digest_is_code_but_zeros_are_not)
{
    struct snp_scene scene;
    snp_scene_set(&scene);
    memset(scene.report + 0xe0, 0xc1, 48);
    ck_assert_int_eq(judge_with(&scene, ENTRY("\"id_key_digest\":[\"" C1X16 C1X16 C1X16 "\"]")),
                     ATTEST_TRUSTED);
    ck_assert_int_eq(sound_with(ENTRY("\"id_key_digest\":[\"" C1X16 C1X16 C1X16 "\"]")),
                     ATTEST_MEASUREMENT_NOT_LISTED);
    refuses(ENTRY("\"id_key_digest\":[\"" ZEROS48 "\"]"), "zeros");
    refuses(ENTRY("\"measurement\":[\"" ZEROS48 "\"]"), "zeros");
}
END_TEST

START_TEST(only_the_most_privileged_level_speaks_unless_an_entry_lists_another)
{
    struct snp_scene scene;
    snp_scene_set(&scene);
    scene.report[0x30] = 1;
    ck_assert_int_eq(judge_with(&scene, SNP_POLICY), ATTEST_ATTRIBUTES);
    ck_assert_int_eq(judge_with(&scene, ENTRY(CODE ",\"vmpl\":[1]")), ATTEST_TRUSTED);
    ck_assert_int_eq(judge_with(&scene, ENTRY("\"any_code\":true")), ATTEST_TRUSTED);
}
END_TEST

START_TEST(debugging_and_migration_are_refused_unless_allowed)
{
    struct snp_scene scene;
    snp_scene_set(&scene);
    scene.report[0x0a] |= 1 << 3;
    ck_assert_int_eq(judge_with(&scene, SNP_POLICY), ATTEST_DEBUG);
    ck_assert_int_eq(
        judge_with(&scene, "{" SNP_ACCEPT ",\"allow_debug\":true,\"insecure_testing\":true}"),
        ATTEST_TRUSTED);
    snp_scene_set(&scene);
    scene.report[0x0a] |= 1 << 2;
    ck_assert_int_eq(judge_with(&scene, SNP_POLICY), ATTEST_MIGRATION);
    ck_assert_int_eq(judge_with(&scene, WITH("\"allow_migration\":true")), ATTEST_TRUSTED);
}
END_TEST

/* ra-tls g.8: AMD-SB-3015 (BadRAM) */
START_TEST(memory_that_was_not_checked_for_aliases_is_refused)
{
    struct snp_scene scene;
    snp_scene_set(&scene);
    scene.report[0x40] &= (uint8_t) ~(1u << 5);
    ck_assert_int_eq(judge_with(&scene, SNP_POLICY), ATTEST_ALIAS_CHECK);
    ck_assert_int_eq(judge_with(&scene, WITH("\"allow_missing_alias_check\":true")),
                     ATTEST_TRUSTED);
}
END_TEST

/* All TCBs and the certificate have this firmware. */
static void set_firmware(struct snp_scene *scene, uint8_t firmware)
{
    char tcb[] = "\x04\x00\x00\x00\x00\x00\x18\xdb";
    tcb[6] = (char)firmware;
    snp_put_tcb(scene, tcb);
    snp_extension(scene, AMD_ARC "3.3")->bytes[2] = firmware;
}

/* ra-tls g.8: AMD-SB-3019 and CCF #6812 */
START_TEST(firmware_that_loads_foreign_microcode_is_too_old)
{
    struct snp_scene scene;
    snp_scene_set(&scene);
    set_firmware(&scene, 0x17);
    ck_assert_int_eq(judge_with(&scene, SNP_POLICY), ATTEST_TCB_TOO_OLD);
    ck_assert_int_eq(judge_with(&scene, WITH("\"min_tcb\":{\"milan\":{\"tee\":0}}")),
                     ATTEST_TCB_TOO_OLD);
    ck_assert_int_eq(judge_with(&scene, WITH("\"min_tcb\":{\"genoa\":{\"snp\":0}}")),
                     ATTEST_TCB_TOO_OLD);
    ck_assert_int_eq(judge_with(&scene, WITH("\"min_tcb\":{\"milan\":{\"snp\":23}}")),
                     ATTEST_TRUSTED);
    snp_scene_set(&scene);
    set_firmware(&scene, 0x18);
    ck_assert_int_eq(judge_with(&scene, SNP_POLICY), ATTEST_TRUSTED);
    snp_scene_set(&scene);
    set_firmware(&scene, 0x19);
    ck_assert_int_eq(judge_with(&scene, SNP_POLICY), ATTEST_TRUSTED);
    snp_scene_set_genoa(&scene);
    set_firmware(&scene, 0x16);
    ck_assert_int_eq(judge_with(&scene, SNP_POLICY), ATTEST_TCB_TOO_OLD);
    snp_scene_set_genoa(&scene);
    set_firmware(&scene, 0x17);
    ck_assert_int_eq(judge_with(&scene, SNP_POLICY), ATTEST_TRUSTED);
}
END_TEST

START_TEST(each_component_is_held_below_at_and_above_its_minimum)
{
    static const struct {
        const char *below, *at;
    } rows[] = {
        {WITH("\"min_tcb\":{\"milan\":{\"boot_loader\":5}}"),
         WITH("\"min_tcb\":{\"milan\":{\"boot_loader\":4}}")},
        {WITH("\"min_tcb\":{\"milan\":{\"tee\":1}}"), WITH("\"min_tcb\":{\"milan\":{\"tee\":0}}")},
        {WITH("\"min_tcb\":{\"milan\":{\"snp\":25}}"),
         WITH("\"min_tcb\":{\"milan\":{\"snp\":24}}")},
        {WITH("\"min_tcb\":{\"milan\":{\"microcode\":220}}"),
         WITH("\"min_tcb\":{\"milan\":{\"microcode\":219}}")},
    };
    struct snp_scene scene;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
        ck_assert_int_eq(sound_with(rows[i].below), ATTEST_TCB_TOO_OLD);
        ck_assert_int_eq(sound_with(rows[i].at), ATTEST_TRUSTED);
    }
    ck_assert_int_eq(sound_with(WITH("\"min_tcb\":{\"turin\":{\"fmc\":200}}")), ATTEST_TRUSTED);
    snp_scene_set_turin(&scene);
    ck_assert_int_eq(judge_with(&scene, WITH("\"min_tcb\":{\"turin\":{\"fmc\":3}}")),
                     ATTEST_TCB_TOO_OLD);
    ck_assert_int_eq(judge_with(&scene, WITH("\"min_tcb\":{\"turin\":{\"fmc\":2}}")),
                     ATTEST_TRUSTED);
}
END_TEST

START_TEST(a_guest_launched_under_an_old_tcb_stays_refused)
{
    struct snp_scene scene;
    snp_scene_set(&scene);
    scene.report[0x1f6] = 0x17; /* firmware of the launch TCB */
    ck_assert_int_eq(judge_with(&scene, SNP_POLICY), ATTEST_TCB_TOO_OLD);
}
END_TEST

START_TEST(committed_firmware_is_held_below_at_and_above_its_minimum)
{
    static const struct {
        uint8_t major, minor, build;
        bool fits;
    } rows[] = {{1, 55, 21, true}, {1, 55, 20, false},   {1, 55, 22, true}, {1, 54, 255, false},
                {1, 56, 0, true},  {0, 255, 255, false}, {2, 0, 0, true}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
        struct snp_scene scene;
        uint8_t version[3] = {rows[i].build, rows[i].minor, rows[i].major};
        snp_scene_set(&scene);
        memcpy(scene.report + 0x1ec, version, 3); /* committed; the current one is not above */
        memcpy(scene.report + 0x1e8, "\xff\xff\xff", 3);
        ck_assert_int_eq(judge_with(&scene, WITH("\"min_firmware\":\"1.55.21\"")),
                         rows[i].fits ? ATTEST_TRUSTED : ATTEST_TCB_TOO_OLD);
        ck_assert_int_eq(judge_with(&scene, SNP_POLICY), ATTEST_TRUSTED);
    }
}
END_TEST

START_TEST(a_report_is_of_the_least_version_or_later)
{
    ck_assert_int_eq(sound_with(WITH("\"min_version\":2")), ATTEST_TRUSTED);
    ck_assert_int_eq(sound_with(WITH("\"min_version\":3")), ATTEST_TRUSTED);
    ck_assert_int_eq(sound_with(WITH("\"min_version\":4")), ATTEST_REPORT_TOO_OLD);
}
END_TEST

START_TEST(a_chip_that_hides_itself_is_refused_unless_allowed)
{
    struct snp_scene scene;
    snp_scene_set(&scene);
    memset(scene.report + 0x1a0, 0, 64);
    scene.report[0x48] = 2;
    ck_assert_int_eq(judge_with(&scene, SNP_POLICY), ATTEST_CHIP_MASKED);
    ck_assert_int_eq(judge_with(&scene, WITH("\"allow_masked_chip\":true")), ATTEST_TRUSTED);
    scene.report[0x48] = 0; /* hidden without saying so */
    ck_assert_int_eq(judge_with(&scene, SNP_POLICY), ATTEST_CHIP_MASKED);
}
END_TEST

/* ra-tls g.30: physical attacks are met by knowing one's chips */
START_TEST(listed_chips_alone_are_trusted)
{
    struct snp_scene scene;
    ck_assert_int_eq(sound_with("{" SNP_ACCEPT ",\"platform\":{\"chip_id\":[\"" C1X64 "\"]}}"),
                     ATTEST_TRUSTED);
    ck_assert_int_eq(
        sound_with("{" SNP_ACCEPT ",\"platform\":{\"chip_id\":[\"" C1X16 C1X16 ZEROS32 "\"]}}"),
        ATTEST_PLATFORM_NOT_LISTED);
    ck_assert_int_eq(sound_with("{" SNP_ACCEPT ",\"platform\":{\"fmspc\":[\"00806f050000\"]}}"),
                     ATTEST_PLATFORM_NOT_LISTED);
    snp_scene_set_vlek(&scene); /* zeros in the list do not stand for whatever is masked */
    memset(scene.report + 0x1a0, 0, 64);
    ck_assert_int_eq(judge_with(&scene, "{" SNP_ACCEPT ",\"snp\":{\"allow_masked_chip\":true},"
                                        "\"platform\":{\"chip_id\":[\"" ZEROS32 ZEROS32 "\"]}}"),
                     ATTEST_PLATFORM_NOT_LISTED);
}
END_TEST

START_TEST(a_clouds_key_is_of_a_listed_cloud)
{
    struct snp_scene scene;
    snp_scene_set_vlek(&scene);
    ck_assert_int_eq(judge_with(&scene, WITH("\"csp_id\":[]")), ATTEST_TRUSTED);
    ck_assert_int_eq(judge_with(&scene, WITH("\"csp_id\":[\"other\",\"cloud\"]")), ATTEST_TRUSTED);
    ck_assert_int_eq(judge_with(&scene, WITH("\"csp_id\":[\"cloud2\"]")),
                     ATTEST_PLATFORM_NOT_LISTED);
    ck_assert_int_eq(sound_with(WITH("\"csp_id\":[\"cloud\"]")), ATTEST_TRUSTED); /* a VCEK */
}
END_TEST

START_TEST(what_is_written_wrongly_is_refused)
{
    refuses("{\"snp\":[]}", "snp");
    refuses("{\"snp\":{\"crls\":\"optional\"}}", "crls");
    refuses("{\"snp\":{\"crl\":\"Optional\"}}", "crl");
    refuses("{\"snp\":{\"crl\":false}}", "crl");
    refuses("{\"snp\":{\"min_version\":1}}", "min_version");
    refuses("{\"snp\":{\"min_version\":6}}", "min_version");
    refuses("{\"snp\":{\"min_version\":\"3\"}}", "min_version");
    refuses("{\"snp\":{\"min_tcb\":{\"Milan\":{}}}}", "Milan");
    refuses("{\"snp\":{\"min_tcb\":{\"venice\":{}}}}", "venice");
    refuses("{\"snp\":{\"min_tcb\":{\"milan\":{\"fmc\":1}}}}", "fmc");
    refuses("{\"snp\":{\"min_tcb\":{\"milan\":{\"snp\":256}}}}", "snp");
    refuses("{\"snp\":{\"min_tcb\":{\"milan\":{\"snp\":-1}}}}", "snp");
    refuses("{\"snp\":{\"min_tcb\":{\"milan\":24}}}", "milan");
    refuses("{\"snp\":{\"allow_masked_chip\":1}}", "allow_masked_chip");
    refuses("{\"snp\":{\"allow_migration\":\"yes\"}}", "allow_migration");
    refuses("{\"snp\":{\"allow_missing_alias_check\":null}}", "allow_missing_alias_check");
    refuses("{\"snp\":{\"csp_id\":\"cloud\"}}", "csp_id");
    refuses("{\"snp\":{\"csp_id\":[1]}}", "csp_id");
    refuses(ENTRY("\"vmpl\":[0]"), "measurement");
    refuses(ENTRY(CODE ",\"mrtd\":[]"), "mrtd");
    refuses(ENTRY(CODE ",\"report_data\":[]"), "report_data");
    refuses(ENTRY(CODE ",\"isvsvn_min\":1"), "isvsvn_min");
    refuses(ENTRY(CODE ",\"guest_svn_min\":4294967296"), "guest_svn_min");
    refuses(ENTRY(CODE ",\"guest_svn\":[4294967296]"), "4294967295");
    refuses(ENTRY(CODE ",\"vmpl_mask\":\"00000000\""), "vmpl_mask");
    refuses("{\"accept\":[{\"tee\":\"none\",\"any_code\":true}]}", "none");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        without_a_policy_or_an_entry_nobody_is_trusted,
        each_field_of_a_report_can_be_asked_for,
        a_guest_svn_is_held_below_at_and_above_its_minimum,
        an_id_keys_digest_is_code_but_zeros_are_not,
        only_the_most_privileged_level_speaks_unless_an_entry_lists_another,
        debugging_and_migration_are_refused_unless_allowed,
        memory_that_was_not_checked_for_aliases_is_refused,
        firmware_that_loads_foreign_microcode_is_too_old,
        each_component_is_held_below_at_and_above_its_minimum,
        a_guest_launched_under_an_old_tcb_stays_refused,
        committed_firmware_is_held_below_at_and_above_its_minimum,
        a_report_is_of_the_least_version_or_later,
        a_chip_that_hides_itself_is_refused_unless_allowed,
        listed_chips_alone_are_trusted,
        a_clouds_key_is_of_a_listed_cloud,
        what_is_written_wrongly_is_refused,
        NULL};
    snp_keys_init();
    int status = checks_run("snp_policy", tests);
    snp_keys_fini();
    return status;
}
