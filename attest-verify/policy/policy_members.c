#include "policy/policy_members.h"

#include <string.h>

static const struct policy_member members[] = {
#define MEMBER(object, name, schema, words) {POLICY_##object, name, schema, words},
#define FIELD(name, words)
#include "policy/policy_members.def"
#undef MEMBER
#undef FIELD
};

static const struct {
    const char *name, *words;
} fields[] = {
#define MEMBER(object, name, schema, words)
#define FIELD(name, words) {name, words},
#include "policy/policy_members.def"
#undef MEMBER
#undef FIELD
};

enum { MEMBER_COUNT = sizeof members / sizeof *members };

const struct policy_member *av_policy_member_next(enum policy_object object,
                                                  const struct policy_member *last)
{
    for (size_t i = last == NULL ? 0 : (size_t)(last - members) + 1; i < MEMBER_COUNT; ++i)
        if (members[i].object == object ||
            (object == POLICY_SVNS_FMC && members[i].object == POLICY_SVNS))
            return &members[i];
    return NULL;
}

bool av_policy_knows(enum policy_object object, const char *name)
{
    const struct policy_member *member = NULL;
    while ((member = av_policy_member_next(object, member)) != NULL)
        if (strcmp(member->name, name) == 0)
            return true;
    return false;
}

const char *av_policy_field_words(const char *field)
{
    for (size_t i = 0; i < sizeof fields / sizeof *fields; ++i)
        if (strcmp(fields[i].name, field) == 0)
            return fields[i].words;
    return NULL;
}

unsigned av_policy_bodies(enum attest_tee tee)
{
    if (tee == ATTEST_TEE_SGX)
        return BODY_SGX;
    return (tee == ATTEST_TEE_SNP ? BODY_SNP : BODY_TD) | BODY_LOG;
}
