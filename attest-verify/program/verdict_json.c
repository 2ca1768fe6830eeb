#include "program/verdict_json.h"

#include "bytes/cursor.h"
#include "bytes/hex.h"
#include "formats/quote.h"

#include <string.h>

static bool add_hex(cJSON *object, const char *name, const uint8_t *bytes, size_t len)
{
    char text[2 * 64 + 1];
    if (len > 64)
        return false;
    av_hex_encode(bytes, len, text);
    return cJSON_AddStringToObject(object, name, text) != NULL;
}

static bool add_text(cJSON *object, const char *name, const char *text)
{
    return text != NULL ? cJSON_AddStringToObject(object, name, text) != NULL
                        : cJSON_AddNullToObject(object, name) != NULL;
}

static bool add_number(cJSON *object, const char *name, int64_t number)
{
    return number != 0 ? cJSON_AddNumberToObject(object, name, (double)number) != NULL
                       : cJSON_AddNullToObject(object, name) != NULL;
}

static const struct quote_field *field_named(const char *name)
{
    const struct quote_field *field = NULL;
    while ((field = av_quote_field_next(BODY_ANY, field)) != NULL)
        if (strcmp(field->name, name) == 0)
            return field;
    return NULL;
}

static cJSON *measurement_to_json(const struct attest_measurement *measurement)
{
    char text[2 * sizeof measurement->bytes + 1];
    const struct quote_field *field = field_named(measurement->name);
    struct attest_bytes bytes = {.ptr = measurement->bytes, .len = measurement->len};
    if (field != NULL && field->is_number)
        return cJSON_CreateNumber((double)av_number_le(bytes));
    av_hex_encode(measurement->bytes, measurement->len, text);
    return cJSON_CreateString(text);
}

static bool add_measurements(cJSON *object, const struct attest_verdict *verdict)
{
    cJSON *list = cJSON_AddObjectToObject(object, "measurements");
    for (size_t i = 0; list != NULL && i < verdict->measurement_count; ++i)
        if (!cJSON_AddItemToObject(list, verdict->measurements[i].name,
                                   measurement_to_json(&verdict->measurements[i])))
            return false;
    return list != NULL;
}

static bool add_advisories(cJSON *object, const struct attest_verdict *verdict)
{
    cJSON *list = cJSON_AddArrayToObject(object, "advisories");
    for (size_t i = 0; list != NULL && i < verdict->advisory_count; ++i)
        if (!cJSON_AddItemToArray(list, cJSON_CreateString(verdict->advisories[i])))
            return false;
    return list != NULL;
}

/* An FMSPC of zeros is one that was not reached: Intel gives out none. */
static bool add_fmspc(cJSON *object, const struct attest_verdict *verdict)
{
    static const uint8_t none[sizeof verdict->fmspc];
    return memcmp(verdict->fmspc, none, sizeof none) != 0
               ? add_hex(object, "fmspc", verdict->fmspc, sizeof verdict->fmspc)
               : add_text(object, "fmspc", NULL);
}

static bool add_report_data(cJSON *object, const struct attest_verdict *verdict)
{
    return verdict->measurement_count > 0
               ? add_hex(object, "report_data", verdict->report_data, sizeof verdict->report_data)
               : add_text(object, "report_data", NULL);
}

cJSON *av_verdict_to_json(const struct attest_verdict *verdict)
{
    cJSON *object = cJSON_CreateObject();
    const char *detail =
        verdict->detail[0] != '\0' ? verdict->detail : attest_reason_sentence(verdict->reason);
    bool ok = object != NULL &&
              add_text(object, "verdict", attest_is_trusted(verdict) ? "trusted" : "refused") &&
              add_text(object, "reason", attest_reason_word(verdict->reason)) &&
              add_text(object, "detail", detail) &&
              add_text(object, "tee", attest_tee_word(verdict->tee)) &&
              add_text(object, "tcb_status", verdict->tcb_status) &&
              add_advisories(object, verdict) &&
              add_number(object, "tcb_date", verdict->tcb_date) && add_fmspc(object, verdict) &&
              add_measurements(object, verdict) && add_report_data(object, verdict) &&
              add_number(object, "expires", verdict->expires);
    if (ok)
        return object;
    cJSON_Delete(object);
    return NULL;
}

static bool add_check(cJSON *list, enum attest_check check, const struct attest_check_result *row)
{
    cJSON *object = cJSON_CreateObject();
    const char *detail = row->detail[0] != '\0' ? row->detail : attest_check_sentence(check);
    if (!cJSON_AddItemToArray(list, object)) {
        cJSON_Delete(object);
        return false;
    }
    return add_text(object, "check", attest_check_word(check)) &&
           add_text(object, "result", attest_check_outcome_word(row->result)) &&
           add_text(object, "detail", detail);
}

