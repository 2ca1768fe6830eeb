/* The whole verifier on RA-TLS certificates of simulated workers. */
#include "simulate/simulate_pki.h"
#include "verify_scene.h"

static void bind(struct scene *scene, EVP_PKEY *key, struct simulate_bytes *claims)
{
    simulate_bind_key(scene->certificate.convention, key, &scene->quote, claims);
    if (scene->certificate.no_claims) {
        claims->len = 0;
        simulate_put_byte(claims, 0xa0);
        memset(scene->quote.report_data, 0, 64);
        EVP_Digest(claims->ptr, claims->len, scene->quote.report_data, NULL, EVP_sha256(), NULL);
    }
    if (scene->certificate.tail_byte)
        scene->quote.report_data[63] = 1;
}

static EVP_PKEY *new_key(const struct certificate_case *one)
{
    return one->convention == SIMULATE_RATS_TLS && !one->elliptic_key ? EVP_RSA_gen(2048)
                                                                      : EVP_EC_gen("P-256");
}

static void remove_extension(X509 *certificate, const char *text)
{
    ASN1_OBJECT *oid = OBJ_txt2obj(text, 1);
    int at = X509_get_ext_by_OBJ(certificate, oid, -1);
    ASN1_OBJECT_free(oid);
    ck_assert_int_ge(at, 0);
    X509_EXTENSION_free(X509_delete_ext(certificate, at));
}

static void spoil_intel(const struct scene *scene, X509 *certificate,
                        const struct simulate_vendor *vendor, const struct simulate_identity *pck)
{
    static const char intel[] = "1.2.840.113741.1.13.1";
    if (scene->certificate.no_dice)
        remove_extension(certificate, "2.23.133.5.4.9");
    if (scene->certificate.other_intel_quote) {
        struct simulate_quote_options options = scene->quote;
        options.report_data[0] ^= 1;
        struct simulate_bytes quote = simulate_quote(vendor, pck, &options);
        remove_extension(certificate, intel);
        simulate_cert_extend_raw(certificate, intel, &quote);
        simulate_bytes_fini(&quote);
    }
    ck_assert_int_gt(i2d_re_X509_tbs(certificate, NULL), 0);
}

static void judge_certificate(struct scene *scene, const struct attest_request *request,
                              const struct simulate_vendor *vendor,
                              const struct simulate_identity *pck)
{
    EVP_PKEY *key = new_key(&scene->certificate);
    EVP_PKEY *other = new_key(&scene->certificate);
    struct simulate_bytes claims = {0};
    bind(scene, key, &claims);
    struct simulate_bytes quote = simulate_quote(vendor, pck, &scene->quote);
    const char *const hosts[] = {"localhost"};
    struct simulate_certificate_options options = {.name = "worker",
                                                   .hosts = hosts,
                                                   .host_count = 1,
                                                   .not_before = scene->certificate.not_before,
                                                   .not_after = scene->certificate.not_after,
                                                   .convention = scene->certificate.convention,
                                                   .quote = &quote,
                                                   .claims = &claims};
    X509 *certificate = simulate_certificate(scene->certificate.other_key ? other : key, &options);
    spoil_intel(scene, certificate, vendor, pck);
    unsigned char *der = NULL;
    int len = i2d_X509(certificate, &der);
    attest_verify_certificate(request, (struct attest_bytes){.ptr = der, .len = (size_t)len},
                              &scene->verdict);
    OPENSSL_free(der);
    X509_free(certificate);
    simulate_bytes_fini(&quote);
    simulate_bytes_fini(&claims);
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
}

static void expect_certificate(enum attest_tee tee, struct certificate_case one,
                               enum attest_reason reason)
{
    struct scene scene;
    set_scene(&scene, tee);
    scene.certificate = one;
    if (one.not_after == 0) {
        scene.certificate.not_before = NOW - DAY;
        scene.certificate.not_after = NOW + DAY;
    }
    judge_with(&scene, judge_certificate);
    ck_assert_msg(scene.verdict.reason == reason, "%s (%s), not %s",
                  attest_reason_word(scene.verdict.reason), scene.verdict.detail,
                  attest_reason_word(reason));
    if (reason == ATTEST_TRUSTED)
        ck_assert_int_eq(scene.verdict.expires, scene.certificate.not_after);
}

static const enum simulate_convention sgx_conventions[] = {
    SIMULATE_DICE, SIMULATE_GRAMINE, SIMULATE_INTEL, SIMULATE_RATS_TLS, SIMULATE_OPEN_ENCLAVE};
enum { SGX_CONVENTION_COUNT = sizeof sgx_conventions / sizeof *sgx_conventions };

START_TEST(a_certificate_binds_its_key_by_any_convention)
{
    for (size_t i = 0; i < SGX_CONVENTION_COUNT; ++i)
        expect_certificate(ATTEST_TEE_SGX,
                           (struct certificate_case){.convention = sgx_conventions[i]},
                           ATTEST_TRUSTED);
    expect_certificate(ATTEST_TEE_TDX, (struct certificate_case){.convention = SIMULATE_DICE},
                       ATTEST_TRUSTED);
    expect_certificate(ATTEST_TEE_TDX,
                       (struct certificate_case){.convention = SIMULATE_NO_EVIDENCE},
                       ATTEST_NO_EVIDENCE);
}
END_TEST

