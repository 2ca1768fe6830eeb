/* Any bytes as an invocation token: as they are, and as payload and caveats under a right tag, for
 * only those come past the first door. What is read is within what a token may say, and no caveat
 * has widened what stood before it. */
#include <openssl/hmac.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/base64url.h"
#include "callers/invocation_token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TAG_BYTES = TOKEN_KEY_BYTES };

static const struct token_keys keys = {.at = {{.kid = "k"}}, .count = 1}; /* of zeros */

/* A token that grows part by part, its tag right after each. */
struct sealed {
    char text[TOKEN_TEXT_MAX + 64];
    size_t len; /* without the tag */
    uint8_t tag[TAG_BYTES];
};

static void chain(struct sealed *sealed, const char *from)
{
    uint8_t key[TAG_BYTES];
    unsigned len;
    struct span part = span_of(from, (size_t)(sealed->text + sealed->len - from));
    memcpy(key, sealed->tag, sizeof(key));
    HMAC(EVP_sha256(), key, sizeof(key), (const unsigned char *)part.ptr, part.len, sealed->tag,
         &len);
}

static void append(struct sealed *sealed, struct span text)
{
    if (text.len > 0)
        memcpy(sealed->text + sealed->len, text.ptr, text.len);
    sealed->len += text.len;
}

static bool read_sealed(struct sealed *sealed, struct invocation_token *token)
{
    char whole[TOKEN_TEXT_MAX + 128];
    memcpy(whole, sealed->text, sealed->len);
    whole[sealed->len] = '.';
    size_t tag = base64url_write(whole + sealed->len + 1, span_of(sealed->tag, TAG_BYTES));
    return invocation_token_read(&keys, span_of(whole, sealed->len + 1 + tag), token);
}

static void check(const struct invocation_token *token, const struct invocation_token *before)
{
    if (token->depth > LINEAGE_DEPTH_MAX || token->depth_max > LINEAGE_DEPTH_MAX ||
        token->path_len == 0 || token->path_len > LINEAGE_DEPTH_MAX + 1 || token->parent[0] == '\0')
        abort();
    if (before == NULL)
        return;
    if (token->depth_max > before->depth_max || token->most_ucr > before->most_ucr ||
        token->expires_ms > before->expires_ms || (before->has_cid && !token->has_cid) ||
        token->bound != before->bound || token->bucket != before->bucket)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span body = span_of(data, size);
    struct sealed sealed = {.len = 0};
    struct invocation_token token, before;
    bool had = false;
    (void)!invocation_token_read(&keys, body, &token);
    if (size > TOKEN_TEXT_MAX)
        return 0;
    append(&sealed, SPAN_OF("tgt1.k."));
    size_t end = span_find(body, '.');
    append(&sealed, span_of(body.ptr, end));
    chain(&sealed, sealed.text);
    for (;;) {
        if (!read_sealed(&sealed, &token))
            return 0;
        check(&token, had ? &before : NULL);
        before = token;
        had = true;
        if (end >= body.len)
            return 0;
        body = span_from(body, end + 1);
        end = span_find(body, '.');
        append(&sealed, SPAN_OF("."));
        const char *from = sealed.text + sealed.len;
        append(&sealed, span_of(body.ptr, end));
        chain(&sealed, from);
    }
}
