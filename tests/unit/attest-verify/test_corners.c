/* What no ordinary certificate has: every limit below, at and above, pieces of evidence that meet,
 * claims in each of their forms, and envelopes that dstack's other writers make. */
#include "made_certificate.h"

#include <openssl/sha.h>
#include <stdio.h>

/* --- limits of a certificate --- */

/* `at` extensions in all. */
static void fill_extensions(struct making *making)
{
    carry(making, SIMULATE_GRAMINE, making->key);
    for (size_t i = 1; i < making->at; ++i) {
        char oid[64];
        snprintf(oid, sizeof oid, "1.3.6.1.4.1.55555.%zu", i);
        extend(making, oid, "\x05", 2);
    }
}

/* One extension of so many bytes beside the evidence. */
static void add_weight(struct making *making)
{
    uint8_t *bytes = calloc(1, making->at);
    carry(making, SIMULATE_GRAMINE, making->key);
    extend(making, "1.3.6.1.4.1.55555.1", bytes, making->at);
    free(bytes);
}

START_TEST(a_certificate_has_at_most_64_extensions_and_128_kib)
{
    expect_build(ATTEST_TEE_SGX, fill_extensions, 64, ATTEST_TRUSTED, "64 extensions");
    expect_build(ATTEST_TEE_SGX, fill_extensions, 65, ATTEST_CERTIFICATE_MALFORMED, "65 of them");
    expect_build(ATTEST_TEE_SGX, add_weight, 100 * 1024, ATTEST_TRUSTED, "100 KiB");
    expect_build(ATTEST_TEE_SGX, add_weight, 128 * 1024, ATTEST_CERTIFICATE_MALFORMED, "128 KiB");
}
END_TEST

static void use_broken_key(struct making *making)
{
    static const uint8_t point[10] = {4};
    carry(making, SIMULATE_GRAMINE, making->key);
    ASN1_OBJECT *curve = OBJ_dup(OBJ_nid2obj(NID_X9_62_prime256v1));
    ck_assert_int_eq(X509_PUBKEY_set0_param(X509_get_X509_PUBKEY(making->certificate),
                                            OBJ_nid2obj(NID_X9_62_id_ecPublicKey), V_ASN1_OBJECT,
                                            curve, OPENSSL_memdup(point, sizeof point),
                                            sizeof point),
                     1);
}

START_TEST(a_key_that_is_no_key_binds_nothing)
{
    expect_build(ATTEST_TEE_SGX, use_broken_key, 0, ATTEST_CERTIFICATE_MALFORMED, "a short point");
}
END_TEST

/* --- several pieces of evidence --- */

/* The evidence of two conventions for one key; `at` says what the second differs in. */
static void carry_two(struct making *making)
{
    carry(making, SIMULATE_GRAMINE, making->key);
    struct simulate_platform platform = making->scene.platform;
    platform.fmspc[0] ^= making->at == 1;
    struct simulate_identity other = simulate_pck(making->vendor, &platform);
    const struct simulate_identity *own = making->pck;
    making->pck = &other;
    making->scene.quote.sgx.mrenclave[0] ^= making->at == 2;
    carry(making, SIMULATE_OPEN_ENCLAVE, making->key);
    making->pck = own;
    simulate_identity_fini(&other);
}

static void carry_two_tees(struct making *making)
{
    carry(making, SIMULATE_GRAMINE, making->key);
    making->scene.quote = simulate_quote_default(ATTEST_TEE_TDX);
    carry(making, SIMULATE_DSTACK, making->key);
}

static void carry_five(struct making *making)
{
    static const char *const oids[] = {"0.6.9.42.840.113741.1337.6", "1.2.840.113741.1337.6"};
    carry(making, SIMULATE_DICE, making->key);
    carry(making, SIMULATE_OPEN_ENCLAVE, making->key);
    extend(making, oids[0], "q", 1);
    extend(making, oids[1], "q", 1);
    making->scene.quote = simulate_quote_default(ATTEST_TEE_TDX);
    carry(making, SIMULATE_DSTACK, making->key);
}

