/* TCB info and QE identity: the good documents, and each with one member changed. */
#include "collateral/tcb_document.h"

#include "../checks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD                                                                          \
    "\"issueDate\":\"2025-02-13T03:50:41Z\",\"nextUpdate\":\"2025-03-15T03:50:41Z\"," \
    "\"tcbEvaluationDataNumber\":17"
#define ONES "{\"svn\":1},{\"svn\":1},{\"svn\":1},{\"svn\":1},{\"svn\":1},"
#define SVNS "[" ONES ONES ONES "{\"svn\":7,\"category\":\"BIOS\"}]"
#define STATE \
    "\"tcbDate\":\"2024-03-13T00:00:00Z\",\"tcbStatus\":\"OutOfDate\",\"advisoryIDs\":[\"INTEL-SA-00615\"]"
#define SVN_LEVELS                                                               \
    "\"tcbLevels\":[{\"tcb\":{\"isvsvn\":2}," STATE "},{\"tcb\":{\"isvsvn\":4}," \
    "\"tcbDate\":\"2024-11-13T00:00:00Z\",\"tcbStatus\":\"UpToDate\"}]"
#define ZERO48 \
    "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
#define MODULE               \
    "\"mrsigner\":\"" ZERO48 \
    "\",\"attributes\":\"0000000000000000\",\"attributesMask\":\"FFFFFFFFFFFFFFFF\""

static const char sgx_info[] =
    "{\"id\":\"SGX\",\"version\":3," HEAD
    ",\"fmspc\":\"00806F050000\",\"pceId\":\"0001\",\"tcbType\":0,"
    "\"tcbLevels\":[{\"tcb\":{\"sgxtcbcomponents\":" SVNS ",\"pcesvn\":11}," STATE "}]}";
static const char tdx_info[] =
    "{\"id\":\"TDX\",\"version\":3," HEAD
    ",\"fmspc\":\"00806f050000\",\"pceId\":\"0000\",\"tcbType\":0,"
    "\"tdxModule\":{" MODULE "},\"tdxModuleIdentities\":[{\"id\":\"TDX_01\"," MODULE "," SVN_LEVELS
    "},"
    "{\"id\":\"TDX_1f\"," MODULE "," SVN_LEVELS "}],"
    "\"tcbLevels\":[{\"tcb\":{\"sgxtcbcomponents\":" SVNS
    ",\"pcesvn\":11,\"tdxtcbcomponents\":" SVNS "}," STATE "}]}";
static const char qe_identity[] =
    "{\"id\":\"TD_QE\",\"version\":2," HEAD
    ",\"miscselect\":\"00000000\",\"miscselectMask\":\"FFFFFFFF\","
    "\"attributes\":\"11000000000000000000000000000000\",\"attributesMask\":\"FBFFFFFFFFFFFFFF0000000000000000\","
    "\"mrsigner\":\"00000000000000000000000000000000000000000000000000000000000000AB\",\"isvprodid\":2," SVN_LEVELS
    "}";

static cJSON *parse(const char *text)
{
    char error[128];
    struct attest_bytes bytes = {.ptr = (const uint8_t *)text, .len = strlen(text)};
    return av_json_parse(bytes, TCB_DOCUMENT_BYTES_MAX, error, sizeof error);
}

static bool info_parses(const char *text)
{
    struct tcb_document document;
    const char *error;
    cJSON *json = parse(text);
    bool ok = json != NULL && av_tcb_document_parse(json, &document, &error);
    if (json != NULL)
        av_tcb_document_fini(&document);
    cJSON_Delete(json);
    return ok;
}

static bool identity_parses(const char *text)
{
    struct qe_document document;
    const char *error;
    cJSON *json = parse(text);
    bool ok = json != NULL && av_qe_document_parse(json, &document, &error);
    if (json != NULL)
        av_qe_document_fini(&document);
    cJSON_Delete(json);
    return ok;
}

