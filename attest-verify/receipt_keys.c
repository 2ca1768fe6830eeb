/* The public keys of gateways: a JWK set. */
#include "receipt_keys.h"

#include "bytes/base64url.h"
#include "bytes/crypto.h"
#include "bytes/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEYS_BYTES_MAX = 256 * 1024 };

static bool is(const cJSON *object, const char *name, const char *text)
{
    const char *value = av_json_string(object, name);
    return value != NULL && strcmp(value, text) == 0;
}

static struct attest_bytes bytes_of(const char *text)
{
    return (struct attest_bytes){.ptr = (const uint8_t *)text, .len = strlen(text)};
}

/* RFC 8037 2. False with a sentence for a key that says Ed25519 and is none; others are skipped. */
static bool take_key(struct attest_receipt_keys *keys, const cJSON *jwk, const char **wrong)
{
    struct receipt_key *key = &keys->keys[keys->count];
    size_t len;
    if (!is(jwk, "kty", "OKP") || !is(jwk, "crv", "Ed25519"))
        return true;
    const char *kid = av_json_string(jwk, "kid"), *x = av_json_string(jwk, "x");
    *wrong = "a key's kid or x is missing or not 32 bytes in base64url";
    if (kid == NULL || x == NULL || strlen(kid) + 1 != sizeof key->kid ||
        !av_base64url_decode(bytes_of(x), key->x, sizeof key->x, &len) || len != sizeof key->x)
        return false;
    memcpy(key->kid, kid, sizeof key->kid);
    ++keys->count;
    return true;
}

static bool take_set(struct attest_receipt_keys *keys, const cJSON *root, const char **wrong)
{
    const cJSON *answered = cJSON_GetObjectItemCaseSensitive(root, "receipt_keys");
    const cJSON *list =
        av_json_array(cJSON_IsObject(answered) ? answered : root, "keys", ATTEST_RECEIPT_KEYS_MAX);
    *wrong = "it is neither a JWK set nor the answer of /.well-known/teegate";
    if (list == NULL)
        return false;
    for (const cJSON *jwk = list->child; jwk != NULL; jwk = jwk->next)
        if (!cJSON_IsObject(jwk) || !take_key(keys, jwk, wrong))
            return false;
    *wrong = "it holds no Ed25519 key";
    return keys->count > 0;
}

struct attest_receipt_keys *attest_receipt_keys_parse(struct attest_bytes json, char *error,
                                                      size_t error_size)
{
    cJSON *root = av_json_parse(json, KEYS_BYTES_MAX, error, error_size);
    if (root == NULL)
        return NULL;
    struct attest_receipt_keys *keys = calloc(1, sizeof *keys);
    const char *wrong = "out of memory";
    bool good = keys != NULL && take_set(keys, root, &wrong);
    cJSON_Delete(root);
    if (good)
        return keys;
    snprintf(error, error_size, "%s", wrong);
    free(keys);
    return NULL;
}

void attest_receipt_keys_free(struct attest_receipt_keys *keys)
{
    free(keys);
}
