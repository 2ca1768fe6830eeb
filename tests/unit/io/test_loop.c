#include "io/loop.h"

#include <string.h>

#include "base/clock.h"
#include "unit/checks.h"

struct part {
    struct loop *loop;
    struct wake wake;
    struct wake flush;
    struct grave grave;
    struct timer timer;
    char *story; /* one letter per thing that happened */
    char letter;
    unsigned again; /* how often it wakes itself */
    uint64_t seen_at;
};

static void tell(struct part *part, char letter)
{
    size_t len = strlen(part->story);
    ck_assert_uint_lt(len, 60);
    part->story[len] = letter;
    part->story[len + 1] = '\0';
}

static void note_run(void *owner)
{
    struct part *part = owner;
    tell(part, part->letter);
    part->seen_at = loop_now(part->loop);
    if (part->again > 0) {
        --part->again;
        loop_wake(part->loop, &part->wake);
    }
}

static void note_flush(void *owner)
{
    tell(owner, 'f');
}

static void note_bury(void *owner)
{
    tell(owner, 'x');
}

static void note_fire(void *owner)
{
    struct part *part = owner;
    tell(part, 't');
    part->seen_at = loop_now(part->loop);
    ck_assert_uint_eq(part->timer.at, 0);
}

static void part_init(struct part *part, struct loop *loop, char *story, char letter)
{
    *part = (struct part){.loop = loop, .story = story, .letter = letter};
    wake_init(&part->wake, note_run, part);
    wake_init(&part->flush, note_flush, part);
    timer_init(&part->timer, loop, note_fire, part);
}

START_TEST(a_turn_runs_then_flushes_then_buries)
{
    char story[64] = "";
    struct part a, b;
    struct loop *loop = loop_new();
    part_init(&a, loop, story, 'a');
    part_init(&b, loop, story, 'b');
    loop_bury(loop, &a.grave, note_bury, &a);
    loop_flush(loop, &a.flush);
    loop_wake(loop, &a.wake);
    loop_wake(loop, &b.wake);
    loop_wake(loop, &a.wake); /* twice is once */
    loop_turn(loop);
    ck_assert_str_eq(story, "abfx");
    loop_free(loop);
}
END_TEST

START_TEST(what_is_woken_while_running_waits_for_the_next_pass)
{
    char story[64] = "";
    struct part a;
    struct loop *loop = loop_new();
    part_init(&a, loop, story, 'a');
    a.again = 1;
    loop_wake(loop, &a.wake);
    loop_flush(loop, &a.flush);
    loop_turn(loop);
    ck_assert_str_eq(story, "afa");
    loop_free(loop);
}
END_TEST

START_TEST(passes_stop_at_eight_and_the_next_turn_does_not_wait)
{
    char story[64] = "";
    struct part a;
    struct loop *loop = loop_new();
    part_init(&a, loop, story, 'a');
    timer_set(&a.timer, loop_now(loop) + 60000); /* a turn that waited would wait for this */
    a.again = 10;
    loop_wake(loop, &a.wake);
    loop_turn(loop);
    ck_assert_str_eq(story, "aaaaaaaa");
    loop_turn(loop);
    ck_assert_str_eq(story, "aaaaaaaaaaa");
    timer_fini(&a.timer);
    loop_free(loop);
}
END_TEST

START_TEST(seven_wakes_of_itself_fit_one_turn)
{
    char story[64] = "";
    struct part a;
    struct loop *loop = loop_new();
    part_init(&a, loop, story, 'a');
    a.again = 7;
    loop_wake(loop, &a.wake);
    loop_turn(loop);
    ck_assert_str_eq(story, "aaaaaaaa");
    ck_assert(!list_is_linked(&a.wake.node));
    loop_free(loop);
}
END_TEST

static struct part *victim;

static void note_cancel(void *owner)
{
    tell(owner, 'c');
    wake_cancel(&victim->wake);
}

START_TEST(a_cancelled_wake_does_not_run_even_in_the_same_pass)
{
    char story[64] = "";
    struct part a, b;
    struct loop *loop = loop_new();
    part_init(&a, loop, story, 'a');
    part_init(&b, loop, story, 'b');
    victim = &b;
    wake_init(&a.wake, note_cancel, &a);
    loop_wake(loop, &a.wake);
    loop_wake(loop, &b.wake);
    loop_turn(loop);
    ck_assert_str_eq(story, "c");
    loop_wake(loop, &b.wake); /* and it can be queued again */
    loop_turn(loop);
    ck_assert_str_eq(story, "cb");
    wake_cancel(&b.wake); /* not queued: nothing */
    loop_free(loop);
}
END_TEST

