#include "exchange/kept.h"

#include <stdlib.h>

#include "unit/checks.h"

static struct head *head_of(int status, unsigned fields)
{
    struct head *head = head_new(65536, 100);
    head->status = status;
    for (unsigned i = 0; i < fields; ++i)
        must(head_add(head, SPAN_OF("x-name"), i % 2 == 0 ? SPAN_OF("value") : SPAN_NONE));
    return head;
}

static char *write(unsigned fields, bool trailers, size_t body, size_t most, size_t *len)
{
    char bytes[1000];
    memset(bytes, 0, sizeof(bytes));
    struct kept kept = {.worker = "w1",
                        .measurement = "abc",
                        .head = head_of(200, fields),
                        .trailers = trailers ? head_of(0, 1) : NULL,
                        .body = bytes,
                        .body_len = body};
    char *text = kept_write(&kept, most, len);
    head_free(kept.head);
    head_free(kept.trailers);
    return text;
}

START_TEST(what_is_written_is_read_again)
{
    for (int i = 0; i < 8; ++i) {
        struct kept kept;
        size_t len;
        char *text = write(i & 1 ? 3 : 0, i & 2, i & 4 ? 1000 : 0, 10000, &len);
        ck_assert(kept_read(&kept, span_of(text, len)));
        ck_assert_str_eq(kept.worker, "w1");
        ck_assert_str_eq(kept.measurement, "abc");
        ck_assert_int_eq(kept.head->status, 200);
        ck_assert_uint_eq(kept.head->field_count, i & 1 ? 3 : 0);
        ck_assert_uint_eq(kept.body_len, i & 4 ? 1000 : 0);
        ck_assert((kept.trailers != NULL) == ((i & 2) != 0));
        kept_fini(&kept);
        free(text);
    }
}
END_TEST

START_TEST(above_its_maximum_nothing_is_written)
{
    size_t len, again;
    char *text = write(2, true, 100, 10000, &len);
    free(text);
    text = write(2, true, 100, len, &again);
    ck_assert_ptr_nonnull(text);
    ck_assert_uint_eq(again, len);
    free(text);
    ck_assert_ptr_null(write(2, true, 100, len - 1, &again));
}
END_TEST

START_TEST(a_text_that_is_not_whole_is_not_read)
{
    struct kept kept;
    size_t len;
    char *text = write(3, true, 10, 10000, &len);
    for (size_t less = 0; less < len; ++less) {
        ck_assert_msg(!kept_read(&kept, span_of(text, less)), "%zu of %zu", less, len);
        ck_assert_ptr_null(kept.head);
    }
    text = realloc(text, len + 1);
    text[len] = 0;
    ck_assert(!kept_read(&kept, span_of(text, len + 1)));
    /* Every byte as large as can be: nothing is read outside, most is refused. */
    for (size_t at = 0; at < len; ++at) {
        char was = text[at];
        text[at] = (char)255;
        if (kept_read(&kept, span_of(text, len)))
            kept_fini(&kept);
        text[at] = was;
    }
    free(text);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {what_is_written_is_read_again,
                                  above_its_maximum_nothing_is_written,
                                  a_text_that_is_not_whole_is_not_read, NULL};
    return checks_run("kept", tests);
}
