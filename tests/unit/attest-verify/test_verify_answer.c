/* Answers to challenges of simulated workers: what binds one to its connection, and each way in
 * which one is not of this connection, code or machine (ra-tls (g) 2, 3, 26, 28). */
#include "evidence/answer.h"
#include "simulate/simulate_pki.h"
#include "verify_scene.h"

#include <stdio.h>
#include <stdlib.h>

/* The policy lists both codes: only the comparison with the certificate can tell them apart. */
#define ANY_CODE                                                                             \
    "{\"accept\":[{\"tee\":\"tdx\",\"any_code\":true},{\"tee\":\"sgx\",\"any_code\":true}]," \
    "\"tcb\":{\"accepted_status\":[\"UpToDate\"]}}"

static const struct attest_challenge here = {.exporter = {1, 2, 3}, .nonce = {9, 8, 7}};

/* What an answer is made of; all zero is sound. */
struct answer_case {
    enum simulate_convention convention; /* of the certificate; NO_EVIDENCE: DICE */
    bool other_nonce, other_exporter, other_key;
    bool gateways_label; /* as if the verifier's own evidence came back */
    bool bound_to_key;   /* the certificate's own quote, sent once more */
    bool other_code, other_rtmr3, other_machine, debug;
    enum attest_tee tee; /* of the quote; NONE: the certificate's */
    const char *said_tee;
    enum simulate_damage damage;
    const char *policy;
    bool certificate_expired;
    const char *json; /* instead of all that */
};

/* --- making one ---------------------------------------------------------------------------- */

static void put_base64url(struct simulate_bytes *out, const uint8_t *bytes, size_t len)
{
    char *text = malloc(len * 2 + 8);
    int made = EVP_EncodeBlock((unsigned char *)text, bytes, (int)len);
    for (int i = 0; i < made && text[i] != '='; ++i)
        simulate_put_byte(out, text[i] == '+' ? '-' : text[i] == '/' ? '_' : (uint8_t)text[i]);
    free(text);
}

/* Written down once more, as a worker's author would: SHA-512 over the parts in their order. */
static void report_data_for(const char *label, EVP_PKEY *key,
                            const struct attest_challenge *challenge, uint8_t report_data[64])
{
    struct simulate_bytes all = {0}, spki = simulate_spki(key);
    simulate_put(&all, label, strlen(label) + 1);
    simulate_put(&all, spki.ptr, spki.len);
    simulate_put(&all, challenge->exporter, 32);
    simulate_put(&all, challenge->nonce, 32);
    ck_assert_int_eq(EVP_Digest(all.ptr, all.len, report_data, NULL, EVP_sha512(), NULL), 1);
    simulate_bytes_fini(&all);
    simulate_bytes_fini(&spki);
}

static struct simulate_bytes json_of(const struct answer_case *one, enum attest_tee tee,
                                     const struct simulate_bytes *quote)
{
    struct simulate_bytes json = {0};
    if (one->json != NULL) {
        simulate_put_text(&json, "%s", one->json);
        return json;
    }
    const char *word = one->said_tee != NULL ? one->said_tee : attest_tee_word(tee);
    simulate_put_text(&json, "{\"tee\":\"%s\",\"evidence\":\"", word);
    put_base64url(&json, quote->ptr, quote->len);
    simulate_put_text(&json, "\",\"endorsements\":{}}");
    return json;
}

