/* What tests of workers/ need made: a trust over the fake verifier, and a certificate.
 * It owns nothing it returns. Never used but with fakes/fake_attest.c or the real verifier alike.
 */
#ifndef UNIT_WORKERS_PARTS_H
#define UNIT_WORKERS_PARTS_H

#include "base/span.h"
#include "unit/checks.h"
#include "workers/registry.h"

/* From a policy file with this text, made for the moment. */
struct trust *parts_trust(const char *policy);
/* A self-signed certificate of a new P-256 key, as DER to be freed; `spki_sha256` (32 bytes) may be
 * NULL. */
struct span parts_certificate(uint8_t *spki_sha256);

/* checks_run() with something done before and after each test. */
int parts_run(const char *name, const TTest *const *tests, void (*set_up)(void),
              void (*tear_down)(void));

#endif
