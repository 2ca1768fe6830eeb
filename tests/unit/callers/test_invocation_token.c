/* Invocation tokens: what is minted is read, what is altered is refused, what is added narrows. */
#include "callers/invocation_token.h"

#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

#include "base/base64url.h"
#include "unit/checks.h"

#define CID_A "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy"
#define CID_B "bafkreic54ytcxlwwgforuven5ckv6lqzc6vrjxqwedqtd4sejiydg4rlie"

enum { NOW = 1000000 };

static struct token_keys some_keys(char fill)
{
    struct token_keys keys = {.count = 1};
    snprintf(keys.at[0].kid, sizeof(keys.at[0].kid), "k%c", fill);
    memset(keys.at[0].bytes, fill, TOKEN_KEY_BYTES);
    memset(keys.caller_key, fill + 1, TOKEN_KEY_BYTES);
    return keys;
}

static struct invocation_token some_token(void)
{
    struct invocation_token token = {.bucket = 7,
                                     .parent = "abcdefghijklmnopqrstuvwxyz",
                                     .expires_ms = NOW + 5000,
                                     .depth = 0,
                                     .depth_max = 4,
                                     .most_ucr = 9007199254740991,
                                     .path_len = 1};
    memset(token.worker_key, 0xa5, sizeof(token.worker_key));
    token.path[0] = invocation_token_path_of(CID_A);
    return token;
}

/* What any HTTP client's agent does without asking: a caveat, and the tag chained over it. */
static void narrow(char text[TOKEN_TEXT_MAX], const char *caveat)
{
    unsigned char tag[32], next[32];
    unsigned len;
    char *last = strrchr(text, '.');
    ck_assert(base64url_read(span_text(last + 1), tag, sizeof(tag)));
    HMAC(EVP_sha256(), tag, sizeof(tag), (const unsigned char *)caveat, strlen(caveat), next, &len);
    int used = snprintf(last, TOKEN_TEXT_MAX - (size_t)(last - text), ".%s.", caveat);
    (void)base64url_write(last + used, span_of(next, sizeof(next)));
}

static void mint(char text[TOKEN_TEXT_MAX], const struct token_keys *keys,
                 const struct invocation_token *token)
{
    ck_assert_uint_eq(invocation_token_mint(text, keys, token), strlen(text));
}

/* Minted, narrowed by `caveat` unless NULL, read. */
static bool read_narrowed(const char *caveat, struct invocation_token *out)
{
    struct token_keys keys = some_keys('a');
    struct invocation_token token = some_token();
    char text[TOKEN_TEXT_MAX];
    mint(text, &keys, &token);
    if (caveat != NULL)
        narrow(text, caveat);
    return invocation_token_read(&keys, span_text(text), out);
}

static enum fault judge(const struct invocation_token *token, const char *cid, uint64_t now)
{
    struct lineage lineage;
    return invocation_token_judge(token, cid, NULL, now, &lineage);
}

START_TEST(what_is_minted_is_read_as_it_was)
{
    struct invocation_token token = some_token(), read;
    ck_assert(read_narrowed(NULL, &read));
    ck_assert_str_eq(read.parent, token.parent);
    ck_assert_uint_eq(read.bucket, 7);
    ck_assert_uint_eq(read.expires_ms, token.expires_ms);
    ck_assert_uint_eq(read.depth_max, 4);
    ck_assert_uint_eq(read.most_ucr, token.most_ucr);
    ck_assert_mem_eq(read.worker_key, token.worker_key, 32);
    ck_assert(!read.bound && !read.has_cid);
    ck_assert_uint_eq(read.path_len, 1);
    ck_assert_uint_eq(read.path[0], token.path[0]);
    struct lineage lineage;
    ck_assert_int_eq(invocation_token_judge(&read, CID_B, NULL, NOW, &lineage), FAULT_NONE);
    ck_assert_str_eq(lineage.parent, token.parent);
    ck_assert_uint_eq(lineage.depth, 1);
    ck_assert_uint_eq(lineage.deadline_ms, token.expires_ms);
}
END_TEST

START_TEST(every_flipped_bit_and_every_cut_is_refused)
{
    struct token_keys keys = some_keys('a');
    struct invocation_token token = some_token(), read;
    char text[TOKEN_TEXT_MAX];
    mint(text, &keys, &token);
    narrow(text, "max=500");
    narrow(text, "cid=" CID_B);
    size_t len = strlen(text);
    ck_assert(invocation_token_read(&keys, span_text(text), &read));
    for (size_t i = 0; i < len; ++i) {
        for (unsigned bit = 0; bit < 8; ++bit) {
            text[i] = (char)(text[i] ^ 1 << bit);
            ck_assert_msg(!invocation_token_read(&keys, span_of(text, len), &read),
                          "bit %u of byte %zu", bit, i);
            text[i] = (char)(text[i] ^ 1 << bit);
        }
        ck_assert(!invocation_token_read(&keys, span_of(text, i), &read));
    }
    ck_assert(invocation_token_read(&keys, span_of(text, len), &read));
}
END_TEST

