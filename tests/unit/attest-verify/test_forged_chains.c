/* Vendors' certificates and lists that are wrong in one thing, at every place of the evidence where
 * one stands: all signed as their issuer would, so that nothing but the thing itself is wrong. */
#include "evidence_walk.h"

#include <openssl/rsa.h>
#include <openssl/x509v3.h>

/* --- certificates --- */

static void drop_extension(X509 *certificate, int nid)
{
    int at = X509_get_ext_by_NID(certificate, nid, -1);
    ck_assert_int_ge(at, 0);
    X509_EXTENSION_free(X509_delete_ext(certificate, at));
}

static void put_extension(X509 *certificate, int nid, const char *value)
{
    X509V3_CTX made;
    X509V3_set_ctx(&made, certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &made, nid, value);
    ck_assert_ptr_nonnull(extension);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

static void set_key(X509 *certificate, EVP_PKEY *key)
{
    ck_assert_int_eq(X509_set_pubkey(certificate, key), 1);
    EVP_PKEY_free(key);
}

static void use_p384(struct walk *walk, X509 *certificate)
{
    set_key(certificate, EVP_EC_gen("P-384"));
    walk_sign(walk, certificate);
}

static void use_other_curve(struct walk *walk, X509 *certificate)
{
    set_key(certificate, EVP_EC_gen("secp256k1"));
    walk_sign(walk, certificate);
}

static void use_rsa(struct walk *walk, X509 *certificate)
{
    static EVP_PKEY *key; /* made once: RSA takes its time */
    if (key == NULL)
        key = EVP_RSA_gen(2048);
    ck_assert_int_eq(X509_set_pubkey(certificate, key), 1);
    walk_sign(walk, certificate);
}

static void use_strangers_key(struct walk *walk, X509 *certificate)
{
    set_key(certificate, EVP_EC_gen("P-256"));
    walk_sign(walk, certificate);
}

static void sign_with_sha384(struct walk *walk, X509 *certificate)
{
    EVP_PKEY *key = walk_key_of(walk, X509_get_issuer_name(certificate));
    ck_assert_int_gt(X509_sign(certificate, key, EVP_sha384()), 0);
}

static void sign_by_stranger(struct walk *walk, X509 *certificate)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    simulate_cert_sign(certificate, key);
    EVP_PKEY_free(key);
}

/* A CA becomes a leaf, a leaf a CA. */
static void turn_constraints(struct walk *walk, X509 *certificate)
{
    bool was_ca = X509_check_ca(certificate) != 0;
    drop_extension(certificate, NID_basic_constraints);
    drop_extension(certificate, NID_key_usage);
    put_extension(certificate, NID_basic_constraints,
                  was_ca ? "critical,CA:FALSE" : "critical,CA:TRUE");
    put_extension(certificate, NID_key_usage,
                  was_ca ? "critical,digitalSignature" : "critical,keyCertSign,cRLSign");
    walk_sign(walk, certificate);
}

static void repeat_first_extension(struct walk *walk, X509 *certificate)
{
    X509_add_ext(certificate, X509_get_ext(certificate, 0), -1);
    walk_sign(walk, certificate);
}

static void repeat_constraints(struct walk *walk, X509 *certificate)
{
    int at = X509_get_ext_by_NID(certificate, NID_basic_constraints, -1);
    X509_add_ext(certificate, X509_get_ext(certificate, at), -1);
    walk_sign(walk, certificate);
}

static void add_critical(struct walk *walk, X509 *certificate)
{
    ASN1_OBJECT *oid = OBJ_txt2obj("1.3.6.1.4.1.55555.9", 1);
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    ASN1_OCTET_STRING_set(value, (const uint8_t *)"\x05", 2); /* NULL */
    X509_EXTENSION *extension = X509_EXTENSION_create_by_OBJ(NULL, oid, 1, value);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(value);
    ASN1_OBJECT_free(oid);
    walk_sign(walk, certificate);
}

