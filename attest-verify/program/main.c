/* The program attest-verify: reads files and the clock, asks the library, prints one JSON object.
 */
#include "program/call.h"
#include "program/explain_text.h"
#include "program/policy_command.h"
#include "program/print.h"
#include "program/receipt.h"
#include "program/usage.h"
#include "program/verdict_json.h"
#include "simulate/simulate.h"

#include <stdio.h>
#include <string.h>

static int report(struct call *call)
{
    struct attest_verdict verdict;
    call_verify(call, NULL, &verdict);
    cJSON *json = av_verdict_to_json(&verdict);
    if (call->explain && json != NULL) {
        cJSON *checks = av_explanation_to_json(&call->explanation);
        if (checks == NULL || !cJSON_AddItemToObject(json, "checks", checks)) {
            cJSON_Delete(json);
            json = NULL;
        }
    }
    int status = av_print_json(call->command, json);
    return status != 0 ? status : attest_is_trusted(&verdict) ? EXIT_TRUSTED : EXIT_REFUSED;
}

static int run_quote(struct call *call)
{
    call->kind = EVIDENCE_QUOTE;
    return report(call);
}

static int run_snp(struct call *call)
{
    call->kind = EVIDENCE_REPORT;
    return report(call);
}

static int run_cert(struct call *call)
{
    call->kind = EVIDENCE_CERTIFICATE;
    return report(call);
}

static int explain(struct call *call)
{
    struct attest_verdict verdict;
    call_verify(call, NULL, &verdict);
    if (!av_explain_print(call->file, &verdict, &call->explanation))
        return call_is_wrong(call->command, "cannot write to standard output");
    return attest_is_trusted(&verdict) ? EXIT_TRUSTED : EXIT_REFUSED;
}

static int run_explain(struct call *call)
{
    call->kind = call_guess_kind(call);
    return explain(call);
}

/* Commands on one file of evidence. */
static const struct {
    const char *name;
    int (*run)(struct call *call);
    enum evidence_kind kind; /* as a word behind "explain" */
    bool is_kind;
} commands[] = {{"quote", run_quote, EVIDENCE_QUOTE, true},
                {"snp", run_snp, EVIDENCE_REPORT, true},
                {"cert", run_cert, EVIDENCE_CERTIFICATE, true},
                {"explain", run_explain, EVIDENCE_CERTIFICATE, false},
                {"policy", av_policy_command, EVIDENCE_CERTIFICATE, false}};

enum { COMMAND_COUNT = sizeof commands / sizeof *commands };

static int run_command(struct call *call, int (*run)(struct call *call), int argc, char **argv)
{
    char error[1024];
    bool ok = call_take(call, argc, argv, error, sizeof error);
    int status = !ok                ? call_is_wrong(argv[0], error)
                 : call->wants_help ? (av_usage_print(argv[0]) ? 0 : EXIT_WRONG_CALL)
                 : call_prepare(call, error, sizeof error) ? run(call)
                                                           : call_is_wrong(argv[0], error);
    call_fini(call);
    return status;
}

/* "explain cert FILE": the second word says what the file is, and the rest reads on from there. */
static int run_explain_of(int argc, char **argv)
{
    struct call call = {0};
    for (size_t i = 0; argc > 1 && i < COMMAND_COUNT; ++i)
        if (commands[i].is_kind && strcmp(commands[i].name, argv[1]) == 0) {
            call.kind = commands[i].kind;
            argv[1] = argv[0];
            return run_command(&call, explain, argc - 1, argv + 1);
        }
    return run_command(&call, run_explain, argc, argv);
}

static int help(int argc, char **argv)
{
    if (argc > 2)
        return call_is_wrong("", "help takes one command");
    if (argc == 2 && strcmp(argv[1], "simulate") == 0) {
        char option[] = "--help";
        char *words[] = {argv[1], option, NULL};
        return simulate_main(2, words);
    }
    if (av_usage_print(argc == 2 ? argv[1] : NULL))
        return 0;
    return call_is_wrong("", "there is no such command to help with");
}

static int version(int argc, char **argv)
{
    return puts("attest-verify " ATTEST_VERSION) < 0 ? EXIT_WRONG_CALL : EXIT_TRUSTED;
}

/* Commands that read their arguments themselves. */
static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} other_commands[] = {
    {"explain", run_explain_of},
    {"receipt", av_receipt_main},
    {"simulate", simulate_main},
    {"--help", help},
    {"-h", help},
    {"help", help},
    {"--version", version},
};

int main(int argc, char **argv)
{
    char sentence[160];
    struct call call = {0};
    if (argc < 2)
        return call_is_wrong(
            "", "which command? cert, quote, snp, explain, policy, receipt or simulate");
    for (size_t i = 0; i < sizeof other_commands / sizeof *other_commands; ++i)
        if (strcmp(other_commands[i].name, argv[1]) == 0)
            return other_commands[i].run(argc - 1, argv + 1);
    for (size_t i = 0; i < COMMAND_COUNT; ++i)
        if (strcmp(commands[i].name, argv[1]) == 0)
            return run_command(&call, commands[i].run, argc - 1, argv + 1);
    snprintf(sentence, sizeof sentence,
             "there is no such command: \"%.40s\"; there are cert, quote, snp, explain, policy, "
             "receipt and simulate",
             argv[1]);
    return call_is_wrong("", sentence);
}
