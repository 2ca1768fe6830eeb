/* The simulated collateral and RA-TLS certificates, and the encodings they are written in. */
#include "simulate_checks.h"
#include "unit/checks.h"

enum { NOW = 1800000000, DAY = 86400 }; /* 2027-01-15T08:00:00Z */

struct world {
    struct simulate_vendor vendor;
    struct simulate_identity pck;
};

static void world_init(struct world *world)
{
    *world = (struct world){0};
    simulate_vendor_init(&world->vendor, &(struct simulate_vendor_options){.now = NOW});
    struct simulate_platform platform = simulate_platform_default("w", NOW);
    world->pck = simulate_pck(&world->vendor, &platform);
}

static void world_fini(struct world *world)
{
    simulate_identity_fini(&world->pck);
    simulate_vendor_fini(&world->vendor);
}

/* --- collateral --- */

static struct simulate_collateral_options usual(enum attest_tee tee)
{
    return simulate_collateral_default(tee, NOW - 3600, NOW + 30 * DAY);
}

static cJSON *document_of(const struct world *world,
                          const struct simulate_collateral_options *options)
{
    struct simulate_bytes text = simulate_collateral(&world->vendor, options);
    cJSON *document = cJSON_ParseWithLength((const char *)text.ptr, text.len);
    ck_assert_ptr_nonnull(document);
    simulate_bytes_fini(&text);
    return document;
}

static cJSON *parse_member(const cJSON *document, const char *name)
{
    cJSON *parsed = cJSON_Parse(text_member(document, name));
    ck_assert_ptr_nonnull(parsed);
    return parsed;
}

static const cJSON *at(const cJSON *object, const char *name)
{
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(object, name);
    ck_assert_msg(member != NULL, "no member %s", name);
    return member;
}

static void check_signed(const struct world *world, const cJSON *document, const char *name,
                         const char *signature_name)
{
    const char *text = text_member(document, name);
    struct simulate_bytes signature = hex_member(document, signature_name);
    EVP_PKEY *key = X509_get0_pubkey(world->vendor.signer.cert);
    ck_assert_uint_eq(signature.len, 64);
    ck_assert(is_signed_by(key, (const uint8_t *)text, strlen(text), signature.ptr));
    ck_assert(!is_signed_by(key, (const uint8_t *)text, strlen(text) - 1, signature.ptr));
    ck_assert(strchr(text, ' ') == NULL || strstr(text, "Microcode") != NULL); /* compact */
    simulate_bytes_fini(&signature);
}

START_TEST(both_json_texts_are_signed_byte_for_byte)
{
    struct world world;
    world_init(&world);
    for (int tdx = 0; tdx < 2; ++tdx) {
        struct simulate_collateral_options options = usual(tdx ? ATTEST_TEE_TDX : ATTEST_TEE_SGX);
        cJSON *document = document_of(&world, &options);
        ck_assert_int_eq(cJSON_GetArraySize(document), 9);
        check_signed(&world, document, "tcb_info", "tcb_info_signature");
        check_signed(&world, document, "qe_identity", "qe_identity_signature");
        cJSON_Delete(document);
    }
    world_fini(&world);
}
END_TEST

START_TEST(tcb_info_has_the_members_of_its_tee)
{
    struct world world;
    world_init(&world);
    for (int tdx = 0; tdx < 2; ++tdx) {
        struct simulate_collateral_options options = usual(tdx ? ATTEST_TEE_TDX : ATTEST_TEE_SGX);
        cJSON *document = document_of(&world, &options);
        cJSON *info = parse_member(document, "tcb_info");
        ck_assert_str_eq(text_member(info, "id"), tdx ? "TDX" : "SGX");
        ck_assert_int_eq(at(info, "version")->valueint, 3);
        ck_assert_int_eq(at(info, "tcbType")->valueint, 0);
        ck_assert_int_eq(at(info, "tcbEvaluationDataNumber")->valueint, 20);
        ck_assert_str_eq(text_member(info, "issueDate"), "2027-01-15T07:00:00Z");
        ck_assert_str_eq(text_member(info, "nextUpdate"), "2027-02-14T08:00:00Z");
        ck_assert_str_eq(text_member(info, "fmspc"), "F0F0F0F00000");
        ck_assert_str_eq(text_member(info, "pceId"), "0000");
        ck_assert_int_eq(cJSON_HasObjectItem(info, "tdxModule"), tdx);
        ck_assert_int_eq(cJSON_HasObjectItem(info, "tdxModuleIdentities"), tdx);
        const cJSON *level, *levels = at(info, "tcbLevels");
        ck_assert_int_eq(cJSON_GetArraySize(levels), 2);
        cJSON_ArrayForEach(level, levels)
        {
            const cJSON *tcb = at(level, "tcb");
            ck_assert_int_eq(cJSON_GetArraySize(at(tcb, "sgxtcbcomponents")), 16);
            ck_assert_int_eq(at(tcb, "pcesvn")->valueint, 11);
            ck_assert_int_eq(cJSON_HasObjectItem(tcb, "tdxtcbcomponents"), tdx);
            if (tdx)
                ck_assert_int_eq(cJSON_GetArraySize(at(tcb, "tdxtcbcomponents")), 16);
        }
        cJSON_Delete(info);
        cJSON_Delete(document);
    }
    world_fini(&world);
}
END_TEST

