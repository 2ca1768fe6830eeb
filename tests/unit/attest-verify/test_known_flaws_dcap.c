/* Flaws of other verifiers of SGX and TDX quotes, each by the number of docs/known-flaws.md: what
 * they let through is made with a simulated vendor and refused here. The evidence is in order. */
#include "spoiled_scene.h"

#include <openssl/sha.h>
#include <stdio.h>

static const enum attest_tee both[] = {ATTEST_TEE_SGX, ATTEST_TEE_TDX};

/* --- 1 --- */

static void put_forged_identity(const struct spoiler *spoiler)
{
    struct scene forged = spoiler->scene->scene;
    memset(forged.collateral.qe_mrsigner, 0xee, 32);
    cJSON *document = spoiled_document(&forged, spoiler->vendor, spoiler->pck);
    spoiled_put(spoiler->document, "qe_identity", spoiled_text(document, "qe_identity"));
    cJSON_Delete(document);
}

static void put_strangers_identity(const struct spoiler *spoiler)
{
    put_forged_identity(spoiler);
    spoiled_sign(spoiler->document, "qe_identity", spoiler->other->signer.key);
    X509 *const chain[] = {spoiler->other->signer.cert, spoiler->other->root.cert};
    spoiled_put_chain(spoiler->document, "qe_identity_issuer_chain", chain, 2);
}

static void drop_member(const struct spoiler *spoiler)
{
    cJSON_DeleteItemFromObjectCaseSensitive(spoiler->document, spoiler->scene->member);
}

/* CVE-2026-22696, GHSA-796p-j2gh-9m2q (dcap-qvl before 0.3.9): the QE identity's signature and the
 * QE report were not checked against each other, so any enclave on a genuine platform could quote.
 */
START_TEST(flaw_01_an_enclave_that_is_not_intels_signs_quotes_on_a_genuine_platform)
{
    static const struct simulate_patch patches[] = {{16, 1},  {19, 0x80},  {48, 2},  {55, 1},
                                                    {128, 1}, {159, 0x80}, {256, 4}, {257, 0x80}};
    for (size_t t = 0; t < 2; ++t) {
        struct spoiled one;
        for (size_t i = 0; i < sizeof patches / sizeof *patches; ++i) {
            spoiled_set(&one, both[t], NULL);
            one.scene.quote.qe_patch = patches[i];
            spoiled_expect(&one, ATTEST_QE_IDENTITY, "a QE report's field");
        }
        spoiled_set(&one, both[t], put_forged_identity);
        memset(one.scene.quote.qe.mrsigner, 0xee, 32);
        spoiled_expect(&one, ATTEST_COLLATERAL_SIGNATURE, "a forged identity");
        spoiled_set(&one, both[t], put_strangers_identity);
        memset(one.scene.quote.qe.mrsigner, 0xee, 32);
        spoiled_expect(&one, ATTEST_ROOT_UNKNOWN, "an identity signed by a stranger");
        static const char *const members[] = {"qe_identity", "qe_identity_signature",
                                              "qe_identity_issuer_chain"};
        for (size_t i = 0; i < 3; ++i) {
            spoiled_set(&one, both[t], drop_member);
            one.member = members[i];
            spoiled_expect(&one, ATTEST_COLLATERAL_MALFORMED, members[i]);
        }
    }
}
END_TEST

/* --- 12 and 17 --- */

enum list_flaw {
    LIST_ENDED,
    LIST_EARLY,
    LIST_OF_NAMESAKE,
    LIST_OF_ROOT,
    LIST_OF_SIGNER,
    LIST_UNSIGNED,
    LIST_EMPTY,
    LIST_CUT,
    LIST_LONGER,
    LIST_NO_HEX
};

static void cut_hex(cJSON *document, const char *member, size_t digits)
{
    char *text = strdup(spoiled_text(document, member));
    ck_assert_uint_lt(digits, strlen(text));
    text[strlen(text) - digits] = '\0';
    spoiled_put(document, member, text);
    free(text);
}

