/* One entry of a policy's `accept`, and the lists of values that policies are made of.
 * Owns nothing: lists and rules belong to the policy they are parsed into.
 * Never guesses: what is unknown, empty or of another length is a mistake with a sentence. */
#ifndef AV_POLICY_ENTRY_H
#define AV_POLICY_ENTRY_H

#include "policy/policy.h"
#include "policy/policy_members.h"

/* Where the sentence about a mistake is written. */
struct complaint {
    char *text;
    size_t size;
};

/* A text from the policy, cut so that a sentence about it stays readable. */
#define SHOWN "%.40s"

/* Writes the sentence and returns false, so that a check can end with it. */
bool av_policy_complain(struct complaint *complaint, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A member that is true or false; absent is false. */
AV_MUST_USE bool av_policy_parse_bool(const cJSON *object, const char *name, bool *out,
                                      struct complaint *complaint);

/* The member as an object with the members of its kind alone; absent is NULL and no mistake. */
AV_MUST_USE bool av_policy_parse_object(const cJSON *object, const char *name,
                                        enum policy_object kind, const cJSON **out,
                                        struct complaint *complaint);

/* The first member that objects of this kind do not have, else NULL. */
const char *av_policy_stranger(const cJSON *object, enum policy_object kind);

/* A list of hex values of `len` bytes each, or of numbers when `field` is one. `field` may be NULL.
 */
AV_MUST_USE bool av_policy_parse_values(const cJSON *list, const char *name,
                                        const struct quote_field *field, size_t len,
                                        struct value_list *out, struct complaint *complaint);

AV_MUST_USE bool av_policy_parse_entry(const cJSON *item, struct policy_entry *entry,
                                       struct complaint *complaint);

#endif
