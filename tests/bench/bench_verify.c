/* What a verification costs on one core, by CPU time: cold (collateral parsed and everything
 * checked), parsed (collateral parsed before, everything checked) and warm (collateral proven
 * before). Evidence is simulated, with as many certificates, lists and signatures as genuine
 * evidence; and, where the shared vectors are, a genuine TDX quote with Intel's documents and a
 * genuine SEV-SNP report with AMD's certificates. The states of a row are measured in turns, so
 * that what else the machine does disturbs them alike; the figure is the median. */
#include "conformance/attest_case.h"
#include "simulate/simulate.h"

#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { NOW = 1750000000, DAY = 86400, BATCHES = 31, BATCH_NS = 20 * 1000 * 1000 };

struct scene {
    const char *name;
    enum attest_tee tee;
    bool in_certificate;
    struct simulate_bytes collateral, policy, root, quote, certificate;
    struct attest_roots *roots;
    struct attest_policy *parsed_policy;
    struct attest_collateral *parsed, *proven;
    int64_t now;
};

/* One way to verify, and what each batch of it took. */
struct state {
    const char *name;
    void (*once)(const struct scene *);
    double us[BATCHES];
};

static struct attest_bytes bytes_of(const struct simulate_bytes *bytes)
{
    return (struct attest_bytes){.ptr = bytes->ptr, .len = bytes->len};
}

static void put_pem(struct simulate_bytes *out, X509 *certificate)
{
    char *pem;
    BIO *bio = BIO_new(BIO_s_mem());
    simulate_need(bio != NULL && PEM_write_bio_X509(bio, certificate) == 1);
    long len = BIO_get_mem_data(bio, &pem);
    simulate_put(out, pem, (size_t)len);
    BIO_free(bio);
}

static void put_certificate(struct scene *scene, const struct simulate_vendor *vendor,
                            const struct simulate_identity *pck)
{
    struct simulate_quote_options options = simulate_quote_default(scene->tee);
    struct simulate_bytes claims = {0};
    EVP_PKEY *key = EVP_EC_gen("P-256");
    simulate_need(key != NULL);
    simulate_bind_key(SIMULATE_DICE, key, &options, &claims);
    scene->quote = simulate_quote(vendor, pck, &options);
    struct simulate_certificate_options shape = {.name = "worker",
                                                 .not_before = NOW - DAY,
                                                 .not_after = NOW + DAY,
                                                 .convention = SIMULATE_DICE,
                                                 .quote = &scene->quote,
                                                 .claims = &claims};
    X509 *certificate = simulate_certificate(key, &shape);
    unsigned char *der = NULL;
    int len = i2d_X509(certificate, &der);
    simulate_need(len > 0);
    simulate_put(&scene->certificate, der, (size_t)len);
    OPENSSL_free(der);
    X509_free(certificate);
    EVP_PKEY_free(key);
    simulate_bytes_fini(&claims);
}

static struct attest_collateral *parse_collateral(const struct scene *scene)
{
    char error[256];
    struct attest_collateral *parsed = attest_collateral_parse_with(
        scene->roots, bytes_of(&scene->collateral), error, sizeof error);
    simulate_need(parsed != NULL);
    return parsed;
}

static void scene_init(struct scene *scene)
{
    char error[256];
    struct simulate_vendor vendor;
    struct simulate_vendor_options options = {.now = NOW};
    struct simulate_platform platform = simulate_platform_default("worker", NOW);
    simulate_vendor_init(&vendor, &options);
    struct simulate_identity pck = simulate_pck(&vendor, &platform);
    struct simulate_collateral_options documents =
        simulate_collateral_default(scene->tee, NOW - DAY, NOW + 29 * DAY);
    put_certificate(scene, &vendor, &pck);
    scene->collateral = simulate_collateral(&vendor, &documents);
    scene->policy = simulate_policy();
    put_pem(&scene->root, vendor.root.cert);
    scene->roots = attest_roots_from_pem(bytes_of(&scene->root), error, sizeof error);
    scene->parsed_policy = attest_policy_parse(bytes_of(&scene->policy), error, sizeof error);
    simulate_need(scene->roots != NULL && scene->parsed_policy != NULL);
    scene->parsed = parse_collateral(scene);
    scene->now = NOW;
    simulate_identity_fini(&pck);
    simulate_vendor_fini(&vendor);
}

