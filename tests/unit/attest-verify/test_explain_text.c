/* What people read of an explanation: a line a check, dates instead of seconds, no foreign control
 * characters. */
#include "program/explain_text.h"

#include "../checks.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char printed[16 * 1024];

/* What is printed on standard output, which is put back afterwards. */
static void print_explained(const struct attest_verdict *verdict,
                            const struct attest_explanation *explanation)
{
    FILE *file = tmpfile();
    fflush(stdout);
    int kept = dup(STDOUT_FILENO);
    ck_assert(file != NULL && kept >= 0 && dup2(fileno(file), STDOUT_FILENO) >= 0);
    bool ok = av_explain_print("worker.pem", verdict, explanation);
    dup2(kept, STDOUT_FILENO);
    close(kept);
    ck_assert(ok);
    rewind(file);
    printed[fread(printed, 1, sizeof printed - 1, file)] = '\0';
    fclose(file);
}

static void expect_line(const char *line)
{
    ck_assert_msg(strstr(printed, line) != NULL, "no \"%s\" in:\n%s", line, printed);
}

static struct attest_explanation explained(const char *detail)
{
    struct attest_explanation explanation = {0};
    struct attest_check_result *row = &explanation.checks[ATTEST_CHECK_QUOTE];
    row->result = ATTEST_CHECK_FAILED;
    snprintf(row->detail, sizeof row->detail, "%s", detail);
    explanation.checks[ATTEST_CHECK_CERTIFICATE].result = ATTEST_CHECK_NOT_APPLICABLE;
    explanation.checks[ATTEST_CHECK_EVIDENCE].result = ATTEST_CHECK_PASSED;
    return explanation;
}

START_TEST(each_check_that_applies_has_its_line_and_the_verdict_the_last)
{
    struct attest_verdict verdict = {.reason = ATTEST_QUOTE_MALFORMED, .detail = "too short"};
    struct attest_explanation explanation = explained("quote-malformed: too short");
    print_explained(&verdict, &explanation);
    expect_line("passed  evidence            evidence of a known convention");
    expect_line("FAILED  quote               quote-malformed: too short\n");
    expect_line("-       policy              not reached\n");
    expect_line("\nworker.pem: refused, quote-malformed: ");
    expect_line(" (too short)\n");
    ck_assert_ptr_null(strstr(printed, "one whole X.509"));
    size_t lines = 0;
    for (const char *at = printed; *at != '\0'; ++at)
        lines += *at == '\n';
    ck_assert_uint_eq(lines, ATTEST_CHECK_COUNT); /* one does not apply; the verdict has one */
}
END_TEST

START_TEST(the_verdict_says_until_when_it_holds)
{
    struct attest_verdict verdict = {.reason = ATTEST_TRUSTED, .expires = 1750000000};
    struct attest_explanation explanation = explained("");
    print_explained(&verdict, &explanation);
    expect_line("\nworker.pem: trusted until 2025-06-15 15:06:40 UTC\n");
}
END_TEST

START_TEST(seconds_are_dates_and_other_digits_are_left_alone)
{
    static const struct {
        const char *detail, *shown;
    } rows[] = {
        {"ended at 1750000000", "ended at 2025-06-15 15:06:40 UTC\n"},
        {"valid from 1750000000 to 1750000001",
         "2025-06-15 15:06:40 UTC to 2025-06-15 15:06:41 UTC"},
        {"at 1750000000, or 1750000000; 1750000000", "UTC, or 2025-06-15 15:06:40 UTC; 2025"},
        {"mrtd a1750000000", "mrtd a1750000000\n"},
        {"mrtd 1750000000a", "mrtd 1750000000a\n"},
        {"FMSPC 17500000001", "FMSPC 17500000001\n"},
        {"extension 1.2.1750000000", "extension 1.2.1750000000\n"},
        {"extension 1750000000.1", "extension 1750000000.1\n"},
        {"evaluation 20", "evaluation 20\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
        struct attest_verdict verdict = {.reason = ATTEST_INTERNAL};
        struct attest_explanation explanation = explained(rows[i].detail);
        print_explained(&verdict, &explanation);
        expect_line(rows[i].shown);
    }
}
END_TEST

START_TEST(control_characters_of_others_are_not_printed)
{
    struct attest_verdict verdict = {.reason = ATTEST_INTERNAL, .detail = "\033[2J\r\nforged"};
    struct attest_explanation explanation = explained("\033]0;x\007 \200 y\n");
    print_explained(&verdict, &explanation);
    expect_line("?]0;x? ? y?\n");
    expect_line("(?[2J??forged)\n");
    ck_assert_ptr_null(strchr(printed, '\033'));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {each_check_that_applies_has_its_line_and_the_verdict_the_last,
                                  the_verdict_says_until_when_it_holds,
                                  seconds_are_dates_and_other_digits_are_left_alone,
                                  control_characters_of_others_are_not_printed, NULL};
    return checks_run("explain_text", tests);
}
