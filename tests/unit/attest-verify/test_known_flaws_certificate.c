/* Flaws of other verifiers of RA-TLS certificates, each by the number of docs/known-flaws.md. The
 * quote in each certificate is genuine by its simulated vendor's word. */
#include "made_certificate.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <zlib.h>

#define OID_DICE    "2.23.133.5.4.9"
#define OID_GRAMINE "0.6.9.42.840.113741.1337.6"
#define OID_RATS    "1.2.840.113741.1337.6"
#define ANY_CODE \
    "{\"accept\":[{\"tee\":\"sgx\",\"any_code\":true},{\"tee\":\"tdx\",\"any_code\":true}]%s}"

/* --- 2, 3 --- */

static const enum simulate_convention elliptic[] = {
    SIMULATE_DICE,   SIMULATE_GRAMINE, SIMULATE_INTEL,     SIMULATE_OPEN_ENCLAVE,
    SIMULATE_DSTACK, SIMULATE_DSTACK8, SIMULATE_DSTACK8_V0};
enum { ELLIPTIC = sizeof elliptic / sizeof *elliptic };

static enum attest_tee tee_of(enum simulate_convention convention)
{
    return convention >= SIMULATE_DSTACK ? ATTEST_TEE_TDX : ATTEST_TEE_SGX;
}

static void carry_own(struct making *making)
{
    carry(making, elliptic[making->at], making->key);
}

static void carry_others(struct making *making)
{
    carry(making, elliptic[making->at], making->other);
}

static void carry_nothing_bound(struct making *making)
{
    enum simulate_convention convention = elliptic[making->at];
    struct simulate_bytes claims = {0};
    simulate_bind_key(convention, making->key, &making->scene.quote, &claims);
    memset(making->scene.quote.report_data, 0, 64);
    struct simulate_bytes quote = simulate_quote(making->vendor, making->pck, &making->scene.quote);
    struct simulate_certificate_options options = {
        .convention = convention, .quote = &quote, .claims = &claims};
    simulate_add_evidence(making->certificate, &options);
    simulate_bytes_fini(&quote);
    simulate_bytes_fini(&claims);
}

/* CVE-2026-33697, GHSA-vfgg-mvxx-mgg7 (Cocos): evidence of one connection was shown on another.
 * What a certificate can show of it: the key. (Exporter and nonce are the gateway's.) */
START_TEST(flaw_02_evidence_for_one_key_is_shown_with_another)
{
    for (size_t i = 0; i < ELLIPTIC; ++i) {
        expect_build(tee_of(elliptic[i]), carry_own, i, ATTEST_TRUSTED, "its own key");
        expect_build(tee_of(elliptic[i]), carry_others, i, ATTEST_KEY_NOT_BOUND, "another key");
        expect_build(tee_of(elliptic[i]), carry_nothing_bound, i, ATTEST_KEY_NOT_BOUND, "no key");
    }
}
END_TEST

/* "Identity Crisis": the same code elsewhere, or a certificate of a machine that was given up. */
START_TEST(flaw_03_the_same_code_on_another_machine_or_after_its_time_is_refused)
{
    struct simulate_platform own = simulate_platform_default("worker", NOW);
    uint8_t sha256[32];
    char policy[512], part[256];
    struct simulate_bytes hex = {0};
    SHA256(own.ppid, sizeof own.ppid, sha256);
    simulate_put_hex(&hex, sha256, sizeof sha256);
    snprintf(part, sizeof part, ",\"platform\":{\"ppid_sha256\":[\"%.*s\"]}", (int)hex.len,
             (const char *)hex.ptr);
    snprintf(policy, sizeof policy, ANY_CODE, part);
    struct making making;
    set_making(&making, ATTEST_TEE_SGX, carry_own);
    making.scene.policy = policy;
    expect_making(&making, ATTEST_TRUSTED, "the listed machine");
    making.scene.platform = simulate_platform_default("diverted", NOW);
    expect_making(&making, ATTEST_PLATFORM_NOT_LISTED, "another machine, same code");
    set_making(&making, ATTEST_TEE_SGX, carry_own);
    making.not_after = NOW - 1;
    expect_making(&making, ATTEST_CERTIFICATE_EXPIRED, "a life that is over");
    simulate_bytes_fini(&hex);
}
END_TEST

/* --- 4 --- */