/* `member` is the list that is replaced, the root's or the platform CA's. */
static void put_list(const struct spoiler *spoiler)
{
    const char *member = spoiler->scene->member;
    bool is_root = strcmp(member, "root_ca_crl") == 0;
    const struct simulate_identity *own = is_root ? &spoiler->vendor->root : &spoiler->vendor->ca;
    char *text = spoiled_text(spoiler->document, member);
    switch ((enum list_flaw)spoiler->scene->at) {
    case LIST_ENDED:
        spoiled_put_crl(spoiler->document, member, simulate_crl(own, NULL, NOW - DAY, NOW - 1));
        break;
    case LIST_EARLY:
        spoiled_put_crl(spoiler->document, member, simulate_crl(own, NULL, NOW + 1, NOW + DAY));
        break;
    case LIST_OF_NAMESAKE:
        spoiled_put_crl(spoiler->document, member,
                        simulate_crl(is_root ? &spoiler->other->root : &spoiler->other->ca, NULL,
                                     NOW - DAY, NOW + DAY));
        break;
    case LIST_OF_ROOT:
        spoiled_put(spoiler->document, member,
                    spoiled_text(spoiler->document, is_root ? "pck_crl" : "root_ca_crl"));
        break;
    case LIST_OF_SIGNER:
        spoiled_put_crl(spoiler->document, member,
                        simulate_crl(&spoiler->vendor->signer, NULL, NOW - DAY, NOW + DAY));
        break;
    case LIST_UNSIGNED:
        text[strlen(text) - 1] = text[strlen(text) - 1] == '0' ? '1' : '0';
        break;
    case LIST_EMPTY:
        spoiled_put(spoiler->document, member, "");
        break;
    case LIST_CUT:
        cut_hex(spoiler->document, member, 2);
        break;
    case LIST_LONGER:
        spoiled_edit(spoiler->document, member, "3082", "30823082");
        break;
    case LIST_NO_HEX:
        spoiled_edit(spoiler->document, member, "3082", "308g");
        break;
    }
}

static void expect_list(const char *member, enum list_flaw flaw, enum attest_reason reason)
{
    for (size_t t = 0; t < 2; ++t)
        for (int revoked = 0; revoked < 2; ++revoked) { /* what the list would have said */
            char what[64];
            struct spoiled one;
            spoiled_set(&one, both[t], put_list);
            one.member = member;
            one.at = flaw;
            one.scene.pck_revoked = revoked;
            snprintf(what, sizeof what, "%s, flaw %d", member, (int)flaw);
            spoiled_expect(&one, reason, what);
        }
}

/* Automata TOB-ID-5: neither a list's end nor the key of its issuer was looked at. */
START_TEST(flaw_12_an_ended_list_or_one_of_a_ca_with_the_same_name_hides_a_revocation)
{
    expect_list("pck_crl", LIST_ENDED, ATTEST_COLLATERAL_EXPIRED);
    expect_list("root_ca_crl", LIST_ENDED, ATTEST_COLLATERAL_EXPIRED);
    expect_list("pck_crl", LIST_EARLY, ATTEST_COLLATERAL_EARLY);
    expect_list("root_ca_crl", LIST_EARLY, ATTEST_COLLATERAL_EARLY);
    expect_list("pck_crl", LIST_OF_NAMESAKE, ATTEST_CRL_UNTRUSTED);
    expect_list("root_ca_crl", LIST_OF_NAMESAKE, ATTEST_CRL_UNTRUSTED);
}
END_TEST

/* dcap-qvl PR #206 and #207 (its npm package 0.3.9 lacks them): lists were not authenticated. */
START_TEST(flaw_17_a_list_that_is_foreign_broken_or_not_signed_is_no_list)
{
    static const struct {
        enum list_flaw flaw;
        enum attest_reason reason;
    } rows[] = {
        {LIST_OF_ROOT, ATTEST_CRL_UNTRUSTED},       {LIST_OF_SIGNER, ATTEST_CRL_UNTRUSTED},
        {LIST_UNSIGNED, ATTEST_CRL_UNTRUSTED},      {LIST_EMPTY, ATTEST_COLLATERAL_MALFORMED},
        {LIST_CUT, ATTEST_COLLATERAL_MALFORMED},    {LIST_LONGER, ATTEST_COLLATERAL_MALFORMED},
        {LIST_NO_HEX, ATTEST_COLLATERAL_MALFORMED}, {LIST_ENDED, ATTEST_COLLATERAL_EXPIRED}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
        expect_list("pck_crl", rows[i].flaw, rows[i].reason);
        expect_list("root_ca_crl", rows[i].flaw, rows[i].reason);
    }
    struct spoiled one;
    spoiled_set(&one, ATTEST_TEE_TDX, NULL);
    one.scene.pck_revoked = true;
    spoiled_expect(&one, ATTEST_REVOKED, "the list as it is");
}
END_TEST

/* --- 13, 14, 15 --- */

static void expect_edit(enum attest_tee tee, const char *member, const char *from, const char *to,
                        enum attest_reason reason)
{
    struct spoiled one;
    spoiled_set(&one, tee, spoiled_edit_and_sign);
    one.member = member;
    one.from = from;
    one.to = to;
    spoiled_expect(&one, reason, to);
}