START_TEST(a_caveat_narrows)
{
    struct invocation_token read;
    ck_assert(read_narrowed("max=500", &read));
    ck_assert_uint_eq(read.most_ucr, 500);
    ck_assert(read_narrowed("exp=1000001", &read));
    ck_assert_int_eq(judge(&read, CID_B, NOW), FAULT_NONE);
    ck_assert_int_eq(judge(&read, CID_B, NOW + 1), FAULT_TOKEN_EXPIRED);
    ck_assert(read_narrowed("deep=1", &read));
    ck_assert_int_eq(judge(&read, CID_B, NOW), FAULT_NONE);
    ck_assert(read_narrowed("deep=0", &read));
    ck_assert_int_eq(judge(&read, CID_B, NOW), FAULT_DEPTH_EXCEEDED);
    ck_assert(read_narrowed("cid=" CID_B, &read));
    ck_assert_int_eq(judge(&read, CID_B, NOW), FAULT_NONE);
    ck_assert_int_eq(judge(&read, CID_A, NOW), FAULT_AGENT_NOT_ALLOWED);
}
END_TEST

START_TEST(no_caveat_widens)
{
    struct invocation_token whole = some_token(), read;
    ck_assert(read_narrowed("exp=18446744073709551615", &read));
    ck_assert_uint_eq(read.expires_ms, whole.expires_ms);
    ck_assert(read_narrowed("deep=8", &read));
    ck_assert_uint_eq(read.depth_max, whole.depth_max);
    ck_assert(read_narrowed("max=18446744073709551615", &read));
    ck_assert_uint_eq(read.most_ucr, whole.most_ucr);

    struct token_keys keys = some_keys('a');
    char text[TOKEN_TEXT_MAX];
    mint(text, &keys, &whole);
    static const char *const pairs[][2] = {
        {"max=500", "max=501"}, {"exp=1000001", "exp=1000002"}, {"deep=1", "deep=2"}};
    for (size_t i = 0; i < 3; ++i) {
        narrow(text, pairs[i][0]);
        narrow(text, pairs[i][1]);
    }
    ck_assert(invocation_token_read(&keys, span_text(text), &read));
    ck_assert_uint_eq(read.most_ucr, 500);
    ck_assert_uint_eq(read.expires_ms, 1000001);
    ck_assert_uint_eq(read.depth_max, 1);
    /* Two agents at once are none. */
    narrow(text, "cid=" CID_A);
    narrow(text, "cid=" CID_B);
    ck_assert(invocation_token_read(&keys, span_text(text), &read));
    ck_assert_int_eq(judge(&read, CID_A, NOW), FAULT_AGENT_NOT_ALLOWED);
    ck_assert_int_eq(judge(&read, CID_B, NOW), FAULT_AGENT_NOT_ALLOWED);
}
END_TEST

START_TEST(a_caveat_that_is_not_understood_refuses)
{
    static const char *const strange[] = {
        "",        "max",    "max=",   "max=-1",
        "max=1e3", "max= 1", "maxi=5", "MAX=5",
        "deep=x",  "cid=",   "exp=0x", "bound=0",
        "dep=0",   "wk=00",  "b=8",    "exp=99999999999999999999"};
    struct invocation_token read;
    for (size_t i = 0; i < sizeof(strange) / sizeof(*strange); ++i)
        ck_assert_msg(!read_narrowed(strange[i], &read), "%s", strange[i]);
}
END_TEST

START_TEST(as_many_caveats_as_are_allowed_and_not_one_more)
{
    struct token_keys keys = some_keys('a');
    struct invocation_token token = some_token(), read;
    char text[TOKEN_TEXT_MAX];
    mint(text, &keys, &token);
    for (int i = 0; i < TOKEN_CAVEATS_MAX; ++i)
        narrow(text, "max=500");
    ck_assert(invocation_token_read(&keys, span_text(text), &read));
    narrow(text, "max=500");
    ck_assert(!invocation_token_read(&keys, span_text(text), &read));
}
END_TEST

START_TEST(a_key_that_was_replaced_is_good_until_it_is_gone)
{
    struct token_keys old = some_keys('a'), both = some_keys('b'), gone = some_keys('b');
    struct invocation_token token = some_token(), read;
    char text[TOKEN_TEXT_MAX], fresh[TOKEN_TEXT_MAX];
    both.at[1] = old.at[0];
    both.count = 2;
    mint(text, &old, &token);
    ck_assert(invocation_token_read(&both, span_text(text), &read));
    mint(fresh, &both, &token);
    ck_assert(invocation_token_read(&gone, span_text(fresh), &read));
    ck_assert(!invocation_token_read(&gone, span_text(text), &read));
    /* The same kid with another key is another key. */
    memset(old.at[0].bytes, 'z', TOKEN_KEY_BYTES);
    ck_assert(!invocation_token_read(&old, span_text(text), &read));
    struct token_keys none = {.count = 0};
    ck_assert_uint_eq(invocation_token_mint(text, &none, &token), 0);
    ck_assert(!invocation_token_read(&none, span_text(fresh), &read));
}
END_TEST

