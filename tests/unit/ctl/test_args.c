/* Command lines against the table of commands. */
#include <string.h>

#include "ctl/ctl.h"
#include "unit/checks.h"

enum { WORDS_MAX = 32, LINE_MAX = 1024 };

struct line {
    char text[LINE_MAX];
    char *words[WORDS_MAX];
    struct ctl_call call;
    char error[ARGS_ERROR_MAX];
};

/* Words with one blank between; two blanks are an empty word. */
static bool parse(struct line *line, const char *text)
{
    int count = 0;
    memset(line, 0, sizeof(*line));
    ck_assert_uint_lt(strlen(text), sizeof(line->text));
    memcpy(line->text, text, strlen(text) + 1);
    line->words[count++] = (char *)"teegatectl";
    for (char *at = line->text; at != NULL && text[0] != '\0';) {
        char *blank = strchr(at, ' ');
        line->words[count++] = at;
        if (blank != NULL)
            *blank++ = '\0';
        at = blank;
    }
    return args_parse(&line->call, ctl_commands, count, line->words, line->error);
}

static void good(struct line *line, const char *text, const char *command)
{
    bool parsed = parse(line, text);
    ck_assert_msg(parsed, "%s: %s", text, line->error);
    ck_assert_str_eq(line->call.command->name, command);
}

static void wrong(const char *text, const char *words)
{
    struct line line;
    ck_assert_msg(!parse(&line, text), "%s", text);
    ck_assert_msg(strstr(line.error, words) != NULL, "%s: %s", text, line.error);
}

START_TEST(each_command_is_found_by_its_words_and_takes_its_operands)
{
    for (const struct ctl_command *c = ctl_commands; c->name != NULL; ++c) {
        struct line line;
        char text[LINE_MAX];
        snprintf(text, sizeof(text), "%s%s%s", c->name, c->operand_count > 0 ? " a" : "",
                 c->operand_count > 1 ? " b" : "");
        for (const struct ctl_option *o = c->options; o->name != NULL; ++o)
            if (o->required)
                snprintf(text + strlen(text), sizeof(text) - strlen(text), " %s %.*s", o->name,
                         o->kind == OPTION_WORD ? (int)strcspn(o->value, "|") : 1,
                         o->kind == OPTION_WORD ? o->value : "x");
        good(&line, text, c->name);
        ck_assert_ptr_eq(line.call.command, c);
        if (c->operand_count > 0)
            ck_assert_str_eq(line.call.operands[0], "a");
        if (c->operand_count > 1)
            ck_assert_str_eq(line.call.operands[1], "b");
        snprintf(text + strlen(text), sizeof(text) - strlen(text), " more");
        wrong(text, "unexpected 'more'");
        if (c->operand_count > 0)
            wrong(c->name, c->name[0] == 'w' ? "expected ID" : "expected NAME");
    }
}
END_TEST

START_TEST(options_stand_anywhere_behind_their_command_with_blank_or_equals)
{
    struct line line;
    good(&line, "account create --rate=60/min alice --day 0.5", "account create");
    ck_assert_str_eq(line.call.operands[0], "alice");
    ck_assert_int_eq(args_value(&line.call, "--rate")->number, 60);
    ck_assert_int_eq(args_value(&line.call, "--day")->number, 500000);
    ck_assert_ptr_null(args_value(&line.call, "--month")->text);
    good(&line, "--socket /s -o json account list", "account list");
    ck_assert_str_eq(line.call.socket, "/s");
    ck_assert(line.call.json);
    good(&line, "account list -o=table --socket=/t", "account list");
    ck_assert_str_eq(line.call.socket, "/t");
    ck_assert(!line.call.json);
    good(&line, "workers", "workers");
    good(&line, "workers evidence w1", "workers evidence");
    good(&line, "workers -o json", "workers");
    ck_assert_str_eq(line.call.socket, "/run/teegate/admin.sock");
}
END_TEST

START_TEST(a_negative_amount_is_an_operand_and_what_follows_two_dashes_too)
{
    struct line line;
    good(&line, "credit adjust alice -2.5 --ref r --note n", "credit adjust");
    ck_assert_str_eq(line.call.operands[1], "-2.5");
    good(&line, "account show -- --odd", "account show");
    ck_assert_str_eq(line.call.operands[0], "--odd");
}
END_TEST

