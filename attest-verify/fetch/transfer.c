#include "fetch/transfer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* One GET under way. */
struct sink {
    struct reply *reply;
    size_t head_bytes;
    bool is_too_large;
};

static int64_t monotonic_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void fetch_reply_fini(struct reply *reply)
{
    free(reply->body);
    free(reply->chain);
    *reply = (struct reply){0};
}

bool transfer_init(struct transfer *transfer, const atomic_bool *cancelled, unsigned connect_ms,
                   unsigned whole_ms, const char *ca_file)
{
    *transfer = (struct transfer){.easy = curl_easy_init(),
                                  .cancelled = cancelled,
                                  .deadline_ms = monotonic_ms() + whole_ms,
                                  .connect_ms = connect_ms,
                                  .ca_file = ca_file};
    return transfer->easy != NULL;
}

void transfer_fini(struct transfer *transfer)
{
    curl_easy_cleanup(transfer->easy);
    *transfer = (struct transfer){0};
}

static size_t take_body(char *bytes, size_t size, size_t count, void *user)
{
    struct sink *sink = user;
    struct reply *reply = sink->reply;
    size_t len = size * count;
    if (len > REPLY_BODY_BYTES_MAX - reply->len) {
        sink->is_too_large = true;
        return CURL_WRITEFUNC_ERROR;
    }
    uint8_t *grown = realloc(reply->body, reply->len + len + 1);
    if (grown == NULL)
        return CURL_WRITEFUNC_ERROR;
    reply->body = grown;
    memcpy(grown + reply->len, bytes, len);
    reply->len += len;
    return len;
}

static size_t take_head(char *bytes, size_t size, size_t count, void *user)
{
    struct sink *sink = user;
    sink->head_bytes += size * count;
    sink->is_too_large |= sink->head_bytes > REPLY_HEAD_BYTES_MAX;
    return sink->is_too_large ? CURL_WRITEFUNC_ERROR : size * count;
}

static int check_cancelled(void *user, curl_off_t total, curl_off_t now, curl_off_t up_total,
                           curl_off_t up_now)
{
    const struct transfer *transfer = user;
    return atomic_load(transfer->cancelled) ? 1 : 0;
}

/* All that one GET is bound by. An empty proxy means: none, whatever the environment says. */
static bool set_options(struct transfer *transfer, const char *url, long left_ms, struct sink *sink)
{
    CURL *easy = transfer->easy;
    curl_easy_reset(easy); /* keeps the connection */
    return curl_easy_setopt(easy, CURLOPT_URL, url) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)transfer->connect_ms) ==
               CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, left_ms) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)REPLY_BODY_BYTES_MAX) ==
               CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_WRITEDATA, sink) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_head) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HEADERDATA, sink) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, check_cancelled) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_XFERINFODATA, transfer) == CURLE_OK &&
           (transfer->ca_file == NULL ||
            curl_easy_setopt(easy, CURLOPT_CAINFO, transfer->ca_file) == CURLE_OK);
}

static bool fail(char *error, size_t error_size, const char *sentence)
{
    snprintf(error, error_size, "%s", sentence);
    return false;
}

/* The field of the two that is there, exactly once and without the other. */
static bool take_chain(CURL *easy, const char *const fields[2], char **chain, char *error,
                       size_t error_size)
{
    struct curl_header *found = NULL;
    for (size_t i = 0; i < 2; ++i) {
        struct curl_header *field = NULL;
        if (fields[i] == NULL ||
            curl_easy_header(easy, fields[i], 0, CURLH_HEADER, -1, &field) != CURLHE_OK)
            continue;
        if (found != NULL || field->amount != 1)
            return fail(error, error_size, "its issuer chain came twice");
        found = field;
    }
    if (found == NULL)
        return fail(error, error_size, "came without its issuer chain");
    int len = 0;
    char *text = curl_easy_unescape(easy, found->value, 0, &len);
    if (text != NULL && (size_t)len == strlen(text))
        *chain = strdup(text);
    curl_free(text);
    return *chain != NULL || fail(error, error_size, "its issuer chain is no text");
}

static bool judge(struct transfer *transfer, CURLcode code, const struct sink *sink, char *error,
                  size_t error_size)
{
    long status = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    if (sink->is_too_large || code == CURLE_FILESIZE_EXCEEDED)
        return fail(error, error_size, "is larger than 2 MiB, or its head than 128 KiB");
    transfer->is_unreached |= code == CURLE_OPERATION_TIMEDOUT || status == 0;
    if (code == CURLE_OPERATION_TIMEDOUT)
        return fail(error, error_size, "came too late");
    if (code == CURLE_PARTIAL_FILE)
        return fail(error, error_size, "was cut off");
    if (code != CURLE_OK)
        return fail(error, error_size, curl_easy_strerror(code));
    if (status != 200)
        snprintf(error, error_size, "answered with status %ld", status);
    return status == 200;
}

bool transfer_get(struct transfer *transfer, const char *url, const char *const fields[2],
                  struct reply *reply, char *error, size_t error_size)
{
    struct sink sink = {.reply = reply};
    *reply = (struct reply){0};
    int64_t left_ms = transfer->deadline_ms - monotonic_ms();
    if (left_ms <= 0) {
        transfer->is_unreached = true;
        return fail(error, error_size, "came too late");
    }
    if (!set_options(transfer, url, (long)left_ms, &sink))
        return fail(error, error_size, "cannot be asked for: out of memory");
    CURLcode code = curl_easy_perform(transfer->easy);
    if (judge(transfer, code, &sink, error, error_size) &&
        (fields[0] == NULL || take_chain(transfer->easy, fields, &reply->chain, error, error_size)))
        return true;
    fetch_reply_fini(reply);
    return false;
}
