/* The SGX extension of PCK certificates, put together attribute by attribute. */
#include "formats/pck.h"

#include "../checks.h"

#include <string.h>

static const uint8_t arc[] = {0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01};

struct der {
    uint8_t bytes[1024];
    size_t len;
};

static void put(struct der *out, uint8_t tag, const void *value, size_t len)
{
    out->bytes[out->len++] = tag;
    if (len >= 256) {
        out->bytes[out->len++] = 0x82;
        out->bytes[out->len++] = (uint8_t)(len >> 8);
    } else if (len >= 128) {
        out->bytes[out->len++] = 0x81;
    }
    out->bytes[out->len++] = (uint8_t)len;
    memcpy(out->bytes + out->len, value, len);
    out->len += len;
}

/* SEQUENCE { arc[.below].number, value } */
static void put_attribute(struct der *out, int below, uint8_t number, const struct der *value)
{
    uint8_t oid[sizeof arc + 2];
    size_t len = sizeof arc;
    struct der pair = {.len = 0};
    memcpy(oid, arc, sizeof arc);
    if (below >= 0)
        oid[len++] = (uint8_t)below;
    oid[len++] = number;
    put(&pair, 6, oid, len);
    memcpy(pair.bytes + pair.len, value->bytes, value->len);
    pair.len += value->len;
    put(out, 0x30, pair.bytes, pair.len);
}

static struct der value(uint8_t tag, uint8_t with, size_t len)
{
    uint8_t bytes[64];
    struct der out = {.len = 0};
    memset(bytes, with, len);
    put(&out, tag, bytes, len);
    return out;
}

/* What is wrong with the extension to be made. */
struct flaw {
    unsigned without, twice; /* attribute number, 0: none */
    unsigned tcb_without, tcb_twice, tcb_integer;
    uint8_t integer[4];
    size_t integer_len;
    uint8_t unknown;
    size_t octets_off; /* added to every OCTET STRING's length */
};

static struct der make_tcb(const struct flaw *flaw)
{
    struct der list = {.len = 0}, out = {.len = 0};
    for (uint8_t number = 1; number <= 18; ++number) {
        struct der one = value(2, number, 1);
        if (number == 17)
            one = (struct der){.bytes = {2, 2, 0x01, 0x02}, .len = 4};
        if (number == 18)
            one = value(4, 0x18, 16);
        if (number == flaw->tcb_integer) {
            one.len = 0;
            put(&one, 2, flaw->integer, flaw->integer_len);
        }
        for (unsigned i = 0; i < 1u + (flaw->tcb_twice == number); ++i)
            if (flaw->tcb_without != number)
                put_attribute(&list, 2, number, &one);
    }
    put(&out, 0x30, list.bytes, list.len);
    return out;
}

static struct der make_configuration(void)
{
    struct der list = {.len = 0}, out = {.len = 0};
    for (uint8_t number = 1; number <= 3; ++number) {
        struct der one = value(1, 0xff, 1);
        put_attribute(&list, 7, number, &one);
    }
    put(&out, 0x30, list.bytes, list.len);
    return out;
}

static struct der make(const struct flaw *flaw, unsigned last)
{
    struct der list = {.len = 0}, out = {.len = 0};
    for (unsigned number = 1; number <= last; ++number) {
        struct der one = number == 1   ? value(4, 0xb1, 16 + flaw->octets_off)
                         : number == 2 ? make_tcb(flaw)
                         : number == 3 ? value(4, 0xb3, 2)
                         : number == 4 ? value(4, 0xb4, 6)
                         : number == 5 ? value(10, 1, 1)
                         : number == 6 ? value(4, 0xb6, 16)
                                       : make_configuration();
        for (unsigned i = 0; i < 1u + (flaw->twice == number); ++i)
            if (flaw->without != number)
                put_attribute(&list, -1, (uint8_t)number, &one);
    }
    if (flaw->unknown != 0) {
        struct der one = value(4, 0, 2);
        put_attribute(&list, -1, flaw->unknown, &one);
    }
    put(&out, 0x30, list.bytes, list.len);
    return out;
}

