#include "program/call.h"

#include "collateral/chain.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int call_is_wrong(const char *command, const char *sentence)
{
    const char *gap = command[0] != '\0' ? " " : "";
    fprintf(stderr, "attest-verify%s%s: %s\nTry 'attest-verify%s%s --help'.\n", gap, command,
            sentence, gap, command);
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
                                        {"help", no_argument, NULL, 'h'},
                                        {NULL, 0, NULL, 0}};

static bool is_twice(const char *option, char *error, size_t size)
{
    snprintf(error, size, "--%s is given twice; it is taken once", option);
    return false;
}

/* One option. False with a sentence when it is wrong. */
static bool take_option(struct call *call, int option, char *error, size_t size)
{
    switch (option) {
    case 'c':
        return av_inputs_add_collateral(&call->inputs, optarg, error, size);
    case 'p':
        return call->inputs.policy == NULL
                   ? av_inputs_read_policy(&call->inputs, optarg, error, size)
                   : is_twice("policy", error, size);
    case 'r':
        return call->inputs.roots == NULL ? av_inputs_read_roots(&call->inputs, optarg, error, size)
                                          : is_twice("roots", error, size);
    case 't':
        if (parse_time(optarg, &call->now))
            return true;
        snprintf(error, size, "--time takes unix seconds, such as 1750000000, not \"%.80s\"",
                 optarg);
        return false;
    case 'e':
        return av_fetching_add_endpoint(&call->fetching, optarg, error, size);
    case 'f':
        call->fetching.wanted = true;
        return true;
    case 'a':
        call->fetching.ca_file = optarg;
        return true;
    case 's':
        call->fetching.store = optarg;
        return true;
    case 'z':
        call->padded = true;
        return true;
    case 'x':
        call->explain = true;
        return true;
    default: /* 'h' */
        call->wants_help = true;
        return true;
    }
}

