/* Any bytes as a policy. One that is read must name code or say that it does not. */
#include "policy/policy.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char error[256] = "";
    struct attest_policy *policy =
        attest_policy_parse((struct attest_bytes){.ptr = data, .len = size}, error, sizeof error);
    if (policy == NULL && error[0] == '\0')
        abort();
    for (size_t i = 0; policy != NULL && i < policy->entry_count; ++i)
        if (policy->entries[i].rule_count == 0 && !policy->entries[i].any_code)
            abort();
    attest_policy_free(policy);
    return 0;
}