/* The answer's quote, under `pck` or another machine's. */
static struct simulate_bytes quote_for(const struct answer_case *one,
                                       const struct simulate_quote_options *certified,
                                       EVP_PKEY *key, const struct simulate_vendor *vendor,
                                       const struct simulate_identity *pck)
{
    struct simulate_quote_options options = *certified;
    struct simulate_platform elsewhere = simulate_platform_default("elsewhere", NOW);
    struct simulate_identity other = simulate_pck(vendor, &elsewhere);
    struct attest_challenge challenge = here;
    EVP_PKEY *other_key = EVP_EC_gen("P-256");
    if (one->tee != ATTEST_TEE_NONE)
        options = simulate_quote_default(one->tee);
    challenge.nonce[31] ^= one->other_nonce;
    challenge.exporter[0] ^= one->other_exporter;
    if (!one->bound_to_key)
        report_data_for(one->gateways_label ? "teegate-challenge-gateway-v1"
                                            : "teegate-challenge-worker-v1",
                        one->other_key ? other_key : key, &challenge, options.report_data);
    if (one->other_code)
        simulate_quote_set_unlisted(&options);
    if (one->debug)
        simulate_quote_set_debug(&options);
    options.tdx.rtmr[3][0] ^= one->other_rtmr3;
    options.damage = one->damage;
    struct simulate_bytes quote =
        simulate_quote(vendor, one->other_machine ? &other : pck, &options);
    EVP_PKEY_free(other_key);
    simulate_identity_fini(&other);
    return quote;
}

static const struct answer_case *the_case;

static void judge_answer(struct scene *scene, const struct attest_request *request,
                         const struct simulate_vendor *vendor, const struct simulate_identity *pck)
{
    const struct answer_case *one = the_case;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    struct simulate_bytes claims = {0};
    struct simulate_quote_options certified = scene->quote;
    enum simulate_convention convention =
        one->convention == SIMULATE_NO_EVIDENCE ? SIMULATE_DICE : one->convention;
    simulate_bind_key(convention, key, &certified, &claims);
    struct simulate_bytes quote = simulate_quote(vendor, pck, &certified);
    struct simulate_certificate_options options = {
        .name = "worker",
        .not_before = NOW - 2 * DAY,
        .not_after = one->certificate_expired ? NOW - DAY : NOW + DAY,
        .convention = convention,
        .quote = &quote,
        .claims = &claims};
    X509 *certificate = simulate_certificate(key, &options);
    unsigned char *der = NULL;
    int len = i2d_X509(certificate, &der);
    struct simulate_bytes fresh = quote_for(one, &certified, key, vendor, pck);
    struct simulate_bytes json = json_of(one, certified.tee, &fresh);
    struct attest_request explained = *request;
    explained.padded = true; /* means nothing here: an answer is exact */
    attest_verify_answer(&explained, (struct attest_bytes){der, (size_t)len}, &here,
                         bytes_of(&json), &scene->verdict);
    OPENSSL_free(der);
    X509_free(certificate);
    simulate_bytes_fini(&quote);
    simulate_bytes_fini(&claims);
    simulate_bytes_fini(&fresh);
    simulate_bytes_fini(&json);
    EVP_PKEY_free(key);
}

static struct attest_verdict verdict_on(enum attest_tee tee, struct answer_case one)
{
    struct scene scene;
    set_scene(&scene, tee);
    scene.policy = one.policy;
    the_case = &one;
    judge_with(&scene, judge_answer);
    return scene.verdict;
}

static void expect(enum attest_tee tee, struct answer_case one, enum attest_reason reason,
                   const char *says)
{
    struct attest_verdict verdict = verdict_on(tee, one);
    ck_assert_msg(verdict.reason == reason, "%s (%s), not %s", attest_reason_word(verdict.reason),
                  verdict.detail, attest_reason_word(reason));
    ck_assert_msg(strstr(verdict.detail, says) != NULL, "\"%s\" does not say \"%s\"",
                  verdict.detail, says);
}

/* --- the promises -------------------------------------------------------------------------- */

START_TEST(fresh_evidence_over_this_connection_is_trusted)
{
    expect(ATTEST_TEE_TDX, (struct answer_case){0}, ATTEST_TRUSTED, "");
    expect(ATTEST_TEE_SGX, (struct answer_case){0}, ATTEST_TRUSTED, "");
    expect(ATTEST_TEE_SGX, (struct answer_case){.convention = SIMULATE_GRAMINE}, ATTEST_TRUSTED,
           "");
    expect(ATTEST_TEE_SGX, (struct answer_case){.convention = SIMULATE_INTEL}, ATTEST_TRUSTED, "");
    expect(ATTEST_TEE_TDX, (struct answer_case){.convention = SIMULATE_DSTACK}, ATTEST_TRUSTED, "");
    expect(ATTEST_TEE_TDX, (struct answer_case){.convention = SIMULATE_DSTACK8}, ATTEST_TRUSTED,
           "");
}
END_TEST

