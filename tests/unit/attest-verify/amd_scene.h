/* One verification of a certificate that carries a SEV-SNP report, under a simulated AMD; a test
 * may spoil any part. Owns the keys from amd_vendors_init() on; certificates, documents and lists
 * are made anew for each judgement. Never spoils anything by itself: a scene as amd_scene_set()
 * leaves it is trusted. */
#ifndef AMD_SCENE_H
#define AMD_SCENE_H

#include "simulate/simulate_amd.h"
#include "simulate/simulate_pki.h"

#include "../checks.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

enum { NOW = 1790000000, DAY = 86400, ASK_END = NOW + 500 * DAY };

/* Made once: RSA takes its time, and a test that has its own process inherits them. */
static struct simulate_amd amds[SIMULATE_PRODUCTS], other_amd;
static EVP_PKEY *worker_key, *other_key;

static inline void amd_vendors_init(void)
{
    for (int i = 0; i < SIMULATE_PRODUCTS; ++i)
        simulate_amd_init(
            &amds[i], &(struct simulate_amd_options){
                          .product = i, .now = NOW, .ask_not_after = ASK_END, .rsa_bits = 2048});
    simulate_amd_init(&other_amd, &(struct simulate_amd_options){.now = NOW, .rsa_bits = 2048});
    worker_key = simulate_key_new();
    other_key = simulate_key_new();
}

static inline void amd_vendors_fini(void)
{
    for (int i = 0; i < SIMULATE_PRODUCTS; ++i)
        simulate_amd_fini(&amds[i]);
    simulate_amd_fini(&other_amd);
    EVP_PKEY_free(worker_key);
    EVP_PKEY_free(other_key);
}

/* A further document beside the worker's own. */
struct amd_document {
    bool is_there, with_leaf, other_vendor, no_list;
    struct simulate_list_options list;
};

struct amd_scene {
    enum simulate_product product;
    enum simulate_convention convention;
    enum simulate_certs certs; /* that the envelope brings */
    struct simulate_chip chip; /* of the certificate */
    struct simulate_report_options report;
    bool bind_other_key;
    uint8_t flip_report_data, flip_host_data; /* after the binding, before the signature */
    size_t flip_signed;                       /* a byte of the report, after the signature */
    bool bring_other_vendor;                  /* what is brought is of another ARK */
    struct amd_document documents[2];         /* [0] has the leaf unless told otherwise */
    struct attest_seen seen;                  /* tee ATTEST_TEE_NONE: nothing was */
    const char *policy;                       /* NULL: the good runtime and nothing else */
    int64_t now;
    struct attest_verdict verdict;
    struct attest_explanation explanation;
};

static inline void amd_scene_set(struct amd_scene *scene, enum simulate_product product, bool vlek)
{
    memset(scene, 0, sizeof *scene);
    scene->product = product;
    scene->convention = SIMULATE_DICE;
    scene->chip = simulate_chip_default(product, "worker", NOW);
    scene->chip.vlek = vlek;
    scene->report = simulate_report_default(&scene->chip);
    scene->documents[0] = (struct amd_document){
        .is_there = true, .with_leaf = true, .list = {NOW - DAY, NOW + 29 * DAY, false, false}};
    scene->now = NOW;
}

static inline struct attest_bytes amd_bytes(const struct simulate_bytes *bytes)
{
    return (struct attest_bytes){.ptr = bytes->ptr, .len = bytes->len};
}

static inline struct attest_policy *amd_policy(const struct amd_scene *scene)
{
    char error[256];
    uint8_t digest[48];
    struct simulate_bytes text = {0};
    static const char runtime[] = "teegate simulated agent runtime";
    SHA384((const uint8_t *)runtime, sizeof runtime - 1, digest);
    if (scene->policy != NULL) {
        simulate_put(&text, scene->policy, strlen(scene->policy));
    } else {
        simulate_put_text(&text, "{\"accept\":[{\"tee\":\"snp\",\"measurement\":[\"");
        simulate_put_hex(&text, digest, sizeof digest);
        simulate_put_text(&text, "\"]}]}");
    }
    struct attest_policy *policy = attest_policy_parse(amd_bytes(&text), error, sizeof error);
    ck_assert_msg(policy != NULL, "%s", error);
    simulate_bytes_fini(&text);
    return policy;
}

static inline struct attest_roots *amd_roots(void)
{
    char error[128];
    struct simulate_bytes pem = {0};
    for (int i = 0; i < SIMULATE_PRODUCTS; ++i)
        simulate_put_pem(&pem, amds[i].ark.cert);
    struct attest_roots *roots = attest_roots_from_pem(amd_bytes(&pem), error, sizeof error);
    ck_assert_msg(roots != NULL, "%s", error);
    simulate_bytes_fini(&pem);
    return roots;
}

