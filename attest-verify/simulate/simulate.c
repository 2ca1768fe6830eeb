#include "simulate/simulate.h"
#include "simulate/simulate_amd_files.h"
#include "simulate/simulate_order.h"
#include "simulate/simulate_pki.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { OK = 0, WRONG_USE = 2 };
enum { OPTION_HELP = 256 };
enum {
    DAYS_MAX = 3650,
    DAY_S = 86400,
    BACKDATE_S = 3600,
};
static const struct variant variants[] = {
    {.word = "good"},
    {.word = "no-evidence", .no_evidence = true},
    {.word = "other-key", .other_key = true},
    {.word = "debug", .debug = true},
    {.word = "unlisted", .unlisted = true},
    {.word = "outdated", .outdated = true},
    {.word = "revoked", .revoked = true},
    {.word = "bad-signature", .damage = SIMULATE_BAD_QUOTE_SIGNATURE},
};
#define VARIANT_WORDS \
    "good, no-evidence, other-key, debug, unlisted, outdated, revoked, bad-signature"

enum { SGX = 1 << ATTEST_TEE_SGX, TDX = 1 << ATTEST_TEE_TDX, SNP = 1 << ATTEST_TEE_SNP };
static const struct convention conventions[] = {
    {"dice", SIMULATE_DICE, SGX | TDX | SNP},
    {"gramine", SIMULATE_GRAMINE, SGX},
    {"intel", SIMULATE_INTEL, SGX},
    {"rats-tls", SIMULATE_RATS_TLS, SGX},
    {"open-enclave", SIMULATE_OPEN_ENCLAVE, SGX},
    {"dstack", SIMULATE_DSTACK, TDX},
    {"dstack8", SIMULATE_DSTACK8, TDX | SNP},
    {"dstack8-v0", SIMULATE_DSTACK8_V0, TDX | SNP},
    {"attested-tls", SIMULATE_ATTESTED_TLS, TDX},
    {"attested-tls8", SIMULATE_ATTESTED_TLS8, TDX},
};
#define CONVENTION_WORDS                                                          \
    "dice, gramine, intel, rats-tls, open-enclave, dstack, dstack8, dstack8-v0, " \
    "attested-tls, attested-tls8"

static const char usage[] =
    "usage: attest-verify simulate DIR [options]\n"
    "       attest-verify simulate quote --pki DIR --report-data HEX --out FILE [options]\n"
    "Makes a simulated TEE vendor in DIR, its collateral, a policy, and workers' RA-TLS\n"
    "certificates. Nothing of it is genuine: a verifier accepts it only with --roots DIR/roots.\n"
    "  --worker NAME          a certificate NAME.crt.pem and key NAME.key.pem (repeatable; worker)\n"
    "  --tee tdx|sgx|snp      what the workers pretend to run in (tdx)\n"
    "  --product P            of snp: milan, genoa or turin (milan)\n"
    "  --key vcek|vlek        of snp: the chip's own key, or its cloud's (vcek)\n"
    "  --convention C         how the certificate carries the quote (dice):\n"
    "                         " CONVENTION_WORDS "\n"
    "                         gramine, intel, rats-tls and open-enclave are sgx only,\n"
    "                         dstack and attested-tls tdx only, dstack's envelopes tdx and snp\n"
    "  --host NAME-OR-IP      a subject alternative name (repeatable; localhost, 127.0.0.1, ::1)\n"
    "  --days N               life of the certificate, 1 to 3650 (30)\n"
    "  --collateral-days N    life of the collateral; negative: expired N days ago (30)\n"
    "  --time UNIX            the present, in unix seconds (the clock's)\n"
    "  --variant V            what is wrong with these workers (good):\n"
    "                         " VARIANT_WORDS "\n";

/* --- the command line --- */

bool simulate_parse_number(const char *option, const char *text, long long min, long long max,
                           long long *value)
{
    char *end = NULL;
    errno = 0;
    *value = strtoll(text, &end, 10);
    if (errno == 0 && end != text && *end == '\0' && *value >= min && *value <= max)
        return true;
    return simulate_complain("--%s: found \"%s\"; allowed is a whole number from %lld to %lld",
                             option, text, min, max);
}

/* A worker's name is a file's name too. */
bool simulate_is_worker_name(const char *name)
{
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");
    return len > 0 && len <= NAME_MAX_LEN && name[len] == '\0' && name[0] != '.' && name[0] != '-';
}

