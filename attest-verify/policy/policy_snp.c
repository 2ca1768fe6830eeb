#include "policy/policy_snp.h"

#include "formats/snp_leaf.h"
#include "formats/snp_report.h"

#include <string.h>

/* Members are the products' names in lower case. */
static const char *const product_members[] = {"milan", "genoa", "turin"};

/* AMD-SB-3019: firmware below these loads microcode that is not AMD's. */
static const uint8_t firmware_min[SNP_PRODUCTS] = {[SNP_MILAN] = 0x18, [SNP_GENOA] = 0x17};

/* Components that are not named stay as they were. */
static bool parse_product(const cJSON *tcbs, enum snp_product product, struct snp_tcb *out,
                          struct complaint *complaint)
{
    const cJSON *tcb;
    enum policy_object kind = product == SNP_TURIN ? POLICY_SVNS_FMC : POLICY_SVNS;
    if (!av_policy_parse_object(tcbs, product_members[product], kind, &tcb, complaint))
        return false;
    for (size_t i = 0; i < SNP_COMPONENTS; ++i) {
        uint64_t svn;
        const char *name = av_snp_component_name(i);
        if (cJSON_GetObjectItemCaseSensitive(tcb, name) == NULL)
            continue;
        if (!av_json_uint(tcb, name, UINT8_MAX, &svn))
            return av_policy_complain(complaint, "%s of %s must be a number from 0 to 255", name,
                                      product_members[product]);
        out->svn[i] = (uint8_t)svn;
    }
    return true;
}

static bool parse_min_tcb(const cJSON *snp, struct snp_tcb out[SNP_PRODUCTS],
                          struct complaint *complaint)
{
    const cJSON *tcbs;
    for (size_t i = 0; i < SNP_PRODUCTS; ++i)
        out[i].svn[SNP_FIRMWARE] = firmware_min[i];
    if (!av_policy_parse_object(snp, "min_tcb", POLICY_MIN_TCB, &tcbs, complaint))
        return false;
    for (size_t i = 0; i < SNP_PRODUCTS; ++i)
        if (!parse_product(tcbs, i, &out[i], complaint))
            return false;
    return true;
}

static bool parse_crl(const cJSON *snp, bool *optional, struct complaint *complaint)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(snp, "crl");
    const char *word = cJSON_GetStringValue(item);
    *optional = word != NULL && strcmp(word, "optional") == 0;
    return item == NULL || *optional || (word != NULL && strcmp(word, "required") == 0) ||
           av_policy_complain(complaint, "crl must be \"required\" or \"optional\"");
}

static bool parse_version(const cJSON *snp, uint64_t *out, struct complaint *complaint)
{
    *out = SNP_VERSION_MIN;
    if (cJSON_GetObjectItemCaseSensitive(snp, "min_version") == NULL)
        return true;
    return (av_json_uint(snp, "min_version", SNP_VERSION_MAX, out) && *out >= SNP_VERSION_MIN) ||
           av_policy_complain(complaint, "min_version must be a number from %d to %d",
                              SNP_VERSION_MIN, SNP_VERSION_MAX);
}

/* "1.55" or "1.55.21": each part a byte of the report. */
static bool read_firmware(const char *at, uint32_t *out)
{
    uint32_t parts[3] = {0};
    size_t count = 0;
    for (;; ++at) {
        size_t digits = 0;
        for (; *at >= '0' && *at <= '9' && digits < 3; ++digits)
            parts[count] = parts[count] * 10 + (uint32_t)(*at++ - '0');
        if (digits == 0 || parts[count] > UINT8_MAX)
            return false;
        if (++count == 3 || *at != '.')
            break;
    }
    *out = parts[0] << 16 | parts[1] << 8 | parts[2];
    return *at == '\0' && count >= 2;
}

static bool parse_firmware(const cJSON *snp, uint32_t *out, struct complaint *complaint)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(snp, "min_firmware");
    *out = 0;
    return item == NULL || (cJSON_IsString(item) && read_firmware(item->valuestring, out)) ||
           av_policy_complain(complaint, "min_firmware must be major.minor or major.minor.build");
}

static bool parse_csp_ids(const cJSON *snp, const cJSON **out, struct complaint *complaint)
{
    const cJSON *item;
    *out = cJSON_GetObjectItemCaseSensitive(snp, "csp_id");
    if (*out == NULL)
        return true;
    if (!cJSON_IsArray(*out) || cJSON_GetArraySize(*out) > POLICY_VALUES_MAX)
        return av_policy_complain(complaint, "csp_id must be a list of at most %d values",
                                  POLICY_VALUES_MAX);
    for (item = (*out)->child; item != NULL; item = item->next)
        if (!cJSON_IsString(item) || strlen(item->valuestring) > SNP_CSP_ID_BYTES_MAX)
            return av_policy_complain(complaint, "csp_id must list texts of at most %d bytes",
                                      SNP_CSP_ID_BYTES_MAX);
    return true;
}

bool av_policy_parse_snp(const cJSON *json, struct policy_snp *out, struct complaint *complaint)
{
    const cJSON *snp;
    return av_policy_parse_object(json, "snp", POLICY_SNP, &snp, complaint) &&
           parse_crl(snp, &out->crl_optional, complaint) &&
           parse_min_tcb(snp, out->min_tcb, complaint) &&
           parse_version(snp, &out->version_min, complaint) &&
           parse_firmware(snp, &out->firmware_min, complaint) &&
           parse_csp_ids(snp, &out->csp_ids, complaint) &&
           av_policy_parse_bool(snp, "allow_masked_chip", &out->allow_masked_chip, complaint) &&
           av_policy_parse_bool(snp, "allow_migration", &out->allow_migration, complaint) &&
           av_policy_parse_bool(snp, "allow_missing_alias_check", &out->allow_missing_alias_check,
                                complaint);
}
