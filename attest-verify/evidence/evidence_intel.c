/* Intel's SGX SDK: a bare quote under the OID that PCK certificates use for something else, bound
 * by the claims of the DICE evidence next to it (ra-tls c). */
#include "evidence/evidence_convention.h"

#include "bytes/cursor.h"

static const struct evidence *find_dice(const struct evidence_set *set)
{
    for (size_t i = 0; i < set->count; ++i)
        if (set->items[i].claims.len > 0)
            return &set->items[i];
    return NULL;
}

/* The claims are those of the DICE evidence. The SDK repeats its quote, byte for byte; another one
 * would have to hold by itself. */
bool av_intel_parse(const struct evidence_source *source, struct evidence *out)
{
    const struct evidence *dice = find_dice(source->before);
    out->quote = source->value;
    if (dice != NULL)
        out->claims = dice->claims;
    out->repeats = dice != NULL && av_bytes_equal(dice->quote, source->value);
    return source->value.len > 0;
}

bool av_intel_binds(const struct evidence *evidence, const struct certificate_key *key,
                    const uint8_t report_data[64], struct attest_verdict *verdict)
{
    if (evidence->claims.len == 0)
        return av_refuse(verdict, ATTEST_KEY_NOT_BOUND,
                         "a bare Intel quote, and no DICE claims that would bind a key to it");
    return av_dice_binds(evidence, key, report_data, verdict);
}