static bool add_worker(struct order *order, const char *name)
{
    if (!simulate_is_worker_name(name))
        return simulate_complain(
            "--worker: found \"%s\"; allowed are 1 to %d letters, digits, '.', "
            "'_' and '-', beginning with a letter, digit or '_'",
            name, NAME_MAX_LEN);
    if (order->worker_count == WORKERS_MAX)
        return simulate_complain("--worker: at most %d are allowed in one run; run it again for "
                                 "the rest",
                                 WORKERS_MAX);
    order->workers[order->worker_count++] = name;
    return true;
}

static bool add_host(struct order *order, const char *host)
{
    if (!simulate_is_host(host))
        return simulate_complain("--host: found \"%s\"; allowed is a DNS name or an IP address",
                                 host);
    if (order->host_count == HOSTS_MAX)
        return simulate_complain("--host: at most %d are allowed", HOSTS_MAX);
    order->hosts[order->host_count++] = host;
    return true;
}

bool simulate_set_variant(struct order *order, const char *word)
{
    for (size_t i = 0; i < sizeof variants / sizeof variants[0]; ++i) {
        if (strcmp(variants[i].word, word) == 0) {
            order->variant = &variants[i];
            return true;
        }
    }
    return simulate_complain("--variant: found \"%s\"; allowed are " VARIANT_WORDS, word);
}

bool simulate_set_convention(struct order *order, const char *word)
{
    for (size_t i = 0; i < sizeof conventions / sizeof conventions[0]; ++i) {
        if (strcmp(conventions[i].word, word) == 0) {
            order->convention = &conventions[i];
            return true;
        }
    }
    return simulate_complain("--convention: found \"%s\"; allowed are " CONVENTION_WORDS, word);
}

bool simulate_set_tee(struct order *order, const char *word)
{
    static const enum attest_tee tees[] = {ATTEST_TEE_TDX, ATTEST_TEE_SGX, ATTEST_TEE_SNP};
    for (size_t i = 0; i < sizeof tees / sizeof *tees; ++i) {
        if (strcmp(word, attest_tee_word(tees[i])) == 0) {
            order->tee = tees[i];
            return true;
        }
    }
    return simulate_complain("--tee: found \"%s\"; allowed are tdx, sgx and snp", word);
}

/* Sets 0 or 1: which of two words was given. */
static bool parse_choice(const char *option, const char *text, const char *zero, const char *one,
                         int *choice)
{
    *choice = strcmp(text, one) == 0;
    return *choice == 1 || strcmp(text, zero) == 0 ||
           simulate_complain("--%s: found \"%s\"; allowed are %s and %s", option, text, zero, one);
}

static bool take_option(struct order *order, int option, const char *value)
{
    int choice = 0;
    bool ok = true;
    switch (option) {
    case 'w':
        return add_worker(order, value);
    case 'h':
        return add_host(order, value);
    case 'v':
        return simulate_set_variant(order, value);
    case 't':
        return simulate_set_tee(order, value);
    case 'p':
        return simulate_set_product(order, value);
    case 'k':
        ok = parse_choice("key", value, "vcek", "vlek", &choice);
        order->vlek = choice == 1;
        return ok;
    case 'c':
        return simulate_set_convention(order, value);
    case 'n':
        return simulate_parse_number("time", value, SIMULATE_TIME_MIN, SIMULATE_TIME_MAX,
                                     &order->now);
    case 'd':
        return simulate_parse_number("days", value, 1, DAYS_MAX, &order->days);
    default:
        ok = simulate_parse_number("collateral-days", value, -DAYS_MAX, DAYS_MAX,
                                   &order->collateral_days);
        return ok && (order->collateral_days != 0 ||
                      simulate_complain("--collateral-days: found 0; allowed are 1 and more days "
                                        "from now, or -1 and less for expired ones"));
    }
}

static bool check_order(struct order *order)
{
    static const char *const local_hosts[] = {"localhost", "127.0.0.1", "::1"};
    if (order->dir == NULL || order->dir[0] == '\0')
        return simulate_complain("DIR is missing; name the folder to make, as in `attest-verify "
                                 "simulate DIR`");
    unsigned tees = order->convention->tees;
    if ((tees & 1u << order->tee) == 0)
        return simulate_complain(
            "--convention %s carries %s only; add --tee %s or use --convention "
            "dice",
            order->convention->word,
            tees == SGX   ? "SGX quotes"
            : tees == TDX ? "TDX quotes"
                          : "TDX quotes and SEV-SNP reports",
            tees == SGX ? "sgx" : "tdx");
    if (order->worker_count == 0)
        order->workers[order->worker_count++] = "worker";
    for (size_t i = 0; order->host_count == 0 && i < 3; ++i)
        order->hosts[i] = local_hosts[i];
    if (order->host_count == 0)
        order->host_count = 3;
    return true;
}

