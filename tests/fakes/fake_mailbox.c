#include "fakes/fake_mailbox.h"

#include <stdlib.h>

#include "base/alloc.h"

struct mailbox {
    void *owner;
    size_t count;
    size_t letters_max;
    struct list letters;
};

struct mailbox *mailbox_open(struct loop *loop, size_t letters_max, void *owner)
{
    struct mailbox *mailbox = alloc_zeroed(sizeof(*mailbox));
    mailbox->owner = owner;
    mailbox->letters_max = letters_max;
    list_init(&mailbox->letters);
    return mailbox;
}

void *fake_mailbox_owner(const struct mailbox *mailbox)
{
    return mailbox->owner;
}

void fake_mailbox_deliver(struct mailbox *mailbox)
{
    struct list *node;
    while ((node = list_take(&mailbox->letters)) != NULL) {
        struct letter *letter = container_of(node, struct letter, node);
        --mailbox->count;
        letter->read(letter, mailbox->owner);
    }
}

void mailbox_close(struct mailbox *mailbox)
{
    fake_mailbox_deliver(mailbox);
    free(mailbox);
}

bool mailbox_post(struct mailbox *mailbox, struct letter *letter)
{
    if (mailbox->count == mailbox->letters_max)
        return false;
    ++mailbox->count;
    list_append(&mailbox->letters, &letter->node);
    return true;
}
