/* How long the body of an HTTP/1.1 message is, and whether the connection may go on after it
 * (RFC 9112 6.3, 9.3). It owns nothing. It never guesses: what could be read in two ways is
 * refused. */
#ifndef HTTP_H1_FRAMING_H
#define HTTP_H1_FRAMING_H

#include "http/head_check.h"

enum h1_body_kind { H1_BODY_NONE, H1_BODY_LENGTH, H1_BODY_CHUNKED, H1_BODY_UNTIL_CLOSE };

struct h1_framing {
    enum h1_body_kind kind;
    uint64_t length;
    bool keeps; /* the connection */
};

/* `head` as the parser gave it; afterwards as head_check_request() leaves it, with scheme,
 * authority and path. Answers 0 or the status to refuse it with. */
MUST_USE int h1_frame_request(struct head *head, int minor, bool is_tls, struct h1_framing *framing,
                              struct head_facts *facts);
/* An answer, interim ones too. False when it is malformed. */
MUST_USE bool h1_frame_answer(struct head *head, int minor, bool asked_head,
                              struct h1_framing *framing, struct head_facts *facts);

#endif
