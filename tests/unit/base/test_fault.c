#include "base/fault.h"

#include <ctype.h>
#include <string.h>

#include "unit/checks.h"

START_TEST(a_word_is_its_name_in_lower_kebab_case)
{
    for (enum fault fault = FAULT_NONE; fault < FAULT_COUNT; ++fault) {
        const struct fault_row *row = fault_row(fault);
        ck_assert_uint_eq(strlen(row->name), strlen(row->word));
        for (size_t i = 0; row->name[i] != '\0'; ++i) {
            char expected = row->name[i] == '_' ? '-' : (char)tolower((unsigned char)row->name[i]);
            ck_assert_msg(row->word[i] == expected, "%s: %s", row->name, row->word);
        }
        ck_assert_str_eq(fault_word(fault), row->word);
    }
}
END_TEST

START_TEST(no_two_faults_share_a_word)
{
    for (enum fault a = FAULT_NONE; a < FAULT_COUNT; ++a)
        for (enum fault b = a + 1; b < FAULT_COUNT; ++b)
            ck_assert_str_ne(fault_word(a), fault_word(b));
}
END_TEST

START_TEST(every_fault_has_a_status_of_an_error_and_a_title)
{
    ck_assert_int_eq(fault_row(FAULT_NONE)->status, 200);
    for (enum fault fault = FAULT_NONE + 1; fault < FAULT_COUNT; ++fault) {
        const struct fault_row *row = fault_row(fault);
        ck_assert_msg(row->status >= 400 && row->status <= 599, "%s", row->name);
        ck_assert_msg(strlen(row->title) > 5, "%s", row->name);
        ck_assert_msg(strpbrk(row->title, "\"\\<>&\n") == NULL, "%s", row->name);
    }
}
END_TEST

START_TEST(only_what_is_free_may_be_tried_elsewhere)
{
    /* Tried elsewhere means certainly not processed: then there is nothing to charge. */
    for (enum fault fault = FAULT_NONE; fault < FAULT_COUNT; ++fault)
        if (fault_row(fault)->elsewhere == ELSEWHERE_ANOTHER)
            ck_assert_int_eq(fault_row(fault)->charge, CHARGE_FREE);
}
END_TEST

START_TEST(whose_it_is_has_a_word)
{
    ck_assert_str_eq(fault_whose_word(WHOSE_CALLER), "caller");
    ck_assert_str_eq(fault_whose_word(WHOSE_MONEY), "money");
    ck_assert_str_eq(fault_whose_word(WHOSE_AGENT), "agent");
    ck_assert_str_eq(fault_whose_word(WHOSE_WORKER), "worker");
    ck_assert_str_eq(fault_whose_word(WHOSE_ATTESTATION), "attestation");
    ck_assert_str_eq(fault_whose_word(WHOSE_GATEWAY), "gateway");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_word_is_its_name_in_lower_kebab_case,
                                  no_two_faults_share_a_word,
                                  every_fault_has_a_status_of_an_error_and_a_title,
                                  only_what_is_free_may_be_tried_elsewhere,
                                  whose_it_is_has_a_word,
                                  NULL};
    return checks_run("fault", tests);
}
