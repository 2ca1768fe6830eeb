#include "exchange/claim.h"

#include <openssl/evp.h>

#include "callers/token.h"

enum { DIGEST_LINES_MAX = 8 };

/* --- reading --------------------------------------------------------------------------------- */

/* A string of RFC 9651 3.3.3, which the draft asks for. */
static bool read_string(struct span text, struct claim *out)
{
    size_t at = 1;
    for (; at < text.len && text.ptr[at] != '"'; ++at) {
        if (text.ptr[at] == '\\') {
            ++at;
            if (at == text.len || (text.ptr[at] != '"' && text.ptr[at] != '\\'))
                return false;
        }
        if (text.ptr[at] < 0x20 || text.ptr[at] > 0x7e || out->key_len == CLAIM_KEY_MAX)
            return false;
        out->key[out->key_len++] = text.ptr[at];
    }
    return at + 1 == text.len && out->key_len > 0;
}

/* The same without quotes, as most clients write it: what could be a list or parameters is none. */
static bool read_plain(struct span text, struct claim *out)
{
    if (text.len == 0 || text.len > CLAIM_KEY_MAX)
        return false;
    for (size_t i = 0; i < text.len; ++i)
        if (text.ptr[i] <= 0x20 || text.ptr[i] > 0x7e || strchr("\",;\\", text.ptr[i]) != NULL)
            return false;
    memcpy(out->key, text.ptr, text.len);
    out->key_len = text.len;
    return true;
}

static int value_of(char c)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *found = c == '\0' ? NULL : strchr(alphabet, c);
    return found == NULL ? -1 : (int)(found - alphabet);
}

/* Base64 of exactly `count` bytes, padded; the bits left over must be zero (RFC 4648 3.5). */
static bool read_base64(struct span text, uint8_t *out, size_t count)
{
    size_t chars = (count * 8 + 5) / 6;
    uint32_t bits = 0;
    if (text.len != (count + 2) / 3 * 4)
        return false;
    for (size_t i = 0; i < text.len; ++i) {
        int value = value_of(text.ptr[i]);
        if (i >= chars ? text.ptr[i] != '=' : value < 0)
            return false;
        if (i >= chars)
            continue;
        bits = bits << 6 | (uint32_t)value;
        /* After 4 characters 3 bytes are there, after 2 one, after 3 two. */
        if (i % 4 != 0)
            out[i / 4 * 3 + i % 4 - 1] = (uint8_t)(bits >> (6 - 2 * (i % 4)));
    }
    return (bits & ((1u << (chars * 6 - count * 8)) - 1)) == 0;
}

/* One member of the dictionary: `name=:base64:`. Digests by other names say nothing here. */
static bool read_member(struct span member, struct claim *out)
{
    struct span name = span_of(member.ptr, span_find(member, '='));
    struct span value = span_from(member, name.len + 1);
    if (value.len < 2 || value.ptr[0] != ':' || value.ptr[value.len - 1] != ':')
        return false;
    value = span_of(value.ptr + 1, value.len - 2);
    if (span_is(name, SPAN_OF("sha-256"))) {
        out->digest_len = 32;
        return read_base64(value, out->digest, 32);
    }
    if (!span_is(name, SPAN_OF("sha-512")) || out->digest_len == 32)
        return true; /* of two the shorter one counts: a fingerprint has room for one */
    out->digest_len = 64;
    return read_base64(value, out->digest, 64);
}

/* RFC 9530 2; several lines are one dictionary. */
static bool read_digest(const struct head *request, struct claim *out)
{
    const struct span name = SPAN_OF("content-digest");
    if (head_count(request, name) > DIGEST_LINES_MAX)
        return false;
    for (uint32_t i = 0; i < request->field_count; ++i) {
        struct span rest = request->fields[i].value;
        while (span_is(request->fields[i].name, name) && rest.len > 0) {
            size_t end = span_find(rest, ',');
            if (!read_member(span_trim(span_of(rest.ptr, end)), out))
                return false;
            rest = span_from(rest, end + 1);
        }
    }
    return true;
}

enum fault claim_read(const struct head *request, struct claim *out, const char **sentence)
{
    const struct span name = SPAN_OF("idempotency-key");
    const struct field *field = head_find(request, name);
    *out = (struct claim){.key_len = 0};
    *sentence = "";
    if (field == NULL)
        return FAULT_NONE;
    struct span text = span_trim(field->value);
    bool quoted = text.len > 0 && text.ptr[0] == '"';
    if (head_count(request, name) > 1 ||
        !(quoted ? read_string(text, out) : read_plain(text, out))) {
        *out = (struct claim){.key_len = 0};
        *sentence = "Idempotency-Key is given once, as a string in quotes or as it is, of 1 to 255 "
                    "visible characters";
        return FAULT_BAD_IDEMPOTENCY_KEY;
    }
    if (!read_digest(request, out)) {
        *sentence = "Content-Digest is not a dictionary of digests (RFC 9530)";
        return FAULT_BAD_REQUEST;
    }
    return FAULT_NONE;
}

/* --- digests --------------------------------------------------------------------------------- */

struct sum {
    EVP_MD_CTX *state;
};

static struct sum sum_begin(void)
{
    struct sum sum = {EVP_MD_CTX_new()};
    must(sum.state != NULL && EVP_DigestInit_ex(sum.state, EVP_sha256(), NULL) == 1);
    return sum;
}

/* A part and what ends it: no part has a NUL in it but the last, which is of a known length. */
static void sum_part(struct sum *sum, struct span part)
{
    must(part.len == 0 || EVP_DigestUpdate(sum->state, part.ptr, part.len) == 1);
    must(EVP_DigestUpdate(sum->state, "", 1) == 1);
}

static void sum_end(struct sum *sum, unsigned char out[32])
{
    must(EVP_DigestFinal_ex(sum->state, out, NULL) == 1);
    EVP_MD_CTX_free(sum->state);
}

void claim_name(const struct claim *claim, const char *account, const char *parent,
                struct invocation *out)
{
    unsigned char digest[32];
    struct sum sum = sum_begin();
    must(claim->key_len > 0);
    sum_part(&sum, span_text(account));
    sum_part(&sum, span_of(claim->key, claim->key_len));
    if (parent[0] != '\0')
        sum_part(&sum, span_text(parent));
    sum_end(&sum, digest);
    token_base32(out->text, INVOCATION_CHARS, digest);
}

static void sum_field(struct sum *sum, const struct head *request, struct span name)
{
    const struct field *field = head_find(request, name);
    sum_part(sum, field == NULL ? SPAN_OF("-") : field->value);
}

void claim_fingerprint(const struct head *request, const struct target *target, const char *cid,
                       const void *digest, size_t digest_len, char out[FINGERPRINT_TEXT_MAX])
{
    unsigned char bytes[32];
    struct sum sum = sum_begin();
    sum_part(&sum, request->method);
    sum_part(&sum, span_text(cid));
    sum_part(&sum, target->rest);
    sum_part(&sum, target->has_query ? SPAN_OF("?") : SPAN_NONE);
    sum_part(&sum, target->query);
    sum_field(&sum, request, SPAN_OF("agent-max-cost"));
    sum_field(&sum, request, SPAN_OF("agent-max-units"));
    sum_field(&sum, request, SPAN_OF("agent-sub-budget"));
    sum_part(&sum, span_of(digest, digest_len));
    sum_end(&sum, bytes);
    token_hex(out, bytes, (FINGERPRINT_TEXT_MAX - 1) / 2);
}