/* GHSA-qwh8-369j-c47j (dstack): the word "any" in a setting turned the check off. */
START_TEST(flaw_04_no_word_of_a_policy_means_everybody_but_the_one_that_says_so)
{
    static const char *const refused[] = {
        "{\"accept\":\"any\"}",
        "{\"accept\":[\"any\"]}",
        "{\"accept\":[\"*\"]}",
        "{\"accept\":[{}]}",
        "{\"accept\":[{\"tee\":\"any\",\"any_code\":true}]}",
        "{\"accept\":[{\"tee\":\"*\",\"any_code\":true}]}",
        "{\"accept\":[{\"tee\":\"tdx\"}]}",
        "{\"accept\":[{\"tee\":\"tdx\",\"mrtd\":\"any\"}]}",
        "{\"accept\":[{\"tee\":\"tdx\",\"mrtd\":[\"any\"]}]}",
        "{\"accept\":[{\"tee\":\"tdx\",\"mrtd\":[\"*\"]}]}",
        "{\"accept\":[{\"tee\":\"tdx\",\"mrtd\":[\"\"]}]}",
        "{\"accept\":[{\"tee\":\"tdx\",\"mrtd\":[]}]}",
        "{\"accept\":[{\"tee\":\"tdx\",\"mrtd\":null}]}",
        "{\"accept\":[{\"tee\":\"tdx\",\"app_id\":[\"any\"]}]}",
        "{\"accept\":[{\"tee\":\"tdx\",\"any_code\":\"true\"}]}",
        "{\"accept\":[{\"tee\":\"tdx\",\"any_code\":1}]}",
        "{\"accept\":[{\"tee\":\"tdx\",\"any_code\":false}]}",
        "{\"accept\":[{\"tee\":\"sgx\",\"mrenclave\":[\"any\"]}]}",
        "{\"accept\":[{\"tee\":\"snp\",\"measurement\":[\"any\"]}]}",
        "{\"accept\":[{\"tee\":\"tdx\",\"any_code\":true}],\"tcb\":{\"accepted_status\":[\"any\"]}}",
        "{\"accept\":[{\"tee\":\"tdx\",\"any_code\":true}],\"tcb\":{\"accepted_status\":[\"*\"]}}",
        "{\"accept\":[{\"tee\":\"tdx\",\"any_code\":true}],\"platform\":{\"fmspc\":[\"any\"]}}",
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; ++i) {
        char error[256] = "";
        struct attest_policy *policy = attest_policy_parse(
            (struct attest_bytes){.ptr = (const uint8_t *)refused[i], .len = strlen(refused[i])},
            error, sizeof error);
        ck_assert_msg(policy == NULL && error[0] != '\0', "%s is a policy", refused[i]);
    }
    struct making making;
    set_making(&making, ATTEST_TEE_SGX, carry_own);
    making.scene.policy = "{}";
    expect_making(&making, ATTEST_MEASUREMENT_NOT_LISTED, "an empty policy");
    making.scene.policy = "{\"accept\":[]}";
    expect_making(&making, ATTEST_MEASUREMENT_NOT_LISTED, "an empty list");
}
END_TEST

/* --- 22 --- */

static void carry_empty_claims(struct making *making)
{
    static const uint8_t claims[] = {0xa0};
    struct simulate_bytes bytes = {0};
    memset(making->scene.quote.report_data, 0, 64);
    simulate_put(&bytes, claims, sizeof claims);
    SHA256(claims, sizeof claims, making->scene.quote.report_data);
    struct simulate_bytes quote = simulate_quote(making->vendor, making->pck, &making->scene.quote);
    struct simulate_certificate_options options = {
        .convention = SIMULATE_DICE, .quote = &quote, .claims = &bytes};
    simulate_add_evidence(making->certificate, &options);
    simulate_bytes_fini(&quote);
    simulate_bytes_fini(&bytes);
}

/* One bit of one byte of the half that Gramine does not compare, or of the half that it does. */
static void carry_tail(struct making *making)
{
    struct simulate_bytes claims = {0};
    simulate_bind_key(SIMULATE_GRAMINE, making->key, &making->scene.quote, &claims);
    making->scene.quote.report_data[making->at] ^= 1;
    struct simulate_bytes quote = simulate_quote(making->vendor, making->pck, &making->scene.quote);
    simulate_cert_extend_raw(making->certificate, OID_GRAMINE, &quote);
    simulate_bytes_fini(&quote);
}