static bool take_options(struct call *call, int argc, char **argv, char *error, size_t size)
{
    int option;
    opterr = 0;
    optind = 1;
    while (!call->wants_help && (option = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        if (option == '?' || option == ':') {
            snprintf(error, size, "%.80s: %s", argv[optind - 1],
                     option == ':' ? "a value is missing behind it" : "unknown option");
            return false;
        }
        if (!take_option(call, option, error, size))
            return false;
    }
    return true;
}

bool call_take(struct call *call, int argc, char **argv, char *error, size_t size)
{
    call->command = argv[0];
    call->now = (int64_t)time(NULL);
    if (!take_options(call, argc, argv, error, size))
        return false;
    if (call->wants_help)
        return true;
    if (optind + 1 != argc) {
        snprintf(error, size, "takes exactly one file, %d are given", argc - optind);
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

void call_fini(struct call *call)
{
    av_inputs_fini(&call->inputs);
}

static struct attest_request request_of(const struct call *call)
{
    return (struct attest_request){
        .roots = call->inputs.roots,
        .collateral = (const struct attest_collateral *const *)call->inputs.collateral,
        .collateral_count = call->inputs.collateral_count,
        .policy = call->inputs.policy,
        .now = call->now,
        .padded = call->padded,
        .seen = &call->seen,
        .seen_count = call->has_seen};
}

static struct attest_bytes evidence_of(const struct call *call)
{
    return (struct attest_bytes){.ptr = call->inputs.evidence, .len = call->inputs.evidence_len};
}

/* PEM or DER: PEM certificates begin with a dash, DER ones never do. `der` is to be freed. */
static struct attest_bytes certificate_of(const struct call *call, unsigned char **der)
{
    struct attest_bytes bytes = evidence_of(call);
    struct cursor cursor = av_cursor_over(bytes);
    X509 *certificate = av_pem_take_certificate(&cursor, NULL);
    int len = certificate != NULL ? i2d_X509(certificate, der) : 0;
    if (len > 0)
        bytes = (struct attest_bytes){.ptr = *der, .len = (size_t)len};
    X509_free(certificate);
    return bytes;
}

/* Quotes and reports begin with a version below 256; where a report has the upper half of its
 * version, a quote has its key type. */
enum evidence_kind call_guess_kind(const struct call *call)
{
    struct attest_bytes bytes = evidence_of(call);
    if (bytes.len <= 2 || bytes.ptr[1] != 0)
        return EVIDENCE_CERTIFICATE;
    return bytes.len > 4 && bytes.ptr[2] == 0 ? EVIDENCE_REPORT : EVIDENCE_QUOTE;
}

static bool name_platform(const struct call *call, struct attest_platform *platform,
                          struct attest_verdict *verdict)
{
    struct attest_request request = request_of(call);
    unsigned char *der = NULL;
    enum evidence_kind kind = call_guess_kind(call);
    if (kind == EVIDENCE_REPORT)
        return attest_platform_of_report(&request, evidence_of(call), &call->inputs.snp, platform,
                                         verdict);
    if (kind == EVIDENCE_QUOTE)
        return attest_platform_of_quote(&request, evidence_of(call), platform, verdict);
    bool named =
        attest_platform_of_certificate(&request, certificate_of(call, &der), platform, verdict);
    OPENSSL_free(der);
    return named;
}

/* Evidence that names no platform is not asked for: the verification says what is wrong with it. */
bool call_prepare(struct call *call, char *error, size_t size)
{
    struct attest_platform platform;
    struct attest_verdict verdict;
    struct fetching *fetching = &call->fetching;
    if (!fetching->wanted && fetching->ca_file != NULL) {
        snprintf(error, size, "--fetch-ca goes with --fetch or --fetch-from");
        return false;
    }
    if (!fetching->wanted && fetching->store == NULL)
        return true;
    if (!name_platform(call, &platform, &verdict)) {
        snprintf(fetching->mistake, sizeof fetching->mistake, "nothing was asked for: %s",
                 verdict.detail);
        fetching->reason = verdict.reason;
        return true;
    }
    if (fetching->wanted &&
        !av_fetching_run(fetching, &platform, call->now, &call->inputs, error, size))
        return false;
    call->has_seen = fetching->store != NULL;
    return !call->has_seen || av_fetching_remember(fetching, &platform, call->now, &call->inputs,
                                                   &call->seen, error, size);
}

/* A document that could not be read counts when the verdict missed one. */
static void note_collateral_mistake(const struct call *call, struct attest_verdict *verdict)
{
    if (verdict->reason != ATTEST_COLLATERAL_MISSING)
        return;
    if (call->fetching.wanted && call->fetching.mistake[0] != '\0') {
        verdict->reason = call->fetching.reason;
        snprintf(verdict->detail, sizeof verdict->detail, "%.255s", call->fetching.mistake);
    }
    if (verdict->reason != ATTEST_COLLATERAL_MISSING || call->inputs.collateral_mistake[0] == '\0')
        return;
    verdict->reason = ATTEST_COLLATERAL_MALFORMED;
    snprintf(verdict->detail, sizeof verdict->detail, "%.250s", call->inputs.collateral_mistake);
}

void call_verify(struct call *call, const struct attest_policy *policy,
                 struct attest_verdict *verdict)
{
    struct attest_request request = request_of(call);
    unsigned char *der = NULL;
    request.explanation = &call->explanation;
    if (policy != NULL)
        request.policy = policy;
    if (call->kind == EVIDENCE_QUOTE)
        attest_verify_quote(&request, evidence_of(call), verdict);
    else if (call->kind == EVIDENCE_REPORT)
        attest_verify_report(&request, evidence_of(call), &call->inputs.snp, verdict);
    else
        attest_verify_certificate(&request, certificate_of(call, &der), verdict);
    OPENSSL_free(der);
    note_collateral_mistake(call, verdict);
}