START_TEST(a_timer_fires_once_and_never_early)
{
    char story[64] = "";
    struct part a;
    struct loop *loop = loop_new();
    part_init(&a, loop, story, 'a');
    for (unsigned wait_ms = 0; wait_ms < 8; ++wait_ms) {
        story[0] = '\0';
        uint64_t at = loop_now(loop) + wait_ms;
        timer_set(&a.timer, at);
        while (story[0] == '\0')
            loop_turn(loop);
        ck_assert_str_eq(story, "t");
        ck_assert_uint_ge(a.seen_at, at);
        ck_assert_uint_ge(clock_monotonic_ms(), at);
    }
    timer_fini(&a.timer);
    loop_free(loop);
}
END_TEST

START_TEST(the_time_after_a_wait_is_not_the_time_before_it)
{
    char story[64] = "";
    struct part a;
    struct loop *loop = loop_new();
    part_init(&a, loop, story, 'a');
    uint64_t before = loop_now(loop);
    timer_set(&a.timer, before + 30);
    loop_turn(loop);
    ck_assert_uint_ge(a.seen_at, before + 30);
    timer_fini(&a.timer);
    loop_free(loop);
}
END_TEST

START_TEST(a_timer_can_be_moved_both_ways_and_stopped)
{
    char story[64] = "";
    struct part a, b;
    struct loop *loop = loop_new();
    part_init(&a, loop, story, 'a');
    part_init(&b, loop, story, 'b');
    uint64_t start = loop_now(loop);

    timer_set(&a.timer, start + 60000);
    timer_set(&a.timer, start + 5); /* sooner */
    while (story[0] == '\0')
        loop_turn(loop);
    ck_assert_uint_lt(clock_monotonic_ms(), start + 30000);

    story[0] = '\0';
    start = loop_now(loop);
    timer_set(&a.timer, start + 5);
    timer_set(&a.timer, start + 40); /* later */
    while (story[0] == '\0')
        loop_turn(loop);
    ck_assert_uint_ge(a.seen_at, start + 40);

    story[0] = '\0';
    start = loop_now(loop);
    timer_set(&a.timer, start + 5);
    timer_stop(&a.timer);
    ck_assert_uint_eq(a.timer.at, 0);
    b.story = (char[64]){""};
    timer_set(&b.timer, start + 30);
    while (b.story[0] == '\0')
        loop_turn(loop);
    ck_assert_str_eq(story, "");

    timer_set(&a.timer, UINT64_MAX); /* never, in effect, and no overflow */
    timer_fini(&a.timer);
    timer_fini(&b.timer);
    timer_fini(&b.timer);
    loop_free(loop);
}
END_TEST

static void note_stop(void *owner)
{
    struct part *part = owner;
    tell(part, 's');
    loop_stop(part->loop);
}

START_TEST(a_loop_runs_until_it_is_stopped)
{
    char story[64] = "";
    struct part a;
    struct loop *loop = loop_new();
    part_init(&a, loop, story, 'a');
    timer_init(&a.timer, loop, note_stop, &a);
    timer_set(&a.timer, loop_now(loop) + 2);
    loop_run(loop);
    ck_assert_str_eq(story, "s");
    timer_set(&a.timer, loop_now(loop) + 2);
    loop_run(loop); /* and can be run again */
    ck_assert_str_eq(story, "ss");
    timer_fini(&a.timer);
    loop_free(loop);
}
END_TEST

START_TEST(a_loop_that_goes_buries_its_dead_and_lets_go_of_the_woken)
{
    char story[64] = "";
    struct part a;
    struct loop *loop = loop_new();
    part_init(&a, loop, story, 'a');
    loop_bury(loop, &a.grave, note_bury, &a);
    loop_wake(loop, &a.wake);
    loop_free(loop);
    ck_assert_str_eq(story, "x");
    ck_assert(!list_is_linked(&a.wake.node));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_turn_runs_then_flushes_then_buries,
                                  what_is_woken_while_running_waits_for_the_next_pass,
                                  passes_stop_at_eight_and_the_next_turn_does_not_wait,
                                  seven_wakes_of_itself_fit_one_turn,
                                  a_cancelled_wake_does_not_run_even_in_the_same_pass,
                                  a_timer_fires_once_and_never_early,
                                  the_time_after_a_wait_is_not_the_time_before_it,
                                  a_timer_can_be_moved_both_ways_and_stopped,
                                  a_loop_runs_until_it_is_stopped,
                                  a_loop_that_goes_buries_its_dead_and_lets_go_of_the_woken,
                                  NULL};
    return checks_run("loop", tests);
}