static inline struct attest_collateral *amd_collateral(const struct amd_scene *scene,
                                                       const struct amd_document *one,
                                                       const struct simulate_identity *leaf)
{
    char error[256];
    const struct simulate_amd *amd = one->other_vendor ? &other_amd : &amds[scene->product];
    X509_CRL *crl = one->no_list ? NULL : simulate_amd_crl(amd, &one->list);
    struct simulate_bytes text =
        simulate_amd_document(amd, scene->report.vlek, one->with_leaf ? leaf->cert : NULL, crl);
    struct attest_collateral *parsed =
        attest_collateral_parse(amd_bytes(&text), error, sizeof error);
    ck_assert_msg(parsed != NULL, "%s", error);
    simulate_bytes_fini(&text);
    X509_CRL_free(crl);
    return parsed;
}

static inline struct simulate_bytes amd_report(const struct amd_scene *scene,
                                               const struct simulate_identity *leaf,
                                               struct simulate_bytes *claims)
{
    struct simulate_report_options options = scene->report;
    simulate_bind_report(scene->convention, scene->bind_other_key ? other_key : worker_key,
                         &options, claims);
    options.report_data[63] ^= scene->flip_report_data;
    options.host_data[0] ^= scene->flip_host_data;
    struct simulate_bytes report = simulate_report(leaf, &options);
    if (scene->flip_signed != 0)
        report.ptr[scene->flip_signed] ^= 1;
    return report;
}

static inline struct simulate_bytes amd_certificate(const struct amd_scene *scene,
                                                    const struct simulate_identity *leaf)
{
    const struct simulate_amd *amd = scene->bring_other_vendor ? &other_amd : &amds[scene->product];
    struct simulate_bytes claims = {0}, out = {0}, report = amd_report(scene, leaf, &claims);
    struct simulate_report_evidence evidence = {
        .certs = scene->certs,
        .leaf = leaf->cert,
        .ica = scene->chip.vlek != scene->chip.under_other ? amd->asvk.cert : amd->ask.cert,
        .ark = amd->ark.cert};
    X509 *cert = simulate_certificate(
        worker_key, &(struct simulate_certificate_options){.name = "worker",
                                                           .not_before = NOW - 9 * DAY,
                                                           .not_after = NOW + 900 * DAY,
                                                           .convention = scene->convention,
                                                           .quote = &report,
                                                           .claims = &claims,
                                                           .report = &evidence});
    unsigned char *der = NULL;
    int len = i2d_X509(cert, &der);
    ck_assert_int_gt(len, 0);
    simulate_put(&out, der, (size_t)len);
    OPENSSL_free(der);
    X509_free(cert);
    simulate_bytes_fini(&claims);
    simulate_bytes_fini(&report);
    return out;
}

/* Judged before and after the documents are proven: no verdict depends on it. */
static inline enum attest_reason amd_judge(struct amd_scene *scene)
{
    struct simulate_identity leaf = simulate_chip_key(
        scene->bring_other_vendor ? &other_amd : &amds[scene->product], &scene->chip);
    struct simulate_bytes certificate = amd_certificate(scene, &leaf);
    struct attest_collateral *documents[2] = {NULL, NULL};
    size_t count = 0;
    for (size_t i = 0; i < 2; ++i)
        if (scene->documents[i].is_there)
            documents[count++] = amd_collateral(scene, &scene->documents[i], &leaf);
    struct attest_policy *policy = amd_policy(scene);
    struct attest_roots *roots = amd_roots();
    struct attest_request request = {.roots = roots,
                                     .collateral = (const struct attest_collateral **)documents,
                                     .collateral_count = count,
                                     .policy = policy,
                                     .now = scene->now,
                                     .seen = &scene->seen,
                                     .seen_count = scene->seen.tee != ATTEST_TEE_NONE,
                                     .explanation = &scene->explanation};
    struct attest_verdict unproven;
    attest_verify_certificate(&request, amd_bytes(&certificate), &unproven);
    for (size_t i = 0; i < count; ++i)
        attest_collateral_prove(documents[i]);
    attest_verify_certificate(&request, amd_bytes(&certificate), &scene->verdict);
    ck_assert_str_eq(attest_reason_word(scene->verdict.reason),
                     attest_reason_word(unproven.reason));
    ck_assert_str_eq(scene->verdict.detail, unproven.detail);
    ck_assert_int_eq(scene->verdict.expires, unproven.expires);
    for (size_t i = 0; i < count; ++i)
        attest_collateral_free(documents[i]);
    attest_policy_free(policy);
    attest_roots_free(roots);
    simulate_bytes_fini(&certificate);
    simulate_identity_fini(&leaf);
    return scene->verdict.reason;
}

#define amd_expect(scene, expected)                                                               \
    do {                                                                                          \
        enum attest_reason reason_ = amd_judge(scene);                                            \
        ck_assert_msg(reason_ == (expected), "%s instead of %s: %s", attest_reason_word(reason_), \
                      attest_reason_word(expected), (scene)->verdict.detail);                     \
    } while (0)

#endif
