#include "ctl/ledger.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "ctl/commands.h"
#include "ctl/show.h"

/* --- reports -----------------------------------------------------------------------------------
 */

void ledger_report_problem(struct ledger_report *report, const char *account, const char *format,
                           ...)
{
    char sentence[LEDGER_SENTENCE_MAX];
    va_list args;
    if (++report->problem_count > LEDGER_PROBLEMS_SHOWN_MAX)
        return;
    va_start(args, format);
    vsnprintf(sentence, sizeof(sentence), format, args);
    va_end(args);
    cJSON *problem = cJSON_CreateObject();
    bool made =
        problem != NULL &&
        (account[0] == '\0' || cJSON_AddStringToObject(problem, "account", account) != NULL) &&
        cJSON_AddStringToObject(problem, "problem", sentence) != NULL &&
        cJSON_AddItemToArray(report->problems, problem);
    must(made);
}

static void note_file_problem(void *owner, const char *sentence)
{
    ledger_report_problem(owner, "", "%s", sentence);
}

static void note_account_problem(void *owner, const char *account, const char *sentence)
{
    ledger_report_problem(owner, account, "%s", sentence);
}

static void note_entry(void *owner, const struct ledger_line *line)
{
    struct ledger_report *report = owner;
    struct ledger_fact fact = ledger_fact_of(line);
    char account[LEDGER_NAME_MAX + 1] = "";
    memcpy(account, line->account.ptr, line->account.len);
    switch (ledger_book_add(report->book, &fact)) {
    case LEDGER_NEW:
        if (report->entry != NULL)
            report->entry(report->owner, line);
        break;
    case LEDGER_REPEATED:
        ++report->repeated;
        break;
    case LEDGER_RENUMBERED:
        ++report->renumbered;
        break;
    case LEDGER_OTHER:
        ledger_report_problem(
            report, account,
            "%.*s %.*s stands with two amounts; the later one is %" PRId64 " micro-credits",
            (int)line->kind.len, line->kind.ptr, (int)line->id.len, line->id.ptr, line->value_ucr);
        break;
    case LEDGER_FULL:
        if (report->problem_count < LEDGER_PROBLEMS_SHOWN_MAX)
            ledger_report_problem(report, account, "there are more than %d entries: read fewer",
                                  LEDGER_ENTRIES_MAX);
        break;
    }
}

static void add_number(cJSON *json, const char *name, double value)
{
    must(cJSON_AddNumberToObject(json, name, value) != NULL);
}

static void add_sums(const struct ledger_report *report, const struct ledger_reader *reader)
{
    int64_t charged = 0, credited = 0;
    for (size_t i = 0; i < ledger_book_accounts(report->book); ++i) {
        charged += ledger_book_account(report->book, i)->charged_ucr;
        credited += ledger_book_account(report->book, i)->credited_ucr;
    }
    add_number(report->json, "gateways", (double)reader->gateways);
    add_number(report->json, "files", (double)reader->files);
    add_number(report->json, "entries", (double)ledger_book_entries(report->book));
    add_number(report->json, "repeated", (double)report->repeated);
    add_number(report->json, "renumbered", (double)report->renumbered);
    add_number(report->json, "accounts", (double)ledger_book_accounts(report->book));
    add_number(report->json, "credited_ucr", (double)credited);
    add_number(report->json, "charged_ucr", (double)charged);
}

int ledger_report_init(struct ledger_report *report, struct ctl_call *call)
{
    char error[LEDGER_SENTENCE_MAX];
    struct ledger_reader reader = {
        .entry = note_entry, .problem = note_file_problem, .owner = report};
    report->call = call;
    report->book = ledger_book_new();
    report->json = cJSON_CreateObject();
    report->problems = cJSON_CreateArray();
    must(report->json != NULL && report->problems != NULL);
    if (!ledger_folder_read(call->operands[0], &reader, error, sizeof(error))) {
        fprintf(call->err, "teegatectl: %s: %s\n", call->command->name, error);
        return CTL_WRONG_USE;
    }
    if (reader.first_missing > 0)
        ledger_report_problem(report, "",
                              "the first files of %" PRIu64 " gateways are not there: what they "
                              "had is missing below",
                              reader.first_missing);
    ledger_book_check(report->book, note_account_problem, report);
    add_sums(report, &reader);
    return CTL_OK;
}

void ledger_report_fini(struct ledger_report *report)
{
    ledger_book_free(report->book);
    cJSON_Delete(report->json);
    cJSON_Delete(report->problems);
}

static void show_problems(const struct ledger_report *report)
{
    static const struct show_column columns[] = {
        {"account", "ACCOUNT"}, {"problem", "PROBLEM"}, {NULL, NULL}};
    FILE *out = report->call->out;
    fprintf(out, "\n");
    show_rows(out, report->problems, columns, "");
    if (report->problem_count > LEDGER_PROBLEMS_SHOWN_MAX)
        fprintf(out, "There are %" PRIu64 " more.\n",
                report->problem_count - LEDGER_PROBLEMS_SHOWN_MAX);
}

static void print_json(const struct ledger_report *report)
{
    cJSON *copy = cJSON_Duplicate(report->problems, true);
    must(copy != NULL && cJSON_AddItemToObject(report->json, "problems", copy));
    char *text = cJSON_PrintUnformatted(report->json);
    must(text != NULL);
    fprintf(report->call->out, "%s\n", text);
    cJSON_free(text);
}

int ledger_report_end(struct ledger_report *report, const char *good)
{
    add_number(report->json, "problem_count", (double)report->problem_count);
    if (report->call->json) {
        print_json(report);
    } else {
        show_members(report->call->out, report->json);
        if (report->problem_count > 0)
            show_problems(report);
        else
            fprintf(report->call->out, "\n%s\n", good);
    }
    return report->problem_count == 0 ? CTL_OK : CTL_REFUSED;
}

/* --- commands ----------------------------------------------------------------------------------
 */

int ctl_ledger_verify(struct ctl_call *call)
{
    struct ledger_report report = {0};
    int outcome = ledger_report_init(&report, call);
    if (outcome == CTL_OK)
        outcome = ledger_report_end(&report, "The ledger is whole, and adds up.");
    ledger_report_fini(&report);
    return outcome;
}

static void show_export(struct ctl_call *call, const cJSON *json)
{
    show_members(call->out, json);
    if (cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(json, "exporting")))
        fprintf(call->out,
                "\nThe ledger stays in the store. To have it in files, set ledger.export.\n");
}

int ctl_ledger_export(struct ctl_call *call)
{
    return ask_and_show(call, "GET", "/ledger", NULL, show_export);
}
