#include "callers/apikey.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdio.h>

#include "callers/token.h"

static bool is_base32(struct span text)
{
    for (size_t i = 0; i < text.len; ++i)
        if (!(text.ptr[i] >= 'a' && text.ptr[i] <= 'z') &&
            !(text.ptr[i] >= '2' && text.ptr[i] <= '7'))
            return false;
    return true;
}

bool apikey_is_id(struct span text)
{
    return text.len > 0 && text.len <= KEY_ID_MAX && is_base32(text);
}

bool apikey_parse(struct span text, struct apikey *out)
{
    uint64_t bucket;
    if (!span_starts(text, SPAN_OF("tgk_")) || text.len < 8 || text.ptr[7] != '_' ||
        !span_to_u64(span_of(text.ptr + 4, 3), STORE_BUCKETS - 1, &bucket))
        return false;
    text = span_from(text, 8);
    size_t id_len = span_find(text, '_');
    *out = (struct apikey){.bucket = (uint16_t)bucket,
                           .id = span_of(text.ptr, id_len),
                           .secret = span_from(text, id_len + 1)};
    return apikey_is_id(out->id) && out->secret.len == APIKEY_SECRET_CHARS &&
           is_base32(out->secret);
}

void apikey_hash(char out[APIKEY_HASH_CHARS + 1], struct span salt, struct span secret)
{
    unsigned char bytes[APIKEY_SALT_MAX + APIKEY_SECRET_CHARS], digest[SHA256_DIGEST_LENGTH];
    must(salt.len <= APIKEY_SALT_MAX && secret.len <= APIKEY_SECRET_CHARS);
    memcpy(bytes, salt.ptr, salt.len);
    memcpy(bytes + salt.len, secret.ptr, secret.len);
    SHA256(bytes, salt.len + secret.len, digest);
    token_hex(out, digest, sizeof(digest));
    OPENSSL_cleanse(bytes, sizeof(bytes));
}

void apikey_make(struct apikey_made *made, uint16_t bucket)
{
    char secret[APIKEY_SECRET_CHARS + 1];
    must(bucket < STORE_BUCKETS);
    token_make(made->id, APIKEY_ID_CHARS);
    token_make(made->salt, APIKEY_SALT_CHARS);
    token_make(secret, APIKEY_SECRET_CHARS);
    apikey_hash(made->hash, span_text(made->salt), span_text(secret));
    int len = snprintf(made->text, sizeof(made->text), "tgk_%03u_%s_%s", bucket, made->id, secret);
    must(len > 0 && (size_t)len < sizeof(made->text));
    OPENSSL_cleanse(secret, sizeof(secret));
}
