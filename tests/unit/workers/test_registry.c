#include "workers/registry.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "unit/checks.h"

static char error[512];

static bool add(struct pool_facts *pool, const char *url, const char *id, uint32_t capacity,
                const struct registry *older)
{
    error[0] = '\0';
    return registry_add_worker(pool, span_text(url), span_text(id), capacity, older, error,
                               sizeof(error));
}

START_TEST(a_new_pool_has_the_defaults)
{
    struct registry *registry = registry_new();
    struct pool_facts *pool = registry_add_pool(registry, "main");
    ck_assert_ptr_nonnull(pool);
    ck_assert_str_eq(pool->path_template, "/ipfs/{cid}{rest}");
    ck_assert_uint_eq(pool->links_per_worker, 4);
    ck_assert_uint_eq(pool->streams_per_link, 32);
    ck_assert_uint_eq(pool->connect_ms_max, 5000);
    ck_assert_uint_eq(pool->waits_max, 1000);
    ck_assert_ptr_eq(registry_pool(registry, "main"), pool);
    ck_assert_ptr_null(registry_pool(registry, "other"));
    registry_give(registry);
}
END_TEST

START_TEST(a_pool_name_stands_once_and_has_a_length)
{
    struct registry *registry = registry_new();
    char longest[POOL_NAME_MAX];
    char too_long[POOL_NAME_MAX + 1];
    memset(longest, 'a', sizeof(longest));
    longest[POOL_NAME_MAX - 1] = '\0';
    memset(too_long, 'a', sizeof(too_long));
    too_long[POOL_NAME_MAX] = '\0';
    ck_assert_ptr_nonnull(registry_add_pool(registry, "main"));
    ck_assert_ptr_null(registry_add_pool(registry, "main"));
    ck_assert_ptr_null(registry_add_pool(registry, ""));
    ck_assert_ptr_nonnull(registry_add_pool(registry, longest));
    ck_assert_ptr_null(registry_add_pool(registry, too_long));
    registry_give(registry);
}
END_TEST

START_TEST(rows_stay_where_they_are_up_to_the_last_pool)
{
    struct registry *registry = registry_new();
    char name[16];
    struct pool_facts *first = registry_add_pool(registry, "p0");
    for (int i = 1; i < POOLS_MAX; ++i) {
        snprintf(name, sizeof(name), "p%d", i);
        ck_assert_ptr_nonnull(registry_add_pool(registry, name));
    }
    ck_assert_ptr_null(registry_add_pool(registry, "one-more"));
    ck_assert_ptr_eq(registry_pool(registry, "p0"), first);
    registry_give(registry);
}
END_TEST

START_TEST(a_url_gives_address_name_and_authority)
{
    static const struct {
        const char *url;
        const char *address;
        const char *name;
        const char *authority;
    } rows[] = {
        {"https://10.1.2.3:8443", "10.1.2.3:8443", "10.1.2.3", "10.1.2.3:8443"},
        {"https://10.1.2.3:8443/", "10.1.2.3:8443", "10.1.2.3", "10.1.2.3:8443"},
        {"HTTPS://10.1.2.3", "10.1.2.3:443", "10.1.2.3", "10.1.2.3"},
        {"https://[2001:db8::1]:9", "[2001:db8::1]:9", "[2001:db8::1]", "[2001:db8::1]:9"},
        {"https://[::1]", "[::1]:443", "[::1]", "[::1]"},
        {"https://localhost:65535", "127.0.0.1:65535", "localhost", "localhost:65535"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        struct registry *registry = registry_new();
        struct pool_facts *pool = registry_add_pool(registry, "main");
        char text[ADDRESS_TEXT_MAX];
        ck_assert_msg(add(pool, rows[i].url, "", 7, NULL), "%s: %s", rows[i].url, error);
        const struct worker *worker = &pool->workers[0];
        ck_assert_str_eq(address_text(&worker->address, true, text), rows[i].address);
        ck_assert_str_eq(worker->id, rows[i].address);
        ck_assert_str_eq(worker->name, rows[i].name);
        ck_assert_str_eq(worker->authority, rows[i].authority);
        ck_assert_uint_eq(worker->capacity, 7);
        registry_give(registry);
    }
}
END_TEST

START_TEST(other_urls_are_refused_with_a_sentence)
{
    static const struct {
        const char *url;
        const char *says;
    } rows[] = {
        {"", "https://"},
        {"https://", "https://"},
        {"http://10.1.2.3:80", "TLS only"},
        {"unix:/run/w.sock", "TLS only"},
        {"https://unix:/run/w.sock", "port"},
        {"https://worker.example:443", "is a name"},
        {"https://:443", "is a name"},
        {"https:///", "is a name"},
        {"https://10.1.2.3:0", "port"},
        {"https://10.1.2.3:65536", "port"},
        {"https://10.1.2.3:", "port"},
        {"https://10.1.2.3:44x", "port"},
        {"https://10.1.2.3:443/app", "port"},
        {"https://10.1.2.3:443?x", "port"},
        {"https://u@10.1.2.3:443", "is a name"},
        {"https://10.1.2.300:443", "10.1.2.300"},
        {"https://[::1", ""},
        {"https://[]:443", "[]"},
        {"https://[::g]:443", "[::g]"},
        {"https://[::1]443", "port"},
    };
    struct registry *registry = registry_new();
    struct pool_facts *pool = registry_add_pool(registry, "main");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        ck_assert_msg(!add(pool, rows[i].url, "", 0, NULL), "%s was taken", rows[i].url);
        ck_assert_msg(strstr(error, rows[i].says) != NULL && error[0] != '\0', "%s: %s",
                      rows[i].url, error);
    }
    ck_assert_uint_eq(pool->worker_count, 0);
    registry_give(registry);
}
END_TEST