cJSON *av_explanation_to_json(const struct attest_explanation *explanation)
{
    cJSON *list = cJSON_CreateArray();
    bool ok = list != NULL;
    for (int i = 0; ok && i < ATTEST_CHECK_COUNT; ++i)
        ok = explanation->checks[i].result == ATTEST_CHECK_NOT_APPLICABLE ||
             add_check(list, (enum attest_check)i, &explanation->checks[i]);
    if (ok)
        return list;
    cJSON_Delete(list);
    return NULL;
}

/* What of a report belongs into a drafted policy. The vendor's parts (mrseam and its like) change
 * with every update of the platform, which the TCB status judges. */
static bool belongs_in_draft(const struct attest_measurement *measurement)
{
    static const char *const names[] = {
        "mrenclave",    "mrsigner",    "isvprodid", "mrtd",   "rtmr0",         "rtmr1",
        "rtmr2",        "rtmr3",       "mrowner",   "app_id", "mrownerconfig", "mrconfigid",
        "compose_hash", "measurement", "host_data", "vmpl",   "guest_policy"};
    for (size_t i = 0; i < sizeof names / sizeof *names; ++i)
        if (strcmp(names[i], measurement->name) == 0)
            return true;
    return false;
}

/* What says something only where it is not zero: of enclaves with KSS, of guests with an ID block,
 * of TDs with service TDs. */
static bool belongs_unless_zero(const struct attest_measurement *measurement)
{
    static const char *const names[] = {"configid",          "configsvn",   "isvextprodid",
                                        "isvfamilyid",       "mrservicetd", "id_key_digest",
                                        "author_key_digest", "family_id",   "image_id"};
    struct attest_bytes bytes = {.ptr = measurement->bytes, .len = measurement->len};
    for (size_t i = 0; i < sizeof names / sizeof *names; ++i)
        if (strcmp(names[i], measurement->name) == 0)
            return !av_bytes_are_zero(bytes);
    return false;
}

/* Attributes of a TD that the default of a policy would refuse, but that are not debug: the draft
 * is to accept the worker it was made from, and its reader is to see why. */
static bool is_unusual_attribute(const struct attest_measurement *measurement)
{
    struct attest_bytes bytes = {.ptr = measurement->bytes, .len = measurement->len};
    uint64_t value = av_number_le(bytes);
    if (strcmp(measurement->name, "xfam") == 0)
        return !av_xfam_is_known(value);
    return strcmp(measurement->name, "tdattributes") == 0 && value != TD_ATTRIBUTES_DEFAULT &&
           (value & TD_GROUP_UNTRUSTED) == 0;
}

static bool add_draft_field(cJSON *entry, const struct attest_measurement *measurement)
{
    struct attest_bytes bytes = {.ptr = measurement->bytes, .len = measurement->len};
    if (strcmp(measurement->name, "isvsvn") == 0)
        return cJSON_AddNumberToObject(entry, "isvsvn_min", (double)av_number_le(bytes)) != NULL;
    if (strcmp(measurement->name, "guest_svn") == 0)
        return cJSON_AddNumberToObject(entry, "guest_svn_min", (double)av_number_le(bytes)) != NULL;
    if (!belongs_in_draft(measurement) && !belongs_unless_zero(measurement) &&
        !is_unusual_attribute(measurement))
        return true;
    cJSON *list = cJSON_AddArrayToObject(entry, measurement->name);
    return list != NULL && cJSON_AddItemToArray(list, measurement_to_json(measurement));
}

static bool add_draft_entry(cJSON *policy, const struct attest_verdict *verdict)
{
    cJSON *accept = cJSON_AddArrayToObject(policy, "accept");
    cJSON *entry = cJSON_CreateObject();
    if (!cJSON_AddItemToArray(accept, entry)) {
        cJSON_Delete(entry);
        return false;
    }
    bool ok = add_text(entry, "tee", attest_tee_word(verdict->tee));
    for (size_t i = 0; ok && i < verdict->measurement_count; ++i)
        ok = add_draft_field(entry, &verdict->measurements[i]);
    return ok;
}

/* The worker's own status too, since it is a known good one; but never Revoked. */
static bool add_draft_tcb(cJSON *policy, const char *status)
{
    cJSON *tcb = cJSON_AddObjectToObject(policy, "tcb");
    cJSON *statuses = tcb != NULL ? cJSON_AddArrayToObject(tcb, "accepted_status") : NULL;
    if (statuses == NULL || !cJSON_AddItemToArray(statuses, cJSON_CreateString("UpToDate")))
        return false;
    return status == NULL || strcmp(status, "UpToDate") == 0 || strcmp(status, "Revoked") == 0 ||
           cJSON_AddItemToArray(statuses, cJSON_CreateString(status));
}

cJSON *av_verdict_draft_policy(const struct attest_verdict *verdict)
{
    cJSON *policy = cJSON_CreateObject();
    if (policy != NULL && add_draft_entry(policy, verdict) &&
        add_draft_tcb(policy, verdict->tcb_status))
        return policy;
    cJSON_Delete(policy);
    return NULL;
}