/* The text with the first `from` replaced, which must be there. */
static char *replace(const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    ck_assert_msg(at != NULL, "%s", from);
    size_t size = strlen(text) + strlen(to) + 1;
    char *out = malloc(size);
    ck_assert_ptr_nonnull(out);
    snprintf(out, size, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    return out;
}

struct change {
    const char *from, *to;
};

static void refuse_all(const char *text, bool (*parses)(const char *), const struct change *changes,
                       size_t count)
{
    ck_assert(parses(text));
    for (size_t i = 0; i < count; ++i) {
        char *changed = replace(text, changes[i].from, changes[i].to);
        ck_assert_msg(!parses(changed), "%s -> %s", changes[i].from, changes[i].to);
        free(changed);
    }
}

#define REFUSE_ALL(text, parses, changes) \
    refuse_all(text, parses, changes, sizeof changes / sizeof *changes)

START_TEST(a_tdx_document_is_read_whole)
{
    struct tcb_document document;
    const char *error;
    cJSON *json = parse(tdx_info);
    ck_assert(av_tcb_document_parse(json, &document, &error));
    ck_assert_int_eq(document.head.tee, ATTEST_TEE_TDX);
    ck_assert_int_eq(document.head.issued, 1739418641);
    ck_assert_uint_eq(document.head.evaluation, 17);
    ck_assert_uint_eq(document.fmspc[1], 0x80);
    ck_assert_uint_eq(document.levels[0].sgx[15], 7);
    ck_assert_uint_eq(document.levels[0].tdx[14], 1);
    ck_assert_uint_eq(document.levels[0].pcesvn, 11);
    ck_assert_uint_eq(document.levels[0].standing.flags, TCB_OUT_OF_DATE);
    ck_assert_str_eq(document.levels[0].standing.advisories[0], "INTEL-SA-00615");
    ck_assert_uint_eq(document.module_count, 2);
    ck_assert_uint_eq(document.modules[1].version, 0x1f);
    /* Served lowest first, matched highest first. */
    ck_assert_uint_eq(document.modules[0].levels.levels[0].isvsvn, 4);
    av_tcb_document_fini(&document);
    cJSON_Delete(json);
}
END_TEST

START_TEST(tcb_info_with_one_thing_wrong_is_refused)
{
    static const struct change changes[] = {
        {"\"id\":\"SGX\"", "\"id\":\"sgx\""},
        {"\"id\":\"SGX\",", ""},
        {"\"version\":3", "\"version\":2"},
        {"\"version\":3", "\"version\":4"},
        {"\"version\":3", "\"version\":\"3\""},
        {"2025-02-13T03:50:41Z", "2025-02-13T03:50:41"},
        {"\"nextUpdate\"", "\"NextUpdate\""},
        {":17", ":-1"},
        {":17", ":\"17\""},
        {"00806F050000", "00806F0500"},
        {"\"0001\"", "\"01\""},
        {"\"tcbType\":0", "\"tcbType\":1"},
        {"\"tcbType\":0,", ""},
        {"\"tcbLevels\":[{", "\"tcbLevels\":[1,{"},
        {"\"tcbLevels\"", "\"TcbLevels\""},
        {"{\"svn\":1},", ""},
        {"{\"svn\":1},", "{\"svn\":1},{\"svn\":1},"},
        {"{\"svn\":1}", "{\"svn\":256}"},
        {"{\"svn\":1}", "{\"svn\":-1}"},
        {"{\"svn\":1}", "1"},
        {"{\"svn\":1}", "[]"},
        {"{\"svn\":1}", "null"},
        {"\"pcesvn\":11", "\"pcesvn\":65536"},
        {"\"pcesvn\":11", "\"pcesvn\":\"11\""},
        {"\"OutOfDate\"", "\"outofdate\""},
        {"\"OutOfDate\"", "\"\""},
        {"\"OutOfDate\"", "\"Foo\""},
        {"\"OutOfDate\"", "\"TDRelaunchAdvised\""},
        {"\"tcbStatus\":\"OutOfDate\",", ""},
        {"2024-03-13T00:00:00Z", "2024-03-13"},
        {"[\"INTEL-SA-00615\"]", "\"INTEL-SA-00615\""},
        {"[\"INTEL-SA-00615\"]", "[615]"},
        {"INTEL-SA-00615", "INTEL SA 00615"},
        {"INTEL-SA-00615", "INTEL-SA-0061500000000000"},
        {"INTEL-SA-00615", ""},
    };
    REFUSE_ALL(sgx_info, info_parses, changes);
}
END_TEST

START_TEST(tdx_info_with_one_thing_wrong_is_refused)
{
    static const struct change changes[] = {
        {",\"tdxtcbcomponents\":" SVNS, ""},
        {"\"tdxtcbcomponents\"", "\"sgxtcbcomponents\""},
        {"\"tdxModule\":{", "\"tdxModules\":{"},
        {"\"tdxModule\":{" MODULE "}", "\"tdxModule\":[]"},
        {"\"tdxModuleIdentities\":[", "\"tdxModuleIdentities\":[null,"},
        {"\"tdxModuleIdentities\":[", "\"tdxModuleIdentities\":[\"TDX_02\","},
        {"TDX_01", "TDX_1"},
        {"TDX_01", "TDX_001"},
        {"TDX_01", "XDT_01"},
        {"TDX_01", "TDX_1F"},
        {"\"isvsvn\":2", "\"isvsvn\":256"},
        {"\"isvsvn\":2", "\"isvsvn\":2.0"},
        {"{\"isvsvn\":2}", "2"},
        {"0000000000000000\",\"attributesMask", "00000000\",\"attributesMask"},
    };
    REFUSE_ALL(tdx_info, info_parses, changes);
}
END_TEST

START_TEST(an_identity_with_one_thing_wrong_is_refused)
{
    static const struct change changes[] = {
        {"TD_QE", "QVE"},
        {"TD_QE", "td_qe"},
        {"\"version\":2", "\"version\":1"},
        {"\"version\":2", "\"version\":3"},
        {"\"miscselect\":\"00000000\"", "\"miscselect\":\"000000\""},
        {"\"miscselectMask\"", "\"miscselectmask\""},
        {"\"attributes\":\"11", "\"attributes\":\"1g"},
        {"FBFFFFFFFFFFFFFF0000000000000000", "FBFFFFFFFFFFFFFF"},
        {"AB\",", "\","},
        {"\"isvprodid\":2", "\"isvprodid\":65536"},
        {"\"isvprodid\":2,", ""},
        {SVN_LEVELS, "\"tcbLevels\":[]"},
        {SVN_LEVELS, "\"tcbLevels\":{}"},
        {"\"isvsvn\":2", "\"isvsvn\":65536"},
        {HEAD ",", ""},
    };
    REFUSE_ALL(qe_identity, identity_parses, changes);
}
END_TEST

START_TEST(version_two_of_tcb_info_is_of_sgx_alone)
{
    char text[2048];
    size_t len =
        (size_t)snprintf(text, sizeof text,
                         "{\"version\":2," HEAD ",\"fmspc\":\"00906ED50000\",\"pceId\":\"0000\","
                         "\"tcbType\":0,\"tcbLevels\":[{\"tcb\":{\"pcesvn\":11");
    for (int i = 1; i <= 16; ++i)
        len += (size_t)snprintf(text + len, sizeof text - len, ",\"sgxtcbcomp%02dsvn\":%d", i, i);
    snprintf(text + len, sizeof text - len, "}," STATE "}]}");
    ck_assert(info_parses(text));
    static const struct change changes[] = {{"\"version\":2", "\"id\":\"TDX\",\"version\":2"},
                                            {"\"version\":2", "\"id\":\"SGX\",\"version\":2"},
                                            {"sgxtcbcomp16svn", "sgxtcbcomp17svn"},
                                            {"sgxtcbcomp01svn\":1", "sgxtcbcomp01svn\":256"}};
    REFUSE_ALL(text, info_parses, changes);
}
END_TEST

START_TEST(levels_are_sorted_before_they_are_matched)
{
    char *text =
        replace(sgx_info, "\"tcbLevels\":[",
                "\"tcbLevels\":[{\"tcb\":{\"sgxtcbcomponents\":" SVNS ",\"pcesvn\":5}," STATE "},");
    struct tcb_document document;
    const char *error;
    cJSON *json = parse(text);
    ck_assert(av_tcb_document_parse(json, &document, &error));
    ck_assert_uint_eq(document.level_count, 2);
    ck_assert_uint_eq(document.levels[0].pcesvn, 11);
    ck_assert_uint_eq(document.levels[1].pcesvn, 5);
    av_tcb_document_fini(&document);
    cJSON_Delete(json);
    free(text);
}
END_TEST

START_TEST(every_status_has_one_word)
{
    static const char *const words[] = {"UpToDate",
                                        "SWHardeningNeeded",
                                        "ConfigurationNeeded",
                                        "ConfigurationAndSWHardeningNeeded",
                                        "OutOfDate",
                                        "OutOfDateConfigurationNeeded",
                                        "Revoked",
                                        "TDRelaunchAdvised",
                                        "TDRelaunchAdvisedConfigurationNeeded"};
    for (size_t i = 0; i < sizeof words / sizeof *words; ++i) {
        unsigned flags;
        ck_assert(av_tcb_status_parse(words[i], &flags));
        ck_assert_str_eq(av_tcb_status_word(flags), words[i]);
    }
    unsigned flags;
    ck_assert(!av_tcb_status_parse("uptodate", &flags));
    ck_assert_ptr_null(av_tcb_status_word(TCB_REVOKED | TCB_OUT_OF_DATE));
}
END_TEST

START_TEST(a_collateral_document_says_which_member_is_wrong)
{
    static const struct {
        const char *text, *naming;
    } rows[] = {{"{}", "pck_crl_issuer_chain"},
                {"[]", "object"},
                {"{\"pck_crl_issuer_chain\":1}", "pck_crl_issuer_chain"},
                {"{\"pck_crl_issuer_chain\":\"\"}", "pck_crl_issuer_chain"},
                {"{\"a\":1,\"a\":1}", "twice"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
        char error[256] = "";
        struct attest_bytes json = {.ptr = (const uint8_t *)rows[i].text,
                                    .len = strlen(rows[i].text)};
        ck_assert_ptr_null(attest_collateral_parse(json, error, sizeof error));
        ck_assert_msg(strstr(error, rows[i].naming) != NULL, "%s", error);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_tdx_document_is_read_whole,
                                  tcb_info_with_one_thing_wrong_is_refused,
                                  tdx_info_with_one_thing_wrong_is_refused,
                                  an_identity_with_one_thing_wrong_is_refused,
                                  version_two_of_tcb_info_is_of_sgx_alone,
                                  levels_are_sorted_before_they_are_matched,
                                  every_status_has_one_word,
                                  a_collateral_document_says_which_member_is_wrong,
                                  NULL};
    return checks_run("tcb_document", tests);
}
