#include "io/mailbox.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "unit/checks.h"

enum { THREADS = 4, LETTERS = 5000, ROOM = 100 };

struct note {
    struct letter letter;
    unsigned thread;
    unsigned number;
};

struct room {
    struct loop *loop;
    struct mailbox *mailbox;
    unsigned read;
    unsigned stop_at;
    unsigned next_of[THREADS];
    uint64_t read_at;
};

static void room_init(struct room *room, size_t letters_max)
{
    *room = (struct room){.loop = loop_new()};
    room->mailbox = mailbox_open(room->loop, letters_max, room);
}

static void room_fini(struct room *room)
{
    mailbox_close(room->mailbox);
    loop_free(room->loop);
}

static void read_note(struct letter *letter, void *owner)
{
    struct note *note = container_of(letter, struct note, letter);
    struct room *room = owner;
    ck_assert_uint_eq(note->number, room->next_of[note->thread]);
    ++room->next_of[note->thread];
    room->read_at = loop_now(room->loop);
    if (++room->read == room->stop_at)
        loop_stop(room->loop);
    free(note);
}

static struct note *note_new(unsigned thread, unsigned number)
{
    struct note *note = calloc(1, sizeof(*note));
    *note = (struct note){.letter.read = read_note, .thread = thread, .number = number};
    return note;
}

struct poster {
    struct room *room;
    unsigned thread;
};

static void *post_all(void *arg)
{
    struct poster *poster = arg;
    for (unsigned i = 0; i < LETTERS; ++i) {
        struct note *note = note_new(poster->thread, i);
        while (!mailbox_post(poster->room->mailbox, &note->letter))
            sched_yield();
    }
    return NULL;
}

START_TEST(four_threads_post_and_each_ones_letters_are_read_in_order)
{
    struct room room;
    room_init(&room, ROOM);
    room.stop_at = THREADS * LETTERS;
    pthread_t threads[THREADS];
    struct poster posters[THREADS];
    for (unsigned i = 0; i < THREADS; ++i) {
        posters[i] = (struct poster){&room, i};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, post_all, &posters[i]), 0);
    }
    loop_run(room.loop);
    for (unsigned i = 0; i < THREADS; ++i)
        pthread_join(threads[i], NULL);
    ck_assert_uint_eq(room.read, THREADS * LETTERS);
    room_fini(&room);
}
END_TEST

START_TEST(a_full_mailbox_refuses_and_takes_again_once_read)
{
    struct room room;
    room_init(&room, 2);
    struct note *third = note_new(0, 2);
    ck_assert(mailbox_post(room.mailbox, &note_new(0, 0)->letter));
    ck_assert(mailbox_post(room.mailbox, &note_new(0, 1)->letter));
    ck_assert(!mailbox_post(room.mailbox, &third->letter));
    loop_turn(room.loop);
    ck_assert_uint_eq(room.read, 2);
    ck_assert(mailbox_post(room.mailbox, &third->letter));
    loop_turn(room.loop);
    ck_assert_uint_eq(room.read, 3);
    room_fini(&room);
}
END_TEST

START_TEST(closing_reads_what_was_not_read)
{
    struct room room;
    room_init(&room, 10);
    ck_assert(mailbox_post(room.mailbox, &note_new(0, 0)->letter));
    ck_assert(mailbox_post(room.mailbox, &note_new(0, 1)->letter));
    room_fini(&room);
    ck_assert_uint_eq(room.read, 2);
}
END_TEST

static void read_and_close(struct letter *letter, void *owner)
{
    struct room *room = owner;
    free(container_of(letter, struct note, letter));
    mailbox_close(room->mailbox);
}

START_TEST(a_letter_may_close_the_mailbox_it_came_in)
{
    struct room room;
    room_init(&room, 10);
    struct note *first = note_new(0, 0);
    first->letter.read = read_and_close;
    ck_assert(mailbox_post(room.mailbox, &first->letter));
    ck_assert(mailbox_post(room.mailbox, &note_new(0, 0)->letter));
    loop_turn(room.loop);
    ck_assert_uint_eq(room.read, 1);
    loop_free(room.loop);
}
END_TEST

static void note_run(void *owner)
{
    struct room *room = owner;
    ck_assert_uint_eq(room->read, 1);
    room->stop_at = 99;
}

START_TEST(letters_are_read_before_the_run_phase)
{
    struct room room;
    struct wake wake;
    room_init(&room, 10);
    wake_init(&wake, note_run, &room);
    loop_wake(room.loop, &wake);
    ck_assert(mailbox_post(room.mailbox, &note_new(0, 0)->letter));
    loop_turn(room.loop);
    ck_assert_uint_eq(room.stop_at, 99);
    room_fini(&room);
}
END_TEST

static void *post_late(void *arg)
{
    struct room *room = arg;
    poll(NULL, 0, 30);
    ck_assert(mailbox_post(room->mailbox, &note_new(0, 0)->letter));
    return NULL;
}

START_TEST(a_letter_is_read_at_the_time_after_the_wait_for_it)
{
    struct room room;
    pthread_t thread;
    room_init(&room, 1);
    uint64_t before = loop_now(room.loop);
    ck_assert_int_eq(pthread_create(&thread, NULL, post_late, &room), 0);
    loop_turn(room.loop);
    ck_assert_uint_eq(room.read, 1);
    ck_assert_uint_ge(room.read_at, before + 30);
    pthread_join(thread, NULL);
    room_fini(&room);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {four_threads_post_and_each_ones_letters_are_read_in_order,
                                  a_full_mailbox_refuses_and_takes_again_once_read,
                                  closing_reads_what_was_not_read,
                                  a_letter_may_close_the_mailbox_it_came_in,
                                  letters_are_read_before_the_run_phase,
                                  a_letter_is_read_at_the_time_after_the_wait_for_it,
                                  NULL};
    return checks_run("mailbox", tests);
}
