/* One RA-TLS certificate whose extensions a test puts in itself, judged under a simulated vendor.
 * Owns keys and certificate for the length of a judgement.
 * Never adds an extension of its own: what is not put in is not there. */
#ifndef MADE_CERTIFICATE_H
#define MADE_CERTIFICATE_H

#include "simulate/simulate_pki.h"
#include "verify_scene.h"

/* What a certificate is made from; `build` puts the evidence in, before it is signed. */
struct making {
    struct scene scene; /* first: judge_with() hands it back */
    void (*build)(struct making *making);
    size_t at; /* for builders made of a table */
    const char *name;
    int64_t not_before, not_after;
    const struct simulate_vendor *vendor;
    const struct simulate_identity *pck;
    EVP_PKEY *key, *other;
    X509 *certificate;
};

static inline void judge_making(struct scene *scene, const struct attest_request *request,
                                const struct simulate_vendor *vendor,
                                const struct simulate_identity *pck)
{
    struct making *making = (struct making *)scene;
    struct simulate_quote_options untouched = scene->quote;
    making->vendor = vendor;
    making->pck = pck;
    making->key = EVP_EC_gen("P-256");
    making->other = EVP_EC_gen("P-256");
    making->certificate =
        simulate_cert_begin(making->key, making->name, NULL, making->not_before, making->not_after);
    making->build(making);
    simulate_cert_sign(making->certificate, making->key);
    unsigned char *der = NULL;
    int len = i2d_X509(making->certificate, &der);
    attest_verify_certificate(request, (struct attest_bytes){.ptr = der, .len = (size_t)len},
                              &scene->verdict);
    OPENSSL_free(der);
    X509_free(making->certificate);
    EVP_PKEY_free(making->key);
    EVP_PKEY_free(making->other);
    scene->quote = untouched;
}

static inline void set_making(struct making *making, enum attest_tee tee,
                              void (*build)(struct making *making))
{
    memset(making, 0, sizeof *making);
    set_scene(&making->scene, tee);
    making->build = build;
    making->name = "worker";
    making->not_before = NOW - DAY;
    making->not_after = NOW + DAY;
}

static inline void expect_making(struct making *making, enum attest_reason reason, const char *what)
{
    judge_with(&making->scene, judge_making);
    ck_assert_msg(making->scene.verdict.reason == reason, "%s: %s (%s), not %s", what,
                  attest_reason_word(making->scene.verdict.reason), making->scene.verdict.detail,
                  attest_reason_word(reason));
}

static inline void expect_build(enum attest_tee tee, void (*build)(struct making *making),
                                size_t at, enum attest_reason reason, const char *what)
{
    struct making making;
    set_making(&making, tee, build);
    making.at = at;
    expect_making(&making, reason, what);
}

static inline void extend(struct making *making, const char *oid, const void *bytes, size_t len)
{
    struct simulate_bytes value = {0};
    simulate_put(&value, bytes, len);
    simulate_cert_extend_raw(making->certificate, oid, &value);
    simulate_bytes_fini(&value);
}

/* The evidence of one convention for `key`, as the simulation carries it. */
static inline void carry(struct making *making, enum simulate_convention convention, EVP_PKEY *key)
{
    struct simulate_bytes claims = {0};
    simulate_bind_key(convention, key, &making->scene.quote, &claims);
    struct simulate_bytes quote = simulate_quote(making->vendor, making->pck, &making->scene.quote);
    struct simulate_certificate_options options = {
        .convention = convention, .quote = &quote, .claims = &claims};
    simulate_add_evidence(making->certificate, &options);
    simulate_bytes_fini(&quote);
    simulate_bytes_fini(&claims);
}

#endif