START_TEST(pieces_of_evidence_are_four_at_most_and_tell_the_same)
{
    struct making making;
    for (size_t at = 0; at < 3; ++at) {
        set_making(&making, ATTEST_TEE_SGX, carry_two);
        making.at = at;
        making.scene.policy = "{\"accept\":[{\"tee\":\"sgx\",\"any_code\":true}]}";
        expect_making(&making,
                      at == 0   ? ATTEST_TRUSTED
                      : at == 1 ? ATTEST_COLLATERAL_MISSING
                                : ATTEST_EVIDENCE_DISAGREES,
                      "two pieces");
    }
    set_making(&making, ATTEST_TEE_SGX, carry_two_tees);
    expect_making(&making, ATTEST_COLLATERAL_MISSING, "two TEEs");
    expect_build(ATTEST_TEE_SGX, carry_five, 0, ATTEST_CONVENTION_UNSUPPORTED, "five pieces");
}
END_TEST

/* --- DICE claims --- */

static void head(struct simulate_bytes *out, unsigned major, unsigned value)
{
    simulate_cbor_head(out, (uint8_t)major, value);
}

static void text(struct simulate_bytes *out, const char *words)
{
    head(out, 3, (unsigned)strlen(words));
    simulate_put(out, words, strlen(words));
}

/* "pubkey-hash": [algorithm, digest], as `algorithm` of the named information registry makes it. */
static void put_key_claim(struct simulate_bytes *out, EVP_PKEY *key, unsigned algorithm)
{
    struct simulate_bytes spki = simulate_spki(key), entry = {0};
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned len;
    const EVP_MD *md = algorithm == 7   ? EVP_sha384()
                       : algorithm == 8 ? EVP_sha512()
                       : algorithm == 2 ? EVP_sha224()
                                        : EVP_sha256();
    EVP_Digest(spki.ptr, spki.len, digest, &len, md, NULL);
    head(&entry, 4, 2);
    head(&entry, 0, algorithm);
    simulate_cbor_octets(&entry, digest, len);
    text(out, "pubkey-hash");
    simulate_cbor_octets(out, entry.ptr, entry.len);
    simulate_bytes_fini(&entry);
    simulate_bytes_fini(&spki);
}

enum claims {
    CLAIMS_SHA256,
    CLAIMS_SHA384,
    CLAIMS_SHA512,
    CLAIMS_SHA224,
    CLAIMS_UNKNOWN,
    CLAIMS_AND_OTHERS,
    CLAIMS_32,
    CLAIMS_33,
    CLAIMS_KEY_TWICE,
    CLAIMS_OTHER_TWICE,
    CLAIMS_NOT_TEXT,
    CLAIMS_TOO_DEEP,
    CLAIMS_BYTE_BEHIND,
    CLAIMS_ARRAY,
    CLAIMS_HASH_IS_TEXT,
    CLAIMS_ENTRY_OF_THREE,
    CLAIMS_ENTRY_LONGER,
    CLAIMS_ENTRY_EMPTY
};

static void put_entry(struct simulate_bytes *out, const char *bytes, size_t len)
{
    head(out, 5, 1);
    text(out, "pubkey-hash");
    simulate_cbor_octets(out, (const uint8_t *)bytes, len);
}

static void put_many(struct simulate_bytes *out, EVP_PKEY *key, unsigned count)
{
    head(out, 5, count);
    put_key_claim(out, key, 1);
    for (unsigned i = 1; i < count; ++i) {
        char name[16];
        snprintf(name, sizeof name, "claim-%u", i);
        text(out, name);
        head(out, 0, i);
    }
}

static void put_two(struct simulate_bytes *out, EVP_PKEY *key, enum claims which)
{
    head(out, 5, which == CLAIMS_OTHER_TWICE ? 3 : 2);
    put_key_claim(out, key, 1);
    if (which == CLAIMS_KEY_TWICE) {
        put_key_claim(out, key, 1);
        return;
    }
    if (which == CLAIMS_NOT_TEXT)
        head(out, 0, 1);
    else
        text(out, "nonce");
    if (which == CLAIMS_TOO_DEEP)
        simulate_put(out, "\x81\x81\x81\x81\x81\x81\x81\x81\x81", 9);
    simulate_cbor_octets(out, (const uint8_t *)"n", 1);
    if (which == CLAIMS_OTHER_TWICE) {
        text(out, "nonce");
        simulate_cbor_octets(out, (const uint8_t *)"m", 1);
    }
}

