#include "ctl/args.h"

#include <stdarg.h>
#include <string.h>

#include "base/span.h"
#include "ctl/amount.h"
#include "ctl/moment.h"

#define SOCKET_DEFAULT "/run/teegate/admin.sock"

struct args {
    struct ctl_call *call;
    const struct ctl_command *commands;
    int argc;
    char **argv;
    int at;
    unsigned operand_count;
    bool options_over; /* behind "--" */
    bool helping;      /* "help" came first: what follows is a command's name */
    char *error;
};

static bool wrong(struct args *args, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool wrong(struct args *args, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    vsnprintf(args->error, ARGS_ERROR_MAX, format, list);
    va_end(list);
    return false;
}

/* --- values ------------------------------------------------------------------------------------
 */

static bool is_number(const char *text, uint64_t least, uint64_t most, int64_t *out)
{
    uint64_t value;
    if (!span_to_u64(span_text(text), most, &value) || value < least)
        return false;
    *out = (int64_t)value;
    return true;
}

static bool is_rate(const char *text, int64_t *out)
{
    size_t len = strlen(text);
    size_t tail = strlen("/min");
    uint64_t value;
    if (len > tail && strcmp(text + len - tail, "/min") == 0)
        len -= tail;
    if (!span_to_u64(span_of(text, len), 60000000, &value))
        return false;
    *out = (int64_t)value;
    return true;
}

static bool is_word(const char *text, const char *words)
{
    size_t len = strlen(text);
    for (struct span rest = span_text(words); rest.len > 0;) {
        struct span word = span_of(rest.ptr, span_find(rest, '|'));
        if (span_is(word, span_of(text, len)))
            return true;
        rest = span_from(rest, word.len + 1);
    }
    return false;
}

static bool read_value(struct args *args, const struct ctl_option *option, struct ctl_value *value,
                       const char *text)
{
    const char *expected = NULL;
    value->text = text;
    switch (option->kind) {
    case OPTION_AMOUNT:
        if (!amount_parse(text, &value->number) || value->number < 0)
            expected = "an amount in credits such as 10 or 0.25, or in micro-credits: 250000ucr";
        break;
    case OPTION_COUNT:
        if (!is_number(text, 0, 1000000, &value->number))
            expected = "a whole number, 0 to 1000000";
        break;
    case OPTION_RATE:
        if (!is_rate(text, &value->number))
            expected = "calls a minute such as 60/min";
        break;
    case OPTION_DAYS:
        if (!is_number(text, 1, 36500, &value->number))
            expected = "days from now, 1 to 36500";
        break;
    case OPTION_DATE:
        if (!moment_parse(text, &value->number, &value->last))
            expected = "a date such as 2026-11-20 or 2026-11-20T10:30:00Z (UTC)";
        break;
    case OPTION_TEXT:
        if (text[0] == '\0' || strlen(text) > 4096)
            expected = "a text of 1 to 4096 bytes";
        break;
    case OPTION_WORD:
        if (!is_word(text, option->value))
            expected = option->value;
        break;
    }
    return expected == NULL ||
           wrong(args, "%s: found '%.200s', expected %s", option->name, text, expected);
}

/* --- options -----------------------------------------------------------------------------------
 */

/* The text behind "=" or the next word; NULL (and said) when there is none. */
static const char *value_text(struct args *args, const char *name, size_t name_len)
{
    const char *word = args->argv[args->at];
    if (word[name_len] == '=')
        return word + name_len + 1;
    if (args->at + 1 < args->argc)
        return args->argv[++args->at];
    wrong(args, "%s needs a value", name);
    return NULL;
}

static bool has_name(const char *word, const char *name, size_t len)
{
    return strlen(name) == len && strncmp(word, name, len) == 0;
}

static bool take_output(struct args *args, const char *text)
{
    if (text == NULL)
        return false;
    if (strcmp(text, "json") != 0 && strcmp(text, "table") != 0)
        return wrong(args, "-o: found '%.100s', expected json or table", text);
    args->call->json = strcmp(text, "json") == 0;
    return true;
}

static bool take_socket(struct args *args, const char *text)
{
    if (text == NULL)
        return false;
    if (text[0] == '\0')
        return wrong(args, "--socket: found nothing, expected a path");
    args->call->socket = text;
    return true;
}

static bool take_own_option(struct args *args, const char *word, size_t len)
{
    const struct ctl_command *command = args->call->command;
    const struct ctl_option *option = command == NULL ? NULL : command->options;
    for (unsigned i = 0; option != NULL && option->name != NULL; ++i, ++option) {
        if (!has_name(word, option->name, len))
            continue;
        must(i < ARGS_OPTIONS_MAX);
        if (args->call->values[i].text != NULL)
            return wrong(args, "%s is given twice", option->name);
        const char *text = value_text(args, option->name, len);
        return text != NULL && read_value(args, option, &args->call->values[i], text);
    }
    return wrong(args, "unknown option '%.100s'", word);
}

static bool take_option(struct args *args)
{
    const char *word = args->argv[args->at];
    size_t len = strcspn(word, "=");
    bool alone = word[len] == '\0';
    if (alone && (has_name(word, "--help", len) || has_name(word, "-h", len)))
        args->call->help = true;
    else if (alone && (has_name(word, "--version", len) || has_name(word, "-V", len)))
        args->call->version = true;
    else if (has_name(word, "--socket", len))
        return take_socket(args, value_text(args, "--socket", len));
    else if (has_name(word, "-o", len) || has_name(word, "--output", len))
        return take_output(args, value_text(args, "-o", len));
    else
        return take_own_option(args, word, len);
    return true;
}

/* --- words -------------------------------------------------------------------------------------
 */

/* Whether `word` is the first of a command's two words. */
static bool starts_a_name(const struct args *args, const char *word)
{
    size_t len = strlen(word);
    for (const struct ctl_command *c = args->commands; c->name != NULL; ++c)
        if (strncmp(c->name, word, len) == 0 && c->name[len] == ' ')
            return true;
    return false;
}

/* Two words before one: "workers evidence" is not "workers" with an operand. */
static const struct ctl_command *find(const struct args *args, const char *first,
                                      const char *second)
{
    for (const struct ctl_command *c = args->commands; c->name != NULL; ++c) {
        size_t len = strcspn(c->name, " ");
        if (c->name[len] == ' ' && second != NULL && strlen(first) == len &&
            strncmp(c->name, first, len) == 0 && strcmp(c->name + len + 1, second) == 0)
            return c;
    }
    for (const struct ctl_command *c = args->commands; c->name != NULL; ++c)
        if (strcmp(c->name, first) == 0)
            return c;
    return NULL;
}

static bool wrong_half(struct args *args, const char *first)
{
    size_t len = strlen(first);
    wrong(args, "'%.40s' is half a command; expected one of:", first);
    for (const struct ctl_command *c = args->commands; c->name != NULL; ++c) {
        size_t used = strlen(args->error);
        if (strncmp(c->name, first, len) == 0 && c->name[len] == ' ')
            snprintf(args->error + used, ARGS_ERROR_MAX - used, "\n  %s %s", c->name, c->operands);
    }
    return false;
}

static bool take_name(struct args *args)
{
    const char *first = args->argv[args->at];
    bool pair = starts_a_name(args, first);
    const char *second = pair && args->at + 1 < args->argc ? args->argv[args->at + 1] : NULL;
    if (strcmp(first, "help") == 0 && !args->helping) {
        args->helping = args->call->help = true;
        return true;
    }
    args->call->command = find(args, first, second);
    if (args->call->command == NULL && pair && (second == NULL || second[0] == '-'))
        return args->call->help || wrong_half(args, first);
    if (args->call->command == NULL)
        return wrong(args, "there is no command '%.100s%s%.100s'", first, second != NULL ? " " : "",
                     second != NULL ? second : "");
    args->at += strchr(args->call->command->name, ' ') != NULL;
    return true;
}

static bool take_word(struct args *args)
{
    const char *word = args->argv[args->at];
    const struct ctl_command *command = args->call->command;
    if (command == NULL)
        return take_name(args);
    if (args->operand_count == command->operand_count)
        return wrong(args, "unexpected '%.100s'", word);
    if (word[0] == '\0')
        return wrong(args, "found an empty word, expected %s", command->operands);
    args->call->operands[args->operand_count++] = word;
    return true;
}

static bool is_option(const struct args *args)
{
    const char *word = args->argv[args->at];
    bool negative = word[0] == '-' && word[1] >= '0' && word[1] <= '9';
    return !args->options_over && word[0] == '-' && word[1] != '\0' && !negative;
}

static bool take(struct args *args)
{
    if (!args->options_over && strcmp(args->argv[args->at], "--") == 0) {
        args->options_over = true;
        return true;
    }
    return is_option(args) ? take_option(args) : take_word(args);
}

static bool is_complete(struct args *args)
{
    const struct ctl_call *call = args->call;
    const struct ctl_command *command = call->command;
    if (call->help || call->version)
        return true;
    if (command == NULL)
        return wrong(args, "no command is given");
    if (args->operand_count < command->operand_count)
        return wrong(args, "expected %s", command->operands);
    for (unsigned i = 0; command->options != NULL && command->options[i].name != NULL; ++i)
        if (command->options[i].required && call->values[i].text == NULL)
            return wrong(args, "%s %s is needed", command->options[i].name,
                         command->options[i].value);
    return true;
}

bool args_parse(struct ctl_call *call, const struct ctl_command *commands, int argc, char **argv,
                char error[ARGS_ERROR_MAX])
{
    struct args args = {
        .call = call, .commands = commands, .argc = argc, .argv = argv, .at = 1, .error = error};
    call->socket = SOCKET_DEFAULT;
    for (; args.at < argc; ++args.at)
        if (!take(&args))
            return false;
    return is_complete(&args);
}

const struct ctl_value *args_value(const struct ctl_call *call, const char *name)
{
    const struct ctl_option *options = call->command->options;
    unsigned i = 0;
    while (options[i].name != NULL && strcmp(options[i].name, name) != 0)
        ++i;
    must(options[i].name != NULL);
    return &call->values[i];
}