/* The whole extension, as bytes, in a name and in an extension of somebody else's. */
static void carry_in_other_places(struct making *making)
{
    static const char oid[] = "\x06\x0b\x06\x09\x2a\x86\x48\x86\xf8\x4d\x8a\x39\x06\x04\x03qqq";
    X509_NAME_add_entry_by_txt(X509_get_subject_name(making->certificate), "OU",
                               V_ASN1_OCTET_STRING, (const uint8_t *)oid, sizeof oid - 1, -1, 0);
    struct simulate_bytes claims = {0};
    simulate_bind_key(SIMULATE_GRAMINE, making->key, &making->scene.quote, &claims);
    struct simulate_bytes quote = simulate_quote(making->vendor, making->pck, &making->scene.quote);
    struct simulate_bytes inside = {0};
    simulate_put(&inside, oid, 13);
    simulate_der_octets(&inside, quote.ptr, quote.len);
    simulate_cert_extend_raw(making->certificate, "1.3.6.1.4.1.55555.1", &inside);
    simulate_bytes_fini(&inside);
    simulate_bytes_fini(&quote);
}

/* Gramine: claims need not name the key; the OID was searched for as bytes; half of the report data
 * was compared. */
START_TEST(flaw_22_a_key_is_bound_by_the_whole_report_data_of_evidence_where_it_belongs)
{
    expect_build(ATTEST_TEE_SGX, carry_empty_claims, 0, ATTEST_KEY_NOT_BOUND, "no claims");
    expect_build(ATTEST_TEE_SGX, carry_in_other_places, 0, ATTEST_NO_EVIDENCE, "OID in a name");
    for (size_t at = 0; at < 64; ++at)
        expect_build(ATTEST_TEE_SGX, carry_tail, at, ATTEST_KEY_NOT_BOUND, "a bit of report data");
}
END_TEST

/* --- 23 --- */

static const struct {
    const char *oid, *value;
    size_t len;
    enum attest_reason reason;
} missing[] = {
    {NULL, "", 0, ATTEST_NO_EVIDENCE},
    {OID_RATS, "", 0, ATTEST_EVIDENCE_MALFORMED},
    {OID_GRAMINE, "", 0, ATTEST_EVIDENCE_MALFORMED},
    {"1.2.840.113741.1337.2", "", 0, ATTEST_CONVENTION_UNSUPPORTED},
    {OID_DICE, "", 0, ATTEST_EVIDENCE_MALFORMED},
    {OID_DICE, "\xd9\xea\x61\x82\x41q\x41\xa0", 8, ATTEST_EVIDENCE_MALFORMED}, /* tag 60001 */
    {OID_DICE, "\xd9\xea\x60\x82\x40\x40", 6, ATTEST_QUOTE_MALFORMED}, /* both of no bytes */
    {OID_DICE, "\xd9\xea\x60\x81\x41q", 6, ATTEST_EVIDENCE_MALFORMED},
    {OID_DICE, "\xd9\xea\x60\x82\x41q\x41\xa0\x00", 9, ATTEST_EVIDENCE_MALFORMED},
    {OID_DICE, "\xf6", 1, ATTEST_EVIDENCE_MALFORMED},
};

static void carry_missing(struct making *making)
{
    if (missing[making->at].oid != NULL)
        extend(making, missing[making->at].oid, missing[making->at].value, missing[making->at].len);
}

/* rats-tls: where evidence was missing, a verifier went to work that accepts hashes of zeros. */
START_TEST(flaw_23_missing_empty_or_unknown_evidence_is_refused)
{
    for (size_t i = 0; i < sizeof missing / sizeof *missing; ++i) {
        char what[32];
        snprintf(what, sizeof what, "row %zu", i);
        expect_build(ATTEST_TEE_SGX, carry_missing, i, missing[i].reason, what);
    }
}
END_TEST

/* --- 24 --- */

enum dstack_flaw {
    DSTACK_SOUND_V0,
    DSTACK_STATED_DIFFERS,
    DSTACK_BYTE_BEHIND_V0,
    DSTACK_BYTE_BEHIND_V1,
    DSTACK_KEY_TWICE,
    DSTACK_SOUND_PACKED,
    DSTACK_BOMB,
    DSTACK_OTHER_RTMR3,
    DSTACK_DISAGREE,
    DSTACK_TWICE,
    DSTACK_NONE
};

static struct simulate_bytes packed_log(size_t spaces)
{
    struct simulate_bytes log = simulate_dstack_log(), packed = {0};
    for (size_t i = 0; i < spaces; ++i)
        simulate_put_byte(&log, ' ');
    uint8_t *out = malloc(64 * 1024);
    z_stream stream = {
        .next_in = log.ptr, .avail_in = (uInt)log.len, .next_out = out, .avail_out = 64 * 1024};
    ck_assert_int_eq(deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 9, 0), Z_OK);
    ck_assert_int_eq(deflate(&stream, Z_FINISH), Z_STREAM_END);
    simulate_put_text(&packed, "ELGZv1");
    simulate_put(&packed, out, 64 * 1024 - stream.avail_out);
    deflateEnd(&stream);
    free(out);
    simulate_bytes_fini(&log);
    return packed;
}

