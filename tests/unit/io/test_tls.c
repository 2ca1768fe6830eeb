#include "io/tls.h"

#include <openssl/err.h>
#include <string.h>
#include <sys/socket.h>

#include "unit/io/peers.h"

enum { MIB = 1 << 20 };

/* Our own two contexts with conns on both ends. */
struct scene {
    struct hall hall;
    struct tls *callers;
    struct tls *workers;
    struct side server;
    struct side client;
    struct porch porch;
};

static void scene_init(struct scene *scene, size_t bulk)
{
    char error[256] = "";
    *scene = (struct scene){0};
    hall_init(&scene->hall, bulk);
    scene->server.hall = scene->client.hall = &scene->hall;
    scene->callers = tls_for_callers(scene->hall.certificate, scene->hall.key, TLS_CLIENT_OFF,
                                     error, sizeof(error));
    ck_assert_msg(scene->callers != NULL, "%s", error);
    scene->workers = tls_for_workers(error, sizeof(error));
    ck_assert_msg(scene->workers != NULL, "%s", error);
    porch_init(&scene->porch, &scene->server, scene->callers);
}

static void scene_connect(struct scene *scene)
{
    scene->client.conn =
        conn_connect(scene->hall.loop, &scene->porch.address, scene->workers, "worker.example",
                     &scene->porch.options, &side_events, &scene->client);
}

static void scene_fini(struct scene *scene)
{
    side_close(&scene->client);
    side_close(&scene->server);
    listener_close(scene->porch.listener);
    tls_give(scene->callers);
    tls_give(scene->workers);
    hall_fini(&scene->hall);
}

START_TEST(both_ends_agree_on_h2_the_certificate_and_the_exporter)
{
    struct scene scene;
    scene_init(&scene, 20000);
    scene_connect(&scene);
    uint8_t ours[32], theirs[32], other[32];
    ck_assert(!conn_export(scene.client.conn, "EXPORTER-teegate-attest", ours, 32));
    HALL_UNTIL(&scene.hall, scene.client.opens == 1 && scene.server.opens == 1);
    ck_assert(conn_is_tls(scene.client.conn));
    ck_assert_int_eq(conn_alpn(scene.client.conn), ALPN_H2);
    ck_assert_int_eq(conn_alpn(scene.server.conn), ALPN_H2);
    ck_assert(conn_export(scene.client.conn, "EXPORTER-teegate-attest", ours, 32));
    ck_assert(conn_export(scene.server.conn, "EXPORTER-teegate-attest", theirs, 32));
    ck_assert(conn_export(scene.server.conn, "EXPORTER-other", other, 32));
    ck_assert_mem_eq(ours, theirs, 32);
    ck_assert_mem_ne(ours, other, 32);

    struct span der = conn_peer_certificate(scene.client.conn);
    FILE *file = fopen(scene.hall.certificate, "r");
    X509 *leaf = PEM_read_X509(file, NULL, NULL, NULL);
    fclose(file);
    unsigned char *expected = NULL;
    int len = i2d_X509(leaf, &expected);
    ck_assert_uint_eq(der.len, (size_t)len);
    ck_assert_mem_eq(der.ptr, expected, der.len);
    OPENSSL_free(expected);
    X509_free(leaf);
    ck_assert_uint_eq(conn_peer_certificate(scene.server.conn).len, 0);
    scene_fini(&scene);
}
END_TEST

START_TEST(a_mebibyte_each_way_arrives_with_a_slow_reader_and_a_bounded_writer)
{
    struct scene scene;
    scene_init(&scene, 0);
    scene.server.to_send = scene.client.to_send = MIB;
    scene.client.take_max = 3000;
    scene_connect(&scene);
    HALL_UNTIL(&scene.hall, scene.server.got == MIB);
    ck_assert_uint_lt(scene.client.got, MIB);
    uint64_t give_up_at = clock_monotonic_ms() + 60000;
    while (scene.client.got < MIB) {
        conn_resume(scene.client.conn, PAUSE_WINDOW);
        hall_turn(&scene.hall, 5);
        ck_assert_uint_lt(clock_monotonic_ms(), give_up_at);
    }
    ck_assert_uint_le(scene.server.unsent_most, 65536);
    ck_assert_uint_le(scene.client.unsent_most, 65536);
    scene_fini(&scene);
}
END_TEST

