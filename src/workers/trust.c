#include "workers/trust.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "fetch/fetch.h"
#include "workers/files.h"

struct trust {
    _Atomic uint32_t users;
    bool simulated;
    struct attest_roots *roots;
    struct attest_policy *policy;
    struct attest_collateral **collateral;
    size_t collateral_count;
    uint8_t digest[32];
    uint8_t policy_sha256[32];
    uint8_t roots_sha256[32];
};

static struct attest_bytes bytes_of(const struct file *file)
{
    return (struct attest_bytes){(const uint8_t *)file->bytes, file->len};
}

/* The verifier's sentence behind the name of the file. */
static bool blame(const char *path, const char *why, char *error, size_t error_size)
{
    snprintf(error, error_size, "%s: %s", path, why);
    return false;
}

/* Label, count, and each file with its length: no two different sets give the same run of bytes. */
static void digest_files(EVP_MD_CTX *md, const char *label, const struct files *files)
{
    uint64_t count = files->count;
    must(EVP_DigestUpdate(md, label, strlen(label) + 1) == 1);
    must(EVP_DigestUpdate(md, &count, sizeof(count)) == 1);
    for (size_t i = 0; i < files->count; ++i) {
        uint64_t len = files->rows[i].len;
        must(EVP_DigestUpdate(md, &len, sizeof(len)) == 1);
        must(EVP_DigestUpdate(md, files->rows[i].bytes, files->rows[i].len) == 1);
    }
}

static bool read_policy(struct trust *trust, const char *path, EVP_MD_CTX *md, char *error,
                        size_t error_size)
{
    static const char *const json[] = {".json", NULL};
    struct files files = {0};
    char why[512] = "";
    bool ok = files_read(&files, path, json, error, error_size);
    if (ok && files.count != 1)
        ok = blame(path, "a policy is one file, and this folder has several", error, error_size);
    if (ok) {
        digest_files(md, "policy", &files);
        SHA256((const unsigned char *)files.rows[0].bytes, files.rows[0].len, trust->policy_sha256);
        trust->policy = attest_policy_parse(bytes_of(&files.rows[0]), why, sizeof(why));
        ok = trust->policy != NULL || blame(files.rows[0].path, why, error, error_size);
    }
    files_free(&files);
    return ok;
}

/* All certificates as one text, as the verifier wants them. */
static bool parse_roots(struct trust *trust, const struct files *files, const char *path,
                        char *error, size_t error_size)
{
    char why[512] = "";
    size_t len = 0;
    for (size_t i = 0; i < files->count; ++i)
        len += files->rows[i].len + 1;
    uint8_t *pem = alloc_zeroed(len);
    size_t at = 0;
    for (size_t i = 0; i < files->count; ++i) {
        if (files->rows[i].len > 0)
            memcpy(pem + at, files->rows[i].bytes, files->rows[i].len);
        at += files->rows[i].len;
        pem[at++] = '\n';
    }
    trust->roots = attest_roots_from_pem((struct attest_bytes){pem, len}, why, sizeof(why));
    free(pem);
    return trust->roots != NULL ||
           blame(files->count == 1 ? files->rows[0].path : path, why, error, error_size);
}

/* Of the roots by themselves: collateral that holds under some is none under others. */
static void digest_roots(struct trust *trust, const struct files *files)
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    must(md != NULL && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1);
    digest_files(md, trust->simulated ? "roots" : "builtin", files);
    must(EVP_DigestFinal_ex(md, trust->roots_sha256, NULL) == 1);
    EVP_MD_CTX_free(md);
}

static bool read_roots(struct trust *trust, const char *path, EVP_MD_CTX *md, char *error,
                       size_t error_size)
{
    static const char *const pem[] = {".pem", ".crt", NULL};
    struct files files = {0};
    bool ok = true;
    trust->simulated = path != NULL;
    if (path == NULL) {
        trust->roots = attest_roots_builtin();
        ok = trust->roots != NULL ||
             blame("the vendors' keys", "could not be set up", error, error_size);
    } else {
        ok = files_read(&files, path, pem, error, error_size) &&
             parse_roots(trust, &files, path, error, error_size);
    }
    if (ok) {
        digest_files(md, path == NULL ? "builtin" : "roots", &files);
        digest_roots(trust, &files);
    }
    files_free(&files);
    return ok;
}