START_TEST(a_path_takes_a_cid_twice_and_the_depth_it_has)
{
    struct invocation_token token = some_token();
    ck_assert_int_eq(judge(&token, CID_A, NOW), FAULT_NONE); /* the second time */
    token.depth = 1;
    token.path[token.path_len++] = invocation_token_path_of(CID_A);
    ck_assert_int_eq(judge(&token, CID_A, NOW), FAULT_LOOP);
    ck_assert_int_eq(judge(&token, CID_B, NOW), FAULT_NONE);
    token.depth = 3;
    ck_assert_int_eq(judge(&token, CID_B, NOW), FAULT_NONE);
    token.depth = 4;
    ck_assert_int_eq(judge(&token, CID_B, NOW), FAULT_DEPTH_EXCEEDED);
    token.depth = 8;
    token.depth_max = 8;
    token.path_len = 9;
    ck_assert_int_eq(judge(&token, CID_B, NOW), FAULT_DEPTH_EXCEEDED);
}
END_TEST

START_TEST(a_peer_with_a_key_must_be_the_worker_and_a_bound_token_needs_one)
{
    struct invocation_token token = some_token();
    struct lineage lineage;
    uint8_t key[32];
    memcpy(key, token.worker_key, sizeof(key));
    ck_assert_int_eq(invocation_token_judge(&token, CID_B, key, NOW, &lineage), FAULT_NONE);
    token.bound = true;
    ck_assert_int_eq(invocation_token_judge(&token, CID_B, key, NOW, &lineage), FAULT_NONE);
    ck_assert_int_eq(invocation_token_judge(&token, CID_B, NULL, NOW, &lineage), FAULT_WORKER_KEY);
    key[31] ^= 1;
    ck_assert_int_eq(invocation_token_judge(&token, CID_B, key, NOW, &lineage), FAULT_WORKER_KEY);
    token.bound = false;
    ck_assert_int_eq(invocation_token_judge(&token, CID_B, key, NOW, &lineage), FAULT_WORKER_KEY);
    ck_assert_int_eq(invocation_token_judge(&token, CID_B, NULL, NOW, &lineage), FAULT_NONE);
}
END_TEST

START_TEST(a_bound_token_and_a_full_path_are_read_as_they_were)
{
    struct token_keys keys = some_keys('a');
    struct invocation_token token = some_token(), read;
    char text[TOKEN_TEXT_MAX];
    token.bound = true;
    token.depth = token.depth_max = LINEAGE_DEPTH_MAX;
    token.path_len = LINEAGE_DEPTH_MAX + 1;
    for (uint32_t i = 0; i < token.path_len; ++i)
        token.path[i] = UINT64_MAX - i;
    mint(text, &keys, &token);
    ck_assert(invocation_token_read(&keys, span_text(text), &read));
    ck_assert(read.bound);
    ck_assert_mem_eq(read.path, token.path, sizeof(token.path));
}
END_TEST

START_TEST(an_agent_sees_the_same_caller_again_and_two_agents_see_two)
{
    struct token_keys keys = some_keys('a'), other = some_keys('b');
    char a[AGENT_CALLER_CHARS + 1], b[AGENT_CALLER_CHARS + 1];
    invocation_token_caller(a, &keys, "alice", CID_A);
    ck_assert_uint_eq(strlen(a), AGENT_CALLER_CHARS);
    ck_assert_ptr_null(strstr(a, "alice"));
    invocation_token_caller(b, &keys, "alice", CID_A);
    ck_assert_str_eq(a, b);
    invocation_token_caller(b, &keys, "alice", CID_B);
    ck_assert_str_ne(a, b);
    invocation_token_caller(b, &keys, "bob", CID_A);
    ck_assert_str_ne(a, b);
    invocation_token_caller(b, &other, "alice", CID_A);
    ck_assert_str_ne(a, b);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {
        what_is_minted_is_read_as_it_was,
        every_flipped_bit_and_every_cut_is_refused,
        a_caveat_narrows,
        no_caveat_widens,
        a_caveat_that_is_not_understood_refuses,
        as_many_caveats_as_are_allowed_and_not_one_more,
        a_key_that_was_replaced_is_good_until_it_is_gone,
        a_path_takes_a_cid_twice_and_the_depth_it_has,
        a_peer_with_a_key_must_be_the_worker_and_a_bound_token_needs_one,
        a_bound_token_and_a_full_path_are_read_as_they_were,
        an_agent_sees_the_same_caller_again_and_two_agents_see_two,
        NULL,
    };
    return checks_run("invocation_token", tests);
}