static void add_name(struct walk *walk, X509 *certificate)
{
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                               (const uint8_t *)"Intel SGX Root CA", -1, -1, 0);
    walk_sign(walk, certificate);
}

static void change_name(struct walk *walk, X509 *certificate)
{
    X509_NAME *name = X509_NAME_new();
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const uint8_t *)"Intel SGX TCB signing",
                               -1, -1, 0);
    EVP_PKEY *key = walk_key_of(walk, X509_get_issuer_name(certificate));
    X509_set_subject_name(certificate, name);
    simulate_cert_sign(certificate, key);
    X509_NAME_free(name);
}

static const struct {
    const char *what;
    void (*change)(struct walk *walk, X509 *certificate);
} changes[] = {{"a P-384 key", use_p384},
               {"a key of another curve", use_other_curve},
               {"an RSA key", use_rsa},
               {"a stranger's key", use_strangers_key},
               {"a signature with SHA-384", sign_with_sha384},
               {"a stranger's signature", sign_by_stranger},
               {"the other CA flag", turn_constraints},
               {"an extension twice", repeat_first_extension},
               {"basic constraints twice", repeat_constraints},
               {"an unknown critical extension", add_critical},
               {"a second common name", add_name},
               {"another common name", change_name}};
enum { CHANGES = sizeof changes / sizeof *changes, CERTIFICATES = 9 };

/* What the judge is told beside the scene; each test runs alone. */
static struct walk last;
static size_t certificates_seen;

static void note_certificate(struct walk *walk, X509 *certificate)
{
    changes[walk->which].change(walk, certificate);
    ++certificates_seen;
}

static void change_certificate(const struct spoiler *spoiler)
{
    last = (struct walk){.spoiler = spoiler,
                         .wanted = spoiler->scene->at / CHANGES,
                         .which = spoiler->scene->at % CHANGES,
                         .change = note_certificate};
    walk_evidence(&last);
}

/* Refused, by a check of certificates; or where the key is used, by the signature it should make.
 */
static bool is_about_chains(enum attest_reason reason)
{
    static const enum attest_reason good[] = {ATTEST_CHAIN_UNTRUSTED,      ATTEST_ROOT_UNKNOWN,
                                              ATTEST_PCK_MALFORMED,        ATTEST_CRL_UNTRUSTED,
                                              ATTEST_COLLATERAL_SIGNATURE, ATTEST_QE_SIGNATURE};
    for (size_t i = 0; i < sizeof good / sizeof *good; ++i)
        if (reason == good[i])
            return true;
    return false;
}

/* The one change that takes nothing away: a second CA certificate of the same name, which the root
 * has signed, stands beside the list. The list is held against the CA that issued the platform's
 * own certificate (ra-tls b.2, 5), whose signature it has. */
static bool is_harmless(size_t change)
{
    return changes[change].change == use_strangers_key &&
           strcmp(last.name, "pck_crl_issuer_chain, 0") == 0;
}

/* Whether a certificate stood there. */
static bool expect_changed(enum attest_tee tee, size_t wanted, size_t change)
{
    struct spoiled one;
    spoiled_set(&one, tee, change_certificate);
    one.at = wanted * CHANGES + change;
    certificates_seen = 0;
    enum attest_reason reason = spoiled_judge(&one);
    bool good = certificates_seen == 0 || is_harmless(change) ? reason == ATTEST_TRUSTED
                                                              : is_about_chains(reason);
    if (certificates_seen > 0)
        printf("%s %s %s: %s: %s\n", good ? "ok " : "BAD", attest_tee_word(tee), last.name,
               changes[change].what, attest_reason_word(reason));
    ck_assert_msg(good, "%s: %s: %s (%s)", last.name, changes[change].what,
                  attest_reason_word(reason), one.scene.verdict.detail);
    return certificates_seen > 0;
}

