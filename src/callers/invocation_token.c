#include "callers/invocation_token.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

#include "base/base64url.h"
#include "base/json.h"
#include "callers/token.h"
#include "rules/price.h"

enum {
    PAYLOAD_MAX = 768,
    TAG_BYTES = 32,
    TAG_CHARS = BASE64URL_CHARS(TAG_BYTES),
    BUCKETS = 256,
    HASH_CHARS = 16
};

static const struct span prefix = {"tgt1.", 5};

/* ------------------------------------------------------------------ the chain of tags */

static void hmac(uint8_t out[TAG_BYTES], const uint8_t key[TAG_BYTES], struct span text)
{
    unsigned len = 0;
    must(HMAC(EVP_sha256(), key, TAG_BYTES, (const unsigned char *)text.ptr, text.len, out, &len) !=
         NULL);
    must(len == TAG_BYTES);
}

static const uint8_t *key_of(const struct token_keys *keys, struct span kid)
{
    for (unsigned i = 0; i < keys->count; ++i)
        if (span_is(kid, span_text(keys->at[i].kid)))
            return keys->at[i].bytes;
    return NULL;
}

uint64_t invocation_token_path_of(const char *cid)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    uint64_t hash = 0;
    SHA256((const unsigned char *)cid, strlen(cid), digest);
    for (unsigned i = 0; i < 8; ++i)
        hash = hash << 8 | digest[i];
    return hash;
}

/* ------------------------------------------------------------------ making one */

static struct span write_payload(char out[PAYLOAD_MAX], const struct invocation_token *token)
{
    struct json json;
    char hex[2 * sizeof(token->worker_key) + 1];
    must(token->path_len <= sizeof(token->path) / sizeof(*token->path));
    json_init(&json, out, PAYLOAD_MAX);
    json_object(&json, NULL);
    json_u64(&json, "b", token->bucket);
    json_text(&json, "par", span_text(token->parent));
    json_u64(&json, "exp", token->expires_ms);
    json_u64(&json, "dep", token->depth);
    json_u64(&json, "deep", token->depth_max);
    json_u64(&json, "max", token->most_ucr);
    token_hex(hex, token->worker_key, sizeof(token->worker_key));
    json_text(&json, "wk", span_text(hex));
    json_bool(&json, "bound", token->bound);
    json_array(&json, "path");
    for (uint32_t i = 0; i < token->path_len; ++i) {
        char hash[HASH_CHARS + 1];
        snprintf(hash, sizeof(hash), "%016" PRIx64, token->path[i]);
        json_text(&json, NULL, span_text(hash));
    }
    json_end_array(&json);
    json_end_object(&json);
    must(!json.cut);
    return json_written(&json);
}

size_t invocation_token_mint(char out[TOKEN_TEXT_MAX], const struct token_keys *keys,
                             const struct invocation_token *token)
{
    char payload[PAYLOAD_MAX];
    uint8_t tag[TAG_BYTES];
    out[0] = '\0';
    if (keys->count == 0)
        return 0;
    int begun = snprintf(out, TOKEN_TEXT_MAX, "%s%s.", prefix.ptr, keys->at[0].kid);
    size_t len = (size_t)begun;
    len += base64url_write(out + len, write_payload(payload, token));
    hmac(tag, keys->at[0].bytes, span_of(out, len));
    out[len++] = '.';
    len += base64url_write(out + len, span_of(tag, sizeof(tag)));
    must(len < TOKEN_TEXT_MAX);
    return len;
}

void invocation_token_caller(char out[AGENT_CALLER_CHARS + 1], const struct token_keys *keys,
                             const char *account, const char *cid)
{
    char text[256];
    uint8_t tag[TAG_BYTES];
    int len = snprintf(text, sizeof(text), "%s%c%s", account, 0, cid);
    must(len > 0 && (size_t)len < sizeof(text));
    hmac(tag, keys->caller_key, span_of(text, (size_t)len));
    (void)base64url_write(out, span_of(tag, sizeof(tag)));
}

/* ------------------------------------------------------------------ reading one */

