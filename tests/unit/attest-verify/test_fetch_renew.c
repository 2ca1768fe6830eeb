/* Renewal while the stored document still holds, against a service in a thread of this test. */
#include <config.h> /* nftw() is an extension */

#include "fetch/fetch.h"
#include "verify_scene.h"

#include <arpa/inet.h>
#include <cjson/cJSON.h>
#include <ftw.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { REQUEST_BYTES_MAX = 4096 };

/* A service that answers every connection once with a part of one document. */
struct service {
    int listener;
    char url[64];
    cJSON *document;
    pthread_t thread;
    atomic_bool stopping;
};

static const char *member(const struct service *service, const char *name)
{
    const char *text =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(service->document, name));
    ck_assert_msg(text != NULL, "no %s", name);
    return text;
}

/* A PEM chain as a field carries it. */
static void put_chain(struct simulate_bytes *out, const char *field, const char *pem)
{
    simulate_put_text(out, "%s: ", field);
    for (; *pem != '\0'; ++pem)
        simulate_put_text(out, "%%%02X", (unsigned char)*pem);
    simulate_put_text(out, "\r\n");
}

static void put_answer(const struct service *service, const char *request,
                       struct simulate_bytes *out)
{
    struct simulate_bytes body = {0};
    simulate_put_text(out, "HTTP/1.1 200 OK\r\nConnection: close\r\n");
    if (strstr(request, "/tcb?") != NULL) {
        put_chain(out, "TCB-Info-Issuer-Chain", member(service, "tcb_info_issuer_chain"));
        simulate_put_text(&body, "{\"tcbInfo\":%s,\"signature\":\"%s\"}",
                          member(service, "tcb_info"), member(service, "tcb_info_signature"));
    } else if (strstr(request, "/qe/identity") != NULL) {
        put_chain(out, "SGX-Enclave-Identity-Issuer-Chain",
                  member(service, "qe_identity_issuer_chain"));
        simulate_put_text(&body, "{\"enclaveIdentity\":%s,\"signature\":\"%s\"}",
                          member(service, "qe_identity"), member(service, "qe_identity_signature"));
    } else if (strstr(request, "/pckcrl?") != NULL) {
        put_chain(out, "SGX-PCK-CRL-Issuer-Chain", member(service, "pck_crl_issuer_chain"));
        simulate_put_text(&body, "%s", member(service, "pck_crl"));
    } else {
        simulate_put_text(&body, "%s", member(service, "root_ca_crl"));
    }
    simulate_put_text(out, "Content-Length: %zu\r\n\r\n", body.len);
    simulate_put(out, body.ptr, body.len);
    simulate_bytes_fini(&body);
}

static void serve_one(const struct service *service, int fd)
{
    char request[REQUEST_BYTES_MAX + 1];
    size_t len = 0;
    ssize_t n = 1;
    struct simulate_bytes answer = {0};
    request[0] = '\0';
    while (n > 0 && len < REQUEST_BYTES_MAX && strstr(request, "\r\n\r\n") == NULL) {
        n = recv(fd, request + len, REQUEST_BYTES_MAX - len, 0);
        len += n > 0 ? (size_t)n : 0;
        request[len] = '\0';
    }
    put_answer(service, request, &answer);
    for (size_t sent = 0; sent < answer.len && n > 0; sent += n > 0 ? (size_t)n : 0)
        n = send(fd, answer.ptr + sent, answer.len - sent, MSG_NOSIGNAL);
    simulate_bytes_fini(&answer);
}

static void *serve(void *user)
{
    struct service *service = user;
    struct pollfd waiting = {.fd = service->listener, .events = POLLIN};
    while (!atomic_load(&service->stopping)) {
        if (poll(&waiting, 1, 50) <= 0)
            continue;
        int fd = accept(service->listener, NULL, NULL);
        if (fd >= 0) {
            serve_one(service, fd);
            close(fd);
        }
    }
    return NULL;
}

