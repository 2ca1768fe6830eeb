/* The program attest-verify: reads files and the clock, asks the library, prints one JSON object.
 */
#include "attest_verify.h"
#include "collateral/chain.h"
#include "program/fetching.h"
#include "program/inputs.h"
#include "program/print.h"
#include "program/receipt.h"
#include "program/verdict_json.h"
#include "simulate/simulate.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum exit_status { EXIT_TRUSTED = 0, EXIT_REFUSED = 1, EXIT_WRONG_CALL = 2 };

static const char usage[] =
    "Usage: attest-verify COMMAND [options] FILE\n"
    "\n"
    "Decides whether attestation evidence of a TEE is to be trusted, and says why.\n"
    "\n"
    "Commands\n"
    "  quote FILE      verify a bare quote: SGX version 3, TDX version 4 and 5\n"
    "  snp FILE        verify a bare SEV-SNP report: version 2 to 5, of Milan, Genoa and Turin, signed\n"
    "                  by VCEK or VLEK\n"
    "  cert FILE       verify the evidence in an RA-TLS certificate (PEM or DER) and that it binds\n"
    "                  the certificate's key: interoperable RA-TLS (TCG DICE), Gramine, Intel,\n"
    "                  rats-tls, Open Enclave, dstack with its event log\n"
    "  explain quote|cert FILE  the same with --explain\n"
    "  policy FILE     draft a policy from the quote, report or certificate of a good worker\n"
    "  receipt FILE    verify a gateway's receipt of a call, offline;\n"
    "                  'attest-verify receipt --help' lists its own options\n"
    "  simulate DIR    make a simulated TEE vendor, collateral and workers' certificates, for tests;\n"
    "                  'attest-verify simulate --help' lists its own options\n"
    "\n"
    "Options\n"
    "  --collateral FILE|DIR  the vendor's signed documents and revocation lists, one JSON object\n"
    "                         for each FMSPC and TEE; of a directory, every *.json, and for a\n"
    "                         SEV-SNP report AMD's leaf.der, ica.der, ark.der and crl.der. Repeatable\n"
    "  --policy FILE          what you trust. Without one nobody is trusted, but all is checked\n"
    "  --time UNIX            verify as of this time instead of now\n"
    "  --roots DIR            trust the certificates of DIR (*.pem, *.crt) instead of the vendors'\n"
    "                         own keys. For testing only\n"
    "  --fetch                get collateral from Intel's service, once the quote's certificate chain\n"
    "                         has been verified\n"
    "  --fetch-from URL       get it from this PCS or PCCS instead; repeatable, asked in order\n"
    "  --fetch-ca FILE        PEM: who may have signed the TLS certificates of those services\n"
    "  --store DIR            keep what was fetched, use it until its nextUpdate, and refuse whatever\n"
    "                         is older than what was seen\n"
    "  --padded               zero bytes may follow a quote or report, as some kernels hand it out\n"
    "  --explain              add \"checks\": each check in order, with what was compared\n"
    "  --help, --version\n"
    "\n"
    "Prints one JSON object: verdict (trusted or refused), reason, detail, tee, tcb_status,\n"
    "advisories, tcb_date, fmspc, measurements, report_data, expires. Times are unix seconds.\n"
    "\n"
    "A policy accepts what it lists, as hex in the order of the quote's bytes:\n"
    "  {\"accept\": [{\"tee\": \"tdx\", \"mrtd\": [\"aa08..\"], \"rtmr1\": [\"5e1b..\"]},\n"
    "              {\"tee\": \"tdx\", \"mrtd\": [\"aa08..\"], \"compose_hash\": [\"c2c2..\"]},\n"
    "              {\"tee\": \"sgx\", \"mrenclave\": [\"91dd..\"], \"isvsvn_min\": 2},\n"
    "              {\"tee\": \"snp\", \"measurement\": [\"5fee..\"], \"guest_svn_min\": 2}],\n"
    "   \"tcb\": {\"accepted_status\": [\"UpToDate\"], \"advisories_denied\": [],\n"
    "           \"min_tcb_date\": \"2025-05-14\", \"min_evaluation_number\": 19,\n"
    "           \"max_collateral_age_s\": 2592000},\n"
    "   \"platform\": {\"fmspc\": [], \"ppid_sha256\": [], \"piid\": [], \"chip_id\": []},\n"
    "   \"snp\": {\"crl\": \"required\", \"min_tcb\": {\"milan\": {\"snp\": 24}}, \"min_version\": 3},\n"
    "   \"allow_debug\": false}\n"
    "\n"
    "Exit status: 0 trusted, 1 refused, 2 the call itself was wrong.\n"
    "\n"
    "Example: attest-verify cert worker.pem --collateral collateral/ --policy policy.json\n";