static bool number_of(const cJSON *payload, const char *name, uint64_t most, uint64_t *out)
{
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(payload, name);
    if (!cJSON_IsNumber(member) || member->valuedouble < 0 || member->valuedouble > (double)most)
        return false;
    *out = (uint64_t)member->valuedouble;
    return true;
}

static struct span text_of(const cJSON *payload, const char *name)
{
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(payload, name);
    return cJSON_IsString(member) ? span_text(member->valuestring) : SPAN_NONE;
}

static bool hex_of(struct span text, uint8_t *out, size_t count)
{
    if (text.len != 2 * count)
        return false;
    for (size_t i = 0; i < text.len; ++i) {
        char c = text.ptr[i];
        int value = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (value < 0)
            return false;
        out[i / 2] = (uint8_t)(i % 2 == 0 ? value << 4 : out[i / 2] | value);
    }
    return true;
}

static bool path_of(const cJSON *payload, struct invocation_token *token)
{
    const cJSON *path = cJSON_GetObjectItemCaseSensitive(payload, "path");
    const cJSON *entry;
    if (!cJSON_IsArray(path))
        return false;
    cJSON_ArrayForEach(entry, path)
    {
        uint8_t bytes[8];
        if (token->path_len == sizeof(token->path) / sizeof(*token->path) ||
            !cJSON_IsString(entry) || !hex_of(span_text(entry->valuestring), bytes, sizeof(bytes)))
            return false;
        uint64_t hash = 0;
        for (unsigned i = 0; i < sizeof(bytes); ++i)
            hash = hash << 8 | bytes[i];
        token->path[token->path_len++] = hash;
    }
    return token->path_len > 0;
}

static bool members_of(const cJSON *payload, struct invocation_token *token)
{
    struct span parent = text_of(payload, "par");
    uint64_t bucket, depth, deep;
    if (parent.len == 0 || parent.len >= sizeof(token->parent) ||
        !number_of(payload, "b", BUCKETS - 1, &bucket) ||
        !number_of(payload, "exp", PRICE_UCR_MAX, &token->expires_ms) ||
        !number_of(payload, "dep", LINEAGE_DEPTH_MAX, &depth) ||
        !number_of(payload, "deep", LINEAGE_DEPTH_MAX, &deep) ||
        !number_of(payload, "max", PRICE_UCR_MAX, &token->most_ucr) ||
        !hex_of(text_of(payload, "wk"), token->worker_key, sizeof(token->worker_key)))
        return false;
    memcpy(token->parent, parent.ptr, parent.len);
    token->bucket = (uint16_t)bucket;
    token->depth = (uint32_t)depth;
    token->depth_max = (uint32_t)deep;
    /* Whatever is not plainly "no" binds. */
    token->bound = !cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(payload, "bound"));
    return path_of(payload, token);
}

/* Our own words: the tag was right before this is called. */
static bool read_payload(struct span encoded, struct invocation_token *token)
{
    char text[PAYLOAD_MAX];
    size_t len = encoded.len * 3 / 4;
    if (len >= sizeof(text) || !base64url_read(encoded, text, len))
        return false;
    cJSON *payload = cJSON_ParseWithLength(text, len);
    bool good = cJSON_IsObject(payload) && members_of(payload, token);
    cJSON_Delete(payload);
    return good;
}

static bool narrow_number(struct span value, uint64_t *limit)
{
    uint64_t number;
    if (!span_to_u64(value, UINT64_MAX, &number))
        return false;
    if (number < *limit)
        *limit = number;
    return true;
}

static bool narrow_cid(struct span value, struct invocation_token *token)
{
    if (value.len == 0 || value.len >= sizeof(token->cid))
        return false;
    /* Two different ones leave no agent at all: "" is nobody's CID. */
    if (token->has_cid && !span_is(value, span_text(token->cid)))
        value.len = 0;
    token->has_cid = true;
    memcpy(token->cid, value.ptr, value.len);
    token->cid[value.len] = '\0';
    return true;
}