START_TEST(values_out_of_form_are_told_what_is_expected)
{
    wrong("account create a --rate 60/s", "60/min");
    wrong("account create a --rate /min", "60/min");
    wrong("account create a --rate 60000001", "60/min");
    wrong("account create a --concurrency -1", "whole number");
    wrong("account create a --concurrency 1000001", "1000000");
    wrong("account create a --day -5", "credits");
    wrong("account create a --day ten", "credits");
    wrong("key mint a --expires 0", "1 to 36500");
    wrong("key mint a --expires 36501", "1 to 36500");
    wrong("spend a --from yesterday", "2026-11-20");
    wrong("spend a --by week", "cid|day|worker");
    wrong("spend a --by cid|day", "cid|day|worker");
    wrong("credit add a 1 --ref ", "1 to 4096");
    wrong("-o xml workers", "json or table");
    wrong("--socket= workers", "a path");
}
END_TEST

START_TEST(the_limits_of_values_are_taken)
{
    struct line line;
    good(&line, "account create a --rate 60000000/min --concurrency 1000000 --burst 0",
         "account create");
    good(&line, "key mint a --expires 1", "key mint");
    good(&line, "key mint a --expires 36500", "key mint");
    ck_assert_int_eq(args_value(&line.call, "--expires")->number, 36500);
}
END_TEST

START_TEST(what_is_unknown_doubled_or_missing_is_said)
{
    wrong("", "no command");
    wrong("account", "half a command");
    wrong("key", "\n  key revoke NAME ID");
    wrong("account --day 1", "half a command");
    wrong("accounts", "no command 'accounts'");
    wrong("account frob", "no command 'account frob'");
    wrong("list account", "no command 'list");
    wrong("acc create a", "no command 'acc");
    wrong("account create a --foo", "unknown option '--foo'");
    wrong("account create a -x", "unknown option '-x'");
    wrong("account create a --da 1", "unknown option '--da'");
    wrong("--day 1 account create a", "unknown option '--day'");
    wrong("account create a --day 1 --day 1", "twice");
    wrong("account create a --day", "needs a value");
    wrong("workers --socket", "needs a value");
    wrong("account show ", "empty word");
    wrong("credit add a 1", "--ref REF is needed");
    wrong("credit adjust a 1 --ref r", "--note TEXT is needed");
}
END_TEST

START_TEST(help_and_version_need_nothing_else)
{
    struct line line;
    ck_assert(parse(&line, "help") && line.call.help && line.call.command == NULL);
    ck_assert(parse(&line, "--help") && line.call.help);
    ck_assert(parse(&line, "-h") && line.call.help);
    ck_assert(parse(&line, "--version") && line.call.version);
    good(&line, "help credit add", "credit add");
    ck_assert(line.call.help);
    good(&line, "credit add --help", "credit add");
    ck_assert(line.call.help);
    ck_assert(parse(&line, "help account") && line.call.help && line.call.command == NULL);
    wrong("help frob", "no command 'frob'");
}
END_TEST

START_TEST(each_command_has_help_with_every_option)
{
    for (const struct ctl_command *c = ctl_commands; c->name != NULL; ++c) {
        char *text = NULL;
        size_t size = 0;
        FILE *out = open_memstream(&text, &size);
        ctl_help(out, c);
        fclose(out);
        ck_assert_ptr_nonnull(strstr(text, c->name));
        ck_assert_ptr_nonnull(strstr(text, "\nExample:\n  teegatectl "));
        for (const struct ctl_option *o = c->options; o->name != NULL; ++o)
            ck_assert_ptr_nonnull(strstr(text, o->help));
        free(text);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {each_command_is_found_by_its_words_and_takes_its_operands,
                                  options_stand_anywhere_behind_their_command_with_blank_or_equals,
                                  a_negative_amount_is_an_operand_and_what_follows_two_dashes_too,
                                  values_out_of_form_are_told_what_is_expected,
                                  the_limits_of_values_are_taken,
                                  what_is_unknown_doubled_or_missing_is_said,
                                  help_and_version_need_nothing_else,
                                  each_command_has_help_with_every_option,
                                  NULL};
    return checks_run("args", tests);
}
