/* Two conns that talk to each other on one loop, a certificate made on the spot, and a wait for a
 * condition. Owns the folder it makes. Never waits longer than ten seconds. */
#ifndef PEERS_H
#define PEERS_H

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "io/conn.h"
#include "io/listener.h"
#include "unit/checks.h"

struct hall {
    struct loop *loop;
    struct timer tick;
    char folder[32];
    char certificate[64];
    char key[64];
    char other_key[64];
};

static inline void note_tick(void *owner)
{
}

static inline EVP_PKEY *write_key(const char *path)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
    fclose(file);
    return key;
}

/* Self-signed, with `bulk` bytes in a critical extension nobody knows, as evidence would be. */
static inline void write_certificate(const char *path, EVP_PKEY *key, size_t bulk)
{
    X509 *leaf = X509_new();
    X509_set_version(leaf, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(leaf), 1);
    X509_gmtime_adj(X509_getm_notBefore(leaf), -60);
    X509_gmtime_adj(X509_getm_notAfter(leaf), 3600);
    X509_set_pubkey(leaf, key);
    X509_NAME *name = X509_get_subject_name(leaf);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"peer", -1, -1, 0);
    X509_set_issuer_name(leaf, name);
    if (bulk > 0) {
        unsigned char *bytes = alloc_zeroed(bulk);
        ASN1_OBJECT *oid = OBJ_txt2obj("1.3.6.1.4.1.99999.1", 1);
        ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
        ASN1_OCTET_STRING_set(value, bytes, (int)bulk);
        X509_EXTENSION *extension = X509_EXTENSION_create_by_OBJ(NULL, oid, 1, value);
        ck_assert_int_eq(X509_add_ext(leaf, extension, -1), 1);
        X509_EXTENSION_free(extension);
        ASN1_OCTET_STRING_free(value);
        ASN1_OBJECT_free(oid);
        free(bytes);
    }
    ck_assert_int_gt(X509_sign(leaf, key, EVP_sha256()), 0);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(PEM_write_X509(file, leaf), 1);
    fclose(file);
    X509_free(leaf);
}

static inline void hall_init(struct hall *hall, size_t bulk)
{
    *hall = (struct hall){.loop = loop_new(), .folder = "conn-test-XXXXXX"};
    timer_init(&hall->tick, hall->loop, note_tick, hall);
    ck_assert_ptr_nonnull(mkdtemp(hall->folder));
    snprintf(hall->certificate, sizeof(hall->certificate), "%s/cert.pem", hall->folder);
    snprintf(hall->key, sizeof(hall->key), "%s/key.pem", hall->folder);
    snprintf(hall->other_key, sizeof(hall->other_key), "%s/other.pem", hall->folder);
    EVP_PKEY *key = write_key(hall->key);
    write_certificate(hall->certificate, key, bulk);
    EVP_PKEY_free(key);
    EVP_PKEY_free(write_key(hall->other_key));
}

static inline void hall_fini(struct hall *hall)
{
    timer_fini(&hall->tick);
    loop_free(hall->loop);
    unlink(hall->certificate);
    unlink(hall->key);
    unlink(hall->other_key);
    rmdir(hall->folder);
}

/* One turn that never waits longer than `wait_ms`. */
static inline void hall_turn(struct hall *hall, unsigned wait_ms)
{
    timer_set(&hall->tick, clock_monotonic_ms() + wait_ms);
    loop_turn(hall->loop);
}