struct call {
    const char *file;
    int64_t now;
    bool padded, explain;
    struct attest_explanation *explanation;
    struct inputs inputs;
    struct fetching fetching;
};

static int wrong_call(const char *sentence)
{
    fprintf(stderr, "attest-verify: %s\nTry 'attest-verify --help'.\n", sentence);
    return EXIT_WRONG_CALL;
}

static bool parse_time(const char *text, int64_t *out)
{
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    *out = value;
    return errno == 0 && end != text && *end == '\0' && value >= 0;
}

/* One option. False with a sentence when it is wrong. */
static bool take_option(struct call *call, int option, char *error, size_t size)
{
    switch (option) {
    case 'c':
        return av_inputs_add_collateral(&call->inputs, optarg, error, size);
    case 'p':
        if (call->inputs.policy == NULL)
            return av_inputs_read_policy(&call->inputs, optarg, error, size);
        break;
    case 'r':
        if (call->inputs.roots == NULL)
            return av_inputs_read_roots(&call->inputs, optarg, error, size);
        break;
    case 't':
        if (parse_time(optarg, &call->now))
            return true;
        snprintf(error, size, "--time takes unix seconds, not \"%s\"", optarg);
        return false;
    case 'z':
        call->padded = true;
        return true;
    case 'f':
        call->fetching.wanted = true;
        return true;
    case 'e':
        return av_fetching_add_endpoint(&call->fetching, optarg, error, size);
    case 'a':
        call->fetching.ca_file = optarg;
        return true;
    case 's':
        call->fetching.store = optarg;
        return true;
    case 'x':
        call->explain = true;
        return true;
    default:
        snprintf(error, size, "unknown option, or an option without its value");
        return false;
    }
    snprintf(error, size, "an option is given twice");
    return false;
}

static bool take_arguments(struct call *call, int argc, char **argv, char *error, size_t size)
{
    static const struct option options[] = {{"collateral", required_argument, NULL, 'c'},
                                            {"policy", required_argument, NULL, 'p'},
                                            {"roots", required_argument, NULL, 'r'},
                                            {"time", required_argument, NULL, 't'},
                                            {"padded", no_argument, NULL, 'z'},
                                            {"fetch", no_argument, NULL, 'f'},
                                            {"fetch-from", required_argument, NULL, 'e'},
                                            {"fetch-ca", required_argument, NULL, 'a'},
                                            {"store", required_argument, NULL, 's'},
                                            {"explain", no_argument, NULL, 'x'},
                                            {NULL, 0, NULL, 0}};
    int option;
    opterr = 0;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
        if (!take_option(call, option, error, size))
            return false;
    if (optind + 1 != argc) {
        snprintf(error, size, "%s takes exactly one file", argv[0]);
        return false;
    }
    call->file = argv[optind];
    if (call->inputs.roots != NULL)
        fprintf(stderr, "attest-verify: trusting the given roots instead of the vendors': "
                        "this is for testing only\n");
    else
        call->inputs.roots = attest_roots_builtin();
    return av_inputs_read_evidence(&call->inputs, call->file, error, size);
}

static struct attest_request request_of(const struct call *call)
{
    return (struct attest_request){
        .roots = call->inputs.roots,
        .collateral = (const struct attest_collateral *const *)call->inputs.collateral,
        .collateral_count = call->inputs.collateral_count,
        .policy = call->inputs.policy,
        .now = call->now,
        .explanation = call->explain ? call->explanation : NULL,
        .padded = call->padded};
}

static int print_json(cJSON *json)
{
    const char *wrong;
    return av_print_json(json, &wrong) ? 0 : wrong_call(wrong);
}

