/* A simulated vendor for fuzz targets that go past signatures: what they make up is signed, so that
 * the checks behind a signature see it too. Made once and kept: the only state a target has.
 * Owns everything in it until the process ends.
 * Never signs anything but what the target was given: nothing else can hide a finding. */
#ifndef SIMULATED_H
#define SIMULATED_H

#include "simulate/simulate.h"

#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

enum { NOW = 1750000000, DAY = 86400 };

struct simulated {
    struct simulate_vendor vendor;
    struct simulate_identity pck;
    struct attest_roots *roots;
    struct attest_policy *policy;
};

static inline struct attest_bytes simulated_bytes(const struct simulate_bytes *bytes)
{
    return (struct attest_bytes){.ptr = bytes->ptr, .len = bytes->len};
}

static inline struct attest_collateral *
simulated_collateral(const struct simulated *simulated,
                     const struct simulate_collateral_options *options)
{
    char error[256];
    struct simulate_bytes text = simulate_collateral(&simulated->vendor, options);
    struct attest_collateral *collateral =
        attest_collateral_parse(simulated_bytes(&text), error, sizeof error);
    if (collateral == NULL && error[0] == '\0')
        abort();
    simulate_bytes_fini(&text);
    return collateral;
}

static inline struct simulate_collateral_options simulated_options(enum attest_tee tee)
{
    return simulate_collateral_default(tee, NOW - DAY, NOW + 29 * DAY);
}

static inline void simulated_init(struct simulated *simulated)
{
    char error[256], *pem;
    struct simulate_vendor_options options = {.now = NOW};
    struct simulate_platform platform = simulate_platform_default("worker", NOW);
    simulate_vendor_init(&simulated->vendor, &options);
    simulated->pck = simulate_pck(&simulated->vendor, &platform);
    BIO *bio = BIO_new(BIO_s_mem());
    if (bio == NULL || PEM_write_bio_X509(bio, simulated->vendor.root.cert) != 1)
        abort();
    struct attest_bytes text = {.len = (size_t)BIO_get_mem_data(bio, &pem)};
    text.ptr = (const uint8_t *)pem;
    simulated->roots = attest_roots_from_pem(text, error, sizeof error);
    BIO_free(bio);
    struct simulate_bytes policy = simulate_policy();
    simulated->policy = attest_policy_parse(simulated_bytes(&policy), error, sizeof error);
    simulate_bytes_fini(&policy);
    if (simulated->roots == NULL || simulated->policy == NULL)
        abort();
}

static inline void simulated_verify(const struct simulated *simulated,
                                    const struct attest_collateral *collateral,
                                    struct attest_bytes quote, struct attest_verdict *verdict)
{
    struct attest_request request = {.roots = simulated->roots,
                                     .collateral = &collateral,
                                     .collateral_count = collateral != NULL,
                                     .policy = simulated->policy,
                                     .now = NOW};
    attest_verify_quote(&request, quote, verdict);
}

#endif