static void scene_fini(struct scene *scene)
{
    attest_collateral_free(scene->parsed);
    attest_collateral_free(scene->proven);
    attest_policy_free(scene->parsed_policy);
    attest_roots_free(scene->roots);
    simulate_bytes_fini(&scene->certificate);
    simulate_bytes_fini(&scene->quote);
    simulate_bytes_fini(&scene->root);
    simulate_bytes_fini(&scene->policy);
    simulate_bytes_fini(&scene->collateral);
}

static void verify(const struct scene *scene, const struct attest_collateral *collateral)
{
    struct attest_verdict verdict;
    const struct attest_snp_endorsements none = {.leaf = {NULL, 0}};
    struct attest_request request = {.roots = scene->roots,
                                     .collateral = &collateral,
                                     .collateral_count = 1,
                                     .policy = scene->parsed_policy,
                                     .now = scene->now};
    if (scene->in_certificate)
        attest_verify_certificate(&request, bytes_of(&scene->certificate), &verdict);
    else if (scene->tee == ATTEST_TEE_SNP)
        attest_verify_report(&request, bytes_of(&scene->quote), &none, &verdict);
    else
        attest_verify_quote(&request, bytes_of(&scene->quote), &verdict);
    simulate_need(attest_is_trusted(&verdict));
}

static void verify_parsed(const struct scene *scene)
{
    verify(scene, scene->parsed);
}

static void verify_proven(const struct scene *scene)
{
    verify(scene, scene->proven);
}

static void verify_cold(const struct scene *scene)
{
    struct attest_collateral *collateral = parse_collateral(scene);
    verify(scene, collateral);
    attest_collateral_free(collateral);
}

static int64_t cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static double batch_us(const struct scene *scene, void (*once)(const struct scene *))
{
    int64_t start = cpu_ns(), spent;
    int runs = 0;
    do {
        once(scene);
        ++runs;
    } while ((spent = cpu_ns() - start) < BATCH_NS);
    return (double)spent / 1000 / runs;
}

static int compare(const void *a, const void *b)
{
    const double *left = a, *right = b;
    return (*left > *right) - (*left < *right);
}

static void measure_states(const struct scene *scene, struct state *states, size_t count)
{
    for (int batch = 0; batch < BATCHES; ++batch)
        for (size_t i = 0; i < count; ++i)
            states[i].us[batch] = batch_us(scene, states[i].once);
    for (size_t i = 0; i < count; ++i) {
        qsort(states[i].us, BATCHES, sizeof *states[i].us, compare);
        double us = states[i].us[BATCHES / 2];
        printf("%-16s %-7s %9.0f/s %9.1f us\n", scene->name, states[i].name, 1e6 / us, us);
    }
    fflush(stdout);
}

static void measure(struct scene *scene)
{
    struct state states[] = {
        {.name = "cold", .once = verify_cold},
        {.name = "parsed", .once = verify_parsed},
        {.name = "warm", .once = verify_proven},
    };
    scene->proven = parse_collateral(scene);
    simulate_need(attest_collateral_prove(scene->proven));
    measure_states(scene, states, sizeof states / sizeof *states);
    scene_fini(scene);
}

