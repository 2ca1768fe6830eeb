/* Quotes made by hand: every length, type and version below, at and above its limit. */
#include "quotes.h"

#include "../checks.h"

#include <stdlib.h>

static const char pem[] = "chain";

static enum attest_reason reason_of(const uint8_t *bytes, size_t len, bool padded)
{
    /* A block of its own size, so that the sanitizers see a read beyond it. */
    uint8_t *copy = malloc(len > 0 ? len : 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, bytes, len);
    struct attest_verdict verdict;
    struct quote quote;
    av_verdict_init(&verdict);
    struct attest_bytes given = {.ptr = copy, .len = len};
    bool ok = av_quote_parse(given, padded, &quote, &verdict);
    free(copy);
    ck_assert(ok == (verdict.reason == ATTEST_INTERNAL)); /* a parsed quote is not trusted yet */
    return ok ? ATTEST_TRUSTED : verdict.reason;
}

static enum attest_reason reason_of_made(const struct made_quote *made)
{
    return reason_of(made->bytes, made->len, false);
}

static enum attest_reason reason_with_byte(const struct made_quote *made, size_t at, uint8_t value)
{
    struct made_quote changed = *made;
    changed.bytes[at] = value;
    return reason_of_made(&changed);
}

START_TEST(every_kind_of_quote_is_taken_apart)
{
    static const struct {
        unsigned version, body_type;
        enum attest_tee tee;
        size_t signed_len;
        uint8_t report_data;
    } kinds[] = {{3, 1, ATTEST_TEE_SGX, 432, 0x22}, {4, 1, ATTEST_TEE_SGX, 432, 0x22},
                 {4, 2, ATTEST_TEE_TDX, 632, 0x23}, {5, 1, ATTEST_TEE_SGX, 438, 0x22},
                 {5, 2, ATTEST_TEE_TDX, 638, 0x23}, {5, 3, ATTEST_TEE_TDX, 702, 0x23}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; ++i) {
        struct made_quote made;
        struct quote quote;
        struct attest_verdict verdict;
        quotes_make(&made, kinds[i].version, kinds[i].body_type, pem);
        av_verdict_init(&verdict);
        ck_assert(av_quote_parse(quotes_bytes(&made), false, &quote, &verdict));
        ck_assert_int_eq(verdict.tee, kinds[i].tee);
        ck_assert_uint_eq(quote.signed_part.len, kinds[i].signed_len);
        ck_assert_uint_eq(quote.signature.ptr[0], 0x31);
        ck_assert_uint_eq(quote.key.ptr[63], 0x32);
        ck_assert_uint_eq(quote.qe_report.len, SGX_REPORT_BYTES);
        ck_assert_uint_eq(quote.qe_signature.ptr[0], 0x52);
        ck_assert_uint_eq(quote.qe_auth.len, QE_AUTH_BYTES);
        ck_assert_mem_eq(quote.pck_pem.ptr, pem, strlen(pem));
        ck_assert_uint_eq(verdict.report_data[63], kinds[i].report_data);
    }
}
END_TEST

START_TEST(a_quote_cut_off_anywhere_is_refused)
{
    static const unsigned kinds[][2] = {{3, 1}, {4, 2}, {5, 3}};
    for (size_t kind = 0; kind < 3; ++kind) {
        struct made_quote made;
        quotes_make(&made, kinds[kind][0], kinds[kind][1], pem);
        ck_assert_int_eq(reason_of_made(&made), ATTEST_TRUSTED);
        for (size_t len = 0; len < made.len; ++len)
            ck_assert_int_eq(reason_of(made.bytes, len, true), ATTEST_QUOTE_MALFORMED);
    }
}
END_TEST

START_TEST(bytes_after_a_quote_are_refused_but_for_declared_padding)
{
    struct made_quote made;
    quotes_make(&made, 4, 2, pem);
    ck_assert_int_eq(reason_of(made.bytes, made.len + 1, false), ATTEST_QUOTE_MALFORMED);
    ck_assert_int_eq(reason_of(made.bytes, made.len + 100, true), ATTEST_TRUSTED);
    made.bytes[made.len + 99] = 1;
    ck_assert_int_eq(reason_of(made.bytes, made.len + 100, true), ATTEST_QUOTE_MALFORMED);
}
END_TEST