START_TEST(qe_identity_is_the_one_of_the_quotes)
{
    struct world world;
    world_init(&world);
    for (int tdx = 0; tdx < 2; ++tdx) {
        enum attest_tee tee = tdx ? ATTEST_TEE_TDX : ATTEST_TEE_SGX;
        struct simulate_collateral_options options = usual(tee);
        struct simulate_quote_options quote = simulate_quote_default(tee);
        cJSON *document = document_of(&world, &options);
        cJSON *identity = parse_member(document, "qe_identity");
        ck_assert_str_eq(text_member(identity, "id"), tdx ? "TD_QE" : "QE");
        ck_assert_int_eq(at(identity, "version")->valueint, 2);
        ck_assert_int_eq(at(identity, "isvprodid")->valueint, tdx ? 2 : 1);
        ck_assert_uint_eq(quote.qe.isvprodid, tdx ? 2 : 1);
        struct simulate_bytes signer = hex_member(identity, "mrsigner");
        ck_assert_uint_eq(signer.len, 32);
        ck_assert_mem_eq(signer.ptr, quote.qe.mrsigner, 32);
        ck_assert_str_eq(text_member(identity, "attributes"), "11000000000000000000000000000000");
        ck_assert_str_eq(text_member(identity, "attributesMask"),
                         "FBFFFFFFFFFFFFFF0000000000000000");
        ck_assert_int_eq(cJSON_GetArraySize(at(identity, "tcbLevels")), 2);
        simulate_bytes_fini(&signer);
        cJSON_Delete(identity);
        cJSON_Delete(document);
    }
    world_fini(&world);
}
END_TEST

/* Does a platform with these SVNs reach the level? */
static bool reaches(const struct simulate_level *level, const uint8_t sgx[16], const uint8_t *tdx,
                    uint16_t pcesvn)
{
    for (size_t i = 0; i < 16; ++i)
        if (sgx[i] < level->sgx[i] || (tdx != NULL && i >= 2 && tdx[i] < level->tdx[i]))
            return false;
    return pcesvn >= level->svn;
}

START_TEST(the_good_platform_reaches_the_first_level_and_an_older_one_only_the_second)
{
    struct simulate_platform platform = simulate_platform_default("w", NOW);
    for (int tdx = 0; tdx < 2; ++tdx) {
        enum attest_tee tee = tdx ? ATTEST_TEE_TDX : ATTEST_TEE_SGX;
        struct simulate_collateral_options options = usual(tee);
        struct simulate_quote_options quote = simulate_quote_default(tee);
        const uint8_t *tdx_svn = tdx ? quote.tdx.tee_tcb_svn : NULL;
        uint8_t older[16];
        memcpy(older, platform.components, 16);
        older[0] = older[1] = 3;
        ck_assert(reaches(&options.platform[0], platform.components, tdx_svn, platform.pcesvn));
        ck_assert(!reaches(&options.platform[0], older, tdx_svn, platform.pcesvn));
        ck_assert(reaches(&options.platform[1], older, tdx_svn, platform.pcesvn));
        ck_assert_uint_ge(quote.qe.isvsvn, options.qe[0].svn);
        ck_assert_uint_gt(options.qe[0].svn, options.qe[1].svn);
        ck_assert_uint_ge(quote.tdx.tee_tcb_svn[0], options.module[0].svn);
        ck_assert_uint_eq(quote.tdx.tee_tcb_svn[1], 1); /* the module identity is TDX_01 */
    }
}
END_TEST