START_TEST(a_certificate_wrong_in_one_thing_is_refused_wherever_it_stands)
{
    enum { PLACES_MAX = 32 };
    for (int tee = ATTEST_TEE_SGX; tee <= ATTEST_TEE_TDX; ++tee) {
        bool is_place[PLACES_MAX];
        size_t places = 0, wanted = 0;
        do {
            ck_assert_uint_lt(wanted, PLACES_MAX);
            is_place[wanted] = expect_changed((enum attest_tee)tee, wanted, 0);
            places += is_place[wanted];
        } while (++wanted < last.found);
        ck_assert_uint_eq(places, CERTIFICATES);
        for (size_t i = 0; i < wanted; ++i)
            for (size_t change = 1; is_place[i] && change < CHANGES; ++change)
                ck_assert(expect_changed((enum attest_tee)tee, i, change));
    }
}
END_TEST

/* --- lists --- */

static void drop_list_extension(struct walk *walk, X509_CRL *list)
{
    int nid = walk->which == 0 ? NID_crl_number : NID_authority_key_identifier;
    X509_EXTENSION_free(X509_CRL_delete_ext(list, X509_CRL_get_ext_by_NID(list, nid, -1)));
    walk_sign_list(walk, list);
}

static void add_critical_to_list(struct walk *walk, X509_CRL *list)
{
    ASN1_OBJECT *oid = OBJ_txt2obj("1.3.6.1.4.1.55555.9", 1);
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    ASN1_OCTET_STRING_set(value, (const uint8_t *)"\x05", 2);
    X509_EXTENSION *extension = X509_EXTENSION_create_by_OBJ(NULL, oid, 1, value);
    X509_CRL_add_ext(list, extension, -1);
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(value);
    ASN1_OBJECT_free(oid);
    walk_sign_list(walk, list);
}

static void make_delta(struct walk *walk, X509_CRL *list)
{
    ASN1_INTEGER *base = ASN1_INTEGER_new();
    ASN1_INTEGER_set(base, 1);
    X509_CRL_add1_ext_i2d(list, NID_delta_crl, base, 1, 0);
    ASN1_INTEGER_free(base);
    walk_sign_list(walk, list);
}

static void sign_list_by_signer(struct walk *walk, X509_CRL *list)
{
    X509_CRL_sign(list, walk->spoiler->vendor->signer.key, EVP_sha256());
}

/* The list of the Processor CA, of the same vendor, for a platform under the Platform CA: another
 * issuer, whatever it says. */
static void rename_issuer(struct walk *walk, X509_CRL *list)
{
    X509_NAME *name = X509_NAME_dup(X509_CRL_get_issuer(list));
    EVP_PKEY *key = walk_key_of(walk, name);
    int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
    X509_NAME_ENTRY_free(X509_NAME_delete_entry(name, at));
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                               (const uint8_t *)"Intel SGX PCK Processor CA", -1, at, 0);
    X509_CRL_set_issuer_name(list, name);
    ck_assert_int_gt(X509_CRL_sign(list, key, EVP_sha256()), 0);
    X509_NAME_free(name);
}

static const struct {
    const char *what;
    void (*change)(struct walk *walk, X509_CRL *list);
    size_t which;
} list_changes[] = {{"no number", drop_list_extension, 0},
                    {"no authority key id", drop_list_extension, 1},
                    {"an unknown critical extension", add_critical_to_list, 0},
                    {"a delta", make_delta, 0},
                    {"the signer's signature", sign_list_by_signer, 0},
                    {"another CA's name", rename_issuer, 0}};
enum { LIST_CHANGES = sizeof list_changes / sizeof *list_changes };

static void note_list(struct walk *walk, X509_CRL *list)
{
    size_t change = walk->which;
    walk->which = list_changes[change].which;
    list_changes[change].change(walk, list);
    walk->which = change;
    ++certificates_seen;
}

