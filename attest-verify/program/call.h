/* One call of a command that verifies evidence: its options, its files, its moment.
 * Owns what its options named, until call_fini().
 * Never judges: it makes the request that the library is asked with. */
#ifndef AV_CALL_H
#define AV_CALL_H

#include "program/fetching.h"
#include "program/inputs.h"

enum exit_status { EXIT_TRUSTED = 0, EXIT_REFUSED = 1, EXIT_WRONG_CALL = 2 };

enum evidence_kind { EVIDENCE_QUOTE, EVIDENCE_REPORT, EVIDENCE_CERTIFICATE };

struct call {
    const char *command;
    const char *file;
    enum evidence_kind kind;
    int64_t now;
    bool padded;
    bool explain;    /* wanted, in the JSON object */
    bool wants_help; /* instead of anything else */
    struct attest_explanation explanation;
    struct attest_seen seen;
    bool has_seen;
    struct inputs inputs;
    struct fetching fetching;
};

/* Says what was wrong with the call, and which --help to read; returns EXIT_WRONG_CALL. */
int call_is_wrong(const char *command, const char *sentence);

/* Reads options and files; argv[0] is the command. False with a sentence when they are wrong. */
bool call_take(struct call *call, int argc, char **argv, char *error, size_t size);

/* Fetches collateral and consults the store, as the options say. False when the call is wrong. */
bool call_prepare(struct call *call, char *error, size_t size);

/* What kind of evidence a file looks like. */
enum evidence_kind call_guess_kind(const struct call *call);

/* Verifies the evidence; the reason takes into account what went wrong with files and fetching.
 * `policy` is used instead of the call's own when it is not NULL. */
void call_verify(struct call *call, const struct attest_policy *policy,
                 struct attest_verdict *verdict);

void call_fini(struct call *call);

#endif
