/* Genuine evidence against policies: what is accepted, and which check refuses the rest. */
#include "policy/appraise.h"

#include "bytes/crypto.h"
#include "bytes/hex.h"
#include "quotes.h"

#include "../checks.h"

#include <stdio.h>
#include <string.h>

enum { NOW = 1750000000, ISSUED = NOW - 1000 };

/* Findings about a made quote, as the checks before the policy would leave them. */
struct scene {
    struct made_quote made;
    struct findings findings;
    struct attest_collateral collateral;
    struct attest_verdict verdict;
};

static uint8_t *body_of(struct scene *scene)
{
    return scene->made.bytes + scene->made.body_at;
}

static void set_scene(struct scene *scene, unsigned version, unsigned body_type)
{
    memset(scene, 0, sizeof *scene);
    quotes_make(&scene->made, version, body_type, "chain");
    if (body_type == 1) {
        memset(body_of(scene) + 48, 0, 16); /* ATTRIBUTES */
        body_of(scene)[48] = 0x05;
    } else {
        memset(body_of(scene) + 120, 0, 16); /* TDATTRIBUTES, XFAM */
        body_of(scene)[123] = 0x10;
        body_of(scene)[128] = 0xe7;
    }
    if (body_type == 3)
        memset(body_of(scene) + 600, 0, 48); /* MRSERVICETD */
    ck_assert(
        av_quote_parse(quotes_bytes(&scene->made), false, &scene->findings.quote, &scene->verdict));
    scene->findings.collateral = &scene->collateral;
    scene->findings.standing.date = 1710288000;
    scene->collateral.tcb.head.issued = ISSUED;
    scene->collateral.qe.head.issued = ISSUED + 10;
    scene->collateral.tcb.head.evaluation = 18;
    scene->collateral.qe.head.evaluation = 17;
    scene->collateral.pck_crl = X509_CRL_new();
    ASN1_TIME *begin = ASN1_TIME_set(NULL, ISSUED + 20);
    ck_assert_int_eq(X509_CRL_set1_lastUpdate(scene->collateral.pck_crl, begin), 1);
    ASN1_TIME_free(begin);
}

/* The reason; ATTEST_TRUSTED when the policy accepts. The policy is a JSON text. */
static enum attest_reason appraise(struct scene *scene, const char *text)
{
    char error[256];
    struct attest_bytes json = {.ptr = (const uint8_t *)text, .len = strlen(text)};
    struct attest_policy *policy = attest_policy_parse(json, error, sizeof error);
    ck_assert_msg(policy != NULL, "%s", error);
    av_verdict_init(&scene->verdict);
    scene->verdict.tee = scene->findings.quote.kind == BODY_SGX ? ATTEST_TEE_SGX : ATTEST_TEE_TDX;
    bool accepted = av_appraise(&scene->findings, policy, NOW, &scene->verdict);
    attest_policy_free(policy);
    ck_assert(accepted == (scene->verdict.reason == ATTEST_INTERNAL));
    return accepted ? ATTEST_TRUSTED : scene->verdict.reason;
}

static void drop(struct scene *scene)
{
    X509_CRL_free(scene->collateral.pck_crl);
}

/* A policy with one entry: its members, and what stands beside "accept". */
static enum attest_reason appraise_entry(struct scene *scene, const char *members, const char *rest)
{
    char text[2048];
    snprintf(text, sizeof text, "{\"accept\":[{%s}]%s}", members, rest);
    return appraise(scene, text);
}

static const char *field_hex(struct scene *scene, size_t at, size_t len, char *room)
{
    av_hex_encode(body_of(scene) + at, len, room);
    return room;
}

/* An entry that lists the MRTD of the scene. */
static enum attest_reason appraise_mrtd(struct scene *scene, const char *more, const char *rest)
{
    char mrtd[97], members[1024];
    snprintf(members, sizeof members, "\"tee\":\"tdx\",\"mrtd\":[\"%s\"]%s",
             field_hex(scene, 136, 48, mrtd), more);
    return appraise_entry(scene, members, rest);
}

START_TEST(nobody_is_trusted_without_a_policy_or_by_an_empty_one)
{
    struct scene scene;
    set_scene(&scene, 4, 2);
    av_verdict_init(&scene.verdict);
    ck_assert(!av_appraise(&scene.findings, NULL, NOW, &scene.verdict));
    ck_assert_int_eq(scene.verdict.reason, ATTEST_POLICY_MISSING);
    ck_assert_int_eq(appraise(&scene, "{}"), ATTEST_MEASUREMENT_NOT_LISTED);
    ck_assert_int_eq(appraise(&scene, "{\"accept\":[]}"), ATTEST_MEASUREMENT_NOT_LISTED);
    drop(&scene);
}
END_TEST