START_TEST(a_trusted_answer_ends_with_the_certificate)
{
    struct attest_verdict verdict = verdict_on(ATTEST_TEE_TDX, (struct answer_case){0});
    ck_assert_int_eq(verdict.expires, NOW + DAY);
    ck_assert(verdict.has_instance);
}
END_TEST

START_TEST(an_answer_of_another_nonce_key_connection_or_direction_is_not_bound)
{
    static const struct answer_case rows[] = {{.other_nonce = true},
                                              {.other_exporter = true},
                                              {.other_key = true},
                                              {.gateways_label = true},
                                              {.bound_to_key = true}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
        expect(ATTEST_TEE_TDX, rows[i], ATTEST_ANSWER_NOT_BOUND, "nonce");
        expect(ATTEST_TEE_SGX, rows[i], ATTEST_ANSWER_NOT_BOUND, "nonce");
    }
}
END_TEST

START_TEST(an_answer_of_other_code_that_the_policy_accepts_too_is_refused)
{
    expect(ATTEST_TEE_TDX, (struct answer_case){.other_code = true, .policy = ANY_CODE},
           ATTEST_ANSWER_OTHER_CODE, "measurements");
    expect(ATTEST_TEE_SGX, (struct answer_case){.other_code = true, .policy = ANY_CODE},
           ATTEST_ANSWER_OTHER_CODE, "measurements");
    /* MRTD is the firmware's: the application is in the RTMRs. */
    expect(ATTEST_TEE_TDX, (struct answer_case){.other_rtmr3 = true, .policy = ANY_CODE},
           ATTEST_ANSWER_OTHER_CODE, "measurements");
}
END_TEST

START_TEST(an_answer_of_another_machine_is_refused)
{
    expect(ATTEST_TEE_TDX, (struct answer_case){.other_machine = true},
           ATTEST_ANSWER_OTHER_INSTANCE, "machine");
    expect(ATTEST_TEE_SGX, (struct answer_case){.other_machine = true},
           ATTEST_ANSWER_OTHER_INSTANCE, "machine");
}
END_TEST

START_TEST(an_answers_evidence_is_held_against_the_policy_and_says_that_it_is_the_answers)
{
    expect(ATTEST_TEE_TDX, (struct answer_case){.other_code = true}, ATTEST_MEASUREMENT_NOT_LISTED,
           "in the answer to the challenge: ");
    expect(ATTEST_TEE_TDX, (struct answer_case){.debug = true}, ATTEST_DEBUG,
           "in the answer to the challenge: ");
    expect(ATTEST_TEE_SGX, (struct answer_case){.damage = SIMULATE_BAD_QUOTE_SIGNATURE},
           ATTEST_QUOTE_SIGNATURE, "in the answer to the challenge: ");
    expect(ATTEST_TEE_TDX, (struct answer_case){.damage = SIMULATE_BAD_QE_SIGNATURE},
           ATTEST_QE_SIGNATURE, "in the answer to the challenge: ");
}
END_TEST

START_TEST(the_certificates_event_log_must_lead_to_the_answers_quote)
{
    expect(ATTEST_TEE_TDX, (struct answer_case){.convention = SIMULATE_DSTACK, .other_rtmr3 = true},
           ATTEST_EVENT_LOG, "RTMR3");
}
END_TEST

START_TEST(an_answer_of_another_tee_is_refused_whatever_it_says_it_is)
{
    expect(ATTEST_TEE_TDX, (struct answer_case){.tee = ATTEST_TEE_SGX, .said_tee = "sgx"},
           ATTEST_ANSWER_OTHER_CODE, "of sgx");
    expect(ATTEST_TEE_TDX, (struct answer_case){.said_tee = "snp"}, ATTEST_ANSWER_OTHER_CODE,
           "of snp");
    struct attest_verdict verdict =
        verdict_on(ATTEST_TEE_TDX, (struct answer_case){.tee = ATTEST_TEE_SGX, .said_tee = "tdx"});
    ck_assert(!attest_is_trusted(&verdict));
}
END_TEST

