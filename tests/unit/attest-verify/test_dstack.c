/* The whole verifier on dstack certificates: ra-tls g.24, line by line, and the names that an event
 * log gives to a policy. */
#include "simulate/simulate_pki.h"
#include "verify_scene.h"

#include <zlib.h>

enum { TEXT_MAX = 70000 };

/* How a certificate is made; all zero: extensions .1 and .2, as dstack writes them. */
struct dstack_case {
    bool no_quote, no_log, packed, with_8, v0, quote_twice;
    bool other_rtmr3;      /* the quote's is not where the events lead */
    bool other_code_in_8;  /* the envelope's quote is of another TD */
    bool other_key_in_8;   /* and binds another key */
    const char *from, *to; /* replaced in the log, the same length */
    const char *log;       /* instead of the log */
    size_t padding;        /* spaces at the end of the log */
    void (*spoil)(struct simulate_bytes *envelope);
};

/* Puts `to` where `from` first stands; both are of one length. */
static void replace(struct simulate_bytes *bytes, const char *from, const char *to)
{
    size_t len = strlen(from), at = 0;
    while (at + len <= bytes->len && memcmp(bytes->ptr + at, from, len) != 0)
        ++at;
    ck_assert(at + len <= bytes->len && strlen(to) == len);
    memcpy(bytes->ptr + at, to, len);
}

static struct simulate_bytes pack(const struct simulate_bytes *text)
{
    struct simulate_bytes packed = {0};
    uint8_t out[TEXT_MAX];
    z_stream stream = {.next_in = text->ptr,
                       .avail_in = (uInt)text->len,
                       .next_out = out,
                       .avail_out = sizeof out};
    ck_assert_int_eq(deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 9, 0), Z_OK);
    ck_assert_int_eq(deflate(&stream, Z_FINISH), Z_STREAM_END);
    simulate_put_text(&packed, "ELGZv1");
    simulate_put(&packed, out, sizeof out - stream.avail_out);
    deflateEnd(&stream);
    return packed;
}

static struct simulate_bytes make_log(const struct dstack_case *one)
{
    struct simulate_bytes log = {0};
    if (one->log != NULL)
        simulate_put_text(&log, "%s", one->log);
    else
        log = simulate_dstack_log();
    if (one->from != NULL)
        replace(&log, one->from, one->to);
    for (size_t i = 0; i < one->padding; ++i)
        simulate_put_byte(&log, ' ');
    if (!one->packed)
        return log;
    struct simulate_bytes packed = pack(&log);
    simulate_bytes_fini(&log);
    return packed;
}

static struct simulate_bytes quote_for(const struct scene *scene, const struct dstack_case *one,
                                       EVP_PKEY *key, bool differs,
                                       const struct simulate_vendor *vendor,
                                       const struct simulate_identity *pck)
{
    struct simulate_quote_options options = scene->quote;
    struct simulate_bytes claims = {0};
    simulate_bind_key(SIMULATE_DSTACK, key, &options, &claims);
    options.tdx.rtmr[3][47] ^= one->other_rtmr3;
    options.tdx.rtmr[1][0] ^= differs;
    return simulate_quote(vendor, pck, &options);
}

static void add_evidence(X509 *certificate, const struct dstack_case *one,
                         const struct simulate_bytes *quote, const struct simulate_bytes *quote8)
{
    struct simulate_bytes log = make_log(one);
    struct simulate_bytes envelope =
        one->v0 ? simulate_dstack_v0(quote8) : simulate_dstack_v1(quote8);
    if (one->spoil != NULL)
        one->spoil(&envelope);
    if (!one->no_quote)
        simulate_dstack_extend(certificate, "1", quote);
    if (one->quote_twice)
        simulate_dstack_extend(certificate, "1", quote);
    if (!one->no_log)
        simulate_dstack_extend(certificate, "2", &log);
    if (one->with_8)
        simulate_dstack_extend(certificate, "8", &envelope);
    simulate_bytes_fini(&log);
    simulate_bytes_fini(&envelope);
}

