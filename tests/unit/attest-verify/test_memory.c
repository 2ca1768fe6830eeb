/* Memory that runs out at any one allocation, ours, cJSON's or OpenSSL's: nothing falls over, and
 * evidence that is wrong is not trusted for it. Linked with --wrap, so that the library's own calls
 * of malloc and its kin come here. */
#include "simulate/simulate_pki.h"
#include "verify_scene.h"

#include <cjson/cJSON.h>
#include <openssl/crypto.h>
#include <stdio.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
char *__wrap_strdup(const char *text);

/* OpenSSL 3.0 loses some of its own when a library context cannot be finished; asked by the leak
 * sanitizer, if there is one. What we take ourselves is still looked for. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libcrypto.so";
}

/* Counted while `is_armed`: the `left`th from now fails, and no other. */
static struct {
    bool is_armed, has_failed;
    size_t left, seen;
} memory;

static bool fails(void)
{
    if (!memory.is_armed)
        return false;
    ++memory.seen;
    if (memory.left-- != 0)
        return false;
    memory.has_failed = true;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

char *__wrap_strdup(const char *text)
{
    return fails() ? NULL : __real_strdup(text);
}

static bool openssl_too;

static void *openssl_malloc(size_t size, const char *file, int line)
{
    return openssl_too && fails() ? NULL : __real_malloc(size);
}

static void *openssl_realloc(void *old, size_t size, const char *file, int line)
{
    return openssl_too && fails() ? NULL : realloc(old, size);
}

static void openssl_free(void *old, const char *file, int line)
{
    free(old);
}

static void arm(size_t left)
{
    memory.is_armed = true;
    memory.has_failed = false;
    memory.left = left;
    memory.seen = 0;
}

/* Whether an allocation did fail: when none did, there are no more. */
static bool disarm(void)
{
    memory.is_armed = false;
    return memory.has_failed;
}

/* What is read and judged, made before memory runs out. */
struct evidence_case {
    const char *what;
    enum simulate_convention convention;
    bool other_key, revoked, bad_signature, wants_trust;
};
static const struct evidence_case cases[] = {
    {.what = "sound DICE", .convention = SIMULATE_DICE, .wants_trust = true},
    {.what = "sound dstack", .convention = SIMULATE_DSTACK, .wants_trust = true},
    {.what = "sound envelope", .convention = SIMULATE_DSTACK8, .wants_trust = true},
    {.what = "sound Open Enclave", .convention = SIMULATE_OPEN_ENCLAVE, .wants_trust = true},
    {.what = "another key", .convention = SIMULATE_DICE, .other_key = true},
    {.what = "another key, dstack", .convention = SIMULATE_DSTACK, .other_key = true},
    {.what = "a revoked platform", .convention = SIMULATE_DICE, .revoked = true},
    {.what = "a bad signature", .convention = SIMULATE_DICE, .bad_signature = true},
};
enum { CASES = sizeof cases / sizeof *cases };

struct material {
    struct simulate_bytes roots, policy, collateral;
    unsigned char *certificate;
    int certificate_len;
};

static void make(const struct evidence_case *one, struct material *out)
{
    enum attest_tee tee =
        one->convention == SIMULATE_OPEN_ENCLAVE ? ATTEST_TEE_SGX : ATTEST_TEE_TDX;
    struct simulate_vendor vendor;
    struct scene scene;
    set_scene(&scene, tee);
    simulate_vendor_init(&vendor, &scene.vendor);
    struct simulate_identity pck = simulate_pck(&vendor, &scene.platform);
    EVP_PKEY *key = EVP_EC_gen("P-256"), *other = EVP_EC_gen("P-256");
    struct simulate_bytes claims = {0};
    scene.quote.damage = one->bad_signature ? SIMULATE_BAD_QUOTE_SIGNATURE : SIMULATE_SOUND;
    simulate_bind_key(one->convention, one->other_key ? other : key, &scene.quote, &claims);
    struct simulate_bytes quote = simulate_quote(&vendor, &pck, &scene.quote);
    struct simulate_certificate_options options = {.name = "worker",
                                                   .not_before = NOW - DAY,
                                                   .not_after = NOW + DAY,
                                                   .convention = one->convention,
                                                   .quote = &quote,
                                                   .claims = &claims};
    X509 *certificate = simulate_certificate(key, &options);
    STACK_OF(ASN1_INTEGER) *serials = sk_ASN1_INTEGER_new_null();
    sk_ASN1_INTEGER_push(serials, X509_get_serialNumber(pck.cert));
    scene.collateral.revoked = one->revoked ? serials : NULL;
    *out = (struct material){.policy = simulate_policy(),
                             .collateral = simulate_collateral(&vendor, &scene.collateral)};
    simulate_put_pem(&out->roots, vendor.root.cert);
    out->certificate_len = i2d_X509(certificate, &out->certificate);
    sk_ASN1_INTEGER_free(serials);
    X509_free(certificate);
    simulate_bytes_fini(&quote);
    simulate_bytes_fini(&claims);
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
    simulate_identity_fini(&pck);
    simulate_vendor_fini(&vendor);
}

static void fini(struct material *material)
{
    simulate_bytes_fini(&material->roots);
    simulate_bytes_fini(&material->policy);
    simulate_bytes_fini(&material->collateral);
    OPENSSL_free(material->certificate);
}

/* All of it as a program would, up to the verdict. What cannot be read is not trusted either. No
 * check is made in here: libcheck takes memory too. */
static bool is_trusted(const struct material *material, bool *says_why)
{
    char error[256] = "";
    struct attest_roots *roots =
        attest_roots_from_pem(bytes_of(&material->roots), error, sizeof error);
    struct attest_policy *policy =
        attest_policy_parse(bytes_of(&material->policy), error, sizeof error);
    struct attest_collateral *collateral =
        attest_collateral_parse(bytes_of(&material->collateral), error, sizeof error);
    *says_why = (roots != NULL && policy != NULL && collateral != NULL) || error[0] != '\0';
    if (collateral != NULL && memory.left % 2 == 0)
        attest_collateral_prove(collateral);
    const struct attest_collateral *list[] = {collateral};
    struct attest_request request = {.roots = roots,
                                     .policy = policy,
                                     .collateral = list,
                                     .collateral_count = collateral != NULL,
                                     .now = NOW};
    struct attest_verdict verdict;
    attest_verify_certificate(&request,
                              (struct attest_bytes){.ptr = material->certificate,
                                                    .len = (size_t)material->certificate_len},
                              &verdict);
    bool trusted = attest_is_trusted(&verdict);
    *says_why = *says_why && (trusted || verdict.detail[0] != '\0');
    attest_collateral_free(collateral);
    attest_policy_free(policy);
    attest_roots_free(roots);
    return trusted;
}

/* Fails each `stride`th allocation in its turn; returns how many times one failed. */
static size_t starve(const struct evidence_case *one, const struct material *material,
                     size_t stride)
{
    size_t starved = 0, trusted = 0;
    for (size_t nth = 0;; nth += stride) {
        arm(nth);
        bool says_why, is = is_trusted(material, &says_why), failed = disarm();
        ck_assert_msg(says_why, "%s: no word about allocation %zu", one->what, nth);
        ck_assert_msg(!is || one->wants_trust, "%s is trusted without allocation %zu", one->what,
                      nth);
        if (!failed) {
            ck_assert(is == one->wants_trust);
            break;
        }
        trusted += is;
        ++starved;
    }
    printf("%s: %zu allocations failed in turn, %zu of them did not matter\n", one->what, starved,
           trusted);
    return starved;
}

START_TEST(no_allocation_of_ours_that_fails_trusts_or_breaks_anything)
{
    openssl_too = false;
    for (size_t i = 0; i < CASES; ++i) {
        struct material material;
        make(&cases[i], &material);
        ck_assert_uint_gt(starve(&cases[i], &material, cases[i].wants_trust ? 1 : 3), 50);
        fini(&material);
    }
}
END_TEST

START_TEST(no_allocation_of_openssls_that_fails_trusts_or_breaks_anything)
{
    openssl_too = true;
    for (size_t i = 0; i < CASES; ++i) {
        struct material material;
        make(&cases[i], &material);
        ck_assert_uint_gt(starve(&cases[i], &material, 37 + 2 * i), 20);
        fini(&material);
    }
}
END_TEST

int main(void)
{
    /* Before OpenSSL has taken any. */
    cJSON_Hooks hooks = {.malloc_fn = __wrap_malloc, .free_fn = free};
    if (CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free) != 1)
        return EXIT_FAILURE;
    cJSON_InitHooks(&hooks);
    const TTest *const tests[] = {no_allocation_of_ours_that_fails_trusts_or_breaks_anything,
                                  no_allocation_of_openssls_that_fails_trusts_or_breaks_anything,
                                  NULL};
    return checks_run("memory", tests);
}