START_TEST(levels_say_what_the_options_say)
{
    struct world world;
    world_init(&world);
    struct simulate_collateral_options options = usual(ATTEST_TEE_TDX);
    options.platform[0].status = "ConfigurationNeeded";
    options.platform[0].advisory = "SIMULATED-SA-00009";
    options.platform[0].date = 1700000000;
    options.platform[0].sgx[15] = 200;
    options.platform[0].tdx[15] = 201;
    options.platform[1].status = NULL;
    options.qe[0].status = "OutOfDate";
    options.module[0].status = "Revoked";
    options.module_count = 1;
    cJSON *document = document_of(&world, &options);
    cJSON *info = parse_member(document, "tcb_info"), *qe = parse_member(document, "qe_identity");
    const cJSON *level = cJSON_GetArrayItem(at(info, "tcbLevels"), 0);
    ck_assert_str_eq(text_member(level, "tcbStatus"), "ConfigurationNeeded");
    ck_assert_str_eq(text_member(level, "tcbDate"), "2023-11-14T22:13:20Z");
    ck_assert_str_eq(cJSON_GetStringValue(cJSON_GetArrayItem(at(level, "advisoryIDs"), 0)),
                     "SIMULATED-SA-00009");
    const cJSON *tcb = at(level, "tcb");
    ck_assert_int_eq(at(cJSON_GetArrayItem(at(tcb, "sgxtcbcomponents"), 15), "svn")->valueint, 200);
    ck_assert_int_eq(at(cJSON_GetArrayItem(at(tcb, "tdxtcbcomponents"), 15), "svn")->valueint, 201);
    level = cJSON_GetArrayItem(at(info, "tcbLevels"), 1);
    ck_assert(!cJSON_HasObjectItem(level, "tcbStatus"));
    const cJSON *module = cJSON_GetArrayItem(at(info, "tdxModuleIdentities"), 0);
    ck_assert_str_eq(text_member(module, "id"), "TDX_01");
    ck_assert_int_eq(cJSON_GetArraySize(at(module, "tcbLevels")), 1);
    ck_assert_str_eq(text_member(cJSON_GetArrayItem(at(module, "tcbLevels"), 0), "tcbStatus"),
                     "Revoked");
    ck_assert_str_eq(text_member(cJSON_GetArrayItem(at(qe, "tcbLevels"), 0), "tcbStatus"),
                     "OutOfDate");
    cJSON_Delete(info);
    cJSON_Delete(qe);
    cJSON_Delete(document);
    world_fini(&world);
}
END_TEST

START_TEST(texts_of_ones_own_are_signed_as_they_are)
{
    struct world world;
    world_init(&world);
    struct simulate_collateral_options options = usual(ATTEST_TEE_SGX);
    options.tcb_info = "{\"id\":\"%s\"}";
    options.qe_identity = "{}";
    cJSON *document = document_of(&world, &options);
    ck_assert_str_eq(text_member(document, "tcb_info"), "{\"id\":\"%s\"}");
    ck_assert_str_eq(text_member(document, "qe_identity"), "{}");
    check_signed(&world, document, "tcb_info", "tcb_info_signature");
    check_signed(&world, document, "qe_identity", "qe_identity_signature");
    cJSON_Delete(document);
    world_fini(&world);
}
END_TEST

START_TEST(each_document_has_its_own_evaluation_number)
{
    struct world world;
    world_init(&world);
    struct simulate_collateral_options options = usual(ATTEST_TEE_TDX);
    options.evaluation_number = 7;
    options.qe_evaluation_number = 8;
    cJSON *document = document_of(&world, &options);
    cJSON *info = parse_member(document, "tcb_info"), *qe = parse_member(document, "qe_identity");
    ck_assert_int_eq(at(info, "tcbEvaluationDataNumber")->valueint, 7);
    ck_assert_int_eq(at(qe, "tcbEvaluationDataNumber")->valueint, 8);
    cJSON_Delete(info);
    cJSON_Delete(qe);
    cJSON_Delete(document);
    world_fini(&world);
}
END_TEST

/* --- RA-TLS certificates --- */

static X509 *certificate(const struct world *world, enum simulate_convention convention,
                         EVP_PKEY *bound, EVP_PKEY *own)
{
    static const char *const hosts[] = {"worker.example", "192.0.2.7", "2001:db8::7"};
    struct simulate_quote_options options =
        simulate_quote_default(convention == SIMULATE_GRAMINE ? ATTEST_TEE_SGX : ATTEST_TEE_TDX);
    struct simulate_bytes claims = {0};
    simulate_bind_key(convention, bound, &options, &claims);
    struct simulate_bytes quote = simulate_quote(&world->vendor, &world->pck, &options);
    X509 *cert = simulate_certificate(own, &(struct simulate_certificate_options){
                                               .name = "w",
                                               .hosts = hosts,
                                               .host_count = 3,
                                               .not_before = NOW - 3600,
                                               .not_after = NOW + DAY,
                                               .convention = convention,
                                               .quote = &quote,
                                               .claims = &claims,
                                           });
    simulate_bytes_fini(&quote);
    simulate_bytes_fini(&claims);
    return cert;
}

