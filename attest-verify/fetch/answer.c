#include "fetch/answer.h"

#include "bytes/hex.h"
#include "bytes/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const answer_words[PARTS] = {
    [PART_TCB] = "TCB info",
    [PART_QE] = "QE identity",
    [PART_PCK_CRL] = "PCK CRL",
    [PART_ROOT_CRL] = "root CRL",
};

const char *const answer_fields[PARTS][2] = {
    [PART_TCB] = {"TCB-Info-Issuer-Chain", "SGX-TCB-Info-Issuer-Chain"},
    [PART_QE] = {"SGX-Enclave-Identity-Issuer-Chain", "Enclave-Identity-Issuer-Chain"},
    [PART_PCK_CRL] = {"SGX-PCK-CRL-Issuer-Chain", "PCK-CRL-Issuer-Chain"},
};

static bool fail(char *error, size_t error_size, enum fetch_part part, const char *wrong)
{
    snprintf(error, error_size, "%s: %s", answer_words[part], wrong);
    return false;
}

/* --- cutting; the text is known to be JSON by then --- */

static const char *skip_space(const char *at, const char *end)
{
    while (at < end && strchr(" \t\r\n", *at) != NULL)
        ++at;
    return at;
}

/* From an opening quote to behind the closing one. */
static const char *skip_string(const char *at, const char *end)
{
    for (++at; at < end && *at != '"'; ++at)
        if (*at == '\\' && end - at > 1)
            ++at;
    return at < end ? at + 1 : end;
}

/* To behind the value: the comma or bracket that ends it is of no container opened in it. */
static const char *skip_value(const char *at, const char *end)
{
    int depth = 0;
    while (at < end) {
        if (*at == '"') {
            at = skip_string(at, end);
            if (depth == 0)
                return at;
            continue;
        }
        if (depth == 0 && strchr(",}] \t\r\n", *at) != NULL)
            return at;
        depth += (*at == '{' || *at == '[') - (*at == '}' || *at == ']');
        ++at;
        if (depth == 0 && (at[-1] == '}' || at[-1] == ']'))
            return at;
    }
    return end;
}

bool answer_cut(struct attest_bytes text, const char *name, struct attest_bytes *value)
{
    const char *at = (const char *)text.ptr, *end = at + text.len;
    size_t name_len = strlen(name);
    at = skip_space(at, end);
    if (at == end || *at != '{')
        return false;
    for (++at; at < end; ++at) {
        const char *key = skip_space(at, end);
        if (key == end || *key != '"')
            return false;
        const char *key_end = skip_string(key, end);
        at = skip_space(key_end, end);
        if (at == end || *at != ':')
            return false;
        const char *from = skip_space(at + 1, end);
        at = skip_value(from, end);
        if ((size_t)(key_end - key) == name_len + 2 && memcmp(key + 1, name, name_len) == 0) {
            *value = (struct attest_bytes){(const uint8_t *)from, (size_t)(at - from)};
            return at > from;
        }
        at = skip_space(at, end);
        if (at < end && *at != ',')
            return false;
    }
    return false;
}

/* --- the parts --- */

/* What is signed, its signature and its signer's chain. */
struct signed_names {
    enum fetch_part part;
    const char *answered, *text, *signature, *chain;
};
static const struct signed_names signed_parts[] = {
    {PART_TCB, "tcbInfo", "tcb_info", "tcb_info_signature", "tcb_info_issuer_chain"},
    {PART_QE, "enclaveIdentity", "qe_identity", "qe_identity_signature",
     "qe_identity_issuer_chain"},
};

static bool add_text(cJSON *document, const char *name, const char *text, size_t len)
{
    char *copy = strndup(text, len);
    bool ok = copy != NULL && cJSON_AddStringToObject(document, name, copy) != NULL;
    free(copy);
    return ok;
}

static bool add_signed(cJSON *document, const struct signed_names *names, const struct reply *reply,
                       char *error, size_t error_size)
{
    char wrong[96];
    struct attest_bytes whole = {reply->body, reply->len}, object;
    cJSON *tree = av_json_parse(whole, REPLY_BODY_BYTES_MAX, wrong, sizeof wrong);
    if (tree == NULL)
        return fail(error, error_size, names->part, wrong);
    const char *signature = av_json_string(tree, "signature");
    bool has_shape = signature != NULL &&
                     cJSON_IsObject(cJSON_GetObjectItemCaseSensitive(tree, names->answered)) &&
                     answer_cut(whole, names->answered, &object);
    bool added = has_shape &&
                 add_text(document, names->text, (const char *)object.ptr, object.len) &&
                 add_text(document, names->signature, signature, strlen(signature)) &&
                 add_text(document, names->chain, reply->chain, strlen(reply->chain));
    cJSON_Delete(tree);
    return added || fail(error, error_size, names->part,
                         has_shape ? "out of memory" : "no signed object is in it");
}

static size_t hex_digits(const struct reply *reply)
{
    size_t len = 0;
    while (len < reply->len && strchr("0123456789abcdefABCDEF", reply->body[len]) != NULL &&
           reply->body[len] != '\0')
        ++len;
    return len;
}

/* PCCS answers some lists in hexadecimal, PCS in DER. DER of this size is never all digits: its
 * second byte is 0x81 to 0x83. */
static bool add_list(cJSON *document, const char *name, enum fetch_part part,
                     const struct reply *reply, char *error, size_t error_size)
{
    size_t digits = hex_digits(reply), rest = digits;
    while (rest < reply->len && strchr("\r\n", reply->body[rest]) != NULL &&
           reply->body[rest] != '\0')
        ++rest;
    bool ok;
    if (digits > 0 && rest == reply->len) {
        ok = add_text(document, name, (const char *)reply->body, digits);
    } else {
        char *hex = malloc(2 * reply->len + 1);
        if (hex != NULL)
            av_hex_encode(reply->body, reply->len, hex);
        ok = hex != NULL && cJSON_AddStringToObject(document, name, hex) != NULL;
        free(hex);
    }
    return ok || fail(error, error_size, part, "out of memory");
}

char *answer_document(const struct reply replies[PARTS], char *error, size_t error_size)
{
    cJSON *document = cJSON_CreateObject();
    bool ok = document != NULL;
    for (size_t i = 0; ok && i < sizeof signed_parts / sizeof *signed_parts; ++i)
        ok = add_signed(document, &signed_parts[i], &replies[signed_parts[i].part], error,
                        error_size);
    ok = ok &&
         add_list(document, "pck_crl", PART_PCK_CRL, &replies[PART_PCK_CRL], error, error_size) &&
         add_list(document, "root_ca_crl", PART_ROOT_CRL, &replies[PART_ROOT_CRL], error,
                  error_size) &&
         add_text(document, "pck_crl_issuer_chain", replies[PART_PCK_CRL].chain,
                  strlen(replies[PART_PCK_CRL].chain));
    char *text = ok ? cJSON_PrintUnformatted(document) : NULL;
    if (ok && text == NULL)
        fail(error, error_size, PART_TCB, "out of memory");
    cJSON_Delete(document);
    return text;
}
