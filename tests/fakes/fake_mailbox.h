/* A mailbox on one thread; implements io/mailbox.h whole, for tests whose loop is a fake.
 * It owns nothing but itself: letters are kept until the test has them read. It never rings. */
#ifndef FAKE_MAILBOX_H
#define FAKE_MAILBOX_H

#include "io/mailbox.h"

void *fake_mailbox_owner(const struct mailbox *mailbox);
/* Reads all that was posted. */
void fake_mailbox_deliver(struct mailbox *mailbox);

#endif
