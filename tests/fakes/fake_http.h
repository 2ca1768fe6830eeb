/* The workers' side of http/http.h and http/stream.h as a test scripts it; implements both whole.
 * It owns its https and streams until fake_https_free(), closed ones too. It never writes a byte: a
 * request is remembered, an answer is what the test says. */
#ifndef FAKE_HTTP_H
#define FAKE_HTTP_H

#include "http/http.h"

/* Made by http_client() so far; http `index` of them. */
unsigned fake_http_made(void);
struct http *fake_http_at(unsigned index);
/* The worker's SETTINGS: so many streams at once (before: one). Notes room. */
void fake_http_settings(struct http *http, uint32_t most);
/* GOAWAY from the worker: no more streams; those there go on. */
void fake_http_goaway(struct http *http);
/* It ended by itself: streams are lost, note_ended. */
void fake_http_end(struct http *http, enum conn_end end);
/* From now on it does not tell its end by itself. */
void fake_http_hang(struct http *http);
bool fake_http_is_draining(const struct http *http);
bool fake_http_is_closed(const struct http *http);
/* Requests opened so far; the head of request `index`. */
unsigned fake_http_requests(const struct http *http);
const struct head *fake_http_request(const struct http *http, unsigned index);
/* The stream of request `index`, and the body it was given. */
struct stream *fake_http_stream(const struct http *http, unsigned index);
struct span fake_stream_sent(const struct stream *stream);
/* The worker's answer: its head with a status and a declared length (-1: none), and bytes of its
 * body, which are shown until the user takes them. */
void fake_stream_answer(struct stream *stream, int status, int64_t length);
void fake_stream_feed(struct stream *stream, struct span bytes);
/* The stream ends: whole, or by `fate`; its room comes back. */
void fake_stream_end(struct stream *stream, enum stream_end fate);
bool fake_stream_is_released(const struct stream *stream);
/* Streams not released. */
unsigned fake_streams_held(void);
void fake_https_free(void);

#endif
