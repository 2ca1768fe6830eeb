#include "evidence/answer.h"

#include "bytes/json.h"

#include <stdlib.h>
#include <string.h>

/* --- base64url, RFC 4648 5, without padding (3.2) --- */

static int sextet_of(char c)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const char *at = c == '\0' ? NULL : strchr(alphabet, c);
    return at == NULL ? -1 : (int)(at - alphabet);
}

/* Into `out`, which has room for it. One sequence of bytes has one spelling: bits left over are
 * zero (3.5). */
static bool decode(const char *text, size_t len, uint8_t *out)
{
    uint32_t bits = 0;
    unsigned held = 0;
    if (len == 0 || len % 4 == 1)
        return false;
    for (size_t i = 0; i < len; ++i) {
        int sextet = sextet_of(text[i]);
        if (sextet < 0)
            return false;
        bits = bits << 6 | (uint32_t)sextet;
        held += 6;
        if (held < 8)
            continue;
        held -= 8;
        *out++ = (uint8_t)(bits >> held);
        bits &= (1U << held) - 1;
    }
    return bits == 0;
}

/* --- the object --- */

/* The member `name` of `object`, decoded and owned as number `place`. */
static bool take_bytes(const cJSON *object, const char *name, size_t place, struct answer *answer,
                       struct attest_bytes *out, struct attest_verdict *verdict)
{
    const char *text = av_json_string(object, name);
    size_t len = text == NULL ? 0 : strlen(text);
    uint8_t *bytes = len == 0 ? NULL : malloc(len);
    answer->owned[place] = bytes;
    if (bytes == NULL || !decode(text, len, bytes))
        return av_refuse(verdict, ATTEST_ANSWER_MALFORMED,
                         "\"%s\" is not a text of base64url without padding", name);
    *out = (struct attest_bytes){.ptr = bytes, .len = len / 4 * 3 + (len % 4 * 3) / 4};
    return true;
}

static bool take_tee(const cJSON *object, struct answer *answer, struct attest_verdict *verdict)
{
    const char *word = av_json_string(object, "tee");
    for (enum attest_tee tee = ATTEST_TEE_SGX; word != NULL && tee <= ATTEST_TEE_SNP; ++tee) {
        answer->tee = tee;
        if (strcmp(word, attest_tee_word(tee)) == 0)
            return true;
    }
    return av_refuse(verdict, ATTEST_ANSWER_MALFORMED, "\"tee\" is not sgx, tdx or snp");
}

/* AMD's certificates; Intel's quotes bring their own, and `endorsements` is left out, null or {}.
 */
static bool take_endorsements(const cJSON *object, struct answer *answer,
                              struct attest_verdict *verdict)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, "endorsements");
    struct {
        const char *name;
        struct attest_bytes *bytes;
    } parts[ANSWER_ENDORSEMENTS] = {{"leaf", &answer->endorsements.leaf},
                                    {"ica", &answer->endorsements.ica},
                                    {"ark", &answer->endorsements.ark},
                                    {"crl", &answer->endorsements.crl}};
    if (item == NULL || cJSON_IsNull(item))
        return true;
    if (!cJSON_IsObject(item) || (answer->tee != ATTEST_TEE_SNP && item->child != NULL))
        return av_refuse(
            verdict, ATTEST_ANSWER_MALFORMED,
            "\"endorsements\" is not an object, or has members and the TEE takes none");
    for (size_t i = 0; i < ANSWER_ENDORSEMENTS; ++i)
        if (cJSON_HasObjectItem(item, parts[i].name) &&
            !take_bytes(item, parts[i].name, 1 + i, answer, parts[i].bytes, verdict))
            return false;
    return true;
}

static bool take_object(const cJSON *object, struct answer *answer, struct attest_verdict *verdict)
{
    if (cJSON_GetObjectItemCaseSensitive(object, "nonce") != NULL &&
        cJSON_GetObjectItemCaseSensitive(object, "evidence") == NULL)
        return av_refuse(verdict, ATTEST_ANSWER_MALFORMED, "it is the challenge, sent back");
    return take_tee(object, answer, verdict) &&
           take_bytes(object, "evidence", 0, answer, &answer->evidence, verdict) &&
           take_endorsements(object, answer, verdict);
}

bool av_answer_parse(struct attest_bytes json, struct answer *answer,
                     struct attest_verdict *verdict)
{
    char error[128];
    cJSON *object = av_json_parse(json, ATTEST_ANSWER_BYTES_MAX, error, sizeof error);
    if (object == NULL)
        return av_refuse(verdict, ATTEST_ANSWER_MALFORMED, "%s", error);
    bool taken = take_object(object, answer, verdict);
    cJSON_Delete(object);
    return taken;
}

void av_answer_fini(struct answer *answer)
{
    for (size_t i = 0; i < sizeof answer->owned / sizeof *answer->owned; ++i)
        free(answer->owned[i]);
}
