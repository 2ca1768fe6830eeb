#include "collateral/tcb_document.h"

#include "bytes/hex.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *word;
    unsigned flags;
} statuses[] = {
    {"UpToDate", 0},
    {"SWHardeningNeeded", TCB_SW_HARDENING},
    {"ConfigurationNeeded", TCB_CONFIGURATION},
    {"ConfigurationAndSWHardeningNeeded", TCB_CONFIGURATION | TCB_SW_HARDENING},
    {"OutOfDate", TCB_OUT_OF_DATE},
    {"OutOfDateConfigurationNeeded", TCB_OUT_OF_DATE | TCB_CONFIGURATION},
    {"Revoked", TCB_REVOKED},
    {"TDRelaunchAdvised", TCB_RELAUNCH},
    {"TDRelaunchAdvisedConfigurationNeeded", TCB_RELAUNCH | TCB_CONFIGURATION},
};

enum { STATUS_COUNT = sizeof statuses / sizeof *statuses };

const char *av_tcb_status_word(unsigned flags)
{
    for (size_t i = 0; i < STATUS_COUNT; ++i)
        if (statuses[i].flags == flags)
            return statuses[i].word;
    return NULL;
}

bool av_tcb_status_parse(const char *word, unsigned *flags)
{
    for (size_t i = 0; i < STATUS_COUNT; ++i)
        if (strcmp(statuses[i].word, word) == 0) {
            *flags = statuses[i].flags;
            return true;
        }
    return false;
}

static bool advisory_is_plain(const char *id)
{
    struct attest_verdict *verdict;
    size_t len = strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-");
    return len > 0 && id[len] == '\0' && len < sizeof verdict->advisories[0];
}

static bool parse_advisories(const cJSON *level, struct tcb_standing *standing)
{
    if (cJSON_GetObjectItemCaseSensitive(level, "advisoryIDs") == NULL)
        return true;
    const cJSON *list = av_json_array(level, "advisoryIDs", TCB_ADVISORIES_MAX), *item;
    if (list == NULL)
        return false;
    for (item = list->child; item != NULL; item = item->next) {
        const char *id = cJSON_GetStringValue(item);
        if (id == NULL || !advisory_is_plain(id))
            return false;
        standing->advisories[standing->advisory_count++] = id;
    }
    return true;
}

static bool parse_standing(const cJSON *level, struct tcb_standing *standing)
{
    const char *status = av_json_string(level, "tcbStatus");
    return status != NULL && av_tcb_status_parse(status, &standing->flags) &&
           !(standing->flags & TCB_RELAUNCH) && av_json_moment(level, "tcbDate", &standing->date) &&
           parse_advisories(level, standing);
}

static bool parse_head(const cJSON *json, struct document_head *head, const char **error)
{
    if (!av_json_moment(json, "issueDate", &head->issued) ||
        !av_json_moment(json, "nextUpdate", &head->next_update)) {
        *error = "issueDate or nextUpdate is not YYYY-MM-DDThh:mm:ssZ";
        return false;
    }
    if (!av_json_uint(json, "tcbEvaluationDataNumber", UINT32_MAX, &head->evaluation)) {
        *error = "tcbEvaluationDataNumber is not a number of 32 bits";
        return false;
    }
    return true;
}

/* Highest first, as Intel serves them; Intel's library sorts before it matches (ra-tls b.6). */
static int compare_svn_levels(const void *a, const void *b)
{
    const struct svn_level *left = a, *right = b;
    return (int)right->isvsvn - (int)left->isvsvn;
}

static bool parse_svn_levels(const cJSON *owner, uint64_t svn_max, struct svn_levels *out)
{
    const cJSON *list = av_json_array(owner, "tcbLevels", TCB_LEVELS_MAX), *item;
    if (list == NULL || cJSON_GetArraySize(list) == 0)
        return false;
    out->levels = calloc((size_t)cJSON_GetArraySize(list), sizeof *out->levels);
    if (out->levels == NULL)
        return false;
    for (item = list->child; item != NULL; item = item->next) {
        struct svn_level *level = &out->levels[out->count++];
        uint64_t svn;
        if (!av_json_uint(cJSON_GetObjectItemCaseSensitive(item, "tcb"), "isvsvn", svn_max, &svn) ||
            !parse_standing(item, &level->standing))
            return false;
        level->isvsvn = (uint16_t)svn;
    }
    qsort(out->levels, out->count, sizeof *out->levels, compare_svn_levels);
    return true;
}