static bool parses(const struct der *der)
{
    struct pck pck;
    return av_pck_parse_extension((struct attest_bytes){.ptr = der->bytes, .len = der->len}, &pck);
}

static bool flaw_parses(struct flaw flaw)
{
    struct der der = make(&flaw, 7);
    return parses(&der);
}

START_TEST(an_extension_says_what_the_platform_is)
{
    struct flaw none = {0};
    struct der der = make(&none, 7);
    struct pck pck;
    ck_assert(
        av_pck_parse_extension((struct attest_bytes){.ptr = der.bytes, .len = der.len}, &pck));
    ck_assert_uint_eq(pck.ppid[15], 0xb1);
    ck_assert_uint_eq(pck.components[0], 1);
    ck_assert_uint_eq(pck.components[15], 16);
    ck_assert_uint_eq(pck.pcesvn, 0x0102);
    ck_assert_uint_eq(pck.pceid[1], 0xb3);
    ck_assert_uint_eq(pck.fmspc[5], 0xb4);
    ck_assert(pck.has_piid);
    ck_assert_uint_eq(pck.piid[0], 0xb6);
}
END_TEST

START_TEST(a_processors_extension_has_no_instance)
{
    struct flaw none = {0};
    struct der der = make(&none, 5);
    struct pck pck;
    ck_assert(
        av_pck_parse_extension((struct attest_bytes){.ptr = der.bytes, .len = der.len}, &pck));
    ck_assert(!pck.has_piid);
}
END_TEST

START_TEST(a_missing_doubled_or_unknown_attribute_is_refused)
{
    for (unsigned number = 1; number <= 5; ++number)
        ck_assert(!flaw_parses((struct flaw){.without = number}));
    for (unsigned number = 1; number <= 7; ++number)
        ck_assert(!flaw_parses((struct flaw){.twice = number}));
    for (unsigned number = 1; number <= 18; ++number) {
        ck_assert(!flaw_parses((struct flaw){.tcb_without = number}));
        ck_assert(!flaw_parses((struct flaw){.tcb_twice = number}));
    }
    ck_assert(!flaw_parses((struct flaw){.unknown = 8}));
    ck_assert(!flaw_parses((struct flaw){.unknown = 0x81}));
    ck_assert(!flaw_parses((struct flaw){.octets_off = 1}));
    ck_assert(flaw_parses((struct flaw){0}));
}
END_TEST

START_TEST(component_svns_are_bytes_in_their_shortest_form)
{
    static const struct {
        uint8_t bytes[4];
        size_t len;
        bool good;
    } rows[] = {{{0}, 1, true},     {{0x7f}, 1, true},       {{0, 0xff}, 2, true},
                {{1, 0}, 2, false}, {{0x80}, 1, false},      {{0, 0x7f}, 2, false},
                {{0}, 0, false},    {{0, 0, 0xff}, 3, false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
        struct flaw flaw = {.tcb_integer = 3, .integer_len = rows[i].len};
        memcpy(flaw.integer, rows[i].bytes, rows[i].len);
        ck_assert(flaw_parses(flaw) == rows[i].good);
    }
    ck_assert(flaw_parses(
        (struct flaw){.tcb_integer = 17, .integer = {0, 0xff, 0xff}, .integer_len = 3}));
    ck_assert(
        !flaw_parses((struct flaw){.tcb_integer = 17, .integer = {1, 0, 0}, .integer_len = 3}));
}
END_TEST

START_TEST(no_byte_may_follow_or_be_missing)
{
    struct flaw none = {0};
    struct der der = make(&none, 7);
    for (size_t len = 0; len < der.len; ++len) {
        struct der cut = der;
        cut.len = len;
        ck_assert(!parses(&cut));
    }
    der.bytes[der.len++] = 0;
    ck_assert(!parses(&der));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {an_extension_says_what_the_platform_is,
                                  a_processors_extension_has_no_instance,
                                  a_missing_doubled_or_unknown_attribute_is_refused,
                                  component_svns_are_bytes_in_their_shortest_form,
                                  no_byte_may_follow_or_be_missing,
                                  NULL};
    return checks_run("pck", tests);
}