static void judge_dstack(struct scene *scene, const struct attest_request *request,
                         const struct simulate_vendor *vendor, const struct simulate_identity *pck)
{
    const struct dstack_case *one = scene->certificate.dstack;
    EVP_PKEY *key = EVP_EC_gen("P-256"), *other = EVP_EC_gen("P-256");
    struct simulate_bytes quote = quote_for(scene, one, key, false, vendor, pck);
    struct simulate_bytes quote8 =
        quote_for(scene, one, one->other_key_in_8 ? other : key, one->other_code_in_8, vendor, pck);
    struct simulate_certificate_options options = {
        .name = "worker", .not_before = NOW - DAY, .not_after = NOW + DAY};
    X509 *certificate = simulate_certificate(key, &options);
    add_evidence(certificate, one, &quote, &quote8);
    ck_assert_int_gt(i2d_re_X509_tbs(certificate, NULL), 0);
    unsigned char *der = NULL;
    int len = i2d_X509(certificate, &der);
    attest_verify_certificate(request, (struct attest_bytes){.ptr = der, .len = (size_t)len},
                              &scene->verdict);
    OPENSSL_free(der);
    X509_free(certificate);
    simulate_bytes_fini(&quote);
    simulate_bytes_fini(&quote8);
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
}

static void judge_case(struct dstack_case one, const char *policy, struct attest_verdict *verdict)
{
    struct scene scene;
    set_scene(&scene, ATTEST_TEE_TDX);
    scene.certificate.dstack = &one;
    scene.policy = policy;
    judge_with(&scene, judge_dstack);
    *verdict = scene.verdict;
}

static void expect(struct dstack_case one, enum attest_reason reason)
{
    struct attest_verdict verdict;
    judge_case(one, NULL, &verdict);
    ck_assert_msg(verdict.reason == reason, "%s (%s), not %s", attest_reason_word(verdict.reason),
                  verdict.detail, attest_reason_word(reason));
}

#define EXPECT(reason, ...) expect((struct dstack_case){__VA_ARGS__}, reason)

START_TEST(each_way_to_carry_quote_and_log_is_read)
{
    EXPECT(ATTEST_TRUSTED, .packed = false);
    EXPECT(ATTEST_TRUSTED, .packed = true);
    EXPECT(ATTEST_TRUSTED, .no_quote = true, .no_log = true, .with_8 = true);
    EXPECT(ATTEST_TRUSTED, .no_quote = true, .no_log = true, .with_8 = true, .v0 = true);
    EXPECT(ATTEST_TRUSTED, .with_8 = true);
}
END_TEST

START_TEST(a_quote_needs_its_event_log)
{
    EXPECT(ATTEST_EVIDENCE_MALFORMED, .no_log = true);
}
END_TEST

START_TEST(a_certificate_of_the_kms_without_evidence_is_refused)
{
    EXPECT(ATTEST_NO_EVIDENCE, .no_quote = true, .no_log = true);
    EXPECT(ATTEST_NO_EVIDENCE, .no_quote = true);
}
END_TEST

START_TEST(an_extension_twice_is_refused)
{
    EXPECT(ATTEST_DUPLICATE_EXTENSION, .quote_twice = true);
}
END_TEST

START_TEST(a_log_that_replays_to_another_rtmr3_is_refused)
{
    EXPECT(ATTEST_EVENT_LOG, .other_rtmr3 = true);
    EXPECT(ATTEST_EVENT_LOG, .other_rtmr3 = true, .no_quote = true, .no_log = true, .with_8 = true);
    EXPECT(ATTEST_EVENT_LOG, .log = "[]");
    EXPECT(ATTEST_EVENT_LOG, .from = "A1A1", .to = "A1A2");
    /* Then the workload's own app-id would be the start's second. */
    EXPECT(ATTEST_EVIDENCE_MALFORMED, .from = "boot-mr-done", .to = "boot-mr-dome");
    EXPECT(ATTEST_EVENT_LOG, .from = "system-preparing", .to = "system-preparinG");
}
END_TEST