START_TEST(what_is_written_before_it_is_open_leaves_when_it_is)
{
    struct scene scene;
    scene_init(&scene, 0);
    scene_connect(&scene);
    scene.client.to_send = 100;
    side_flush(&scene.client); /* as an owner that is early */
    ck_assert_uint_eq(conn_unsent(scene.client.conn), 100);
    HALL_UNTIL(&scene.hall, scene.server.got == 100);
    scene_fini(&scene);
}
END_TEST

START_TEST(an_early_wake_is_a_flush_once_it_is_open)
{
    struct scene scene;
    scene_init(&scene, 0);
    scene_connect(&scene);
    conn_wake(scene.client.conn);
    HALL_UNTIL(&scene.hall, scene.client.opens == 1);
    hall_turn(&scene.hall, 0);
    ck_assert_uint_eq(scene.client.flushes, 1);
    scene_fini(&scene);
}
END_TEST

START_TEST(what_the_library_holds_back_comes_out_after_a_pause)
{
    struct scene scene;
    scene_init(&scene, 0);
    scene_connect(&scene);
    HALL_UNTIL(&scene.hall, scene.client.opens == 1 && scene.server.opens == 1);
    /* Many small records in one segment; the reader pauses at the first offer. */
    scene.client.pause_after = true;
    scene.client.take_max = 1;
    for (unsigned i = 0; i < 50; ++i) {
        scene.server.to_send = 10;
        conn_wake(scene.server.conn);
        hall_turn(&scene.hall, 0);
    }
    HALL_UNTIL(&scene.hall, scene.client.offers == 1);
    scene.client.pause_after = false;
    scene.client.take_max = 0;
    conn_resume(scene.client.conn, PAUSE_WINDOW);
    HALL_UNTIL(&scene.hall, scene.client.got == 500);
    scene_fini(&scene);
}
END_TEST

START_TEST(lingering_ends_in_order_and_closing_at_once_does_not)
{
    for (unsigned linger = 0; linger < 2; ++linger) {
        struct scene scene;
        scene_init(&scene, 0);
        scene_connect(&scene);
        HALL_UNTIL(&scene.hall, scene.client.opens == 1 && scene.server.opens == 1);
        scene.server.to_send = 5000;
        side_flush(&scene.server);
        scene.server.linger = linger == 1;
        if (linger == 0)
            HALL_UNTIL(&scene.hall, scene.client.got == 5000);
        side_close(&scene.server);
        HALL_UNTIL(&scene.hall, scene.client.ends == 1);
        ck_assert_int_eq(scene.client.end, linger == 1 ? CONN_EOF : CONN_RESET);
        ck_assert_uint_eq(scene.client.got, 5000);
        scene_fini(&scene);
    }
}
END_TEST

START_TEST(closing_in_any_callback_is_safe_over_tls)
{
    for (unsigned where = 0; where < 8; ++where) {
        struct scene scene;
        scene_init(&scene, 0);
        scene.client.to_send = scene.server.to_send = 100000;
        scene.server.linger = where >= 4;
        scene.server.close_at_open = where % 4 == 0;
        scene.server.close_at_bytes = where % 4 == 1;
        scene.server.close_at_flush = where % 4 == 2;
        scene.server.close_at_end = where % 4 == 3;
        scene_connect(&scene);
        if (where % 4 == 3) {
            HALL_UNTIL(&scene.hall, scene.client.opens == 1);
            side_close(&scene.client);
            HALL_UNTIL(&scene.hall, scene.server.ends == 1);
        } else {
            HALL_UNTIL(&scene.hall, scene.client.ends == 1);
        }
        ck_assert_ptr_null(scene.server.conn);
        scene_fini(&scene);
    }
}
END_TEST

START_TEST(a_certificate_chain_up_to_256_kib_is_taken_and_no_more)
{
    static const struct {
        size_t bulk;
        bool taken;
    } rows[] = {{150 * 1024, true}, {255 * 1024, true}, {257 * 1024, false}};
    for (unsigned i = 0; i < 3; ++i) {
        struct scene scene;
        scene_init(&scene, rows[i].bulk);
        scene_connect(&scene);
        HALL_UNTIL(&scene.hall, scene.client.opens + scene.client.ends == 1);
        ck_assert_uint_eq(scene.client.opens, rows[i].taken);
        if (!rows[i].taken)
            ck_assert_int_eq(scene.client.end, CONN_TLS_FAILED);
        scene_fini(&scene);
    }
}
END_TEST

