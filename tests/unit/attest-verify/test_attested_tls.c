/* The whole verifier on attested-tls certificates: key, life and name are bound by the quote, so
 * that none of them can be changed afterwards, and the life ends when it says. */
#include "verify_scene.h"

enum { FROM = NOW - DAY, TO = NOW + DAY };

/* How a certificate is made; all zero: sound, in extension .1. */
struct life_case {
    bool in_envelope, with_log, other_key, envelope_differs, without_name, second_name;
    int64_t from_off, to_off; /* the certificate's dates against those bound */
    const char *name;         /* instead of the one bound */
    const char *from, *to;    /* replaced in the JSON, the same length */
};

static const struct life_case *current;

static void replace(struct simulate_bytes *bytes, const char *from, const char *to)
{
    size_t len = strlen(from), at = 0;
    while (at + len <= bytes->len && memcmp(bytes->ptr + at, from, len) != 0)
        ++at;
    ck_assert(at + len <= bytes->len && strlen(to) == len);
    memcpy(bytes->ptr + at, to, len);
}

static X509 *make_certificate(const struct life_case *one, EVP_PKEY *key,
                              const struct simulate_bytes *quote)
{
    struct simulate_certificate_options options = {.name = one->name != NULL ? one->name
                                                                             : "worker.example",
                                                   .not_before = FROM + one->from_off,
                                                   .not_after = TO + one->to_off};
    X509 *certificate = simulate_certificate(key, &options);
    X509_NAME *subject = X509_get_subject_name(certificate);
    if (one->without_name)
        X509_NAME_ENTRY_free(X509_NAME_delete_entry(
            subject, X509_NAME_get_index_by_NID(subject, NID_commonName, -1)));
    if (one->second_name)
        X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_ASC,
                                   (const unsigned char *)"other.example", -1, 0, 0);
    struct simulate_bytes evidence =
        one->in_envelope ? simulate_attested_tls8(quote) : simulate_attested_tls(quote);
    if (one->from != NULL)
        replace(&evidence, one->from, one->to);
    if (one->envelope_differs)
        evidence.ptr[evidence.len - 2] ^= 1; /* the last byte of its report data */
    simulate_dstack_extend(certificate, one->in_envelope ? "8" : "1", &evidence);
    if (one->with_log) {
        struct simulate_bytes log = simulate_dstack_log();
        simulate_dstack_extend(certificate, "2", &log);
        simulate_bytes_fini(&log);
    }
    simulate_bytes_fini(&evidence);
    ck_assert_int_gt(i2d_re_X509_tbs(certificate, NULL), 0);
    return certificate;
}

static void judge_life(struct scene *scene, const struct attest_request *request,
                       const struct simulate_vendor *vendor, const struct simulate_identity *pck)
{
    EVP_PKEY *key = EVP_EC_gen("P-256"), *other = EVP_EC_gen("P-256");
    struct simulate_quote_options quoted = scene->quote;
    simulate_bind_life(current->other_key ? other : key, "worker.example", FROM, TO, &quoted);
    struct simulate_bytes quote = simulate_quote(vendor, pck, &quoted);
    X509 *certificate = make_certificate(current, key, &quote);
    unsigned char *der = NULL;
    int len = i2d_X509(certificate, &der);
    attest_verify_certificate(request, (struct attest_bytes){.ptr = der, .len = (size_t)len},
                              &scene->verdict);
    OPENSSL_free(der);
    X509_free(certificate);
    simulate_bytes_fini(&quote);
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
}

static void expect_at(int64_t now, struct life_case one, enum attest_reason reason)
{
    struct scene scene;
    set_scene(&scene, ATTEST_TEE_TDX);
    scene.now = now;
    current = &one;
    judge_with(&scene, judge_life);
    ck_assert_msg(scene.verdict.reason == reason, "%s (%s), not %s",
                  attest_reason_word(scene.verdict.reason), scene.verdict.detail,
                  attest_reason_word(reason));
}

static void expect(struct life_case one, enum attest_reason reason)
{
    expect_at(NOW, one, reason);
    one.in_envelope = true;
    expect_at(NOW, one, reason);
}