START_TEST(two_extensions_that_disagree_are_refused)
{
    EXPECT(ATTEST_EVIDENCE_DISAGREES, .with_8 = true, .other_code_in_8 = true);
    EXPECT(ATTEST_KEY_NOT_BOUND, .with_8 = true, .other_key_in_8 = true);
    EXPECT(ATTEST_EVENT_LOG, .with_8 = true, .log = "[]");
}
END_TEST

/* The last byte of the report data is just before {"config"..}: in V0 before the length of "{}". */
static void flip_stated_report_data(struct simulate_bytes *envelope)
{
    envelope->ptr[envelope->len - 4] ^= 1;
}

START_TEST(the_report_data_of_the_envelope_must_be_the_quotes)
{
    EXPECT(ATTEST_EVIDENCE_DISAGREES, .no_quote = true, .no_log = true, .with_8 = true, .v0 = true,
           .spoil = flip_stated_report_data);
}
END_TEST

/* The envelope says the expected report data; the quote binds another key. That is what dstack's
 * own check compares. */
static void state_expected_report_data(struct simulate_bytes *envelope)
{
    memset(envelope->ptr + envelope->len - 67, 0x5a, 64);
}

START_TEST(what_the_envelope_says_binds_no_key)
{
    EXPECT(ATTEST_KEY_NOT_BOUND, .no_quote = true, .no_log = true, .with_8 = true, .v0 = true,
           .other_key_in_8 = true);
    EXPECT(ATTEST_KEY_NOT_BOUND, .no_quote = true, .no_log = true, .with_8 = true, .v0 = true,
           .other_key_in_8 = true, .spoil = state_expected_report_data);
}
END_TEST

static void append_byte(struct simulate_bytes *envelope)
{
    simulate_put_byte(envelope, 0);
}

static void drop_byte(struct simulate_bytes *envelope)
{
    --envelope->len;
}

START_TEST(bytes_after_an_envelope_are_refused)
{
    for (int v0 = 0; v0 < 2; ++v0) {
        EXPECT(ATTEST_EVIDENCE_MALFORMED, .no_quote = true, .no_log = true, .with_8 = true,
               .v0 = v0, .spoil = append_byte);
        EXPECT(ATTEST_EVIDENCE_MALFORMED, .no_quote = true, .no_log = true, .with_8 = true,
               .v0 = v0, .spoil = drop_byte);
    }
}
END_TEST

static void name_kind_twice(struct simulate_bytes *envelope)
{
    replace(envelope, "kind", "data");
}

static void use_unknown_key(struct simulate_bytes *envelope)
{
    replace(envelope, "stack", "stuck");
}

static void claim_version_2(struct simulate_bytes *envelope)
{
    replace(envelope, "version\x01", "version\x02");
}

START_TEST(an_envelope_with_a_key_twice_or_unknown_is_refused)
{
    static void (*const spoilers[])(struct simulate_bytes *) = {name_kind_twice, use_unknown_key,
                                                                claim_version_2};
    for (size_t i = 0; i < 3; ++i)
        EXPECT(ATTEST_EVIDENCE_MALFORMED, .no_quote = true, .no_log = true, .with_8 = true,
               .spoil = spoilers[i]);
}
END_TEST

static void say_nitro(struct simulate_bytes *envelope)
{
    envelope->ptr[1] = 2;
}

static void say_nonsense(struct simulate_bytes *envelope)
{
    envelope->ptr[1] = 5;
}

static void begin_otherwise(struct simulate_bytes *envelope)
{
    envelope->ptr[0] = 0x7f;
}