static bool narrow(struct span caveat, struct invocation_token *token)
{
    size_t equals = span_find(caveat, '=');
    struct span name = span_of(caveat.ptr, equals);
    struct span value = span_from(caveat, equals + 1);
    uint64_t deep = token->depth_max;
    if (span_is(name, SPAN_OF("exp")))
        return narrow_number(value, &token->expires_ms);
    if (span_is(name, SPAN_OF("max")))
        return narrow_number(value, &token->most_ucr);
    if (span_is(name, SPAN_OF("cid")))
        return narrow_cid(value, token);
    if (!span_is(name, SPAN_OF("deep")) || !narrow_number(value, &deep))
        return false; /* what is not understood might have been meant to forbid this */
    token->depth_max = (uint32_t)deep;
    return true;
}

/* Parts between dots, the tag last; 0 when there are too few or too many. */
static unsigned split(struct span text, struct span *parts, unsigned most)
{
    unsigned count = 0;
    for (bool more = true; more; ++count) {
        size_t end = span_find(text, '.');
        if (count == most)
            return 0;
        parts[count] = span_of(text.ptr, end);
        more = end < text.len;
        text = span_from(text, end + 1);
    }
    return count;
}

bool invocation_token_read(const struct token_keys *keys, struct span text,
                           struct invocation_token *token)
{
    enum { KID, PAYLOAD, CAVEATS };
    struct span parts[CAVEATS + TOKEN_CAVEATS_MAX + 1];
    uint8_t tag[TAG_BYTES], shown[TAG_BYTES];
    *token = (struct invocation_token){.bucket = 0};
    if (text.len >= TOKEN_TEXT_MAX || !span_starts(text, prefix))
        return false;
    unsigned count = split(span_from(text, prefix.len), parts, CAVEATS + TOKEN_CAVEATS_MAX + 1);
    if (count < CAVEATS + 1 || !base64url_read(parts[count - 1], shown, sizeof(shown)))
        return false;
    const uint8_t *key = key_of(keys, parts[KID]);
    if (key == NULL)
        return false;
    const char *end = parts[PAYLOAD].ptr + parts[PAYLOAD].len;
    hmac(tag, key, span_of(text.ptr, (size_t)(end - text.ptr)));
    for (unsigned i = CAVEATS; i + 1 < count; ++i) {
        uint8_t last[TAG_BYTES];
        memcpy(last, tag, sizeof(last));
        hmac(tag, last, parts[i]);
    }
    if (CRYPTO_memcmp(tag, shown, sizeof(tag)) != 0 || !read_payload(parts[PAYLOAD], token))
        return false;
    for (unsigned i = CAVEATS; i + 1 < count; ++i)
        if (!narrow(parts[i], token))
            return false;
    return true;
}

/* ------------------------------------------------------------------ judging one */

static bool is_loop(const struct invocation_token *token, const char *cid)
{
    uint64_t hash = invocation_token_path_of(cid);
    unsigned seen = 0;
    for (uint32_t i = 0; i < token->path_len; ++i)
        seen += token->path[i] == hash;
    return seen >= LINEAGE_REPEATS_MAX;
}

enum fault invocation_token_judge(const struct invocation_token *token, const char *cid,
                                  const uint8_t *peer_key, uint64_t now_unix_ms,
                                  struct lineage *lineage)
{
    if (now_unix_ms >= token->expires_ms)
        return FAULT_TOKEN_EXPIRED;
    if (peer_key == NULL ? token->bound
                         : CRYPTO_memcmp(peer_key, token->worker_key, TOKEN_KEY_BYTES) != 0)
        return FAULT_WORKER_KEY;
    if (token->has_cid && strcmp(token->cid, cid) != 0)
        return FAULT_AGENT_NOT_ALLOWED;
    if (token->depth + 1 > token->depth_max || token->path_len > LINEAGE_DEPTH_MAX)
        return FAULT_DEPTH_EXCEEDED;
    if (is_loop(token, cid))
        return FAULT_LOOP;
    *lineage = (struct lineage){.depth = token->depth + 1,
                                .depth_max = token->depth_max,
                                .deadline_ms = token->expires_ms,
                                .most_ucr = token->most_ucr,
                                .path_len = token->path_len};
    memcpy(lineage->parent, token->parent, sizeof(lineage->parent));
    memcpy(lineage->path, token->path, token->path_len * sizeof(*token->path));
    return FAULT_NONE;
}