static void change_list(const struct spoiler *spoiler)
{
    last = (struct walk){.spoiler = spoiler,
                         .wanted = spoiler->scene->at / LIST_CHANGES,
                         .which = spoiler->scene->at % LIST_CHANGES,
                         .change_list = note_list};
    walk_evidence(&last);
}

START_TEST(a_list_wrong_in_one_thing_is_refused)
{
    for (size_t change = 0; change < LIST_CHANGES; ++change) {
        size_t wanted = 0, changed = 0;
        do {
            struct spoiled one;
            spoiled_set(&one, ATTEST_TEE_TDX, change_list);
            one.at = wanted * LIST_CHANGES + change;
            certificates_seen = 0;
            enum attest_reason reason = spoiled_judge(&one);
            changed += certificates_seen > 0;
            bool good = reason == (certificates_seen > 0 ? ATTEST_CRL_UNTRUSTED : ATTEST_TRUSTED);
            if (certificates_seen > 0)
                printf("%s %s: %s: %s\n", good ? "ok " : "BAD", last.name,
                       list_changes[change].what, attest_reason_word(reason));
            ck_assert_msg(good, "%s: %s: %s (%s)", last.name, list_changes[change].what,
                          attest_reason_word(reason), one.scene.verdict.detail);
        } while (++wanted < last.found);
        ck_assert_uint_eq(changed, 2);
    }
}
END_TEST

/* --- whole chains --- */

/* A platform's certificate that a platform's, or the signer's, certificate has issued. */
static void issue_by_leaf(const struct spoiler *spoiler)
{
    bool by_signer = spoiler->scene->at == 1;
    const struct simulate_identity *above = by_signer ? &spoiler->vendor->signer : spoiler->pck;
    X509 *leaf = X509_dup(spoiler->pck->cert);
    struct simulate_bytes chain = {0};
    X509_set_issuer_name(leaf, X509_get_subject_name(above->cert));
    simulate_cert_sign(leaf, above->key);
    simulate_put_pem(&chain, leaf);
    simulate_put_pem(&chain, above->cert);
    simulate_put_pem(&chain, by_signer ? spoiler->vendor->root.cert : spoiler->vendor->ca.cert);
    spoiled_put_certification(spoiler->quote, 5, chain.ptr, chain.len);
    simulate_bytes_fini(&chain);
    X509_free(leaf);
}

