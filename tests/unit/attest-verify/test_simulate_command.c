/* `attest-verify simulate` as a command: what it makes, what it keeps and what it refuses. */
#include <config.h> /* nftw() is an extension */

#include "simulate_checks.h"
#include "unit/checks.h"

#include <ftw.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NOW = 1800000000, DAY = 86400, ARGS_MAX = 160 };
#define AT "--time", "1800000000"

/* A folder of this test's own, below the current one, and gone with it. */
struct place {
    char dir[64];
};

static void place_init(struct place *place)
{
    snprintf(place->dir, sizeof place->dir, "simulate-test.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(place->dir));
}

static int remove_one(const char *path, const struct stat *stat, int kind, struct FTW *ftw)
{
    return remove(path);
}

static void place_fini(struct place *place)
{
    nftw(place->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Runs the command on the place with `...`, ended by NULL. */
static int run(const struct place *place, const char *const *args)
{
    char *argv[ARGS_MAX] = {(char *)"simulate"};
    int argc = 1;
    if (place != NULL)
        argv[argc++] = (char *)place->dir;
    for (; *args != NULL; ++args) {
        ck_assert_int_lt(argc, ARGS_MAX - 1);
        argv[argc++] = (char *)*args;
    }
    return simulate_main(argc, argv);
}
#define RUN(place, ...) run(place, (const char *const[]){__VA_ARGS__, NULL})

static struct simulate_bytes read_file(const struct place *place, const char *name)
{
    char path[PATH_MAX], buffer[4096];
    struct simulate_bytes out = {0};
    snprintf(path, sizeof path, "%s/%s", place->dir, name);
    FILE *file = fopen(path, "r");
    ck_assert_msg(file != NULL, "no file %s", name);
    for (size_t n; (n = fread(buffer, 1, sizeof buffer, file)) > 0;)
        simulate_put(&out, buffer, n);
    fclose(file);
    return out;
}

static void write_file(const struct place *place, const char *name, const char *text)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", place->dir, name);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

static bool is_same_file(const struct place *place, const char *name,
                         const struct simulate_bytes *before)
{
    struct simulate_bytes now = read_file(place, name);
    bool same = now.len == before->len && memcmp(now.ptr, before->ptr, now.len) == 0;
    simulate_bytes_fini(&now);
    return same;
}

/* The permission bits, or 0 when there is no such file. */
static unsigned mode_of(const struct place *place, const char *name)
{
    char path[PATH_MAX];
    struct stat found;
    snprintf(path, sizeof path, "%s/%s", place->dir, name);
    return stat(path, &found) == 0 ? found.st_mode & 07777 : 0;
}

static X509 *read_cert(const struct place *place, const char *name)
{
    struct simulate_bytes pem = read_file(place, name);
    STACK_OF(X509) *chain = read_chain(pem.ptr, pem.len);
    ck_assert_int_eq(sk_X509_num(chain), 1);
    X509 *cert = sk_X509_pop(chain);
    sk_X509_free(chain);
    simulate_bytes_fini(&pem);
    return cert;
}

static cJSON *read_json(const struct place *place, const char *name)
{
    struct simulate_bytes text = read_file(place, name);
    cJSON *document = cJSON_ParseWithLength((const char *)text.ptr, text.len);
    ck_assert_ptr_nonnull(document);
    simulate_bytes_fini(&text);
    return document;
}

/* OpenSSL's verdict on the platform of a DICE worker, with the collateral in the place. */
static int judge_worker(const struct place *place, const char *cert_name, int64_t when)
{
    X509 *cert = read_cert(place, cert_name);
    cJSON *document = read_json(place, "collateral/tdx.json");
    struct attest_bytes quote, claims;
    split_dice(cert, &quote, &claims);
    int error = judge_with(document, &quote, when);
    cJSON_Delete(document);
    X509_free(cert);
    return error;
}

START_TEST(one_run_makes_everything_with_secrets_closed)
{
    static const struct {
        const char *name;
        unsigned mode;
    } files[] = {
        {"roots/root.pem", 0644},          {"pki", 0700},
        {"pki/root.key.pem", 0600},        {"pki/platform-ca.key.pem", 0600},
        {"pki/tcb-signing.key.pem", 0600}, {"collateral/sgx.json", 0644},
        {"collateral/tdx.json", 0644},     {"policy.json", 0644},
        {"worker.crt.pem", 0644},          {"worker.key.pem", 0600},
    };
    struct place place;
    place_init(&place);
    mode_t old = umask(0);
    ck_assert_int_eq(RUN(&place, AT), 0);
    umask(old);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; ++i)
        ck_assert_msg(mode_of(&place, files[i].name) == files[i].mode, "%s has mode %o",
                      files[i].name, mode_of(&place, files[i].name));
    ck_assert_int_eq(judge_worker(&place, "worker.crt.pem", NOW), X509_V_OK);
    place_fini(&place);
}
END_TEST

START_TEST(the_key_written_is_the_certificates)
{
    struct place place;
    place_init(&place);
    ck_assert_int_eq(RUN(&place, AT, "--worker", "a"), 0);
    X509 *cert = read_cert(&place, "a.crt.pem");
    struct simulate_bytes pem = read_file(&place, "a.key.pem");
    BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    ck_assert_int_eq(X509_check_private_key(cert, key), 1);
    ck_assert_int_eq(X509_check_host(cert, "localhost", 0, 0, NULL), 1);
    ck_assert_int_eq(X509_check_ip_asc(cert, "127.0.0.1", 0), 1);
    ck_assert_int_eq(X509_check_ip_asc(cert, "::1", 0), 1);
    EVP_PKEY_free(key);
    BIO_free(bio);
    simulate_bytes_fini(&pem);
    X509_free(cert);
    place_fini(&place);
}
END_TEST

START_TEST(a_later_run_keeps_the_vendor_its_workers_and_an_edited_policy)
{
    struct place place;
    place_init(&place);
    ck_assert_int_eq(RUN(&place, AT, "--worker", "a", "--worker", "b"), 0);
    struct simulate_bytes root = read_file(&place, "roots/root.pem");
    struct simulate_bytes a = read_file(&place, "a.crt.pem"), b = read_file(&place, "b.crt.pem");
    write_file(&place, "policy.json", "{\"accept\":[]}\n");
    ck_assert_int_eq(RUN(&place, AT, "--worker", "b", "--host", "x.example"), 0);
    ck_assert(is_same_file(&place, "roots/root.pem", &root));
    ck_assert(is_same_file(&place, "a.crt.pem", &a));
    ck_assert(!is_same_file(&place, "b.crt.pem", &b)); /* renewed */
    struct simulate_bytes policy = read_file(&place, "policy.json");
    ck_assert_uint_eq(policy.len, 14);
    ck_assert_int_eq(judge_worker(&place, "a.crt.pem", NOW), X509_V_OK);
    ck_assert_int_eq(judge_worker(&place, "b.crt.pem", NOW), X509_V_OK);
    simulate_bytes_fini(&policy);
    simulate_bytes_fini(&root);
    simulate_bytes_fini(&a);
    simulate_bytes_fini(&b);
    place_fini(&place);
}
END_TEST

START_TEST(the_revoked_stay_revoked_and_nobody_else_is)
{
    struct place place;
    place_init(&place);
    ck_assert_int_eq(RUN(&place, AT, "--worker", "good"), 0);
    ck_assert_int_eq(RUN(&place, AT, "--worker", "r1", "--variant", "revoked"), 0);
    ck_assert_int_eq(RUN(&place, AT, "--worker", "r2", "--variant", "revoked"), 0);
    ck_assert_int_eq(RUN(&place, AT, "--worker", "later"), 0);
    ck_assert_int_eq(judge_worker(&place, "good.crt.pem", NOW), X509_V_OK);
    ck_assert_int_eq(judge_worker(&place, "r1.crt.pem", NOW), X509_V_ERR_CERT_REVOKED);
    ck_assert_int_eq(judge_worker(&place, "r2.crt.pem", NOW), X509_V_ERR_CERT_REVOKED);
    ck_assert_int_eq(judge_worker(&place, "later.crt.pem", NOW), X509_V_OK);
    place_fini(&place);
}
END_TEST

/* What stands in a DICE worker's evidence. */
struct findings {
    struct soundness sound;
    bool own_key, debug, listed;
    uint8_t component; /* the first of the platform's */
};

static struct findings look_at(const struct place *place, const char *cert_name)
{
    X509 *cert = read_cert(place, cert_name);
    struct attest_bytes quote, claims;
    uint8_t digest[32], mrtd[48];
    split_dice(cert, &quote, &claims);
    struct parts parts = take_apart(quote.ptr, quote.len);
    SHA256(claims.ptr, claims.len, digest);
    ck_assert_mem_eq(parts.body + 520, digest, 32);
    SHA384((const uint8_t *)"teegate simulated agent runtime", 31, mrtd);
    STACK_OF(X509) *chain = read_chain(parts.chain, parts.chain_len);
    const ASN1_OCTET_STRING *sgx = extension_of(sk_X509_value(chain, 0), SGX_OID, 1);
    /* ra-tls a.5: the PPID's entry is 4 + 30 + 2 bytes, then .2's head, then .2.1 with its value */
    static const uint8_t first[] = {0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01,
                                    0x0d, 0x01, 0x02, 0x01, 0x02, 0x01};
    const uint8_t *at = ASN1_STRING_get0_data(sgx);
    while (memcmp(at, first, sizeof first) != 0)
        ++at;
    struct findings findings = {
        .sound = check_quote(quote.ptr, quote.len),
        .own_key = claims_name_key_of(claims, cert),
        .debug = parts.body[120] & 1,
        .listed = memcmp(parts.body + 136, mrtd, 48) == 0,
        .component = at[sizeof first],
    };
    sk_X509_pop_free(chain, X509_free);
    X509_free(cert);
    return findings;
}

START_TEST(each_variant_is_wrong_in_just_what_it_says)
{
    static const struct {
        const char *variant;
        bool bad_signature, other_key, debug, unlisted, outdated;
    } rows[] = {
        {.variant = "good"},
        {.variant = "other-key", .other_key = true},
        {.variant = "debug", .debug = true},
        {.variant = "unlisted", .unlisted = true},
        {.variant = "outdated", .outdated = true},
        {.variant = "revoked"},
        {.variant = "bad-signature", .bad_signature = true},
    };
    struct place place;
    place_init(&place);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; ++i) {
        ck_assert_int_eq(RUN(&place, AT, "--worker", "w", "--variant", rows[i].variant), 0);
        struct findings found = look_at(&place, "w.crt.pem");
        ck_assert_int_eq(found.sound.quote_signature, !rows[i].bad_signature);
        ck_assert(found.sound.qe_signature && found.sound.qe_binding);
        ck_assert_int_eq(found.own_key, !rows[i].other_key);
        ck_assert_int_eq(found.debug, rows[i].debug);
        ck_assert_int_eq(found.listed, !rows[i].unlisted);
        ck_assert_uint_eq(found.component, rows[i].outdated ? 3 : 4);
    }
    place_fini(&place);
}
END_TEST

START_TEST(a_worker_without_evidence_has_an_ordinary_certificate)
{
    struct place place;
    place_init(&place);
    ck_assert_int_eq(RUN(&place, AT, "--variant", "no-evidence"), 0);
    X509 *cert = read_cert(&place, "worker.crt.pem");
    extension_of(cert, DICE_OID, 0);
    extension_of(cert, GRAMINE_OID, 0);
    X509_free(cert);
    place_fini(&place);
}
END_TEST

START_TEST(sgx_workers_speak_both_conventions)
{
    struct place place;
    place_init(&place);
    ck_assert_int_eq(RUN(&place, AT, "--tee", "sgx", "--worker", "d"), 0);
    ck_assert_int_eq(RUN(&place, AT, "--tee", "sgx", "--convention", "gramine", "--worker", "g"),
                     0);
    X509 *dice = read_cert(&place, "d.crt.pem"), *gramine = read_cert(&place, "g.crt.pem");
    struct attest_bytes quote, claims;
    split_dice(dice, &quote, &claims);
    ck_assert_uint_eq(take_apart(quote.ptr, quote.len).version, 3);
    ck_assert(claims_name_key_of(claims, dice));
    const ASN1_OCTET_STRING *raw = extension_of(gramine, GRAMINE_OID, 1);
    ck_assert_uint_eq(
        take_apart(ASN1_STRING_get0_data(raw), (size_t)ASN1_STRING_length(raw)).version, 3);
    X509_free(dice);
    X509_free(gramine);
    place_fini(&place);
}
END_TEST

START_TEST(expired_collateral_ended_as_many_days_ago)
{
    struct place place;
    place_init(&place);
    ck_assert_int_eq(RUN(&place, AT, "--collateral-days", "-2"), 0);
    ck_assert_int_eq(judge_worker(&place, "worker.crt.pem", NOW), X509_V_ERR_CRL_HAS_EXPIRED);
    ck_assert_int_eq(judge_worker(&place, "worker.crt.pem", NOW - 2 * DAY - 1), X509_V_OK);
    cJSON *document = read_json(&place, "collateral/tdx.json");
    cJSON *info = cJSON_Parse(text_member(document, "tcb_info"));
    ck_assert_str_eq(text_member(info, "issueDate"), "2026-12-14T08:00:00Z");
    ck_assert_str_eq(text_member(info, "nextUpdate"), "2027-01-13T08:00:00Z");
    cJSON_Delete(info);
    cJSON_Delete(document);
    place_fini(&place);
}
END_TEST

START_TEST(the_policy_lists_the_good_measurements_and_nothing_else)
{
    struct place place;
    place_init(&place);
    ck_assert_int_eq(RUN(&place, AT), 0);
    cJSON *policy = read_json(&place, "policy.json");
    const cJSON *accept = cJSON_GetObjectItemCaseSensitive(policy, "accept");
    ck_assert_int_eq(cJSON_GetArraySize(policy), 2);
    ck_assert_int_eq(cJSON_GetArraySize(accept), 3);
    char *text = cJSON_PrintUnformatted(cJSON_GetObjectItemCaseSensitive(policy, "tcb"));
    ck_assert_str_eq(text, "{\"accepted_status\":[\"UpToDate\"]}");
    cJSON_free(text);
    const cJSON *mrtd = cJSON_GetObjectItemCaseSensitive(cJSON_GetArrayItem(accept, 0), "mrtd");
    ck_assert_int_eq(cJSON_GetArraySize(mrtd), 1);
    ck_assert_uint_eq(strlen(cJSON_GetStringValue(cJSON_GetArrayItem(mrtd, 0))), 96);
    cJSON_Delete(policy);
    place_fini(&place);
}
END_TEST

START_TEST(wrong_use_is_refused_and_makes_nothing)
{
    static const char name64[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    static const char name65[] =
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    static const char *const rows[][3] = {
        {"--nonsense"},
        {"--variant"},
        {"--variant", "fine"},
        {"--tee", "sev"},
        {"--tee", ""},
        {"--product", "rome"},
        {"--key", "vdek"},
        {"--convention", "dstack9"},
        {"--convention", "gramine"},
        {"--convention", "rats-tls"},
        {"--convention", "open-enclave"},
        {"--worker", ""},
        {"--worker", "../a"},
        {"--worker", ".a"},
        {"--worker", "a b"},
        {"--worker", name65},
        {"--host", "a b"},
        {"--days", "0"},
        {"--days", "3651"},
        {"--days", "1x"},
        {"--days", "99999999999999999999"},
        {"--collateral-days", "0"},
        {"--collateral-days", "-3651"},
        {"--time", "999999999"},
        {"--time", "4102444801"},
        {"second-folder"},
    };
    struct place place;
    place_init(&place);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; ++i)
        ck_assert_msg(run(&place, rows[i]) == 2, "%s %s was taken", rows[i][0],
                      rows[i][1] == NULL ? "" : rows[i][1]);
    ck_assert_uint_eq(mode_of(&place, "pki"), 0);
    ck_assert_int_eq(RUN(NULL, "--tee", "tdx"), 2);
    ck_assert_int_eq(RUN(NULL, ""), 2);
    ck_assert_int_eq(RUN(NULL, "--help"), 0);
    ck_assert_int_eq(RUN(NULL, "--", place.dir, "--tee"), 2);
    ck_assert_int_eq(RUN(&place, "--time", "1000000000", "--days", "3650", "--worker", name64), 0);
    place_fini(&place);
}
END_TEST

START_TEST(sixty_four_workers_and_hosts_fit_and_one_more_does_not)
{
    static const char *const options[] = {"--worker", "--host"};
    struct place place;
    place_init(&place);
    for (size_t which = 0; which < 2; ++which) {
        const char *args[ARGS_MAX] = {"--time", "1800000000"};
        for (size_t i = 0; i < 64; ++i) {
            args[2 + 2 * i] = options[which];
            args[3 + 2 * i] = "a";
        }
        ck_assert_int_eq(run(&place, args), 0);
        args[2 + 2 * 64] = options[which];
        args[3 + 2 * 64] = "a";
        ck_assert_int_eq(run(&place, args), 2);
    }
    place_fini(&place);
}
END_TEST

START_TEST(a_damaged_vendor_is_reported_and_left_as_it_is)
{
    static const char *const parts[] = {"pki/platform-ca.key.pem", "pki/tcb-signing.crt.pem",
                                        "pki/root.key.pem", "roots/root.pem", "pki/revoked.txt"};
    struct place place;
    place_init(&place);
    ck_assert_int_eq(RUN(&place, AT), 0);
    write_file(&place, "pki/revoked.txt", "0A\n");
    struct simulate_bytes worker = read_file(&place, "worker.crt.pem");
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; ++i) {
        struct simulate_bytes saved = read_file(&place, parts[i]);
        simulate_put_byte(&saved, 0);
        write_file(&place, parts[i], "not what belongs here\n");
        ck_assert_msg(RUN(&place, AT) == 2, "a broken %s was taken", parts[i]);
        write_file(&place, parts[i], (const char *)saved.ptr);
        simulate_bytes_fini(&saved);
    }
    struct simulate_bytes signer = read_file(&place, "pki/tcb-signing.key.pem");
    simulate_put_byte(&signer, 0);
    write_file(&place, "pki/platform-ca.key.pem", (const char *)signer.ptr);
    ck_assert_int_eq(RUN(&place, AT), 2); /* the key of another certificate */
    ck_assert(is_same_file(&place, "worker.crt.pem", &worker));
    simulate_bytes_fini(&signer);
    simulate_bytes_fini(&worker);
    place_fini(&place);
}
END_TEST

