/* Every date in the evidence of a quote: each certificate in each place, each revocation list, each
 * document, both ends, one second before, at and after. What has dates is found by walking the
 * evidence, so that nothing is left out because nobody thought of it. */
#include "spoiled_scene.h"

#include <stdio.h>
#include <time.h>

enum { CERTIFICATES_MAX = 4, DATED = 13 };
enum bound { BOUND_BEGIN, BOUND_END };

/* One walk over all that has dates; the `wanted`th gets its `bound` moved to NOW. */
struct walk {
    const struct spoiler *spoiler;
    size_t found, wanted;
    enum bound bound;
    char name[64]; /* of the one that was wanted */
};

static bool is_wanted(struct walk *walk, const char *name, size_t place)
{
    if (walk->found++ != walk->wanted)
        return false;
    snprintf(walk->name, sizeof walk->name, "%s, %zu", name, place);
    return true;
}

/* Whoever has the issuer's name signs. */
static EVP_PKEY *key_of(const struct simulate_vendor *vendor, const X509_NAME *issuer)
{
    const struct simulate_identity *all[] = {&vendor->root, &vendor->ca};
    for (size_t i = 0; i < 2; ++i)
        if (X509_NAME_cmp(issuer, X509_get_subject_name(all[i]->cert)) == 0)
            return all[i]->key;
    ck_abort_msg("nobody has that name");
    return NULL;
}

static X509 *with_bound(const struct walk *walk, X509 *from)
{
    X509 *certificate = X509_dup(from);
    ASN1_TIME *now = simulate_time(NOW);
    if (walk->bound == BOUND_BEGIN)
        X509_set1_notBefore(certificate, now);
    else
        X509_set1_notAfter(certificate, now);
    simulate_cert_sign(certificate,
                       key_of(walk->spoiler->vendor, X509_get_issuer_name(certificate)));
    ASN1_TIME_free(now);
    X509_free(from);
    return certificate;
}

/* Reads all certificates of a chain; the wanted one is replaced. True when it was among them. */
static bool walk_chain(struct walk *walk, const char *name, const char *pem, size_t len,
                       X509 **certificates, size_t *count)
{
    BIO *bio = BIO_new_mem_buf(pem, (int)len);
    bool changed = false;
    for (*count = 0; *count < CERTIFICATES_MAX; ++*count) {
        X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
        if (certificate == NULL)
            break;
        bool wanted = is_wanted(walk, name, *count);
        certificates[*count] = wanted ? with_bound(walk, certificate) : certificate;
        changed |= wanted;
    }
    BIO_free(bio);
    return changed;
}

static void free_chain(X509 **certificates, size_t count)
{
    for (size_t i = 0; i < count; ++i)
        X509_free(certificates[i]);
}

static void walk_member_chain(struct walk *walk, const char *member)
{
    X509 *certificates[CERTIFICATES_MAX];
    size_t count;
    cJSON *document = walk->spoiler->document;
    const char *pem = spoiled_text(document, member);
    if (walk_chain(walk, member, pem, strlen(pem), certificates, &count))
        spoiled_put_chain(document, member, certificates, count);
    free_chain(certificates, count);
}

static void walk_quote(struct walk *walk)
{
    X509 *certificates[CERTIFICATES_MAX];
    size_t count, at = spoiled_certification_at(walk->spoiler->quote) + 6;
    const char *pem = (const char *)walk->spoiler->quote->ptr + at;
    if (walk_chain(walk, "PCK chain", pem, walk->spoiler->quote->len - at, certificates, &count)) {
        struct simulate_bytes chain = {0};
        for (size_t i = 0; i < count; ++i)
            simulate_put_pem(&chain, certificates[i]);
        spoiled_put_certification(walk->spoiler->quote, 5, chain.ptr, chain.len);
        simulate_bytes_fini(&chain);
    }
    free_chain(certificates, count);
}

static void walk_list(struct walk *walk, const char *member)
{
    const char *hex = spoiled_text(walk->spoiler->document, member);
    long len;
    unsigned char *der = OPENSSL_hexstr2buf(hex, &len);
    const unsigned char *at = der;
    X509_CRL *list = d2i_X509_CRL(NULL, &at, len);
    ck_assert_ptr_nonnull(list);
    OPENSSL_free(der);
    if (!is_wanted(walk, member, 0)) {
        X509_CRL_free(list);
        return;
    }
    ASN1_TIME *now = simulate_time(NOW);
    if (walk->bound == BOUND_BEGIN)
        X509_CRL_set1_lastUpdate(list, now);
    else
        X509_CRL_set1_nextUpdate(list, now);
    ASN1_TIME_free(now);
    X509_CRL_sign(list, key_of(walk->spoiler->vendor, X509_CRL_get_issuer(list)), EVP_sha256());
    spoiled_put_crl(walk->spoiler->document, member, list);
}

