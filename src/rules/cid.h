/* Content identifiers: text in any accepted spelling to one canonical value, and back.
 * It owns nothing: a cid is a value. It never accepts what two decoders could read differently
 * (metering.md 11: full-length digests of strong hashes, minimal varints, no stray bits). */
#ifndef RULES_CID_H
#define RULES_CID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must.h"
#include "base/span.h"

enum { CID_INPUT_MAX = 160, CID_BYTES_MAX = 80, CID_TEXT_MAX = 132 };

struct cid {
    uint8_t len; /* of bytes: a binary CIDv1; equal bytes, same agent */
    uint8_t bytes[CID_BYTES_MAX];
};

/* False when `text` is not in the profile. Case matters where its base says so. */
MUST_USE bool cid_parse(struct span text, struct cid *out);
/* Canonical text: CIDv1, base32 lower, NUL-ended; `out` takes CID_TEXT_MAX. Answers its length. */
size_t cid_text(const struct cid *cid, char *out);

static inline struct span cid_span(const struct cid *cid)
{
    return span_of(cid->bytes, cid->len);
}

#endif