START_TEST(a_dice_certificate_binds_the_key_it_was_made_for)
{
    static const uint8_t zeros[32];
    struct world world;
    world_init(&world);
    EVP_PKEY *own = EVP_EC_gen("P-256"), *other = EVP_EC_gen("P-256");
    for (int swapped = 0; swapped < 2; ++swapped) {
        X509 *cert = certificate(&world, SIMULATE_DICE, swapped ? other : own, own);
        struct attest_bytes quote, claims;
        uint8_t digest[32];
        split_dice(cert, &quote, &claims);
        SHA256(claims.ptr, claims.len, digest);
        struct parts parts = take_apart(quote.ptr, quote.len);
        ck_assert_mem_eq(parts.body + 520, digest, 32);
        ck_assert_mem_eq(parts.body + 552, zeros, 32);
        ck_assert_int_eq(claims_name_key_of(claims, cert), !swapped);
        struct soundness sound = check_quote(quote.ptr, quote.len);
        ck_assert(sound.quote_signature && sound.qe_signature && sound.qe_binding);
        extension_of(cert, GRAMINE_OID, 0);
        X509_free(cert);
    }
    EVP_PKEY_free(own);
    EVP_PKEY_free(other);
    world_fini(&world);
}
END_TEST

START_TEST(a_gramine_certificate_binds_the_key_it_was_made_for)
{
    static const uint8_t zeros[32];
    struct world world;
    world_init(&world);
    EVP_PKEY *own = EVP_EC_gen("P-256"), *other = EVP_EC_gen("P-256");
    for (int swapped = 0; swapped < 2; ++swapped) {
        X509 *cert = certificate(&world, SIMULATE_GRAMINE, swapped ? other : own, own);
        const ASN1_OCTET_STRING *value = extension_of(cert, GRAMINE_OID, 1);
        const uint8_t *quote = ASN1_STRING_get0_data(value);
        struct parts parts = take_apart(quote, (size_t)ASN1_STRING_length(value));
        unsigned char *spki = NULL;
        uint8_t digest[32];
        int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &spki);
        SHA256(spki, (size_t)len, digest);
        OPENSSL_free(spki);
        ck_assert_int_eq(memcmp(parts.body + 320, digest, 32) == 0, !swapped);
        ck_assert_mem_eq(parts.body + 352, zeros, 32);
        extension_of(cert, DICE_OID, 0);
        X509_free(cert);
    }
    EVP_PKEY_free(own);
    EVP_PKEY_free(other);
    world_fini(&world);
}
END_TEST

START_TEST(a_certificate_is_self_signed_for_its_hosts_and_its_life)
{
    struct world world;
    world_init(&world);
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = certificate(&world, SIMULATE_NO_EVIDENCE, key, key);
    time_t before = NOW - 3601, within = NOW, after = NOW + DAY + 1;
    ck_assert_int_eq(X509_verify(cert, key), 1);
    ck_assert_int_eq(X509_check_host(cert, "worker.example", 0, 0, NULL), 1);
    ck_assert_int_eq(X509_check_host(cert, "other.example", 0, 0, NULL), 0);
    ck_assert_int_eq(X509_check_ip_asc(cert, "192.0.2.7", 0), 1);
    ck_assert_int_eq(X509_check_ip_asc(cert, "2001:db8::7", 0), 1);
    ck_assert_int_eq(X509_cmp_time(X509_get0_notBefore(cert), &before), 1);
    ck_assert_int_eq(X509_cmp_time(X509_get0_notBefore(cert), &within), -1);
    ck_assert_int_eq(X509_cmp_time(X509_get0_notAfter(cert), &within), 1);
    ck_assert_int_eq(X509_cmp_time(X509_get0_notAfter(cert), &after), -1);
    extension_of(cert, DICE_OID, 0);
    extension_of(cert, GRAMINE_OID, 0);
    X509_free(cert);
    EVP_PKEY_free(key);
    world_fini(&world);
}
END_TEST