static void put_claims_of(struct simulate_bytes *out, EVP_PKEY *key, enum claims which)
{
    static const unsigned algorithms[] = {1, 7, 8, 2, 99};
    switch (which) {
    case CLAIMS_SHA256:
    case CLAIMS_SHA384:
    case CLAIMS_SHA512:
    case CLAIMS_SHA224:
    case CLAIMS_UNKNOWN:
    case CLAIMS_BYTE_BEHIND:
        head(out, 5, 1);
        put_key_claim(out, key, which == CLAIMS_BYTE_BEHIND ? 1 : algorithms[which]);
        if (which == CLAIMS_BYTE_BEHIND)
            simulate_put_byte(out, 0);
        break;
    case CLAIMS_32:
    case CLAIMS_33:
        put_many(out, key, which == CLAIMS_32 ? 32 : 33);
        break;
    case CLAIMS_ARRAY:
        head(out, 4, 2);
        put_key_claim(out, key, 1);
        break;
    case CLAIMS_HASH_IS_TEXT:
        head(out, 5, 1);
        text(out, "pubkey-hash");
        text(out, "hash");
        break;
    case CLAIMS_ENTRY_OF_THREE:
        put_entry(out, "\x83\x01\x41\x00\x00", 5);
        break;
    case CLAIMS_ENTRY_LONGER:
        put_entry(out, "\x82\x01\x41\x00\x00", 5);
        break;
    case CLAIMS_ENTRY_EMPTY:
        put_entry(out, "", 0);
        break;
    default:
        put_two(out, key, which);
        break;
    }
}

static void carry_claims(struct making *making)
{
    struct simulate_bytes claims = {0};
    put_claims_of(&claims, making->key, (enum claims)making->at);
    memset(making->scene.quote.report_data, 0, 64);
    SHA256(claims.ptr, claims.len, making->scene.quote.report_data);
    struct simulate_bytes quote = simulate_quote(making->vendor, making->pck, &making->scene.quote);
    struct simulate_certificate_options options = {
        .convention = SIMULATE_DICE, .quote = &quote, .claims = &claims};
    simulate_add_evidence(making->certificate, &options);
    simulate_bytes_fini(&quote);
    simulate_bytes_fini(&claims);
}

START_TEST(claims_are_one_map_with_the_keys_hash_in_it_once)
{
    static const bool trusted[CLAIMS_ENTRY_EMPTY + 1] = {[CLAIMS_SHA256] = true,
                                                         [CLAIMS_SHA384] = true,
                                                         [CLAIMS_SHA512] = true,
                                                         [CLAIMS_AND_OTHERS] = true,
                                                         [CLAIMS_32] = true};
    for (size_t which = 0; which <= CLAIMS_ENTRY_EMPTY; ++which) {
        char what[32];
        snprintf(what, sizeof what, "claims %zu", which);
        expect_build(ATTEST_TEE_SGX, carry_claims, which,
                     trusted[which] ? ATTEST_TRUSTED : ATTEST_KEY_NOT_BOUND, what);
    }
}
END_TEST

/* --- dstack's newer envelope, as its other writers make it --- */

static const struct {
    const char *name;
    uint8_t len, fill;
} events[] = {{"system-preparing", 0, 0}, {"app-id", 20, 0xa1},   {"compose-hash", 32, 0xc2},
              {"instance-id", 20, 0xd3},  {"boot-mr-done", 0, 0}, {"app-id", 3, 0xee}};
enum { EVENTS = sizeof events / sizeof *events };

static void word(struct simulate_bytes *out, const char *name)
{
    simulate_put_byte(out, (uint8_t)(0xa0 | strlen(name)));
    simulate_put(out, name, strlen(name));
}

static void binary(struct simulate_bytes *out, const uint8_t *bytes, size_t len)
{
    simulate_put_byte(out, 0xc5);
    simulate_put_byte(out, (uint8_t)(len >> 8));
    simulate_put_byte(out, (uint8_t)len);
    simulate_put(out, bytes, len);
}

enum envelope {
    ENVELOPE_RUNTIME,
    ENVELOPE_POD,
    ENVELOPE_POD_WITHOUT_PAYLOAD,
    ENVELOPE_PLAIN_WITH_PAYLOAD,
    ENVELOPE_OTHER_STACK,
    ENVELOPE_OTHER_EVENT,
    ENVELOPE_EVENT_VERSION_1,
    ENVELOPE_EVENT_VERSION_2,
    ENVELOPE_EVENT_WITHOUT_NAME,
    ENVELOPE_SHORT_REPORT_DATA,
    ENVELOPE_CONFIG_IS_NUMBER,
    ENVELOPE_NO_EVENTS,
    ENVELOPE_NITRO
};