static const struct option long_options[] = {
    {"worker", required_argument, NULL, 'w'},     {"tee", required_argument, NULL, 't'},
    {"product", required_argument, NULL, 'p'},    {"key", required_argument, NULL, 'k'},
    {"convention", required_argument, NULL, 'c'}, {"host", required_argument, NULL, 'h'},
    {"days", required_argument, NULL, 'd'},       {"collateral-days", required_argument, NULL, 'e'},
    {"time", required_argument, NULL, 'n'},       {"variant", required_argument, NULL, 'v'},
    {"help", no_argument, NULL, OPTION_HELP},     {NULL, 0, NULL, 0},
};

/* Returns -1 to go on, else the exit status. */
static int parse_arguments(int argc, char **argv, struct order *order)
{
    int option;
    optind = 0; /* glibc: start afresh, whoever used getopt before */
    opterr = 0;
    while ((option = getopt_long(argc, argv, ":", long_options, NULL)) != -1) {
        if (option == OPTION_HELP) {
            fputs(usage, stdout);
            return OK;
        }
        if (option == '?' || option == ':') {
            simulate_complain("%s: %s; `attest-verify simulate --help` lists the options",
                              argv[optind - 1],
                              option == ':' ? "a value is missing" : "there is no such option");
            return WRONG_USE;
        }
        if (!take_option(order, option, optarg))
            return WRONG_USE;
    }
    if (argc - optind > 1) {
        simulate_complain("found a second folder \"%s\"; one DIR is allowed", argv[optind + 1]);
        return WRONG_USE;
    }
    order->dir = argv[optind]; /* NULL when there is none */
    return check_order(order) ? -1 : WRONG_USE;
}

/* --- the work --- */

static EVP_PKEY *new_key(const struct order *order)
{
    return order->convention->convention == SIMULATE_RATS_TLS ? simulate_rsa_key_new()
                                                              : simulate_key_new();
}

struct simulate_quote_options simulate_order_quote(const struct order *order)
{
    const struct variant *variant = order->variant;
    struct simulate_quote_options options = simulate_quote_default(order->tee);
    options.damage = variant->damage;
    if (variant->debug)
        simulate_quote_set_debug(&options);
    if (variant->unlisted)
        simulate_quote_set_unlisted(&options);
    return options;
}

struct simulate_platform simulate_order_platform(const struct order *order, const char *name)
{
    struct simulate_platform platform = simulate_platform_default(name, order->now);
    if (order->variant->outdated)
        platform.components[0] = platform.components[1] = 3; /* old microcode */
    return platform;
}

/* The quote of this worker, bound to `key` or, as variant, to one that nobody has. */
static struct simulate_bytes make_quote(const struct order *order, struct simulate_folder *folder,
                                        const struct simulate_identity *pck, EVP_PKEY *key,
                                        const char *name, struct simulate_bytes *claims)
{
    struct simulate_quote_options options = simulate_order_quote(order);
    EVP_PKEY *other = order->variant->other_key ? new_key(order) : NULL;
    simulate_bind_key(order->convention->convention, other != NULL ? other : key, &options, claims);
    if (simulate_binds_life(order->convention->convention))
        simulate_bind_life(other != NULL ? other : key, name, order->now - BACKDATE_S,
                           order->now + order->days * DAY_S, &options);
    EVP_PKEY_free(other);
    return simulate_quote(&folder->vendor, pck, &options);
}

static bool write_pair(struct simulate_folder *folder, const char *name, EVP_PKEY *key, X509 *cert)
{
    char path[NAME_MAX_LEN + 16];
    snprintf(path, sizeof path, "%s.key.pem", name);
    if (!simulate_folder_write_key(folder, path, key))
        return false;
    snprintf(path, sizeof path, "%s.crt.pem", name);
    return simulate_folder_write_cert(folder, path, cert);
}