START_TEST(evidence_of_another_key_is_refused)
{
    for (size_t i = 0; i < SGX_CONVENTION_COUNT; ++i) {
        expect_certificate(
            ATTEST_TEE_SGX,
            (struct certificate_case){.convention = sgx_conventions[i], .other_key = true},
            ATTEST_KEY_NOT_BOUND);
        expect_certificate(
            ATTEST_TEE_SGX,
            (struct certificate_case){.convention = sgx_conventions[i], .tail_byte = true},
            ATTEST_KEY_NOT_BOUND);
    }
}
END_TEST

START_TEST(claims_without_the_keys_hash_bind_nothing)
{
    expect_certificate(ATTEST_TEE_TDX,
                       (struct certificate_case){.convention = SIMULATE_DICE, .no_claims = true},
                       ATTEST_KEY_NOT_BOUND);
}
END_TEST

/* The verdict on a certificate of an RSA key with this one extension, or none. */
static enum attest_reason judge_extension(const char *oid, const void *value, size_t len)
{
    struct attest_request request = {.now = NOW};
    struct attest_verdict verdict;
    EVP_PKEY *key = EVP_RSA_gen(2048);
    struct simulate_bytes bytes = {0};
    struct simulate_certificate_options options = {
        .name = "worker", .not_before = NOW - DAY, .not_after = NOW + DAY};
    X509 *certificate = simulate_certificate(key, &options);
    simulate_put(&bytes, value, len);
    if (oid != NULL)
        simulate_cert_extend_raw(certificate, oid, &bytes);
    ck_assert_int_gt(i2d_re_X509_tbs(certificate, NULL), 0);
    unsigned char *der = NULL;
    int der_len = i2d_X509(certificate, &der);
    attest_verify_certificate(&request, (struct attest_bytes){.ptr = der, .len = (size_t)der_len},
                              &verdict);
    OPENSSL_free(der);
    X509_free(certificate);
    simulate_bytes_fini(&bytes);
    EVP_PKEY_free(key);
    return verdict.reason;
}