static bool read_collateral(struct trust *trust, const char *const *paths, size_t path_count,
                            EVP_MD_CTX *md, char *error, size_t error_size)
{
    static const char *const json[] = {".json", NULL};
    struct files files = {0};
    char why[512] = "";
    bool ok = true;
    for (size_t i = 0; ok && i < path_count; ++i)
        ok = files_read(&files, paths[i], json, error, error_size);
    trust->collateral = alloc_array(files.count, sizeof(struct attest_collateral *));
    for (size_t i = 0; ok && i < files.count; ++i) {
        struct attest_collateral *one =
            attest_collateral_parse_with(trust->roots, bytes_of(&files.rows[i]), why, sizeof(why));
        if (one == NULL)
            ok = blame(files.rows[i].path, why, error, error_size);
        else
            trust->collateral[trust->collateral_count++] = one;
        if (one != NULL)
            (void)attest_collateral_prove(one); /* what does not hold, each verdict names */
    }
    if (ok)
        digest_files(md, "collateral", &files);
    files_free(&files);
    return ok;
}

struct trust *trust_read(const char *policy, const char *const *collateral, size_t collateral_count,
                         const char *roots, char *error, size_t error_size)
{
    struct trust *trust = alloc_zeroed(sizeof(*trust));
    atomic_init(&trust->users, 1);
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    must(md != NULL && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1);
    bool ok = read_policy(trust, policy, md, error, error_size) &&
              read_roots(trust, roots, md, error, error_size) &&
              read_collateral(trust, collateral, collateral_count, md, error, error_size);
    must(EVP_DigestFinal_ex(md, trust->digest, NULL) == 1);
    EVP_MD_CTX_free(md);
    if (ok)
        return trust;
    trust_give(trust);
    return NULL;
}

struct trust *trust_take(struct trust *trust)
{
    if (trust != NULL)
        atomic_fetch_add_explicit(&trust->users, 1, memory_order_relaxed);
    return trust;
}

void trust_give(struct trust *trust)
{
    if (trust == NULL || atomic_fetch_sub_explicit(&trust->users, 1, memory_order_acq_rel) > 1)
        return;
    for (size_t i = 0; i < trust->collateral_count; ++i)
        attest_collateral_free(trust->collateral[i]);
    free(trust->collateral);
    if (trust->policy != NULL)
        attest_policy_free(trust->policy);
    if (trust->roots != NULL)
        attest_roots_free(trust->roots);
    free(trust);
}

bool trust_is_simulated(const struct trust *trust)
{
    return trust->simulated;
}

bool trust_has_files(const struct trust *trust)
{
    return trust->collateral_count > 0;
}

const uint8_t *trust_digest(const struct trust *trust)
{
    return trust->digest;
}

bool trust_is_same(const struct trust *one, const struct trust *other)
{
    if (one == NULL || other == NULL)
        return one == other;
    return memcmp(one->digest, other->digest, sizeof(one->digest)) == 0;
}

const uint8_t *trust_roots_digest(const struct trust *trust)
{
    return trust->roots_sha256;
}

const uint8_t *trust_policy_digest(const struct trust *trust)
{
    return trust->policy_sha256;
}

const struct attest_roots *trust_roots(const struct trust *trust)
{
    return trust->roots;
}

size_t trust_collateral(const struct trust *trust,
                        const struct attest_collateral *const **collateral)
{
    *collateral = (const struct attest_collateral *const *)trust->collateral;
    return trust->collateral_count;
}

/* Documents of other roots are another world: theirs is a folder of its own. */
bool trust_store(const struct trust *trust, const struct collateral_options *options,
                 char path[COLLATERAL_STORE_MAX])
{
    char name[2 * 8 + 2] = "";
    if (options->store[0] == '\0')
        return false;
    if (trust->simulated) {
        name[0] = '/';
        for (size_t i = 0; i < 8; ++i)
            snprintf(name + 1 + 2 * i, 3, "%02x", trust->roots_sha256[i]);
    }
    snprintf(path, COLLATERAL_STORE_MAX, "%s%s", options->store, name);
    (void)mkdir(options->store, 0700); /* what is wrong with it, its user says */
    return true;
}