START_TEST(an_envelope_of_another_kind_is_refused_by_name)
{
    EXPECT(ATTEST_CONVENTION_UNSUPPORTED, .no_quote = true, .no_log = true, .with_8 = true,
           .v0 = true, .spoil = say_nitro);
    EXPECT(ATTEST_EVIDENCE_MALFORMED, .no_quote = true, .no_log = true, .with_8 = true, .v0 = true,
           .spoil = say_nonsense);
    EXPECT(ATTEST_EVIDENCE_MALFORMED, .no_quote = true, .no_log = true, .with_8 = true,
           .spoil = begin_otherwise);
}
END_TEST

/* Bytes put in the place of others, where these first stand; of any lengths. */
struct edit {
    const char *from;
    size_t from_len;
    const char *to;
    size_t to_len;
    enum attest_reason reason;
};
#define BYTES(text) text, sizeof(text) - 1

static const struct edit *edit; /* for the spoiler; each test runs alone */

static void splice(struct simulate_bytes *bytes, const struct edit *one)
{
    struct simulate_bytes out = {0};
    size_t at = 0;
    while (at + one->from_len <= bytes->len &&
           memcmp(bytes->ptr + at, one->from, one->from_len) != 0)
        ++at;
    ck_assert_msg(at + one->from_len <= bytes->len, "nowhere: %s", one->from);
    simulate_put(&out, bytes->ptr, at);
    simulate_put(&out, one->to, one->to_len);
    simulate_put(&out, bytes->ptr + at + one->from_len, bytes->len - at - one->from_len);
    simulate_bytes_fini(bytes);
    *bytes = out;
}

static void splice_edit(struct simulate_bytes *envelope)
{
    splice(envelope, edit);
}

START_TEST(each_field_of_an_envelope_has_its_type_and_its_values)
{
    static const struct edit edits[] = {
        {BYTES("version\x01"), BYTES("version\xa1x"), ATTEST_EVIDENCE_MALFORMED},
        {BYTES("version\x01"), BYTES("version\x00"), ATTEST_EVIDENCE_MALFORMED},
        {BYTES("kind\xa3tdx"), BYTES("kind\xa3tdz"), ATTEST_EVIDENCE_MALFORMED},
        {BYTES("kind\xa3tdx"), BYTES("kind\x03"), ATTEST_EVIDENCE_MALFORMED},
        {BYTES("kind\xa3tdx"), BYTES("kind\xa7sev-snp"), ATTEST_EVIDENCE_MALFORMED},
        {BYTES("kind\xa3tdx"), BYTES("kind\xa7gcp-tdx"), ATTEST_CONVENTION_UNSUPPORTED},
        {BYTES("kind\xa3tdx"), BYTES("kind\xadnitro-enclave"), ATTEST_CONVENTION_UNSUPPORTED},
        {BYTES("kind\xa3tdx"),
         BYTES("kind\xad"
               "aws-nitro-tpm"),
         ATTEST_CONVENTION_UNSUPPORTED},
        {BYTES("imr\x03"), BYTES("imr\xa1x"), ATTEST_EVIDENCE_MALFORMED},
        {BYTES("event_type\xce\x08"), BYTES("event_type\xa4\x08"), ATTEST_EVIDENCE_MALFORMED},
        {BYTES("event_payload\xc4"), BYTES("event_payload\xc0"), ATTEST_EVIDENCE_MALFORMED},
        {BYTES("digest\xc4\x00"), BYTES("digest\xa0"), ATTEST_EVIDENCE_MALFORMED},
        {BYTES("\x85\xa3imr"), BYTES("\x86\xa7version\x01\xa3imr"), ATTEST_TRUSTED},
        {BYTES("\x85\xa3imr"), BYTES("\x86\xa7version\x02\xa3imr"), ATTEST_EVIDENCE_MALFORMED},
        {BYTES("\x85\xa3imr"), BYTES("\x86\xa7version\xa0\xa3imr"), ATTEST_EVIDENCE_MALFORMED},
        {BYTES("kind\xa6"
               "dstack"),
         BYTES("kind\xa6"
               "dstick"),
         ATTEST_EVIDENCE_MALFORMED},
        {BYTES("kind\xa6"
               "dstack"),
         BYTES("kind\x01"), ATTEST_EVIDENCE_MALFORMED},
        {BYTES("kind\xa6"
               "dstack"),
         BYTES("kind\xaa"
               "dstack-pod"),
         ATTEST_EVIDENCE_MALFORMED},
        {BYTES("report_data\xdc\x00\x40"), BYTES("report_data\xdc\x00\x3f"),
         ATTEST_EVIDENCE_MALFORMED},
        {BYTES("runtime_events\x90"), BYTES("runtime_events\x80"), ATTEST_EVIDENCE_MALFORMED},
        {BYTES("runtime_events\x90"), BYTES("runtime_events\x91\xc0"), ATTEST_EVIDENCE_MALFORMED},
        {BYTES("config\xa2{}"), BYTES("config\x90"), ATTEST_EVIDENCE_MALFORMED},
        {BYTES("config\xa2{}"), BYTES("config\xa0"), ATTEST_TRUSTED},
    };
    for (edit = edits; edit < edits + sizeof edits / sizeof *edits; ++edit)
        EXPECT(edit->reason, .no_quote = true, .no_log = true, .with_8 = true,
               .spoil = splice_edit);
}
END_TEST

