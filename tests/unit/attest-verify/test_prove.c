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

int main(void)
{
    const TTest *const tests[] = {a_sound_document_is_proven,
                                  a_document_with_a_wrong_signature_is_not_proven,
                                  a_document_under_a_revoked_or_false_authority_is_not_proven,
                                  an_expired_document_is_proven_and_refused, NULL};
    return checks_run("prove", tests);
}