START_TEST(a_listed_measurement_is_accepted_and_another_is_not)
{
    struct scene scene;
    set_scene(&scene, 4, 2);
    ck_assert_int_eq(appraise_mrtd(&scene, "", ""), ATTEST_TRUSTED);
    char other[97], members[1024];
    field_hex(&scene, 136, 48, other);
    other[95] = other[95] == '0' ? '1' : '0';
    snprintf(members, sizeof members, "\"tee\":\"tdx\",\"mrtd\":[\"%s\"]", other);
    ck_assert_int_eq(appraise_entry(&scene, members, ""), ATTEST_MEASUREMENT_NOT_LISTED);
    ck_assert_ptr_nonnull(strstr(scene.verdict.detail, "mrtd"));
    snprintf(members, sizeof members, ",\"rtmr3\":[\"%s\"]", other);
    ck_assert_int_eq(appraise_mrtd(&scene, members, ""), ATTEST_MEASUREMENT_NOT_LISTED);
    drop(&scene);
}
END_TEST

START_TEST(an_entry_is_of_one_tee)
{
    struct scene scene;
    set_scene(&scene, 3, 1);
    ck_assert_int_eq(appraise_entry(&scene, "\"tee\":\"tdx\",\"any_code\":true", ""),
                     ATTEST_MEASUREMENT_NOT_LISTED);
    ck_assert_int_eq(appraise_entry(&scene, "\"tee\":\"sgx\",\"any_code\":true", ""),
                     ATTEST_TRUSTED);
    drop(&scene);
}
END_TEST

START_TEST(debug_is_refused_unless_said_twice)
{
    static const char testing[] = ",\"allow_debug\":true,\"insecure_testing\":true";
    struct scene scene;
    for (unsigned bit = 0; bit < 8; ++bit) {
        set_scene(&scene, 4, 2);
        body_of(&scene)[120] = (uint8_t)(1u << bit);
        ck_assert_int_eq(appraise_entry(&scene, "\"tee\":\"tdx\",\"any_code\":true", ""),
                         ATTEST_DEBUG);
        ck_assert_int_eq(appraise_entry(&scene, "\"tee\":\"tdx\",\"any_code\":true", testing),
                         ATTEST_TRUSTED);
        drop(&scene);
    }
    set_scene(&scene, 3, 1);
    body_of(&scene)[48] |= 0x02;
    ck_assert_int_eq(appraise_entry(&scene, "\"tee\":\"sgx\",\"any_code\":true", ""), ATTEST_DEBUG);
    ck_assert_int_eq(appraise_entry(&scene, "\"tee\":\"sgx\",\"any_code\":true", testing),
                     ATTEST_TRUSTED);
    drop(&scene);
}
END_TEST

START_TEST(every_other_attribute_of_a_td_must_be_listed)
{
    struct scene scene;
    set_scene(&scene, 4, 2);
    for (unsigned bit = 8; bit < 64; ++bit) {
        uint8_t *byte = body_of(&scene) + 120 + bit / 8;
        *byte ^= (uint8_t)(1u << bit % 8);
        ck_assert_int_eq(appraise_mrtd(&scene, "", ""), ATTEST_ATTRIBUTES);
        char hex[17], more[128];
        snprintf(more, sizeof more, ",\"tdattributes\":[\"%s\"]", field_hex(&scene, 120, 8, hex));
        ck_assert_int_eq(appraise_mrtd(&scene, more, ""), ATTEST_TRUSTED);
        *byte ^= (uint8_t)(1u << bit % 8);
        ck_assert_int_eq(appraise_mrtd(&scene, more, ""), ATTEST_ATTRIBUTES);
    }
    ck_assert_int_eq(appraise_mrtd(&scene,
                                   ",\"tdattributes\":[\"0000000000000000\"],"
                                   "\"tdattributes_mask\":\"00000000ffffffff\"",
                                   ""),
                     ATTEST_TRUSTED);
    drop(&scene);
}
END_TEST

START_TEST(xfam_holds_what_is_needed_and_nothing_unknown)
{
    static const uint64_t allowed = 0x0006dbe7;
    struct scene scene;
    set_scene(&scene, 4, 2);
    for (unsigned bit = 0; bit < 64; ++bit) {
        uint8_t xfam[8] = {0x03};
        xfam[bit / 8] ^= (uint8_t)(1u << bit % 8);
        memcpy(body_of(&scene) + 128, xfam, 8);
        bool fine = bit > 1 && (allowed >> bit & 1);
        ck_assert_int_eq(appraise_mrtd(&scene, "", ""), fine ? ATTEST_TRUSTED : ATTEST_ATTRIBUTES);
    }
    drop(&scene);
}
END_TEST