/* `edit` is what stands for the payload. */
static void make_pod(struct simulate_bytes *envelope)
{
    splice(envelope, &(struct edit){BYTES("kind\xa6"
                                          "dstack"),
                                    BYTES("kind\xaa"
                                          "dstack-pod"),
                                    0});
    splice(envelope,
           &(struct edit){BYTES("data\x83\xabreport_data"), BYTES("data\x84\xabreport_data"), 0});
    simulate_pack_text(envelope, "report_data_payload");
    simulate_put(envelope, edit->to, edit->to_len);
}

START_TEST(a_pod_says_how_its_report_data_came_about_in_a_text)
{
    static const struct edit payloads[] = {
        {NULL, 0, BYTES("\xa2{}"), ATTEST_TRUSTED},
        {NULL, 0, BYTES("\x90"), ATTEST_EVIDENCE_MALFORMED},
        {NULL, 0, BYTES(""), ATTEST_EVIDENCE_MALFORMED},
        {NULL, 0, BYTES("\xa2{}\xa0"), ATTEST_EVIDENCE_MALFORMED},
    };
    for (edit = payloads; edit < payloads + sizeof payloads / sizeof *payloads; ++edit)
        EXPECT(edit->reason, .no_quote = true, .no_log = true, .with_8 = true, .spoil = make_pod);
}
END_TEST

START_TEST(a_packed_log_is_unpacked_to_16_kib_and_no_further)
{
    struct simulate_bytes log = simulate_dstack_log();
    size_t room = 16 * 1024 - log.len;
    simulate_bytes_fini(&log);
    EXPECT(ATTEST_TRUSTED, .packed = true, .padding = room - 1);
    EXPECT(ATTEST_TRUSTED, .packed = true, .padding = room);
    EXPECT(ATTEST_EVIDENCE_MALFORMED, .packed = true, .padding = room + 1);
    EXPECT(ATTEST_EVIDENCE_MALFORMED, .packed = true, .padding = 60 * room);
}
END_TEST

static const char named[] = "{\"accept\":[{\"tee\":\"tdx\",\"any_code\":true,\"%s\":[\"%s\"]}]}";

static void expect_named(const char *member, const char *value, bool with_log,
                         enum attest_reason reason)
{
    struct attest_verdict verdict;
    char policy[512];
    snprintf(policy, sizeof policy, named, member, value);
    if (with_log) {
        judge_case((struct dstack_case){0}, policy, &verdict);
    } else {
        struct scene scene;
        set_scene(&scene, ATTEST_TEE_TDX);
        scene.policy = policy;
        judge(&scene);
        verdict = scene.verdict;
    }
    ck_assert_msg(verdict.reason == reason, "%s: %s (%s)", member,
                  attest_reason_word(verdict.reason), verdict.detail);
}

