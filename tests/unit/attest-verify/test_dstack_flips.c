/* dstack certificates with one bit flipped, at every byte of log and envelope outside of the quote
 * and at many within it: none is trusted, but for the few bytes that say nothing. */
#include "verify_scene.h"

enum { QUOTE_STRIDE = 97, FLIPS_MIN = 400 };

/* Where bytes of the certificate lie. */
struct span {
    size_t begin, end;
};

static size_t find(struct attest_bytes in, size_t from, const void *what, size_t len)
{
    while (from + len <= in.len && memcmp(in.ptr + from, what, len) != 0)
        ++from;
    ck_assert(from + len <= in.len);
    return from;
}

static struct span find_span(struct attest_bytes in, const struct simulate_bytes *what)
{
    size_t begin = find(in, 0, what->ptr, what->len);
    return (struct span){begin, begin + what->len};
}

/* The log or envelope; and in it what may change: the firmware's event, or the config. */
static void find_spans(enum simulate_convention convention, struct attest_bytes der,
                       const struct simulate_bytes *quote, struct span *all, struct span *idle,
                       struct span *inner)
{
    struct simulate_bytes payload = convention == SIMULATE_DSTACK    ? simulate_dstack_log()
                                    : convention == SIMULATE_DSTACK8 ? simulate_dstack_v1(quote)
                                                                     : simulate_dstack_v0(quote);
    *all = find_span(der, &payload);
    simulate_bytes_fini(&payload);
    *idle = (struct span){all->end - 2, all->end};
    *inner = (struct span){0, 0};
    if (convention == SIMULATE_DSTACK)
        *idle = (struct span){all->begin, find(der, all->begin, "},{", 3)};
    else if (convention == SIMULATE_DSTACK8)
        *inner = (struct span){find(der, all->begin, "quote", 5) + 5,
                               find(der, all->begin, "event_log", 9) - 1};
    else
        *inner = find_span(der, quote);
}

static bool is_in(struct span span, size_t at)
{
    return at >= span.begin && at < span.end;
}

static void judge_flips(struct scene *scene, const struct attest_request *request,
                        const struct simulate_vendor *vendor, const struct simulate_identity *pck)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    struct simulate_bytes claims = {0};
    simulate_bind_key(scene->certificate.convention, key, &scene->quote, &claims);
    struct simulate_bytes quote = simulate_quote(vendor, pck, &scene->quote);
    struct simulate_certificate_options options = {.name = "worker",
                                                   .not_before = NOW - DAY,
                                                   .not_after = NOW + DAY,
                                                   .convention = scene->certificate.convention,
                                                   .quote = &quote};
    X509 *certificate = simulate_certificate(key, &options);
    unsigned char *der = NULL;
    struct span all, idle, inner;
    struct attest_bytes bytes = {.len = (size_t)i2d_X509(certificate, &der)};
    bytes.ptr = der;
    size_t flips = 0;
    find_spans(scene->certificate.convention, bytes, &quote, &all, &idle, &inner);
    for (size_t at = all.begin; at < all.end; ++at) {
        if (is_in(idle, at) || (is_in(inner, at) && at % QUOTE_STRIDE != 0))
            continue;
        der[at] ^= 1;
        attest_verify_certificate(request, bytes, &scene->verdict);
        ck_assert_msg(!attest_is_trusted(&scene->verdict), "byte %zu of %zu", at - all.begin,
                      all.end - all.begin);
        ck_assert_int_ne(scene->verdict.reason, ATTEST_INTERNAL);
        der[at] ^= 1;
        ++flips;
    }
    ck_assert_uint_ge(flips, FLIPS_MIN);
    attest_verify_certificate(request, bytes, &scene->verdict);
    OPENSSL_free(der);
    X509_free(certificate);
    simulate_bytes_fini(&quote);
    EVP_PKEY_free(key);
}

static void flip(enum simulate_convention convention)
{
    struct scene scene;
    set_scene(&scene, ATTEST_TEE_TDX);
    scene.certificate.convention = convention;
    ck_assert_int_eq(judge_with(&scene, judge_flips), ATTEST_TRUSTED);
}

START_TEST(no_flipped_bit_of_a_log_is_trusted)
{
    flip(SIMULATE_DSTACK);
}
END_TEST

START_TEST(no_flipped_bit_of_an_envelope_in_messagepack_is_trusted)
{
    flip(SIMULATE_DSTACK8);
}
END_TEST

START_TEST(no_flipped_bit_of_an_envelope_in_scale_is_trusted)
{
    flip(SIMULATE_DSTACK8_V0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {no_flipped_bit_of_a_log_is_trusted,
                                  no_flipped_bit_of_an_envelope_in_messagepack_is_trusted,
                                  no_flipped_bit_of_an_envelope_in_scale_is_trusted, NULL};
    return checks_run("dstack_flips", tests);
}
