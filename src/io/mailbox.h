/* Letters from other threads to a loop's thread: a locked list and an eventfd.
 * It owns the letters posted and not yet read. It never holds more than its maximum. */
#ifndef IO_MAILBOX_H
#define IO_MAILBOX_H

#include <stddef.h>

#include "base/list.h"
#include "base/must.h"
#include "io/loop.h"

struct mailbox;

/* Embedded at will in a message; `read` runs on the receiving thread, before the run phase, and
 * owns the letter from then on. */
struct letter {
    struct list node;
    void (*read)(struct letter *letter, void *owner);
};

struct mailbox *mailbox_open(struct loop *loop, size_t letters_max, void *owner);
/* On the loop's own thread, when no other thread can post any more; unread letters are read. */
void mailbox_close(struct mailbox *mailbox);
/* From any thread. False when full: the letter stays the poster's. */
MUST_USE bool mailbox_post(struct mailbox *mailbox, struct letter *letter);

#endif