static void service_start(struct service *service, const struct simulate_bytes *document)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    *service = (struct service){.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    service->document = cJSON_ParseWithLength((const char *)document->ptr, document->len);
    ck_assert_ptr_nonnull(service->document);
    ck_assert_int_eq(bind(service->listener, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(service->listener, 8), 0);
    ck_assert_int_eq(getsockname(service->listener, (struct sockaddr *)&address, &len), 0);
    snprintf(service->url, sizeof service->url, "http://127.0.0.1:%u", ntohs(address.sin_port));
    ck_assert_int_eq(pthread_create(&service->thread, NULL, serve, service), 0);
}

static void service_stop(struct service *service)
{
    atomic_store(&service->stopping, true);
    ck_assert_int_eq(pthread_join(service->thread, NULL), 0);
    close(service->listener);
    cJSON_Delete(service->document);
}

/* One vendor, one store, and a fetch that knows both. */
struct place {
    char dir[64];
    struct simulate_vendor vendor;
    struct attest_roots *roots;
    struct attest_platform platform;
};

static int remove_one(const char *path, const struct stat *stat, int kind, struct FTW *ftw)
{
    return remove(path);
}

static void place_init(struct place *place)
{
    struct simulate_collateral_options options =
        simulate_collateral_default(ATTEST_TEE_TDX, NOW, NOW + DAY);
    *place = (struct place){.platform = {.tee = ATTEST_TEE_TDX}};
    memcpy(place->platform.fmspc, options.fmspc, sizeof options.fmspc);
    snprintf(place->dir, sizeof place->dir, "fetch-renew-test.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(place->dir));
    simulate_vendor_init(&place->vendor, &(struct simulate_vendor_options){.now = NOW});
    place->roots = roots_of(&place->vendor);
}

static void place_fini(struct place *place)
{
    nftw(place->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    attest_roots_free(place->roots);
    simulate_vendor_fini(&place->vendor);
}

/* One renewal at NOW from a service whose document ends after `days` and has this number: where the
 * document came from and when it ends, and in `error` what was said. */
static struct fetch_document renew(const struct place *place, int days, uint32_t number,
                                   char error[FETCH_ERROR_BYTES])
{
    struct service service;
    struct fetch_document document;
    struct simulate_collateral_options made =
        simulate_collateral_default(ATTEST_TEE_TDX, NOW - DAY, NOW + days * DAY);
    made.evaluation_number = made.qe_evaluation_number = number;
    struct simulate_bytes text = simulate_collateral(&place->vendor, &made);
    service_start(&service, &text);
    const char *url = service.url;
    struct fetch_options options = {.endpoints = &url, .endpoint_count = 1, .store = place->dir};
    struct fetch *fetch = fetch_new(&options, error, FETCH_ERROR_BYTES);
    ck_assert_msg(fetch != NULL, "%s", error);
    struct fetch_request request = {
        .roots = place->roots, .platform = place->platform, .now = NOW, .renew = true};
    ck_assert_msg(fetch_collateral(fetch, &request, &document, error, FETCH_ERROR_BYTES), "%s",
                  error);
    fetch_free(fetch);
    service_stop(&service);
    simulate_bytes_fini(&text);
    return document;
}

static void expect_renewal(const struct place *place, int days, uint32_t number, bool from_store,
                           int ends_after_days, const char *said)
{
    char error[FETCH_ERROR_BYTES];
    struct fetch_document document = renew(place, days, number, error);
    ck_assert_msg(document.from_store == from_store, "%s", error);
    ck_assert_int_eq(document.expires, NOW + ends_after_days * DAY);
    ck_assert_msg(said[0] == '\0' ? error[0] == '\0' : strstr(error, said) != NULL, "%s", error);
    fetch_document_fini(&document);
}

START_TEST(a_renewal_takes_what_lasts_as_long_or_longer_and_nothing_shorter)
{
    struct place place;
    place_init(&place);
    expect_renewal(&place, 10, 20, false, 10, "");
    expect_renewal(&place, 10, 20, false, 10, "");
    expect_renewal(&place, 12, 20, false, 12, "");
    expect_renewal(&place, 11, 20, true, 12, "ends before the stored one");
    place_fini(&place);
}
END_TEST

START_TEST(a_higher_number_wins_over_a_longer_life_and_a_lower_one_never)
{
    struct place place;
    place_init(&place);
    expect_renewal(&place, 10, 20, false, 10, "");
    expect_renewal(&place, 5, 21, false, 5, "");
    expect_renewal(&place, 20, 20, true, 5, "evaluation numbers are 20 and 20, but 21 and 21");
    expect_renewal(&place, 6, 21, false, 6, "");
    place_fini(&place);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_renewal_takes_what_lasts_as_long_or_longer_and_nothing_shorter,
                                  a_higher_number_wins_over_a_longer_life_and_a_lower_one_never,
                                  NULL};
    return checks_run("fetch_renew", tests);
}