/* aleph-vm PR #1195: dates of the documents, SEAM attributes and module version 0. */
START_TEST(flaw_13_dates_seam_attributes_and_module_version_zero_are_looked_at)
{
    static const char *const members[] = {"tcb_info", "qe_identity"};
    for (size_t t = 0; t < 2; ++t)
        for (size_t m = 0; m < 2; ++m) {
            /* NOW is 2025-06-15T15:06:40Z. */
            expect_edit(both[t], members[m], "\"issueDate\":\"2025-06-14T15:06:40Z\"",
                        "\"issueDate\":\"2025-06-15T15:06:41Z\"", ATTEST_COLLATERAL_EARLY);
            expect_edit(both[t], members[m], "\"issueDate\":\"2025-06-14T15:06:40Z\"",
                        "\"issueDate\":\"2025-06-15T15:06:40Z\"", ATTEST_TRUSTED);
            expect_edit(both[t], members[m], "\"nextUpdate\":\"2025-07-14T15:06:40Z\"",
                        "\"nextUpdate\":\"2025-06-15T15:06:39Z\"", ATTEST_COLLATERAL_EXPIRED);
            expect_edit(both[t], members[m], "\"nextUpdate\":\"2025-07-14T15:06:40Z\"",
                        "\"nextUpdate\":\"2025-06-15T15:06:40Z\"", ATTEST_TRUSTED);
        }
    for (int version = 0; version < 2; ++version) {
        struct spoiled one;
        spoiled_set(&one, ATTEST_TEE_TDX, NULL);
        one.scene.quote.tdx.tee_tcb_svn[1] = (uint8_t)version;
        spoiled_expect(&one, ATTEST_TRUSTED, "a sound module");
        one.scene.quote.tdx.seam_attributes = 1;
        spoiled_expect(&one, ATTEST_TDX_MODULE, "SEAM attributes");
        one.scene.quote.tdx.seam_attributes = 0;
        one.scene.quote.tdx.mrsignerseam[0] = 1;
        spoiled_expect(&one, ATTEST_TDX_MODULE, "another signer of the module");
    }
    struct spoiled zero; /* version 0 counts with the platform: its SVN is compared there */
    spoiled_set(&zero, ATTEST_TEE_TDX, NULL);
    zero.scene.quote.tdx.tee_tcb_svn[0] = 4;
    zero.scene.quote.tdx.tee_tcb_svn[1] = 0;
    spoiled_expect(&zero, ATTEST_TCB_UNMATCHED, "version 0 below every level");
}
END_TEST

/* dcap-qvl #124 and PR #138: the module's identity was not looked at. */
START_TEST(flaw_14_a_tdx_module_that_intel_does_not_know_is_refused)
{
    struct spoiled one;
    for (size_t bit = 0; bit < 8 * 48; bit += 13) {
        spoiled_set(&one, ATTEST_TEE_TDX, NULL);
        one.scene.quote.tdx.mrsignerseam[bit / 8] = (uint8_t)(1u << bit % 8);
        spoiled_expect(&one, ATTEST_TDX_MODULE, "a bit of MRSIGNERSEAM");
    }
    for (size_t bit = 0; bit < 64; ++bit) {
        spoiled_set(&one, ATTEST_TEE_TDX, NULL);
        one.scene.quote.tdx.seam_attributes = UINT64_C(1) << bit;
        spoiled_expect(&one, ATTEST_TDX_MODULE, "a bit of SEAMATTRIBUTES");
    }
    static const uint8_t versions[] = {2, 3, 0x0f, 0x10, 0xff};
    for (size_t i = 0; i < sizeof versions; ++i) {
        spoiled_set(&one, ATTEST_TEE_TDX, NULL);
        one.scene.quote.tdx.tee_tcb_svn[1] = versions[i];
        spoiled_expect(&one, ATTEST_TDX_MODULE, "a version without an identity");
    }
    spoiled_set(&one, ATTEST_TEE_TDX, NULL);
    one.scene.quote.tdx.tee_tcb_svn[0] = 2; /* levels begin at 3 */
    spoiled_expect(&one, ATTEST_TCB_UNMATCHED, "ISVSVN below every level");
    expect_edit(ATTEST_TEE_TDX, "tcb_info", "\"id\":\"TDX_01\"", "\"id\":\"TDX_0F\"",
                ATTEST_TDX_MODULE);
}
END_TEST

/* dcap-qvl PR #218: a wrong mask refused PERFMON and let bit 39 through. */
START_TEST(flaw_15_every_td_attribute_that_is_not_asked_for_is_refused)
{
    static const char performance[] =
        "{\"accept\":[{\"tee\":\"tdx\",\"any_code\":true,\"tdattributes\":[\"0000001000000080\"]}]}";
    for (unsigned bit = 0; bit < 64; ++bit) {
        struct spoiled one;
        spoiled_set(&one, ATTEST_TEE_TDX, NULL);
        one.scene.quote.tdx.td_attributes ^= UINT64_C(1) << bit;
        spoiled_expect(&one, bit < 8 ? ATTEST_DEBUG : ATTEST_ATTRIBUTES, "one TD attribute");
        one.scene.policy = performance; /* SEPT_VE_DISABLE and PERFMON, bit 63 */
        spoiled_expect(&one,
                       bit < 8     ? ATTEST_DEBUG
                       : bit == 63 ? ATTEST_TRUSTED
                                   : ATTEST_ATTRIBUTES,
                       "one TD attribute under a policy that lists PERFMON");
    }
}
END_TEST

