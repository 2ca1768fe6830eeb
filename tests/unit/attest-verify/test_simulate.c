/* The artefacts of the simulated TEE, read back with OpenSSL and by the published formats. */
#include "simulate_checks.h"
#include "unit/checks.h"

enum { NOW = 1800000000, DAY = 86400 };

struct world {
    struct simulate_vendor vendor;
    struct simulate_platform platform;
    struct simulate_identity pck;
};

static void world_init_with(struct world *world, const struct simulate_vendor_options *options)
{
    *world = (struct world){0};
    simulate_vendor_init(&world->vendor, options);
    world->platform = simulate_platform_default("w", NOW);
    world->pck = simulate_pck(&world->vendor, &world->platform);
}

static void world_init(struct world *world)
{
    world_init_with(world, &(struct simulate_vendor_options){.now = NOW});
}

static void world_fini(struct world *world)
{
    simulate_identity_fini(&world->pck);
    simulate_vendor_fini(&world->vendor);
}

static cJSON *collateral_document(const struct world *world,
                                  const struct simulate_collateral_options *options)
{
    struct simulate_bytes text = simulate_collateral(&world->vendor, options);
    cJSON *document = cJSON_ParseWithLength((const char *)text.ptr, text.len);
    ck_assert_ptr_nonnull(document);
    simulate_bytes_fini(&text);
    return document;
}

/* OpenSSL on the PCK chain (or the JSON signer's) of a world with this collateral. */
static int judge_world(const struct world *world, const struct simulate_collateral_options *options,
                       bool of_signer, int64_t when)
{
    struct simulate_quote_options quote_options = simulate_quote_default(options->tee);
    struct simulate_bytes quote = simulate_quote(&world->vendor, &world->pck, &quote_options);
    cJSON *document = collateral_document(world, options);
    int error =
        judge_with(document, of_signer ? NULL : &(struct attest_bytes){quote.ptr, quote.len}, when);
    cJSON_Delete(document);
    simulate_bytes_fini(&quote);
    return error;
}

static struct simulate_collateral_options usual_collateral(enum attest_tee tee)
{
    return simulate_collateral_default(tee, NOW - 3600, NOW + 30 * DAY);
}

START_TEST(both_chains_satisfy_openssl_at_its_strictest)
{
    struct world world;
    world_init(&world);
    struct simulate_collateral_options options = usual_collateral(ATTEST_TEE_TDX);
    ck_assert_int_eq(judge_world(&world, &options, false, NOW), X509_V_OK);
    ck_assert_int_eq(judge_world(&world, &options, true, NOW), X509_V_OK);
    world_fini(&world);
}
END_TEST

START_TEST(crls_are_good_from_their_first_second_to_their_last)
{
    struct world world;
    world_init(&world);
    struct simulate_collateral_options options = usual_collateral(ATTEST_TEE_SGX);
    ck_assert_int_eq(judge_world(&world, &options, false, options.issued - 1),
                     X509_V_ERR_CRL_NOT_YET_VALID);
    ck_assert_int_eq(judge_world(&world, &options, false, options.issued + 1), X509_V_OK);
    ck_assert_int_eq(judge_world(&world, &options, false, options.next_update - 1), X509_V_OK);
    ck_assert_int_eq(judge_world(&world, &options, false, options.next_update + 1),
                     X509_V_ERR_CRL_HAS_EXPIRED);
    world_fini(&world);
}
END_TEST

START_TEST(crls_carry_a_rising_number_and_the_key_of_their_issuer)
{
    struct world world;
    world_init(&world);
    X509_CRL *old = simulate_crl(&world.vendor.ca, NULL, NOW, NOW + DAY);
    X509_CRL *new = simulate_crl(&world.vendor.ca, NULL, NOW + 1, NOW + DAY);
    ASN1_INTEGER *old_number = X509_CRL_get_ext_d2i(old, NID_crl_number, NULL, NULL);
    ASN1_INTEGER *new_number = X509_CRL_get_ext_d2i(new, NID_crl_number, NULL, NULL);
    AUTHORITY_KEYID *key_id = X509_CRL_get_ext_d2i(old, NID_authority_key_identifier, NULL, NULL);
    ck_assert_ptr_nonnull(old_number);
    ck_assert_ptr_nonnull(key_id);
    ck_assert_int_lt(ASN1_INTEGER_cmp(old_number, new_number), 0);
    ck_assert_int_eq(
        ASN1_OCTET_STRING_cmp(key_id->keyid, X509_get0_subject_key_id(world.vendor.ca.cert)), 0);
    ck_assert_ptr_null(X509_CRL_get_REVOKED(old));
    AUTHORITY_KEYID_free(key_id);
    ASN1_INTEGER_free(old_number);
    ASN1_INTEGER_free(new_number);
    X509_CRL_free(old);
    X509_CRL_free(new);
    world_fini(&world);
}
END_TEST

