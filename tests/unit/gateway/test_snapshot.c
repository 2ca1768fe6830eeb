/* A configuration and the files it names, made in a folder of the test's own, built as the gateway
 * does at start and at reload. */
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "gateway/snapshot.h"
#include "unit/checks.h"

#define RAW       "bafkreic54ytcxlwwgforuven5ckv6lqzc6vrjxqwedqtd4sejiydg4rlie"
#define RAW_UPPER "BAFKREIC54YTCXLWWGFORUVEN5CKV6LQZC6VRJXQWEDQTD4SEJIYDG4RLIE"

static const char *const names[] = {"teegate.yaml", "policy.json", "cert.pem", "key.pem",
                                    "other.pem"};

struct folder {
    char path[32];
    char error[CONFIG_ERROR_MAX];
};

static const char *in(const struct folder *folder, const char *name, char *out)
{
    snprintf(out, 96, "%s/%s", folder->path, name);
    return out;
}

static void write_text(const struct folder *folder, const char *name, const char *text)
{
    char path[96];
    FILE *file = fopen(in(folder, name, path), "w");
    ck_assert(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
}

static void write_key(const struct folder *folder, const char *name, EVP_PKEY *key)
{
    char path[96];
    FILE *file = fopen(in(folder, name, path), "w");
    ck_assert(file != NULL);
    ck_assert_int_eq(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
    fclose(file);
}

static void write_certificate(const struct folder *folder, EVP_PKEY *key)
{
    char path[96];
    X509 *certificate = X509_new();
    ck_assert(X509_set_version(certificate, X509_VERSION_3) == 1);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                               (const unsigned char *)"gate.test", -1, -1, 0);
    ck_assert(X509_set_issuer_name(certificate, X509_get_subject_name(certificate)) == 1);
    ck_assert(X509_set_pubkey(certificate, key) == 1);
    ck_assert_int_gt(X509_sign(certificate, key, EVP_sha256()), 0);
    FILE *file = fopen(in(folder, "cert.pem", path), "w");
    ck_assert(file != NULL && PEM_write_X509(file, certificate) == 1);
    fclose(file);
    X509_free(certificate);
}

static void folder_init(struct folder *folder)
{
    snprintf(folder->path, sizeof(folder->path), "snapshot-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder->path));
    EVP_PKEY *key = EVP_EC_gen("P-256");
    EVP_PKEY *other = EVP_EC_gen("P-256");
    write_certificate(folder, key);
    write_key(folder, "key.pem", key);
    write_key(folder, "other.pem", other);
    write_text(folder, "policy.json", "{\"accept\": []}");
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
}

static void folder_fini(struct folder *folder)
{
    char path[96];
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); ++i)
        unlink(in(folder, names[i], path));
    ck_assert_int_eq(rmdir(folder->path), 0);
}

/* What differs from a configuration that is sound; NULL: nothing. */
struct parts {
    const char *key;     /* of the second listener */
    const char *workers; /* a list */
    const char *policy;
    const char *agents; /* rows besides "*" */
};

static struct snapshot *build(struct folder *folder, const struct parts *parts,
                              const struct snapshot *older)
{
    char text[2048];
    char path[96];
    snprintf(text, sizeof(text),
             "listen:\n"                                                             /* 1 */
             "  - address: 127.0.0.1:0\n"                                            /* 2 */
             "  - {address: '127.0.0.1:0', tls: {certificate: cert.pem, key: %s}}\n" /* 3 */
             "pools:\n"                                                              /* 4 */
             "  demo:\n"                                                             /* 5 */
             "    workers: %s\n"                                                     /* 6 */
             "    attestation: {policy: %s}\n"                                       /* 7 */
             "agents:\n"                                                             /* 8 */
             "  '*': {pool: demo, price: {call: 7}}\n%s",                            /* 9 */
             parts->key != NULL ? parts->key : "key.pem",
             parts->workers != NULL ? parts->workers : "['https://127.0.0.1:9000']",
             parts->policy != NULL ? parts->policy : "policy.json",
             parts->agents != NULL ? parts->agents : "");
    write_text(folder, "teegate.yaml", text);
    struct config *config = config_read(in(folder, "teegate.yaml", path), folder->error);
    ck_assert_msg(config != NULL, "%s", folder->error);
    folder->error[0] = '\0';
    return snapshot_build(config, older, folder->error, sizeof(folder->error));
}

/* Refused with the line and every one of `words`, and nothing built. */
static void refuses(const struct parts *parts, const char *line, const char *const *words)
{
    struct folder folder;
    folder_init(&folder);
    ck_assert_ptr_null(build(&folder, parts, NULL));
    ck_assert_msg(strstr(folder.error, "teegate.yaml:") != NULL, "%s", folder.error);
    ck_assert_msg(strstr(folder.error, line) != NULL, "no %s in: %s", line, folder.error);
    for (; *words != NULL; ++words)
        ck_assert_msg(strstr(folder.error, *words) != NULL, "no %s in: %s", *words, folder.error);
    folder_fini(&folder);
}

#define WORDS(...)        \
    (const char *const[]) \
    {                     \
        __VA_ARGS__, NULL \
    }