static void put_runtime_event(struct simulate_bytes *out, size_t i, enum envelope which)
{
    uint8_t payload[32];
    memset(payload, events[i].fill, sizeof payload);
    payload[0] ^= which == ENVELOPE_OTHER_EVENT && i == 1;
    bool has_version = which == ENVELOPE_EVENT_VERSION_1 || which == ENVELOPE_EVENT_VERSION_2;
    bool has_name = which != ENVELOPE_EVENT_WITHOUT_NAME;
    simulate_put_byte(out, (uint8_t)(0x80 | (1 + has_version + has_name)));
    if (has_name) {
        word(out, "event");
        word(out, events[i].name);
    }
    word(out, "payload");
    binary(out, payload, events[i].len);
    if (has_version) {
        word(out, "version");
        simulate_put_byte(out, which == ENVELOPE_EVENT_VERSION_1 ? 1 : 2);
    }
}

static void put_stack(struct simulate_bytes *out, const uint8_t report_data[64],
                      enum envelope which)
{
    bool is_pod = which == ENVELOPE_POD || which == ENVELOPE_POD_WITHOUT_PAYLOAD;
    bool has_payload = which == ENVELOPE_POD || which == ENVELOPE_PLAIN_WITH_PAYLOAD;
    size_t count = which == ENVELOPE_NO_EVENTS ? 0 : EVENTS;
    simulate_put_byte(out, 0x82);
    word(out, "kind");
    word(out, which == ENVELOPE_OTHER_STACK ? "dstuck" : is_pod ? "dstack-pod" : "dstack");
    word(out, "data");
    simulate_put_byte(out, has_payload ? 0x84 : 0x83);
    word(out, "report_data");
    binary(out, report_data, which == ENVELOPE_SHORT_REPORT_DATA ? 63 : 64);
    word(out, "runtime_events");
    simulate_put_byte(out, (uint8_t)(0x90 | count));
    for (size_t i = 0; i < count; ++i)
        put_runtime_event(out, i, which);
    word(out, "config");
    if (which == ENVELOPE_CONFIG_IS_NUMBER)
        simulate_put_byte(out, 1);
    else
        word(out, "{}");
    if (has_payload) {
        word(out, "report_data_payload");
        word(out, "");
    }
}

static void carry_envelope(struct making *making)
{
    enum envelope which = (enum envelope)making->at;
    struct simulate_bytes claims = {0}, out = {0};
    simulate_bind_key(SIMULATE_DSTACK8, making->key, &making->scene.quote, &claims);
    struct simulate_bytes quote = simulate_quote(making->vendor, making->pck, &making->scene.quote);
    simulate_put_byte(&out, 0x83);
    word(&out, "version");
    simulate_put_byte(&out, 1);
    word(&out, "platform");
    simulate_put_byte(&out, 0x82);
    word(&out, "kind");
    word(&out, which == ENVELOPE_NITRO ? "nitro-enclave" : "tdx");
    word(&out, "data");
    simulate_put_byte(&out, 0x82);
    word(&out, "quote");
    binary(&out, quote.ptr, quote.len);
    word(&out, "event_log");
    simulate_put_byte(&out, 0x90);
    word(&out, "stack");
    put_stack(&out, making->scene.quote.report_data, which);
    simulate_dstack_extend(making->certificate, "8", &out);
    simulate_bytes_fini(&out);
    simulate_bytes_fini(&quote);
}

START_TEST(runtime_events_alone_and_pods_are_read_and_nothing_besides)
{
    static const enum attest_reason reasons[] = {
        [ENVELOPE_RUNTIME] = ATTEST_TRUSTED,
        [ENVELOPE_POD] = ATTEST_TRUSTED,
        [ENVELOPE_POD_WITHOUT_PAYLOAD] = ATTEST_EVIDENCE_MALFORMED,
        [ENVELOPE_PLAIN_WITH_PAYLOAD] = ATTEST_EVIDENCE_MALFORMED,
        [ENVELOPE_OTHER_STACK] = ATTEST_EVIDENCE_MALFORMED,
        [ENVELOPE_OTHER_EVENT] = ATTEST_EVENT_LOG,
        [ENVELOPE_EVENT_VERSION_1] = ATTEST_TRUSTED,
        [ENVELOPE_EVENT_VERSION_2] = ATTEST_EVIDENCE_MALFORMED,
        [ENVELOPE_EVENT_WITHOUT_NAME] = ATTEST_EVIDENCE_MALFORMED,
        [ENVELOPE_SHORT_REPORT_DATA] = ATTEST_EVIDENCE_MALFORMED,
        [ENVELOPE_CONFIG_IS_NUMBER] = ATTEST_EVIDENCE_MALFORMED,
        [ENVELOPE_NO_EVENTS] = ATTEST_EVENT_LOG,
        [ENVELOPE_NITRO] = ATTEST_CONVENTION_UNSUPPORTED};
    for (size_t which = 0; which < sizeof reasons / sizeof *reasons; ++which) {
        char what[32];
        snprintf(what, sizeof what, "envelope %zu", which);
        expect_build(ATTEST_TEE_TDX, carry_envelope, which, reasons[which], what);
    }
}
END_TEST

