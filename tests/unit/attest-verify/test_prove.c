/* What attest_collateral_prove() vouches for. That it changes no verdict, every scene of
 * test_verify.c and test_verify_certificate.c shows: each is judged before and after it. */
#include "verify_scene.h"

/* Whether the simulated vendor's documents, made with one change, are proven. */
static bool is_proven(void (*change)(struct simulate_vendor_options *,
                                     struct simulate_collateral_options *),
                      const char *damaged_member)
{
    char error[256];
    struct simulate_vendor vendor;
    struct simulate_vendor_options of_vendor = {.now = NOW};
    struct simulate_collateral_options options =
        simulate_collateral_default(ATTEST_TEE_TDX, NOW - DAY, NOW + 29 * DAY);
    if (change != NULL)
        change(&of_vendor, &options);
    simulate_vendor_init(&vendor, &of_vendor);
    struct simulate_bytes text = simulate_collateral(&vendor, &options);
    simulate_put(&text, "", 1);
    if (damaged_member != NULL) {
        char *at = strstr((char *)text.ptr, damaged_member);
        ck_assert_ptr_nonnull(at);
        at += strlen(damaged_member) + strlen("\":\"") + 8;
        while (strchr("0123456789", *at) == NULL)
            ++at;
        *at = *at == '1' ? '2' : '1';
    }
    --text.len;
    struct attest_collateral *collateral =
        attest_collateral_parse(bytes_of(&text), error, sizeof error);
    ck_assert_msg(collateral != NULL, "%s", error);
    bool proven = attest_collateral_prove(collateral);
    ck_assert_msg(attest_collateral_prove(collateral) == proven, "another answer the second time");
    attest_collateral_free(collateral);
    simulate_bytes_fini(&text);
    simulate_vendor_fini(&vendor);
    return proven;
}

START_TEST(a_sound_document_is_proven)
{
    ck_assert(is_proven(NULL, NULL));
}
END_TEST

START_TEST(a_document_with_a_wrong_signature_is_not_proven)
{
    ck_assert(!is_proven(NULL, "tcb_info_signature"));
    ck_assert(!is_proven(NULL, "qe_identity_signature"));
}
END_TEST

static void revoke_ca(struct simulate_vendor_options *vendor,
                      struct simulate_collateral_options *options)
{
    options->ca_revoked = true;
}

static void revoke_signer(struct simulate_vendor_options *vendor,
                          struct simulate_collateral_options *options)
{
    options->signer_revoked = true;
}

static void spoil_ca(struct simulate_vendor_options *vendor,
                     struct simulate_collateral_options *options)
{
    vendor->ca_is_no_ca = true;
}

START_TEST(a_document_under_a_revoked_or_false_authority_is_not_proven)
{
    ck_assert(!is_proven(revoke_ca, NULL));
    ck_assert(!is_proven(revoke_signer, NULL));
    ck_assert(!is_proven(spoil_ca, NULL));
}
END_TEST

static void let_expire(struct simulate_vendor_options *vendor,
                       struct simulate_collateral_options *options)
{
    options->issued = NOW - 60 * DAY;
    options->next_update = NOW - 30 * DAY;
}

/* Time is no part of the proof: an expired document is proven, and refused all the same. */
START_TEST(an_expired_document_is_proven_and_refused)
{
    ck_assert(is_proven(let_expire, NULL));
    struct scene scene;
    set_scene(&scene, ATTEST_TEE_TDX);
    scene.now = NOW + 29 * DAY + 1;
    ck_assert_str_eq(attest_reason_word(judge(&scene)), "collateral-expired");
}
END_TEST

/* The document with the first certificate of that chain replaced by other base64. */
static struct simulate_bytes with_certificate(const struct simulate_bytes *text, const char *member,
                                              const char *base64)
{
    struct simulate_bytes whole = {0}, out = {0};
    simulate_put(&whole, text->ptr, text->len);
    simulate_put(&whole, "", 1);
    char *at = strstr((char *)whole.ptr, member);
    ck_assert_ptr_nonnull(at);
    char *first = strstr(at, "BEGIN CERTIFICATE-----") + strlen("BEGIN CERTIFICATE-----");
    char *end = strstr(first, "-----END");
    simulate_put(&out, whole.ptr, (size_t)(first - (char *)whole.ptr));
    simulate_put(&out, base64, strlen(base64));
    simulate_put(&out, end, strlen(end));
    simulate_bytes_fini(&whole);
    return out;
}

static void check_malformed(const struct simulate_vendor *vendor, const struct simulate_bytes *text,
                            const struct simulate_bytes *quote)
{
    char error[256];
    struct attest_collateral *collateral =
        attest_collateral_parse(bytes_of(text), error, sizeof error);
    ck_assert_msg(collateral != NULL, "%s", error);
    const struct attest_collateral *list[] = {collateral};
    struct attest_roots *roots = roots_of(vendor);
    struct attest_request request = {
        .roots = roots, .collateral = list, .collateral_count = 1, .now = NOW};
    struct attest_platform platform = {.tee = ATTEST_TEE_TDX};
    struct attest_verdict verdict;
    for (int proving = 0; proving < 2; ++proving) {
        attest_verify_quote(&request, bytes_of(quote), &verdict);
        ck_assert_str_eq(attest_reason_word(verdict.reason), "collateral-malformed");
        memcpy(platform.fmspc, verdict.fmspc, sizeof platform.fmspc);
        ck_assert(!attest_collateral_holds(collateral, &request, &platform, &verdict));
        ck_assert_str_eq(attest_reason_word(verdict.reason), "collateral-malformed");
        ck_assert(!attest_collateral_prove(collateral));
    }
    attest_roots_free(roots);
    attest_collateral_free(collateral);
}

START_TEST(a_frame_with_no_certificate_in_it_is_refused_proven_or_not)
{
    static const char *const members[] = {"pck_crl_issuer_chain", "tcb_info_issuer_chain",
                                          "qe_identity_issuer_chain"};
    char error[256];
    struct scene scene;
    struct simulate_vendor vendor;
    set_scene(&scene, ATTEST_TEE_TDX);
    simulate_vendor_init(&vendor, &scene.vendor);
    struct simulate_identity pck = simulate_pck(&vendor, &scene.platform);
    struct simulate_bytes quote = simulate_quote(&vendor, &pck, &scene.quote);
    struct simulate_bytes sound = simulate_collateral(&vendor, &scene.collateral);
    for (size_t i = 0; i < sizeof members / sizeof *members; ++i) {
        struct simulate_bytes framed = with_certificate(&sound, members[i], "MAIFAA==");
        check_malformed(&vendor, &framed, &quote);
        struct simulate_bytes unframed = with_certificate(&sound, members[i], "MAMFAA==");
        ck_assert_ptr_null(attest_collateral_parse(bytes_of(&unframed), error, sizeof error));
        ck_assert_ptr_nonnull(strstr(error, members[i]));
        simulate_bytes_fini(&framed);
        simulate_bytes_fini(&unframed);
    }
    simulate_bytes_fini(&sound);
    simulate_bytes_fini(&quote);
    simulate_identity_fini(&pck);
    simulate_vendor_fini(&vendor);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_sound_document_is_proven,
                                  a_document_with_a_wrong_signature_is_not_proven,
                                  a_document_under_a_revoked_or_false_authority_is_not_proven,
                                  an_expired_document_is_proven_and_refused,
                                  a_frame_with_no_certificate_in_it_is_refused_proven_or_not,
                                  NULL};
    return checks_run("prove", tests);
}
