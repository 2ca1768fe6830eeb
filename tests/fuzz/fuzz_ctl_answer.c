/* Any bytes as what the admin socket answers. Cut into pieces they mean what they mean at once. */
#include <stdint.h>
#include <stdlib.h>

#include "ctl/answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void feed(struct answer *answer, struct span bytes, size_t piece)
{
    answer_init(answer);
    while (bytes.len > 0) {
        size_t len = bytes.len < piece ? bytes.len : piece;
        if (answer_feed(answer, span_of(bytes.ptr, len)) == ANSWER_BAD)
            break;
        bytes = span_from(bytes, len);
    }
    if (answer_end(answer) == ANSWER_MORE)
        abort();
}

static void check(const struct answer *answer)
{
    if (answer->state == ANSWER_BAD) {
        if (answer->why == NULL || answer->why[0] == '\0')
            abort();
        return;
    }
    if (answer->status < 200 || answer->status > 999 || answer->body_len > ANSWER_BODY_MAX ||
        answer->body == NULL || answer->body[answer->body_len] != '\0')
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct answer whole, pieces;
    size_t piece = size > 0 ? 1 + data[size - 1] % 7 : 1;
    feed(&whole, span_of(data, size), size > 0 ? size : 1);
    feed(&pieces, span_of(data, size), piece);
    check(&whole);
    if (whole.state != pieces.state || whole.why != pieces.why ||
        (whole.state == ANSWER_WHOLE &&
         (whole.status != pieces.status || whole.body_len != pieces.body_len ||
          memcmp(whole.body, pieces.body, whole.body_len) != 0)))
        abort();
    answer_fini(&whole);
    answer_fini(&pieces);
    return 0;
}
