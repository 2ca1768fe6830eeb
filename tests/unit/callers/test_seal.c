#define _GNU_SOURCE
#include "callers/seal.h"

#include <stdio.h>
#include <string.h>

#include "unit/checks.h"

enum { TEXT_MAX = 300 };

static const struct seal_keys keys = {{{"new", {1}}, {"old", {2}}}, 2};
static const struct seal_keys old = {{{"old", {2}}}, 1};
static const struct seal_keys other = {{{"new", {3}}}, 1};
static const struct seal_keys none;

static struct seal_place place_of(const char *use, const char *a, const char *b, const char *c)
{
    return (struct seal_place){use, {span_text(a), span_text(b), span_text(c)}};
}

static bool opens(const struct seal_keys *with, const struct seal_place *place, struct span sealed,
                  struct span text)
{
    char out[TEXT_MAX + SEAL_MORE];
    size_t len;
    bool opened = seal_open(out, &len, with, place, sealed);
    ck_assert(opened || len == 0);
    return opened && span_is(span_of(out, len), text);
}

START_TEST(what_is_sealed_opens_under_its_key_alone)
{
    struct seal_place place = place_of("t", "a", "b", "c");
    for (size_t len = 0; len <= TEXT_MAX; len += 37) {
        char text[TEXT_MAX];
        char sealed[TEXT_MAX + SEAL_MORE];
        memset(text, 'x', sizeof(text));
        struct span plain = span_of(text, len);
        struct span first = span_of(sealed, seal_close(sealed, &keys, &place, plain));
        ck_assert_uint_le(first.len, len + SEAL_MORE);
        ck_assert(opens(&keys, &place, first, plain));
        ck_assert(!opens(&old, &place, first, plain));
        ck_assert(!opens(&other, &place, first, plain)); /* the same kid, another key */
        ck_assert(!opens(&none, &place, first, plain));
        ck_assert(len < 8 || memmem(sealed, first.len, "xxxxxxxx", 8) == NULL);
        struct span second = span_of(sealed, seal_close(sealed, &old, &place, plain));
        ck_assert(opens(&keys, &place, second, plain)); /* while keys change */
    }
}
END_TEST

START_TEST(no_two_seals_are_alike)
{
    struct seal_place place = place_of("t", "a", "b", "c");
    char a[SEAL_MORE + 8], b[SEAL_MORE + 8];
    size_t len = seal_close(a, &keys, &place, SPAN_OF("same"));
    ck_assert_uint_eq(seal_close(b, &keys, &place, SPAN_OF("same")), len);
    ck_assert_mem_ne(a, b, len);
    ck_assert_mem_ne(a + len - 20, b + len - 20, 20);
}
END_TEST

START_TEST(it_opens_in_its_place_only)
{
    struct seal_place place = place_of("t", "ab", "c", "d");
    const struct seal_place others[] = {
        place_of("u", "ab", "c", "d"), place_of("t", "a", "bc", "d"),
        place_of("t", "abc", "", "d"), place_of("t", "ab", "d", "c"),
        place_of("t", "ab", "c", ""),  place_of("ta", "b", "c", "d")};
    char sealed[SEAL_MORE + 8];
    struct span is = span_of(sealed, seal_close(sealed, &keys, &place, SPAN_OF("text")));
    ck_assert(opens(&keys, &place, is, SPAN_OF("text")));
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); ++i)
        ck_assert_msg(!opens(&keys, &others[i], is, SPAN_OF("text")), "place %zu", i);
}
END_TEST

START_TEST(every_flipped_bit_and_every_shorter_text_is_refused)
{
    struct seal_place place = place_of("t", "a", "b", "c");
    char sealed[SEAL_MORE + 8], bad[SEAL_MORE + 9];
    size_t len = seal_close(sealed, &keys, &place, SPAN_OF("text"));
    for (size_t bit = 0; bit < len * 8; ++bit) {
        memcpy(bad, sealed, len);
        bad[bit / 8] = (char)(bad[bit / 8] ^ 1 << bit % 8);
        ck_assert_msg(!opens(&keys, &place, span_of(bad, len), SPAN_OF("text")), "bit %zu", bit);
    }
    for (size_t less = 0; less < len; ++less)
        ck_assert(!opens(&keys, &place, span_of(sealed, less), SPAN_OF("text")));
    memcpy(bad, sealed, len);
    bad[len] = 0;
    ck_assert(!opens(&keys, &place, span_of(bad, len + 1), SPAN_OF("text")));
    bad[1] = (char)255; /* a kid longer than all */
    ck_assert(!opens(&keys, &place, span_of(bad, len), SPAN_OF("text")));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {what_is_sealed_opens_under_its_key_alone, no_two_seals_are_alike,
                                  it_opens_in_its_place_only,
                                  every_flipped_bit_and_every_shorter_text_is_refused, NULL};
    return checks_run("seal", tests);
}