static void measure_genuine(const char *folder)
{
    static const char name[] = "tdxv4-b0c06f000000-f1c85033-e17-369f";
    struct scene scene = {.name = "genuine tdx", .roots = attest_roots_builtin()};
    struct attest_case one;
    char path[4096];
    size_t len;
    attest_case_open(&one, folder, name);
    snprintf(path, sizeof path, "%s/dcap/%s", folder, name);
    uint8_t *text = attest_vector_read(path, "collateral.json", &len);
    simulate_put(&scene.collateral, text, len);
    simulate_put(&scene.quote, one.quote, one.quote_len);
    scene.now = one.verify_time;
    scene.parsed_policy = attest_case_policy(true);
    scene.parsed = parse_collateral(&scene);
    measure(&scene);
    free(text);
    attest_case_close(&one);
}

/* The document that the gateway keeps of a chip; AMD's lists are not among the vectors. */
static void put_document(struct simulate_bytes *out, const char *path)
{
    static const char *const members[] = {"leaf", "ica", "ark"};
    cJSON *document = cJSON_CreateObject();
    cJSON_AddStringToObject(document, "tee", "snp");
    cJSON_AddStringToObject(document, "product", "Milan");
    for (size_t i = 0; i < sizeof members / sizeof *members; ++i) {
        char name[32];
        size_t len;
        struct simulate_bytes pem = {0};
        snprintf(name, sizeof name, "%s.der", members[i]);
        uint8_t *der = attest_vector_read(path, name, &len);
        const unsigned char *end = der;
        X509 *certificate = d2i_X509(NULL, &end, (long)len);
        simulate_need(certificate != NULL);
        put_pem(&pem, certificate);
        simulate_put(&pem, "", 1);
        cJSON_AddStringToObject(document, members[i], (const char *)pem.ptr);
        X509_free(certificate);
        simulate_bytes_fini(&pem);
        free(der);
    }
    char *text = cJSON_PrintUnformatted(document);
    simulate_put(out, text, strlen(text));
    cJSON_free(text);
    cJSON_Delete(document);
}

static void measure_genuine_report(const char *folder)
{
    static const char policy[] =
        "{\"accept\":[{\"tee\":\"snp\",\"any_code\":true}],\"snp\":{\"crl\":\"optional\","
        "\"allow_missing_alias_check\":true,\"min_tcb\":{\"milan\":{\"snp\":0}}}}";
    struct scene scene = {
        .name = "genuine snp", .roots = attest_roots_builtin(), .tee = ATTEST_TEE_SNP};
    struct attest_bytes policy_text = {.ptr = (const uint8_t *)policy, .len = sizeof policy - 1};
    char path[4096], error[256];
    size_t len;
    snprintf(path, sizeof path, "%s/snp/snpv2-milan-vcek-120d77b2", folder);
    uint8_t *report = attest_vector_read(path, "report.bin", &len);
    simulate_put(&scene.quote, report, len);
    put_document(&scene.collateral, path);
    cJSON *expected = attest_vector_read_json(path, "expected.json");
    scene.now = (int64_t)cJSON_GetNumberValue(cJSON_GetObjectItem(expected, "verify_time"));
    scene.parsed_policy = attest_policy_parse(policy_text, error, sizeof error);
    scene.parsed = parse_collateral(&scene);
    measure(&scene);
    cJSON_Delete(expected);
    free(report);
}

int main(void)
{
    char folder_path[2048];
    struct scene scenes[] = {
        {.name = "sgx quote", .tee = ATTEST_TEE_SGX},
        {.name = "tdx quote", .tee = ATTEST_TEE_TDX},
        {.name = "tdx certificate", .tee = ATTEST_TEE_TDX, .in_certificate = true}};
    for (size_t i = 0; i < sizeof scenes / sizeof *scenes; ++i) {
        scene_init(&scenes[i]);
        measure(&scenes[i]);
    }
    const char *folder = attest_vectors_folder(folder_path, sizeof folder_path, "genuine evidence");
    if (folder != NULL) {
        measure_genuine(folder);
        measure_genuine_report(folder);
    }
    return EXIT_SUCCESS;
}