/* Overwrites the date behind "issueDate":" or "nextUpdate":" in place. */
static void walk_text(struct walk *walk, const char *member)
{
    char *text = spoiled_text(walk->spoiler->document, member), moment[32];
    const char *name = walk->bound == BOUND_BEGIN ? "\"issueDate\":\"" : "\"nextUpdate\":\"";
    time_t now = NOW;
    struct tm tm;
    if (!is_wanted(walk, member, 0))
        return;
    ck_assert_ptr_nonnull(gmtime_r(&now, &tm));
    size_t len = strftime(moment, sizeof moment, "%Y-%m-%dT%H:%M:%SZ", &tm);
    char *place = strstr(text, name);
    ck_assert_ptr_nonnull(place);
    memcpy(place + strlen(name), moment, len);
    spoiled_sign(walk->spoiler->document, member, walk->spoiler->vendor->signer.key);
}

/* By the shape of each member's value: a PEM chain, a list in hexadecimal, a signed text. */
static void walk_member(struct walk *walk, const cJSON *member)
{
    char name[64];
    snprintf(name, sizeof name, "%s", member->string); /* the member may be replaced */
    const char *text = cJSON_GetStringValue(member);
    ck_assert_ptr_nonnull(text);
    if (strncmp(text, "-----BEGIN", 10) == 0)
        walk_member_chain(walk, name);
    else if (strncmp(text, "3082", 4) == 0)
        walk_list(walk, name);
    else if (text[0] == '{')
        walk_text(walk, name);
    else
        ck_assert_msg(strlen(text) == 128, "%s is neither chain, list, text nor signature", name);
}

/* What the judge is told beside the scene; each test runs alone. */
static struct walk last;

static void walk_all(const struct spoiler *spoiler)
{
    struct walk walk = {.spoiler = spoiler,
                        .wanted = spoiler->scene->at / 2,
                        .bound = (enum bound)(spoiler->scene->at % 2)};
    char names[16][64];
    size_t count = 0;
    const cJSON *member;
    cJSON_ArrayForEach(member, spoiler->document)
        snprintf(names[count++], sizeof names[0], "%s", member->string);
    walk_quote(&walk);
    for (size_t i = 0; i < count; ++i)
        walk_member(&walk, cJSON_GetObjectItemCaseSensitive(spoiler->document, names[i]));
    last = walk;
}

static bool is_about_time(enum attest_reason reason)
{
    return reason == ATTEST_CHAIN_EXPIRED || reason == ATTEST_COLLATERAL_EXPIRED ||
           reason == ATTEST_COLLATERAL_EARLY;
}

/* One dated thing, one of its ends at NOW, judged around it. */
static void expect_bound(enum attest_tee tee, size_t wanted, enum bound bound)
{
    for (int64_t second = -1; second <= 1; ++second) {
        struct spoiled one;
        spoiled_set(&one, tee, walk_all);
        one.at = 2 * wanted + bound;
        one.scene.now = NOW + second;
        enum attest_reason reason = spoiled_judge(&one);
        bool within = bound == BOUND_BEGIN ? second >= 0 : second <= 0;
        bool good = within ? reason == ATTEST_TRUSTED : is_about_time(reason);
        printf("%s %s %s %s NOW, judged at NOW%+lld: %s\n", good ? "ok " : "BAD",
               attest_tee_word(tee), last.name, bound == BOUND_BEGIN ? "begins" : "ends",
               (long long)second, attest_reason_word(reason));
        ck_assert_msg(good, "%s %s: %s (%s)", last.name, bound == BOUND_BEGIN ? "begins" : "ends",
                      attest_reason_word(reason), one.scene.verdict.detail);
        if (within && bound == BOUND_END)
            ck_assert_int_eq(one.scene.verdict.expires, NOW);
    }
}

START_TEST(every_date_of_the_evidence_holds_to_the_second)
{
    for (int tee = ATTEST_TEE_SGX; tee <= ATTEST_TEE_TDX; ++tee) {
        size_t wanted = 0;
        do {
            expect_bound((enum attest_tee)tee, wanted, BOUND_BEGIN);
            expect_bound((enum attest_tee)tee, wanted, BOUND_END);
        } while (++wanted < last.found);
        /* Three certificates in the quote, six in the document, two lists, two texts. */
        ck_assert_uint_eq(last.found, DATED);
    }
}
END_TEST

/* What is long over or long to come is no better. */
START_TEST(the_ends_of_time_are_refused)
{
    static const int64_t moments[] = {INT64_MIN, -1, 0, 1, INT64_MAX};
    for (size_t i = 0; i < sizeof moments / sizeof *moments; ++i) {
        struct spoiled one;
        spoiled_set(&one, ATTEST_TEE_TDX, NULL);
        one.scene.now = moments[i];
        ck_assert(is_about_time(spoiled_judge(&one)));
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {every_date_of_the_evidence_holds_to_the_second,
                                  the_ends_of_time_are_refused, NULL};
    return checks_run("boundaries", tests);
}
