/* The members of a policy by name, as policy_members.def declares them.
 * Owns nothing: all of it is static.
 * Never parses: it says what is known, and whoever reads or describes a policy asks it. */
#ifndef AV_POLICY_MEMBERS_H
#define AV_POLICY_MEMBERS_H

#include "formats/quote.h"

enum policy_object {
    POLICY_POLICY,
    POLICY_ENTRY,
    POLICY_TCB,
    POLICY_PLATFORM,
    POLICY_SNP,
    POLICY_MIN_TCB,
    POLICY_SVNS,
    POLICY_SVNS_FMC, /* Turin's: those of POLICY_SVNS and its own */
};

struct policy_member {
    enum policy_object object;
    const char *name;
    const char *schema; /* JSON schema with ' for " */
    const char *words;
};

/* The members of an object, from the first; NULL after the last. */
const struct policy_member *av_policy_member_next(enum policy_object object,
                                                  const struct policy_member *last);
bool av_policy_knows(enum policy_object object, const char *name);

/* What a field of an entry is; NULL when nobody has said, which the tests do not allow. */
const char *av_policy_field_words(const char *field);

/* The bodies whose fields an entry for this TEE can list. */
unsigned av_policy_bodies(enum attest_tee tee);

#endif