/* PEM or DER: PEM certificates begin with a dash, DER ones never do. `der` is to be freed. */
static struct attest_bytes certificate_of(const struct call *call, unsigned char **der)
{
    struct attest_bytes bytes = {.ptr = call->inputs.evidence, .len = call->inputs.evidence_len};
    struct cursor cursor = av_cursor_over(bytes);
    X509 *certificate = av_pem_take_certificate(&cursor);
    int len = certificate != NULL ? i2d_X509(certificate, der) : 0;
    if (len > 0)
        bytes = (struct attest_bytes){.ptr = *der, .len = (size_t)len};
    X509_free(certificate);
    return bytes;
}

static void verify_certificate(const struct call *call, struct attest_verdict *verdict)
{
    struct attest_request request = request_of(call);
    unsigned char *der = NULL;
    attest_verify_certificate(&request, certificate_of(call, &der), verdict);
    OPENSSL_free(der);
}

static void verify_quote(const struct call *call, struct attest_verdict *verdict)
{
    struct attest_bytes bytes = {.ptr = call->inputs.evidence, .len = call->inputs.evidence_len};
    struct attest_request request = request_of(call);
    attest_verify_quote(&request, bytes, verdict);
}

static bool is_quote(const struct call *call)
{
    return call->inputs.evidence_len > 2 && call->inputs.evidence[1] == 0;
}

/* Evidence that names no platform is not asked for: the verification says what is wrong with it. */
static bool fetch_if_wanted(struct call *call, char *error, size_t size)
{
    struct attest_request request = request_of(call);
    struct attest_bytes quote = {.ptr = call->inputs.evidence, .len = call->inputs.evidence_len};
    struct attest_platform platform;
    struct attest_verdict verdict;
    unsigned char *der = NULL;
    if (!call->fetching.wanted) {
        snprintf(error, size, "--store and --fetch-ca go with --fetch or --fetch-from");
        return call->fetching.store == NULL && call->fetching.ca_file == NULL;
    }
    bool named = is_quote(call) ? attest_platform_of_quote(&request, quote, &platform, &verdict)
                                : attest_platform_of_certificate(
                                      &request, certificate_of(call, &der), &platform, &verdict);
    OPENSSL_free(der);
    if (named)
        return av_fetching_run(&call->fetching, &platform, call->now, &call->inputs, error, size);
    snprintf(call->fetching.mistake, sizeof call->fetching.mistake, "nothing was asked for: %s",
             verdict.detail);
    call->fetching.reason = verdict.reason;
    return true;
}

static void verify_report(const struct call *call, struct attest_verdict *verdict)
{
    struct attest_bytes bytes = {.ptr = call->inputs.evidence, .len = call->inputs.evidence_len};
    struct attest_request request = request_of(call);
    attest_verify_report(&request, bytes, &call->inputs.snp, verdict);
}

/* A document that could not be read counts when the verdict missed one. */
static void note_collateral_mistake(const struct call *call, struct attest_verdict *verdict)
{
    if (verdict->reason == ATTEST_COLLATERAL_MISSING && call->fetching.wanted &&
        verdict->tee == ATTEST_TEE_SNP) {
        snprintf(verdict->detail, sizeof verdict->detail,
                 "AMD's certificates are not fetched: give them with --collateral");
    } else if (verdict->reason == ATTEST_COLLATERAL_MISSING && call->fetching.mistake[0] != '\0') {
        verdict->reason = call->fetching.reason;
        snprintf(verdict->detail, sizeof verdict->detail, "%.255s", call->fetching.mistake);
    }
    if (verdict->reason != ATTEST_COLLATERAL_MISSING || verdict->tee == ATTEST_TEE_SNP ||
        call->inputs.collateral_mistake[0] == '\0')
        return;
    verdict->reason = ATTEST_COLLATERAL_MALFORMED;
    snprintf(verdict->detail, sizeof verdict->detail, "%.250s", call->inputs.collateral_mistake);
}

static int report(const struct call *call, struct attest_verdict *verdict)
{
    note_collateral_mistake(call, verdict);
    cJSON *json = av_verdict_to_json(verdict);
    if (call->explain && json != NULL) {
        cJSON *checks = av_explanation_to_json(call->explanation);
        if (checks == NULL || !cJSON_AddItemToObject(json, "checks", checks)) {
            cJSON_Delete(json);
            json = NULL;
        }
    }
    int status = print_json(json);
    return status != 0 ? status : attest_is_trusted(verdict) ? EXIT_TRUSTED : EXIT_REFUSED;
}