/* --- 16 --- */

/* dcap-qvl PR #80: a status nobody knows was none that is refused. */
START_TEST(flaw_16_a_status_nobody_knows_is_no_status)
{
    static const char *const values[] = {"\"tcbStatus\":\"Foo\"",
                                         "\"tcbStatus\":\"uptodate\"",
                                         "\"tcbStatus\":\"\"",
                                         "\"tcbStatus\":\"UpToDate \"",
                                         "\"tcbStatus\":\"UPTODATE\"",
                                         "\"tcbStatus\":null",
                                         "\"tcbStatus\":0",
                                         "\"tcbStatus\":[\"UpToDate\"]",
                                         "\"tcbstatus\":\"UpToDate\"",
                                         "\"tcbStatus\":\"TDRelaunchAdvised\"",
                                         "\"x\":0"};
    static const char *const members[] = {"tcb_info", "qe_identity"};
    for (size_t t = 0; t < 2; ++t)
        for (size_t m = 0; m < 2; ++m)
            for (size_t i = 0; i < sizeof values / sizeof *values; ++i)
                expect_edit(both[t], members[m], "\"tcbStatus\":\"UpToDate\"", values[i],
                            ATTEST_COLLATERAL_MALFORMED);
}
END_TEST

/* --- 18 --- */

/* `at` is a type; from 100 on, a chain of so many certificates less 100. */
static void replace_certification(const struct spoiler *spoiler)
{
    struct simulate_bytes chain = {0};
    size_t count = spoiler->scene->at >= 100 ? spoiler->scene->at - 100 : 3;
    X509 *const certificates[] = {spoiler->pck->cert, spoiler->vendor->ca.cert,
                                  spoiler->vendor->root.cert, spoiler->vendor->root.cert};
    for (size_t i = 0; i < count; ++i)
        simulate_put_pem(&chain, certificates[i]);
    spoiled_put_certification(spoiler->quote,
                              (uint8_t)(spoiler->scene->at >= 100 ? 5 : spoiler->scene->at),
                              count > 0 ? chain.ptr : (const uint8_t *)"", chain.len);
    simulate_bytes_fini(&chain);
}

/* dcap-qvl 0.2 panicked on a quote without a PCK chain. */
START_TEST(flaw_18_a_quote_without_its_three_certificates_is_refused)
{
    for (size_t t = 0; t < 2; ++t) {
        struct spoiled one;
        for (size_t type = 0; type < 9; ++type) {
            spoiled_set(&one, both[t], replace_certification);
            one.at = type;
            spoiled_expect(&one, type == 5 ? ATTEST_TRUSTED : ATTEST_QUOTE_UNSUPPORTED, "a type");
        }
        for (size_t count = 0; count <= 4; ++count) {
            spoiled_set(&one, both[t], replace_certification);
            one.at = 100 + count;
            spoiled_expect(&one, count == 3 ? ATTEST_TRUSTED : ATTEST_PCK_MALFORMED, "a chain");
        }
    }
}
END_TEST

/* --- 19 --- */

static void put_deep_json(const struct spoiler *spoiler)
{
    struct simulate_bytes text = {0};
    simulate_put_text(&text, "{\"tcbLevels\":");
    for (int i = 0; i < 100000; ++i)
        simulate_put_byte(&text, '[');
    for (int i = 0; i < 100000; ++i)
        simulate_put_byte(&text, ']');
    simulate_put(&text, "}", 2);
    spoiled_put(spoiler->document, spoiler->scene->member, (const char *)text.ptr);
    spoiled_sign(spoiler->document, spoiler->scene->member, spoiler->vendor->signer.key);
    simulate_bytes_fini(&text);
}

/* The signer's certificate with a public key of `at` bytes. */
static void shorten_key(const struct spoiler *spoiler)
{
    uint8_t *point = OPENSSL_zalloc(65);
    X509 *signer = X509_dup(spoiler->vendor->signer.cert);
    ASN1_STRING *curve = NULL;
    point[0] = 4;
    X509_ALGOR *algorithm;
    X509_PUBKEY_get0_param(NULL, NULL, NULL, &algorithm, X509_get_X509_PUBKEY(signer));
    const void *value;
    int type;
    X509_ALGOR_get0(NULL, &type, &value, algorithm);
    ck_assert_int_eq(type, V_ASN1_OBJECT);
    curve = (ASN1_STRING *)OBJ_dup(value);
    ck_assert_int_eq(X509_PUBKEY_set0_param(X509_get_X509_PUBKEY(signer),
                                            OBJ_nid2obj(NID_X9_62_id_ecPublicKey), V_ASN1_OBJECT,
                                            curve, point, (int)spoiler->scene->at),
                     1);
    simulate_cert_sign(signer, spoiler->vendor->root.key);
    X509 *const chain[] = {signer, spoiler->vendor->root.cert};
    spoiled_put_chain(spoiler->document, "tcb_info_issuer_chain", chain, 2);
    X509_free(signer);
}

