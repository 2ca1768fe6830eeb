/* Genuine SEV-SNP reports: every case of the shared vectors must give what it names, within exactly
 * the dates of its certificate, and no other report made from it by a flipped bit, a cut or a byte
 * too many may be trusted. One line a case. */
#include "attest_case.h"
#include "bytes/decoder.h"
#include "collateral/roots.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { REPORT_BYTES = 1184, FLIP_STRIDE = 7 };

/* Accepts any code of any age, as the vectors' own oracles did, and no debugging. */
static const char lenient[] =
    "{\"accept\":[{\"tee\":\"snp\",\"any_code\":true}],\"snp\":{\"crl\":\"optional\","
    "\"allow_masked_chip\":true,\"allow_missing_alias_check\":true,"
    "\"min_tcb\":{\"milan\":{\"snp\":0},\"genoa\":{\"snp\":0}}}}";
/* The same with debugging, for the cases that have it. */
static const char debugging[] =
    "{\"accept\":[{\"tee\":\"snp\",\"any_code\":true}],\"allow_debug\":true,"
    "\"insecure_testing\":true,\"snp\":{\"crl\":\"optional\",\"allow_masked_chip\":true,"
    "\"allow_missing_alias_check\":true,\"min_tcb\":{\"milan\":{\"snp\":0},\"genoa\":{\"snp\":0}}}}";
static const char with_list[] = "{\"accept\":[{\"tee\":\"snp\",\"any_code\":true}],"
                                "\"allow_debug\":true,\"insecure_testing\":true}";

struct snp_case {
    const char *name;
    uint8_t *report;
    size_t report_len;
    struct attest_snp_endorsements endorsements;
    cJSON *expected, *meta;
    const struct attest_policy *lenient, *debugging, *with_list;
    const struct attest_roots *roots;
    int64_t time;
    int mutations;
};

static struct attest_policy *policy_of(const char *text)
{
    char error[256];
    struct attest_bytes json = {.ptr = (const uint8_t *)text, .len = strlen(text)};
    struct attest_policy *policy = attest_policy_parse(json, error, sizeof error);
    if (policy == NULL)
        printf("%s\n", error);
    return policy;
}

static enum attest_reason judge(const struct snp_case *one, const struct attest_policy *policy,
                                int64_t now, struct attest_verdict *verdict)
{
    struct attest_request request = {.roots = one->roots, .policy = policy, .now = now};
    struct attest_bytes report = {.ptr = one->report, .len = one->report_len};
    attest_verify_report(&request, report, &one->endorsements, verdict);
    return verdict->reason;
}

static bool hex_is(const cJSON *report, const char *name, const uint8_t *bytes, size_t len)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(report, name));
    char own[2 * 64 + 1];
    for (size_t i = 0; i < len; ++i)
        snprintf(own + 2 * i, 3, "%02x", bytes[i]);
    return text != NULL && strcmp(text, own) == 0;
}

/* What the verdict shows is what the vectors' own decoder read. */
static const char *compare_fields(const struct attest_verdict *verdict, const cJSON *report)
{
    if (!hex_is(report, "report_data", verdict->report_data, 64))
        return "another report data";
    int compared = 0;
    for (size_t i = 0; i < verdict->measurement_count; ++i) {
        const struct attest_measurement *m = &verdict->measurements[i];
        const cJSON *item = cJSON_GetObjectItem(report, m->name);
        if (cJSON_IsString(item) && !hex_is(report, m->name, m->bytes, m->len))
            return m->name;
        uint64_t value = 0;
        for (size_t j = m->len < 8 ? m->len : 8; j > 0; --j)
            value = value << 8 | m->bytes[j - 1];
        if (cJSON_IsNumber(item) && (double)value != item->valuedouble)
            return m->name;
        compared += item != NULL;
    }
    return compared == 10 ? NULL : "fields are missing";
}

/* The leaf's dates belong to its time, and the verdict ends with them. */
static const char *compare_window(const struct snp_case *one)
{
    struct attest_verdict verdict;
    int64_t from = (int64_t)cJSON_GetNumberValue(cJSON_GetObjectItem(one->meta, "leaf_not_before"));
    int64_t to = (int64_t)cJSON_GetNumberValue(cJSON_GetObjectItem(one->meta, "leaf_not_after"));
    if (judge(one, one->debugging, from - 1, &verdict) != ATTEST_CHAIN_EXPIRED ||
        judge(one, one->debugging, to + 1, &verdict) != ATTEST_CHAIN_EXPIRED)
        return "trusted outside its dates";
    if (judge(one, one->debugging, from, &verdict) != ATTEST_TRUSTED ||
        judge(one, one->debugging, to, &verdict) != ATTEST_TRUSTED)
        return "refused within its dates";
    return verdict.expires == to ? NULL : "expires at another moment";
}

static const char *compare_mutations(struct snp_case *one)
{
    struct attest_verdict verdict;
    for (size_t i = strlen(one->name) % FLIP_STRIDE; i < one->report_len; i += FLIP_STRIDE) {
        uint8_t bit = (uint8_t)(1u << (i / FLIP_STRIDE) % 8);
        one->report[i] ^= bit;
        enum attest_reason reason = judge(one, one->debugging, one->time, &verdict);
        one->report[i] ^= bit;
        ++one->mutations;
        if (reason == ATTEST_TRUSTED)
            return "trusted with a bit flipped";
    }
    static const size_t lengths[] = {
        0, 1, 4, 0x50, 0x29f, 0x2a0, 0x2e8, 0x330, 0x49f, 0x4a1, REPORT_BYTES + 16};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; ++i) {
        one->report_len = lengths[i]; /* attest_vector_read() has room for more */
        enum attest_reason reason = judge(one, one->debugging, one->time, &verdict);
        one->report_len = REPORT_BYTES;
        ++one->mutations;
        if (reason != ATTEST_REPORT_MALFORMED)
            return "taken at another length";
    }
    return NULL;
}