START_TEST(what_is_sound_is_built_whole)
{
    struct folder folder;
    struct cid cid;
    folder_init(&folder);
    struct snapshot *snapshot =
        build(&folder, &(struct parts){.agents = "  '" RAW "': {pool: demo}\n"}, NULL);
    ck_assert_msg(snapshot != NULL, "%s", folder.error);
    ck_assert(snapshot->tls[0] == NULL && snapshot->tls[1] != NULL && snapshot->tls[2] == NULL);
    const struct pool_facts *pool = registry_pool(snapshot->registry, "demo");
    ck_assert_ptr_nonnull(pool);
    ck_assert_uint_eq(pool->worker_count, 1);
    ck_assert_str_eq(pool->path_template, "/ipfs/{cid}{rest}");
    ck_assert(!trust_is_simulated(pool->trust));
    ck_assert(cid_parse(SPAN_OF(RAW_UPPER), &cid));
    const struct agent *agent = agents_find(&snapshot->agents->agents, &cid);
    ck_assert(agent != NULL && !agent->any && agent->price.call_pcr == 0);
    cid.bytes[cid.len - 1] ^= 1;
    agent = agents_find(&snapshot->agents->agents, &cid);
    ck_assert(agent != NULL && agent->any && agent->price.call_pcr == 7000000);
    snapshot_give(snapshot);
    folder_fini(&folder);
}
END_TEST

START_TEST(a_worker_that_stays_keeps_its_load_and_the_older_snapshot_its_own)
{
    struct folder folder;
    folder_init(&folder);
    struct snapshot *older = build(&folder, &(struct parts){.key = NULL}, NULL);
    ck_assert_msg(older != NULL, "%s", folder.error);
    const char *workers = "['https://127.0.0.1:9001', 'https://127.0.0.1:9000']";
    struct snapshot *newer = build(&folder, &(struct parts){.workers = workers}, older);
    ck_assert_msg(newer != NULL, "%s", folder.error);
    const struct pool_facts *before = registry_pool(older->registry, "demo");
    const struct pool_facts *now = registry_pool(newer->registry, "demo");
    ck_assert_ptr_eq(now->workers[1].load, before->workers[0].load);
    ck_assert_ptr_ne(now->workers[0].load, before->workers[0].load);
    ck_assert_ptr_eq(snapshot_take(older), older);
    snapshot_give(older);
    ck_assert_uint_eq(before->worker_count, 1); /* still there: one user is left */
    snapshot_give(older);
    ck_assert(worker_load_take(now->workers[1].load, 1));
    worker_load_give(now->workers[1].load);
    snapshot_give(newer);
    folder_fini(&folder);
}
END_TEST

START_TEST(a_missing_or_foreign_key_is_refused_with_the_listeners_line)
{
    refuses(&(struct parts){.key = "none.pem"}, ":3:", WORDS("listen.tls", "none.pem"));
    refuses(&(struct parts){.key = "other.pem"}, ":3:", WORDS("listen.tls", "other.pem"));
    refuses(&(struct parts){.key = "key.pem}}\n  - {address: '127.0.0.1:0', "
                                   "tls: {certificate: none.pem, key: key.pem"},
            ":4:", WORDS("listen.tls", "none.pem"));
    refuses(&(struct parts){.key = "key.pem}}\n  - {address: '127.0.0.1:0', "
                                   "tls: {certificate: key.pem, key: key.pem"},
            ":4:", WORDS("listen.tls", "key.pem"));
}
END_TEST

START_TEST(a_pool_without_a_sound_policy_is_refused_with_its_line)
{
    refuses(&(struct parts){.policy = "none.json"}, ":5:", WORDS("attestation", "none.json"));
    refuses(&(struct parts){.policy = "key.pem"}, ":5:", WORDS("attestation", "key.pem"));
    refuses(&(struct parts){.policy = "policy.json, collateral: none"},
            ":5:", WORDS("attestation", "none"));
    refuses(&(struct parts){.policy = "policy.json, roots: key.pem"},
            ":5:", WORDS("attestation", "key.pem"));
}
END_TEST

START_TEST(a_worker_that_cannot_be_reached_as_written_is_refused_with_its_line)
{
    refuses(&(struct parts){.workers = "['http://127.0.0.1:9000']"},
            ":6:", WORDS("worker", "http"));
    refuses(&(struct parts){.workers = "['https://worker.example:1']"},
            ":6:", WORDS("worker", "worker.example"));
    refuses(&(struct parts){.workers = "['https://127.0.0.1:1',\n       'https://127.0.0.1:1']"},
            ":7:", WORDS("worker", "127.0.0.1"));
}
END_TEST

START_TEST(an_agent_stands_once_whatever_its_spelling)
{
    refuses(
        &(struct parts){.agents = "  '" RAW "': {pool: demo}\n  '" RAW_UPPER "': {pool: demo}\n"},
        ":11:", WORDS("agents", "another spelling"));
    refuses(&(struct parts){.agents = "  '*': {pool: demo}\n"}, ":10:", WORDS("agents"));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        what_is_sound_is_built_whole,
        a_worker_that_stays_keeps_its_load_and_the_older_snapshot_its_own,
        a_missing_or_foreign_key_is_refused_with_the_listeners_line,
        a_pool_without_a_sound_policy_is_refused_with_its_line,
        a_worker_that_cannot_be_reached_as_written_is_refused_with_its_line,
        an_agent_stands_once_whatever_its_spelling,
        NULL,
    };
    return checks_run("snapshot", tests);
}
