/* The words of a command line against the table of commands.
 * A call owns nothing: its texts are argv's. It never guesses: an unknown option, one given twice,
 * a value out of form or an operand too many is a sentence. */
#ifndef CTL_ARGS_H
#define CTL_ARGS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/must.h"

enum { ARGS_OPERANDS_MAX = 2, ARGS_OPTIONS_MAX = 8, ARGS_ERROR_MAX = 512 };

enum option_kind {
    OPTION_AMOUNT, /* of money, 0 or more */
    OPTION_COUNT,  /* a whole number */
    OPTION_RATE,   /* "60" or "60/min" */
    OPTION_DAYS,   /* 1 to 36500 */
    OPTION_DATE,   /* number: its first ms, last: its last ms */
    OPTION_TEXT,
    OPTION_WORD /* one of `value`, with bars between: "cid|day" */
};

struct ctl_option {
    const char *name; /* with its dashes; NULL ends a list */
    enum option_kind kind;
    const char *value;  /* shown in help */
    const char *member; /* of the request's JSON, when it goes there as it is */
    const char *help;
    bool required;
};

struct ctl_value {
    const char *text; /* NULL: not given */
    int64_t number;
    int64_t last;
};

struct ctl_call;

struct ctl_command {
    const char *name;     /* "account create" */
    const char *operands; /* "NAME AMOUNT" */
    unsigned operand_count;
    const struct ctl_option *options;
    const char *summary;
    const char *text;    /* more, for help; whole lines */
    const char *example; /* whole lines */
    int (*run)(struct ctl_call *call);
};

struct ctl_call {
    const struct ctl_command *command; /* NULL: none named */
    const char *operands[ARGS_OPERANDS_MAX];
    struct ctl_value values[ARGS_OPTIONS_MAX]; /* in the order of the command's options */
    const char *socket;
    bool json;
    bool help;
    bool version;
    FILE *out;
    FILE *err;
};

/* Fills `call` (zeroed but for out and err) from argv[1] on; `commands` ends with a NULL name.
 * False and a sentence for wrong use; `call->command` is then the command meant, if it is known. */
MUST_USE bool args_parse(struct ctl_call *call, const struct ctl_command *commands, int argc,
                         char **argv, char error[ARGS_ERROR_MAX]);
/* The value of the option named so, of this command's: a name that is not there is a bug. */
const struct ctl_value *args_value(const struct ctl_call *call, const char *name);

#endif