static struct simulate_bytes spoiled_envelope(enum dstack_flaw flaw,
                                              const struct simulate_bytes *quote)
{
    bool is_v1 = flaw == DSTACK_BYTE_BEHIND_V1 || flaw == DSTACK_KEY_TWICE;
    struct simulate_bytes envelope = is_v1 ? simulate_dstack_v1(quote) : simulate_dstack_v0(quote);
    if (flaw == DSTACK_STATED_DIFFERS)
        envelope.ptr[envelope.len - 4] ^= 1; /* the last byte before the length of "{}" */
    if (flaw == DSTACK_BYTE_BEHIND_V0 || flaw == DSTACK_BYTE_BEHIND_V1)
        simulate_put_byte(&envelope, 0);
    for (size_t i = 0; flaw == DSTACK_KEY_TWICE && i + 4 < envelope.len; ++i)
        if (memcmp(envelope.ptr + i, "kind", 4) == 0) {
            memcpy(envelope.ptr + i, "data", 4);
            break;
        }
    return envelope;
}

static void carry_dstack(struct making *making)
{
    enum dstack_flaw flaw = (enum dstack_flaw)making->at;
    struct simulate_bytes claims = {0}, log = {0};
    struct simulate_quote_options *options = &making->scene.quote;
    simulate_bind_key(SIMULATE_DSTACK, making->key, options, &claims);
    if (flaw == DSTACK_OTHER_RTMR3)
        options->tdx.rtmr[3][0] ^= 1;
    struct simulate_bytes quote = simulate_quote(making->vendor, making->pck, options);
    options->tdx.rtmr[0][0] ^= flaw == DSTACK_DISAGREE;
    struct simulate_bytes second = simulate_quote(making->vendor, making->pck, options);
    bool in_envelope = flaw <= DSTACK_KEY_TWICE || flaw == DSTACK_DISAGREE;
    if (flaw > DSTACK_KEY_TWICE && flaw != DSTACK_NONE) {
        bool is_packed = flaw == DSTACK_SOUND_PACKED || flaw == DSTACK_BOMB;
        log = is_packed ? packed_log(flaw == DSTACK_BOMB ? 900 * 1024 : 0) : simulate_dstack_log();
        simulate_dstack_extend(making->certificate, "1", &quote);
        simulate_dstack_extend(making->certificate, "2", &log);
        if (flaw == DSTACK_TWICE)
            simulate_dstack_extend(making->certificate, "2", &log);
    }
    if (in_envelope) {
        struct simulate_bytes envelope = spoiled_envelope(flaw, &second);
        simulate_dstack_extend(making->certificate, "8", &envelope);
        simulate_bytes_fini(&envelope);
    }
    simulate_bytes_fini(&log);
    simulate_bytes_fini(&second);
    simulate_bytes_fini(&quote);
}

/* dstack: the envelope's word was held against the key, not the quote's; trailing bytes, doubled
 * keys, packed logs without end, and a certificate without evidence passed in one of its readers.
 */
START_TEST(flaw_24_a_dstack_envelope_is_whole_small_and_says_what_its_quote_says)
{
    static const enum attest_reason reasons[] = {
        [DSTACK_SOUND_V0] = ATTEST_TRUSTED,
        [DSTACK_STATED_DIFFERS] = ATTEST_EVIDENCE_DISAGREES,
        [DSTACK_BYTE_BEHIND_V0] = ATTEST_EVIDENCE_MALFORMED,
        [DSTACK_BYTE_BEHIND_V1] = ATTEST_EVIDENCE_MALFORMED,
        [DSTACK_KEY_TWICE] = ATTEST_EVIDENCE_MALFORMED,
        [DSTACK_SOUND_PACKED] = ATTEST_TRUSTED,
        [DSTACK_BOMB] = ATTEST_EVIDENCE_MALFORMED,
        [DSTACK_OTHER_RTMR3] = ATTEST_EVENT_LOG,
        [DSTACK_DISAGREE] = ATTEST_EVIDENCE_DISAGREES,
        [DSTACK_TWICE] = ATTEST_DUPLICATE_EXTENSION,
        [DSTACK_NONE] = ATTEST_NO_EVIDENCE,
    };
    for (size_t flaw = 0; flaw < sizeof reasons / sizeof *reasons; ++flaw) {
        char what[32];
        snprintf(what, sizeof what, "flaw %zu", flaw);
        expect_build(ATTEST_TEE_TDX, carry_dstack, flaw, reasons[flaw], what);
    }
}
END_TEST