#define HALL_UNTIL(hall, cond)                                                     \
    do {                                                                           \
        uint64_t give_up_at = clock_monotonic_ms() + 60000;                        \
        while (!(cond)) {                                                          \
            ck_assert_msg(clock_monotonic_ms() < give_up_at, "waited for " #cond); \
            hall_turn(hall, 50);                                                   \
        }                                                                          \
    } while (0)

/* One end of a conn, as its owner. */
struct side {
    struct hall *hall;
    struct conn *conn;
    size_t to_send; /* how many bytes of the pattern flush still writes */
    size_t sent;
    size_t got;      /* how many came, all checked against the pattern */
    size_t offered;  /* the last offer's length */
    size_t take_max; /* per offer; 0: all */
    size_t unsent_most;
    unsigned opens, offers, flushes, drains, ends;
    enum conn_end end;
    bool pause_after; /* pauses in note_bytes */
    bool close_at_open, close_at_bytes, close_at_flush, close_at_end, linger;
};

static inline char pattern_at(size_t at)
{
    return (char)((at * 31 + at / 251) & 0xff);
}

static inline void side_close(struct side *side)
{
    if (side->conn != NULL)
        conn_close(side->conn, side->linger);
    side->conn = NULL;
}

static inline void side_note_open(void *owner)
{
    struct side *side = owner;
    ++side->opens;
    if (side->close_at_open)
        side_close(side);
    else if (side->to_send > 0)
        conn_wake(side->conn);
}

static inline size_t side_note_bytes(void *owner, struct span bytes)
{
    struct side *side = owner;
    ++side->offers;
    side->offered = bytes.len;
    size_t take = side->take_max > 0 && side->take_max < bytes.len ? side->take_max : bytes.len;
    if (side->close_at_bytes)
        side_close(side);
    for (size_t i = 0; i < take; ++i)
        ck_assert_msg(bytes.ptr[i] == pattern_at(side->got + i), "byte %zu", side->got + i);
    side->got += take;
    if (side->pause_after)
        conn_pause(side->conn, PAUSE_WINDOW);
    return take;
}

static inline void side_flush(void *owner)
{
    struct side *side = owner;
    char piece[1000];
    ++side->flushes;
    if (side->close_at_flush) {
        side_close(side);
        return;
    }
    while (side->to_send > 0 && conn_room(side->conn) > 0) {
        size_t room = conn_room(side->conn);
        size_t step = room < sizeof(piece) ? room : sizeof(piece);
        if (step > side->to_send)
            step = side->to_send;
        for (size_t i = 0; i < step; ++i)
            piece[i] = pattern_at(side->sent + i);
        conn_write(side->conn, span_of(piece, step));
        side->sent += step;
        side->to_send -= step;
    }
    if (conn_unsent(side->conn) > side->unsent_most)
        side->unsent_most = conn_unsent(side->conn);
}

static inline void side_note_drained(void *owner)
{
    ++((struct side *)owner)->drains;
}

static inline void side_note_ended(void *owner, enum conn_end end)
{
    struct side *side = owner;
    ++side->ends;
    side->end = end;
    if (side->close_at_end)
        side_close(side);
}

static const struct conn_events side_events = {side_note_open, side_note_bytes, side_flush,
                                               side_note_drained, side_note_ended};

/* A listener that makes the first caller's conn. */
struct porch {
    struct listener *listener;
    struct address address;
    struct tls *tls;
    struct side *side;
    struct conn_options options;
};

static inline void porch_note_accept(void *owner, int fd, const struct address *peer)
{
    struct porch *porch = owner;
    ck_assert_ptr_null(porch->side->conn);
    porch->side->conn = conn_accept(porch->side->hall->loop, fd, porch->tls, &porch->options,
                                    &side_events, porch->side);
}

static inline void porch_init(struct porch *porch, struct side *side, struct tls *tls)
{
    char error[256] = "";
    *porch = (struct porch){.side = side, .tls = tls, .options = {.open_ms_max = 5000}};
    struct address any;
    ck_assert(address_parse(&any, SPAN_OF("127.0.0.1:0"), error, sizeof(error)));
    int fd = socket_listen(&any, false, error, sizeof(error));
    ck_assert_msg(fd >= 0, "%s", error);
    ck_assert(socket_local(fd, &porch->address));
    porch->listener = listener_open(side->hall->loop, fd, porch_note_accept, porch);
}

#endif