#define APP      "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1"
#define COMPOSE  "c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2"
#define INSTANCE "d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3"

START_TEST(a_policy_lists_apps_compose_files_and_instances)
{
    expect_named("app_id", APP, true, ATTEST_TRUSTED);
    expect_named("compose_hash", COMPOSE, true, ATTEST_TRUSTED);
    expect_named("instance_id", INSTANCE, true, ATTEST_TRUSTED);
    expect_named("app_id", INSTANCE, true, ATTEST_MEASUREMENT_NOT_LISTED);
    expect_named("instance_id", APP, true, ATTEST_MEASUREMENT_NOT_LISTED);
    /* Evidence without a log cannot meet it. */
    expect_named("app_id", APP, false, ATTEST_MEASUREMENT_NOT_LISTED);
}
END_TEST

START_TEST(an_app_id_alone_is_no_measurement_of_code)
{
    static const char text[] = "{\"accept\":[{\"tee\":\"tdx\",\"app_id\":[\"" APP "\"]}]}";
    char error[256];
    ck_assert(attest_policy_parse((struct attest_bytes){(const uint8_t *)text, sizeof text - 1},
                                  error, sizeof error) == NULL);
    ck_assert(strstr(error, "no measurement of code") != NULL);
}
END_TEST

START_TEST(an_enclave_has_no_app_id)
{
    static const char text[] =
        "{\"accept\":[{\"tee\":\"sgx\",\"any_code\":true,\"app_id\":[\"" APP "\"]}]}";
    char error[256];
    ck_assert(attest_policy_parse((struct attest_bytes){(const uint8_t *)text, sizeof text - 1},
                                  error, sizeof error) == NULL);
    ck_assert(strstr(error, "unknown member") != NULL);
}
END_TEST

START_TEST(the_verdict_shows_what_the_log_names)
{
    struct attest_verdict verdict;
    judge_case((struct dstack_case){0}, NULL, &verdict);
    ck_assert(attest_is_trusted(&verdict));
    const struct attest_measurement *last = &verdict.measurements[verdict.measurement_count - 3];
    ck_assert_str_eq(last[0].name, "app_id");
    ck_assert_uint_eq(last[0].len, 20);
    ck_assert_uint_eq(last[0].bytes[19], 0xa1); /* not the workload's own event of that name */
    ck_assert_str_eq(last[1].name, "compose_hash");
    ck_assert_uint_eq(last[1].len, 32);
    ck_assert_str_eq(last[2].name, "instance_id");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {each_way_to_carry_quote_and_log_is_read,
                                  a_quote_needs_its_event_log,
                                  a_certificate_of_the_kms_without_evidence_is_refused,
                                  an_extension_twice_is_refused,
                                  a_log_that_replays_to_another_rtmr3_is_refused,
                                  two_extensions_that_disagree_are_refused,
                                  the_report_data_of_the_envelope_must_be_the_quotes,
                                  what_the_envelope_says_binds_no_key,
                                  bytes_after_an_envelope_are_refused,
                                  an_envelope_with_a_key_twice_or_unknown_is_refused,
                                  an_envelope_of_another_kind_is_refused_by_name,
                                  each_field_of_an_envelope_has_its_type_and_its_values,
                                  a_pod_says_how_its_report_data_came_about_in_a_text,
                                  a_packed_log_is_unpacked_to_16_kib_and_no_further,
                                  a_policy_lists_apps_compose_files_and_instances,
                                  an_app_id_alone_is_no_measurement_of_code,
                                  an_enclave_has_no_app_id,
                                  the_verdict_shows_what_the_log_names,
                                  NULL};
    return checks_run("dstack", tests);
}