START_TEST(a_conn_keeps_its_context_alive)
{
    struct scene scene;
    char error[128];
    scene_init(&scene, 0);
    scene_connect(&scene);
    struct tls *first = scene.workers;
    scene.workers = tls_for_workers(error, sizeof(error)); /* as a reload would */
    tls_give(first);
    scene.client.to_send = 100;
    HALL_UNTIL(&scene.hall, scene.server.got == 100);
    scene_fini(&scene);
}
END_TEST

START_TEST(a_silent_peer_runs_out_of_time_on_both_sides)
{
    struct hall hall;
    char error[128];
    hall_init(&hall, 0);
    struct tls *callers =
        tls_for_callers(hall.certificate, hall.key, TLS_CLIENT_OFF, error, sizeof(error));
    struct tls *workers = tls_for_workers(error, sizeof(error));
    struct side cleartext = {.hall = &hall}, client = {.hall = &hall}, server = {.hall = &hall};
    struct porch porch;
    porch_init(&porch, &cleartext, NULL); /* takes the ClientHello and says nothing */
    struct conn_options options = {.open_ms_max = 40};
    cleartext.take_max = 1;
    cleartext.got = SIZE_MAX; /* 0x16, whatever the pattern: never compared */
    static const struct conn_events deaf = {NULL, NULL, NULL, NULL, side_note_ended};
    uint64_t start = clock_monotonic_ms();
    client.conn =
        conn_connect(hall.loop, &porch.address, workers, NULL, &options, &side_events, &client);
    int fds[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    server.conn = conn_accept(hall.loop, fds[0], callers, &options, &side_events, &server);
    HALL_UNTIL(&hall, cleartext.conn != NULL);
    conn_adopt(cleartext.conn, &deaf, &cleartext);
    conn_pause(cleartext.conn, PAUSE_LIMIT);
    HALL_UNTIL(&hall, client.ends == 1 && server.ends == 1);
    ck_assert_uint_ge(clock_monotonic_ms(), start + 40);
    ck_assert_int_eq(client.end, CONN_TIMED_OUT);
    ck_assert_int_eq(server.end, CONN_TIMED_OUT);
    side_close(&client);
    side_close(&server);
    side_close(&cleartext);
    close(fds[1]);
    listener_close(porch.listener);
    tls_give(callers);
    tls_give(workers);
    hall_fini(&hall);
}
END_TEST

/* A peer made of OpenSSL alone, whose bytes pass through our hands. */
struct raw {
    SSL_CTX *ctx;
    SSL *ssl;
    int fd;
    size_t step_max; /* how many bytes leave at once; 0: all */
};

static void raw_init(struct raw *raw, const SSL_METHOD *method)
{
    *raw = (struct raw){.ctx = SSL_CTX_new(method), .fd = -1};
}

static void raw_start(struct raw *raw, int fd, bool server)
{
    raw->fd = fd;
    raw->ssl = SSL_new(raw->ctx);
    SSL_set_bio(raw->ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    BIO_set_mem_eof_return(SSL_get_rbio(raw->ssl), -1);
    if (server)
        SSL_set_accept_state(raw->ssl);
    else
        SSL_set_connect_state(raw->ssl);
}

static void raw_carry(struct raw *raw)
{
    char bytes[8192];
    BIO *out = SSL_get_wbio(raw->ssl);
    size_t step = raw->step_max > 0 ? raw->step_max : sizeof(bytes);
    int held;
    if (raw->step_max == 0 || BIO_pending(out) > 0)
        while ((held = BIO_read(out, bytes, (int)step)) > 0) {
            ck_assert_int_eq(send(raw->fd, bytes, (size_t)held, MSG_NOSIGNAL), held);
            if (raw->step_max > 0)
                break;
        }
    ssize_t got = recv(raw->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
    if (got > 0)
        BIO_write(SSL_get_rbio(raw->ssl), bytes, (int)got);
}

static bool raw_shakes(struct raw *raw)
{
    ERR_clear_error();
    int returned = SSL_do_handshake(raw->ssl);
    raw_carry(raw);
    return returned != 1 && SSL_get_error(raw->ssl, returned) == SSL_ERROR_WANT_READ;
}

static void raw_fini(struct raw *raw)
{
    SSL_free(raw->ssl);
    SSL_CTX_free(raw->ctx);
    if (raw->fd >= 0)
        close(raw->fd);
}

/* A raw client at a conn of the callers' side. */
struct visit {
    struct hall hall;
    struct tls *callers;
    struct side server;
    struct raw raw;
};

static void visit_init(struct visit *visit)
{
    char error[256] = "";
    *visit = (struct visit){0};
    hall_init(&visit->hall, 0);
    visit->server.hall = &visit->hall;
    visit->callers = tls_for_callers(visit->hall.certificate, visit->hall.key, TLS_CLIENT_OFF,
                                     error, sizeof(error));
    ck_assert_msg(visit->callers != NULL, "%s", error);
    raw_init(&visit->raw, TLS_client_method());
}

static void visit_start(struct visit *visit)
{
    int fds[2];
    struct conn_options options = {.open_ms_max = 5000};
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    visit->server.conn = conn_accept(visit->hall.loop, fds[0], visit->callers, &options,
                                     &side_events, &visit->server);
    raw_start(&visit->raw, fds[1], false);
}

/* Until the server's side has come to something. */
static void visit_shake(struct visit *visit)
{
    uint64_t give_up_at = clock_monotonic_ms() + 10000;
    while (visit->server.opens + visit->server.ends == 0 && visit->raw.fd >= 0) {
        raw_shakes(&visit->raw);
        hall_turn(&visit->hall, 1);
        ck_assert_uint_lt(clock_monotonic_ms(), give_up_at);
    }
    raw_shakes(&visit->raw);
}

static void visit_fini(struct visit *visit)
{
    side_close(&visit->server);
    raw_fini(&visit->raw);
    tls_give(visit->callers);
    hall_fini(&visit->hall);
}

START_TEST(protocols_are_chosen_as_rfc_7301_says)
{
    static const struct {
        const char *offered;
        bool opens;
        enum conn_alpn chosen;
    } rows[] = {
        {"\x02h2", true, ALPN_H2},
        {"\x08http/1.1", true, ALPN_HTTP11},
        {"\x08http/1.1\x02h2", true, ALPN_H2},
        {"\x06spdy/1\x08http/1.1", true, ALPN_HTTP11},
        {"", true, ALPN_HTTP11},
        {"\x06spdy/1", false, ALPN_NONE},
        {"\x08http/1.0\x03h2c", false, ALPN_NONE},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        struct visit visit;
        visit_init(&visit);
        size_t len = strlen(rows[i].offered);
        if (len > 0)
            ck_assert_int_eq(SSL_CTX_set_alpn_protos(visit.raw.ctx,
                                                     (const unsigned char *)rows[i].offered,
                                                     (unsigned)len),
                             0);
        visit_start(&visit);
        visit_shake(&visit);
        ck_assert_msg(visit.server.opens == rows[i].opens, "row %zu", i);
        if (rows[i].opens) {
            ck_assert_int_eq(conn_alpn(visit.server.conn), rows[i].chosen);
        } else {
            ck_assert_int_eq(visit.server.end, CONN_TLS_FAILED);
            raw_shakes(&visit.raw);
            ck_assert_int_eq(ERR_GET_REASON(ERR_peek_last_error()),
                             SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL);
        }
        visit_fini(&visit);
    }
}
END_TEST

START_TEST(callers_may_come_with_tls_1_2_but_only_in_its_modern_form)
{
    static const struct {
        int version;
        const char *ciphers;
        bool opens;
    } rows[] = {
        {TLS1_3_VERSION, NULL, true},
        {TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256", true},
        {TLS1_2_VERSION, "ECDHE-ECDSA-CHACHA20-POLY1305", true},
        {TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA", false},
        {TLS1_2_VERSION, "ECDHE-ECDSA-AES256-SHA384", false},
        {TLS1_1_VERSION, "ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0", false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        struct visit visit;
        visit_init(&visit);
        SSL_CTX_set_min_proto_version(visit.raw.ctx, rows[i].version);
        SSL_CTX_set_max_proto_version(visit.raw.ctx, rows[i].version);
        if (rows[i].ciphers != NULL)
            ck_assert_int_eq(SSL_CTX_set_cipher_list(visit.raw.ctx, rows[i].ciphers), 1);
        visit_start(&visit);
        visit_shake(&visit);
        ck_assert_msg(visit.server.opens == rows[i].opens, "row %zu", i);
        ck_assert_msg(rows[i].opens || visit.server.end == CONN_TLS_FAILED, "row %zu", i);
        visit_fini(&visit);
    }
}
END_TEST

static void raw_send_pattern(struct raw *raw, size_t from, size_t count)
{
    char bytes[16384];
    ck_assert_uint_le(count, sizeof(bytes));
    for (size_t i = 0; i < count; ++i)
        bytes[i] = pattern_at(from + i);
    ck_assert_int_eq(SSL_write(raw->ssl, bytes, (int)count), (int)count);
}

START_TEST(a_handshake_and_records_may_come_a_few_bytes_at_a_time)
{
    struct visit visit;
    visit_init(&visit);
    visit_start(&visit);
    visit.raw.step_max = 7;
    visit_shake(&visit);
    ck_assert_uint_eq(visit.server.opens, 1);
    raw_send_pattern(&visit.raw, 0, 500);
    raw_send_pattern(&visit.raw, 500, 300);
    while (BIO_pending(SSL_get_wbio(visit.raw.ssl)) > 0) {
        raw_carry(&visit.raw);
        hall_turn(&visit.hall, 0);
    }
    HALL_UNTIL(&visit.hall, visit.server.got == 800);
    ck_assert_uint_eq(visit.server.offers, 2); /* whole records, each offered once */
    visit_fini(&visit);
}
END_TEST

START_TEST(an_end_within_a_record_or_without_close_notify_is_a_reset)
{
    enum { IN_ORDER, NO_NOTIFY, CUT_RECORD, CASES };
    for (unsigned how = 0; how < CASES; ++how) {
        struct visit visit;
        visit_init(&visit);
        visit_start(&visit);
        visit_shake(&visit);
        raw_send_pattern(&visit.raw, 0, 100);
        raw_carry(&visit.raw);
        if (how == IN_ORDER)
            SSL_shutdown(visit.raw.ssl);
        if (how == CUT_RECORD) {
            raw_send_pattern(&visit.raw, 100, 1000);
            visit.raw.step_max = 500;
        }
        raw_carry(&visit.raw);
        close(visit.raw.fd);
        visit.raw.fd = -1;
        HALL_UNTIL(&visit.hall, visit.server.ends == 1);
        ck_assert_int_eq(visit.server.end, how == IN_ORDER ? CONN_EOF : CONN_RESET);
        ck_assert_uint_eq(visit.server.got, 100);
        visit_fini(&visit);
    }
}
END_TEST

START_TEST(a_forged_record_is_a_reset)
{
    struct visit visit;
    visit_init(&visit);
    visit_start(&visit);
    visit_shake(&visit);
    static const char forged[] = "\x17\x03\x03\x00\x20"
                                 "0123456789abcdef0123456789abcdef";
    ck_assert_int_eq(send(visit.raw.fd, forged, 37, 0), 37);
    HALL_UNTIL(&visit.hall, visit.server.ends == 1);
    ck_assert_int_eq(visit.server.end, CONN_RESET);
    ck_assert_uint_eq(visit.server.offers, 0);
    visit_fini(&visit);
}
END_TEST

START_TEST(what_is_no_handshake_fails)
{
    static const struct span rows[] = {
        SPAN_OF("GET / HTTP/1.1\r\n\r\n"),
        SPAN_OF("\x16\x03\x01\xff\xff zzzz zzzz zzzz"),
        SPAN_OF("\0\0\0\0\0\0\0\0"),
        {NULL, 0}, /* nothing, and gone */
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        struct visit visit;
        visit_init(&visit);
        visit_start(&visit);
        if (rows[i].len > 0)
            ck_assert_int_gt(send(visit.raw.fd, rows[i].ptr, rows[i].len, 0), 0);
        close(visit.raw.fd);
        visit.raw.fd = -1;
        HALL_UNTIL(&visit.hall, visit.server.ends == 1);
        ck_assert_int_eq(visit.server.end, CONN_TLS_FAILED);
        ck_assert_uint_eq(visit.server.opens, 0);
        visit_fini(&visit);
    }
}
END_TEST

static void write_in_pieces(void *owner)
{
    struct side *side = owner;
    for (unsigned i = 0; i < 40 && side->sent < 40000; ++i) {
        static const char piece[1000];
        conn_write(side->conn, span_of(piece, sizeof(piece)));
        side->sent += sizeof(piece);
    }
}

START_TEST(small_writes_of_a_turn_become_full_records)
{
    static const struct conn_events events = {NULL, side_note_bytes, write_in_pieces, NULL,
                                              side_note_ended};
    struct visit visit;
    char bytes[16384];
    visit_init(&visit);
    visit_start(&visit);
    visit_shake(&visit);
    conn_adopt(visit.server.conn, &events, &visit.server);
    conn_wake(visit.server.conn);
    hall_turn(&visit.hall, 0);
    for (unsigned i = 0; i < 20; ++i)
        raw_carry(&visit.raw);
    ck_assert_int_eq(SSL_read(visit.raw.ssl, bytes, sizeof(bytes)), 16384);
    ck_assert_int_eq(SSL_read(visit.raw.ssl, bytes, sizeof(bytes)), 16384);
    ck_assert_int_eq(SSL_read(visit.raw.ssl, bytes, sizeof(bytes)), 40000 - 2 * 16384);
    visit_fini(&visit);
}
END_TEST

START_TEST(a_caller_may_change_its_keys_in_the_middle)
{
    struct visit visit;
    visit_init(&visit);
    visit_start(&visit);
    visit_shake(&visit);
    raw_send_pattern(&visit.raw, 0, 100);
    ck_assert_int_eq(SSL_key_update(visit.raw.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
    raw_send_pattern(&visit.raw, 100, 100);
    raw_carry(&visit.raw);
    HALL_UNTIL(&visit.hall, visit.server.got == 200);
    conn_write(visit.server.conn, SPAN_OF("still here"));
    hall_turn(&visit.hall, 0);
    raw_carry(&visit.raw);
    char text[32];
    ck_assert_int_eq(SSL_read(visit.raw.ssl, text, sizeof(text)), 10);
    visit_fini(&visit);
}
END_TEST

/* The workers' context against a server of the given version. */
static enum conn_end meet_server(struct hall *hall, int version, struct side *client, bool *reused)
{
    char error[128];
    struct tls *workers = tls_for_workers(error, sizeof(error));
    struct address any, bound;
    ck_assert(address_parse(&any, SPAN_OF("127.0.0.1:0"), error, sizeof(error)));
    int door = socket_listen(&any, false, error, sizeof(error));
    ck_assert(socket_local(door, &bound));
    struct conn_options options = {.open_ms_max = 5000};
    *client = (struct side){.hall = hall};
    client->conn = conn_connect(hall->loop, &bound, workers, NULL, &options, &side_events, client);
    hall_turn(hall, 10);
    struct raw raw;
    raw_init(&raw, TLS_server_method());
    SSL_CTX_set_max_proto_version(raw.ctx, version);
    SSL_CTX_use_certificate_chain_file(raw.ctx, hall->certificate);
    SSL_CTX_use_PrivateKey_file(raw.ctx, hall->key, SSL_FILETYPE_PEM);
    int fd = accept(door, NULL, NULL);
    ck_assert_int_ge(fd, 0);
    raw_start(&raw, fd, true);
    while (client->opens + client->ends == 0) {
        raw_shakes(&raw);
        hall_turn(hall, 1);
    }
    raw_shakes(&raw);
    if (client->opens == 1) {
        raw_shakes(&raw);
        *reused = SSL_session_reused(raw.ssl);
        ck_assert_int_eq(conn_alpn(client->conn), ALPN_HTTP11); /* the server chose nothing */
    }
    enum conn_end end = client->end;
    side_close(client);
    raw_fini(&raw);
    close(door);
    tls_give(workers);
    return end;
}

START_TEST(a_worker_must_speak_tls_1_3)
{
    struct hall hall;
    struct side client;
    bool reused = false;
    hall_init(&hall, 0);
    ck_assert_int_eq(meet_server(&hall, TLS1_2_VERSION, &client, &reused), CONN_TLS_FAILED);
    ck_assert_uint_eq(client.opens, 0);
    ck_assert_int_eq(meet_server(&hall, TLS1_3_VERSION, &client, &reused), CONN_NOT_ENDED);
    ck_assert_uint_eq(client.opens, 1);
    ck_assert_int_eq(meet_server(&hall, TLS1_3_VERSION, &client, &reused), CONN_NOT_ENDED);
    ck_assert(!reused);
    hall_fini(&hall);
}
END_TEST

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    fputs(text, file);
    fclose(file);
}

START_TEST(mistakes_with_files_are_told_with_the_file)
{
    struct hall hall;
    char error[256];
    hall_init(&hall, 0);

    ck_assert_ptr_null(
        tls_for_callers("/nowhere/cert.pem", hall.key, TLS_CLIENT_OFF, error, sizeof(error)));
    ck_assert_ptr_nonnull(strstr(error, "/nowhere/cert.pem"));
    ck_assert_ptr_nonnull(strstr(error, "No such file"));

    ck_assert_ptr_null(tls_for_callers(hall.certificate, "/nowhere/key.pem", TLS_CLIENT_OFF, error,
                                       sizeof(error)));
    ck_assert_ptr_nonnull(strstr(error, "/nowhere/key.pem"));
    ck_assert_ptr_nonnull(strstr(error, "No such file"));

    ck_assert_ptr_null(
        tls_for_callers(hall.certificate, hall.other_key, TLS_CLIENT_OFF, error, sizeof(error)));
    ck_assert_ptr_nonnull(strstr(error, "does not belong to"));
    ck_assert_ptr_nonnull(strstr(error, hall.other_key));

    FILE *file = fopen(hall.other_key, "w");
    EVP_PKEY *key = EVP_EC_gen("P-256");
    ck_assert_int_eq(PEM_write_PrivateKey(file, key, EVP_aes_128_cbc(), (unsigned char *)"secret",
                                          6, NULL, NULL),
                     1);
    fclose(file);
    EVP_PKEY_free(key);
    ck_assert_ptr_null(
        tls_for_callers(hall.certificate, hall.other_key, TLS_CLIENT_OFF, error, sizeof(error)));
    ck_assert_ptr_nonnull(strstr(error, hall.other_key)); /* and nothing was asked on a terminal */

    write_text(hall.other_key, "no key at all\n");
    ck_assert_ptr_null(
        tls_for_callers(hall.certificate, hall.other_key, TLS_CLIENT_OFF, error, sizeof(error)));
    ck_assert_ptr_nonnull(strstr(error, hall.other_key));

    write_text(hall.certificate, "");
    ck_assert_ptr_null(
        tls_for_callers(hall.certificate, hall.key, TLS_CLIENT_OFF, error, sizeof(error)));
    ck_assert_ptr_nonnull(strstr(error, hall.certificate));
    hall_fini(&hall);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        both_ends_agree_on_h2_the_certificate_and_the_exporter,
        a_mebibyte_each_way_arrives_with_a_slow_reader_and_a_bounded_writer,
        what_is_written_before_it_is_open_leaves_when_it_is,
        an_early_wake_is_a_flush_once_it_is_open,
        what_the_library_holds_back_comes_out_after_a_pause,
        lingering_ends_in_order_and_closing_at_once_does_not,
        closing_in_any_callback_is_safe_over_tls,
        a_certificate_chain_up_to_256_kib_is_taken_and_no_more,
        a_conn_keeps_its_context_alive,
        a_silent_peer_runs_out_of_time_on_both_sides,
        protocols_are_chosen_as_rfc_7301_says,
        callers_may_come_with_tls_1_2_but_only_in_its_modern_form,
        a_handshake_and_records_may_come_a_few_bytes_at_a_time,
        an_end_within_a_record_or_without_close_notify_is_a_reset,
        a_forged_record_is_a_reset,
        what_is_no_handshake_fails,
        small_writes_of_a_turn_become_full_records,
        a_caller_may_change_its_keys_in_the_middle,
        a_worker_must_speak_tls_1_3,
        mistakes_with_files_are_told_with_the_file,
        NULL};
    return checks_run("tls", tests);
}