/* ra-tls g.23: rats-tls goes on to a verifier that accepts all when evidence is missing. */
START_TEST(missing_evidence_leads_to_no_verifier_that_accepts_all)
{
    static const struct {
        const char *oid, *value;
        size_t len;
        enum attest_reason reason;
    } rows[] = {
        {NULL, "", 0, ATTEST_NO_EVIDENCE},
        {"1.2.840.113741.1337.6", "", 0, ATTEST_EVIDENCE_MALFORMED},
        {"1.2.840.113741.1337.2", "", 0, ATTEST_CONVENTION_UNSUPPORTED},
        {"2.23.133.5.4.9", "", 0, ATTEST_EVIDENCE_MALFORMED},
        {"2.23.133.5.4.9", "\xd9\xea\x61\x82\x41q\x41\xa0", 8, ATTEST_EVIDENCE_MALFORMED},
        {"2.23.133.5.4.9", "\xd9\xea\x60\x82\x40\x40", 6, ATTEST_QUOTE_MALFORMED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i)
        ck_assert_msg(judge_extension(rows[i].oid, rows[i].value, rows[i].len) == rows[i].reason,
                      "row %zu", i);
}
END_TEST

/* ra-tls c: the claims bind the key; without them a bare quote says nothing of it. Nor does another
 * quote gain from them. */
START_TEST(an_intel_quote_is_bound_by_the_claims_alone)
{
    expect_certificate(ATTEST_TEE_SGX,
                       (struct certificate_case){.convention = SIMULATE_INTEL, .no_dice = true},
                       ATTEST_KEY_NOT_BOUND);
    expect_certificate(
        ATTEST_TEE_SGX,
        (struct certificate_case){.convention = SIMULATE_INTEL, .other_intel_quote = true},
        ATTEST_KEY_NOT_BOUND);
    expect_certificate(ATTEST_TEE_SGX,
                       (struct certificate_case){.convention = SIMULATE_INTEL, .no_claims = true},
                       ATTEST_KEY_NOT_BOUND);
}
END_TEST

/* Open Enclave's header says how long its quote is: neither less nor more follows. */
START_TEST(an_open_enclave_header_is_exact)
{
    static const char oid[] = "1.2.840.113556.10.1.1";
    static const uint8_t good[] = {1, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 'q'};
    uint8_t value[sizeof good + 1] = {0};
    for (size_t at = 0; at < 16; ++at) {
        memcpy(value, good, sizeof good);
        value[at] ^= 0x10;
        ck_assert_int_eq(judge_extension(oid, value, sizeof good), ATTEST_EVIDENCE_MALFORMED);
    }
    memcpy(value, good, sizeof good);
    for (size_t len = sizeof good - 1; len <= sizeof good + 1; ++len)
        ck_assert_int_eq(judge_extension(oid, value, len),
                         len == sizeof good ? ATTEST_QUOTE_MALFORMED : ATTEST_EVIDENCE_MALFORMED);
}
END_TEST

START_TEST(old_rats_tls_evidence_binds_rsa_keys_only)
{
    expect_certificate(
        ATTEST_TEE_SGX,
        (struct certificate_case){.convention = SIMULATE_RATS_TLS, .elliptic_key = true},
        ATTEST_KEY_NOT_BOUND);
}
END_TEST

START_TEST(a_certificate_is_held_to_both_its_dates)
{
    static const struct {
        int64_t from, to;
        enum attest_reason reason;
    } rows[] = {{NOW, NOW, ATTEST_TRUSTED},
                {NOW + 1, NOW + DAY, ATTEST_CERTIFICATE_EXPIRED},
                {NOW - DAY, NOW - 1, ATTEST_CERTIFICATE_EXPIRED}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i)
        expect_certificate(ATTEST_TEE_TDX,
                           (struct certificate_case){.convention = SIMULATE_DICE,
                                                     .not_before = rows[i].from,
                                                     .not_after = rows[i].to},
                           rows[i].reason);
}
END_TEST

static void add_gramine_evidence(X509 *certificate, const struct simulate_bytes *quote)
{
    ASN1_OBJECT *oid = OBJ_txt2obj("0.6.9.42.840.113741.1337.6", 1);
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    ASN1_OCTET_STRING_set(value, quote->ptr, (int)quote->len);
    X509_EXTENSION *extension = X509_EXTENSION_create_by_OBJ(NULL, oid, 0, value);
    ck_assert_int_eq(X509_add_ext(certificate, extension, -1), 1);
    ck_assert_int_gt(i2d_re_X509_tbs(certificate, NULL), 0);
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(value);
    ASN1_OBJECT_free(oid);
}

/* One certificate with a quote of each convention, both of which bind its key. */
static void judge_two_quotes(struct scene *scene, const struct attest_request *request,
                             const struct simulate_vendor *vendor,
                             const struct simulate_identity *pck)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    struct simulate_bytes claims = {0};
    simulate_bind_key(SIMULATE_DICE, key, &scene->quote, &claims);
    struct simulate_bytes first = simulate_quote(vendor, pck, &scene->quote);
    struct simulate_quote_options options = scene->quote;
    options.sgx.mrenclave[0] ^= scene->certificate.second_differs;
    options.damage =
        scene->certificate.second_broken ? SIMULATE_BAD_QUOTE_SIGNATURE : SIMULATE_SOUND;
    simulate_bind_key(SIMULATE_GRAMINE, key, &options, &claims);
    struct simulate_bytes second = simulate_quote(vendor, pck, &options);
    simulate_bytes_fini(&claims);
    simulate_bind_key(SIMULATE_DICE, key, &scene->quote, &claims);
    struct simulate_certificate_options made = {.name = "worker",
                                                .not_before = NOW - DAY,
                                                .not_after = NOW + DAY,
                                                .convention = SIMULATE_DICE,
                                                .quote = &first,
                                                .claims = &claims};
    X509 *certificate = simulate_certificate(key, &made);
    add_gramine_evidence(certificate, &second);
    unsigned char *der = NULL;
    int len = i2d_X509(certificate, &der);
    attest_verify_certificate(request, (struct attest_bytes){.ptr = der, .len = (size_t)len},
                              &scene->verdict);
    OPENSSL_free(der);
    X509_free(certificate);
    simulate_bytes_fini(&first);
    simulate_bytes_fini(&second);
    simulate_bytes_fini(&claims);
    EVP_PKEY_free(key);
}

START_TEST(several_pieces_of_evidence_must_hold_and_agree)
{
    struct scene scene;
    set_scene(&scene, ATTEST_TEE_SGX);
    scene.policy = "{\"accept\":[{\"tee\":\"sgx\",\"any_code\":true}]}";
    ck_assert_int_eq(judge_with(&scene, judge_two_quotes), ATTEST_TRUSTED);
    scene.certificate.second_differs = true;
    ck_assert_int_eq(judge_with(&scene, judge_two_quotes), ATTEST_EVIDENCE_DISAGREES);
    scene.certificate.second_differs = false;
    scene.certificate.second_broken = true;
    ck_assert_int_eq(judge_with(&scene, judge_two_quotes), ATTEST_QUOTE_SIGNATURE);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_certificate_binds_its_key_by_any_convention,
                                  evidence_of_another_key_is_refused,
                                  claims_without_the_keys_hash_bind_nothing,
                                  a_certificate_is_held_to_both_its_dates,
                                  missing_evidence_leads_to_no_verifier_that_accepts_all,
                                  an_intel_quote_is_bound_by_the_claims_alone,
                                  an_open_enclave_header_is_exact,
                                  old_rats_tls_evidence_binds_rsa_keys_only,
                                  several_pieces_of_evidence_must_hold_and_agree,
                                  NULL};
    return checks_run("verify_certificate", tests);
}
