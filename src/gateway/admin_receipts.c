/* The routes of receipt keys: shown by their public halves alone. */
#include "base/json.h"
#include "gateway/admin_core.h"

enum { KEYS_TEXT_MAX = 4096, ERROR_MAX = 256 };

static void answer_keys(struct admin_request *request, int status)
{
    struct signer_key keys[SIGNER_KEYS_MAX];
    char text[KEYS_TEXT_MAX];
    struct json json;
    unsigned count = signer_keys(request->admin->parts.signer, keys);
    json_init(&json, text, sizeof(text));
    json_object(&json, NULL);
    json_text(&json, "signing_kid", span_text(keys[0].kid));
    json_array(&json, "keys");
    for (unsigned i = 0; i < count; ++i) {
        json_object(&json, NULL);
        json_text(&json, "kid", span_text(keys[i].kid));
        json_text(&json, "x", span_text(keys[i].x));
        json_end_object(&json);
    }
    json_end_array(&json);
    json_end_object(&json);
    admin_answer_json(request, status, json_written(&json));
}

static bool has_signer(struct admin_request *request)
{
    if (request->admin->parts.signer != NULL)
        return true;
    admin_refuse(request, FAULT_NOT_FOUND, "this gateway makes no receipts");
    return false;
}

void admin_list_receipt_keys(struct admin_request *request)
{
    if (admin_query(request, NULL, 0) && has_signer(request))
        answer_keys(request, 200);
}

/* An operator's word, rare enough for the few milliseconds the files take. */
void admin_rotate_receipt_key(struct admin_request *request)
{
    char error[ERROR_MAX];
    if (!admin_query(request, NULL, 0) || !has_signer(request))
        return;
    if (signer_rotate(request->admin->parts.signer, error, sizeof(error)))
        answer_keys(request, 201);
    else
        admin_refuse(request, FAULT_INTERNAL, "%s", error);
}