/* The root, with its own key, and one extension of nonsense. */
static void break_root(const struct spoiler *spoiler)
{
    static const struct {
        int nid;
        const char *bytes;
    } extensions[] = {{NID_basic_constraints, "\x30\x7f"},
                      {NID_key_usage, "\x03\x01"},
                      {NID_authority_key_identifier, "\x30\x7f"},
                      {NID_subject_key_identifier, "\x04\x7f"}};
    X509 *root = X509_dup(spoiler->vendor->root.cert);
    size_t which = spoiler->scene->at;
    int at = X509_get_ext_by_NID(root, extensions[which].nid, -1);
    X509_EXTENSION_free(X509_delete_ext(root, at));
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    ASN1_OCTET_STRING_set(value, (const uint8_t *)extensions[which].bytes, 2);
    X509_EXTENSION *extension =
        X509_EXTENSION_create_by_NID(NULL, extensions[which].nid, which < 2, value);
    X509_add_ext(root, extension, -1);
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(value);
    simulate_cert_sign(root, spoiler->vendor->root.key);
    X509 *const signer[] = {spoiler->vendor->signer.cert, root};
    X509 *const issuer[] = {spoiler->vendor->ca.cert, root};
    spoiled_put_chain(spoiler->document, "tcb_info_issuer_chain", signer, 2);
    spoiled_put_chain(spoiler->document, "qe_identity_issuer_chain", signer, 2);
    spoiled_put_chain(spoiler->document, "pck_crl_issuer_chain", issuer, 2);
    X509_free(root);
}

static void cut_list(const struct spoiler *spoiler)
{
    cut_hex(spoiler->document, "pck_crl", spoiler->scene->at);
}

/* What Intel's library was mended for in 2026: recursion without end (CWE-674), levels that are no
 * objects, counts of components, short keys, short lists, a root with a broken extension. */
START_TEST(flaw_19_shapes_that_intels_library_fell_over_are_refused)
{
    static const char *const members[] = {"tcb_info", "qe_identity"};
    static const char *const nothings[] = {"[]", "\"\"", "null", "0", "true"};
    struct spoiled one;
    for (size_t m = 0; m < 2; ++m) {
        spoiled_set(&one, ATTEST_TEE_TDX, put_deep_json);
        one.member = members[m];
        spoiled_expect(&one, ATTEST_COLLATERAL_MALFORMED, "100000 arrays");
    }
    for (size_t i = 0; i < 5; ++i) {
        char text[96];
        for (size_t m = 0; m < 2; ++m) {
            snprintf(text, sizeof text, "\"tcbLevels\":[%s,", nothings[i]);
            expect_edit(ATTEST_TEE_SGX, members[m], "\"tcbLevels\":[", text,
                        ATTEST_COLLATERAL_MALFORMED);
            snprintf(text, sizeof text, "\"tcbLevels\":%s,\"x\":[", nothings[i]);
            expect_edit(ATTEST_TEE_SGX, members[m], "\"tcbLevels\":[", text,
                        ATTEST_COLLATERAL_MALFORMED);
            snprintf(text, sizeof text, "{\"tcb\":%s,\"x\":{", nothings[i]);
            expect_edit(ATTEST_TEE_SGX, members[m], "{\"tcb\":{", text,
                        ATTEST_COLLATERAL_MALFORMED);
        }
        snprintf(text, sizeof text, "\"tdxModuleIdentities\":[%s,", nothings[i]);
        expect_edit(ATTEST_TEE_TDX, "tcb_info", "\"tdxModuleIdentities\":[", text,
                    ATTEST_COLLATERAL_MALFORMED);
        snprintf(text, sizeof text, "\"tdxModule\":%s,\"x\":{", nothings[i]);
        expect_edit(ATTEST_TEE_TDX, "tcb_info", "\"tdxModule\":{", text,
                    ATTEST_COLLATERAL_MALFORMED);
        snprintf(text, sizeof text, "\"sgxtcbcomponents\":[%s,", nothings[i]);
        expect_edit(ATTEST_TEE_SGX, "tcb_info", "\"sgxtcbcomponents\":[", text,
                    ATTEST_COLLATERAL_MALFORMED);
    }
    expect_edit(ATTEST_TEE_SGX, "tcb_info", "{\"svn\":0},", "", ATTEST_COLLATERAL_MALFORMED);
    expect_edit(ATTEST_TEE_SGX, "tcb_info", "{\"svn\":0},", "{\"svn\":0},{\"svn\":0},",
                ATTEST_COLLATERAL_MALFORMED);
    for (size_t len = 0; len < 65; len += 8) {
        spoiled_set(&one, ATTEST_TEE_SGX, shorten_key);
        one.at = len;
        enum attest_reason reason = spoiled_judge(&one);
        ck_assert_msg(reason == ATTEST_CHAIN_UNTRUSTED || reason == ATTEST_COLLATERAL_MALFORMED,
                      "a key of %zu bytes: %s", len, attest_reason_word(reason));
    }
    for (size_t which = 0; which < 4; ++which) {
        spoiled_set(&one, ATTEST_TEE_SGX, break_root);
        one.at = which;
        spoiled_expect(&one, ATTEST_CHAIN_UNTRUSTED, "a root with a broken extension");
    }
    for (size_t digits = 1; digits < 500; digits += 7) {
        spoiled_set(&one, ATTEST_TEE_SGX, cut_list);
        one.at = digits;
        spoiled_expect(&one, ATTEST_COLLATERAL_MALFORMED, "a short list");
    }
}
END_TEST

