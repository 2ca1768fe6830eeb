#include "evidence/dstack_mr_config.h"

#include "bytes/crypto.h"
#include "bytes/cursor.h"
#include "bytes/hex.h"
#include "bytes/json.h"

#include <string.h>

/* A member that is absent, null or empty names nothing. */
static bool take_id(const cJSON *json, const struct quote_field *field, size_t index,
                    struct event_log *ids)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, field->name);
    const char *text = cJSON_GetStringValue(item);
    if (item == NULL || cJSON_IsNull(item) || (text != NULL && text[0] == '\0'))
        return true;
    ids->has_id[index] =
        text != NULL && av_hex_decode(text, strlen(text), ids->ids + field->offset, field->len);
    return ids->has_id[index];
}

bool av_dstack_mr_config_parse(struct attest_bytes text, struct event_log *ids)
{
    char wrong[96];
    const struct quote_field *field = NULL;
    cJSON *json = av_json_parse(text, MR_CONFIG_BYTES_MAX, wrong, sizeof wrong);
    bool ok = json != NULL;
    for (size_t i = 0; ok && i < EVENT_LOG_IDS; ++i) {
        field = av_quote_field_next(BODY_LOG, field);
        ok = take_id(json, field, i, ids);
    }
    cJSON_Delete(json);
    return ok;
}

bool av_dstack_mr_config_is_bound(struct attest_bytes text, struct attest_bytes host_data)
{
    static const uint8_t domain[] = "dstack-mr-config-v3:"; /* with its NUL */
    uint8_t digest[32];
    return av_sha256((struct attest_bytes){.ptr = domain, .len = sizeof domain}, text, digest) &&
           av_bytes_equal(host_data, (struct attest_bytes){.ptr = digest, .len = sizeof digest});
}