START_TEST(a_certificate_that_is_not_trusted_is_not_helped_by_any_answer)
{
    expect(ATTEST_TEE_TDX, (struct answer_case){.certificate_expired = true},
           ATTEST_CERTIFICATE_EXPIRED, "valid from");
    expect(ATTEST_TEE_TDX, (struct answer_case){.policy = "{\"accept\":[]}"},
           ATTEST_MEASUREMENT_NOT_LISTED, "");
}
END_TEST

START_TEST(what_is_not_the_object_asked_for_is_malformed)
{
    static const struct {
        const char *json, *says;
    } rows[] = {
        {"", "empty"},
        {"nothing", "not JSON"},
        {"[]", "not a JSON object"},
        {"{\"tee\":\"tdx\",\"evidence\":\"AAAA\"", "JSON"},
        {"{}", "\"tee\""},
        {"{\"nonce\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}", "sent back"},
        {"{\"tee\":\"none\",\"evidence\":\"AAAA\"}", "\"tee\""},
        {"{\"tee\":1,\"evidence\":\"AAAA\"}", "\"tee\""},
        {"{\"tee\":\"TDX\",\"evidence\":\"AAAA\"}", "\"tee\""},
        {"{\"tee\":\"tdx\"}", "\"evidence\""},
        {"{\"tee\":\"tdx\",\"evidence\":null}", "\"evidence\""},
        {"{\"tee\":\"tdx\",\"evidence\":\"\"}", "\"evidence\""},
        {"{\"tee\":\"tdx\",\"evidence\":\"A\"}", "base64url"},
        {"{\"tee\":\"tdx\",\"evidence\":\"AAAAA\"}", "base64url"},
        {"{\"tee\":\"tdx\",\"evidence\":\"AA==\"}", "base64url"},
        {"{\"tee\":\"tdx\",\"evidence\":\"AA+/\"}", "base64url"},
        {"{\"tee\":\"tdx\",\"evidence\":\"AA A\"}", "base64url"},
        {"{\"tee\":\"tdx\",\"evidence\":\"AB\"}", "base64url"}, /* bits left over: RFC 4648 3.5 */
        {"{\"tee\":\"tdx\",\"evidence\":\"AAAA\",\"evidence\":\"AAAA\"}", "twice"},
        {"{\"tee\":\"tdx\",\"evidence\":\"AAAA\",\"endorsements\":\"\"}", "\"endorsements\""},
        {"{\"tee\":\"tdx\",\"evidence\":\"AAAA\",\"endorsements\":{\"leaf\":\"AAAA\"}}",
         "\"endorsements\""},
        {"{\"tee\":\"snp\",\"evidence\":\"AAAA\",\"endorsements\":{\"ark\":\"=\"}}", "\"ark\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i)
        expect(ATTEST_TEE_TDX, (struct answer_case){.json = rows[i].json}, ATTEST_ANSWER_MALFORMED,
               rows[i].says);
}
END_TEST

START_TEST(bytes_that_are_no_quote_are_refused_as_such)
{
    expect(ATTEST_TEE_TDX,
           (struct answer_case){.json = "{\"tee\":\"tdx\",\"evidence\":\"AAAA\",\"other\":[1]}"},
           ATTEST_QUOTE_MALFORMED, "in the answer to the challenge: ");
}
END_TEST

START_TEST(an_answer_of_64_KiB_is_read_and_a_byte_more_is_not)
{
    char *json = malloc(ATTEST_ANSWER_BYTES_MAX + 2);
    const char start[] = "{\"tee\":\"tdx\",\"evidence\":\"AAAA\"}";
    memset(json, ' ', ATTEST_ANSWER_BYTES_MAX + 1);
    memcpy(json, start, sizeof start - 1);
    json[ATTEST_ANSWER_BYTES_MAX] = '\0';
    expect(ATTEST_TEE_TDX, (struct answer_case){.json = json}, ATTEST_QUOTE_MALFORMED, "");
    json[ATTEST_ANSWER_BYTES_MAX] = ' ';
    json[ATTEST_ANSWER_BYTES_MAX + 1] = '\0';
    expect(ATTEST_TEE_TDX, (struct answer_case){.json = json}, ATTEST_ANSWER_MALFORMED, "large");
    free(json);
}
END_TEST

START_TEST(base64url_of_any_length_is_read_to_the_byte)
{
    for (size_t len = 1; len <= 50; ++len) {
        uint8_t bytes[50];
        struct simulate_bytes json = {0};
        struct answer answer = {0};
        struct attest_verdict verdict;
        for (size_t i = 0; i < len; ++i)
            bytes[i] = (uint8_t)(251 * i + len);
        simulate_put_text(&json, "{\"tee\":\"sgx\",\"evidence\":\"");
        put_base64url(&json, bytes, len);
        simulate_put_text(&json, "\"}");
        av_verdict_init(&verdict);
        ck_assert_msg(av_answer_parse(bytes_of(&json), &answer, &verdict), "%s", verdict.detail);
        ck_assert_int_eq(answer.tee, ATTEST_TEE_SGX);
        ck_assert_uint_eq(answer.evidence.len, len);
        ck_assert_mem_eq(answer.evidence.ptr, bytes, len);
        av_answer_fini(&answer);
        simulate_bytes_fini(&json);
    }
}
END_TEST

/* The example of docs/challenge.md, byte for byte. */
START_TEST(the_documented_example_holds)
{
    static const char spki_pem[] =
        "-----BEGIN PUBLIC KEY-----\n"
        "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt\n"
        "6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==\n"
        "-----END PUBLIC KEY-----\n";
    static const char expected[] =
        "fc582cabf4b4cba75dc9663a028f3ce5bbd9eb06244426dcb4c78f9f6ea4b11d"
        "c8b3f80ce78cc33f642170d7d69fd69d1aeb403ee41f8fb32ab2ee833665fbf4";
    struct attest_challenge challenge;
    uint8_t report_data[64];
    char text[129];
    for (unsigned i = 0; i < 32; ++i) {
        challenge.exporter[i] = (uint8_t)i;
        challenge.nonce[i] = (uint8_t)(0x80 + i);
    }
    BIO *bio = BIO_new_mem_buf(spki_pem, -1);
    EVP_PKEY *key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
    ck_assert_ptr_nonnull(key);
    struct simulate_bytes spki = simulate_spki(key);
    ck_assert(attest_challenge_report_data(&challenge, bytes_of(&spki), report_data));
    for (unsigned i = 0; i < 64; ++i)
        snprintf(text + 2 * i, 3, "%02x", report_data[i]);
    ck_assert_str_eq(text, expected);
    simulate_bytes_fini(&spki);
    EVP_PKEY_free(key);
    BIO_free(bio);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        fresh_evidence_over_this_connection_is_trusted,
        a_trusted_answer_ends_with_the_certificate,
        an_answer_of_another_nonce_key_connection_or_direction_is_not_bound,
        an_answer_of_other_code_that_the_policy_accepts_too_is_refused,
        an_answer_of_another_machine_is_refused,
        an_answers_evidence_is_held_against_the_policy_and_says_that_it_is_the_answers,
        the_certificates_event_log_must_lead_to_the_answers_quote,
        an_answer_of_another_tee_is_refused_whatever_it_says_it_is,
        a_certificate_that_is_not_trusted_is_not_helped_by_any_answer,
        what_is_not_the_object_asked_for_is_malformed,
        bytes_that_are_no_quote_are_refused_as_such,
        an_answer_of_64_KiB_is_read_and_a_byte_more_is_not,
        base64url_of_any_length_is_read_to_the_byte,
        the_documented_example_holds,
        NULL};
    return checks_run("attest-verify/verify-answer", tests);
}