/* --- 20 --- */

static void add_space_after(const struct spoiler *spoiler)
{
    spoiled_edit(spoiler->document, spoiler->scene->member, "\"version\":", "\"version\": ");
}

/* The signed texts of the other TEE's document, each with its own good signature. */
static void take_member_of_other_tee(const struct spoiler *spoiler)
{
    const struct scene *scene = &spoiler->scene->scene;
    struct scene other = *scene;
    enum attest_tee tee = scene->collateral.tee == ATTEST_TEE_SGX ? ATTEST_TEE_TDX : ATTEST_TEE_SGX;
    other.collateral =
        simulate_collateral_default(tee, scene->collateral.issued, scene->collateral.next_update);
    cJSON *document = spoiled_document(&other, spoiler->vendor, spoiler->pck);
    const char *member = spoiler->scene->member;
    spoiled_put(spoiler->document, member, spoiled_text(document, member));
    spoiled_sign(spoiler->document, member, spoiler->vendor->signer.key);
    cJSON_Delete(document);
}

/* attestation-rs PR #26: offsets of the QE report, JSON written anew before its signature was
 * checked, TDX levels without components, the QE's identity for the TD QE's. */
START_TEST(flaw_20_signed_bytes_are_the_served_bytes_and_documents_are_of_the_right_tee)
{
    static const char *const members[] = {"tcb_info", "qe_identity"};
    for (size_t t = 0; t < 2; ++t)
        for (size_t m = 0; m < 2; ++m) {
            struct spoiled one;
            spoiled_set(&one, both[t], add_space_after);
            one.member = members[m];
            spoiled_expect(&one, ATTEST_COLLATERAL_SIGNATURE, "a space");
            spoiled_set(&one, both[t], take_member_of_other_tee);
            one.member = members[m];
            spoiled_expect(&one, ATTEST_COLLATERAL_MALFORMED, "a text of the other TEE");
            struct scene scene;
            set_scene(&scene, both[t]);
            scene.collateral = simulate_collateral_default(both[1 - t], NOW - DAY, NOW + DAY);
            ck_assert_int_eq(judge(&scene), ATTEST_COLLATERAL_MISSING);
        }
    expect_edit(ATTEST_TEE_TDX, "tcb_info", "\"tdxtcbcomponents\"", "\"tdxtcbcomponent\"",
                ATTEST_COLLATERAL_MALFORMED);
    expect_edit(ATTEST_TEE_SGX, "tcb_info", "\"id\":\"SGX\"", "\"id\":\"TDX\"",
                ATTEST_COLLATERAL_MALFORMED);
    expect_edit(ATTEST_TEE_TDX, "tcb_info", "\"id\":\"TDX\"", "\"id\":\"SGX\"",
                ATTEST_COLLATERAL_MALFORMED);
    expect_edit(ATTEST_TEE_TDX, "qe_identity", "\"id\":\"TD_QE\"", "\"id\":\"QE\"",
                ATTEST_COLLATERAL_MALFORMED);
}
END_TEST

/* --- 21 --- */

static void set_auth_len(const struct spoiler *spoiler)
{
    static const uint32_t lengths[] = {0, 1, 64, 127, 128, 577, 0x7fffffff, 0xffffffff};
    size_t body = spoiler->quote->ptr[4] == 0x81 ? 584 : 384;
    spoiled_set_le(spoiler->quote->ptr + 48 + body, lengths[spoiler->scene->at], 4);
}

