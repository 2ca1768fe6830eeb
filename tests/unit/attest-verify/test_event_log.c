/* Replaying an event log: digests, what counts as a name, JSON shapes and limits. */
#include "formats/event_log.h"

#include "bytes/hex.h"

#include "../checks.h"

#include <stdio.h>
#include <string.h>

static struct attest_bytes text_bytes(const char *text)
{
    return (struct attest_bytes){.ptr = (const uint8_t *)text, .len = strlen(text)};
}

static struct event event_of(const char *name, const char *payload)
{
    return (struct event){.imr = EVENT_RUNTIME_IMR,
                          .type = EVENT_RUNTIME_TYPE,
                          .name = text_bytes(name),
                          .payload = text_bytes(payload)};
}

static bool parses(const char *json, struct event_log *log)
{
    *log = (struct event_log){0};
    return av_event_log_parse(text_bytes(json), log);
}

/* Computed apart from this code: SHA-384 of 01 00 00 08 ":app-id:" de ad be ef, and then SHA-384 of
 * 48 zeros and that. */
static const char digest_hex[] =
    "67b4be4efed0893cfa2bb1d35dca209ad8348b4c97f980807bcde8b9a0f26398dd0923d6eccb5aa2096d98046da8740f";
static const char rtmr3_hex[] =
    "9f1bcb9c4dcada1710bf9612197f4e380a9259241b597f1b834c9b3d9f30ae0569950a92ca118e9d7697d893ea4b6d56";

START_TEST(an_event_extends_rtmr3_with_its_digest)
{
    struct event_log log;
    char json[512], found[97];
    snprintf(json, sizeof json,
             "[{\"imr\":3,\"event_type\":134217729,\"digest\":\"%s\",\"event\":\"app-id\","
             "\"event_payload\":\"deadbeef\"}]",
             digest_hex);
    log = (struct event_log){.started = true}; /* four bytes are no app's id */
    ck_assert(av_event_log_parse(text_bytes(json), &log));
    av_hex_encode(log.rtmr3, 48, found);
    ck_assert_str_eq(found, rtmr3_hex);
    char *digit = strstr(json, digest_hex);
    *digit = *digit == '0' ? '1' : '0';
    log = (struct event_log){.started = true};
    ck_assert(!av_event_log_parse(text_bytes(json), &log));
}
END_TEST

#define EVENT(imr, type, name, rest) \
    "{\"imr\":" imr ",\"event_type\":" type ",\"event\":\"" name "\"," rest "}"
#define GOOD(name, hex) EVENT("3", "134217729", name, "\"event_payload\":\"" hex "\"")
#define TWENTY          "0102030405060708090a0b0c0d0e0f1011121314"