X509 *simulate_order_certificate(const struct order *order, const char *name, EVP_PKEY *key,
                                 const struct simulate_bytes *quote,
                                 const struct simulate_bytes *claims,
                                 const struct simulate_report_evidence *report)
{
    return simulate_certificate(key, &(struct simulate_certificate_options){
                                         .name = name,
                                         .hosts = order->hosts,
                                         .host_count = order->host_count,
                                         .not_before = order->now - BACKDATE_S,
                                         .not_after = order->now + order->days * DAY_S,
                                         .convention = order->variant->no_evidence
                                                           ? SIMULATE_NO_EVIDENCE
                                                           : order->convention->convention,
                                         .quote = quote,
                                         .claims = claims,
                                         .report = report,
                                     });
}

/* Of Intel's TEEs: the platform's PCK goes into the quote, and is kept nowhere else. */
static bool certify(const struct order *order, struct simulate_folder *folder, const char *name,
                    EVP_PKEY *key, X509 **cert)
{
    struct simulate_platform platform = simulate_order_platform(order, name);
    struct simulate_identity pck = simulate_pck(&folder->vendor, &platform);
    if (order->variant->revoked && !simulate_folder_revoke(folder, pck.cert)) {
        simulate_identity_fini(&pck);
        return false;
    }
    struct simulate_bytes claims = {0};
    struct simulate_bytes quote = make_quote(order, folder, &pck, key, name, &claims);
    *cert = simulate_order_certificate(order, name, key, &quote, &claims, NULL);
    simulate_identity_fini(&pck);
    simulate_bytes_fini(&quote);
    simulate_bytes_fini(&claims);
    return true;
}

static bool make_worker(const struct order *order, struct simulate_folder *folder, const char *name)
{
    EVP_PKEY *key = new_key(order);
    X509 *cert = NULL;
    bool ok = order->tee == ATTEST_TEE_SNP ? simulate_amd_worker(order, folder, name, key, &cert)
                                           : certify(order, folder, name, key, &cert);
    ok = ok && write_pair(folder, name, key, cert) && simulate_note_worker(folder, name, order);
    X509_free(cert);
    EVP_PKEY_free(key);
    return ok;
}

/* Written by every run, so that it is fresh and knows every revocation. */
static bool write_collateral(const struct order *order, struct simulate_folder *folder,
                             enum attest_tee tee, const char *name)
{
    int64_t issued = order->now - BACKDATE_S;
    int64_t next_update = order->now + order->collateral_days * DAY_S;
    if (order->collateral_days < 0)
        issued = next_update - 30 * DAY_S;
    struct simulate_collateral_options options =
        simulate_collateral_default(tee, issued, next_update);
    options.revoked = folder->revoked;
    struct simulate_bytes document = simulate_collateral(&folder->vendor, &options);
    bool ok = simulate_folder_write(folder, name, &document, false);
    simulate_bytes_fini(&document);
    return ok;
}

/* Written once: an operator may have narrowed it since. */
static bool write_policy(struct simulate_folder *folder)
{
    if (simulate_folder_has(folder, "policy.json"))
        return true;
    struct simulate_bytes policy = simulate_policy();
    bool ok = simulate_folder_write(folder, "policy.json", &policy, false);
    simulate_bytes_fini(&policy);
    return ok;
}

static bool carry_out(const struct order *order)
{
    struct simulate_folder folder;
    bool ok = simulate_folder_open(&folder, order->dir, order->now);
    for (size_t i = 0; ok && i < order->worker_count; ++i)
        ok = make_worker(order, &folder, order->workers[i]);
    ok = ok && write_collateral(order, &folder, ATTEST_TEE_SGX, "collateral/sgx.json") &&
         write_collateral(order, &folder, ATTEST_TEE_TDX, "collateral/tdx.json") &&
         simulate_amd_collateral(order, &folder) && write_policy(&folder);
    simulate_folder_close(&folder);
    return ok;
}

struct order simulate_order_default(void)
{
    return (struct order){
        .variant = &variants[0],
        .tee = ATTEST_TEE_TDX,
        .convention = &conventions[0],
        .now = (long long)time(NULL),
        .days = 30,
        .collateral_days = 30,
    };
}

int simulate_main(int argc, char **argv)
{
    struct order order = simulate_order_default();
    if (argc > 1 && strcmp(argv[1], "quote") == 0)
        return simulate_quote_main(argc - 1, argv + 1);
    int status = parse_arguments(argc, argv, &order);
    if (status != -1)
        return status;
    return carry_out(&order) ? OK : WRONG_USE;
}