static void relabel(const struct spoiler *spoiler)
{
    spoiler->quote->ptr[0] = (uint8_t)spoiler->scene->at;
}

/* go-tdx-guest: the module's status stood in for the platform's; and it panicked on lengths and on
 * a quote of version 5 relabelled 4. */
START_TEST(flaw_21_an_up_to_date_module_does_not_excuse_the_platform_and_lengths_do_not_lie)
{
    struct spoiled one;
    spoiled_set(&one, ATTEST_TEE_TDX, NULL);
    one.scene.collateral.platform[0].status = "OutOfDate";
    spoiled_expect(&one, ATTEST_TCB_NOT_ACCEPTED, "an old platform");
    ck_assert_str_eq(one.scene.verdict.tcb_status, "OutOfDate");
    for (size_t t = 0; t < 2; ++t)
        for (size_t i = 0; i < 8; ++i) {
            spoiled_set(&one, both[t], set_auth_len);
            one.at = i;
            spoiled_expect(&one, ATTEST_QUOTE_MALFORMED, "a length of the signature data");
        }
    for (uint16_t from = 3; from <= 5; ++from)
        for (uint16_t to = 0; to <= 7; ++to)
            for (size_t t = from == 3 ? 0 : 1; t < 2 && to != from; ++t) {
                spoiled_set(&one, from == 3 ? ATTEST_TEE_SGX : both[t], relabel);
                one.scene.quote.version = from;
                one.at = to;
                enum attest_reason reason = spoiled_judge(&one);
                ck_assert_msg(reason == ATTEST_QUOTE_MALFORMED ||
                                  reason == ATTEST_QUOTE_UNSUPPORTED,
                              "version %u as %u: %s", from, to, attest_reason_word(reason));
            }
}
END_TEST

/* --- 26 --- */

/* tinfoil-python refused machines of one package. (Its other half, an exporter that fails, is the
 * gateway's: docs/known-flaws.md.) */
START_TEST(flaw_26_a_platform_under_the_processor_ca_is_trusted)
{
    for (size_t t = 0; t < 2; ++t) {
        struct spoiled one;
        spoiled_set(&one, both[t], NULL);
        one.scene.vendor.processor_ca = true;
        spoiled_expect(&one, ATTEST_TRUSTED, "a Processor CA");
    }
}
END_TEST

/* --- 29 --- */

/* What follows the attestation key, of another good quote of the same platform. */
static void splice(const struct spoiler *spoiler)
{
    struct simulate_bytes other =
        simulate_quote(spoiler->vendor, spoiler->pck, &spoiler->scene->scene.quote);
    size_t body = other.ptr[4] == 0x81 ? 584 : 384, at = 48 + body + 4;
    at += spoiler->scene->at == 0 ? 64 : 128; /* with the key, or without */
    size_t from = spoiler->scene->at == 2 ? 48 + body + 4 : at, end = other.len;
    if (spoiler->scene->at == 0 || spoiler->scene->at == 2)
        end = 48 + body + 4 + 128; /* signature and key of the other */
    ck_assert_uint_eq(other.len, spoiler->quote->len);
    memcpy(spoiler->quote->ptr + from, other.ptr + from, end - from);
    simulate_bytes_fini(&other);
}

/* confidential-ml-transport #14: the key in the quote was believed because it was in the quote. */
START_TEST(flaw_29_an_attestation_key_that_no_quoting_enclave_vouches_for_is_refused)
{
    for (size_t t = 0; t < 2; ++t) {
        struct spoiled one;
        for (size_t which = 0; which < 3; ++which) {
            spoiled_set(&one, both[t], splice);
            one.at = which;
            spoiled_expect(&one, ATTEST_QE_BINDING, "parts of two quotes");
        }
        spoiled_set(&one, both[t], NULL);
        one.scene.quote.damage = SIMULATE_UNBOUND_ATTESTATION_KEY;
        spoiled_expect(&one, ATTEST_QE_BINDING, "a key of one's own");
    }
}
END_TEST

/* --- 30 --- */

static void expect_platform(const char *member, const uint8_t *bytes, size_t len,
                            enum attest_reason reason)
{
    char policy[512];
    struct simulate_bytes hex = {0};
    simulate_put_hex(&hex, bytes, len);
    snprintf(policy, sizeof policy,
             "{\"accept\":[{\"tee\":\"tdx\",\"any_code\":true}],\"platform\":{\"%s\":[\"%.*s\"]}}",
             member, (int)hex.len, (const char *)hex.ptr);
    struct spoiled one;
    spoiled_set(&one, ATTEST_TEE_TDX, NULL);
    one.scene.policy = policy;
    spoiled_expect(&one, reason, member);
    simulate_bytes_fini(&hex);
}