START_TEST(service_tds_must_be_listed)
{
    struct scene scene;
    char hex[97], more[256];
    set_scene(&scene, 5, 3);
    ck_assert_int_eq(appraise_mrtd(&scene, "", ""), ATTEST_TRUSTED);
    body_of(&scene)[647] = 1;
    ck_assert_int_eq(appraise_mrtd(&scene, "", ""), ATTEST_ATTRIBUTES);
    snprintf(more, sizeof more, ",\"mrservicetd\":[\"%s\"]", field_hex(&scene, 600, 48, hex));
    ck_assert_int_eq(appraise_mrtd(&scene, more, ""), ATTEST_TRUSTED);
    drop(&scene);
    set_scene(&scene, 4, 2); /* whose report cannot say */
    ck_assert_int_eq(appraise_mrtd(&scene, more, ""), ATTEST_ATTRIBUTES);
    drop(&scene);
}
END_TEST

START_TEST(an_enclave_is_judged_by_signer_product_and_version)
{
    struct scene scene;
    char signer[65], members[512];
    set_scene(&scene, 3, 1);
    field_hex(&scene, 128, 32, signer);
    static const struct {
        const char *more;
        enum attest_reason reason;
    } rows[] = {{"", ATTEST_TRUSTED},
                {",\"isvprodid\":[8738]", ATTEST_TRUSTED},
                {",\"isvprodid\":[1,8738]", ATTEST_TRUSTED},
                {",\"isvprodid\":[8739]", ATTEST_MEASUREMENT_NOT_LISTED},
                {",\"isvsvn_min\":8737", ATTEST_TRUSTED},
                {",\"isvsvn_min\":8738", ATTEST_TRUSTED},
                {",\"isvsvn_min\":8739", ATTEST_MEASUREMENT_NOT_LISTED},
                {",\"attributes\":[\"05000000000000000000000000000000\"]", ATTEST_TRUSTED},
                {",\"attributes\":[\"04000000000000000000000000000000\"]", ATTEST_ATTRIBUTES},
                {",\"attributes\":[\"04000000000000000000000000000000\"],"
                 "\"attributes_mask\":\"fe000000000000000000000000000000\"",
                 ATTEST_TRUSTED}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
        snprintf(members, sizeof members, "\"tee\":\"sgx\",\"mrsigner\":[\"%s\"]%s", signer,
                 rows[i].more);
        ck_assert_int_eq(appraise_entry(&scene, members, ""), rows[i].reason);
    }
    drop(&scene);
}
END_TEST

START_TEST(the_status_must_be_accepted)
{
    struct scene scene;
    set_scene(&scene, 4, 2);
    static const unsigned flags[] = {TCB_SW_HARDENING, TCB_CONFIGURATION,
                                     TCB_OUT_OF_DATE,  TCB_REVOKED,
                                     TCB_RELAUNCH,     TCB_RELAUNCH | TCB_CONFIGURATION};
    for (size_t i = 0; i < sizeof flags / sizeof *flags; ++i) {
        char rest[128];
        scene.findings.standing.flags = flags[i];
        ck_assert_int_eq(appraise_mrtd(&scene, "", ""), ATTEST_TCB_NOT_ACCEPTED);
        snprintf(rest, sizeof rest, ",\"tcb\":{\"accepted_status\":[\"%s\"]}",
                 av_tcb_status_word(flags[i]));
        ck_assert_int_eq(appraise_mrtd(&scene, "", rest), ATTEST_TRUSTED);
        scene.findings.standing.flags = 0;
        ck_assert_int_eq(appraise_mrtd(&scene, "", rest), ATTEST_TCB_NOT_ACCEPTED);
    }
    drop(&scene);
}
END_TEST