START_TEST(a_certificate_is_trusted_within_the_life_that_its_quote_binds_and_no_longer)
{
    for (int in_envelope = 0; in_envelope < 2; ++in_envelope) {
        struct life_case one = {.in_envelope = in_envelope};
        expect_at(FROM - 1, one, ATTEST_COLLATERAL_EARLY); /* all begin together */
        expect_at(FROM, one, ATTEST_TRUSTED);
        expect_at(TO, one, ATTEST_TRUSTED);
        expect_at(TO + 1, one, ATTEST_CERTIFICATE_EXPIRED);
    }
}
END_TEST

START_TEST(a_life_that_is_not_the_one_bound_is_refused)
{
    static const int64_t offs[] = {-DAY, -1, 1, DAY - 1};
    for (size_t i = 0; i < sizeof offs / sizeof *offs; ++i) {
        expect((struct life_case){.from_off = offs[i]}, ATTEST_KEY_NOT_BOUND);
        expect((struct life_case){.to_off = offs[i]}, ATTEST_KEY_NOT_BOUND);
        expect((struct life_case){.from_off = offs[i], .to_off = offs[i]}, ATTEST_KEY_NOT_BOUND);
    }
}
END_TEST

START_TEST(another_key_or_name_is_refused)
{
    expect((struct life_case){.other_key = true}, ATTEST_KEY_NOT_BOUND);
    expect((struct life_case){.name = "worker.exampl"}, ATTEST_KEY_NOT_BOUND);
    expect((struct life_case){.name = "Worker.example"}, ATTEST_KEY_NOT_BOUND);
    expect((struct life_case){.name = "other.example"}, ATTEST_KEY_NOT_BOUND);
    expect((struct life_case){.without_name = true}, ATTEST_KEY_NOT_BOUND);
    expect((struct life_case){.second_name = true}, ATTEST_KEY_NOT_BOUND);
}
END_TEST

START_TEST(json_of_another_shape_is_refused)
{
    static const struct {
        const char *from, *to;
        enum attest_reason reason;
    } rows[] = {
        {"\"quote\":[4,0", "\"quote\":[5,0", ATTEST_QUOTE_UNSUPPORTED},
        {"\"quote\":[4,0", "\"quote\":[4,9", ATTEST_QUOTE_UNSUPPORTED},
        {"\"quote\":[4,0,2", "\"quote\":[999,2", ATTEST_EVIDENCE_MALFORMED},
        {"\"quote\":[4,0,2", "\"quote\":[\"4\",2", ATTEST_EVIDENCE_MALFORMED},
        {"\"quote\":[", "\"quota\":[", ATTEST_EVIDENCE_MALFORMED},
        {"attestation_evidence", "attestation_evidencf", ATTEST_EVIDENCE_MALFORMED},
        {"self-hosted-tdx", "some-hosted-tdx", ATTEST_CONVENTION_UNSUPPORTED},
        {"\"self-hosted-tdx\"", "\"azure-tdx\"      ", ATTEST_CONVENTION_UNSUPPORTED},
        {"\"self-hosted-tdx\"", "\"gcp-tdx\"        ", ATTEST_TRUSTED},
        {"\"self-hosted-tdx\"", "12345678901234567", ATTEST_EVIDENCE_MALFORMED},
        {"\"acpi\":null", "\"platform\":", ATTEST_EVIDENCE_MALFORMED},
        {"\"ram_bytes\"", "\"num_disks\"", ATTEST_EVIDENCE_MALFORMED}, /* twice */
        {"null}}}", "null}} ", ATTEST_EVIDENCE_MALFORMED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i)
        expect((struct life_case){.from = rows[i].from, .to = rows[i].to}, rows[i].reason);
}
END_TEST

START_TEST(a_log_or_another_report_data_beside_it_is_refused)
{
    expect_at(NOW, (struct life_case){.with_log = true}, ATTEST_EVIDENCE_MALFORMED);
    expect_at(NOW, (struct life_case){.in_envelope = true, .envelope_differs = true},
              ATTEST_EVIDENCE_DISAGREES);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_certificate_is_trusted_within_the_life_that_its_quote_binds_and_no_longer,
        a_life_that_is_not_the_one_bound_is_refused,
        another_key_or_name_is_refused,
        json_of_another_shape_is_refused,
        a_log_or_another_report_data_beside_it_is_refused,
        NULL};
    return checks_run("attested_tls", tests);
}