START_TEST(each_revocation_hits_only_the_one_it_names)
{
    struct world world;
    world_init(&world);
    STACK_OF(ASN1_INTEGER) *serials = sk_ASN1_INTEGER_new_null();
    sk_ASN1_INTEGER_push(serials, X509_get_serialNumber(world.pck.cert));
    for (int which = 0; which < 3; ++which) {
        struct simulate_collateral_options options = usual_collateral(ATTEST_TEE_TDX);
        options.revoked = which == 0 ? serials : NULL;
        options.ca_revoked = which == 1;
        options.signer_revoked = which == 2;
        ck_assert_int_eq(judge_world(&world, &options, false, NOW),
                         which == 2 ? X509_V_OK : X509_V_ERR_CERT_REVOKED);
        ck_assert_int_eq(judge_world(&world, &options, true, NOW),
                         which == 2 ? X509_V_ERR_CERT_REVOKED : X509_V_OK);
    }
    sk_ASN1_INTEGER_free(serials);
    world_fini(&world);
}
END_TEST

START_TEST(a_vendor_can_be_made_with_one_flaw)
{
    struct world world;
    struct simulate_collateral_options options = usual_collateral(ATTEST_TEE_TDX);
    world_init_with(&world, &(struct simulate_vendor_options){.now = NOW, .ca_is_no_ca = true});
    ck_assert_int_ne(judge_world(&world, &options, false, NOW), X509_V_OK);
    ck_assert_int_eq(judge_world(&world, &options, true, NOW), X509_V_OK);
    world_fini(&world);
    world_init_with(&world,
                    &(struct simulate_vendor_options){.now = NOW, .signer_not_after = NOW - 1});
    ck_assert_int_eq(judge_world(&world, &options, false, NOW), X509_V_OK);
    ck_assert_int_eq(judge_world(&world, &options, true, NOW), X509_V_ERR_CERT_HAS_EXPIRED);
    world_fini(&world);
    world_init_with(&world, &(struct simulate_vendor_options){.now = NOW, .ca_not_after = NOW - 1});
    ck_assert_int_eq(judge_world(&world, &options, false, NOW), X509_V_ERR_CERT_HAS_EXPIRED);
    ck_assert_int_eq(judge_world(&world, &options, true, NOW), X509_V_OK);
    world_fini(&world);
}
END_TEST