START_TEST(the_padding_is_no_part_of_the_quote)
{
    struct made_quote made;
    struct quote quote;
    struct attest_verdict verdict;
    quotes_make(&made, 4, 2, pem);
    av_verdict_init(&verdict);
    struct attest_bytes padded = {.ptr = made.bytes, .len = made.len + 9};
    ck_assert(av_quote_parse(padded, true, &quote, &verdict));
    ck_assert_uint_eq(quote.whole.len, made.len);
}
END_TEST

START_TEST(only_versions_three_to_five_are_read)
{
    struct made_quote made;
    quotes_make(&made, 4, 1, pem);
    for (unsigned version = 0; version < 256; ++version)
        if (version < 3 || version > 5)
            ck_assert_int_eq(reason_with_byte(&made, 0, (uint8_t)version),
                             ATTEST_QUOTE_UNSUPPORTED);
    ck_assert_int_eq(reason_with_byte(&made, 1, 1), ATTEST_QUOTE_UNSUPPORTED);
}
END_TEST

START_TEST(a_relabelled_quote_is_refused)
{
    struct made_quote made;
    quotes_make(&made, 5, 2, pem);
    ck_assert_int_ne(reason_with_byte(&made, 0, 4), ATTEST_TRUSTED);
    quotes_make(&made, 4, 2, pem);
    ck_assert_int_ne(reason_with_byte(&made, 0, 5), ATTEST_TRUSTED);
    ck_assert_int_eq(reason_with_byte(&made, 0, 3), ATTEST_QUOTE_UNSUPPORTED);
    ck_assert_int_ne(reason_with_byte(&made, 4, 0), ATTEST_TRUSTED);
}
END_TEST

START_TEST(other_keys_vendors_and_tees_are_refused_by_name)
{
    struct made_quote made;
    quotes_make(&made, 4, 2, pem);
    ck_assert_int_eq(reason_with_byte(&made, 2, 3), ATTEST_QUOTE_UNSUPPORTED);
    ck_assert_int_eq(reason_with_byte(&made, 4, 0x82), ATTEST_QUOTE_UNSUPPORTED);
    ck_assert_int_eq(reason_with_byte(&made, 7, 1), ATTEST_QUOTE_UNSUPPORTED);
    ck_assert_int_eq(reason_with_byte(&made, 12, 0), ATTEST_QUOTE_UNSUPPORTED);
    ck_assert_int_eq(reason_with_byte(&made, 27, 0), ATTEST_QUOTE_UNSUPPORTED);
}
END_TEST

START_TEST(the_body_descriptor_must_fit_type_size_and_tee)
{
    struct made_quote made;
    quotes_make(&made, 5, 2, pem);
    ck_assert_int_eq(reason_with_byte(&made, 48, 0), ATTEST_QUOTE_UNSUPPORTED);
    ck_assert_int_eq(reason_with_byte(&made, 48, 4), ATTEST_QUOTE_UNSUPPORTED);
    ck_assert_int_eq(reason_with_byte(&made, 48, 5), ATTEST_QUOTE_UNSUPPORTED);
    ck_assert_int_eq(reason_with_byte(&made, 48, 3), ATTEST_QUOTE_MALFORMED);
    ck_assert_int_eq(reason_with_byte(&made, 50, 0x47), ATTEST_QUOTE_MALFORMED);
    ck_assert_int_eq(reason_with_byte(&made, 53, 1), ATTEST_QUOTE_MALFORMED);
    quotes_make(&made, 5, 1, pem);
    ck_assert_int_eq(reason_with_byte(&made, 4, 0x81), ATTEST_QUOTE_MALFORMED);
}
END_TEST

START_TEST(every_length_inside_must_be_exact)
{
    static const unsigned kinds[][2] = {{3, 1}, {4, 2}, {5, 3}};
    for (size_t kind = 0; kind < 3; ++kind) {
        struct made_quote made;
        quotes_make(&made, kinds[kind][0], kinds[kind][1], pem);
        size_t places[] = {made.auth_len_at, made.qe_auth_len_at, made.cert_type_at + 2,
                           made.qe_frame_at};
        for (size_t i = 0; i < 4 - (made.qe_frame_at == 0); ++i)
            for (unsigned value = 0; value < 256; ++value)
                if (made.bytes[places[i]] != value)
                    ck_assert_int_ne(reason_with_byte(&made, places[i], (uint8_t)value),
                                     ATTEST_TRUSTED);
        for (size_t byte = 1; byte < 4; ++byte)
            ck_assert_int_eq(reason_with_byte(&made, made.auth_len_at + byte, 0xff),
                             ATTEST_QUOTE_MALFORMED);
    }
}
END_TEST