START_TEST(hosts_are_dns_names_and_addresses_only)
{
    char label63[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.b";
    char label64[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.b";
    char name[255];
    for (size_t i = 0; i < sizeof name; ++i)
        name[i] = i % 2 == 0 ? 'a' : '.';
    const char *const good[] = {"localhost", "a",   "a-b.c1",  "*.example",
                                "127.0.0.1", "::1", "fe80::1", label63};
    const char *const bad[] = {"",     ".",   "a.",    ".a",    "a..b",  "-a",      "a-",
                               "a-.b", "a_b", "a b",   "*",     "*.",    "a.*",     "b*.a",
                               "a\n",  "a,b", "[::1]", "a:443", label64, "\xc3\xa4"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; ++i)
        ck_assert_msg(simulate_is_host(good[i]), "\"%s\" should be allowed", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; ++i)
        ck_assert_msg(!simulate_is_host(bad[i]), "\"%s\" should be refused", bad[i]);
    name[253] = '\0';
    ck_assert(simulate_is_host(name));
    name[252] = 'a', name[253] = 'a', name[254] = '\0';
    ck_assert(!simulate_is_host(name));
}
END_TEST

/* --- encodings --- */

START_TEST(der_lengths_and_integers_are_the_shortest)
{
    static const struct {
        size_t len;
        uint8_t head[4];
        size_t head_len;
    } lengths[] = {
        {0, {4, 0}, 2},           {127, {4, 0x7f}, 2},       {128, {4, 0x81, 128}, 3},
        {255, {4, 0x81, 255}, 3}, {256, {4, 0x82, 1, 0}, 4}, {65535, {4, 0x82, 255, 255}, 4}};
    static const struct {
        uint32_t value;
        uint8_t der[7];
        size_t len;
    } integers[] = {{0, {2, 1, 0}, 3},
                    {127, {2, 1, 127}, 3},
                    {128, {2, 2, 0, 128}, 4},
                    {255, {2, 2, 0, 255}, 4},
                    {256, {2, 2, 1, 0}, 4},
                    {65535, {2, 3, 0, 255, 255}, 5},
                    {UINT32_MAX, {2, 5, 0, 255, 255, 255, 255}, 7}};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; ++i) {
        struct simulate_bytes bytes = {0};
        simulate_put_byte(&bytes, 0xee); /* what stands before the mark stays */
        simulate_put_zeros(&bytes, lengths[i].len);
        simulate_der_close(&bytes, 0x04, 1);
        ck_assert_uint_eq(bytes.len, 1 + lengths[i].head_len + lengths[i].len);
        ck_assert_uint_eq(bytes.ptr[0], 0xee);
        ck_assert_mem_eq(bytes.ptr + 1, lengths[i].head, lengths[i].head_len);
        simulate_bytes_fini(&bytes);
    }
    for (size_t i = 0; i < sizeof integers / sizeof integers[0]; ++i) {
        struct simulate_bytes bytes = {0};
        simulate_der_integer(&bytes, integers[i].value);
        ck_assert_uint_eq(bytes.len, integers[i].len);
        ck_assert_mem_eq(bytes.ptr, integers[i].der, integers[i].len);
        simulate_bytes_fini(&bytes);
    }
}
END_TEST

START_TEST(cbor_heads_are_the_shortest)
{
    static const struct {
        uint32_t value;
        uint8_t head[5];
        size_t len;
    } rows[] = {{0, {0x40}, 1},
                {23, {0x57}, 1},
                {24, {0x58, 24}, 2},
                {255, {0x58, 255}, 2},
                {256, {0x59, 1, 0}, 3},
                {65535, {0x59, 255, 255}, 3},
                {65536, {0x5a, 0, 1, 0, 0}, 5}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; ++i) {
        struct simulate_bytes bytes = {0};
        simulate_cbor_head(&bytes, 2, rows[i].value);
        ck_assert_uint_eq(bytes.len, rows[i].len);
        ck_assert_mem_eq(bytes.ptr, rows[i].head, rows[i].len);
        simulate_bytes_fini(&bytes);
    }
}
END_TEST

int main(void)
{
    return checks_run(
        "simulate_evidence",
        (const TTest *const[]){
            both_json_texts_are_signed_byte_for_byte,
            tcb_info_has_the_members_of_its_tee,
            qe_identity_is_the_one_of_the_quotes,
            the_good_platform_reaches_the_first_level_and_an_older_one_only_the_second,
            levels_say_what_the_options_say,
            texts_of_ones_own_are_signed_as_they_are,
            each_document_has_its_own_evaluation_number,
            a_dice_certificate_binds_the_key_it_was_made_for,
            a_gramine_certificate_binds_the_key_it_was_made_for,
            a_certificate_is_self_signed_for_its_hosts_and_its_life,
            hosts_are_dns_names_and_addresses_only,
            der_lengths_and_integers_are_the_shortest,
            cbor_heads_are_the_shortest,
            NULL,
        });
}
