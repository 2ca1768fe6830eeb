#include "workers/challenge.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "attest_verify.h"
#include "base/alloc.h"
#include "base/base64url.h"

#define CHALLENGE_PATH "/.well-known/attest"

enum { HEAD_BYTES = 2048, HEAD_FIELDS = 4, NONCE_TEXT_BYTES = 43 };

_Static_assert(sizeof(((struct attest_challenge *)0)->exporter) == ATTESTER_TERM_BYTES &&
                   sizeof(((struct attest_challenge *)0)->nonce) == ATTESTER_TERM_BYTES,
               "the verifier's terms are of this length");

static void refuse(struct challenge *challenge, const char *reason, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void refuse(struct challenge *challenge, const char *reason, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(challenge->detail, sizeof(challenge->detail), format, args);
    va_end(args);
    challenge->reason = reason;
    challenge->state = CHALLENGE_REFUSED;
}

/* --- asking -------------------------------------------------------------------------------- */

void challenge_prepare(struct challenge *challenge, struct conn *conn)
{
    struct span certificate = conn_peer_certificate(conn);
    *challenge = (struct challenge){.state = CHALLENGE_PREPARED};
    buf_init(&challenge->coming, ATTEST_ANSWER_BYTES_MAX);
    must(getrandom(challenge->nonce, sizeof(challenge->nonce), 0) ==
         (ssize_t)sizeof(challenge->nonce)); /* up to 256 bytes come whole: getrandom(2) */
    if (!conn_export(conn, ATTEST_EXPORTER_LABEL, challenge->exporter,
                     sizeof(challenge->exporter))) {
        refuse(challenge, "challenge-no-exporter",
               "TLS gives no exporter for this connection, so no answer could be bound to it");
        return;
    }
    challenge->certificate = alloc_text(certificate.ptr, certificate.len);
    challenge->certificate_bytes = certificate.len;
}

static struct head *make_head(const char *authority, size_t body_bytes)
{
    char length[16];
    struct head *head = head_new(HEAD_BYTES, HEAD_FIELDS);
    snprintf(length, sizeof(length), "%zu", body_bytes);
    /* A name and three short fields: the head has room for them. */
    must(head_set_text(head, &head->method, SPAN_OF("POST")) &&
         head_set_text(head, &head->scheme, SPAN_OF("https")) &&
         head_set_text(head, &head->authority, span_text(authority)) &&
         head_set_text(head, &head->path, SPAN_OF(CHALLENGE_PATH)) &&
         head_add(head, SPAN_OF("content-type"), SPAN_OF("application/json")) &&
         head_add(head, SPAN_OF("content-length"), span_text(length)));
    return head;
}

void challenge_send(struct challenge *challenge, struct http *http, const char *authority,
                    void (*note)(void *user), void *user)
{
    char nonce[NONCE_TEXT_BYTES + 1];
    char body[NONCE_TEXT_BYTES + 16];
    must(challenge->state == CHALLENGE_PREPARED);
    (void)base64url_write(nonce, span_of((const char *)challenge->nonce, sizeof(challenge->nonce)));
    int len = snprintf(body, sizeof(body), "{\"nonce\":\"%s\"}", nonce);
    must(len > 0 && (size_t)len < sizeof(body));
    challenge->stream = http_request(http, make_head(authority, (size_t)len), false, note, user);
    /* Less than any stream may keep. */
    stream_send(challenge->stream, span_of(body, (size_t)len));
    stream_send_end(challenge->stream, NULL);
    challenge->state = CHALLENGE_ASKED;
}

/* --- the answer ---------------------------------------------------------------------------- */

static void refuse_status(struct challenge *challenge, int status)
{
    if (status == 404 || status == 405 || status == 501)
        refuse(challenge, "challenge-unknown",
               "the worker answers POST " CHALLENGE_PATH " with %d: update its runtime to one that "
               "answers challenges, or set attestation.challenge: off for its pool",
               status);
    else
        refuse(challenge, "challenge-status", "the worker answered the challenge with status %d",
               status);
}

static void refuse_size(struct challenge *challenge)
{
    refuse(challenge, "challenge-too-large", "the answer to the challenge has more than %d bytes",
           ATTEST_ANSWER_BYTES_MAX);
}

static void take_body(struct challenge *challenge)
{
    struct stream *stream = challenge->stream;
    while (stream_bytes(stream) > 0) {
        struct span front = stream_front(stream);
        if (!buf_append(&challenge->coming, front.ptr, front.len)) {
            refuse_size(challenge);
            return;
        }
        stream_take(stream, front.len);
    }
}

static void return_stream(struct challenge *challenge)
{
    if (challenge->stream != NULL)
        stream_release(challenge->stream);
    challenge->stream = NULL;
}

static void keep_answer(struct challenge *challenge)
{
    challenge->answer_bytes = challenge->coming.bytes;
    challenge->answer = alloc_zeroed(challenge->answer_bytes + 1);
    must(buf_read(&challenge->coming, challenge->answer, challenge->answer_bytes) ==
         challenge->answer_bytes);
    challenge->state = CHALLENGE_ANSWERED;
    return_stream(challenge);
}

void challenge_read(struct challenge *challenge)
{
    if (challenge->state != CHALLENGE_ASKED)
        return;
    struct stream *stream = challenge->stream;
    struct head *head = stream_head(stream);
    if (head != NULL && head->status != 200)
        refuse_status(challenge, head->status);
    else if (head != NULL && stream_length(stream) > ATTEST_ANSWER_BYTES_MAX)
        refuse_size(challenge);
    else
        take_body(challenge);
    if (challenge->state != CHALLENGE_ASKED)
        return;
    if (stream_fate(stream) != STREAM_WHOLE)
        refuse(challenge, "challenge-cut-short",
               "the answer to the challenge broke off after %zu bytes", challenge->coming.bytes);
    else if (stream_is_ended(stream))
        keep_answer(challenge);
}

void challenge_note_late(struct challenge *challenge)
{
    refuse(challenge, "challenge-late", "the challenge was not answered within %d ms",
           CHALLENGE_MS_MAX);
}

void challenge_note_lost(struct challenge *challenge)
{
    refuse(challenge, "challenge-cut-short",
           "the connection ended after %zu bytes of the answer to the challenge",
           challenge->coming.bytes);
}

bool challenge_has_begun(const struct challenge *challenge)
{
    return challenge->stream != NULL && stream_head(challenge->stream) != NULL;
}

/* --- the end ------------------------------------------------------------------------------- */

bool challenge_judge(const struct challenge *challenge, struct attester *attester,
                     struct trust *trust, struct mailbox *mailbox,
                     void (*answer)(void *owner, uint64_t id, const struct proof *proof),
                     uint64_t id)
{
    must(challenge->state == CHALLENGE_ANSWERED);
    struct attester_answer asked = {
        .certificate = span_of(challenge->certificate, challenge->certificate_bytes),
        .answer = span_of(challenge->answer, challenge->answer_bytes),
    };
    memcpy(asked.exporter, challenge->exporter, sizeof(asked.exporter));
    memcpy(asked.nonce, challenge->nonce, sizeof(asked.nonce));
    return attester_ask_answer(attester, trust, &asked, mailbox, answer, id);
}

void challenge_fini(struct challenge *challenge)
{
    return_stream(challenge);
    buf_fini(&challenge->coming);
    free(challenge->certificate);
    free(challenge->answer);
    challenge->certificate = NULL;
    challenge->answer = NULL;
    challenge->state = CHALLENGE_NONE;
}
