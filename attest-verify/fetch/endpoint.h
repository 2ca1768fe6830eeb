/* Where collateral is asked for: base URLs, and the URLs of the parts below them.
 * Owns the text of one base.
 * Never lets anything but https through, except to a loopback address. */
#ifndef FETCH_ENDPOINT_H
#define FETCH_ENDPOINT_H

#include "attest_verify.h"

enum { ENDPOINT_BASE_BYTES = 512, ENDPOINT_URL_BYTES = 768 };

/* What a document is put together from, in the order in which it is asked for. */
enum fetch_part { PART_TCB, PART_QE, PART_PCK_CRL, PART_ROOT_CRL, PARTS };

struct endpoint {
    char base[ENDPOINT_BASE_BYTES]; /* without a slash at the end */
    const char *root_crl;           /* static; NULL: below the base, as PCCS has it */
    unsigned tees;                  /* bit 1 << tee for each that it is asked for */
};

/* The vendors' own services, each asked for its own TEEs only. */
enum { ENDPOINT_DEFAULTS = 2 };
extern const char *const endpoint_defaults[ENDPOINT_DEFAULTS];

/* False with a sentence when `url` is not a base to ask. What clients of PCCS and of KDS are
 * configured with, a base that ends in /sgx/certification/v4 or /vcek/v1, is one too. One that is
 * no vendor's is asked for every TEE: what it does not serve, it says. */
bool endpoint_parse(const char *url, struct endpoint *endpoint, char *error, size_t error_size);

void endpoint_url(const struct endpoint *endpoint, const struct attest_platform *platform,
                  enum fetch_part part, char url[ENDPOINT_URL_BYTES]);

#endif
