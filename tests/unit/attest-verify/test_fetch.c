/* Fetching, without a server that answers: what is cut out, which endpoints may be asked, what the
 * store gives and when, and how a call is cut short. The servers are in tests/integration. */
#include <config.h> /* nftw() is an extension */

#include "fetch/answer.h"
#include "fetch/endpoint.h"
#include "fetch/fetch.h"
#include "fetch/store.h"
#include "verify_scene.h"

#include <arpa/inet.h>
#include <ftw.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* A store of this test's own with one document in it, and the vendor that the document is of. */
struct place {
    char dir[64];
    struct simulate_vendor vendor;
    struct attest_roots *roots;
    struct attest_platform platform;
    struct store store;
    struct simulate_bytes document;
};

static int remove_one(const char *path, const struct stat *stat, int kind, struct FTW *ftw)
{
    return remove(path);
}

static void place_init(struct place *place)
{
    char error[512];
    *place = (struct place){.platform = {.tee = ATTEST_TEE_TDX}};
    snprintf(place->dir, sizeof place->dir, "fetch-test.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(place->dir));
    simulate_vendor_init(&place->vendor, &(struct simulate_vendor_options){.now = NOW});
    place->roots = roots_of(&place->vendor);
    struct simulate_collateral_options options =
        simulate_collateral_default(ATTEST_TEE_TDX, NOW - DAY, NOW + DAY);
    memcpy(place->platform.fmspc, options.fmspc, sizeof options.fmspc);
    place->document = simulate_collateral(&place->vendor, &options);
    ck_assert_msg(fetch_store_open(&place->store, place->dir, error, sizeof error), "%s", error);
    struct attest_evaluation evaluation = {20, 20};
    ck_assert_msg(fetch_store_keep(&place->store, &place->platform,
                                   (const char *)place->document.ptr, place->document.len,
                                   &evaluation, error, sizeof error),
                  "%s", error);
}

static void place_fini(struct place *place)
{
    nftw(place->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    simulate_bytes_fini(&place->document);
    attest_roots_free(place->roots);
    simulate_vendor_fini(&place->vendor);
}

static struct fetch *fetch_from(const struct place *place, const char *url)
{
    char error[FETCH_ERROR_BYTES];
    struct fetch_options options = {
        .endpoints = &url, .endpoint_count = 1, .store = place->dir, .whole_ms = 10000};
    struct fetch *fetch = fetch_new(&options, error, sizeof error);
    ck_assert_msg(fetch != NULL, "%s", error);
    return fetch;
}

static const char nobody[] = "http://127.0.0.1:1";

START_TEST(the_bytes_of_a_member_are_cut_out_as_they_stand)
{
    static const struct {
        const char *text, *value; /* NULL: there is none to cut */
    } cases[] = {
        {"{\"tcbInfo\":{\"a\":1},\"signature\":\"00\"}", "{\"a\":1}"},
        {" { \"signature\" : \"00\" , \"tcbInfo\" : { \"a\" : [ 1 , 2 ] } } ",
         "{ \"a\" : [ 1 , 2 ] }"},
        {"{\"x\":{\"tcbInfo\":{}},\"tcbInfo\":{\"b\":2}}", "{\"b\":2}"},
        {"{\"x\":\"tcbInfo\",\"y\":[\"tcbInfo\",{\"tcbInfo\":1}],\"tcbInfo\":{}}", "{}"},
        {"{\"x\":\"\\\"},{\\\\\",\"tcbInfo\":{\"c\":\"}\\\"{\"}}", "{\"c\":\"}\\\"{\"}"},
        {"{\"n\":-12,\"t\":true,\"z\":null,\"tcbInfo\":[{},[]]}", "[{},[]]"},
        {"{\"tcbInfoX\":{},\"tcb\":{}}", NULL},
        {"{\"tcb\\u0049nfo\":{}}", NULL},
        {"{}", NULL},
        {"[]", NULL},
        {"", NULL},
        {"{", NULL},
        {"{\"tcbInfo", NULL},
        {"{\"tcbInfo\"", NULL},
        {"{\"tcbInfo\":", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        struct attest_bytes text = {(const uint8_t *)cases[i].text, strlen(cases[i].text)}, value;
        bool found = answer_cut(text, "tcbInfo", &value);
        ck_assert_msg(found == (cases[i].value != NULL), "%s", cases[i].text);
        if (found)
            ck_assert_msg(value.len == strlen(cases[i].value) &&
                              memcmp(value.ptr, cases[i].value, value.len) == 0,
                          "%s: %.*s", cases[i].text, (int)value.len, (const char *)value.ptr);
    }
}
END_TEST

START_TEST(every_beginning_of_an_answer_is_cut_without_reading_beyond_it)
{
    static const char whole[] = "{\"x\":[\"a\\\"\",{}],\"tcbInfo\":{\"a\":\"\\\\\"},\"s\":1}";
    for (size_t len = 0; len < sizeof whole; ++len) {
        uint8_t *exact = malloc(len + 1); /* the sanitizer sees the end */
        ck_assert_ptr_nonnull(exact);
        uint8_t *text = exact + 1; /* as many bytes as the text has, and none behind */
        memcpy(text, whole, len);
        struct attest_bytes value;
        if (answer_cut((struct attest_bytes){text, len}, "tcbInfo", &value))
            ck_assert(value.ptr >= text && value.ptr + value.len <= text + len);
        free(exact);
    }
}
END_TEST

START_TEST(urls_are_those_that_pcs_and_pccs_document)
{
    struct endpoint endpoint;
    char error[256], url[ENDPOINT_URL_BYTES];
    struct attest_platform platform = {.tee = ATTEST_TEE_TDX, .fmspc = {0, 0x80, 0x6f, 5, 0, 0}};
    ck_assert(endpoint_parse("https://pccs.example:8081/sgx/certification/v4/", &endpoint, error,
                             sizeof error));
    endpoint_url(&endpoint, &platform, PART_TCB, url);
    ck_assert_str_eq(url, "https://pccs.example:8081/tdx/certification/v4/tcb?fmspc=00806f050000");
    endpoint_url(&endpoint, &platform, PART_QE, url);
    ck_assert_str_eq(url, "https://pccs.example:8081/tdx/certification/v4/qe/identity");
    endpoint_url(&endpoint, &platform, PART_PCK_CRL, url);
    ck_assert_str_eq(
        url, "https://pccs.example:8081/sgx/certification/v4/pckcrl?ca=platform&encoding=der");
    endpoint_url(&endpoint, &platform, PART_ROOT_CRL, url);
    ck_assert_str_eq(url, "https://pccs.example:8081/sgx/certification/v4/rootcacrl");
    platform.tee = ATTEST_TEE_SGX;
    platform.processor_ca = true;
    ck_assert(endpoint_parse(endpoint_defaults[0], &endpoint, error, sizeof error));
    endpoint_url(&endpoint, &platform, PART_TCB, url);
    ck_assert_ptr_nonnull(strstr(url, "/sgx/certification/v4/tcb?fmspc=00806f050000"));
    endpoint_url(&endpoint, &platform, PART_PCK_CRL, url);
    ck_assert_ptr_nonnull(strstr(url, "ca=processor"));
    endpoint_url(&endpoint, &platform, PART_ROOT_CRL, url);
    ck_assert_str_eq(url, "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der");
}
END_TEST

START_TEST(a_base_of_511_bytes_is_allowed_and_one_of_512_is_not)
{
    struct endpoint endpoint;
    char error[512], url[ENDPOINT_BASE_BYTES + 1];
    struct attest_platform platform = {.tee = ATTEST_TEE_TDX};
    memset(url, 'a', sizeof url);
    memcpy(url, "https://h/", 10);
    url[ENDPOINT_BASE_BYTES] = '\0';
    ck_assert(!endpoint_parse(url, &endpoint, error, sizeof error));
    ck_assert_ptr_nonnull(strstr(error, "too long"));
    url[ENDPOINT_BASE_BYTES - 1] = '\0';
    ck_assert(endpoint_parse(url, &endpoint, error, sizeof error));
    char part[ENDPOINT_URL_BYTES];
    endpoint_url(&endpoint, &platform, PART_PCK_CRL, part);
    ck_assert_ptr_nonnull(strstr(part, "encoding=der")); /* nothing was cut off */
}
END_TEST

START_TEST(a_stored_document_is_given_without_asking_anybody)
{
    struct place place;
    char error[FETCH_ERROR_BYTES];
    struct fetch_document document;
    place_init(&place);
    struct fetch *fetch = fetch_from(&place, nobody);
    struct fetch_request request = {
        .roots = place.roots, .platform = place.platform, .now = NOW + DAY};
    ck_assert_msg(fetch_collateral(fetch, &request, &document, error, sizeof error), "%s", error);
    ck_assert_str_eq(error, "");
    ck_assert(document.from_store);
    ck_assert_int_eq(document.expires, NOW + DAY);
    ck_assert_uint_eq(document.len, place.document.len);
    fetch_document_fini(&document);
    request.now = NOW + DAY + 1;
    ck_assert(!fetch_collateral(fetch, &request, &document, error, sizeof error));
    ck_assert_ptr_null(document.json);
    ck_assert_ptr_nonnull(strstr(error, "collateral-expired"));
    ck_assert_ptr_nonnull(strstr(error, nobody));
    fetch_free(fetch);
    place_fini(&place);
}
END_TEST

START_TEST(a_renewal_that_fails_falls_back_to_the_store_and_says_so)
{
    struct place place;
    char error[FETCH_ERROR_BYTES];
    struct fetch_document document;
    place_init(&place);
    struct fetch *fetch = fetch_from(&place, nobody);
    struct fetch_request request = {
        .roots = place.roots, .platform = place.platform, .now = NOW, .renew = true};
    ck_assert(fetch_collateral(fetch, &request, &document, error, sizeof error));
    ck_assert(document.from_store);
    ck_assert_ptr_nonnull(strstr(error, nobody));
    fetch_document_fini(&document);
    fetch_free(fetch);
    place_fini(&place);
}
END_TEST

START_TEST(a_stored_document_under_other_trust_anchors_is_not_given)
{
    struct place place;
    char error[FETCH_ERROR_BYTES];
    struct fetch_document document;
    place_init(&place);
    struct attest_roots *builtin = attest_roots_builtin();
    struct fetch *fetch = fetch_from(&place, nobody);
    struct fetch_request request = {.roots = builtin, .platform = place.platform, .now = NOW};
    ck_assert(!fetch_collateral(fetch, &request, &document, error, sizeof error));
    ck_assert_ptr_nonnull(strstr(error, "root-unknown"));
    attest_roots_free(builtin);
    fetch_free(fetch);
    place_fini(&place);
}
END_TEST

START_TEST(the_numbers_of_a_store_only_rise_and_each_by_itself)
{
    struct place place;
    char error[512];
    struct attest_evaluation seen;
    static const struct attest_evaluation kept[] = {{19, 25}, {22, 1}, {22, 25}};
    static const struct attest_evaluation expected[] = {{20, 25}, {22, 25}, {22, 25}};
    place_init(&place);
    for (size_t i = 0; i < sizeof kept / sizeof *kept; ++i) {
        ck_assert(fetch_store_keep(&place.store, &place.platform, "{}", 2, &kept[i], error,
                                   sizeof error));
        ck_assert(fetch_store_seen(&place.store, &place.platform, &seen, error, sizeof error));
        ck_assert_uint_eq(seen.tcb, expected[i].tcb);
        ck_assert_uint_eq(seen.qe, expected[i].qe);
    }
    place.platform.fmspc[5] ^= 1; /* another platform has numbers of its own */
    ck_assert(fetch_store_seen(&place.store, &place.platform, &seen, error, sizeof error));
    ck_assert_uint_eq(seen.tcb, 0);
    place_fini(&place);
}
END_TEST

START_TEST(a_symbolic_link_in_a_store_is_not_followed)
{
    struct place place;
    char error[512], path[128];
    size_t len;
    struct attest_evaluation seen;
    place_init(&place);
    place.platform.fmspc[5] ^= 1;
    snprintf(path, sizeof path, "%s/tdx-%02x%02x%02x%02x%02x%02x.seen", place.dir,
             place.platform.fmspc[0], place.platform.fmspc[1], place.platform.fmspc[2],
             place.platform.fmspc[3], place.platform.fmspc[4], place.platform.fmspc[5]);
    ck_assert_int_eq(symlink("/dev/zero", path), 0);
    ck_assert(!fetch_store_seen(&place.store, &place.platform, &seen, error, sizeof error));
    ck_assert_ptr_null(fetch_store_read(&place.store, &place.platform, &len));
    place_fini(&place);
}
END_TEST

/* A port at which connections are taken by the kernel, and nobody ever answers. */
static int listen_mutely(char url[64])
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(fd, 4), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    snprintf(url, 64, "http://127.0.0.1:%u", ntohs(address.sin_port));
    return fd;
}

static void *cancel_soon(void *fetch)
{
    nanosleep(&(struct timespec){.tv_nsec = 200000000L}, NULL);
    fetch_cancel(fetch);
    return NULL;
}

START_TEST(a_call_under_way_ends_when_another_thread_cancels_it)
{
    struct place place;
    char error[FETCH_ERROR_BYTES], url[64];
    struct fetch_document document;
    struct timespec before, after;
    pthread_t thread;
    place_init(&place);
    int listener = listen_mutely(url);
    struct fetch *fetch = fetch_from(&place, url);
    struct fetch_request request = {
        .roots = place.roots, .platform = place.platform, .now = NOW + 2 * DAY};
    clock_gettime(CLOCK_MONOTONIC, &before);
    ck_assert_int_eq(pthread_create(&thread, NULL, cancel_soon, fetch), 0);
    ck_assert(!fetch_collateral(fetch, &request, &document, error, sizeof error));
    clock_gettime(CLOCK_MONOTONIC, &after);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_lt(after.tv_sec - before.tv_sec, 5); /* the endpoint's own limit is ten */
    ck_assert(!fetch_collateral(fetch, &request, &document, error, sizeof error));
    ck_assert_ptr_nonnull(strstr(error, "cancelled"));
    fetch_free(fetch);
    close(listener);
    place_fini(&place);
}
END_TEST

START_TEST(an_endpoint_that_never_answers_is_left_at_its_deadline)
{
    struct place place;
    char error[FETCH_ERROR_BYTES], url[64];
    struct fetch_document document;
    place_init(&place);
    int listener = listen_mutely(url);
    const char *endpoint = url;
    struct fetch_options options = {.endpoints = &endpoint, .endpoint_count = 1, .whole_ms = 300};
    struct fetch *fetch = fetch_new(&options, error, sizeof error);
    ck_assert_ptr_nonnull(fetch);
    struct fetch_request request = {.roots = place.roots, .platform = place.platform, .now = NOW};
    ck_assert(!fetch_collateral(fetch, &request, &document, error, sizeof error));
    ck_assert_ptr_nonnull(strstr(error, "TCB info came too late"));
    fetch_free(fetch);
    close(listener);
    place_fini(&place);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {the_bytes_of_a_member_are_cut_out_as_they_stand,
                                  every_beginning_of_an_answer_is_cut_without_reading_beyond_it,
                                  urls_are_those_that_pcs_and_pccs_document,
                                  a_base_of_511_bytes_is_allowed_and_one_of_512_is_not,
                                  a_stored_document_is_given_without_asking_anybody,
                                  a_renewal_that_fails_falls_back_to_the_store_and_says_so,
                                  a_stored_document_under_other_trust_anchors_is_not_given,
                                  the_numbers_of_a_store_only_rise_and_each_by_itself,
                                  a_symbolic_link_in_a_store_is_not_followed,
                                  a_call_under_way_ends_when_another_thread_cancels_it,
                                  an_endpoint_that_never_answers_is_left_at_its_deadline,
                                  NULL};
    return checks_run("fetch", tests);
}