/* The good chain in another order: `at` counts the six of them. */
static void reorder(const struct spoiler *spoiler)
{
    static const uint8_t orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                        {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    X509 *const all[] = {spoiler->pck->cert, spoiler->vendor->ca.cert, spoiler->vendor->root.cert};
    struct simulate_bytes chain = {0};
    for (size_t i = 0; i < 3; ++i)
        simulate_put_pem(&chain, all[orders[spoiler->scene->at][i]]);
    spoiled_put_certification(spoiler->quote, 5, chain.ptr, chain.len);
    simulate_bytes_fini(&chain);
}

START_TEST(no_leaf_is_a_ca_and_no_order_but_leaf_first_is_a_chain)
{
    struct spoiled one;
    for (size_t at = 0; at < 2; ++at) {
        spoiled_set(&one, ATTEST_TEE_TDX, issue_by_leaf);
        one.at = at;
        spoiled_expect(&one, ATTEST_CHAIN_UNTRUSTED, "a leaf that issues");
    }
    for (size_t at = 0; at < 6; ++at) {
        spoiled_set(&one, ATTEST_TEE_TDX, reorder);
        one.at = at;
        enum attest_reason reason = spoiled_judge(&one);
        ck_assert_msg(at == 0 ? reason == ATTEST_TRUSTED
                              : reason == ATTEST_CHAIN_UNTRUSTED || reason == ATTEST_PCK_MALFORMED,
                      "order %zu: %s", at, attest_reason_word(reason));
    }
}
END_TEST

/* Collateral of a vendor's whose platforms are under the other CA. */
START_TEST(collateral_of_the_other_ca_vouches_for_no_platform)
{
    static const char processor[] = "Intel SGX PCK Processor CA";
    struct spoiled one;
    spoiled_set(&one, ATTEST_TEE_TDX, change_list);
    one.scene.vendor.processor_ca = true;
    one.at = LIST_CHANGES * 100; /* nothing is changed */
    spoiled_expect(&one, ATTEST_TRUSTED, processor);
    spoiled_set(&one, ATTEST_TEE_TDX, NULL);
    one.scene.foreign_pck = true;
    spoiled_expect(&one, ATTEST_CHAIN_UNTRUSTED, "a platform of a namesake's");
    one.scene.foreign_roots = true;
    spoiled_expect(&one, ATTEST_ROOT_UNKNOWN, "and its root");
}
END_TEST

/* --- levels --- */

/* Served in any order, the best level that is reached counts (ra-tls b.6): an attacker who could
 * reorder them could not raise a platform, nor would a careless vendor lower one. */
START_TEST(unsorted_levels_give_the_same_status)
{
    for (int tee = ATTEST_TEE_SGX; tee <= ATTEST_TEE_TDX; ++tee)
        for (int is_old = 0; is_old < 2; ++is_old)
            for (unsigned swap = 0; swap < 8; ++swap) {
                struct spoiled one;
                spoiled_set(&one, (enum attest_tee)tee, NULL);
                struct simulate_collateral_options *options = &one.scene.collateral;
                struct simulate_level *lists[] = {options->platform, options->qe, options->module};
                for (size_t i = 0; i < 3; ++i)
                    if (swap & 1u << i) {
                        struct simulate_level first = lists[i][0];
                        lists[i][0] = lists[i][1];
                        lists[i][1] = first;
                    }
                if (is_old)
                    one.scene.platform.components[0] = 3;
                spoiled_expect(&one, is_old ? ATTEST_TCB_NOT_ACCEPTED : ATTEST_TRUSTED, "swapped");
                ck_assert_str_eq(one.scene.verdict.tcb_status, is_old ? "OutOfDate" : "UpToDate");
            }
}
END_TEST

/* --- the quote's body --- */

/* A TD report 1.5 with 237 bytes more, and its type: signed by nobody we know the key of, and
 * refused before that by name. */
static void make_body_type_4(const struct spoiler *spoiler)
{
    static const uint8_t more[885 - 648];
    struct simulate_bytes longer = {0};
    simulate_put(&longer, spoiler->quote->ptr, 54 + 648);
    simulate_put(&longer, more, sizeof more);
    simulate_put(&longer, spoiler->quote->ptr + 54 + 648, spoiler->quote->len - 54 - 648);
    longer.ptr[48] = 4;
    longer.ptr[50] = 885 & 0xff;
    longer.ptr[51] = 885 >> 8;
    simulate_bytes_fini(spoiler->quote);
    *spoiler->quote = longer;
}

START_TEST(a_body_of_type_4_is_refused_by_name)
{
    struct spoiled one;
    spoiled_set(&one, ATTEST_TEE_TDX, make_body_type_4);
    one.scene.quote.version = 5;
    one.scene.quote.td_1_5 = true;
    spoiled_expect(&one, ATTEST_QUOTE_UNSUPPORTED, "body type 4");
    ck_assert_ptr_nonnull(strstr(one.scene.verdict.detail, "body type 4"));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_certificate_wrong_in_one_thing_is_refused_wherever_it_stands,
                                  a_list_wrong_in_one_thing_is_refused,
                                  no_leaf_is_a_ca_and_no_order_but_leaf_first_is_a_chain,
                                  collateral_of_the_other_ca_vouches_for_no_platform,
                                  unsorted_levels_give_the_same_status,
                                  a_body_of_type_4_is_refused_by_name,
                                  NULL};
    return checks_run("forged chains", tests);
}
