/* Any bytes as Idempotency-Key and Content-Digest, a line feed between them, and as an answer that
 * was kept: what is read is within its maximum, and what is written from it is read the same. */
#include <stdint.h>
#include <stdlib.h>

#include "exchange/claim.h"
#include "exchange/kept.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_claim(struct span key, struct span digest)
{
    struct claim claim;
    const char *sentence;
    struct head *head = head_new(65536, 8);
    if (head_add(head, SPAN_OF("idempotency-key"), key) &&
        (digest.ptr == NULL || head_add(head, SPAN_OF("content-digest"), digest))) {
        enum fault fault = claim_read(head, &claim, &sentence);
        if (claim.key_len > CLAIM_KEY_MAX || claim.digest_len > CLAIM_DIGEST_MAX ||
            (fault == FAULT_NONE) != (sentence[0] == '\0') ||
            (fault == FAULT_NONE && claim.key_len == 0))
            abort();
        if (fault == FAULT_NONE) {
            struct invocation name;
            claim_name(&claim, "account", "", &name);
            if (strlen(name.text) != INVOCATION_CHARS)
                abort();
        }
    }
    head_free(head);
}

static void check_kept(struct span text)
{
    struct kept kept;
    size_t len;
    if (!kept_read(&kept, text))
        return;
    char *again = kept_write(&kept, text.len, &len);
    /* Words end at a NUL, so what is written may be shorter; never longer, and it is read. */
    struct kept twice;
    if (again == NULL || !kept_read(&twice, span_of(again, len)) ||
        twice.body_len != kept.body_len || twice.head->field_count != kept.head->field_count)
        abort();
    free(again);
    kept_fini(&twice);
    kept_fini(&kept);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span all = span_of(data, size);
    size_t end = span_find(all, '\n');
    check_claim(span_of(all.ptr, end), end < size ? span_from(all, end + 1) : SPAN_NONE);
    check_kept(all);
    return 0;
}
