/* What an operator trusts (DESIGN 3), parsed.
 * Owns its entries and the JSON tree its texts are lent from.
 * Never has a default that trusts: an empty policy has no entries and accepts nobody. */
#ifndef AV_POLICY_H
#define AV_POLICY_H

#include "collateral/tcb_document.h"
#include "formats/quote.h"
#include "formats/snp.h"

enum { POLICY_BYTES_MAX = 256 * 1024, POLICY_ENTRIES_MAX = 256, POLICY_VALUES_MAX = 1024 };

/* Allowed values, each `len` bytes, one after the other. No values: nothing is asked. */
struct value_list {
    uint8_t *bytes;
    size_t len, count;
};

/* One field of an entry: under the mask it must be one of the values, or not below the only one. */
struct policy_rule {
    const struct quote_field *field;
    bool is_least;
    struct value_list values;
    uint8_t mask[64];
};

enum { POLICY_RULES_MAX = 48 };

struct policy_entry {
    enum attest_tee tee;
    bool any_code;
    struct policy_rule rules[POLICY_RULES_MAX];
    size_t rule_count;
};

/* What is asked of SEV-SNP whatever runs. */
struct policy_snp {
    bool crl_optional, allow_masked_chip, allow_migration, allow_missing_alias_check;
    uint64_t version_min;
    uint32_t firmware_min; /* of the committed one: major, minor, build from the top */
    struct snp_tcb min_tcb[SNP_PRODUCTS];
    const cJSON *csp_ids; /* lent from the policy's JSON; NULL or empty: not asked */
};

struct attest_policy {
    cJSON *json;
    struct policy_entry *entries;
    size_t entry_count;
    uint32_t accepted_statuses; /* bit `flags` for a status of those tcb_flags */
    const char *advisories_denied[TCB_ADVISORIES_MAX];
    size_t advisory_count;
    int64_t min_tcb_date;
    uint64_t min_evaluation;
    uint64_t max_collateral_age_s; /* UINT64_MAX: not limited */
    uint64_t collateral_grace_s;
    uint64_t platform_grace_s; /* UINT64_MAX: not limited */
    struct value_list fmspc, ppid_sha256, piid, chip_id;
    bool deny_smt, deny_dynamic_platform, deny_cached_keys;
    unsigned sgx_types; /* bits of the accepted types; none: any */
    struct policy_snp snp;
    bool allow_debug; /* only ever together with insecure_testing */
};

/* Whether `bytes` under `mask` (NULL: all bits) is one of the values. */
bool av_values_have(const struct value_list *values, const uint8_t *mask,
                    struct attest_bytes bytes);

/* The rule that lists values of a field, not the one for its least value. */
const struct policy_rule *av_policy_rule(const struct policy_entry *entry, const char *field);

#endif
