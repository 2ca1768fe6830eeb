/* Tables and lists for people. */
#include <string.h>

#include "ctl/show.h"
#include "ctl/table.h"
#include "unit/checks.h"

struct paper {
    char *text;
    size_t size;
    FILE *out;
};

static void paper_open(struct paper *paper)
{
    *paper = (struct paper){.text = NULL};
    paper->out = open_memstream(&paper->text, &paper->size);
    ck_assert_ptr_nonnull(paper->out);
}

static void paper_is(struct paper *paper, const char *expected)
{
    fclose(paper->out);
    ck_assert_str_eq(paper->text, expected);
    free(paper->text);
}

START_TEST(columns_are_as_wide_as_their_widest_cell)
{
    struct paper paper;
    struct table table;
    paper_open(&paper);
    table_init(&table, 3);
    table.right[1] = true;
    const char *const cells[] = {"NAME", "N", "NOTE", "a", "1000", "x", "caf\xc3\xa9s", "2", ""};
    for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); ++i)
        ck_assert(table_add(&table, cells[i]));
    table_print(&table, paper.out);
    table_fini(&table);
    paper_is(&paper, "NAME      N  NOTE\n"
                     "a      1000  x\n"
                     "caf\xc3\xa9s     2  \n");
}
END_TEST

START_TEST(what_a_terminal_would_act_on_is_not_printed)
{
    struct paper paper;
    struct table table;
    paper_open(&paper);
    table_init(&table, 1);
    ck_assert(table_add(&table, "\x1b[2J\r\n\t\x7f\xc2\x9b"
                                "31m\xc2\xa0"));
    table_print(&table, paper.out);
    table_fini(&table);
    paper_is(&paper, "?[2J??"
                     "??"
                     "??31m\xc2\xa0\n");
}
END_TEST

START_TEST(a_table_is_full_at_its_last_row)
{
    struct table table;
    table_init(&table, 2);
    for (size_t i = 0; i < (size_t)TABLE_ROWS_MAX * 2; ++i)
        ck_assert(table_add(&table, ""));
    ck_assert(!table_add(&table, ""));
    table_fini(&table);
}
END_TEST

START_TEST(members_are_listed_with_money_and_times_in_words)
{
    struct paper paper;
    cJSON *json = cJSON_Parse(
        "{\"name\":\"alice\",\"balance_ucr\":10250000,\"limits\":{\"day_ucr\":0,\"rate_per_minute\":"
        "60},\"expires_at\":0,\"created_at\":1709251199,\"seen_at_ms\":1709251199999,\"ok\":true,"
        "\"note\":null,\"cids\":[\"a\",\"b\"],\"rows\":[{\"x\":1}],\"half\":0.5,\"empty\":\"\"}");
    paper_open(&paper);
    show_members(paper.out, json);
    cJSON_Delete(json);
    paper_is(&paper, "name                    alice\n"
                     "balance                 10.250000\n"
                     "limits.day              none\n"
                     "limits.rate per minute  60\n"
                     "expires at              never\n"
                     "created at              2024-02-29 23:59:59Z\n"
                     "seen                    2024-02-29 23:59:59Z\n"
                     "ok                      yes\n"
                     "note                    -\n"
                     "cids                    a,b\n"
                     "half                    0.5\n"
                     "empty                   -\n");
}
END_TEST

static const struct show_column columns[] = {
    {"id", "ID"}, {"proof.tee", "TEE"}, {"held_ucr", "HELD"}, {"never", "NEVER"}, {NULL, NULL}};

START_TEST(rows_show_the_columns_that_some_row_has)
{
    struct paper paper;
    cJSON *json = cJSON_Parse("[{\"id\":\"a\",\"proof\":{\"tee\":\"tdx\"},\"held_ucr\":1},"
                              "{\"id\":\"bb\",\"proof\":null,\"other\":5}]");
    paper_open(&paper);
    show_rows(paper.out, json, columns, "none");
    cJSON_Delete(json);
    paper_is(&paper, "ID  TEE      HELD\n"
                     "a   tdx  0.000001\n"
                     "bb  -           -\n");
}
END_TEST

START_TEST(no_rows_are_said_in_words)
{
    static const char *const texts[] = {"[]", "{}", "5", "[{\"other\":1}]"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); ++i) {
        struct paper paper;
        cJSON *json = cJSON_Parse(texts[i]);
        paper_open(&paper);
        show_rows(paper.out, json, columns, "Nothing here.");
        cJSON_Delete(json);
        paper_is(&paper, "Nothing here.\n");
    }
    struct paper paper;
    paper_open(&paper);
    show_rows(paper.out, NULL, columns, "Nothing here.");
    paper_is(&paper, "Nothing here.\n");
}
END_TEST

START_TEST(a_list_too_long_for_its_cell_is_marked)
{
    struct paper paper;
    cJSON *json = cJSON_Parse("{\"cids\":[]}");
    cJSON *list = cJSON_GetObjectItem(json, "cids");
    for (int i = 0; i < 1000; ++i)
        cJSON_AddItemToArray(list, cJSON_CreateString("bafy"));
    paper_open(&paper);
    show_members(paper.out, json);
    cJSON_Delete(json);
    fclose(paper.out);
    ck_assert_uint_lt(paper.size, 1100);
    ck_assert_str_eq(paper.text + paper.size - 6, "y,...\n");
    free(paper.text);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        columns_are_as_wide_as_their_widest_cell, what_a_terminal_would_act_on_is_not_printed,
        a_table_is_full_at_its_last_row,          members_are_listed_with_money_and_times_in_words,
        rows_show_the_columns_that_some_row_has,  no_rows_are_said_in_words,
        a_list_too_long_for_its_cell_is_marked,   NULL};
    return checks_run("show", tests);
}