START_TEST(the_list_of_the_revoked_holds_1024_serials_of_20_bytes_and_no_more)
{
    static const char *const bad[] = {"-0A\n", "\n", "0x1\n",
                                      "0123456789012345678901234567890123456789F\n"};
    struct place place;
    place_init(&place);
    ck_assert_int_eq(RUN(&place, AT), 0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; ++i) {
        write_file(&place, "pki/revoked.txt", bad[i]);
        ck_assert_msg(RUN(&place, AT) == 2, "\"%s\" was taken", bad[i]);
    }
    struct simulate_bytes list = {0};
    for (unsigned i = 0; i < 1023; ++i)
        simulate_put_text(&list, "%040X\n", i + 1);
    simulate_put_byte(&list, 0);
    write_file(&place, "pki/revoked.txt", (const char *)list.ptr);
    ck_assert_int_eq(RUN(&place, AT, "--variant", "revoked"), 0); /* the 1024th */
    ck_assert_int_eq(judge_worker(&place, "worker.crt.pem", NOW), X509_V_ERR_CERT_REVOKED);
    ck_assert_int_eq(RUN(&place, AT, "--variant", "revoked"), 2);
    ck_assert_int_eq(RUN(&place, AT), 0);
    simulate_bytes_fini(&list);
    place_fini(&place);
}
END_TEST

