#include "workers/link_say.h"

#include <stdio.h>

static void begin_line(struct log_line *line, enum log_level level, const char *event,
                       const struct link *link)
{
    log_begin(line, level, event);
    json_text(&line->json, "pool", span_text(link->pool->name));
    json_text(&line->json, "worker", span_text(link->worker->id));
}

void link_say_failed(const struct link *link)
{
    struct log_line line;
    begin_line(&line, LOG_WARNING, "link-failed", link);
    json_text(&line.json, "state", span_text(link_state_word(link->state)));
    json_text(&line.json, "detail", span_text(link->detail));
    json_u64(&line.json, "streams", link->live);
    log_write(link->site->log, &line);
}

void link_explain_end(struct link *link)
{
    char where[ADDRESS_TEXT_MAX];
    address_text(&link->worker->address, true, where);
    const char *what = "closed the connection";
    if (link->end == CONN_CONNECT_FAILED)
        what = "cannot be reached by TCP";
    else if (link->end == CONN_TLS_FAILED)
        what = "does not complete a TLS 1.3 handshake";
    else if (link->end == CONN_RESET)
        what = "broke the connection";
    else if (link->end == CONN_TIMED_OUT)
        what = "did not connect in time";
    snprintf(link->detail, sizeof(link->detail), "%s %s while %s", where, what,
             link_state_word(link->state));
}

void link_say_verdict(const struct link *link)
{
    const struct proof *proof = &link->judged;
    struct log_line line;
    /* Nothing new of a link in use is for those who look for more. */
    bool same = link->state == LINK_READY && proof->trusted;
    begin_line(&line, same ? LOG_DEBUG : LOG_NOTICE, "verdict", link);
    json_bool(&line.json, "trusted", proof->trusted);
    json_text(&line.json, "reason", span_text(proof->reason));
    json_text(&line.json, "detail", span_text(proof->detail));
    json_text(&line.json, "tee", span_text(proof->tee));
    json_text(&line.json, "tcb_status", span_text(proof->tcb_status));
    json_text(&line.json, "measurement", span_text(proof->measurement));
    json_i64(&line.json, "expires", proof->expires);
    log_write(link->site->log, &line);
    if (!proof->unjudged)
        stats_add(proof->trusted ? &link->site->stats->verdicts_trusted
                                 : &link->site->stats->verdicts_refused,
                  1);
}

void link_say_challenge(const struct link *link)
{
    const struct proof *proof = &link->judged;
    struct log_line line;
    begin_line(&line, LOG_NOTICE, "challenge", link);
    json_bool(&line.json, "trusted", proof->trusted);
    json_text(&line.json, "reason", span_text(proof->reason));
    json_text(&line.json, "detail", span_text(proof->detail));
    json_u64(&line.json, "took_ms", loop_now(link->site->loop) - link->challenge_at);
    log_write(link->site->log, &line);
    stats_add(proof->trusted ? &link->site->stats->challenges_trusted
                             : &link->site->stats->challenges_refused,
              1);
}