/* --- what a certificate's platform is --- */

static struct attest_platform found;

static void name_platform(struct scene *scene, const struct attest_request *request,
                          const struct simulate_vendor *vendor, const struct simulate_identity *pck)
{
    struct making *making = (struct making *)scene;
    making->vendor = vendor;
    making->pck = pck;
    making->key = EVP_EC_gen("P-256");
    making->certificate = simulate_cert_begin(making->key, "worker", NULL, NOW - DAY, NOW + DAY);
    making->build(making);
    simulate_cert_sign(making->certificate, making->key);
    unsigned char *der = NULL;
    int len = i2d_X509(making->certificate, &der);
    struct attest_bytes bytes = {.ptr = der, .len = (size_t)len - making->at};
    scene->verdict.reason = ATTEST_TRUSTED; /* which a name alone never is */
    if (!attest_platform_of_certificate(request, bytes, &found, &scene->verdict))
        ck_assert_int_ne(scene->verdict.reason, ATTEST_TRUSTED);
    else
        scene->verdict.reason = ATTEST_TRUSTED;
    OPENSSL_free(der);
    X509_free(making->certificate);
    EVP_PKEY_free(making->key);
}

static void carry_dice(struct making *making)
{
    carry(making, SIMULATE_DICE, making->key);
}

static void carry_no_evidence(struct making *making)
{
    extend(making, "1.3.6.1.4.1.55555.1", "\x05", 2);
}

static void carry_no_quote(struct making *making)
{
    extend(making, "0.6.9.42.840.113741.1337.6", "q", 1);
}

START_TEST(a_certificate_names_its_platform_or_says_why_not)
{
    static const struct {
        void (*build)(struct making *making);
        size_t cut;
        enum attest_reason reason;
    } cases[] = {{carry_dice, 0, ATTEST_TRUSTED},
                 {carry_dice, 1, ATTEST_CERTIFICATE_MALFORMED},
                 {carry_no_evidence, 0, ATTEST_NO_EVIDENCE},
                 {carry_no_quote, 0, ATTEST_QUOTE_MALFORMED}};
    for (int tee = ATTEST_TEE_SGX; tee <= ATTEST_TEE_TDX; ++tee)
        for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
            struct making making;
            set_making(&making, (enum attest_tee)tee, cases[i].build);
            making.at = cases[i].cut;
            enum attest_reason reason = judge_with(&making.scene, name_platform);
            ck_assert_msg(reason == cases[i].reason, "case %zu: %s", i, attest_reason_word(reason));
            if (reason == ATTEST_TRUSTED)
                ck_assert_int_eq(found.tee, tee);
        }
}
END_TEST

START_TEST(words_of_numbers_that_are_none_are_words_all_the_same)
{
    ck_assert_str_eq(attest_reason_word(ATTEST_REASON_COUNT), "internal");
    ck_assert_str_eq(attest_reason_sentence(ATTEST_REASON_COUNT),
                     attest_reason_sentence(ATTEST_INTERNAL));
    ck_assert_str_eq(attest_tee_word((enum attest_tee)99), "none");
    ck_assert_str_eq(attest_check_word(ATTEST_CHECK_COUNT), "unknown");
    ck_assert_ptr_nonnull(attest_check_sentence(ATTEST_CHECK_COUNT));
    ck_assert_str_eq(attest_check_outcome_word((enum attest_check_outcome)99), "unknown");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_certificate_has_at_most_64_extensions_and_128_kib,
                                  a_key_that_is_no_key_binds_nothing,
                                  pieces_of_evidence_are_four_at_most_and_tell_the_same,
                                  claims_are_one_map_with_the_keys_hash_in_it_once,
                                  runtime_events_alone_and_pods_are_read_and_nothing_besides,
                                  a_certificate_names_its_platform_or_says_why_not,
                                  words_of_numbers_that_are_none_are_words_all_the_same,
                                  NULL};
    return checks_run("corners", tests);
}