START_TEST(a_vendor_of_another_time_is_refused)
{
    struct place place;
    place_init(&place);
    ck_assert_int_eq(RUN(&place, AT), 0);
    /* the vendor is in force from a year before to twenty years after: of 365 days each */
    ck_assert_int_eq(RUN(&place, "--time", "1768463999"), 2);
    ck_assert_int_eq(RUN(&place, "--time", "1768464000"), 0);
    ck_assert_int_eq(RUN(&place, "--time", "2430719999"), 0);
    ck_assert_int_eq(RUN(&place, "--time", "2430720001"), 2);
    place_fini(&place);
}
END_TEST

START_TEST(a_folder_that_cannot_be_one_is_refused)
{
    struct place place;
    place_init(&place);
    write_file(&place, "file", "");
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/file", place.dir);
    ck_assert_int_eq(RUN(NULL, path), 2);
    snprintf(path, sizeof path, "%s/absent/deeper", place.dir);
    ck_assert_int_eq(RUN(NULL, path), 2);
    write_file(&place, "pki", "");
    ck_assert_int_eq(RUN(&place, AT), 2);
    place_fini(&place);
}
END_TEST

int main(void)
{
    return checks_run("simulate_command",
                      (const TTest *const[]){
                          one_run_makes_everything_with_secrets_closed,
                          the_key_written_is_the_certificates,
                          a_later_run_keeps_the_vendor_its_workers_and_an_edited_policy,
                          the_revoked_stay_revoked_and_nobody_else_is,
                          each_variant_is_wrong_in_just_what_it_says,
                          a_worker_without_evidence_has_an_ordinary_certificate,
                          sgx_workers_speak_both_conventions,
                          expired_collateral_ended_as_many_days_ago,
                          the_policy_lists_the_good_measurements_and_nothing_else,
                          wrong_use_is_refused_and_makes_nothing,
                          sixty_four_workers_and_hosts_fit_and_one_more_does_not,
                          a_damaged_vendor_is_reported_and_left_as_it_is,
                          the_list_of_the_revoked_holds_1024_serials_of_20_bytes_and_no_more,
                          a_vendor_of_another_time_is_refused,
                          a_folder_that_cannot_be_one_is_refused,
                          NULL,
                      });
}
