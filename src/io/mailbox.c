#include "io/mailbox.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/alloc.h"

struct mailbox {
    struct loop *loop;
    void *owner;
    int bell;
    struct event event;
    struct grave grave;
    size_t letters_max;
    _Atomic size_t held; /* posted and not yet handed to `read` */
    pthread_mutex_t lock;
    struct list posted;  /* under the lock */
    struct list reading; /* the receiving thread's */
};

static void read_letters(struct mailbox *mailbox)
{
    struct list *node;
    pthread_mutex_lock(&mailbox->lock);
    list_move_all(&mailbox->reading, &mailbox->posted);
    pthread_mutex_unlock(&mailbox->lock);
    while ((node = list_take(&mailbox->reading)) != NULL) {
        struct letter *letter = container_of(node, struct letter, node);
        atomic_fetch_sub_explicit(&mailbox->held, 1, memory_order_relaxed);
        letter->read(letter, mailbox->owner);
    }
}

static void note_bell(evutil_socket_t fd, short what, void *arg)
{
    /* The bell first: a letter posted after the list was taken rings it again. */
    uint64_t rung;
    ssize_t got = read(fd, &rung, sizeof(rung));
    (void)got;
    read_letters(arg);
}

struct mailbox *mailbox_open(struct loop *loop, size_t letters_max, void *owner)
{
    struct mailbox *mailbox = alloc_zeroed(sizeof(*mailbox));
    mailbox->loop = loop;
    mailbox->owner = owner;
    mailbox->letters_max = letters_max;
    list_init(&mailbox->posted);
    list_init(&mailbox->reading);
    must(pthread_mutex_init(&mailbox->lock, NULL) == 0);
    mailbox->bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    must(mailbox->bell >= 0);
    must(event_assign(&mailbox->event, loop_base(loop), mailbox->bell, EV_READ | EV_PERSIST,
                      note_bell, mailbox) == 0);
    must(event_add(&mailbox->event, NULL) == 0);
    return mailbox;
}

static void bury(void *owner)
{
    struct mailbox *mailbox = owner;
    pthread_mutex_destroy(&mailbox->lock);
    free(mailbox);
}

void mailbox_close(struct mailbox *mailbox)
{
    event_del(&mailbox->event);
    close(mailbox->bell);
    read_letters(mailbox);
    loop_bury(mailbox->loop, &mailbox->grave, bury, mailbox);
}

bool mailbox_post(struct mailbox *mailbox, struct letter *letter)
{
    pthread_mutex_lock(&mailbox->lock);
    bool full = atomic_load_explicit(&mailbox->held, memory_order_relaxed) >= mailbox->letters_max;
    bool first = list_is_empty(&mailbox->posted);
    if (!full) {
        atomic_fetch_add_explicit(&mailbox->held, 1, memory_order_relaxed);
        list_append(&mailbox->posted, &letter->node);
        if (first) {
            /* Under the lock: once it is open, the receiver may read the letter and be gone. */
            uint64_t one = 1;
            ssize_t put = write(mailbox->bell, &one, sizeof(one));
            must(put == (ssize_t)sizeof(one));
        }
    }
    pthread_mutex_unlock(&mailbox->lock);
    return !full;
}