START_TEST(ids_and_addresses_are_unique_in_a_pool)
{
    struct registry *registry = registry_new();
    struct pool_facts *pool = registry_add_pool(registry, "main");
    struct pool_facts *other = registry_add_pool(registry, "other");
    ck_assert(add(pool, "https://10.0.0.1:1", "one", 0, NULL));
    ck_assert(!add(pool, "https://10.0.0.2:1", "one", 0, NULL));
    ck_assert_ptr_nonnull(strstr(error, "\"one\""));
    ck_assert(!add(pool, "https://10.0.0.1:1", "two", 0, NULL));
    ck_assert_ptr_nonnull(strstr(error, "10.0.0.1:1"));
    ck_assert(add(pool, "https://10.0.0.1:2", "two", 0, NULL));
    ck_assert(add(other, "https://10.0.0.1:1", "one", 0, NULL));
    registry_give(registry);
}
END_TEST

START_TEST(an_id_has_letters_and_a_length)
{
    struct registry *registry = registry_new();
    struct pool_facts *pool = registry_add_pool(registry, "main");
    char longest[WORKER_ID_MAX];
    char too_long[WORKER_ID_MAX + 1];
    memset(longest, 'w', sizeof(longest));
    longest[WORKER_ID_MAX - 1] = '\0';
    memset(too_long, 'w', sizeof(too_long));
    too_long[WORKER_ID_MAX] = '\0';
    ck_assert(add(pool, "https://10.0.0.1:1", longest, 0, NULL));
    ck_assert(!add(pool, "https://10.0.0.1:2", too_long, 0, NULL));
    ck_assert(!add(pool, "https://10.0.0.1:3", "a b", 0, NULL));
    ck_assert(!add(pool, "https://10.0.0.1:3", "a\nb", 0, NULL));
    ck_assert(!registry_add_worker(pool, span_text("https://10.0.0.1:3"), span_of("a\0b", 3), 0,
                                   NULL, error, sizeof(error)));
    ck_assert(add(pool, "https://10.0.0.1:3", "A-z_0.9:[]", 0, NULL));
    registry_give(registry);
}
END_TEST

START_TEST(a_pool_takes_4096_workers_and_not_one_more)
{
    struct registry *registry = registry_new();
    struct pool_facts *pool = registry_add_pool(registry, "main");
    char url[64];
    for (int i = 0; i < WORKERS_MAX; ++i) {
        snprintf(url, sizeof(url), "https://10.0.%d.%d:1", i / 256, i % 256);
        ck_assert(add(pool, url, "", 0, NULL));
    }
    ck_assert(!add(pool, "https://10.9.9.9:1", "", 0, NULL));
    ck_assert_ptr_nonnull(strstr(error, "4096"));
    registry_give(registry);
}
END_TEST

START_TEST(a_reload_keeps_the_load_of_the_same_worker_alone)
{
    struct registry *older = registry_new();
    struct pool_facts *was = registry_add_pool(older, "main");
    ck_assert(add(was, "https://10.0.0.1:1", "a", 0, NULL));
    ck_assert(add(was, "https://10.0.0.2:1", "b", 0, NULL));
    ck_assert(worker_load_take(was->workers[0].load, 0));

    struct registry *newer = registry_new();
    struct pool_facts *is = registry_add_pool(newer, "main");
    struct pool_facts *other = registry_add_pool(newer, "other");
    ck_assert(add(is, "https://10.0.0.1:1", "renamed", 0, older));
    ck_assert(add(is, "https://10.0.0.3:1", "b", 0, older));
    ck_assert(add(other, "https://10.0.0.1:1", "a", 0, older));
    ck_assert_ptr_eq(is->workers[0].load, was->workers[0].load);
    ck_assert_ptr_ne(is->workers[1].load, was->workers[1].load);
    ck_assert_ptr_ne(other->workers[0].load, was->workers[0].load);
    registry_give(older);
    ck_assert_uint_eq(atomic_load(&is->workers[0].load->live), 1);
    worker_load_give(is->workers[0].load);
    registry_give(newer);
}
END_TEST

START_TEST(a_load_takes_up_to_its_capacity)
{
    struct worker_load load = {0};
    ck_assert(worker_load_take(&load, 2));
    ck_assert(worker_load_take(&load, 2));
    ck_assert(!worker_load_take(&load, 2));
    ck_assert(worker_load_take(&load, 0));
    worker_load_give(&load);
    worker_load_give(&load);
    ck_assert(worker_load_take(&load, 2));
    ck_assert_uint_eq(atomic_load(&load.live), 2);
}
END_TEST

START_TEST(a_registry_lives_until_its_last_user_gives_it)
{
    struct registry *registry = registry_new();
    ck_assert_ptr_eq(registry_take(registry), registry);
    registry_give(registry);
    ck_assert_ptr_nonnull(registry_add_pool(registry, "still-there"));
    registry_give(registry);
    registry_give(NULL);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_new_pool_has_the_defaults,
                                  a_pool_name_stands_once_and_has_a_length,
                                  rows_stay_where_they_are_up_to_the_last_pool,
                                  a_url_gives_address_name_and_authority,
                                  other_urls_are_refused_with_a_sentence,
                                  ids_and_addresses_are_unique_in_a_pool,
                                  an_id_has_letters_and_a_length,
                                  a_pool_takes_4096_workers_and_not_one_more,
                                  a_reload_keeps_the_load_of_the_same_worker_alone,
                                  a_load_takes_up_to_its_capacity,
                                  a_registry_lives_until_its_last_user_gives_it,
                                  NULL};
    return checks_run("workers/registry", tests);
}