/* TEE.fail, WireTap, Battering RAM: keys taken from the bus of a genuine machine make evidence that
 * nothing can tell from honest evidence. What helps is to list whose machines may answer. */
START_TEST(flaw_30_a_genuine_machine_that_is_not_listed_is_refused)
{
    struct simulate_platform own = simulate_platform_default("worker", NOW);
    struct simulate_platform other = simulate_platform_default("somebody else's", NOW);
    uint8_t own_sha256[32], other_sha256[32];
    SHA256(own.ppid, sizeof own.ppid, own_sha256);
    SHA256(other.ppid, sizeof other.ppid, other_sha256);
    expect_platform("ppid_sha256", own_sha256, 32, ATTEST_TRUSTED);
    expect_platform("ppid_sha256", other_sha256, 32, ATTEST_PLATFORM_NOT_LISTED);
    expect_platform("piid", own.piid, 16, ATTEST_TRUSTED);
    expect_platform("piid", other.piid, 16, ATTEST_PLATFORM_NOT_LISTED);
    /* A model's number is everybody's who owns one. */
    expect_platform("fmspc", own.fmspc, 6, ATTEST_TRUSTED);
}
END_TEST

/* --- 31 --- */

/* cJSON finds members in any case, takes the first of two, reads numbers as doubles, cuts strings
 * at an escaped NUL, and nests 1000 deep. */
START_TEST(flaw_31_what_the_json_library_lets_through_is_refused)
{
    static const struct {
        const char *from, *to;
    } rows[] = {
        {"\"fmspc\"", "\"FMSPC\""},
        {"\"tcbLevels\"", "\"tcblevels\""},
        {"\"pceId\":\"0000\"", "\"pceId\":\"0000\",\"pceId\":\"0000\""},
        {"\"pceId\":\"0000\"", "\"pceId\":\"0000\",\"\\u0070ceId\":\"0001\""},
        {"\"pceId\":\"0000\"", "\"pceId\":\"0000\\u0000\""},
        {"\"pcesvn\":11", "\"pcesvn\":11.0"},
        {"\"pcesvn\":11", "\"pcesvn\":1.1e1"},
        {"\"pcesvn\":11", "\"pcesvn\":\"11\""},
        {"\"pcesvn\":11", "\"pcesvn\":-1"},
        {"\"pcesvn\":11", "\"pcesvn\":011"},
        {"\"pcesvn\":11", "\"pcesvn\":0xb"},
        {"\"pcesvn\":11", "\"pcesvn\":65536"},
        {"\"pcesvn\":11", "\"pcesvn\":18446744073709551627"},
        {"\"pcesvn\":11", "\"pcesvn\":NaN"},
        {"{\"svn\":0}", "{\"svn\":256}"},
        {"{\"svn\":0}",
         "{\"svn\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[0]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}"},
        {"\"tcbStatus\":\"UpToDate\"", "\"tcbStatus\":\"UpToDate\\u0000Revoked\""},
        {"\"tcbStatus\":\"UpToDate\"", "\"tcbStatus\":\"Revoked\",\"tcbStatus\":\"UpToDate\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i)
        expect_edit(ATTEST_TEE_SGX, "tcb_info", rows[i].from, rows[i].to,
                    ATTEST_COLLATERAL_MALFORMED);
    expect_edit(ATTEST_TEE_SGX, "tcb_info", "\"version\":3", "\"version\":3,\"unknown\":[[[]]]",
                ATTEST_TRUSTED);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        flaw_01_an_enclave_that_is_not_intels_signs_quotes_on_a_genuine_platform,
        flaw_12_an_ended_list_or_one_of_a_ca_with_the_same_name_hides_a_revocation,
        flaw_13_dates_seam_attributes_and_module_version_zero_are_looked_at,
        flaw_14_a_tdx_module_that_intel_does_not_know_is_refused,
        flaw_15_every_td_attribute_that_is_not_asked_for_is_refused,
        flaw_16_a_status_nobody_knows_is_no_status,
        flaw_17_a_list_that_is_foreign_broken_or_not_signed_is_no_list,
        flaw_18_a_quote_without_its_three_certificates_is_refused,
        flaw_19_shapes_that_intels_library_fell_over_are_refused,
        flaw_20_signed_bytes_are_the_served_bytes_and_documents_are_of_the_right_tee,
        flaw_21_an_up_to_date_module_does_not_excuse_the_platform_and_lengths_do_not_lie,
        flaw_26_a_platform_under_the_processor_ca_is_trusted,
        flaw_29_an_attestation_key_that_no_quoting_enclave_vouches_for_is_refused,
        flaw_30_a_genuine_machine_that_is_not_listed_is_refused,
        flaw_31_what_the_json_library_lets_through_is_refused,
        NULL};
    return checks_run("known flaws of DCAP verifiers", tests);
}