START_TEST(only_pck_chains_within_qe_reports_are_read)
{
    struct made_quote made;
    quotes_make(&made, 4, 2, pem);
    for (unsigned type = 0; type < 8; ++type) {
        if (type != 5)
            ck_assert_int_eq(reason_with_byte(&made, made.cert_type_at, (uint8_t)type),
                             ATTEST_QUOTE_UNSUPPORTED);
        if (type != 6)
            ck_assert_int_eq(reason_with_byte(&made, made.qe_frame_at - 2, (uint8_t)type),
                             ATTEST_QUOTE_UNSUPPORTED);
    }
}
END_TEST

START_TEST(reserved_fields_of_an_enclave_report_must_be_zero)
{
    static const size_t reserved[] = {20, 31, 96, 127, 160, 191, 262, 303};
    struct made_quote made;
    quotes_make(&made, 3, 1, pem);
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; ++i) {
        ck_assert_int_eq(reason_with_byte(&made, made.body_at + reserved[i], 1),
                         ATTEST_QUOTE_MALFORMED);
        ck_assert_int_eq(reason_with_byte(&made, made.auth_len_at + 4 + 128 + reserved[i], 1),
                         ATTEST_QUOTE_MALFORMED);
    }
}
END_TEST

START_TEST(a_quote_of_64_kib_is_read_and_one_byte_more_is_not)
{
    struct made_quote made;
    quotes_make(&made, 4, 2, pem);
    uint8_t *large = calloc(1, QUOTE_BYTES_MAX + 1);
    ck_assert_ptr_nonnull(large);
    memcpy(large, made.bytes, made.len);
    ck_assert_int_eq(reason_of(large, QUOTE_BYTES_MAX, true), ATTEST_TRUSTED);
    ck_assert_int_eq(reason_of(large, QUOTE_BYTES_MAX + 1, true), ATTEST_QUOTE_MALFORMED);
    free(large);
}
END_TEST

START_TEST(the_parts_of_a_report_are_where_the_table_says)
{
    struct made_quote made;
    struct quote quote;
    struct attest_verdict verdict;
    quotes_make(&made, 5, 3, pem);
    memset(made.bytes + made.body_at + 136, 0xa1, 48);
    memset(made.bytes + made.body_at + 472, 0xa2, 48);
    memset(made.bytes + made.body_at + 584, 0xa3, 16);
    av_verdict_init(&verdict);
    ck_assert(av_quote_parse(quotes_bytes(&made), false, &quote, &verdict));
    ck_assert_uint_eq(av_quote_part(&quote, "mrtd").ptr[47], 0xa1);
    ck_assert_uint_eq(av_quote_part(&quote, "rtmr3").ptr[0], 0xa2);
    ck_assert_uint_eq(av_quote_part(&quote, "tee_tcb_svn_2").len, 16);
    ck_assert_uint_eq(av_quote_part(&quote, "tee_tcb_svn_2").ptr[0], 0xa3);
    ck_assert_ptr_null(av_quote_part(&quote, "mrenclave").ptr);
    ck_assert_str_eq(verdict.measurements[0].name, "mrtd");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {every_kind_of_quote_is_taken_apart,
                                  a_quote_cut_off_anywhere_is_refused,
                                  bytes_after_a_quote_are_refused_but_for_declared_padding,
                                  the_padding_is_no_part_of_the_quote,
                                  only_versions_three_to_five_are_read,
                                  a_relabelled_quote_is_refused,
                                  other_keys_vendors_and_tees_are_refused_by_name,
                                  the_body_descriptor_must_fit_type_size_and_tee,
                                  every_length_inside_must_be_exact,
                                  only_pck_chains_within_qe_reports_are_read,
                                  reserved_fields_of_an_enclave_report_must_be_zero,
                                  a_quote_of_64_kib_is_read_and_one_byte_more_is_not,
                                  the_parts_of_a_report_are_where_the_table_says,
                                  NULL};
    return checks_run("quote", tests);
}