/* Version 3: an array of sixteen objects with "svn". */
static bool parse_components(const cJSON *tcb, const char *name, uint8_t out[TCB_COMPONENTS])
{
    const cJSON *list = av_json_array(tcb, name, TCB_COMPONENTS), *item;
    if (list == NULL || cJSON_GetArraySize(list) != TCB_COMPONENTS)
        return false;
    size_t i = 0;
    for (item = list->child; item != NULL; item = item->next) {
        uint64_t svn;
        if (!av_json_uint(item, "svn", UINT8_MAX, &svn))
            return false;
        out[i++] = (uint8_t)svn;
    }
    return true;
}

/* Version 2: sixteen members sgxtcbcomp01svn to sgxtcbcomp16svn. */
static bool parse_numbered_components(const cJSON *tcb, uint8_t out[TCB_COMPONENTS])
{
    for (int i = 0; i < TCB_COMPONENTS; ++i) {
        char name[sizeof "sgxtcbcomp00svn"];
        snprintf(name, sizeof name, "sgxtcbcomp%02dsvn", (i + 1) % 100);
        uint64_t svn;
        if (!av_json_uint(tcb, name, UINT8_MAX, &svn))
            return false;
        out[i] = (uint8_t)svn;
    }
    return true;
}

static bool parse_level(const cJSON *item, uint64_t version, enum attest_tee tee,
                        struct tcb_level *level)
{
    const cJSON *tcb = cJSON_GetObjectItemCaseSensitive(item, "tcb");
    uint64_t pcesvn;
    bool ok = version == 2 ? parse_numbered_components(tcb, level->sgx)
                           : parse_components(tcb, "sgxtcbcomponents", level->sgx);
    if (!ok || !av_json_uint(tcb, "pcesvn", UINT16_MAX, &pcesvn) ||
        (tee == ATTEST_TEE_TDX && !parse_components(tcb, "tdxtcbcomponents", level->tdx)))
        return false;
    level->pcesvn = (uint16_t)pcesvn;
    return parse_standing(item, &level->standing);
}

static int compare_levels(const void *a, const void *b)
{
    const struct tcb_level *left = a, *right = b;
    int order = memcmp(right->sgx, left->sgx, sizeof left->sgx);
    if (order == 0)
        order = (int)right->pcesvn - (int)left->pcesvn;
    return order != 0 ? order : memcmp(right->tdx, left->tdx, sizeof left->tdx);
}

static bool parse_levels(const cJSON *json, uint64_t version, struct tcb_document *document)
{
    const cJSON *list = av_json_array(json, "tcbLevels", TCB_LEVELS_MAX), *item;
    if (list == NULL || cJSON_GetArraySize(list) == 0)
        return false;
    document->levels = calloc((size_t)cJSON_GetArraySize(list), sizeof *document->levels);
    if (document->levels == NULL)
        return false;
    for (item = list->child; item != NULL; item = item->next)
        if (!parse_level(item, version, document->head.tee,
                         &document->levels[document->level_count++]))
            return false;
    qsort(document->levels, document->level_count, sizeof *document->levels, compare_levels);
    return true;
}

static bool parse_module(const cJSON *item, struct tdx_module *module)
{
    return cJSON_IsObject(item) &&
           av_json_hex(item, "mrsigner", module->mrsigner, sizeof module->mrsigner) &&
           av_json_hex(item, "attributes", module->attributes, sizeof module->attributes) &&
           av_json_hex(item, "attributesMask", module->attributes_mask,
                       sizeof module->attributes_mask);
}

/* "TDX_" and two hexadecimal digits: the major version of the module (ra-tls b.5). */
static bool parse_module_id(const cJSON *item, uint8_t *version)
{
    const char *id = av_json_string(item, "id");
    return id != NULL && strncmp(id, "TDX_", 4) == 0 &&
           av_hex_decode(id + 4, strlen(id + 4), version, 1);
}