/* --- 27 --- */

/* Names and keys that nothing measured vouches for: an app id beside the log, another key's hash as
 * a claim of another name. */
static void carry_unmeasured(struct making *making)
{
    static const uint8_t app[20] = {0x66};
    carry(making, SIMULATE_DSTACK, making->key);
    struct simulate_bytes value = {0};
    simulate_put(&value, app, sizeof app);
    simulate_dstack_extend(making->certificate, "3", &value);
    simulate_bytes_fini(&value);
}

static void put_claim(struct simulate_bytes *claims, const char *name, EVP_PKEY *key)
{
    struct simulate_bytes spki = simulate_spki(key), entry = {0};
    uint8_t digest[32];
    SHA256(spki.ptr, spki.len, digest);
    simulate_cbor_head(&entry, 4, 2);
    simulate_cbor_head(&entry, 0, 1);
    simulate_cbor_octets(&entry, digest, sizeof digest);
    simulate_cbor_head(claims, 3, (uint32_t)strlen(name));
    simulate_put(claims, name, strlen(name));
    simulate_cbor_octets(claims, entry.ptr, entry.len);
    simulate_bytes_fini(&entry);
    simulate_bytes_fini(&spki);
}

/* 0: pubkey-hash is ours, another claim names the other; 1: the other way round. */
static void carry_two_claims(struct making *making)
{
    struct simulate_bytes claims = {0};
    EVP_PKEY *first = making->at == 0 ? making->key : making->other;
    EVP_PKEY *second = making->at == 0 ? making->other : making->key;
    simulate_cbor_head(&claims, 5, 2);
    put_claim(&claims, "pubkey-hash", first);
    put_claim(&claims, "pubkey-hash-of-application", second);
    memset(making->scene.quote.report_data, 0, 64);
    SHA256(claims.ptr, claims.len, making->scene.quote.report_data);
    struct simulate_bytes quote = simulate_quote(making->vendor, making->pck, &making->scene.quote);
    struct simulate_certificate_options options = {
        .convention = SIMULATE_DICE, .quote = &quote, .claims = &claims};
    simulate_add_evidence(making->certificate, &options);
    simulate_bytes_fini(&quote);
    simulate_bytes_fini(&claims);
}

static bool shows(const struct attest_verdict *verdict, const char *name, uint8_t first)
{
    for (size_t i = 0; i < verdict->measurement_count; ++i)
        if (strcmp(verdict->measurements[i].name, name) == 0)
            return verdict->measurements[i].bytes[0] == first;
    return false;
}

/* oak #5156: certificates of application keys were believed beside the evidence. */
START_TEST(flaw_27_only_what_the_report_data_covers_is_believed)
{
    struct making making;
    set_making(&making, ATTEST_TEE_TDX, carry_unmeasured);
    expect_making(&making, ATTEST_TRUSTED, "an app id of its own beside the log");
    ck_assert(shows(&making.scene.verdict, "app_id", 0xa1)); /* the log's */
    making.scene.policy = "{\"accept\":[{\"tee\":\"tdx\",\"any_code\":true,\"app_id\":["
                          "\"6600000000000000000000000000000000000000\"]}]}";
    expect_making(&making, ATTEST_MEASUREMENT_NOT_LISTED, "the app id beside the log");
    expect_build(ATTEST_TEE_SGX, carry_two_claims, 0, ATTEST_TRUSTED, "our key by its claim");
    expect_build(ATTEST_TEE_SGX, carry_two_claims, 1, ATTEST_KEY_NOT_BOUND,
                 "our key by another claim");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        flaw_02_evidence_for_one_key_is_shown_with_another,
        flaw_03_the_same_code_on_another_machine_or_after_its_time_is_refused,
        flaw_04_no_word_of_a_policy_means_everybody_but_the_one_that_says_so,
        flaw_22_a_key_is_bound_by_the_whole_report_data_of_evidence_where_it_belongs,
        flaw_23_missing_empty_or_unknown_evidence_is_refused,
        flaw_24_a_dstack_envelope_is_whole_small_and_says_what_its_quote_says,
        flaw_27_only_what_the_report_data_covers_is_believed,
        NULL};
    return checks_run("known flaws of RA-TLS verifiers", tests);
}