START_TEST(certificates_bear_the_names_a_verifier_looks_for)
{
    struct world world;
    world_init(&world);
    const struct {
        X509 *cert;
        const char *cn;
    } rows[] = {
        {world.vendor.root.cert, "Intel SGX Root CA"},
        {world.vendor.ca.cert, "Intel SGX PCK Platform CA"},
        {world.vendor.signer.cert, "Intel SGX TCB Signing"},
        {world.pck.cert, "Intel SGX PCK Certificate"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; ++i) {
        char text[80];
        X509_NAME *name = X509_get_subject_name(rows[i].cert);
        X509_NAME_get_text_by_NID(name, NID_commonName, text, sizeof text);
        ck_assert_str_eq(text, rows[i].cn);
        X509_NAME_get_text_by_NID(name, NID_organizationName, text, sizeof text);
        ck_assert_str_eq(text, "Simulated TEE - not for production");
        ck_assert_int_eq(X509_get_signature_nid(rows[i].cert), NID_ecdsa_with_SHA256);
    }
    world_fini(&world);
}
END_TEST

/* --- the SGX extension --- */

static bool holds(const ASN1_OCTET_STRING *value, const void *what, size_t len)
{
    const uint8_t *at = ASN1_STRING_get0_data(value);
    for (size_t left = (size_t)ASN1_STRING_length(value); left >= len; --left, ++at)
        if (memcmp(at, what, len) == 0)
            return true;
    return false;
}

/* Tag, content length and content of the element after the OID `suffix` of the SGX extension. */
static bool says(const ASN1_OCTET_STRING *value, const uint8_t *suffix, size_t suffix_len,
                 const uint8_t *element, size_t element_len)
{
    static const uint8_t base[] = {0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01};
    struct simulate_bytes wanted = {0};
    simulate_put_byte(&wanted, 0x06);
    simulate_put_byte(&wanted, (uint8_t)(sizeof base + suffix_len));
    simulate_put(&wanted, base, sizeof base);
    simulate_put(&wanted, suffix, suffix_len);
    simulate_put(&wanted, element, element_len);
    bool found = holds(value, wanted.ptr, wanted.len);
    simulate_bytes_fini(&wanted);
    return found;
}
#define SAYS(value, suffix, element)                                                       \
    says(value, (const uint8_t *)(suffix), sizeof(suffix) - 1, (const uint8_t *)(element), \
         sizeof(element) - 1)

START_TEST(the_sgx_extension_says_what_the_platform_is)
{
    struct world world;
    world_init(&world);
    struct simulate_platform platform = world.platform;
    platform.components[0] = 127;
    platform.components[1] = 128;
    platform.components[15] = 255;
    platform.pcesvn = 0x1234;
    memcpy(platform.fmspc, "\x01\x02\x03\x04\x05\x06", 6);
    struct simulate_identity pck = simulate_pck(&world.vendor, &platform);
    const ASN1_OCTET_STRING *value = extension_of(pck.cert, SGX_OID, 1);
    const uint8_t *at = ASN1_STRING_get0_data(value);
    ASN1_SEQUENCE_ANY *entries = d2i_ASN1_SEQUENCE_ANY(NULL, &at, ASN1_STRING_length(value));
    ck_assert_int_eq(sk_ASN1_TYPE_num(entries), 7);
    ck_assert_ptr_eq(at, ASN1_STRING_get0_data(value) + ASN1_STRING_length(value));
    ck_assert(SAYS(value, "\x02\x01", "\x02\x01\x7f"));
    ck_assert(SAYS(value, "\x02\x02", "\x02\x02\x00\x80")); /* positive */
    ck_assert(SAYS(value, "\x02\x10", "\x02\x02\x00\xff"));
    ck_assert(SAYS(value, "\x02\x11", "\x02\x02\x12\x34"));
    ck_assert(SAYS(value, "\x02\x12", "\x04\x10\x7f\x80"));
    ck_assert(SAYS(value, "\x03", "\x04\x02\x00\x00"));
    ck_assert(SAYS(value, "\x04", "\x04\x06\x01\x02\x03\x04\x05\x06"));
    ck_assert(SAYS(value, "\x05", "\x0a\x01\x01"));
    ck_assert(SAYS(value, "\x07\x01", "\x01\x01\x00"));
    ck_assert(SAYS(value, "\x07\x03", "\x01\x01\xff"));
    ck_assert(holds(value, platform.ppid, 16));
    ck_assert(holds(value, platform.piid, 16));
    sk_ASN1_TYPE_pop_free(entries, ASN1_TYPE_free);
    simulate_identity_fini(&pck);
    world_fini(&world);
}
END_TEST

START_TEST(a_processor_ca_certifies_no_platform_instance)
{
    struct world world;
    world_init_with(&world, &(struct simulate_vendor_options){.now = NOW, .processor_ca = true});
    const ASN1_OCTET_STRING *value = extension_of(world.pck.cert, SGX_OID, 1);
    ck_assert(SAYS(value, "\x05", "\x0a\x01"));
    ck_assert(!SAYS(value, "\x06", "\x04\x10"));
    struct simulate_collateral_options options = usual_collateral(ATTEST_TEE_SGX);
    ck_assert_int_eq(judge_world(&world, &options, false, NOW), X509_V_OK);
    world_fini(&world);
}
END_TEST

START_TEST(the_sgx_extension_can_be_missing_or_there_twice)
{
    struct world world;
    world_init(&world);
    struct simulate_platform platform = world.platform;
    platform.sgx_extension_twice = true;
    struct simulate_identity twice = simulate_pck(&world.vendor, &platform);
    extension_of(twice.cert, SGX_OID, 2);
    platform.without_sgx_extension = true;
    struct simulate_identity none = simulate_pck(&world.vendor, &platform);
    extension_of(none.cert, SGX_OID, 0);
    simulate_identity_fini(&twice);
    simulate_identity_fini(&none);
    world_fini(&world);
}
END_TEST

START_TEST(a_machine_keeps_its_identity_and_shares_it_with_no_other)
{
    struct simulate_platform a = simulate_platform_default("a", NOW);
    struct simulate_platform again = simulate_platform_default("a", NOW + DAY);
    struct simulate_platform b = simulate_platform_default("b", NOW);
    ck_assert_mem_eq(a.ppid, again.ppid, 16);
    ck_assert_mem_eq(a.piid, again.piid, 16);
    ck_assert_mem_ne(a.ppid, b.ppid, 16);
    ck_assert_mem_ne(a.piid, b.piid, 16);
}
END_TEST

/* --- quotes --- */

static const struct {
    enum attest_tee tee;
    uint16_t version;
    bool td_1_5;
    size_t signed_len; /* ra-tls: 432, 632, and 6 more with the descriptor of version 5 */
} kinds[] = {
    {ATTEST_TEE_SGX, 3, false, 432}, {ATTEST_TEE_SGX, 4, false, 432},
    {ATTEST_TEE_SGX, 5, false, 438}, {ATTEST_TEE_TDX, 4, false, 632},
    {ATTEST_TEE_TDX, 5, false, 638}, {ATTEST_TEE_TDX, 5, true, 702},
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

static struct simulate_quote_options options_of_kind(size_t i)
{
    struct simulate_quote_options options = simulate_quote_default(kinds[i].tee);
    options.version = kinds[i].version;
    options.td_1_5 = kinds[i].td_1_5;
    memset(options.report_data, 0xa5, sizeof options.report_data);
    return options;
}

START_TEST(every_kind_of_quote_is_signed_and_its_lengths_agree)
{
    struct world world;
    world_init(&world);
    for (size_t i = 0; i < KINDS; ++i) {
        struct simulate_quote_options options = options_of_kind(i);
        struct simulate_bytes quote = simulate_quote(&world.vendor, &world.pck, &options);
        struct parts parts = take_apart(quote.ptr, quote.len);
        ck_assert_uint_eq(parts.version, kinds[i].version);
        ck_assert_uint_eq(parts.tee, kinds[i].tee == ATTEST_TEE_TDX ? 0x81 : 0);
        ck_assert_uint_eq(parts.signed_len, kinds[i].signed_len);
        size_t report_data_at = kinds[i].tee == ATTEST_TEE_TDX ? 520 : 320;
        ck_assert_mem_eq(parts.body + report_data_at, options.report_data, 64);
        ck_assert_uint_eq(parts.chain[parts.chain_len - 1], 0);
        struct soundness sound = check_quote(quote.ptr, quote.len);
        ck_assert(sound.quote_signature && sound.qe_signature && sound.qe_binding);
        simulate_bytes_fini(&quote);
    }
    world_fini(&world);
}
END_TEST

START_TEST(each_damage_breaks_just_its_own_check)
{
    struct world world;
    world_init(&world);
    for (size_t i = 0; i < KINDS; ++i) {
        for (int damage = SIMULATE_SOUND; damage <= SIMULATE_UNBOUND_ATTESTATION_KEY; ++damage) {
            struct simulate_quote_options options = options_of_kind(i);
            options.damage = (enum simulate_damage)damage;
            struct simulate_bytes quote = simulate_quote(&world.vendor, &world.pck, &options);
            struct soundness sound = check_quote(quote.ptr, quote.len);
            ck_assert_int_eq(sound.quote_signature, damage != SIMULATE_BAD_QUOTE_SIGNATURE);
            ck_assert_int_eq(sound.qe_signature, damage != SIMULATE_BAD_QE_SIGNATURE);
            ck_assert_int_eq(sound.qe_binding, damage != SIMULATE_UNBOUND_ATTESTATION_KEY);
            simulate_bytes_fini(&quote);
        }
    }
    world_fini(&world);
}
END_TEST

START_TEST(the_fields_of_a_td_report_stand_at_their_offsets)
{
    struct world world;
    world_init(&world);
    struct simulate_quote_options options = simulate_quote_default(ATTEST_TEE_TDX);
    options.version = 5;
    options.td_1_5 = true;
    options.tdx.seam_attributes = 0x1122334455667788;
    memset(options.tdx.mrsignerseam, 7, 48);
    memset(options.tdx.tee_tcb_svn_2, 9, 16);
    struct simulate_bytes quote = simulate_quote(&world.vendor, &world.pck, &options);
    const uint8_t *body = take_apart(quote.ptr, quote.len).body;
    uint8_t mrtd[48];
    SHA384((const uint8_t *)"teegate simulated agent runtime", 31, mrtd);
    ck_assert_mem_eq(body, options.tdx.tee_tcb_svn, 16);
    ck_assert_mem_eq(body + 16, options.tdx.mrseam, 48);
    ck_assert_mem_eq(body + 64, options.tdx.mrsignerseam, 48);
    ck_assert_mem_eq(body + 112, "\x88\x77\x66\x55\x44\x33\x22\x11", 8);
    ck_assert_mem_eq(body + 120, "\x00\x00\x00\x10\x00\x00\x00\x00", 8);
    ck_assert_mem_eq(body + 128, "\xe7\x18\x06\x00\x00\x00\x00\x00", 8);
    ck_assert_mem_eq(body + 136, mrtd, 48);
    for (size_t i = 0; i < 4; ++i)
        ck_assert_mem_eq(body + 328 + 48 * i, options.tdx.rtmr[i], 48);
    ck_assert_mem_ne(options.tdx.rtmr[0], options.tdx.rtmr[1], 48);
    ck_assert_mem_eq(body + 584, options.tdx.tee_tcb_svn_2, 16);
    simulate_bytes_fini(&quote);
    world_fini(&world);
}
END_TEST

static void check_reserved(const uint8_t *report)
{
    static const struct {
        size_t offset, len;
    } gaps[] = {{16, 32}, {96, 32}, {160, 96}, {260, 60}}; /* MISCSELECT among them */
    static const uint8_t zeros[96];
    for (size_t i = 0; i < sizeof gaps / sizeof gaps[0]; ++i)
        ck_assert_mem_eq(report + gaps[i].offset, zeros, gaps[i].len);
}

START_TEST(the_fields_of_an_enclave_report_stand_at_their_offsets)
{
    struct world world;
    world_init(&world);
    struct simulate_quote_options options = simulate_quote_default(ATTEST_TEE_SGX);
    options.sgx.isvprodid = 0x0102;
    options.sgx.isvsvn = 0x0304;
    options.qe.isvsvn = 0x0506;
    struct simulate_bytes quote = simulate_quote(&world.vendor, &world.pck, &options);
    struct parts parts = take_apart(quote.ptr, quote.len);
    uint8_t mrenclave[32];
    SHA256((const uint8_t *)"teegate simulated agent runtime", 31, mrenclave);
    ck_assert_mem_eq(parts.body, world.platform.components, 16);
    ck_assert_mem_eq(parts.body + 48, "\x05\x00\x00\x00\x00\x00\x00\x00", 8);
    ck_assert_mem_eq(parts.body + 64, mrenclave, 32);
    ck_assert_mem_eq(parts.body + 128, options.sgx.mrsigner, 32);
    ck_assert_mem_eq(parts.body + 256, "\x02\x01\x04\x03", 4);
    check_reserved(parts.body);
    check_reserved(parts.qe_report);
    ck_assert_mem_eq(parts.qe_report + 48, "\x11\x00\x00\x00\x00\x00\x00\x00", 8);
    ck_assert_mem_eq(parts.qe_report + 128, options.qe.mrsigner, 32);
    ck_assert_mem_eq(parts.qe_report + 256, "\x01\x00\x06\x05", 4);
    simulate_bytes_fini(&quote);
    world_fini(&world);
}
END_TEST

/* How many bytes differ between the signed bodies of two quotes, and where the first is. */
static size_t differences(const struct simulate_bytes *a, const struct simulate_bytes *b,
                          size_t *first)
{
    struct parts x = take_apart(a->ptr, a->len), y = take_apart(b->ptr, b->len);
    size_t count = 0;
    ck_assert_uint_eq(x.body_len, y.body_len);
    for (size_t i = x.body_len; i > 0; --i) {
        if (x.body[i - 1] != y.body[i - 1]) {
            ++count;
            *first = i - 1;
        }
    }
    return count;
}

START_TEST(debug_and_unlisted_differ_from_good_in_just_that)
{
    struct world world;
    world_init(&world);
    for (size_t i = 0; i < KINDS; ++i) {
        bool tdx = kinds[i].tee == ATTEST_TEE_TDX;
        size_t first = 0;
        struct simulate_quote_options good = options_of_kind(i), debug = good, unlisted = good;
        simulate_quote_set_debug(&debug);
        simulate_quote_set_unlisted(&unlisted);
        struct simulate_bytes q = simulate_quote(&world.vendor, &world.pck, &good);
        struct simulate_bytes d = simulate_quote(&world.vendor, &world.pck, &debug);
        struct simulate_bytes u = simulate_quote(&world.vendor, &world.pck, &unlisted);
        ck_assert_uint_eq(differences(&q, &d, &first), 1);
        ck_assert_uint_eq(first, tdx ? 120 : 48);
        ck_assert_uint_eq(take_apart(d.ptr, d.len).body[first] & (tdx ? 1 : 2), tdx ? 1 : 2);
        size_t size = tdx ? 48 : 32, begin = tdx ? 136 : 64;
        size_t count = differences(&q, &u, &first);
        ck_assert_uint_gt(count, 0);
        ck_assert_uint_le(count, size);
        ck_assert_uint_ge(first, begin);
        ck_assert_uint_lt(first, begin + size);
        simulate_bytes_fini(&q);
        simulate_bytes_fini(&d);
        simulate_bytes_fini(&u);
    }
    world_fini(&world);
}
END_TEST

START_TEST(a_patched_byte_is_signed_as_it_is)
{
    struct world world;
    world_init(&world);
    for (size_t i = 0; i < KINDS; ++i) {
        struct simulate_quote_options options = options_of_kind(i);
        struct simulate_bytes plain = simulate_quote(&world.vendor, &world.pck, &options);
        options.patch = (struct simulate_patch){kinds[i].signed_len - 1, 0x80};
        options.qe_patch = (struct simulate_patch){20, 0x01};
        struct simulate_bytes patched = simulate_quote(&world.vendor, &world.pck, &options);
        struct parts x = take_apart(plain.ptr, plain.len);
        struct parts y = take_apart(patched.ptr, patched.len);
        size_t first = 0;
        ck_assert_uint_eq(differences(&plain, &patched, &first), 1);
        ck_assert_uint_eq(first, x.body_len - 1);
        ck_assert_uint_eq(x.qe_report[20] ^ y.qe_report[20], 0x01);
        struct soundness sound = check_quote(patched.ptr, patched.len);
        ck_assert(sound.quote_signature && sound.qe_signature && sound.qe_binding);
        simulate_bytes_fini(&plain);
        simulate_bytes_fini(&patched);
    }
    world_fini(&world);
}
END_TEST

int main(void)
{
    return checks_run("simulate", (const TTest *const[]){
                                      both_chains_satisfy_openssl_at_its_strictest,
                                      crls_are_good_from_their_first_second_to_their_last,
                                      crls_carry_a_rising_number_and_the_key_of_their_issuer,
                                      each_revocation_hits_only_the_one_it_names,
                                      a_vendor_can_be_made_with_one_flaw,
                                      certificates_bear_the_names_a_verifier_looks_for,
                                      the_sgx_extension_says_what_the_platform_is,
                                      a_processor_ca_certifies_no_platform_instance,
                                      the_sgx_extension_can_be_missing_or_there_twice,
                                      a_machine_keeps_its_identity_and_shares_it_with_no_other,
                                      every_kind_of_quote_is_signed_and_its_lengths_agree,
                                      each_damage_breaks_just_its_own_check,
                                      the_fields_of_a_td_report_stand_at_their_offsets,
                                      the_fields_of_an_enclave_report_stand_at_their_offsets,
                                      debug_and_unlisted_differ_from_good_in_just_that,
                                      a_patched_byte_is_signed_as_it_is,
                                      NULL,
                                  });
}