static const char *compare(struct snp_case *one, struct attest_verdict *verdict)
{
    const char *word = cJSON_GetStringValue(cJSON_GetObjectItem(one->expected, "expected"));
    const cJSON *report = cJSON_GetObjectItem(one->expected, "report");
    enum attest_reason reason = judge(one, one->lenient, one->time, verdict);
    if (one->endorsements.leaf.len == 0)
        return reason == ATTEST_COLLATERAL_MISSING ? NULL : "taken without a leaf";
    if (strncmp(word, "signature OK", strlen("signature OK")) != 0)
        return "an expectation that this program does not know";
    bool debug = cJSON_GetNumberValue(cJSON_GetObjectItem(report, "debug")) != 0;
    if (reason != (debug ? ATTEST_DEBUG : ATTEST_TRUSTED))
        return debug ? "debug was not refused" : "refused";
    const char *wrong = compare_fields(verdict, report);
    if (wrong == NULL)
        wrong = compare_window(one);
    struct attest_verdict other;
    if (wrong == NULL && judge(one, one->with_list, one->time, &other) != ATTEST_CRL_MISSING)
        wrong = "trusted without a revocation list";
    if (wrong == NULL && judge(one, NULL, one->time, &other) != ATTEST_POLICY_MISSING)
        wrong = "judged without a policy";
    return wrong != NULL ? wrong : compare_mutations(one);
}

/* AMD's roots are known by their digests as certificates that signed themselves: they did. */
static const char *compare_root(const struct snp_case *one)
{
    X509 *ark = av_decode_certificate(NULL, one->endorsements.ark);
    const char *wrong = ark == NULL                                    ? "no ARK"
                        : !av_roots_know(one->roots, ark)              ? "an unknown root"
                        : X509_verify(ark, X509_get0_pubkey(ark)) != 1 ? "a root unsigned by itself"
                                                                       : NULL;
    X509_free(ark);
    return wrong;
}

static struct attest_bytes read_optional(const char *folder, const char *name)
{
    char path[4096];
    struct attest_bytes bytes = {NULL, 0};
    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (access(path, F_OK) == 0)
        bytes.ptr = attest_vector_read(folder, name, &bytes.len);
    return bytes;
}

static bool run(struct snp_case *one, const char *folder)
{
    char path[4096];
    struct attest_verdict verdict;
    snprintf(path, sizeof path, "%s/%s", folder, one->name);
    one->report = attest_vector_read(path, "report.bin", &one->report_len);
    one->expected = attest_vector_read_json(path, "expected.json");
    one->meta = attest_vector_read_json(path, "meta.json");
    one->endorsements = (struct attest_snp_endorsements){.leaf = read_optional(path, "leaf.der"),
                                                         .ica = read_optional(path, "ica.der"),
                                                         .ark = read_optional(path, "ark.der"),
                                                         .crl = read_optional(path, "crl.der")};
    one->time = (int64_t)cJSON_GetNumberValue(cJSON_GetObjectItem(one->expected, "verify_time"));
    const char *wrong = compare(one, &verdict);
    if (wrong == NULL && one->endorsements.ark.len > 0)
        wrong = compare_root(one);
    printf("%s %s: %s, %d mutations%s%s\n", wrong == NULL ? "ok " : "BAD", one->name,
           attest_reason_word(verdict.reason), one->mutations, wrong == NULL ? "" : ": ",
           wrong == NULL ? "" : wrong);
    free(one->report);
    free((void *)one->endorsements.leaf.ptr);
    free((void *)one->endorsements.ica.ptr);
    free((void *)one->endorsements.ark.ptr);
    free((void *)one->endorsements.crl.ptr);
    cJSON_Delete(one->expected);
    cJSON_Delete(one->meta);
    return wrong == NULL;
}

int main(void)
{
    char path[4096], folder[4200];
    if (attest_vectors_folder(path, sizeof path, "attest_snp") == NULL)
        return EXIT_SUCCESS;
    snprintf(folder, sizeof folder, "%s/snp", path);
    struct dirent **names = NULL;
    int count = scandir(folder, &names, NULL, alphasort), ran = 0, wrong = 0;
    struct attest_policy *policies[] = {policy_of(lenient), policy_of(debugging),
                                        policy_of(with_list)};
    struct attest_roots *roots = attest_roots_builtin();
    for (int i = 0; i < count; ++i) {
        struct snp_case one = {.name = names[i]->d_name,
                               .lenient = policies[0],
                               .debugging = policies[1],
                               .with_list = policies[2],
                               .roots = roots};
        if (names[i]->d_name[0] != '.') {
            ++ran;
            wrong += !run(&one, folder);
        }
        free(names[i]);
    }
    free(names);
    for (size_t i = 0; i < sizeof policies / sizeof *policies; ++i)
        attest_policy_free(policies[i]);
    attest_roots_free(roots);
    printf("attest_snp: %d cases compared, %d wrong\n", ran, wrong);
    return ran > 0 && wrong == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