START_TEST(dates_numbers_ages_and_advisories_hold_at_their_limits)
{
    static const struct {
        const char *tcb;
        enum attest_reason reason;
    } rows[] = {
        {"\"min_tcb_date\":\"2024-03-13\"", ATTEST_TRUSTED},
        {"\"min_tcb_date\":\"2024-03-13T00:00:01Z\"", ATTEST_TCB_TOO_OLD},
        {"\"min_evaluation_number\":17", ATTEST_TRUSTED},
        {"\"min_evaluation_number\":18", ATTEST_EVALUATION_TOO_OLD},
        {"\"max_collateral_age_s\":1000", ATTEST_TRUSTED},
        {"\"max_collateral_age_s\":999", ATTEST_COLLATERAL_TOO_OLD},
        {"\"advisories_denied\":[\"INTEL-SA-00002\"]", ATTEST_TRUSTED},
        {"\"advisories_denied\":[\"INTEL-SA-00002\",\"INTEL-SA-00001\"]", ATTEST_ADVISORY_DENIED}};
    struct scene scene;
    set_scene(&scene, 4, 2);
    scene.findings.standing.advisories[0] = "INTEL-SA-00001";
    scene.findings.standing.advisory_count = 1;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
        char rest[256];
        snprintf(rest, sizeof rest, ",\"tcb\":{%s}", rows[i].tcb);
        ck_assert_int_eq(appraise_mrtd(&scene, "", rest), rows[i].reason);
    }
    drop(&scene);
}
END_TEST

START_TEST(a_trusted_verdict_ends_when_its_collateral_is_too_old)
{
    struct scene scene;
    set_scene(&scene, 4, 2);
    ck_assert_int_eq(appraise_mrtd(&scene, "", ",\"tcb\":{\"max_collateral_age_s\":2000}"),
                     ATTEST_TRUSTED);
    ck_assert_int_eq(scene.verdict.expires, ISSUED + 2000);
    drop(&scene);
}
END_TEST

START_TEST(the_platform_must_be_one_of_those_listed)
{
    uint8_t digest[32];
    char hex[65], rest[512];
    struct scene scene;
    set_scene(&scene, 4, 2);
    struct pck *pck = &scene.findings.pck;
    memset(pck->fmspc, 0xab, 6);
    memset(pck->ppid, 0xcd, 16);
    memset(pck->piid, 0xef, 16);
    struct attest_bytes ppid = {.ptr = pck->ppid, .len = 16}, none = {NULL, 0};
    ck_assert(av_sha256(ppid, none, digest));
    av_hex_encode(digest, 32, hex);
    ck_assert_int_eq(appraise_mrtd(&scene, "", ",\"platform\":{\"fmspc\":[\"abababababab\"]}"),
                     ATTEST_TRUSTED);
    ck_assert_int_eq(appraise_mrtd(&scene, "", ",\"platform\":{\"fmspc\":[\"abababababaa\"]}"),
                     ATTEST_PLATFORM_NOT_LISTED);
    snprintf(rest, sizeof rest, ",\"platform\":{\"ppid_sha256\":[\"%s\"]}", hex);
    ck_assert_int_eq(appraise_mrtd(&scene, "", rest), ATTEST_TRUSTED);
    pck->ppid[15] ^= 1;
    ck_assert_int_eq(appraise_mrtd(&scene, "", rest), ATTEST_PLATFORM_NOT_LISTED);
    static const char piid[] = ",\"platform\":{\"piid\":[\"efefefefefefefefefefefefefefefef\"]}";
    ck_assert_int_eq(appraise_mrtd(&scene, "", piid), ATTEST_PLATFORM_NOT_LISTED);
    pck->has_piid = true;
    ck_assert_int_eq(appraise_mrtd(&scene, "", piid), ATTEST_TRUSTED);
    drop(&scene);
}
END_TEST

START_TEST(a_list_of_chips_alone_is_no_platform_of_intels)
{
    char rest[512], chip[129];
    struct scene scene;
    set_scene(&scene, 4, 2);
    memset(chip, 'a', 128);
    chip[128] = '\0';
    snprintf(rest, sizeof rest, ",\"platform\":{\"chip_id\":[\"%s\"]}", chip);
    ck_assert_int_eq(appraise_mrtd(&scene, "", rest), ATTEST_PLATFORM_NOT_LISTED);
    drop(&scene);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {nobody_is_trusted_without_a_policy_or_by_an_empty_one,
                                  a_listed_measurement_is_accepted_and_another_is_not,
                                  an_entry_is_of_one_tee,
                                  debug_is_refused_unless_said_twice,
                                  every_other_attribute_of_a_td_must_be_listed,
                                  xfam_holds_what_is_needed_and_nothing_unknown,
                                  service_tds_must_be_listed,
                                  an_enclave_is_judged_by_signer_product_and_version,
                                  the_status_must_be_accepted,
                                  dates_numbers_ages_and_advisories_hold_at_their_limits,
                                  a_trusted_verdict_ends_when_its_collateral_is_too_old,
                                  the_platform_must_be_one_of_those_listed,
                                  a_list_of_chips_alone_is_no_platform_of_intels,
                                  NULL};
    return checks_run("appraise", tests);
}