static bool holds(const struct trust *trust, const struct attest_collateral *document, int64_t now)
{
    struct attest_request request = {.roots = trust->roots, .now = now};
    struct attest_verdict verdict = {0};
    struct attest_platform platform = attest_collateral_platform(document);
    platform.brings_leaf = platform.tee == ATTEST_TEE_SNP; /* whichever chip it is of */
    return attest_collateral_holds(document, &request, &platform, &verdict);
}

/* Of AMD's documents the list counts, by when it was issued. Those of several chips have lists of
 * several ages, and the newest of a product is what verdicts stand on. */
static bool has_newer(const struct trust *trust, const struct attest_collateral *document,
                      int64_t now)
{
    struct attest_platform own = attest_collateral_platform(document);
    uint64_t issued = attest_collateral_evaluation(document).tcb;
    for (size_t i = 0; own.tee == ATTEST_TEE_SNP && i < trust->collateral_count; ++i) {
        struct attest_platform its = attest_collateral_platform(trust->collateral[i]);
        if (memcmp(&its, &own, sizeof(own)) == 0 &&
            attest_collateral_evaluation(trust->collateral[i]).tcb > issued &&
            holds(trust, trust->collateral[i], now))
            return true;
    }
    return false;
}

/* A file that does not hold has no say: each verdict names what is wrong with it. */
static bool remember_one(const struct trust *trust, const struct attest_collateral *document,
                         const char *store, int64_t now, char *error, size_t error_size)
{
    struct attest_platform platform = attest_collateral_platform(document);
    struct attest_evaluation evaluation = attest_collateral_evaluation(document);
    return !holds(trust, document, now) || has_newer(trust, document, now) ||
           fetch_remember(store, &platform, &evaluation, error, error_size);
}

/* AMD issues lists often, and renewing one must not turn the file it replaces into a mistake: with
 * endpoints, its files are the beginning and what is fetched goes on from there. */
static bool may_be_replaced(const struct attest_collateral *document,
                            const struct collateral_options *options)
{
    return options->endpoint_count > 0 &&
           attest_collateral_platform(document).tee == ATTEST_TEE_SNP;
}

bool trust_remember(const struct trust *trust, const struct collateral_options *options,
                    int64_t now, char *error, size_t error_size)
{
    char store[COLLATERAL_STORE_MAX];
    bool ok = true;
    if (trust->collateral_count == 0 || !trust_store(trust, options, store))
        return true;
    for (size_t i = 0; ok && i < trust->collateral_count; ++i)
        ok = may_be_replaced(trust->collateral[i], options) ||
             remember_one(trust, trust->collateral[i], store, now, error, error_size);
    return ok;
}

static struct attest_request request_of(const struct grounds *grounds, int64_t now)
{
    return (struct attest_request){
        .roots = grounds->trust->roots,
        .collateral = grounds->collateral,
        .collateral_count = grounds->collateral_count,
        .policy = grounds->trust->policy,
        .now = now,
    };
}

static struct attest_bytes bytes_in(struct span span)
{
    return (struct attest_bytes){(const uint8_t *)span.ptr, span.len};
}

void trust_judge(const struct grounds *grounds, struct span der, int64_t now,
                 struct attest_verdict *verdict)
{
    struct attest_request request = request_of(grounds, now);
    attest_verify_certificate(&request, bytes_in(der), verdict);
}

void trust_judge_answer(const struct grounds *grounds, const struct attester_answer *answered,
                        int64_t now, struct attest_verdict *verdict)
{
    struct attest_request request = request_of(grounds, now);
    struct attest_challenge challenge;
    memcpy(challenge.exporter, answered->exporter, sizeof(challenge.exporter));
    memcpy(challenge.nonce, answered->nonce, sizeof(challenge.nonce));
    attest_verify_answer(&request, bytes_in(answered->certificate), &challenge,
                         bytes_in(answered->answer), verdict);
}