static bool parse_modules(const cJSON *json, struct tcb_document *document)
{
    if (!parse_module(cJSON_GetObjectItemCaseSensitive(json, "tdxModule"), &document->module))
        return false;
    if (cJSON_GetObjectItemCaseSensitive(json, "tdxModuleIdentities") == NULL)
        return true;
    const cJSON *list = av_json_array(json, "tdxModuleIdentities", TCB_MODULES_MAX), *item;
    if (list == NULL)
        return false;
    document->modules = calloc(TCB_MODULES_MAX, sizeof *document->modules);
    if (document->modules == NULL)
        return false;
    for (item = list->child; item != NULL; item = item->next) {
        struct tdx_module *module = &document->modules[document->module_count++];
        if (!parse_module(item, module) || !parse_module_id(item, &module->version) ||
            !parse_svn_levels(item, UINT8_MAX, &module->levels))
            return false;
        for (size_t i = 0; i + 1 < document->module_count; ++i)
            if (document->modules[i].version == module->version)
                return false;
    }
    return true;
}

/* Version 3 names its TEE; version 2, which is of SGX only, does not. */
static bool parse_tcb_kind(const cJSON *json, uint64_t *version, enum attest_tee *tee)
{
    if (!av_json_uint(json, "version", 3, version) || *version < 2)
        return false;
    const char *id = av_json_string(json, "id");
    if (*version == 2) {
        *tee = ATTEST_TEE_SGX;
        return cJSON_GetObjectItemCaseSensitive(json, "id") == NULL;
    }
    *tee = id == NULL               ? ATTEST_TEE_NONE
           : strcmp(id, "SGX") == 0 ? ATTEST_TEE_SGX
           : strcmp(id, "TDX") == 0 ? ATTEST_TEE_TDX
                                    : ATTEST_TEE_NONE;
    return *tee != ATTEST_TEE_NONE;
}

bool av_tcb_document_parse(const cJSON *json, struct tcb_document *document, const char **error)
{
    *document = (struct tcb_document){0};
    uint64_t version, tcb_type;
    *error = NULL;
    if (!parse_tcb_kind(json, &version, &document->head.tee))
        *error = "not TCB info of version 2, or of version 3 for SGX or TDX";
    else if (!parse_head(json, &document->head, error))
        return false;
    else if (!av_json_hex(json, "fmspc", document->fmspc, sizeof document->fmspc) ||
             !av_json_hex(json, "pceId", document->pceid, sizeof document->pceid))
        *error = "fmspc or pceId is not hexadecimal of 6 and 2 bytes";
    else if (!av_json_uint(json, "tcbType", 0, &tcb_type))
        *error = "tcbType is not 0";
    else if (!parse_levels(json, version, document))
        *error = "a member of tcbLevels is wrong";
    else if (document->head.tee == ATTEST_TEE_TDX && !parse_modules(json, document))
        *error = "tdxModule or a member of tdxModuleIdentities is wrong";
    return *error == NULL;
}

void av_tcb_document_fini(struct tcb_document *document)
{
    for (size_t i = 0; i < document->module_count; ++i)
        free(document->modules[i].levels.levels);
    free(document->modules);
    free(document->levels);
    *document = (struct tcb_document){0};
}

bool av_qe_document_parse(const cJSON *json, struct qe_document *document, const char **error)
{
    *document = (struct qe_document){0};
    const char *id = av_json_string(json, "id");
    uint64_t version, isvprodid;
    *error = NULL;
    document->head.tee = id == NULL                 ? ATTEST_TEE_NONE
                         : strcmp(id, "QE") == 0    ? ATTEST_TEE_SGX
                         : strcmp(id, "TD_QE") == 0 ? ATTEST_TEE_TDX
                                                    : ATTEST_TEE_NONE;
    if (document->head.tee == ATTEST_TEE_NONE || !av_json_uint(json, "version", 2, &version) ||
        version != 2)
        *error = "not an identity of version 2 of QE or TD_QE";
    else if (!parse_head(json, &document->head, error))
        return false;
    else if (!av_json_hex(json, "miscselect", document->miscselect, 4) ||
             !av_json_hex(json, "miscselectMask", document->miscselect_mask, 4) ||
             !av_json_hex(json, "attributes", document->attributes, 16) ||
             !av_json_hex(json, "attributesMask", document->attributes_mask, 16) ||
             !av_json_hex(json, "mrsigner", document->mrsigner, 32) ||
             !av_json_uint(json, "isvprodid", UINT16_MAX, &isvprodid))
        *error = "miscselect, attributes, a mask, mrsigner or isvprodid is wrong";
    else if (!parse_svn_levels(json, UINT16_MAX, &document->levels))
        *error = "a member of tcbLevels is wrong";
    else
        document->isvprodid = (uint16_t)isvprodid;
    return *error == NULL;
}

void av_qe_document_fini(struct qe_document *document)
{
    free(document->levels.levels);
    *document = (struct qe_document){0};
}