static int run_quote(const struct call *call)
{
    struct attest_verdict verdict;
    verify_quote(call, &verdict);
    return report(call, &verdict);
}

static int run_snp(const struct call *call)
{
    struct attest_verdict verdict;
    verify_report(call, &verdict);
    return report(call, &verdict);
}

static int run_cert(const struct call *call)
{
    struct attest_verdict verdict;
    verify_certificate(call, &verdict);
    return report(call, &verdict);
}

/* Drafts from what the vendor vouches for. Without collateral nobody does, and it says so. */
static int run_policy(const struct call *call)
{
    struct attest_verdict verdict;
    bool is_report = is_quote(call) && call->inputs.evidence_len > 4 &&
                     call->inputs.evidence[2] == 0; /* where a quote has its key type */
    if (is_report)
        verify_report(call, &verdict);
    else if (is_quote(call))
        verify_quote(call, &verdict);
    else
        verify_certificate(call, &verdict);
    bool genuine = verdict.reason == ATTEST_POLICY_MISSING || attest_is_trusted(&verdict);
    bool unchecked = verdict.reason == ATTEST_COLLATERAL_MISSING &&
                     call->inputs.collateral_count == 0 && call->inputs.snp.leaf.len == 0 &&
                     call->inputs.collateral_mistake[0] == '\0' && !call->fetching.wanted;
    if (!genuine && !unchecked)
        return report(call, &verdict);
    if (unchecked)
        fprintf(stderr, "attest-verify: no collateral given: whether this evidence is genuine has "
                        "not been checked\n");
    else if (verdict.tcb_status != NULL && strcmp(verdict.tcb_status, "UpToDate") != 0)
        fprintf(stderr,
                "attest-verify: this worker's TCB status is %s; the draft accepts UpToDate "
                "only\n",
                verdict.tcb_status);
    return print_json(av_verdict_draft_policy(&verdict));
}

/* Commands on one file of evidence. */
static const struct {
    const char *name;
    int (*run)(const struct call *call);
} evidence_commands[] = {
    {"quote", run_quote}, {"snp", run_snp}, {"cert", run_cert}, {"policy", run_policy}};

static int run_evidence_command(int (*run)(const struct call *call), bool explain, int argc,
                                char **argv)
{
    char error[1024];
    struct attest_explanation explanation = {0};
    struct call call = {
        .now = (int64_t)time(NULL), .explain = explain, .explanation = &explanation};
    int status = take_arguments(&call, argc, argv, error, sizeof error) &&
                         fetch_if_wanted(&call, error, sizeof error)
                     ? run(&call)
                     : wrong_call(error);
    av_inputs_fini(&call.inputs);
    return status;
}

/* Commands that read their arguments themselves. */
static int print_help(int argc, char **argv)
{
    return fputs(usage, stdout) < 0 ? EXIT_WRONG_CALL : EXIT_SUCCESS;
}

static int print_version(int argc, char **argv)
{
    return puts("attest-verify " ATTEST_VERSION) < 0 ? EXIT_WRONG_CALL : EXIT_SUCCESS;
}

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} other_commands[] = {
    {"simulate", simulate_main}, {"receipt", av_receipt_main}, {"--help", print_help},
    {"help", print_help},        {"--version", print_version},
};

int main(int argc, char **argv)
{
    bool explain = argc > 2 && strcmp(argv[1], "explain") == 0;
    if (explain) {
        ++argv;
        --argc;
    }
    const char *name = argc > 1 ? argv[1] : "";
    for (size_t i = 0; i < sizeof evidence_commands / sizeof *evidence_commands; ++i)
        if (strcmp(evidence_commands[i].name, name) == 0)
            return run_evidence_command(evidence_commands[i].run, explain, argc - 1, argv + 1);
    for (size_t i = 0; !explain && i < sizeof other_commands / sizeof *other_commands; ++i)
        if (strcmp(other_commands[i].name, name) == 0)
            return other_commands[i].run(argc - 1, argv + 1);
    return wrong_call(argc > 1 ? "there is no such command" : "which command?");
}
