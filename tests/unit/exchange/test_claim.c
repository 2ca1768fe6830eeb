#include "exchange/claim.h"

#include <stdio.h>

#include "unit/checks.h"

static struct head *head_of(const char *name, const char *value)
{
    struct head *head = head_new(65536, 100);
    must(head_set_text(head, &head->method, SPAN_OF("POST")));
    if (name != NULL)
        must(head_add(head, span_text(name), span_text(value)));
    return head;
}

static enum fault read_key(const char *value, struct claim *claim)
{
    const char *sentence;
    struct head *head = head_of("idempotency-key", value);
    enum fault fault = claim_read(head, claim, &sentence);
    ck_assert((sentence[0] == '\0') == (fault == FAULT_NONE));
    head_free(head);
    return fault;
}

START_TEST(a_key_is_a_string_or_the_same_without_quotes)
{
    static const struct {
        const char *value;
        const char *key; /* NULL: none */
    } rows[] = {
        {"abc", "abc"},
        {"\"abc\"", "abc"},
        {" \"abc\"\t", "abc"},
        {"\"a\\\"b\\\\c\"", "a\"b\\c"},
        {"\" \"", " "},
        {"8e03978e-40d5:43dd/bc93", "8e03978e-40d5:43dd/bc93"},
        {"", NULL},
        {"\"", NULL},
        {"\"\"", NULL},
        {"\"a", NULL},
        {"a\"", NULL},
        {"\"a\"b", NULL},
        {"\"a\";q=1", NULL},
        {"\"a\\\"", NULL},
        {"\"a\\n\"", NULL},
        {"\"a\\", NULL},
        {"a b", NULL},
        {"a,b", NULL},
        {"a;b", NULL},
        {"a\\b", NULL},
        {"a\x7f", NULL},
        {"\"\x01\"", NULL},
        {"\xc3\xa9", NULL},
        {"\"\xc3\xa9\"", NULL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        struct claim claim;
        enum fault fault = read_key(rows[i].value, &claim);
        ck_assert_msg((fault == FAULT_NONE) == (rows[i].key != NULL), "row %zu", i);
        struct span is = span_of(claim.key, claim.key_len);
        ck_assert_msg(span_is(is, span_text(rows[i].key)), "row %zu: %s", i, claim.key);
    }
}
END_TEST

START_TEST(a_key_has_255_characters_at_most)
{
    for (int quoted = 0; quoted < 2; ++quoted)
        for (int len = 254; len <= 257; ++len) {
            struct claim claim;
            char text[300] = "\"";
            memset(text + quoted, 'x', (size_t)len);
            snprintf(text + quoted + len, 2, "%s", quoted ? "\"" : "");
            enum fault fault = read_key(text, &claim);
            ck_assert_int_eq(fault, len <= 255 ? FAULT_NONE : FAULT_BAD_IDEMPOTENCY_KEY);
            ck_assert_uint_eq(claim.key_len, len <= 255 ? (size_t)len : 0);
        }
}
END_TEST

START_TEST(without_a_key_nothing_is_read)
{
    struct claim claim;
    const char *sentence;
    struct head *head = head_of("content-digest", "nonsense");
    ck_assert_int_eq(claim_read(head, &claim, &sentence), FAULT_NONE);
    ck_assert_uint_eq(claim.key_len, 0);
    ck_assert_uint_eq(claim.digest_len, 0);
    head_free(head);
}
END_TEST

/* RFC 9530 appendix D: of {"hello": "world"} with a line feed. */
#define SHA256_HELLO "RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg="
#define SHA512_HELLO                                           \
    "YMAam51Jz/jOATT6/zvHrLVgOYTGFy1d6GJiOHTohq4yP+pgk4vf2aCs" \
    "yRZOtw8MjkM7iw7yZ/WkppmM44T3qg=="

static enum fault read_digest(const char *first, const char *second, struct claim *claim)
{
    const char *sentence;
    struct head *head = head_of("idempotency-key", "k");
    must(head_add(head, SPAN_OF("content-digest"), span_text(first)));
    if (second != NULL)
        must(head_add(head, SPAN_OF("content-digest"), span_text(second)));
    enum fault fault = claim_read(head, claim, &sentence);
    head_free(head);
    return fault;
}

START_TEST(a_digest_is_read_as_the_rfc_shows_it)
{
    struct claim claim;
    ck_assert_int_eq(read_digest("sha-256=:" SHA256_HELLO ":", NULL, &claim), FAULT_NONE);
    ck_assert_uint_eq(claim.digest_len, 32);
    ck_assert_uint_eq(claim.digest[0], 0x44);
    ck_assert_uint_eq(claim.digest[1], 0xaf);
    ck_assert_uint_eq(claim.digest[31], 0x38);
    ck_assert_int_eq(read_digest("sha-512=:" SHA512_HELLO ":", NULL, &claim), FAULT_NONE);
    ck_assert_uint_eq(claim.digest_len, 64);
    ck_assert_uint_eq(claim.digest[63], 0xaa);
    const char *both[][2] = {
        {"sha-512=:" SHA512_HELLO ":, sha-256=:" SHA256_HELLO ":", NULL},
        {"sha-256=:" SHA256_HELLO ":,sha-512=:" SHA512_HELLO ":", NULL},
        {"sha-512=:" SHA512_HELLO ":", "sha-256=:" SHA256_HELLO ":"},
        {"md5=:AAAA:, unixsum=:AA==:", "sha-256=:" SHA256_HELLO ":"},
    };
    for (size_t i = 0; i < sizeof(both) / sizeof(*both); ++i) {
        ck_assert_int_eq(read_digest(both[i][0], both[i][1], &claim), FAULT_NONE);
        ck_assert_uint_eq(claim.digest_len, 32);
        ck_assert_uint_eq(claim.digest[31], 0x38);
    }
    ck_assert_int_eq(read_digest("md5=:AAAA:", NULL, &claim), FAULT_NONE);
    ck_assert_uint_eq(claim.digest_len, 0);
}
END_TEST

START_TEST(a_digest_that_is_none_is_refused)
{
    static const char *const rows[] = {
        "sha-256",
        "sha-256=",
        "sha-256=:",
        "sha-256=::",
        "sha-256=" SHA256_HELLO,
        "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg:",   /* no padding */
        "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDh=:",  /* bits left over */
        "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabD==:",  /* a byte short */
        "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDgA:",  /* a byte more */
        "sha-256=:RK-0qy18MlBSVnWgjwz6lZEWjP_lF5HF9bvEF8FabDg=:",  /* base64url */
        "sha-256=: RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:", /* a blank */
        "sha-512=:" SHA256_HELLO ":",
        "sha-256=:" SHA512_HELLO ":",
        ",",
        "sha-256=:" SHA256_HELLO ":,,",
        "a=1",
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        struct claim claim;
        ck_assert_msg(read_digest(rows[i], NULL, &claim) == FAULT_BAD_REQUEST, "row %zu", i);
    }
}
END_TEST

START_TEST(a_name_is_of_account_key_and_parent)
{
    struct claim claim;
    struct invocation names[6];
    ck_assert_int_eq(read_key("key", &claim), FAULT_NONE);
    claim_name(&claim, "ann", "", &names[0]);
    /* The first 26 characters of base32(SHA-256("ann\0key\0")), by coreutils. */
    ck_assert_str_eq(names[0].text, "ps6bvxosmlcbeddp4phdtvk5tc");
    claim_name(&claim, "anne", "", &names[1]);
    claim_name(&claim, "ann", "p1", &names[2]);
    claim_name(&claim, "ann", "p2", &names[3]);
    ck_assert_int_eq(read_key("key2", &claim), FAULT_NONE);
    claim_name(&claim, "ann", "", &names[4]);
    ck_assert_int_eq(read_key("\"key2\"", &claim), FAULT_NONE);
    claim_name(&claim, "ann", "", &names[5]);
    for (int i = 0; i < 6; ++i) {
        ck_assert_uint_eq(strlen(names[i].text), INVOCATION_CHARS);
        for (int j = 0; j < i; ++j)
            ck_assert_int_eq(strcmp(names[i].text, names[j].text) == 0, i == 5 && j == 4);
    }
}
END_TEST

struct request {
    const char *method;
    const char *path;
    const char *field[2];
    const char *body;
};

static void fingerprint(const struct request *request, char out[FINGERPRINT_TEXT_MAX])
{
    struct target target;
    char cid[CID_TEXT_MAX];
    struct head *head = head_of(request->field[0], request->field[1]);
    must(head_set_text(head, &head->method, span_text(request->method)));
    ck_assert_int_eq(target_parse(span_text(request->path), &target), FAULT_NONE);
    cid_text(&target.cid, cid);
    claim_fingerprint(head, &target, cid, request->body, strlen(request->body), out);
    head_free(head);
}

START_TEST(a_fingerprint_changes_with_all_that_must_be_the_same)
{
#define A "/ipfs/bafkreic54ytcxlwwgforuven5ckv6lqzc6vrjxqwedqtd4sejiydg4rlie"
#define B "/ipfs/bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy"
    static const struct request rows[] = {
        {"POST", A, {NULL, NULL}, "d"},
        {"PUT", A, {NULL, NULL}, "d"},
        {"POST", B, {NULL, NULL}, "d"},
        {"POST", A "/", {NULL, NULL}, "d"},
        {"POST", A "/x", {NULL, NULL}, "d"},
        {"POST", A "?", {NULL, NULL}, "d"},
        {"POST", A "?x", {NULL, NULL}, "d"},
        {"POST", A "/x?", {NULL, NULL}, "d"},
        {"POST", A, {"agent-max-cost", "1"}, "d"},
        {"POST", A, {"agent-max-cost", "11"}, "d"},
        {"POST", A, {"agent-max-units", "1"}, "d"},
        {"POST", A, {"agent-sub-budget", "1"}, "d"},
        {"POST", A, {"agent-sub-budget", "0"}, "d"},
        {"POST", A, {NULL, NULL}, "e"},
    };
    static const struct request same[] = {
        {"POST", A, {"user-agent", "x"}, "d"},
        {"POST", A, {"idempotency-key", "x"}, "d"},
    };
    enum { COUNT = sizeof(rows) / sizeof(*rows) };
    char texts[COUNT][FINGERPRINT_TEXT_MAX];
    char text[FINGERPRINT_TEXT_MAX];
    for (int i = 0; i < COUNT; ++i) {
        fingerprint(&rows[i], texts[i]);
        ck_assert_uint_eq(strlen(texts[i]), 32);
        for (int j = 0; j < i; ++j)
            ck_assert_msg(strcmp(texts[i], texts[j]) != 0, "rows %d and %d", j, i);
    }
    for (size_t i = 0; i < sizeof(same) / sizeof(*same); ++i) {
        fingerprint(&same[i], text);
        ck_assert_str_eq(text, texts[0]);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_key_is_a_string_or_the_same_without_quotes,
                                  a_key_has_255_characters_at_most,
                                  without_a_key_nothing_is_read,
                                  a_digest_is_read_as_the_rfc_shows_it,
                                  a_digest_that_is_none_is_refused,
                                  a_name_is_of_account_key_and_parent,
                                  a_fingerprint_changes_with_all_that_must_be_the_same,
                                  NULL};
    return checks_run("claim", tests);
}
