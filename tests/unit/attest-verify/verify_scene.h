/* One verification against a simulated vendor, each of whose ingredients a test may spoil.
 * Owns nothing beyond a call: vendor, collateral and policy are made anew for each.
 * Never spoils anything by itself: a scene as set_scene() leaves it is trusted. Every scene is
 * judged twice, with its collateral as parsed and proven: the verdict must be the same. */
#ifndef VERIFY_SCENE_H
#define VERIFY_SCENE_H

#include "simulate/simulate.h"

#include "../checks.h"

#include <openssl/pem.h>
#include <string.h>

enum { NOW = 1750000000, DAY = 86400 };

struct dstack_case; /* test_dstack.c */

/* What a certificate is made of; all zero is sound but for its convention. */
struct certificate_case {
    enum simulate_convention convention;
    bool other_key; /* the certificate has another key than the evidence binds */
    bool tail_byte; /* report data's second half is not zero */
    bool no_claims; /* the DICE claims are an empty map, whose digest matches */
    int64_t not_before, not_after;
    bool second_differs, second_broken; /* of two quotes in one certificate */
    bool no_dice, other_intel_quote;    /* of Intel's two extensions */
    bool elliptic_key;                  /* where the convention wants an RSA key */
    const struct dstack_case *dstack;
};

/* Everything one verification needs, before it is made; a row changes what it wants wrong. */
struct scene {
    struct simulate_vendor_options vendor;
    struct simulate_platform platform;
    struct simulate_quote_options quote;
    struct simulate_collateral_options collateral;
    bool foreign_roots;      /* trust another vendor's root */
    bool foreign_crl_vendor; /* collateral of another vendor */
    bool foreign_pck;        /* PCK certificate of another vendor */
    bool pck_revoked;
    int64_t now;
    const char *policy; /* NULL: the simulated vendor's own */
    struct certificate_case certificate;
    struct attest_verdict verdict;
};

static inline void set_scene(struct scene *scene, enum attest_tee tee)
{
    memset(scene, 0, sizeof *scene);
    scene->now = NOW;
    scene->vendor.now = NOW;
    scene->platform = simulate_platform_default("worker", NOW);
    scene->quote = simulate_quote_default(tee);
    scene->collateral = simulate_collateral_default(tee, NOW - DAY, NOW + 29 * DAY);
}

static inline struct attest_bytes bytes_of(const struct simulate_bytes *bytes)
{
    return (struct attest_bytes){.ptr = bytes->ptr, .len = bytes->len};
}

static inline struct attest_roots *roots_of(const struct simulate_vendor *vendor)
{
    char error[128];
    BIO *bio = BIO_new(BIO_s_mem());
    char *pem;
    ck_assert_int_eq(PEM_write_bio_X509(bio, vendor->root.cert), 1);
    long len = BIO_get_mem_data(bio, &pem);
    struct attest_roots *roots = attest_roots_from_pem(
        (struct attest_bytes){.ptr = (const uint8_t *)pem, .len = (size_t)len}, error,
        sizeof error);
    ck_assert_msg(roots != NULL, "%s", error);
    BIO_free(bio);
    return roots;
}

static inline struct attest_policy *policy_of(const struct scene *scene)
{
    char error[256];
    struct simulate_bytes text = {0};
    if (scene->policy != NULL)
        simulate_put(&text, scene->policy, strlen(scene->policy));
    else
        text = simulate_policy();
    struct attest_policy *policy = attest_policy_parse(bytes_of(&text), error, sizeof error);
    ck_assert_msg(policy != NULL, "%s", error);
    simulate_bytes_fini(&text);
    return policy;
}

static inline struct attest_collateral *collateral_of(const struct scene *scene,
                                                      const struct simulate_vendor *vendor,
                                                      const struct simulate_identity *pck)
{
    char error[256];
    struct simulate_collateral_options options = scene->collateral;
    STACK_OF(ASN1_INTEGER) *serials = sk_ASN1_INTEGER_new_null();
    sk_ASN1_INTEGER_push(serials, X509_get_serialNumber(pck->cert));
    if (scene->pck_revoked)
        options.revoked = serials;
    struct simulate_bytes text = simulate_collateral(vendor, &options);
    struct attest_collateral *collateral =
        attest_collateral_parse(bytes_of(&text), error, sizeof error);
    sk_ASN1_INTEGER_free(serials);
    simulate_bytes_fini(&text);
    return collateral;
}

/* What is verified: a bare quote, or `certificate_of` when given. */
typedef void judge_fn(struct scene *scene, const struct attest_request *request,
                      const struct simulate_vendor *vendor, const struct simulate_identity *pck);

static inline void judge_bare_quote(struct scene *scene, const struct attest_request *request,
                                    const struct simulate_vendor *vendor,
                                    const struct simulate_identity *pck)
{
    struct simulate_bytes quote = simulate_quote(vendor, pck, &scene->quote);
    attest_verify_quote(request, bytes_of(&quote), &scene->verdict);
    simulate_bytes_fini(&quote);
}

static inline enum attest_reason judge_with(struct scene *scene, judge_fn *judge_evidence)
{
    struct simulate_vendor vendor, other;
    struct simulate_vendor_options sound = {.now = NOW};
    simulate_vendor_init(&vendor, &scene->vendor);
    simulate_vendor_init(&other, &sound);
    struct simulate_identity pck =
        simulate_pck(scene->foreign_pck ? &other : &vendor, &scene->platform);
    struct attest_roots *roots = roots_of(scene->foreign_roots ? &other : &vendor);
    struct attest_policy *policy = policy_of(scene);
    struct attest_collateral *collateral =
        collateral_of(scene, scene->foreign_crl_vendor ? &other : &vendor, &pck);
    const struct attest_collateral *list[] = {collateral};
    struct attest_request request = {.roots = roots,
                                     .collateral = list,
                                     .collateral_count = collateral != NULL,
                                     .policy = policy,
                                     .now = scene->now};
    judge_evidence(scene, &request, &vendor, &pck);
    if (collateral != NULL) {
        struct attest_verdict unproven = scene->verdict;
        attest_collateral_prove(collateral);
        judge_evidence(scene, &request, &vendor, &pck);
        ck_assert_str_eq(attest_reason_word(scene->verdict.reason),
                         attest_reason_word(unproven.reason));
        ck_assert_str_eq(scene->verdict.detail, unproven.detail);
        ck_assert_int_eq(scene->verdict.expires, unproven.expires);
    }
    attest_collateral_free(collateral);
    attest_policy_free(policy);
    attest_roots_free(roots);
    simulate_identity_fini(&pck);
    simulate_vendor_fini(&other);
    simulate_vendor_fini(&vendor);
    return scene->verdict.reason;
}

static inline enum attest_reason judge(struct scene *scene)
{
    return judge_with(scene, judge_bare_quote);
}

#endif