START_TEST(a_log_is_an_array_of_events_and_nothing_else)
{
    static const struct {
        const char *json;
        bool good;
    } rows[] = {
        {"[]", true},
        {" [ ] ", true},
        {"", false},
        {"{}", false},
        {"null", false},
        {"[1]", false},
        {"[]]", false},
        {"[],\"log\":[]", false},
        {"[],\"more\":[]", false},
        {"[]}", false},
        {"[[]]", false},
        {"[{}]", false},
        {"[" GOOD("x", "") "]", true},
        {"[" GOOD("x", "00") "," GOOD("x", "00") "]", true},
        {"[" GOOD("x", "0") "]", false},
        {"[" GOOD("x", "zz") "]", false},
        {"[" EVENT("0", "1", "x", "\"event_payload\":\"00\"") "]", true},
        {"[" EVENT("3", "1", "x", "\"event_payload\":\"00\"") "]", false}, /* not dstack's type */
        {"[" EVENT("4", "1", "x", "\"event_payload\":\"00\"") "]", false},
        {"[" EVENT("-1", "1", "x", "\"event_payload\":\"00\"") "]", false},
        {"[" EVENT("3", "4294967296", "x", "\"event_payload\":\"00\"") "]", false},
        {"[" EVENT("3", "134217729", "x", "\"event_payload\":\"\",\"version\":1") "]", true},
        {"[" EVENT("3", "134217729", "x", "\"event_payload\":\"\",\"version\":2") "]", false},
        {"[" EVENT("3", "134217729", "x", "\"event_payload\":\"\",\"version\":0") "]", false},
        {"[" EVENT("3", "134217729", "x", "\"event_payload\":7") "]", false},
        {"[" EVENT("3", "134217729", "x", "\"digest\":\"00\",\"event_payload\":\"\"") "]", false},
        {"[" EVENT("3", "134217729", "x", "\"event\":\"y\",\"event_payload\":\"\"") "]", false},
        {"[" EVENT("3", "134217729", "x", "\"event_payload\":\"\",\"more\":1") "]", false},
        {"[" EVENT("3", "134217729", "x", "\"digest\":\"\"") "]", false}, /* no payload */
        {"ELGZv1", false},
        {"ELGZv1[]", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
        struct event_log log;
        ck_assert_msg(parses(rows[i].json, &log) == rows[i].good, "%s", rows[i].json);
    }
}
END_TEST

START_TEST(a_name_counts_once_whole_and_only_during_the_start)
{
    static const struct {
        const char *json;
        bool good, has_app, has_instance;
    } rows[] = {
        {"[" GOOD("app-id", TWENTY) "]", true, true, false},
        {"[" GOOD("app-id", TWENTY "15") "]", false, false, false},
        {"[" GOOD("app-id", "01") "]", false, false, false},
        {"[" GOOD("app-id", TWENTY) "," GOOD("app-id", TWENTY) "]", false, false, false},
        {"[" GOOD("app-id", TWENTY) "," GOOD("boot-mr-done", "") "," GOOD("app-id", "01") "]", true,
         true, false},
        {"[" GOOD("boot-mr-done", "") "," GOOD("app-id", TWENTY) "]", true, false, false},
        {"[" GOOD("instance-id", "") "," GOOD("app-id", TWENTY) "]", true, true, false},
        {"[" GOOD("instance-id", TWENTY) "]", true, false, true},
        {"[" EVENT("2", "134217729", "app-id", "\"event_payload\":\"" TWENTY "\"") "]", true, false,
         false},
    };
    const struct quote_field *app = av_quote_field_next(BODY_LOG, NULL);
    const struct quote_field *instance =
        av_quote_field_next(BODY_LOG, av_quote_field_next(BODY_LOG, app));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
        struct event_log log;
        ck_assert_msg(parses(rows[i].json, &log) == rows[i].good, "%s", rows[i].json);
        if (!rows[i].good)
            continue;
        ck_assert_uint_eq(av_event_log_id(&log, app).len, rows[i].has_app ? 20 : 0);
        ck_assert_uint_eq(av_event_log_id(&log, instance).len, rows[i].has_instance ? 20 : 0);
    }
}
END_TEST

START_TEST(the_names_lie_one_after_the_other)
{
    const struct quote_field *field = NULL;
    size_t at = 0, count = 0;
    while ((field = av_quote_field_next(BODY_LOG, field)) != NULL) {
        ck_assert_uint_eq(field->offset, at);
        at += field->len;
        ++count;
    }
    ck_assert_uint_eq(at, EVENT_LOG_IDS_BYTES);
    ck_assert_uint_eq(count, EVENT_LOG_IDS);
}
END_TEST

START_TEST(a_log_has_so_many_events_and_no_more)
{
    struct event_log log = {0};
    struct event event = event_of("x", "y");
    for (int i = 0; i < EVENT_LOG_EVENTS_MAX; ++i)
        ck_assert(av_event_log_add(&log, &event));
    ck_assert(!av_event_log_add(&log, &event));
}
END_TEST

START_TEST(a_log_has_so_much_text_and_no_more)
{
    static char text[EVENT_LOG_TEXT_MAX + 2];
    for (int more = -1; more <= 1; ++more) {
        size_t len = (size_t)(EVENT_LOG_TEXT_MAX + more);
        struct event_log log = {0};
        memset(text, ' ', len);
        text[0] = '[';
        text[len - 1] = ']';
        ck_assert(
            av_event_log_parse((struct attest_bytes){.ptr = (const uint8_t *)text, .len = len},
                               &log) == (more <= 0));
    }
}
END_TEST

START_TEST(names_cannot_move_the_border_to_the_payload)
{
    struct event_log a = {0}, b = {0};
    struct event first = event_of("x:", "y"), second = event_of("x", ":y");
    ck_assert(av_event_log_add(&a, &first) && av_event_log_add(&b, &second));
    /* dstack's digest cannot tell them apart; the names that count have fixed lengths and no colon.
     */
    ck_assert(av_event_logs_agree(&a, &b));
    struct event third = event_of("x", "y");
    b = (struct event_log){0};
    ck_assert(av_event_log_add(&b, &third));
    ck_assert(!av_event_logs_agree(&a, &b));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {an_event_extends_rtmr3_with_its_digest,
                                  a_log_is_an_array_of_events_and_nothing_else,
                                  a_name_counts_once_whole_and_only_during_the_start,
                                  the_names_lie_one_after_the_other,
                                  a_log_has_so_many_events_and_no_more,
                                  a_log_has_so_much_text_and_no_more,
                                  names_cannot_move_the_border_to_the_payload,
                                  NULL};
    return checks_run("event_log", tests);
}
