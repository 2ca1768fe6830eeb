/* Buckets, keys and the words of calls. */
#include "callers/store.h"

#include "callers/apikey.h"
#include <stdio.h>

#include "unit/checks.h"

START_TEST(a_bucket_is_the_first_byte_of_the_names_sha_256)
{
    /* printf ann | sha256sum; printf '' | sha256sum */
    ck_assert_uint_eq(store_bucket(SPAN_OF("ann")), 0x49);
    ck_assert_uint_eq(store_bucket(SPAN_OF("")), 0xe3);
}
END_TEST

START_TEST(a_key_has_its_bucket_in_braces_and_three_digits)
{
    char out[256];
    ck_assert(span_is(store_key(out, 7, "a", SPAN_OF("ann")), SPAN_OF("tg:{b007}:a:ann")));
    ck_assert(span_is(store_key(out, 255, "x", SPAN_NONE), SPAN_OF("tg:{b255}:x")));
    ck_assert(span_is(store_key(out, 0, "L", SPAN_NONE), SPAN_OF("tg:{b000}:L")));
}
END_TEST

START_TEST(words_keep_numbers_and_keys_apart)
{
    struct words words;
    words_init(&words);
    words_add_u64(&words, 0);
    words_add_u64(&words, UINT64_MAX);
    words_add_hex(&words, 255);
    words_add_key(&words, 7, "h", SPAN_OF("i1"));
    words_add_text(&words, "");
    ck_assert_uint_eq(words.count, 5);
    ck_assert(span_is(words.at[0], SPAN_OF("0")));
    ck_assert(span_is(words.at[1], SPAN_OF("18446744073709551615")));
    ck_assert(span_is(words.at[2], SPAN_OF("00000000000000ff")));
    ck_assert(span_is(words.at[3], SPAN_OF("tg:{b007}:h:i1")));
    ck_assert_uint_eq(words.at[4].len, 0);
}
END_TEST

START_TEST(a_key_text_is_read_strictly)
{
    struct apikey_made made;
    struct apikey apikey;
    char text[APIKEY_TEXT_MAX + 8];
    apikey_make(&made, 42);
    ck_assert(apikey_parse(span_text(made.text), &apikey));
    ck_assert_uint_eq(apikey.bucket, 42);
    ck_assert(span_is(apikey.id, span_text(made.id)));
    ck_assert_uint_eq(apikey.secret.len, APIKEY_SECRET_CHARS);
    size_t len = strlen(made.text);
    for (size_t cut = 0; cut < len; ++cut)
        ck_assert(!apikey_parse(span_of(made.text, cut), &apikey));
    static const char *const bad[] = {"TGK_042_%s_%s",  "tgk_42_%s_%s",   "tgk_256_%s_%s",
                                      "tgk_+42_%s_%s",  "tgk_042_%s__%s", "tgk_042__%s%s",
                                      " tgk_042_%s_%s", "tgk_042_%s_%s ", "tgk_042_%sA_%s"};
    const char *secret = apikey.secret.ptr;
    snprintf(text, sizeof(text), "tgk_042_%s_%s", made.id, secret);
    ck_assert(apikey_parse(span_text(text), &apikey));
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); ++i) {
        /* The forms above, spelled out: a format is a literal here. */
        const char *from = bad[i];
        size_t used = 0, put = 0;
        for (; *from != '\0'; ++from) {
            if (from[0] != '%') {
                text[used++] = *from;
                continue;
            }
            const char *piece = put++ == 0 ? made.id : secret;
            memcpy(text + used, piece, strlen(piece));
            used += strlen(piece);
            ++from;
        }
        ck_assert_msg(!apikey_parse(span_of(text, used), &apikey), "%s", bad[i]);
    }
}
END_TEST

START_TEST(a_key_hash_is_sha_256_of_salt_and_secret)
{
    char hash[APIKEY_HASH_CHARS + 1];
    /* FIPS 180-4's example: SHA-256("abc") */
    apikey_hash(hash, SPAN_OF("a"), SPAN_OF("bc"));
    ck_assert_str_eq(hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}
END_TEST

int main(void)
{
    const TTest *tests[] = {
        a_bucket_is_the_first_byte_of_the_names_sha_256,
        a_key_has_its_bucket_in_braces_and_three_digits,
        words_keep_numbers_and_keys_apart,
        a_key_text_is_read_strictly,
        a_key_hash_is_sha_256_of_salt_and_secret,
        NULL,
    };
    return checks_run("store", tests);
}
